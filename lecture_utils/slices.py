"""A surface of the loss around a trained net: many nets at once, a few at a time (notebook 05)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lecture_utils.landscape import (
    require_directions,
    require_examples,
    require_net,
    require_steps,
)
from lecture_utils.models import ShortcutMLP, normalise
from lecture_utils.training import cross_entropy


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
        model: the net at the centre, θ.
        directions: u and v, each (P,).
        x: (n, features).
        y: (n,) class numbers.
        steps: (k,), the values of α and of β, in lengths of the rows if u and v are
            `filter_normalised`.
        chunk: points computed at a time. None: as many as hold 6,400 examples, which keeps hidden
            layers and weights in a core's cache (benchmarks/landscape.py).

    Returns:
        (k, k) in nats, α by row, β by column. A loss that is not finite is returned as it is.

    Raises:
        ValueError: a weight is NaN, directions or data do not fit the net, or steps is empty.
    """
    require_net(model)
    require_directions(model, directions)
    require_examples(model, x, y)
    chunk = max(1, 6400 // len(x)) if chunk is None else chunk
    require_steps(steps, chunk)
    theta = torch.cat([p.flatten() for p in model.parameters()])
    plane = torch.stack(tuple(directions))
    losses = [
        cross_entropy(_logits(model, torch.addmm(theta, alpha_beta, plane), x), y)
        for alpha_beta in torch.cartesian_prod(steps, steps).split(chunk)
    ]
    return torch.cat(losses).view(len(steps), len(steps))
