"""Notebook 06: three tokens with two numbers each, their weights and their weighted means."""

import ipywidgets as widgets
import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from lecture_utils import plots
from lecture_utils.explorers.controls import connect
from lecture_utils.heads import table
from lecture_utils.require.drawing import numbers, require_text, require_texts
from lecture_utils.require.tensors import require_whole


def three_tokens(
    x: Tensor,
    names: tuple[str, ...],
    row: int = 1,
    start: tuple[float, float] | None = None,
) -> None:
    """Move one token in the plane, and see all weights and where its weighted mean lies.

    Args:
        x: the tokens, shape (time, 2); each is its own query, key and value.
        names: one per token.
        row: which token the controls move.
        start: where it is at first, two numbers from 0 to 3; None leaves it where it is in x.

    Raises:
        ValueError: x is no finite (time, 2), or names, row or start do not fit it.
    """
    x, names = _tokens(x, names, row)
    place = x[row].tolist() if start is None else numbers("start", start, 1, finite=True).tolist()
    if len(place) != 2 or not all(0 <= number <= 3 for number in place):
        raise ValueError(f"the token starts at two numbers from 0 to 3; got {place}")

    def draw(water: float, money: float) -> tuple[Figure, str]:
        moved = x.clone()
        moved[row] = torch.tensor([water, money])
        title = f"{names[row]} = ({water:g}, {money:g})"
        fig, weights, new = draw_attention(moved, names, title, row)
        shares = ", ".join(f"{w:.2f} of {name}" for w, name in zip(weights, names, strict=True))
        return fig, (
            f"Weights as a table, and the tokens as arrows: {names[row]} = ({water:g}, {money:g}) "
            f"takes {shares} and becomes ({new[0]:z.2f}, {new[1]:z.2f})."
        )

    connect(draw, **{
        name: widgets.FloatSlider(
            value=float(place[k]), min=0.0, max=3.0, step=0.25,
            description=f"{names[row]}: {name}",
        )
        for k, name in enumerate(("water", "money"))
    })  # fmt: skip


def draw_attention(
    x: Tensor, names: tuple[str, ...], title: str, row: int = 1
) -> tuple[Figure, Tensor, Tensor]:
    """Draw the weights softmax(x xᵀ) as a table, and one token's weighted mean in the plane.

    Args:
        x: the tokens, shape (time, 2).
        names: one per token.
        title: the finding, one sentence.
        row: whose mean is drawn.

    Returns:
        The figure, that token's weights (time,) and its weighted mean (2,).

    Raises:
        ValueError: x is no finite (time, 2), or names, title or row do not fit it.
    """
    x, names = _tokens(x, names, row)
    require_text("title", title)
    fig, axes = plt.subplots(1, 2, figsize=(8.2, 3.7), layout="constrained", width_ratios=(1, 1.35))
    weights = (x @ x.T).softmax(dim=1)
    table(axes[0], weights, names, names)
    axes[0].set(title="weights", xlabel="key: who is read", ylabel="query: who reads")
    new = weights[row] @ x
    for token, name, weight in zip(x, names, weights[row], strict=True):
        thick = {"linewidth": 12 * weight.item(), "alpha": 0.35, "zorder": 1}
        axes[1].plot(*torch.stack([new, token]).T, color=plots.GREEN, **thick)
        _arrow(axes[1], token, name, plots.THEORY)
    _arrow(axes[1], new, f"new {names[row]}", plots.GREEN)
    axes[1].set(title="the vectors", xlabel="water", ylabel="money", aspect="equal")
    axes[1].set(xlim=(-0.4, 3.9), ylim=(-0.5, 3.4), xticks=range(4), yticks=range(4))
    note = "bands: the weights"
    axes[1].text(3.8, 3.2, note, color=plots.ink(plots.GREEN), ha="right", va="top", size=9.5)
    fig.suptitle(title, x=0.01, ha="left", weight="bold", size=12)
    return fig, weights[row], new


def _tokens(x: Tensor, names: tuple[str, ...], row: int) -> tuple[Tensor, tuple[str, ...]]:
    """Accept tokens of two numbers, a name for each, and the place of one of them."""
    found = numbers("x", x, 2, finite=True)
    if found.shape[1] != 2 or abs(found).max() > 1e6:
        raise ValueError(f"x must have shape (time, 2), each number below 1e6; got {found.shape}")
    require_whole("row", row, 0, len(found) - 1)
    return torch.from_numpy(found).float(), tuple(require_texts("names", names, len(found)))


def _arrow(ax: Axes, tip: Tensor, label: str, color: str) -> None:
    """Draw an arrow from the origin to its tip, and write its label beyond the tip."""
    u, v = tip.tolist()
    long = abs(u) + abs(v) > 0.1
    if long:
        style = {"arrowstyle": "-|>", "color": color, "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (u, v), (0, 0), arrowprops=style)
    else:
        ax.plot(u, v, "o", color=color)
    ax.annotate(
        label, (u, v), xytext=(4, 5 if v >= 0 and long else -13), textcoords="offset points",
        color=plots.ink(color), weight="bold", size=9.5,
    )  # fmt: skip
