"""Passwords and cards for a hub on other machines: on Kubernetes, or on a rented server.

python -m lecture_utils.hub.elsewhere https://hub.example.org --seats 30
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from lecture_utils.hub import accounts, cards
from lecture_utils.hub.room import Room, RoomError


@dataclass(frozen=True)
class Elsewhere(Room):
    """A room whose hub other machines run; `address` is all of what a learner types."""

    @property
    def state(self) -> Path:
        """Where the passwords and the cards are written."""
        return self.folder

    @property
    def url(self) -> str:
        """The address that a learner types."""
        return self.address


def write(here: Elsewhere) -> Path:
    """Write passwords.json and the cards; a seat that has a password keeps it.

    Returns:
        The page of cards, to print.

    Raises:
        RoomError: the passwords that are there cannot be read.
        OSError: nothing can be written.
    """
    here.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    known = accounts.passwords(here)
    known = {name: known.get(name) or accounts.new_password() for name in here.accounts}
    accounts.keep_secret(here.state / "passwords.json", json.dumps(known, indent=1) + "\n")
    return cards.write(here)


def main() -> int:
    """Write them; return 0, or 1 after one line that says what is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m lecture_utils.hub.elsewhere", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("address", help="such as https://hub.example.org")
    parser.add_argument("--seats", type=int, default=30)
    parser.add_argument("--folder", type=Path, default=Path.home() / "shortcut-connections-cards")
    given = vars(parser.parse_args())
    if not given["address"].startswith(("https://", "http://")):
        parser.error(f"the address begins with https://; got {given['address']!r}")
    try:
        page = write(Elsewhere(**{**given, "folder": given["folder"].resolve()}))
    except (RoomError, OSError) as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    print(f"✓ {page.with_name('passwords.json')}: for the hub; keep it secret")
    print(f"✓ {page}: open it in a browser and print it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
