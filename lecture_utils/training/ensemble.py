"""Many seeds of one network, computed and trained side by side."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state
from torch.nn.attention import SDPBackend, sdpa_kernel

from lecture_utils.require.numbers import require_seed
from lecture_utils.require.tensors import describe, require_callable, require_real, require_whole
from lecture_utils.training.members import require_members


class Ensemble(nn.Module):
    """Many networks of one architecture, one for each seed, computed side by side.

    The seed sets a member's initial weights and nothing else: all members see the same
    mini-batches. Parameters are stacked along a new first axis, and `torch.vmap` runs the
    architecture over that axis: about three times faster than a loop over 20 networks.

    Args:
        build: makes one network, called once for each seed after `torch.manual_seed(seed)`, a new
            one each time. The caller's random state is left as it was. Weights that it freezes
            are frozen here.
        seeds: one whole number for each member; the same one twice gives two equal members.

    Raises:
        ValueError: if `seeds` is empty or holds no whole numbers, or the networks differ in more
            than their weights' values, share weights, have no parameters, or have buffers
            (running averages) or dropout, which members cannot share.
    """

    def __init__(self, build: Callable[[], nn.Module], seeds: Iterable[int]) -> None:
        if isinstance(build, nn.Module):
            raise ValueError(
                f"build must be a function that makes a new network, such as lambda: "
                f"{type(build).__name__}(...); got one that is built already"
            )
        require_callable("build", build)
        super().__init__()
        self.seeds = _whole(seeds)
        networks = []
        with _random_state():
            for seed in self.seeds:
                torch.manual_seed(seed)
                networks.append(build())
        require_members(networks)
        stacked, _ = stack_module_state(networks)
        self.names = tuple(stacked)
        self.stacks = nn.ParameterList(
            nn.Parameter(stack.detach(), stack.requires_grad) for stack in stacked.values()
        )
        self._build = build
        self._one = partial(functional_call, networks[0])  # one member, given its weights

    def __len__(self) -> int:
        return len(self.seeds)

    def stacked(self) -> dict[str, Tensor]:
        """The parameters by name, each `(seeds, ...)`; gradients are in their `.grad`."""
        return dict(zip(self.names, self.stacks, strict=True))

    def forward(self, x: Tensor) -> Tensor:
        """All members on the same inputs: `(n, features)` to `(seeds, n, classes)`.

        Raises:
            ValueError: the members cannot take x, or draw random numbers.
        """
        require_real("x", x)
        try:
            with sdpa_kernel(SDPBackend.MATH):  # the fused kernels of attention know no vmap
                return torch.vmap(self._one, in_dims=(0, None))(self.stacked(), (x,))
        except RuntimeError as error:
            if "randomness" in str(error):
                raise ValueError(
                    "the members draw random numbers, such as dropout: they would share one draw"
                ) from error
            raise ValueError(
                f"the members cannot take {describe(x)}; PyTorch says: {error}"
            ) from error

    def member(self, index: int) -> nn.Module:
        """A copy of one member as an ordinary module, in evaluation mode.

        Raises:
            ValueError: there is no such member; from the end, the last is -1.
        """
        require_whole("index", index, -len(self), len(self) - 1)
        with _random_state():
            network = self._build()
        stacked = self.stacked()
        for name, weight in network.named_parameters():
            weight.data = stacked[name][index].detach().clone()
        return network.eval()

    def members(self) -> list[nn.Module]:
        """Copies of all members, in the order of `seeds`."""
        return [self.member(index) for index in range(len(self))]


def _random_state() -> AbstractContextManager:
    """Put back the caller's random state afterwards, on every device."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return torch.random.fork_rng(devices=range(count))


def _whole(seeds: Iterable[int]) -> tuple[int, ...]:
    """Return the seeds as Python's whole numbers.

    Raises:
        ValueError: there is none, or one is something else.
    """
    seeds = seeds.tolist() if isinstance(seeds, Tensor) else seeds
    if isinstance(seeds, (str, bytes)) or not isinstance(seeds, Iterable):
        raise ValueError(f"seeds must be whole numbers, such as range(5); got {describe(seeds)}")
    seeds = tuple(seeds)
    if not seeds:
        raise ValueError("seeds is empty: expected at least one seed, for example range(5)")
    for seed in seeds:
        require_seed(seed)
    return tuple(int(seed) for seed in seeds)
