"""What the models accept: tensors of the right kind, type, device and shape."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from lecture_utils.require.numbers import given, holds, require_heads, require_positive, shown


def _require_floats(x: Tensor) -> None:
    if not isinstance(x, Tensor) or not x.is_floating_point():
        raise ValueError(
            f"the input must be a tensor of floating-point numbers; got {given(x)}; convert it: "
            f"torch.tensor(x, dtype=torch.float32), or x.float()"
        )
    if x.layout != torch.strided or x.is_nested:
        raise ValueError(f"the input must be a dense tensor, not {x.layout}; call x.to_dense()")


def _is_autocast(kind: str) -> bool:
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


def require_fit(x: Tensor, layer: nn.Module) -> None:
    """Accept a tensor that lies where the layer's weights lie, in their type of number.

    Under torch.autocast any type is accepted, as PyTorch converts it.

    Raises:
        ValueError: the device or the type is another.
    """
    weight = next(layer.parameters(), None)
    if weight is None:  # nothing to compare with: no weights, or quantised ones
        return
    if x.device != weight.device:
        raise ValueError(
            f"the input is on {x.device}, the weights are on {weight.device}; move one of them: "
            f'x.to("{weight.device}")'
        )
    same = x.dtype == weight.dtype or not x.is_floating_point()
    if not same and not _is_autocast(x.device.type):
        raise ValueError(
            f"the input is {x.dtype}, the weights are {weight.dtype}; convert one of them: "
            f"x.to({weight.dtype})"
        )


def require_vectors(x: Tensor, features: int, layer: nn.Module) -> None:
    """Accept feature vectors, shape (..., features), of the type and on the device of `layer`.

    Raises:
        ValueError: it is no tensor of numbers, or has another shape, type or device.
    """
    _require_floats(x)
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(
            f"the input must have shape (..., {features}), at least one row; got {tuple(x.shape)}"
        )
    require_fit(x, layer)


def require_input(x: Tensor, features: int, layer: nn.Module) -> None:
    """Accept a batch of finite feature vectors, shape (..., features), as `layer` takes them.

    Raises:
        ValueError: as for require_vectors, or it holds NaN or inf.
    """
    require_vectors(x, features, layer)
    if not x.is_meta and holds(~torch.isfinite(x).all()):
        bad = int((~torch.isfinite(x)).sum())
        raise ValueError(
            f"the input holds {bad} NaN or infinite of {x.numel()} values; clean the data first"
        )


def require_rows(h: Tensor, norm: str | None) -> None:
    """Accept a batch that can be normalised over its rows.

    Raises:
        ValueError: it is no tensor of numbers, has no axis, or `norm` is "batch" and there are
            fewer than two rows.
    """
    _require_floats(h)
    if h.dim() == 0 or h.numel() == 0:
        raise ValueError(f"the input must have shape (..., n, width); got {tuple(h.shape)}")
    if norm == "batch" and (h.dim() < 2 or h.shape[-2] < 2):
        raise ValueError(f'norm="batch" needs at least two rows, (n, width); got {tuple(h.shape)}')


def require_stream(x: Tensor, *norms: nn.Module) -> None:
    """Accept a state of the stream, as the first of the norms that is a layer norm takes it.

    Raises:
        ValueError: as for require_vectors.
    """
    for norm in norms:
        if isinstance(norm, nn.LayerNorm):
            require_vectors(x, norm.normalized_shape[-1], norm)
            return
    _require_floats(x)


def require_same_shape(y: Tensor, x: Tensor) -> None:
    """Accept a branch's output: of the same shape as its input, so that the two can be added.

    Raises:
        ValueError: it has another shape; PyTorch would stretch it without a word.
    """
    if not isinstance(y, Tensor):
        raise ValueError(f"the branch must return a tensor; it returned a {type(y).__name__}")
    if y.shape != x.shape:
        raise ValueError(
            f"the branch must return the shape that it is given, {tuple(x.shape)}; "
            f"it returned {tuple(y.shape)}"
        )


def require_branch(branch: nn.Module) -> None:
    """Accept a branch: a module, or a function of a tensor.

    Raises:
        ValueError: it is anything else, such as a class that still waits for its sizes.
    """
    if not callable(branch) or isinstance(branch, type):
        raise ValueError(
            f"branch must be a module, such as FeedForward(dim, 4 * dim); got {shown(branch)}"
        )


def require_blocks(blocks: Iterable[nn.Module], *parts: str) -> None:
    """Accept a model's blocks if each has the linear layers whose starting weights are chosen.

    Args:
        blocks: the model's blocks.
        parts: where in a block each layer is, such as "attention.branch.out".

    Raises:
        ValueError: there are no blocks, or one of them lacks a layer or computes its weights.
    """
    blocks = list(blocks) if isinstance(blocks, Iterable) else []
    if not blocks:
        raise ValueError("starting weights are for a model with blocks; this one has none")
    for place, block in enumerate(blocks):
        for part in parts:
            layer = block
            for name in part.split("."):
                layer = getattr(layer, name, None)
            own = dict(layer.named_parameters(recurse=False)) if layer is not None else {}
            if "weight" not in own or own["weight"].dim() != 2:
                raise ValueError(
                    f"block {place} has no weight matrix of its own at {part}.weight: this start "
                    f"is for the course's own blocks, before weights are shared out or computed"
                )


def require_weights(net: nn.Module, kinds: set[torch.dtype], device: str | None = None) -> None:
    """Accept a net whose weights are of these types, on this kind of device (None: any real one).

    Raises:
        ValueError: a weight has another type or device.
    """
    for name, weight in net.named_parameters():
        other = weight.is_meta or (device and weight.device.type != device)
        if weight.dtype not in kinds or other:
            known = " or ".join(sorted(map(str, kinds)))
            raise ValueError(
                f"{name} is {weight.dtype} on {weight.device}; this start is drawn in {known} on "
                f"{device or 'a real device'}: call it first, then net.to(...)"
            )


def require_axes(x: Tensor, *axes: str) -> None:
    """Accept a tensor with these axes.

    Raises:
        ValueError: it is no tensor, or has more or fewer axes, or an empty one.
    """
    shape = f"({', '.join(axes)})"
    if not isinstance(x, Tensor):
        raise ValueError(f"the input must be a tensor of shape {shape}; got {given(x)}")
    if x.dim() != len(axes) or 0 in x.shape:
        raise ValueError(f"the input must have shape {shape}; got {tuple(x.shape)}")


def require_splittable(x: Tensor, num_heads: int) -> None:
    """Accept a batch of sequences whose width splits evenly over the heads.

    Raises:
        ValueError: it is no tensor (batch, time, dim), or dim does not split evenly.
    """
    require_axes(x, "batch", "time", "dim")
    require_positive("num_heads", num_heads)
    if x.shape[-1] % num_heads:
        require_heads(int(x.shape[-1]), num_heads)


def require_sequence(x: Tensor, dim: int, layer: nn.Module) -> None:
    """Accept a batch of sequences of vectors, shape (batch, time, dim), as `layer` takes them.

    Raises:
        ValueError: it is no tensor of numbers, or has another shape, type or device.
    """
    _require_floats(x)
    if x.dim() != 3 or x.shape[-1] != dim or x.numel() == 0:
        raise ValueError(
            f"the input must have shape (batch, time, {dim}), batch first; got {tuple(x.shape)}"
        )
    require_fit(x, layer)


def require_mask(mask: Tensor | None, x: Tensor) -> None:
    """Accept a key padding mask for x: boolean, (batch, time), True where a position is padding.

    Raises:
        ValueError: it has another shape, type or device, or a sample in which everything is
            padding.
    """
    if mask is None:
        return
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        raise ValueError(
            f"key_padding_mask must be a tensor of booleans, True where a position is padding; "
            f"got {given(mask)}"
        )
    if mask.shape != x.shape[:2]:
        raise ValueError(
            f"key_padding_mask must have shape (batch, time) = {tuple(x.shape[:2])}; "
            f"got {tuple(mask.shape)}"
        )
    if mask.device != x.device:
        raise ValueError(
            f"key_padding_mask is on {mask.device}, the input on {x.device}; "
            f'move it: mask.to("{x.device}")'
        )
    if not mask.is_meta and holds(mask.all(-1).any()):
        empty = int(mask.all(-1).nonzero()[0])
        raise ValueError(
            f"key_padding_mask leaves sample {empty} without a single position to attend to; "
            f"remove the sample, or set at least one of its positions to False"
        )
