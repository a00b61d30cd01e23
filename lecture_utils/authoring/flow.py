"""`flow` blocks of the decks: boxes and arrows that are built up step by step.

    ```flow
    $x$ -> [F] -> (+) -> $y$
    ==$x$ ~> (+)==
    $x$ <-0.2- [F]
    : what to see in it
    ```

A node is `[a box]`, `(+)` a circle, or words; `[F]#2` is a second box that shows F. Arrows: `->`,
`~>` the arc of a shortcut, `<-` back, dashed and below; `-0.2->`, `~s~>` and `<-0.2-` carry a
label, with `_` for a space. A line that begins with `/ ` begins a row below, one with `: ` is a
remark.
"""

import itertools
import math
import re
from dataclasses import dataclass

from lecture_utils.authoring.steps import WIDTH, Picture, StepError, colour, words_in

_BOX, _CIRCLE, _ROW, _ARC, _HEAD, _REMARK = 66, 26, 136, 58, 10, 48  # heights and lengths
_GAPS = (56, 190)  # between two columns, at least and at most
_ARROW = re.compile(r"\s+(-->|->|~>|<-|<~|-\S+->|<-\S+-|~\S+~>)(?:\s+|$)")


@dataclass(frozen=True)
class _Node:
    """Where a node stands: its centre, and half its width and height."""

    x: float
    y: float
    half: float
    tall: float


def flow(lines: list[str], settings: str = "") -> str:
    """Draw a flow of boxes and arrows as an SVG.

    Raises:
        StepError: a line is no chain of nodes and arrows, or settings are given.
    """
    if settings:
        raise StepError(f"a flow has no settings; got {settings!r}")
    picture, rows = Picture(), _rows(lines)
    top = 12 + _BOX / 2 + (_ARC + 22 if any("~>" in line or "<~" in line for line in lines) else 0)
    places = {
        name: _Node(x, top + level * _ROW, _half(name), _CIRCLE if name[0] == "(" else _BOX / 2)
        for level, row in enumerate(rows)
        for x, name in zip(_columns(rows), row, strict=False)
    }
    below = 40 if any("<-" in line for line in lines) else 12
    picture.height = top + (len(rows) - 1) * _ROW + _BOX / 2 + below
    drawn: set[str] = set()
    for line in map(picture.begin, lines):
        if line.startswith(": "):
            picture.add(words_in(0, picture.height, WIDTH, _REMARK, line[2:], "remark"))
            picture.height += _REMARK
        else:
            _chain(picture, line.removeprefix("/ "), places, drawn)
    return picture.svg("flow")


def _rows(lines: list[str]) -> list[list[str]]:
    """Return the nodes of each row, in the order in which they are named."""
    rows: list[list[str]] = [[]]
    for line in (line.removeprefix("+ ") for line in lines):
        if line.startswith(": "):
            continue
        if line.startswith("/ ") and rows[-1]:
            rows.append([])
        known = {name for row in rows for name in row}
        rows[-1] += [n for n in dict.fromkeys(_parts(line.removeprefix("/ "))[0]) if n not in known]
    if not rows[0]:
        raise StepError(f"a flow needs a chain such as `$x$ -> [F] -> $y$`; got {lines}")
    return rows


def _parts(line: str) -> tuple[list[str], list[str]]:
    """Part a chain into its nodes and its arrows; `==` around a whole chain is no part of it."""
    if _is_blue(line):
        line = line[2:-2]
    parts = [part.strip() for part in _ARROW.split(line)]
    if not all(parts[::2]):
        raise StepError(f"an arrow stands between two nodes; got {line!r}")
    return parts[::2], parts[1::2]


def _is_blue(line: str) -> bool:
    """Tell whether a whole chain is marked as a shortcut's."""
    inside = line[2:-2]
    return line.startswith("==") and line.endswith("==") and bool(_ARROW.search(inside))


def _shown(name: str) -> str:
    """What a node shows: without its brackets, and without the #2 that tells it from another."""
    name = re.sub(r"#\w+$", "", name)
    return name[1:-1] if name[0] + name[-1] in ("[]", "()") else name


def _half(name: str) -> float:
    """Return half the width of a node: as its words need it."""
    letters = len(re.sub(r"\\[a-zA-Z]+|[$*=`{}_^\\]", "", _shown(name)))
    return _CIRCLE if name.startswith("(") else max(7.4 * letters + 16, 28)


