"""Check of notebook 07: place the norms of a pre-norm block (exercise 7.1)."""

import functools
import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lecture_utils.checks.calling import called
from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.relations import close
from lecture_utils.checks.values import tensor
from lecture_utils.checks.verdict import NotYet, Unrecognised, graded
from lecture_utils.checks.wirings import WIRINGS
from lecture_utils.models import FeedForward, SelfAttention

_NAMES = ("x", "attention", "feed_forward", "norm_1", "norm_2")
_ATT, _FF, _N1, _N2 = range(4)
_DIM = 32
Terms = dict[tuple[int, ...], float]  # parts in the order of their calls -> how often in the sum


@graded
def pre_norm_block(answer: Callable) -> str:
    """Exercise 7.1: a pre-norm block from its parts."""
    _require_wiring(answer)
    trials = _trials()
    try:
        judge(answer, _right, trials)
    except Unrecognised as mistake:
        raise NotYet(_misread(answer, *trials[0].given)) from mistake
    return (
        "Read your two lines again: with both branches at 0 nothing is left but `return x`. "
        "No line of a post-norm block can say that."
    )


def _right(x: Tensor, att: Callable, ff: Callable, n1: Callable, n2: Callable) -> Tensor:
    x = x + att(n1(x))
    return x + ff(n2(x))


