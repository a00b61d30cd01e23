"""What a room needs of its machine; what is missing, in one line that says what to do."""

import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

from lecture_utils import ready
from lecture_utils.hub import accounts
from lecture_utils.hub.room import LEAST, SYSTEM, Room, RoomError

NODE = 20  # the proxy's least
PORTS = 4  # the browsers', the hub's, the proxy's own, the instructor's count
INSTEAD = "binder/README.md names ways without it"


def check(room: Room) -> None:
    """Pass where the room can start here.

    Raises:
        RoomError: the first thing that is missing.
    """
    for missing in (system, rights, programs, python, folder, memory, names, certificate):
        if said := missing(room):
            raise RoomError(said)


def system(_: Room) -> str:
    """Say whether this is Linux."""
    if sys.platform == "linux":
        return ""
    return f"a room needs Linux, and this is {sys.platform}: take a Linux machine; {INSTEAD}"


def rights(_: Room) -> str:
    """Say whether accounts may be made."""
    if os.geteuid() == 0:
        return ""
    return f"a room makes accounts, and you are not root: run `sudo make hub`; {INSTEAD}"


def programs(_: Room) -> str:
    """Say which of the system's programs is missing."""
    for program, package in (("useradd", "passwd"), ("userdel", "passwd"), ("npm", "npm")):
        if shutil.which(program) is None:
            return f"there is no {program}: install it (Debian, Ubuntu: apt-get install {package})"
    said = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    if int(said.strip().lstrip("v").partition(".")[0] or 0) < NODE:
        return f"the proxy needs Node.js {NODE} or newer; this is {said.strip()}: nodejs.org has it"
    return ""


def python(_: Room) -> str:
    """Say whether this Python can be the seats'."""
    if fault := ready.python() or ready.no_venv():
        return fault
    real = Path(sys.executable).resolve()
    if not (closed := closed_to_others(real)):
        return ""
    return (
        f"seats cannot reach this Python ({real}): {closed} is closed to them; "
        f"say PYTHON=/usr/bin/python3 or another that all may run"
    )


def folder(room: Room) -> str:
    """Say whether the seats can reach the room's folder."""
    there = next(p for p in (room.folder, *room.folder.parents) if p.exists())
    if not (closed := closed_to_others(there)):
        return ""
    return f"seats cannot reach {room.folder}: {closed} is closed to them; choose another ROOM"


def closed_to_others(path: Path) -> Path | None:
    """Return the first folder on the way to a path that others may not enter."""
    ways = [path, *path.parents][::-1]
    return next((way for way in ways if not way.stat().st_mode & stat.S_IXOTH), None)


def memory(room: Room) -> str:
    """Say whether there is memory enough for each seat."""
    if room.memory or room.share >= LEAST:
        return ""
    need = (LEAST * room.seats + SYSTEM) / 1024
    return (
        f"{room.seats} seats need {need:.0f} GB of memory, this machine has {room.share} MB for "
        f'each: make fewer SEATS; with OPTIONS="--memory 1000" it is tried all the same'
    )


def names(room: Room) -> str:
    """Say whether an account of another kind has a seat's name."""
    if not (taken := accounts.strangers(room)):
        return ""
    return f"this machine has an account {taken[0]} already: choose another --prefix or --teacher"


def certificate(room: Room) -> str:
    """Say whether the certificate and its key can be read."""
    for path in filter(None, (room.certificate, room.key)):
        if not os.access(path, os.R_OK):
            return f"{path} cannot be read: give the certificate's and its key's full paths"
    return ""


def ports(room: Room) -> str:
    """Say which port another program has taken."""
    for port in range(room.port, room.port + PORTS):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                others = f"{PORTS} others in a row, such as PORT=8100"
                return f"another program has port {port}: choose {others}"
    return ""
