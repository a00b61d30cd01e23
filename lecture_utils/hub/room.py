"""The settings of a room, in one place, and where its files lie."""

import json
import os
import re
import socket
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

MEMINFO = Path("/proc/meminfo")
SYSTEM = 1536  # MB that the system, the hub and the proxy keep
LEAST = 560  # MB of the machine's for each seat: its server, and a notebook's kernel as it works
MOST = 2048  # MB: no seat needs more
SERVER = 128  # MB: a seat's server
KERNEL = 640  # MB that a process may allocate at least: the hungriest notebook needs less
SPREAD = 1.5  # a seat's cap in shares of the memory: seats do not all work at once
_NAME = re.compile(r"[a-z][a-z-]{0,20}")


class RoomError(Exception):
    """What stops a room, in one line that says what to do."""


def _says(text: str) -> dict[str, str]:
    return {"says": text}


@dataclass(frozen=True)
class Room:
    """One room.

    Raises:
        RoomError: a setting is of the wrong kind or out of its range.
    """

    folder: Path = field(
        default=Path("/srv/shortcut-connections"), metadata=_says("where all of the room lies")
    )
    seats: int = field(default=30, metadata=_says("how many seats there are"))
    prefix: str = field(default="seat", metadata=_says("what the seats' accounts begin with"))
    teacher: str = field(default="teacher", metadata=_says("the account of the instructor"))
    port: int = field(
        default=8000,
        metadata=_says("the port for browsers; the next three are used inside the machine"),
    )
    address: str = field(
        default="", metadata=_says("the machine's name or address as the cards say it; else found")
    )
    memory: int = field(
        default=0, metadata=_says("MB for each seat, at most; 0: found from the machine's")
    )
    soft: int = field(
        default=0, metadata=_says("MB for each process of a seat; 0: found from `memory`")
    )
    disk: int = field(default=1024, metadata=_says("MB for each home"))
    tasks: int = field(default=400, metadata=_says("processes and threads for each seat"))
    idle_kernel: int = field(
        default=120, metadata=_says("minutes until a kernel that nobody looks at is ended")
    )
    idle_server: int = field(
        default=480, metadata=_says("minutes until a seat's server that nobody uses is ended")
    )
    certificate: str = field(default="", metadata=_says("a file with the certificate, for https"))
    key: str = field(default="", metadata=_says("a file with the certificate's key"))

    def __post_init__(self) -> None:
        """Refuse what cannot be a room."""
        for name, low, high in (
            ("seats", 1, 99),
            ("port", 1, 65532),
            ("memory", 0, 1 << 20),
            ("soft", 0, 1 << 20),
            ("disk", 50, 1 << 20),
            ("tasks", 100, 100_000),
            ("idle_kernel", 1, 10_000),
            ("idle_server", 1, 10_000),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value <= high:
                raise RoomError(f"{name} must be a number from {low} to {high}; got {value!r}")
        for name in ("prefix", "teacher"):
            if not _NAME.fullmatch(getattr(self, name)):
                got = getattr(self, name)
                raise RoomError(f"{name} must be small letters, such as seat; got {got!r}")
        if not Path(self.folder).is_absolute():
            raise RoomError(f"the folder must begin with /; got {str(self.folder)!r}")
        if bool(self.certificate) != bool(self.key):
            raise RoomError("https needs both: a certificate and its key")

    @property
    def names(self) -> list[str]:
        """The seats' accounts."""
        return [f"{self.prefix}{k:02d}" for k in range(1, self.seats + 1)]

    @property
    def accounts(self) -> list[str]:
        """The seats' accounts and the instructor's."""
        return [*self.names, self.teacher]

    @property
    def python(self) -> Path:
        """The Python of the room's own environment."""
        return self.folder / "env" / "bin" / "python"

    @property
    def state(self) -> Path:
        """What only root may read: passwords, the hub's records, its log."""
        return self.folder / "state"

    @property
    def settings(self) -> Path:
        """The file that holds these settings."""
        return self.state / "room.json"

    @property
    def cards(self) -> Path:
        """The page of cards to print."""
        return self.state / "cards.html"

    def home(self, name: str) -> Path:
        """Return an account's home."""
        return self.folder / "homes" / name

    def runtime(self, name: str) -> Path:
        """Return where Jupyter keeps its own for an account: small, never full with the home."""
        return self.folder / "run" / name

    @property
    def hard(self) -> int:
        """MB that a seat's processes may take together."""
        if self.memory:
            return self.memory
        return min(MOST, int(SPREAD * self.share))

    @property
    def share(self) -> int:
        """MB of the machine's memory for each seat, if all take the same at once."""
        return (machine_memory() - SYSTEM) // self.seats

    @property
    def data(self) -> int:
        """MB that one process of a seat may allocate, so that a cell that wants more only fails."""
        return self.soft or max(self.hard - SERVER, KERNEL)

    @property
    def url(self) -> str:
        """The address that a learner types."""
        scheme, usual = ("https", 443) if self.key else ("http", 80)
        port = "" if self.port == usual else f":{self.port}"
        return f"{scheme}://{self.address or own_address()}{port}"

    def save(self) -> None:
        """Keep the settings, for the next start."""
        kept = {name: str(v) if name == "folder" else v for name, v in asdict(self).items()}
        self.settings.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def read(folder: Path, **given: Any) -> Room:
    """Return the room of a folder: what is given, else what was saved there, else the defaults.

    Raises:
        RoomError: what was saved is damaged, or a setting is not one.
    """
    path = Room(folder=folder).settings
    known = {f.name for f in fields(Room)}
    try:
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        kept = {name: value for name, value in kept.items() if name in known}
    except (OSError, ValueError, AttributeError) as error:
        raise RoomError(f"{path} cannot be read ({error}): run as root, or remove it") from None
    return Room(**{**kept, **given, "folder": folder})


def machine_memory() -> int:
    """Return the machine's memory in MB."""
    return int(re.search(r"MemTotal:\s+(\d+)", MEMINFO.read_text())[1]) // 1024


def own_address() -> str:
    """Return this machine's address in its network; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for examples, of no machine
            return probe.getsockname()[0]
        except OSError:
            return os.uname().nodename
