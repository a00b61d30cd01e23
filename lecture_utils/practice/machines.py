"""Machines, and the hours that a number of FLOP takes on one: a range, since none runs at its peak.

The peaks are the makers' for dense products of matrices in bfloat16 or float16 (half of the
number "with sparsity"). The makers' own pages were not at hand; where each figure was read stands
in `source`. There are no prices: they change by the week.
"""

import os
import time
from dataclasses import dataclass

import torch

from lecture_utils.practice.flops import MOST_TOKENS, inference_flops
from lecture_utils.practice.memory import kv_cache
from lecture_utils.practice.parameters import parameters
from lecture_utils.practice.shape import Shape
from lecture_utils.require.drawing import require_text
from lecture_utils.require.numbers import is_number, require_positive, require_scale, shown

UTILISATION = (0.2, 0.5)
_SECONDS = 3600


@dataclass(frozen=True)
class Machine:
    """A machine.

    Attributes:
        name: as a report calls it.
        memory: bytes.
        peak: FLOP per second of large products of matrices.
        bandwidth: bytes per second that its memory can be read with; None if it is not known.
        source: where the numbers come from, and when they were read or measured.

    Raises:
        ValueError: a number is not above 0, or name or source is no text.
    """

    name: str
    memory: float
    peak: float
    bandwidth: float | None = None
    source: str = ""

    def __post_init__(self) -> None:
        require_text("name", self.name)
        require_text("source", self.source, some=False)
        for field in ("memory", "peak", "bandwidth"):
            value = getattr(self, field)
            if field == "bandwidth" and value is None:
                continue
            require_scale(field, value)
            if value == 0:
                raise ValueError(f"{field} must be a finite number above 0; got {shown(value)}")


MACHINES = {
    machine.name: machine
    for machine in (
        Machine(
            "1 CPU core", 16e9, 67e9, 24e9,
            "float32, measured with this_machine() and one thread on a server's core (AMD EPYC), "
            "2026-11-27; the 16 GB stand for a laptop's: measure your own",
        ),
        Machine(
            "NVIDIA T4", 16e9, 65e12, 320e9,
            "float16; NVIDIA's figures as quoted by huggingface.co/RajBhope/gpu-runtime-predictor "
            "and hmc-tech.com, read 2026-11-27",
        ),
        Machine(
            "NVIDIA L4", 24e9, 121e12, 300e9,
            "bfloat16; NVIDIA's figures as quoted by grokipedia.com (242 with sparsity, so 121), "
            "read 2026-11-27",
        ),
        Machine(
            "RTX 4090", 24e9, 165e12, 1008e9,
            "bfloat16; the figures of NVIDIA's Ada whitepaper as quoted by gist.github.com/"
            "mikasenghaas, read 2026-11-27",
        ),
        Machine(
            "A100 80 GB", 80e9, 312e12, 2039e9,
            "bfloat16; NVIDIA's data sheet of the A100 (SXM) as quoted by glennklockwood.com, read "
            "2026-11-27",
        ),
        Machine(
            "H100 80 GB", 80e9, 989e12, 3350e9,
            "bfloat16; NVIDIA's figures for the H100 (SXM5) as quoted by glennklockwood.com, read "
            "2026-11-27",
        ),
    )
}  # fmt: skip


def hours(
    flops: float, machine: Machine, utilisation: tuple[float, float] = UTILISATION
) -> tuple[float, float]:
    """Return the hours that FLOP take, (low, high): FLOP / (peak x utilisation).

    Args:
        flops: what `training_flops` or `inference_flops` returns.
        machine: one of MACHINES, or a Machine(…).
        utilisation: the shares of the peak that are reached, (low, high); common are 0.2 to 0.5,
            and 0.46 is reported for PaLM (Chowdhery et al. 2022, arXiv:2204.02311, table 3).

    Raises:
        ValueError: a number is out of range, or it is no Machine.
    """
    require_scale("flops", flops)
    require_machine(machine)
    pair = isinstance(utilisation, (tuple, list)) and len(utilisation) == 2
    if not pair or not all(is_number(share) for share in utilisation):
        raise ValueError(f"utilisation must be two shares, (0.2, 0.5); got {shown(utilisation)}")
    low, high = utilisation
    if not 0 < low <= high <= 1:
        raise ValueError(
            f"utilisation must rise and be above 0, at most 1; got {shown(utilisation)}"
        )
    full = flops / machine.peak / _SECONDS
    return full / high, full / low


def generation_hours(
    shape: Shape, machine: Machine, tokens: int, length: int, batch: int = 1
) -> tuple[float, float]:
    """Return the hours in which a model writes tokens, one after another, (low, high).

    Each step reads all weights that its tokens use, and the cache, half full on average, from the
    memory: at the machine's full bandwidth, or at half of it. Where computing takes longer, at 0.2
    to 0.5 of the peak, it counts instead.

    Args:
        shape: what read_config(…) returns.
        machine: one whose bandwidth is known.
        tokens: all texts together.
        length: T, tokens of a text.
        batch: B, texts at a time.

    Raises:
        ValueError: a number is out of range, the machine's bandwidth is not known, or the model
            reads in both directions and writes nothing.
    """
    require_machine(machine)
    if machine.bandwidth is None:
        raise ValueError(f"the bandwidth of {machine.name} is None: give Machine(…, bandwidth=…)")
    require_positive("tokens", tokens, MOST_TOKENS)
    cache = kv_cache(shape, length, batch)
    if not shape.causal:
        raise ValueError(f"{shape.name} reads in both directions: it writes no text")
    count = parameters(shape)
    weights = min(count.total, count.active * batch)
    seconds = tokens / batch * (2 * weights + cache / 2) / machine.bandwidth
    low, high = hours(inference_flops(shape, tokens, length, causal=True), machine)
    return max(low, seconds / _SECONDS), max(high, 2 * seconds / _SECONDS)


def require_machine(machine: Machine) -> None:
    """Accept a Machine.

    Raises:
        ValueError: it is anything else.
    """
    if not isinstance(machine, Machine):
        raise ValueError(
            f"machine must be a Machine(name, memory, peak), or one of MACHINES: "
            f"{', '.join(MACHINES)}; got {shown(machine)}"
        )


def this_machine() -> Machine:
    """Measure this computer's processor in about a second, without a graphics card.

    The peak is the fastest of ten products of two 1024 x 1024 matrices in float32, with as many
    threads as PyTorch uses; the bandwidth the fastest of five sums over 256 MB.

    Raises:
        ValueError: the system does not tell the size of its memory.
    """
    square, long = torch.ones(1024, 1024), torch.ones(2**26)
    peak = 2 * 1024**3 / _fastest(lambda: square @ square, 10)
    bandwidth = 4 * 2**26 / _fastest(long.sum, 5)
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError) as error:
        raise ValueError(
            "this system does not tell the size of its memory: write Machine(name, memory, peak)"
        ) from error
    threads = torch.get_num_threads()
    return Machine("this computer", size, peak, bandwidth, f"measured with {threads} threads")


def _fastest(call: object, times: int) -> float:
    """Return the seconds of the fastest call."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return min(found)
