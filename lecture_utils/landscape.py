"""Directions in the space of a net's weights, and curvature along them; notebook 05 teaches it."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from lecture_utils.models import ShortcutMLP
from lecture_utils.training import cross_entropy


def require_net(model: nn.Module) -> None:
    """Raise ValueError unless the model is a `ShortcutMLP` whose weights are finite numbers."""
    if not isinstance(model, ShortcutMLP):
        raise ValueError(
            f"the landscape functions know the wiring of ShortcutMLP; got {type(model).__name__}"
        )
    for name, p in model.named_parameters():
        if not p.isfinite().all():
            bad = int((~p.isfinite()).sum())
            raise ValueError(
                f"weight {name} holds {bad} NaN or infinite of {p.numel()} values: the training "
                f"went wrong before; a landscape around it shows nothing"
            )


def require_examples(model: nn.Module, x: Tensor, y: Tensor) -> None:
    """Accept inputs that fit the net and one class number for each.

    Raises:
        ValueError: shapes do not fit, there is no example, x is not finite, or y is no class.
    """
    features, classes = model.stem.in_features, model.head.out_features
    if x.dim() != 2 or len(x) == 0 or x.shape[1] != features or y.shape != x.shape[:1]:
        raise ValueError(
            f"expected x of shape (n, {features}) and y of shape (n,), at least one example; got "
            f"{tuple(x.shape)} and {tuple(y.shape)}"
        )
    if not x.isfinite().all():
        raise ValueError("x holds a NaN or infinite value; clean the data first")
    if y.is_floating_point() or y.min() < 0 or y.max() >= classes:
        raise ValueError(f"y must hold class numbers from 0 to {classes - 1}, as whole numbers")


def require_directions(model: nn.Module, directions: Sequence[Tensor]) -> None:
    """Raise ValueError unless there are two finite directions, one number for each parameter."""
    size = sum(p.numel() for p in model.parameters())
    shapes = [tuple(d.shape) for d in directions]
    if shapes != [(size,), (size,)]:
        raise ValueError(
            f"expected two directions of shape ({size},), one number for each parameter of this "
            f"net; got {shapes}. Were they made for another depth or width?"
        )
    if not all(d.isfinite().all() for d in directions):
        raise ValueError("a direction holds a NaN or infinite value")


def require_steps(steps: Tensor, chunk: int) -> None:
    """Raise ValueError unless a grid has at least one finite step, and chunk is positive."""
    if steps.dim() != 1 or len(steps) == 0 or not steps.isfinite().all():
        raise ValueError(
            f"steps must be finite numbers of shape (k,), such as torch.linspace(-1, 1, 51); got "
            f"shape {tuple(steps.shape)}"
        )
    if chunk < 1:
        raise ValueError(f"chunk must be 1 or more points at a time; got {chunk}")


def require_lanczos(size: int, steps: int) -> None:
    """Raise ValueError unless a matrix's size and the number of steps are positive."""
    if size < 1 or steps < 1:
        raise ValueError(f"size and steps must be 1 or more; got {size} and {steps}")


def row_lengths(model: nn.Module) -> Tensor:
    """For each parameter the length of its row of weights, 0 for biases.

    Args:
        model: any net of P parameters; a row holds the weights of one neuron.

    Returns:
        (P,), in the order of `torch.nn.utils.parameters_to_vector`.
    """
    lengths = []
    for p in model.parameters():
        length = p.norm(dim=1, keepdim=True) if p.dim() == 2 else torch.zeros(1)
        lengths.append(length.expand(p.shape).flatten())
    return torch.cat(lengths).detach()


def filter_normalised(model: nn.Module, seed: int) -> Tensor:
    """Draw a random direction, each row as long as the net's own row, and 0 for biases.

    Args:
        model: a net of P parameters.
        seed: which direction.

    Returns:
        (P,), as `row_lengths`.

    Raises:
        ValueError: a weight is NaN or infinite.

    Source: H. Li et al., Visualizing the Loss Landscape of Neural Nets, arXiv:1712.09913, 2018,
    section 4; the rows of a matrix are the filters here.
    """
    require_net(model)
    rng = torch.Generator().manual_seed(seed)
    rows = [torch.randn(p.shape, generator=rng) for p in model.parameters()]
    rows = [row / row.norm(dim=-1, keepdim=True) for row in rows]
    return row_lengths(model) * torch.cat([row.flatten() for row in rows])


def hessian_product(model: nn.Module, x: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
    """Prepare v ↦ Hv, with H the second derivatives of the loss by the P parameters.

    Args:
        model: the net at which H is taken.
        x: (n, features).
        y: (n,) class numbers.

    Returns:
        A function from (P,) to (P,); each call costs about one backward pass.

    Raises:
        ValueError: a weight is NaN, or the data do not fit the net.

    Source: B. Pearlmutter, Fast Exact Multiplication by the Hessian, 1994.
    """
    require_net(model)
    require_examples(model, x, y)
    weights = list(model.parameters())
    gradient = torch.autograd.grad(cross_entropy(model(x), y), weights, create_graph=True)
    g = torch.cat([part.flatten() for part in gradient])

    def product(v):
        Hv = torch.autograd.grad(g, weights, v, retain_graph=True)
        return torch.cat([part.flatten() for part in Hv])

    return product


def power_iteration(product: Callable[[Tensor], Tensor], v: Tensor, steps: int) -> Tensor:
    """Estimate the eigenvalue of largest size of a symmetric matrix H from products.

    Args:
        product: v ↦ Hv, from (P,) to (P,).
        v: where to start, (P,), any length; it is not changed.
        steps: products to spend; one more gives the number.

    Returns:
        vᵀHv for the last v of length 1: a scalar, with its sign.
    """
    v = v / v.norm()
    for _ in range(steps):
        v = product(v)
        v = v / v.norm()
    return v @ product(v)


def lanczos(
    product: Callable[[Tensor], Tensor], size: int, steps: int = 20, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Estimate the smallest and the largest eigenvalue of a symmetric matrix from products.

    Args:
        product: v ↦ Hv, from (size,) to (size,).
        size: rows of the matrix.
        steps: products to spend. For the Hessians of this course 20 give the largest eigenvalue
            to six digits and the smallest to a tenth or so.
        seed: of the starting vector.

    Returns:
        The smallest and the largest eigenvalue, each a scalar in float64.

    Raises:
        ValueError: size or steps is not positive.

    Source: C. Lanczos, 1950; with full reorthogonalisation.
    """
    require_lanczos(size, steps)
    q = torch.randn(size, generator=torch.Generator().manual_seed(seed))
    Q, a, b = [q / q.norm()], [], []
    for _ in range(min(steps, size)):
        w = product(Q[-1])
        a.append(w @ Q[-1])
        basis = torch.stack(Q)
        for _ in range(2):
            w = w - (basis @ w) @ basis
        b.append(w.norm())
        if b[-1] <= 1e-5 * max(abs(value) for value in a):
            break
        Q.append(w / b[-1])
    a, b = torch.stack(a).double(), torch.stack(b[:-1] or [a[0]])[: len(a) - 1].double()
    values = torch.linalg.eigvalsh(a.diag() + b.diag(1) + b.diag(-1))
    return values[0], values[-1]
