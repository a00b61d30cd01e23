"""`make check`: one line, each fault once, before there is an environment and after."""

import ast
import shutil
import subprocess
import sys
import types

import matplotlib
import pytest
import torch

from lecture_utils import ready
from lecture_utils.authoring.notebooks import ROOT
from lecture_utils.checks import start

MAKE = shutil.which("make")
BARE = f"{sys.executable} -S -E"  # Python as it is before the environment: no packages


def make_check(*variables):
    done = subprocess.run(
        [MAKE, "--no-print-directory", "-C", ROOT, "check", *variables],
        capture_output=True,
        text=True,
        timeout=120,
    )
    (line,) = done.stdout.splitlines()
    return done.returncode, line


def test_before_the_environment_it_says_how_to_make_it(tmp_path):
    code, line = make_check(f"PYTHON={BARE}", f"VENV={tmp_path}/none")
    assert line == "✗ not ready: there is no environment yet: run `make env`"
    assert code != 0


def test_without_a_python_it_says_so(tmp_path):
    code, line = make_check("PYTHON=no-such-python", f"VENV={tmp_path}/none")
    assert line.startswith("✗ not ready: no no-such-python: install Python 3.11 or 3.12")
    assert code != 0


def test_in_the_environment_it_is_ready(tmp_path):
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (tmp_path / "ready").touch()
    code, line = make_check(f"VENV={tmp_path}", "PYTHON=no-such-python")
    assert line.startswith(f"✓ ready: Python 3.{sys.version_info[1]}, {len(ready.pins())} packages")
    assert code == 0


def test_it_reads_on_a_python_too_old_for_the_course():
    for name in ("__init__.py", "ready.py"):
        text = (ROOT / "lecture_utils" / name).read_text(encoding="utf-8")
        ast.parse(text, feature_version=(3, 8))
    imported = {
        line.split()[1] for line in text.splitlines() if line.startswith(("import", "from"))
    }
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def refuse(**_):
    raise PermissionError("read-only")


def unloadable(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it raises ImportError


def no_font(monkeypatch):
    monkeypatch.setitem(matplotlib.rcParams, "font.family", ["No Such Font"])


def little_memory(monkeypatch, folder):
    (folder / "meminfo").write_text("MemTotal: 8000000 kB\nMemAvailable:   400000 kB\n")
    monkeypatch.setattr(ready, "MEMINFO", folder / "meminfo")


def no_disk(monkeypatch):
    monkeypatch.setattr(ready.shutil, "disk_usage", lambda _: types.SimpleNamespace(free=2e8))


def versions(monkeypatch, **other):
    true = ready.installed
    found = {name.replace("_", "-"): version for name, version in other.items()}
    monkeypatch.setattr(ready, "installed", lambda name: found.get(name, true(name)))


def nothing_installed(monkeypatch):
    monkeypatch.setattr(ready, "installed", lambda _: "")
    monkeypatch.setattr(ready.sys, "prefix", ready.sys.base_prefix)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)


def no_venv(monkeypatch):
    nothing_installed(monkeypatch)
    monkeypatch.setattr(ready, "find_spec", lambda _: None)


