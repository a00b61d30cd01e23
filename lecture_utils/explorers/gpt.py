"""Notebook 09: the length of the stream along a fresh GPT, with GPT-2's start and without."""

from collections.abc import Callable

import ipywidgets as widgets
import torch
from matplotlib.figure import Figure
from torch import Tensor

from lecture_utils import plots
from lecture_utils.explorers.controls import connect
from lecture_utils.require.tensors import require_callable

_STARTS = ((False, "undivided", plots.ORANGE), (True, "divided", plots.SHORTCUT))
_SEEDS = range(3)


def gpt_stream(lengths: Callable) -> None:
    """Explore what depth, width, text length and starting weights do to the stream.

    Args:
        lengths: the notebook's function (depth, dim, std, divided, seed, context) that returns the
            length of the stream relative to x_0, (depth + 1,).

    Raises:
        ValueError: it is no function.
    """
    require_callable("lengths", lengths)

    def draw(depth: int, dim: int, std: float, context: int) -> tuple[Figure, str]:
        sizes = {"dim": dim, "std": std, "context": context}
        found = {
            divided: torch.stack(
                [lengths(depth, divided=divided, seed=seed, **sizes) for seed in _SEEDS]
            )
            for divided, _, _ in _STARTS
        }
        settings = f"{depth} blocks of width {dim}, weights {std:g}, texts of {context} tokens"
        return _picture(found, settings)

    connect(
        draw,
        depth=widgets.IntSlider(value=12, min=1, max=36, description="blocks"),
        dim=widgets.Dropdown(options=[32, 64, 128, 256], value=64, description="width"),
        std=widgets.Dropdown(
            options=[0.005, 0.02, 0.05, 0.1], value=0.02, description="starting weights"
        ),
        context=widgets.Dropdown(
            options=[1, 8, 32, 128], value=32, description="tokens in the text"
        ),
    )


def _picture(found: dict[bool, Tensor], settings: str) -> tuple[Figure, str]:
    """Draw both starts; the three seeds of each are a band."""
    ends = {divided: f"{values[:, -1].median():.1f}" for divided, values in found.items()}
    fig, ax = plots.figure(
        f"Divided by √(2N) the stream ends {ends[True]} times as long, undivided {ends[False]}",
        f"block ({settings})",
        "length of $x_l$ / length of $x_0$",
    )
    for divided, name, color in _STARTS:
        plots.band(ax, range(found[divided].shape[1]), found[divided], name, color)
    ax.set_ylim(bottom=0)
    return fig, (
        f"Length of the stream along {settings}, 3 seeds: {ends[True]} times as long at the end if "
        f"what is written is divided by the root of 2N, {ends[False]} times if not."
    )
