"""Check of notebook 02: the backward pass of a chain of scalar blocks, by hand (exercise 2.1)."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import torch
from torch import Tensor

from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.values import as_tensor
from lecture_utils.checks.verdict import NotYet, graded


@graded
def chain_gradients(answer: Callable) -> str:
    """Exercise 2.1: the backward pass of the scalar chain, by hand."""
    with _no_autograd():
        judge(answer, _gradients, _trials(), _SLIPS, read=_row, why=_first_step)
    return (
        "You have written backpropagation. Autograd does the same walk: one forward pass that "
        "keeps every y_l, and one factor per block on the way back."
    )


def _trials() -> list[Trial]:
    """Chains of one block and of many, strong and weak, from either side of 0."""
    cases = (
        ([0.5], 0.7, "for one block"),
        ([0.5, -0.8], 0.7, "for two blocks"),
        ([0.5, -0.8, 0.3, 0.9], 0.7, "for four blocks"),
        ([0.6, 0.2, 1.1], -1.5, "for a negative y_0"),
        ([-3.0, 0.4, -2.5], 0.1, "where a factor f' + 1 is negative"),
        ([3.0, 0.0, 0.4, -0.3, 1.0], 0.4, "for five blocks, one of weight 0"),
        ([0.7, 0.1, -0.2, 0.5, 0.3, 0.2] * 5, 0.1, "for thirty blocks"),
    )
    return [Trial((torch.tensor(w), torch.tensor(y_0)), when) for w, y_0, when in cases]


def _first_step(answer: Callable, trial: Trial) -> str | None:
    """Say which is the first wrong gradient, counted from the loss, and by how much."""
    w, y_0 = trial.given
    found, right = _row(answer(w.clone(), y_0.clone())), _right(w, y_0)
    y, off = _values(w, y_0), (found - right).abs() > 1e-4 * right.abs()
    if not off.any():
        return None
    if off[-1]:
        return (
            f"The last of your numbers should be the gradient of y_L²/2 at y_L, which is y_L "
            f"itself, {y[-1]:.4f}. It is {found[-1]:.4f}."
        )
    k = int(off.nonzero().max())
    if found[k] == 0:
        return f"The gradient at y_{k} is still 0: does the loop reach l = {k}?"
    return (
        f"The gradient at y_{k + 1} is right. On the way to y_{k} = {y[k]:.4g}, through the block "
        f"with w = {w[k]:.4g}, it is multiplied by f'(y_{k}) + 1 = {right[k] / right[k + 1]:.4f}; "
        f"yours by {found[k] / found[k + 1]:.4f}."
    )


@contextmanager
def _no_autograd() -> Iterator[None]:
    """Make whatever walks back through a graph, or forward beside the values, raise `NotYet`."""

    def refuse(*_: object, **__: object) -> None:
        raise NotYet(
            "Autograd is switched off while this check runs: walk back by hand, one factor per "
            "block."
        )

    with ExitStack() as stack:  # `grad` and `backward` of all kinds end in the first
        for name in ("_engine_run_backward", "forward_ad.make_dual"):
            stack.enter_context(patch(f"torch.autograd.{name}", refuse))
        yield


def _row(raw: object) -> Tensor:
    """Read L + 1 numbers, also where they stand in a column."""
    found = as_tensor(raw)
    return found.squeeze(-1) if found.ndim == 2 and found.shape[1] == 1 else found


def _values(w: Tensor, y_0: Tensor, shortcut: float = 1.0) -> Tensor:
    y = [y_0.double()]
    for w_l in w.double():
        y.append(torch.tanh(w_l * y[-1]) + shortcut * y[-1])
    return torch.stack(y)


def _slope(w: Tensor, y: Tensor) -> Tensor:
    return w * (1 - torch.tanh(w * y) ** 2)


def _back(factors: Tensor, top: Tensor) -> Tensor:
    """Return all gradients from the one at the top, by the factors of the blocks."""
    products = factors.flip(0).cumprod(0).flip(0)
    return torch.cat([products, torch.ones_like(products[:1])]) * top


def _walk(
    factor: Callable = lambda w, y: _slope(w, y[:-1]) + 1,
    top: Callable = lambda y: y[-1],
    shortcut: float = 1.0,
    then: Callable = lambda dL, w, y: dL,
) -> Callable:
    """Return a backward pass; by default it is the right one.

    Args:
        factor: makes the L factors of the weights (L,) and the values (L + 1,).
        top: makes the gradient at y_L of the values.
        shortcut: what the forward pass multiplies each block's input by.
        then: makes what is returned of the gradients, the weights and the values.
    """

    def gradients(w: Tensor, y_0: Tensor) -> Tensor:
        y, w = _values(w, y_0, shortcut), w.double()
        return then(_back(factor(w, y), top(y)), w, y)

    return gradients


def _recur(step: Callable) -> Callable:
    """Return a backward pass from a step: of the gradient above, f'(y_l) and y_l."""

    def gradients(w: Tensor, y_0: Tensor) -> Tensor:
        y = _values(w, y_0)
        dL = [y[-1]]
        for slope, y_l in zip(_slope(w.double(), y[:-1]).flip(0), y[:-1].flip(0), strict=True):
            dL.insert(0, step(dL[0], slope, y_l))
        return torch.stack(dL)

    return gradients


