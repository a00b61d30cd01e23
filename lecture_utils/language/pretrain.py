"""Training a GPT on a text: bar, live curve, stop button, and a file from which it goes on.

The stop button ends a training after the present step: weights and losses so far stay, and are in
the file. Pressed twice, it breaks in at once; then only the file is whole. The same call goes on
from the file, to the losses of an unbroken training. The model trains where its weights are; under
torchrun each process takes its share of each batch. As many processes as before go on to the same
losses; so do more or fewer, but for rounding and what dropout draws.

The file is written when the first loss is known, every 15 seconds, and at the end; each time whole
or not at all, and only with weights whose loss is finite. A training that diverges does not write
again: the file stays the last good one, and the model keeps the weights whose loss or gradient was
not finite, to be looked at.
"""

import json
import math
import os
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from tqdm.auto import tqdm

from lecture_utils.language import checkpoint as disk
from lecture_utils.language.inputs import require_checkpoint, require_gpt_for, require_training
from lecture_utils.language.settings import Settings
from lecture_utils.language.shares import Shares, random_state, seed_dropout
from lecture_utils.language.stop import StopButton
from lecture_utils.language.text import Text, batch_at, windows

SAVE_AFTER = 15.0  # seconds between two writings of the file


@dataclass(frozen=True, eq=False)
class Curve:
    """What a training has shown so far.

    Attributes:
        loss: (steps made,) nats, on each batch before its update.
        checked: (k,) the steps after which the validation loss was measured.
        validation: (k,) nats.
        ended: "done", "running", "stopped" (the stop button), or "diverged": a loss or a gradient
            was not finite. It is not in `loss`, and the update was not made.
    """

    loss: Tensor
    checked: Tensor
    validation: Tensor
    ended: str = "done"


@torch.no_grad()
def validation_loss(model: nn.Module, text: Text, pieces: int = 64) -> float:
    """Return the mean loss, in nats, on pieces of the text that no training sees.

    Args:
        model: a GPT; its mode is put back.
        text: the text it was trained on, or another with the same letters.
        pieces: so many at most, evenly spread, each as long as the model's context.

    Raises:
        ValueError: the model is no GPT for this text, or the part for validation is too short.
    """
    require_gpt_for(model, text)
    device = next(model.parameters()).device
    x, y = (part.to(device) for part in windows(text.validation, model.config.context, pieces))
    mode = model.training
    model.eval()
    try:
        total = sum(
            float(cross_entropy(model(a).flatten(0, 1).float(), b.flatten(), reduction="sum"))
            for a, b in zip(x.split(16), y.split(16), strict=True)
        )
    finally:
        model.train(mode)
    return total / y.numel()


def pretrain(
    model: nn.Module,
    text: Text,
    steps: int,
    *,
    checkpoint: str | os.PathLike | None = None,
    watch: Callable[[Curve], None] | None = None,
    progress: bool = True,
    **settings: float,
) -> Curve:
    """Train a GPT in place to predict each next token; return its losses.

    What stopping does, and when the file is written, stands at the top of this module.

    Args:
        model: a GPT; it is in evaluation mode afterwards.
        text: what it reads; its alphabet has as many letters as the model has tokens.
        steps: number of updates.
        checkpoint: a .safetensors file, to be made. If it is there, the training goes on from it.
        watch: is called with the curve so far whenever the validation loss is measured, and at
            the end.
        progress: show a bar with the loss and the seconds left.
        settings: any of `Settings`: lr, batch_size, warmup, weight_decay, clip, seed, check_every.

    Raises:
        ValueError: an argument is not as above, the text is shorter than the context, or the file
            belongs to another training. Nothing is changed then.
        OSError: the file cannot be written; the weights stay in `model`.
    """
    settings = Settings.of(steps, **settings)
    require_training(model, text, watch, progress)
    batch_at(1, text.train, settings.batch_size, model.config.context, settings.seed)
    run = _begin(model, text, settings, require_checkpoint(checkpoint), watch)
    with random_state(run.shares.device), StopButton() as button:
        return run.to_the_end(button, progress)


