"""Check for notebook 03: backward through one layer with a shortcut, by hand (exercise 3.2)."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.modules import without_autograd
from lecture_utils.checks.values import as_tensor, said
from lecture_utils.checks.verdict import NotYet, graded

_NAMES = ("dL/dh", "dL/dW", "dL/db")
_BEFORE = ("dL/db and dL/dW are right. Last:", "dL/db is right. Next:", "Begin with")


def _layer(rows: int, width: int, seed: int = 0, size: float = 1.0) -> tuple[Tensor, ...]:
    rng = torch.Generator().manual_seed(seed)
    g, h = torch.randn(2, rows, width, generator=rng)
    W, b = torch.randn(width, width, generator=rng), torch.randn(width, generator=rng)
    return size * g, h, W, b


_AT_ZERO = (
    torch.tensor([[1.0, 2.0], [3.0, -1.0]]),
    torch.tensor([[1.0, 2.0], [2.0, -1.0]]),
    torch.tensor([[1.0, 2.0], [-1.0, 1.0]]),
    torch.tensor([1.0, -4.0]),
)
_TRIALS = (
    Trial(_layer(2, 3, 33), "for 2 inputs of width 3"),
    Trial(_layer(7, 4, 3), "for 7 inputs of width 4"),
    Trial(_layer(1, 3, 5), "for one input alone"),
    Trial(_layer(4, 4, 1), "for as many inputs as neurons"),
    Trial(_layer(3, 6, 2, 1e-3), "for a small g"),
    Trial(_layer(3, 1, 4), "for a width of 1"),
    Trial(_AT_ZERO, "where z is exactly 0", "nothing gets through there: the gate is z > 0."),
)


@graded
def block_backward(answer: Callable) -> str:
    """Exercise 3.2: backward through y = h + relu(h W + b)."""
    answer = without_autograd(answer)
    for place in (2, 1, 0):
        name = _NAMES[place]
        try:
            judge(answer, _right, _TRIALS, _SLIPS[place], read=lambda r, k=place: _part(r, k))
        except NotYet as mistake:
            said_ = str(mistake)
            if any(part in said_ for part in (*_NAMES, "autograd", "in place", "stopped")):
                raise
            raise type(mistake)(f"{name}: {said_}") from mistake
    return (
        "All three equal autograd's. The shortcut appears in one place only: W and b get what "
        "passed the ReLU, and `g +` is the whole difference between this layer and a plain one."
    )


def _part(found: Any, place: int) -> Tensor:
    """Return one of the three gradients; None says: not written yet."""
    if isinstance(found, Tensor | str | dict) or not isinstance(found, Iterable):
        raise NotYet(f"You return {said(found)}; return three gradients, dL/dh, dL/dW, dL/db.")
    parts = list(found)
    if len(parts) != 3:
        raise NotYet(f"You return {len(parts)} values; return dL/dh, dL/dW, dL/db.")
    missing = [part is None or part is ... for part in parts]
    if all(missing):
        raise NotYet("Three times None: begin with dL/db. With δ (step 1) it is one line.")
    if missing[place]:
        raise NotYet(f"{_BEFORE[place]} {_NAMES[place]}.")
    return as_tensor(parts[place], _NAMES[place])


def _right(g: Tensor, h: Tensor, W: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    g, h, W, b = (x.double() for x in (g, h, W, b))
    delta = g * (h @ W + b > 0)
    return g + delta @ W.T, h.T @ delta, delta.sum(0)


def _slips(place: int, *pairs: tuple[Callable, str]) -> list[tuple[Callable, str]]:
    """Return slips of one of the three gradients, as functions that return all three.

    Each is given g, h, W, b, z and δ.
    """

    def whole(slip: Callable) -> Callable:
        def triple(g: Tensor, h: Tensor, W: Tensor, b: Tensor) -> list[Tensor]:
            g, h, W, b = (x.double() for x in (g, h, W, b))
            z = h @ W + b
            return [slip(g, h, W, b, z, g * (z > 0)) if k == place else g for k in range(3)]

        return triple

    right = [lambda g, h, W, b, z, d, k=k: _right(g, h, W, b)[k] for k in range(3) if k != place]
    order = "Right gradients, in another order: return dL/dh, dL/dW, dL/db."
    return [(whole(slip), message) for slip, message in (*pairs, *((f, order) for f in right))]


_H = "That gate looks at h. Here the ReLU acts on z = h W + b."
_GATE = "Look at the gate: it is open where z = h W + b is positive. "
_MEAN = "any averaging is in the loss, and so already in g: add the rows up."
_TURNED = _GATE + "Forward, W is not transposed."
_NO_BIAS = "The gate must look at z = h W + b; you left out b."
_RELU = "You multiplied by relu(z); its derivative is 0 or 1: use z > 0."
_CLOSED = (
    "Your ReLU's gate also closes the shortcut. Only the branch passes through the ReLU: g "
    "itself arrives ungated."
)
_LACKS = "dL/dh lacks the shortcut's share: the plus sign sends all of g there too."
_SLIPS = {
    2: _slips(
        2,
        (lambda g, h, W, b, z, d: g.sum(0), "dL/db uses g; it must use what passed the ReLU, "
         "δ = g ⊙ [z > 0]."),
        (lambda g, h, W, b, z, d: d.mean(0), f"You averaged dL/db over the rows; {_MEAN}"),
        (lambda g, h, W, b, z, d: d, "That is δ, which dL/db begins with. It has a row for each "
         "input, and b is the same in all of them: add the rows up."),
        (lambda g, h, W, b, z, d: d.sum(1), "You added up along each row, over the neurons; add "
         "over the inputs, axis 0."),
        (lambda g, h, W, b, z, d: d.sum(), "You added up everything. Each neuron has its own b: "
         "add over the inputs, axis 0."),
        (lambda g, h, W, b, z, d: d.sum(0, keepdim=True), "dL/db must have the shape of b, "
         "(width,): no keepdim."),
        (lambda g, h, W, b, z, d: d[0], "That is the first row of δ alone: add all rows up."),
        (lambda g, h, W, b, z, d: (g * (h > 0)).sum(0), _H),
        (lambda g, h, W, b, z, d: (g * (g > 0)).sum(0), "That gate looks at g itself. The ReLU "
         "acts on z = h W + b, and g passes where z is positive."),
        (lambda g, h, W, b, z, d: (g * (h + z.relu() > 0)).sum(0), "The gate looks at z, not at "
         "y."),
        (lambda g, h, W, b, z, d: (g * (h @ W > 0)).sum(0), _NO_BIAS),
        (lambda g, h, W, b, z, d: (g * (h @ W.T + b > 0)).sum(0), _TURNED),
        (lambda g, h, W, b, z, d: (g * (h @ W - b > 0)).sum(0), _GATE + "b is added."),
        (lambda g, h, W, b, z, d: (g * (z < 0)).sum(0), "The gate is the wrong way round: g gets "
         "through where z is positive."),
        (lambda g, h, W, b, z, d: (g * (z != 0)).sum(0), _GATE + "Where it is negative, nothing "
         "gets through."),
        (lambda g, h, W, b, z, d: (g * z.relu()).sum(0), _RELU),
        (lambda g, h, W, b, z, d: (g * z).sum(0), _RELU),
        (lambda g, h, W, b, z, d: z.relu().sum(0), "You added up relu(z), which goes forward; "
         "going back, g arrives, and passes where z > 0."),
        (lambda g, h, W, b, z, d: (z > 0).double().sum(0), "You counted the open gates; what "
         "passes them is g."),
        (lambda g, h, W, b, z, d: (g + d).sum(0), "b stands in the branch only: the shortcut's "
         "share does not pass it."),
        (lambda g, h, W, b, z, d: (d @ W.T).sum(0), "b is added after W: δ itself arrives there, "
         "not δ Wᵀ."),
    ),
    1: _slips(
        1,
        (lambda g, h, W, b, z, d: d.T @ h, "dL/dW is transposed: row i of W belongs to input i, "
         "so h comes first: hᵀ δ."),
        (lambda g, h, W, b, z, d: h.T @ d / len(h), f"You averaged dL/dW over the rows; {_MEAN}"),
        (lambda g, h, W, b, z, d: g.T @ h, "dL/dW is transposed, and g has not passed the ReLU: it "
         "is hᵀ δ."),
        (lambda g, h, W, b, z, d: h.T @ g, "dL/dW uses g; it must use what passed the ReLU, "
         "δ = g ⊙ [z > 0]."),
        (lambda g, h, W, b, z, d: h.relu().T @ d, "dL/dW multiplies by what entered the weights: "
         "h, not relu(h)."),
        (lambda g, h, W, b, z, d: h.relu().T @ g, "dL/dW multiplies what entered the weights, h "
         "(not relu(h)), by what arrives there, δ (not g). Here the ReLU comes after W."),
        (lambda g, h, W, b, z, d: z.T @ d, "dL/dW multiplies by what entered the weights: h; z "
         "comes out of them."),
        (lambda g, h, W, b, z, d: z.relu().T @ d, "dL/dW multiplies by what entered the weights: "
         "h; relu(z) comes out of them."),
        (lambda g, h, W, b, z, d: (h + z.relu()).T @ d, "dL/dW multiplies by what entered the "
         "weights: h, not y."),
        (lambda g, h, W, b, z, d: d.T @ d, "dL/dW multiplies δ by what entered the weights: h."),
        (lambda g, h, W, b, z, d: h.T @ (g + d), "W stands in the branch only: the shortcut's "
         "share does not pass it, so g does not belong in dL/dW."),
        (lambda g, h, W, b, z, d: h @ d.T, "You summed over the neurons; dL/dW has a row for each "
         "neuron of h, and sums over the inputs: hᵀ δ."),
        (lambda g, h, W, b, z, d: h[:1].T @ d[:1], "That is the share of the first input alone: "
         "sum over all rows."),
        (lambda g, h, W, b, z, d: h.mean(0)[:, None] * d.sum(0), "You summed over the inputs "
         "before multiplying: each input's h belongs to its own δ."),
        (lambda g, h, W, b, z, d: h.sum(0)[:, None] * d.sum(0), "You summed over the inputs "
         "before multiplying: each input's h belongs to its own δ."),
        (lambda g, h, W, b, z, d: h.T @ (d @ W.T), "W's own gradient does not pass W: δ itself "
         "arrives there, not δ Wᵀ."),
        (lambda g, h, W, b, z, d: h * d, "You multiplied entry by entry; each entry of h meets "
         "each of δ, summed over the inputs: a matrix product."),
    ),
    0: _slips(
        0,
        (lambda g, h, W, b, z, d: d @ W.T, _LACKS),
        (lambda g, h, W, b, z, d: g, "That is the shortcut's share, g. h also enters z = h W + b: "
         "the branch's share is missing."),
        (lambda g, h, W, b, z, d: (g + d @ W.T) / 2, "You halved the gradient at the plus sign. A "
         "sum hands all of it to both sides: dy/du = 1 and dy/dv = 1."),
        (lambda g, h, W, b, z, d: (g + g @ W.T) * (z > 0), _CLOSED),
        (lambda g, h, W, b, z, d: d + d @ W.T, _CLOSED),
        (lambda g, h, W, b, z, d: d @ W, _LACKS + " And going back W is transposed."),
        (lambda g, h, W, b, z, d: g @ W.T, _LACKS + " And the gate is missing: δ, not g, goes "
         "back through W."),
        (lambda g, h, W, b, z, d: g + d @ W, "W is not transposed: forward multiplies by W, "
         "backward by Wᵀ."),
        (lambda g, h, W, b, z, d: g + g @ W, "W is not transposed, and the branch's gradient is "
         "not gated: it is δ Wᵀ."),
        (lambda g, h, W, b, z, d: g + (g @ W.T) * (h > 0), "That gate is for relu(h). Here the "
         "ReLU acts on z = h W + b: gate g where z > 0, before multiplying by Wᵀ."),
        (lambda g, h, W, b, z, d: g + (d @ W.T) * (h > 0), "One gate too many: only z passes a "
         "ReLU here, h does not."),
        (lambda g, h, W, b, z, d: g + (d @ W.T) * (z > 0), "The gate is used twice. Going back, "
         "the ReLU comes before Wᵀ, and only there."),
        (lambda g, h, W, b, z, d: (g * (h > 0)) @ W.T + g, _H),
        (lambda g, h, W, b, z, d: g + (g * (h @ W > 0)) @ W.T, _NO_BIAS),
        (lambda g, h, W, b, z, d: g + (g @ W.T) * (z > 0), "Right gate, wrong moment: forward, the "
         "ReLU comes after W, so going back it comes first: (g ⊙ [z > 0]) Wᵀ."),
        (lambda g, h, W, b, z, d: g + (g * z.relu()) @ W.T, _RELU),
        (lambda g, h, W, b, z, d: g + (g * (h + z.relu() > 0)) @ W.T, "The gate looks at z, not at "
         "y."),
        (lambda g, h, W, b, z, d: g + g @ W.T, "The branch's gradient is not gated: where z < 0 "
         "nothing gets through."),
        (lambda g, h, W, b, z, d: g + d, "The branch's gradient has to go back through W, too: "
         "δ Wᵀ."),
        (lambda g, h, W, b, z, d: (g + d) @ W.T, "The shortcut's share does not pass W: only δ "
         "is multiplied by Wᵀ."),
        (lambda g, h, W, b, z, d: g + d @ torch.linalg.inv(W), "Going back is no undoing: the "
         "chain rule transposes W, it does not invert it."),
        (lambda g, h, W, b, z, d: g - d @ W.T, "Both shares are added: the branch's stands with a "
         "plus sign."),
        (lambda g, h, W, b, z, d: g * (d @ W.T), "Both shares are added, not multiplied: h is used "
         "in two places."),
        (lambda g, h, W, b, z, d: g * (1 + d @ W.T), "g is used twice in the branch's share: it "
         "is in δ already. The shortcut's share is g, and the branch's is added to it."),
        (lambda g, h, W, b, z, d: g + (d @ W.T).sum(0), "Each input has an h of its own, so "
         "nothing is summed over the inputs in dL/dh."),
        (lambda g, h, W, b, z, d: g + (d @ W.T).mean(0), "Each input has an h of its own, so "
         "nothing is averaged over the inputs in dL/dh."),
        (lambda g, h, W, b, z, d: g + d * W.sum(1), "δ goes back through W as a matrix product, "
         "not entry by entry."),
        (lambda g, h, W, b, z, d: g + (h @ W.T) * (z > 0), "h goes forward; what goes back through "
         "W is δ."),
        (lambda g, h, W, b, z, d: h + d, "You added h; the shortcut's share of the gradient is "
         "g. And δ goes back through W."),
        (lambda g, h, W, b, z, d: 2 * g + d @ W.T, "The shortcut's share is counted twice."),
        (lambda g, h, W, b, z, d: 1 + d @ W.T, "The shortcut's share is 1 times g, not 1: dy/dh "
         "is 1 there, and g arrives."),
        (lambda g, h, W, b, z, d: h + d @ W.T, "You added h; the shortcut's share of the gradient "
         "is g."),
        (lambda g, h, W, b, z, d: g + d @ W.T + d.sum(0), "dL/db does not belong in dL/dh: b is "
         "added to z, it does not contain h."),
        (lambda g, h, W, b, z, d: g + d @ W.T + b, "b does not stand in dL/dh: its derivative with "
         "respect to h is 0."),
    ),
}  # fmt: skip
