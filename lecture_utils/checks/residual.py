"""Checks for notebook 02: the branch's strength, and a start at zero (exercises 2.2 and 2.3)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.values import number, said, tensor
from lecture_utils.checks.verdict import NotYet, graded


@graded
def zero_branch(answer: Callable) -> str:
    """Exercise 2.3: a branch that starts at zero and can still learn, at any width."""
    sizes = {}
    for place, width in enumerate((6, 1, 2, 3, 16, 256)):
        try:
            branch = _Branch(*_pair(answer(width), width))
            _require_zero(branch)
            _require_alive(branch)
            if width <= 16:
                _require_different(branch)
        except NotYet as mistake:
            before = f"At width {width}, other than at width 6: " if place else ""
            raise type(mistake)(f"{before}{mistake}") from mistake
        sizes[width] = branch.size
    # At width 16 the size of one draw is off by some percent: take the mean of eight.
    draws = [_Branch(*_pair(answer(16), 16)).size for _ in range(8)]
    _require_size({16: sum(draws) / len(draws), 256: sizes[256]})
    return (
        "In the first step only W2 moves, since W1's gradient is multiplied by W2 = 0; from the "
        "second step on both do. Fixup starts the last layer of every branch in this way."
    )


def _pair(raw: object, width: int) -> tuple[Tensor, Tensor]:
    """Return the two matrices as float64, or say what came instead."""
    single = isinstance(raw, Tensor) and raw.ndim == 2
    if isinstance(raw, str | dict) or not hasattr(raw, "__len__") or len(raw) != 2 or single:
        raise NotYet(f"Return the two matrices as a pair: W1, W2. You return {said(raw)}.")
    W1, W2 = (tensor(W, (width, width), name) for W, name in zip(raw, ("W1", "W2"), strict=True))
    return W1, W2


@dataclass
class _Branch:
    """A branch with starting weights, and 64 hidden vectors of size 1 with a target for each."""

    W1: Tensor
    W2: Tensor

    def __post_init__(self) -> None:
        rng = torch.Generator().manual_seed(0)
        self.h = torch.randn(64, len(self.W1), generator=rng, dtype=torch.float64)
        self.target = torch.randn(self.h.shape, generator=rng, dtype=torch.float64)
        self.hidden = torch.relu(self.h @ self.W1)
        self.size = (self.hidden.square().mean() / self.h.square().mean()).sqrt().item()

    def gradients(self) -> tuple[Tensor, Tensor]:
        """Return the gradients of the mean squared error at W1 and W2."""
        with torch.enable_grad():
            W1, W2 = self.W1.clone().requires_grad_(), self.W2.clone().requires_grad_()
            out = self.h + torch.relu(self.h @ W1) @ W2
            return torch.autograd.grad((out - self.target).square().mean(), (W1, W2))

    def stepped(self) -> "_Branch":
        """Return the branch after a step of gradient descent."""
        steps = (0.5 * G for G in self.gradients())
        return _Branch(*(W - step for W, step in zip((self.W1, self.W2), steps, strict=True)))


def _require_zero(branch: _Branch) -> None:
    """Refuse a branch whose output is not zero, but for rounding where terms cancel."""
    largest = (branch.hidden @ branch.W2).abs().max().item()
    if largest <= 1e-12 * (branch.hidden @ branch.W2.abs()).max().item():
        return
    if largest < 0.1:
        raise NotYet(
            f"F(h) is small (up to {largest:.1g}) but not 0. One matrix must be exactly zero."
        )
    raise NotYet(
        f"F(h) reaches {largest:.2g}: the branch is not zero. One of the two matrices must be."
    )


def _require_alive(branch: _Branch) -> None:
    """Refuse a zero branch that no gradient can move."""
    if any(G.any() for G in branch.gradients()):
        return
    if not branch.W1.any() and not branch.W2.any():
        raise NotYet(
            "F is zero and stays zero: with both matrices zero, each one's gradient is "
            "multiplied by the other, so neither ever moves."
        )
    if not branch.W1.any():
        raise NotYet(
            "F is zero and stays zero: with W1 = 0 the relu gives 0 and lets no gradient "
            "through (its slope at 0 is 0). Which of the two should be zero instead?"
        )
    raise NotYet("F is zero and stays zero: no input opens any relu. Look at W1's signs.")


def _require_different(branch: _Branch) -> None:
    """Refuse hidden numbers that are dead, or copies of each other after three steps, too."""
    width = len(branch.W1)
    if dead := int((branch.hidden == 0).all(dim=0).sum()):
        raise NotYet(
            f"Zero and alive, but {dead} of the {width} hidden numbers "
            f"{'is' if dead == 1 else 'are'} 0 for every h: where a column of W1 is zero, relu has "
            f"slope 0, so such a hidden number stays 0 for ever."
        )
    columns = branch.stepped().stepped().stepped().W1
    columns = columns / columns.norm(dim=0)
    same = columns.T @ columns - torch.eye(width, dtype=columns.dtype) > 1 - 1e-9
    copies = int(same.any(dim=1).sum())
    if copies == width and int(same.sum()) == width * (width - 1):
        raise NotYet(
            "Zero and alive, but all columns of W1 point the same way: the hidden numbers are "
            "copies of each other and learn the same thing for ever. Draw W1 at random."
        )
    if copies:
        raise NotYet(
            f"Zero and alive, but {copies} of the {width} columns of W1 point the same way as "
            f"another one. These hidden numbers are copies: they get the same gradients and learn "
            f"the same thing for ever. Draw all columns at random."
        )


def _require_size(sizes: dict[int, float]) -> None:
    """Refuse hidden numbers that are much smaller or larger than h, or change with the width."""
    narrow, wide = sizes.values()
    found = " and ".join(f"{size:.2g} at width {width}" for width, size in sizes.items())
    if not 0.6 < wide / narrow < 1.7:
        raise NotYet(
            f"Zero, but the hidden numbers have a size of {found}, where h has 1: it changes with "
            f"the width. A sum of n random terms grows like sqrt(n), so the standard deviation of "
            f"W1 must fall like 1 / sqrt(n)."
        )
    if not all(0.3 < size < 3 for size in sizes.values()):
        raise NotYet(
            f"Zero, but the hidden numbers have a size of {found}, where h has 1, and "
            f"W2's gradient is of that size. Draw W1 with a standard deviation near "
            f"sqrt(2 / width)."
        )


@graded
def branch_strength(answer: Callable) -> str:
    """Exercise 2.2: the strength of the branch for which the gradient's gain is 2."""
    depths = {1: "one block", 2: "two blocks", 3: "three blocks", 4: "four blocks"}
    depths |= {L: f"{L} blocks" for L in (50, 400, 1000)}
    trials = [Trial((L,), f"for {blocks}") for L, blocks in depths.items()]
    judge(answer, _strength, trials, _STRENGTH_SLIPS, why=_gains)
    return (
        "For deep networks this is close to sqrt(ln 4 / L) = 1.18 / sqrt(L): whatever constant "
        "gain you ask for, the square root of the depth stays."
    )


