"""What was seen when a room was played: the table, and whether the bar is met."""

import json
import math
from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import date
from statistics import median

from lecture_utils.authoring import costs
from lecture_utils.hub.learners import Story
from lecture_utils.hub.meter import Meter
from lecture_utils.hub.runaway import Chase

PERCENT = (50, 95, 99, 100)  # of the cells
SLOW = 10.0  # seconds: 95 of 100 cells are to be faster, and each slower one is named


@dataclass(frozen=True)
class Played:
    """What was seen.

    Attributes:
        minutes: how long it took.
        stories: one for each learner.
        chase: what the runaway met.
        meter: what the machine gave.
    """

    minutes: float
    stories: list[Story]
    chase: Chase
    meter: Meter

    @property
    def finished(self) -> int:
        """How many learners met no trouble."""
        return sum(not story.troubles for story in self.stories)

    @property
    def lost(self) -> list[str]:
        """What is not on the disk as it was last saved, and whose kernel was ended."""
        files = [f"{story.name}: {path}" for story in self.stories for path in story.lost]
        return files + [f"{story.name}: a kernel" for story in self.stories if story.ended]

    @property
    def harmless(self) -> bool:
        """Whether the runaway's own seat went on after each try."""
        return not self.chase.troubles and all(on for _, _, on in self.chase.tries)

    def within(self, percent: float) -> float:
        """Return the seconds within which so many of 100 cells ended."""
        seconds = sorted(seconds for story in self.stories for _, seconds in story.cells)
        return seconds[math.ceil(percent / 100 * len(seconds)) - 1] if seconds else math.inf

    def sound(self) -> bool:
        """Tell whether all finished, nothing was lost, and the runaway harmed nobody."""
        return self.finished == len(self.stories) and not self.lost and self.harmless

    def good(self) -> bool:
        """Tell whether the bar is met: sound, and 95 of 100 cells within ten seconds."""
        return self.sound() and self.within(95) < SLOW

    def table(self) -> str:
        """Return what was seen, a line for each thing."""
        stories, meter = self.stories, self.meter
        cells = sum(len(story.cells) for story in stories)
        ranks = ", ".join(f"{p} % {self.within(p):.1f}" for p in (95, 99))
        rows = [
            ("finished", f"{self.finished} of {len(stories)} in {self.minutes:.0f} minutes"),
            ("exercises right", str(sum(len(story.solved) for story in stories))),
            ("lost", "; ".join(self.lost) or "nothing"),
            ("cells", f"{cells} run, from sending to the end, in seconds:"),
            ("", f"median {self.within(50):.2f}, {ranks}, worst {self.within(100):.1f}"),
            *(("slow", line) for line in self._slow()),
            ("log in", f"median {median(s.login for s in stories):.1f} s, "
                       f"worst {max(s.login for s in stories):.1f} s"),
            ("start", f"median {median(s.start for s in stories):.1f} s, "
                      f"worst {max(s.start for s in stories):.1f} s"),
            ("memory", f"all seats at once {meter.together} MB, one seat {meter.largest} MB "
                       f"(what processes hold, from the control groups, every 2 s)"),
            ("", f"least that the machine had left: {meter.free} MB"),
            ("processors", f"{meter.busy:.0%} busy; this program took {meter.own:.0f} s of one"),
            *(("runaway", f"{way}: {ended}; the seat {'goes on' if on else 'is STUCK'}")
              for way, ended, on in self.chase.tries),
            *(("runaway", f"TROUBLE: {line}") for line in self.chase.troubles),
            *(("trouble", f"{s.name}: {line}") for s in stories for line in s.troubles),
            ("the bar", "met" if self.good() else "NOT met"),
        ]  # fmt: skip
        return "\n".join(f"{name:16}{said}" for name, said in rows)

    def _slow(self) -> list[str]:
        """Name the cells that took someone too long, and how long the luckiest waited."""
        by_name = defaultdict(list)
        for story in self.stories:
            for name, seconds in story.cells:
                by_name[name].append(seconds)
        slow = {name: found for name, found in by_name.items() if max(found) >= SLOW}
        return [
            f"{name}: {sum(s >= SLOW for s in found)} of {len(found)} times over {SLOW:g} s, "
            f"worst {max(found):.1f}, fastest {min(found):.1f}"
            for name, found in sorted(slow.items(), key=lambda item: -max(item[1]))
        ]

    def as_json(self) -> str:
        """Return what is kept of it: the instructor's page and a room's sizes come from there."""
        starts = [story.start for story in self.stories]
        tries = [f"{way}: {ended}; goes on: {on}" for way, ended, on in self.chase.tries]
        seen = {
            "date": date.today().isoformat(),
            "machine": costs.machine(),
            "learners": len(self.stories),
            "finished": self.finished,
            "minutes": round(self.minutes),
            "cells": sum(len(story.cells) for story in self.stories),
            "seconds": {str(percent): round(self.within(percent), 2) for percent in PERCENT},
            "start": {"median": round(median(starts), 1), "worst": round(max(starts), 1)},
            "meter": asdict(self.meter),
            "lost": self.lost,
            "runaway": [*tries, *self.chase.troubles],
            "troubles": [line for story in self.stories for line in story.troubles],
            "good": self.good(),
        }
        return json.dumps(seen, indent=1) + "\n"
