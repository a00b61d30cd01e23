"""Adam with a learning rate of its own for each member of an ensemble."""

from collections.abc import Iterable

import torch
from torch import Tensor


class MemberAdam:
    """Adam (no weight decay) on stacked weights, each member with its own learning rate.

    Args:
        parameters: weights of an ensemble, each `(members, ...)`.
        lr: `(members,)` learning rates.
        betas: memory of the mean gradient and of the mean squared gradient.
        eps: added to the root of the mean squared gradient.

    Raises:
        ValueError: if a weight does not have one entry for each rate.

    Source: D. Kingma and J. Ba, Adam, arXiv:1412.6980, 2014.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Tensor,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self.weights = list(parameters)
        for weight in self.weights:
            if weight.shape[:1] != lr.shape:
                raise ValueError(
                    f"a weight of shape {tuple(weight.shape)} does not fit {len(lr)} learning "
                    f"rates: expected ({len(lr)}, ...), one slice for each member"
                )
        self.rates = [lr.view(-1, *[1] * (weight.dim() - 1)) for weight in self.weights]
        self.mean = [torch.zeros_like(weight) for weight in self.weights]
        self.square = [torch.zeros_like(weight) for weight in self.weights]
        self.betas, self.eps, self.steps = betas, eps, 0

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for weight in self.weights:
            weight.grad = None

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """Make one update, with each learning rate times `factor`."""
        self.steps += 1
        gradients = [weight.grad for weight in self.weights]
        slow, slower = self.betas
        torch._foreach_lerp_(self.mean, gradients, 1 - slow)
        torch._foreach_mul_(self.square, slower)
        torch._foreach_addcmul_(self.square, gradients, gradients, 1 - slower)
        size = torch._foreach_sqrt(self.square)
        torch._foreach_div_(size, (1 - slower**self.steps) ** 0.5)
        torch._foreach_add_(size, self.eps)
        update = torch._foreach_div(self.mean, size)
        torch._foreach_mul_(update, self.rates)
        torch._foreach_sub_(self.weights, update, alpha=factor / (1 - slow**self.steps))
