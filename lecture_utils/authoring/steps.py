"""Diagrams of the decks that are built up step by step: what `flow`, `bars` and `matrix` share.

Each line of such a block of Markdown is a step. The first is there at once, each other comes with
a click; a line that begins with `+ ` comes together with the line before it. `*x*` is vermilion
(plain), `==x==` blue (with a shortcut), `**x**` bold, `$x$` mathematics.
"""

import html
import re
from dataclasses import dataclass, field

WIDTH = 1152  # of a slide without its margins, in its units
_MARKS = {r"`(.+?)`": "code", r"\*\*(.+?)\*\*": "strong", r"==(.+?)==": "mark", r"\*(.+?)\*": "em"}


class StepError(ValueError):
    """A diagram that cannot be drawn: the message names the line."""


@dataclass
class Picture:
    """What is drawn so far: for each step its elements, and the height that they need."""

    steps: list[list[str]] = field(default_factory=list)
    height: float = 0

    def begin(self, line: str) -> str:
        """Begin the step of a line; return the line without its `+`."""
        if not line.startswith("+ ") or not self.steps:
            self.steps.append([])
        return line.removeprefix("+ ")

    def add(self, *elements: str) -> None:
        """Draw elements in the present step."""
        self.steps[-1] += elements

    def svg(self, kind: str) -> str:
        """Write the picture; each step but the first is brought by a click."""
        first, *rest = ("\n".join(step) for step in self.steps)
        body = "\n".join([first, *(f'<g class="fragment">\n{step}\n</g>' for step in rest)])
        size = f'viewBox="0 0 {WIDTH} {self.height:.0f}" height="{self.height:.0f}"'
        return f'<svg class="steps {kind}" {size}>\n{body}\n</svg>\n'


def text(words: str) -> str:
    """Write words with their marks as HTML."""
    parts = re.split(r"\$(.+?)\$", words)  # mathematics stands at the odd places
    parts = [html.escape(part) for part in parts]
    for k in range(1, len(parts), 2):
        parts[k] = f'<span class="math">\\({parts[k]}\\)</span>'
    written = "".join(parts)
    for mark, tag in _MARKS.items():
        written = re.sub(mark, rf"<{tag}>\1</{tag}>", written)
    return written


def colour(words: str) -> str:
    """Return the class of the colour that the marks around words ask for."""
    if words.startswith("=="):
        return "shortcut"
    return "plain" if re.match(r"\*[^*]", words) else "ink"


def words_in(x: float, y: float, width: float, height: float, words: str, place: str = "") -> str:
    """Place words in a rectangle, in its middle unless a class says otherwise."""
    box = f'x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}"'
    inside = f'<div class="words {place}"><span>{text(words)}</span></div>'
    return f"<foreignObject {box}>{inside}</foreignObject>"
