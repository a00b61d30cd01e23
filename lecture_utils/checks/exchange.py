"""Check for notebook 04: two blocks of a net exchanged (exercise 4.3)."""

import copy
import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lecture_utils.checks.order import exchanged, output, require_order, run, spelled, strange
from lecture_utils.checks.relations import close
from lecture_utils.checks.verdict import NotYet, graded
from lecture_utils.models import ShortcutMLP

# What the net is, and k: both twins, each norm, from two blocks on, k at both ends.
_NETS = (
    ({"use_shortcut": False}, 4, 1),
    ({"use_shortcut": True}, 4, 0),
    ({"use_shortcut": True, "norm": "layer"}, 4, 2),
    ({"use_shortcut": False, "norm": "layer", "activation": "tanh"}, 2, 0),
    ({"use_shortcut": True, "norm": "batch", "in_features": 5, "out_features": 3}, 7, 5),
)


@graded
def swapped(answer: Callable) -> str:
    """Exercise 4.3: exchange blocks k and k + 1 without touching the given net."""
    for k in (1, 0, 2):
        order = spelled(answer, k)
        if order == "1234" and (half := _half_exchanged(answer, k)):
            raise NotYet(half)
        require_order(answer, order, k)
    for options, depth, k in _NETS:
        _require_outputs(answer, options, depth, k)
    return (
        "Try it on both twins: `test_accuracy(swapped(twins[True, 16].member(0), 8))`. Terms of a "
        "sum may change places; steps of a recipe may not."
    )


def _require_outputs(answer: Callable, options: dict, depth: int, k: int) -> None:
    """Refuse another output than that of a net with its own blocks exchanged."""
    net, x = _random_net(options, depth)
    here = "Right for four blocks with shortcuts, no norm; not for " + _described(options, depth, k)
    try:
        found = run(answer, net, k, x)
    except NotYet as mistake:
        raise type(mistake)(f"{here}: {mistake}") from mistake
    if close(found, output(exchanged([*net.blocks], k, k + 1), net, x)):
        return
    if cause := _half(net, k, x, found) or _cause(net, k, x, found):
        raise NotYet(f"{here}: {cause}")
    unlike = strange(answer(net, k), net)
    raise type(unlike)(f"{here}: {unlike}")


def _random_net(options: dict, depth: int) -> tuple[ShortcutMLP, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(depth)
        net = ShortcutMLP(16, depth, **options)
        return net, torch.randn(6, net.stem.in_features)


def _half_exchanged(answer: Callable, k: int) -> str:
    """Say where an answer exchanges something else than whole blocks, of four with shortcuts."""
    net, x = _random_net({}, 4)
    return _half(net, k, x, run(answer, net, k, x))


def _half(net: ShortcutMLP, k: int, x: Tensor, found: Tensor) -> str:
    """Say which parameters alone have changed places, or stand twice; "" if it is not that."""
    for name, other in (("weight", "biases"), ("bias", "weights")):
        if close(found, output(_with_other(net, k, name, (1, 0)), net, x)):
            return f"Of blocks {k} and {k + 1} not all has changed places: the {other} have not."
        for places in ((0, 0), (1, 1)):
            if close(found, output(_with_other(net, k, name, places), net, x)):
                return (
                    f"Blocks {k} and {k + 1} have the same {name} now: the first assignment has "
                    f"overwritten what the second one needs. Keep a `.clone()` of it."
                )
    return ""


def _described(options: dict, depth: int, k: int) -> str:
    twin = "with shortcuts" if options["use_shortcut"] else "without shortcuts"
    norm = f"{options['norm']} norm" if options.get("norm") else "no norm"
    return f"{depth} blocks {twin}, {norm}, and k = {k}"


def _cause(net: ShortcutMLP, k: int, x: Tensor, found: Tensor) -> str:
    """Say which other net would have put out what was found."""
    for i, j in itertools.combinations(range(len(net.blocks)), 2):
        if close(found, output(exchanged([*net.blocks], i, j), net, x)):
            return f"blocks {i} and {j} have changed places, not {k} and {k + 1}."
    if close(found, output([*net.blocks], net, x)):
        return "the order is unchanged."
    for use_shortcut in (True, False):
        blocks = [copy.copy(block) for block in exchanged([*net.blocks], k, k + 1)]
        for block in blocks:
            block.use_shortcut, block.norm, block.phi = use_shortcut, None, torch.relu
        if close(found, output(blocks, net, x)):
            return (
                "your net has the right weights in the right order, but not the given net's "
                "shortcuts, norm and activation. Use the given net's own blocks, or a copy."
            )
    return ""


def _with_other(net: ShortcutMLP, k: int, name: str, places: tuple[int, int]) -> list[nn.Module]:
    """Return copies of the blocks; k and k + 1 have these two's parameter of that name."""
    blocks = list(copy.deepcopy(net.blocks))
    both = [getattr(block.linear, name) for block in blocks[k : k + 2]]
    values = [parameter.data for parameter in both]
    for parameter, place in zip(both, places, strict=True):
        parameter.data = values[place]
    return blocks
