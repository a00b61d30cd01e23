"""One training loop, its history, and an ensemble that trains many seeds of a network at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state
from torch.nn.attention import SDPBackend, sdpa_kernel
from tqdm.auto import tqdm

from lecture_utils.rates import MemberAdam

LossFunction = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy in nats, one number for each network.

    Args:
        logits: `(..., n, classes)`; leading axes, if any, count networks.
        labels: `(n,)` class numbers, shared by all networks.

    Returns:
        `(...)`: the mean over the `n` examples. A scalar for a single network.

    Raises:
        ValueError: if the shapes do not belong together.
    """
    if logits.ndim < 2 or labels.ndim != 1 or logits.shape[-2] != len(labels):
        raise ValueError(
            f"logits of shape {tuple(logits.shape)} do not fit labels of shape "
            f"{tuple(labels.shape)}: expected (..., n, classes) and (n,)"
        )
    index = labels.expand(logits.shape[:-1]).unsqueeze(-1)  # (..., n, 1)
    return -logits.log_softmax(-1).gather(-1, index).squeeze(-1).mean(-1)


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Share of correct answers (0 to 1), one number for each network.

    A network whose logits are not finite counts as wrong on those examples. Shapes and errors as
    in `cross_entropy`.
    """
    if logits.ndim < 2 or labels.ndim != 1 or logits.shape[-2] != len(labels):
        raise ValueError(
            f"logits of shape {tuple(logits.shape)} do not fit labels of shape "
            f"{tuple(labels.shape)}: expected (..., n, classes) and (n,)"
        )
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
        ValueError: if lengths differ, or `steps` or `batch_size` is out of range.
    """

    def __init__(
        self, x: Tensor, y: Tensor, *, steps: int, batch_size: int = 128, seed: int = 0
    ) -> None:
        if len(x) != len(y):
            raise ValueError(f"{len(x)} inputs but {len(y)} targets: expected one for each")
        if steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps}")
        if not 1 <= batch_size <= len(x):
            raise ValueError(f"batch_size must be from 1 to {len(x)}, got {batch_size}")
        self.x, self.y = x, y
        self.steps, self.batch_size, self.seed = steps, batch_size, seed

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator().manual_seed(self.seed)
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
    """

    loss: Tensor

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

    The losses of an `Ensemble` are added: each member gets the gradient it would get alone.

    Args:
        model: any module that maps `x` to what `loss_function` takes.
        batches: pairs `(x, y)`, for example `MiniBatches`.
        lr: learning rate, above zero; or `(seeds,)`, one for each member of an ensemble (Adam).
        loss_function: `(output, y)` to a scalar, or to `(seeds,)` for an ensemble.
        optimizer: class of the optimiser, one with a fused kernel (Adam, AdamW, SGD).
        schedule: factor on the learning rate at step 1, 2, …
        progress: show a bar (tqdm). Off by default: its timings differ at each run.

    Raises:
        ValueError: if `lr` is not positive and finite, or `batches` is empty.
    """
    updater = _updater(model, lr, optimizer)
    losses = []
    model.train()
    for step, (x, y) in enumerate(tqdm(batches, "training", leave=False, disable=not progress), 1):
        updater.param_groups[0]["lr"] = lr * schedule(step)
        loss = loss_function(model(x), y)
        updater.zero_grad()
        loss.sum().backward()
        updater.step()
        losses.append(loss.detach())
    if not losses:
        raise ValueError("batches is empty: expected at least one pair (x, y)")
    model.eval()
    return History(torch.stack(losses))


def _updater(
    model: nn.Module, lr: float | Tensor, optimizer: type[torch.optim.Optimizer]
) -> torch.optim.Optimizer:
    """Build the optimiser; with one learning rate for each member it is MemberAdam."""
    rates = torch.as_tensor(lr)
    if not ((rates > 0) & rates.isfinite()).all():
        raise ValueError(f"lr must be a finite number above 0, got {lr}")
    if rates.ndim:
        return MemberAdam(model.parameters(), rates)
    return optimizer(model.parameters(), lr=lr, fused=True)


class Ensemble(nn.Module):
    """Many networks of one architecture, one for each seed, computed side by side.

    The seed sets a member's initial weights and nothing else: all members see the same
    mini-batches. Parameters are stacked along a new first axis, and `torch.vmap` runs the
    architecture over that axis: about three times faster than a loop over 20 networks.

    Args:
        build: makes one network, called once for each seed after `torch.manual_seed(seed)`.
            The caller's random state is left as it was.
        seeds: one integer for each member.

    Raises:
        ValueError: if `seeds` is empty, or the architecture has no parameters, or has buffers
            (running averages) or dropout, which members cannot share.
    """

    def __init__(self, build: Callable[[], nn.Module], seeds: Iterable[int]) -> None:
        super().__init__()
        self.seeds = tuple(seeds)
        if not self.seeds:
            raise ValueError("seeds is empty: expected at least one seed, for example range(5)")
        networks = []
        with torch.random.fork_rng(devices=[]):
            for seed in self.seeds:
                torch.manual_seed(seed)
                networks.append(build())
        if any(isinstance(part, nn.Dropout) and part.p > 0 for part in networks[0].modules()):
            raise ValueError("an Ensemble cannot hold dropout: its members would share one mask")
        if next(networks[0].buffers(), None) is not None:
            raise ValueError("an Ensemble cannot hold buffers, such as batch norm's running means")
        if next(networks[0].parameters(), None) is None:
            raise ValueError("an Ensemble needs trainable weights: this network has no parameters")
        stacked, _ = stack_module_state(networks)
        self.names = tuple(stacked)
        self.stacks = nn.ParameterList(stacked.values())
        self._build = build
        self._one = partial(functional_call, networks[0])  # one member, given its weights

    def __len__(self) -> int:
        return len(self.seeds)

    def stacked(self) -> dict[str, Tensor]:
        """The parameters by name, each `(seeds, ...)`; gradients are in their `.grad`."""
        return dict(zip(self.names, self.stacks, strict=True))

    def forward(self, x: Tensor) -> Tensor:
        """All members on the same inputs: `(n, features)` to `(seeds, n, classes)`."""
        with sdpa_kernel(SDPBackend.MATH):  # the fused kernels of attention know no vmap
            return torch.vmap(self._one, in_dims=(0, None))(self.stacked(), (x,))

    def member(self, index: int) -> nn.Module:
        """A copy of one member as an ordinary module, in evaluation mode."""
        if not -len(self) <= index < len(self):
            raise ValueError(f"index must be from 0 to {len(self) - 1}, got {index}")
        with torch.random.fork_rng(devices=[]):
            network = self._build()
        weights = {name: stack[index].detach().clone() for name, stack in self.stacked().items()}
        network.load_state_dict(weights)
        return network.eval()

    def members(self) -> list[nn.Module]:
        """Copies of all members, in the order of `seeds`."""
        return [self.member(index) for index in range(len(self))]
