"""Check for notebook 06: one head of attention, for a batch and with padding (exercise 6.1)."""

import inspect
import math
from collections.abc import Callable

import torch
from torch import Tensor

from lecture_utils.checks.judge import name_slip
from lecture_utils.checks.values import tensor
from lecture_utils.checks.verdict import NotYet, graded

# batch, time, d, d_h, size of the tokens; no two of the first four are equal, but in the last
_CASES = ((2, 5, 6, 3, 1.0), (1, 4, 3, 8, 1.0), (4, 6, 2, 5, 12.0), (3, 3, 3, 3, 1.0))
_INVERTED = "Is your mask the wrong way round? True marks padding, which is hidden."
_READY_MADE = {"scaled_dot_product_attention", "MultiheadAttention", "SelfAttention", "head"}


@graded
def attention(answer: Callable) -> str:
    """Exercise 6.1: softmax(Q Kᵀ / √d_h) V for a batch, in which nobody reads padding."""
    ready = _READY_MADE & set(getattr(inspect.unwrap(answer), "__code__", _NO_CODE).co_names)
    if ready:
        raise NotYet(f"Write the formula itself, without {ready.pop()}.")
    for seed, case in enumerate(_CASES):
        x, W, padding = _inputs(*case, seed=seed)
        bare = torch.zeros_like(padding)
        _require_formula(_call(answer, x, W, bare), x, W)
        _require_mask(_call(answer, x, W, padding), x, W, padding)
    return (
        "Four lines, and nothing of attention is missing but the heads. (`scaled_dot_product_"
        "attention` takes such a mask the other way round: True where a token *may* be read.)"
    )


def _no_code() -> None:
    """Stand in for a callable that has no code of its own."""


_NO_CODE = _no_code.__code__


def _inputs(
    batch: int, time: int, d: int, d_h: int, size: float, seed: int
) -> tuple[Tensor, list[Tensor], Tensor]:
    """Draw tokens, three matrices, and padding at the end of every sample but the last."""
    rng = torch.Generator().manual_seed(seed)
    x = size * torch.randn(batch, time, d, generator=rng)
    W = list(torch.randn(3, d, d_h, generator=rng))
    words = torch.randint(1, time, (batch, 1), generator=rng)
    words[-1] = time - (batch == 1)
    return x, W, torch.arange(time) >= words


def _call(answer: Callable, x: Tensor, W: list[Tensor], padding: Tensor) -> Tensor:
    """Call the answer with copies; refuse a wrong shape, a changed input, and NaN."""
    given = [x.clone(), *(w.clone() for w in W), padding.clone()]
    batch, time, d_h = *padding.shape, W[0].shape[1]
    try:
        found = answer(*given)
    except NotYet as mistake:
        _explain(str(mistake))
        raise
    if any(not torch.equal(a, b) for a, b in zip(given, [x, *W, padding], strict=True)):
        raise NotYet("Your function changes one of its arguments. Make new tensors instead.")
    if isinstance(found, Tensor) and found.isnan().any():
        if tuple(found.shape[:2]) == (batch, time) and found[~padding].isnan().any():
            raise NotYet(f"NaN: some row of scores is −∞ throughout. {_INVERTED}")
        raise NotYet(
            "NaN: some row of scores is −∞ throughout, and its softmax is 0/0. Hide the padding "
            "from all queries (columns of the scores); do not hide the padding's own rows."
        )
    if isinstance(found, Tensor) and tuple(found.shape) == (batch, time, time) != (
        batch,
        time,
        d_h,
    ):
        raise NotYet("You return the weights; they still have to be multiplied with the values.")
    return tensor(found, (batch, time, d_h))


def _explain(error: str) -> None:
    """Say what lies behind the usual errors of shapes."""
    if "must match the size of tensor b" in error and "dimension 0" not in error:
        raise NotYet(
            f"{error}. Scores are (batch, queries, keys) and padding is (batch, keys): PyTorch "
            f"takes its samples for queries. What is missing is an axis for the queries."
        )
    if any(words in error for words in ("mat1 and mat2", "dimension 0", "Expected size for")):
        raise NotYet(
            f"{error}. Mind the transpose: `K.T` turns all three axes round, `K.mT` only the last "
            f"two, (batch, time, d_h) to (batch, d_h, time)."
        )


def _weights(x: Tensor, W: list[Tensor], scale: float | None = None) -> Tensor:
    """Return the scores of all queries with all keys, (batch, time, time), in float64."""
    Q, K = x.double() @ W[0].double(), x.double() @ W[1].double()
    return Q @ K.mT / (math.sqrt(W[0].shape[1]) if scale is None else scale)


