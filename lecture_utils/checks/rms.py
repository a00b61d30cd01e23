"""Check of notebook 06: RMSNorm (exercise 6.3)."""

from collections.abc import Callable

import torch
from torch import Tensor

from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.relations import close
from lecture_utils.checks.values import as_tensor
from lecture_utils.checks.verdict import NotYet, Unrecognised, graded


@graded
def rms_norm(answer: Callable) -> str:
    """Exercise 6.3: divide by the root of the mean square, then the gain."""
    try:
        judge(answer, _right, _trials(), _SLIPS)
    except Unrecognised:
        raise NotYet(_located(answer)) from None
    except NotYet as mistake:
        if "must match the size" not in str(mistake):
            raise
        raise NotYet(
            f"{mistake}. The shapes do not fit. A mean over the last axis loses that axis; keep "
            f"it, with keepdim=True. The gain, (d,), fits as it is."
        ) from mistake
    return (
        "Ten times x gives the same result, as with layer norm. A constant added to all entries "
        "does change it: RMSNorm loses one direction, not two, and needs no mean."
    )


def _located(answer: Callable) -> str:
    """Say for which simpler inputs a wrong answer is right."""
    x, gain = _trials()[0].given
    for simple, ones, said in (
        (x, torch.ones(3), "With a gain of ones it is right: look at how the gain enters. Each "
         "entry of a token has its own, gain[i]."),
        (x.abs(), gain, "Without negative entries it is right: the signs of x must stay."),
        (x[:, :1], gain, "With a single token it is right, with two it is not: each token is "
         "divided by its own root."),
    ):  # fmt: skip
        if close(as_tensor(answer(simple.clone(), ones)), _right(simple, ones)):
            return said
    token, alone = torch.tensor([[[3.0, 4.0]]]), torch.ones(2)
    given = [round(value, 3) for value in as_tensor(answer(token, alone)).flatten().tolist()]
    return (
        f"For x = [[[3, 4]]] and a gain of ones the mean square is 12.5, its root 3.54, and the "
        f"result [0.849, 1.131]; yours is {given}. Which step is off?"
    )


def _trials() -> list[Trial]:
    rng = torch.Generator().manual_seed(3)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng)

    return [
        Trial((torch.tensor([[[3.0, 4.0, 0.0], [1.0, 0.0, -2.0]]]), torch.tensor([1.0, 2.0, 1.0])),
              "for two tokens of three numbers"),
        Trial((torch.tensor([3.0, 4.0]), torch.tensor([1.0, 2.0])), "for x = [3, 4] alone", "a "
              "token need not stand in a batch: its numbers are the last axis, -1."),
        Trial((drawn(5, 3) + 0.5, drawn(3)), "for five tokens", "each token is divided by its own "
              "root."),
        Trial((drawn(3, 4, 6) - 0.5, drawn(6)), "for a batch, (3, 4, 6)", "the mean runs over the "
              "last axis, however many there are."),
        Trial((drawn(4, 4, 4), drawn(4)), "where all three sizes are 4", "where sizes are equal, a "
              "wrong axis fits, too: the mean runs over the last one, and the gain has one number "
              "for each entry of a token."),
        Trial((1e-3 * drawn(2, 3, 4), drawn(4), 0.01), "for small tokens and eps = 0.01", "here "
              "eps decides: it is added to the mean square, under the root."),
        Trial((1e-3 * drawn(2, 5), drawn(5)), "for small tokens and eps left away", "eps is 1e-6 "
              "where nobody gives another."),
        Trial((torch.zeros(2, 3), torch.ones(3), 1e-5), "for tokens of zeros", "eps keeps them "
              "from 0/0: they stay zeros."),
        Trial((1e3 * drawn(2, 3), drawn(3), 1e-5), "for long tokens"),
    ]  # fmt: skip


def _square(x: Tensor) -> Tensor:
    return x.square().mean(-1, keepdim=True)


