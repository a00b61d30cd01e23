"""One head of attention in five steps, and what each is easily taken for (exercise 6.1)."""

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor


def _scores(Q: Tensor, K: Tensor, x: Tensor) -> Tensor:
    return Q @ K.mT / math.sqrt(K.shape[-1])


def _never(K: Tensor) -> Tensor:
    return torch.full((K.shape[1], K.shape[1]), -1e9, dtype=K.dtype)


def _hidden(value: float, axis: int = -2) -> Callable:
    """Return what gives padding a score: as a key (axis −2) or as a query (axis −1)."""
    return lambda scores, padding: scores.masked_fill(padding.unsqueeze(axis), value)


def _projected(x: Tensor, *W: Tensor) -> list[Tensor]:
    return [x @ w for w in W]


STEPS = {  # from queries and keys to the output; a slip does one or two of them in another way
    "project": _projected,
    "scores": _scores,
    "hide": _hidden(-math.inf),
    "weigh": lambda scores: scores.softmax(-1),
    "after": lambda weights, padding: weights,
    "take": lambda weights, Q, K, V: weights @ V,
}


def head(
    x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, padding: Tensor, **steps: Callable
) -> Tensor:
    """Compute one head in float64, the given steps in another way."""
    do = STEPS | steps
    Q, K, V = do["project"](x.double(), W_Q.double(), W_K.double(), W_V.double())
    weights = do["weigh"](do["hide"](do["scores"](Q, K, x), padding))
    return do["take"](do["after"](weights, padding), Q, K, V)


