"""Notebook 07: length of the stream and distance of its tokens, in fresh twins of a GPT."""

from collections.abc import Callable

import ipywidgets as widgets
import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor

from lecture_utils import plots
from lecture_utils.explorers.controls import connect

_TWINS = ((True, "with shortcuts", plots.SHORTCUT), (False, "without", plots.PLAIN))
_SEEDS = range(3)
_SMALLEST = 1e-16  # rounding of float64; smaller distances are drawn here


def gpt_stream(signs: Callable) -> None:
    """Explore what depth, width, norm and starting weights do to the stream of both twins.

    Args:
        signs: the notebook's function (depth, dim, norm, use_shortcut, std, seed) that returns
            the stream's length relative to x_0, and the distance of its tokens, each (depth + 1,).
    """

    def draw(depth: int, dim: int, norm: str, std: float) -> tuple[Figure, str]:
        found = {}
        for use_shortcut, _, _ in _TWINS:
            options = {"dim": dim, "norm": norm, "use_shortcut": use_shortcut, "std": std}
            runs = [signs(depth, seed=seed, **options) for seed in _SEEDS]
            found[use_shortcut] = tuple(torch.stack(values) for values in zip(*runs, strict=True))
        return _picture(found, "--" if norm == "post" else "-", f"{depth} blocks of width {dim}, "
                        f"{norm}-norm, weights {std:g}")  # fmt: skip

    connect(
        draw,
        depth=widgets.IntSlider(value=12, min=1, max=24, description="blocks"),
        dim=widgets.Dropdown(options=[16, 32, 64], value=64, description="width"),
        norm=widgets.Dropdown(options=["pre", "post", "sandwich"], description="norm"),
        std=widgets.Dropdown(
            options=[0.005, 0.02, 0.05, 0.1, 0.2], value=0.02, description="weights"
        ),
    )


def _picture(
    found: dict[bool, tuple[Tensor, Tensor]], linestyle: str, settings: str
) -> tuple[Figure, str]:
    """Draw both signs, one panel each; a twin's three seeds are a band."""
    apart = {use_shortcut: signs[1].median(0).values[-1] for use_shortcut, signs in found.items()}
    fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.4), layout="constrained")
    for use_shortcut, name, color in _TWINS:
        length, distance = found[use_shortcut]
        blocks = range(length.shape[1])
        plots.band(axes[0], blocks, length, name, color, linestyle)
        plots.band(axes[1], blocks, distance.clamp(min=_SMALLEST), name, color, linestyle)
    axes[0].set(ylabel="length of $x_l$ / length of $x_0$", yscale="log", xlabel="block")
    axes[1].set(ylabel="distance of the tokens, r", yscale="log", xlabel="block", ylim=(1e-17, 9))
    shown = {use_shortcut: f"{value:.1g}" for use_shortcut, value in apart.items()}
    title = f"Tokens at the end: {shown[True]} apart with shortcuts, {shown[False]} without"
    fig.suptitle(f"{title}\n{settings}", x=0.01, ha="left", weight="bold", size=11)
    return fig, (
        f"Two panels along {settings}: length of the stream and distance of its tokens, 3 seeds. "
        f"At the end the tokens are {shown[True]} apart with shortcuts, {shown[False]} without."
    )
