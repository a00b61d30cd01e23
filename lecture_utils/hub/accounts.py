"""An account for each seat, and its password."""

import contextlib
import json
import os
import pwd
import secrets
import subprocess
from pathlib import Path

from lecture_utils.hub.room import Room, RoomError

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that a reader takes for another


def passwords(room: Room) -> dict[str, str]:
    """Return the passwords by account.

    Raises:
        RoomError: their file is damaged, or may not be read.
    """
    path = room.state / "passwords.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise RoomError(f"{path} cannot be read ({error}): run as root, or remove it") from None


def new_password() -> str:
    """Return eight letters and digits in two groups, such as k7fm-q3zt."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(2))


def strangers(room: Room) -> list[str]:
    """Return the accounts that the machine has already, and that are not this room's."""
    found = {entry.pw_name: entry.pw_dir for entry in pwd.getpwall()}
    return [name for name in room.accounts if found.get(name, "") not in ("", str(room.home(name)))]


def make(room: Room) -> list[str]:
    """Make the accounts that are missing, and a password for each that has none.

    Returns:
        The accounts that were made.
    """
    known = passwords(room)
    there = {entry.pw_name for entry in pwd.getpwall()}
    made = [name for name in room.accounts if name not in there]
    for name in made:
        command = ["useradd", "--no-create-home", "--home-dir", str(room.home(name))]
        run([*command, "--user-group", "--shell", "/usr/sbin/nologin", name])
    for name in room.accounts:
        known.setdefault(name, new_password())
    keep_secret(room.state / "passwords.json", json.dumps(known, indent=1) + "\n")
    return made


def keep_secret(path: Path, text: str) -> None:
    """Write a file, whole, that only its owner may read."""
    part = path.with_name(f".{path.name}.part")
    part.touch(mode=0o600)
    part.chmod(0o600)
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def remove(room: Room) -> list[str]:
    """Remove the room's accounts, those of earlier and larger rooms here included."""
    homes = room.folder / "homes"
    ours = [e.pw_name for e in pwd.getpwall() if Path(e.pw_dir).parent == homes]
    for name in ours:
        with contextlib.suppress(RoomError):  # said below, once all others are gone
            run(["userdel", name])
    left = [e.pw_name for e in pwd.getpwall() if e.pw_name in ours]
    if left:
        raise RoomError(f"{', '.join(left)} could not be removed: try again, or run userdel")
    return ours


def run(command: list[str]) -> None:
    """Run a program of the system.

    Raises:
        RoomError: it failed; the last line of what it said.
    """
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise RoomError(f"{command[0]} failed ({said}); the command was: {' '.join(command)}")