def _strength(depth: int) -> float:
    return (4 ** (1 / depth) - 1) ** 0.5


def _gains(answer: Callable, trial: Trial) -> str:
    """Say which gain the strengths give, at some depths."""
    gains = {}
    for L in sorted({1, 4, 50, trial.given[0]}):
        try:
            s = number(answer(L))
        except NotYet:
            continue
        gains[L] = math.exp(min(L / 2 * math.log1p(s * s), 700))
    low, high = min(gains.values()), max(gains.values())
    if low > 1.95 and high < 2.05:
        return f"Nearly: the gain is between {low:.5g} and {high:.5g}; *exactly* 2 is asked for."
    if len(gains) > 1 and high - low < 1e-3 * low:
        return f"Your gain is {low:.4g} at every depth: the 2 that is asked for went in wrongly."
    said = ", ".join(f"{gain:.3g} at depth {L}" for L, gain in gains.items())
    return f"(1 + s²)^(L/2) should be 2. With your s it is {said}: put your s in and compare."


_SMALL_S = (
    "You took (1 + s²)^L for 1 + L s²: that holds only for small s. The equation has an exact "
    "solution."
)
_ROOT_FIRST = (
    "2^(1/L) is √(1 + s²), since the law's exponent is L/2, not L: square it before you subtract "
    "1, and take the root of s² last."
)
_HALF = "Your gain is √2, not 2: the law's exponent is L/2, not L. Square both sides first."
_INVERSE = "Upside down: to undo a power of L, take the L-th root, the power 1/L."
_STRENGTH_SLIPS = (
    (lambda L: L**-0.5, "1/√L gives a gain of √e = 1.65 at best; you were asked for 2."),
    (lambda L: 1 / L, "1/L is too careful: the squares add, so their sum is 1/L, and the gain is "
     "1.01."),
    (lambda L: (2 ** (1 / L) - 1) ** 0.5, _HALF),
    (lambda L: (2 ** (1 / (2 * L)) - 1) ** 0.5, "The exponent is turned over: to undo a power of "
     "L/2, take the power 2/L."),
    (lambda L: 2 ** (1 / L) - 1, _ROOT_FIRST),
    (lambda L: 2 ** (1 / L), "You solved for √(1 + s²). Subtract the 1 before you take the root."),
    (lambda L: 4 ** (1 / L), "That is 1 + s². Go on from here."),
    (lambda L: 4 ** (1 / L) - 1, "That is s². Take the root."),
    (lambda L: (4 ** (1 / L) - 1) / 2, "That is s²/2; s is the root of s²."),
    (lambda L: (4 ** (1 / L) + 1) ** 0.5, "The sign of the 1: s² is what 1 + s² is, *minus* 1."),
    (lambda L: (16 ** (1 / L) - 1) ** 0.5, "Your gain is 4: you squared twice."),
    (lambda L: 2 * (2 ** (1 / L) - 1) ** 0.5, _HALF),
    (lambda L: 2 * L**-0.5, "With 2/√L the gain goes to e² = 7.4: the gain is not proportional to "
     "s."),
    (lambda L: 2 / L, "The gain is not proportional to s, nor are s and L: solve (1 + s²)^(L/2) "
     "= 2."),
    (lambda L: (math.log(4) / L) ** 0.5, "√(ln 4 / L) is right in the limit of many blocks, but "
     "off for few: at depth 1 its gain is 1.54. The equation has an exact solution."),
    (lambda L: (math.log(2) / L) ** 0.5, "Your gain goes to √2: the exponent is L/2, not L."),
    (lambda L: math.log(4) / L, "That goes to s², for many blocks. Take the root, and solve "
     "exactly."),
    (lambda L: (3 / L) ** 0.5, _SMALL_S),
    (lambda L: (2 / L) ** 0.5, "1 + L s²/2 = 2 holds only for small s. The equation has an exact "
     "solution."),
    (lambda L: (1 / L) ** 0.5 * 3**0.5 / 3, _SMALL_S),
    (lambda L: (4**L - 1) ** 0.5, _INVERSE),
    (lambda L: (2**L - 1) ** 0.5, _INVERSE),
    (lambda L: (2 ** (L / 2) - 1) ** 0.5, _INVERSE),
    (lambda L: (4**1 / L - 1) ** 0.5, "Brackets: Python takes a power before a division, so 1 / L "
     "needs its own."),
    (lambda L: (2**2 / L - 1) ** 0.5, "Brackets: Python takes a power before a division, so 2 / L "
     "needs its own."),
    (lambda L: (4 ** (1 // L) - 1) ** 0.5, "1 // L is a whole number, 0 from two blocks on: divide "
     "with /."),
    (lambda L: (2 ** (2 // L) - 1) ** 0.5, "2 // L is a whole number, 0 from three blocks on: "
     "divide with /."),
    (lambda L: (2 ** (1 / (L // 2)) - 1) ** 0.5, "L // 2 cuts off the half of an odd depth: divide "
     "with /."),
    (lambda L: 4 ** (1 / L) - 1**0.5, "Brackets: the root belongs to the whole of s², and you "
     "took it of the 1."),
    (lambda L: (4 ** (1 / L) - 1) ** 2, "You squared s²; take its root."),
    (lambda L: 1 / (4 ** (1 / L) - 1) ** 0.5, "Yours is 1 over the strength: turn it over."),
    (lambda L: 1.18 / L**0.5, "1.18/√L is right in the limit of many blocks, but off for few. The "
     "equation has an exact solution."),
    (lambda L: (4 ** (1 / (L + 1)) - 1) ** 0.5, "L + 1 is one block too many."),
    (lambda L: (4 ** (1 / (L - 1)) - 1) ** 0.5, "L - 1 is one block too few."),
    (lambda L: (4 ** (1 / 50) - 1) ** 0.5, "That is the strength for 50 blocks: use the depth."),
)  # fmt: skip
