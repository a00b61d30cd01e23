"""Check of notebook 11: a matrix whose rows and columns sum to 1 (exercise 11.1)."""

from collections.abc import Callable

import torch
from torch import Tensor

from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.relations import close
from lecture_utils.checks.values import as_tensor
from lecture_utils.checks.verdict import NotYet, Unrecognised, graded

COLUMNS, ROWS = -2, -1  # the axis over which a column's, or a row's, sum runs


@graded
def sinkhorn(answer: Callable) -> str:
    """Exercise 11.1: exp, then columns and rows divided by their sums in turn."""
    rows_first = _alike(answer, _rows_first)
    try:
        judge(answer, _rows_first if rows_first else _right, _trials(), _SLIPS)
    except Unrecognised:
        raise NotYet(_what_holds(answer)) from None
    order = "You begin with the rows, so they keep the remainder. " if rows_first else ""
    return (
        f"{order}Each row makes a weighted mean, and so does each column. A product of such "
        "matrices is one again: 24 of them on the shortcut cannot explode."
    )


def _turns(*axes: int, start: Callable = torch.exp, twice: Callable | None = None) -> Callable:
    """Return a function that divides by the sums along these axes, in turn."""

    def divided(A: Tensor, steps: int = 20) -> Tensor:
        A = start(torch.as_tensor(A).double())
        for _ in range(steps):
            A = twice(A) if twice else A
            for axis in axes:
                A = A / A.sum(axis, keepdim=True)
        return A

    return divided


_right, _rows_first = _turns(COLUMNS, ROWS), _turns(ROWS, COLUMNS)


def _alike(answer: Callable, other: Callable) -> bool:
    """Tell whether an answer begins with the rows: after one step the two orders differ."""
    A = _trials()[2].given[0]
    try:
        return close(as_tensor(answer(A.clone(), 1)), other(A, 1))
    except Exception:  # whatever an answer does; judge tells it
        return False


def _trials() -> list[Trial]:
    rng = torch.Generator().manual_seed(4)

    def drawn(n: int, size: float = 1.0) -> Tensor:
        return size * torch.randn(n, n, generator=rng)

    return [
        Trial((torch.tensor([[0.0, 1.0], [0.0, 0.0]]), 20), "for a 2 x 2 matrix and 20 steps"),
        Trial((drawn(3), 20), "for a 3 x 3 matrix"),
        Trial((drawn(3), 1), "for one step", "one step divides the columns once and the rows "
              "once; do exactly `steps` of them."),
        Trial((drawn(4), 2), "for two steps", "do exactly `steps` of them."),
        Trial((drawn(4, 0.5),), "where `steps` is left out", "it is 20 then."),
        Trial((drawn(4) - 5, 20), "for negative entries", "exp makes them positive; no entry is "
              "to be cut off."),
        Trial((drawn(1), 3), "for a 1 x 1 matrix"),
        Trial((drawn(5).double(), 30), "for float64"),
    ]  # fmt: skip


def _together(A: Tensor) -> Tensor:
    return A / A.sum(COLUMNS, keepdim=True) / A.sum(ROWS, keepdim=True)


_KEEP = "Without keepdim=True the sums lie as a row, and each is divided into the wrong entries."
_SLIPS = (
    (lambda A, steps=20: torch.as_tensor(A).double().exp(), "Your function returns exp(A): the "
     "divisions do not reach what you return."),
    (_turns(ROWS), "You divide the rows only. The columns' sums are still anything."),
    (_turns(COLUMNS), "You divide the columns only. The rows' sums are still anything."),
    (_turns(COLUMNS, ROWS, start=lambda A: A), "exp is missing: negative entries stay negative."),
    (_turns(ROWS, COLUMNS, start=lambda A: A), "exp is missing: negative entries stay negative."),
    (_turns(COLUMNS, ROWS, start=torch.abs), "The entries' signs are lost: take exp, not the "
     "absolute value."),
    (_turns(COLUMNS, ROWS, start=torch.square), "You square the entries; take exp of them."),
    (_turns(COLUMNS, ROWS, start=torch.relu), "You cut negative entries off; take exp."),
    (_turns(COLUMNS, ROWS, start=torch.sigmoid), "You take the sigmoid of the entries; take exp."),
    (_turns(COLUMNS, ROWS, start=lambda A: A, twice=torch.exp), "exp stands inside the loop: take "
     "it once, before."),
    (_turns(ROWS, COLUMNS, start=lambda A: A, twice=torch.exp), "exp stands inside the loop: take "
     "it once, before."),
    (_turns(twice=_together), "Both sums are taken before either division. Divide the columns, "
     "then sum the rows of what you have got."),
    (_turns(twice=lambda A: A / A.sum()), "You divide by the sum of all entries; each column has a "
     "sum of its own, and each row."),
    (_turns(twice=lambda A: (lambda B: B / B.sum(ROWS))(A / A.sum(COLUMNS))), _KEEP),
    (_turns(twice=lambda A: (lambda B: B / B.sum(COLUMNS))(A / A.sum(ROWS))), _KEEP),
    (_turns(twice=lambda A: A / A.sum(ROWS)), _KEEP),
    (_turns(twice=lambda A: (lambda B: B / B.amax(ROWS, True))(A / A.amax(COLUMNS, True))),
     "You divide by the largest entry of each column and row; divide by the sum."),
    (_turns(twice=lambda A: (lambda B: B / B.mean(ROWS, True))(A / A.mean(COLUMNS, True))),
     "You divide by the mean, so rows and columns sum to n, not to 1."),
    (_turns(twice=lambda A: (lambda B: B / B.norm(dim=ROWS, keepdim=True))(
        A / A.norm(dim=COLUMNS, keepdim=True))), "You divide by lengths, roots of sums of "
     "squares; divide by the sum."),
    (_turns(twice=lambda A: A.softmax(COLUMNS).softmax(ROWS), start=lambda A: A), "A softmax "
     "takes exp again in each step: take it once, before."),
    (lambda A, steps=20: _right(A, 1), "One step is made, whatever `steps` is: is the `return` "
     "inside the loop?"),
    (lambda A, steps=20: _rows_first(A, 1), "One step is made, whatever `steps` is: is the "
     "`return` inside the loop?"),
    (lambda A, steps=20: _right(A, 20), "20 steps are made, whatever `steps` is."),
    (lambda A, steps=20: _rows_first(A, 20), "20 steps are made, whatever `steps` is."),
    (lambda A, steps=20: _right(A, steps + 1), "You make one step too many."),
    (lambda A, steps=20: _right(A, steps - 1), "You make one step too few: what runs through "
     "range(1, steps)?"),
)  # fmt: skip


def _what_holds(answer: Callable) -> str:
    """Say of a wrong result which of the four things that are asked for it lacks."""
    A = _trials()[1].given[0]
    found = as_tensor(answer(A.clone(), 200))
    if (found <= 0).any():
        return "After 200 steps an entry is not positive: exp makes all of them so."
    for axis, name in ((ROWS, "rows"), (COLUMNS, "columns")):
        off = (found.sum(axis) - 1).abs().max().item()
        if off > 1e-4:
            return f"After 200 steps the {name} do not sum to 1: one is off by {off:.2g}."
    return (
        "After 200 steps rows and columns sum to 1, yet it is not what dividing makes of exp(A). "
        "A division of a whole column or row is all that is allowed."
    )
