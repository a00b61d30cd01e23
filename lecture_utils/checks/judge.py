"""Hold an answer to the right function on several inputs, and find out what is wrong with it."""

import copy
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor

from lecture_utils.checks.calling import Changed, called
from lecture_utils.checks.probes import Probe
from lecture_utils.checks.relations import close, relation, same_each_time
from lecture_utils.checks.values import as_tensor, sentence, shaped
from lecture_utils.checks.verdict import NotYet, Unrecognised

Slips = Sequence[tuple[Callable, str]]


@dataclass(frozen=True)
class Trial:
    """One input of an exercise.

    Attributes:
        given: the arguments, in order.
        when: what is special about it, such as "for nets of four layers": said where all trials
            before it are right.
        hint: what to look at where this one alone is wrong.
    """

    given: tuple
    when: str = ""
    hint: str = ""


def judge(
    answer: Callable,
    right: Callable,
    trials: Sequence[Trial],
    slips: Slips = (),
    *,
    read: Callable[[Any], Tensor] = as_tensor,
    why: Callable[[Callable, Trial], str | None] | None = None,
) -> None:
    """Hold the answer to `right` on all trials, the simplest first; say what is wrong with it.

    The message is, in this order: the slip with the same results in all trials; how all results
    are related to the right ones; an argument that is not used; the first trial that is wrong,
    with its hint; what a probe finds. Else it says what to compute by hand.

    Args:
        answer: the reader's function.
        right: returns the right tensor or number; its parameters' names are used in messages.
        trials: inputs.
        slips: functions of the same arguments, and what to say to whoever wrote one of them.
        read: turns what the answer, `right` or a slip returns into a float64 tensor; for results
            of several parts.
        why: of an answer and the first trial that it gets wrong: what is seen to be wrong.

    Raises:
        NotYet: the answer is wrong; `Unrecognised` where the mistake remains unknown.
    """
    first = None
    for place, trial in enumerate(trials):
        wanted = read(right(*trial.given))
        value = _value(answer, right, trials, place, slips, read)
        if not close(value, wanted):
            _explain(answer, right, trials, slips, place, read, why)
        first = value if first is None else first
    again = read(answer(*copy.deepcopy(trials[0].given)))
    if again.numel() != first.numel() or not close(again.reshape_as(first), first):
        raise NotYet(
            "A second call with the same input gives another result: something is kept between "
            "calls, in a global name or a default argument."
        )


def _value(
    answer: Callable,
    right: Callable,
    trials: Sequence[Trial],
    place: int,
    slips: Slips,
    read: Callable,
) -> Tensor:
    """Return the answer's result in one trial, in the right shape; errors as in `judge`."""
    given = trials[place].given
    shape = tuple(read(right(*given)).shape)
    try:
        raw = called(answer, *given, names=list(inspect.signature(right).parameters))
    except Changed as mistake:
        raise Changed(_in(trials, place, str(mistake))) from mistake
    except NotYet as mistake:
        _name_slip(_results(answer, trials, read), trials, slips, read)
        raise type(mistake)(_in(trials, place, str(mistake), hinted=True)) from mistake
    try:
        return shaped(read(raw), shape)
    except NotYet as mistake:
        for some in (trials, trials[: place + 1]):
            _name_slip(_results(answer, some, read), some, slips, read)
        raise type(mistake)(_in(trials, place, str(mistake), hinted=True)) from mistake


def _in(trials: Sequence[Trial], place: int, message: str, hinted: bool = False) -> str:
    """Put before a message where it holds, if other trials were right; after it the hint."""
    when, hint = trials[place].when, trials[place].hint
    if hinted and hint:
        message = f"{message.rstrip('.')}. {sentence(hint)}"
    if place == 0 or not when:
        return message
    right = list(dict.fromkeys(t.when for t in trials[:place] if t.when))
    others = {0: "", 1: "", 2: f" and {right[-1]}"}.get(len(right), " and in other cases")
    before = f"Right {right[0]}{others}, not {when}" if right else f"Not {when}"
    return f"{before}: {message}"


