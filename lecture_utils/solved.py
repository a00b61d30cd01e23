"""Which exercises a learner has solved: noted beside the copies when a check says "right".

Only in a folder of the learner's copies; in any other folder a check leaves nothing behind.
"""

import contextlib
import datetime
import json
import re
from pathlib import Path

from lecture_utils.files import write_whole

ORIGINALS = Path(__file__).resolve().parents[1] / "notebooks"
RECORD = ".solved.json"  # the day on which each check first said "right", by the check's name
MOST = 32_768  # bytes: no record is larger
_GIVEN = ".given.json"  # only the folder of the copies has it: copies.py writes it
_CHECK = re.compile(r"ex-(\d+)-(\d+)-check")
_CALL = re.compile(r"\bchecks\.(\w+)\(")


def is_learners(folder: Path) -> bool:
    """Tell whether a folder holds a learner's copies."""
    return (folder / _GIVEN).is_file()


def note(check: str) -> None:
    """Note that a check, such as "clip", has said "right" to the learner in whose folder we are.

    Nothing is written in another folder, or when the check has been noted before. What cannot be
    written stays unwritten: a full disk is no reason to spoil an answer.
    """
    with contextlib.suppress(OSError):
        folder = Path.cwd()
        if not is_learners(folder):
            return
        days = read(folder)
        if check not in days:
            days[check] = datetime.date.today().isoformat()
            text = json.dumps(days, indent=1)
            write_whole(folder / RECORD, lambda part: part.write_text(text, encoding="utf-8"))


def read(folder: Path) -> dict[str, str]:
    """Return the days by the checks' names; nothing where there is no record, or a broken one."""
    path = folder / RECORD
    try:
        return parse(path.read_bytes()) if path.is_file() else {}
    except OSError:
        return {}


def parse(record: bytes) -> dict[str, str]:
    """Return what a record says, whoever wrote it: names and days, such as "2026-11-27"."""
    try:
        found = json.loads(record) if len(record) <= MOST else {}
        return {name: day for name, day in dict(found).items() if _is_day(day)}
    except (ValueError, TypeError, RecursionError):
        return {}


def _is_day(day: object) -> bool:
    try:
        return isinstance(day, str) and bool(datetime.date.fromisoformat(day))
    except ValueError:
        return False


def exercises(originals: Path = ORIGINALS) -> dict[str, str]:
    """Return the course's exercises in order: the name of its check by the number, as "1.1".

    Raises:
        ValueError: a check cell of a notebook calls no check.
    """
    found = {}
    for path in sorted(originals.glob("[0-9][0-9]_*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if number := _CHECK.fullmatch(cell["id"]):
                call = _CALL.search("".join(cell["source"]))
                if not call:
                    raise ValueError(f"{path.name}: cell {cell['id']} calls no check")
                found[".".join(number.groups())] = call[1]
    return found


def solved(days: dict[str, str], known: dict[str, str]) -> dict[str, str]:
    """Return the day by the number of each known exercise that is solved, in the course's order.

    Args:
        days: as `read` or `parse` returns them.
        known: as `exercises` returns them.
    """
    return {number: days[check] for number, check in known.items() if check in days}
