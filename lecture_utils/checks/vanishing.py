"""Checks for the exercises of notebook 01."""

from collections.abc import Callable

import torch

from lecture_utils.checks.verdict import NotYet, graded, tensor


@graded
def first_over_last(answer: Callable) -> str:
    """Exercise 1.1: the median over nets of first layer / last layer."""
    # Three nets whose ratios are 0.1, 0.5 and 2; their sizes differ by orders of magnitude.
    gradients = torch.tensor([[1.0, 7.0, 10.0], [300.0, 1.0, 600.0], [0.02, 9.0, 0.01]])
    ratios = gradients[:, 0] / gradients[:, -1]
    raw = answer(gradients.clone())
    if callable(raw):
        raise NotYet("You return the method itself: add (), as in .median().")
    if isinstance(raw, tuple):
        raise NotYet(".median(0) returns values and their places: use .median() or .values.")
    if torch.as_tensor(raw).numel() == 3:
        raise NotYet("You return one ratio per net: now take the median over the nets.")
    found = tensor(raw, ()).item()
    mistakes = {
        (gradients[:, 0].median() / gradients[:, -1].median()).item(): (
            "You took the medians over the nets before the ratio. A net's own first and last layer "
            "belong together: divide first, then take the median."
        ),
        (gradients[:, 0].mean() / gradients[:, -1].mean()).item(): (
            "You averaged over the nets before taking the ratio, so the net with the largest "
            "gradients decides alone. Divide first, within each net."
        ),
        ratios.mean().item(): (
            "That is the mean of the ratios. Ratios spread over orders of magnitude, and a mean "
            "follows the largest few: take the median."
        ),
        (1 / ratios).median().item(): "That is last / first: turn the fraction over.",
        (gradients[:, 0] / gradients[:, 1]).median().item(): (
            "You divided by the second layer. The last one is column -1, however deep the net is."
        ),
        (gradients[0] / gradients[-1]).median().item(): (
            "You divided the first net by the last net. Nets are rows; layers are columns."
        ),
    }
    for value, message in mistakes.items():
        if abs(found - value) < 1e-4 * abs(value):
            raise NotYet(message)
    if abs(found - ratios.median().item()) > 1e-4:
        raise NotYet(
            f"For three nets with the ratios 0.1, 0.5 and 2 you return {found:.4g}; the median is "
            f"0.5. Divide column 0 by column -1, then take the median."
        )
    return (
        "This ratio does not change when a net's loss is multiplied by a thousand. Of weight "
        "gradients it still mixes in what comes into each layer; of dL/dh it does not."
    )


@graded
def weight_std(answer: Callable) -> str:
    """Exercise 1.2: weights that keep the gradient's norm in a leaky ReLU net."""
    n = 100
    for a in (0.5, 0.2, 0.0, 1.0):
        std = tensor(answer(n, a), (), "the standard deviation").item()
        right = (2 / ((1 + a**2) * n)) ** 0.5
        mistakes = {
            right**2: "That is the variance; the question asks for the standard deviation.",
            n**-0.5: "That is Xavier's 1/√n: it takes every slope for 1.",
            (2 / n) ** 0.5: "That is He's √(2/n), for a = 0: the leak lets some gradient through.",
            (2 / ((1 + a) ** 2 * n)) ** 0.5: (
                "You squared the mean of the slopes; the law needs the mean of the squares, "
                "(1 + a²)/2."
            ),
            (2 / ((1 + a) * n)) ** 0.5: (
                "Nearly: you averaged the slopes, (1 + a)/2. The law averages their squares, "
                "since it is about the squared norm."
            ),
            (1 / ((1 + a**2) * n))
            ** 0.5: "A factor 2 is missing: only half of the z are negative.",
            (6 / ((1 + a**2) * n)) ** 0.5: (
                "That is the bound of a uniform draw, √3 times the standard deviation."
            ),
            ((1 + a**2) / (2 * n)) ** 0.5: (
                "Upside down: Var(W) is 1 over n E[φ'²], so (1 + a²)/2 stands below the line."
            ),
            (2 / ((1 - a**2) * n)) ** 0.5 if a < 1 else 0.0: (
                "The leak's a² is added: it lets more gradient through, not less."
            ),
            (2 / (1 + a**2)) ** 0.5: "It does not depend on n: a wider layer sums more terms.",
        }
        if abs(std - right) < 1e-6 * right:
            continue
        change = (std / right) ** 30 if std > 0 else 0.0
        for value, message in mistakes.items():
            if abs(std - value) < 1e-6 * value:
                raise NotYet(message)
        raise NotYet(
            f"For n = {n} and a = {a} you give {std:.4g}. With these weights 30 layers would "
            f"multiply the gradient by {change:.2g}; it should be 1."
        )
    return (
        "At a = 0 this is He's √(2/n), at a = 1, where nothing is bent, it is Xavier's 1/√n: one "
        "formula holds both."
    )


