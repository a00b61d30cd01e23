"""Checks for notebook 02: the backward pass by hand, and the paths (exercises 2.1 and 2.4)."""

import math
from collections.abc import Callable
from itertools import combinations

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from lecture_utils.checks.judge import name_slip
from lecture_utils.checks.values import tensor
from lecture_utils.checks.verdict import NotYet, graded


@graded
def chain_gradients(answer: Callable) -> str:
    """Exercise 2.1: the backward pass of the scalar chain, by hand."""
    for weights in ([0.5, -0.8, 0.3, 0.9], [0.5]):
        w = torch.tensor(weights, dtype=torch.float64)
        y_0 = torch.tensor(0.7, dtype=torch.float64)
        raw = _by_hand(answer, w, y_0)
        if getattr(raw, "ndim", 1) == 0:
            raise NotYet("You return one number; L + 1 are asked for, one for each y_l.")
        if not isinstance(raw, (int, float)) and len(raw) == len(w):
            raise NotYet(
                f"You return {len(w)} gradients for {len(w)} block(s). There is one more: with L "
                f"blocks there are L + 1 values y_0 … y_L, and each has its gradient."
            )
        found = tensor(raw, (len(w) + 1,))
        right, mistakes = _chain_answers(w, y_0)
        if torch.allclose(found, right, rtol=1e-5):
            continue
        name_slip(found, mistakes)
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


def _by_hand(answer: Callable, w: Tensor, y_0: Tensor) -> object:
    """Return the answer, computed with autograd switched off; refuse changed inputs."""
    given = w.clone(), y_0.clone()
    try:
        with torch.no_grad():
            raw = answer(*given)
    except NotYet as mistake:
        if "require grad" in str(mistake) or "requires grad" in str(mistake):
            raise NotYet(
                "Autograd is switched off while this check runs: walk back by hand, one factor "
                "per block."
            ) from mistake
        raise
    if not (torch.equal(given[0], w) and torch.equal(given[1], y_0)):
        raise NotYet("Your function changed the given w or y_0. Work on a copy.")
    return raw


def _chain_answers(w: Tensor, y_0: Tensor) -> tuple[Tensor, list[tuple[Tensor, str]]]:
    """Return the right gradients and what the usual slips give instead."""
    y, plain = _values(w, y_0, shortcut=1), _values(w, y_0, shortcut=0)
    factors = _slope(w, y[:-1]) + 1
    right = _back(factors, y[-1])
    return right, [
        (_back(factors - 1, y[-1]), "The +1 is missing: each factor is f'(y_l) + 1."),
        (
            _back(factors, torch.ones_like(y_0)),
            "You start from 1 at the top. The loss is y_L²/2: its gradient at y_L is y_L.",
        ),
        (
            _back(factors, y[-1] ** 2 / 2),
            "You start from the loss; start from its derivative, y_L.",
        ),
        (
            torch.cat([torch.ones_like(factors[:1]), factors.cumprod(0)]) * y[-1],
            "Your products start at y_0. A gradient collects its factors from the loss downwards.",
        ),
        (right.flip(0), "Right numbers, wrong order: return y_0's gradient first, y_L's last."),
        (
            _back(_slope(w, y[1:]) + 1, y[-1]),
            "You took the slope at the block's output, y_(l+1). f' belongs at its input, y_l.",
        ),
        (
            _back(1 - torch.tanh(w * y[:-1]) ** 2 + 1, y[-1]),
            "An inner derivative is missing: f(y) = tanh(w y), so f' = w (1 - tanh²(w y)).",
        ),
        (
            _back(_slope(w.flip(0), y[:-1]) + 1, y[-1]),
            "Weights and values are paired the wrong way round: on the way down, reverse both.",
        ),
        (
            _back(_slope(w, plain[:-1]), plain[-1]),
            "This is the chain without shortcuts: forward, too, each block adds its input.",
        ),
        (
            _back(_slope(w, plain[:-1]) + 1, plain[-1]),
            "Backward has its +1, but your forward pass lost the shortcut: y_(l+1) = f(y_l) + y_l.",
        ),
    ]


def _values(w: Tensor, y_0: Tensor, shortcut: int) -> Tensor:
    y = [y_0]
    for w_l in w:
        y.append(torch.tanh(w_l * y[-1]) + shortcut * y[-1])
    return torch.stack(y)


def _slope(w: Tensor, y: Tensor) -> Tensor:
    return w * (1 - torch.tanh(w * y) ** 2)


def _back(factors: Tensor, top: Tensor) -> Tensor:
    """Return all gradients from the one at the top, by the factors of the blocks."""
    products = factors.flip(0).cumprod(0).flip(0)
    return torch.cat([products, torch.ones(1, dtype=products.dtype)]) * top


def _close(found: Tensor, right: Tensor) -> bool:
    return bool((found - right).abs() <= 1e-5 * right.abs())


