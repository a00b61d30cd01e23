"""Notebook 02: what a matrix does to all arrows of length 1."""

import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from lecture_utils import plots
from lecture_utils.explorers.controls import connect
from lecture_utils.require.drawing import numbers, require_axes, require_finite


def arrows(J: Tensor) -> None:
    """Send all gradients of length 1 back through a block with two numbers, at any strength s.

    Args:
        J: Jacobian of the branch, shape (2, 2): row = output, column = input. The block's own is
            I + s J, and a gradient g comes back as (I + s J)ᵀ g.

    Raises:
        ValueError: J is no finite (2, 2) matrix.
    """
    J = jacobian(J)

    def draw(s: float) -> tuple[Figure, str]:
        fig, ax = plots.figure(
            f"s = {s:.2f}: the circle of gradients, after one block",
            "gradient at u", "gradient at v", size=(5.4, 4.4),
        )  # fmt: skip
        longest, shortest = draw_arrows(ax, J, s)
        return fig, (
            f"A circle of arrows of length 1 and the ellipse that one block of strength {s:.2f} "
            f"makes of it: the longest arrow is {longest:.2f}, the shortest {shortest:.2f} long."
        )

    connect(
        draw,
        s=widgets.FloatSlider(
            value=0.5, min=0.0, max=1.5, step=0.05, description="strength s", readout_format=".2f"
        ),
    )


def draw_arrows(ax: Axes, J: Tensor, s: float) -> tuple[float, float]:
    """Draw the unit circle, its image under (I + s J)ᵀ, and the image's longest and shortest arrow.

    Args:
        ax: where to draw; its limits and its aspect are set.
        J: shape (2, 2).
        s: strength of the branch.

    Returns:
        The lengths of both arrows: the singular values of I + s J.

    Raises:
        ValueError: `ax` is no axes, J no finite (2, 2) matrix, or s no finite number.
    """
    require_axes(ax)
    require_finite("s", s)
    back = (torch.eye(2) + float(s) * jacobian(J)).T
    turn = torch.linspace(0, 2 * torch.pi, 361)
    circle = torch.stack([turn.cos(), turn.sin()])  # (2, 361): each column is one g
    ellipse = back @ circle
    ax.plot(*circle.numpy(), color=plots.THEORY, linestyle=":", linewidth=1.5)
    ax.plot(*ellipse.numpy(), color=plots.SHORTCUT)
    tips, lengths, _ = torch.linalg.svd(back)
    for place, name, color in ((0, "longest", plots.SHORTCUT), (1, "shortest", plots.PURPLE)):
        tip = (tips[:, place] * lengths[place]).numpy()
        tip = tip if tuple(tip.round(3)) >= (0, 0) else -tip  # to the right, of the two choices
        _arrow(ax, tip, f"{name}\n{lengths[place]:.2f}", color)
    ax.set(xlim=(-2.2, 2.6), ylim=(-2.6, 2.6), aspect="equal")
    ax.grid(visible=False)
    for set_line in (ax.axhline, ax.axvline):
        set_line(0, color="#BBBBBB", linewidth=0.8, zorder=0)
    return lengths[0].item(), lengths[1].item()


def jacobian(J: Tensor) -> Tensor:
    """Return a Jacobian of two numbers as an ordinary float32 matrix, (2, 2), on the CPU.

    Raises:
        ValueError: it is anything else.
    """
    found = numbers("J", J, 2, finite=True)
    if found.shape != (2, 2) or abs(found).max() > 1e15:
        raise ValueError(f"J must have shape (2, 2), each number below 1e15; got {found.shape}")
    return torch.from_numpy(found).float()


def _arrow(ax: Axes, tip: np.ndarray, label: str, color: str) -> None:
    """Draw an arrow from the middle to its tip, and write its label beyond the tip."""
    if np.hypot(*tip) > 0.02:
        ax.annotate(
            "", tip, (0, 0), arrowprops={"arrowstyle": "-|>", "color": color, "linewidth": 2.2}
        )
    else:
        ax.plot(0, 0, "o", color=color)
    away = tip / max(np.hypot(*tip), 1e-6)
    if np.hypot(*tip) <= 0.02:
        away = np.array([0.7, -0.7])
    ax.annotate(
        label, tip, xytext=tuple(20 * away), textcoords="offset points",
        ha="left" if away[0] > 0.3 else "center", va="center", size=9.5, weight="bold",
        color=plots.ink(color), linespacing=0.95,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
    )  # fmt: skip
