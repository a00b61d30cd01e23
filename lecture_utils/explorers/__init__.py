"""The notebooks' explorers: sliders on a section's quantities."""

from lecture_utils.explorers.mlp import vital_signs
from lecture_utils.explorers.residual import chain_rule
from lecture_utils.explorers.start import story
from lecture_utils.explorers.vanishing import gradient_flow

__all__ = ["chain_rule", "gradient_flow", "story", "vital_signs"]
