"""Check for notebook 03: the lecture's printout without autograd (exercise 3.4)."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from lecture_utils.checks.mlp import without_autograd
from lecture_utils.checks.values import tensor
from lecture_utils.checks.verdict import NotAttempted, NotYet, graded

_C = (2 / torch.pi) ** 0.5
_SLIPS = {
    "no g": "`g +` is missing where the layer has a shortcut: right in the last two layers only.",
    "no loss": "dL/dy is missing: for the mean of y² it is 2y divided by the number of outputs.",
    "no two": "A factor 2 is missing: dL/dy of y² is 2y.",
    "sum": "dL/dy must be divided by the number of outputs: the loss is their mean.",
    "no slope": "The activation's slope is missing: δ = g ⊙ φ'(z).",
    "slope of h": "The slope is taken at h; GELU acts on z = h W + b.",
    "late slope": "The branch hands back g Wᵀ; it must be δ Wᵀ, with the slope in δ.",
    "no shortcut": "Your forward pass has no shortcuts.",
    "no gelu": "Your forward pass adds z; it must add gelu(z).",
}


@graded
def printout_by_hand(answer: Callable) -> str:
    """Exercise 3.4: dL/dW of every layer of the lecture's class, by hand."""
    for sizes, rows, seed in (([3, 3, 3, 3, 3, 1], 1, 7), ([4, 4, 2, 2, 5], 3, 0)):
        rng = torch.Generator().manual_seed(seed)
        weights = [
            torch.randn(a, b, generator=rng, dtype=torch.float64) for a, b in pairwise(sizes)
        ]
        biases = [torch.randn(b, generator=rng, dtype=torch.float64) for b in sizes[1:]]
        x = torch.randn(rows, sizes[0], generator=rng, dtype=torch.float64)
        found = without_autograd(
            answer, x.clone(), [W.clone() for W in weights], [b.clone() for b in biases]
        )
        _compare(found, x, weights, biases)
    return (
        "Call it with the lecture's x and weights (an nn.Linear's weight.T): the mean of |dL/dW| "
        "at layer 0 is 0.2217, the video's number, and no autograd was used."
    )


def _compare(found: object, x: Tensor, weights: list[Tensor], biases: list[Tensor]) -> None:
    if not isinstance(found, (list, tuple)) or len(found) != len(weights):
        raise NotYet(f"Return a list of {len(weights)} gradients, one dL/dW for each layer.")
    if found[0] is None or found[0] is ...:
        raise NotAttempted
    right = _backward(x, weights, biases)
    if all(_same(a, b) for a, b in zip(found[::-1], right, strict=True)):
        raise NotYet("All right, in reverse order: the first layer's gradient comes first.")
    if all(_same(a, b.T) for a, b in zip(found, right, strict=True)):
        raise NotYet("Transposed: dL/dW has the shape of W, (n_in, n_out), so hᵀ comes first.")
    shapes = [tuple(W.shape) for W in weights]
    values = [
        tensor(part, shape, f"dL/dW of layer {k}")
        for k, (part, shape) in enumerate(zip(found, shapes, strict=True))
    ]
    if all(map(_same, values, right)):
        return
    for slip, message in _SLIPS.items():
        if all(map(_same, values, _backward(x, weights, biases, slip))):
            raise NotYet(message)
    wrong = [k for k, (a, b) in enumerate(zip(values, right, strict=True)) if not _same(a, b)]
    raise NotYet(
        f"Of {len(right)} layers, wrong: {', '.join(map(str, wrong))}. Going back, the last layer "
        f"comes first, so look at the highest of these: its g, its φ'(z), its h."
    )


def _same(found: object, right: Tensor) -> bool:
    return (
        isinstance(found, Tensor)
        and found.shape == right.shape
        and torch.allclose(found.double(), right, rtol=1e-4, atol=1e-9)
    )


def _gelu(z: Tensor) -> Tensor:
    return torch.nn.functional.gelu(z, approximate="tanh")


def _slope(z: Tensor) -> Tensor:
    t = torch.tanh(_C * (z + 0.044715 * z**3))
    return (1 + t) / 2 + z * (1 - t**2) / 2 * _C * (1 + 3 * 0.044715 * z**2)


def _backward(
    x: Tensor, weights: list[Tensor], biases: list[Tensor], slip: str = ""
) -> list[Tensor]:
    """Return every dL/dW; with the name of a slip, what that slip makes of it."""
    states, inner = [x], []
    for W, b in zip(weights, biases, strict=True):
        h = states[-1]
        z = h @ W + b
        y = z if slip == "no gelu" else _gelu(z)
        inner.append(z)
        states.append(h + y if h.shape == z.shape and slip != "no shortcut" else y)
    y = states[-1]
    shares = {"no loss": torch.ones_like(y), "no two": y / y.numel(), "sum": 2 * y}
    g, found = shares.get(slip, 2 * y / y.numel()), []
    for h, z, W in zip(states[-2::-1], inner[::-1], weights[::-1], strict=True):
        at = h if slip == "slope of h" and h.shape == z.shape else z
        delta = g if slip == "no slope" else g * _slope(at)
        found.insert(0, h.T @ delta)
        back = (g if slip == "late slope" else delta) @ W.T
        g = g + back if h.shape == z.shape and slip not in ("no g", "no shortcut") else back
    return found
