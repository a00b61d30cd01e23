"""Checks for notebook 05: the curvature of a slice, and a ruler beaten (exercises 5.1, 5.2)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lecture_utils.checks.judge import name_slip
from lecture_utils.checks.values import tensor
from lecture_utils.checks.verdict import NotYet, graded
from lecture_utils.models import ShortcutMLP


@graded
def curvature(answer: Callable) -> str:
    """Exercise 5.1: the second derivative from the losses at neighbouring points."""
    step = 0.2
    s = step * torch.arange(-3, 4, dtype=torch.float64)
    cubic = s**3 + 1.5 * s**2 + 0.7 * s + 2
    curves = {"s³ + 1.5 s² + 0.7 s + 2": cubic, "exp(s)": s.exp()}
    for name, f in curves.items():
        given = f.clone()
        found = answer(given, step)
        if not torch.equal(given, f):
            raise NotYet("Your function changed the losses it was given; work on a copy.")
        found = torch.as_tensor(found)
        if tuple(found.shape) in {(6,), (7,), (3,)}:
            raise NotYet(_wrong_length(len(found)))
        found = tensor(found, (5,))
        name_slip(found, _curvature_slips(f, step))
        right = (f[:-2] - 2 * f[1:-1] + f[2:]) / step**2
        if not torch.allclose(found, right, rtol=1e-4, atol=1e-6):
            k = int((found - right).abs().argmax())
            raise NotYet(
                f"For {name}, you found {found[k]:.4g} at s = {s[k + 1]:+.1f}, where the "
                f"neighbours give {right[k]:.4g}. Check it with s², whose curvature is 2 "
                f"everywhere."
            )
    return (
        "Two neighbours and the middle are enough, and the net's formula is not needed. Try it: "
        "`curvature(along(plain[0], random_direction(plain[0], 0), torch.arange(-2, 3) / 20), "
        "0.05)`"
    )


def _curvature_slips(f: Tensor, step: float) -> list[tuple[Tensor, str]]:
    left, middle, right = f[:-2], f[1:-1], f[2:]
    second = left - 2 * middle + right
    return [
        (second, "You did not divide. Half as far apart, the differences are four times "
                 "smaller: divide by step²."),
        (second / step, "You divided by the step once; a curvature needs step²."),
        (second / (2 * step), "You divided by 2 · step, which is right for a *slope*; here it is "
                              "step²."),
        (second / (2 * step) ** 2, "The points are one step from the middle, not two: divide "
                                   "by step², not (2 · step)²."),
        (second / (2 * step**2), "That is half of it: each of the two parabola's values has "
                                 "½ c step², to the left and to the right, and the two add up."),
        (2 * second / step**2, "That is twice as much: the sum of the two neighbours has "
                               "c step², and not ½ c step²."),
        (-second / step**2, "The sign is wrong: in a valley both neighbours are *higher*, and "
                            "the curvature is positive."),
        ((left - middle + right) / step**2, "The middle counts twice, once for each "
                                            "neighbour: f(s+h) + f(s−h) − 2 f(s)."),
        ((right - left) / (2 * step), "That is the *slope*. Add the two neighbours instead of "
                                      "subtracting them: then the slope cancels."),
    ]  # fmt: skip


def _wrong_length(length: int) -> str:
    if length == 6:
        return "6 numbers for 7 losses: that is one difference. Take the difference of differences."
    if length == 7:
        return (
            "7 numbers for 7 losses: the two outer points have only one neighbour, so no "
            "curvature can be read off there. Return the inner 5."
        )
    return "3 numbers for 7 losses: compare neighbours, one step apart, at every inner point."


def _net(width: int, depth: int, use_shortcut: bool) -> ShortcutMLP:
    """Make a net in float64 whose biases are not 0, as after training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(width)
        net = ShortcutMLP(width, depth, use_shortcut=use_shortcut, in_features=5, out_features=3)
    return net.double().eval()


@graded
def stretched(answer: Callable) -> str:
    """Exercise 5.2: one number of the hidden state a times as large, no answer changed."""
    for width, depth, use_shortcut, k, a in ((6, 3, True, 2, 4.0), (4, 2, False, 0, 0.25)):
        net = _net(width, depth, use_shortcut)
        before = [p.detach().clone() for p in net.parameters()]
        new = _answered(answer, net, k, a)
        if not isinstance(new, nn.Module) or not hasattr(new, "blocks"):
            raise NotYet(f"Return the new net; yours returns a {type(new).__name__}.")
        if any(not torch.equal(p, b) for p, b in zip(net.parameters(), before, strict=True)):
            raise NotYet("The given net was changed too. Work on `copy.deepcopy(net)`.")
        if all(torch.equal(p, b) for p, b in zip(new.parameters(), before, strict=True)):
            raise NotYet("Your net has the old weights: number k is not a times as large.")
        _require_stem(net, new, k, a)
        D = torch.ones(width, dtype=torch.float64)
        D[k] = a
        for place, (old, block) in enumerate(zip(net.blocks, new.blocks, strict=True)):
            _require_layer(old.linear, block.linear, D, k, a, f"block {place}")
        _require_head(net.head, new.head, D, a)
    return (
        "Not one answer has changed. Now measure: `sharpness(short[0], in_rows=True)` and "
        "`sharpness(stretched(short[0], 0, 1 / 256), in_rows=True)`. One row was enough to beat "
        "the ruler that is made of rows."
    )


