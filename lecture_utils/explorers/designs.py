"""Notebook 11: the stream along a fresh net of any design, beside pre-norm."""

from collections.abc import Callable, Sequence

import ipywidgets as widgets
from matplotlib.figure import Figure

from lecture_utils import plots
from lecture_utils.explorers.controls import connect
from lecture_utils.require.numbers import shown
from lecture_utils.require.tensors import require_callable

_TICKS = [digit * 10.0**power for power in range(-6, 9) for digit in (1, 2, 5)]


def designs(along: Callable, names: Sequence[str]) -> None:
    """Explore what a design, the depth and the size of the starting weights do to the stream.

    Args:
        along: the notebook's function (name, depth, gain) that returns the lengths of the stream
            relative to x_0, (depth + 1,), and the gradient's length at x_0 over that at the end.
        names: of the designs; "pre-norm" is among them.

    Raises:
        ValueError: along is no function, or names has no "pre-norm".
    """
    require_callable("along", along)
    if isinstance(names, str) or "pre-norm" not in names:
        raise ValueError(f"names must be designs, 'pre-norm' among them; got {shown(names)}")

    def draw(name: str, depth: int, gain: float) -> tuple[Figure, str]:
        lengths, gradient = along(name, depth, gain)
        base, _ = along("pre-norm", depth, gain)
        fig, ax = plots.figure(
            f"{name}: stream × {lengths[-1]:.2g}, gradient × {gradient:.2g}",
            f"block ({depth} blocks, starting weights × {gain:g})",
            "length of the stream / of $x_0$",
            yscale="log",
        )
        plots.line(ax, range(depth + 1), base, "pre-norm", *plots.PLACEMENTS["pre"])
        if name != "pre-norm":
            plots.line(ax, range(depth + 1), lengths, name, plots.ORANGE)
        low, high = ax.get_ylim()
        ticks = [tick for tick in _TICKS if low < tick < high]
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
        return fig, (
            f"Length of the stream through {depth} fresh blocks, starting weights times {gain:g}: "
            f"{name} ends at {lengths[-1]:.2g} times its start, pre-norm at {base[-1]:.2g}. The "
            f"gradient at x_0 is {gradient:.2g} times as long as at the end."
        )

    connect(
        draw,
        name=widgets.Dropdown(options=list(names), value="highway", description="design"),
        depth=widgets.IntSlider(value=12, min=1, max=24, description="blocks"),
        gain=widgets.Dropdown(options=[0.5, 1.0, 2.0], value=1.0, description="starting weights ×"),
    )
