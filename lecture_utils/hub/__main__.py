"""A room on one server: start it, stop it, print its cards, remove it.

make hub SEATS=30
"""

import argparse
import os
import shutil
import sys
from dataclasses import fields
from pathlib import Path

from lecture_utils.hub import accounts, cards, disks, groups, install, needs, room, service


def main() -> int:
    """Do what the command asks; return 0, or 1 after one line that says what is missing."""
    parser = argparse.ArgumentParser(prog="python -m lecture_utils.hub", description=__doc__)
    parser.add_argument("command", choices=("start", "stop", "cards", "remove"))
    parser.add_argument("--yes", action="store_true", help="remove without asking")
    for setting in fields(room.Room):
        kind = type(setting.default) if setting.name != "folder" else Path
        words = {"help": setting.metadata["says"], "default": argparse.SUPPRESS, "type": kind}
        parser.add_argument(f"--{setting.name.replace('_', '-')}", **words)
    given = vars(parser.parse_args())
    command, yes = given.pop("command"), given.pop("yes")
    os.umask(0o022)
    try:
        folder = given.pop("folder", room.Room.folder)
        what = {"start": start, "stop": stop, "cards": show_cards, "remove": remove}[command]
        for said in (needs.system, needs.rights):
            if fault := said(room.Room()):
                raise room.RoomError(fault)
        here = room.read(folder, **given)
        what(here, yes) if command == "remove" else what(here)
    except (room.RoomError, OSError) as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    return 0


def start(here: room.Room) -> None:
    """Start a room; what is there already is used as it is."""
    if service.hub(here) and service.answers(here):
        print(f"✓ the room is open already: {here.url}; to change it, `make hubstop` first")
        return
    needs.check(here)
    if not service.proxy(here) and (taken := needs.ports(here)):
        raise room.RoomError(taken)
    install.folders(here)
    here.save()
    print("making the environment: some minutes the first time", flush=True)
    install.environment(here)
    install.course(here)
    install.proxy(here)
    made = accounts.make(here)
    if warning := disks.prepare(here):
        print(f"! {warning}")
    if not groups.version():
        print(f"! this machine has no control groups: only a cell's own limit ({here.data} MB)")
    cards.write(here)
    seconds = service.start(here)
    print(f"✓ the room is open: {here.url} ({len(here.names)} seats, {len(made)} accounts made)")
    print(
        f"  {here.hard} MB of memory and {here.disk} MB of disk a seat; hub up in {seconds:.0f} s"
    )
    print(f"  cards to print (only root may read them): {here.cards}")


def stop(here: room.Room) -> None:
    """Stop the hub and all seats; accounts and work stay."""
    service.stop(here)
    for name in here.accounts:
        groups.remove(name)
    print("✓ the room is closed; accounts, passwords and work stay")


def show_cards(here: room.Room) -> None:
    """Write the cards again, as after a change of address."""
    print(f"✓ cards to print (only root may read them): {cards.write(here)}")


def remove(here: room.Room, yes: bool) -> None:
    """Stop the room, and remove its accounts, homes and all else of it."""
    if not here.settings.exists():
        raise room.RoomError(f"{here.folder} is no room: say which one with ROOM=/its/folder")
    if not yes:
        print(f"This removes the accounts of {here.folder} and all work in their homes for ever.")
        if input("Type remove to go on: ").strip() != "remove":
            raise room.RoomError("nothing is removed")
    stop(here)
    disks.release(here)
    gone = accounts.remove(here)
    shutil.rmtree(here.folder)
    print(f"✓ removed: {len(gone)} accounts, their homes, and {here.folder}")


if __name__ == "__main__":
    sys.exit(main())
