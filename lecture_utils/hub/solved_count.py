"""How many seats have solved each exercise: read from the seats' homes, told without a name.

A seat may have put anything there: links, pipes, huge files, false records. No link is followed, a
record has a largest size, and only the course's own exercises count.
"""

import os
import stat
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from lecture_utils import copies, solved

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe without a writer blocks nobody
_TEMPLATE = Path(__file__).with_name("solved.html")


def record_of(home: Path) -> bytes:
    """Return what a seat's record says; b"" where it has none, or something else in its place."""
    try:
        folder = os.open(home, _FOLDER)
    except OSError:
        return b""
    try:
        inner = os.open(copies.FOLDER.name, _FOLDER, dir_fd=folder)
        os.close(folder)
        folder = inner
        with os.fdopen(os.open(solved.RECORD, _FILE, dir_fd=folder), "rb") as record:
            regular = stat.S_ISREG(os.fstat(record.fileno()).st_mode)
            return record.read(solved.MOST + 1) if regular else b""
    except OSError:
        return b""
    finally:
        os.close(folder)


def count(homes: Iterable[Path], known: dict[str, str]) -> dict[str, int]:
    """Return for each exercise's number, in the course's order, how many homes have solved it."""
    found: Counter[str] = Counter()
    for home in homes:
        found.update(list(solved.solved(solved.parse(record_of(home)), known)))
    return {number: found[number] for number in known}


def page(counts: dict[str, int], seats: int) -> str:
    """Return the instructor's page: a bar for each exercise, by notebook."""
    blocks: dict[str, list[str]] = {}
    for number, done in counts.items():
        share = 100 * done / seats
        blocks.setdefault(f"{int(number.partition('.')[0]):02}", []).append(
            f'<tr><th scope="row">{number}</th><td class="bar">'
            f'<i style="width:{share:.0f}%"></i></td><td>{done}</td></tr>'
        )
    parts = [
        f"<section><h2>Notebook {notebook}</h2><table>{''.join(rows)}</table></section>"
        for notebook, rows in blocks.items()
    ]
    text = _TEMPLATE.read_text(encoding="utf-8").replace("<!-- seats -->", str(seats))
    return text.replace("<!-- notebooks -->", "\n".join(parts))
