"""What a training of a GPT is told, and the learning rate that follows from it."""

import math
from dataclasses import dataclass

from lecture_utils.require.numbers import (
    require_positive,
    require_scale,
    require_seed,
    shown,
)
from lecture_utils.require.tensors import require_whole


@dataclass(frozen=True)
class Settings:
    """The settings of a training; with the text and the model they decide its losses.

    Attributes:
        steps: number of updates.
        lr: the highest learning rate, of AdamW.
        batch_size: pieces of text in a batch, all processes together.
        warmup: steps in which the rate rises in a straight line; then it falls along a cosine to
            a tenth.
        weight_decay: of AdamW.
        clip: the gradient's norm is cut to it.
        seed: which pieces of the text come when, and what dropout draws.
        check_every: steps between two looks at the validation loss; the last step has one anyway.

    Raises:
        ValueError: a number is out of range.
    """

    steps: int
    lr: float = 3e-3
    batch_size: int = 16
    warmup: int = 20
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 0
    check_every: int = 25

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "check_every"):
            require_positive(name, getattr(self, name))
        for name in ("warmup", "weight_decay", "lr", "clip"):
            value = getattr(self, name)
            require_scale(name, value)
            if value == 0 and name in ("lr", "clip"):
                raise ValueError(f"{name} must be a finite number above 0; got {shown(value)}")
        require_seed(self.seed)

    @classmethod
    def of(cls, steps: int, **given: float) -> "Settings":
        """Return the settings with those that are given.

        Raises:
            ValueError: one is unknown, or out of range.
        """
        known = [name for name in cls.__dataclass_fields__ if name != "steps"]
        for name in given.keys() - set(known):
            raise ValueError(f"a training has no setting {shown(name)}; it has {', '.join(known)}")
        return cls(steps, **given)

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, 1 to `steps`."""
        return self.lr * schedule(step, self.steps, self.warmup)


def schedule(step: int, steps: int, warmup: int = 20) -> float:
    """Return the factor on the learning rate: up in a line, then down along a cosine to 0.1.

    Args:
        step: 1, 2, … `steps`.
        steps: number of steps of the training.
        warmup: steps in which the rate rises.

    Raises:
        ValueError: a number is out of range.
    """
    require_positive("steps", steps)
    require_whole("step", step, 1, int(steps))
    require_scale("warmup", warmup)
    if step <= warmup:
        return step / (warmup + 1)
    done = (step - warmup) / max(1, steps - warmup)
    return 0.55 + 0.45 * math.cos(math.pi * done)
