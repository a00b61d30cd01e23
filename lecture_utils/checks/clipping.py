"""Check of notebook 01: clipping gradients by their joint norm."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lecture_utils.checks.calling import called
from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.values import as_tensor, said
from lecture_utils.checks.verdict import NotYet, graded

_TRIALS = (
    Trial(([torch.tensor([6.0]), torch.tensor([[0.0, 8.0]])], 1.0), "for (6) and (0, 8), limit 1"),
    Trial(([torch.tensor([6.0]), torch.tensor([[0.0, 8.0]])], 5.0), "for a limit of 5"),
    Trial(
        ([torch.tensor([0.3]), torch.tensor([[0.0, -0.4]])], 1.0),
        "for a joint norm of 0.5 and limit 1",
        "below the limit gradients must be left alone, so the factor is at most 1.",
    ),
    Trial(
        ([torch.tensor([[4.0, 0.0]]), torch.tensor(0.3), torch.zeros(2, 3)], 1.0),
        "where only one of three tensors is long",
        "the limit holds for all of them together: short ones shrink by the same factor.",
    ),
    Trial(
        ([torch.full((2,), -0.3) for _ in range(9)], 1.0),
        "where each of nine tensors is short and all together are not",
        "all tensors must be scaled by the same factor, from the joint norm.",
    ),
    Trial(([torch.tensor([0.6, -0.8])], 1.0), "where the joint norm is the limit itself",
          "then nothing changes."),
    Trial(([torch.tensor([0.3, 0.4])], 0.1), "for a limit of 0.1",
          "the limit may be below 1, and is max_norm, not 1."),
    Trial(([torch.tensor([3.0])], 4.0), "for a norm of 3 and limit 4",
          "3 is below 4: nothing changes. Compare the norm with the limit, not its square."),
    Trial(([torch.tensor([0.5])], 0.3), "for a norm of 0.5 and limit 0.3",
          "0.5 is above 0.3. Compare the norm with the limit, not its square."),
    Trial(([torch.zeros(2)], 1.0), "for all-zero gradients",
          "the joint norm is 0: leave them alone, do not divide by it."),
)  # fmt: skip


@graded
def clip(answer: Callable) -> str:
    """Exercise 1.4: clip gradients by their joint norm."""
    _require_list(answer)
    judge(answer, _clipped, _TRIALS, _SLIPS, read=_flat)
    return (
        "The direction is kept, only the length is cut. First / last is the same as before, so "
        "clipping does nothing against vanishing."
    )


def _require_list(answer: Callable) -> None:
    """Refuse another number of tensors than was given, and other shapes."""
    for trial in _TRIALS[3::-3]:
        gradients, limit = trial.given
        found = called(answer, gradients, limit, names=("gradients", "max_norm"))
        if isinstance(found, Tensor) and len(gradients) > 1:
            raise NotYet("You return one tensor; a list is expected, one for each given tensor.")
        if not hasattr(found, "__iter__"):
            raise NotYet(f"You return {said(found)}; a list of tensors is expected.")
        found = [found] if isinstance(found, Tensor) else list(found)
        if not found:
            raise NotYet("You return an empty list; one tensor for each given one is expected.")
        if len(found) != len(gradients):
            raise NotYet(f"You return {len(found)} tensors for {len(gradients)} given ones.")
        for R, G in zip(found, gradients, strict=True):
            if as_tensor(R).shape != G.shape:
                raise NotYet(
                    f"A tensor of shape {tuple(G.shape)} comes back with shape "
                    f"{tuple(as_tensor(R).shape)}: keep the shapes."
                )


def _flat(parts: Any) -> Tensor:
    parts = [parts] if isinstance(parts, Tensor) else list(parts)
    return torch.cat([as_tensor(part).flatten() for part in parts])


def _joint(gradients: list[Tensor]) -> Tensor:
    return sum(G.double().square().sum() for G in gradients) ** 0.5


def _clipped(gradients: list[Tensor], max_norm: float) -> list[Tensor]:
    joint = _joint(gradients)
    factor = max_norm / joint if joint > max_norm else 1.0
    return [factor * G for G in gradients]


def _with(factor: Callable[[list[Tensor], float], Any]) -> Callable:
    """Return what scales all gradients by one factor."""
    return lambda Gs, m: [factor(Gs, m) * G for G in Gs]


_OWN = (
    "You clipped each tensor (or each entry) on its own: 6 and 8 became equal, and the direction "
    "changed. Use one factor, from the joint norm, for all."
)
_ADDED = "You added the norms, 6 + 8. The joint norm is √(6² + 8²) = 10."
_SQUARED = "You divided by the squared norm: a square root is missing."
_ALWAYS = (
    "Gradients of joint norm 0.5 were changed although the limit is 1. Below the limit they must "
    "be left alone: the factor is at most 1."
)
_SLIPS = (
    (lambda Gs, m: [G / G.norm() * min(m, G.norm()) for G in Gs], _OWN),
    (lambda Gs, m: [G * min(1, m / G.norm()) if G.norm() else G for G in Gs], _OWN),
    (lambda Gs, m: [G.clamp(-m, m) for G in Gs], _OWN),
    (lambda Gs, m: [G.clamp(max=m) for G in Gs], _OWN),
    (_with(lambda Gs, m: m / _joint(Gs)), _ALWAYS),
    (_with(lambda Gs, m: m / _joint(Gs) if _joint(Gs) else 1), _ALWAYS),
    (_with(lambda Gs, m: min(1, m / sum(G.norm() for G in Gs))), _ADDED),
    (_with(lambda Gs, m: m / sum(G.norm() for G in Gs)), _ADDED),
    (_with(lambda Gs, m: min(1, m / _joint(Gs) ** 2)), _SQUARED),
    (_with(lambda Gs, m: m / _joint(Gs) ** 2), _SQUARED),
    (_with(lambda Gs, m: min(1, 1 / _joint(Gs))), "With limit 1 it is right, with limit 5 it is "
     "not: use max_norm."),
    (_with(lambda Gs, m: max(1, m / _joint(Gs))), "The factor is at *most* 1: take the smaller of "
     "1 and max_norm / norm."),
    (_with(lambda Gs, m: min(1, _joint(Gs) / m)), "Upside down: the factor is max_norm over the "
     "joint norm."),
    (_with(lambda Gs, m: _joint(Gs) / m), "Upside down: the factor is max_norm over the joint "
     "norm."),
    (_with(lambda Gs, m: m if _joint(Gs) > m else 1), "You multiplied by max_norm; divide by the "
     "joint norm, too."),
    (_with(lambda Gs, m: 1 / _joint(Gs) if _joint(Gs) > m else 1), "You scale to length 1: use "
     "max_norm."),
    (_with(lambda Gs, m: m / max(G.norm() for G in Gs) if max(G.norm() for G in Gs) > m else 1),
     "You took the longest tensor's norm; the joint norm is the root of the sum of all squares."),
    (_with(lambda Gs, m: min(1, m / max(G.abs().max() for G in Gs))), "You took the largest entry; "
     "the joint norm is the root of the sum of all squares."),
    (_with(lambda Gs, m: m / _joint(Gs) if max(G.norm() for G in Gs) > m else 1), "You compare "
     "single tensors with the limit; compare the joint norm."),
    (_with(lambda Gs, m: 0 if _joint(Gs) > m else 1), "Too long gradients became 0; scale them "
     "down to the limit instead."),
    (lambda Gs, m: [G * m / _joint(Gs) if G.norm() > m else G for G in Gs], "Not all tensors were "
     "scaled by the same factor. The limit holds for all of them together: short ones shrink, "
     "too."),
    (lambda Gs, m: Gs, "Nothing was clipped: the joint norm is 10 and the limit 1."),
)  # fmt: skip
