"""Checks for the exercises of notebook 01."""

from collections.abc import Callable
from typing import NoReturn

import torch
from torch import Tensor

from lecture_utils.checks.verdict import NotYet, graded, name_slip, tensor

SMALL = [torch.tensor([0.3]), torch.tensor([[0.0, 0.4]])]  # gradients of joint norm 0.5
LARGE = [torch.tensor([6.0]), torch.tensor([[0.0, 8.0]])]  # gradients of joint norm 10


@graded
def first_over_last(answer: Callable) -> str:
    """Exercise 1.1: the median over nets of first layer / last layer."""
    # Three nets whose ratios are 0.1, 0.5 and 2; their sizes differ by orders of magnitude.
    gradients = torch.tensor([[1.0, 7.0, 10.0], [300.0, 1.0, 600.0], [0.02, 9.0, 0.01]])
    raw = answer(gradients.clone())
    if callable(raw):
        raise NotYet("You return the method itself: add (), as in .median().")
    if isinstance(raw, tuple):
        raise NotYet(".median(0) returns values and their places: use .median() or .values.")
    if torch.as_tensor(raw).numel() == 3:
        raise NotYet("You return one ratio per net: now take the median over the nets.")
    found = tensor(raw, ()).item()
    name_slip(found, _ratio_slips(gradients))
    if abs(found - 0.5) > 1e-4:
        raise NotYet(
            f"For three nets with the ratios 0.1, 0.5 and 2 you return {found:.4g}; the median is "
            f"0.5. Divide column 0 by column -1, then take the median."
        )
    return (
        "This ratio does not change when a net's loss is multiplied by a thousand. Of weight "
        "gradients it still mixes in what comes into each layer; of dL/dh it does not."
    )


def _ratio_slips(gradients: Tensor) -> list[tuple[Tensor, str]]:
    first, last = gradients[:, 0], gradients[:, -1]
    return [
        (
            first.median() / last.median(),
            "You took the medians over the nets before the ratio. A net's own first and last layer "
            "belong together: divide first, then take the median.",
        ),
        (
            first.mean() / last.mean(),
            "You averaged over the nets before taking the ratio, so the net with the largest "
            "gradients decides alone. Divide first, within each net.",
        ),
        (
            (first / last).mean(),
            "That is the mean of the ratios. Ratios spread over orders of magnitude, and a mean "
            "follows the largest few: take the median.",
        ),
        ((last / first).median(), "That is last / first: turn the fraction over."),
        (
            (first / gradients[:, 1]).median(),
            "You divided by the second layer. The last one is column -1, however deep the net is.",
        ),
        (
            (gradients[0] / gradients[-1]).median(),
            "You divided the first net by the last net. Nets are rows; layers are columns.",
        ),
    ]


@graded
def weight_std(answer: Callable) -> str:
    """Exercise 1.2: weights that keep the gradient's norm in a leaky ReLU net."""
    n = 100
    for a in (0.5, 0.2, 0.0, 1.0):
        std = tensor(answer(n, a), (), "the standard deviation").item()
        right = (2 / ((1 + a**2) * n)) ** 0.5
        if abs(std - right) < 1e-6 * right:
            continue
        name_slip(std, _std_slips(n, a))
        change = (std / right) ** 30 if std > 0 else 0.0
        raise NotYet(
            f"For n = {n} and a = {a} you give {std:.4g}. With these weights 30 layers would "
            f"multiply the gradient by {change:.2g}; it should be 1."
        )
    return (
        "At a = 0 this is He's √(2/n), at a = 1, where nothing is bent, it is Xavier's 1/√n: one "
        "formula holds both."
    )


def _std_slips(n: int, a: float) -> list[tuple[float, str]]:
    square = 2 / ((1 + a**2) * n)
    return [
        (square, "That is the variance; the question asks for the standard deviation."),
        (n**-0.5, "That is Xavier's 1/√n: it takes every slope for 1."),
        ((2 / n) ** 0.5, "That is He's √(2/n), for a = 0: the leak lets some gradient through."),
        (
            (2 / ((1 + a) ** 2 * n)) ** 0.5,
            "You squared the mean of the slopes; the law needs the mean of the squares, (1+a²)/2.",
        ),
        (
            (2 / ((1 + a) * n)) ** 0.5,
            "Nearly: you averaged the slopes, (1 + a)/2. The law averages their squares, since it "
            "is about the squared norm.",
        ),
        ((square / 2) ** 0.5, "A factor 2 is missing: only half of the z are negative."),
        (
            (3 * square) ** 0.5,
            "That is the bound of a uniform draw, √3 times the standard deviation.",
        ),
        (
            ((1 + a**2) / (2 * n)) ** 0.5,
            "Upside down: Var(W) is 1 over n E[φ'²], so (1 + a²)/2 stands below the line.",
        ),
        (
            (2 / ((1 - a**2) * n)) ** 0.5 if a < 1 else 0.0,
            "The leak's a² is added: it lets more gradient through, not less.",
        ),
        ((square * n) ** 0.5, "It does not depend on n: a wider layer sums more terms."),
    ]


@graded
def clip(answer: Callable) -> str:
    """Exercise 1.3: clip gradients by their joint norm."""
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
    try:
        _clipped(answer, [torch.zeros(2)], 1.0)
    except NotYet as error:
        raise NotYet("For all-zero gradients you divide by 0: leave them alone.") from error
    return (
        "The direction is kept, only the length is cut. What it cannot do: first / last is the "
        "same as before, so clipping does nothing against vanishing."
    )


def _clipped(answer: Callable, gradients: list[Tensor], max_norm: float) -> list[Tensor]:
    """Return what the answer makes of a copy of the gradients, which it must not change."""
    given = [G.clone() for G in gradients]
    returned = answer(given, max_norm)
    returned = [returned] if isinstance(returned, Tensor) else list(returned)
    if not returned:
        raise NotYet("You return an empty list; one tensor for each given one is expected.")
    found = [tensor(R, tuple(G.shape)) for R, G in zip(returned, gradients, strict=True)]
    if any(not torch.equal(G, H) for G, H in zip(given, gradients, strict=True)):
        raise NotYet("You changed the given tensors in place; return new ones.")
    return found


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