def _require_formula(found: Tensor, x: Tensor, W: list[Tensor]) -> None:
    """Refuse a result without padding that is not the formula's, and name the slip."""
    Q, K, V = (x.double() @ w.double() for w in W)
    scores, (d, d_h) = _weights(x, W), W[0].shape
    if _near(found, scores.softmax(-1) @ V):
        return
    slips = [
        (_weights(x, W, 1).softmax(-1) @ V, "The root of d_h is missing."),
        (_weights(x, W, d_h).softmax(-1) @ V, "You divide by d_h itself; its root is meant."),
        (_weights(x, W, math.sqrt(d)).softmax(-1) @ V, "You divide by the root of d, a token's "
         "width. The dot product has d_h terms: the number of columns of W_Q."),
        (_weights(x, W, d_h**-0.5).softmax(-1) @ V, "You multiply by the root of d_h; divide."),
        (_weights(x, W, math.sqrt(x.shape[1])).softmax(-1) @ V, "You divide by the root of the "
         "number of tokens; the dot product has d_h terms."),
        (scores.softmax(-2) @ V, "Your softmax runs over the queries. Each query's own weights "
         "must have the sum 1: the last axis."),
        (scores.softmax(0) @ V, "Your softmax runs over the samples of the batch: take the last "
         "axis, the keys."),
        (scores.mT.softmax(-1) @ V, "Rows and columns are exchanged: row i of the scores must hold "
         "query i with every key, Q @ K.mT."),
        (scores @ V, "The softmax is missing."),
        (_weights(x, W, 1).softmax(-1) @ V / math.sqrt(d_h), "The root of d_h divides the weights. "
         "It belongs to the scores, before the softmax."),
        (scores.softmax(-1) @ Q, "You average the queries; take the values."),
        (scores.softmax(-1) @ K, "You average the keys; take the values."),
    ]  # fmt: skip
    name_slip(found, slips)
    for value, message in slips:  # float32 rounds more coarsely than name_slip allows
        if value.shape == found.shape and _near(found, value):
            raise NotYet(message)
    raise NotYet(
        f"Without any padding, your first token becomes {_numbers(found)}; the formula gives "
        f"{_numbers(scores.softmax(-1) @ V)}. Compare Q, scores and weights with it, in this order."
    )


def _require_mask(found: Tensor, x: Tensor, W: list[Tensor], padding: Tensor) -> None:
    """Refuse a result in which somebody reads padding, and name the slip."""
    V, scores, hidden = x.double() @ W[2].double(), _weights(x, W), padding[:, None, :]
    words = ~padding
    right = scores.masked_fill(hidden, -math.inf).softmax(-1) @ V
    if _near(found[words], right[words]):
        return
    inverted = scores.masked_fill(~hidden, -math.inf).softmax(-1).nan_to_num() @ V
    rows = scores.masked_fill(padding[..., None], -1e9).softmax(-1) @ V
    if padding.any() and _near(found, rows):
        raise NotYet(
            "You hide the padding's rows, what it reads. Hide its columns, so that nobody reads it."
        )
    for value, message in (
        (scores.softmax(-1) @ V, "Without padding it is right; with padding, the mask changes "
         "nothing. (`masked_fill` returns a new tensor.)"),
        (inverted, _INVERTED),
        (scores.masked_fill(hidden, 0).softmax(-1) @ V, "A score of 0 is not a weight of 0: "
         "e⁰ = 1. Which score has the weight 0?"),
        (scores.softmax(-1).masked_fill(hidden, 0) @ V, "You hide the padding after the softmax, "
         "and the weights that are left do not have the sum 1. Hide it before."),
    ):  # fmt: skip
        if _near(found[words], value[words]):
            raise NotYet(message)
    if scores.abs().max() > 50:
        raise NotYet(
            "With large scores padding still gets some weight: the number that you put in its "
            "place is not low enough. Minus infinity is, whatever the scores are."
        )
    raise NotYet(
        "Without padding it is right; with padding it is not. The padding's scores must not count "
        "for any query of its own sample, and those of all others must stay as they are."
    )


def _near(a: Tensor, b: Tensor) -> bool:
    """Tell whether two results are equal up to float32's rounding."""
    return torch.allclose(
        a.double(), b.double(), rtol=1e-3, atol=2e-4 * max(1, float(b.abs().max()))
    )


def _numbers(values: Tensor) -> str:
    """Print the first token's first three numbers."""
    return "(" + ", ".join(f"{v:z.3f}" for v in values[0, 0, :3].tolist()) + ", …)"
