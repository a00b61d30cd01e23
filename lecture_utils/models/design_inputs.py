"""What a residual design of notebook 11 accepts: its branches, their order, and matrices to mix."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lecture_utils.models.inputs import require_branch
from lecture_utils.require.numbers import MOST_BLOCKS, holds, is_whole, shown
from lecture_utils.require.tensors import describe

_PAIRS = (("qkv", "out"), ("expand", "contract"))  # the first and the last matrix of a branch


def require_branches(branches: Sequence[nn.Module]) -> None:
    """Accept the branches of a stack: a list of modules, none of them twice.

    Raises:
        ValueError: it is no list, is empty or too long, holds something else than modules, or the
            same module twice, which would share its weights.
    """
    if not isinstance(branches, (list, tuple, nn.ModuleList)) or not len(branches):
        raise ValueError(
            f"branches must be a list of modules, such as [attention, feed_forward] * depth, each "
            f"built anew; got {shown(branches)}"
        )
    if len(branches) > 2 * MOST_BLOCKS:
        raise ValueError(f"at most {2 * MOST_BLOCKS:,} branches; got {len(branches):,}")
    for place, branch in enumerate(branches):
        require_branch(branch)
        if not isinstance(branch, nn.Module):
            raise ValueError(f"branch {place} must be a module; got {shown(branch)}")
    if len({id(branch) for branch in branches}) < len(branches):
        raise ValueError("branches holds one module twice: its weights would be shared; build each")


def require_pairs(branches: Sequence[nn.Module]) -> None:
    """Accept branches that come in pairs: attention and feed-forward of a block.

    Raises:
        ValueError: their number is odd.
    """
    if len(branches) % 2:
        raise ValueError(
            f"this design counts in blocks of two branches, attention and feed-forward; "
            f"got {len(branches)} branches"
        )


def require_last(branches: Sequence[nn.Module]) -> None:
    """Accept branches of which the first and the last matrix can be found: the course's own.

    Raises:
        ValueError: a branch does not begin with `qkv` and `out`, or `expand` and `contract`.
    """
    for place, branch in enumerate(branches):
        if not any(_has(branch, *pair) for pair in _PAIRS):
            raise ValueError(
                f"this design chooses starting weights, so it needs the course's branches, with "
                f"`qkv` and `out` or with `expand` and `contract`; branch {place} is a "
                f"{type(branch).__name__}"
            )


def require_attention(branches: Sequence[nn.Module]) -> None:
    """Accept branches of which every second, from the first on, is the course's CausalAttention.

    Raises:
        ValueError: one is not.
    """
    for place, branch in enumerate(branches[::2]):
        if not _has(branch, *_PAIRS[0]) or not is_whole(getattr(branch, "num_heads", None)):
            raise ValueError(
                f"this design changes the values of attention, so branches 0, 2, … must be "
                f"CausalAttention; branch {2 * place} is a {type(branch).__name__}"
            )


def require_feed_forward(branches: Sequence[nn.Module]) -> None:
    """Accept branches of which every second, from the second on, is the course's FeedForward.

    Raises:
        ValueError: one is not.
    """
    for place, branch in enumerate(branches[1::2]):
        if not _has(branch, *_PAIRS[1]):
            raise ValueError(
                f"this design changes the matrices of feed-forward, so branches 1, 3, … must be "
                f"FeedForward; branch {2 * place + 1} is a {type(branch).__name__}"
            )


def _has(branch: nn.Module, first: str, last: str) -> bool:
    """Tell whether these two linear layers are the branch's first parts."""
    parts = list(branch.children())[:2]
    named = [getattr(branch, name, None) for name in (first, last)]
    return len(parts) == 2 and all(
        part is layer and isinstance(layer, nn.Linear)
        for part, layer in zip(parts, named, strict=True)
    )


def require_depths(encoder: int, decoder: int) -> None:
    """Accept numbers of blocks, of which one may be 0.

    Raises:
        ValueError: one is no whole number from 0 on, or both are 0.
    """
    for name, depth in (("encoder", encoder), ("decoder", decoder)):
        if not is_whole(depth) or not 0 <= depth <= MOST_BLOCKS:
            raise ValueError(
                f"{name} must be a number of blocks, 0 to {MOST_BLOCKS:,}; got {shown(depth)}"
            )
    if not encoder and not decoder:
        raise ValueError("a net without blocks has no constants: encoder and decoder are both 0")


def require_square(A: Tensor) -> None:
    """Accept matrices, (..., n, n), of finite numbers, none of whose rows or columns exp makes 0.

    Raises:
        ValueError: they have another shape or type, hold NaN or infinity, or a row or column is so
            far below the largest entry that exp of their difference is 0.
    """
    known = isinstance(A, Tensor) and A.is_floating_point() and A.layout == torch.strided
    if not known or A.dim() < 2 or A.shape[-1] != A.shape[-2] or not A.shape[-1]:
        raise ValueError(f"expected square matrices, (..., n, n); got {describe(A)}")
    if A.is_meta or not A.numel():
        return
    if holds(~A.isfinite().all()):
        kind = "NaN" if holds(A.isnan().any()) else "infinity"
        raise ValueError(f"the matrices hold {kind}; expected finite numbers")
    least = torch.minimum(A.amax(-1).amin(-1), A.amax(-2).amin(-1))
    apart, most = (A.amax((-2, -1)) - least).max(), -math.log(torch.finfo(A.dtype).tiny)
    if holds(apart > most):
        raise ValueError(
            f"a row or column lies {apart.item():.4g} below the largest entry; expected at most "
            f"{most:.4g} in {A.dtype}, or exp makes it 0"
        )
