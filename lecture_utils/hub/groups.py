"""A control group for each seat: the memory, processor and processes that it may take.

Linux has two trees of control groups. Most machines have the second version, one tree for all;
older ones have the first, with a tree for each resource.
"""

import contextlib
from pathlib import Path

TREE = Path("/sys/fs/cgroup")
OURS = "shortcut-connections"
_MB = 1 << 20
_FIRST = ("memory", "cpu", "pids")  # the first version's trees


def version(tree: Path = TREE) -> int:
    """Return the version of the machine's tree that can cap memory; 0 where there is none."""
    if (tree / "cgroup.controllers").exists():
        return 2 if "memory" in (tree / "cgroup.controllers").read_text().split() else 0
    return 1 if (tree / "memory").is_dir() else 0


def make(name: str, memory: int, tasks: int, tree: Path = TREE) -> list[Path]:
    """Make a seat's group, or bring its caps up to date.

    Args:
        name: the seat's account.
        memory: MB that its processes may take together; the system ends one that takes more.
        tasks: how many processes and threads it may have.
        tree: where the machine keeps its groups.

    Returns:
        The files into which a process writes 0 to enter the group; none where the machine has no
        control groups.

    Raises:
        OSError: the system refuses.
    """
    which = version(tree)
    if which == 2:
        return [_make_second(name, memory, tasks, tree)]
    return _make_first(name, memory, tasks, tree) if which == 1 else []


def _make_second(name: str, memory: int, tasks: int, tree: Path) -> Path:
    group = tree / OURS / name
    group.mkdir(parents=True, exist_ok=True)
    for folder in (tree, tree / OURS):
        (folder / "cgroup.subtree_control").write_text("+memory +cpu +pids")
    (group / "memory.max").write_text(str(memory * _MB))
    (group / "pids.max").write_text(str(tasks))
    with contextlib.suppress(OSError):  # a kernel that has no swap has no such file
        (group / "memory.swap.max").write_text("0")
    return group / "cgroup.procs"


def _make_first(name: str, memory: int, tasks: int, tree: Path) -> list[Path]:
    places = [tree / kind / OURS / name for kind in _FIRST if (tree / kind).is_dir()]
    for group in places:
        group.mkdir(parents=True, exist_ok=True)
    (tree / "memory" / OURS / name / "memory.limit_in_bytes").write_text(str(memory * _MB))
    with contextlib.suppress(OSError):
        (tree / "memory" / OURS / name / "memory.swappiness").write_text("0")
    if (tree / "pids").is_dir():
        (tree / "pids" / OURS / name / "pids.max").write_text(str(tasks))
    return [group / "cgroup.procs" for group in places]


def remove(name: str, tree: Path = TREE) -> None:
    """Remove a seat's group, if no process is left in it."""
    for place in (tree, *(tree / kind for kind in _FIRST)):
        for group in (place / OURS / name, place / OURS):
            with contextlib.suppress(OSError):  # there is none, or it still holds some
                group.rmdir()


def own(tree: Path = TREE, membership: Path = Path("/proc/self/cgroup")) -> Path | None:
    """Return the memory group that this process is in, or None."""
    for line in membership.read_text().splitlines():
        _, kinds, place = line.split(":", 2)
        if kinds == "" and version(tree) == 2:
            return tree / place.lstrip("/")
        if "memory" in kinds.split(",") and version(tree) == 1:
            return tree / "memory" / place.lstrip("/")
    return None


def ended(group: Path) -> int:
    """Return how many processes the system has ended in a group for want of memory."""
    for name in ("memory.events", "memory.oom_control"):
        with contextlib.suppress(OSError):
            lines = dict(line.split() for line in (group / name).read_text().splitlines())
            return int(lines.get("oom_kill", 0))
    return 0


def peak(name: str, tree: Path = TREE) -> int:
    """Return the most bytes that a seat's group has held at once, files that it read included."""
    first = tree / "memory" / OURS / name / "memory.max_usage_in_bytes"
    second = tree / OURS / name / "memory.peak"
    return int((second if version(tree) == 2 else first).read_text())


def cap(group: Path) -> int:
    """Return the MB that a group may take; 0 where that is not told."""
    for name in ("memory.max", "memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            return int((group / name).read_text()) // _MB
    return 0
