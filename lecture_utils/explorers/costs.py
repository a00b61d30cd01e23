"""Notebook 12: what a model takes of a machine's memory, and of its hours."""

import ipywidgets as widgets
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lecture_utils import plots
from lecture_utils.explorers.controls import connect
from lecture_utils.practice.machines import MACHINES
from lecture_utils.practice.memory import USES, Memory, memory
from lecture_utils.practice.reading import read_config, samples
from lecture_utils.practice.report import between, fits, hours_of, size, sizes, span
from lecture_utils.require.numbers import require_choice, require_positive

_COLORS = (plots.SHORTCUT, plots.SKY, plots.GREEN, plots.ORANGE, plots.PURPLE)
_FITS = {"yes": "fits", "perhaps": "may fit", "no": "does not fit"}


def costs() -> None:
    """Explore what a use of an open model takes: memory by part, and hours as a range."""

    def draw(
        model: str, use: str, length: float, batch: float, tokens: float, machine: str
    ) -> tuple[Figure, str]:
        return draw_costs(model, use, round(length), round(batch), round(tokens), machine)

    connect(
        draw,
        model=_dropdown(samples(), "llama-3-8b", "model"),
        use=_dropdown(USES, "QLoRA", "use"),
        length=_powers(2, 9, 17, 2048, "tokens in a text"),
        batch=_powers(2, 0, 6, 1, "texts at a time"),
        tokens=_powers(10, 5, 13, 10**7, "tokens in all"),
        machine=_dropdown(MACHINES, "RTX 4090", "machine"),
    )


def draw_costs(
    model: str, use: str, length: int, batch: int, tokens: int, machine: str
) -> tuple[Figure, str]:
    """Draw the low and the high end of a use's memory, by part, beside the machine's.

    Args:
        model: the name of a sample, or what else read_config takes.
        use: one of practice.USES.
        length: tokens of a text; cut to the model's context.
        batch: texts at a time.
        tokens: read or trained on in all.
        machine: the name of one of practice.MACHINES.

    Returns:
        The figure and its alternative text.

    Raises:
        ValueError: the config is not understood, a name unknown, or a number out of range.
    """
    shape = read_config(model)
    require_positive("length", length)
    held = min(length, shape.context)
    needed = memory(shape, use, held, batch)
    require_choice("machine", machine, MACHINES)
    found = MACHINES[machine]
    taken = span(*hours_of(shape, use, found, tokens, held, batch))
    cut = f" (its context; asked {length:,})" if held < length else ""
    settings = f"{batch} x {held:,} tokens{cut}, {tokens:,} in all"
    verdict = f"{_FITS[fits(needed, found)]} on the {machine}"
    fig, ax = plots.figure(
        f"{shape.name}, {use}: {verdict}\n{sizes(needed)}, {taken}",
        f"memory, GB ({settings})",
        "end of the range",
    )
    _bars(ax, needed)
    _line(ax, machine, found.memory, needed.total[1])
    return fig, (
        f"Memory for {use} of {shape.name} with {settings}: {sizes(needed)}, which {verdict} with "
        f"its {size(found.memory)}; it takes {taken}."
    )


def _bars(ax: Axes, needed: Memory) -> None:
    """Draw one stacked bar for each end of the range."""
    left = [0.0, 0.0]
    for (name, values), color in zip(needed.parts.items(), _COLORS, strict=False):
        widths = [value / 1e9 for value in values]
        label = f"{name}, {between(*values)}"
        ax.barh([1, 0], widths, left=left, color=color, height=0.55, label=label)
        left = [at + width for at, width in zip(left, widths, strict=True)]
    ax.set(yticks=[1, 0], yticklabels=["low", "high"], ylim=(-0.5, 1.9))
    ax.grid(axis="y", visible=False)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize=9)


def _line(ax: Axes, machine: str, memory: float, most: float) -> None:
    """Draw the machine's memory, with its name on the side of the line that has room."""
    ax.axvline(memory / 1e9, color=plots.PLAIN, linestyle="--")
    ax.set_xlim(0, 1.12 * max(memory, most) / 1e9)
    right = memory / 1e9 < ax.get_xlim()[1] / 2
    said = size(memory)
    ax.annotate(
        machine if said in machine else f"{machine}, {said}", (memory / 1e9, 1.62),
        xytext=(4 if right else -4, 0), textcoords="offset points", va="center",
        ha="left" if right else "right", color=plots.ink(plots.PLAIN), weight="bold", size=9.5,
    )  # fmt: skip


def _dropdown(names: object, value: str, description: str) -> widgets.Dropdown:
    return widgets.Dropdown(options=list(names), value=value, description=description)


def _powers(base: int, low: int, high: int, value: int, description: str) -> widgets.FloatLogSlider:
    """A slider over base**low, … base**high."""
    return widgets.FloatLogSlider(
        value=value, base=base, min=low, max=high, step=1, readout_format=",.0f",
        description=description,
    )  # fmt: skip
