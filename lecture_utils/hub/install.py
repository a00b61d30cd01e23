"""What a room is made of: an environment, a copy of the course, the proxy."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

from lecture_utils.hub.accounts import run
from lecture_utils.hub.room import Room

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "binder" / "room"
PARTS = (
    *("lecture_utils", "notebooks", "slides", "binder/room"),  # course.yml names slides
    *("course.yml", "environment.yml", "pyproject.toml"),
)
_JUNK = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.part", "built")
NEWS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}
KERNEL = {
    "IPKernelApp": {"extensions": ["lecture_utils.hub.told"]},
    "HistoryManager": {"hist_file": ":memory:"},  # on a full home each cell would speak of it
}
SERVER = {
    "ServerApp": {
        "terminals_enabled": False,
        # they cost memory in each seat
        "jpserver_extensions": {
            "jupyter_lsp": False,
            "jupyter_server_terminals": False,
            "notebook_shim": False,
        },
    },
    # sockets in a folder that no other seat can enter: what a kernel prints is its seat's alone
    "KernelManager": {"transport": "ipc"},
    "MappingKernelManager": {"cull_interval": 60},
    "FileContentsManager": {"delete_to_trash": False},  # what is deleted makes room
}


def folders(room: Room) -> None:
    """Make the room's folders; what is secret is closed to all but root."""
    for name in ("env", "proxy", "homes", "run"):
        (room.folder / name).mkdir(parents=True, exist_ok=True)
    for name in ("state", "disks"):
        (room.folder / name).mkdir(mode=0o700, exist_ok=True)
        (room.folder / name).chmod(0o700)


def requirements() -> dict[str, str]:
    """Return the lists of the room's packages: the learners', and what serves the room."""
    listed = (ROOT / "environment.yml").read_text(encoding="utf-8")
    learners = re.findall(r"^      - (.+)$", listed.partition("- pip:")[2], flags=re.MULTILINE)
    room = (DATA / "requirements.txt").read_text(encoding="utf-8")
    return {"learners.txt": "\n".join([*learners, ""]), "room.txt": room}


def environment(room: Room) -> bool:
    """Make the environment, once, and again only where the lists have changed; tell whether."""
    env, wanted = room.python.parents[1], requirements()
    stamp, lists = env / "ready", "\n".join(wanted.values())
    if stamp.exists() and stamp.read_text(encoding="utf-8") == lists:
        return False
    if not room.python.exists():
        run([sys.executable, "-m", "venv", str(env)])
    pip = [str(room.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for name, text in wanted.items():  # the second needs the usual index alone
        (env / name).write_text(text, encoding="utf-8")
        run([*pip, "--requirement", str(env / name)])
    _write_json(env / "share/jupyter/lab/settings/overrides.json", NEWS)
    _write_json(env / "etc/ipython/ipython_kernel_config.json", KERNEL)
    _write_json(env / "etc/jupyter/jupyter_server_config.json", SERVER)
    stamp.write_text(lists, encoding="utf-8")
    return True


def _write_json(path: Path, value: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value) + "\n", encoding="utf-8")


def course(room: Room) -> None:
    """Copy the course as it stands here, for seats to read; the copy before it goes."""
    place, new = room.folder / "course", room.folder / "course.new"
    shutil.rmtree(new, ignore_errors=True)
    for part in PARTS:
        (new / part).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, new / part, ignore=_JUNK)
        else:
            shutil.copy(ROOT / part, new / part)
    for path in (new, *new.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    shutil.rmtree(place, ignore_errors=True)
    new.replace(place)
    run([str(room.python), "-m", "compileall", "-q", str(place / "lecture_utils")])
    library = next((room.python.parents[1] / "lib").glob("python3.*")) / "site-packages"
    (library / "shortcut_course.pth").write_text(f"{place}\n", encoding="utf-8")


def proxy(room: Room) -> bool:
    """Install the proxy, once; tell whether it had to be."""
    wanted, place = DATA / "package.json", room.folder / "proxy"
    stamp = place / "ready"
    if stamp.exists() and stamp.read_text() == wanted.read_text():
        return False
    shutil.copy(wanted, place / "package.json")
    run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", f"--prefix={place}"])
    stamp.write_text(wanted.read_text())
    return True


def hub_settings(room: Room) -> Path:
    """Write the few lines with which JupyterHub finds its settings; return their file."""
    path = room.state / "jupyterhub_config.py"
    path.write_text(
        "from lecture_utils.hub import config\n\nconfig.load(get_config())\n", encoding="utf-8"
    )
    os.chmod(path, 0o600)
    return path
