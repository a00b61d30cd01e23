"""Backward through the lecture's net by hand, and what usual slips make of it (exercise 3.4)."""

from functools import partial

import torch
from torch import Tensor

_C = (2 / torch.pi) ** 0.5


def _gelu(z: Tensor) -> Tensor:
    return torch.nn.functional.gelu(z, approximate="tanh")


def _slope(z: Tensor) -> Tensor:
    t = torch.tanh(_C * (z + 0.044715 * z**3))
    return (1 + t) / 2 + z * (1 - t**2) / 2 * _C * (1 + 3 * 0.044715 * z**2)


def _normal_slope(z: Tensor) -> Tensor:
    """Return the slope of GELU with the normal distribution itself, not its approximation."""
    return (1 + torch.erf(z / 2**0.5)) / 2 + z * torch.exp(-(z**2) / 2) / (2 * torch.pi) ** 0.5


def _share(y: Tensor, slip: str) -> Tensor:
    """Return dL/dy, or what a slip makes of it."""
    shares = {
        "no loss": torch.ones_like(y), "no two": y / y.numel(), "sum": 2 * y, "y": y,
        "rows": 2 * y / len(y), "columns": 2 * y / y.shape[1],
        "ones": torch.ones_like(y) / y.numel(), "abs": 2 * y.abs() / y.numel(),
        "square": y**2 / y.numel(), "loss": y.square().mean().expand_as(y),
    }  # fmt: skip
    return shares.get(slip, 2 * y / y.numel())


def backward(
    x: Tensor, weights: list[Tensor], biases: list[Tensor], slip: str = ""
) -> list[Tensor]:
    """Return every dL/dW; with the name of a slip, what that slip makes of it."""
    states, inner = [x.double()], []
    weights, biases = [W.double() for W in weights], [b.double() for b in biases]
    phi = {"no gelu": lambda z: z, "exact": torch.nn.functional.gelu}
    phi = phi.get(slip, torch.relu if slip == "relu" else _gelu)
    for W, b in zip(weights, biases, strict=True):
        h = states[-1]
        z = h @ W + (0 if slip == "no bias" else b)
        inner.append(z)
        states.append(h + phi(z) if h.shape == z.shape and slip != "no shortcut" else phi(z))
    g, found = _share(states[-1], slip), []
    for k in reversed(range(len(weights))):
        h, z, W = states[k + (slip == "next")], inner[k], weights[k]
        fits = h.shape == z.shape
        delta = g * _gate(h, z, states[k + 1], fits, slip)
        at = {"relu of h": torch.relu(h), "gelu of h": _gelu(h), "x": states[0]}.get(slip, h)
        at = at if len(at.T) == len(W) or slip == "next" else h
        found.insert(0, at.T @ (g if slip == "g in dW" else delta))
        back = (g if slip == "late slope" else delta) @ (W if slip == "no T" and fits else W.T)
        own = {"gated": delta, "one": torch.ones_like(g), "h": h, "last": _share(states[-1], "")}
        own = own.get(slip, g)
        own = own if own.shape == back.shape or slip != "last" else g
        g = own + back if fits and slip not in _PLAIN else back
        g = g / 2 if slip == "half" and fits else g
    return found


_PLAIN = ("no g", "no shortcut")


def _gate(h: Tensor, z: Tensor, y: Tensor, fits: bool, slip: str) -> Tensor:
    """Return the activation's slope, or what a slip makes of it."""
    gates = {
        "no slope": torch.ones_like, "no gelu": torch.ones_like, "exact": _normal_slope,
        "step": lambda z: (z > 0).double(), "relu": lambda z: (z > 0).double(), "gelu of z": _gelu,
        "slope of h": lambda z: _slope(h if fits else z), "slope of y": lambda _: _slope(y),
        "added": lambda z: 1 + _slope(z) if fits else _slope(z),
    }  # fmt: skip
    return gates.get(slip, _slope)(z)


