"""Notebook 02: the chain rule, one block at a time, with and without the "+1"."""

from collections.abc import Callable

import ipywidgets as widgets
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from lecture_utils import plots
from lecture_utils.explorers.controls import connect

_SMALLEST = 1e-12  # a smaller gradient ends its line in a cross
_TWINS = {0: ("without", plots.PLAIN), 1: ("with shortcut", plots.SHORTCUT)}


def chain_rule(chain: Callable, slope: Callable) -> None:
    """Step the gradient back through a scalar chain, from the loss to y_0.

    Args:
        chain: the notebook's function (w, y_0, shortcut) that returns y_0 … y_L.
        slope: the notebook's function (w_l, y_l) that returns f'(y_l).
    """

    def draw(step: int, weight: float, alternate: bool, blocks: int) -> tuple[Figure, str]:
        w = torch.full((blocks,), weight, dtype=torch.float64)
        if alternate:
            w[1::2] *= -1
        return _picture(chain, slope, min(step, blocks), w)

    step = widgets.IntSlider(value=4, min=0, max=8, description="steps back")
    blocks = widgets.IntSlider(value=8, min=1, max=12, description="blocks L")
    widgets.dlink((blocks, "value"), (step, "max"))
    connect(
        draw,
        step=step,
        weight=widgets.FloatSlider(
            value=0.5, min=-2.0, max=2.0, step=0.1, description="weight w", readout_format=".1f"
        ),
        alternate=widgets.Checkbox(value=False, description="alternate w, −w, w, …"),
        blocks=blocks,
    )


def _picture(chain: Callable, slope: Callable, step: int, w: Tensor) -> tuple[Figure, str]:
    """Draw |∂y_L/∂y_l| for the blocks already stepped through, of both twins."""
    blocks, twins = len(w), {}
    for shortcut in _TWINS:
        y = torch.stack(chain(w, torch.tensor(0.7, dtype=torch.float64), shortcut))
        factors = (slope(w, y[:-1]) + shortcut).flip(0)  # the last block's first
        twins[shortcut] = factors, torch.cat([torch.ones(1), factors[:step].cumprod(0)])
    plain, short = (twins[shortcut][1][-1].abs().item() for shortcut in _TWINS)
    fig, ax = plots.figure(
        f"{step} of {blocks} steps back: {short:.2g} with shortcuts, {plain:.2g} without",
        "the gradient travels from y_L to the left", "size of ∂y_L / ∂y_l", yscale="log",
    )  # fmt: skip
    for shortcut, (factors, gradient) in twins.items():
        _draw_twin(ax, shortcut, factors, gradient, (short >= plain) == shortcut)
    drawn = torch.cat([gradient for _, gradient in twins.values()]).abs().clamp(min=_SMALLEST)
    low, high = drawn.min().item() / 60, drawn.max().item() * 60
    ax.set(xlim=(-0.28 * blocks, 1.05 * blocks), ylim=(low, high))
    ax.minorticks_off()
    ax.set_xticks(range(blocks + 1), [f"y{_subscript(place)}" for place in range(blocks + 1)])
    return fig, (
        f"The gradient after {step} of {blocks} steps back through a chain that begins with "
        f"w = {w[0]:.1f} and ends with {w[-1]:.1f}: "
        f"{short:.2g} with shortcuts, {plain:.2g} without."
    )


def _draw_twin(ax: Axes, shortcut: int, factors: Tensor, gradient: Tensor, upper: bool) -> None:
    """Draw one twin: its gradient at each y_l reached, and its factors along the edge."""
    name, color = _TWINS[shortcut]
    blocks = len(factors)
    step = len(gradient) - 1
    places = [blocks - k for k in range(step + 1)]
    shown = gradient.abs().clamp(min=_SMALLEST)
    ax.plot(places, shown, color=color, marker="o", markersize=5)
    if gradient[-1].abs() < _SMALLEST:
        gone = int((gradient.abs() < _SMALLEST).nonzero()[0])
        ax.plot(places[gone], shown[gone], color=color, marker="x", markersize=11)
        name += ": below 1e-12"
    ax.annotate(
        name, (places[-1], shown[-1].item()), xytext=(-8, 5 if upper else -5), size=9.5,
        textcoords="offset points", ha="right", va="center", color=plots.ink(color), weight="bold",
    )  # fmt: skip
    for k, factor in enumerate(factors[:step].tolist()):
        ax.text(
            blocks - k - 0.5, 0.97 if shortcut else 0.03,
            f"{'×' if blocks <= 8 else ''}{factor:.2f}".replace("-", "−"),
            transform=ax.get_xaxis_transform(), size=8.5 if blocks <= 8 else 7.5,
            ha="center", va="top" if shortcut else "bottom", color=plots.ink(color),
            weight="bold" if k == step - 1 else "normal",
        )  # fmt: skip


def _subscript(number: int) -> str:
    return "".join(chr(0x2080 + int(digit)) for digit in str(number))
