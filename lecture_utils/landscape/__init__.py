"""Directions in the space of a net's weights, the loss and its curvature there (notebook 05)."""

from lecture_utils.landscape.curvature import (
    filter_normalised,
    hessian_product,
    lanczos,
    power_iteration,
    row_lengths,
)
from lecture_utils.landscape.slices import surface

__all__ = [
    "filter_normalised",
    "hessian_product",
    "lanczos",
    "power_iteration",
    "row_lengths",
    "surface",
]
