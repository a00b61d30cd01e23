"""What flows back: how large the gradient is at each layer."""

import torch
from torch import Tensor, nn


def gradient_norms(model: nn.Module, loss: Tensor) -> list[float]:
    """Measure the gradient's norm at each weight matrix, in depth order.

    The caller's `.grad` fields are not touched, and `loss` can still be backpropagated.

    Args:
        model: its weight matrices (parameters with two dimensions or more) are measured in the
            order in which the model registers them, which is depth order in this course.
        loss: a scalar computed by `model`, shape ().

    Returns:
        One Frobenius norm per weight matrix, first layer first. Squares are summed in float64,
        since in float32 a gradient below about 1e-23 would be reported as 0. A matrix that the
        loss does not depend on has norm 0.

    Raises:
        ValueError: the model has no weight matrix, `loss` is not a scalar, or `loss` does not
            depend on the model.
    """
    weights = [p for p in model.parameters() if p.requires_grad and p.dim() >= 2]
    if not weights:
        raise ValueError(
            f"{type(model).__name__} has no trainable weight matrix; gradient_norms() needs a "
            f"model with at least one layer"
        )
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        given = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(f"loss must be a scalar tensor; got {given}. Reduce it with .mean()?")
    if not loss.requires_grad:
        raise ValueError(
            "loss carries no gradient: compute it from the model's output, outside "
            "torch.no_grad() and without .item() or .detach()"
        )
    found = torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True)
    if all(g is None for g in found):
        raise ValueError("loss does not depend on this model's weights: is it another model's?")
    return [
        0.0 if g is None else torch.linalg.vector_norm(g, dtype=torch.float64).item() for g in found
    ]
