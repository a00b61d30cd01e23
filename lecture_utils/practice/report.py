"""One page about a model on a machine: wiring, parameters, memory, hours."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from lecture_utils.practice.flops import MOST_TOKENS, inference_flops, training_flops
from lecture_utils.practice.machines import (
    MACHINES,
    Machine,
    generation_hours,
    hours,
    require_machine,
)
from lecture_utils.practice.memory import USES, Memory, memory
from lecture_utils.practice.parameters import Parameters, adapters, parameters
from lecture_utils.practice.reading import read_config
from lecture_utils.practice.shape import Shape
from lecture_utils.require.numbers import require_choice, require_positive

_LENGTH = 2048  # tokens of a text, if none is given, or the context if it is shorter


@dataclass(frozen=True)
class Report:
    """What a model is and what it costs on a machine; Jupyter shows it as a page.

    Attributes:
        shape: the model.
        machine: the machine.
        memory: one Memory for each use.
        hours: (low, high) for each use; None where it is not computed.
        text: the page, in Markdown.
    """

    shape: Shape
    machine: Machine
    memory: dict[str, Memory]
    hours: dict[str, tuple[float, float] | None]
    text: str

    def __str__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


def report(
    source: str | os.PathLike | Mapping,
    machine: Machine | str,
    length: int | None = None,
    batch: int = 1,
    tokens: int = 10_000_000,
    rank: int = 16,
) -> Report:
    """Say what a model is, whether each use of it fits a machine, and how long it takes.

    Args:
        source: as for read_config: a sample's name, a path, or a dictionary.
        machine: a Machine(…), or the name of one in MACHINES.
        length: T, tokens of a text; 2048, or the context if that is shorter.
        batch: B, texts at a time.
        tokens: D, read or trained on, all texts and passes together.
        rank: of LoRA's adapters.

    Raises:
        ValueError: the config is not understood, the machine unknown, or a number out of range.
    """
    shape = read_config(source)
    if isinstance(machine, str):
        require_choice("machine", machine, MACHINES)
        machine = MACHINES[machine]
    require_machine(machine)
    require_positive("tokens", tokens, MOST_TOKENS)
    length = min(_LENGTH, shape.context) if length is None else length
    needed = {use: memory(shape, use, length, batch, rank) for use in USES}
    taken = {use: hours_of(shape, use, machine, tokens, length, batch) for use in USES}
    lines = [*_model(shape, parameters(shape), adapters(shape, rank), rank), ""]
    lines += [f"On **{machine.name}**, {size(machine.memory)}; {_plural(batch, 'text')} of "]
    lines[-1] += f"{length:,} tokens at a time; {tokens:,} tokens in all:"
    lines += ["", "| use | memory | fits | time |", "|---|---|---|---|"]
    for use in USES:
        said = span(*taken[use]) if taken[use] else "writes no text"
        lines.append(f"| {use} | {sizes(needed[use])} | {fits(needed[use], machine)} | {said} |")
    lines += ["", *_notes(machine)]
    return Report(shape, machine, needed, taken, "\n".join(lines))


def hours_of(
    shape: Shape, use: str, machine: Machine, tokens: int, length: int, batch: int
) -> tuple[float, float]:
    """Return the hours of a use, (low, high).

    For "inference": from reading the tokens, all at once, to writing them, one after another; a
    model that writes none, or a machine of unknown bandwidth, is told by reading alone.

    Raises:
        ValueError: the use is unknown, or a number is out of range.
    """
    require_choice("use", use, USES)
    if use == "inference":
        low, high = hours(inference_flops(shape, tokens, length), machine)
        if shape.causal and machine.bandwidth is not None:
            high = max(high, generation_hours(shape, machine, tokens, length, batch)[1])
        return low, high
    method = "LoRA" if use in ("LoRA", "QLoRA") else "full"
    return hours(training_flops(shape, tokens, length, method), machine)


def fits(needed: Memory, machine: Machine) -> str:
    """Return "yes" if the high end leaves a tenth of the memory free, "perhaps", or "no".

    Raises:
        ValueError: it is no Machine.
    """
    require_machine(machine)
    low, high = needed.total
    room = 0.9 * machine.memory
    return "yes" if high <= room else "perhaps" if low <= room else "no"


def size(value: float) -> str:
    """Return bytes as a text of two or three digits, 1 GB = 10⁹ bytes."""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if value >= 0.95 * scale or unit == "MB":
            return f"{digits(value / scale)} {unit}"
    raise AssertionError


def sizes(needed: Memory) -> str:
    """Return a use's memory as a text, such as "16 to 18 GB"."""
    return between(*needed.total)


def between(low: float, high: float) -> str:
    """Return a range of bytes as a text, such as "16 to 18 GB", or "2.1 GB" if it is none."""
    first, last = size(low), size(high)
    if first == last:
        return last
    bare = first[:-3] if low == 0 or first[-3:] == last[-3:] else first
    return f"{bare} to {last}"


def span(low: float, high: float) -> str:
    """Return hours as a text, such as "0.3 to 0.8 days": in the unit that fits best."""
    unit, scale = ("days", 1 / 24) if low >= 100 else ("minutes", 60) if high < 1 else ("hours", 1)
    first, last = digits(low * scale), digits(high * scale)
    return f"{first if first == last else f'{first} to {last}'} {unit}"


def digits(value: float) -> str:
    """Return a number with two digits that count, and thousands apart."""
    if value >= 100:
        return f"{float(f'{value:.2g}'):,.0f}" if value >= 1000 else f"{value:.0f}"
    if value >= 10:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 0.095 else f"{value:.1g}"


def _model(shape: Shape, count: Parameters, added: int, rank: int) -> list[str]:
    window = f", {shape.windowed} of them with a window of {shape.window:,}" if shape.window else ""
    lines = [
        f"**{shape.name}** ({shape.family}): {_plural(shape.depth, 'block')} of width "
        f"{shape.dim:,}, {shape.num_heads} heads, {shape.num_kv_heads} of keys and values{window}; "
        f"{shape.vocab_size:,} tokens, texts of up to {shape.context:,}.",
        "",
        f"*Wiring:* {shape.wiring.sentence}",
        "",
        f"*Parameters:* {count.total:,}",
    ]
    if shape.experts > 1:
        lines[-1] += f", of which a token uses {count.active:,}"
        lines[-1] += f" ({shape.active_experts} of {shape.experts} experts)"
    parts = {
        "embedding": count.embedding,
        "positions": count.positions,
        "attention": count.attention,
        "feed-forward": count.feed_forward,
        "norms": count.norms,
        "head": count.head,
    }
    shares = (f"{name} {_share(value / count.total)}" for name, value in parts.items() if value)
    lines[-1] += f": {', '.join(shares)}. LoRA of rank {rank} adds {added:,}."
    return lines


def _notes(machine: Machine) -> list[str]:
    lines = [
        "Memory from low to high: activations computed twice (which takes a third more "
        "time, with adapters half more), or all kept; a tenth of the machine is left to driver and "
        "library. Time at 0.5 to 0.2 of the peak; inference from reading all tokens at once to "
        "writing them one by one."
    ]
    if machine.source:
        lines += ["", f"*{machine.name}:* {machine.source}."]
    return lines


def _share(part: float) -> str:
    return f"{part:.1%}" if part >= 0.001 else "under 0.1%"


def _plural(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
