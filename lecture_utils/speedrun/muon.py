"""Muon: the update of a matrix is its gradient with all singular values made about equal."""

import math

import torch
from torch import Tensor

from lecture_utils.require.numbers import require_positive, shown

# p(s) = a s + b s³ + c s⁵ drives singular values in (0, 1] towards 1, fast and not exactly
QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonal(stack: Tensor, steps: int = 5) -> Tensor:
    """Return matrices with the same singular vectors, and singular values from about 0.7 to 1.2.

    With G = U S Vᵀ the aim is U Vᵀ. Newton-Schulz: X ← aX + b(XXᵀ)X + c(XXᵀ)²X, again and again.
    All factors are polynomials of A = XXᵀ and commute; so they are multiplied up as small squares,
    with the rule for A itself, and the long side of X is touched twice only.

    Args:
        stack: (n, rows, columns), n matrices; none is all zeros, or it stays so.
        steps: of Newton-Schulz. More steps lift smaller singular values.

    Returns:
        (n, rows, columns).

    Raises:
        ValueError: it is no stack of matrices, or steps is no positive whole number.

    Source: K. Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024, for the
    three numbers; N. Amsel et al., Polar Express, arXiv:2505.16932, 2025, for other ones.
    """
    require_positive("steps", steps, 20)
    if not isinstance(stack, Tensor) or stack.dim() != 3 or not stack.is_floating_point():
        raise ValueError(f"expected a stack of matrices, (n, rows, columns); got {shown(stack)}")
    if stack.shape[1] > stack.shape[2]:
        return orthogonal(stack.mT, steps).mT
    a, b, c = QUINTIC
    X = stack / (stack.norm(dim=(1, 2), keepdim=True) + 1e-7)  # now no singular value is above 1
    A, one = X @ X.mT, torch.eye(X.shape[1], dtype=X.dtype, device=X.device)
    product = None
    for step in range(steps):
        factor = torch.baddbmm(A, A, A, beta=b, alpha=c) + a * one  # aI + bA + cA²
        product = factor if product is None else factor @ product
        if step < steps - 1:
            A = factor @ A @ factor
    return product @ X


class Muon:
    """Stochastic gradient descent with Nesterov momentum, each update made orthogonal.

    Args:
        parameters: each (n, rows, columns), a stack of matrices that are treated one by one. Those
            of the same rows and columns are worked on together, which is faster and changes
            nothing.
        momentum: memory of the gradient.
        steps: of Newton-Schulz.

    Raises:
        ValueError: a parameter is no stack of matrices.

    Source: K. Jordan et al., 2024.
    """

    def __init__(self, parameters: list[Tensor], momentum: float = 0.95, steps: int = 5):
        self.momentum, self.steps = momentum, steps
        self.groups: dict[tuple[int, ...], list[Tensor]] = {}
        for weight in parameters:
            if weight.dim() != 3:
                raise ValueError(
                    f"Muon takes stacks of matrices, (n, rows, columns); got a parameter of shape "
                    f"{tuple(weight.shape)}: give it to AdamW, or .unsqueeze(0) a matrix"
                )
            self.groups.setdefault(tuple(weight.shape[1:]), []).append(weight)
        self.means = {weight: torch.zeros_like(weight) for weight in parameters}

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Change the parameters that have gradients by them, and forget these.

        A step has the length rate x √max(1, rows / columns) in each direction that it takes.
        """
        for (rows, columns), weights in self.groups.items():
            updates, moved = [], [weight for weight in weights if weight.grad is not None]
            for weight in moved:
                mean = self.means[weight].lerp_(weight.grad, 1 - self.momentum)
                updates.append(weight.grad.lerp_(mean, self.momentum))  # Nesterov: one step ahead
            if not moved:
                continue
            made = orthogonal(torch.cat(updates), self.steps).split([len(w) for w in moved])
            length = rate * math.sqrt(max(1.0, rows / columns))
            for weight, update in zip(moved, made, strict=True):
                weight.sub_(update, alpha=length)
                weight.grad = None
