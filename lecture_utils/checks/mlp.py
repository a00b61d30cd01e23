"""Checks for notebook 03: shortcut, backward pass and order (exercises 3.1, 3.2 and 3.4)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lecture_utils.checks.verdict import NotAttempted, NotYet, graded, name_slip, tensor


def _module(value: object, call: str) -> nn.Module:
    if value is None or value is ...:
        raise NotAttempted
    if isinstance(value, type):
        raise NotYet(f"`{call}` returns the class {value.__name__}; call it to make a module.")
    if not isinstance(value, nn.Module):
        raise NotYet(f"`{call}` returns a {type(value).__name__}; an nn.Module is expected.")
    return value


def _inputs(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@graded
def shortcut(answer: Callable) -> str:
    """Exercise 3.1: identity where the widths agree, a projection where they do not."""
    for n_in, n_out in ((6, 4), (4, 6)):
        call = f"shortcut({n_in}, {n_out})"
        _require_projection(_module(answer(n_in, n_out), call), n_in, n_out, call)
    module, x = _module(answer(5, 5), "shortcut(5, 5)"), _inputs(3, 5)
    if list(module.parameters()):
        raise NotYet(
            "`shortcut(5, 5)` has parameters although the widths agree. There the shortcut must be "
            "the identity, the one shortcut whose scale cannot be wrong."
        )
    if not torch.equal(module(x), x):
        raise NotYet("`shortcut(5, 5)` changes its input; where the widths agree it must not.")
    return (
        "So a ResNet has only a handful of projections, one at each change of width, and "
        "everything between two of them is a clear road for the gradient."
    )


def _require_projection(module: nn.Module, n_in: int, n_out: int, call: str) -> None:
    """Refuse what is not one learned matrix from n_in to n_out features."""
    x, shapes = _inputs(5, n_in), {n: tuple(p.shape) for n, p in module.named_parameters()}
    if (n_in, n_out) in shapes.values() and (n_out, n_in) not in shapes.values():
        raise NotYet(
            f"`{call}` has a weight of shape {(n_in, n_out)}. nn.Linear takes the number of "
            f"features that come in first; its weight is then (n_out, n_in)."
        )
    if not shapes:
        raise NotYet(
            f"`{call}` has no parameters. It must turn {n_in} features into {n_out}: cutting "
            f"or padding loses or invents neurons; here we want a learned matrix W_s."
        )
    try:
        y, at_zero = module(x), module(torch.zeros(1, n_in))
    except RuntimeError as error:
        raise NotYet(f"`{call}` cannot take an input of shape (5, {n_in}): {error}") from error
    tensor(y, (5, n_out), f"the output of `{call}`")
    if (module(-2 * x) - at_zero + 2 * (y - at_zero)).abs().max() > 1e-5:
        raise NotYet(
            f"`{call}` is not linear: −2 times the input does not give −2 times the output. "
            f"Leave activation and norm to the branch; a shortcut that bends is a layer."
        )
    if (n_out,) in shapes.values():
        raise NotYet(
            f"`{call}` has a bias. The branch has one already; on the shortcut we want the matrix "
            f"alone: bias=False."
        )
    if list(shapes.values()) != [(n_out, n_in)]:
        raise NotYet(
            f"`{call}` owns {len(shapes)} parameters, {shapes}; one matrix of shape "
            f"{(n_out, n_in)} is enough."
        )
    if not y.any():
        raise NotYet(f"`{call}` maps everything to 0: then nothing comes through the shortcut.")


@graded
def block_backward(answer: Callable) -> str:
    """Exercise 3.2: backward through y = h + relu(h Wᵀ + b)."""
    g_random = torch.Generator().manual_seed(3)
    g, h = torch.randn(2, 7, 4, generator=g_random, dtype=torch.float64)
    W = torch.randn(4, 4, generator=g_random, dtype=torch.float64)
    b = torch.randn(4, generator=g_random, dtype=torch.float64)
    found = answer(g.clone(), h.clone(), W.clone(), b.clone())
    if not isinstance(found, (tuple, list)) or len(found) != 3:
        raise NotYet("Three gradients are expected: return dL/dh, dL/dW, dL/db.")
    names = ("dL/dh", "dL/dW", "dL/db")
    shapes = ((7, 4), (4, 4), (4,))
    dh, dW, db = (tensor(*part) for part in zip(found, shapes, names, strict=True))
    delta = g * (h @ W.T + b > 0)
    _compare("dL/dh", dh, g + delta @ W, _state_slips(g, h, W, b))
    _compare("dL/dW", dW, delta.T @ h, [
        (h.T @ delta, "dL/dW is transposed: row i of W makes output i, so δ comes first, δᵀ h."),
        (delta.T @ h / len(h), "You averaged dL/dW over the rows. Any averaging is in the loss, "
                               "and so already in g: add the rows up."),
        (h.T @ g, "dL/dW is transposed, and g has not passed the ReLU: it is δᵀ h."),
        (g.T @ h, "dL/dW uses g; it must use what passed the ReLU, δ = g ⊙ [z > 0]."),
        (delta.T @ torch.relu(h), "dL/dW multiplies by what entered the weights: h, not relu(h)."),
    ])  # fmt: skip
    _compare("dL/db", db, delta.sum(0), [
        (delta.mean(0), "You averaged dL/db over the rows; add them up, as for dL/dW."),
        (g.sum(0), "dL/db uses g; it must use what passed the ReLU, δ = g ⊙ [z > 0]."),
    ])  # fmt: skip
    return (
        "All of it equals autograd. Notice that the shortcut appears in one place only: weights "
        "and biases hear δ, and `g +` is the whole difference between a plain net and its twin."
    )


def _state_slips(g: Tensor, h: Tensor, W: Tensor, b: Tensor) -> list[tuple[Tensor, str]]:
    """Return what the usual slips give for dL/dh."""
    z = h @ W.T + b
    gate = (z > 0).double()
    delta = g * gate
    closed = (
        "Your ReLU's gate also closes the shortcut. Only the branch passes through the ReLU: g "
        "itself arrives ungated."
    )
    return [
        (delta @ W, "dL/dh lacks the shortcut's share: the plus sign sends all of g there too."),
        (g / 2 + delta @ W / 2, "You halved the gradient at the plus sign. A sum hands all of it "
                                "to both sides: dy/da = 1 and dy/db = 1."),
        ((g + g @ W) * gate, closed),
        (delta + delta @ W, closed),
        (g + delta @ W.T, "W is transposed: forward multiplies by Wᵀ, backward by W."),
        (g + (g @ W) * (h > 0), "That gate is for relu(h). Here the ReLU acts on z = h Wᵀ + b: "
                                "gate g where z > 0, before multiplying by W."),
        (g + (g * (h @ W.T > 0)) @ W, "The gate must look at z = h Wᵀ + b; you left out b."),
        (g + (g @ W) * gate, "Right gate, wrong moment: forward, the ReLU comes after W, so going "
                             "back it comes first: (g ⊙ [z > 0]) W."),
        (g + (g * z.relu()) @ W, "You multiplied by relu(z); its derivative is 0 or 1: use z > 0."),
        (g + (g * (h + z.relu() > 0)) @ W, "The gate looks at z, not at y."),
        (g + g @ W, "The branch's gradient is not gated: where z < 0 nothing gets through."),
    ]  # fmt: skip


def _compare(name: str, found: Tensor, right: Tensor, mistakes: list[tuple[Tensor, str]]) -> None:
    if torch.allclose(found, right, rtol=1e-4, atol=1e-5):
        return
    name_slip(found, mistakes)
    raise NotYet(
        f"{name} is off by up to {(found - right).abs().max():.2g}. Compare with autograd: make h, "
        f"W and b require gradients, build y, and call torch.autograd.grad(y, [h, W, b], g)."
    )


class _Marked(nn.Module):
    """A block that writes its number down: digits of a growing number, so order shows."""

    def __init__(self, number: int):
        super().__init__()
        self.number = number

    def forward(self, h: Tensor) -> Tensor:
        return 10 * h + self.number


class _Ward(nn.Module):
    """A net whose output spells its parts: 91234 for a stem and four blocks in order."""

    def __init__(self, blocks: int):
        super().__init__()
        self.stem = _Marked(9)
        self.blocks = nn.ModuleList(_Marked(number) for number in range(1, blocks + 1))
        self.head = _Negative()

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x)
        for block in self.blocks:
            h = block(h)
        return self.head(h)


class _Negative(nn.Module):
    def forward(self, h: Tensor) -> Tensor:
        return -h


@graded
def swapped(answer: Callable) -> str:
    """Exercise 3.4: exchange blocks k and k + 1 without touching the given net."""
    for k, right in ((1, "1324"), (0, "2134"), (2, "1243")):
        net, zero = _Ward(4), torch.zeros(1, 1)
        returned = answer(net, k)
        if isinstance(returned, Tensor):
            raise NotYet("You return a tensor; return the net itself, a module that can be called.")
        module = _module(returned, "swapped(net, k)")
        spelled = str(int(module(zero).item()))
        if int(net(zero).item()) != -91234:
            raise NotYet(
                "The given net was changed too: its own blocks are exchanged now, and the next "
                "experiment would start from a broken net. Work on a copy of the list."
            )
        if not spelled.startswith("-"):
            raise NotYet("The head is missing: after the last block the net must call net.head.")
        if not spelled.startswith("-9"):
            raise NotYet("The stem is missing: 64 pixels never become `width` neurons.")
        order = spelled[2:]
        if order == right:
            continue
        here = f"With four blocks 1 2 3 4 and k = {k} the order must be {' '.join(right)}"
        if order == "1234":
            raise NotYet(f"{here}; yours is unchanged.")
        if len(order) < 4:
            raise NotYet(f"{here}; yours is {' '.join(order)}: a block was lost, not exchanged.")
        if len(set(order)) < 4:
            raise NotYet(
                f"{here}; yours is {' '.join(order)}: one block stands twice. The first assignment "
                f"has overwritten what the second one needs; exchange both in one line."
            )
        raise NotYet(f"{here}; yours is {' '.join(order)}. Blocks are counted from 0.")
    return (
        "Try it: exchanging two blocks in the middle costs the shortcut twin next to nothing and "
        "the plain one nearly everything. Terms of a sum may change places; steps of a recipe may "
        "not."
    )
