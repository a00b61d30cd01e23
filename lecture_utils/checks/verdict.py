"""How an exercise answers back: not attempted, not yet (and why), or right (and so what)."""

import dis
import functools
import inspect
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

NOT_ATTEMPTED, NOT_YET, RIGHT = "not attempted", "not yet", "right"
_MARKS = {NOT_ATTEMPTED: "○ Not attempted yet", NOT_YET: "✗ Not yet", RIGHT: "✓ Right"}


@dataclass(frozen=True)
class Verdict:
    """What a check says: a status (not attempted, not yet, right) and one message."""

    status: str
    message: str

    def __repr__(self) -> str:
        """Read well as plain text."""
        return f"{_MARKS[self.status]}. {self.message}"

    def _repr_markdown_(self) -> str:
        return f"**{_MARKS[self.status]}.** {self.message}"


class NotYet(Exception):  # noqa: N818  it is a verdict, not an error
    """Raised inside a check: the answer is wrong, and this is the probable mistake."""


class NotAttempted(Exception):  # noqa: N818
    """Raised inside a check: the answer is still the stub."""


def graded(check: Callable[..., str]) -> Callable[..., Verdict]:
    """Turn a check into one that always returns a `Verdict` and never raises.

    The check takes the reader's answer; it raises `NotYet` with the probable mistake, or returns
    one sentence of insight. A stub (`...` or a function whose body is `...`) is reported as not
    attempted; an answer that raises is reported with its error and line.
    """

    @functools.wraps(check)
    def run(answer: Any = ..., *more: Any) -> Verdict:
        try:
            return Verdict(RIGHT, check(_guard(answer), *map(_guard, more)))
        except NotAttempted:
            return Verdict(NOT_ATTEMPTED, "Fill in the cell above, run it, then run this one.")
        except NotYet as mistake:
            return Verdict(NOT_YET, str(mistake))
        except Exception as error:  # an answer of a kind that the check did not foresee
            kind = type(error).__name__
            return Verdict(NOT_YET, f"Working with your answer ended in {kind}: {error}")

    return run


def name_slip(found: Tensor | float, slips: Iterable[tuple[Tensor | float, str]]) -> None:
    """Raise `NotYet` with the message of the first slip whose result is the one found.

    Args:
        found: what the answer gave.
        slips: for each usual slip what it would give, and what to tell the reader.
    """
    found = torch.as_tensor(found, dtype=torch.float64)
    for value, message in slips:
        value = torch.as_tensor(value, dtype=torch.float64)
        if value.shape == found.shape and torch.allclose(found, value, rtol=1e-4, atol=1e-12):
            raise NotYet(message)


def tensor(value: Any, shape: tuple[int, ...], name: str = "your result") -> Tensor:
    """Return the answer's value as a float64 tensor, or say which shape was expected."""
    if value is None or value is ...:
        raise NotAttempted
    if isinstance(value, (list, tuple)) and any(isinstance(v, Tensor) for v in value):
        value = torch.stack([torch.as_tensor(v) for v in value])
    value = torch.as_tensor(value).detach().to(torch.float64)
    if tuple(value.shape) != shape:
        expected = "a single number" if shape == () else f"shape {shape}"
        raise NotYet(f"{name} has shape {tuple(value.shape)}; expected {expected}.")
    if not value.isfinite().all():
        raise NotYet(f"{name} contains a value that is not finite (inf or nan).")
    return value


def _guard(answer: Any) -> Any:
    """Wrap a function so that a stub, a forgotten return or an error becomes a verdict."""
    if answer is None or answer is ...:
        raise NotAttempted
    if inspect.isclass(answer) or not inspect.isfunction(answer):
        return answer

    @functools.wraps(answer)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            result = answer(*args, **kwargs)
        except Exception as error:
            raise NotYet(_describe(answer, error)) from error
        if result is None or result is ...:
            if _is_stub(answer):
                raise NotAttempted
            raise NotYet(f"`{answer.__name__}` returned nothing: is the `return` missing?")
        return result

    return call


def _is_stub(function: Callable) -> bool:
    """Tell whether a function does nothing but return None: no name, no local, no operation."""
    idle = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "POP_TOP", "CACHE"}
    return all(step.opname in idle for step in dis.get_instructions(function))


def _describe(function: Callable, error: Exception) -> str:
    """Say which line of the answer raised what."""
    line = None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.name == function.__name__:
            line = frame.lineno - function.__code__.co_firstlineno + 1
    where = f" in its line {line}" if line else ""
    return f"`{function.__name__}` stopped{where} with {type(error).__name__}: {error}"
