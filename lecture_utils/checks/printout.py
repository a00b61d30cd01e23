"""Check for notebook 03: the lecture's printout without autograd (exercise 3.4)."""

import copy
import functools
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.modules import without_autograd
from lecture_utils.checks.printout_slips import SLIPS, backward
from lecture_utils.checks.relations import close
from lecture_utils.checks.values import as_tensor, said
from lecture_utils.checks.verdict import NotYet, graded


def _net(sizes: list[int], rows: int, seed: int, size: float = 1.0) -> tuple:
    rng = torch.Generator().manual_seed(seed)
    weights = [torch.randn(a, b, generator=rng) for a, b in pairwise(sizes)]
    biases = [torch.randn(b, generator=rng) for b in sizes[1:]]
    return size * torch.randn(rows, sizes[0], generator=rng), weights, biases


def _plain(x: Tensor, W: Tensor) -> tuple:
    return x, [W], [torch.zeros(W.shape[1])]


# One layer without a shortcut: where GELU does nothing; where it does; with a bias. Then more.
_TRIALS = (
    Trial(
        _plain(torch.tensor([[4.0, 6.0]]), torch.tensor([[2.0, 1.0, 3.0], [1.0, 2.0, 1.0]])),
        "for one layer and large z",
    ),
    Trial(
        _plain(torch.tensor([[0.4, -0.6]]), torch.tensor([[1.0, 2.0, -3.0], [2.0, -1.0, 1.0]])),
        "for one layer and small z",
        "where z is large, gelu(z) is z and its slope 1; look at the two where they are not.",
    ),
    Trial(_net([2, 3], 1, 0), "for one layer with a bias", "z = h W + b."),
    Trial(
        _net([2, 3], 4, 8),
        "for one layer and several inputs",
        "each row is an input; dL/dW sums over the rows, and dL/dy divides by all outputs.",
    ),
    Trial(
        _net([3, 3], 2, 1),
        "for one layer with a shortcut",
        "forward, y is h + gelu(z) there, and dL/dy is 2y over the number of outputs.",
    ),
    Trial(
        _net([2, 3, 4], 3, 2),
        "for two layers without shortcuts",
        "look at the step back, from the last layer to the first: there g becomes δ Wᵀ.",
    ),
    Trial(
        _net([3, 3, 3], 2, 3),
        "for two layers with shortcuts",
        "look at the step back where there is a shortcut: the sum hands g itself on, too.",
    ),
    Trial(
        _net([3, 3, 3, 3], 2, 9),
        "for three layers with shortcuts",
        "each shortcut hands on the g that arrives at its own layer.",
    ),
    Trial(_net([3, 3, 3, 3, 3, 1], 3, 7), "for the lecture's net",
          "its last layer has no shortcut, the others have one."),
    Trial(
        _net([4, 4, 2, 2, 5], 3, 0),
        "where the width changes in the middle of the net",
        "a layer has a shortcut where its shapes agree, wherever it stands, forward and backward.",
    ),
    Trial(_net([3, 3, 3], 3, 4), "for as many inputs as neurons"),
    Trial(_net([1, 1, 1], 1, 5), "for a width of 1"),
    Trial(_net([4, 3, 3], 5, 6, 3.0), "for large inputs",
          "where z is large, GELU's slope is near 0 or 1."),
)  # fmt: skip


_AT_FIRST = (
    "Take one layer with x = (4, 6), W = (2, 1, 3; 1, 2, 1) and b = 0. z is so large there that "
    "gelu(z) is z and its slope 1, so dL/dW is hᵀ times 2z over the number of outputs: its first "
    "entry is 37.33. Yours is not: look at dL/dy, and how g, δ and dL/dW follow from it."
)
_LECTURE = 8  # its place among the trials


@graded
def printout_by_hand(answer: Callable) -> str:
    """Exercise 3.4: dL/dW of every layer of the lecture's class, by hand."""
    answer = _checked(without_autograd(answer))
    judge(answer, backward, _ordered(answer), _SLIPS, read=_flat, why=_why)
    for trial in _TRIALS:
        for k, (part, W) in enumerate(zip(answer(*trial.given), trial.given[1], strict=True)):
            if as_tensor(part).shape != W.shape:
                raise NotYet(
                    f"Right numbers, but dL/dW of layer {k} has shape "
                    f"{tuple(as_tensor(part).shape)}; it must have that of W, {tuple(W.shape)}."
                )
    return (
        "Call it with the lecture's x and weights (an nn.Linear's weight.T): the mean of |dL/dW| "
        "at layer 0 is 0.2217, the video's number, and no autograd was used."
    )


def _why(answer: Callable, trial: Trial) -> str | None:
    return _AT_FIRST if trial is _TRIALS[0] else None


def _ordered(answer: Callable) -> list[Trial]:
    """Return the trials, the lecture's net first where the answer is right for it."""
    trials, lecture = list(_TRIALS), _TRIALS[_LECTURE]
    try:
        right = close(_flat(answer(*copy.deepcopy(lecture.given))), _flat(backward(*lecture.given)))
    except NotYet:
        right = False
    if not right:
        return trials
    first = replace(trials[0], hint="its shapes do not agree, so it has no shortcut.")
    return [lecture, first, *(trial for trial in trials[1:] if trial is not lecture)]


def _checked(answer: Callable) -> Callable:
    """Return the answer, refusing another number of gradients, and gradients of another size."""

    @functools.wraps(answer)
    def call(x: Tensor, weights: list[Tensor], biases: list[Tensor]) -> list:
        found = answer(x, weights, biases)
        if isinstance(found, dict | str) or not isinstance(found, Iterable):
            raise NotYet(f"You return {said(found)}; return a list, one dL/dW for each layer.")
        if isinstance(found, Tensor):
            raise NotYet("You return a tensor; return a list, one dL/dW for each layer.")
        parts = list(found)
        if len(parts) != len(weights):
            raise NotYet(
                f"You return {len(parts)} where {len(weights)} are expected: return a list, one "
                f"dL/dW for each layer."
            )
        reverse = _sizes(parts) == _sizes(weights[::-1])
        for k, (part, W, b) in enumerate(zip(parts, weights, biases, strict=True)):
            if not reverse:
                _require_size(part, W, b, f"dL/dW of layer {k}")
        return parts

    return call


def _require_size(part: Any, W: Tensor, b: Tensor, name: str) -> None:
    if part is None or part is ...:
        raise NotYet(f"{name} is None.")
    value, wanted = as_tensor(part, name), f"expected {tuple(W.shape)}, that of W"
    if value.numel() == W.numel():
        return
    if value.shape == b.shape:
        raise NotYet(f"{name} has the shape of a bias, {tuple(b.shape)}; {wanted}.")
    if value.numel() == 1:
        raise NotYet(f"{name} is a single number; asked for is the gradient itself; {wanted}.")
    raise NotYet(f"{name} has shape {tuple(value.shape)}; {wanted}.")


def _sizes(parts: list) -> list[int]:
    return [0 if part is None or part is ... else as_tensor(part).numel() for part in parts]


def _flat(parts: Any) -> Tensor:
    return torch.cat([as_tensor(part).flatten() for part in parts])


_SLIPS = [(_checked(slip), message) for slip, message in SLIPS]
