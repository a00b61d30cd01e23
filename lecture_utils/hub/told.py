"""Tell a learner whose kernel was ended for want of memory what happened, and what to do.

An extension of IPython; the room's environment loads it in each kernel.
"""

import atexit
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from lecture_utils.hub import groups

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

FIRST_TO_GO = 500  # of 1000: where memory runs out the system ends a kernel, not the seat's server
SAID = (
    "✗ The memory of this seat{much} was full, so the system ended this notebook's kernel. Its "
    "variables are gone; what was saved is safe, and no other seat is harmed. To go on: change the "
    "cell that took so much, close other notebooks' kernels, and choose Run > Run All Above "
    "Selected Cell."
)


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Before the first cell of a kernel whose forerunner was ended, say so."""
    with contextlib.suppress(OSError, ValueError):
        Path("/proc/self/oom_score_adj").write_text(str(FIRST_TO_GO))
    try:
        group = groups.own()
        mark = mark_of(shell)
        if group is None or mark is None:
            return
        before, now = _number(mark), groups.ended(group)
        mark.write_text(str(now))
        atexit.register(mark.unlink, missing_ok=True)  # a kernel that is ended gets no so far
    except (OSError, ValueError):
        return
    if before is not None and now > before:
        tell(shell, groups.cap(group))


def mark_of(shell: "InteractiveShell") -> Path | None:
    """Return the file that lives as long as a kernel: its successor has the same name."""
    kernel = getattr(shell, "kernel", None)
    connection = getattr(getattr(kernel, "parent", None), "connection_file", "")
    if not connection:
        return None
    return Path(os.environ["JUPYTER_RUNTIME_DIR"], f".{Path(connection).stem}.alive")


def _number(mark: Path) -> int | None:
    try:
        return int(mark.read_text())
    except (OSError, ValueError):
        return None


def tell(shell: "InteractiveShell", megabytes: int) -> None:
    """Print one line before the next cell runs, once."""

    def once(*_: object) -> None:
        shell.events.unregister("pre_run_cell", once)
        print(SAID.format(much=f" ({megabytes} MB)" if megabytes else ""))

    shell.events.register("pre_run_cell", once)
