"""One training in one process or in several, as torchrun starts them: who does which share."""

from collections.abc import Callable

import torch
from torch import Tensor, distributed, nn


class Shares:
    """The share of this process in each batch, and what all processes agree on.

    One process, without `torch.distributed.init_process_group`, has it all. With several, each
    has a copy of the model, takes its share of each batch, and DistributedDataParallel averages
    the gradients: the update is the one that a single process makes from the whole batch.

    Args:
        batch_size: pieces in a batch, all processes together.
        device: where the model is.

    Raises:
        ValueError: a batch does not share out evenly.

    Source: S. Li et al. 2020, arXiv:2006.15704 (DistributedDataParallel).
    """

    def __init__(self, batch_size: int, device: torch.device) -> None:
        together = distributed.is_available() and distributed.is_initialized()
        self.rank = distributed.get_rank() if together else 0
        self.number = distributed.get_world_size() if together else 1
        self.device = device
        if batch_size % self.number:
            raise ValueError(
                f"a batch of {batch_size} does not share out evenly among {self.number} "
                f"processes; take a multiple of {self.number}"
            )

    @property
    def first(self) -> bool:
        """Whether this process speaks and writes for all."""
        return self.rank == 0

    def mine(self, batch: Tensor) -> Tensor:
        """Return this process's rows of a batch."""
        return batch[self.rank :: self.number]

    def spread(self, model: nn.Module) -> Callable[[Tensor], Tensor]:
        """Return what computes the model's output, and averages gradients if there are several."""
        if self.number == 1:
            return model
        places = [self.device.index] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(model, device_ids=places)

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over all processes."""
        if self.number > 1:
            distributed.all_reduce(values)
        return values / self.number

    def require_same(self, name: str, number: int) -> None:
        """Go on when all processes are here with the same number.

        Raises:
            ValueError: they have not, in each process.
        """
        if self.number > 1:
            ends = torch.tensor([number, -number], device=self.device)
            distributed.all_reduce(ends, distributed.ReduceOp.MAX)
            high, low = ends[0].item(), -ends[1].item()
            if low != high:
                raise ValueError(
                    f"the processes differ in {name} ({low} and {high}): all machines must be "
                    f"given the same command, read the same text and see the same file"
                )


def random_state(device: torch.device) -> torch.random.fork_rng:
    """Put back the caller's random state afterwards: of the CPU, and of the model's device."""
    if device.type == "cpu":
        return torch.random.fork_rng(devices=[])
    return torch.random.fork_rng(devices=[device.index or 0], device_type=device.type)


def seed_dropout(device: torch.device, seed: int) -> None:
    """Set what dropout draws from on a device, and on no other GPU."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index].manual_seed(seed)
    elif device.type != "cpu":
        torch.get_device_module(device).manual_seed(seed)
