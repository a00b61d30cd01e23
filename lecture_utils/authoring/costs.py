"""What each notebook costs its reader: seconds and memory, from an empty kernel on."""

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


def watch(folder: Path, startup: str = "") -> tuple[dict[str, str], Path]:
    """Prepare kernels that write down their peak memory, in kB, after each cell; Linux only.

    Args:
        folder: an empty folder, for the kernels' settings and for what they write.
        startup: Python code that each kernel runs first.

    Returns:
        The variables to start kernels with, and the file that holds the peak.
    """
    report, code = folder / "peak", folder / "ipython" / "profile_default" / "startup"
    code.mkdir(parents=True)
    (code / "00-watched.py").write_text(startup + _PEAK.format(report=str(report)))
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


def measure(number: str) -> tuple[float, int]:
    """Run a notebook; return its seconds, and its kernel's peak memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        settings, report = watch(Path(folder))
        start = time.perf_counter()
        with variables(settings):
            notebooks.execute(notebooks.path_of(number))
        return time.perf_counter() - start, round(int(report.read_text()) * 1024 / 1e6)


def machine() -> str:
    """Name this machine: processor, cores, Python and torch."""
    import torch

    found = re.search(r"model name\s*: (.+)", CPUINFO.read_text()) if CPUINFO.exists() else None
    processor = found[1].strip() if found else platform.processor() or platform.machine()
    python = platform.python_version()
    return f"{processor}, {os.cpu_count()} cores, Python {python}, torch {torch.__version__}"


def write(costs: dict[str, tuple[float, int]]) -> None:
    """Keep what was measured: machine, date, and per notebook its seconds and MB."""
    rows = {n: {"seconds": round(seconds), "MB": size} for n, (seconds, size) in costs.items()}
    kept = {"machine": machine(), "date": date.today().isoformat(), "notebooks": rows}
    head = "# Written by `make measure`; the table in slides/README.md is generated from it.\n"
    text = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=100)
    MEASURED.write_text(head + text, encoding="utf-8")


def load(course: dict, path: Path | None = None) -> dict:
    """Read what was measured: machine, date, and per notebook its seconds and MB.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: something in it is not understood: the message names its line.
    """
    cost = {"seconds": _measured, "MB": _measured}
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
