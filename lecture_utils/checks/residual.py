"""Checks for notebook 02: the branch's strength, and a start at zero (exercises 2.2 and 2.3)."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lecture_utils.checks.judge import name_slip
from lecture_utils.checks.values import tensor
from lecture_utils.checks.verdict import NotYet, graded


@graded
def zero_branch(answer: Callable) -> str:
    """Exercise 2.3: a branch that starts at zero and can still learn, at any width."""
    sizes = {}
    for width in (8, 256):
        raw = answer(width)
        if not isinstance(raw, (tuple, list)) or len(raw) != 2:
            raise NotYet("Return the two matrices as a pair: W1, W2.")
        W1 = tensor(raw[0], (width, width), "W1").clone().requires_grad_()
        W2 = tensor(raw[1], (width, width), "W2").clone().requires_grad_()
        generator = torch.Generator().manual_seed(0)
        h = torch.randn(64, width, generator=generator, dtype=torch.float64)
        hidden = torch.relu(h @ W1)
        branch = hidden @ W2
        _require_zero(branch.abs().max().item())
        target = torch.randn(branch.shape, generator=generator, dtype=torch.float64)
        (h + branch - target).square().mean().backward()
        _require_alive(W1, W2)
        _require_different(W1.detach())
        sizes[width] = hidden.detach().square().mean().sqrt().item()
    _require_size(sizes)
    return (
        "In the first step only W2 moves, since W1's gradient is multiplied by W2 = 0; from the "
        "second step on both do. Fixup starts the last layer of every branch in this way."
    )


def _require_different(W1: Tensor) -> None:
    """Refuse hidden numbers that are copies of each other, or dead."""
    lengths = W1.norm(dim=0)
    if (lengths == 0).any():
        dead = int((lengths == 0).sum())
        raise NotYet(
            f"Zero and alive, but {dead} of the {len(lengths)} columns of W1 are zero: relu has "
            f"slope 0 there, so these hidden numbers stay 0 for ever."
        )
    cosines = (W1 / lengths).T @ (W1 / lengths)
    copies = (cosines - torch.eye(len(lengths), dtype=W1.dtype) > 1 - 1e-9).any(dim=1)
    if copies.all() and (cosines > 1 - 1e-9).all():
        raise NotYet(
            "Zero and alive, but all columns of W1 are equal: the hidden numbers are copies of "
            "each other and learn the same thing for ever. Draw W1 at random."
        )
    if copies.any():
        raise NotYet(
            f"Zero and alive, but {int(copies.sum())} of the {len(lengths)} columns of W1 point "
            f"the same way as another one. These hidden numbers are copies: with W2 = 0 they get "
            f"the same gradients and learn the same thing for ever. Draw all columns at random."
        )


def _require_size(sizes: dict[int, float]) -> None:
    """Refuse hidden numbers that are much smaller or larger than h, at one width or the other."""
    off = {width: size for width, size in sizes.items() if not 0.3 < size < 3}
    if not off:
        return
    found = " and ".join(f"{size:.2g} at width {width}" for width, size in sizes.items())
    if len(off) == 1:
        raise NotYet(
            f"Zero, but the hidden numbers have a size of {found}, where h has 1: it changes with "
            f"the width. A sum of n random terms grows like sqrt(n), so the standard deviation of "
            f"W1 must fall like 1 / sqrt(n)."
        )
    raise NotYet(
        f"Zero, but the hidden numbers have a size of {found}, where h has 1, and W2's gradient "
        f"is of that size. Draw W1 with a standard deviation near sqrt(2 / width)."
    )


def _require_zero(largest: float) -> None:
    """Refuse a branch whose largest output is not zero."""
    if 0 < largest < 1e-9:
        raise NotYet(
            "Zero up to rounding: a pair that cancels is a real solution. The simplest one has "
            "one matrix exactly zero; which?"
        )
    if 0 < largest < 0.1:
        raise NotYet(
            f"F(h) is small (up to {largest:.1g}) but not 0. One matrix must be exactly zero."
        )
    if largest > 0:
        raise NotYet(
            f"F(h) reaches {largest:.2g}: the branch is not zero. One of the two matrices must be."
        )


def _require_alive(W1: Tensor, W2: Tensor) -> None:
    """Refuse a zero branch that no gradient can move."""
    if W1.grad.any() or W2.grad.any():
        return
    if not W1.any() and not W2.any():
        raise NotYet(
            "F is zero and stays zero: with both matrices zero, each one's gradient is "
            "multiplied by the other, so neither ever moves."
        )
    if not W1.any():
        raise NotYet(
            "F is zero and stays zero: with W1 = 0 the relu gives 0 and lets no gradient "
            "through (its slope at 0 is 0). Which of the two should be zero instead?"
        )
    raise NotYet("F is zero and stays zero: no input opens any relu. Look at W1's signs.")


@graded
def branch_strength(answer: Callable) -> str:
    """Exercise 2.2: the strength of the branch for which the gradient's gain is 2."""
    found = {L: tensor(answer(L), (), "the strength").item() for L in (50, 400, 4, 1)}
    if all(abs(s - _right_strength(L)) < 1e-5 * _right_strength(L) for L, s in found.items()):
        return (
            "For deep networks this is close to sqrt(ln 4 / L) = 1.18 / sqrt(L): whatever constant "
            "gain you ask for, the square root of the depth stays."
        )
    L, s = 50, found[50]
    mistakes = {
        L**-0.5: "1/√L gives a gain of √e = 1.65 at best; you were asked for 2.",
        1 / L: "1/L is too careful: the squares add, so their sum is 1/L, and the gain is 1.01.",
        (2 ** (1 / L) - 1) ** 0.5: (
            "Your gain is √2, not 2: the law's exponent is L/2, not L. Square both sides first."
        ),
        2 ** (1 / L) - 1: (
            "Two things are missing. The law's exponent is L/2, not L: square both sides first. "
            "And what you then have is s²: take the root."
        ),
        2 ** (1 / L): "You solved for √(1 + s²). Subtract the 1 before you take the root.",
        4 ** (1 / L): "That is 1 + s². Go on from here.",
        4 ** (1 / L) - 1: "That is s². Take the root.",
        (4 / L) ** 0.5: "With 2/√L the gain goes to e² = 7.4: the gain is not proportional to s.",
        (math.log(4) / L) ** 0.5: (
            "√(ln 4 / L) is right in the limit of many blocks, but off for few: at depth 1 its "
            "gain is 1.54. The equation has an exact solution."
        ),
        (math.log(2) / L) ** 0.5: "Your gain goes to √2: the exponent is L/2, not L.",
    }
    name_slip(s, mistakes.items())
    if s == found[400]:
        raise NotYet(
            f"You return {s:.3g} at depth 50 and at depth 400, where its gain is "
            f"{_gain(s, 400):.2g}: the strength must depend on the depth."
        )
    L = next(L for L, s in found.items() if abs(s - _right_strength(L)) >= 1e-5 * abs(s))
    raise NotYet(
        f"At depth {L} you return {found[L]:.4g}, which gives a gain of {_gain(found[L], L):.3g}."
    )


def _right_strength(L: int) -> float:
    return (4 ** (1 / L) - 1) ** 0.5


def _gain(s: float, L: int) -> float:
    return math.exp(min(L / 2 * math.log1p(s * s), 700))
