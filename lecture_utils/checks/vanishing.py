"""Checks of notebook 01: ratios of gradients, and starting weights that keep them."""

import math
from collections.abc import Callable
from typing import NoReturn

import torch
from torch import Tensor, nn

from lecture_utils.checks.judge import name_slip
from lecture_utils.checks.values import tensor
from lecture_utils.checks.verdict import NotYet, graded

UNSEEN = {  # activations on which exercise 1.2 is checked
    "the sigmoid": torch.sigmoid,
    "softplus": nn.functional.softplus,
    "ELU": nn.functional.elu,
}
MOST = 200  # measurements for each of them; the solution takes 15


class TooManyMeasurements(Exception):  # noqa: N818  the reader sees its name
    """Raised inside an answer that measures more than MOST times for one activation."""


@graded
def first_over_last(answer: Callable) -> str:
    """Exercise 1.1: the median over nets of first layer / last layer."""
    # Three nets whose ratios are 0.1, 0.5 and 2; their sizes differ by orders of magnitude.
    gradients = torch.tensor([[1.0, 7.0, 10.0], [300.0, 1.0, 600.0], [0.02, 9.0, 0.01]])
    given = gradients.clone()
    raw = answer(given)
    if not torch.equal(given, gradients):
        raise NotYet("You changed the given sizes in place; compute new ones.")
    if callable(raw):
        raise NotYet("You return the method itself: add (), as in .median().")
    if isinstance(raw, tuple):
        raise NotYet(".median(0) returns values and their places: use .median() or .values.")
    if torch.as_tensor(raw).numel() == 3:
        raise NotYet("You return one ratio per net: now take the median over the nets.")
    found = tensor(raw, ()).item()
    name_slip(found, _ratio_slips(gradients))
    if abs(found - 0.5) > 1e-4:
        raise NotYet(
            f"For three nets with the ratios 0.1, 0.5 and 2 you return {found:.4g}; the median is "
            f"0.5. Divide column 0 by column -1, then take the median."
        )
    deeper = torch.tensor([[1.0, 9.0, 5.0, 4.0], [3.0, 1.0, 7.0, 2.0], [8.0, 3.0, 9.0, 1.0]])
    if abs(tensor(answer(deeper.clone()), ()).item() - 1.5) > 1e-4:
        raise NotYet("For nets of 3 layers it is right, of 4 it is not: the last layer is -1.")
    return (
        "This ratio does not change when a net's loss is multiplied by a thousand. Of weights' "
        "gradients it still mixes in what comes into each layer; of the signal it does not."
    )


def _ratio_slips(gradients: Tensor) -> list[tuple[Tensor, str]]:
    first, last = gradients[:, 0], gradients[:, -1]
    return [
        (
            first.median() / last.median(),
            "You took the medians over the nets before the ratio. A net's own first and last layer "
            "belong together: divide first, then take the median.",
        ),
        (
            first.mean() / last.mean(),
            "You averaged over the nets before taking the ratio, so the net with the largest "
            "gradients decides alone. Divide first, within each net.",
        ),
        (
            (first / last).mean(),
            "That is the mean of the ratios. Ratios spread over orders of magnitude, and a mean "
            "follows the largest few: take the median.",
        ),
        ((last / first).median(), "That is last / first: turn the fraction over."),
        (
            (first / gradients[:, 1]).median(),
            "You divided by the second layer. The last one is column -1, however deep the net is.",
        ),
        (
            (gradients[0] / gradients[-1]).median(),
            "You divided the first net by the last net. Nets are rows; layers are columns.",
        ),
    ]


@graded
def weight_std(answer: Callable) -> str:
    """Exercise 1.3: weights that keep the gradient's norm in a leaky ReLU net."""
    for n, a in ((100, 0.5), (64, 0.2), (400, 0.0), (10, 1.0), (100, -0.5)):
        std = tensor(answer(n, a), (), "the standard deviation").item()
        right = (2 / ((1 + a**2) * n)) ** 0.5
        if abs(std - right) < 1e-6 * right:
            continue
        name_slip(std, _std_slips(n, a))
        change = (std / right) ** 30 if std > 0 else 0.0
        raise NotYet(
            f"For n = {n} and a = {a} you give {std:.4g}. With these weights 30 layers would "
            f"multiply the gradient by {change:.2g}; it should be 1."
        )
    return (
        "At a = 0 this is He's √(2/n), at a = 1, where nothing is bent, it is Xavier's 1/√n: one "
        "formula holds both."
    )


