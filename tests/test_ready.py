"""`make check`: one line, each fault once, before there is an environment and after."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import types

import matplotlib
import pytest
import torch
from matplotlib import pyplot

from lecture_utils import ready
from lecture_utils.authoring.notebooks import ROOT
from lecture_utils.checks import start

MAKE = shutil.which("make")
NO_PYTHON = (
    f"no Python {ready.span()} on the path: install one with its module venv, or say "
    f"PYTHON=/path/to/python"
)


def make(target, *variables, **settings):
    """Run a target; its exit status, and what it printed, a line each."""
    done = subprocess.run(
        [MAKE, "--no-print-directory", "-C", ROOT, target, *variables],
        capture_output=True,
        text=True,
        timeout=120,
        env=dict(os.environ) | settings,
    )
    return done.returncode, done.stdout.splitlines()


def program(path, text):
    """Write a shell script."""
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path):
    """A Python as it is before there is an environment, in a folder whose name has a space."""
    base = getattr(sys, "_base_executable", sys.executable)  # not an environment's own
    return program(tmp_path / "My Python" / "python3", f'exec "{base}" -S -E "$@"')


def test_before_the_environment_it_says_how_to_make_it(tmp_path, bare):
    code, said = make("check", f"PYTHON={bare}", f"VENV={tmp_path}/none")
    assert said == ["✗ not ready: there is no environment yet: run `make env`"]
    assert code != 0


@pytest.mark.parametrize("chosen", [["PYTHON=no-such-python"], []])
def test_without_a_python_it_says_so(tmp_path, chosen):
    tools = tmp_path / "tools"  # a path without a Python
    tools.mkdir()
    for tool in ("make", "sh", "id"):
        (tools / tool).symlink_to(shutil.which(tool))
    code, said = make("check", *chosen, f"VENV={tmp_path}/none", PATH=str(tools))
    assert said == [f"✗ not ready: {NO_PYTHON}"]
    assert code != 0
    code, said = make("env", *chosen, f"VENV={tmp_path}/none", PATH=str(tools))
    assert said[-1].startswith("✗ ")
    assert code != 0


def test_in_the_environment_it_is_ready(tmp_path):
    program(tmp_path / "bin" / "python", f'exec "{sys.executable}" "$@"')
    (tmp_path / "ready").touch()
    code, said = make("check", f"VENV={tmp_path}", "PYTHON=no-such-python")
    (line,) = said
    number = len(ready.pins(ready.LEARNERS)) + len(ready.pins(ready.AUTHORS))
    assert line.startswith(f"✓ ready: Python 3.{sys.version_info[1]}, {number} packages")
    assert code == 0


def test_the_newest_python_that_fits_is_found(tmp_path):
    folder = tmp_path / "path"
    program(folder / "python3.14", "exit 127")  # a shim that leads nowhere
    program(folder / "python3.13", "exit 1")  # it says that it does not fit
    for name in ("python3.12", "python3.11", "python3"):
        program(folder / name, '[ "$*" = "-m lecture_utils.ready fits" ]')
    _, said = make("env", "-n", f"VENV={tmp_path}/none", PATH=f"{folder}:/usr/bin:/bin")
    assert f'"{folder}/python3.12" -m venv' in "\n".join(said)


@pytest.mark.parametrize(
    ("version", "missing", "code"),
    [((3, 10), "", 1), ((3, 11), "", 0), ((3, 14), "", 0), ((3, 15), "", 1)]
    + [((3, 14), part, 1) for part in ("venv", "ensurepip")],
)
def test_a_python_fits_that_the_course_takes_and_that_can_make_an_environment(
    version, missing, code, monkeypatch, capsys
):
    monkeypatch.setattr(ready.sys, "version_info", (*version, 0))
    monkeypatch.setattr(ready, "find_spec", lambda name: None if name == missing else name)
    monkeypatch.setattr(ready.sys, "argv", ["ready", "fits"])
    assert ready.main() == code
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(ready.sys, "argv", ["ready", "python"])
    assert ready.main() == code
    (line,) = capsys.readouterr().out.splitlines()
    assert f"Python {version[0]}.{version[1]} ({sys.executable})" in line


def test_every_python_of_the_span_is_looked_for():
    makefile = (ROOT / "Makefile").read_text()
    names = re.search(r"for python in ((?:python[\d.]* ?)+);", makefile)[1].split()
    newest, oldest = ready.NEWEST[1], ready.OLDEST[1]
    assert names == [f"python3.{minor}" for minor in range(newest, oldest - 1, -1)] + [
        "python3",
        "python",
    ]
    assert NO_PYTHON in makefile
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">=3.{oldest},<3.{newest + 1}"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.count(f"Python {ready.span()}") == len(re.findall(r"Python 3\.\d+", readme)) > 0


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


def foreign_kernel(monkeypatch, folder, argv):
    """A kernel named python3 that comes before ours."""
    spec = folder / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": argv, "display_name": "x", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(folder))


def unknown_backend(monkeypatch):
    def figure():
        raise ImportError("Cannot load backend 'TkAgg'\nas headless is running")

    monkeypatch.setenv("MPLBACKEND", "TkAgg")
    monkeypatch.setattr(pyplot, "figure", figure)


def a_surprise(monkeypatch):
    def memory():
        raise ValueError("two\nlines")

    monkeypatch.setattr(ready, "memory", memory)


PINS = ready.pins(ready.LEARNERS)
FAULTS = {
    "this is Python 3.10: install one from 3.11 to 3.14, then run `make clean env`": (
        lambda m, _: m.setattr(ready.sys, "version_info", (3, 10, 4))
    ),
    "this is Python 3.15: install one from 3.11 to 3.14, then run `make clean env`": (
        lambda m, _: m.setattr(ready.sys, "version_info", (3, 15, 0))
    ),
    "JupyterLab would start another program's kernel (/no/such/python): move the folder "
    "{}/kernels/python3 out of the way": (
        lambda m, folder: foreign_kernel(m, folder, ["/no/such/python", "-m", "ipykernel_launcher"])
    ),
    "JupyterLab would start another program's kernel (/bin/echo): move the folder "
    "{}/kernels/python3 out of the way": (
        lambda m, folder: foreign_kernel(m, folder, ["/bin/echo", "-f", "{connection_file}"])
    ),
    "matplotlib cannot draw with the backend TkAgg (Cannot load backend 'TkAgg'): unset "
    "MPLBACKEND": lambda m, _: unknown_backend(m),
    "the check itself failed (ValueError: two): report this line": lambda m, _: a_surprise(m),
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
    monkeypatch.setattr(ready.sys, "base_prefix", "/elsewhere")


@pytest.mark.usefixtures("_in_an_environment")
@pytest.mark.parametrize(("says", "cause"), FAULTS.items(), ids=[says[:32] for says in FAULTS])
def test_each_fault_alone_is_named_with_what_to_do(says, cause, monkeypatch, tmp_path, capsys):
    cause(monkeypatch, tmp_path)
    assert ready.main() == 1
    says = says.replace("{}", str(tmp_path))
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


def test_an_environments_own_kernel_is_no_foreign_one(monkeypatch, tmp_path):
    foreign_kernel(monkeypatch, tmp_path, [sys.executable, "-m", "ipykernel_launcher"])
    assert ready.kernel() == ""


def test_the_pins_are_those_that_are_installed():
    learners, authors = ready.pins(ready.LEARNERS), ready.pins(ready.AUTHORS)
    assert learners | start.NEEDED == learners
    assert ready.wanted() == learners | authors
    assert not set(learners) & set(authors)
    assert ready.off() == []


def test_a_learner_is_not_asked_for_what_authors_need(monkeypatch):
    versions(monkeypatch, **dict.fromkeys(ready.pins(ready.AUTHORS), ""))
    assert ready.off() == []
    versions(monkeypatch, pytest=ready.pins(ready.AUTHORS)["pytest"])
    assert ("ruff", ready.pins(ready.AUTHORS)["ruff"], "") in ready.off()


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
