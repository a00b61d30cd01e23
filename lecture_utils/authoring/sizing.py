"""The size of a room: what one seat needs, and how many machines so many seats take.

    python -m lecture_utils.authoring.sizing --seats 30

Memory for a hub is given as JupyterHub reads it: 700M is 700 x 1024 x 1024 bytes. What was measured
is in MB of a million bytes, as in notebooks/costs.yml.
"""

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

from lecture_utils.authoring import costs, course, minutes, notebooks

LOAD = notebooks.ROOT / "binder" / "room" / "load.json"  # what the last full room took
SERVER = 130  # MB that a seat's server holds before it has a kernel
TOGETHER = 4  # in a room all run the same cell at once: so many times the mean is promised
SHARE = 0.8  # of a machine's memory is left for seats, after the system and Kubernetes
OWN = 0.5  # cores of each machine that these two take
PLACES = 2  # seats' places that the hub and its proxy take
_MIB = 2**20 / 1e6


@dataclass(frozen=True)
class Measured:
    """What one seat took.

    Attributes:
        number: the notebook whose kernel holds most.
        kernel: MB that it holds at its peak.
        mean: MB a seat at the worst moment of a full room; 0 where no room was played yet.
        busiest: the notebook that computes most.
        seconds: of one core that it takes, from the first cell to the last.
        minutes: that its reader needs for the core.
    """

    number: str
    kernel: int
    mean: float
    busiest: str
    seconds: int
    minutes: int


@dataclass(frozen=True)
class Seat:
    """What a seat is promised, and what it may take at most: memory in M, processors in cores."""

    memory: int
    memory_limit: int
    cores: float
    cores_limit: float


def measured(the_course: dict, load: Path = LOAD) -> Measured:
    """Read what was measured: each notebook's costs and, where there is one, the played room.

    Raises:
        ValueError: the file of the played room is not understood.
    """
    rows = costs.load(the_course)["notebooks"]
    number = max(rows, key=lambda n: rows[n]["MB"])
    shares = {n: row["seconds"] / minutes.of(n)[0].minutes for n, row in rows.items()}
    busiest = max(shares, key=shares.__getitem__)
    spent, took = rows[busiest]["seconds"], minutes.of(busiest)[0].minutes
    return Measured(number, rows[number]["MB"], _mean(load), busiest, spent, took)


def _mean(path: Path) -> float:
    """Return the MB a seat that a played room held at its worst moment; 0 where none was."""
    if not path.exists():
        return 0.0
    try:
        played = json.loads(path.read_text(encoding="utf-8"))
        seats = int(played["learners"]) + 1  # the learners', and the runaway's
        return float(played["meter"]["together"]) * _MIB / seats
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not what `make load` writes ({error!r})") from None


def played(load: Path = LOAD) -> str:
    """Write what the last full room took as a table; a line that says how to play one, if none was.

    Raises:
        ValueError: the file of the played room is not understood.
    """
    if not load.exists():
        return 'No room was played yet: `make load OPTIONS="--out binder/room/load.json"`.'
    try:
        seen = json.loads(load.read_text(encoding="utf-8"))
        seconds, meter, learners = seen["seconds"], seen["meter"], seen["learners"]
        rows = [
            ("finished", f"{seen['finished']} of {learners}, in {seen['minutes']} minutes"),
            ("lost", "; ".join(seen["lost"]) or "nothing"),
            ("cells", f"{seen['cells']:,}, from sending to the end: median {seconds['50']} s, "
                      f"95 of 100 within {seconds['95']} s, the slowest {seconds['100']} s"),
            ("a seat opens in", f"{seen['start']['median']} s, at most {seen['start']['worst']} s"),
            ("memory", f"all seats at once {meter['together']:,} MB, one at most "
                       f"{meter['largest']:,} MB; {meter['free']:,} MB were left"),
            ("processors", f"{meter['busy']:.0%} busy"),
            ("the runaway", f"tried {len(seen['runaway'])} times; " + (
                "all others finished" if seen["good"] else "see the bar")),
            ("the bar", "met" if seen["good"] else "not met"),
        ]  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{load} is not what `make load` writes ({error!r})") from None
    head = [f"Played on {seen['date']}: {seen['machine']}.", "", "| | |", "|---|---|"]
    return "\n".join([*head, *(f"| {name} | {said} |" for name, said in rows)])


