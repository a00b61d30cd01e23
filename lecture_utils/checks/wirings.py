"""Blocks of two branches that are easily taken for a pre-norm block (exercise 7.1)."""

from collections.abc import Callable

from torch import Tensor

_NORMED = (
    "The shortcut starts behind the norm: `x = norm(x)` and then `x + …` adds the normed x. The "
    "norm belongs to the branch alone."
)
_FIRST = "Attention comes first, then feed-forward."
_POST = "That is post-norm: both norms stand after the sum."
_EXITS = "Your norms stand at the branches' exits, as in OLMo 2. Pre-norm has them at the entries."
_PARALLEL = (
    "Feed-forward reads the block's input: those are parallel branches, as in GPT-J. Let it read "
    "the stream after the first sum."
)


def _in_turn(first: Callable, second: Callable, swap: bool = False) -> Callable:
    """Return a block of two sublayers, each a function (x, branch, norm)."""

    def block(x: Tensor, att: Callable, ff: Callable, n1: Callable, n2: Callable) -> Tensor:
        if swap:
            return second(first(x, ff, n2), att, n1)
        return second(first(x, att, n1), ff, n2)

    return block


def _late(x: Tensor, f: Callable, n: Callable) -> Tensor:
    return n(x) + f(n(x))


def _pre(x: Tensor, f: Callable, n: Callable) -> Tensor:
    return x + f(n(x))


def _post(x: Tensor, f: Callable, n: Callable) -> Tensor:
    return n(x + f(x))


def _exit(x: Tensor, f: Callable, n: Callable) -> Tensor:
    return x + n(f(x))


WIRINGS = (
    (_in_turn(_post, _post), _POST),
    (_in_turn(_late, _late), _NORMED),
    (_in_turn(_late, _pre), _NORMED),
    (_in_turn(_pre, _late), _NORMED),
    (_in_turn(_exit, _exit), _EXITS),
    (_in_turn(_pre, _post), "The second norm stands after the sum: half pre-norm, half post-norm."),
    (_in_turn(_post, _pre), "The first norm stands after the sum: half post-norm, half pre-norm."),
    (_in_turn(_pre, _exit), "The second norm stands at feed-forward's exit; it belongs to its "
     "entry."),
    (_in_turn(_exit, _pre), "The first norm stands at attention's exit; it belongs to its entry."),
    (lambda x, att, ff, n1, n2: _pre(x, lambda h: n1(att(h)), n1) + n2(ff(n2(_pre(
        x, lambda h: n1(att(h)), n1)))), "That is the sandwich: a norm before and after each "
     "branch. Pre-norm has the first one only."),
    (_in_turn(_pre, _pre, swap=True), _FIRST),
    (lambda x, att, ff, n1, n2: _pre(_pre(x, ff, n1), att, n2), _FIRST),
    (_in_turn(_post, _post, swap=True), f"{_POST} {_FIRST}"),
    (lambda x, att, ff, n1, n2: x + att(n1(x)) + ff(n2(x)), _PARALLEL),
    (lambda x, att, ff, n1, n2: x + att(n1(x)) + ff(n1(x)), f"{_PARALLEL} And norm_2 is not used."),
    (lambda x, att, ff, n1, n2: x + ff(n2(_pre(x, att, n1))), "The second shortcut starts at the "
     "block's input, so attention's update is lost from the stream. Start it at the first sum."),
    (lambda x, att, ff, n1, n2: _pre(att(n1(x)), ff, n2), "The shortcut around attention is "
     "missing."),
    (lambda x, att, ff, n1, n2: ff(n2(_pre(x, att, n1))), "The shortcut around feed-forward is "
     "missing."),
    (lambda x, att, ff, n1, n2: ff(n2(att(n1(x)))), "Both shortcuts are missing: that is a plain "
     "block."),
    (lambda x, att, ff, n1, n2: x + ff(n2(att(n1(x)))), "Attention's output never reaches the "
     "stream: there are two sums, one for each branch."),
    (lambda x, att, ff, n1, n2: _pre(x, att, n1) + ff(n2(att(n1(x)))), "Feed-forward reads "
     "attention's output alone. Let it read the stream after the first sum."),
    (lambda x, att, ff, n1, n2: _pre(_pre(x, att, n1), ff, n1), "norm_1 is used twice. Each norm "
     "has learned its own gain."),
    (lambda x, att, ff, n1, n2: _pre(_pre(x, att, n2), ff, n2), "norm_2 is used twice. Each norm "
     "has learned its own gain."),
    (lambda x, att, ff, n1, n2: x + att(n1(x)) + ff(x + att(n1(x))), "Feed-forward reads the bare "
     "stream: norm_2 is not used."),
    (lambda x, att, ff, n1, n2: _pre(x + att(x), ff, n2), "Attention reads the bare stream: norm_1 "
     "is not used."),
    (lambda x, att, ff, n1, n2: _pre(x, att, n1), "Feed-forward is missing."),
    (lambda x, att, ff, n1, n2: _pre(x, ff, n2), "Attention is missing."),
)  # fmt: skip
