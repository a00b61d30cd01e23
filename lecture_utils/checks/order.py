"""The order in which an answer's net runs the given net's blocks (exercise 4.3)."""

import copy
import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lecture_utils.checks.relations import close
from lecture_utils.checks.values import as_tensor, said
from lecture_utils.checks.verdict import NotYet, Unrecognised
from lecture_utils.models import ShortcutMLP


def _spelling_net() -> ShortcutMLP:
    """Make a net whose output spells its parts: −91234 for stem, four blocks in order, head."""
    net = ShortcutMLP(32, 4).eval()
    eye, one = torch.eye(32), torch.ones(32)
    parts = [(net.stem, torch.zeros(32, 64), 9 * one), (net.head, -torch.eye(10, 32), one[:10] * 0)]
    parts += [(block.linear, 9 * eye, k * one) for k, block in enumerate(net.blocks, start=1)]
    for linear, weight, bias in parts:  # a block makes h + 9 relu(h) + k, which is 10 h + k
        linear.weight.data, linear.bias.data = weight.clone(), bias.clone()
    return net


def run(answer: Callable, net: ShortcutMLP, k: int, x: Tensor) -> Tensor:
    """Return what the answer's net makes of x, (n, out); refuse that the given net changes."""
    was, before = copy.deepcopy(net), net(x).detach()
    new = answer(net, k)
    _require_callable(new)
    try:
        made = new(x)
    except (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError) as error:
        size = tuple(x.shape)
        if _takes(new, net.stem.out_features):
            raise NotYet(
                f"The stem is missing: your net takes {net.stem.out_features} numbers, not "
                f"{net.stem.in_features}."
            ) from error
        raise NotYet(
            f"Your net stops on a batch of shape {size} with {type(error).__name__}: {error}. Does "
            f"x go through the stem first, then through all blocks, then through the head?"
        ) from error
    changed = not _same_weights(net, was) or not close(net(x).detach(), before)
    if changed:
        raise NotYet(
            "The given net was changed too: the next experiment would start from a broken net. "
            "Exchange the entries of a list of your own, or work on a copy."
        )
    made = as_tensor(made, "what your net makes of a batch")
    if made.shape[-1:] == (net.head.in_features,):
        raise NotYet("The head is missing: after the last block the net must call net.head.")
    if made.shape != before.shape:
        raise NotYet(
            f"Your net makes {tuple(made.shape)} of a batch of {len(x)}; the given one makes "
            f"{tuple(before.shape)}."
        )
    return made


def _takes(new: Callable, width: int) -> bool:
    """Tell whether a net takes hidden states as its input."""
    try:
        new(torch.zeros(2, width))
    except Exception:  # whatever an answer's net does with an input that is not its own
        return False
    return True


def _require_callable(new: Any) -> None:
    if isinstance(new, Tensor):
        raise NotYet("You return a tensor; return the net itself, something to be called.")
    if isinstance(new, nn.ModuleList | list | tuple):
        raise NotYet(
            f"You return {said(new)}: parts side by side. nn.Sequential(…) makes a net of them "
            f"that can be called."
        )
    if isinstance(new, type) or not callable(new):
        raise NotYet(f"You return {said(new)}; a net that can be called is wanted.")


def _same_weights(net: nn.Module, was: nn.Module) -> bool:
    now, then = net.state_dict(), was.state_dict()
    return list(now) == list(then) and all(torch.equal(now[name], then[name]) for name in now)


def spelled(answer: Callable, k: int) -> str:
    """Return the numbers of the blocks, in the order in which the answer's net runs them."""
    net, zero = _spelling_net(), torch.zeros(1, 64)
    made = run(answer, net, k, zero)
    text = str(round(made[0, 0].item()))
    if text.startswith("-9") and set(text[2:]) <= set("1234"):
        return text[2:]
    layers = [block.linear for block in net.blocks]
    for order in itertools.permutations(layers):
        if close(made, output(list(order), net, zero)):
            raise NotYet(
                "You call the blocks' linear layers alone: activation and shortcut are lost. Take "
                "the whole blocks."
            )
    raise strange(answer(net, k), net)


def strange(new: Any, net: ShortcutMLP) -> NotYet:
    """Say what stands in the answer's net that does not stand in the given one."""
    if isinstance(new, nn.Module):
        leaves = [type(m).__name__ for m in new.modules() if not list(m.children())]
        if added := set(leaves) - {"Linear"}:
            return NotYet(f"In your net is {', '.join(added)}, which the given net has not.")
        own = list(net.parameters())
        for p in new.parameters():
            if not any(p.shape == q.shape and torch.equal(p, q) for q in own):
                return NotYet("Your net has weights that the given one has not: drawn anew?")
    return Unrecognised(
        "Your net puts out other numbers than the given net's stem, its blocks in the new order "
        "and its head, one after the other. Compare the two on one digit, block by block."
    )


def require_order(answer: Callable, order: str, k: int) -> None:
    """Refuse another order of the blocks than the right one, and say what happened to them."""
    right = "".join(exchanged(list("1234"), k, k + 1))
    if order == right:
        return
    here = f"With four blocks 1 2 3 4 and k = {k} the order must be {' '.join(right)}"
    yours = f"{here}; yours is {' '.join(order) or 'no block at all'}"
    if order == "1234":
        raise NotYet(f"{here}; yours is unchanged.")
    if len(order) < 4:
        raise NotYet(f"{yours}: a block was lost, not exchanged.")
    if len(order) > 4:
        raise NotYet(f"{yours}: there are {len(order)} blocks now.")
    if len(set(order)) < 4:
        raise NotYet(
            f"{yours}: one block stands twice. The first assignment has overwritten what the "
            f"second one needs; exchange both in one line."
        )
    if pair := _pair(order):
        i, j = pair
        why = _why_this_pair(answer, k, pair)
        raise NotYet(f"{yours}: blocks {i} and {j} are exchanged, not {k} and {k + 1}.{why}")
    raise NotYet(f"{yours}: more than blocks {k} and {k + 1} have changed places.")


def _pair(order: str) -> tuple[int, int] | None:
    """Return which two of four blocks have changed places, if two have."""
    for i, j in itertools.combinations(range(4), 2):
        if order == "".join(exchanged(list("1234"), i, j)):
            return i, j
    return None


def _why_this_pair(answer: Callable, k: int, pair: tuple[int, int]) -> str:
    """Compare with what the answer does for another k."""
    for other in {0, 1, 2} - {k}:
        try:
            now = _pair(spelled(answer, other))
        except NotYet:
            continue
        if now == pair:
            return " They are the same, whatever k is."
        i, j = pair
        if j == i + 1 and now == (i - k + other, j - k + other):
            return " Blocks are counted from 0."
    return ""


def exchanged(parts: list, i: int, j: int) -> list:
    """Exchange two parts, in place; return the list."""
    parts[i], parts[j] = parts[j], parts[i]
    return parts


def output(blocks: list[nn.Module], net: ShortcutMLP, x: Tensor) -> Tensor:
    """Return what the net's stem, these blocks and its head make of x, in float64."""
    with torch.no_grad():
        h = net.stem(x)
        for block in blocks:
            h = block(h)
        return as_tensor(net.head(h))
