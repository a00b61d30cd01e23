"""`make check`: one line that says whether this machine is ready, or what is wrong and what to do.

It must answer before there is an environment, too, and under a Python that is too old for the
course: it needs the standard library alone, and no syntax later than Python 3.8's.

With an argument: `fits` only answers, by its exit status, whether an environment can be made with
this Python, and `python` says in one line which Python this is, or why it does not fit.
"""

import os
import sys

if __name__ == "__main__":  # a random.py beside it, or on PYTHONPATH, is found and not imported
    _away = [os.getcwd(), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    sys.path[:] = [place for place in sys.path if place and place not in _away]

import re
import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST, NEWEST = (3, 11), (3, 14)  # the Pythons that the course takes, as in pyproject.toml
LEARNERS = ROOT / "environment.yml"
AUTHORS = ROOT / "tests" / "requirements.txt"
MEMINFO = Path("/proc/meminfo")
MEMORY = 1.0  # GB free: JupyterLab with one kernel takes half of it
DISK = 0.5  # GB free, to run the course
DISK_TO_INSTALL = 4.0  # GB free: the environment takes 2, and pip unpacks what it installs
MAKE = os.name != "nt"  # README gives Windows its own commands


def span() -> str:
    """Return the Pythons that the course takes, in words."""
    return "{}.{} to {}.{}".format(*OLDEST, *NEWEST)


def good_python() -> bool:
    """Tell whether the course is made for this Python."""
    return OLDEST <= sys.version_info[:2] <= NEWEST


def no_venv() -> str:
    """Say whether this Python lacks what makes environments, as Debian's does at first."""
    if find_spec("ensurepip") and find_spec("venv"):
        return ""
    return "Python's module venv is incomplete: install python3-venv, then run `make env`"


def installed(package: str) -> str:
    """Return the version of an installed package, such as "2.13.0"; "" if there is none."""
    try:
        return version(package).split("+")[0]
    except PackageNotFoundError:
        return ""


def pins(listed: Path) -> dict:
    """Return the pinned packages of a list, LEARNERS or AUTHORS, and their versions."""
    text = listed.read_text(encoding="utf-8")
    return dict(re.findall(r"^(?: {6}- )?([\w-]+)==([\d.]+)$", text, flags=re.MULTILINE))


def wanted() -> dict:
    """Return the packages that belong here: with any of the authors' list, all of it."""
    learners, authors = pins(LEARNERS), pins(AUTHORS)
    both = any(installed(name) for name in authors)
    return dict(learners, **authors) if both else learners


def faults() -> list:
    """Return what is wrong and what to do, one phrase each; an empty list where all is well."""
    environment = python() or no_environment() or packages()
    found = [environment] if environment else [torch(), drawing() or fonts(), kernel()]
    found += [memory(), disk(DISK_TO_INSTALL if no_environment() else DISK), writing()]
    return [fault for fault in found if fault]


def python() -> str:
    """Say what is wrong with this Python."""
    if good_python():
        return ""
    have = "{}.{}".format(*sys.version_info[:2])
    then = "run `make clean env`" if MAKE else "follow README, Start"
    return f"this is Python {have}: install one from {span()}, then {then}"


def no_environment() -> str:
    """Say what to do where packages are off because this is no environment at all."""
    inside = sys.prefix != sys.base_prefix or "CONDA_PREFIX" in os.environ
    if inside or not off():
        return ""
    if no_venv():
        return no_venv()
    then = "run `make env`" if MAKE else "follow README, Start"
    return f"there is no environment yet: {then}"


def off() -> list:
    """Return what differs from the pins: (package, pinned version, installed version or "")."""
    rows = [(name, pin, installed(name)) for name, pin in wanted().items()]
    return [row for row in rows if row[1] != row[2]]


def packages() -> str:
    """Say which packages are missing or of another version than their list's."""
    said = [f"{name} {have}, not {pin}" if have else f"no {name}" for name, pin, have in off()]
    if not said:
        return ""
    more = [f"{len(said) - 3} more"] if len(said) > 3 else []
    then = "run `make clean env`" if MAKE else "install the list again as README, Start, says"
    return f"{'; '.join(said[:3] + more)}: {then}"


def torch() -> str:
    """Say whether torch loads, and takes one thread as each notebook's set-up cell asks."""
    try:
        import torch
    except (ImportError, OSError) as error:
        then = "run `make clean env`" if MAKE else "install it again as README, Start, says"
        return f"torch does not load ({str(error).partition(chr(10))[0]}): {then}"
    torch.set_num_threads(1)
    threads = torch.get_num_threads()
    if threads == 1:
        return ""
    return f"torch keeps {threads} threads: set the variable OMP_NUM_THREADS to 1 and log in again"


def fonts() -> str:
    """Say whether the figures' font is there."""
    from matplotlib import font_manager, rcParams

    wanted = font_manager.FontProperties(family=rcParams["font.family"])
    try:
        font_manager.findfont(wanted, fallback_to_default=False)
    except ValueError:
        return (
            f"the figures' font ({', '.join(rcParams['font.family'])}) is missing: take the lines "
            f"that begin with font out of your matplotlibrc"
        )
    return ""


def drawing() -> str:
    """Say whether figures can be drawn: MPLBACKEND may name what is not there, or has no screen."""
    try:
        from matplotlib import pyplot

        pyplot.close(pyplot.figure())
    except Exception as error:  # each backend fails in its own way
        first = str(error).partition("\n")[0]
        name = os.environ.get("MPLBACKEND")
        then = "unset MPLBACKEND" if name else "take the line `backend` out of your matplotlibrc"
        return f"matplotlib cannot draw with the backend {name or 'it is told'} ({first}): {then}"
    return ""


def kernel() -> str:
    """Say whether a notebook would get this environment and this course, and nothing instead."""
    from lecture_utils import lab

    return lab.variables() or lab.kernel()


def free_memory() -> float:
    """Return the free memory in GB, or all there is where the system does not tell; 0: unknown."""
    if MEMINFO.exists():
        kib = re.search(r"MemAvailable:\s+(\d+)", MEMINFO.read_text())
        return int(kib[1]) * 1024 / 1e9
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return 0.0


def memory() -> str:
    """Say whether there is memory for JupyterLab and one kernel."""
    free = free_memory()
    if not 0 < free < MEMORY:
        return ""
    return (
        f"{free:.1f} GB of memory is free, the course needs {MEMORY:g}: "
        f"close programs, or shut kernels down"
    )


def disk(need: float) -> str:
    """Say whether there is room on the disk."""
    free = shutil.disk_usage(str(ROOT)).free / 1e9
    return "" if free >= need else f"{free:.1f} GB of disk is free: make it {need:g}"


def writing() -> str:
    """Say whether notebooks can be saved here."""
    for folder in (ROOT, ROOT / "notebooks"):
        try:
            tempfile.TemporaryFile(dir=str(folder)).close()
        except OSError:
            return f"you may not write in {folder}: copy the course to a folder of your own"
    return ""


def ready() -> str:
    """Return the line of a machine that is ready."""
    return (
        f"✓ ready: Python {sys.version_info[0]}.{sys.version_info[1]}, {len(wanted())} packages as "
        f"pinned, one torch thread, {free_memory():.1f} GB of memory and "
        f"{shutil.disk_usage(str(ROOT)).free / 1e9:.0f} GB of disk free, fonts, kernel and write "
        f"access"
    )


def which_python() -> str:
    """Say which Python an environment is made with, or why this one does not fit."""
    fault = python() or no_venv()
    have = "Python {}.{} ({})".format(*sys.version_info[:2], sys.executable)
    return f"✗ {have} does not fit: {fault}" if fault else f"✓ the environment is made with {have}"


def main() -> int:
    """Print the line, and return 0 where the machine is ready, 1 where it is not."""
    if sys.argv[1:] == ["fits"]:
        return 0 if good_python() and not no_venv() else 1
    if hasattr(sys.stdout, "reconfigure"):  # a console that has no ✓
        sys.stdout.reconfigure(errors="replace")
    try:
        if sys.argv[1:] == ["python"]:
            line = which_python()
        else:
            found = faults()
            line = "✗ not ready: " + " · ".join(found) if found else ready()
    except Exception as error:  # whatever it finds, the answer is one line
        said = str(error).partition("\n")[0]
        said = f"{type(error).__name__}: {said}"
        line = f"✗ not ready: the check itself failed ({said}): report this line"
    print(line)
    return 0 if line.startswith("✓") else 1


if __name__ == "__main__":
    sys.exit(main())
