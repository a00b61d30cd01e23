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

from lecture_utils import lab, ready
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


NO_SUCH = "PYTHON (no-such) is no Python that runs: say PYTHON=/path/to/python"


@pytest.mark.parametrize(("chosen", "says"), [(["PYTHON=no-such"], NO_SUCH), ([], NO_PYTHON)])
def test_without_a_python_it_says_so(tmp_path, chosen, says):
    tools = tmp_path / "tools"  # a path without a Python
    tools.mkdir()
    for tool in ("make", "sh", "id"):
        (tools / tool).symlink_to(shutil.which(tool))
    code, said = make("check", *chosen, f"VENV={tmp_path}/none", PATH=str(tools))
    assert said == [f"✗ not ready: {says}"]
    assert code != 0
    code, said = make("env", *chosen, f"VENV={tmp_path}/none", PATH=str(tools))
    assert said[-1] == f"✗ {says}"
    assert code != 0


@pytest.mark.parametrize("name", ["a  b c", "a$b", "it's", 'a"b', "a`b", "a\\b", "~"])
@pytest.mark.parametrize("way", ["argument", "variable"])
def test_a_python_is_found_whatever_its_path(name, way, tmp_path, bare):
    """As in calesthio/OpenMontage#610, where a space in the path was the end of it."""
    path = tmp_path / name / "python3"
    path.parent.mkdir(exist_ok=True)
    shutil.copy(bare, path)
    home = {}
    if name == "~":
        path, home = "~/My Python/python3", {"HOME": str(tmp_path)}
    chosen = [f"PYTHON={path}"] if way == "argument" else []  # make reads no variable in $b
    given = {} if chosen else {"PYTHON": str(path)}
    code, said = make("check", *chosen, f"VENV={tmp_path}/none", **given, **home)
    assert said == ["✗ not ready: there is no environment yet: run `make env`"]
    assert code != 0


@pytest.mark.parametrize("chosen", ["/", "/bin/echo", "README.md"])
def test_what_is_no_python_is_named(chosen, tmp_path):
    code, said = make("check", f"PYTHON={chosen}", f"VENV={tmp_path}/none")
    assert said == [f"✗ not ready: {NO_SUCH.replace('no-such', chosen)}"]
    assert code != 0


@pytest.mark.parametrize("folder", ["a b", "", "it's", "a$b", "a;b", "*"])
@pytest.mark.parametrize("target", ["check", "env", "clean"])
def test_a_folder_that_make_cannot_name_is_refused_before_anything_is_done(folder, target):
    done = subprocess.run(
        [MAKE, "-C", ROOT, "-n", target, f"VENV={folder}"], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert (
        f'VENV must be one folder\'s name without spaces or signs of the shell; got "{folder}"'
        in (done.stderr)
    )


def test_clean_removes_nothing_but_an_environment(tmp_path):
    (tmp_path / "thesis").touch()
    code, said = make("clean", f"VENV={tmp_path}")
    assert (code != 0, said) == (True, [f"✗ {tmp_path} is no environment"])
    assert (tmp_path / "thesis").exists()


def test_variables_without_which_no_python_starts_reach_none(tmp_path, bare):
    for name in ("PYTHONHOME", "PYTHONSAFEPATH"):
        _, said = make("check", f"PYTHON={bare}", f"VENV={tmp_path}/none", **{name: "/nowhere"})
        assert said == ["✗ not ready: there is no environment yet: run `make env`"], name


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
    for name in ("__init__.py", "lab.py", "ready.py"):
        text = (ROOT / "lecture_utils" / name).read_text(encoding="utf-8")
        ast.parse(text, feature_version=(3, 8))
        lines = [line for line in text.splitlines() if line.startswith(("import", "from"))]
        imported = {line.split()[1].partition(".")[0] for line in lines}
        assert imported <= sys.stdlib_module_names, name


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


def foreign_kernel(monkeypatch, folder, argv, **more):
    """A kernel named python3 that comes before ours."""
    spec = folder / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": argv, "display_name": "x", "language": "python", **more}))
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


@pytest.mark.parametrize(
    "command", [[sys.executable], ["python"], ["python", "-Xfrozen_modules=off"]]
)
def test_an_environments_own_kernel_is_no_foreign_one(command, monkeypatch, tmp_path):
    foreign_kernel(monkeypatch, tmp_path, [*command, *LAUNCHED], env={"A": "1", "PYTHONPATH": "/x"})
    assert ready.kernel() == ""


LAUNCHED = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
OURS = ["python", *LAUNCHED]
OTHER = {"kernel_provisioner": {"provisioner_name": "other"}}
KERNELS = [  # of the kernel named python3 that comes first, as in jupyter/notebook#2563
    ({"argv": ["/bin/sh", *LAUNCHED]}, "another program's kernel (/bin/sh)"),
    ({"argv": ["{resource_dir}/python", *LAUNCHED]}, "another program's kernel ({}/python)"),
    ({"argv": ["python", "other.py"]}, "another kernel (other.py)"),
    ({"argv": ["python", "-m", "xeus_launcher"]}, "another kernel (-m xeus_launcher)"),
    ({"argv": ["python", "-O", *LAUNCHED]}, "another kernel (-O -m ipykernel_launcher"),
    ({"argv": [*OURS, "--IPKernelApp.exec_lines=x=1"]}, "another kernel (-m ipykernel_launcher -f"),
    ({"argv": []}, "names no program"),
    ({"argv": 5}, "cannot read its kernel"),
    ({"argv": OURS, "env": ["A"]}, "cannot read its kernel"),
    ({"argv": OURS, "metadata": OTHER}, "cannot read its kernel (No such kernel"),
    ({"argv": OURS, "env": {"PYTHONHOME": "/x"}}, "settings of its own (the variable PYTHONHOME"),
    ({"argv": OURS, "env": {"PYTHONOPTIMIZE": "1"}}, "the variable PYTHONOPTIMIZE (1)"),
    ({"argv": OURS, "env": {"PYTHONPATH": "{}"}}, "{}/torch.py hides the module torch: move"),
    ({"argv": OURS, "env": {"PYTHONPATH": "${WHERE}"}}, "{}/torch.py hides the module torch: move"),
    ("{", "cannot read its kernel"),
    ("[]", "cannot read its kernel"),
    ("", "cannot read its kernel"),
]


# The place is looked for in the same way whatever is wrong: three kernels stand for all.
PLACES = [
    *(("JUPYTER_PATH", *kernel) for kernel in KERNELS),
    *((place, *k) for place in ("the second of it", "the user's") for k in KERNELS[:3]),
]


@pytest.mark.parametrize(("place", "spec", "says"), PLACES)
def test_a_foreign_kernel_is_found_and_named(place, spec, says, monkeypatch, tmp_path):
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "torch.py").touch()
    text = spec if isinstance(spec, str) else json.dumps(spec | {"language": "python"})
    (folder / "kernel.json").write_text(text.replace('"{}"', f'"{folder}"'))
    monkeypatch.setenv("WHERE", str(folder))
    monkeypatch.delenv("JUPYTER_PATH", raising=False)
    if place == "the user's":
        monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    else:
        empty = f"{tmp_path}/none{os.pathsep}" if place == "the second of it" else ""
        monkeypatch.setenv("JUPYTER_PATH", f"{empty}{tmp_path}")
    said = ready.kernel()
    assert says.replace("{}", str(folder)) in said
    assert f"move the folder {folder} out of the way" in said


