"""Checks of notebook 01: ratios of gradients, and starting weights that keep them."""

from collections.abc import Callable

import torch
from torch import Tensor

from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.verdict import graded


@graded
def first_over_last(answer: Callable) -> str:
    """Exercise 1.1: the median over nets of first layer / last layer."""
    # Three nets whose ratios are 0.1, 0.5 and 2; their sizes differ by orders of magnitude.
    three = torch.tensor([[1.0, 7.0, 10.0], [300.0, 1.0, 600.0], [0.02, 9.0, 0.01]])
    four = torch.tensor([[1.0, 9.0, 5.0, 4.0], [3.0, 1.0, 7.0, 2.0], [8.0, 3.0, 9.0, 1.0]])
    many = 10 ** torch.randn(7, 6, generator=torch.Generator().manual_seed(0))
    trials = (
        Trial((three,), "for three nets of 3 layers"),
        Trial((four,), "for nets of 4 layers", "the last layer is column -1, however deep."),
        Trial((many,), "for seven nets of 6 layers"),
        Trial((many[:1],), "for one net alone"),
        Trial((1e-30 * many,), "where sizes are near 1e-30"),
    )
    judge(answer, _ratio, trials, _RATIO_SLIPS)
    return (
        "This ratio does not change when a net's loss is multiplied by a thousand. Of weights' "
        "gradients it still mixes in what comes into each layer; of the signal it does not."
    )


def _ratio(sizes: Tensor) -> Tensor:
    return (sizes[:, 0] / sizes[:, -1]).median()


