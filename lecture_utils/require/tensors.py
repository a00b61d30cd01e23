"""Checks of tensors and modules: what was given, what was expected, what to do."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from lecture_utils.require.numbers import is_whole, shown


def describe(value: object) -> str:
    """Say in a few words what a value is, for a message."""
    if isinstance(value, Tensor):
        place = "" if value.device.type == "cpu" else f", on {value.device}"
        return f"a tensor of {str(value.dtype).removeprefix('torch.')}, {tuple(value.shape)}{place}"
    return shown(value)


def require_whole(name: str, value: int, low: int, high: int | None = None) -> None:
    """Accept a whole number from `low` to `high`; a bool is none.

    Raises:
        ValueError: it is anything else.
    """
    if not is_whole(value) or value < low or (high is not None and value > high):
        span = f"{low} or more" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be {span}, a whole number; got {describe(value)}")


def require_callable(name: str, value: Callable) -> None:
    """Accept a function, or what can be called like one.

    Raises:
        ValueError: it is anything else.
    """
    if not callable(value):
        raise ValueError(f"{name} must be a function; got {describe(value)}")


def require_real(name: str, value: Tensor) -> None:
    """Accept a tensor of real numbers that are in memory, of any shape.

    Raises:
        ValueError: it is no tensor, is complex, boolean or sparse, or is on the meta device.
    """
    if not isinstance(value, Tensor):
        raise ValueError(f"{name} must be a tensor (torch.as_tensor?); got {describe(value)}")
    if value.dtype == torch.bool or value.is_complex() or value.is_quantized:
        raise ValueError(f"{name} must be a tensor of real numbers; got {describe(value)}")
    if value.is_meta:
        raise ValueError(f"{name} is on the meta device, where a tensor has a shape but no numbers")
    if value.layout != torch.strided:
        raise ValueError(f"{name} must be an ordinary tensor; got {value.layout}: use .to_dense()")


def require_module(model: nn.Module) -> None:
    """Accept a PyTorch module whose weights have their shapes.

    Raises:
        ValueError: it is anything else.
    """
    if not isinstance(model, nn.Module):
        given = describe(model)
        raise ValueError(f"the model must be a torch.nn.Module, built already; got {given}")
    for name, weight in model.named_parameters():
        if is_lazy(weight):
            raise ValueError(f"{name} has no shape yet: call the model once on some data first")


def require_scores(logits: Tensor, labels: Tensor) -> None:
    """Accept logits, (..., n, classes), and one class number for each example, (n,).

    Raises:
        ValueError: shapes, types or devices do not belong together, there is no example, or a
            label is no class.
    """
    for name, value in (("logits", logits), ("labels", labels)):
        if not isinstance(value, Tensor):
            raise ValueError(f"{name} must be a tensor; got {describe(value)}")
    if logits.ndim < 2 or labels.ndim != 1 or logits.shape[-2] != len(labels):
        raise ValueError(
            f"logits of shape {tuple(logits.shape)} do not fit labels of shape "
            f"{tuple(labels.shape)}: expected (..., n, classes) and (n,)"
        )
    if not logits.is_floating_point():
        raise ValueError(f"logits must be floating-point numbers; got {describe(logits)}")
    if logits.numel() == 0:
        raise ValueError(
            f"expected at least one example and one class; got logits of {tuple(logits.shape)}"
        )
    if logits.device != labels.device:
        raise ValueError(f"logits are on {logits.device} but labels on {labels.device}: move one")
    require_classes("labels", labels, logits.shape[-1])


def require_classes(name: str, labels: Tensor, classes: int) -> None:
    """Accept a tensor of class numbers, from 0 to classes - 1, in any type of whole numbers.

    Raises:
        ValueError: it holds anything else.
    """
    whole = not (labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool)
    if not whole or (not labels.is_meta and ((labels < 0) | (labels >= classes)).any()):
        given = f"from {int(labels.min())} to {int(labels.max())}" if whole else str(labels.dtype)
        raise ValueError(
            f"{name} must hold class numbers from 0 to {classes - 1}, as whole numbers; got {given}"
        )
