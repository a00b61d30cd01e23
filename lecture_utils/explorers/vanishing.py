"""Notebook 01: how depth, activation and starting weights decide what the first layer hears."""

from collections.abc import Callable

import ipywidgets as widgets
from matplotlib.figure import Figure

from lecture_utils import plots
from lecture_utils.explorers.controls import connect


def gradient_flow(gradients_by_layer: Callable) -> None:
    """Explore gradient norms by layer in random plain nets.

    Args:
        gradients_by_layer: the notebook's function (depth, activation, init, scale, seeds) that
            returns measured and predicted norms, each (seeds, depth + 1).
    """

    def draw(depth: int, activation: str, init: str, scale: float) -> tuple[Figure, str]:
        measured, predicted = gradients_by_layer(depth, activation, init, scale=scale, seeds=5)
        ends = (measured[:, 0] / measured[:, -1]).log10()
        decades = ends.median().item()
        verdict = "vanishes" if decades < -2 else "explodes" if decades > 2 else "stays alive"
        fig, ax = plots.figure(
            f"{depth} {activation} layers, {init} weights × {scale:g}: the gradient {verdict}",
            "layers back from the output", "gradient norm / norm at the output", yscale="log",
        )  # fmt: skip
        back = range(depth, -1, -1)
        plots.band(ax, back, measured / measured[:, -1:], "measured", plots.PLAIN)
        theory = (predicted / predicted[:, -1:]).median(0).values
        plots.line(ax, back, theory, "predicted", plots.THEORY, ":")
        return fig, (
            f"Gradient norm by layer in {depth} {activation} layers with {init} weights times "
            f"{scale:g}: 10 to the power {decades:.1f} is left at the first layer, so it {verdict}."
        )

    connect(
        draw,
        depth=widgets.IntSlider(value=30, min=2, max=60, step=2),
        activation=widgets.Dropdown(options=["relu", "gelu", "tanh", "sigmoid"]),
        init=widgets.Dropdown(options=["default", "xavier", "he"], description="weights"),
        scale=widgets.FloatSlider(
            value=1.0, min=0.5, max=2.0, step=0.1, description="× scale", readout_format=".1f"
        ),
    )
