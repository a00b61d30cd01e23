"""Check for notebook 07: find a sublayer's norms from outside (exercise 7.2)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lecture_utils.checks.calling import called
from lecture_utils.checks.values import said
from lecture_utils.checks.verdict import NotYet, graded

KINDS = ("none", "pre", "post", "sandwich", "output")


@graded
def placement(answer: Callable) -> str:
    """Exercise 7.2: find the norms of a sublayer by calling it."""
    try:
        _require_names(answer, torch.float32)
    except NotYet as mistake:  # perhaps only a comparison stricter than float32's rounding
        try:
            _require_names(answer, torch.float64)
        except NotYet as other:
            raise (mistake if "stopped" in str(other) else other) from None
    return (
        "You never looked inside. Each norm leaves a trace: what it makes of its output, or what "
        "it hides from its input."
    )


@dataclass(frozen=True)
class _Setting:
    """A branch, some tokens, and what to say to whoever is misled by them alone.

    Attributes:
        branch: maps tokens (…, time, dim) to the same shape, in float64.
        x: tokens (time, dim).
        where: what is special about both.
        hint: what misled.
        kinds: placements that can be told apart here.
    """

    branch: Callable
    x: Tensor
    where: str
    hint: str
    kinds: tuple[str, ...] = KINDS


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _norm(h: Tensor) -> Tensor:
    return nn.functional.layer_norm(h, h.shape[-1:])


def _sealed(kind: str, branch: Callable, seen: list[Tensor]) -> Callable:
    """Wire a branch in one of the five ways, gains 1, biases 0; note what it is called on.

    It computes in float64 and returns the dtype of its input.
    """

    def f(x: Tensor) -> Tensor:
        h = x.double()
        seen.append(h.detach().clone())
        y = branch(_norm(h) if kind in ("pre", "sandwich") else h)
        y = _norm(y) if kind in ("sandwich", "output") else y
        return (_norm(h + y) if kind == "post" else h + y).to(x.dtype)

    return f


def _feed_forward(dim: int, seed: int, strength: float = 1.0) -> Callable:
    W, V = (_random(dim, dim, seed=seed + k) / dim**0.5 for k in (1, 2))
    bias = _random(dim, seed=seed + 3)
    return lambda h: strength * nn.functional.gelu(h @ W + bias) @ V


def _attention(dim: int, seed: int) -> Callable:
    W, V = (_random(dim, dim, seed=seed + k) / dim**0.5 for k in (1, 2))
    return lambda h: (h @ W @ h.mT / dim**0.5).softmax(-1) @ h @ V


def _settings() -> list[_Setting]:
    """Return branches of several kinds; none is blind to a constant or to the length of x."""
    usual, W = _feed_forward(16, 0), _random(16, 16, seed=5) / 4
    x = _random(5, 16)

    def centred(h: Tensor) -> Tensor:
        y = 2 * usual(h)
        return y - y.mean(-1, keepdim=True)

    return [
        _Setting(usual, x, "", ""),
        _Setting(_attention(16, 4), x, "the branch is attention", "There the update of a token "
                 "depends on the others; if all are equal, on one only. Take random tokens, and "
                 "change all of them in the same way."),
        _Setting(usual, _norm(x), "the tokens come out of a norm", "Such tokens have mean 0 and "
                 "mean square 1 themselves. Try f on tokens of your own that have not, such as "
                 "3 * x + 1."),
        _Setting(usual, 20 * x - 3, "the tokens are long", "There a change by a few "
                 "units is small beside x, and rounding is coarser: compare with a tolerance that "
                 "is neither too loose nor too strict for that."),
        _Setting(_feed_forward(48, 7), _random(7, 48, seed=7), "there are seven tokens of width "
                 "48", "Take sizes from x.shape, and means over the last axis."),
        _Setting(_feed_forward(16, 9, 30.0), x, "the branch is strong", "Compare with a tolerance "
                 "that does not depend on the size of the update."),
        _Setting(usual, x[:1], "there is one token only", "A norm treats "
                 "each token by itself. A spread over tokens says nothing, and what you change "
                 "must change this token."),
        _Setting(lambda h: h @ W, x, "the branch is linear", "Twice the input, twice its output: "
                 "then a norm at the exit already hides the length of x. A norm at the entrance "
                 "hides the length, and one thing more."),
        _Setting(centred, x, "the branch's output has mean 0, but not mean square 1", "A norm "
                 "makes both: test both."),
    ]  # fmt: skip


def _require_names(answer: Callable, dtype: torch.dtype) -> None:
    """Refuse wrong names; say why, from all of them."""
    settings, seen, more = _settings(), [], []
    found = [
        (s, kind, _named(answer, s, kind, dtype, more if k else seen))
        for k, s in enumerate(settings)
        for kind in s.kinds
    ]
    wrong = [(s, kind, name) for s, kind, name in found if name != kind]
    if not wrong:
        return
    if not seen:
        raise NotYet("Your function never calls f: call it, and look at what comes out.")
    names = {kind: {name for _, k, name in found if k == kind} for kind in KINDS}
    if len(set().union(*names.values())) == 1:
        raise NotYet(f'You return "{wrong[0][2]}" for every sublayer. {_hint(*wrong[0][1:], seen)}')
    if all(len(n) == 1 for n in names.values()) and len(set().union(*names.values())) == len(KINDS):
        swaps = ", ".join(f'"{kind}" for "{n}"' for kind, (n,) in names.items() if n != kind)
        raise NotYet(f"You tell all five apart, but names are exchanged: you must say {swaps}.")
    setting, kind, name = wrong[0]
    begin = f'A sublayer "{kind}" was taken for "{name}"'
    if setting is not settings[0]:
        raise NotYet(f"{begin} where {setting.where}. {setting.hint}")
    raise NotYet(f"{begin}. {_hint(kind, name, seen)}")


def _named(answer: Callable, setting: _Setting, kind: str, dtype: torch.dtype, seen: list) -> str:
    """Return the answer's name for a sublayer; refuse what is none of the five."""
    f = _sealed(kind, setting.branch, seen)
    try:
        found = called(answer, f, setting.x.to(dtype), names=("f", "x"))
    except NotYet as mistake:
        where = f" where {setting.where}" if setting.where else ""
        raise type(mistake)(f'Given a sublayer "{kind}"{where}: {mistake}') from None
    if not isinstance(found, str) or found not in KINDS:
        names = ", ".join(f'"{name}"' for name in KINDS)
        what = f'"{found}"' if isinstance(found, str) else said(found)
        raise NotYet(f"Return one of {names}; yours returned {what}.")
    return str(found)


def _hint(right: str, found: str, seen: list[Tensor]) -> str:
    """Say what to look at where one placement was taken for another."""
    if right == "post":
        return "Only a norm after the sum makes mean 0 and mean square 1 of every f(x)."
    if found == "post":
        return "f(x) was not normalised. What was: the sum, or the update f(x) − x?"
    if (right in ("pre", "sandwich")) != (found in ("pre", "sandwich")):
        if all(x.shape == seen[0].shape and torch.equal(x, seen[0]) for x in seen):
            return (
                "You call f on one input only. What a norm at the entrance hides shows in two: on "
                "x, and on x changed in a way that the norm does not let through."
            )
        if right in ("pre", "sandwich"):
            return (
                "There was a norm at the entrance. Which change of x does such a norm hide from "
                "the branch? Then the *update* stays as it was, up to rounding."
            )
        return (
            "There was no norm at the entrance. A change of x that such a norm would hide changed "
            "the update."
        )
    return (
        "Look at the update, f(x) − x, token by token: a norm at the exit of the branch gives it "
        "mean 0 and mean square 1."
    )
