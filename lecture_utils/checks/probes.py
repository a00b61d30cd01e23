"""Probes of a wrong answer: which argument, or which part of one, it does not treat rightly.

Each compares how the answer's result changes with how the right one changes, when one argument is
changed in one way. What they say is true of the answer, whatever else is wrong with it.
"""

import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from lecture_utils.checks.relations import close


class Probe:
    """The answer and the right function, at one input.

    Args:
        answer: the reader's function.
        right: the right one; its parameters' names are used in messages.
        given: the arguments.
        read: turns a result into a float64 tensor.
    """

    def __init__(self, answer: Callable, right: Callable, given: tuple, read: Callable):
        self.answer, self.right, self.given, self.read = answer, right, given, read
        self.names = list(inspect.signature(right).parameters)[: len(given)]
        self.theirs, self.wanted = self._result(answer, given), self._result(right, given)

    def _result(self, function: Callable, given: tuple) -> Tensor | None:
        try:
            return self.read(function(*copy.deepcopy(given)))
        except Exception:  # whatever an answer does with an input that is not its own
            return None

    def with_(self, place: int, value: Any) -> tuple[Tensor | None, Tensor | None]:
        """Return both results where one argument has another value: the answer's, the right one."""
        given = (*self.given[:place], value, *self.given[place + 1 :])
        return self._result(self.answer, given), self._result(self.right, given)

    def says(self) -> str | None:
        """Return what the first probe that fails says; None if the answer passes them all."""
        if self.theirs is None or self.wanted is None:
            return None
        for find in (self._unused_part, self._twice, self._order, self._power):
            for place, name in enumerate(self.names):
                if said := find(place, name):
                    return said
        return self._common_factor()

    def unused(self) -> str | None:
        """Say which argument the answer does not use."""
        for place, name in enumerate(self.names):
            if self._ignores(place, _others(self.given[place])):
                return f"Your function does not use `{name}`: another one changes nothing."
        return None

    def _common_factor(self) -> str | None:
        factor = _factor(self.theirs, self.wanted)
        if factor is None or self.wanted.numel() < 2:
            return None
        return (
            f"All entries are off by one common factor: they are {factor:.4g} times as large as "
            f"they should be. Look at what everything is multiplied or divided by."
        )

    def _ignores(self, place: int, others: list[Any]) -> bool:
        """Tell whether other values change the right result, and never the answer's."""
        both = [self.with_(place, other) for other in others]
        moves = any(_differs(wanted, self.wanted) for _, wanted in both)
        return moves and all(_equals(now, self.theirs) for now, _ in both)

    def _unused_part(self, place: int, name: str) -> str | None:
        parts = _other_parts(self.given[place])
        unused = [index for index, others in parts if self._ignores(place, others)]
        if not unused:
            return None
        which = ", ".join(f"`{name}[{index}]`" for index in unused[:3])
        verb = "changes" if len(unused) == 1 else "change"
        return (
            f"Another {which} {verb} nothing in your result, and must: is an index or the end of a "
            f"loop off?"
        )

    def _twice(self, place: int, name: str) -> str | None:
        """Compare what twice an argument makes of the results."""
        if (double := _doubled(self.given[place])) is None:
            return None
        now, wanted = self.with_(place, double)
        should, does = _factor(wanted, self.wanted), _factor(now, self.theirs)
        if should is None or now is None or (does and abs(does - should) < 1e-3 * should):
            return None
        x, times = self.given[place], [_times(should), _times(does)]
        if isinstance(x, int | float):
            change = f"From {name} = {x:g} to {name} = {2 * x:g}"
        else:
            change = f"With twice the `{name}`"
        return f"{change} the result must {times[0]}. Yours would {times[1]}."

    def _order(self, place: int, name: str) -> str | None:
        """Compare what another order along an axis makes of the results."""
        x = self.given[place]
        if not isinstance(x, Tensor):
            return None
        for axis in range(x.ndim):
            if x.shape[axis] < 2:
                continue
            now, wanted = self.with_(place, x.flip(axis))
            if now is None or wanted is None:
                continue
            if _equals(wanted, self.wanted) and _differs(now, self.theirs):
                return (
                    f"Another order along axis {axis} of `{name}` must not change the result; "
                    f"yours changes. Is an axis exchanged, or one entry treated apart?"
                )
            if wanted.ndim <= axis or not _equals(wanted, self.wanted.flip(axis)):
                continue
            if now.ndim > axis and _differs(now, self.theirs.flip(axis)):
                return (
                    f"Each entry along axis {axis} of `{name}` must be treated like the others: "
                    f"in another order the result must have that order, too. Yours has not."
                )
        return None

    def _power(self, place: int, name: str) -> str | None:
        """Tell where the results depend on a number in two ways, by a power of that number."""
        x = self.given[place]
        if isinstance(x, bool) or not isinstance(x, int | float) or x == 0:
            return None
        if self.theirs.numel() != 1 or not self.theirs or not self.wanted:
            return None
        gaps = []
        for times in (2, 3, 5):
            now, wanted = self.with_(place, times * x)
            if now is None or wanted is None or not now or not wanted:
                return None
            ratio = (now / self.theirs) / (wanted / self.wanted)
            if ratio <= 0:
                return None
            gaps.append(ratio.log().item() / torch.tensor(float(times)).log().item())
        if max(gaps) - min(gaps) > 1e-3 or abs(gaps[0]) < 1e-3:
            return None
        return (
            f"How your result depends on `{name}` is off by {name}^{round(gaps[0], 3):g}: compare "
            f"{name} = {x:g} with {name} = {2 * x:g}."
        )


