"""Checks of nets, data, directions and products of the loss landscape (notebook 05)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_module

from lecture_utils.models import MLPBlock, ShortcutMLP
from lecture_utils.require.tensors import (
    describe,
    require_classes,
    require_module,
    require_real,
    require_whole,
)
from lecture_utils.training.loop import cross_entropy


def require_weights(model: nn.Module) -> None:
    """Accept a module whose weights are finite numbers of one type, in one place.

    Raises:
        ValueError: it is anything else.
    """
    require_module(model)
    weights = dict(model.named_parameters())
    if not weights:
        raise ValueError(f"this {type(model).__name__} has no weights, so there is no landscape")
    kinds = {(p.dtype, p.device) for p in weights.values()}
    dtype, device = next(iter(kinds))
    if len(kinds) > 1 or dtype not in (torch.float32, torch.float64) or device.type == "meta":
        found = ", ".join(sorted(f"{dtype} on {device}" for dtype, device in kinds))
        raise ValueError(
            f"the weights must be of one type, float32 or float64 (model.float()), and on one "
            f"device, not meta; got {found}"
        )
    for name, p in weights.items():
        if not p.isfinite().all():
            bad = int((~p.isfinite()).sum())
            raise ValueError(
                f"weight {name} holds {bad} NaN or infinite of {p.numel()} values: the training "
                f"went wrong before; a landscape around it shows nothing"
            )


def require_net(model: nn.Module) -> None:
    """Accept a `ShortcutMLP`, or a subclass, whose weights are finite numbers.

    Raises:
        ValueError: it is anything else.
    """
    if not isinstance(model, ShortcutMLP):
        given = type(model).__name__ if isinstance(model, nn.Module) else describe(model)
        raise ValueError(f"the landscape functions know the wiring of ShortcutMLP; got {given}")
    require_weights(model)


def require_rows(model: nn.Module) -> None:
    """Accept a module on the CPU whose parameters are finite matrices or vectors.

    Raises:
        ValueError: it is anything else.
    """
    require_weights(model)
    for name, p in model.named_parameters():
        if p.dim() > 2:
            raise ValueError(f"the rows of {name}, {tuple(p.shape)}, are not defined: no matrix")
        if p.device.type != "cpu":
            raise ValueError(f"{name} is on {p.device}: directions are drawn for model.cpu()")


def is_plain(model: nn.Module) -> bool:
    """Tell whether a net is a `ShortcutMLP` as it was built: no part, name or call changed."""
    if type(model) is not ShortcutMLP or type(getattr(model, "blocks", None)) is not nn.Sequential:
        return False
    if any(type(block) is not MLPBlock for block in model.blocks):
        return False
    parts = {"stem": model.stem, "head": model.head}
    parts |= {f"blocks.{k}.linear": block.linear for k, block in enumerate(model.blocks)}
    names = {f"{name}.{kind}" for name in parts for kind in ("weight", "bias")}
    hooks = [torch_module._global_forward_hooks, torch_module._global_forward_pre_hooks]
    for part in model.modules():
        hooks += [part._forward_hooks, part._forward_pre_hooks]
    return (
        all(type(part) is nn.Linear for part in parts.values())
        and names == {name for name, _ in model.named_parameters()}
        and len(list(model.modules())) == 2 * len(model.blocks) + 4
        and not any(hooks)
        and not any(vars(part).keys() & {"forward", "branch"} for part in model.modules())
    )


def require_examples(model: nn.Module, x: Tensor, y: Tensor) -> None:
    """Accept inputs that fit the net and one class number for each.

    Raises:
        ValueError: shapes, types or devices do not fit, there is no example, x is not finite, y
            is no class; or the net is not as it was built, and cannot take x.
    """
    require_real("x", x)
    require_real("y", y)
    plain, weight = is_plain(model), next(model.parameters())
    features = f"(n, {model.stem.in_features})" if plain else "(n, ...)"
    fits = x.dim() > 0 and len(x) > 0 and y.shape == x.shape[:1]
    if not fits or (plain and (x.dim() != 2 or x.shape[1] != model.stem.in_features)):
        raise ValueError(
            f"expected x of shape {features} and y of shape (n,), at least one example; got "
            f"{tuple(x.shape)} and {tuple(y.shape)}"
        )
    if x.dtype != weight.dtype or x.device != weight.device or y.device != weight.device:
        raise ValueError(
            f"x and y must be where the net's weights are and x of their type, {weight.dtype} on "
            f"{weight.device}; got {describe(x)} and {describe(y)}"
        )
    if not x.isfinite().all():
        raise ValueError("x holds a NaN or infinite value; clean the data first")
    classes = model.head.out_features if plain else _steady(model, x).shape[-1]
    require_classes("y", y, classes)


@torch.no_grad()
def _steady(model: nn.Module, x: Tensor) -> Tensor:
    """Return a changed net's own logits, if it gives the same twice.

    Raises:
        ValueError: it is in training mode, cannot take x, gives no logits, or gives others.
    """
    if any(part.training for part in model.modules()):
        raise ValueError(
            "this net is not the ShortcutMLP that was built (another class, part or hook), and in "
            "training mode, in which parts may act by chance: call model.eval() first"
        )
    try:
        one, two = model(x), model(x)
    except (RuntimeError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"the net cannot take {describe(x)}; PyTorch says: {error}") from error
    if not isinstance(one, Tensor) or one.shape != (len(x), *one.shape[-1:]) or one.numel() == 0:
        raise ValueError(f"the net must give logits (n, classes); it gives {describe(one)}")
    if not torch.equal(one.nan_to_num(), two.nan_to_num()):
        raise ValueError("the net gives two outputs for one input: it draws random numbers")
    return one


def require_curvature(model: nn.Module, x: Tensor, y: Tensor) -> None:
    """Accept a net whose loss can be differentiated twice by each of its weights.

    Raises:
        ValueError: gradients are switched off, a weight is frozen, or the loss, or its gradient,
            does not depend on a weight.
    """
    if not torch.is_grad_enabled():
        raise ValueError(
            "gradients are switched off here: prepare the product outside torch.no_grad() and "
            "torch.inference_mode()"
        )
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    if frozen or any(p.is_inference() for p in model.parameters()):
        raise ValueError(
            f"the Hessian is by all weights, and some need no gradient: "
            f"{', '.join(frozen[:8]) or 'they were made under inference_mode'}. Use a copy of the "
            f"net and requires_grad_(True)"
        )
    if is_plain(model):
        return
    weights = dict(model.named_parameters())
    options = {"create_graph": True, "allow_unused": True}
    try:
        loss = cross_entropy(model(x), y)
        first = torch.autograd.grad(loss, list(weights.values()), **options)
        total = sum(part.sum() for part in first if part is not None)
        second = torch.autograd.grad(total, list(weights.values()), allow_unused=True)
    except RuntimeError as error:
        raise ValueError(f"this loss has no second derivatives; PyTorch says: {error}") from error
    pairs = zip(weights, first, second, strict=True)
    if lost := [name for name, a, b in pairs if a is None or b is None]:
        raise ValueError(f"the loss or its gradient does not depend on {', '.join(lost[:8])}")
    _require_right_curvature(model)


def _require_right_curvature(model: nn.Module) -> None:
    """Raise ValueError for weight norm: PyTorch 2.13's second derivatives of it are wrong."""
    for name, part in model.named_modules():
        kinds = [type(part).__name__, *(type(h).__name__ for h in part._forward_pre_hooks.values())]
        if {"_WeightNorm", "WeightNorm"} & set(kinds):
            raise ValueError(
                f"PyTorch computes wrong second derivatives of weight_norm ({name}): remove it "
                f"first, with torch.nn.utils.parametrize.remove_parametrizations"
            )