PINS = ready.pins()
FAULTS = {
    "this is Python 3.10: install 3.11 or 3.12, then run `make env PYTHON=python3.11`": (
        lambda m, _: m.setattr(ready.sys, "version_info", (3, 10, 4))
    ),
    "this is Python 3.13: install 3.11 or 3.12, then run `make env PYTHON=python3.11`": (
        lambda m, _: m.setattr(ready.sys, "version_info", (3, 13, 0))
    ),
    "there is no environment yet: run `make env`": lambda m, _: nothing_installed(m),
    "Python's module venv is incomplete: install python3-venv, then run `make env`": (
        lambda m, _: no_venv(m)
    ),
    f"torch 1.0, not {PINS['torch']}; no matplotlib: run `make clean env`": (
        lambda m, _: versions(m, torch="1.0", matplotlib="")
    ),
    f"no torch; numpy 1.0, not {PINS['numpy']}; no jupyterlab; 1 more: run `make clean env`": (
        lambda m, _: versions(m, torch="", numpy="1.0", jupyterlab="", tqdm="")
    ),
    "torch does not load (import of torch halted; None in sys.modules): run `make clean env`": (
        lambda m, _: unloadable(m)
    ),
    "torch keeps 4 threads: set the variable OMP_NUM_THREADS to 1 and log in again": (
        lambda m, _: m.setattr(torch, "get_num_threads", lambda: 4)
    ),
    "the figures' font (No Such Font) is missing: take the lines that begin with font out of "
    "your matplotlibrc": lambda m, _: no_font(m),
    "0.4 GB of memory is free, the course needs 1: close programs, or shut kernels down": (
        little_memory
    ),
    "0.2 GB of disk is free: make it 0.5": lambda m, _: no_disk(m),
    f"you may not write in {ROOT}: copy the course to a folder of your own": (
        lambda m, _: m.setattr(ready.tempfile, "TemporaryFile", refuse)
    ),
}


@pytest.fixture
def _in_an_environment(monkeypatch):
    monkeypatch.setattr(ready, "MAKE", True)
    monkeypatch.setattr(ready.sys, "prefix", "/an/environment")


@pytest.mark.usefixtures("_in_an_environment")
@pytest.mark.parametrize(("says", "cause"), FAULTS.items(), ids=[says[:32] for says in FAULTS])
def test_each_fault_alone_is_named_with_what_to_do(says, cause, monkeypatch, tmp_path, capsys):
    cause(monkeypatch, tmp_path)
    assert ready.main() == 1
    assert capsys.readouterr().out == f"✗ not ready: {says}\n"


@pytest.mark.usefixtures("_in_an_environment")
def test_all_faults_stand_on_one_line(monkeypatch, tmp_path, capsys):
    little_memory(monkeypatch, tmp_path)
    nothing_installed(monkeypatch)
    no_disk(monkeypatch)
    assert ready.main() == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.count(" · ") == 2
    assert "make it 4" in line  # the environment needs room, too


@pytest.mark.usefixtures("_in_an_environment")
def test_windows_is_sent_to_its_own_commands(monkeypatch, capsys):
    monkeypatch.setattr(ready, "MAKE", False)
    nothing_installed(monkeypatch)
    ready.main()
    assert "there is no environment yet: follow README, Start" in capsys.readouterr().out


def test_the_course_fits_this_system_without_proc(monkeypatch, tmp_path):
    monkeypatch.setattr(ready, "MEMINFO", tmp_path / "none")
    assert ready.free_memory() > 0.5
    monkeypatch.delattr(ready.os, "sysconf")
    assert ready.free_memory() == 0.0
    assert ready.memory() == ""


def test_the_pins_are_those_that_are_installed():
    assert ready.pins() | start.NEEDED == ready.pins()
    assert ready.off() == []


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        (lambda m: m.setattr(sys, "version_info", (3, 10, 4)), "✗ Python 3.10: the course is made"),
        (
            lambda m: m.setattr(start, "installed", lambda _: "1.0"),
            f"✗ numpy 1.0: made with {PINS['numpy']}",
        ),
        (lambda m: m.setattr(start, "installed", lambda _: ""), "✗ jupyterlab is missing: make"),
        (lambda m: m.setattr(torch, "get_num_threads", lambda: 4), "✗ 4 torch threads: run"),
    ],
)
def test_notebook_00_names_the_same_faults(cause, says, monkeypatch, capsys):
    cause(monkeypatch)
    start.environment()
    assert says in capsys.readouterr().out


def test_on_colab_notebook_00_does_not_ask_for_jupyterlab(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setattr(start, "installed", lambda _: "")
    start.environment()
    printed = capsys.readouterr().out
    assert "✗ torch is missing" in printed
    assert "jupyterlab" not in printed
