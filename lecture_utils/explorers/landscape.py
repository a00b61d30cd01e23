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
from torch import Tensor, nn

from lecture_utils import plots
from lecture_utils.explorers.controls import connect
from lecture_utils.require.drawing import numbers, require_keys, require_text
from lecture_utils.require.tensors import require_callable

LOWEST, HIGHEST = 1e-2, 1e2  # nats: the colour scale of every slice; what lies beyond is clipped
GUESSING = float(np.log(10))
_SCALE = LogNorm(LOWEST, HIGHEST)
_COLOURS = "viridis"
_LEVELS = np.logspace(-2, 2, 17)
_RED = "#E8000B"


def draw_slices(title: str, slices: dict[str, Tensor], steps: Tensor) -> Figure:
    """Draw each slice twice on one colour scale: as a surface (left) and as a map (right).

    Args:
        title: the finding.
        slices: by name ("plain…" and "shortcut…" get their colours), each (k, k) in nats, α by
            row, β by column.
        steps: (k,), the values of α and β, from −w to w.

    Returns:
        The figure, one row per slice. Height and colour are logarithmic and clipped to 0.01 and
        100 nats; the red contour is the loss of guessing, ln 10.

    Raises:
        ValueError: steps do not ascend, or a slice is no (k, k) of numbers.
    """
    require_text("title", title)
    slices, steps = _require_slices(slices, steps)
    rows = len(slices)
    fig = plt.figure(figsize=(7.2, 0.5 + 2.9 * rows), layout="constrained", dpi=75)
    fig.suptitle(title, x=0.01, ha="left", weight="bold", size=12)
    maps = []
    for row, (name, losses) in enumerate(slices.items()):
        _surface(fig.add_subplot(rows, 2, 2 * row + 1, projection="3d"), losses, steps)
        ax = fig.add_subplot(rows, 2, 2 * row + 2)
        _map(ax, losses, steps)
        color = plots.PLAIN if name.startswith("plain") else plots.SHORTCUT
        ax.set_title(name, color=plots.ink(color), weight="bold", loc="left")
        maps.append(ax)
    gc.collect()  # closed figures are heaps of reference cycles: tens of MB in one notebook
    bar = fig.colorbar(ScalarMappable(_SCALE, _COLOURS), ax=maps, shrink=0.85, extend="both")
    bar.set_label("loss (nats), logarithmic")
    bar.set_ticks([0.01, 0.1, 1, 10, 100], labels=["0.01", "0.1", "1", "10", "100"])
    bar.ax.axhline(GUESSING, color=_RED, linewidth=1.5)
    return fig


def _require_slices(slices: dict[str, Tensor], steps: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """Accept slices of one size with the steps along their sides, which ascend."""
    along = numbers("steps", steps, 1, finite=True)
    if len(along) < 2 or (np.diff(along) <= 0).any():
        raise ValueError(f"steps must ascend, two or more of them; got {along.round(3).tolist()}")
    require_keys("slices", slices)
    found = {}
    for name, losses in slices.items():
        require_text("the name of a slice", name)
        array = numbers(f"slices[{name!r}]", losses, 2)
        if array.shape != (len(along), len(along)):
            raise ValueError(
                f"slices[{name!r}] must have shape {(len(along),) * 2}, as steps has; "
                f"got {array.shape}"
            )
        found[name] = torch.from_numpy(array)
    return found, torch.from_numpy(along)


def _map(ax: plt.Axes, losses: Tensor, steps: Tensor) -> None:
    """Draw one slice as a map: filled contours, the contour of guessing in red, the centre."""
    clipped = _clipped(losses).T  # α to the right
    axis = steps.numpy()
    ax.contourf(axis, axis, clipped, levels=_LEVELS, norm=_SCALE, cmap=_COLOURS)
    if clipped.min() < GUESSING < clipped.max():
        ax.contour(axis, axis, clipped, levels=[GUESSING], colors=_RED, linewidths=1.2)
    ax.plot(0, 0, marker="+", color="white", markersize=7)
    ticks = [-axis.max(), 0, axis.max()]
    ax.set(xlabel="step α", ylabel="step β", xticks=ticks, yticks=ticks)
    ax.set_aspect("equal")
    ax.grid(visible=False)


def _surface(ax: plt.Axes, losses: Tensor, steps: Tensor) -> None:
    height = np.log10(_clipped(losses))
    alpha, beta = np.meshgrid(steps.numpy(), steps.numpy(), indexing="ij")
    ax.plot_surface(
        alpha, beta, height, facecolors=plt.get_cmap(_COLOURS)(_SCALE(10**height)),
        rcount=41, ccount=41, linewidth=0, antialiased=False, shade=False,
    )  # fmt: skip
    ticks = [float(-steps.max()), 0, float(steps.max())]
    ax.set(zlim=(-2, 2), xlabel="α", ylabel="β", xticks=ticks, yticks=ticks)
    ax.set_zticks([-2, 0, 2], ["0.01", "1", "100"])
    ax.tick_params(labelsize=8, pad=0)
    ax.view_init(elev=28, azim=-60)


def _clipped(losses: Tensor) -> np.ndarray:
    """Bring losses to the colour scale's range; what is not finite counts as highest."""
    return losses.nan_to_num(HIGHEST, HIGHEST, HIGHEST).clamp(LOWEST, HIGHEST).numpy()


def slices(nets: dict[str, list[nn.Module]], slice_of: Callable, share: Callable) -> None:
    """Explore filter-normalised slices by net, pair of directions, and size of the window.

    Args:
        nets: by name ("plain…" and "shortcut…" get their colours), trained nets, one per seed.
        slice_of: the notebook's function (net, pair, steps) that returns losses, (k, k).
        share: the notebook's function of losses: the share of them near the centre's.

    Raises:
        ValueError: there is no function, or no list of nets, at least one each.
    """
    require_callable("slice_of", slice_of)
    require_callable("share", share)
    require_keys("nets", nets)
    for name, kind in nets.items():
        if not isinstance(kind, (list, tuple)) or not kind:
            raise ValueError(f"nets[{name!r}] must be a list of trained nets; got {kind!r:.80}")

    def draw(kind: str, seed: int, pair: int, reach: float) -> tuple[Figure, str]:
        steps = torch.linspace(-reach, reach, 21)
        losses = slice_of(nets[kind][seed], pair, steps)
        part, centre = share(losses), losses[10, 10].item()
        title = f"Within half a nat of the centre: {part:.0%} of this square"
        fig = draw_slices(title, {f"{kind}, net {seed}, pair {pair}": losses}, steps)
        return fig, (
            f"Slice through a trained net, {kind}, from −{reach:g} to {reach:g} in both "
            f"directions: the loss is {centre:.1f} in the centre and at most {losses.max():.2g}; "
            f"{part:.0%} of the square is within half a nat of the centre."
        )

    count = min(map(len, nets.values()))
    connect(
        draw,
        kind=widgets.Dropdown(options=list(nets), value=list(nets)[-1], description="net"),
        seed=widgets.Dropdown(options=range(count), value=0, description="seed"),
        pair=widgets.IntSlider(value=0, min=0, max=9, description="directions"),
        reach=widgets.Dropdown(options=[0.25, 0.5, 1.0], value=0.5, description="window ±"),
    )
