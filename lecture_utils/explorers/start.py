"""Notebook 00: the whole story, at any depth."""

from collections.abc import Callable

import ipywidgets as widgets
from matplotlib.figure import Figure

from lecture_utils import plots
from lecture_utils.explorers.controls import connect
from lecture_utils.require.tensors import require_callable


def story(gradient_by_layer: Callable) -> None:
    """Explore what plain nets and nets with shortcuts leave of a gradient, by depth.

    Args:
        gradient_by_layer: the notebook's function (kind, depth, nets) that returns relative
            norms, (nets, depth + 1), for the kinds "plain", "shortcut" and "scaled".

    Raises:
        ValueError: it is no function.
    """
    require_callable("gradient_by_layer", gradient_by_layer)
    kinds = {
        "plain": ("plain: F(h)", plots.PLAIN, "-"),
        "shortcut": ("shortcut: h + F(h)", plots.SHORTCUT, "-"),
        "scaled": ("h + F(h) / √depth", plots.SHORTCUT, "-."),
    }

    def draw(depth: int) -> tuple[Figure, str]:
        fig, ax = plots.figure(
            f"{depth} layers: what is left at the first",
            "layers back from the output", "gradient norm / norm at the output", yscale="log",
        )  # fmt: skip
        left = {}
        for kind, (label, color, linestyle) in kinds.items():
            norms = gradient_by_layer(kind, depth=depth, nets=5)
            plots.band(ax, range(depth, -1, -1), norms, label, color, linestyle)
            left[kind] = norms[:, 0].median().item()
        return fig, (
            f"Gradient norm by layer in {depth} layers: {left['plain']:.0e} is left without "
            f"shortcuts, {left['shortcut']:.0e} with them, {left['scaled']:.1f} with scaled "
            f"branches."
        )

    connect(draw, depth=widgets.IntSlider(value=20, min=2, max=100, step=2, description="layers"))
