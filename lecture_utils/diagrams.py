"""Block diagrams: one function draws any block of the course, to be read upwards."""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

from lecture_utils import plots
from lecture_utils.require.drawing import require_text, require_texts


@dataclass(frozen=True)
class Block:
    """What stands where in one kind of block; "" where nothing stands.

    Attributes:
        formula: written above the block.
        shortcut: what stands on the shortcut, such as "λ"; None: there is no shortcut.
        entry: at the entrance of the branch.
        exit: between the branch and the sum.
        after: on the stream, after the sum.
    """

    formula: str
    shortcut: str | None = ""
    entry: str = ""
    exit: str = ""
    after: str = ""


BLOCKS = {
    "plain": Block("$F(h)$", shortcut=None),
    "shortcut": Block("$h + F(h)$"),
    "scaled": Block(r"$h + s\,F(h)$", exit="$s$"),
    "weighted": Block(r"$\lambda\,h + s\,F(h)$", shortcut=r"$\lambda$", exit="$s$"),
    "pre": Block("$h + F(N(h))$", entry="norm"),
    "post": Block("$N(h + F(h))$", after="norm"),
    "sandwich": Block("$h + N(F(N(h)))$", entry="norm", exit="norm"),
    "projection": Block(r"$h\,W_s + F(h)$", shortcut="$W_s$"),
}
_STREAM, _BRANCH = 0.0, 1.8  # x of the shortcut and of the branch
_MOST = 12  # kinds side by side, and branches above each other
_HEIGHT = 5.0  # from where one block's branch leaves to where the next one's does


def blocks(
    kinds: tuple[str, ...], title: str, branches: tuple[str, ...] = ("$F$",), stream: str = "$h$"
) -> Figure:
    """Draw blocks of several kinds side by side, each to be read upwards.

    Args:
        kinds: names out of `BLOCKS`, such as ("plain", "shortcut").
        title: the finding, one sentence.
        branches: what each branch computes, from below; one block for each.
        stream: the name of what enters.

    Raises:
        ValueError: a kind is unknown, or there is none; kinds or branches are no list of texts.
    """
    kinds = require_texts("kinds", kinds)
    unknown = [kind for kind in kinds if kind not in BLOCKS]
    if unknown:
        raise ValueError(f"unknown kind {unknown[0]!r} of block; choose from {', '.join(BLOCKS)}")
    branches = require_texts("branches", branches)
    require_text("title", title)
    require_text("stream", stream)
    if max(len(kinds), len(branches)) > _MOST:
        raise ValueError(f"kinds and branches must be at most {_MOST}; got {len(kinds)} kinds")
    size = (2.3 * len(kinds), 0.9 + 2.1 * len(branches))
    fig, axes = plt.subplots(1, len(kinds), figsize=size, layout="constrained")
    for ax, kind in zip(np.atleast_1d(axes), kinds, strict=True):
        _draw(ax, kind, branches, stream)
    fig.suptitle(title, x=0.01, ha="left", weight="bold", size=12)
    return fig


def placements(norms: tuple[str, ...] = ("post", "pre", "sandwich")) -> Figure:
    """Draw a transformer block, two branches, once for each placement of its norm.

    Raises:
        ValueError: a placement is unknown, or there is none.
    """
    norms = require_texts("norms", norms)
    unknown = [norm for norm in norms if norm not in plots.PLACEMENTS]
    if unknown:
        raise ValueError(f"unknown norm {unknown[0]!r}; choose from {', '.join(plots.PLACEMENTS)}")
    title = "Only post-norm puts a norm on the shortcut"
    return blocks(norms, title, branches=("attention", "feed-\nforward"), stream="$x$")


def _draw(ax: Axes, kind: str, branches: tuple[str, ...], stream: str) -> None:
    """Draw one kind of block, once for each branch: stream on the left, branches on the right."""
    block, top = BLOCKS[kind], _HEIGHT * len(branches)
    color, linestyle = plots.PLACEMENTS.get(kind, (plots.SHORTCUT, "-"))
    if block.shortcut is None:
        color = plots.PLAIN
    ax.set(xlim=(-1.15, 2.9), ylim=(-0.7, top + 0.9), aspect="equal")
    ax.axis("off")
    formula = block.formula.replace("h", "x") if stream == "$x$" else block.formula
    name = {"weighted": "weighted shortcut", "scaled": "scaled branch"}.get(kind, kind)
    ax.set_title(f"{name}\n{formula}", color=plots.ink(color), weight="bold")
    if block.shortcut is not None:
        ax.plot([0, 0], [-0.3, top + 0.4], color=color, linestyle=linestyle, linewidth=3)
    else:
        ax.plot([0, 0], [-0.3, 0.3], color=color, linewidth=3)
        ax.plot([0, 0], [top - 1.2, top + 0.4], color=color, linewidth=3)
    ax.plot([0], [top + 0.6], marker="^", markersize=9, color=color, clip_on=False)
    ax.text(-0.25, -0.3, stream, ha="right", va="center")
    for k, name in enumerate(branches):
        _draw_branch(ax, block, name, 0.3 + _HEIGHT * k, color)


def _draw_branch(ax: Axes, block: Block, name: str, bottom: float, color: str) -> None:
    """Draw one branch from where it leaves the stream to where it is added."""
    top, plain = bottom + 3.5, block.shortcut is None
    line = {"color": color if plain else plots.THEORY, "linewidth": 3 if plain else 1.3}
    ends = _STREAM if plain else _STREAM + 0.3
    ax.plot([_STREAM, _BRANCH, _BRANCH, ends], [bottom, bottom, top, top], zorder=1, **line)
    if not plain:
        arrow = {"arrowstyle": "-|>", "color": plots.THEORY}
        ax.annotate("", (_STREAM + 0.28, top), (_STREAM + 0.6, top), arrowprops=arrow)
        ax.add_patch(Circle((_STREAM, top), 0.28, facecolor="white", edgecolor="black", zorder=3))
        ax.text(_STREAM, top, "+", ha="center", va="center", size=12, zorder=4)
    _box(ax, _BRANCH, bottom + 1.75, name, "#E8E8E8", height=1.05)
    for what, x, y in (
        (block.entry, _BRANCH, bottom + 0.62),
        (block.exit, _BRANCH, bottom + 2.88),
        (block.shortcut, _STREAM, bottom + 1.75),
        (block.after, _STREAM, top + 0.78),
    ):
        if what:
            wide = what == "norm"
            _box(ax, x, y, what, plots.ORANGE if wide else "white", width=2.0 if wide else 1.0)


def _box(
    ax: Axes, x: float, y: float, label: str, color: str, height: float = 0.6, width: float = 2.0
) -> None:
    box = FancyBboxPatch(
        (x - width / 2, y - height / 2), width, height,
        boxstyle="round,pad=0,rounding_size=0.12", facecolor=color, edgecolor="black", zorder=3,
    )  # fmt: skip
    ax.add_patch(box)
    ax.text(x, y, label, ha="center", va="center", size=9.5, zorder=4, linespacing=0.95)
