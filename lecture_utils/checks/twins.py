"""Checks for notebook 04: starting weights and the order of blocks (exercises 4.1 and 4.3)."""

from collections.abc import Callable

import torch
from torch import Tensor

from lecture_utils.checks.verdict import NotYet, graded
from lecture_utils.models import ShortcutMLP


def _net(width: int, depth: int, seed: int) -> ShortcutMLP:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ShortcutMLP(width, depth, use_shortcut=False)


@graded
def looks_linear(answer: Callable) -> str:
    """Exercise 4.1: mirrored orthogonal weights, with which a ReLU net starts as a linear one."""
    for width, depth in ((8, 3), (6, 2), (32, 4)):
        net = _net(width, depth, seed=width)
        returned = _answered(answer, net)
        if not hasattr(returned, "blocks"):
            kind = type(returned).__name__
            raise NotYet(f"Return the net; yours returns a {kind}.")
        blocks = [block.linear for block in returned.blocks]
        if len(blocks) != depth:
            raise NotYet(f"The net had {depth} blocks; the one that you return has {len(blocks)}.")
        maps = []
        for place, linear in enumerate(blocks):
            weight, bias = linear.weight, linear.bias
            if tuple(weight.shape) != (width, width):
                raise NotYet(
                    f"Block {place}'s weight has shape {tuple(weight.shape)}; the net has {width} "
                    f"neurons, so V is {width // 2} × {width // 2} and W is {width} × {width}."
                )
            if bias is not None and bias.any():
                raise NotYet(
                    "The biases are still there. u and −u both get the same bias, and then they "
                    "are mirror images no more: set the biases to 0."
                )
            maps.append(_mirrored(weight.detach(), place))
        if any(torch.allclose(maps[0], other, atol=1e-5) for other in maps[1:]):
            raise NotYet("All blocks have the same V. Draw a new one inside the loop.")
        if len({linear.weight.data_ptr() for linear in blocks}) < depth:
            raise NotYet("All blocks share one weight tensor. Draw a new one inside the loop.")
    return (
        "From its second block on your net of ReLUs starts as a linear map that keeps every "
        "length, however deep it is. Train it: "
        "`final_loss(trained(32, use_shortcut=False, start=looks_linear)[0])`"
    )


def _answered(answer: Callable, net: ShortcutMLP) -> ShortcutMLP:
    """Call the answer; where PyTorch refuses how a weight is set, say how it is done."""
    try:
        return answer(net)
    except NotYet as mistake:
        refused = ("leaf Variable", "leaf variable", "cannot assign", "inplace")
        if any(words in str(mistake) for words in refused):
            raise NotYet(
                f"{mistake} A weight is a parameter, which autograd guards. Set its values with "
                f"`block.linear.weight.data = W.T`."
            ) from mistake
        raise


def _mirrored(weight: Tensor, place: int) -> Tensor:
    """Refuse a weight that does not turn (u, −u) into (uV, −uV), V orthogonal; return V."""
    half = len(weight) // 2
    weight = weight.double()
    eye = torch.eye(half, dtype=torch.float64)
    above, below = (torch.relu(torch.cat([u, -u], 1)) @ weight.T for u in (eye, -eye))
    V, mirror = above[:, :half], above[:, half:]
    if torch.equal(weight, torch.zeros_like(weight)):
        raise NotYet(f"Block {place}'s weights are all 0: then nothing comes through.")
    if not torch.allclose(below[:, :half], -V, atol=1e-5):
        raise NotYet(
            f"Block {place} is not linear yet: −u does not give minus what u gives. The weights "
            f"from relu(−u) must be minus the weights from relu(u): relu(u) V − relu(−u) V = u V."
        )
    if torch.allclose(mirror, V, atol=1e-5):
        raise NotYet(
            f"In block {place} both halves come out as uV. The second must be its mirror image, "
            f"−uV: the next block needs both signs."
        )
    if not torch.allclose(mirror, -V, atol=1e-5):
        raise NotYet(
            f"In block {place} the second half of what comes out is not minus the first half. Use "
            f"the same V in all four quarters of W, with the signs + − − +."
        )
    gram = V @ V.T
    if not torch.allclose(gram, eye, atol=1e-4):
        scale = gram.diagonal().mean()
        if torch.allclose(gram, scale * eye, atol=1e-4 * float(scale)):
            raise NotYet(
                f"Block {place} multiplies every length by {float(scale) ** 0.5:.3g}; after 32 "
                f"blocks that is {float(scale) ** 16:.2g}. V itself must keep lengths."
            )
        raise NotYet(
            f"V in block {place} is not orthogonal: it stretches some arrows and shrinks others. "
            f"A new tensor (half, half), filled by nn.init.orthogonal_, is."
        )
    return V


def _spelling_net() -> ShortcutMLP:
    """Make a net whose output spells its parts: −91234 for stem, four blocks in order, head."""
    net = ShortcutMLP(32, 4).eval()
    eye, one = torch.eye(32), torch.ones(32)
    parts = [(net.stem, torch.zeros(32, 64), 9 * one), (net.head, -torch.eye(10, 32), one[:10] * 0)]
    parts += [(block.linear, 9 * eye, k * one) for k, block in enumerate(net.blocks, start=1)]
    for linear, weight, bias in parts:  # a block makes h + 9 relu(h) + k, which is 10 h + k
        linear.weight.data, linear.bias.data = weight.clone(), bias.clone()
    return net


@graded
def swapped(answer: Callable) -> str:
    """Exercise 4.3: exchange blocks k and k + 1 without touching the given net."""
    for k, right in ((1, "1324"), (0, "2134"), (2, "1243")):
        net, zero = _spelling_net(), torch.zeros(1, 64)
        returned = answer(net, k)
        if isinstance(returned, Tensor):
            raise NotYet("You return a tensor; return the net itself, something to be called.")
        if isinstance(returned, type) or not callable(returned):
            kind = returned.__name__ if isinstance(returned, type) else type(returned).__name__
            raise NotYet(f"`swapped(net, k)` returns a {kind}; a net that can be called is wanted.")
        try:
            spelled = str(round(float(returned(zero).detach().flatten()[0])))
        except RuntimeError as error:
            raise NotYet(
                f"Your net cannot take a digit, an input of shape (1, 64): {error}. The stem is "
                f"missing where 64 pixels never become `width` neurons."
            ) from error
        if round(float(net(zero).detach()[0, 0])) != -91234:
            raise NotYet(
                "The given net was changed too: its own blocks are exchanged now, and the next "
                "experiment would start from a broken net. Work on a copy."
            )
        if not spelled.startswith("-"):
            raise NotYet("The head is missing: after the last block the net must call net.head.")
        _require_order(spelled[2:], right, k)
    return (
        "Try it on both twins: `test_accuracy(swapped(twins[True, 16].member(0), 8))`. Terms of a "
        "sum may change places; steps of a recipe may not."
    )


def _require_order(order: str, right: str, k: int) -> None:
    """Refuse another order of the blocks than the right one, and say what happened to them."""
    if order == right:
        return
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
