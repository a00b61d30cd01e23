"""Check of notebook 11: a matrix whose rows and columns sum to 1 (exercise 11.1)."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.values import as_tensor
from lecture_utils.checks.verdict import graded

_READ = 1e-5  # of an entry: nearer than that, two orders of division are one


@graded
def sinkhorn(answer: Callable) -> str:
    """Exercise 11.1: exp, then columns and rows divided by their sums in turn."""
    judge(_many(answer), _right, _trials(), _SLIPS, read=_read)
    judge(_few(answer), _right, _few_trials(), _FEW_SLIPS, read=_read)
    return (
        "Each row of it makes a weighted mean, and so does each column. A product of such "
        "matrices is one again: that is why 24 of them on the shortcut cannot explode."
    )


def _divided(A: Tensor, steps: int, order: tuple[int, ...]) -> Tensor:
    for _ in range(steps):
        for axis in order:
            A = A / A.sum(axis, keepdim=True)
    return A


def _positive(A: Tensor) -> Tensor:
    A = torch.as_tensor(A).double()
    return (A - A.max()).exp()


def _right(A: Tensor, steps: int = 20) -> Tensor:
    return _divided(_positive(A), steps, (-2, -1))
