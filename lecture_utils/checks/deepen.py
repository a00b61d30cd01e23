"""Check for notebook 03: one block more, and not one answer changed (exercise 3.3)."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lecture_utils.checks.modules import as_function, as_module, beside, inputs, run
from lecture_utils.checks.values import tensor
from lecture_utils.checks.verdict import NotYet, graded
from lecture_utils.models import ShortcutMLP

# How to say it; width and depth; the other options. The first is the notebook's own.
_NETS = (
    ("of 3 blocks", (32, 3), {}),
    ("of one block", (8, 1), {"in_features": 5, "out_features": 4}),
    ("with a layer norm", (6, 2), {"norm": "layer", "in_features": 3, "out_features": 6}),
    ("with GELU", (8, 2), {"activation": "gelu", "init": "he", "in_features": 8}),
    ("with a batch norm and tanh", (5, 4), {"norm": "batch", "activation": "tanh"}),
    ("with sigmoid and small branches", (7, 2), {"activation": "sigmoid", "branch_scale": 0.1}),
)  # fmt: skip


@graded
def deeper(answer: Callable | type) -> str:
    """Exercise 3.3: one block more, not one answer changed."""
    answer = as_function(answer)
    kind = beside(answer, "ShortcutMLP", ShortcutMLP)
    for seed, (said, sizes, options) in enumerate(_NETS):
        torch.manual_seed(seed)
        net = kind(*sizes, **options)
        x = inputs(9, options.get("in_features", 64))
        _train(net, x)
        try:
            _require_deeper(answer, net, x)
        except NotYet as mistake:
            if seed == 0:
                raise
            raise NotYet(f"Right for a net {_NETS[0][0]}, not for one {said}: {mistake}") from None
    return (
        "Such a net can be made deeper in the middle of its training, and training goes on from "
        "the loss that it had. Chen et al. (2015) call this a function-preserving transformation."
    )


def _train(net: nn.Module, x: Tensor, rate: float = 0.05) -> None:
    """Take three steps towards random targets, with every weight that can learn."""
    weights = [p for p in net.parameters() if p.requires_grad]
    target = inputs(*net(x).shape, seed=3)
    for _ in range(3):
        loss = (net(x) - target).square().mean()
        grads = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
        with torch.no_grad():
            for p, grad in zip(weights, grads, strict=True):
                p -= rate * grad


def _require_deeper(answer: Callable, net: nn.Module, x: Tensor) -> None:
    before, depth = copy.deepcopy(net), len(net.blocks)
    found = answer(net)
    if isinstance(found, Tensor):
        raise NotYet("You return a tensor; return a net, a module that can be called.")
    if isinstance(found, tuple | list | nn.ModuleList):
        raise NotYet(f"You return a {type(found).__name__}; return the deeper net alone.")
    _require_untouched(net, before, depth)
    if found is net:
        raise NotYet("You return `net` itself; return a new net, and leave `net` as it is.")
    found = as_module(found, "deeper(net)")
    _require_same_outputs(before, found, x)
    _require_one_more(before, found, depth)
    other = as_module(answer(net), "deeper(net)")
    _require_learning(before, other, x)
    _require_its_own(net, found, before, other)
    _require_again(answer, found, before, x)


def _require_untouched(net: nn.Module, before: nn.Module, depth: int) -> None:
    now, was = dict(net.named_parameters()), dict(before.named_parameters())
    if len(net.blocks) != depth or now.keys() != was.keys():
        raise NotYet("The given net was changed too: it has other blocks now. Build a new one.")
    if any(now[k].shape != p.shape or not torch.equal(now[k], p) for k, p in was.items()):
        raise NotYet("The given net's weights were changed. Build a new net, or copy it first.")
    if any(now[name].requires_grad != p.requires_grad for name, p in was.items()):
        raise NotYet("The given net was changed: requires_grad of its weights is another one now.")
    x = inputs(9, net.stem.in_features)
    if not torch.equal(net(x), before(x)):
        raise NotYet("The given net was changed: its outputs are others now. Copy it first.")


def _require_same_outputs(net: nn.Module, found: nn.Module, x: Tensor, call="deeper(net)") -> None:
    for given in (x, x[:2], 100 * x, -x, torch.zeros_like(x)):
        outputs, new = net(given).detach(), run(found, given, call)
        tensor(new, tuple(outputs.shape), "the deeper net's output")
        if (new - outputs).abs().max() > 3e-6 * outputs.abs().max():
            raise NotYet(_why_changed(net, found, given))


def _new_parameters(net: nn.Module, found: nn.Module) -> tuple[list, list]:
    """Return those of `found` that are no copies of `net`'s, and those of `net`'s without one."""
    old, new = list(net.parameters()), []
    for p in found.parameters():
        same = [k for k, q in enumerate(old) if p.shape == q.shape and torch.equal(p, q)]
        if same:
            old.pop(same[0])
        else:
            new.append(p)
    return new, old


def _why_changed(net: nn.Module, found: nn.Module, x: Tensor) -> str:
    new, lost = _new_parameters(net, found)
    outputs = run(found, x, "deeper(net)")
    if lost:
        return (
            f"The outputs changed: {len(lost)} of the old net's {len(list(net.parameters()))} "
            f"weight tensors have no copy in the new net. Take over all of them, and zero only the "
            f"new block's."
        )
    if torch.allclose(outputs, outputs[:1].expand_as(outputs), atol=1e-6):
        return (
            "The new net gives every input the same output: its new block has no shortcut, so at "
            "weights 0 it passes nothing on."
        )
    if not new:
        return (
            "The outputs changed, and the new net has no weights that the old one lacks. Does one "
            "block stand twice in it? The new block needs weights of its own."
        )
    return _why_new_block(net, found, new, x)


def _why_new_block(net: nn.Module, found: nn.Module, new: list, x: Tensor) -> str:
    """Say what in the new block changes the outputs, or how the old ones are wired otherwise."""
    outputs, zeroed = found(x), copy.deepcopy(found)
    with torch.no_grad():
        for p in _new_parameters(net, zeroed)[0]:
            p.zero_()
    if torch.allclose(zeroed(x), net(x), rtol=1e-4, atol=1e-5):
        if any(p.any() for p in new if p.dim() > 1):
            return (
                "The outputs changed: the new block's matrix is not 0. Which weights add nothing?"
            )
        return "The outputs changed: the new block's matrix is 0, its bias is not."
    if torch.allclose(zeroed(x), zeroed(x)[:1].expand_as(outputs), atol=1e-6):
        return (
            "The outputs changed: the new block has no shortcut, so it passes on only what its "
            "activation lets through. With use_shortcut=True, what must its branch add?"
        )
    old, now = net.blocks[0], list(getattr(found, "blocks", net.blocks))
    for part, said in (("norm", "norm"), ("phi", "activation"), ("use_shortcut", "shortcut")):
        if any(
            getattr(block, part, None) != getattr(old, part) for block in now[: len(net.blocks)]
        ):
            return (
                f"The outputs changed: the old blocks have another {said} in the new net. A copy "
                f"of `net` keeps all of its options."
            )
    off = (outputs - net(x)).abs().max().item()
    return (
        f"The outputs changed by up to {off:.2g}. Are all parts there, in their "
        f"order, and only the new block's weights 0?"
    )


def _count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _require_one_more(net: nn.Module, found: nn.Module, depth: int) -> None:
    more, block = _count(found) - _count(net), _count(net.blocks[0])
    blocks = getattr(found, "blocks", None)
    if more > 0 and isinstance(blocks, nn.Module) and _count(blocks) == _count(net.blocks):
        raise NotYet("The new block stands outside of `blocks`: append it to the new net's blocks.")
    if more == block or (more > 0 and blocks is not None and len(blocks) == depth + 1):
        return
    if more == 0:
        raise NotYet(
            f"The new net has as many parameters as the old one. One more block of this width "
            f"brings {block} new ones; a block that stands twice, or nn.Identity(), brings none."
        )
    if more < 0:
        raise NotYet("The new net has fewer parameters than the old one: a part was lost.")
    raise NotYet(
        f"The new net has {more} parameters more; one more block of this width brings {block}."
    )


def _require_learning(net: nn.Module, other: nn.Module, x: Tensor) -> None:
    """Refuse a new block that could never learn; trains the new net."""
    fresh, _ = _new_parameters(net, other)
    if not any(p.requires_grad for p in fresh):
        raise NotYet("The new block has no weights that can learn: is requires_grad off?")
    before = [p.detach().clone() for p in fresh]
    _train(other, x)
    moved = [p for p, was in zip(fresh, before, strict=True) if not torch.equal(p, was)]
    if not moved:
        raise NotYet(
            "The new block's weights get no gradient, so it can never learn anything. Is it used, "
            "is one of its factors 0 for good, or are two factors 0 at once?"
        )
    if any(p.dim() > 1 for p in fresh) and not any(p.dim() > 1 for p in moved):
        raise NotYet("The new block can learn its bias only: no gradient gets to its matrix.")


def _require_its_own(net: nn.Module, found: nn.Module, before: nn.Module, other: nn.Module) -> None:
    """Refuse weights that two nets share: training the one would change the other."""
    kept = copy.deepcopy(found)
    with torch.no_grad():
        for p in other.parameters():
            p.add_(1.0)
    for one, was, name in ((net, before, "`net`"), (found, kept, "what it returned before")):
        pairs = zip(one.parameters(), was.parameters(), strict=True)
        if shared := sum(not torch.equal(p, q) for p, q in pairs):
            raise NotYet(
                f"Same outputs, but {shared} weight tensors belong to both nets: training what "
                f"`deeper(net)` returns changes {name}, too. Copy first: copy.deepcopy(net), and "
                f"make the new block at each call."
            )


def _require_again(answer: Callable, found: nn.Module, net: nn.Module, x: Tensor) -> None:
    """Ask that the new net can be made deeper in its turn."""
    call, kept = "deeper(deeper(net))", copy.deepcopy(found)
    try:
        again = as_module(answer(found), call)
        run(again, x, call)
    except NotYet as mistake:
        if all(hasattr(found, part) for part in ("stem", "blocks", "head")):
            raise NotYet(f"`deeper(net)` is right, but {call} is not: {mistake}") from None
        raise NotYet(
            f"Your net is a {type(found).__name__} without stem, blocks and head, so `{call}` "
            f"cannot work. Return a ShortcutMLP: a copy of `net`, to whose blocks you append one."
        ) from mistake
    try:
        _require_same_outputs(kept, again, x, call)
        _require_one_more(kept, again, len(getattr(kept, "blocks", net.blocks)))
    except NotYet as mistake:
        raise NotYet(f"`deeper(net)` is right, but `{call}` is not: {mistake}") from None
