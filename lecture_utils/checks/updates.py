"""Whether a function makes one plain update: this loss's gradients, and no others, in one step."""

import copy
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

import torch
from torch import Tensor, nn

from lecture_utils.checks.relations import close
from lecture_utils.checks.verdict import NotYet, Unrecognised, guard

_STEPS = 3
_OPTIMIZERS = (
    ("SGD", functools.partial(torch.optim.SGD, lr=0.1)),
    ("AdamW", functools.partial(torch.optim.AdamW, lr=0.01)),
    ("SGD with momentum", functools.partial(torch.optim.SGD, lr=0.1, momentum=0.9)),
)


def require_update(update: Callable) -> None:
    """Refuse what does not move the weights as clearing, `backward` and `step` do.

    Args:
        update: update(optimizer, loss); it may clear the gradients first or last.

    Raises:
        NotYet: the weights end elsewhere after one step or a later one.
    """
    call = guard(_Done(getattr(update, "__wrapped__", update)))
    for seed, (name, optimizer) in enumerate(_OPTIMIZERS):
        _require_same(call, name, optimizer, seed)


class _Done:
    """An update that says it was made, whatever it returns; errors are told as its own."""

    def __init__(self, update: Callable) -> None:
        self.update, self.__name__ = update, getattr(update, "__name__", "update_c")
        self.__code__ = getattr(update, "__code__", None)

    def __call__(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> bool:
        self.update(optimizer, loss)
        return True


def _plain(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _require_same(update: Callable, name: str, make: Callable, seed: int) -> None:
    torch.manual_seed(seed)
    start = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    batches = torch.randn(_STEPS, 5, 3), torch.randn(_STEPS, 5, 2)
    wanted = [way for way, _ in _ways(_plain, copy.deepcopy(start), make, batches)]
    for step, (found, calls) in enumerate(_ways(update, copy.deepcopy(start), make, batches)):
        if not close(found, wanted[step]):
            before = wanted[step - 1] if step else _flat(start)
            raise _mistake(calls, step, name, moved=not close(found, before))


def _ways(
    update: Callable, net: nn.Module, make: Callable, batches: tuple[Tensor, Tensor]
) -> Iterator[tuple[Tensor, list[str]]]:
    """Yield the weights after each update, and what was called in it, in order."""
    optimizer = make(net.parameters())
    for x, y in zip(*batches, strict=True):
        loss = (net(x) - y).square().mean()
        with _noted(optimizer) as calls:
            update(optimizer, loss)
        yield _flat(net), calls


def _flat(net: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in net.parameters()]).double()


@contextmanager
def _noted(optimizer: torch.optim.Optimizer) -> Iterator[list[str]]:
    """Note the calls of backward, step and zero_grad."""
    calls: list[str] = []

    def noting(function: Callable, name: str) -> Callable:
        @functools.wraps(function)
        def call(*args, **kwargs):
            calls.append(name)
            return function(*args, **kwargs)

        return call

    backward = noting(torch.Tensor.backward, "backward")
    with (
        mock.patch.object(torch.Tensor, "backward", backward),
        mock.patch.object(optimizer, "step", noting(optimizer.step, "step")),
        mock.patch.object(optimizer, "zero_grad", noting(optimizer.zero_grad, "zero")),
    ):
        yield calls


def _mistake(calls: list[str], step: int, name: str, moved: bool) -> NotYet:
    """Say what is wrong with an update, by what it called."""
    order = [calls.index(part) if part in calls else None for part in ("zero", "backward", "step")]
    zero, backward, made = order
    if made is None:
        return NotYet("`optimizer.step()` is missing: the weights stay where they are.")
    if backward is None and not moved:
        return NotYet("`loss.backward()` is missing: there are no gradients to step with.")
    if backward is not None and backward > made:
        return NotYet(
            "The step comes before `backward`: it has no gradients yet, or those of the last batch."
        )
    last_zero = len(calls) - 1 - calls[::-1].index("zero") if zero is not None else None
    if last_zero is not None and backward is not None and backward < last_zero < made:
        return NotYet(
            "The gradients are cleared between `backward` and `step`: the step finds none. Clear "
            "them at another place."
        )
    if not moved:
        return NotYet("The weights do not move: what gradients does the step find?")
    if zero is None and step:
        return NotYet(
            f"The first update is right, number {step + 1} is not: the gradients of the steps "
            f"before are still in it. `backward` adds; somebody must clear."
        )
    if calls.count("step") > 1:
        return NotYet(f"You make {calls.count('step')} steps in one update; one is meant.")
    if calls.count("backward") > 1:
        return NotYet("`backward` is called more than once: the gradients add up.")
    return Unrecognised(
        f"With {name}, update {step + 1} does not move the weights as one plain step with this "
        f"loss's gradients does. Three calls are enough: clear, backward, step, in which order?"
    )
