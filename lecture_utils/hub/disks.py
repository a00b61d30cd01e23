"""A disk for each home, in a file: a home that is full harms nobody else's."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from lecture_utils.hub.accounts import run
from lecture_utils.hub.room import Room, RoomError

RUNTIME = 16  # MB for what Jupyter keeps for an account: its kernels' sockets, its settings


def image(room: Room, name: str) -> Path:
    """Return the file that holds a home."""
    return room.folder / "disks" / f"{name}.ext4"


def prepare(room: Room) -> str:
    """Make and mount each account's home, and the folder where Jupyter keeps its own for it.

    Returns:
        A line that says what this machine cannot do, "" where it can do all.

    Raises:
        RoomError: a home that exists cannot be mounted.
    """
    capped = can_mount(room)
    for name in room.accounts:
        owner = pwd.getpwnam(name)
        _home(room, owner, capped=capped)
        _runtime(room, owner, capped=capped)
    if capped:
        return ""
    return (
        "this machine mounts no files as disks: homes have no cap but for each file "
        f"({room.disk} MB); keep an eye on the disk"
    )


def can_mount(room: Room) -> bool:
    """Tell whether this machine mounts a file as a disk."""
    if not all(map(shutil.which, ("mkfs.ext4", "mount", "umount"))):
        return False
    trial, place = room.folder / "disks" / "trial", room.folder / "disks" / "trial-place"
    try:
        _format(trial, 2, 0, 0)
        place.mkdir(exist_ok=True)
        _mount(trial, place)
        run(["umount", str(place)])
    except RoomError:
        return False
    finally:
        trial.unlink(missing_ok=True)
        if place.is_dir():
            place.rmdir()
    return True


def _format(path: Path, megabytes: int, uid: int, gid: int) -> None:
    with path.open("wb") as stream:
        stream.truncate(megabytes << 20)  # it takes no room until it is used
    path.chmod(0o600)
    options = f"root_owner={uid}:{gid},lazy_itable_init=1"
    run(["mkfs.ext4", "-q", "-F", "-m", "0", "-E", options, str(path)])


def _mount(path: Path, place: Path) -> None:
    run(["mount", "-o", "loop,nosuid,nodev", str(path), str(place)])


def _home(room: Room, owner: pwd.struct_passwd, *, capped: bool) -> None:
    home, disk = room.home(owner.pw_name), image(room, owner.pw_name)
    if home.is_mount():
        return
    fresh = not home.exists()
    home.mkdir(mode=0o700, exist_ok=True)
    if not disk.exists():
        if not (capped and fresh):  # a home without a disk stays one
            os.chown(home, owner.pw_uid, owner.pw_gid)
            return
        half = disk.with_suffix(".part")
        _format(half, room.disk, owner.pw_uid, owner.pw_gid)
        half.replace(disk)
    try:
        _mount(disk, home)
    except RoomError as error:
        raise RoomError(f"{home} was not mounted; try `fsck.ext4 -p {disk}` ({error})") from None
    home.chmod(0o700)
    if (home / "lost+found").is_dir():
        (home / "lost+found").rmdir()


def _runtime(room: Room, owner: pwd.struct_passwd, *, capped: bool) -> None:
    place = room.runtime(owner.pw_name)
    if place.is_mount():
        return
    place.mkdir(mode=0o700, exist_ok=True)
    os.chown(place, owner.pw_uid, owner.pw_gid)
    if capped:
        who = f"uid={owner.pw_uid},gid={owner.pw_gid},mode=0700"
        options = f"size={RUNTIME}m,nosuid,nodev,{who}"
        run(["mount", "-t", "tmpfs", "-o", options, "shortcut-room", str(place)])


def release(room: Room) -> None:
    """Unmount whatever of this room is mounted.

    Raises:
        RoomError: something still works in there.
    """
    for parent in (room.folder / "homes", room.folder / "run"):
        for place in sorted(parent.glob("*")):
            while place.is_mount():
                try:
                    run(["umount", str(place)])
                except RoomError:
                    subprocess.run(["umount", "--lazy", str(place)], check=False)
