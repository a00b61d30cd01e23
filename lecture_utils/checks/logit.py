"""Check for notebook 09: a logit, split among those who wrote the stream."""

from collections.abc import Callable

import torch
from torch import Tensor

from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.relations import close
from lecture_utils.checks.values import as_tensor
from lecture_utils.checks.verdict import NotYet, Unrecognised, graded


def _trials() -> list[Trial]:
    rng = torch.Generator().manual_seed(0)

    def draw(count: int, width: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        parts, row = (torch.randn(*n, generator=rng) for n in ((count, width), (width,)))
        return (parts + 0.5).to(dtype), (row + 0.3).to(dtype)

    simple = torch.tensor([[1.0, 2, 6, -1], [3, -1, 0, 2]]), torch.tensor([1.0, 2, -1, 3])
    parts, row = draw(4, 6)
    return [
        Trial((*simple, 1.75), "for two parts of four numbers"),  # −5.6 and 0.8: the divisor is 2.5
        Trial((*draw(4, 6), 0.5), "for four parts of six numbers"),
        Trial((*draw(26, 64, torch.float64), 1e-5), "for 26 parts of width 64"),
        Trial((*draw(1, 5), 0.1), "for one part alone", "its share is the whole logit."),
        Trial((*draw(5, 5), 0.1), "for as many parts as numbers", "is an axis exchanged?"),
        Trial(
            (1e-3 * parts, row),
            "for small parts and the ε that you set yourself",
            "ε is 1e-5 unless another is given, and stands under the root, beside the variance.",
        ),
    ]


@graded
def logit_shares(answer: Callable) -> str:
    """Exercise 9.2: split a logit among the parts of the stream."""
    trials = _trials()
    try:
        judge(answer, _shares, trials, _SLIPS, why=_seen)
    except Unrecognised as unknown:
        given = trials[0].given
        if close(as_tensor(answer(*given)).sum(), _shares(*given).sum()):
            raise NotYet(
                "Your shares add up to the logit, but not part by part: a part's share is its own "
                "centred numbers times the row, over the common divisor, and nothing of other "
                f"parts. {unknown}"
            ) from unknown
        raise
    return (
        "The logit of a whole GPT is now a sum over those who wrote it. Try it: "
        "`parts, _ = parts_of(model, tokens)`, then "
        "`shares(parts[:, 0, 5], model.tokens.weight[tokens[0, 5]])`"
    )


def _spread(x: Tensor, eps: float, correction: int = 0) -> Tensor:
    return (x.var(-1, correction=correction) + eps).sqrt()


def _centred(parts: Tensor) -> Tensor:
    return parts - parts.mean(-1, keepdim=True)


def _shares(parts: Tensor, row: Tensor, eps: float = 1e-5) -> Tensor:
    parts = parts.double()
    return _centred(parts) @ row.double() / _spread(parts.sum(0), eps)


def _less(mean: Callable[[Tensor], Tensor | float]) -> Callable:
    """Return the products with the row where another mean is subtracted."""
    return lambda parts, row: (parts - mean(parts)) @ row


def _over_spread(top: Callable[[Tensor, Tensor], Tensor]) -> Callable:
    """Return the slip that divides something else."""
    return lambda parts, row, eps=1e-5: top(parts, row) / _spread(parts.sum(0), eps)


def _seen(answer: Callable, trial: Trial) -> str | None:
    """Say what is wrong above the divisor, where the divisor is wrong as well."""
    parts, row = (x.double() for x in trial.given[:2])
    found = as_tensor(answer(*(x.clone() if isinstance(x, Tensor) else x for x in trial.given)))
    right = (lambda p, w: _centred(p) @ w, "What stands above the divisor is right.")
    for top, message in (right, *_TOPS) if len(parts) > 1 else ():
        other = top(parts, row)
        if close(found, (found @ other) / (other @ other) * other):
            return (
                f"{message} The divisor is off: one number for all, the root of the sum's variance "
                f"with ε."
            )
    return None


def _over(divisor: Callable[[Tensor, float], Tensor | float]) -> Callable:
    """Return the slip that divides by something else."""
    return lambda parts, row, eps=1e-5: _centred(parts) @ row / divisor(parts, eps)


def _from(shares: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]) -> Callable:
    """Return a slip made of the parts, the row, the divisor and the right shares."""
    return lambda parts, row, eps=1e-5: shares(
        parts, row, _spread(parts.sum(0), eps), _shares(parts, row, eps).to(row)
    )


