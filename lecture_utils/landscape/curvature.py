"""Directions in the space of a net's weights, and curvature along them; notebook 05 teaches it."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lecture_utils.landscape.inputs import (
    require_curvature,
    require_examples,
    require_net,
    require_rows,
)
from lecture_utils.landscape.products import (
    require_lanczos,
    require_maps,
    require_plain_seed,
    require_product,
    require_start,
    require_symmetric,
    require_unchanged,
    require_vector,
)
from lecture_utils.require.tensors import require_whole
from lecture_utils.training.loop import cross_entropy


def row_lengths(model: nn.Module) -> Tensor:
    """For each parameter the length of its row of weights, 0 for biases.

    Args:
        model: any net of P parameters, float32 or float64, on the CPU; a row holds the weights of
            one neuron. Every parameter is a matrix, or a vector (biases and the like).

    Returns:
        (P,), in the order of `torch.nn.utils.parameters_to_vector`. A row of zeros has length 0.

    Raises:
        ValueError: the net has no parameters, one with more than two dimensions, whose rows are
            not defined, one on another device, or one that is NaN.
    """
    require_rows(model)
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
        ValueError: a weight is NaN or infinite, the net is no ShortcutMLP on the CPU, or seed is
            no whole number.

    Source: H. Li et al., Visualizing the Loss Landscape of Neural Nets, arXiv:1712.09913, 2018,
    section 4; the rows of a matrix are the filters here.
    """
    require_net(model)
    require_rows(model)
    require_plain_seed(seed)
    rng = torch.Generator().manual_seed(seed)
    rows = [torch.randn(p.shape, generator=rng) for p in model.parameters()]
    rows = [row / row.norm(dim=-1, keepdim=True) for row in rows]
    return row_lengths(model) * torch.cat([row.flatten() for row in rows])


def hessian_product(model: nn.Module, x: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
    """Prepare v ↦ Hv, with H the second derivatives of the loss by the P parameters.

    Args:
        model: the net at which H is taken, float32 or float64; no weight is frozen.
        x: (n, features).
        y: (n,) class numbers.

    Returns:
        A function from (P,) to (P,), in the type of the weights; each call costs about one
        backward pass. It raises ValueError for another vector, and once the weights have changed.

    Raises:
        ValueError: a weight is NaN, frozen, or not reached by the loss; the data do not fit the
            net; gradients are switched off; or two calls of the net differ (dropout).

    Source: B. Pearlmutter, Fast Exact Multiplication by the Hessian, 1994.
    """
    require_net(model)
    require_examples(model, x, y)
    require_curvature(model, x, y)
    weights = list(model.parameters())
    gradient = torch.autograd.grad(cross_entropy(model(x), y), weights, create_graph=True)
    g = torch.cat([part.flatten() for part in gradient])
    require_unchanged(g, weights)

    def product(v):
        require_vector(v, g)
        require_unchanged(g, weights)
        Hv = torch.autograd.grad(g, weights, v, retain_graph=True)
        return torch.cat([part.flatten() for part in Hv])

    return product


def power_iteration(product: Callable[[Tensor], Tensor], v: Tensor, steps: int) -> Tensor:
    """Estimate the eigenvalue of largest size of a symmetric matrix H from products.

    Args:
        product: v ↦ Hv, from (P,) to (P,).
        v: where to start, (P,), any length but 0; it is not changed.
        steps: products to spend, 1 or more; two more check the product and give the number.

    Returns:
        vᵀHv for the last v of length 1: a scalar, with its sign.

    Raises:
        ValueError: v is 0 or not finite, steps is no positive whole number, or a product has
            another shape or type, is not finite, or is 0 (v has no part along any steep
            direction: start from another).
    """
    require_whole("steps", steps, 1)
    require_start("v", v)
    require_maps(product, v)
    v = v / v.norm()
    for _ in range(steps):
        v = product(v)
        require_start("the product Hv", v)
        v = v / v.norm()
    return v @ product(v)


def lanczos(
    product: Callable[[Tensor], Tensor], size: int, steps: int = 20, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Estimate the smallest and the largest eigenvalue of a symmetric matrix from products.

    Args:
        product: v ↦ Hv, (size,) to (size,), float32; else `lambda v: H(v.double()).float()`.
        size: rows of the matrix.
        steps: products to spend. For the Hessians of this course 20 give the largest eigenvalue
            to six digits and the smallest to a tenth or so.
        seed: of the starting vector.

    Returns:
        The smallest and the largest eigenvalue, each a scalar in float64.

    Raises:
        ValueError: size or steps is not positive, or a product has another shape or type, is not
            finite, or is not that of a symmetric matrix.

    Source: C. Lanczos, 1950; with full reorthogonalisation.
    """
    require_lanczos(product, size, steps)
    require_plain_seed(seed)
    q = torch.randn(size, generator=torch.Generator().manual_seed(seed))
    Q, a, b = [q / q.norm()], [], []
    for _ in range(min(steps, size)):
        w = product(Q[-1])
        require_product(w, Q[-1])
        a.append(w @ Q[-1])
        basis = torch.stack(Q)
        require_symmetric(basis @ w, b)
        for _ in range(2):
            w = w - (basis @ w) @ basis
        b.append(w.norm())
        if b[-1] <= 1e-5 * max(abs(value) for value in a):
            break
        Q.append(w / b[-1])
    a, b = torch.stack(a).double(), torch.stack(b[:-1] or [a[0]])[: len(a) - 1].double()
    values = torch.linalg.eigvalsh(a.diag() + b.diag(1) + b.diag(-1))
    return values[0], values[-1]
