"""Notebook 03: where a net's widths change, and what a shortcut brings back through it."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import ipywidgets as widgets
import torch
from matplotlib.figure import Figure
from torch import Tensor

from lecture_utils import plots
from lecture_utils.explorers.controls import connect
from lecture_utils.require.drawing import require_texts
from lecture_utils.require.tensors import require_callable, require_whole

_AXIS = (1e-12, 1e5)  # the same as in the figure below the explorer
_TICKS = [10.0**k for k in range(-12, 4, 3)]


def widths(gradient_back: Callable, bridges: Sequence[str]) -> None:
    """Explore the gradient at each layer of a net that narrows from 64 to 10 neurons.

    Args:
        gradient_back: the notebook's function (widths, use_shortcut, bridge, he) that returns
            the gradient's norm at h_0 ... h_L over the one at h_L, shape (seeds, L + 1); `he`
            asks for He's starting weights.
        bridges: what may stand on the shortcut where the width changes, by name.

    Raises:
        ValueError: there is no function, or bridges is no list of names.
    """
    require_callable("gradient_back", gradient_back)
    bridges = require_texts("bridges", bridges)

    def draw(layers: int, every: int, bridge: str, he: bool) -> tuple[Figure, str]:
        sizes = stairs(layers, every)
        plain = gradient_back(sizes, False, he=he)
        short = gradient_back(sizes, True, bridge, he)
        kept = sum(a == b for a, b in pairwise(sizes))
        return _picture(plain, short, kept, bridge)

    connect(
        draw,
        layers=widgets.IntSlider(value=18, min=2, max=20, description="layers"),
        every=widgets.IntSlider(value=6, min=1, max=9, description="change every"),
        bridge=widgets.Dropdown(options=list(bridges), description="where it changes"),
        he=widgets.Dropdown(
            options=[("PyTorch's", False), ("He's", True)], description="layers' weights"
        ),
    )


def stairs(layers: int, every: int, first: int = 64, last: int = 10) -> list[int]:
    """Return the widths of a net that narrows evenly, but only at every `every`-th layer.

    Raises:
        ValueError: `layers` or `every` is not from 1 to 10,000, or a width is not positive.
    """
    require_whole("layers", layers, 1, 10_000)
    require_whole("every", every, 1)
    require_whole("first", first, 1)
    require_whole("last", last, 1)
    steps = [min(layers, -(-layer // every) * every) for layer in range(layers + 1)]
    return [round(first - (first - last) * step / layers) for step in steps]


def _picture(plain: Tensor, short: Tensor, kept: int, bridge: str) -> tuple[Figure, str]:
    layers = plain.shape[1] - 1
    setting = f"{kept} of {layers} layers keep their width; elsewhere: {bridge}"
    fig, ax = plots.figure(
        setting, "layers back from the output", "gradient at $h_l$ / at the output", yscale="log",
    )  # fmt: skip
    color = plots.GREEN if bridge == "projection" else plots.SHORTCUT  # as in the figure below
    name = bridge if kept == 0 else f"shortcut,\nelse\n{bridge}"
    lines = [(plain, "plain", plots.PLAIN, "-"), (short, name, color, "--")]
    if torch.equal(plain, short):
        lines = [(plain, f"plain =\n{bridge}", plots.PLAIN, "-")]
    for norms, name, color, style in lines:
        norms = norms.flip(1).clamp(*_AXIS)  # what lies outside is drawn at the edge
        plots.band(ax, range(norms.shape[1]), norms, name, color, style)
    ticks = range(0, layers + 1, 3 if layers > 5 else 1)
    ax.set(xlim=(0, 1.25 * layers), xticks=ticks, ylim=_AXIS, yticks=_TICKS)
    ends = [norms[:, 0].median().item() for norms in (plain, short)]
    return fig, (
        f"{setting}. Gradient at each layer over the one at the output, 5 seeds: at the input "
        f"{ends[0]:.0e} without shortcuts and {ends[1]:.0e} with them."
    )