_right = _walk()


def _gradients(w: Tensor, y_0: Tensor) -> Tensor:
    return _right(w, y_0)


def _tanh(w: Tensor, y: Tensor) -> Tensor:
    return torch.tanh(w * y[:-1])


_FEWER = (
    "There is one gradient more: with L blocks there are L + 1 values y_0 … y_L, and each has its "
    "gradient. {}"
)
_INNER = "An inner derivative is missing: f(y) = tanh(w y), so f' = w (1 - tanh²(w y))."
_PLUS = "The +1 is missing: each factor is f'(y_l) + 1."
_SLOPE = "Your slope is not f': f' = w (1 - tanh²(w y)). `slope` has it."
_LONE = "You return one number; L + 1 are asked for, one for each y_l."
_START = "You start from the loss; start from its derivative, y_L."
_PAIRED = "Weights and values are paired the wrong way round: on the way down, reverse both."
_NEXT = "A block's slope needs its own weight: the block from y_l to y_(l+1) has w[l]."
_ALONE = (
    "Each factor is multiplied by y_L alone. The gradient at y_l has the factors of *all* blocks "
    "above it: multiply the gradient at y_(l+1)."
)
_SLIPS = (
    (_walk(lambda w, y: _slope(w, y[:-1])), _PLUS),
    (_recur(lambda d, slope, y: d * slope + 1), "Brackets: the 1 belongs to the factor, and the "
     "gradient is multiplied by the whole, f'(y_l) + 1."),
    (_recur(lambda d, slope, y: d + slope + 1), "You added the factor: the chain rule multiplies."),
    (_recur(lambda d, slope, y: d * (slope + 1) * y), "y_l is a factor too many: the gradient is "
     "multiplied by f'(y_l) + 1."),
    (_recur(lambda d, slope, y: d * slope + y), "The shortcut hands the gradient on: not y_l is "
     "added, but the gradient itself."),
    (_walk(top=lambda y: y[-1] * 0 + 1), "You start from 1 at the top. The loss is y_L²/2: its "
     "gradient at y_L is y_L."),
    (_walk(top=lambda y: y[-1] ** 2 / 2), _START),
    (_walk(top=lambda y: y[-1] ** 2), _START),
    (_walk(top=lambda y: y[0]), "You start from y_0 at the top. The loss is y_L²/2: its gradient "
     "at y_L is y_L."),
    (_walk(then=lambda dL, w, y: dL[-1] * torch.cat(
        [torch.ones_like(y[:1]), (_slope(w, y[:-1]) + 1).cumprod(0)])),
     "Your products start at y_0. A gradient collects its factors from the loss downwards."),
    (_walk(then=lambda dL, w, y: torch.cat([(_slope(w, y[:-1]) + 1).cumprod(0) * y[-1], y[-1:]])),
     "Your products start at y_0. A gradient collects its factors from the loss downwards."),
    (_walk(then=lambda dL, w, y: dL.flip(0)), "Right numbers, wrong order: return y_0's gradient "
     "first, y_L's last."),
    (_walk(then=lambda dL, w, y: dL[:-1]), _FEWER.format("The one at y_L is missing.")),
    (_walk(then=lambda dL, w, y: dL[1:]), _FEWER.format("The one at y_0 is missing.")),
    (_walk(then=lambda dL, w, y: dL[:-1].flip(0)), _FEWER.format("The one at y_L is missing, and "
     "the order is reversed.")),
    (_walk(then=lambda dL, w, y: dL[1:].flip(0)), _FEWER.format("The one at y_0 is missing, and "
     "the order is reversed.")),
    (_walk(then=lambda dL, w, y: torch.cat([dL, dL[-1:]])), "The gradient at y_L is there twice."),
    (_walk(then=lambda dL, w, y: dL[0]), _LONE),
    (_walk(then=lambda dL, w, y: dL[-1]), _LONE),
    (_walk(then=lambda dL, w, y: dL[0] / y[-1]), _LONE),
    (_walk(then=lambda dL, w, y: dL[1:] * y[:-1] * (1 - _tanh(w, y) ** 2)), "These are the "
     "gradients at the weights; asked for are those at the values y_0 … y_L."),
    (_walk(then=lambda dL, w, y: y), "You return the values y_l: the backward pass is missing."),
    (_walk(then=lambda dL, w, y: _slope(w, y[:-1]) + 1), "You return the factors of the blocks; "
     "multiply them up, from the loss downwards."),
    (_walk(then=lambda dL, w, y: torch.cat([_slope(w, y[:-1]) + 1, y[-1:] * 0 + 1]) * y[-1]),
     _ALONE),
    (_walk(then=lambda dL, w, y: torch.cat([_slope(w, y[:-1]) + 1, y[-1:]])), "You return the "
     "factors of the blocks; multiply them up, from the loss downwards."),
    (_walk(lambda w, y: _slope(w, y[1:]) + 1), "You took the slope at the block's output, y_(l+1). "
     "f' belongs at its input, y_l."),
    (_walk(lambda w, y: _slope(w, _tanh(w, y)) + 1), "You took the slope at tanh(w y_l): `slope` "
     "needs y_l itself, and has the tanh in it."),
    (_walk(lambda w, y: _slope(w, w * y[:-1]) + 1), "You took the slope at w y_l: `slope` needs "
     "y_l itself, and has the w in it."),
    (_walk(lambda w, y: _slope(w, y[:1]) + 1), "All your slopes are taken at y_0; each block has "
     "its own input, y_l."),
    (_walk(lambda w, y: _slope(w, y[-1:]) + 1), "All your slopes are taken at y_L; each block has "
     "its own input, y_l."),
    (_walk(lambda w, y: _slope(w[:1], y[:-1]) + 1), "All your slopes use the first weight."),
    (_walk(lambda w, y: _slope(w[-1:], y[:-1]) + 1), "All your slopes use the last weight."),
    (_walk(lambda w, y: 2 - _tanh(w, y) ** 2), _INNER),
    (_walk(lambda w, y: w - _tanh(w, y) ** 2 + 1), "Brackets: w multiplies the whole 1 - tanh²."),
    (_walk(lambda w, y: 1 + w * (1 - _tanh(w, y))), _SLOPE),
    (_walk(lambda w, y: 1 + w * (1 + _tanh(w, y) ** 2)), _SLOPE),
    (_walk(lambda w, y: 1 + w * _tanh(w, y) ** 2), _SLOPE),
    (_walk(lambda w, y: 1 + w * _tanh(w, y)), _SLOPE),
    (_walk(lambda w, y: _slope(y[:-1], w) + 1), "Weight and value are exchanged: f' = w (1 - "
     "tanh²(w y)), `slope(w_l, y_l)`."),
    (_walk(lambda w, y: 1 / (_slope(w, y[:-1]) + 1)), "You divided by the factors: the chain rule "
     "multiplies."),
    (_walk(lambda w, y: 1 + _tanh(w, y)), "You used the block's value; its factor is its slope, "
     "f'(y_l) + 1."),
    (_walk(lambda w, y: y[1:]), "You used the block's value; its factor is its slope, f'(y_l) + "
     "1."),
    (_walk(lambda w, y: 1 + w), "The tanh is missing: f' = w (1 - tanh²(w y))."),
    (_walk(lambda w, y: 1 + w * (1 - torch.tanh(y[:-1]) ** 2)), "The w inside the tanh is missing: "
     "f' = w (1 - tanh²(w y))."),
    (_walk(lambda w, y: _slope(w, y[:-1]) + y[:-1]), "The shortcut's slope is 1, not y_l."),
    (_walk(lambda w, y: _slope(w, y[:-1]) - 1), "The sign of the 1: the shortcut *adds* its slope, "
     "f'(y_l) + 1."),
    (_walk(lambda w, y: 1 - _slope(w, y[:-1])), "The sign of the slope: each factor is f'(y_l) + "
     "1."),
    (_walk(lambda w, y: _slope(w, y[:-1]) + 2), "The shortcut is counted twice: each factor is "
     "f'(y_l) + 1."),
    (_walk(lambda w, y: torch.ones_like(w)), "Only the shortcuts are counted: each factor is "
     "f'(y_l) + 1."),
    (_walk(lambda w, y: _slope(w.flip(0), y[:-1]) + 1), _PAIRED),
    (_walk(lambda w, y: _slope(w, y[:-1].flip(0)) + 1), _PAIRED),
    (_walk(lambda w, y: (_slope(w, y[:-1]) + 1).flip(0)), "The factors stand in the wrong order: "
     "the first step back is through the *last* block."),
    (_walk(lambda w, y: _slope(w.roll(1), y[:-1]) + 1), _NEXT),
    (_walk(lambda w, y: _slope(w.roll(-1), y[:-1]) + 1), _NEXT),
    (_walk(lambda w, y: _slope(w, y[:-1]), shortcut=0), "This is the chain without shortcuts: "
     "forward, too, each block adds its input."),
    (_walk(shortcut=0), "Backward has its +1, but your forward pass lost the shortcut: y_(l+1) = "
     "f(y_l) + y_l."),
)  # fmt: skip