def _results(answer: Callable, trials: Sequence[Trial], read: Callable) -> list[Tensor | None]:
    """Return what a function makes of each trial; None where it fails."""
    return [_result(answer, trial, read) for trial in trials]


def _result(answer: Callable, trial: Trial, read: Callable) -> Tensor | None:
    try:
        return read(answer(*copy.deepcopy(trial.given)))
    except Exception:  # whatever an answer or a slip does with an input that is not its own
        return None


def _name_slip(
    theirs: list[Tensor | None], trials: Sequence[Trial], slips: Slips, read: Callable
) -> None:
    """Raise `NotYet` where a slip gives the same results in every trial, at least one of them."""
    for slip, message in slips if any(result is not None for result in theirs) else ():
        pairs = zip(theirs, trials, strict=True)
        if all(_alike(result, _result(slip, trial, read)) for result, trial in pairs):
            raise NotYet(message)


def _alike(x: Tensor | None, y: Tensor | None) -> bool:
    """Tell whether two results are the same, nan and infinity included, or both are none."""
    if x is None or y is None or x.shape != y.shape:
        return x is y
    finite = x.isfinite()
    odd = [z[~finite].nan_to_num(7e77) for z in (x, y)]
    return torch.equal(finite, y.isfinite()) and torch.equal(*odd) and close(x[finite], y[finite])


def _explain(
    answer: Callable,
    right: Callable,
    trials: Sequence[Trial],
    slips: Slips,
    place: int,
    read: Callable,
    why: Callable | None,
) -> NoReturn:
    """Say what is wrong with an answer that is wrong for the first time in trial `place`."""
    theirs, wanted = _results(answer, trials, read), _results(right, trials, read)
    _name_slip(theirs, trials, slips, read)
    pairs = [(f, r) for f, r in zip(theirs, wanted, strict=True) if f is not None]
    if said := same_each_time(pairs) or relation(pairs):
        raise NotYet(said)
    trial = trials[place]
    if why and (said := why(answer, trial)):
        raise NotYet(_in(trials, place, said))
    probe = Probe(answer, right, trial.given, read)
    if said := probe.unused():
        raise NotYet(said)
    if place and trial.hint:
        raise NotYet(_in(trials, place, trial.hint))
    if said := probe.says():
        raise NotYet(_in(trials, place, said))
    by_hand = _by_hand(right, trial, theirs[place], wanted[place])
    if place and trial.when:
        raise NotYet(_in(trials, place, by_hand))
    raise Unrecognised(by_hand)


def _by_hand(right: Callable, trial: Trial, found: Tensor, wanted: Tensor) -> str:
    """Say which input to try by hand, what comes out, and what the answer gives."""
    names = inspect.signature(right).parameters
    shown = [f"{n} = {_short(x)}" for n, x in zip(names, trial.given, strict=False) if _shows(x)]
    with_ = f"Try it by hand with {', '.join(shown)}. " if shown else ""
    if wanted.ndim == 0:
        return f"{with_}It is {wanted.item():.5g}; yours gives {found.item():.5g}."
    off = ~torch.isclose(found, wanted, rtol=1e-4, atol=1e-6 * float(wanted.abs().max()))
    place = tuple(off.nonzero()[0].tolist()) if off.any() else (0,) * wanted.ndim
    at = ", ".join(map(str, place))
    return (
        f"{with_}{int((~off).sum())} of {off.numel()} entries are right. Entry [{at}] should be "
        f"{wanted[place].item():.4g}; yours is {found[place].item():.4g}."
    )


def _shows(x: Any) -> bool:
    """Tell whether a value is small enough to be copied by hand."""
    if isinstance(x, Tensor):
        return x.numel() <= 12
    return isinstance(x, int | float) or (isinstance(x, list) and all(map(_shows, x)))


def _short(x: Any) -> str:
    """Write a number, a list or a small tensor with four significant digits."""
    if isinstance(x, Tensor):
        x = x.tolist()
    return "[" + ", ".join(map(_short, x)) + "]" if isinstance(x, list) else f"{x:.4g}"