def test_a_users_kernel_does_not_count_where_the_environments_comes_first(monkeypatch, tmp_path):
    foreign_kernel(monkeypatch, tmp_path, ["/bin/sh", *LAUNCHED])
    monkeypatch.delenv("JUPYTER_PATH")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    assert ready.kernel() == ""


@pytest.mark.parametrize(
    ("name", "hides"),
    [
        ("torch.py", "torch"),
        ("random.py", "random"),
        ("matplotlib/__init__.py", "matplotlib"),
        ("lecture_utils/__init__.py", "lecture_utils"),
        ("numpy.abi3.so", "numpy"),
        ("sitecustomize.py", "sitecustomize"),
        ("matplotlib/notes.txt", ""),  # no package: the environment's is found
        ("my_own.py", ""),
        ("test.py", ""),
        ("sys.py", ""),
    ],
)
@pytest.mark.parametrize("place", ["notebooks", "PYTHONPATH"])
def test_a_file_that_hides_a_module_is_found_and_not_run(name, hides, place, monkeypatch, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("raise SystemExit(3)")
    if place == "PYTHONPATH":
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    else:
        monkeypatch.setattr(lab, "FOLDERS", (tmp_path, ROOT))
    if name == "sitecustomize.py" and place == "PYTHONPATH":  # no Python starts at all
        assert "another program's kernel" in ready.kernel()
        return
    said = ready.kernel()
    assert said.startswith(f"{tmp_path / name.partition('/')[0]} hides the module {hides}: ") or (
        said == hides == ""
    )
    assert not hides or ("PYTHONPATH" in said) is (place == "PYTHONPATH")


def test_the_check_itself_runs_none_of_them(tmp_path):
    for name in ("random", "torch", "shutil", "tempfile"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(3)")
    done = subprocess.run(
        [sys.executable, "-m", "lecture_utils.ready"],
        cwd=ROOT,
        env=dict(os.environ, PYTHONPATH=str(tmp_path)),
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith(f"✗ not ready: {tmp_path}/random.py hides the module random: ")
    assert done.stderr == ""


@pytest.mark.parametrize("name", list(lab.CHANGES))
def test_a_variable_that_changes_what_runs_is_named(name, monkeypatch, tmp_path):
    value = tmp_path / "startup.py"
    value.touch()
    value = "error" if name == "PYTHONWARNINGS" else str(value)
    assert lab.variables({name: ""}) == ""
    assert lab.variables({"PYTHONWARNINGS": "ignore", "PYTHONSTARTUP": "/none"}) == ""
    assert lab.variables({name: value}).startswith(f"the variable {name} ({value}) ")
    assert lab.variables({name: value}).endswith(f"run `unset {name}`")
    monkeypatch.setenv(name, value)
    assert name in ready.kernel()


def test_a_package_of_another_clone_is_named(monkeypatch):
    monkeypatch.setattr(lab, "ROOT", ROOT / "elsewhere")
    monkeypatch.setattr(lab, "FOLDERS", (ROOT / "notebooks",))
    assert ready.kernel().startswith(
        f"notebooks would take lecture_utils from {ROOT}/lecture_utils"
    )


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
