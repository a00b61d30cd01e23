"""Building an optimiser, and Adam with a learning rate of its own for each member."""

import inspect
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from lecture_utils.require.numbers import shown
from lecture_utils.require.tensors import require_real
from lecture_utils.training.inputs import (
    require_optimizer,
    require_rate,
    require_trainable,
    require_updater,
)


class MemberAdam(torch.optim.Optimizer):
    """Adam (no weight decay) on stacked weights, each member with its own learning rate.

    Args:
        parameters: weights of an ensemble, each `(members, ...)`. One that is frozen, or that the
            loss does not use, is left as it is.
        lr: `(members,)` learning rates, finite and above zero.
        betas: memory of the mean gradient and of the mean squared gradient.
        eps: added to the root of the mean squared gradient.

    Raises:
        ValueError: if a weight does not have one entry for each rate, or a rate is not positive.

    Source: D. Kingma and J. Ba, Adam, arXiv:1412.6980, 2014.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Tensor,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        require_real("lr", lr)
        if lr.dim() != 1 or not ((lr > 0) & lr.isfinite()).all():
            raise ValueError(
                f"lr must hold one finite number above 0 for each member, shape (members,); got "
                f"{lr.tolist()}"
            )
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
        self.steps = [0 for _ in self.weights]
        self.betas, self.eps = betas, eps

    @torch.no_grad()
    def step(self) -> None:
        """Make one update; each member's learning rate stands in its group's "lr"."""
        moved = [k for k, weight in enumerate(self.weights) if weight.grad is not None]
        for k in moved:
            self.steps[k] += 1
        weights, mean, square, steps = (
            [values[k] for k in moved]
            for values in (self.weights, self.mean, self.square, self.steps)
        )
        gradients = [weight.grad for weight in weights]
        slow, slower = self.betas
        torch._foreach_lerp_(mean, gradients, 1 - slow)
        torch._foreach_mul_(square, slower)
        torch._foreach_addcmul_(square, gradients, gradients, 1 - slower)
        size = torch._foreach_sqrt(square)
        torch._foreach_div_(size, [(1 - slower**n) ** 0.5 for n in steps])
        torch._foreach_add_(size, self.eps)
        update = torch._foreach_div(mean, size)
        lr = self.param_groups[0]["lr"]
        rates = [
            (lr.to(w) / (1 - slow**n)).view(-1, *[1] * (w.dim() - 1))
            for w, n in zip(weights, steps, strict=True)
        ]
        torch._foreach_mul_(update, rates)
        torch._foreach_sub_(weights, update)


def updater_of(
    model: nn.Module,
    lr: float | Tensor,
    optimizer: type[torch.optim.Optimizer],
    members: int | None = None,
) -> torch.optim.Optimizer:
    """Build the optimiser of a model's trainable weights, fused where it can be.

    Args:
        model: with at least one trainable weight.
        lr: learning rate; or `(members,)`, one for each: then it is `MemberAdam`.
        optimizer: class of the optimiser.
        members: how many networks the model is; None for one that is no ensemble.

    Raises:
        ValueError: an argument is not as above, or the class refuses these weights.
    """
    require_trainable(model)
    require_rate(lr, members)
    per_member = isinstance(lr, Tensor) and lr.ndim == 1
    require_optimizer(optimizer, per_member)
    weights = [p for p in model.parameters() if p.requires_grad]
    if per_member:
        lr = lr if lr.is_floating_point() else lr.float()
        return MemberAdam(weights, lr.detach().to(weights[0].device))
    try:
        has_fused = "fused" in inspect.signature(optimizer).parameters
        fused = {"fused": True} if has_fused and all(w.is_floating_point() for w in weights) else {}
        updater = optimizer(weights, lr=float(lr), **fused)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"optimizer must be one that is built as optimizer(weights, lr={float(lr)}), such as "
            f"torch.optim.Adam; {shown(optimizer)} refuses: {error}"
        ) from error
    require_updater(updater)
    return updater
