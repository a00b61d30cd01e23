"""Notebook 06: what goes up and what comes down a fresh stack, for all placements of the norm."""

from collections.abc import Callable

import ipywidgets as widgets
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from torch import Tensor

from lecture_utils import plots
from lecture_utils.explorers.controls import connect

_SMALLEST = 1e-12  # smaller gradients are drawn at the lower edge


def placements(starts: Callable) -> None:
    """Explore the stream's growth and its gradient before training.

    Args:
        starts: the notebook's function (depth, norm, seeds, gain, use_shortcut) that returns
            "stream" and "signal", each (seeds, depth + 1).
    """

    def draw(depth: int, gain: float, use_shortcut: bool) -> tuple[Figure, str]:
        found = {
            norm: starts(depth, norm, seeds=3, gain=gain, use_shortcut=use_shortcut)
            for norm in plots.PLACEMENTS
        }
        settings = f"{depth} blocks {'with' if use_shortcut else 'without'} shortcuts"
        return _picture(found, f"{settings}, weights × {gain:.1f}")

    connect(
        draw,
        depth=widgets.IntSlider(
            value=12, min=2, max=24, step=2, description="blocks", continuous_update=False
        ),
        gain=widgets.FloatSlider(
            value=1.0, min=0.5, max=2.0, step=0.1, description="weights ×",
            readout_format=".1f", continuous_update=False,
        ),
        use_shortcut=widgets.Checkbox(value=True, description="shortcuts"),
    )  # fmt: skip


def _picture(found: dict[str, dict[str, Tensor]], settings: str) -> tuple[Figure, str]:
    fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.4))
    fig.subplots_adjust(left=0.07, right=0.99, bottom=0.14, top=0.8, wspace=0.2)
    left = {}
    for norm, values in found.items():
        signal = (values["signal"] / values["signal"][:, -1:]).clamp(min=_SMALLEST)
        blocks = range(signal.shape[1])
        plots.band(axes[0], blocks, values["stream"], norm, *plots.PLACEMENTS[norm])
        plots.band(axes[1], blocks, signal, norm, *plots.PLACEMENTS[norm])
        left[norm] = signal[:, 0].median().item()
    verdicts = ", ".join(f"{norm} {value:.1g}" for norm, value in left.items())
    fig.suptitle(f"Gradient left at $h_0$: {verdicts}", x=0.01, ha="left", weight="bold", size=12)
    for ax, title in zip(axes, ("$‖h_l‖^2/d$", "gradient at $h_l$ / at $h_L$"), strict=True):
        ax.set(yscale="log", xlabel="block $l$", xlim=(0, 1.3 * blocks[-1]))
        ax.set_xticks((0, blocks[-1] // 2, blocks[-1]))
        ax.set_title(title)
        low, high = min(ax.get_ylim()[0], 0.5), max(ax.get_ylim()[1], 2)
        ax.set(ylim=(low, high * (high / low) ** 0.12))  # room for labels at the top
    ends = ", ".join(f"{n} {v['stream'][:, -1].median():.1g}" for n, v in found.items())
    return fig, (
        f"{settings}: mean square of the stream after the last block: {ends}; gradient left at "
        f"the first block's input: {verdicts}."
    )
