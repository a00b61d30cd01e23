"""The cards: address, name and password of each seat, on pages to print and cut."""

from html import escape
from pathlib import Path
from string import Template

from lecture_utils.hub import accounts
from lecture_utils.hub.room import Room

DATA = Path(__file__).resolve().parents[2] / "binder" / "room"
A_PAGE = 8
STEPS = (
    "Open the address in a browser.",
    "Log in with this name and this password.",
    "The first notebook opens. Do what it says.",
)


def page(room: Room) -> str:
    """Return the pages: eight cards each, and the instructor's card on a page of its own."""
    known = accounts.passwords(room)
    seats = [card(room.url, name, known[name]) for name in room.names]
    sheets = [seats[k : k + A_PAGE] for k in range(0, len(seats), A_PAGE)]
    sheets.append([card(room.url, room.teacher, known[room.teacher])])
    pages = "\n".join(f"<section>{''.join(sheet)}</section>" for sheet in sheets)
    frame = Template((DATA / "cards.html").read_text(encoding="utf-8"))
    return frame.substitute(pages=pages)


def card(address: str, name: str, password: str) -> str:
    """Return one card."""
    steps = "".join(f"<li>{step}</li>" for step in STEPS)
    rows = zip(("Address", "Name", "Password"), (address, name, password), strict=True)
    said = "".join(f"<dt>{what}</dt><dd>{escape(value)}</dd>" for what, value in rows)
    return f"<article><h2>Shortcut Connections</h2><dl>{said}</dl><ol>{steps}</ol></article>"


def write(room: Room) -> Path:
    """Write the pages where only root reads them; return their path."""
    accounts.keep_secret(room.cards, page(room))
    return room.cards
