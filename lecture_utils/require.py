"""Input checks, one line each: what was given, what was expected, what to do."""

from collections.abc import Collection, Sequence

import torch
from torch import Tensor


def require_positive(name: str, value: int) -> None:
    """Accept a positive whole number.

    Raises:
        ValueError: it is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a positive whole number; got {value!r}")


def require_sizes(sizes: Sequence[int]) -> None:
    """Accept layer sizes: at least an input and an output width, all positive.

    Raises:
        ValueError: they are anything else.
    """
    if isinstance(sizes, str) or not isinstance(sizes, Sequence) or len(sizes) < 2:
        raise ValueError(
            f"layer_sizes needs at least two widths, input and output, such as [3, 3, 1]; "
            f"got {sizes!r}"
        )
    for place, width in enumerate(sizes):
        require_positive(f"layer_sizes[{place}]", width)


def require_choice(name: str, value: object, choices: Collection) -> None:
    """Accept one of the known choices.

    Raises:
        ValueError: it is none of them.
    """
    if value not in choices:
        known = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"unknown {name} {value!r}; choose one of {known}")


def require_input(x: Tensor, features: int) -> None:
    """Accept a batch of finite feature vectors, shape (..., features).

    Raises:
        ValueError: it is no tensor of numbers, has other features, is empty, or holds NaN or inf.
    """
    if not isinstance(x, Tensor) or not x.is_floating_point():
        given = f"a tensor of {x.dtype}" if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"the input must be a tensor of floating-point numbers; got {given}")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(
            f"the input must have shape (..., {features}), at least one row; got {tuple(x.shape)}"
        )
    if not torch.isfinite(x).all():
        bad = int((~torch.isfinite(x)).sum())
        raise ValueError(
            f"the input holds {bad} NaN or infinite of {x.numel()} values; clean the data first"
        )


def require_scale(name: str, value: float) -> None:
    """Accept a finite number that is zero or more.

    Raises:
        ValueError: it is anything else.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value < float("inf"):
        raise ValueError(f"{name} must be a finite number, zero or more; got {value!r}")


def require_rows(h: Tensor, norm: str | None) -> None:
    """Accept a batch that can be normalised over its rows.

    Raises:
        ValueError: `norm` is "batch" and there are fewer than two rows.
    """
    if norm == "batch" and (h.dim() < 2 or h.shape[-2] < 2):
        raise ValueError(f'norm="batch" needs at least two rows, (n, width); got {tuple(h.shape)}')
