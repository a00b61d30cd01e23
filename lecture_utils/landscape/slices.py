"""A surface of the loss around a trained net: many nets at once, a few at a time (notebook 05)."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lecture_utils.landscape.inputs import (
    is_plain,
    require_directions,
    require_examples,
    require_net,
    require_steps,
)
from lecture_utils.models import ShortcutMLP, normalise
from lecture_utils.training.loop import cross_entropy


def _logits(model: ShortcutMLP, thetas: Tensor, x: Tensor) -> Tensor:
    """Compute many nets of one architecture at once.

    Args:
        model: gives the architecture; its own weights are not used.
        thetas: (points, P), one net's parameters in each row.
        x: (n, features).

    Returns:
        (points, n, classes).
    """
    parts = thetas.split([p.numel() for p in model.parameters()], dim=1)
    names = dict(model.named_parameters())
    w = {name: t.unflatten(1, names[name].shape) for name, t in zip(names, parts, strict=True)}

    def linear(name, h):
        return torch.baddbmm(w[f"{name}.bias"].unsqueeze(1), h, w[f"{name}.weight"].mT)

    h = linear("stem", x.expand(len(thetas), *x.shape))
    for k, block in enumerate(model.blocks):
        F = linear(f"blocks.{k}.linear", block.phi(normalise(h, block.norm)))
        h = F.add_(h) if block.use_shortcut else F
    return linear("head", h)


def _by_forward(model: nn.Module, thetas: Tensor, x: Tensor) -> Tensor:
    """Compute what `_logits` does by the model's own forward, one net after the other."""
    named = dict(model.named_parameters())
    sizes, logits = [p.numel() for p in named.values()], []
    for theta in thetas:
        parts = zip(named.items(), theta.split(sizes), strict=True)
        weights = {name: part.view(p.shape) for (name, p), part in parts}
        logits.append(functional_call(model, weights, (x,)))
    return torch.stack(logits)


def _program(model: nn.Module, theta: Tensor, x: Tensor) -> Callable:
    """Choose `_logits`, if the net is wired as it knows and gives the same at the centre."""
    if is_plain(model):
        ours, own = _logits(model, theta[None], x)[0], model(x)
        if torch.allclose(ours, own, rtol=1e-3, atol=1e-4, equal_nan=True):
            return _logits
    return _by_forward


@torch.no_grad()
def surface(
    model: ShortcutMLP,
    directions: Sequence[Tensor],
    x: Tensor,
    y: Tensor,
    steps: Tensor,
    chunk: int | None = None,
) -> Tensor:
    """Loss on a plane through the net: f(α, β) = L(θ + αu + βv).

    Args:
        model: the net at the centre, θ, float32 or float64. A subclass, or one with another part,
            a hook or tied weights, is computed by its own forward, point by point (some ten times
            slower), and must be in evaluation mode.
        directions: u and v, each (P,).
        x: (n, features).
        y: (n,) class numbers.
        steps: (k,), the values of α and of β; lengths of the rows if u, v are `filter_normalised`.
        chunk: points computed at a time. None: as many as hold 6,400 examples, which keeps hidden
            layers and weights in a core's cache (benchmarks/landscape.py).

    Returns:
        (k, k) in nats, α by row, β by column. A loss that is not finite is returned as it is.

    Raises:
        ValueError: a weight is NaN, an argument does not fit, or the net draws random numbers.
    """
    require_net(model)
    require_directions(model, directions)
    require_examples(model, x, y)
    chunk = max(1, 6400 // len(x)) if chunk is None else chunk
    require_steps(steps, chunk)
    theta = torch.cat([p.flatten() for p in model.parameters()])
    plane, steps = torch.stack(tuple(directions)).to(theta), steps.to(theta)
    logits = _program(model, theta, x)
    losses = [
        cross_entropy(logits(model, torch.addmm(theta, alpha_beta, plane), x), y)
        for alpha_beta in torch.cartesian_prod(steps, steps).split(int(chunk))
    ]
    return torch.cat(losses).view(len(steps), len(steps))
