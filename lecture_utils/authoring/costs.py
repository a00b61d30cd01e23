"""What each notebook costs its reader: seconds and memory, from an empty kernel on."""

import functools
import json
import os
import platform
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import yaml

from lecture_utils.authoring import maps, notebooks

MEASURED = notebooks.FOLDER / "costs.yml"
CPUINFO = Path("/proc/cpuinfo")
# not ru_maxrss: that counts the parent, too, if it was larger when it forked
_PEAK = r"""
import re
def _peak(*_):  # after each cell: a kernel that is slow to end is killed before it could write
    with open("/proc/self/status") as status, open({report!r}, "w") as report:
        report.write(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1])
get_ipython().events.register("post_run_cell", _peak)
"""
# a cell's label is in its first line; its seconds are the processor's, the same on a busy machine
_SECONDS = r"""
import json, time
_began, _took = [0.0], dict()
def _begin(*_):
    _began[0] = time.process_time()
def _end(result):
    label = re.search(r"^# (?:@title )?(\d+\.\d+ [a-z])\b", result.info.raw_cell)
    if label:
        _took[label[1]] = time.process_time() - _began[0]
        with open({report!r} + ".cells", "w") as file:
            json.dump(_took, file)
get_ipython().events.register("pre_run_cell", _begin)
get_ipython().events.register("post_run_cell", _end)
"""
AT_ONCE = 1  # seconds below which nobody waits


def watch(folder: Path, startup: str = "", after: str = "") -> tuple[dict[str, str], Path]:
    """Prepare kernels that write down their peak memory, in kB, after each cell; Linux only.

    Args:
        folder: an empty folder, for the kernels' settings and for what they write.
        startup: Python code that each kernel runs first.
        after: and code that it runs then; `{report!r}` in it is the file that holds the peak.

    Returns:
        The variables to start kernels with, and the file that holds the peak.
    """
    report, code = folder / "peak", folder / "ipython" / "profile_default" / "startup"
    code.mkdir(parents=True)
    (code / "00-watched.py").write_text(startup + (_PEAK + after).format(report=str(report)))
    return {"IPYTHONDIR": str(folder / "ipython")}, report


@contextmanager
def variables(settings: dict[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def measure(number: str) -> dict:
    """Run a notebook; return its seconds, its kernel's peak memory in MB, and its slow cells."""
    with tempfile.TemporaryDirectory() as folder:
        settings, report = watch(Path(folder), after=_SECONDS)
        start = time.perf_counter()
        with variables(settings):
            notebooks.execute(notebooks.path_of(number))
        taken = time.perf_counter() - start
        cells = json.loads(report.with_name("peak.cells").read_text())
        slow = {label: round(seconds) for label, seconds in cells.items() if seconds >= AT_ONCE}
        size = round(int(report.read_text()) * 1024 / 1e6)
        return {"seconds": round(taken), "MB": size, "cells": slow}


def machine() -> str:
    """Name this machine: processor, cores, Python and torch."""
    import torch

    found = re.search(r"model name\s*: (.+)", CPUINFO.read_text()) if CPUINFO.exists() else None
    processor = found[1].strip() if found else platform.processor() or platform.machine()
    python = platform.python_version()
    return f"{processor}, {os.cpu_count()} cores, Python {python}, torch {torch.__version__}"


def write(costs: dict[str, dict]) -> None:
    """Keep what was measured: machine, date, and per notebook its seconds, MB and slow cells."""
    kept = {"machine": machine(), "date": date.today().isoformat(), "notebooks": costs}
    head = "# Written by `make measure`; the table in slides/README.md is generated from it.\n"
    text = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=100)
    MEASURED.write_text(head + text, encoding="utf-8")


def load(course: dict, path: Path | None = None) -> dict:
    """Read what was measured: machine, date, and per notebook its seconds, MB and slow cells.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: something in it is not understood: the message names its line.
    """
    cells = functools.partial(maps.entries, key=maps.text, value=_measured)
    cost = {"seconds": _measured, "MB": _measured, "cells": lambda place: _cells(place, cells)}
    rows = maps.choice(course["notebooks"], "notebook")
    wanted = {
        "machine": maps.text,
        "date": _day,
        "notebooks": lambda place: maps.entries(place, rows, lambda row: maps.fields(row, cost)),
    }
    return maps.fields(maps.read(path or MEASURED), wanted)


def _measured(place: maps.Place) -> int:
    if maps.whole(place) < 1:
        raise place.refuse("a number above 0 is expected here: run `make measure`")
    return maps.whole(place)


def _cells(place: maps.Place, read: maps.Reader) -> dict[str, int]:
    """Read the seconds of the cells that take a second or more; {} where there is none."""
    return read(place) if place.node.value else {}


@functools.cache
def _slow() -> dict[str, int]:
    """Return the seconds of every cell that takes a second or more, by its label."""
    kept = yaml.safe_load(MEASURED.read_text(encoding="utf-8"))["notebooks"]
    return {label: taken for row in kept.values() for label, taken in row["cells"].items()}


def with_seconds(words: str) -> str:
    """Say behind each cell such as `cell 1.1 a` how long it runs."""

    def say(mark: re.Match) -> str:
        taken = _slow().get(mark[1])
        return f"{mark[0]} ({f'{taken} s' if taken else 'at once'})"

    return re.sub(r"cell (\d+\.\d+ [a-z])\b", say, words)


def _day(place: maps.Place) -> str:
    try:
        return date.fromisoformat(maps.raw(place)).isoformat()
    except ValueError:
        raise place.refuse("a day is expected here, such as 2026-11-26") from None


def table(course: dict) -> str:
    """Write the instructor's table of what each notebook takes."""
    kept = load(course)
    rows = ["| No. | Notebook | Runs in | Memory at most |", "|---|---|---|---|"]
    for number, cost in kept["notebooks"].items():
        title = course["notebooks"][number]["title"]
        rows.append(f"| {number} | {title} | {cost['seconds']} s | {cost['MB']} MB |")
    rows += ["", f"Measured on {kept['date']}: {kept['machine']}, one thread, an idle machine."]
    return "\n".join(rows)
