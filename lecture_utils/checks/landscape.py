"""Checks for notebook 05: curvature of a slice, power iteration, unfair comparisons."""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor

from lecture_utils.checks.verdict import NotYet, graded, name_slip, tensor


@graded
def curvature(answer: Callable) -> str:
    """Exercise 5.1: the second derivative from the losses at neighbouring points."""
    step = 0.2
    s = step * torch.arange(-3, 4, dtype=torch.float64)
    cubic = s**3 + 1.5 * s**2 + 0.7 * s + 2
    curves = {"s³ + 1.5 s² + 0.7 s + 2": cubic, "exp(s)": s.exp()}
    for name, f in curves.items():
        given = f.clone()
        found = answer(given, step)
        if not torch.equal(given, f):
            raise NotYet("Your function changed the losses it was given; work on a copy.")
        found = torch.as_tensor(found)
        if tuple(found.shape) in {(6,), (7,), (3,)}:
            raise NotYet(_wrong_length(len(found)))
        found = tensor(found, (5,))
        name_slip(found, _curvature_slips(f, step))
        right = (f[:-2] - 2 * f[1:-1] + f[2:]) / step**2
        if not torch.allclose(found, right, rtol=1e-4, atol=1e-6):
            k = int((found - right).abs().argmax())
            raise NotYet(
                f"For {name}, you found {found[k]:.4g} at s = {s[k + 1]:+.1f}, where the "
                f"neighbours give {right[k]:.4g}. Check it with s², whose second derivative is 2 "
                f"everywhere."
            )
    return (
        "Two neighbours and the middle are enough. Along a random direction this is a weighted "
        "average of all curvatures, so the steepest wall of the gorge drowns in it."
    )


def _curvature_slips(f: Tensor, step: float) -> list[tuple[Tensor, str]]:
    left, middle, right = f[:-2], f[1:-1], f[2:]
    second = left - 2 * middle + right
    return [
        (second, "You did not divide. Half as far apart, the differences are four times "
                 "smaller: divide by step²."),
        (second / step, "You divided by the step once; the second derivative needs step²."),
        (second / (2 * step), "You divided by 2 · step, which is right for a *first* "
                              "derivative; here it is step²."),
        (second / (2 * step) ** 2, "The points are one step from the middle, not two: divide "
                                   "by step², not (2 · step)²."),
        (second / (2 * step**2), "That is half of it: the ½ of the Taylor series appears "
                                 "twice, to the left and to the right, and the two add up."),
        (2 * second / step**2, "That is twice as much: adding the two Taylor series gives "
                               "h² f'', and not h² f'' / 2."),
        (-second / step**2, "The sign is wrong: in a valley both neighbours are *higher*, and "
                            "the curvature is positive."),
        ((left - middle + right) / step**2, "The middle counts twice, once for each "
                                            "neighbour: f(s+h) + f(s−h) − 2 f(s)."),
        ((right - left) / (2 * step), "That is the slope, the *first* derivative. Add the two "
                                      "Taylor series instead of subtracting them."),
    ]  # fmt: skip


def _wrong_length(length: int) -> str:
    if length == 6:
        return "6 numbers for 7 losses: that is one difference. Take the difference of differences."
    if length == 7:
        return (
            "7 numbers for 7 losses: the two outer points have only one neighbour, so no second "
            "derivative can be read off there. Return the inner 5."
        )
    return "3 numbers for 7 losses: compare neighbours, one step apart, at every inner point."


def _matrix(values: list[float]) -> torch.Tensor:
    """Make a symmetric matrix with these eigenvalues, and no axis as its eigenvector."""
    g = torch.Generator().manual_seed(1)
    Q = torch.linalg.qr(torch.randn(len(values), len(values), generator=g, dtype=torch.float64))[0]
    return Q @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ Q.T


@graded
def power_iteration(answer: Callable) -> str:
    """Exercise 5.2: the eigenvalue of largest size, by repeated multiplication."""
    start = torch.tensor([1.0, -2.0, 0.5, 3.0, 1.0, 0.3], dtype=torch.float64)
    for values in ([9.0, 4.0, 2.0, 1.0, 0.5, -1.0], [-7.0, 3.0, 2.0, 1.0, 0.5, 0.1]):
        A, calls, v = _matrix(values), [], start.clone()
        found = answer(_counted(A, calls), v, 200)
        if not torch.equal(v, start):
            raise NotYet("Your function changed the vector v it was given; work on a copy.")
        if isinstance(found, torch.Tensor) and found.shape == start.shape:
            raise NotYet("You return the vector; return the eigenvalue vᵀ H v, one number.")
        if max(calls, default=0) > 1e12 or not torch.as_tensor(found).isfinite().all():
            raise NotYet(
                "The vector grew without bound: make its length 1 again after every product, or "
                "200 products by 9 give 10^190 (in the float32 of a net: infinity)."
            )
        value = tensor(found, ())
        if len(calls) < 150:
            raise NotYet(
                f"`product` was called {len(calls)} times; 200 steps mean 200 products, and one "
                f"more for vᵀ H v."
            )
        right = values[0]
        if abs(value - right) < 1e-4:
            continue
        if right < 0 and abs(value + right) < 1e-4:
            raise NotYet(
                "With eigenvalues from −7 to 3 you found +7. The norm of H v has lost the sign: "
                "return vᵀ H v."
            )
        _power_slips(value.item(), values, A, start)
    return (
        "It agrees with Lanczos, and needs only one vector. The price is time: each step improves "
        "it by the ratio of the two largest eigenvalues, and it finds the largest in *size*, "
        "positive or not."
    )


