"""Bad input, and what a clear error is: the course's own, in words, within a second."""

import re
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import lecture_utils

PACKAGE = Path(lecture_utils.__file__).parent
SECONDS = 1.0


def refusal(call: Callable[[], object], *, error: type[Exception] = ValueError) -> str:
    """Return the message with which the call is refused; fail if it is not refused clearly.

    Clear means: `error` (ValueError, or FileNotFoundError where no file is), raised by a line of
    lecture_utils and not somewhere below it, at least four words long, and within a second.
    """
    began, said = time.monotonic(), None
    try:
        found = call()
    except error as refused:
        said = refused
    assert said is not None, f"not refused; it returned {found!r:.200}"
    last = traceback.extract_tb(said.__traceback__)[-1]
    assert PACKAGE in Path(last.filename).parents, f"raised in {last.filename}: {said}"
    assert len(str(said).split()) >= 4, f"too short a message: {said}"
    assert time.monotonic() - began < SECONDS, f"it took {time.monotonic() - began:.1f} s"
    return str(said)


def named(value: object) -> str:
    """Name a value in a test's id, the same in each process: without addresses in memory."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))[:60]