def _std_slips(n: int, a: float) -> list[tuple[float, str]]:
    square = 2 / ((1 + a**2) * n)
    return [
        (square, "That is the variance; the question asks for the standard deviation."),
        (n**-0.5, "That is Xavier's 1/√n: it takes every slope for 1."),
        ((2 / n) ** 0.5, "That is He's √(2/n), for a = 0: the leak lets some gradient through."),
        (
            (4 / ((1 + a) ** 2 * n)) ** 0.5,
            "You squared the mean of the slopes; the law needs the mean of the squares, (1+a²)/2.",
        ),
        (
            (2 / ((1 + a) ** 2 * n)) ** 0.5,
            "(1 + a)² is not 1 + a²: square each slope first, then add.",
        ),
        ((1 / ((1 + a) * n)) ** 0.5, "You added the slopes: square them, then take the mean."),
        (
            (2 / ((1 + a) * n)) ** 0.5,
            "Nearly: you averaged the slopes, (1 + a)/2. The law averages their squares, since it "
            "is about the squared norm.",
        ),
        ((square / 2) ** 0.5, "A factor 2 is missing: only half of the z are negative."),
        (
            (3 * square) ** 0.5,
            "That is the bound of a uniform draw, √3 times the standard deviation.",
        ),
        (
            ((1 + a**2) / (2 * n)) ** 0.5,
            "Upside down: Var(W) is 1 over n E[φ'²], so (1 + a²)/2 stands below the line.",
        ),
        (
            (2 / ((1 - a**2) * n)) ** 0.5 if a < 1 else 0.0,
            "The leak's a² is added: it lets more gradient through, not less.",
        ),
        ((square * n) ** 0.5, "It does not depend on n: a wider layer sums more terms."),
    ]


@graded
def find_n_var(answer: Callable, powers_left: Callable) -> str:
    """Exercise 1.2: n Var(W) at which 50 layers keep the gradient."""
    found = {}
    for name, phi in UNSEEN.items():
        value = tensor(answer(phi, _counted(powers_left)), (), "n Var(W)").item()
        if value <= 0:
            raise NotYet(f"For {name} you give {value:.3g}; n Var(W) is above 0.")
        found[name] = value
    for name, phi in UNSEEN.items():
        left = powers_left(phi, found[name], seed=1)  # other nets than those of the search
        if not abs(left) <= 2:
            _explain_search(name, found, left, powers_left)
    given = found["the sigmoid"]
    return (
        f"With your {given:.0f} for the sigmoid, {given / 2:.0f} times He's 2, other nets keep "
        f"their gradient as well: it vanished in section 1.5 because of its starting weights, too."
    )


def _counted(powers_left: Callable) -> Callable:
    """Wrap the measurement, so that a search step by step is stopped within seconds."""
    taken = 0

    def measure(*args: object, **kwargs: object) -> float:
        nonlocal taken
        taken += 1
        if taken > MOST:
            raise TooManyMeasurements(
                f"more than {MOST} for one activation. Halve the range that is left at each step: "
                f"15 are enough"
            )
        return powers_left(*args, **kwargs)

    return measure


def _explain_search(
    name: str, found: dict[str, float], left: float, powers_left: Callable
) -> NoReturn:
    """Say what is wrong with an n Var(W) at which 10 to the power `left` of a gradient is left."""
    phi, value = UNSEEN[name], found[name]
    if len(set(found.values())) == 1:
        raise NotYet(f"You give {value:.4g} for every activation; it depends on the activation.")
    for change, message in (
        (lambda v: 64 * v, "That is Var(W); the question is n Var(W), and these nets have n = 64."),
        (lambda v: v**2, "That is the root of n Var(W): give n Var(W) itself."),
        (lambda v: 1 / v, "That is 1 / (n Var(W)): turn the fraction over."),
    ):
        if all(abs(powers_left(UNSEEN[k], change(v), seed=1)) <= 1 for k, v in found.items()):
            raise NotYet(message)
    z = torch.randn(100_000, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (slopes,) = torch.autograd.grad(phi(z).sum(), z)
    if abs(value * slopes.square().mean().item() - 1) < 0.1:
        raise NotYet(
            f"You took the slopes at z of spread 1. But the weights change z: after 50 layers "
            f"10^{left:.0f} of the gradient is left with {name}. Measure in the net, with "
            f"powers_left."
        )
    if not math.isfinite(left):
        raise NotYet(
            f"For {name} you give {value:.3g}; then the numbers in 50 layers overflow or become 0."
        )
    small = left < 0
    advice = "Aim at 0: larger weights leave more" if small else "Aim at 0: smaller ones leave less"
    far = " Nothing says that n Var(W) is near 2: search further." if small and value > 1 else ""
    if not 0.05 < value < 1000:
        far = " If you search, look which half you keep."
    raise NotYet(
        f"For {name} you give {value:.3g}; with it other random nets of 50 layers leave "
        f"10^{left:.1f} of the gradient. {advice}.{far}"
    )
