"""The notebooks' explorers: sliders on a section's quantities."""

from lecture_utils.explorers.gradient_flow import gradient_flow

__all__ = ["gradient_flow"]
