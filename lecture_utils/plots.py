"""One style, one palette, one way out for a figure."""

import io
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from lecture_utils.require.drawing import (
    inches,
    numbers,
    require_color,
    require_figure,
    require_line,
)
from lecture_utils.require.numbers import require_choice
from lecture_utils.require.tensors import require_whole

# Okabe & Ito's colours, which colour-blind readers can tell apart; one meaning each.
PLAIN = "#D55E00"  # vermilion: no shortcut
SHORTCUT = "#0072B2"  # blue: with shortcut
THEORY = "#444444"  # dark grey, dotted: what the formula says
GREEN, ORANGE, PURPLE, SKY = "#009E73", "#E69F00", "#CC79A7", "#56B4E9"
OTHERS = (GREEN, PURPLE, ORANGE, SKY)  # for anything that is neither plain nor shortcut
PLACEMENTS = {
    "post": (PURPLE, "--"),
    "pre": (SHORTCUT, "-"),
    "sandwich": (GREEN, "-."),
}  # colour and line style of each place for the norm

STYLE = {
    "figure.figsize": (6.4, 3.6),
    "figure.dpi": 90,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.titlesize": 11,
    "axes.labelsize": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "font.size": 10.5,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
}


def use_style() -> None:
    """Make the course's style matplotlib's default in this process."""
    plt.rcParams.update(STYLE)


def figure(
    title: str,
    xlabel: str,
    ylabel: str,
    *,
    columns: int = 1,
    yscale: str = "linear",
    size: tuple[float, float] | None = None,
) -> tuple[Figure, Axes | np.ndarray]:
    """Start a figure whose title states the finding.

    Args:
        title: the finding, one sentence, above all columns.
        xlabel: name and unit, the same for every column.
        ylabel: name and unit, on the first column.
        columns: number of panels side by side; they share the y axis.
        yscale: "linear" or "log".
        size: width and height in inches; 6.4 x 3.6, or wider with several columns.

    Returns:
        The figure and its axes: one `Axes`, or an array of them with `columns` > 1.

    Raises:
        ValueError: the title or a label is empty or no text, `columns` is not from 1 to 12,
            `yscale` is unknown, or `size` is no size.
    """
    for text in (title, xlabel, ylabel):
        if not isinstance(text, str) or not text:
            raise ValueError(
                f"figure() needs a title that states the finding, and both axis labels, as texts; "
                f"got {text!r}"
            )
    require_whole("columns", columns, 1, 12)
    require_choice("yscale", yscale, ("linear", "log"))
    size = inches(size) if size is not None else (6.4 if columns == 1 else 8.6, 3.6)
    fig, axes = plt.subplots(1, columns, figsize=size, layout="constrained", sharey=True)
    for ax in np.atleast_1d(axes):
        ax.set(xlabel=xlabel, yscale=yscale)
    np.atleast_1d(axes)[0].set_ylabel(ylabel)
    fig.suptitle(title, x=0.01, ha="left", weight="bold", size=12)
    return fig, axes