_BEFORE = (
    "You summarised over the nets before the ratio. A net's own first and last layer belong "
    "together: divide first, then take the median."
)
_RATIO_SLIPS = (
    (lambda s: s[:, 0] / s[:, -1], "You return one ratio per net: now take the median over the "
     "nets."),
    (lambda s: s[:, 0].median() / s[:, -1].median(), _BEFORE),
    (lambda s: s[:, 0].mean() / s[:, -1].mean(), "You averaged over the nets before taking the "
     "ratio, so the net with the largest gradients decides alone. Divide first, within each net."),
    (lambda s: (s[:, 0] / s[:, -1]).mean(), "That is the mean of the ratios. Ratios spread over "
     "orders of magnitude, and a mean follows the largest few: take the median."),
    (lambda s: (s[:, 0] / s[:, -1]).log().mean().exp(), "That is the geometric mean of the ratios; "
     "asked for is their median."),
    (lambda s: (s[:, 0] / s[:, -1]).max(), "That is the largest ratio; take the median."),
    (lambda s: (s[:, 0] / s[:, -1]).min(), "That is the smallest ratio; take the median."),
    (lambda s: (s[:, 0] / s[:, -1]).sum(), "That is the sum of the ratios; take the median."),
    (lambda s: s[0, 0] / s[0, -1], "That is the ratio of the first net alone."),
    (lambda s: s[-1, 0] / s[-1, -1], "That is the ratio of the last net alone."),
    (lambda s: (s[:, -1] / s[:, 0]).median(), "That is last / first: turn the fraction over."),
    (lambda s: (s[:, 0] / s[:, 1]).median(), "You divided by the second layer. The last one is "
     "column -1, however deep the net is."),
    (lambda s: (s[:, 0] / s[:, -2]).median(), "You divided by the layer before the last one, "
     "column -2."),
    (lambda s: (s[:, 1] / s[:, -1]).median(), "You divided the second layer: the first is column "
     "0."),
    (lambda s: (s[0] / s[-1]).median(), "You divided the first net by the last net. Nets are rows; "
     "layers are columns."),
    (lambda s: s.median(0).values[0] / s.median(0).values[-1], _BEFORE),
    (lambda s: (s[:, :-1] / s[:, 1:]).quantile(0.5), "You took every layer over the next one; the "
     "first over the last is asked for, one ratio for each net."),
    (lambda s: (s[:, 0].sort().values / s[:, -1].sort().values).median(), "You sorted each layer "
     "by itself, so a ratio mixes two nets. A net's own first and last layer belong together."),
    (lambda s: (s[:, 0] / s[:, -1])[len(s) // 2], "You took the net in the middle of the rows; the "
     "median is the middle of the ratios, sorted by size."),
    (lambda s: (s[:, 0] / s.sum(1)).median(), "You divided by the sum over all layers; divide by "
     "the last layer."),
    (lambda s: (s[:, 0] / s.max(1).values).median(), "You divided by the largest layer; divide by "
     "the last one."),
    (lambda s: (s[:, 0] - s[:, -1]).median(), "You subtracted; a ratio divides."),
    (lambda s: (s[:, 0] * s[:, -1]).median(), "You multiplied; a ratio divides."),
)  # fmt: skip


@graded
def weight_std(answer: Callable) -> str:
    """Exercise 1.3: weights that keep the gradient's norm in a leaky ReLU net."""
    cases = ((100, 0.5), (64, 0.2), (400, 0.0), (10, 1.0), (100, -0.5), (7, 3.0), (1, 0.1))
    names = ("", "", "without a leak, a = 0", "where nothing is bent, a = 1", "for a negative leak",
             "for a leak steeper than 1", "for a layer of one neuron")  # fmt: skip
    hints = {0.0: "at a = 0 it is √(2/n).", 1.0: "at a = 1 it is 1/√n.",
             -0.5: "a enters squared: −0.5 and 0.5 need the same weights."}  # fmt: skip
    first = "for n = 100 and a = 0.5"
    trials = [Trial((n, a), name or first, hints.get(a, ""))
              for (n, a), name in zip(cases, names, strict=True)]  # fmt: skip
    judge(answer, _std, trials, _STD_SLIPS)
    return (
        "At a = 0 this is He's √(2/n), at a = 1, where nothing is bent, it is Xavier's 1/√n: one "
        "formula holds both."
    )


def _std(n: int, a: float) -> float:
    return (2 / ((1 + a**2) * n)) ** 0.5


_LEAK = "The leak's a² is added: it lets more gradient through, not less."
_STD_SLIPS = (
    (lambda n, a: 2 / ((1 + a**2) * n), "That is the variance; the question asks for the standard "
     "deviation."),
    (lambda n, a: n**-0.5, "That is Xavier's 1/√n: it takes every slope for 1."),
    (lambda n, a: (2 / n) ** 0.5, "That is He's √(2/n), for a = 0: the leak lets some gradient "
     "through."),
    (lambda n, a: (4 / ((1 + a) ** 2 * n)) ** 0.5, "You squared the mean of the slopes; the law "
     "needs the mean of the squares, (1+a²)/2."),
    (lambda n, a: (2 / ((1 + a) ** 2 * n)) ** 0.5, "(1 + a)² is not 1 + a²: square each slope "
     "first, then add."),
    (lambda n, a: (1 / ((1 + a) * n)) ** 0.5, "You added the slopes: square them, then take the "
     "mean."),
    (lambda n, a: (2 / ((1 + a) * n)) ** 0.5, "Nearly: you averaged the slopes, (1 + a)/2. The law "
     "averages their squares, since it is about the squared norm."),
    (lambda n, a: (1 / ((1 + a**2) * n)) ** 0.5, "A factor 2 is missing: only half of the z are "
     "negative."),
    (lambda n, a: (6 / ((1 + a**2) * n)) ** 0.5, "That is the bound of a uniform draw, √3 times "
     "the standard deviation."),
    (lambda n, a: ((1 + a**2) / (2 * n)) ** 0.5, "Upside down: Var(W) is 1 over n E[φ'²], so "
     "(1 + a²)/2 stands below the line."),
    (lambda n, a: (2 / n * (1 + a**2)) ** 0.5, "Brackets: 1 + a² stands below the line, with n."),
    (lambda n, a: ((1 + a**2) * n / 2) ** 0.5, "Upside down: Var(W) is 1 over n E[φ'²]."),
    (lambda n, a: (2 / ((1 - a**2) * n)) ** 0.5, _LEAK),
    (lambda n, a: (2 / ((1 + a * abs(a)) * n)) ** 0.5, _LEAK),
    (lambda n, a: (2 / (1 + a**2)) ** 0.5, "It does not depend on n: a wider layer sums more "
     "terms."),
    (lambda n, a: (2 / (1 + a**2)) ** 0.5 / n, "You divided by n; its root is meant, since the "
     "squares add."),
    (lambda n, a: (2 * n / (1 + a**2)) ** 0.5, "n stands below the line: a wider layer sums more "
     "terms, so each must be smaller."),
    (lambda n, a: (2 / (a**2 * n)) ** 0.5, "Only the leaky half is counted: the other half of the "
     "neurons has slope 1."),
    (lambda n, a: (2 / (2 * n + a**2)) ** 0.5, "Brackets: the whole sum 1 + a² is multiplied by "
     "n."),
    (lambda n, a: (2 / (n + a**2)) ** 0.5, "Brackets: n multiplies the whole sum, (1 + a²) n."),
    (lambda n, a: (2 / (1 + a**2 * n)) ** 0.5, "Brackets: n multiplies the whole sum, (1 + a²) n."),
    (lambda n, a: 2**0.5 / ((1 + a**2) * n), "The root goes over the whole fraction, not over the "
     "2 alone."),
    (lambda n, a: (2 / (1 + a**2) * n) ** 0.5, "n stands below the line; Python divides and "
     "multiplies from the left."),
    (lambda n, a: (2 / ((1 + 2 * a) * n)) ** 0.5, "a is doubled, not squared: a**2."),
    (lambda n, a: (2 / ((1 + abs(a) ** 0.5) * n)) ** 0.5, "You took the root of a; square it."),
)  # fmt: skip
