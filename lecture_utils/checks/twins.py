"""Check for notebook 04: mirrored starting weights of a deep plain net (exercise 4.1)."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lecture_utils.checks.values import said
from lecture_utils.checks.verdict import NotYet, graded
from lecture_utils.models import ShortcutMLP

_KINDS = (  # width, depth, starting weights
    (8, 3, "default"),
    (32, 4, "he"),
    (6, 2, "default"),
    (2, 1, "he"),
    (12, 9, "default"),
)


def _net(width: int, depth: int, init: str) -> ShortcutMLP:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(width)
        return ShortcutMLP(width, depth, use_shortcut=False, init=init)


@graded
def looks_linear(answer: Callable) -> str:
    """Exercise 4.1: mirrored orthogonal weights, with which a ReLU net starts as a linear one."""
    for place, (width, depth, init) in enumerate(_KINDS):
        net = _net(width, depth, init)
        was = copy.deepcopy(net)
        try:
            new = _answered(answer, net)
            _require_net(new, was)
            _require_changed(new, was)
            _require_new_maps([_map(block, width, k) for k, block in enumerate(new.blocks)])
        except NotYet as mistake:
            if not place:
                raise
            first, now = (f"width {w}, {d} blocks" for w, d, _ in (_KINDS[0], _KINDS[place]))
            raise type(mistake)(f"Right for {first}, not for {now}: {mistake}") from mistake
    return (
        "From its second block on your net of ReLUs starts as a linear map that keeps every "
        "length, however deep it is. Train it: "
        "`final_loss(trained(32, use_shortcut=False, start=looks_linear)[0])`"
    )


def _answered(answer: Callable, net: ShortcutMLP) -> Any:
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


def _require_net(new: Any, was: ShortcutMLP) -> None:
    """Refuse what is no net of as many blocks with the given stem and head."""
    depth = len(was.blocks)
    if not isinstance(new, nn.Module) or not hasattr(new, "blocks"):
        raise NotYet(f"Return the net; yours returns {said(new)}.")
    if len(new.blocks) != depth:
        raise NotYet(f"The net had {depth} blocks; the one that you return has {len(new.blocks)}.")
    for name in ("stem", "head"):
        if not _equal(getattr(new, name), getattr(was, name)):
            raise NotYet(f"The {name} has other weights now. Only the blocks get new ones.")


def _require_changed(new: nn.Module, was: ShortcutMLP) -> None:
    """Refuse blocks that are as they were."""
    same = [k for k, pair in enumerate(zip(new.blocks, was.blocks, strict=True)) if _equal(*pair)]
    if same:
        raise NotYet(
            f"Block {same[0]} is as it was. Every block gets new weights, from the first to the "
            f"last: does the loop, or a `return` in it, end too early?"
        )


def _equal(new: nn.Module, old: nn.Module) -> bool:
    """Tell whether two parts have the same parameters."""
    both = list(new.parameters()), list(old.parameters())
    return len(both[0]) == len(both[1]) and all(map(torch.equal, *both))


def _map(block: nn.Module, width: int, place: int) -> Tensor:
    """Run a block on pairs (u, −u); refuse that it does not make (uV, −uV) of them; return V."""
    half = width // 2
    _require_weights(block, width, place)
    block = copy.deepcopy(block).double()
    u = torch.randn(20, half, generator=torch.Generator().manual_seed(1)).double()
    u = torch.cat([torch.eye(half).double(), 3 * u])

    def run(u: Tensor) -> Tensor:
        with torch.no_grad():
            return block(torch.cat([u, -u], 1))

    if run(0 * u[:1]).abs().max() > 1e-6:
        raise NotYet(
            f"The biases of block {place} are not 0. u and −u both get the same bias, and then "
            f"they are mirror images no more: set the biases to 0."
        )
    above, below = run(u), run(-u)
    V = above[:half, :half]
    if not above.any():
        raise NotYet(f"Block {place}'s weights are all 0: then nothing comes through.")
    if not _close(below, -above):
        raise NotYet(
            f"Block {place} is not linear yet: −u does not give minus what u gives. The weights "
            f"from relu(−u) must be minus the weights from relu(u): relu(u) V − relu(−u) V = u V."
        )
    _require_mirror(above[:, :half], above[:, half:], place)
    _require_orthogonal(V, place)
    if not _close(above[:, :half], u @ V):
        raise NotYet(f"Block {place} does not return u @ V for longer u: is a ReLU changed?")
    return V


def _close(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, rtol=1e-4, atol=1e-5)


def _require_weights(block: nn.Module, width: int, place: int) -> None:
    """Refuse weights of another shape, and those that are no parameters any more."""
    weight = getattr(getattr(block, "linear", None), "weight", None)
    if weight is not None and tuple(weight.shape) != (width, width):
        raise NotYet(
            f"Block {place}'s weight has shape {tuple(weight.shape)}; the net has {width} "
            f"neurons, so V is {width // 2} × {width // 2} and W is {width} × {width}."
        )
    bias = getattr(getattr(block, "linear", None), "bias", None)
    if bias is not None and bias.numel() != width:
        raise NotYet(
            f"Block {place}'s bias has shape {tuple(bias.shape)}; one number for each of the "
            f"{width} neurons is expected. W belongs into the weight."
        )
    if other := {p.dtype for p in block.parameters()} - {torch.float32}:
        raise NotYet(
            f"Block {place} is of {str(other.pop()).removeprefix('torch.')}"
            f" now, beside a net of float32. Convert W with `.float()`."
        )
    if sum(p.numel() for p in block.parameters() if p.requires_grad) < width**2:
        raise NotYet(
            f"Block {place} would not learn: its weights are no parameters any more, or their "
            f"`requires_grad` is False. Set the values of the parameter that is there, `.data`."
        )


def _require_mirror(first: Tensor, second: Tensor, place: int) -> None:
    """Refuse a second half of the outputs that is not minus the first."""
    if _close(second, -first):
        return
    if _close(second, first):
        raise NotYet(
            f"In block {place} both halves come out as uV. The second must be its mirror image, "
            f"−uV: the next block needs both signs."
        )
    size = second.norm() / first.norm()
    if size < 1e-6 or size > 1e6:
        which = "second" if size < 1 else "first"
        raise NotYet(f"In block {place} the {which} half of what comes out is 0, not a mirror.")
    raise NotYet(
        f"In block {place} the second half of what comes out is not minus the first half. Use "
        f"the same V in all four quarters of W; two of them are −V."
    )


def _require_orthogonal(V: Tensor, place: int) -> None:
    """Refuse a V that changes lengths, or that is no random one."""
    eye, gram = torch.eye(len(V), dtype=V.dtype), V @ V.T
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
    if len(V) > 1 and _close(V.abs().amax(1), torch.ones(len(V), dtype=V.dtype)):
        raise NotYet(
            f"V in block {place} only exchanges or turns over single numbers. A *random* "
            f"orthogonal matrix mixes them all: nn.init.orthogonal_ draws one."
        )


def _require_new_maps(maps: list[Tensor]) -> None:
    """Refuse blocks with the same V; of width 2 there are only two V, 1 and −1."""
    alike = [(j, k) for k in range(len(maps)) for j in range(k) if _close(maps[j], maps[k])]
    if alike and len(maps[0]) > 1:
        raise NotYet(
            "Blocks {} and {} have the same V. Draw a new one inside the loop, from a random "
            "state that goes on.".format(*alike[0])
        )