def ink(color: str) -> tuple[float, float, float]:
    """Darken a palette colour until text in it has a contrast of 4.5 : 1 on white (WCAG AA).

    Raises:
        ValueError: it is no colour.
    """
    require_color(color)
    rgb = np.array(to_rgb(color))

    def luminance(c: np.ndarray) -> float:
        linear = np.where(c <= 0.03928, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    while 1.05 / (luminance(rgb) + 0.05) < 4.5:
        rgb = rgb * 0.95
    return tuple(rgb)


def line(ax: Axes, x: Sequence, y: Sequence, label: str, color: str, linestyle: str = "-") -> None:
    """Draw one line, labelled directly at its right-hand end.

    Args:
        ax: where to draw.
        x: finite numbers, shape (points,).
        y: shape (points,); what is not finite leaves a gap.
        label: stands at the line's right-hand end; "" for none.
        color: a colour of the palette.
        linestyle: pre-norm solid, post-norm dashed, theory dotted.

    Raises:
        ValueError: x or y are no real numbers or differ in length, or another argument is wrong.
    """
    require_line(ax, label, color, linestyle)
    x, y = numbers("x", x, 1, finite=True), numbers("y", y, 1)
    if x.shape != y.shape:
        raise ValueError(f"x and y must have the same length; got {x.shape} and {y.shape}")
    ax.plot(x, y, color=color, linestyle=linestyle)
    if (x == x.round()).all() and ax.get_xscale() == "linear":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    known = np.isfinite(y)
    if label and known.any():
        last = np.flatnonzero(known)[np.argmax(x[known])]
        ax.annotate(
            label, (x[last], y[last]), xytext=(6, 0), textcoords="offset points",
            va="center", color=ink(color), weight="bold", size=9.5, gid="end-label",
            annotation_clip=False,
        )  # fmt: skip


def band(
    ax: Axes, x: Sequence, values: Sequence, label: str, color: str, linestyle: str = "-"
) -> None:
    """Draw the median over seeds as a line and the range from lowest to highest as a band.

    Args:
        ax: where to draw.
        x: shape (points,).
        values: shape (seeds, points); values that are not finite are left out of median and band.
        label: stands at the line's right-hand end.
        color: a colour of the palette.
        linestyle: pre-norm solid, post-norm dashed, theory dotted.

    Raises:
        ValueError: the shapes do not fit, or x is not finite, or another argument is wrong.
    """
    require_line(ax, label, color, linestyle)
    x, values = numbers("x", x, 1, finite=True), numbers("values", values, 2)
    if values.shape[1] != len(x):
        raise ValueError(
            f"values must have shape (seeds, {len(x)}), one column for each x; got {values.shape}"
        )
    values = np.where(np.isfinite(values), values, np.nan)
    seen = ~np.isnan(values).all(axis=0)  # points at which at least one seed is finite
    if not seen.any():
        return
    x, values = x[seen], values[:, seen]
    ax.fill_between(
        x, np.nanmin(values, 0), np.nanmax(values, 0), color=color, alpha=0.2, linewidth=0
    )
    line(ax, x, np.nanmedian(values, axis=0), label, color, linestyle)


def _part_labels(fig: Figure, gap: float = 13.0) -> None:
    """Move the labels at line ends apart, upwards, until none overlaps; `gap` points a line."""
    scale = 72 / fig.dpi
    for ax in fig.axes:
        labels = [t for t in ax.texts if t.get_gid() == "end-label"]
        heights = {t: float(ax.transData.transform(t.xy)[1]) * scale for t in labels}
        top = -np.inf
        for label in sorted(labels, key=heights.get):
            half = gap * (label.get_text().count("\n") + 1) / 2
            place = max(heights[label], top + half)
            label.set_position((6, place - heights[label]))
            top = place + half


def picture(fig: Figure, alt: str) -> tuple[dict, dict]:
    """Turn a figure into what Jupyter displays: data and metadata. Closes the figure.

    The picture has twice the pixels of the size at which it is shown, for projectors and sharp
    screens, and 256 colours, which keeps it small.

    Raises:
        ValueError: `fig` is no figure, cannot be drawn, or `alt` is not a sentence.
    """
    require_figure(fig)
    if not isinstance(alt, str) or len(alt.split()) < 6 or not alt.rstrip().endswith("."):
        raise ValueError(
            f"alt must be a sentence that says what the figure shows, with the numbers that "
            f"matter, for readers who cannot see it; got {alt!r}"
        )
    width, dpi = round(fig.get_figwidth() * fig.dpi), fig.dpi
    canvas = FigureCanvasAgg(fig)  # a closed figure has none
    fig.set_dpi(2 * dpi)
    try:
        canvas.draw()
        _part_labels(fig)
        canvas.draw()
        pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    except ValueError as error:  # a formula that matplotlib does not understand
        said = " ".join(str(error).split())
        raise ValueError(f"the figure cannot be drawn: look at its formulas ({said})") from error
    finally:
        fig.set_dpi(dpi)  # the same picture if it is shown again
    buffer = io.BytesIO()
    pixels.quantize(256, dither=Image.Dither.NONE).save(buffer, format="png")
    plt.close(fig)
    shown = {"image/png": {"alt": alt, "width": width}}
    return {"image/png": buffer.getvalue(), "text/plain": alt}, shown


def show(fig: Figure, alt: str) -> None:
    """Display a figure together with the sentence that says what it shows.

    Args:
        fig: the figure; it is closed.
        alt: the alternative text, a sentence with computed numbers in it. It is stored beside
            the picture, so a changed result changes the text, which the tests compare.

    Raises:
        ValueError: `fig` is no figure, or `alt` is not a sentence.
    """
    data, metadata = picture(fig, alt)
    display(data, metadata=metadata, raw=True)
