"""Check for notebook 05: the ruler that is made of rows, beaten (exercise 5.2)."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lecture_utils.checks.relations import close
from lecture_utils.checks.rows import layer_of, wrong_weights
from lecture_utils.checks.values import as_tensor, said
from lecture_utils.checks.verdict import NotYet, Unrecognised, graded
from lecture_utils.models import ShortcutMLP

# Width, depth, with shortcuts, in and out features, k, a.
_CASES = (
    (6, 3, True, 5, 3, 2, 4.0),
    (4, 2, False, 5, 3, 0, 0.25),
    (7, 1, True, 9, 8, 6, 3),
    (32, 8, True, 64, 10, 0, 1 / 256),
    (5, 5, False, 5, 5, 4, 7.5),
)


def _net(width: int, depth: int, use_shortcut: bool, inputs: int, outputs: int) -> ShortcutMLP:
    """Make a net whose biases are not 0, as after training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(width)
        sizes = {"in_features": inputs, "out_features": outputs}
        return ShortcutMLP(width, depth, use_shortcut=use_shortcut, **sizes).eval()


@graded
def stretched(answer: Callable) -> str:
    """Exercise 5.2: one number of the hidden state a times as large, no answer changed."""
    for place, (*kind, k, a) in enumerate(_CASES):
        try:
            _require_stretched(answer, _net(*kind), k, a)
        except NotYet as mistake:
            if not place:
                raise
            twin = "with shortcuts" if kind[2] else "without shortcuts"
            blocks = f"{kind[1]} block{'s' if kind[1] > 1 else ''}"
            raise type(mistake)(
                f"Right for width 6, 3 blocks with shortcuts, k = 2, a = 4; not for width "
                f"{kind[0]}, {blocks} {twin}, k = {k}, a = {a:.4g}: {mistake}"
            ) from mistake
    return (
        "Not one answer has changed. Now measure: `sharpness(short[0], in_rows=True)` and "
        "`sharpness(stretched(short[0], 0, 1 / 256), in_rows=True)`. One row was enough to beat "
        "the ruler that is made of rows."
    )


def _require_stretched(answer: Callable, net: ShortcutMLP, k: int, a: float) -> None:
    was = copy.deepcopy(net)
    new = _answered(answer, net, k, a)
    if not isinstance(new, nn.Module):
        raise NotYet(f"Return the new net; yours returns {said(new)}.")
    if _weights_differ(net, was):
        raise NotYet("The given net was changed too. Work on `copy.deepcopy(net)`.")
    old, parts = _parts(was), _parts(new)
    if len(parts) != len(old):
        raise NotYet(
            f"Return a net with stem, blocks and head as the given one has them: that one has "
            f"{len(old)} parts, yours has {len(parts)}."
        )
    x = torch.randn(20, was.stem.in_features, generator=torch.Generator().manual_seed(0))
    D = torch.ones(was.stem.out_features, dtype=torch.float64)
    D[k] = a
    h = _states(old, x)
    found = _states(parts, x)
    wanted = [D * state for state in h[:-1]] + [h[-1]]
    if all(_same(f, w, D) for f, w in zip(found, wanted, strict=True)):
        if not all(hasattr(new, part) for part in ("stem", "blocks", "head")):
            raise NotYet(
                f"Right numbers, in {said(new)}: a new ShortcutMLP is asked for, with stem, blocks "
                f"and head, since `sharpness` measures no other net. Change a copy of `net`."
            )
        with torch.no_grad():
            if not close(as_tensor(new(x.to(_dtype(new)))), h[-1]):
                raise Unrecognised(
                    "Its stem, blocks and head are right one by one, and the net that you return "
                    "answers otherwise: does it call them one after the other?"
                )
        return
    _explain(old, parts, found, h, D, k)


def _answered(answer: Callable, net: ShortcutMLP, k: int, a: float) -> Any:
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


def _weights_differ(net: nn.Module, was: nn.Module) -> bool:
    now, then = net.state_dict(), was.state_dict()
    return list(now) != list(then) or any(not torch.equal(now[n], then[n]) for n in now)


def _parts(net: nn.Module) -> list[nn.Module]:
    """Return stem, blocks and head, of a ShortcutMLP or of an nn.Sequential made of them."""
    if hasattr(net, "blocks") and hasattr(net, "stem") and hasattr(net, "head"):
        return [net.stem, *net.blocks, net.head]
    if not isinstance(net, nn.Sequential):
        return [net]
    return [part for child in net for part in _parts(child)]


def _dtype(net: nn.Module) -> torch.dtype:
    return next((p.dtype for p in net.parameters()), torch.float32)


def _states(parts: list[nn.Module], x: Tensor) -> list[Tensor]:
    """Return every hidden state and the output, (n, features) each, in float64."""
    states = []
    with torch.no_grad():
        for part in parts:
            x = _through(part, x)
            states.append(x.double())
    return states


def _through(part: nn.Module, x: Tensor) -> Tensor:
    try:
        return part(x.to(_dtype(part)))
    except (RuntimeError, ValueError, TypeError) as error:
        raise NotYet(
            f"Your net does not take an input of {x.shape[-1]} numbers: {type(error).__name__}: "
            f"{error}"
        ) from error


def _same(found: Tensor, wanted: Tensor, D: Tensor) -> bool:
    """Compare states in the size of the old ones, so that number k counts as much as the others."""
    if found.shape != wanted.shape:
        return False
    size = D if found.shape[-1] == len(D) else torch.ones(1, dtype=D.dtype)
    return close(found / size, wanted / size)


def _explain(old: list, new: list, found: list, h: list, D: Tensor, k: int) -> None:
    """Say what is wrong with the first part that is wrong where all before it are right."""
    a, n = D[k].item(), len(D)
    if all(close(f, state) for f, state in zip(found, h, strict=True)):
        raise NotYet("The hidden states are the old ones: number k is not a times as large.")
    stem = found[0]
    if _same(stem, a * h[0], torch.full_like(D, a)):
        raise NotYet(
            "You multiplied all numbers of the hidden state, which is section 5.5's `rescaled`: "
            "the ruler made of rows sees through that. Multiply number k only."
        )
    for j in set(range(n)) - {k}:
        other = torch.ones_like(D)
        other[j] = a
        if _same(stem, other * h[0], other):
            raise NotYet(
                f"After the stem number {j} is {a:.4g} times as large, and not number {k}."
            )
    last = len(old) - 1
    names = ["the stem", *(f"block {place}" for place in range(last - 1)), "the head"]
    for place, where in enumerate(names):
        if isinstance(new[place], nn.Linear) and not isinstance(old[place], nn.Linear):
            raise NotYet(
                f"Of {where} only the linear layer is there: activation and shortcut are lost. "
                f"Keep the whole blocks."
            )
        layers = layer_of(old[place]), layer_of(new[place])
        if any(layer is None for layer in layers):
            continue
        if told := wrong_weights(*layers, k, a, place > 0, place < last):
            raise NotYet(f"In {where} {told}")
    off = next(p for p in range(last + 1) if not _same(found[p], (D if p < last else 1) * h[p], D))
    raise Unrecognised(
        f"After {names[off]} the numbers are others than they must be: number {k} {a:.4g} times as "
        f"large, all others and the answers as before. Compare both nets there on one input."
    )
