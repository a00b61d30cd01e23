"""Check of notebook 01: a search for the weights that keep the gradient (exercise 1.2)."""

import math
from collections.abc import Callable
from typing import NoReturn

import torch
from torch import nn

from lecture_utils.checks.values import number
from lecture_utils.checks.verdict import NotYet, graded

UNSEEN = {  # activations on which exercise 1.2 is checked
    "the sigmoid": torch.sigmoid,
    "softplus": nn.functional.softplus,
}
MOST = 200  # measurements for each of them; the solution takes 15


@graded
def find_n_var(answer: Callable, powers_left: Callable) -> str:
    """Exercise 1.2: n Var(W) at which 50 layers keep the gradient."""
    found = {}
    for name, phi in UNSEEN.items():
        value = number(answer(phi, _counted(powers_left)), "n Var(W)")
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
            raise NotYet(
                f"You measure more than {MOST} times for one activation. Halve the range that is "
                f"left at each step: 15 are enough."
            )
        return powers_left(*args, **kwargs)

    return measure


def _explain_search(
    name: str, found: dict[str, float], left: float, powers_left: Callable
) -> NoReturn:
    """Say what is wrong with an n Var(W) at which 10 to the power `left` of a gradient is left."""
    value = found[name]
    if len(set(found.values())) == 1:
        raise NotYet(f"You give {value:.4g} for every activation; it depends on the activation.")
    for change, message in (
        (lambda v: 64 * v, "That is Var(W); the question is n Var(W), and these nets have n = 64."),
        (lambda v: v**2, "That is the root of n Var(W): give n Var(W) itself."),
        (lambda v: 1 / v, "That is 1 / (n Var(W)): turn the fraction over."),
        (lambda v: 10 ** min(v, 9), "That is its power of ten: give n Var(W) itself."),
    ):
        if all(abs(powers_left(UNSEEN[k], change(v), seed=1)) <= 1 for k, v in found.items()):
            raise NotYet(message)
    _name_slopes(name, value, left)
    if not math.isfinite(left):
        raise NotYet(
            f"For {name} you give {value:.3g}; then the numbers in 50 layers overflow or become 0."
        )
    small = left < 0
    advice = "Aim at 0: larger weights leave more" if small else "Aim at 0: smaller ones leave less"
    far = " Nothing says that n Var(W) is near 2: search further." if small and value > 1 else ""
    if not 0.02 < value < 5000:
        far = " If you search, look which half you keep."
    raise NotYet(
        f"For {name} you give {value:.3g}; with it other random nets of 50 layers leave "
        f"10^{left:.1f} of the gradient. {advice}.{far}"
    )


def _name_slopes(name: str, value: float, left: float) -> None:
    """Refuse what comes of the slopes at one place, or at numbers of spread 1."""
    phi = UNSEEN[name]
    zero = torch.zeros(1, requires_grad=True)
    (slope,) = torch.autograd.grad(phi(zero).sum(), zero)
    if abs(value * slope.item() ** 2 - 1) < 0.1:
        raise NotYet(
            f"You took the slope at z = 0. But z moves away from 0, where {name} is flatter or "
            f"steeper: measure in the net, with powers_left."
        )
    z = torch.randn(100_000, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (slopes,) = torch.autograd.grad(phi(z).sum(), z)
    if abs(value * slopes.square().mean().item() - 1) < 0.1:
        raise NotYet(
            f"That is what the slopes at z of spread 1 ask for. But the weights change z: after 50 "
            f"layers 10^{left:.0f} of the gradient is left with {name}. Measure in the net, with "
            f"powers_left."
        )
