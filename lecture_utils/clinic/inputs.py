"""What the clinic's tests are given and what they say: decoders, sequences, True or False."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn

from lecture_utils.require.tensors import describe


def same(a: Tensor, b: Tensor) -> bool:
    """Tell whether two tensors are equal up to rounding in float64.

    Raises:
        ValueError: they are no tensors, or differ in shape or type of number.
    """
    if not (isinstance(a, Tensor) and isinstance(b, Tensor)):
        raise ValueError(f"same() compares two tensors; got {describe(a)} and {describe(b)}")
    if a.shape != b.shape or a.dtype != b.dtype or a.device != b.device:
        raise ValueError(
            f"same() compares tensors of one shape and one type of number; got {describe(a)} and "
            f"{describe(b)}"
        )
    return torch.allclose(a, b, rtol=0, atol=1e-9)


def sublayers(model: nn.Module) -> list[nn.Module]:
    """List a decoder's sublayers, the first block's attention first.

    Raises:
        ValueError: it has no blocks of attention and feed_forward.
    """
    blocks = getattr(model, "blocks", None)
    parts = ("attention", "feed_forward")
    if not isinstance(blocks, Iterable) or not all(hasattr(b, p) for b in blocks for p in parts):
        raise ValueError(f"a decoder of the clinic is expected (admit); got {describe(model)}")
    return [part for block in model.blocks for part in (block.attention, block.feed_forward)]


def require_sequences(model: nn.Module, x: Tensor) -> None:
    """Accept sequences that a decoder takes: (batch, time, dim), as many numbers as it has.

    Raises:
        ValueError: the model is no decoder of the clinic, or x has another shape or type of number.
    """
    sublayers(model)
    time, dim = model.positions.shape
    fits = isinstance(x, Tensor) and x.dim() == 3 and x.numel() and x.shape[2] == dim
    if not fits or x.shape[1] > time or x.dtype != model.positions.dtype:
        raise ValueError(
            f"x must have shape (batch, time, {dim}), time up to {time}, in the decoder's "
            f"{model.positions.dtype}; got {describe(x)}"
        )


def answer_of(test: Callable, said: object) -> bool:
    """Return what a test says; a test without a `return` says nothing.

    Raises:
        ValueError: it is neither True nor False.
    """
    if isinstance(said, Tensor) and said.dtype == torch.bool and said.numel() == 1:
        return bool(said)
    if not isinstance(said, (bool, np.bool_)):
        raise ValueError(
            f"{getattr(test, '__name__', 'the test')} must return True or False for the whole "
            f"batch; it returned {describe(said)}"
        )
    return bool(said)
