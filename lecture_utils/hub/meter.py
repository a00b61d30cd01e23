"""What a room takes of its machine while people work: memory and processors."""

import asyncio
import re
import time
from dataclasses import dataclass
from pathlib import Path

from lecture_utils.hub import groups

PAUSE = 2.0  # seconds from one look to the next
_MEMINFO, _STAT = Path("/proc/meminfo"), Path("/proc/stat")
_HELD = {1: "rss", 2: "anon"}  # what processes hold, without files that the system keeps


@dataclass
class Meter:
    """The most that was seen; 0 where the machine does not tell.

    Attributes:
        together: MB that all seats held at once.
        largest: MB that one seat held.
        free: the least MB that the machine had left.
        busy: the share of the processors' time that was used, by all programs.
        own: the seconds of a processor that this program took.
        looks: how often was looked.
    """

    together: int = 0
    largest: int = 0
    free: int = 0
    busy: float = 0.0
    own: float = 0.0
    looks: int = 0

    async def watch(self, names: list[str]) -> None:
        """Look every two seconds at the seats of these accounts, until cancelled."""
        begun, before = time.process_time(), _processors()
        try:
            while True:
                self.look(names)
                await asyncio.sleep(PAUSE)
        finally:
            self.own = time.process_time() - begun
            used, total = (now - then for now, then in zip(_processors(), before, strict=True))
            self.busy = used / total if total else 0.0

    def look(self, names: list[str]) -> None:
        """Look once."""
        held = [held_by(name) for name in names]
        self.together, self.largest = max(self.together, sum(held)), max(self.largest, *held)
        free = int(re.search(r"MemAvailable:\s+(\d+)", _MEMINFO.read_text())[1]) // 1024
        self.free = min(self.free, free) if self.looks else free
        self.looks += 1


def held_by(name: str, tree: Path = groups.TREE) -> int:
    """Return the MB that the processes in a seat's control group hold; 0 where there is none."""
    which = groups.version(tree)
    group = tree / groups.OURS / name if which == 2 else tree / "memory" / groups.OURS / name
    try:
        lines = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return int(lines[_HELD[which]]) >> 20
    except (OSError, KeyError):
        return 0


def _processors() -> tuple[int, int]:
    """Return the ticks that all processors have been used, and all their ticks."""
    ticks = [int(word) for word in _STAT.read_text().split("\n", 1)[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
