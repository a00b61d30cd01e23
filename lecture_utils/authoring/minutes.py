"""Honest minutes: what a notebook asks of a beginner, weighed from its text and never typed.

minutes = words of prose / 100 + 0.25 x visible lines of code + 1.5 x predictions
        + 1.5 x the exercises' stated minutes

What is folded or generated weighs nothing; what follows *Going deeper* is weighed apart.
"""

import re
from dataclasses import dataclass

from nbformat import NotebookNode

from lecture_utils.authoring import notebooks

MOST = {"minutes": 60, "lines": 80, "longest": 12}  # what a core may weigh
_GENERATED = re.compile(
    r"<!-- begin (?:claims|glossary|header|footer|deeper)[^>]*-->.*?<!-- end -->", re.DOTALL
)
_FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
_DEEPER = re.compile(r"^#+ .*going deeper", re.IGNORECASE | re.MULTILINE)


@dataclass
class Weight:
    """What stands open on a page.

    Attributes:
        words: of prose.
        cells: the number of non-blank lines of each visible code cell.
        predictions: how many the reader makes.
        exercises: the minutes that their tasks state, together.
    """

    words: int
    cells: list[int]
    predictions: int
    exercises: int

    @property
    def lines(self) -> int:
        """Visible lines of code."""
        return sum(self.cells)

    @property
    def longest(self) -> int:
        """Lines of the longest visible cell."""
        return max(self.cells, default=0)

    @property
    def minutes(self) -> int:
        """Honest minutes."""
        doing = 1.5 * (self.predictions + self.exercises)
        return round(self.words / 100 + self.lines / 4 + doing)


def is_folded(cell: NotebookNode) -> bool:
    """Tell whether a code cell is folded away when the notebook is opened."""
    return bool(cell.metadata.get("jupyter", {}).get("source_hidden"))


def parts(notebook: NotebookNode) -> tuple[list[NotebookNode], list[NotebookNode]]:
    """Split a notebook's cells into the core and what is deeper."""
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and _DEEPER.search(cell.source):
            return notebook.cells[:place], notebook.cells[place:]
    return notebook.cells, []


def weigh(cells: list[NotebookNode]) -> Weight:
    """Weigh cells as a beginner would."""
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    codes = [cell.source for cell in cells if cell.cell_type == "code" and not is_folded(cell)]
    lines = (sum(bool(line.strip()) for line in code.splitlines()) for code in codes)
    return Weight(
        words=sum(len(_FOLDED.sub("", _GENERATED.sub("", text)).split()) for text in texts),
        cells=[count for count in lines if count],
        predictions=sum(text.count("**Predict.**") for text in texts),
        exercises=sum(
            int(found) for text in texts for found in re.findall(r"^\*(\d+) minutes", text, re.M)
        ),
    )


def of(number: str) -> tuple[Weight, Weight]:
    """Weigh a notebook: its core, and what is deeper."""
    core, deeper = parts(notebooks.read(notebooks.path_of(number)))
    return weigh(core), weigh(deeper)


def core(number: str) -> int:
    """Return the honest minutes of a notebook's core."""
    return of(number)[0].minutes