def _right(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    x, gain = x.double(), gain.double()
    return gain * x / (_square(x) + eps).sqrt()


def _over(divisor: Callable[[Tensor, float], Tensor]) -> Callable:
    """Return a norm that divides by something else."""

    def norm(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
        return gain * x / divisor(x, eps)

    return norm


def _layer(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    return _right(x - x.mean(-1, keepdim=True), gain, eps)


_SUM = (
    "You divide by the length of x, the root of the *sum* of squares. With the mean, the entries "
    "come out of size 1 at any d."
)
_SPREAD = "You divide by the standard deviation. RMSNorm knows no mean: square x itself."
_UNUSED = "eps is not used: a token of zeros would become 0/0."
_OUTSIDE = "eps stands outside the root. Inside, it is added to the mean square."
_FIXED = "eps is fixed in your code; use the argument."
_ABS = "That is the mean absolute value; square, then mean, then root."
_SLIPS = (
    (lambda x, g, e=1e-6: x / (_square(x) + e).sqrt(), "The gain is missing: multiply by it at the "
     "end."),
    (lambda x, g, e=1e-6: x / (_square(x) + e).sqrt() / g, "You divide by the gain; multiply."),
    (lambda x, g, e=1e-6: x / (_square(x) + e).sqrt() + g, "You add the gain; multiply by it."),
    (lambda x, g, e=1e-6: (1 + g) * _right(x, torch.ones_like(g), e), "You multiply by 1 + gain, "
     "as Gemma does, whose gains start at 0. Here the gain itself is meant."),
    (lambda x, g, e=1e-6: x / (_square(g * x) + e).sqrt() * g, "The gain is multiplied in before "
     "the mean square is taken; only x belongs there."),
    (lambda x, g, e=1e-6: g**2 * _right(x, torch.ones_like(g), e), "The gain is multiplied twice."),
    (_over(lambda x, e: _square(x) + e), "You divide by the mean square; the root is missing."),
    (_over(lambda x, e: _square(x)), "You divide by the mean square; the root is missing."),
    (_over(lambda x, e: x.norm(dim=-1, keepdim=True)), _SUM),
    (_over(lambda x, e: x.norm(dim=-1, keepdim=True) + e), _SUM),
    (_over(lambda x, e: (x.square().sum(-1, keepdim=True) + e).sqrt()), _SUM),
    (_over(lambda x, e: x.norm(dim=-1, keepdim=True).clamp(min=e)), _SUM),
    (_over(lambda x, e: x.norm(dim=-1, keepdim=True).clamp(min=1e-12)), _SUM),
    (_layer, "That is layer norm: RMSNorm does not subtract the mean."),
    (lambda x, g, e=1e-6: g * (x - x.mean(-1, keepdim=True)) / (_square(x) + e).sqrt(), "RMSNorm "
     "does not subtract the mean."),
    (lambda x, g, e=1e-6: _layer(x, g, 1e-5), "That is layer norm: RMSNorm does not subtract the "
     "mean."),
    (_over(lambda x, e: (x.var(-1, keepdim=True, correction=0) + e).sqrt()), _SPREAD),
    (_over(lambda x, e: (x.var(-1, keepdim=True) + e).sqrt()), _SPREAD),
    (_over(lambda x, e: x.std(-1, keepdim=True) + e), _SPREAD),
    (_over(lambda x, e: x.std(-1, keepdim=True)), _SPREAD),
    (_over(lambda x, e: x.std(-1, keepdim=True, correction=0) + e), _SPREAD),
    (_over(lambda x, e: x.std(-1, keepdim=True, correction=0)), _SPREAD),
    (_over(lambda x, e: (x.square().mean() + e).sqrt()), "One number for all tokens: take the mean "
     "over the last axis only."),
    (_over(lambda x, e: (x.square().mean(0, keepdim=True) + e).sqrt()), "The mean goes over the "
     "first axis, the samples; each token must be normalised by itself: the last axis."),
    (_over(lambda x, e: (x.square().mean(min(1, x.ndim - 1), keepdim=True) + e).sqrt()), "The mean "
     "goes over the tokens; each token must be normalised by itself: the last axis."),
    (_over(lambda x, e: (x.square().mean(1, keepdim=True) + e).sqrt()), "The mean goes over axis "
     "1, the tokens; each token must be normalised by itself: the last axis."),
    (_over(lambda x, e: (x.square().mean(-2, keepdim=True) + e).sqrt()), "The mean goes over the "
     "tokens; each token must be normalised by itself: the last axis."),
    (_over(lambda x, e: 1 / (_square(x) + e).sqrt()), "You multiply by the root; divide."),
    (_over(lambda x, e: x.abs().mean(-1, keepdim=True)), _ABS),
    (_over(lambda x, e: x.abs().mean(-1, keepdim=True) + e), _ABS),
    (_over(lambda x, e: (x.mean(-1, keepdim=True).square() + e).sqrt()), "You square the mean; "
     "take the mean of the squares."),
    (_over(lambda x, e: (x.mean(-1, keepdim=True) + e).sqrt()), "The square is missing: square x, "
     "then take the mean, then the root."),
    (_over(lambda x, e: (x.square().sum(-1, keepdim=True) / (x.shape[-1] - 1) + e).sqrt()), "The "
     "sum of the squares is divided by d − 1; a mean divides by d."),
    (_over(lambda x, e: (x.square().amax(-1, keepdim=True) + e).sqrt()), "You divide by the "
     "largest entry; take the root of the mean square."),
    (_over(lambda x, e: (x.square().median(-1, keepdim=True).values + e).sqrt()), "That is the "
     "median of the squares; take their mean."),
    (_over(lambda x, e: (x.square() + e).sqrt()), "The mean is missing: each entry is divided by "
     "its own size."),
    (_over(lambda x, e: _square(x).sqrt()), _UNUSED),
    (_over(lambda x, e: _square(x).sqrt() + e), _OUTSIDE),
    (_over(lambda x, e: (_square(x) + e**2).sqrt()), "eps is squared; add eps itself to the mean "
     "square."),
    (_over(lambda x, e: ((x.square() + e).sum(-1, keepdim=True) / x.shape[-1] + 1e-6).sqrt()),
     "eps is added twice."),
    (_over(lambda x, e: (_square(x) - e).sqrt()), "eps is subtracted; add it."),
    (_over(lambda x, e: (_square(x + e)).sqrt()), "eps is added to x; add it to the mean square."),
    (_over(lambda x, e: _square(x).clamp(min=e).sqrt()), "eps bounds the mean square from below; "
     "the task adds it."),
    (_over(lambda x, e: _square(x).sqrt().clamp(min=e)), "eps bounds the root from below; the task "
     "adds it to the mean square."),
    (_over(lambda x, e: (_square(x) + 1e-6).sqrt()), _FIXED),
    (_over(lambda x, e: (_square(x) + 1e-5).sqrt()), _FIXED),
    (_over(lambda x, e: (_square(x) + 1e-12).sqrt()), _FIXED),
)  # fmt: skip
