"""What JupyterLab would run: whether a notebook gets this environment, this course, and no others.

A part of `make check` (ready.py): the standard library alone until there is an environment, and no
syntax later than Python 3.8's.
"""

import ast
import os
import string
import subprocess
import sys
from importlib.machinery import PathFinder, all_suffixes
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (ROOT / "my_notebooks", ROOT / "notebooks", ROOT)  # where kernels and JupyterLab start
CHANGES = {  # variables that change what every Python runs
    "PYTHONHOME": "sends Python to another library",
    "PYTHONSTARTUP": "runs a file of its own before each notebook",
    "PYTHONOPTIMIZE": "takes every assert out",
    "PYTHONSAFEPATH": "hides the folder that Python is started in",
    "PYTHONWARNINGS": "turns warnings into errors",
}
_LAUNCHERS, _END = ("ipykernel_launcher", "ipykernel"), ["-f", "{connection_file}"]
_LOCAL = "local-provisioner"
_BEFORE_ALL = ("sitecustomize", "usercustomize")  # run by every Python that finds them
_UNUSED = ("test",)  # Python's tests of itself: nobody imports them
_ASK = (
    "import sys, importlib.util as u; s = u.find_spec('lecture_utils'); "
    "print(repr((sys.prefix, sys.path, s.origin if s else '')))"
)


def variables(env=os.environ) -> str:
    """Say whether a variable of the shell, or of a kernel's own, changes what Python runs."""
    for name, does in CHANGES.items():
        value = env.get(name, "")
        if not value or (name == "PYTHONWARNINGS" and "error" not in value):
            continue
        if name == "PYTHONSTARTUP" and ("ms-python" in value or not os.path.isfile(value)):
            continue  # VS Code's own, which changes the prompt; or none
        return f"the variable {name} ({value}) {does}: run `unset {name}`"
    return ""


def kernel() -> str:
    """Say whether JupyterLab would start this environment's kernel, and not another of its name."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    try:
        spec = manager.kernel_spec
        fault = _fault_of(spec, manager.format_kernel_cmd())
    except Exception as error:  # each fault of a kernel.json raises in its own way
        folder = manager.kernel_spec_manager.find_kernel_specs().get("python3", "of python3")
        said = str(error).partition("\n")[0]
        return (
            f"JupyterLab cannot read its kernel ({said}): move the folder {folder} out of the way"
        )
    return fault


def _fault_of(spec, command: list) -> str:
    """Say what is wrong with the kernel of a KernelSpec, which is started by a command."""
    away = f"move the folder {spec.resource_dir} out of the way"
    if not command:
        return f"JupyterLab's kernel.json names no program: {away}"
    flags, rest = _split(spec.argv[1:])
    env = {k: string.Template(str(v)).safe_substitute(os.environ) for k, v in spec.env.items()}
    prefix, path, course = _asked([command[0], *flags], dict(os.environ, **env))
    if variables(env):
        return f"JupyterLab's kernel has settings of its own ({variables(env)}): {away}"
    if not _same(prefix, sys.prefix):
        return f"JupyterLab would start another program's kernel ({command[0]}): {away}"
    if rest not in [["-m", name, *end] for name in _LAUNCHERS for end in ([], _END)]:
        return f"JupyterLab would start another kernel ({' '.join(rest)}): {away}"
    by = (spec.metadata.get("kernel_provisioner") or {}).get("provisioner_name", _LOCAL)
    if by != _LOCAL:
        return f"JupyterLab's kernel would run elsewhere ({by}): {away}"
    found = hidden(path, away if "PYTHONPATH" in env else "")
    if found or _same(course, ROOT / "lecture_utils" / "__init__.py"):
        return found
    return elsewhere(course)


def elsewhere(course: str) -> str:
    """Say that notebooks would import the course's package from another folder."""
    where = os.path.dirname(course) if course else "nowhere"
    then = "`make clean env`" if os.name != "nt" else "what README, Start, says"
    return f"notebooks would take lecture_utils from {where}, not from here: run {then}"


def _split(argv: list) -> tuple:
    """Part a kernel's arguments: options of Python that change nothing, and what it runs."""
    k = 0
    while k < len(argv) and argv[k].startswith("-X"):
        k += 2 if argv[k] == "-X" else 1
    return argv[:k], argv[k:]


def _asked(command: list, env: dict) -> tuple:
    """Ask a Python for its prefix, path, and lecture_utils; ("", [], "") if there is no answer."""
    folder = next(folder for folder in FOLDERS if folder.is_dir())
    try:
        done = subprocess.run(
            [*command, "-c", _ASK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL, timeout=20, env=env, cwd=str(folder),
        )  # fmt: skip
        prefix, path, course = ast.literal_eval(done.stdout.decode().splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, SyntaxError, IndexError):
        return "", [], ""
    return prefix, [entry for entry in path if entry and not _same(entry, folder)], course


def _same(one, other) -> bool:
    """Tell whether two paths are one file or folder."""
    return bool(one) and os.path.realpath(str(one)) == os.path.realpath(str(other))


def hidden(path: list, away: str = "") -> str:
    """Say whether a file in a notebook's folder or on PYTHONPATH hides a module of the environment.

    Args:
        path: where a kernel looks for modules, its own folder left out.
        away: what to do about the kernel that sets PYTHONPATH; "": the shell sets it.
    """
    own = _own_path()
    for folder in map(str, FOLDERS):
        for name in _hiding(folder, own):
            return f"{_file_of(folder, name)} hides the module {name}: rename it"
    for k, folder in enumerate(path):
        if folder in own or not os.path.isdir(folder):
            continue
        for name in _hiding(folder, path[k + 1 :]):
            way = away or f"take {folder} out of the variable PYTHONPATH"
            return f"{_file_of(folder, name)} hides the module {name}: {way}"
    return ""


def _own_path() -> list:
    """Return where this environment's Python looks when nothing of the shell is heeded."""
    ask = [sys.executable, "-I", "-c", "import sys; print(repr(sys.path))"]
    path = ast.literal_eval(subprocess.check_output(ask, timeout=20).decode().splitlines()[-1])
    users = [entry for entry in sys.path if "site-packages" in entry and entry not in path]
    return path + [entry for entry in users if entry.startswith(os.path.expanduser("~/.local"))]


def _hiding(folder: str, behind: list) -> list:
    """Return the modules of a folder that are found before others of their name."""
    try:
        names = sorted({_module(folder, entry) for entry in os.listdir(folder)} - {""})
    except OSError:
        return []
    rest = [entry for entry in behind if not _same(entry, folder)]
    return [name for name in names if _hides(name, folder, rest)]


def _module(folder: str, entry: str) -> str:
    """Return the name under which a file or folder is imported, "" if it is not."""
    if os.path.isdir(os.path.join(folder, entry)):
        package = os.path.isfile(os.path.join(folder, entry, "__init__.py"))
        return entry if package and entry.isidentifier() else ""
    found = [entry[: -len(end)] for end in all_suffixes() if entry.endswith(end)]
    return found[0] if found and found[0].isidentifier() else ""


def _hides(name: str, folder: str, rest: list) -> bool:
    if name in _UNUSED or name in sys.builtin_module_names:
        return False
    if name == "lecture_utils":
        return not _same(folder, ROOT)
    spec = PathFinder.find_spec(name, rest)
    return name in _BEFORE_ALL or bool(spec and spec.loader)


def _file_of(folder: str, name: str) -> str:
    entry = next(e for e in sorted(os.listdir(folder)) if _module(folder, e) == name)
    return os.path.join(folder, entry)
