"""Check of notebook 11: a design of the reader's own, judged by what it does (exercise 11.2)."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lecture_utils.checks.design_runs import (
    awake,
    built,
    losses,
    sequences,
    silenced,
    steps,
    without_branches,
)
from lecture_utils.checks.relations import close
from lecture_utils.checks.values import said
from lecture_utils.checks.verdict import NotAttempted, NotYet, _is_stub, graded
from lecture_utils.clinic import properties
from lecture_utils.scorecard import ROWS

GROWS = 1e4  # times the stream's length in 12 blocks
LEARNT = 0.6  # of the loss at the start
_CLINIC = (
    (properties.samples_are_independent, "samples are mixed: another first text changes what the "
     "second one gets. Is a norm or a mean taken over the batch, axis 0? The stream's own axis "
     "is the last, -1."),
    (properties.place_in_batch_is_irrelevant, "a text's place in the batch matters: is something "
     "indexed with the number of the sample?"),
    (properties.future_is_hidden, "a token sees what comes after it: is a norm or a mean taken "
     "over time, axis 1? The stream's own axis is the last, -1."),
)  # fmt: skip


@graded
def own_design(answer: Any) -> str:
    """Exercise 11.2: another design that passes the clinic and learns."""
    _require_class(answer)
    for depth, dim in ((2, 16), (3, 24)):
        stack, x = built(answer, depth, dim), sequences(dim)
        _require_map(stack, x)
        _require_wiring(awake(stack), x)
        _require_trained(stack, x)
    _require_steady(built(answer, 12, 16), sequences(16))
    _require_learning(answer)
    return _report(answer)


def _require_class(answer: Any) -> None:
    """Refuse what is no class, and a stub."""
    if isinstance(answer, nn.Module):
        raise NotYet(
            f"You give a net that is built; give the class itself, {type(answer).__name__}."
        )
    if not callable(answer):
        raise NotYet(f"A class is expected, such as MyDesign; yours is {said(answer)}.")
    own = vars(answer) if isinstance(answer, type) else {}
    if any(_is_stub(own.get(name)) for name in ("step", "forward")):
        raise NotAttempted


def _require_map(stack: nn.Module, x: Tensor) -> None:
    """Refuse another shape, what is not finite, chance in use, and a change of the caller's x."""
    before = x.clone()
    y = stack(x)
    if not torch.equal(x, before):
        raise NotYet(
            "Your design changes the x that it is given, in place: `x += …` writes into the "
            "caller's tensor. Make a new one: `x = x + …`."
        )
    if not isinstance(y, Tensor):
        raise NotYet(f"Your design returns {said(y)}; a tensor like x is expected.")
    if y.shape != x.shape:
        raise NotYet(
            f"Given x of shape {tuple(x.shape)}, your design returns {tuple(y.shape)}: the shape "
            f"must stay. Is an axis lost or exchanged, or `end` missing?"
        )
    if not y.isfinite().all():
        raise NotYet("Your design returns numbers that are not finite.")
    if not close(stack(x), y):
        raise NotYet(
            "In eval mode two runs with the same x differ: something is drawn at random, or kept "
            "from one call to the next. Draw only where `self.training` is true."
        )


def _require_wiring(stack: nn.Module, x: Tensor) -> None:
    """Run three tests of the clinic, and look for a shortcut, every branch, and earlier tokens."""
    _require_clinic(stack, x, "")
    modes = [part.training for part in stack.modules()]
    stack.train()
    if close(stack(x), stack(x)):
        _require_clinic(stack, x, "In training mode ")
    for part, mode in zip(stack.modules(), modes, strict=True):
        part.training = mode
    whole = stack(x)
    unused = [i for i in range(without_branches(stack)) if close(silenced(stack, i)(x), whole)]
    if unused:
        raise NotYet(
            f"Branch {unused[0]} changes nothing: the output is the same when it writes 0. Is an "
            f"index off by one, or what it returns thrown away? {_used(stack)}"
        )
    quiet = silenced(stack, *range(without_branches(stack)))
    if close(quiet(x), quiet(sequences(x.shape[-1], seed=5))):
        raise NotYet(
            "Your design has no shortcut: with all branches silent, the output is the same "
            "whatever x is. Such a net passes the wiring tests, and with 12 blocks it learns how "
            "often each letter comes, and no more. Where does x go on beside the branch?"
        )
    changed = x.clone()
    changed[:, 0] = sequences(x.shape[-1], seed=6)[:, 0]
    if close(stack(changed)[:, 1:], whole[:, 1:]):
        raise NotYet("The first token changes nothing at later ones: is attention left out?")


def _require_clinic(stack: nn.Module, x: Tensor, when: str) -> None:
    for test, message in _CLINIC:
        if not test(stack, x):
            begin = f"{when}{message}"
            raise NotYet(f"{begin[0].upper()}{begin[1:]} (The clinic's `{test.__name__}`.)")


def _used(stack: nn.Module) -> str:
    count = without_branches(stack)
    return f"There are {count} branches, 0 to {count - 1}, and `self.branch(i, h)` runs branch i."


def _require_trained(stack: nn.Module, x: Tensor) -> None:
    """Refuse weights that no gradient reaches."""
    trained = steps(stack, x)
    idle = [
        name
        for name, p in stack.named_parameters()
        if name not in trained and not name.startswith("norms.") and p.requires_grad
    ]
    if idle:
        raise NotYet(
            f"`{idle[0]}` gets no gradient in three steps: it is never trained. Is it used, and "
            f"not behind .detach(), .data, .item() or a product of two zeros?"
        )


@torch.no_grad()
def _require_steady(stack: nn.Module, x: Tensor) -> None:
    """Refuse a stream that explodes, or ends, in 12 blocks."""
    grows = (stack(x).norm() / x.norm()).item()
    if not 1 / GROWS**2 < grows < GROWS:
        what = "explodes" if grows > 1 else "dies"
        raise NotYet(
            f"In 12 blocks your stream {what}: it is {grows:.2g} times as long at the end. What "
            f"is x multiplied by at each of the 24 sublayers? (Is x added twice, or not 1 times?)"
        )


def _require_learning(answer: Callable) -> None:
    first, last = losses(answer)
    if not last < LEARNT * first:
        raise NotYet(
            f"Your design hardly learns: on texts that repeat the same six letters the loss goes "
            f"from {first:.2f} to {last:.2f} in 60 steps; pre-norm ends below 0.5. Is what the "
            f"branches write so small that nothing moves, or so large that it diverges?"
        )


def _report(answer: Callable) -> str:
    """Say which known design it equals, if it does; pre-norm is none of one's own."""
    x = sequences(16)
    mine = _path(answer, x)
    for name, row in ROWS.items():
        theirs = _path(row.design, x)
        if not all(close(a, b, 1e-6) for a, b in zip(mine, theirs, strict=True)):
            continue
        if name == "pre-norm":
            raise NotYet(
                "This is pre-norm: at the start and after three steps the outputs are the same. "
                "Change something that changes what the net computes."
            )
        return (
            f"It passes the clinic, and learns. You have built what the scorecard calls {name}; "
            f"the next cell trains it."
        )
    return (
        "It passes the clinic, uses every branch, keeps a shortcut, and learns. It is none of the "
        "scorecard's designs. The next cell tells its place beside them."
    )


def _path(design: Callable, x: Tensor) -> list[Tensor]:
    """Return a design's outputs at the start and after three steps."""
    stack = built(design, 3, 16)
    found = [stack(x).detach()]
    steps(stack, x, training=True)
    found.append(stack(x).detach())
    return found
