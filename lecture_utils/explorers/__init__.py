"""The notebooks' explorers: sliders on a section's quantities."""

from lecture_utils.explorers.attention import draw_attention, three_tokens
from lecture_utils.explorers.clinic import pictures
from lecture_utils.explorers.costs import costs, draw_costs
from lecture_utils.explorers.designs import designs
from lecture_utils.explorers.gpt import gpt_stream
from lecture_utils.explorers.landscape import draw_slices, slices
from lecture_utils.explorers.mlp import vital_signs
from lecture_utils.explorers.opened import opened
from lecture_utils.explorers.residual import arrows, draw_arrows
from lecture_utils.explorers.shapes import widths
from lecture_utils.explorers.start import story
from lecture_utils.explorers.transformer import draw_parts, placements
from lecture_utils.explorers.vanishing import gradient_flow

__all__ = [
    "arrows",
    "costs",
    "designs",
    "draw_arrows",
    "draw_attention",
    "draw_costs",
    "draw_parts",
    "draw_slices",
    "gpt_stream",
    "gradient_flow",
    "opened",
    "pictures",
    "placements",
    "slices",
    "story",
    "three_tokens",
    "vital_signs",
    "widths",
]