_WHERE = "where the layer has a shortcut"
SLIPS = [(partial(backward, slip=slip), message) for slip, message in (
    ("no g", f"`g +` is missing {_WHERE}: right in the last layers only."),
    ("no loss", "dL/dy is missing: for the mean of y² it is 2y divided by the number of outputs."),
    ("ones", "dL/dy is missing its 2y: for the mean of y² it is 2y divided by the number of "
     "outputs."),
    ("square", "You go back from the loss's y² itself; its derivative is 2y."),
    ("loss", "You go back from the loss itself; begin with its derivative dL/dy, 2y divided by the "
     "number of outputs."),
    ("no two", "A factor 2 is missing: dL/dy of y² is 2y."),
    ("sum", "dL/dy must be divided by the number of outputs: the loss is their mean."),
    ("y", "dL/dy is 2y divided by the number of outputs: both the 2 and the number are missing."),
    ("rows", "dL/dy is divided by the number of inputs; the loss is the mean over all outputs of "
     "all inputs, y.numel() numbers."),
    ("columns", "dL/dy is divided by the numbers in one row; the loss is the mean over all "
     "outputs of all inputs, y.numel() numbers."),
    ("no slope", "The activation's slope is missing: δ = g ⊙ φ'(z)."),
    ("g in dW", "dL/dW uses g; it must use δ = g ⊙ φ'(z), what has passed the activation."),
    ("slope of h", "The slope is taken at h; GELU acts on z = h W + b."),
    ("slope of y", "The slope is taken at the layer's output; GELU acts on z = h W + b."),
    ("gelu of z", "δ is multiplied by gelu(z); it must be its slope, gelu_slope(z)."),
    ("step", "You gate with z > 0, as for a ReLU. GELU's slope is gelu_slope(z)."),
    ("relu", "That is a net with ReLU; the lecture's has GELU: gelu(z), and gelu_slope(z) back."),
    ("next", "An index is off: dL/dW multiplies by what entered the layer, its h, not by what left "
     "it."),
    ("abs", "dL/dy keeps the sign of y: it is 2y over the number of outputs, not 2|y|."),
    ("exact", "That is GELU with the normal distribution; the lecture's is the tanh approximation, "
     "gelu(z) and gelu_slope(z) in cell 3.9 a."),
    ("late slope", "The branch hands back g Wᵀ; it must be δ Wᵀ, with the slope in δ."),
    ("gated", f"{_WHERE.capitalize()}, g itself is handed on, too; you hand on δ, which has passed "
     "the activation."),
    ("added", "The shortcut's 1 does not belong in δ: W gets what passed the activation alone, "
     "g ⊙ φ'(z), and the shortcut hands g on beside the branch."),
    ("one", "The shortcut hands on 1 times g, not 1."),
    ("h", "You add h on the way back; the shortcut hands on g."),
    ("last", "You add the last layer's g each time; each shortcut hands on the g that arrives at "
     "its own layer."),
    ("half", "You halved g at the plus sign: a sum hands all of it to both sides."),
    ("no T", "W is not transposed: forward multiplies by W, backward by Wᵀ."),
    ("relu of h", "dL/dW multiplies by what entered the weights: h, not relu(h). Here the "
     "activation comes after W."),
    ("gelu of h", "dL/dW multiplies by what entered the weights: h, not gelu(h). Here the "
     "activation comes after W."),
    ("x", "dL/dW multiplies by what entered that layer: its own h, not x."),
    ("no shortcut", "Your forward pass has no shortcuts."),
    ("no gelu", "Your forward pass adds z; it must add gelu(z)."),
    ("no bias", "Your z lacks the bias: z = h W + b."),
)] + [
    (lambda *given: backward(*given)[::-1], "All right, in reverse order: the first layer's "
     "gradient comes first."),
    (lambda *given: [G.T for G in backward(*given)], "Transposed: dL/dW has the shape of W, "
     "(n_in, n_out), so hᵀ comes first."),
    (lambda *given: [G.T for G in backward(*given)[::-1]], "All right, but transposed and in "
     "reverse order."),
    (lambda *given: [G.abs() for G in backward(*given)], "Those are absolute values; the "
     "gradients themselves are asked for."),
]  # fmt: skip