def _equals(a: Tensor | None, b: Tensor | None) -> bool:
    return a is not None and b is not None and close(a, b)


def _differs(a: Tensor | None, b: Tensor | None) -> bool:
    return a is not None and b is not None and a.shape == b.shape and not close(a, b)


def _factor(a: Tensor | None, b: Tensor) -> float | None:
    """Return the positive number by which b must be multiplied to give a, if there is one."""
    if a is None or a.shape != b.shape or not b.any():
        return None
    factor = ((a * b).sum() / b.square().sum()).item()
    return factor if factor > 0 and close(a, factor * b) else None


def _times(factor: float | None) -> str:
    """Say in words what happens to a result that is multiplied by a factor."""
    if factor is None:
        return "change in another way"
    if abs(factor - 1) < 1e-3:
        return "stay as it is"
    return f"become {factor:.4g} times as large"


def _doubled(x: Any) -> Any:
    if isinstance(x, Tensor):
        return 2 * x if x.is_floating_point() else None
    if isinstance(x, bool) or not isinstance(x, int | float | list):
        return None
    if isinstance(x, list):
        parts = [_doubled(part) for part in x]
        return None if not x or any(part is None for part in parts) else parts
    return 2 * x


def _others(x: Any) -> list[Any]:
    """Return other values of the same kind, larger ones and smaller ones; none if unknown how."""
    if isinstance(x, Tensor) and x.is_floating_point() and x.numel():
        rng = torch.Generator().manual_seed(9)
        size = 0.5 + x.abs().max().nan_to_num()
        change = size * (0.1 + torch.rand(x.shape, generator=rng, dtype=x.dtype))
        return [x + change, x - change, x + 0.1 * change]
    if inspect.isroutine(x):
        return [lambda *given: 0.7 * x(*given) + 0.3, lambda *given: -x(*given)]
    if isinstance(x, bool) or not isinstance(x, int | float | list):
        return []
    if isinstance(x, list):
        parts = [_others(part) for part in x]
        return [list(other) for other in zip(*parts, strict=False)] if all(parts) else []
    return [x + 1, x + 2] if isinstance(x, int) else [1.5 * x + 0.5, 0.7 * x + 0.1]


def _other_parts(x: Any) -> Iterator[tuple[int, list[Any]]]:
    """Yield (index, the same value with other entries there), for the first and last entries."""
    if not isinstance(x, Tensor | list) or (isinstance(x, Tensor) and not x.ndim) or len(x) < 2:
        return
    for index in sorted({*range(min(len(x), 4)), *range(max(len(x) - 2, 0), len(x))}):
        changed = []
        for other in _others(x[index]):
            changed.append(x.clone() if isinstance(x, Tensor) else list(x))
            changed[-1][index] = other
        yield index, changed
