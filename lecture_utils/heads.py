"""Pictures of attention: a table of weights, and the shapes on the way through the heads."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from lecture_utils import plots
from lecture_utils.require.drawing import numbers, require_axes, require_texts
from lecture_utils.require.tensors import require_whole

_MOST = 32  # cells in a row that can be told apart
_COLORS = (plots.GREEN, plots.PURPLE, plots.ORANGE, plots.SKY)


def table(ax: Axes, weights: Tensor, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Draw a table of attention weights: each cell its number, the darker the larger.

    Args:
        ax: where to draw; its ticks are set, its grid is taken away.
        weights: (queries, keys), each row with sum 1.
        rows: the queries' names.
        columns: the keys' names.

    Raises:
        ValueError: weights are no shares of 1, or rows or columns do not fit them.
    """
    require_axes(ax)
    weights = numbers("weights", weights, 2, finite=True)
    if weights.min() < 0 or abs(weights.sum(1) - 1).max() > 0.01:
        raise ValueError(
            f"weights must be shares, each row with sum 1 (softmax over the last axis); got rows "
            f"with sums {weights.sum(1).min():.2f} to {weights.sum(1).max():.2f}, the smallest "
            f"weight {weights.min():.2f}"
        )
    rows = require_texts("rows", rows, weights.shape[0])
    columns = require_texts("columns", columns, weights.shape[1])
    ax.imshow(weights, cmap="Blues", vmin=0, vmax=1.2)
    for i, row in enumerate(weights):
        for j, weight in enumerate(row):
            color = "white" if weight > 0.75 else "black"
            ax.text(j, i, f"{weight:.2f}" if weight else "0", ha="center", va="center", size=9.5,
                    color=color)  # fmt: skip
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.grid(visible=False)


def shapes(time: int = 4, heads: int = 3, d_h: int = 2) -> Figure:
    """Draw the shapes on the way through an attention layer, one colour for each head.

    Args:
        time: tokens in the picture; the batch is one sample.
        heads: how many, at most four.
        d_h: numbers that each head has of each token.

    Raises:
        ValueError: more heads than colours, or a number of cells that no picture holds.
    """
    require_whole("heads", heads, 1, len(_COLORS))
    require_whole("time", time, 1, _MOST)
    require_whole("d_h", d_h, 1, _MOST)
    panels = (
        ("$Q$ (also $K$, $V$)", "(batch, time, $d$)", None, d_h),
        ("split_heads", "(batch, heads,\ntime, $d_h$)", heads, d_h),
        ("weights", "(batch, heads,\ntime, time)", heads, time),
        ("weights @ $V$", "(batch, heads,\ntime, $d_h$)", heads, d_h),
        ("join_heads, out", "(batch, time, $d$)", None, d_h),
    )
    fig, ax = plt.subplots(figsize=(8.6, 3.1), layout="constrained")
    right = 0.0
    for k, (name, shape, slices, columns) in enumerate(panels):
        width = columns * heads if slices is None else columns + 0.9 * (heads - 1)
        left = right
        for place in reversed(range(heads)):
            x, y = (columns * place, 0.0) if slices is None else (0.9 * place, 0.9 * place)
            _grid(ax, left + x, y, columns, time, _COLORS[place])
        ax.text(left + width / 2, time + 2.6, name, ha="center", weight="bold", size=10)
        ax.text(left + width / 2, -0.5, shape, ha="center", va="top", size=10, linespacing=1.1)
        right = left + width + 2.1
        if k < len(panels) - 1:
            ax.annotate("", (right - 0.5, time / 2), (right - 1.6, time / 2),
                        arrowprops={"arrowstyle": "-|>", "color": plots.THEORY})  # fmt: skip
    ax.set(xlim=(-0.4, right - 1.6), ylim=(-2.3, time + 3.5), aspect="equal")
    ax.axis("off")
    title = f"Each of {heads} heads gets {d_h} of a query's {heads * d_h} numbers"
    fig.suptitle(title, x=0.01, ha="left", weight="bold", size=12)
    return fig


def _grid(ax: Axes, x: float, y: float, columns: int, rows: int, color: str) -> None:
    """Draw a grid of cells with its lower left corner at (x, y)."""
    for i in range(rows):
        for j in range(columns):
            ax.add_patch(
                Rectangle((x + j, y + i), 1, 1, facecolor=color, edgecolor="white", linewidth=1.2)
            )
