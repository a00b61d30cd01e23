"""The notebooks' explorers: sliders on a section's quantities."""