def _begin(
    model: nn.Module,
    text: Text,
    settings: Settings,
    path: Path | None,
    watch: Callable[[Curve], None] | None,
) -> "_Run":
    """Begin a training, or go on from its file; all processes from the same one.

    Raises:
        ValueError: the file belongs to another training, or the processes do not agree.
    """
    updater = torch.optim.AdamW(
        model.parameters(),
        settings.lr,
        betas=(0.9, 0.95),
        weight_decay=settings.weight_decay,
        fused=True,
    )
    state = disk.State(model, updater, [], {})
    told = disk.identity(model, text, settings)
    shares = Shares(settings.batch_size, next(model.parameters()).device)
    if path is not None and path.exists():
        disk.restore(path, state, told)
    shares.require_same("what they were told", zlib.crc32(json.dumps(told).encode()))
    shares.require_same("the step that they go on from", len(state.loss))
    return _Run(state, text, settings, shares, path, told, watch)


class _Run:
    """A training on its way, from the step that its state has reached."""

    def __init__(
        self,
        state: disk.State,
        text: Text,
        settings: Settings,
        shares: Shares,
        path: Path | None,
        told: dict,
        watch: Callable[[Curve], None] | None,
    ) -> None:
        self.state, self.text, self.settings, self.shares = state, text, settings, shares
        self.path = path if shares.first else None
        self.watch = watch if shares.first else None
        self.told = told
        self.output = shares.spread(state.model)
        self.written_at = time.monotonic() if path is not None and path.exists() else -math.inf

    def to_the_end(self, button: StopButton, progress: bool) -> Curve:
        """Make the steps that are left; say how it ended."""
        done, ended = len(self.state.loss), "done"
        bar = tqdm(
            total=self.settings.steps, initial=done, desc="training", leave=False,
            disable=not (progress and self.shares.first),
        )  # fmt: skip
        try:
            for step in range(done + 1, self.settings.steps + 1):
                ended = self.step(step, button)
                if ended != "done":
                    break
                bar.update()
                bar.set_postfix(loss=f"{self.state.loss[-1]:.2f}", refresh=False)
        finally:
            bar.close()
            self.state.model.eval()
        if ended == "done" and not math.isfinite(self.state.validation[self.settings.steps]):
            ended = "diverged"
        if ended != "diverged" and len(self.state.loss) > done:
            self.save()
        if self.watch:
            self.watch(self.curve(ended))
        return self.curve(ended)

    def step(self, step: int, button: StopButton) -> str:
        """Make one update; or say why not: "stopped" or "diverged"."""
        settings, model = self.settings, self.state.model
        loss = self.loss(step)
        pressed = loss.new_tensor(button.pressed, dtype=loss.dtype)
        value, pressed = self.shares.mean(torch.stack([loss.detach(), pressed])).tolist()
        if not math.isfinite(value):
            return "diverged"
        if pressed:
            return "stopped"
        if time.monotonic() - self.written_at > SAVE_AFTER:
            self.save()
        self.state.updater.zero_grad()
        loss.backward()
        if not nn.utils.clip_grad_norm_(model.parameters(), settings.clip).isfinite():
            return "diverged"
        self.state.updater.param_groups[0]["lr"] = settings.rate(step)
        self.state.updater.step()
        self.state.loss.append(value)
        if step % settings.check_every == 0 or step == settings.steps:
            self.state.validation[step] = validation_loss(model, self.text)
            if self.watch and step < settings.steps:
                self.watch(self.curve("running"))
        return "done"

    def loss(self, step: int) -> Tensor:
        """Return the loss, (), of this process's share of a step's batch."""
        settings, model, shares = self.settings, self.state.model, self.shares
        model.train()
        seed_dropout(shares.device, hash((int(settings.seed), step, shares.rank)) % 2**63)
        x, y = batch_at(
            step, self.text.train, settings.batch_size, model.config.context, settings.seed
        )
        x, y = (shares.mine(part).to(shares.device) for part in (x, y))
        return cross_entropy(self.output(x).flatten(0, 1), y.flatten())

    def save(self) -> None:
        """Write the file, if one is wanted."""
        if self.path:
            disk.save(self.path, self.state, self.told)
        self.written_at = time.monotonic()

    def curve(self, ended: str) -> Curve:
        """Return what the training has shown so far."""
        validation = self.state.validation
        return Curve(
            torch.tensor(self.state.loss, dtype=torch.float64),
            torch.tensor(list(validation), dtype=torch.int64),
            torch.tensor(list(validation.values()), dtype=torch.float64),
            ended,
        )