def _trials() -> list[Trial]:
    """Return blocks of real parts, trained ones: the norms' gains differ."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return [
            _trial(2, 3, 4, "for a batch of two"),
            _trial(1, 5, 8, "for one sample", "each token and each sample is treated alike."),
            _trial(3, 1, 6, "for samples of one token"),
            _trial(4, 4, 4, "where batch, time and dim are all 4"),
        ]


def _trial(batch: int, time: int, dim: int, when: str, hint: str = "") -> Trial:
    norms = nn.LayerNorm(dim), nn.LayerNorm(dim)
    for norm in norms:
        nn.init.uniform_(norm.weight, 1, 3)
        nn.init.normal_(norm.bias)
    parts = SelfAttention(dim, 2), FeedForward(dim, 2 * dim), *norms
    x = 2 * torch.randn(batch, time, dim) + 1
    return Trial((x, *(part.requires_grad_(False) for part in parts)), when, hint)


@functools.cache
def _linear() -> tuple[Tensor, tuple[nn.Module, ...]]:
    """Return tokens and four linear maps, so that terms of the result can be told apart."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        parts = [nn.Linear(_DIM, _DIM, bias=False).requires_grad_(False) for _ in range(4)]
        for part in parts:
            nn.init.orthogonal_(part.weight)
        return torch.randn(4, _DIM // 4, _DIM), tuple(parts)


def _require_wiring(answer: Callable) -> None:
    """Refuse an answer that, with linear parts, is another sum than pre-norm's; say which."""
    x, parts = _linear()
    try:
        found = tensor(called(answer, x, *parts, names=_NAMES), tuple(x.shape))
    except NotYet:  # it will be said of the real parts
        return
    if close(found, _right(x, *parts).double()):
        return
    for other, message in WIRINGS:
        if close(found, other(x, *parts).double()):
            raise NotYet(message)
    if terms := _terms(found):
        raise NotYet(f"{_cause(terms)} With the names of the parts, you return {_written(terms)}.")
    raise NotYet(_misread(answer, x, *parts))


def _misread(
    answer: Callable, x: Tensor, att: nn.Module, ff: nn.Module, n1: nn.Module, n2: nn.Module
) -> str:
    """Say which part is the first that is not called on what it must read."""
    middle = x + att(n1(x))
    steps = (
        (n1, x, "norm_1", "the block's input, x"),
        (att, n1(x), "attention", "what comes out of norm_1, norm_1(x)"),
        (n2, middle, "norm_2", "the stream after the first sum, x + attention(norm_1(x))"),
        (ff, n2(middle), "feed_forward", "what comes out of norm_2"),
    )
    for part, reads, name, what in steps:
        given: list[Tensor] = []
        hook = part.register_forward_hook(lambda _, args, __, given=given: given.append(args[0]))
        try:
            answer(x.clone(), att, ff, n1, n2)
        finally:
            hook.remove()
        if not given:
            return f"`{name}` is never called. It must read {what}."
        if not any(close(h.double(), reads.double()) for h in given):
            return f"`{name}` must read {what}, as it is; in your block it reads something else."
    return (
        "All four parts read what they must. What is wrong is the last sum: the stream after the "
        "first sum, plus feed_forward(norm_2(…)), as they are."
    )


def _words() -> list[tuple[int, ...]]:
    """Return all chains of up to four calls, and longer ones with each branch at most once."""
    short = [word for n in range(5) for word in itertools.product(range(4), repeat=n)]
    most = (1, 1, 2, 2)
    long = [word for n in (5, 6) for word in itertools.product(range(4), repeat=n)
            if all(word.count(part) <= most[part] for part in range(4))]  # fmt: skip
    return short + long


def _terms(found: Tensor) -> Terms | None:
    """Return how often each chain of calls enters the result; None if it is no such sum."""
    x, parts = _linear()
    words = _words()
    made = {(): x.double()}
    for word in sorted(words, key=len)[1:]:
        made[word] = made[word[:-1]] @ parts[word[-1]].weight.double().T
    table = torch.stack([made[word].flatten() for word in words], 1)
    counts = torch.linalg.lstsq(table, found.flatten()[:, None]).solution[:, 0]
    if not close(table @ counts, found.flatten(), rtol=1e-3):
        return None
    return {w: round(c, 2) for w, c in zip(words, counts.tolist(), strict=True) if abs(c) > 0.01}


def _written(terms: Terms) -> str:
    """Write the sum as code: 2 x + attention(norm_1(x))."""
    parts = []
    for word, count in sorted(terms.items(), key=lambda term: len(term[0]))[:5]:
        inner = "x"
        for part in word:
            inner = f"{_NAMES[part + 1]}({inner})"
        parts.append(inner if count == 1 else f"−{inner}" if count == -1 else f"{count:g} {inner}")
    more = " + …" if len(terms) > 5 else ""
    return f"`{' + '.join(parts)}{more}`".replace("+ −", "− ")


def _cause(terms: Terms) -> str:
    """Name the first thing that is wrong with a sum."""
    for part, name in enumerate(_NAMES[1:]):
        if not any(part in word for word in terms):
            return f"`{name}` is not used, or nothing of it is left."
    return next((said for wrong, said in _faults(terms) if wrong), "A term is added that does not "
                "belong.")  # fmt: skip


def _faults(terms: Terms) -> tuple[tuple[object, str], ...]:
    """Return what can be wrong with a sum: whether it is, and what to say."""
    before = {part: {word[:k][-1:] for word in terms for k, p in enumerate(word) if p == part}
              for part in (_ATT, _FF)}  # fmt: skip
    count = lambda *word: terms.get(word, 0)  # noqa: E731  how often the chain enters the sum
    return (
        (any(_before(word, _FF, _ATT) for word in terms)
         and not any(_before(word, _ATT, _FF) for word in terms),
         "Attention comes first, then feed-forward."),
        (min(terms.values()) < 0, "Something is subtracted; both updates are added."),
        ((_N2,) in before[_ATT] and (_N1,) in before[_FF], "The norms are exchanged: norm_1 stands "
         "before attention, norm_2 before feed-forward."),
        ((_N2,) in before[_ATT], "Attention reads norm_2; its norm is norm_1."),
        ((_N1,) in before[_FF], "Feed-forward reads norm_1; its norm is norm_2."),
        (before[_ATT] - {(_N1,)}, "Attention reads something that did not come out of norm_1: its "
         "norm stands directly before it."),
        (before[_FF] - {(_N2,)}, "Feed-forward reads something that did not come out of norm_2: "
         "its norm stands directly before it."),
        (any(word.count(_ATT) > 1 or word.count(_FF) > 1 for word in terms), "A branch is called "
         "on what it made itself; each is called once."),
        (any(word and word[-1] in (_N1, _N2) for word in terms), "What comes out of a norm is "
         "added to the stream or returned. In pre-norm a norm's output goes into its branch, and "
         "nowhere else."),
        (any(len(word) > 1 and word[0] in (_N1, _N2) and word[1] in (_N1, _N2) for word in terms),
         "One norm reads the other."),
        (count() > 1, f"The stream x is in the result {count():g} times; once is right: what is "
         f"added to it twice?"),
        (0 < count() < 1, f"Only {count():g} of the stream x is left; nothing divides it."),
        (count(_N1, _ATT) > 1, f"Attention's update is in the stream {count(_N1, _ATT):g} times: "
         f"once it is added too often. Is something doubled, such as x + x?"),
        (count(_N2, _FF) > 1 or count(_N1, _ATT, _N2, _FF) > 1, "Feed-forward's update, or what "
         "it reads, is in the result more than once."),
        (any(value != 1 for value in terms.values()), "Something is multiplied by a number; both "
         "updates are added as they are."),
        (not count() and not count(_N2, _FF), "The shortcut around attention is missing: "
         "x + attention(…)."),
        (not count(), "The shortcut around feed-forward is missing, or starts in the wrong place."),
        (not count(_N1, _ATT), "Attention's update is lost from the stream."),
        (not count(_N2, _FF), "Feed-forward does not read the stream after the first sum."),
        (not count(_N1, _ATT, _N2, _FF), "Feed-forward does not read attention's update: let it "
         "read the stream after the first sum."),
    )  # fmt: skip


def _before(word: tuple[int, ...], one: int, other: int) -> bool:
    return one in word and other in word and word.index(one) < word.index(other)
