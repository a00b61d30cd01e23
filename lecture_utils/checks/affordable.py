"""Exercise 12.3: the best plan that surely fits a machine and the hours."""

from collections.abc import Callable, Iterator
from functools import cache

from lecture_utils import practice
from lecture_utils.checks.calling import called
from lecture_utils.checks.verdict import NotYet, graded

_NAMES = ("shape", "machine", "tokens", "length", "most_hours")
_USES = ("full fine-tuning", "LoRA", "QLoRA")
_CHOICES = ", ".join(repr(use) for use in (*_USES, "inference"))


def _plan(
    shape: object,
    machine: object,
    tokens: int,
    length: int,
    most_hours: float,
    *,
    uses: tuple[str, ...] = _USES,
    end: int = 1,
    part: float = 0.9,
    hours_end: int = 1,
    method: str = "",
    read: bool = True,
    timed: bool = True,
) -> str | None:
    """Return the first use that fits; the options are what can go wrong."""

    def fits(use: str) -> bool:
        return practice.memory(shape, use, length).total[end] <= part * machine.memory

    for use in uses:
        how = method or ("full" if use == "full fine-tuning" else "LoRA")
        flops = practice.training_flops(shape, tokens, length, how)
        in_time = practice.hours(flops, machine)[hours_end] <= most_hours
        if fits(use) and (in_time or not timed):
            return use
    return "inference" if read and fits("inference") else None


@cache
def _cases() -> tuple[tuple, ...]:
    """Inputs in which each rule decides at least once, the plainest first."""
    named = [
        practice.read_config(n) for n in ("qwen3-0.6b", "llama-3.2-1b", "qwen2.5-3b", "llama-3-8b")
    ]
    large = practice.read_config("mixtral-8x7b")
    machines = practice.MACHINES
    some = [machines[name] for name in ("RTX 4090", "NVIDIA T4", "A100 80 GB")]
    some.append(practice.Machine("a laptop", 16e9, 5e11))
    cases = [
        (shape, machine, tokens, length, limit)
        for shape in (*named, large)
        for machine in some
        for tokens, length, limit in ((10**6, 1024, 100), (10**7, 1024, 3), (10**8, 2048, 12))
    ]
    small, card = named[0], machines["RTX 4090"]
    full, lora = (
        practice.hours(practice.training_flops(small, 10**7, 1024, how), card)[1]
        for how in ("full", "LoRA")
    )
    between = (small, card, 10**7, 1024, (full + lora) / 2)
    needed = practice.memory(small, "full fine-tuning", 1024).total[1]
    tight = practice.Machine("a card of just its size", needed / 0.9 * (1 + 1e-6), 1e14)
    return (*cases, between, (small, tight, 10**6, 1024, 100))


def _slips() -> Iterator[tuple[Callable, str]]:
    def slip(**options: object) -> Callable:
        return lambda *given: _plan(*given, **options)

    yield slip(end=0), "You take the low end of the memory. Surely means: the high end fits, too."
    yield slip(hours_end=0), "You take the low end of the hours. Surely means: the high end, too."
    yield slip(end=0, hours_end=0), "You take the low ends. Surely means: the high ends fit, too."
    yield slip(part=1.0), "A tenth of the machine's memory is to be left free."
    yield slip(part=0.1), "A tenth is to be left *free*: nine tenths may be used."
    yield slip(part=1.1), "A tenth is to be left free; you allow a tenth more than there is."
    yield slip(method="full"), 'LoRA and QLoRA compute less: training_flops(…, method="LoRA").'
    yield slip(method="LoRA"), 'Full fine-tuning computes more than LoRA: method="full".'
    yield slip(timed=False), "Whether it is done in most_hours is not asked for anywhere."
    yield slip(read=False), 'Where no training fits, reading may still: "inference".'
    yield slip(uses=_USES[::-1]), "The order is turned round: full fine-tuning first, if it fits."
    yield slip(uses=("full fine-tuning", "QLoRA", "LoRA")), "LoRA comes before QLoRA."
    yield (
        slip(uses=("LoRA", "QLoRA", "full fine-tuning")),
        "Full fine-tuning comes first, if it fits.",
    )
    yield slip(uses=("full fine-tuning", "LoRA")), "QLoRA is missing."
    yield slip(uses=()), "You never train, even where it fits."
    yield lambda *given: _plan(*given) or "inference", "Where not even inference fits, return None."
    yield lambda *given: _any_fits(*given), "Memory and hours must both fit *for the same use*."