def seat(found: Measured) -> Seat:
    """Work out what a seat needs.

    Promised is the memory of the hungriest notebook, or more if a full room took more; at most it
    may hold a second kernel, which was forgotten. One thread computes, so one core is enough.
    """
    promised = max(SERVER + found.kernel, found.mean)
    share = TOGETHER * found.seconds / (60 * found.minutes)
    return Seat(
        memory=_up(promised / _MIB, 50),
        memory_limit=_up((promised + found.kernel) / _MIB, 50),
        cores=_up(100 * share, 5) / 100,
        cores_limit=1,
    )


def _up(value: float, step: int) -> int:
    return math.ceil(value / step) * step


def fit(one: Seat, gigabytes: int, cores: int) -> int:
    """Return how many seats a machine of a cluster holds.

    Raises:
        ValueError: it is too small for the hub and a seat.
    """
    memory = math.floor(SHARE * gigabytes * 1024 / one.memory)
    count = min(memory, math.floor((cores - OWN) / one.cores))
    if count <= PLACES:
        raise ValueError(
            f"a machine of {gigabytes} GB and {cores} cores is too small for the hub and a seat: "
            f"take one of 8 GB and 2 cores, or more"
        )
    return count


def machines(one: Seat, seats: int, gigabytes: int = 16, cores: int = 4) -> int:
    """Return how many machines of a cluster so many seats need, the hub included.

    Raises:
        ValueError: there is no seat, or a machine is too small.
    """
    if seats < 1:
        raise ValueError(f"a room has 1 seat or more; got {seats}")
    return math.ceil((seats + PLACES) / fit(one, gigabytes, cores))


def server(one: Seat, seats: int) -> tuple[int, int]:
    """Return the GB of memory and the cores that one server needs for so many seats."""
    gigabytes = math.ceil((seats + PLACES) * one.memory / 1024)
    return gigabytes, max(2, math.ceil(seats * one.cores))


def calculation(the_course: dict, seats: int = 30, gigabytes: int = 16, cores: int = 4) -> str:
    """Write the calculation for a room in four lines.

    Raises:
        ValueError: there is no seat, or a machine is too small.
    """
    found = measured(the_course)
    one = seat(found)
    count = machines(one, seats, gigabytes, cores)
    memory, processors = server(one, seats)
    room = f"; a full room took {found.mean:.0f} MB a seat" if found.mean else ""
    return "\n".join(
        [
            f"1. Memory promised: a seat's server {SERVER} MB + the kernel of notebook "
            f"{found.number}, the largest, {found.kernel} MB = {SERVER + found.kernel} MB{room}: "
            f"**{one.memory}M** (an M is 1,048,576 bytes).",
            f"2. Memory at most: one forgotten kernel besides, {found.kernel} MB: "
            f"**{one.memory_limit}M**.",
            f"3. Processor: notebook {found.busiest} computes {found.seconds} s in "
            f"{found.minutes} minutes; a room runs a cell at the same time, so {TOGETHER} times "
            f"that is promised: **{one.cores} of a core**, at most {one.cores_limit}.",
            f"4. {seats} seats: machines of {gigabytes} GB and {cores} cores hold "
            f"{fit(one, gigabytes, cores)} places each, the hub takes {PLACES}: "
            f"**{count} machines**. One server alone: **{memory} GB, {processors} cores**.",
        ]
    )


def main() -> None:
    """Print the calculation for a room of another size."""
    parser = argparse.ArgumentParser(
        prog="python -m lecture_utils.authoring.sizing", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--seats", type=int, default=30)
    parser.add_argument("--gigabytes", type=int, default=16, help="of one machine of the cluster")
    parser.add_argument("--cores", type=int, default=4, help="of one machine of the cluster")
    try:
        print(calculation(course.load(), **vars(parser.parse_args())))
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
