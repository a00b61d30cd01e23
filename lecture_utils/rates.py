"""Adam with a learning rate of its own for each member of an ensemble."""

from collections.abc import Iterable

import torch
from torch import Tensor


class MemberAdam(torch.optim.Optimizer):
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
        super().__init__(parameters, {"lr": lr})
        (group,) = self.param_groups
        self.weights = group["params"]
        for weight in self.weights:
            if weight.shape[:1] != lr.shape:
                raise ValueError(
                    f"a weight of shape {tuple(weight.shape)} does not fit {len(lr)} learning "
                    f"rates: expected ({len(lr)}, ...), one slice for each member"
                )
        self.mean = [torch.zeros_like(weight) for weight in self.weights]
        self.square = [torch.zeros_like(weight) for weight in self.weights]
        self.betas, self.eps, self.steps = betas, eps, 0

    @torch.no_grad()
    def step(self) -> None:
        """Make one update; each member's learning rate stands in its group's "lr"."""
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
        lr = self.param_groups[0]["lr"] / (1 - slow**self.steps)
        torch._foreach_mul_(update, [lr.view(-1, *[1] * (w.dim() - 1)) for w in self.weights])
        torch._foreach_sub_(self.weights, update)
