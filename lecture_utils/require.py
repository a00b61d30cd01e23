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


def require_even(name: str, value: int) -> None:
    """Accept an even number.

    Raises:
        ValueError: it is odd.
    """
    if value % 2:
        raise ValueError(f"{name} must be even, since neurons come in pairs; got {value}")


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


def require_share(name: str, value: float) -> None:
    """Accept a share of a whole, such as dropout: from 0 to just below 1.

    Raises:
        ValueError: it is anything else.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value < 1:
        raise ValueError(f"{name} must be from 0 to below 1; got {value!r}")


def require_heads(dim: int, num_heads: int) -> None:
    """Accept a width that splits evenly over the heads.

    Raises:
        ValueError: it does not, or either is no positive whole number.
    """
    require_positive("dim", dim)
    require_positive("num_heads", num_heads)
    if dim % num_heads:
        fitting = ", ".join(str(n) for n in range(1, dim + 1) if dim % n == 0)
        raise ValueError(
            f"dim {dim} cannot be shared evenly by {num_heads} heads; "
            f"num_heads must be one of {fitting}"
        )


def require_sequence(x: Tensor, dim: int) -> None:
    """Accept a batch of sequences of vectors, shape (batch, time, dim).

    Raises:
        ValueError: it is no tensor of numbers, or has another shape.
    """
    if not isinstance(x, Tensor) or not x.is_floating_point():
        given = f"a tensor of {x.dtype}" if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"the input must be a tensor of floating-point numbers; got {given}")
    if x.dim() != 3 or x.shape[-1] != dim or x.numel() == 0:
        raise ValueError(
            f"the input must have shape (batch, time, {dim}), batch first; got {tuple(x.shape)}"
        )


def require_mask(mask: Tensor | None, x: Tensor) -> None:
    """Accept a key padding mask for x: boolean, (batch, time), True where a position is padding.

    Raises:
        ValueError: it has another shape or type, or a sample in which everything is padding.
    """
    if mask is None:
        return
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        given = f"a tensor of {mask.dtype}" if isinstance(mask, Tensor) else type(mask).__name__
        raise ValueError(
            f"key_padding_mask must be a tensor of booleans, True where a position is padding; "
            f"got {given}"
        )
    if mask.shape != x.shape[:2]:
        raise ValueError(
            f"key_padding_mask must have shape (batch, time) = {tuple(x.shape[:2])}; "
            f"got {tuple(mask.shape)}"
        )
    if mask.all(-1).any():
        empty = int(mask.all(-1).nonzero()[0])
        raise ValueError(
            f"key_padding_mask leaves sample {empty} without a single position to attend to; "
            f"remove the sample, or set at least one of its positions to False"
        )


def require_tokens(tokens: Tensor, vocab_size: int, context: int) -> None:
    """Accept token ids, shape (batch, time): whole numbers from 0 to vocab_size - 1.

    Raises:
        ValueError: another shape or type, a sequence longer than the context, or an id out of
            range.
    """
    if not isinstance(tokens, Tensor) or tokens.dtype not in (torch.int64, torch.int32):
        given = (
            f"a tensor of {tokens.dtype}" if isinstance(tokens, Tensor) else type(tokens).__name__
        )
        raise ValueError(f"tokens must be a tensor of whole numbers (int64); got {given}")
    if tokens.dim() != 2 or tokens.numel() == 0:
        raise ValueError(
            f"tokens must have shape (batch, time), at least one token; got {tuple(tokens.shape)}"
        )
    if tokens.shape[1] > context:
        raise ValueError(
            f"a sequence of {tokens.shape[1]} tokens is longer than the context of {context}; "
            f"keep the last {context}: tokens[:, -{context}:]"
        )
    low, high = int(tokens.min()), int(tokens.max())
    if low < 0 or high >= vocab_size:
        raise ValueError(
            f"token ids must be from 0 to {vocab_size - 1}; got ids from {low} to {high}"
        )
