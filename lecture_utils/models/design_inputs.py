"""What a residual design of notebook 11 accepts: its branches, their order, and matrices to mix."""

from collections.abc import Sequence

from torch import Tensor, nn

from lecture_utils.models.inputs import require_branch
from lecture_utils.require.numbers import MOST_BLOCKS, is_whole, shown
from lecture_utils.require.tensors import describe


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
    """Accept branches of which the last matrices can be found: `out`, or `contract`.

    Raises:
        ValueError: a branch has neither.
    """
    for place, branch in enumerate(branches):
        if not isinstance(getattr(branch, "out", getattr(branch, "contract", None)), nn.Linear):
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
        if not isinstance(getattr(branch, "qkv", None), nn.Linear):
            raise ValueError(
                f"this design mixes the values of attention, so branches 0, 2, … must be "
                f"CausalAttention; branch {2 * place} is a {type(branch).__name__}"
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
    """Accept matrices, (..., n, n), of floating-point numbers without NaN.

    Raises:
        ValueError: they have another shape or type, or hold NaN.
    """
    known = isinstance(A, Tensor) and A.is_floating_point()
    if not known or A.dim() < 2 or A.shape[-1] != A.shape[-2] or not A.shape[-1]:
        raise ValueError(f"expected square matrices, (..., n, n); got {describe(A)}")
    if A.isnan().any():
        raise ValueError("the matrices hold NaN")