def _counted(A: Tensor, calls: list[float]) -> Callable[[Tensor], Tensor]:
    """Make v ↦ Av, which writes down the length of each v and stops a loop without end."""

    def product(v: Tensor) -> Tensor:
        if len(calls) > 2000:
            raise NotYet(
                "`product` was called more than 2,000 times for 200 steps: a loop that does not "
                "end?"
            )
        calls.append(float(v.norm()))
        return A @ v

    return product


def _power_slips(value: float, values: list[float], A: torch.Tensor, start: torch.Tensor) -> None:
    right = values[0]
    u = start / start.norm()
    if abs(value - float(u @ A @ u)) < 1e-4 or abs(value - float(start @ A @ start)) < 1e-4:
        raise NotYet("You return vᵀ H v for the v you started from: assign the product to v.")
    if abs(value - right**2) < 1e-3:
        raise NotYet("That is the square of the eigenvalue: vᵀ H v, not the squared length of H v.")
    if abs(value - 1) < 1e-6:
        raise NotYet("You found 1, the length that you gave v. Multiply once more: vᵀ H v.")
    if right < 0 and abs(value - max(values)) < 1e-3:
        raise NotYet("That is the largest eigenvalue; power iteration finds the largest in size.")
    raise NotYet(f"With eigenvalues {values} the answer is {right:g}; you found {value:.4g}.")


_FAIR = {"loss": 0.1, "units": "rows", "planes": 5, "norm": None}
_SAYS = {
    "units": "the directions of {which} are not filter-normalised: its picture depends on how long "
    "the weights happen to be",
    "norm": "{which} has a norm and the other none (or another one): a norm keeps "
    "lengthened weights from multiplying, so the two surfaces are of different kinds",
    "loss": "the losses are more than a factor 2 apart ({which} is the lower one)",
    "planes": "{which} was drawn in fewer than three planes: one picture is an anecdote",
}


@graded
def flaw(answer: Callable) -> str:
    """Exercise 5.3: the first thing that spoils a comparison of two landscapes."""
    spoilt = {
        "units": {"units": "weights"},
        "norm": {"norm": "layer"},
        "loss": {"loss": 0.004},
        "planes": {"planes": 1},
    }
    _ask(answer, _FAIR, _FAIR | {"loss": 0.15}, "fair", "the losses differ by a factor of 1.5 only")
    for low, high, word in ((0.1, 0.21, "loss"), (0.001, 0.003, "loss"), (4.0, 4.5, "fair")):
        why = f"{high:g} is {high / low:.3g} times {low:g}, and the limit is a factor of 2"
        for pair in ((low, high), (high, low)):
            _ask(answer, *(_FAIR | {"loss": value} for value in pair), word, why)
    for norm in ("layer", "batch"):
        both = _FAIR | {"norm": norm}
        _ask(answer, both, both, "fair", f"both have {norm} norm, the same for both")
    for expected, change in spoilt.items():
        for swap in (False, True):
            pair = [_FAIR, _FAIR | change]
            which = "the first" if swap else "the second"
            _ask(answer, *(pair[::-1] if swap else pair), expected,
                 _SAYS[expected].format(which=which))  # fmt: skip
    _ask(answer, _FAIR, _FAIR | {"planes": 2}, "planes", "two planes are fewer than three")
    for key in ("units", "planes"):
        both = _FAIR | spoilt[key]
        _ask(answer, both, both, key, f"{key} is wrong in both, which makes nothing fair")
    for pair in ([_FAIR, _FAIR | {"planes": 3}], [_FAIR | {"planes": 3}, _FAIR]):
        _ask(answer, *pair, "fair", "three planes are enough")
    _ask(answer, _FAIR | {"norm": "layer"}, _FAIR | {"norm": "batch"}, "norm",
         "layer norm and batch norm are two different norms")  # fmt: skip
    for first, second in itertools.combinations(spoilt, 2):
        one, other = _FAIR | spoilt[first], _FAIR | spoilt[second]
        why = f"both {first} and {second} are wrong, and {first} comes first in the task's order"
        _ask(answer, one, other, first, why)
    return (
        "By this list the twins of section 5.1 fail twice: unequal loss, and one plane. Ask it of "
        "the next landscape that you see in a paper."
    )


def _ask(answer: Callable, one: dict, other: dict, expected: str, why: str) -> None:
    words = ("units", "norm", "loss", "planes", "fair")
    found = answer(dict(one), dict(other))
    if found not in words:
        raise NotYet(f"You return {found!r}; the five words are {', '.join(words)}.")
    if found == expected:
        return
    raise NotYet(f"{one} against {other}: you say {found!r}. But {why}: {expected!r}.")
