"""Check of notebook 10: how many blocks learn something in ten seconds."""

import itertools
import math
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lecture_utils.checks.board import Result, remember, table
from lecture_utils.checks.values import said
from lecture_utils.checks.verdict import NotYet, graded
from lecture_utils.language import (
    Settings,
    Text,
    pretrain,
    unigram_entropy,
    validation_loss,
    windows,
)
from lecture_utils.models import GPT, residual_stream

BOARD = "my_board.json"
SHARE = 0.85  # of the letter frequencies' loss: below it the GPT must end
LEAST = 0.01  # of the stream: a block that changes it by less is not counted
_OURS = ("checkpoint", "watch", "progress")  # what the check sets itself
_HINT = (
    "Two questions may help: what makes a step cheap, and which is larger when training begins, a "
    "token's row or what all the blocks write?"
)


def now() -> float:
    """Return the seconds of a clock that never goes back."""
    return time.monotonic()


@graded
def deepest(answer: Callable, text: Text, seconds: float = 10.0) -> str:
    """Exercise 10.3: the deepest GPT that learns something in ten seconds.

    Args:
        answer: of the vocabulary's size; returns a GPT and the settings of its training.
        text: what it is trained on.
        seconds: how long the training may take.
    """
    model, settings = _built(answer, text)
    goal = SHARE * unigram_entropy(text.train)
    _require_untrained(model, text)
    run = _Run(model, seconds, settings["steps"])
    run.train(text, settings)
    loss = validation_loss(model, text)
    if not loss < goal:
        raise NotYet(
            f"After {run.steps} steps, in {run.spent:.1f} seconds, the validation loss is "
            f"{loss:.2f}; it must end below {goal:.2f}, {SHARE:g} of the letter frequencies' "
            f"{goal / SHARE:.2f}. {_HINT}"
        )
    counted, blocks = _counted(model, text), len(model.blocks)
    return _report(counted, blocks, model.config.dim, loss, run.spent, goal)


def _built(answer: Callable, text: Text) -> tuple[GPT, dict[str, Any]]:
    """Return what the answer builds, if it is what the task asks for."""
    pair = answer(len(text.letters))
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise NotYet(
            f"You return {said(pair)}; return two things, a GPT and a dict: `return model, "
            f'{{"steps": 60}}`.'
        )
    model, settings = pair
    if isinstance(model, dict) and isinstance(settings, nn.Module):
        raise NotYet("The GPT comes first, then the settings.")
    if not isinstance(model, nn.Module) or not hasattr(model, "blocks"):
        raise NotYet(f"The first thing you return is {said(model)}; a GPT is expected.")
    if not isinstance(settings, dict):
        raise NotYet(f"The second thing you return is {said(settings)}; a dict is expected.")
    if "steps" not in settings:
        raise NotYet('The settings lack "steps", the number of updates.')
    for name in _OURS:
        if name in settings:
            raise NotYet(f'Leave "{name}" out: the check trains your GPT itself.')
    known = list(Settings.__dataclass_fields__)
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise NotYet(f"There is no setting {unknown[0]!r}; there are {', '.join(known)}.")
    return model, _in_range(dict(settings))


def _in_range(settings: dict[str, Any]) -> dict[str, Any]:
    try:
        Settings(**settings)
    except ValueError as error:
        raise NotYet(f"A setting is not possible: {error}.") from error
    return settings


def _require_untrained(model: GPT, text: Text) -> None:
    try:
        before = validation_loss(model, text)
    except ValueError as error:
        raise NotYet(f"This GPT cannot be trained on the text: {error}.") from error
    if before < unigram_entropy(text.train):
        raise NotYet(
            f"Your GPT has a validation loss of {before:.2f} before its training: it has been "
            f"trained already. Return a new one; the check trains it."
        )


def _make_ready() -> None:
    """Make one update of nothing: PyTorch's first one loads modules, for seconds."""
    weight = nn.Parameter(torch.zeros(1))
    weight.grad = torch.zeros(1)
    torch.optim.AdamW([weight]).step()


class _TimeIsUp(Exception):  # noqa: N818  it ends a training, and is no error
    """Raised at the beginning of a step; weights are those after the step before."""


class _Run:
    """A training that ends when its seconds are over.

    Args:
        model: a GPT.
        seconds: how long its training may take.
        wanted: number of steps.
    """

    def __init__(self, model: nn.Module, seconds: float, wanted: int) -> None:
        self.model, self.seconds, self.wanted = model, seconds, wanted
        self.steps, self.spent, self.over = 0, 0.0, False
        self.start = now()

    def train(self, text: Text, settings: dict[str, Any]) -> None:
        """Train in place.

        Raises:
            NotYet: it was too slow, was stopped, or the loss was not finite.
        """
        _make_ready()
        hook = self.model.register_forward_pre_hook(self._look)
        self.start = now()
        try:
            curve = pretrain(self.model, text, **settings)
        except _TimeIsUp:
            raise self._too_slow(self.steps) from None
        except ValueError as error:
            raise NotYet(f"This GPT cannot be trained on the text: {error}.") from error
        finally:
            hook.remove()
        if curve.ended == "stopped":
            raise NotYet(f"You stopped the training after {self.steps} of {self.wanted} steps.")
        if curve.ended == "diverged":
            raise NotYet(
                f"In step {self.steps} the loss is no finite number: the updates before were too "
                f"large. Try a lower lr, or a longer warmup."
            )
        if self.spent > self.seconds:
            raise self._too_slow(self.steps - 1)

    def _look(self, model: nn.Module, _given: tuple) -> None:
        """Look at the clock before each step, and once more after the last one."""
        if not self.over and (model.training or self.steps == self.wanted):
            self.spent = now() - self.start
            self.over = not model.training
        if model.training:
            if self.spent > self.seconds:
                raise _TimeIsUp
            self.steps += 1

    def _too_slow(self, made: int) -> NotYet:
        each = self.spent / max(1, self.steps)
        return NotYet(
            f"The {self.seconds:g} seconds were over after {made} of {self.wanted} steps. A step "
            f"takes {each:.3g} seconds here: about {math.floor(self.seconds / each)} fit. Make "
            f"fewer steps, or cheaper ones: fewer blocks, a smaller width, context or batch_size."
        )


@torch.no_grad()
def _counted(model: GPT, text: Text) -> int:
    """Count the blocks that change the stream by at least 1 %."""
    device = next(model.parameters()).device
    tokens, _ = windows(text.validation, model.config.context, 16)
    states = residual_stream(model, tokens.to(device))
    pairs = itertools.pairwise(states)
    return sum(bool((b - a).norm() >= LEAST * a.norm()) for a, b in pairs)


def _report(counted: int, blocks: int, width: int, loss: float, spent: float, goal: float) -> str:
    if not counted:
        raise NotYet(
            f"The loss is low enough, but no block counts: each changes the stream by less than "
            f"{LEAST:.0%}."
        )
    result = Result(
        counted, width, round(loss, 4), round(spent, 2), datetime.now().isoformat("T", "seconds")
    )
    results, note = remember(Path(BOARD), result)
    few = f" ({blocks - counted} of {blocks} change it by less than {LEAST:.0%} and do not count)"
    parts = [
        f"{counted} blocks change the stream{few if counted < blocks else ''}. Validation loss "
        f"{loss:.3f}, below {goal:.3f}, in {spent:.1f} seconds. {_HINT}",
        table(results, result),
        note or f"The board stands in `{BOARD}`, beside your notebook.",
    ]
    return "\n\n".join(parts)
