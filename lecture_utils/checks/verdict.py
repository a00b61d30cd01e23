"""How an exercise answers back: not attempted, not yet (and why), or right (and so what)."""

import dis
import functools
import inspect
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from lecture_utils import solved

NOT_ATTEMPTED, NOT_YET, RIGHT = "not attempted", "not yet", "right"
_MARKS = {NOT_ATTEMPTED: "○ Not attempted yet", NOT_YET: "✗ Not yet", RIGHT: "✓ Right"}


@dataclass(frozen=True)
class Verdict:
    """What a check says.

    Attributes:
        status: not attempted, not yet, or right.
        message: what is probably wrong, or one sentence of insight.
        recognised: whether the message names the mistake; False where it can only say which input
            to compute by hand.
    """

    status: str
    message: str
    recognised: bool = True

    def __repr__(self) -> str:
        """Read well as plain text."""
        return f"{_MARKS[self.status]}. {self.message}"

    def _repr_markdown_(self) -> str:
        return f"**{_MARKS[self.status]}.** {self.message}"


class NotYet(Exception):  # noqa: N818  it is a verdict, not an error
    """Raised inside a check: the answer is wrong, and this is the probable mistake."""


class Unrecognised(NotYet):
    """Raised inside a check: the answer is wrong, and the mistake remains unknown."""


class NotAttempted(Exception):  # noqa: N818
    """Raised inside a check: the answer is still the stub."""


def graded(check: Callable[..., str]) -> Callable[..., Verdict]:
    """Turn a check into one that always returns a `Verdict` and never raises.

    The check takes the reader's answer; it raises `NotYet` with the probable mistake, or returns
    one sentence of insight. A stub (`...` or a function whose body is `...`) is reported as not
    attempted; an answer that raises is reported with its error and line. What an answer draws at
    random is the same each time, and the caller's random state is left as it was. In a learner's
    folder what is right is noted (`lecture_utils.solved`).
    """

    @functools.wraps(check)
    def run(answer: Any = ..., *more: Any) -> Verdict:
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                _require_kind(check, answer)
                said = check(guard(answer), *map(guard, more))
            solved.note(check.__name__)
            return Verdict(RIGHT, said)
        except NotAttempted:
            return Verdict(NOT_ATTEMPTED, "Fill in the cell above, run it, then run this one.")
        except NotYet as mistake:
            return Verdict(NOT_YET, str(mistake), not isinstance(mistake, Unrecognised))
        except Exception as error:  # an answer of a kind that the check did not foresee
            kind = type(error).__name__
            return Verdict(NOT_YET, f"Working with your answer ended in {kind}: {error}", False)

    return run


def _require_kind(check: Callable, answer: Any) -> None:
    """Refuse what is no function where the check asks for one."""
    wanted = next(iter(inspect.signature(check).parameters.values())).annotation
    if wanted is not Callable or answer is None or answer is ...:
        return
    if inspect.isclass(answer):
        raise NotYet(f"You give the class {answer.__name__}; a function is expected.")
    if not callable(answer):
        raise NotYet(
            f"A function is expected, and you give {answer!r:.60}. Is it a result? Give the "
            f"function itself, its name without brackets."
        )


def guard(answer: Any) -> Any:
    """Wrap a function so that a stub, a forgotten return or an error becomes a verdict.

    Any callable but a class and a module counts as a function. `inspect.signature` and the
    attributes of what is wrapped stay as they were.
    """
    if answer is None or answer is ...:
        raise NotAttempted
    if inspect.isclass(answer) or isinstance(answer, nn.Module) or not callable(answer):
        return answer
    name = getattr(answer, "__name__", "your function")

    @functools.wraps(answer, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            result = answer(*args, **kwargs)
        except (NotYet, NotAttempted):
            raise
        except Exception as error:
            if isinstance(error, NotImplementedError) and not error.args:
                raise NotAttempted from error
            raise NotYet(_describe(answer, name, error)) from error
        if result is None or result is ...:
            if _is_stub(answer):
                raise NotAttempted
            raise NotYet(f"`{name}` returned nothing: is the `return` missing?")
        return result

    return call


def _is_stub(function: Callable) -> bool:
    """Tell whether a function does nothing but return None: no name, no local, no operation."""
    if not inspect.isfunction(function):
        return False
    idle = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "POP_TOP", "CACHE"}
    return all(step.opname in idle for step in dis.get_instructions(function))


def _describe(function: Callable, name: str, error: Exception) -> str:
    """Say which line of the answer raised what."""
    code = getattr(function, "__code__", None)
    line = None
    for frame in traceback.extract_tb(error.__traceback__):
        if code and frame.name == code.co_name and frame.filename == code.co_filename:
            line = frame.lineno - code.co_firstlineno + 1
    where = f" in its line {line}" if line else ""
    return f"`{name}` stopped{where} with {type(error).__name__}: {error}"
