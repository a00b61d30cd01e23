"""Input checks, one line each: what was given, what was expected, what to do."""

from collections.abc import Collection, Sequence
from itertools import pairwise
from math import inf, isqrt
from numbers import Integral, Rational, Real

import numpy as np
from torch import Tensor

MOST = 10**9  # a size above it fits no computer that reads this course
MOST_BLOCKS = 100_000
MOST_WEIGHTS = 10**11  # 400 GB in float32
SEEDS = (-(2**63), 2**64 - 1)  # what torch.Generator takes


def is_whole(value: object) -> bool:
    """Tell whether it is a whole number, Python's or NumPy's; a bool is none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Tell whether it is a number that PyTorch computes with; a bool is none, nor a fraction."""
    fraction = isinstance(value, Rational) and not isinstance(value, Integral)
    return isinstance(value, Real) and not isinstance(value, bool) and not fraction


def given(value: object) -> str:
    """Return what kind of thing was given, as a message names it."""
    return f"a tensor of {value.dtype}" if isinstance(value, Tensor) else type(value).__name__


def holds(condition: Tensor) -> bool:
    """Return a condition's value; False for the members of torch.vmap, which have no one value."""
    try:
        if condition:  # no bool(): torch.compile would warn
            return True
    except RuntimeError:
        pass
    return False


def shown(value: object) -> str:
    """Return a value as a message shows it, in one short line."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a number of 5,000 digits, or a class whose repr fails
        text = f"a {type(value).__name__} that cannot be printed"
    return text if len(text) <= 80 else f"{text[:77]}..."


def require_positive(name: str, value: int, most: int = MOST) -> None:
    """Accept a positive whole number, up to `most`.

    Raises:
        ValueError: it is anything else.
    """
    if not is_whole(value) or value < 1:
        raise ValueError(f"{name} must be a positive whole number; got {shown(value)}")
    if value > most:
        raise ValueError(f"{name} must be at most {most:,}; got {shown(value)}")


def require_even(name: str, value: int) -> None:
    """Accept an even number.

    Raises:
        ValueError: it is odd, or no whole number.
    """
    if not is_whole(value) or value % 2:
        raise ValueError(f"{name} must be even, since neurons come in pairs; got {shown(value)}")


def require_sizes(sizes: Sequence[int]) -> None:
    """Accept layer sizes: at least an input and an output width, all positive.

    Raises:
        ValueError: they are anything else.
    """
    listed = isinstance(sizes, Sequence) and not isinstance(sizes, (str, bytes, bytearray))
    listed = listed or (isinstance(sizes, np.ndarray) and sizes.ndim == 1)
    if not listed or len(sizes) < 2:
        raise ValueError(
            f"layer_sizes needs at least two widths, input and output, such as [3, 3, 1]; "
            f"got {shown(sizes)}"
        )
    for place, width in enumerate(sizes):
        require_positive(f"layer_sizes[{place}]", width)
    widths = [int(width) for width in sizes]
    require_room(sum(a * b for a, b in pairwise(widths)))


def require_room(weights: int) -> None:
    """Accept a number of weights that a computer can hold.

    Raises:
        ValueError: there are more than 100 billion.
    """
    if weights > MOST_WEIGHTS:
        raise ValueError(
            f"these sizes make {weights:,} weights, more than a computer holds; choose a smaller "
            f"width or depth"
        )


def require_choice(name: str, value: object, choices: Collection) -> None:
    """Accept one of the known choices, words or None.

    Raises:
        ValueError: it is none of them.
    """
    if not (value is None or isinstance(value, str)) or value not in choices:
        known = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"unknown {name} {shown(value)}; choose one of {known}")


def require_flag(name: str, value: bool) -> None:
    """Accept True or False, Python's or NumPy's.

    Raises:
        ValueError: it is anything else, such as the word "False", which Python takes for true.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False; got {shown(value)}")


def require_scale(name: str, value: float) -> None:
    """Accept a finite number that is zero or more.

    Raises:
        ValueError: it is anything else.
    """
    huge = is_whole(value) and value > 10**300  # larger than a float
    if not is_number(value) or huge or not 0 <= value < inf:
        raise ValueError(f"{name} must be a finite number, zero or more; got {shown(value)}")


def require_share(name: str, value: float) -> None:
    """Accept a share of a whole, such as dropout: from 0 to just below 1.

    Raises:
        ValueError: it is anything else.
    """
    if not is_number(value) or not 0 <= value < 1:
        raise ValueError(f"{name} must be from 0 to below 1; got {shown(value)}")


def require_seed(seed: int) -> None:
    """Accept a seed: a whole number that fits PyTorch's generators.

    Raises:
        ValueError: it is anything else.
    """
    if not is_whole(seed):
        raise ValueError(f"seed must be a whole number, such as 0; got {shown(seed)}")
    low, high = SEEDS
    if not low <= seed <= high:
        raise ValueError(f"seed must be from -2**63 to 2**64 - 1; got {shown(seed)}")


def require_heads(dim: int, num_heads: int) -> None:
    """Accept a width that splits evenly over the heads.

    Raises:
        ValueError: it does not, or either is no positive whole number.
    """
    require_positive("dim", dim)
    require_positive("num_heads", num_heads)
    if dim % num_heads:
        small = [n for n in range(1, isqrt(dim) + 1) if dim % n == 0]
        fitting = ", ".join(str(n) for n in sorted({*small, *(dim // n for n in small)}))
        raise ValueError(
            f"dim {dim} cannot be shared evenly by {num_heads} heads; "
            f"num_heads must be one of {fitting}"
        )