_NO_MASK = (
    "Without padding it is right; with padding, the words still read it as if no mask were there. "
    "`masked_fill` returns a new tensor; and what must be hidden are the padding's columns (by "
    "whom it is read), not its rows."
)
_LATE = (
    "You hide the padding after the softmax, and the weights that are left do not have the sum 1. "
    "Hide it before."
)
_ONES = "Each query's own weights must have the sum 1: the last axis."
FORMULA = (
    ("scores", lambda Q, K, x: Q @ K.mT, "The root of d_h is missing."),
    ("scores", lambda Q, K, x: Q @ K.mT / K.shape[-1], "You divide by d_h itself; its root is "
     "meant."),
    ("scores", lambda Q, K, x: Q @ K.mT / x.shape[-1] ** 0.5, "You divide by the root of d, a "
     "token's width. The dot product has d_h terms: the number of columns of W_Q."),
    ("scores", lambda Q, K, x: Q @ K.mT / x.shape[-1], "You divide by d, a token's width; the root "
     "of d_h is meant."),
    ("scores", lambda Q, K, x: Q @ K.mT * K.shape[-1] ** 0.5, "You multiply by the root of d_h; "
     "divide."),
    ("scores", lambda Q, K, x: Q @ K.mT / x.shape[1] ** 0.5, "You divide by the root of the number "
     "of tokens; the dot product has d_h terms."),
    ("scores", lambda Q, K, x: Q @ K.mT / x.shape[1], "You divide by the number of tokens; the "
     "root of d_h is meant."),
    ("scores", lambda Q, K, x: Q @ K.mT / x.shape[0] ** 0.5, "You divide by the root of the number "
     "of samples; the dot product has d_h terms: the last axis."),
    ("scores", lambda Q, K, x: Q @ K.mT / K.shape[-1] ** 2, "You divide by the square of d_h; its "
     "root is meant."),
    ("scores", lambda Q, K, x: _scores(K, Q, x), "Rows and columns are exchanged: row i of the "
     "scores must hold query i with every key, Q @ K.mT."),
    ("scores", lambda Q, K, x: _scores(Q, Q, x), "Queries are compared with queries; compare them "
     "with the keys."),
    ("scores", lambda Q, K, x: _scores(K, K, x), "Keys are compared with keys; each query must be "
     "compared with every key."),
    ("scores", lambda Q, K, x: _scores(x.double(), x.double(), x), "The tokens themselves are "
     "compared, as in 6.1; compare queries with keys."),
    ("scores", lambda Q, K, x: x.double() @ x.double().mT / K.shape[-1] ** 0.5, "The tokens "
     "themselves are compared, as in 6.1; compare queries with keys."),
    ("scores", lambda Q, K, x: -_scores(Q, K, x), "The scores have the wrong sign: a large product "
     "must give a large weight."),
    ("scores", lambda Q, K, x: _scores(Q, K, x) + _never(K).triu(1), "A token reads itself and "
     "those before it only: that is a causal mask. Here each token reads all words."),
    ("scores", lambda Q, K, x: _scores(Q, K, x) + _never(K).tril(-1), "A token reads itself and "
     "those after it only. Here each token reads all words."),
    ("scores", lambda Q, K, x: Q @ K, "Q @ K multiplies queries with the wrong axis of the keys: "
     "mind the transpose, `K.mT`."),
    ("scores", lambda Q, K, x: Q @ K.transpose(0, 2), "Mind the transpose: `K.T` turns all three "
     "axes round, `K.mT` only the last two, (batch, time, d_h) to (batch, d_h, time)."),
    ("scores", lambda Q, K, x: Q @ K.transpose(0, 2) / K.shape[-1] ** 0.5, "Mind the transpose: "
     "`K.T` turns all three axes round, `K.mT` only the last two."),
    ("scores", lambda Q, K, x: Q @ K / K.shape[-1] ** 0.5, "Q @ K multiplies queries with the "
     "wrong axis of the keys: mind the transpose, `K.mT`."),
    ("weigh", lambda scores: scores.softmax(-2), "Your softmax runs over "
     f"the queries. {_ONES}"),
    ("weigh", lambda scores: scores.softmax(0), "Your softmax runs over "
     f"the samples of the batch. {_ONES}"),
    ("weigh", lambda scores: scores, "The softmax is missing."),
    ("weigh", lambda scores: scores / scores.sum(-1, keepdim=True), "Each score is divided by the "
     "sum of its row; the softmax takes e to the power of each score before."),
    ("weigh", lambda scores: scores.exp(), "e to the power of the scores, but not divided by the "
     "sum of the row."),
    ("weigh", lambda scores: scores.log_softmax(-1), "That is the logarithm of the softmax."),
    ("weigh", lambda scores: scores.sigmoid(), "A sigmoid weighs each score alone; the softmax "
     "shares out a weight of 1 in each row."),
    ("weigh", lambda scores: scores.flatten(1).softmax(-1).view_as(scores), "Your softmax runs "
     f"over queries and keys at once. {_ONES}"),
    ("weigh", lambda scores: scores.softmax(-1).softmax(-1), "The softmax is taken twice."),
    ("weigh", lambda scores: (scores == scores.amax(-1, keepdim=True)).double(), "Only the best "
     "key is read; the softmax gives a weight to each."),
    ("take", lambda weights, Q, K, V: weights @ Q, "You average the queries; take the values."),
    ("take", lambda weights, Q, K, V: weights @ K, "You average the keys; take the values."),
    ("take", lambda weights, Q, K, V: weights.mT @ V, "Each value is shared out by its column of "
     "the weights: rows and columns are exchanged. Row i holds what query i reads: weights @ V."),
    ("take", lambda weights, Q, K, V: weights, "You return the weights; they still have to be "
     "multiplied with the values."),
    ("take", lambda weights, Q, K, V: weights @ V / K.shape[-1] ** 0.5, "The root of d_h divides "
     "the result. It belongs to the scores, before the softmax."),
    ("take", lambda weights, Q, K, V: weights @ V + V, "The values are added once more: a shortcut "
     "belongs around the layer, not into the head."),
    ("take", lambda weights, Q, K, V: V, "You return the values; each token must become a weighted "
     "mean of them."),
    ("take", lambda weights, Q, K, V: (weights @ V).sum(1, keepdim=True), "You sum over the "
     "queries; each token keeps its own result."),
    ("take", lambda weights, Q, K, V: (weights @ V).mean(1, keepdim=True).expand_as(V), "All "
     "tokens become the same: do not average over the queries."),
)  # fmt: skip
FORMULA += tuple(
    (
        "project",
        lambda x, *W, which=which: [x @ W[k] for k in which],
        "Q, K and V are made with " + ", ".join(f"W_{'QKV'[k]}" for k in which) + ": each needs "
        "its own matrix.",
    )
    for which in itertools.product(range(3), repeat=3)
    if which != (0, 1, 2)
)
MASK = (
    ("hide", lambda scores, padding: scores, _NO_MASK),
    ("hide", _hidden(0.0), "A score of 0 is not a weight of 0: e⁰ = 1. Which score has the weight "
     "0?"),
    ("hide", _hidden(1.0), "A score of 1 is not a weight of 0: which score has?"),
    ("hide", _hidden(math.inf), "A score of +∞ takes all the weight; −∞ takes none."),
    ("hide", _hidden(1e9), "A high score takes all the weight; the lowest takes none."),
    ("hide", lambda s, padding: s.masked_fill(~padding[:, None], -1e9), "Your mask is the wrong "
     "way round: True marks padding, which is hidden."),
    ("hide", lambda s, padding: s.masked_fill(padding[:1, None], -1e9), "The first sample's "
     "padding is hidden in all samples; each has its own."),
    ("hide", lambda s, padding: s.masked_fill(padding[-1:, None], -1e9), "The last sample's "
     "padding is hidden in all samples; each has its own."),
    ("hide", lambda s, padding: s.masked_fill(padding.any(0), -1e9), "Where one sample has "
     "padding, you hide the words of all; each sample has its own mask."),
    ("hide", lambda s, padding: s + padding[:, None], "You add the mask, 1 where padding is, to "
     "the scores; −∞ must stand there."),
    ("hide", lambda s, padding: s - padding[:, None].double(), "Padding's scores are lowered by 1 "
     "only; −∞ must stand there."),
    ("after", lambda weights, padding: weights.masked_fill(padding[:, None], 0) / weights
     .masked_fill(padding[:, None], 0).sum(-2, keepdim=True), _ONES),
)  # fmt: skip
JOINT = (
    ({"scores": lambda Q, K, x: Q @ K.mT,
      "take": lambda weights, Q, K, V: weights @ V / K.shape[-1] ** 0.5}, "The root of d_h divides "
     "the weights. It belongs to the scores, before the softmax."),
    ({"hide": lambda scores, padding: scores,
      "after": lambda weights, padding: weights.masked_fill(padding[:, None], 0)}, _LATE),
    ({"hide": lambda scores, padding: scores,
      "after": lambda weights, padding: weights.masked_fill(padding[:, None], -math.inf)},
     "−∞ is a score, not a weight: hide the padding before the softmax."),
)  # fmt: skip
