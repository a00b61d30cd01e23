"""Checks of vectors, and of functions that multiply one by a symmetric matrix (notebook 05)."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lecture_utils.require.numbers import require_seed
from lecture_utils.require.tensors import (
    describe,
    require_callable,
    require_real,
    require_whole,
)

MOST_ROWS = 10**8


def require_lanczos(product: Callable[[Tensor], Tensor], size: int, steps: int) -> None:
    """Accept a function, a matrix's size and a number of steps.

    Raises:
        ValueError: they are anything else.
    """
    require_callable("product", product)
    require_whole("size", size, 1)
    require_whole("size", size, 1, MOST_ROWS)
    require_whole("steps", steps, 1)


def require_start(name: str, v: Tensor) -> None:
    """Accept a vector of finite floating-point numbers, not all 0.

    Raises:
        ValueError: it is anything else.
    """
    require_real(name, v)
    if v.dim() != 1 or not v.is_floating_point() or not v.isfinite().all() or not v.any():
        raise ValueError(
            f"{name} must be a vector (P,) of finite floating-point numbers, not all 0; got "
            f"{describe(v)}"
        )


def require_maps(product: Callable[[Tensor], Tensor], v: Tensor) -> None:
    """Accept a function that maps v to a vector of its shape and type.

    Raises:
        ValueError: it is anything else.
    """
    require_callable("product", product)
    require_product(product(v), v)


def require_product(w: Tensor, v: Tensor) -> None:
    """Accept w as the product of a matrix with v: as v in shape, type and place, and finite.

    Raises:
        ValueError: it is anything else.
    """
    same = isinstance(w, Tensor) and (w.shape, w.dtype, w.device) == (v.shape, v.dtype, v.device)
    if not same:
        raise ValueError(f"product must map {describe(v)} to its like; it returned {describe(w)}")
    if not w.isfinite().all():
        bad = int((~w.isfinite()).sum())
        raise ValueError(f"the product holds {bad} NaN or infinite of {w.numel()} values")


def require_symmetric(along: Tensor, b: Sequence[Tensor]) -> None:
    """Accept products of a symmetric matrix H: by it, q_i · H q_j is q_j · H q_i.

    Args:
        along: (k,), the last product H q_k along each q so far.
        b: k - 1 lengths of what H q_1 … H q_{k-1} had beyond the q before.

    Raises:
        ValueError: it is another matrix's, or the product is not always the same.
    """
    if not b:
        return
    expected = torch.zeros_like(along)
    expected[-2], expected[-1] = b[-1], along[-1]
    scale = max(along.abs().max(), *b)
    if (along - expected).abs().max() > 0.02 * scale:
        raise ValueError(
            f"the product is not that of a symmetric matrix: one way it is {b[-1]:.3g}, the other "
            f"way {along[-2]:.3g}. Does it draw random numbers, or lack a transpose?"
        )


def require_vector(v: Tensor, g: Tensor) -> None:
    """Accept a vector as the gradient g is: of its shape, its type and in its place.

    Raises:
        ValueError: it is anything else.
    """
    same = isinstance(v, Tensor) and (v.shape, v.dtype, v.device) == (g.shape, g.dtype, g.device)
    if not same or v.layout != torch.strided:
        raise ValueError(
            f"v must be {describe(g)}, as the net's weights are; got {describe(v)}. To Lanczos "
            f"give lambda v: H(v.to({g.dtype})).float(), with .to(device) where they differ"
        )


def require_unchanged(g: Tensor, weights: Sequence[Tensor]) -> None:
    """Remember the weights at which the gradient g was taken; accept no others later.

    Raises:
        ValueError: a weight was changed since.
    """
    versions = [p._version for p in weights]
    if not hasattr(g, "versions"):
        g.versions = versions
    if versions != g.versions:
        raise ValueError(
            "the weights have changed since this product was prepared: call hessian_product again"
        )


def require_plain_seed(seed: int) -> None:
    """Accept a seed in Python's own whole numbers, as a generator takes them.

    Raises:
        ValueError: it is anything else, NumPy's whole numbers included.
    """
    require_seed(seed)
    if not isinstance(seed, int):
        raise ValueError(f"seed must be Python's own whole number: int(seed); got {describe(seed)}")
