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
from pathlib import Path

import pytest
from hub.visitor import Visitor

from lecture_utils.hub import accounts, needs, service
from lecture_utils.hub.install import ROOT
from lecture_utils.hub.room import Room, RoomError, read

SEATS = 3
MEMORY, SOFT, DISK = 1100, 900, 60  # MB; small, so that a check fills them soon


def _missing(reason: str) -> None:
    """Leave a check out, or fail where a room is required, as in continuous integration."""
    if os.environ.get("HUB_REQUIRED"):
        pytest.fail(f"{reason}, and HUB_REQUIRED is set", pytrace=False)
    pytest.skip(f"no room: {reason}")


def shared_python() -> Path | None:
    """Return a Python as the tests' own, of the same version, that all accounts may run."""
    version = "{}.{}".format(*sys.version_info[:2])
    for found in (Path(sys.executable).resolve(), Path(f"/usr/bin/python{version}")):
        if found.exists() and not needs.closed_to_others(found.resolve()):
            return found
    return None


def environment(folder: Path, python: Path) -> None:
    """Make the room's environment from the tests' own: pip adds what the hub needs besides."""
    env = folder / "env"
    subprocess.run([python, "-m", "venv", env], check=True)
    library = Path(sysconfig.get_path("purelib"))
    if needs.closed_to_others(library):  # the same files, reached by another way
        copied = subprocess.run(["cp", "--archive", "--link", library, env / "tests"])
        if copied.returncode:
            shutil.rmtree(env / "tests", ignore_errors=True)
            shutil.copytree(library, env / "tests")
        library = env / "tests"
    place = next((env / "lib").glob("python3.*")) / "site-packages"
    (place / "tests.pth").write_text(f"{library}\n")
    for part in ("share/jupyter", "etc/jupyter"):
        shutil.copytree(Path(sys.prefix) / part, env / part, symlinks=True)


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
        if shared_python() is None:
            raise RoomError("no Python of the tests' version that all accounts may run")
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
        environment(folder, shared_python())
        done = command(here, "start", *(f"--{name}={value}" for name, value in settings.items()))
        assert done.returncode == 0, done.stderr + done.stdout
        yield read(folder)
    finally:
        if read(folder).settings.exists():
            done = command(here, "remove", "--yes")
            assert done.returncode == 0, done.stderr
            assert not service.seats(here)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def visitors(room) -> list[Visitor]:
    """Someone at each seat, who has logged in."""
    people = [visitor(room, name) for name in room.names]
    for person in people:
        person.ask("GET", "/hub/spawn")
    for person in people:
        person.open()
    return people


def visitor(room: Room, name: str, password: str = "") -> Visitor:
    """Log in with the password of the card, or another."""
    person = Visitor(room.url, name)
    person.reply = person.log_in(password or accounts.passwords(room)[name])
    return person
