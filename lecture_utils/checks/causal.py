"""Check for notebook 09: the causal mask by hand."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lecture_utils.checks.judge import name_slip
from lecture_utils.checks.values import tensor
from lecture_utils.checks.verdict import NotYet, graded


@graded
def causal_weights(answer: Callable) -> str:
    """Exercise 9.1: from scores to causal attention weights."""
    scores = torch.randn(4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    given = scores.clone()
    raw = answer(given)
    if not torch.equal(given, scores):
        raise NotYet("Your function changed the given scores. Work on a copy (`masked_fill`).")
    if isinstance(raw, Tensor) and raw.shape == scores.shape and raw.isnan().any():
        raise NotYet(
            "Some weights are nan: a row in which everything is forbidden. Position 0 looks at "
            "itself; is your diagonal shifted, or does -inf meet a 0 in a product?"
        )
    if isinstance(raw, Tensor) and raw.isinf().any():
        raise NotYet("There is still a -inf in what you return: masked scores, no weights yet.")
    found = tensor(raw, (4, 4), "the weights")
    right, mistakes = _mask_answers(scores)
    if not torch.allclose(found, right, atol=1e-8):
        name_slip(found, mistakes)
        row = int(((found - right).abs() > 1e-8).any(1).nonzero()[0])
        raise NotYet(
            f"Row {row} should be {_row(right, row)}; yours is {_row(found, row)}. Position {row} "
            f"looks at the positions 0 to {row}, and their weights sum to 1."
        )
    heads = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    raw = answer(heads.clone())
    raw = raw.nan_to_num() if isinstance(raw, Tensor) else raw
    many = tensor(raw, (2, 3, 5, 5), "with leading axes (2, 3), the weights")
    if not torch.allclose(many, _softmax(heads), atol=1e-8):
        raise NotYet(
            "Right for one (T, T) map, wrong for scores of shape (2, 3, 5, 5): take T from the "
            "last axis, and the softmax over the last axis, dim=-1."
        )
    _try_extremes(answer, scores, right)
    return (
        "Row 0 is always 1, 0, 0, …: the first token can look at itself only, whatever the scores."
    )


def _try_extremes(answer: Callable, scores: Tensor, right: Tensor) -> None:
    """Raise `NotYet` if the weights go wrong where the future is loud, or all scores are low."""
    raw = torch.as_tensor(answer(scores + 2000 * torch.ones_like(scores).triu(1)))
    if raw.shape != right.shape or not torch.allclose(raw.to(right), right, atol=1e-8):
        raise NotYet(
            "Right as long as the future's scores are small. Where they are 2,000 larger, e to the "
            "future overflows, or e to the past is rounded to 0 beside it: take the future out of "
            "the scores, before any exp."
        )
    raw = torch.as_tensor(answer(scores - 1e6))
    if raw.isnan().any():
        raise NotYet(
            "With scores near -1,000,000 each e^score is rounded to 0, and a row is 0/0. Let "
            "`softmax` do the division, or subtract the row's largest score first."
        )
    far = tensor(raw, (4, 4), "with scores near -1e6, the result")
    if not torch.allclose(far, _softmax(scores - 1e6), atol=1e-8):
        raise NotYet(
            "Right for scores near 0. With scores near -1,000,000 the future gets in: a large "
            "negative number is no -inf."
        )


def _softmax(scores: Tensor, diagonal: int = 0) -> Tensor:
    allowed = torch.ones(scores.shape[-2:], dtype=torch.bool).tril(diagonal)
    return scores.masked_fill(~allowed, -math.inf).softmax(-1)


def _row(weights: Tensor, row: int) -> str:
    return "[" + ", ".join(f"{w:.3f}" for w in weights[row]) + "]"


def _mask_answers(scores: Tensor) -> tuple[Tensor, list[tuple[Tensor, str]]]:
    """Return the right weights and what the usual slips give instead."""
    everything, lower = scores.softmax(-1), scores.tril()
    upper = _softmax(scores.T).T  # allowed: j >= i, softmax over the column
    future = scores.masked_fill(torch.ones(4, 4, dtype=torch.bool).tril(-1), -math.inf)
    columns = scores.masked_fill(torch.ones(4, 4, dtype=torch.bool).triu(1), -math.inf).softmax(0)
    return _softmax(scores), [
        (
            everything.tril(),
            "You masked after the softmax: the rows no longer sum to 1. Mask the scores.",
        ),
        (
            lower.softmax(-1),
            "Forbidden scores are 0, and e^0 = 1: the future still gets weight. They must be -inf.",
        ),
        (_softmax(scores, 1), "Your diagonal is shifted: position i still looks at i + 1."),
        (everything, "There is no mask: row 0 looks at all four positions."),
        (
            future.softmax(-1),
            "Your triangle is the wrong one: position i looks at the future only.",
        ),
        (upper, "Your triangle is the wrong one, and the softmax runs over the wrong axis."),
        (columns, "The softmax runs over the queries; it belongs over the keys, dim=-1."),
        (
            scores.masked_fill(torch.ones(4, 4, dtype=torch.bool).triu(1), -math.inf).exp(),
            "These are exponentials: divide each row by its sum.",
        ),
    ]
