"""One picture for each property that a patient of the wiring clinic may lack."""

import math
from collections.abc import Callable, Iterable

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from lecture_utils.clinic import panels

# Kind of picture: its title, the function that draws it, the property test that asks the same.
KINDS: dict[str, tuple[str, Callable, str]] = {
    "samples": ("one sample changed", panels.samples, "samples_are_independent"),
    "tokens": ("one token changed", panels.tokens, "future_is_hidden"),
    "training": ("silent branches, training", panels.training, "dropout_spares_the_shortcut"),
    "sums": ("each branch in its block's sum", panels.shares, "sum_of_updates"),
    "shortcut": (
        "matrix of the shortcut", panels.shortcut, "jacobian_is_identity_plus_branch",
    ),
    "padding": ("attention weights", panels.padding, "padding_is_ignored"),
    "start": ("starting weights", panels.spread, "stream_writers_start_small"),
    "input": ("what is added to the input", panels.positions, "place_in_batch_is_irrelevant"),
    "blocks": ("cosine of two blocks", panels.likeness, "blocks_start_different"),
    "output": ("the output tokens", panels.output, "output_is_normalised"),
}  # fmt: skip
OF_PATIENT = {
    "A": "samples", "B": "shortcut", "C": "padding", "D": "start", "E": "input", "F": "sums",
    "G": "tokens", "H": "shortcut", "I": "blocks", "J": "training", "K": "output", "L": "start",
}  # fmt: skip


def beside(pair: Iterable[tuple[str, nn.Module]], kind: str, x: Tensor) -> tuple[Figure, str]:
    """Draw the same picture of two decoders, side by side.

    Args:
        pair: two decoders, each with its name.
        kind: a key of KINDS.
        x: sequences, (batch, time, dim).

    Returns:
        The figure and its alternative text.
    """
    title, panel, _ = KINDS[kind]
    fig, axes = plt.subplots(1, 2, figsize=(7.1, 3.5), layout="constrained")
    words = []
    for ax, (name, model) in zip(axes, pair, strict=True):
        ax.set_title(name, size=12.5, loc="left")
        words.append(f"{name}: {_drawn(panel, ax, model, x)}")
    fig.suptitle(f"{title[0].upper()}{title[1:]}", x=0.01, ha="left", weight="bold", size=13)
    return fig, f"Picture of two decoders, {title}. {'. '.join(words)}."


def ward(models: dict[str, nn.Module], x: Tensor) -> tuple[Figure, str]:
    """Draw one picture for each of up to four patients, two in a row.

    Args:
        models: letter to decoder.
        x: sequences, (batch, time, dim).

    Returns:
        The figure and its alternative text.
    """
    rows = math.ceil(len(models) / 2)
    fig, axes = plt.subplots(rows, 2, figsize=(7.1, 2.75 * rows), layout="constrained")
    words = []
    for ax, (letter, model) in zip(axes.flat, models.items(), strict=False):
        title, panel, _ = KINDS[OF_PATIENT[letter]]
        ax.set_title(f"{letter}: {title}", size=12.5, loc="left", weight="bold")
        words.append(f"{letter}, {title}: {_drawn(panel, ax, model, x)}")
    for ax in axes.flat[len(models) :]:
        ax.set_axis_off()
    return fig, f"{len(words)} pictures of patients. {'. '.join(words)}."


def _drawn(panel: Callable, ax: Axes, model: nn.Module, x: Tensor) -> str:
    """Draw a panel with numbers that can be read from afar, and return what it says."""
    with plt.rc_context({"font.size": panels.SIZE}):
        words = panel(ax, model, x)
    for label in (ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels()):
        label.set_fontsize(panels.SIZE)
    return words
