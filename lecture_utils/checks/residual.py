"""Checks for the exercises of notebook 02."""

import math
from collections.abc import Callable
from itertools import combinations

import torch
from torch import Tensor

from lecture_utils.checks.verdict import NotYet, graded, tensor


@graded
def chain_gradients(answer: Callable) -> str:
    """Exercise 2.1: the backward pass of the scalar chain, by hand."""
    for weights in ([0.5], [0.5, -0.8, 0.3, 0.9]):
        w = torch.tensor(weights, dtype=torch.float64)
        y_0 = torch.tensor(0.7, dtype=torch.float64)
        raw = answer(w.clone(), y_0.clone())
        if not isinstance(raw, (int, float)) and len(raw) == len(w):
            raise NotYet(
                f"You return {len(w)} gradients for {len(w)} block(s). There is one more: with L "
                f"blocks there are L + 1 values y_0 … y_L, and each has its gradient."
            )
        found = tensor(raw, (len(w) + 1,))
        right, mistakes = _chain_answers(w, y_0)
        if torch.allclose(found, right, rtol=1e-5):
            continue
        for value, message in mistakes:
            if torch.allclose(found, value, rtol=1e-5):
                raise NotYet(message)
        wrong = [index for index in range(len(right)) if not _close(found[index], right[index])]
        raise NotYet(
            f"With w = {weights} and y_0 = 0.7 the gradient at y_{wrong[-1]} is "
            f"{right[wrong[-1]]:.4f}; you return {found[wrong[-1]]:.4f}. Counted from the loss it "
            f"is the first one that is off: start looking there."
        )
    return (
        "You have written backpropagation. Autograd does the same walk: one forward pass that "
        "keeps every y_l, and one factor per block on the way back."
    )


def _chain_answers(w: Tensor, y_0: Tensor) -> tuple[Tensor, list[tuple[Tensor, str]]]:
    """Return the right gradients and what the usual slips give instead."""
    y, plain = [y_0], [y_0]
    for w_l in w:
        y.append(torch.tanh(w_l * y[-1]) + y[-1])
        plain.append(torch.tanh(w_l * plain[-1]))
    y, plain = torch.stack(y), torch.stack(plain)

    def slope(w: Tensor, y: Tensor) -> Tensor:
        return w * (1 - torch.tanh(w * y) ** 2)

    def back(factors: Tensor, top: Tensor) -> Tensor:
        products = factors.flip(0).cumprod(0).flip(0)
        return torch.cat([products, torch.ones(1, dtype=products.dtype)]) * top

    factors = slope(w, y[:-1]) + 1
    right = back(factors, y[-1])
    return right, [
        (back(factors - 1, y[-1]), "The +1 is missing: each factor is f'(y_l) + 1."),
        (
            back(factors, torch.ones_like(y_0)),
            "You start from 1 at the top. The loss is y_L²/2, so its gradient at y_L is y_L.",
        ),
        (right.flip(0), "Right numbers, wrong order: return y_0's gradient first, y_L's last."),
        (
            back(slope(w, y[1:]) + 1, y[-1]),
            "You took the slope at the block's output, y_(l+1). f' belongs at its input, y_l.",
        ),
        (
            back(1 - torch.tanh(w * y[:-1]) ** 2 + 1, y[-1]),
            "An inner derivative is missing: f(y) = tanh(w y), so f' = w (1 - tanh²(w y)).",
        ),
        (
            back(slope(w.flip(0), y[:-1]) + 1, y[-1]),
            "Weights and values are paired the wrong way round: on the way down, reverse both.",
        ),
        (
            back(slope(w, plain[:-1]), plain[-1]),
            "This is the chain without shortcuts: forward, too, each block adds its input.",
        ),
        (
            back(slope(w, plain[:-1]) + 1, plain[-1]),
            "Backward has its +1, but your forward pass lost the shortcut: y_(l+1) = f(y_l) + y_l.",
        ),
    ]


def _close(found: Tensor, right: Tensor) -> bool:
    return bool((found - right).abs() <= 1e-5 * right.abs())


@graded
def norm_by_branches(answer: Callable) -> str:
    """Exercise 2.2: the gradient by number of branches, without listing 2^L paths."""
    generator = torch.Generator().manual_seed(0)
    for depth in (1, 4):
        J = [torch.randn(3, 3, generator=generator) for _ in range(depth)]
        g = torch.randn(3, generator=generator)
        given = [J_l.clone() for J_l in J], g.clone()
        found = tensor(answer(*given), (depth + 1,))
        if not torch.equal(given[1], g):
            raise NotYet("Your function changed the given g. Work on a copy.")
        right, mistakes = _length_answers(J, g)
        if torch.allclose(found, right, rtol=1e-4):
            continue
        for value, message in mistakes:
            if torch.allclose(found, value, rtol=1e-4):
                raise NotYet(message)
        k = next(k for k in range(depth + 1) if not abs(found[k] - right[k]) <= 1e-4 * right[k])
        raise NotYet(
            f"With {depth} block(s), what arrives through {k} branch(es) has norm {right[k]:.4f}; "
            f"you return {found[k]:.4f}. Write down the {math.comb(depth, k)} path(s) through {k}."
        )
    return (
        "One step costs at most L products instead of doubling the list, so 54 blocks take some "
        "1,500 small products instead of 18,000,000,000,000,000 paths."
    )