def _columns(rows: list[list[str]]) -> list[float]:
    """Return the middles of the columns, each as wide as its widest node, with gaps alike."""
    columns = list(itertools.zip_longest(*rows, fillvalue=""))
    halves = [max(_half(name) for name in column if name) for column in columns]
    left = WIDTH - 2 * sum(halves)
    if left < _GAPS[0] * (len(halves) - 1):
        widest = max(rows, key=len)
        raise StepError(f"these nodes do not fit side by side: {widest}; begin a row with `/ `")
    gap = min(left / max(len(halves) - 1, 1), _GAPS[1])
    start = (WIDTH - 2 * sum(halves) - gap * (len(halves) - 1)) / 2
    ends = list(itertools.accumulate((2 * half + gap for half in halves), initial=start))
    return [end + half for end, half in zip(ends, halves, strict=False)]


def _chain(picture: Picture, line: str, places: dict[str, _Node], drawn: set[str]) -> None:
    """Draw the nodes of a chain that are not there yet, and its arrows."""
    nodes, arrows = _parts(line)
    for name in nodes:
        if name not in drawn:
            drawn.add(name)
            picture.add(*_node(name, places[name]))
    for (one, two), arrow in zip(itertools.pairwise(nodes), arrows, strict=True):
        picture.add(*_drawn(places[one], places[two], arrow, _is_blue(line)))


def _node(name: str, at: _Node) -> list[str]:
    """Draw a node: its outline, if it has one, and its words."""
    shown, found = _shown(name), []
    if name.startswith("("):
        place = f'cx="{at.x:.0f}" cy="{at.y:.0f}" r="{_CIRCLE}"'
        found.append(f'<circle class="{colour(shown)}" {place}/>')
    elif name.startswith("["):
        size = f'width="{2 * at.half:.0f}" height="{_BOX}" rx="8"'
        corner = f'x="{at.x - at.half:.0f}" y="{at.y - at.tall:.0f}"'
        found.append(f'<rect class="{colour(shown)}" {corner} {size}/>')
    spare = min(20, at.x - at.half, WIDTH - at.x - at.half)  # for words wider than they seem
    half = at.half + spare
    found.append(words_in(at.x - half, at.y - _BOX / 2, 2 * half, _BOX, shown))
    return found


def _drawn(one: _Node, two: _Node, arrow: str, blue: bool) -> list[str]:
    """Draw one arrow: straight, back (dashed, below), or the arc of a shortcut (above)."""
    label = arrow.strip("<>~-").replace("_", " ")
    start, end = (two, one) if arrow.startswith("<") else (one, two)
    if "~" in arrow:
        return _arc(start, end, label)
    back = arrow.startswith("<")
    tint = "shortcut" if blue else "plain" if back else "ink"
    (x1, y1), (x2, y2) = _ends(start, end, 20 if back else 0)
    found = [f'<path class="{tint}{" back" * back}" d="M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}"/>']
    found.append(_head(x1, y1, x2, y2, tint))
    if label:
        above = (y1 + y2) / 2 + (4 if back else -42)
        found.append(words_in((x1 + x2) / 2 - 70, above, 140, 38, label, "label"))
    return found


def _ends(start: _Node, end: _Node, lower: float) -> tuple[tuple[float, float], ...]:
    """Return where an arrow leaves a node and where it ends: at the sides, or above and below."""
    if start.y == end.y:
        side = 1 if end.x > start.x else -1
        x1, x2 = start.x + side * (start.half + 6), end.x - side * (end.half + 14)
        return (x1, start.y + lower), (x2, start.y + lower)
    down = 1 if end.y > start.y else -1
    return (start.x, start.y + down * (start.tall + 4)), (end.x, end.y - down * (end.tall + 14))


def _head(x1: float, y1: float, x2: float, y2: float, tint: str) -> str:
    """Draw the head of an arrow that comes from one point and ends at another."""
    turn = math.degrees(math.atan2(y2 - y1, x2 - x1))
    shape = f"M{_HEAD} 0L{-_HEAD} {-_HEAD}L{-_HEAD} {_HEAD}Z"
    place = f"translate({x2:.0f} {y2:.0f}) rotate({turn:.0f})"
    return f'<path class="head {tint}" d="{shape}" transform="{place}"/>'


def _arc(one: _Node, two: _Node, label: str) -> list[str]:
    """Draw the arc of a shortcut above its row."""
    y1, y2 = one.y - one.tall - 2, two.y - two.tall - 12
    top = min(y1, y2) - _ARC
    curve = (
        f"M{one.x:.0f} {y1:.0f}C{one.x:.0f} {top:.0f} {two.x:.0f} {top:.0f} {two.x:.0f} {y2:.0f}"
    )
    found = [f'<path class="shortcut" d="{curve}"/>', _head(two.x, y2 - 9, two.x, y2, "shortcut")]
    if label:
        found.append(words_in((one.x + two.x) / 2 - 70, top - 24, 140, 38, label, "label"))
    return found
