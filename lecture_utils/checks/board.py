"""The reader's own board: results in a file of the current folder, shown as a table."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from lecture_utils.files import write_whole

SHOWN = 10  # rows of the table


@dataclass(frozen=True)
class Result:
    """One row of the board.

    Attributes:
        blocks: how many blocks count.
        width: of the stream.
        loss: the validation loss, nats.
        seconds: how long the training took.
        date: when, as datetime.isoformat writes it.

    Raises:
        ValueError: a value is no such number or date.
    """

    blocks: int
    width: int
    loss: float
    seconds: float
    date: str

    def __post_init__(self) -> None:
        for name, kind in (("blocks", int), ("width", int), ("loss", float), ("seconds", float)):
            value = getattr(self, name)
            if type(value) is not kind or not 0 <= value < math.inf:
                raise ValueError(f"{name} must be a number from 0 on; got {value!r:.40}")
        datetime.fromisoformat(self.date)


def rank(result: Result) -> tuple[int, float]:
    """Return by what results are sorted: most blocks first, then the lower loss."""
    return -result.blocks, result.loss


def remember(path: Path, result: Result) -> tuple[list[Result], str]:
    """Add a result to the board's file; return all results, the best first, and what went wrong.

    A file that cannot be read as a board is kept under another name, and a new one begins. Where
    nothing can be written, the results are returned all the same.
    """
    try:
        former, note = _read(path)
        results = sorted([*former, result], key=rank)
        rows = json.dumps([asdict(row) for row in results], indent=1) + "\n"
        write_whole(path, lambda part: part.write_text(rows, encoding="utf-8"))
    except OSError as error:
        return [result], f"The board could not be kept: {error}."
    return results, note


def _read(path: Path) -> tuple[list[Result], str]:
    """Return the results of a file; move it aside if it is damaged, and say so."""
    if not os.path.lexists(path):
        return [], ""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(rows, list):
            raise ValueError("no list")
        return [Result(**row) for row in rows], ""
    except (ValueError, TypeError, RecursionError):
        aside = _free(path)
        path.rename(aside)
        return [], f"{path.name} could not be read as a board; it is kept as {aside.name}."


def _free(path: Path) -> Path:
    """Return a name beside a file that nothing has."""
    names = (path.with_name(f"{path.stem}.damaged-{k}{path.suffix}") for k in range(1, 1000))
    return next(name for name in names if not os.path.lexists(name))


def table(results: Sequence[Result], newest: Result) -> str:
    """Return the best results as a Markdown table; the newest one is marked, wherever it stands."""
    lines = ["| | blocks | width | validation loss | seconds | date |", "|--|--|--|--|--|--|"]
    new = next(place for place, row in enumerate(results) if row is newest)
    for place, row in enumerate(results):
        if place < SHOWN or place == new:
            mark = " ← new" if place == new else ""
            date = datetime.fromisoformat(row.date).strftime("%Y-%m-%d %H:%M")
            lines.append(
                f"| {place + 1} | {row.blocks} | {row.width} | {row.loss:.3f} | {row.seconds:.1f} "
                f"| {date}{mark} |"
            )
    return "\n".join(lines)