_OWN = "Each part is normed by its own spread. The divisor belongs to the sum."
_WHOLE = "That is the whole logit; give one share for each of the parts."
_CONFUSED = "You subtract the mean over the *parts*; norm's mean runs over the numbers, dim=-1."
_NORMED = "That is {}, not yet multiplied by the row: multiply, and sum over the width."
_TOPS = (  # what may stand above the divisor
    (_less(lambda p: 0.0), "The mean is still in: norm subtracts x̄, so each part its own mean."),
    (_less(lambda p: p.sum(0).mean()), "You subtract the mean of the whole sum from each part, "
     "2N + 2 times in all. Each part has a mean of its own, and those add up."),
    (_less(lambda p: p.sum(0).mean() / len(p)), "They add up. But you share the sum's mean out "
     "evenly, so each share depends on the other parts. Let each part subtract its own mean."),
    (_less(lambda p: p.mean(0)), _CONFUSED),
    (_less(lambda p: 2 * p.mean(-1, keepdim=True)), "You subtract the mean twice."),
    (_less(lambda p: -p.mean(-1, keepdim=True)), "You add the mean; norm subtracts it."),
    (_less(lambda p: p.sum(-1, keepdim=True)), "You subtract a part's sum; its mean is meant."),
    (_less(lambda p: p.median(-1, keepdim=True).values), "You subtract the median; norm subtracts "
     "the mean."),
    (lambda p, w: p @ w - p.sum(0).mean(), "Norm comes before the product with the row: subtract "
     "the means from the parts."),
    (lambda p, w: p @ w - (p @ w).mean(), "You subtract the mean of the products; each part's own "
     "mean is meant, before the product."),
    (lambda p, w: _centred(p).abs() @ w, "You took absolute values: the signs belong to it."),
    (lambda p, w: (p - p.mean(0)) @ (w - w.mean()), "You subtract the mean over the *parts*, too."),
)  # fmt: skip
_SLIPS = (
    *((_over_spread(top), message) for top, message in _TOPS),
    (_from(lambda p, w, s, right: p @ w), "That is the row times the parts, not normed: subtract "
     "means, then divide."),
    (_over(lambda p, e: 1.0), "The means are gone; now divide by the spread of the sum."),
    (_over(_spread), _OWN),
    (lambda p, w, e=1e-5: p @ w / _spread(p, e), f"{_OWN} And the mean is still in."),
    (_over(lambda p, e: p.norm(dim=-1)), _OWN),
    (_over(lambda p, e: sum(_spread(p, e))), "You added the parts' spreads; the divisor is the "
     "spread of their sum."),
    (_over(lambda p, e: (p.var(-1, correction=0).sum() + e).sqrt()), "You added the parts' "
     "variances. That is the variance of the sum only where parts are unrelated: sum first."),
    (_over(lambda p, e: _spread(p.mean(0), e)), "You took the spread of the parts' *mean*; x is "
     "their sum."),
    (_over(lambda p, e: (p.var(correction=0) + e).sqrt()), "Your variance runs over all parts at "
     "once. It is the variance of their *sum*."),
    (_over(lambda p, e: (p.sum(-1).var(correction=0) + e).sqrt()), "You summed over the width "
     "before the variance: x is the sum over the parts, axis 0."),
    (_over(lambda p, e: _spread(p.sum(0), e, 1)), "Nearly: `var` divides by d − 1 unless told "
     "otherwise; layer norm takes correction=0."),
    (_over(lambda p, e: _spread(p.sum(0), 0, 1)), "ε is missing, and `var` divides by d − 1 unless "
     "told otherwise: correction=0."),
    (_over(lambda p, e: _spread(p.sum(0), 0, 1) + e), "`std` divides by d − 1 unless told "
     "otherwise, and ε stands under the root, beside the variance."),
    (_over(lambda p, e: _spread(p.sum(0), 0)), "ε is missing: it stands under the root."),
    (_over(lambda p, e: _spread(p.sum(0), 0) + e), "ε stands under the root, beside the variance, "
     "not beside the spread."),
    (_over(lambda p, e: _spread(p.sum(0), e**2)), "ε is squared: it stands beside the variance as "
     "it is."),
    (_over(lambda p, e: _spread(p.sum(0), 1e-5)), "You wrote 1e-5; use the ε that is given."),
    (_over(lambda p, e: _spread(p.sum(0), e) ** 2), "You divide by the variance: take its root."),
    (_over(lambda p, e: 1 / _spread(p.sum(0), e)), "You multiply by the spread; divide by it."),
    (_over(lambda p, e: (p.sum(0).square().mean() + e).sqrt()), "Your divisor is the root mean "
     "square of x, as in RMSNorm; the variance is taken around the mean."),
    (_over(lambda p, e: p.sum(0).norm()), "You divide by the length of x; the variance is the mean "
     "of (x − x̄)², and ε is added before the root."),
    (_from(lambda p, w, s, right: right / w.norm()), "You divided by the row's length; it enters "
     "as it is."),
    *((lambda p, w, e=1e-5, k=k: _centred(p) @ w / _spread(p.sum(0), 0, k) + e, "You add ε to the "
       "result; it stands under the root, beside the variance.") for k in (0, 1)),
    (lambda p, w, e=1e-5: torch.stack([_shares(p, w, e).sum() - _shares((p.sum(0) - q)[None], w, e)
                                       .sum() for q in p]),
     "You leave a part out and norm the rest anew. A share may depend on other parts through the "
     "divisor only, and the divisor is that of all."),
    (_from(lambda p, w, s, right: right.sum()), _WHOLE),
    (_from(lambda p, w, s, right: right.sum().expand(len(p))), _WHOLE),
    (_from(lambda p, w, s, right: (right.sum() / len(p)).expand(len(p))), "You share the logit out "
     "evenly, not part by part: each part has a share of its own."),
    (_from(lambda p, w, s, right: right / right.sum()), "You return fractions of the logit; the "
     "shares themselves are asked."),
    (_from(lambda p, w, s, right: right.softmax(-1)), "You took a softmax of the shares; they must "
     "add up to the logit."),
    (_from(lambda p, w, s, right: _centred(p) / s), _NORMED.format("each part, normed")),
    (_from(lambda p, w, s, right: _centred(p) * w / s), "Your products are not summed: sum over "
     "the width."),
    (_from(lambda p, w, s, right: _centred(p).sum(0) / s), _NORMED.format("the sum, normed")),
    (_from(lambda p, w, s, right: (_centred(p) * w / s).sum(0)), "You summed over the parts; sum "
     "over the width, so that one number for each part is left."),
    (_from(lambda p, w, s, right: (_centred(p) * w / s).mean(-1)), "You took a mean over the "
     "width: an inner product is a sum."),
)  # fmt: skip
