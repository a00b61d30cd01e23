"""One training loop, its batches, its loss and its history."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from lecture_utils.require.numbers import require_seed
from lecture_utils.require.tensors import (
    describe,
    require_real,
    require_scores,
    require_whole,
)
from lecture_utils.training.ensemble import Ensemble
from lecture_utils.training.inputs import (
    left_as_it_was,
    require_factor,
    require_loop,
    require_loss,
    require_moved,
    require_pair,
    require_steps_made,
)
from lecture_utils.training.rates import updater_of

LossFunction = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy in nats, one number for each network.

    Args:
        logits: `(..., n, classes)`; leading axes, if any, count networks.
        labels: `(n,)` class numbers, shared by all networks; any type of whole numbers.

    Returns:
        `(...)`: the mean over the `n` examples. A scalar for a single network.

    Raises:
        ValueError: shapes, types or devices do not belong together, there is no example, or a
            label is no class.
    """
    require_scores(logits, labels)
    index = labels.long().expand(logits.shape[:-1]).unsqueeze(-1)  # (..., n, 1)
    return -logits.log_softmax(-1).gather(-1, index).squeeze(-1).mean(-1)


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Share of correct answers (0 to 1), one number for each network.

    A network whose logits are not finite counts as wrong on those examples. Shapes and errors as
    in `cross_entropy`.
    """
    require_scores(logits, labels)
    right = (logits.argmax(-1) == labels) & logits.isfinite().all(-1)
    return right.float().mean(-1)


class MiniBatches:
    """`steps` mini-batches, drawn epoch by epoch without replacement.

    The order depends on `seed` alone, so that two networks, or the members of an ensemble, see
    the same examples in the same order. An epoch's incomplete last batch is left out.

    Args:
        x: `(n, ...)` inputs.
        y: `(n, ...)` targets, one for each input.
        steps: how many batches.
        batch_size: examples in a batch; at most `n`.
        seed: the order.

    Raises:
        ValueError: x or y is no tensor, lengths or devices differ, or a number is out of range.
    """

    def __init__(
        self, x: Tensor, y: Tensor, *, steps: int, batch_size: int = 128, seed: int = 0
    ) -> None:
        require_real("x", x)
        if not isinstance(y, Tensor) or y.layout != torch.strided or y.device != x.device:
            raise ValueError(f"y must be a tensor on {x.device}, as x is; got {describe(y)}")
        if x.dim() == 0 or y.dim() == 0 or len(x) != len(y) or len(x) == 0:
            raise ValueError(
                f"expected one target for each input, x (n, ...) and y (n, ...), n at least 1; got "
                f"{tuple(x.shape)} and {tuple(y.shape)}"
            )
        require_whole("steps", steps, 1)
        require_whole("batch_size", batch_size, 1, len(x))
        require_seed(seed)
        self.x, self.y = x, y
        self.steps, self.batch_size, self.seed = steps, batch_size, seed

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator().manual_seed(int(self.seed))
        per_epoch = len(self.x) // self.batch_size
        for step in range(self.steps):
            if step % per_epoch == 0:
                order = torch.randperm(len(self.x), generator=generator)
            start = (step % per_epoch) * self.batch_size
            rows = order[start : start + self.batch_size]
            yield self.x[rows], self.y[rows]


@dataclass(frozen=True)
class History:
    """What the training loop writes down.

    Attributes:
        loss: `(steps,)` for one network, `(steps, seeds)` for an ensemble: the loss on each
            mini-batch *before* its update, in the unit of the loss function (nats for
            cross-entropy). Values that are not finite are kept as they are.

    Raises:
        ValueError: the loss is no tensor of real numbers of such a shape.
    """

    loss: Tensor

    def __post_init__(self) -> None:
        require_real("loss", self.loss)
        if self.loss.ndim not in (1, 2):
            raise ValueError(f"loss must be (steps,) or (steps, seeds); got {describe(self.loss)}")

    @property
    def nonfinite(self) -> int:
        """How many networks had a loss that was not finite at any step."""
        return int((~self.loss.isfinite()).any(0).sum())


def train(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    lr: float | Tensor = 1e-3,
    loss_function: LossFunction = cross_entropy,
    optimizer: type[torch.optim.Optimizer] = torch.optim.Adam,
    schedule: Callable[[int], float] = lambda step: 1.0,
    progress: bool = False,
) -> History:
    """Train `model` in place, one update for each mini-batch; return the loss at every step.

    The losses of an `Ensemble` are added: each member gets the gradient it would get alone. If
    training stops early (an error, the stop button), the last weights stay, and modes are put back.

    Args:
        model: any module that maps `x` to what `loss_function` takes. Frozen weights stay.
        batches: pairs `(x, y)` of tensors, for example `MiniBatches`; a generator serves once.
        lr: learning rate, above zero; or `(seeds,)`, one for each member of an ensemble (Adam).
        loss_function: `(output, y)` to a scalar, or to `(seeds,)` for an ensemble.
        optimizer: class of the optimiser; its fused kernel is used if it has one.
        schedule: factor on the learning rate at step 1, 2, …, zero or more.
        progress: show a bar (tqdm), whose timings differ at each run.

    Raises:
        ValueError: an argument, a batch or a loss is not as above, or nothing can be trained.
    """
    updater = updater_of(model, lr, optimizer, _members(model))
    require_loop(batches, loss_function, schedule, progress)
    losses = []
    with left_as_it_was(model):
        model.train()
        bar = tqdm(batches, "training", leave=False, disable=not progress)
        for step, batch in enumerate(bar, 1):
            updater.param_groups[0]["lr"] = updater.defaults["lr"] * _factor(schedule, step)
            loss = _loss(model, batch, step, loss_function)
            losses.append(_update(model, updater, loss, step))
        require_steps_made(losses)
        model.eval()
    return History(torch.stack(losses))


def _factor(schedule: Callable[[int], float], step: int) -> float:
    """Ask the schedule for its factor at a step."""
    factor = schedule(step)
    require_factor(factor, step)
    return float(factor)


def _members(model: nn.Module) -> int | None:
    """How many networks the model is; None for one that is no ensemble."""
    model = getattr(model, "_orig_mod", model)  # of a compiled one
    return len(model) if isinstance(model, Ensemble) else None


def _loss(
    model: nn.Module, batch: tuple[Tensor, Tensor], step: int, loss_function: LossFunction
) -> Tensor:
    """Compute the loss of one batch; say what the batch was if the model cannot take it."""
    require_pair(batch, step)
    x, y = batch
    try:
        loss = loss_function(model(x), y)
    except (RuntimeError, TypeError, IndexError) as error:
        raise ValueError(
            f"batch {step} does not fit the model or the loss_function; x is {describe(x)}, y is "
            f"{describe(y)}. PyTorch says: {error}"
        ) from error
    require_loss(loss, _members(model))
    return loss


def _update(model: nn.Module, updater: torch.optim.Optimizer, loss: Tensor, step: int) -> Tensor:
    """Make one update of the weights; return the loss before it, without its graph."""
    updater.zero_grad()
    try:
        loss.sum().backward()
        require_moved(model)
        updater.step()
    except RuntimeError as error:
        raise ValueError(
            f"no update is possible at step {step} with {type(updater).__name__}; PyTorch says: "
            f"{error}"
        ) from error
    return loss.detach()
