"""Notebook 04: three vital signs of untrained twins, block by block."""

from collections.abc import Callable

import ipywidgets as widgets
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from torch import Tensor

from lecture_utils import plots
from lecture_utils.explorers.controls import connect
from lecture_utils.measure import spread
from lecture_utils.require.drawing import numbers, require_keys
from lecture_utils.require.tensors import require_callable

_KINDS = ((False, "plain", plots.PLAIN), (True, "shortcut", plots.SHORTCUT))
_PANELS = ("size", "gradient", "likeness")
_TITLES = ("size: length of $h_l$\nover that of $h_0$",
           "gradient times length at $h_l$\nover that at $h_L$",
           "likeness: mean cosine\nof two digits at $h_l$")  # fmt: skip
_SMALLEST = 1e-30  # smaller lengths and gradients are drawn at the lower edge
NORMS = {"none": None, "layer": "layer", "batch": "batch"}


def vital_signs(fresh_signs: Callable, weights: dict[str, Callable[[int], dict]]) -> None:
    """Explore length, gradient and likeness in both twins before the first step.

    Args:
        fresh_signs: the notebook's function (depth, seeds, use_shortcut, norm, and the options of
            `weights`) that returns "size", "gradient" and "likeness", each (seeds, depth + 1).
        weights: names of starting weights, "He" among them, and for each the options that make
            them at a depth.

    Raises:
        ValueError: there is no function, or weights has no functions by name, or no "He".
    """
    require_callable("fresh_signs", fresh_signs)
    require_keys("weights", weights, ("He",))
    for name, options in weights.items():
        require_callable(f"weights[{name!r}]", options)

    def draw(depth: int, norm: str, weights_: str) -> tuple[Figure, str]:
        options = {"norm": NORMS[norm]} | weights[weights_](depth)
        signs = {
            use_shortcut: fresh_signs(depth, seeds=range(3), use_shortcut=use_shortcut, **options)
            for use_shortcut, _, _ in _KINDS
        }
        return _picture(signs, f"{depth} blocks, norm: {norm}, weights: {weights_}")

    connect(
        draw,
        depth=widgets.IntSlider(value=64, min=2, max=64, step=2, description="blocks"),
        norm=widgets.Dropdown(options=list(NORMS), value="layer"),
        weights_=widgets.Dropdown(options=list(weights), value="He", description="weights"),
    )


def relative(signs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Refer length to the first state and gradient to the last; likeness stays a cosine.

    Raises:
        ValueError: a sign is missing, or is no (seeds, depth + 1) of numbers.
    """
    require_keys("signs", signs, _PANELS)
    for sign in _PANELS:
        numbers(f"signs[{sign!r}]", signs[sign], 2)
    return {
        "size": signs["size"] / signs["size"][:, :1],
        "gradient": signs["gradient"] / signs["gradient"][:, -1:],
        "likeness": signs["likeness"],
    }


def verdict(found: dict[str, Tensor]) -> str:
    """Say in a few words what the three signs of one twin amount to."""
    size = spread(found["size"][:, -1]).median
    gradient = spread(found["gradient"][:, 0]).median
    likeness = spread(found["likeness"][:, -1]).median
    if not (gradient >= 1e-4 and size >= 1e-10):
        return "gradient vanishes"
    if not size <= 1e3:
        return "stream grows too long"
    if gradient > 1e2:
        return "gradient explodes"
    return "digits all alike" if likeness > 0.9 else "in order"


def _picture(signs: dict[bool, dict[str, Tensor]], settings: str) -> tuple[Figure, str]:
    found = {use_shortcut: relative(values) for use_shortcut, values in signs.items()}
    plain, short = verdict(found[False]), verdict(found[True])
    fig, axes = plt.subplots(1, 3, figsize=(8.6, 3.4))
    fig.subplots_adjust(left=0.06, right=0.99, bottom=0.14, top=0.76, wspace=0.24)
    finding = f"{settings}. Plain: {plain}; shortcut: {short}."
    fig.suptitle(finding, x=0.01, y=0.98, ha="left", weight="bold", size=11)
    for ax, sign, title in zip(axes, _PANELS, _TITLES, strict=True):
        for use_shortcut, name, color in _KINDS:
            values = found[use_shortcut][sign]
            values = values.clamp(min=_SMALLEST) if sign != "likeness" else values
            blocks = range(values.shape[1])
            plots.band(ax, blocks, values, name, color)
        ax.set_title(title)
        ends = (0, blocks[-1] // 2, blocks[-1])
        ax.set(xlabel="block", xlim=(0, 1.5 * blocks[-1]), xticks=ends)
        if sign == "likeness":
            ax.set(ylim=(-0.05, 1.05))
        else:
            ax.set(yscale="log")
            low, high = min(ax.get_ylim()[0], 0.1), max(ax.get_ylim()[1], 10)
            ax.set(ylim=(low, high * (high / low) ** 0.1))  # room for two labels at the top
    return fig, (
        f"{settings}: length of the hidden state, gradient and likeness of two digits by block, "
        f"for both untrained twins. Plain: {plain}; shortcut: {short}."
    )
