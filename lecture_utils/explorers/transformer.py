"""Notebook 07: what comes back down a fresh stack, for all placements of the norm."""

from collections.abc import Callable

import ipywidgets as widgets
import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from lecture_utils import plots
from lecture_utils.explorers.controls import connect
from lecture_utils.require.drawing import numbers, require_keys, require_text
from lecture_utils.require.numbers import require_choice
from lecture_utils.require.tensors import require_callable

_PARTS = {"common": "common part", "differences": "differences"}
_SMALLEST = 1e-9  # smaller gradients are drawn at the lower edge


def placements(starts: Callable) -> None:
    """Explore the two parts of the gradient before training.

    Args:
        starts: the notebook's function (depth, norm, seeds, length, gain, use_shortcut) that
            returns "common" and "differences", each (seeds, depth + 1), relative to the last.

    Raises:
        ValueError: it is no function.
    """
    require_callable("starts", starts)

    def draw(depth: int, length: int, gain: float, use_shortcut: bool) -> tuple[Figure, str]:
        found = {
            norm: starts(depth, norm, seeds=2, length=length, gain=gain, use_shortcut=use_shortcut)
            for norm in plots.PLACEMENTS
        }
        settings = f"{depth} blocks {'with' if use_shortcut else 'without'} shortcuts"
        return draw_parts(found, f"{settings}, {length} tokens, weights × {gain:.1f}")

    connect(
        draw,
        depth=widgets.IntSlider(
            value=12, min=2, max=24, step=2, description="blocks", continuous_update=False
        ),
        length=widgets.IntSlider(
            value=16, min=2, max=64, step=2, description="tokens", continuous_update=False
        ),
        gain=widgets.FloatSlider(
            value=1.0, min=0.3, max=2.0, step=0.1, description="weights ×",
            readout_format=".1f", continuous_update=False,
        ),
        use_shortcut=widgets.Checkbox(value=True, description="shortcuts"),
    )  # fmt: skip


def draw_parts(found: dict[str, dict[str, Tensor]], settings: str) -> tuple[Figure, str]:
    """Draw both parts of the gradient against the block; return the figure and its sentence.

    Args:
        found: for each placement "common" and "differences", each (seeds, depth + 1).
        settings: what was measured, the beginning of the sentence.

    Raises:
        ValueError: a placement is unknown, or a part is missing or no numbers of its shape.
    """
    found = _parts(found)
    require_text("settings", settings)
    fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.5), sharey=True)
    fig.subplots_adjust(left=0.09, right=0.99, bottom=0.14, top=0.79, wspace=0.08)
    for ax, (part, title) in zip(axes, _PARTS.items(), strict=True):
        _draw_part(ax, {norm: values[part] for norm, values in found.items()})
        ax.set_title(title, loc="left")
    axes[0].set_ylabel("gradient at $h_l$ / at $h_L$")
    low, high = axes[0].get_ylim()
    axes[0].set_ylim(min(low, 0.5), max(high, 2))
    _spread_labels(axes)
    said = {
        part: ", ".join(
            f"{norm} {values[part][:, 0].quantile(0.5):.2g}" for norm, values in found.items()
        )
        for part in _PARTS
    }
    title = f"Differences left at $h_0$: {said['differences']}"
    fig.suptitle(title, x=0.01, ha="left", weight="bold", size=12)
    return fig, (
        f"{settings}: gradient at the first block's input over that at the last block's output. "
        f"Differences between tokens: {said['differences']}; common part: {said['common']}."
    )


def _parts(found: dict[str, dict[str, Tensor]]) -> dict[str, dict[str, Tensor]]:
    """Accept both parts of the gradient for each placement, all (seeds, depth + 1)."""
    require_keys("found", found)
    checked: dict[str, dict[str, Tensor]] = {}
    for norm, values in found.items():
        require_choice("placement", norm, plots.PLACEMENTS)
        require_keys(f"found[{norm!r}]", values, tuple(_PARTS))
        arrays = {p: numbers(f"found[{norm!r}][{p!r}]", values[p], 2) for p in _PARTS}
        checked[norm] = {part: torch.from_numpy(array) for part, array in arrays.items()}
    blocks = {values[part].shape[1] for values in checked.values() for part in _PARTS}
    if len(blocks) > 1 or blocks == {1}:
        raise ValueError(f"all parts must have one number of blocks, 2 or more; got {blocks}")
    return checked


def _draw_part(ax: Axes, gradients: dict[str, Tensor]) -> None:
    """Draw one part of the gradient for each placement, (seeds, depth + 1)."""
    for norm, values in gradients.items():
        blocks = range(values.shape[1])
        kept = values.clamp(min=_SMALLEST)
        plots.band(ax, blocks, kept, "", *plots.PLACEMENTS[norm])
        ax.annotate(
            norm, (0, kept[:, 0].median()), xytext=(-5, 0), textcoords="offset points",
            ha="right", va="center", color=plots.ink(plots.PLACEMENTS[norm][0]), weight="bold",
            size=9.5, gid="start-label",
        )  # fmt: skip
    ax.set(yscale="log", xlabel="block $l$", xlim=(-0.32 * blocks[-1], 1.02 * blocks[-1]))
    ax.set_xticks((0, blocks[-1] // 2, blocks[-1]))
    arrow = {"arrowstyle": "-|>", "color": plots.THEORY}
    ax.annotate("", (0.62, 1.04), (0.98, 1.04), xycoords="axes fraction", arrowprops=arrow)
    ax.annotate("backward", (0.6, 1.04), xycoords="axes fraction", ha="right", va="center",
                size=9, color=plots.THEORY)  # fmt: skip


def _spread_labels(axes: list, gap: float = 13.0) -> None:
    """Move the labels at the lines' left ends apart, upwards."""
    for ax in axes:
        scale = 72 / ax.figure.dpi
        labels = [t for t in ax.texts if t.get_gid() == "start-label"]
        heights = {t: float(ax.transData.transform(t.xy)[1]) * scale for t in labels}
        top = float("-inf")
        for label in sorted(labels, key=heights.get):
            place = max(heights[label], top + gap)
            label.set_position((-5, place - heights[label]))
            top = place
