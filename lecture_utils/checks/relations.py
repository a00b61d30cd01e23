"""How a wrong result is related to the right one: a sign, a factor, an order, a missing root."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Pairs = Sequence[tuple[Tensor, Tensor]]  # (found, right) in each trial, float64


def close(found: Tensor, right: Tensor, rtol: float = 1e-4) -> bool:
    """Tell whether two results agree up to the rounding of float32, beside the largest entry."""
    if found.shape != right.shape:
        return False
    size = right.abs().max().item() if right.numel() else 0.0
    if not math.isfinite(size):
        return False
    return torch.allclose(found, right, rtol=rtol, atol=max(rtol * 1e-2 * size, 1e-12))


def relation(pairs: Pairs) -> str | None:
    """Say how every wrong result is related to its right one; None if in no way known here.

    Only what holds in all trials is said.
    """
    known = [(f, r) for f, r in pairs if f.shape == r.shape and r.numel()]
    if len(known) < len(pairs) or not known or not any(r.any() for _, r in known):
        return None
    for turn, message in _TURNS:
        if _holds(known, turn):
            return message
    return _scaled(known) or _shifted(known) or _moved(known)


def same_each_time(pairs: Pairs) -> str | None:
    """Say that single numbers are the same each time, where the right ones are not."""
    if len(pairs) < 2 or any(f.numel() != 1 or r.numel() != 1 for f, r in pairs):
        return None
    first, right = pairs[0]
    if all(close(f, first) for f, _ in pairs) and not all(close(r, right) for _, r in pairs):
        return f"You return {first.item():.4g} each time, whatever comes in."
    return None


def _holds(pairs: Pairs, turn: Callable[[Tensor], Tensor]) -> bool:
    """Tell whether `turn` makes every right result the one found, and changes one of them."""
    turned = [turn(right) for _, right in pairs]
    changed = any(not close(t, r) for t, (_, r) in zip(turned, pairs, strict=True))
    same = all(close(f, t) for (f, _), t in zip(pairs, turned, strict=True))
    return changed and same


def _swap(right: Tensor) -> Tensor:
    return right.mT if right.ndim >= 2 else right


def _flip(right: Tensor) -> Tensor:
    return right.flip(-1) if right.ndim else right


def _flip_first(right: Tensor) -> Tensor:
    return right.flip(0) if right.ndim else right


_TURNS = (
    (torch.neg, "The sign is the wrong way round: yours is minus the right result."),
    (_swap, "Rows and columns are exchanged: yours is the transpose of the right result."),
    (_flip, "Right numbers in the reverse order."),
    (_flip_first, "Right numbers in the reverse order, along the first axis."),
    (torch.square, "Yours is the square of the right result: a root is missing."),
    (lambda r: r.abs().sqrt(), "Yours is the root of the right result: one root too many."),
    (lambda r: 1 / r, "Yours is 1 over the right result: turn the fraction over."),
    (lambda r: 1 / r.square(), "Yours is 1 over the square of the right result."),
    (torch.abs, "The signs are lost: yours is the absolute value of the right result."),
    (torch.exp, "Yours is e to the right result: an exp too many."),
    (lambda r: r.abs().log(), "Yours is the logarithm of the right result."),
    (lambda r: r.abs().log10(), "Yours is the logarithm (base 10) of the right result."),
    (torch.round, "Yours is rounded to whole numbers."),
    (torch.floor, "Yours is rounded down to whole numbers."),
    (torch.zeros_like, "Yours is 0 everywhere."),
    (torch.relu, "Negative values are cut off: yours is 0 wherever the right result is negative."),
    (
        lambda r: r / r.sum() if r.ndim else r,
        "Yours are shares of the total.",
    ),
    (
        lambda r: r / r.norm() if r.ndim else r,
        "Yours has length 1.",
    ),
    (
        lambda r: r - r.mean(-1, keepdim=True) if r.ndim else r,
        "Yours has mean 0: a mean has been subtracted that belongs there.",
    ),
    (lambda r: r.softmax(-1) if r.ndim else r, "Yours is the softmax of the right result."),
    (lambda r: r.cumsum(-1) if r.ndim else r, "Yours is the running sum of the right result."),
)


def _scaled(pairs: Pairs) -> str | None:
    """Say by which factor the results are too large, if each is off by one factor."""
    factors = []
    for found, right in pairs:
        if not right.any():
            if found.any():
                return None
            continue
        factor = ((found * right).sum() / right.square().sum()).item()
        if not close(found, factor * right) or factor == 0:
            return None
        factors.append(factor)
    if any(abs(factor - 1) < 1e-4 for factor in factors):
        return None
    if max(factors) - min(factors) < 1e-4 * abs(factors[0]):
        return (
            f"Yours is {_ratio(factors[0])} times the right result, each time: a constant factor "
            f"is missing, or one too many."
        )
    if all(right.numel() > 1 for _, right in pairs):
        said = " and ".join(f"{factor:.3g}" for factor in factors[:2])
        return (
            f"All entries are off by one common factor, which changes from input to input ({said} "
            f"times the right result): look for what everything is multiplied or divided by."
        )
    return None


def _ratio(factor: float) -> str:
    """Write a factor as people would: 2, 1/3, √2, −1/2."""
    for name, value in (
        ("", 1.0),
        ("√2", math.sqrt(2)),
        ("√3", math.sqrt(3)),
        ("π", math.pi),
        ("ln 10", math.log(10)),
    ):
        times, over = factor / value, value / factor
        if abs(times - round(times)) < 1e-4 * abs(times) and 0 < abs(round(times)) <= 4096:
            return f"{round(times)}{name}".removeprefix("1" if name else "")
        if abs(over - round(over)) < 1e-4 * abs(over) and 1 < abs(round(over)) <= 4096:
            return f"{name or 1}/{round(over)}"
    return f"{factor:.3g}"


def _shifted(pairs: Pairs) -> str | None:
    """Say by how much the results are too large, if all are off by the same number."""
    offsets = [(found - right) for found, right in pairs]
    first = offsets[0].flatten()[0].item()
    size = max(right.abs().max().item() for _, right in pairs)
    if abs(first) < 1e-6 * size:
        return None
    if all(((o - first).abs() <= 1e-5 * abs(first) + 1e-9 * size).all() for o in offsets):
        return f"Yours is {abs(first):.4g} too {'large' if first > 0 else 'small'}, each time."
    return None


def _moved(pairs: Pairs) -> str | None:
    """Say where the right numbers stand, if they stand at other places."""
    if any(right.numel() < 3 for _, right in pairs):
        return None
    for step, where in ((1, "one place too late"), (-1, "one place too early")):
        for axis in (-1, 0):
            if all(_rolled(f, r, step, axis) for f, r in pairs):
                return f"Right numbers, but {where}: an index is off by one."
    if all(
        close(f.flatten().sort().values, r.flatten().sort().values) and not close(f, r)
        for f, r in pairs
    ):
        return "Right numbers at the wrong places: their order, or an axis, is exchanged."
    return None


def _rolled(found: Tensor, right: Tensor, step: int, axis: int) -> bool:
    """Tell whether the entries of `right` stand `step` places further on in `found`."""
    length = right.shape[axis]
    if length < 3:
        return False
    a = found.narrow(axis, max(step, 0), length - 1)
    b = right.narrow(axis, max(-step, 0), length - 1)
    return close(a, b) and not close(found, right)
