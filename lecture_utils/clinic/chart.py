"""The chart of the wiring clinic: which test finds which fault."""

import math
from collections.abc import Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from torch import Tensor

from lecture_utils import plots
from lecture_utils.require.drawing import numbers, require_text, require_texts

MARKS = {0.0: "✗", 1.0: "✓"}
SIZE = 10.8  # points: 13 px and more where the figure is 640 px wide


def chart(passed: Tensor, rows: Sequence[str], columns: Sequence[str], title: str) -> None:
    """Show which test finds which fault, in colours and in marks.

    Args:
        passed: 1 passed, 0 failed, nan does not apply; (rows, columns).
        rows: the decoders.
        columns: the tests.
        title: the finding.

    Raises:
        ValueError: passed holds something else, or rows, columns or title do not fit it.
    """
    passed = torch.from_numpy(numbers("passed", passed, 2))
    if not (passed.isnan() | (passed == 0) | (passed == 1)).all():
        raise ValueError("passed must hold 1 (passed), 0 (failed) or nan (does not apply) alone")
    rows = require_texts("rows", rows, passed.shape[0])
    columns = require_texts("columns", columns, passed.shape[1])
    require_text("title", title)
    names = [name.replace("_", " ") for name in columns]
    fig, ax = plt.subplots(figsize=(7.1, 0.27 * len(rows) + 2.7), layout="constrained")
    palette = ListedColormap(["#CFE8DD", plots.PLAIN])
    ax.imshow(torch.where(passed.isnan(), math.nan, 1 - passed), cmap=palette, aspect="auto")
    for (row, column), value in zip(
        torch.cartesian_prod(*map(torch.arange, passed.shape)), passed.flatten(), strict=True
    ):
        style = {"color": "white", "weight": "bold"} if value == 0 else {"color": "black"}
        ax.text(
            column, row, MARKS.get(value.item(), "–"), ha="center", va="center", size=11, **style
        )
    _name_cells(ax, rows, names)
    fig.suptitle(title, x=0.01, ha="left", weight="bold", size=13)
    found = [
        f"{row}: {', '.join(name for name, value in zip(names, values, strict=True) if value == 0)}"
        for row, values in zip(rows, passed, strict=True)
    ]
    plots.show(fig, alt=(
        f"Chart of {len(rows)} decoders by {len(columns)} tests. The tests that fail, by decoder. "
        f"{'; '.join(line if line[-1] != ' ' else line + 'none' for line in found)}."))  # fmt: skip


def _name_cells(ax: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Write the names of rows and columns beside a table, and rule it."""
    ax.set_yticks(range(len(rows)), rows, size=SIZE)
    ax.set_xticks(range(len(columns)), columns, size=SIZE, rotation=42, ha="left",
                  rotation_mode="anchor")  # fmt: skip
    ax.xaxis.tick_top()
    ax.grid(False)
    ax.set_xticks([k - 0.5 for k in range(1, len(columns))], minor=True)
    ax.set_yticks([k - 0.5 for k in range(1, len(rows))], minor=True)
    ax.grid(which="minor", color="white", linewidth=1.5)
    ax.tick_params(which="both", length=0)