def _any_fits(
    shape: object, machine: object, tokens: int, length: int, most_hours: float
) -> str | None:
    """The first use whose memory fits, and only then ask for its hours."""
    use = _plan(shape, machine, tokens, length, most_hours, timed=False)
    return use if use == _plan(shape, machine, tokens, length, most_hours) else None


def _read(value: object, where: str) -> str | None:
    """Return what an answer names, "" for what is no use."""
    if value is False or (isinstance(value, str) and value.strip().lower() in ("", "none")):
        raise NotYet(f"{where}: return None itself where nothing fits, not {value!r}.")
    if value is None or isinstance(value, str):
        if value is not None and value not in practice.USES:
            raise NotYet(f"{where} you return {value!r}. Return one of {_CHOICES}, or None.")
        return value
    raise NotYet(f"{where} you return {value!r:.60}; the name of a use is expected, or None.")


def _said(case: tuple) -> str:
    shape, machine, tokens, length, limit = case
    return (
        f"For {shape.name} on {machine.name}, {tokens:,} tokens in texts of {length:,}, at most "
        f"{limit:.3g} hours,"
    )


def _named(answer: Callable, case: tuple) -> str | None:
    """Return what the answer names; None is an answer here."""
    inner = getattr(answer, "__wrapped__", answer)

    def boxed(*given: object) -> list:
        try:
            return [inner(*given)]
        except Exception:
            return [answer(*given)]  # which says where it stopped

    return _read(called(boxed, *case, names=list(_NAMES))[0], _said(case))


@graded
def plan(answer: Callable) -> str:
    """Exercise 12.3: the best use that surely fits."""
    answer(
        *_cases()[0]
    )  # a stub, a missing return, an error: told as such, and the first case has a plan
    found = [_named(answer, case) for case in _cases()]
    wanted = [_plan(*case) for case in _cases()]
    if found != wanted:
        raise _mistake(found, wanted)
    return (
        "On a card of 24 GB all weights of 0.6 billion parameters can surely be trained, of 1.2 "
        "billion "
        "only adapters. For Llama 3 8B there is QLoRA, with texts of 1,024 tokens; with 2,048 "
        "the high "
        "end no longer fits."
    )


def _mistake(found: list, wanted: list) -> NotYet:
    for slip, message in _slips():
        if found == [slip(*case) for case in _cases()]:
            return NotYet(message)
    if len(set(found)) == 1:
        return NotYet(f"You return {found[0]!r} each time.")
    place = next(k for k, (f, w) in enumerate(zip(found, wanted, strict=True)) if f != w)
    case = _cases()[place]
    return NotYet(f"{_said(case)} you return {found[place]!r}. {_reason(case, found[place])}")


def _reason(case: tuple, found: str | None) -> str:
    """Say which rule a plan breaks, or which better plan it misses."""
    shape, machine, _, length, limit = case
    room = 0.9 * machine.memory / 1e9

    def high(use: str) -> float:
        return practice.memory(shape, use, length).total[1] / 1e9

    if found and high(found) > room:
        return (
            f"It takes up to {high(found):.1f} GB, and nine tenths of the memory are {room:.1f} GB."
        )
    if found and found != "inference" and _latest(case, found) > limit:
        return f"It fits the memory, and takes up to {_latest(case, found):.3g} hours."
    better = _plan(*case)
    late = "" if better == "inference" else f", and up to {_latest(case, better):.3g} hours"
    return f"{better} comes first and surely fits: up to {high(better):.1f} of {room:.1f} GB{late}."


def _latest(case: tuple, use: str) -> float:
    """Return the high end of a training's hours."""
    shape, machine, tokens, length, _ = case
    how = "full" if use == "full fine-tuning" else "LoRA"
    return practice.hours(practice.training_flops(shape, tokens, length, how), machine)[1]
