"""Play a room: so many learners who work through notebooks, and one who runs away with memory.

    make load SEATS=30 MINUTES=25

The room must be open, and this runs as root on its machine, which knows the passwords. The seats'
copies are changed: take a room that has no learners yet.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tornado.httpclient import AsyncHTTPClient

from lecture_utils.authoring import notebooks
from lecture_utils.hub import accounts, room, service
from lecture_utils.hub.learners import ANSWERS, Learner, Part
from lecture_utils.hub.meter import Meter
from lecture_utils.hub.played import Played
from lecture_utils.hub.runaway import run_away

ARRIVE = 180  # seconds, at most, within which all come
OWN = 120  # seconds, about, that a seat's start and the cells of 00 to 02 take by themselves


@dataclass(frozen=True)
class Plan:
    """What is played.

    Attributes:
        seats: how many learners come.
        minutes: about how long all of it takes; it sets how long learners think.
        numbers: the notebooks that each of them opens, in order.
        cells: how many code cells of each notebook they run, from the top; 0: all.
        runaways: how often one more learner runs away with memory.
        seed: of who comes when, and thinks how long.
    """

    seats: int = 30
    minutes: float = 25
    numbers: tuple[str, ...] = ("00", "01", "02")
    cells: int = 0
    runaways: int = 6
    seed: int = 0

    def parts(self) -> list[Part]:
        """Return what each learner does; a third forget to shut kernels down."""
        drawn, arrive = random.Random(self.seed), min(ARRIVE, self.minutes * 60 / 8)
        runs = sum(runs_of(number, self.cells) for number in self.numbers)
        think = max(0.0, self.minutes * 60 - arrive - OWN) / runs
        return [
            Part(
                numbers=self.numbers,
                cells=self.cells,
                think=think,
                arrives=drawn.uniform(0, arrive),
                forgets=k % 3 == 2,
                seed=drawn.randrange(1 << 30),
            )
            for k in range(self.seats)
        ]


def runs_of(number: str, most: int) -> int:
    """Return how often cells are run in a notebook: each exercise is answered three times."""
    names = [c.id for c in notebooks.read(notebooks.path_of(number)).cells if c.cell_type == "code"]
    names = names[: most or len(names)]
    return len(names) + 2 * (ANSWERS - 1) * sum(name.endswith("-stub") for name in names)


async def play(here: room.Room, plan: Plan) -> Played:
    """Play a room that is open.

    Raises:
        room.RoomError: it has too few seats, or is closed.
    """
    if not 1 <= plan.seats <= here.seats:
        raise room.RoomError(
            f"the room has {here.seats} seats, not {plan.seats}: `make hub` sets it"
        )
    if not service.answers(here):
        raise room.RoomError("the room is closed: `make hub` opens it")
    AsyncHTTPClient.configure(None, max_clients=4 * (plan.seats + 1))
    secrets = accounts.passwords(here)
    base = f"{here.url.partition(':')[0]}://127.0.0.1:{here.port}"
    rogue = here.names[plan.seats] if here.seats > plan.seats else here.teacher
    learners = [
        Learner(base, name, secrets[name], part)
        for name, part in zip(here.names, plan.parts(), strict=False)
    ]
    meter, begun = Meter(), time.monotonic()
    watching = asyncio.create_task(meter.watch([*here.names[: plan.seats], rogue]))
    pause = plan.minutes * 60 / (plan.runaways + 1)
    chase, *stories = await asyncio.gather(
        run_away(base, rogue, secrets[rogue], plan.runaways, pause),
        *(learner.play() for learner in learners),
    )
    minutes = (time.monotonic() - begun) / 60
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    return Played(minutes, stories, chase, meter)


def main() -> int:
    """Play, print the table; return 0 where the bar is met, 1 where not."""
    usual = Plan()
    parser = argparse.ArgumentParser(prog="python -m lecture_utils.hub.load", description=__doc__)
    parser.add_argument("--folder", type=Path, default=room.Room.folder, help="the room's")
    parser.add_argument("--seats", type=int, default=usual.seats)
    parser.add_argument("--minutes", type=float, default=usual.minutes)
    parser.add_argument("--numbers", nargs="+", default=usual.numbers, help="of notebooks")
    parser.add_argument("--cells", type=int, default=usual.cells, help="of each; 0: all")
    parser.add_argument("--runaways", type=int, default=usual.runaways)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--out", type=Path, help="write what was seen there, as JSON")
    given = vars(parser.parse_args())
    folder, out = given.pop("folder"), given.pop("out")
    plan = Plan(**given | {"numbers": tuple(given["numbers"])})
    print(f"{plan.seats} learners, about {plan.minutes:g} minutes", flush=True)
    try:
        played = asyncio.run(play(room.read(folder), plan))
    except (room.RoomError, OSError) as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    print(played.table())
    if out:
        out.write_text(played.as_json(), encoding="utf-8")
    return 0 if played.good() else 1


if __name__ == "__main__":
    sys.exit(main())
