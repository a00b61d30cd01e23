"""A small room, as real as a large one: a hub, a proxy and three seats with accounts.

It needs Linux, root, npm and a Python that all accounts may run. Where one is missing its checks
are left out, or fail if HUB_REQUIRED is set.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hub.visitor import Visitor

from lecture_utils.hub import accounts, install, needs, service
from lecture_utils.hub.install import ROOT
from lecture_utils.hub.room import Room, RoomError, read

SEATS = 3
MEMORY, SOFT, DISK = 1100, 900, 60  # MB; small, so that a check fills them soon
# what a seat's server and kernels import; root compiles it once
SEATS_IMPORT = """
import jupyterhub.singleuser.extension, jupyterlab.labapp, jupyter_server.services.kernels.handlers
import ipykernel.kernelapp, ipykernel.zmqshell, ipywidgets, matplotlib.pyplot, torch
"""


def _missing(reason: str) -> None:
    """Leave a check out, or fail where a room is required, as in continuous integration."""
    if os.environ.get("HUB_REQUIRED"):
        pytest.fail(f"{reason}, and HUB_REQUIRED is set", pytrace=False)
    pytest.skip(f"no room: {reason}")


def shared_python() -> Path:
    """Return a Python as the tests' own, of the same version, that all accounts may run.

    Raises:
        RoomError: there is none.
    """
    version = "{}.{}".format(*sys.version_info[:2])
    tried = [Path(sys.executable).resolve(), Path(f"/usr/bin/python{version}")]
    for found in tried:
        if found.exists() and not needs.closed_to_others(found.resolve()):
            return found
    places = " and ".join(map(str, tried))
    raise RoomError(f"no Python {version} that all accounts may run ({places} are closed or away)")


def compiled(folder: Path) -> Path:
    """Return where compiled modules are kept: seats write none, and to compile takes seconds."""
    kept = Path(os.environ.get("PYTHONPYCACHEPREFIX", folder / "compiled"))
    kept.mkdir(parents=True, exist_ok=True)
    return folder / "compiled" if needs.closed_to_others(kept) else kept


def environment(here: Room) -> None:
    """Make the room's environment from the tests' own: pip adds what the hub needs besides."""
    env, library = here.python.parents[1], Path(sysconfig.get_path("purelib"))
    subprocess.run([shared_python(), "-m", "venv", "--without-pip", env], check=True)
    if needs.closed_to_others(library):  # the same files, reached by another way
        copied = subprocess.run(["cp", "--archive", "--link", library, env / "tests"])
        if copied.returncode:
            shutil.rmtree(env / "tests", ignore_errors=True)
            shutil.copytree(library, env / "tests")
        library = env / "tests"
    place = next((env / "lib").glob("python3.*")) / "site-packages"
    prefix = f"import sys; sys.pycache_prefix = {str(compiled(here.folder))!r}"
    (place / "tests.pth").write_text(f"{prefix}\n{library}\n")
    for part in ("share/jupyter", "etc/jupyter"):
        shutil.copytree(Path(sys.prefix) / part, env / part, symlinks=True)
    install.folders(here)
    with ThreadPoolExecutor() as pool:  # both wait for the network
        for made in [pool.submit(install.environment, here), pool.submit(install.proxy, here)]:
            made.result()
    subprocess.run([here.python, "-c", SEATS_IMPORT], check=True)


def free_ports(count: int) -> int:
    """Return the first of some free ports in a row."""
    for first in range(20000 + secrets.randbelow(9000), 32000, count):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("", port))
        except OSError:
            continue
        return first
    raise RuntimeError("no free ports")


def command(room: Room, *words: str, **options) -> subprocess.CompletedProcess:
    """Run the room's command as `make hub` does."""
    base = [shared_python(), "-m", "lecture_utils.hub", "--folder", room.folder, *words]
    env = {"PIP_RETRIES": "1"} | os.environ  # as the Makefile says
    return subprocess.run(
        base, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, **options
    )


@pytest.fixture(scope="session")
def room():
    """A room that is open."""
    try:
        for check in (needs.system, needs.rights, needs.programs):
            if said := check(Room()):
                raise RoomError(said)
        shared_python()
    except RoomError as error:
        _missing(str(error))
    folder = Path(tempfile.mkdtemp(prefix=f"shortcut-room-{os.getpid()}-", dir="/tmp"))
    folder.chmod(0o755)
    letters = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz") for _ in range(5))
    here = Room(folder=folder, prefix=f"t{letters}", teacher=f"t{letters}-teacher")
    settings = {
        "seats": SEATS,
        "port": free_ports(needs.PORTS),
        "address": "127.0.0.1",
        "prefix": here.prefix,
        "teacher": here.teacher,
        "memory": MEMORY,
        "soft": SOFT,
        "disk": DISK,
    }
    try:
        environment(here)
        done = command(here, "start", *(f"--{name}={value}" for name, value in settings.items()))
        assert done.returncode == 0, done.stderr + done.stdout
        yield read(folder)
    finally:
        if read(folder).settings.exists():
            done = command(here, "remove", "--yes")
            assert done.returncode == 0, done.stderr
            assert not service.seats(here)
        shutil.rmtree(f"{compiled(folder)}{folder}", ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def visitors(room) -> list[Visitor]:
    """Someone at each seat, who has logged in."""
    people = [visitor(room, name) for name in room.names]
    with ThreadPoolExecutor() as pool:
        list(pool.map(Visitor.open, people))
    return people


def visitor(room: Room, name: str, password: str = "") -> Visitor:
    """Log in with the password of the card, or another."""
    person = Visitor(room.url, name)
    person.reply = person.log_in(password or accounts.passwords(room)[name])
    return person