@graded
def clip(answer: Callable) -> str:
    """Exercise 1.3: clip gradients by their joint norm."""
    small = [torch.tensor([0.3]), torch.tensor([[0.0, 0.4]])]  # joint norm 0.5
    kept = [
        tensor(G, tuple(S.shape))
        for G, S in zip(_listed(answer(_copy(small), 1.0)), small, strict=True)
    ]
    if any((K - S).abs().max() > 1e-6 for K, S in zip(kept, small, strict=True)):
        raise NotYet(
            "Gradients of joint norm 0.5 were changed although the limit is 1. Below the limit "
            "they must be left alone: the factor is at most 1."
        )
    large = [torch.tensor([6.0]), torch.tensor([[0.0, 8.0]])]  # joint norm 10
    given = _copy(large)
    clipped = [
        tensor(G, tuple(S.shape)) for G, S in zip(_listed(answer(given, 1.0)), large, strict=True)
    ]
    if any(not torch.equal(G, S) for G, S in zip(given, large, strict=True)):
        raise NotYet("You changed the given tensors in place; return new ones.")
    first, second = clipped[0].item(), clipped[1][0, 1].item()
    if abs(first - 0.6) < 1e-3 and abs(second - 0.8) < 1e-3:
        if abs(_listed(answer(_copy(large), 5.0))[0].item() - 3.0) > 1e-3:
            raise NotYet("With limit 1 it is right, with limit 5 it is not: use max_norm.")
        try:
            tensor(_listed(answer([torch.zeros(2)], 1.0))[0], (2,))
        except NotYet as error:
            raise NotYet("For all-zero gradients you divide by 0: leave them alone.") from error
        return (
            "The direction is kept, only the length is cut. What it cannot do: first / last is the "
            "same as before, so clipping does nothing against vanishing."
        )
    if abs(first - second) < 1e-3:
        raise NotYet(
            "You clipped each tensor (or each entry) on its own: 6 and 8 became equal, and the "
            "direction changed. Use one factor, from the joint norm, for all."
        )
    if abs(first - 6 / 14) < 1e-3:
        raise NotYet("You added the norms, 6 + 8. The joint norm is √(6² + 8²) = 10.")
    if abs(first - 0.06) < 1e-3:
        raise NotYet("You divided by the squared norm: a square root is missing.")
    if abs(first - 6) < 1e-3:
        raise NotYet("Nothing was clipped: the joint norm is 10 and the limit 1.")
    raise NotYet(
        f"Gradients (6) and (0, 8) with limit 1 must become (0.6) and (0, 0.8); "
        f"you return {first:.3g} and {second:.3g}."
    )


def _copy(tensors: list) -> list:
    return [t.clone() for t in tensors]


def _listed(result: object) -> list:
    result = list(result) if not isinstance(result, torch.Tensor) else [result]
    if len(result) == 0:
        raise NotYet("You return an empty list; one tensor for each given one is expected.")
    return result
