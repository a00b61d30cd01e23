"""Notebook 10: the logit lens in a trained GPT whose blocks are left out or exchanged."""

from collections.abc import Callable, Sequence

import ipywidgets as widgets
from matplotlib.figure import Figure
from torch import Tensor

from lecture_utils import plots
from lecture_utils.explorers.controls import connect
from lecture_utils.require.numbers import require_positive
from lecture_utils.require.tensors import require_callable


def opened(lens_of: Callable[[Sequence[int]], Tensor], depth: int) -> None:
    """Explore what the later blocks make of a stream in which one is missing, or two are swapped.

    Args:
        lens_of: the notebook's function from the order of the blocks, such as [0, 2, 1], to the
            loss that the logit lens reads before the first and after each, (blocks + 1,), nats.
        depth: number of blocks of the trained net, at least 4.

    Raises:
        ValueError: lens_of is no function, or depth no such number.
    """
    require_callable("lens_of", lens_of)
    require_positive("depth", depth)
    whole = lens_of(range(depth))

    def draw(out: int, swapped: int) -> tuple[Figure, str]:
        order = [block for block in range(depth) if block != out]
        if swapped >= 0:
            order[swapped : swapped + 2] = order[swapped + 1], order[swapped]
        return _picture(whole, lens_of(order), order)

    out, swapped = (
        widgets.IntSlider(value=value, min=-1, max=most, continuous_update=False)
        for value, most in ((0, depth - 1), (-1, depth - 3))
    )
    out.description, swapped.description = "take out (−1: none)", "then swap with next"
    connect(draw, out=out, swapped=swapped)


def _picture(whole: Tensor, found: Tensor, order: list[int]) -> tuple[Figure, str]:
    """Draw the lens along both nets."""
    ends = f"{float(whole[-1]):.2f}", f"{float(found[-1]):.2f}"
    blocks = ", ".join(map(str, order))
    fig, ax = plots.figure(
        f"With blocks {blocks} the loss is {ends[1]}; as trained {ends[0]}",
        "blocks passed",
        "loss that the lens reads, nats",
        yscale="log",
    )
    plots.line(ax, range(len(whole)), whole.tolist(), "as trained", plots.THEORY, ":")
    plots.line(ax, range(len(found)), found.tolist(), "rewired", plots.SHORTCUT)
    ax.set(yticks=[1.5, 2, 3, 5, 8], yticklabels=["1.5", "2", "3", "5", "8"])
    ax.set(xlim=(-0.2, len(whole) + 0.6), xticks=range(len(whole)))
    ax.minorticks_off()
    return fig, (
        f"Loss of the logit lens along the blocks {blocks}: {float(found[0]):.1f} nats before the "
        f"first, {ends[1]} after the last; in the net as it was trained {ends[0]}."
    )
