"""Notebook 05: slices of the loss, as a surface and as a map, and an explorer of them."""

import gc
from collections.abc import Callable

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from torch import Tensor

from lecture_utils import plots
from lecture_utils.explorers.controls import connect

LOWEST, HIGHEST = 1e-3, 1e3  # nats: the colour scale of every slice; what lies beyond is clipped
GUESSING = float(np.log(10))
_SCALE = LogNorm(LOWEST, HIGHEST)
_COLOURS = "viridis"
_LEVELS = np.logspace(-3, 3, 13)


def draw_slices(title: str, slices: dict[str, Tensor], steps: Tensor) -> Figure:
    """Draw each slice twice on one colour scale: as a surface (left) and as a map (right).

    Args:
        title: the finding.
        slices: by name (under which "plain" and "shortcut" get their colours), each (k, k) in
            nats, α by row, β by column.
        steps: (k,), the values of α and β.

    Returns:
        The figure, one row per slice. Height and colour are logarithmic and clipped to 0.001 and
        1,000 nats; the red contour is the loss of guessing, ln 10.
    """
    rows = len(slices)
    fig = plt.figure(figsize=(7.4, 0.5 + 2.9 * rows), layout="constrained", dpi=75)
    fig.suptitle(title, x=0.01, ha="left", weight="bold", size=12)
    maps = []
    for row, (name, losses) in enumerate(slices.items()):
        _surface(fig.add_subplot(rows, 2, 2 * row + 1, projection="3d"), losses, steps)
        ax = fig.add_subplot(rows, 2, 2 * row + 2)
        draw_map(ax, losses, steps)
        color = plots.PLAIN if name.startswith("plain") else plots.SHORTCUT
        ax.set_title(name, color=plots.ink(color), weight="bold", loc="left")
        ax.set(xlabel="step α", ylabel="step β")
        maps.append(ax)
    draw_scale(fig, maps)
    return fig


def draw_map(ax: plt.Axes, losses: Tensor, steps: Tensor) -> None:
    """Draw one slice as a map: filled contours, the contour of guessing in red, the centre."""
    clipped = _clipped(losses).T  # α to the right
    axis = steps.numpy()
    ax.contourf(axis, axis, clipped, levels=_LEVELS, norm=_SCALE, cmap=_COLOURS)
    if clipped.min() < GUESSING < clipped.max():
        ax.contour(axis, axis, clipped, levels=[GUESSING], colors="#E8000B", linewidths=1.2)
    ax.plot(0, 0, marker="+", color="white", markersize=7)
    ax.set_aspect("equal")
    ax.grid(visible=False)


def draw_scale(fig: Figure, axes: list) -> None:
    """Add the colour scale that all slices share."""
    gc.collect()  # closed figures are heaps of reference cycles: tens of MB in one notebook
    bar = fig.colorbar(ScalarMappable(_SCALE, _COLOURS), ax=axes, shrink=0.85, extend="both")
    bar.set_label("loss (nats), logarithmic")
    bar.ax.axhline(GUESSING, color="#E8000B", linewidth=1.5)


def _surface(ax: plt.Axes, losses: Tensor, steps: Tensor) -> None:
    height = np.log10(_clipped(losses))
    alpha, beta = np.meshgrid(steps.numpy(), steps.numpy(), indexing="ij")
    ax.plot_surface(
        alpha, beta, height, facecolors=plt.get_cmap(_COLOURS)(_SCALE(10**height)),
        rcount=41, ccount=41, linewidth=0, antialiased=False, shade=False,
    )  # fmt: skip
    ax.set(zlim=(-3, 3), xlabel="α", ylabel="β", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    ax.set_zticks([-3, 0, 3], ["0.001", "1", "1000"])
    ax.tick_params(labelsize=8, pad=0)
    ax.view_init(elev=28, azim=-60)


def _clipped(losses: Tensor) -> np.ndarray:
    """Bring losses to the colour scale's range; what is not finite counts as highest."""
    return losses.nan_to_num(HIGHEST, HIGHEST, HIGHEST).clamp(LOWEST, HIGHEST).numpy()


def slices(trained: Callable, slice_of: Callable, depths: list[int]) -> None:
    """Explore filter-normalised slices by depth, twin, and direction.

    Args:
        trained: the notebook's cached function (depth, use_shortcut) that returns trained nets
            and their paths; the first net is shown.
        slice_of: the notebook's function (net, seed, steps) that returns losses, (k, k).
        depths: the depths to choose from.
    """
    steps = torch.linspace(-1, 1, 21)

    def draw(depth: int, shortcut: bool, seed: int) -> tuple[Figure, str]:
        net = trained(depth, shortcut)[0][0]
        losses = slice_of(net, seed, steps)
        centre = losses[10, 10].item()
        name = f"{'shortcut' if shortcut else 'plain'}, {depth} blocks, directions {seed}"
        near = int((losses < centre + 0.5).sum())
        title = f"{near} of 441 points, the centre included, are within 0.5 nats of it"
        fig = draw_slices(title, {name: losses}, steps)
        return fig, (
            f"Slice through a trained net, {name}: the loss is {centre:.1g} in the centre and at "
            f"most 10 to the power {np.log10(losses.max().item()):.0f}; about {near / 441:.1%} of "
            f"the square is within 0.5 of the centre."
        )

    connect(
        draw,
        depth=widgets.Dropdown(options=depths, value=depths[-1], description="blocks"),
        shortcut=widgets.Checkbox(value=True, description="shortcut"),
        seed=widgets.IntSlider(value=0, min=0, max=9, description="directions"),
    )
