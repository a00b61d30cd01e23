"""Block diagrams: one function draws a transformer block with its norms at any placement."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

from lecture_utils import plots

STYLES = {
    "post": (plots.SHORTCUT, "--"),
    "pre": (plots.SHORTCUT, "-"),
    "sandwich": (plots.GREEN, "-."),
}  # how each placement's lines are drawn, in every figure
_FORMULAS = {"post": "N(x + F(x))", "pre": "x + F(N(x))", "sandwich": "x + N(F(N(x)))"}
_STREAM, _BRANCH = 0.0, 1.8  # x of the shortcut and of the branch


def placements(norms: tuple[str, ...] = ("post", "pre", "sandwich")) -> Figure:
    """Draw the same block once for each placement, side by side, to be read upwards.

    Raises:
        ValueError: a placement is unknown.
    """
    unknown = [norm for norm in norms if norm not in STYLES]
    if unknown:
        raise ValueError(f"unknown norm {unknown[0]!r}; choose from {', '.join(STYLES)}")
    fig, axes = plt.subplots(1, len(norms), figsize=(2.8 * len(norms), 5.4), layout="constrained")
    for ax, norm in zip(np.atleast_1d(axes), norms, strict=True):
        _draw_block(ax, norm)
    fig.suptitle(
        "Only post-norm puts a norm on the shortcut", x=0.01, ha="left", weight="bold", size=12
    )
    return fig


def _draw_block(ax: Axes, norm: str) -> None:
    """Draw both sublayers of one block, stream on the left, branches on the right."""
    color, linestyle = STYLES[norm]
    ax.set(xlim=(-1.1, 2.9), ylim=(-0.7, 10.9), aspect="equal")
    ax.axis("off")
    ax.set_title(f"{norm}\n{_FORMULAS[norm]}", color=plots.ink(color), weight="bold")
    ax.plot([_STREAM, _STREAM], [-0.3, 10.4], color=color, linestyle=linestyle, linewidth=3)
    _arrow_head(ax, _STREAM, 10.6, color)
    ax.text(_STREAM - 0.25, -0.3, "x", ha="right", va="center")
    for name, bottom in (("attention", 0.3), ("feed-\nforward", 5.3)):
        _draw_sublayer(ax, norm, name, bottom)


def _draw_sublayer(ax: Axes, norm: str, name: str, bottom: float) -> None:
    """Draw one branch from where it leaves the stream to where it is added."""
    top = bottom + 3.5
    ax.plot(
        [_STREAM, _BRANCH, _BRANCH, _STREAM + 0.3], [bottom, bottom, top, top],
        color=plots.THEORY, linewidth=1.3, zorder=1,
    )  # fmt: skip
    ax.annotate(
        "", (_STREAM + 0.28, top), (_STREAM + 0.6, top),
        arrowprops={"arrowstyle": "-|>", "color": plots.THEORY},
    )  # fmt: skip
    ax.add_patch(Circle((_STREAM, top), 0.28, facecolor="white", edgecolor="black", zorder=3))
    ax.text(_STREAM, top, "+", ha="center", va="center", size=12, zorder=4)
    _box(ax, _BRANCH, bottom + 1.75, name, "#E8E8E8", height=1.05)
    if norm in ("pre", "sandwich"):
        _box(ax, _BRANCH, bottom + 0.62, "norm", plots.ORANGE)
    if norm == "sandwich":
        _box(ax, _BRANCH, bottom + 2.88, "norm", plots.ORANGE)
    if norm == "post":
        _box(ax, _STREAM, top + 0.78, "norm", plots.ORANGE)


def _box(ax: Axes, x: float, y: float, label: str, color: str, height: float = 0.6) -> None:
    box = FancyBboxPatch(
        (x - 1.0, y - height / 2), 2.0, height,
        boxstyle="round,pad=0,rounding_size=0.12", facecolor=color, edgecolor="black", zorder=3,
    )  # fmt: skip
    ax.add_patch(box)
    ax.text(x, y, label, ha="center", va="center", size=9.5, zorder=4, linespacing=0.95)


def _arrow_head(ax: Axes, x: float, y: float, color: str) -> None:
    ax.plot([x], [y], marker="^", markersize=9, color=color, clip_on=False)
