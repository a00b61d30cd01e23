"""Check for notebook 03: one block more, and not one answer changed (exercise 3.3)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lecture_utils.checks.mlp import as_module, inputs, run
from lecture_utils.checks.values import tensor
from lecture_utils.checks.verdict import NotYet, graded
from lecture_utils.models import ShortcutMLP


@graded
def deeper(answer: Callable) -> str:
    """Exercise 3.3: one block more, not one answer changed."""
    for depth, norm, seed in ((3, None, 0), (1, "layer", 1), (2, None, 2)):
        torch.manual_seed(seed)
        net, x = ShortcutMLP(8, depth, norm=norm, in_features=5, out_features=4), inputs(9, 5)
        before = {name: p.detach().clone() for name, p in net.named_parameters()}
        outputs = net(x).detach()
        found = answer(net)
        if isinstance(found, Tensor):
            raise NotYet("You return a tensor; return a net, a module that can be called.")
        found = as_module(found, "deeper(net)")
        _require_untouched(net, before, depth)
        new = run(found, x, "deeper(net)")
        tensor(new, (9, 4), "the deeper net's output")
        _require_more(net, found)
        if (new - outputs).abs().max() > 1e-5:
            raise NotYet(_why_changed(net, found, new, x))
        _require_learning(net, found, x)
        _require_its_own(net, found)
        _require_again(answer, found, x, outputs)
    return (
        "Such a net can be made deeper in the middle of its training, and training goes on from "
        "the loss that it had. Chen et al. (2015) call this a function-preserving transformation."
    )


def _require_untouched(net: ShortcutMLP, before: dict[str, Tensor], depth: int) -> None:
    now = dict(net.named_parameters())
    if len(net.blocks) != depth or now.keys() != before.keys():
        raise NotYet("The given net was changed too: it has other blocks now. Build a new one.")
    if any(not torch.equal(now[name], was) for name, was in before.items()):
        raise NotYet("The given net's weights were changed. Build a new net, or copy it first.")


def _new_parameters(net: nn.Module, found: nn.Module) -> list[nn.Parameter]:
    """Return those of `found` that are left over when each of `net`'s has found its copy."""
    old, new = list(net.parameters()), []
    for p in found.parameters():
        same = [k for k, q in enumerate(old) if p.shape == q.shape and torch.equal(p, q)]
        if same:
            old.pop(same[0])
        else:
            new.append(p)
    return new


def _require_its_own(net: ShortcutMLP, found: nn.Module) -> None:
    """Refuse weights that both nets share: training the one would change the other."""
    shared = {id(p) for p in net.parameters()} & {id(p) for p in found.parameters()}
    if shared:
        raise NotYet(
            f"Same outputs, but {len(shared)} weight tensors belong to both nets: training the new "
            f"one would change `net`, too. Copy first: copy.deepcopy(net)."
        )


def _require_again(answer: Callable, found: nn.Module, x: Tensor, outputs: Tensor) -> None:
    """Ask that the new net can be made deeper in its turn."""
    if not all(hasattr(found, part) for part in ("stem", "blocks", "head")):
        raise NotYet(
            f"Your net is a {type(found).__name__} without stem, blocks and head, so "
            f"`deeper(deeper(net))` cannot work. Return a ShortcutMLP: a copy of `net`, to whose "
            f"blocks you append one."
        )
    again = run(as_module(answer(found), "deeper(deeper(net))"), x, "deeper(deeper(net))")
    if again.shape != outputs.shape or (again - outputs).abs().max() > 1e-5:
        raise NotYet("`deeper(net)` is right, but `deeper(deeper(net))` changes the outputs.")


def _count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _require_more(net: ShortcutMLP, found: nn.Module) -> None:
    more, block = _count(found) - _count(net), _count(net.blocks[0])
    if more == 0:
        raise NotYet(
            f"The new net has as many parameters as the old one. One more block of this width "
            f"brings {block} new ones; a block that stands twice, or nn.Identity(), brings none."
        )
    if more < 0:
        raise NotYet("The new net has fewer parameters than the old one: a part was lost.")


def _why_changed(net: ShortcutMLP, found: nn.Module, new: Tensor, x: Tensor) -> str:
    if torch.allclose(new, new[:1].expand_as(new), atol=1e-6):
        return (
            "The new net gives every input the same output: its new block has no shortcut, so at "
            "weights 0 it passes nothing on."
        )
    extra = [p for p in _new_parameters(net, found) if p.dim() == 1]
    matrices = [p for p in _new_parameters(net, found) if p.dim() > 1]
    if any(p.any() for p in matrices):
        return "The outputs changed: the new block's matrix is not 0. Which weights add nothing?"
    if any(p.any() for p in extra):
        return "The outputs changed: the new block's matrix is 0, its bias is not."
    off = (new - net(x)).abs().max().item()
    return f"The outputs changed by up to {off:.2g}. Are all parts there, in their order?"


def _require_learning(net: ShortcutMLP, found: nn.Module, x: Tensor) -> None:
    """Refuse a new block that could never learn."""
    fresh = [p for p in _new_parameters(net, found) if p.requires_grad]
    loss = run(found, x, "deeper(net)").square().sum()
    if not fresh:
        raise NotYet("The new block has no weights that can learn.")
    grads = torch.autograd.grad(loss, fresh, allow_unused=True)
    if not any(g is not None and g.any() for g in grads):
        raise NotYet("The new block's weights get no gradient, so it can never learn anything.")
