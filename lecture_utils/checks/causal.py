"""Check for notebook 09: the causal mask by hand."""

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.relations import close
from lecture_utils.checks.values import as_tensor
from lecture_utils.checks.verdict import NotYet, graded


class _NoAttention(TorchFunctionMode):
    """While this is on, PyTorch's own attention is refused."""

    def __torch_function__(
        self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        if "attention" in getattr(function, "__name__", ""):
            raise NotYet(
                f"You call PyTorch's attention, `{function.__name__}`. Mask the scores yourself, "
                f"and let a softmax turn them into weights."
            )
        return function(*args, **(kwargs or {}))


def _by_hand(answer: Callable) -> Callable:
    """Return the answer, kept from calling PyTorch's attention."""

    @functools.wraps(answer, updated=())
    def call(scores: Tensor) -> Any:
        with _NoAttention():
            return answer(scores)

    return call


def _trials() -> list[Trial]:
    """Return the notebook's scores, then others; all are exact in float32."""
    rng = torch.Generator().manual_seed(0)

    def quarters(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return ((8 * torch.randn(shape, generator=rng)).round() / 4).to(dtype)

    table = torch.tensor([[2.0, 1, 4, 1], [1, 3, 2, 2], [2, 2, 4, 1], [1, 1, 2, 4]]).log()
    future = torch.ones(4, 4).triu(1)
    axes = "take T from the last axis, and the softmax over the last axis, dim=-1."
    return [
        Trial((table,), "for the table of section 9.1"),
        Trial((quarters(5, 5, dtype=torch.float64),), "for five tokens"),
        Trial((quarters(2, 3, 5, 5),), "for scores of shape (2, 3, 5, 5)", axes),
        Trial((quarters(3, 4, 4),), "for scores of shape (3, 4, 4)", axes),
        Trial((quarters(1, 1),), "for one token alone", "there it looks at itself: weight 1."),
        Trial(
            (quarters(4, 4) + 1e6 * future,),
            "where the future's scores are larger by 1,000,000",
            "e to the future overflows, or the past is rounded to 0 beside it. Take the future "
            "out of the scores, before any exp, and with -inf: a large negative number is no -inf.",
        ),
        Trial(
            (quarters(4, 4) - 1e6,),
            "with scores near -1,000,000",
            "each e^score is rounded to 0 there. Mask with -inf (a large negative number is no "
            "-inf), and let `softmax` divide, or subtract the row's largest score first.",
        ),
    ]


@graded
def causal_weights(answer: Callable) -> str:
    """Exercise 9.1: from scores to causal attention weights."""
    judge(_by_hand(answer), _weights, _trials(), _SLIPS, why=_broken)
    return (
        "Row 0 is always 1, 0, 0, …: the first token can look at itself only, whatever the scores."
    )


def _weights(scores: Tensor, diagonal: int = 0) -> Tensor:
    return _masked(scores.double(), diagonal).softmax(-1)


def _masked(scores: Tensor, diagonal: int = 0, fill: float = -math.inf) -> Tensor:
    """Fill the scores right of a diagonal."""
    return scores.masked_fill(torch.ones_like(scores).triu(diagonal + 1).bool(), fill)


def _broken(answer: Callable, trial: Trial) -> str | None:
    """Say which property of causal weights a wrong result lacks, where no cause is hinted at."""
    (scores,) = trial.given
    if trial.hint:
        return None
    found, right = as_tensor(answer(scores.clone())), _weights(scores)
    future = found.triu(1)
    if (future.abs() > 1e-6).any():
        i, j = future.nonzero()[0].tolist()
        return f"The future gets weight: position {i} looks at position {j}."
    if (found < -1e-6).any():
        return "A weight is negative; a softmax has positive weights only."
    if (blind := (found == 0) & (right > 0)).any():
        i, j = blind.nonzero()[0].tolist()
        return f"Position {i} must see position {j}, which is not in its future; its weight is 0."
    if not close(found.sum(-1), torch.ones(len(found), dtype=torch.float64)):
        return "The weights of a row must sum to 1; yours do not."
    return "The future is hidden, and rows sum to 1; but a weight must grow as e to its score."


_AFTER = "You masked after the softmax: the rows no longer sum to 1. Mask the scores."
_PAST = (
    "Your triangle is the wrong one: position i looks at the future only. Row i is the query, the "
    "one that looks."
)
_NAN = (
    "Some weights are nan: a row in which everything is forbidden, or -inf times 0. Position 0 "
    "looks at itself: is your diagonal shifted?"
)
_SLIPS = (
    (lambda s: s.softmax(-1).tril(), _AFTER),
    (lambda s: _masked(s.softmax(-1), fill=-math.inf), "You masked after the softmax, with -inf. "
     "Mask the scores; then their softmax is 0 there."),
    (lambda s: s.tril().softmax(-1), "Forbidden scores are 0, and e^0 = 1: the future still gets "
     "weight. They must be -inf."),
    (lambda s: _weights(s, 1), "Your diagonal is shifted: position i still looks at i + 1."),
    (lambda s: _weights(s, -1), _NAN),
    (lambda s: _weights(s, -1).nan_to_num(), "Your diagonal is shifted: each position must look "
     "at itself, too."),
    (lambda s: s.softmax(-1), "There is no mask: row 0 looks at all positions."),
    (lambda s: _weights(s.mT).mT, "Your triangle is the wrong one, and the softmax runs over the "
     "wrong axis."),
    (lambda s: s.masked_fill(torch.ones_like(s).tril(-1).bool(), -math.inf).softmax(-1), _PAST),
    (lambda s: s.masked_fill(torch.ones_like(s).tril().bool(), -math.inf).softmax(-1), _PAST),
    (lambda s: s.softmax(-1).triu(), f"{_PAST} And you masked after the softmax."),
    (lambda s: _masked(s).softmax(-2), "The softmax runs over the queries; it belongs over the "
     "keys, dim=-1."),
    (lambda s: _masked(s).flatten(-2).softmax(-1).view_as(s), "Your softmax runs over the whole "
     "map; each row must sum to 1: dim=-1."),
    (lambda s: _masked(s).exp(), "These are exponentials: divide each row by its sum."),
    (_masked, "There is still a -inf in what you return: masked scores, no weights yet."),
    (lambda s: s.tril(), "These are scores, with 0 in the place of the future: no weights yet."),
    (lambda s: _masked(s).log_softmax(-1), "These are the weights' logarithms (log_softmax)."),
    (lambda s: _masked(s).softmax(-1).softmax(-1), "You took the softmax twice."),
    (lambda s: _masked(s).sigmoid(), "You took a sigmoid of each score: the weights of a row must "
     "sum to 1, as a softmax's do."),
    (lambda s: (_masked(s) / s.shape[-1] ** 0.5).softmax(-1), "You divide by a root. What comes in "
     "are scores already: that division is behind them."),
    (lambda s: _masked(s, fill=1.0).softmax(-1), "The future's score must be -inf, that its weight "
     "is 0; you gave it a number."),
    (lambda s: s.tril().masked_fill(s.tril() == 0, -math.inf).softmax(-1), "You mask wherever a "
     "number is 0. A score may be 0 in the past, too: choose by the place, row and column."),
    (lambda s: (s * torch.ones_like(s).tril().masked_fill(_masked(s).isinf(), -math.inf))
     .softmax(-1), "You multiply the scores by -inf: a negative score becomes +inf, and 0 nan. "
     "Put -inf in their place, or add it."),
    (lambda s: s * math.nan, "All is nan: 0 times infinity is nan, in the mask itself. Make the "
     "mask with `masked_fill` or `torch.where`."),
    (lambda s: s.masked_fill(torch.ones_like(s).triu(1).bool(), math.inf).softmax(-1), "The future "
     "gets +inf; what e to it makes 0 is -inf."),
    (lambda s: torch.ones_like(s).tril() / torch.ones_like(s).tril().sum(-1, keepdim=True),
     "You share the weight out evenly over the past; the scores decide how much each gets."),
    (lambda s: _masked(s) / _masked(s).sum(-1, keepdim=True), "You divide the scores themselves by "
     "their sum, and -inf by -inf is nan: an exp comes first."),
    (lambda s: s.tril() / s.tril().sum(-1, keepdim=True), "You divide the scores themselves by "
     "their sum: an exp comes first."),
    (lambda s: torch.ones_like(s).tril(), "That is the mask itself: the weights are missing."),
)  # fmt: skip