def _length_answers(J: list[Tensor], g: Tensor) -> tuple[Tensor, list[tuple[Tensor, str]]]:
    """Return the right norms, from the full list of paths, and what the usual slips give."""
    depth = len(J)

    def paths(J: list[Tensor], k: int) -> Tensor:
        """Return the gradients of all paths through k branches, shape (paths, width)."""
        found = []
        for chosen in combinations(range(depth), k):
            v = g.double()
            for index in reversed(chosen):
                v = v @ J[index].double()
            found.append(v)
        return torch.stack(found)

    def norms(J: list[Tensor]) -> Tensor:
        return torch.stack([paths(J, k).sum(0).norm() for k in range(depth + 1)])

    reused = torch.zeros(depth + 1, len(g), dtype=torch.float64)
    reused[0] = g
    for J_l in reversed(J):
        for k in range(1, depth + 1):
            reused[k] += reused[k - 1] @ J_l.double()
    right = norms(J)
    only_longest = torch.zeros_like(right)
    only_longest[-1] = right[-1]
    counts = torch.tensor([math.comb(depth, k) for k in range(depth + 1)], dtype=torch.float64)
    return right, [
        (
            reused.norm(dim=1),
            "Some paths went through one branch several times: new v[k] needs the old v[k-1]. "
            "Go from large k to small k, or build the new list from a copy.",
        ),
        (
            norms([J_l.T for J_l in J]),
            "You multiplied by the transpose. The gradient is a row here: v @ J_l, not J_l @ v.",
        ),
        (
            norms(J[::-1]),
            "You started at the first block. The gradient comes from the end: reversed(J).",
        ),
        (counts, "You counted the paths. Asked for is the norm of the gradient that they bring."),
        (right.square(), "These are the squared norms: a square root is missing."),
        (right / right.sum(), "These are shares of the total; return the norms themselves."),
        (
            torch.stack([paths(J, k).norm(dim=1).sum() for k in range(depth + 1)]),
            "You added the norms of single paths. Paths of one length partly cancel: add their "
            "gradients first, then take one norm.",
        ),
        (
            only_longest,
            "Only the path through all branches arrives: old v[k] must stay, as the shortcut.",
        ),
    ]


@graded
def zero_branch(answer: Callable) -> str:
    """Exercise 2.3: a branch that starts at zero and can still learn."""
    width = 8
    raw = answer(width)
    if not isinstance(raw, (tuple, list)) or len(raw) != 2:
        raise NotYet("Return the two matrices as a pair: W1, W2.")
    W1 = tensor(raw[0], (width, width), "W1").clone().requires_grad_()
    W2 = tensor(raw[1], (width, width), "W2").clone().requires_grad_()
    generator = torch.Generator().manual_seed(0)
    h = torch.randn(64, width, generator=generator, dtype=torch.float64)
    hidden = torch.relu(h @ W1)
    branch = hidden @ W2
    largest = branch.abs().max().item()
    if largest > 0:
        if largest < 0.1:
            raise NotYet(
                f"F(h) is small (up to {largest:.1g}) but not 0. One matrix must be exactly zero."
            )
        raise NotYet(
            f"F(h) reaches {largest:.2g}: the branch is not zero. One of the two matrices must be."
        )
    target = torch.randn(branch.shape, generator=generator, dtype=torch.float64)
    (h + branch - target).square().mean().backward()
    if W1.grad.abs().max() == 0 and W2.grad.abs().max() == 0:
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
    columns = W1.detach().T
    if all(torch.allclose(column, columns[0]) for column in columns):
        raise NotYet(
            "Zero and alive, but all columns of W1 are equal: the hidden numbers are copies of "
            "each other and learn the same thing for ever. Draw W1 at random."
        )
    strength = hidden.detach().square().mean().sqrt().item()
    if not 0.05 < strength < 20:
        raise NotYet(
            f"Zero, but the hidden numbers have a size of {strength:.1g} where h has 1, and W2's "
            f"gradient is of that size. Draw W1 with a standard deviation near sqrt(2 / width)."
        )
    return (
        "In the first step only W2 moves, since W1's gradient is multiplied by W2 = 0; from the "
        "second step on both do. Fixup starts the last layer of every branch in this way."
    )


@graded
def branch_strength(answer: Callable) -> str:
    """Exercise 2.4: the strength of the branch for which the gradient's gain is 2."""
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
        (2 ** (1 / L) - 1) ** 0.5: "Your gain is √2: the exponent is L/2, so 1 + s² = 4^(1/L).",
        2 ** (1 / L): "You solved for √(1 + s²). Subtract the 1 before you take the root.",
        4 ** (1 / L) - 1: "That is s². Take the root.",
        (4 / L) ** 0.5: "With 2/√L the gain goes to e² = 7.4: the gain is not proportional to s.",
        (math.log(4) / L) ** 0.5: (
            "√(ln 4 / L) is right in the limit of many blocks, but off for few: at depth 1 its "
            "gain is 1.54. The equation has an exact solution."
        ),
        (math.log(2) / L) ** 0.5: "Your gain goes to √2: the exponent is L/2, not L.",
    }
    for value, message in mistakes.items():
        if abs(s - value) < 1e-6 * value:
            raise NotYet(message)
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
