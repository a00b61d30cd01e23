"""For a team's own model: what its wiring is, how many parameters it has, and what it costs."""

from lecture_utils.practice.flops import inference_flops, training_flops
from lecture_utils.practice.machines import (
    MACHINES,
    Machine,
    generation_hours,
    hours,
    this_machine,
)
from lecture_utils.practice.memory import USES, Memory, activations, kv_cache, memory
from lecture_utils.practice.parameters import (
    Parameters,
    adapters,
    gpt2_block,
    llama_block,
    parameters,
)
from lecture_utils.practice.reading import read_config, samples
from lecture_utils.practice.report import Report, report
from lecture_utils.practice.shape import Shape, Wiring

__all__ = [
    "MACHINES",
    "USES",
    "Machine",
    "Memory",
    "Parameters",
    "Report",
    "Shape",
    "Wiring",
    "activations",
    "adapters",
    "generation_hours",
    "gpt2_block",
    "hours",
    "inference_flops",
    "kv_cache",
    "llama_block",
    "memory",
    "parameters",
    "read_config",
    "report",
    "samples",
    "this_machine",
    "training_flops",
]
