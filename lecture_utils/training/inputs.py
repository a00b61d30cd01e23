"""Checks of what a training loop is given, before it changes anything and at each step."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import inf

import torch
from torch import Tensor, nn

from lecture_utils.require.numbers import is_number, require_flag, shown
from lecture_utils.require.tensors import describe, require_callable, require_module


def require_trainable(model: nn.Module) -> None:
    """Accept a module with at least one trainable weight, where autograd is on.

    Raises:
        ValueError: it is anything else.
    """
    require_module(model)
    if not any(p.requires_grad for p in model.parameters()):
        raise ValueError(
            f"this {type(model).__name__} has no trainable weights: all are frozen, or it has none"
        )
    if not torch.is_grad_enabled():
        raise ValueError(
            "gradients are switched off here: call train() outside torch.no_grad() and "
            "torch.inference_mode()"
        )


def require_rate(lr: float | Tensor, members: int | None) -> None:
    """Accept one finite learning rate above 0, or, for an ensemble, one for each member.

    Raises:
        ValueError: it is anything else.
    """
    if isinstance(lr, Tensor):
        real = not (lr.is_complex() or lr.dtype == torch.bool or lr.is_meta)
        if not real or not ((lr > 0) & lr.isfinite()).all():
            raise ValueError(f"lr must be a finite number above 0, got {shown(lr)}")
        if lr.ndim and members is None:
            raise ValueError(
                f"lr must be one number: {describe(lr)} is for an Ensemble, one rate a member"
            )
        if lr.ndim > 1 or (lr.ndim and len(lr) != members):
            raise ValueError(
                f"an ensemble of {members} members does not fit {len(lr)} learning rates of shape "
                f"{tuple(lr.shape)}: expected ({members},), one for each member"
            )
    elif not is_number(lr) or not 0 < _float(lr) < inf:
        raise ValueError(
            f"lr must be a finite number above 0, or a tensor of them for an Ensemble; got "
            f"{shown(lr)}"
        )


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number beyond all floats
        return inf


def require_optimizer(optimizer: Callable, per_member: bool) -> None:
    """Accept a class of optimisers; with a rate for each member it must be Adam.

    Raises:
        ValueError: it is an optimiser already, or no class of them, or needs to call the loss.
    """
    if isinstance(optimizer, torch.optim.Optimizer):
        raise ValueError(
            f"optimizer must be a class, such as torch.optim.Adam: train() builds it; got an "
            f"optimiser, {type(optimizer).__name__}"
        )
    require_callable("optimizer", optimizer)
    if per_member and optimizer is not torch.optim.Adam:
        raise ValueError(
            f"with one lr for each member the optimiser is Adam; got {shown(optimizer)}. Leave "
            f"optimizer out, or give one lr"
        )


def require_updater(updater: torch.optim.Optimizer) -> None:
    """Accept an optimiser whose step needs nothing.

    Raises:
        ValueError: it is none, or wants to call the loss itself, as L-BFGS does.
    """
    if not isinstance(updater, torch.optim.Optimizer):
        raise ValueError(f"optimizer must build a torch.optim.Optimizer; it made {shown(updater)}")
    asked = list(inspect.signature(updater.step).parameters.values())
    if any(p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD for p in asked):
        raise ValueError(
            f"{type(updater).__name__} calls the loss itself (step(closure)), which train() does "
            f"not do; use Adam, AdamW or SGD"
        )


def require_batches(batches: Iterable) -> None:
    """Accept what can be gone through, and is no text and no tensor.

    Raises:
        ValueError: it is anything else.
    """
    if isinstance(batches, (str, bytes, Tensor, dict)) or not isinstance(batches, Iterable):
        raise ValueError(
            f"batches must give pairs (x, y), one for each step, such as MiniBatches(x, y, "
            f"steps=100) or [(x, y)] * 100; got {describe(batches)}"
        )


def require_loop(
    batches: Iterable, loss_function: Callable, schedule: Callable, progress: bool
) -> None:
    """Accept what a training loop needs besides the model and its optimiser.

    Raises:
        ValueError: batches cannot be gone through, another is no function, progress no bool.
    """
    require_batches(batches)
    require_callable("loss_function", loss_function)
    require_callable("schedule", schedule)
    require_flag("progress", progress)


def require_steps_made(losses: Sequence[Tensor]) -> None:
    """Raise ValueError if there was not a single batch."""
    if not losses:
        raise ValueError(
            "batches is empty: expected at least one pair (x, y). A generator serves only once"
        )


def require_pair(batch: Sequence[Tensor], step: int) -> None:
    """Accept a pair of tensors.

    Raises:
        ValueError: it is anything else.
    """
    parts = list(batch) if isinstance(batch, (tuple, list)) else [batch]
    if len(parts) != 2 or not all(isinstance(part, Tensor) for part in parts):
        given = ", ".join(describe(part) for part in parts[:3])
        raise ValueError(
            f"batch {step} must be a pair (x, y) of tensors; got {len(parts)}: {given}"
        )


def require_factor(value: float, step: int) -> None:
    """Accept what a schedule returns: a finite number, zero or more.

    Raises:
        ValueError: it is anything else.
    """
    if isinstance(value, Tensor) and value.ndim == 0 and value.dtype != torch.bool:
        value = value.item()
    if not is_number(value) or not 0 <= _float(value) < inf:
        raise ValueError(
            f"schedule({step}) must be a finite number, zero or more; got {shown(value)}"
        )


def require_loss(loss: Tensor, members: int | None) -> None:
    """Accept a loss that depends on something: a scalar, or one number for each member.

    Raises:
        ValueError: it is anything else.
    """
    shape = () if members is None else (members,)
    what = "one number, shape ()" if members is None else f"one number a member, shape {shape}"
    if not isinstance(loss, Tensor) or loss.shape != shape:
        raise ValueError(
            f"loss_function must return {what}; got {describe(loss)}. Reduce it with .mean(-1)?"
        )
    if loss.is_complex():
        raise ValueError(f"loss_function must return real numbers; got {describe(loss)}")
    if not loss.requires_grad:
        raise ValueError(
            "the loss does not depend on the model's weights: was it computed from another "
            "model, or under no_grad(), or with .item() or .detach()?"
        )


def require_moved(model: nn.Module) -> None:
    """Accept a model of which at least one trainable weight got a gradient.

    Raises:
        ValueError: none got one.
    """
    if all(p.grad is None for p in model.parameters()):
        raise ValueError("the loss does not depend on this model's weights: no update is possible")


@contextmanager
def left_as_it_was(model: nn.Module) -> Iterator[None]:
    """If the body fails, put back the modes of all parts, and the gradients that there were."""
    modes = [(part, part.training) for part in model.modules()]
    gradients = [(p, p.grad) for p in model.parameters()]
    try:
        yield
    except BaseException:
        for part, mode in modes:
            part.training = mode
        for p, gradient in gradients:
            p.grad = gradient
        raise
