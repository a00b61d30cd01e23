"""Check of notebook 01: clipping gradients by their joint norm."""

from collections.abc import Callable
from typing import NoReturn

import torch
from torch import Tensor

from lecture_utils.checks.judge import name_slip
from lecture_utils.checks.values import tensor
from lecture_utils.checks.verdict import NotYet, graded

SMALL = [torch.tensor([0.3]), torch.tensor([[0.0, 0.4]])]  # gradients of joint norm 0.5
LARGE = [torch.tensor([6.0]), torch.tensor([[0.0, 8.0]])]  # gradients of joint norm 10
MIXED = [torch.tensor([[4.0, 0.0]]), torch.tensor(0.3), torch.zeros(2, 3)]  # only one is long
MANY = [torch.full((2,), 0.3) for _ in range(9)]  # each is short, together they are not


@graded
def clip(answer: Callable) -> str:
    """Exercise 1.4: clip gradients by their joint norm."""
    kept = _clipped(answer, SMALL, 1.0)
    if any((K - S).abs().max() > 1e-6 for K, S in zip(kept, SMALL, strict=True)):
        raise NotYet(
            "Gradients of joint norm 0.5 were changed although the limit is 1. Below the limit "
            "they must be left alone: the factor is at most 1."
        )
    first, second = (part.max().item() for part in _clipped(answer, LARGE, 1.0))
    if abs(first - 0.6) > 1e-3 or abs(second - 0.8) > 1e-3:
        _explain_clipping(first, second)
    if abs(_clipped(answer, LARGE, 5.0)[0].item() - 3.0) > 1e-3:
        raise NotYet("With limit 1 it is right, with limit 5 it is not: use max_norm.")
    _same_factor(_clipped(answer, MIXED, 1.0), MIXED)
    _same_factor(_clipped(answer, MANY, 1.0), MANY)
    try:
        _clipped(answer, [torch.zeros(2)], 1.0)
    except NotYet as error:
        raise NotYet("For all-zero gradients you divide by 0: leave them alone.") from error
    return (
        "The direction is kept, only the length is cut. First / last is the same as before, so "
        "clipping does nothing against vanishing."
    )


def _clipped(answer: Callable, gradients: list[Tensor], max_norm: float) -> list[Tensor]:
    """Return what the answer makes of a copy of the gradients, which it must not change."""
    given = [G.clone() for G in gradients]
    handed = list(given)
    returned = answer(handed, max_norm)
    if any(not torch.equal(G, H) for G, H in zip(given, gradients, strict=True)):
        raise NotYet("You changed the given tensors in place; return new ones.")
    if len(handed) != len(given) or any(a is not b for a, b in zip(handed, given, strict=True)):
        raise NotYet("You changed the given list; make a new one.")
    returned = [returned] if isinstance(returned, Tensor) else list(returned)
    if not returned:
        raise NotYet("You return an empty list; one tensor for each given one is expected.")
    if len(returned) != len(gradients):
        raise NotYet(f"You return {len(returned)} tensors for {len(gradients)} given ones.")
    return [tensor(R, tuple(G.shape)) for R, G in zip(returned, gradients, strict=True)]


def _same_factor(found: list[Tensor], gradients: list[Tensor]) -> None:
    """Hold gradients that were clipped to 1 to one common factor."""
    joint = sum(G.double().square().sum() for G in gradients) ** 0.5
    for R, G in zip(found, gradients, strict=True):
        if (R - G / joint).abs().max() > 1e-4:
            raise NotYet(
                "The joint norm is above the limit, and not all tensors were scaled by the same "
                "factor. The limit holds for all of them together: short ones shrink, too."
            )


def _explain_clipping(first: float, second: float) -> NoReturn:
    """Say what is wrong with (6) and (0, 8), clipped to 1."""
    if abs(first - second) < 1e-3:
        raise NotYet(
            "You clipped each tensor (or each entry) on its own: 6 and 8 became equal, and the "
            "direction changed. Use one factor, from the joint norm, for all."
        )
    slips = [
        (6 / 14, "You added the norms, 6 + 8. The joint norm is √(6² + 8²) = 10."),
        (0.06, "You divided by the squared norm: a square root is missing."),
        (6.0, "Nothing was clipped: the joint norm is 10 and the limit 1."),
    ]
    name_slip(first, slips)
    raise NotYet(
        f"Gradients (6) and (0, 8) with limit 1 must become (0.6) and (0, 0.8); "
        f"you return {first:.3g} and {second:.3g}."
    )
