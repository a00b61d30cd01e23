"""Check for notebook 05: the curvature of a slice (exercise 5.1)."""

from collections.abc import Callable

import torch
from torch import Tensor

from lecture_utils.checks.calling import called
from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.relations import close
from lecture_utils.checks.values import as_tensor
from lecture_utils.checks.verdict import NotYet, graded


def _points(count: int, step: float) -> Tensor:
    return step * (torch.arange(count) - count // 2)


def _trials() -> list[Trial]:
    """Return slices as `along` makes them, in float32: the simplest first, then all that bends."""
    s, wide, near = _points(7, 0.2), _points(5, 3.0), _points(25, 0.05)
    return [
        Trial((_points(5, 1.0) ** 2, 1.0), "for s² in steps of 1"),
        Trial((s**3 + 1.5 * s**2 + 0.7 * s + 2, 0.2), "for s³ + 1.5 s² + 0.7 s + 2, step 0.2"),
        Trial((_points(6, 0.5).exp(), 0.5), "for exp(s), step 0.5", "each inner point has its own "
              "curvature, from its own two neighbours."),
        Trial((torch.tensor([1.0, 2.0, 5.0]), 1.0), "for three losses",
              "then there is one inner point, and one curvature."),
        Trial((2 - 0.5 * wide, 1.0), "on a straight line", "there the curvature is 0."),
        Trial((4 - wide**2 + wide, 3.0), "on a hilltop", "there the curvature is negative."),
        Trial((0.1 + 7 * near**2 + 90 * near**3, 0.05), "for 25 losses in steps of 0.05"),
        Trial((torch.tensor([0.3, 0.1, 0.4, 0.9], dtype=torch.float64), 2), "in steps of 2"),
    ]  # fmt: skip


@graded
def curvature(answer: Callable) -> str:
    """Exercise 5.1: the second derivative from the losses at neighbouring points."""
    f = _points(7, 0.5) ** 2 + 1
    found = as_tensor(called(answer, f, 0.5, names=("losses", "step")))
    if found.ndim == 1 and len(found) in _LENGTHS:
        raise NotYet(f"{len(found)} numbers for 7 losses: {_LENGTHS[len(found)]}")
    try:
        judge(answer, _curvature, _trials(), _SLIPS)
    except NotYet as mistake:
        known = str(mistake) in {message for _, message in _SLIPS}
        raise (not known and _weighted(answer)) or mistake from None
    return (
        "Two neighbours and the middle are enough, and the net's formula is not needed. Try it: "
        "`curvature(along(plain[0], random_direction(plain[0], 0), torch.arange(-2, 3) / 20), "
        "0.05)`"
    )


def _weighted(answer: Callable) -> NotYet | None:
    """Say how the answer weighs the losses, if it adds them up with weights that cannot be."""
    try:
        M = torch.stack([as_tensor(answer(e, 1.0)) for e in torch.eye(5)], 1)  # (3, 5)
        f = torch.tensor([3.0, -1.0, 0.5, 2.0, 7.0])
        if not close(as_tensor(answer(f, 1.0)), M @ f.double()):
            return None
    except Exception:  # whatever an answer does with losses like these
        return None
    for place, row in enumerate(M, start=1):
        used = [j for j in range(5) if row[j]]
        far = [j for j in used if abs(j - place) > 1]
        if far:
            return NotYet(
                f"The curvature at losses[{place}] needs that one and its two neighbours. Yours "
                f"changes with losses[{far[0]}], too."
            )
        shown = " ".join(f"{row[j]:+.3g} losses[{j}]" for j in used)
        s = torch.arange(5.0).double()
        for name, f in (("equal losses, all 1", s**0), (f"{s.tolist()}, a straight line", s)):
            if abs(row @ f) > 1e-4:
                return NotYet(
                    f"At losses[{place}], step 1, yours is {shown}. Of {name}, that makes "
                    f"{row @ f:.4g}; the curvature is 0."
                )
    return None


def _second(losses: Tensor) -> Tensor:
    f = losses.double()
    return f[2:] - 2 * f[1:-1] + f[:-2]


def _curvature(losses: Tensor, step: float) -> Tensor:
    return _second(losses) / step**2


def _twice_gradient(f: Tensor, h: float) -> Tensor:
    return torch.gradient(torch.gradient(f, spacing=h)[0], spacing=h)[0][1:-1]


_LENGTHS = {
    1: "each inner point has its own curvature: return all 5.",
    3: "compare neighbours, one step apart, at every inner point.",
    4: "there are 5 inner points; an index or the end of a loop is off.",
    6: "one difference leaves 6, the difference of differences 5, one for each inner point.",
    7: "the two outer points have only one neighbour, so no curvature can be read off there. "
       "Return the inner 5.",
}  # fmt: skip
_SLOPE = (
    "That is the *slope*. Add the two neighbours instead of subtracting them: then the slope "
    "cancels."
)
_MIDDLE = "The middle counts twice, once for each neighbour: f(s+h) + f(s−h) − 2 f(s)."
_SLIPS = (
    (lambda f, h: _second(f), "You did not divide. Half as far apart, the differences are four "
     "times smaller: divide by step²."),
    (lambda f, h: _second(f) / h, "You divided by the step once; a curvature needs step²."),
    (lambda f, h: _second(f) / (2 * h), "You divided by 2 · step, which is right for a *slope*; "
     "here it is step²."),
    (lambda f, h: _second(f) / (2 * h) ** 2, "The points are one step from the middle, not two: "
     "divide by step², not (2 · step)²."),
    (lambda f, h: _second(f) / (2 * h**2), "That is half of it: each of the two parabola's values "
     "has ½ c step², to the left and to the right, and the two add up."),
    (lambda f, h: 2 * _second(f) / h**2, "That is twice as much: the sum of the two neighbours has "
     "c step², and not ½ c step²."),
    (lambda f, h: _second(f) / h**3, "You divided by the step three times; a curvature needs "
     "step²."),
    (lambda f, h: _second(f) * h**2, "You multiplied by step²; divide."),
    (lambda f, h: _second(f) / h**0.5, "You divided by the root of the step; square it."),
    (lambda f, h: -_second(f) / h**2, "The sign is wrong: in a valley both neighbours are "
     "*higher*, and the curvature is positive."),
    (lambda f, h: (f[:-2] - f[1:-1] + f[2:]) / h**2, _MIDDLE),
    (lambda f, h: (f[:-2] + f[2:]) / h**2, "The middle is missing: f(s+h) + f(s−h) − 2 f(s)."),
    (lambda f, h: (f[:-2] + 2 * f[1:-1] + f[2:]) / h**2, "The middle is subtracted, twice: on a "
     "straight line nothing may be left."),
    (lambda f, h: (f[2:] - 2 * f[1:-1] - f[:-2]) / h**2, "Both neighbours are added: f(s−h) has "
     "the wrong sign."),
    (lambda f, h: f[2:] - 2 * f[1:-1] + f[:-2] / h**2, "Brackets: the whole sum is divided by "
     "step²."),
    (lambda f, h: (f[2:] + f[:-2]) / h**2 - 2 * f[1:-1], "Brackets: the whole sum is divided by "
     "step²."),
    (lambda f, h: (f[2:] - f[1:-1]) / h, _SLOPE),
    (lambda f, h: (f[1:-1] - f[:-2]) / h, _SLOPE),
    (lambda f, h: (f[2:] - f[:-2]) / (2 * h), _SLOPE),
    (lambda f, h: (f[2:] - f[:-2]) / h, _SLOPE),
    (lambda f, h: (f[2:] - f[:-2]) / h**2, _SLOPE),
    (lambda f, h: (f[2:] - f[:-2]) / (2 * h**2), _SLOPE),
    (lambda f, h: (f[2:] - f[1:-1]) / h**2, "Only the right neighbour comes in: then the slope "
     "does not cancel."),
    (lambda f, h: 2 * (f[2:] - f[1:-1]) / h**2, "Only the right neighbour comes in: then the slope "
     "b does not cancel."),
    (lambda f, h: 2 * (f[:-2] - f[1:-1]) / h**2, "Only the left neighbour comes in: then the slope "
     "b does not cancel."),
    (_twice_gradient, "The slope of slopes two steps apart looks too far: it uses losses two steps "
     "away, and at the ends only one side. Take differences of differences one step apart."),
)  # fmt: skip
