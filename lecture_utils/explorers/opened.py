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
    """Explore what the later blocks make of a stream in which one block is missing or moved.

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

    def draw(out: int, moved: int, places: int) -> tuple[Figure, str]:
        order = list(range(depth))
        block = order.pop(moved)
        order.insert(min(depth - 1, moved + places), block)
        if out >= 0:
            order.remove(out)
        return _picture(whole, lens_of(order), order)

    connect(
        draw,
        out=widgets.IntSlider(
            value=0,
            min=-1,
            max=depth - 1,
            description="take out (−1: none)",
            continuous_update=False,
        ),
        moved=widgets.IntSlider(
            value=2, min=0, max=depth - 1, description="move block", continuous_update=False
        ),
        places=widgets.IntSlider(
            value=1, min=0, max=depth - 1, description="up by places", continuous_update=False
        ),
    )


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
