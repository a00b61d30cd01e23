"""Checks for notebook 03: a shortcut that fits, and a backward pass (exercises 3.1 and 3.2)."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lecture_utils.checks.judge import name_slip
from lecture_utils.checks.values import tensor
from lecture_utils.checks.verdict import NotAttempted, NotYet, graded


def as_module(value: object, call: str) -> nn.Module:
    """Return the answer's module, or say what it is instead."""
    if value is None or value is ...:
        raise NotAttempted
    if isinstance(value, type):
        raise NotYet(f"`{call}` returns the class {value.__name__}; call it to make a module.")
    if not isinstance(value, nn.Module):
        raise NotYet(f"`{call}` returns a {type(value).__name__}; an nn.Module is expected.")
    return value


def inputs(*shape: int, seed: int = 0) -> Tensor:
    """Return random numbers, the same each time."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def run(module: nn.Module, x: Tensor, call: str) -> Tensor:
    """Run the module on a copy; refuse an error, no tensor, and an input changed in place."""
    given = x.clone()
    try:
        y = module(given)
    except Exception as error:
        raise NotYet(
            f"`{call}` cannot take an input of shape {tuple(x.shape)}: {error}. (nn.Linear takes "
            f"the number of features that come in first, then the number that goes out.)"
        ) from error
    if not isinstance(y, Tensor):
        raise NotYet(f"`{call}`, called with a tensor, returns a {type(y).__name__}.")
    if not torch.equal(given, x):
        raise NotYet(f"`{call}` changes the tensor that it was given; make a new one.")
    return y


@graded
def shortcut(answer: Callable) -> str:
    """Exercise 3.1: identity where the widths agree, a projection where they do not."""
    for n_in, n_out in ((6, 4), (4, 6), (3, 1)):
        call = f"shortcut({n_in}, {n_out})"
        _require_projection(as_module(answer(n_in, n_out), call), n_in, n_out, call)
    for n in (5, 1):
        call, x = f"shortcut({n}, {n})", inputs(3, n)
        module = as_module(answer(n, n), call)
        if list(module.parameters()):
            raise NotYet(
                f"`{call}` has parameters although the widths agree. Adding the input needs no "
                f"matrix there: pass it on untouched."
            )
        if not torch.equal(run(module, x, call), x):
            raise NotYet(f"`{call}` changes its input; where the widths agree it must not.")
    return (
        "So a ResNet has only a handful of projections, one at each change of width. Between two "
        "of them every shortcut is the identity."
    )


def _require_projection(module: nn.Module, n_in: int, n_out: int, call: str) -> None:
    """Refuse what is not a learned linear map, however its weights are stored."""
    x, other = inputs(5, n_in), inputs(5, n_in, seed=1)
    y = run(module, x, call)
    tensor(y, (5, n_out), f"the output of `{call}`")
    at_zero = run(module, torch.zeros(5, n_in), call)
    both = run(module, x - 2 * other, call)
    if (
        both - at_zero - (y - at_zero) + 2 * (run(module, other, call) - at_zero)
    ).abs().max() > 1e-4:
        raise NotYet(
            f"`{call}` is not linear: what it makes of x − 2v is not what it makes of x minus "
            f"twice what it makes of v. Leave activation and norm to the branch."
        )
    if not y.requires_grad:
        raise NotYet(
            f"`{call}` has no weights that can learn. Cutting or padding is option A; here we want "
            f"option B, a learned matrix W_s."
        )
    if at_zero.any() or _has_constant(module, at_zero):
        raise NotYet(
            f"`{call}` has a bias. The branch has one already; on the shortcut we want the matrix "
            f"alone: bias=False."
        )
    rank = torch.linalg.matrix_rank(run(module, torch.eye(n_in), call).detach()).item()
    if rank < min(n_in, n_out):
        raise NotYet(
            f"`{call}` maps {n_in} features onto only {rank} directions, at the start; a random "
            f"matrix, as in nn.Linear, keeps {min(n_in, n_out)}."
        )


def _has_constant(module: nn.Module, at_zero: Tensor) -> bool:
    """Tell whether learning could move the output at x = 0: a bias, even one that starts at 0."""
    if not at_zero.requires_grad:
        return False
    parameters = [p for p in module.parameters() if p.requires_grad]
    found = torch.autograd.grad(at_zero.sum(), parameters, allow_unused=True)
    return any(g is not None and g.any() for g in found)


def without_autograd(answer: Callable, *given: object) -> object:
    """Call the answer where autograd cannot work, and say so where it tries."""
    try:
        with torch.inference_mode():
            return answer(*given)
    except NotYet as error:
        if "grad" in str(error) and "RuntimeError" in str(error):
            raise NotYet(
                "Here autograd is switched off: find the gradients with the chain rule."
            ) from error
        raise


@graded
def block_backward(answer: Callable) -> str:
    """Exercise 3.2: backward through y = h + relu(h W + b)."""
    for rows, width, seed in ((7, 4, 3), (1, 3, 5)):
        _require_backward(answer, rows, width, seed)
    return (
        "All three equal autograd's. The shortcut appears in one place only: W and b get what "
        "passed the ReLU, and `g +` is the whole difference between this layer and a plain one."
    )


def _require_backward(answer: Callable, rows: int, width: int, seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    g, h = torch.randn(2, rows, width, generator=rng, dtype=torch.float64)
    W = torch.randn(width, width, generator=rng, dtype=torch.float64)
    b = torch.randn(width, generator=rng, dtype=torch.float64)
    given = [g.clone(), h.clone(), W.clone(), b.clone()]
    found = without_autograd(answer, *given)
    if any(not torch.equal(now, was) for now, was in zip(given, (g, h, W, b), strict=True)):
        raise NotYet(
            "Your function changes g, h, W or b in place; the next layer still needs them."
        )
    if not isinstance(found, (tuple, list)) or len(found) != 3:
        raise NotYet("Three gradients are expected: return dL/dh, dL/dW, dL/db.")
    if all(part is None or part is ... for part in found):
        raise NotYet("Three times None: begin with dL/db. With δ (step 1) it is one line.")
    delta = g * (h @ W + b > 0)
    dh, dW, db = found
    turned = (g * (h @ W.T + b > 0)).sum(0), "z is h W + b: forward, W is not transposed."
    _step("dL/db", db, delta.sum(0), [*_bias_slips(g, h, delta), turned])
    _step("dL/dW", dW, h.T @ delta, _weight_slips(g, h, delta))
    _step("dL/dh", dh, g + delta @ W.T, _state_slips(g, h, W, b))


def _step(name: str, found: Any, right: Tensor, slips: list[tuple[Tensor, str]]) -> None:
    """Hold one of the three gradients to its value; None says: not written yet."""
    if found is None or found is ...:
        before = {"dL/db": "Begin with", "dL/dW": "dL/db is right. Next:"}
        raise NotYet(f"{before.get(name, 'dL/db and dL/dW are right. Last:')} {name}.")
    found = tensor(found, tuple(right.shape), name)
    if torch.allclose(found, right, rtol=1e-4, atol=1e-5):
        return
    name_slip(found, slips)
    raise NotYet(
        f"{name} is off by up to {(found - right).abs().max():.2g}. Compare with autograd: make h, "
        f"W and b require gradients, build y, and call torch.autograd.grad(y, [h, W, b], g)."
    )


def _bias_slips(g: Tensor, h: Tensor, delta: Tensor) -> list[tuple[Tensor, str]]:
    return [
        (delta.mean(0), "You averaged dL/db over the rows; any averaging is in the loss, and so "
                        "already in g: add the rows up."),
        (g.sum(0), "dL/db uses g; it must use what passed the ReLU, δ = g ⊙ [z > 0]."),
        ((g * (h > 0)).sum(0), "That gate looks at h. Here the ReLU acts on z = h W + b."),
    ]  # fmt: skip


def _weight_slips(g: Tensor, h: Tensor, delta: Tensor) -> list[tuple[Tensor, str]]:
    return [
        (delta.T @ h, "dL/dW is transposed: row i of W belongs to input i, so h comes first: "
                      "hᵀ δ."),
        (h.T @ delta / len(h), "You averaged dL/dW over the rows. Any averaging is in the loss, "
                               "and so already in g: add the rows up."),
        (g.T @ h, "dL/dW is transposed, and g has not passed the ReLU: it is hᵀ δ."),
        (h.T @ g, "dL/dW uses g; it must use what passed the ReLU, δ = g ⊙ [z > 0]."),
        (torch.relu(h).T @ delta, "dL/dW multiplies by what entered the weights: h, not relu(h)."),
    ]  # fmt: skip


def _state_slips(g: Tensor, h: Tensor, W: Tensor, b: Tensor) -> list[tuple[Tensor, str]]:
    """Return what the usual slips give for dL/dh."""
    z = h @ W + b
    gate = (z > 0).double()
    delta = g * gate
    closed = (
        "Your ReLU's gate also closes the shortcut. Only the branch passes through the ReLU: g "
        "itself arrives ungated."
    )
    return [
        (delta @ W.T, "dL/dh lacks the shortcut's share: the plus sign sends all of g there too."),
        ((g + delta @ W.T) / 2, "You halved the gradient at the plus sign. A sum hands all of it "
                                "to both sides: dy/du = 1 and dy/dv = 1."),
        ((g + g @ W.T) * gate, closed),
        (delta + delta @ W.T, closed),
        (g + delta @ W, "W is not transposed: forward multiplies by W, backward by Wᵀ."),
        (g + (g @ W.T) * (h > 0), "That gate is for relu(h). Here the ReLU acts on z = h W + b: "
                                  "gate g where z > 0, before multiplying by Wᵀ."),
        (g + (g * (h @ W > 0)) @ W.T, "The gate must look at z = h W + b; you left out b."),
        (g + (g @ W.T) * gate, "Right gate, wrong moment: forward, the ReLU comes after W, so "
                               "going back it comes first: (g ⊙ [z > 0]) Wᵀ."),
        (g + (g * z.relu()) @ W.T, "You multiplied by relu(z); its derivative is 0 or 1: use "
                                 "z > 0."),
        (g + (g * (h + z.relu() > 0)) @ W.T, "The gate looks at z, not at y."),
        (g + g @ W.T, "The branch's gradient is not gated: where z < 0 nothing gets through."),
        (h + delta @ W.T, "You added h; the shortcut's share of the gradient is g."),
    ]  # fmt: skip