def require_directions(model: nn.Module, directions: Sequence[Tensor]) -> None:
    """Accept two finite directions, one number for each parameter.

    Raises:
        ValueError: they are anything else.
    """
    if not isinstance(directions, (Sequence, Tensor)) or isinstance(directions, (str, bytes)):
        raise ValueError(f"directions must be a list of two tensors; got {describe(directions)}")
    size = sum(p.numel() for p in model.parameters())
    shapes = [tuple(getattr(d, "shape", ())) for d in directions]
    if shapes != [(size,), (size,)]:
        raise ValueError(
            f"expected two directions of shape ({size},), one number for each parameter of this "
            f"net; got {shapes}. Were they made for another depth or width?"
        )
    for direction in directions:
        require_real("a direction", direction)
        if not direction.isfinite().all():
            raise ValueError("a direction holds a NaN or infinite value")


def require_steps(steps: Tensor, chunk: int) -> None:
    """Accept at least one finite step, and a positive number of points at a time.

    Raises:
        ValueError: they are anything else.
    """
    require_real("steps", steps)
    if steps.dim() != 1 or len(steps) == 0 or not steps.isfinite().all():
        raise ValueError(
            f"steps must be finite numbers of shape (k,), such as torch.linspace(-1, 1, 51); got "
            f"shape {tuple(steps.shape)}"
        )
    require_whole("chunk", chunk, 1)
