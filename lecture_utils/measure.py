"""A number over many seeds: its median, its spread, and how many seeds went wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from lecture_utils.require.numbers import is_number
from lecture_utils.require.tensors import describe, require_real


@dataclass(frozen=True)
class Spread:
    """Median, lowest and highest of the finite values, and how many values were not finite."""

    median: float
    low: float
    high: float
    n: int
    nonfinite: int

    def __str__(self) -> str:
        """Say it in words, with three significant digits."""
        words = f"median {self.median:.3g}, from {self.low:.3g} to {self.high:.3g}"
        words += f" over {self.n} seeds"
        if self.nonfinite:
            words += f" ({self.nonfinite} of them not finite, left out)"
        return words


def spread(values: Iterable[float] | Tensor) -> Spread:
    """Summarise one number per seed.

    Args:
        values: one number per seed, any shape: a tensor, or numbers of Python, NumPy or PyTorch.
            NaN and infinite values are counted apart: a plain `min` or `median` would hide them.

    Raises:
        ValueError: no value was given, or one that is no real number (a bool is none).
    """
    flat = _numbers(values)
    if len(flat) == 0:
        raise ValueError("spread() was given no values; it needs at least one number per seed")
    finite = flat[flat.isfinite()].sort().values
    lost = len(flat) - len(finite)
    if len(finite) == 0:
        return Spread(float("nan"), float("nan"), float("nan"), len(flat), lost)
    middle = finite[[(len(finite) - 1) // 2, len(finite) // 2]]
    median = middle.quantile(0.5).item()
    return Spread(median, finite[0].item(), finite[-1].item(), len(flat), lost)


def _numbers(values: Iterable[float] | Tensor) -> Tensor:
    """Turn what `spread` was given into a flat tensor of float64."""
    if isinstance(values, Tensor):
        require_real("values", values)
        return values.detach().cpu().to(torch.float64).flatten()
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise ValueError(f"spread() needs one number per seed, in a list; got {describe(values)}")
    return torch.tensor([_number(value) for value in values], dtype=torch.float64)


def _number(value: object) -> float:
    if isinstance(value, Tensor) and value.numel() == 1:
        require_real("a value", value)
        return value.item()
    if not is_number(value):
        raise ValueError(f"spread() needs one real number per seed; one is {describe(value)}")
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError(f"a value is too large for a float: {describe(value)}") from error


def report(label: str, values: Iterable[float] | Tensor) -> None:
    """Print one line: the label and the spread of the values over seeds.

    Raises:
        ValueError: as `spread`, or the label is no text.
    """
    if not isinstance(label, str):
        raise ValueError(f"the label comes first and must be text; got {describe(label)}")
    print(f"{label}: {spread(values)}")


def slope(x: Tensor, y: Tensor) -> Tensor:
    """Least-squares slope of y against x, for each row of y.

    Args:
        x: shape (points,), finite, at least two different values.
        y: shape (..., points), same number of points. A row that is not all finite has a slope
            that is not finite.

    Returns:
        Shape (...), in units of y per unit of x, in float64.

    Raises:
        ValueError: fewer than two points, shapes that do not fit, no real numbers, or an x
            whose values are all the same or not finite.
    """
    require_real("x", x)
    require_real("y", y)
    if x.dim() != 1 or len(x) < 2 or y.dim() == 0 or y.shape[-1] != len(x):
        raise ValueError(
            f"slope() needs x of shape (points,) with at least 2 points and y of shape "
            f"(..., points); got {tuple(x.shape)} and {tuple(y.shape)}"
        )
    if x.device != y.device:
        raise ValueError(f"x is on {x.device} but y on {y.device}: move one of them")
    x, y = x.to(torch.float64), y.to(torch.float64)
    centred = x - x.mean()
    span = centred.abs().max()
    if not span.isfinite():
        raise ValueError("slope() needs an x of finite numbers, none above about 1e300")
    if (x == x[0]).all() or span == 0:
        raise ValueError(f"all values of x are {x[0].item():g}: a slope needs two that differ")
    centred = centred / span  # squares of tiny numbers would be 0
    return (y * centred).sum(-1) / centred.square().sum() / span
