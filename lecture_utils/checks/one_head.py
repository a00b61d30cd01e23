"""Check for notebook 06: one head of attention, for a batch and with padding (exercise 6.1)."""

import itertools
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from lecture_utils.checks.calling import called
from lecture_utils.checks.head_steps import FORMULA, JOINT, MASK, head
from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.relations import close
from lecture_utils.checks.values import as_tensor
from lecture_utils.checks.verdict import NotYet, graded


@graded
def attention(answer: Callable) -> str:
    """Exercise 6.1: softmax(Q Kᵀ / √d_h) V for a batch, in which nobody reads padding."""
    theirs, right = _for_words(_without_ready_made(answer)), _for_words(head)
    called(theirs, *_BARE[0].given, names=("x", "W_Q", "W_K", "W_V", "padding"))
    for trials, singles, padded in ((_BARE, FORMULA, False), (_PADDED, MASK, True)):
        slips = [*_slips(theirs, trials[0].given, singles)]
        if _wrong(theirs, trials[0].given) and (said := _located(theirs, padded=padded)):
            slips.append((theirs, said))
        judge(theirs, right, trials, slips)
    return (
        "Four lines, and nothing of attention is missing but the heads. (`scaled_dot_product_"
        "attention` takes such a mask the other way round: True where a token *may* be read.)"
    )


class _Refusing(TorchFunctionMode):
    """Refuse PyTorch's own attention, by whatever name it is called."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if getattr(function, "__name__", "") == "scaled_dot_product_attention":
            raise NotYet("Write the formula itself, without scaled_dot_product_attention.")
        return function(*args, **(kwargs or {}))


def _without_ready_made(answer: Callable) -> Callable:
    """Return the answer, made to say what lies behind an error of shapes."""

    def run(*given: Tensor) -> object:
        try:
            with _Refusing():
                return answer(*given)
        except NotYet as mistake:
            raise NotYet(_behind(str(mistake))) from mistake

    return run


def _behind(error: str) -> str:
    if "must match the size of tensor b" in error and error.endswith("dimension 1"):
        return (
            f"{error}. Scores are (batch, queries, keys) and padding is (batch, keys): PyTorch "
            f"takes its samples for queries. What is missing is an axis for the queries."
        )
    if any(words in error for words in ("mat1 and mat2", "dimension 0", "Expected size for")):
        return (
            f"{error}. Mind the transpose: x @ W_Q needs none; of the keys, `K.T` turns all three "
            f"axes round, `K.mT` only the last two, (batch, time, d_h) to (batch, d_h, time)."
        )
    if "must match the size" in error:
        return (
            f"{error}. Queries, keys, values and the result are (batch, time, d_h), scores and "
            f"weights (batch, time, time); @ sums over an axis, * and + do not."
        )
    return error


def _for_words(function: Callable) -> Callable:
    """Return the head with zeros for padding's own outputs: what they are nobody asks."""

    def words(x: Tensor, W_Q: Tensor, W_K: Tensor, W_V: Tensor, padding: Tensor) -> Tensor:
        kept = padding.clone()
        found = as_tensor(function(x, W_Q, W_K, W_V, padding))
        if found.ndim == 3 and found.shape[:2] == kept.shape:
            if found.isnan().any():
                raise NotYet(_nan(found, kept))
            found = found.masked_fill(kept[..., None], 0.0)
        return found

    return words


def _nan(found: Tensor, padding: Tensor) -> str:
    words = found.masked_fill(padding[..., None], 0.0).isnan().flatten(1).any(1)
    if words[~padding.any(1)].any():
        return (
            "NaN, as 0/0 is: some row of scores is −∞ throughout. Is your mask the wrong way "
            "round? True marks padding, which is hidden."
        )
    if words.any():
        return (
            "NaN where a sample has padding: does +∞ stand in a row of scores, or −∞ in all of it?"
        )
    return (
        "NaN: some row of scores is −∞ throughout, and its softmax is 0/0. Hide the padding from "
        "all queries (columns of the scores); do not hide the padding's own rows."
    )


def _inputs(batch: int, time: int, d: int, d_h: int, words: tuple = ()) -> tuple:
    """Draw tokens and three matrices; what follows a sample's words is padding."""
    rng = torch.Generator().manual_seed(41 + time)
    x = torch.randn(batch, time, d, generator=rng)
    W_Q, W_K, W_V = 1.5 * torch.randn(3, d, d_h, generator=rng) / d**0.5
    words = torch.tensor(words or (time,) * batch)
    return x, W_Q, W_K, W_V, torch.arange(time) >= words[:, None]