def _answered(answer: Callable, net: ShortcutMLP, k: int, a: float) -> nn.Module:
    """Call the answer; where PyTorch refuses how a weight is set, say how it is done."""
    try:
        return answer(net, k, a)
    except NotYet as mistake:
        if any(words in str(mistake) for words in ("leaf Variable", "cannot assign", "inplace")):
            raise NotYet(
                f"{mistake} A weight is a parameter, which autograd guards. Change its values "
                f"with `.data`, as cell 5.5 a does."
            ) from mistake
        raise


def _require_stem(net: ShortcutMLP, new: ShortcutMLP, k: int, a: float) -> None:
    """Refuse a stem whose number k is not a times as large, or that changes another one."""
    wanted_w, wanted_b = net.stem.weight.detach().clone(), net.stem.bias.detach().clone()
    wanted_w[k] *= a
    wanted_b[k] *= a
    found_w, found_b = new.stem.weight.detach(), new.stem.bias.detach()
    if torch.allclose(found_w, a * net.stem.weight):
        raise NotYet(
            "You multiplied all numbers of the hidden state, which is section 5.5's `rescaled`: "
            "the ruler made of rows sees through that. Multiply number k only."
        )
    if torch.allclose(found_w[:, k], a * net.stem.weight[:, k]) or torch.allclose(
        found_w[:, k], net.stem.weight[:, k] / a
    ):
        raise NotYet(
            "In the stem you changed column k: that is what reads pixel k. The weights that "
            "*compute* number k of the hidden state are row k, `weight.data[k]`."
        )
    if torch.allclose(found_w[k], net.stem.weight[k] / a):
        raise NotYet("Number k comes out of the stem divided by a; multiply it.")
    if not torch.allclose(found_w, wanted_w):
        raise NotYet(
            "After the stem number k of the hidden state must be a times as large and all others "
            "as before: multiply row k of the stem's weights, and nothing else of them."
        )
    if not torch.allclose(found_b, wanted_b):
        raise NotYet("The stem adds a bias to number k: that must become a times as large, too.")


def _require_layer(old: nn.Linear, new: nn.Linear, D: Tensor, k: int, a: float, where: str) -> None:
    """Refuse a block's layer that does not take a-fold number k in and give it out again."""
    W, found = old.weight.detach(), new.weight.detach()
    if torch.allclose(found, D[:, None] * W / D):
        if not torch.allclose(new.bias, D * old.bias):
            raise NotYet(f"In {where} the bias of number k is still the old one.")
        return
    if torch.allclose(found, W):
        raise NotYet(
            f"In {where} nothing has changed. It reads number k, which is now {a:g} times as "
            f"large, and it computes a new number k."
        )
    if torch.allclose(found, D[:, None] * W):
        raise NotYet(
            f"In {where} all numbers read number k, which is now {a:g} times as large: divide the "
            f"weights that read it, column k, by a."
        )
    if torch.allclose(found, W / D):
        raise NotYet(
            f"In {where} the old number k comes out, beside a stream in which it is {a:g} times "
            f"as large: multiply row k, which computes it, by a."
        )
    if torch.allclose(found, W / D[:, None] * D) or torch.allclose(found, D * W):
        raise NotYet(f"In {where} rows and columns are exchanged: row k computes, column k reads.")
    right = D[:, None] * W / D
    off = (found - right).abs() > 1e-9
    if off.sum() == 1 and off[k, k]:
        raise NotYet(
            f"In {where} the weight from number k to number k is wrong: it is multiplied as part "
            f"of row k and divided as part of column k, so it stays as it was."
        )
    raise NotYet(f"In {where} row k must be a times the old one, and column k divided by a.")


def _require_head(old: nn.Linear, new: nn.Linear, D: Tensor, a: float) -> None:
    """Refuse a head that does not undo the factor a."""
    if torch.allclose(new.weight, old.weight) and not torch.equal(D, torch.ones_like(D)):
        raise NotYet(f"The head still reads a number k that is {a:g} times as large: divide there.")
    if not torch.allclose(new.weight, old.weight / D):
        raise NotYet("In the head only column k changes: it reads number k, so divide it by a.")
    if not torch.allclose(new.bias, old.bias):
        raise NotYet("The head's biases are added to the answers; they must stay as they were.")