@graded
def norm_by_branches(answer: Callable) -> str:
    """Exercise 2.4: the gradient by number of branches, without listing 2^L paths."""
    generator = torch.Generator().manual_seed(0)
    for depth in (1, 4):
        J = [torch.randn(3, 3, generator=generator) for _ in range(depth)]
        g = torch.randn(3, generator=generator)
        given = [J_l.clone() for J_l in J], g.clone()
        raw = answer(list(given[0]), given[1])
        if getattr(raw, "ndim", 1) == 2:
            raise NotYet("You return the vectors; return the norm of each, L + 1 numbers.")
        if getattr(raw, "ndim", 1) == 0:
            raise NotYet("You return one norm for all; the question is one for each k.")
        found = tensor(raw, (depth + 1,))
        same = all(torch.equal(a, b) for a, b in zip(given[0], J, strict=True))
        if not torch.equal(given[1], g) or not same:
            raise NotYet("Your function changed the given J or g. Work on a copy.")
        right, mistakes = _length_answers(J, g)
        if torch.allclose(found, right, rtol=1e-4):
            continue
        name_slip(found, mistakes)
        k = next(k for k in range(depth + 1) if not abs(found[k] - right[k]) <= 1e-4 * right[k])
        raise NotYet(
            f"With {depth} block(s), what arrives through {k} branch(es) has norm {right[k]:.4f}; "
            f"you return {found[k]:.4f}. Write down the {math.comb(depth, k)} path(s) through {k}."
        )
    if _largest_tensor(answer, depth=12) > 1000:
        raise NotYet(
            "Right numbers, by listing all 2^L paths: at 54 blocks that does not fit. Keep one "
            "vector per number of branches."
        )
    return (
        "One step costs at most L products instead of doubling the list, so 54 blocks take some "
        "1,500 small products instead of 18,000,000,000,000,000 paths."
    )


def _largest_tensor(answer: Callable, depth: int) -> int:
    """Return the number of entries of the largest tensor made while answering, width 3."""
    largest = 0

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            nonlocal largest
            result = function(*args, **(kwargs or {}))
            if isinstance(result, Tensor):
                largest = max(largest, result.numel())
            return result

    J = [torch.eye(3) for _ in range(depth)]
    with Watch():
        answer(J, torch.ones(3))
    return largest


def _length_answers(J: list[Tensor], g: Tensor) -> tuple[Tensor, list[tuple[Tensor, str]]]:
    """Return the right norms, from the full list of paths, and what the usual slips give."""
    groups = _paths_by_length(J, g)
    right = _norms(groups)
    only_longest = torch.zeros_like(right)
    only_longest[-1] = right[-1]
    counts = torch.tensor([len(group) for group in groups], dtype=torch.float64)
    return right, [
        (
            _reused(J, g),
            "Some paths went through one branch several times: new v[k] needs the old v[k-1]. "
            "Go from large k to small k, or build the new list from a copy.",
        ),
        (
            _norms(_paths_by_length([J_l.T for J_l in J], g)),
            "You multiplied by the transpose. The gradient is a row here: v @ J_l, not J_l @ v.",
        ),
        (
            _norms(_paths_by_length(J[::-1], g)),
            "You started at the first block. The gradient comes from the end: reversed(J).",
        ),
        (counts, "You counted the paths. Asked for is the norm of the gradient that they bring."),
        (right.square(), "These are the squared norms: a square root is missing."),
        (right / right.sum(), "These are shares of the total; return the norms themselves."),
        (
            torch.stack([group.norm(dim=1).sum() for group in groups]),
            "You added the norms of single paths, as if all pointed the same way: add their "
            "gradients first, then take one norm.",
        ),
        (
            torch.stack([group.norm() for group in groups]),
            "You added squares, as if the paths stood at right angles. That is the theory's "
            "average; here add the gradients of the paths, then take one norm.",
        ),
        (
            only_longest,
            "Only the path through all branches arrives: old v[k] must stay, as the shortcut.",
        ),
    ]


def _paths_by_length(J: list[Tensor], g: Tensor) -> list[Tensor]:
    """Return, for k = 0 … L, the gradients of all paths through k branches: (paths, width)."""
    groups = []
    for k in range(len(J) + 1):
        group = []
        for chosen in combinations(range(len(J)), k):
            v = g.double()
            for index in reversed(chosen):
                v = v @ J[index].double()
            group.append(v)
        groups.append(torch.stack(group))
    return groups


def _norms(groups: list[Tensor]) -> Tensor:
    return torch.stack([group.sum(0).norm() for group in groups])


def _reused(J: list[Tensor], g: Tensor) -> Tensor:
    """Return what comes of updating v in place, from small k to large."""
    v = torch.zeros(len(J) + 1, len(g), dtype=torch.float64)
    v[0] = g
    for J_l in reversed(J):
        for k in range(1, len(J) + 1):
            v[k] += v[k - 1] @ J_l.double()
    return v.norm(dim=1)
