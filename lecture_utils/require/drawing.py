"""Checks of what is drawn: texts, colours, axes, numbers; each says what was given and expected."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import is_color_like
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor

from lecture_utils.require.numbers import is_number, shown
from lecture_utils.require.tensors import describe, require_real

_DASHES = tuple(Line2D.lineStyles)  # "-", "--", "-.", ":" and their names


def require_text(name: str, value: str, *, some: bool = True) -> None:
    """Accept a text; with `some`, not the empty one.

    Raises:
        ValueError: it is anything else.
    """
    if not isinstance(value, str) or (some and not value):
        raise ValueError(f"{name} must be a text in quotes; got {shown(value)}")


def require_texts(name: str, values: Sequence[str], count: int | None = None) -> list[str]:
    """Accept a list of texts, one or more, or as many as are counted; return it as a list.

    Raises:
        ValueError: it is a single text, or no list, or of another length.
    """
    single = isinstance(values, (str, bytes, Tensor)) or not hasattr(values, "__iter__")
    found = [] if single else list(values)
    if not found or any(not isinstance(value, str) for value in found):
        raise ValueError(f'{name} must be a list of texts, such as ["a", "b"]; got {shown(values)}')
    if count is not None and len(found) != count:
        raise ValueError(f"{name} must have {count} texts, one for each; got {len(found)}")
    return found


def require_color(color: str | tuple) -> None:
    """Accept a colour that matplotlib knows.

    Raises:
        ValueError: it is anything else.
    """
    if not is_color_like(color) or str(color).lower() == "none":
        raise ValueError(
            f"color must be a colour, such as plots.SHORTCUT or '#0072B2'; got {shown(color)}"
        )


def require_style(linestyle: str) -> None:
    """Accept a line style, such as "-" or "--".

    Raises:
        ValueError: it is anything else.
    """
    if not isinstance(linestyle, str) or linestyle not in _DASHES:
        raise ValueError(f'linestyle must be one of "-", "--", "-.", ":"; got {shown(linestyle)}')


def require_axes(ax: Axes) -> None:
    """Accept the axes of a figure.

    Raises:
        ValueError: it is anything else, such as the array that several columns give.
    """
    if not isinstance(ax, Axes):
        raise ValueError(f"ax must be one Axes of a figure, such as axes[0]; got {shown(ax)}")


def require_figure(fig: Figure) -> None:
    """Accept a figure.

    Raises:
        ValueError: it is anything else.
    """
    if not isinstance(fig, Figure):
        raise ValueError(
            f"fig must be a figure, the first that plots.figure returns; got {shown(fig)}"
        )


def require_keys(name: str, values: Mapping, keys: Sequence[str] = ()) -> None:
    """Accept a dictionary with at least one entry, and with all the keys that are asked for.

    Raises:
        ValueError: it is anything else.
    """
    if not isinstance(values, Mapping) or not values:
        raise ValueError(f"{name} must be a dictionary, not an empty one; got {shown(values)}")
    missing = [key for key in keys if key not in values]
    if missing:
        raise ValueError(f"{name} must have the key {missing[0]!r}; it has {shown(list(values))}")


def require_finite(name: str, value: float) -> None:
    """Accept a finite number, up to 1e15.

    Raises:
        ValueError: it is anything else.
    """
    if not is_number(value) or not abs(value) < 10**15:
        raise ValueError(f"{name} must be a finite number below 1e15; got {shown(value)}")


def numbers(name: str, values: object, dims: int, *, finite: bool = False) -> np.ndarray:
    """Return real numbers as an array of float64: of a tensor, an array or a list.

    A tensor may be on any device and may require a gradient. Masked entries become NaN.

    Args:
        name: as a message calls it.
        values: the numbers.
        dims: how many axes it must have, each of them at least one long.
        finite: refuse NaN and infinity.

    Raises:
        ValueError: they are no real numbers, or have another number of axes.
    """
    array = _array(name, values)
    if array.ndim != dims or not array.size:
        axes = "one axis" if dims == 1 else f"{dims} axes"
        raise ValueError(f"{name} must have {axes}, each at least one long; got {array.shape}")
    if finite and not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise ValueError(f"{name} must be finite; {bad} of {array.size} are NaN or infinite")
    return array


def _array(name: str, values: object) -> np.ndarray:
    if isinstance(values, Tensor):
        require_real(name, values)
        return values.detach().to("cpu", torch.float64).numpy()
    if isinstance(values, np.ma.MaskedArray) and values.dtype.kind in "iuf":
        return values.astype(np.float64).filled(np.nan)
    if isinstance(values, (list, tuple)):
        values = [_array(name, part) if isinstance(part, Tensor) else part for part in values]
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError, OverflowError):  # rows of several lengths, say
        raise ValueError(
            f"{name} must be numbers in rows of one length; got {shown(values)}"
        ) from None
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be real numbers; got {describe(values)}")
    return array.astype(np.float64)


def inches(size: tuple[float, float]) -> tuple[float, float]:
    """Accept a figure's size: two numbers of inches, each from 0.5 to 50.

    Raises:
        ValueError: it is anything else.
    """
    width_height = numbers("size", size, 1, finite=True)
    if width_height.shape != (2,) or width_height.min() < 0.5 or width_height.max() > 50:
        raise ValueError(f"size must be a width and a height, 0.5 to 50 inches; got {shown(size)}")
    return tuple(width_height.tolist())


def require_line(ax: Axes, label: str, color: str, linestyle: str) -> None:
    """Accept where and how a line is drawn.

    Raises:
        ValueError: they are no axes, no text, no colour, or no line style.
    """
    require_axes(ax)
    require_text("label", label, some=False)
    require_color(color)
    require_style(linestyle)
