"""A number over many seeds: its median, its spread, and how many seeds went wrong."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


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
        values: one number per seed, any shape. NaN and infinite values are counted apart:
            a plain `min` or `median` would hide them.

    Raises:
        ValueError: no value was given.
    """
    if not isinstance(values, Tensor):
        values = torch.tensor([float(v) for v in values], dtype=torch.float64)
    flat = values.detach().to(torch.float64).flatten()
    if len(flat) == 0:
        raise ValueError("spread() was given no values; it needs at least one number per seed")
    finite = flat[flat.isfinite()]
    lost = len(flat) - len(finite)
    if len(finite) == 0:
        return Spread(float("nan"), float("nan"), float("nan"), len(flat), lost)
    median = finite.quantile(0.5).item()
    return Spread(median, finite.min().item(), finite.max().item(), len(flat), lost)


def report(label: str, values: Iterable[float] | Tensor) -> None:
    """Print one line: the label and the spread of the values over seeds."""
    print(f"{label}: {spread(values)}")


def slope(x: Tensor, y: Tensor) -> Tensor:
    """Least-squares slope of y against x, for each row of y.

    Args:
        x: shape (points,), at least two different values.
        y: shape (..., points), same number of points.

    Returns:
        Shape (...), in units of y per unit of x, in float64.

    Raises:
        ValueError: fewer than two points, or shapes that do not fit.
    """
    x, y = x.to(torch.float64), y.to(torch.float64)
    if x.dim() != 1 or len(x) < 2 or y.shape[-1] != len(x):
        raise ValueError(
            f"slope() needs x of shape (points,) with at least 2 points and y of shape "
            f"(..., points); got {tuple(x.shape)} and {tuple(y.shape)}"
        )
    centred = x - x.mean()
    return (y * centred).sum(-1) / centred.square().sum()
