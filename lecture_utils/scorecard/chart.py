"""The map of the designs, and the scorecard, as figures."""

import statistics

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lecture_utils import plots
from lecture_utils.require.numbers import shown
from lecture_utils.scorecard.rows import CHANGES, ROWS
from lecture_utils.scorecard.saved import stored

AXES = {  # label, scale, limits, ticks
    "length": ("stream:\nend / start", "log", (0.09, 30), (0.1, 1, 10)),
    "gradient": ("gradient:\nstart / end", "log", (0.09, 110), (0.1, 1, 10, 100)),
    "middle": ("share of the\nmiddle block", "linear", (0, 1.2), (0, 0.5, 1)),
    "loss": ("loss, nats\n(rate 0.006)", "linear", (2.3, 2.72), (2.4, 2.6)),
    "loss, fast": ("loss, nats\n(rate 0.02)", "linear", (2.3, 2.72), (2.4, 2.6)),
}
SHOWN = ("length", "gradient", "loss", "loss, fast")
_BASE = "pre-norm"


def timeline(title: str) -> tuple[Figure, str]:
    """Draw every design at its year, grouped by what it changes.

    Args:
        title: the finding, one sentence.

    Returns:
        The figure and its alternative text.
    """
    groups = [[name for name, row in ROWS.items() if row.changes == kind] for kind in CHANGES]
    height = sum(map(len, groups)) + len(groups)
    fig, ax = plots.figure(title, "year", "what is changed", size=(6.6, 0.23 * height + 1.0))
    place = height
    for number, (kind, names) in enumerate(zip(CHANGES, groups, strict=True)):
        place -= 1
        color = (plots.SHORTCUT, *plots.OTHERS)[number]
        ax.annotate(kind, (2014.8, place), weight="bold", color=plots.ink(color), va="center")
        for name in names:
            place -= 1
            year = ROWS[name].year
            ax.plot([2014.8, year], [place, place], color="#E3E3E3", lw=0.8, zorder=0)
            ax.plot([year], [place], "o", color=color)
            side, end = (7, "left") if year < 2023 else (-7, "right")
            ax.annotate(
                name, (year, place), (side, 0), textcoords="offset points", va="center", ha=end
            )
    ax.set(xlim=(2014.6, 2026.6), ylim=(-1, height), yticks=[])
    ax.grid(False)
    told = "; ".join(
        f"{kind}: {', '.join(names)}" for kind, names in zip(CHANGES, groups, strict=True)
    )
    return fig, f"{height - len(groups)} designs from 2015 to 2026 by what they change. {told}."


def scorecard(title: str, measures: tuple[str, ...] = SHOWN) -> tuple[Figure, str]:
    """Draw what was measured of every design, median and range, beside pre-norm's median.

    Args:
        title: the finding, one sentence.
        measures: names out of AXES, one panel each.

    Returns:
        The figure and its alternative text.

    Raises:
        ValueError: a measure is unknown.
        FileNotFoundError: nothing has been measured yet.
    """
    for name in measures:
        if name not in AXES:
            raise ValueError(f"a measure is one of {', '.join(AXES)}; got {shown(name)}")
    rows = stored()["rows"]
    fig, axes = plots.figure(title, " ", "design", columns=len(measures), size=(8.6, 6.2))
    for ax, measure in zip(axes, measures, strict=True):
        _panel(ax, rows, measure)
    axes[0].set(yticks=range(len(rows)), ylabel="")
    axes[0].set_yticklabels(reversed(list(rows)), size=9.5)
    middle = {name: _median(row["loss"]) for name, row in rows.items()}
    known = {name: loss for name, loss in middle.items() if loss < float("inf")}
    best, worst = (choose(known, key=known.get) for choose in (min, max))
    return fig, (
        f"Scorecard of {len(rows)} designs, median and range over seeds. Loss after the short "
        f"training: {_BASE} {middle[_BASE]:.2f} nats, the lowest {best} {middle[best]:.2f}, the "
        f"highest {worst} {middle[worst]:.2f}."
    )


def _median(values: list[float | None]) -> float:
    """The middle of the numbers, with what diverged above all others."""
    return statistics.median(sorted(float("inf") if v is None else v for v in values))


def _panel(ax: Axes, rows: dict, measure: str) -> None:
    """Draw one measure of all designs, the first on top; what lies beyond is told at the edge."""
    label, scale, limits, ticks = AXES[measure]
    ax.axvline(_median(rows[_BASE][measure]), color=plots.THEORY, linestyle=":", lw=1)
    for place, values in enumerate(row[measure] for row in reversed(list(rows.values()))):
        known = [value for value in values if value is not None]
        lost = len(values) - len(known)
        middle = _median(values)
        told = f"{lost} of {len(values)} diverge" if lost else ""
        if limits[1] < middle < float("inf"):
            told = f"{middle:.2f} →"
        if known:
            ax.plot(
                [min(known), max(known)], [place, place], color=plots.SHORTCUT, alpha=0.45, lw=2
            )
        if middle <= limits[1]:
            ax.plot([middle], [place], "o", color=plots.SHORTCUT, ms=5)
        if told:
            ax.annotate(
                told, (0.98, place), xycoords=("axes fraction", "data"), ha="right", va="center",
                size=8, bbox={"fc": "white", "ec": "none", "pad": 1},
            )  # fmt: skip
    ax.set(xscale=scale, xlim=limits)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set_xlabel(label, size=9.5)