def _far() -> tuple:
    """Return whole numbers, exact in float32: words score −30 with words, +30 with padding."""
    x = torch.ones(2, 4, 3)
    x[0, 0, 1] = x[0, 1, 2] = x[1, 2, 1] = 0
    x[0, 3, 0] = x[1, 2:, 0] = -1
    W_Q = torch.tensor([[10.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
    W_K = torch.tensor([[-6.0, 0, 0, 1], [0, 1, 1, 0], [0, 0, 1, 0]])
    W_V = torch.tensor([[1.0, 2, 1, 3], [2, 1, 0, 1], [0, 1, 3, 1]])
    return x, W_Q, W_K, W_V, x[..., 0] < 0


_BARE = (
    Trial(_inputs(2, 3, 2, 4), "for two samples of three tokens"),
    Trial(_inputs(3, 5, 6, 3), "for three samples of five", "take sizes from the shapes: none "
          "may be a fixed number."),
    Trial(_inputs(4, 4, 4, 4), "where batch, time, d and d_h are all 4", "where sizes are equal, a "
          "wrong axis fits, too; write each tensor's shape behind its line."),
    Trial(_inputs(2, 1, 3, 5), "for samples of a single token", "such a token reads itself: it "
          "becomes its own value."),
    Trial(_inputs(1, 6, 3, 1), "for one sample and d_h = 1"),
)  # fmt: skip
_PADDED = (
    Trial(_inputs(2, 4, 3, 5, (2, 4)), "with padding in the first sample"),
    Trial(_inputs(3, 5, 2, 1, (5, 3, 1)), "with padding in the other samples", "each sample has "
          "its own mask."),
    Trial((*_inputs(2, 4, 3, 5)[:4], torch.tensor([[False, True, False, False], [True] * 2 + [False]
          * 2])), "with padding before and between the words", "padding may stand anywhere: go by "
          "the mask, not by a count."),
    Trial(_inputs(4, 4, 4, 4, (1, 2, 3, 4)), "where batch, time, d and d_h are all 4", "where "
          "sizes are equal, a wrong axis fits, too: the mask's axes are (batch, 1, keys)."),
    Trial(_far(), "where the words' scores are near −30", "what you put in the padding's place "
          "must be lower than any score can be. Minus infinity is."),
)  # fmt: skip


def _slips(theirs: Callable, given: tuple, singles: tuple) -> Iterator[tuple[Callable, str]]:
    """Yield heads with one step taken for another, then those of two that agree at one input."""
    for step, other, message in singles:
        yield _for_words(partial(head, **{step: other})), message
    for steps, message in JOINT:
        yield _for_words(partial(head, **steps)), message
    found = _result(theirs, given)
    if found is None or close(found, _for_words(head)(*given)):
        return
    known = [
        _result(_for_words(partial(head, **{step: other})), given) for step, other, _ in singles
    ]
    if any(result is not None and close(found, result) for result in known):
        return
    for (step, other, one), (step_2, other_2, two) in itertools.combinations(singles, 2):
        if {step, step_2} not in _JOINED:
            continue
        both = _for_words(partial(head, **{step: other, step_2: other_2}))
        result = _result(both, given)
        if result is not None and close(found, result):
            yield both, f"Two things. {one} And: {two}"


_JOINED = (
    {"scores", "weigh"}, {"scores", "take"}, {"weigh", "take"},
    {"hide", "after"},
)  # fmt: skip


def _result(function: Callable, given: tuple) -> Tensor | None:
    try:
        return as_tensor(function(*(x.clone() for x in given)))
    except Exception:  # whatever an answer or a slip does with an input
        return None


def _wrong(theirs: Callable, given: tuple) -> bool:
    """Tell whether a result has the right shape and wrong numbers."""
    found, right = _result(theirs, given), _for_words(head)(*given)
    return found is not None and found.shape == right.shape and not close(found, right)


def _located(theirs: Callable, *, padded: bool) -> str | None:
    """Say whether the weights or the mean is wrong: where V is the identity, weights come out."""
    x, W_Q, W_K, _, padding = _inputs(2, 4, 4, 4, (2, 3) if padded else ())
    # One W_V cannot make V the identity in both samples; so only the first counts.
    given = (x, W_Q, W_K, torch.linalg.inv(x[0].double()).float(), padding)
    found, right = _result(theirs, given), _for_words(head)(*given)[0]
    if found is None or found.shape != (2, 4, 4):
        return None
    words = int((~padding[0]).sum())
    found, right = found[0, :words], right[:words]
    if torch.allclose(found, right, atol=1e-5):
        return (
            None
            if padded
            else (
                "Where time, d and d_h are 4, your weights are right. Look at what they "
                "are multiplied with, and at sizes that you took from the wrong axis."
            )
        )
    if padded and (largest := found[:, words:].abs().max()) > 1e-5:
        low = " What you put in its place must be lower than any score." if largest < 0.1 else ""
        return (
            f"Without padding it is right. With two words and two paddings, a word still reads "
            f"padding with a weight of {largest:.2g}; it must be 0.{low}"
        )
    if not torch.allclose(found.sum(-1), torch.ones(words).double(), atol=1e-3):
        total = f"have the sum {found[0].sum():.3g}"
        if padded:
            return (
                f"Without padding it is right; with it, the weights that the first word gives to "
                f"words {total}, and not 1. Hide padding in the scores, before the softmax."
            )
        return (
            f"The weights of a query do not have the sum 1: those of the first token {total}. What "
            f"must have the sum 1 is each row, over the keys."
        )
    where = "the words' scores must stay as they are" if padded else "look at Q, K and the scores"
    return (
        f"The weights of each query have the sum 1, as they must, but they are not the softmax of "
        f"Q Kᵀ/√d_h: {where}."
    )
