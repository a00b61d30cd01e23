"""`bars` and `matrix` blocks of the decks: numbers that are seen, one line after the other.

```bars log 1e-12 to 1
*plain* | 5.5e-11
==with a shortcut== | 0.9 | nearly all
```
```matrix the cat sat
the | 1 0 0
cat | 0.4 0.6 0
```
"""

import math
import re

from lecture_utils.authoring.steps import WIDTH, Picture, StepError, colour, words_in

_LABEL, _VALUE, _LINE, _THICK = 340, 250, 58, 34  # widths of words, heights of a line and a bar
_CELL, _TALL = 118, 60  # of a matrix
_LOG = "powers of ten: equal steps, equal factors"
_NUMBER = re.compile(r"-?\d[\d,]*\.?\d*(?:e-?\d+)?")


def bars(lines: list[str], settings: str = "") -> str:
    """Draw a bar for each line `label | number | words`, from 0 to the largest number.

    Args:
        lines: the words are written behind the bar, in place of the number.
        settings: "LOW to HIGH" for other ends, "log LOW to HIGH" for powers of ten.

    Raises:
        StepError: a line has no number, or the settings are not understood.
    """
    picture, rows = Picture(), [_row(line) for line in lines]
    share = _scale(settings, max(abs(value) for _, value, _ in rows))
    length = WIDTH - _LABEL - _VALUE - 20
    for k, (line, (label, value, words)) in enumerate(zip(lines, rows, strict=True)):
        picture.begin(line)
        y, width = k * _LINE, max(length * share(value), 3)
        place = f'x="{_LABEL}" y="{y + (_LINE - _THICK) / 2:.0f}" rx="4"'
        picture.add(
            words_in(0, y, _LABEL - 18, _LINE, label, "left"),
            f'<rect class="bar {colour(label)}" {place} width="{width:.0f}" height="{_THICK}"/>',
            words_in(_LABEL + width + 12, y, WIDTH - _LABEL - width - 12, _LINE, words, "right"),
        )
    picture.height = len(rows) * _LINE
    if settings.startswith("log"):
        said = words_in(_LABEL, picture.height, length, 34, _LOG, "label left")
        picture.add(said)
        picture.height += 34
    return picture.svg("bars")


def _row(line: str) -> tuple[str, float, str]:
    """Read a line of bars: its label, its number, and what is written behind the bar."""
    parts = [part.strip() for part in line.removeprefix("+ ").split(" | ")]
    number = _NUMBER.match(parts[1]) if len(parts) in (2, 3) else None
    if not number:
        raise StepError(f"a line of bars is `label | number` or `label | number | words`: {line!r}")
    return parts[0], float(number[0].replace(",", "")), parts[-1]


def _scale(settings: str, largest: float):
    """Return the function from a number to its share of the longest bar."""
    found = re.fullmatch(r"(log )?(\S+) to (\S+)", settings or f"0 to {largest}")
    try:
        low, high = float(found[2]), float(found[3])
        first, last = (math.log10(low), math.log10(high)) if found[1] else (low, high)
    except (TypeError, ValueError):
        raise StepError(f"bars go from `0 to 1` or `log 1e-6 to 1`; got {settings!r}") from None

    def share(value: float) -> float:
        at = math.log10(max(value, low)) if found[1] else value
        return min(max((at - first) / (last - first), 0), 1)

    return share


def matrix(lines: list[str], settings: str = "") -> str:
    """Draw a matrix of numbers, row by row, darker for larger ones; settings name its columns.

    Raises:
        StepError: a row has no numbers, or another number of them than the first.
    """
    rows = [line.removeprefix("+ ").rpartition("|") for line in lines]
    values = [numbers.split() for _, _, numbers in rows]
    columns, names = len(values[0]), settings.split()
    if not columns or any(len(row) != columns for row in values) or len(names) not in (0, columns):
        raise StepError(f"a matrix has rows of as many numbers, and as many names; got {lines}")
    largest = max((abs(_number(v)) for row in values for v in row), default=1) or 1
    left, top = (WIDTH - columns * _CELL) / 2, _TALL if names else 0
    picture = Picture()
    for level, (line, (label, _, _), row) in enumerate(zip(lines, rows, values, strict=True)):
        picture.begin(line)
        y = top + level * _TALL
        if level == 0:
            picture.add(
                *(words_in(left + k * _CELL, 0, _CELL, _TALL, n) for k, n in enumerate(names))
            )
        picture.add(words_in(0, y, left - 18, _TALL, label.strip(), "left"))
        for k, value in enumerate(row):
            place = f'x="{left + k * _CELL:.0f}" y="{y}" width="{_CELL - 4}" height="{_TALL - 4}"'
            shade = f'style="fill-opacity:{0.5 * abs(_number(value)) / largest:.2f}"'
            picture.add(f'<rect class="cell" {place} {shade}/>')
            picture.add(words_in(left + k * _CELL, y, _CELL - 4, _TALL - 4, value))
    picture.height = top + len(rows) * _TALL
    return picture.svg("matrix")


def _number(value: str) -> float:
    """Return the number that shades an entry; what is no number, such as −∞ or x, is not shaded."""
    found = _NUMBER.match(value.replace("−", "-"))
    return float(found[0]) if found else 0.0
