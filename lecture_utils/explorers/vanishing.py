"""Notebook 01: how depth, activation and starting weights decide what is left of a gradient."""

from collections.abc import Callable

import ipywidgets as widgets
from matplotlib.figure import Figure

from lecture_utils import plots
from lecture_utils.explorers.controls import connect
from lecture_utils.require.drawing import require_finite, require_keys
from lecture_utils.require.tensors import require_callable


def _require_choices(
    gradients_by_layer: Callable, activations: dict[str, Callable], starts: dict[str, float]
) -> None:
    """Raise ValueError unless there are a function, activations, and two starting weights."""
    require_callable("gradients_by_layer", gradients_by_layer)
    require_keys("activations", activations)
    require_keys("starts", starts)
    for name, phi in activations.items():
        require_callable(f"activations[{name!r}]", phi)
    for name, n_var in starts.items():
        require_finite(f"starts[{name!r}]", n_var)
    if len(starts) < 2:
        raise ValueError(f"starts needs two names or more; got {list(starts)}")


def gradient_flow(
    gradients_by_layer: Callable, activations: dict[str, Callable], starts: dict[str, float]
) -> None:
    """Explore gradient norms by layer in random plain nets.

    Args:
        gradients_by_layer: the notebook's function (depth, phi, n_var, nets) that returns relative
            norms, measured and by the law, each (nets, depth + 1).
        activations: the activations to choose from, by name.
        starts: the starting weights to choose from: n Var(W), by name; the second is chosen first.

    Raises:
        ValueError: there is no function, no activation that is one, or no two starting weights.
    """
    _require_choices(gradients_by_layer, activations, starts)

    def draw(depth: int, activation: str, start: str, scale: float) -> tuple[Figure, str]:
        measured, law = gradients_by_layer(
            depth, activations[activation], starts[start] * scale**2, nets=5
        )
        decades = measured[:, 0].log10().median().item()
        times = "" if scale == 1 else f" times {scale:g}"
        fig, ax = plots.figure(
            f"{depth} layers, {activation}, {start}{times}: $10^{{{decades:.1f}}}$ is left",
            "layers back from the output", "gradient norm / norm at the output", yscale="log",
        )  # fmt: skip
        back = range(depth, -1, -1)
        plots.band(ax, back, measured, "measured", plots.PLAIN)
        plots.line(ax, back, law.median(0).values, "law", plots.THEORY, ":")
        return fig, (
            f"Gradient norm by layer in {depth} {activation} layers with {start} weights times "
            f"{scale:g}: 10 to the power {decades:.1f} is left at the first layer."
        )

    connect(
        draw,
        depth=widgets.IntSlider(value=10, min=2, max=60, step=2),
        activation=widgets.Dropdown(options=list(activations)),
        start=widgets.Dropdown(options=list(starts), index=1, description="starting weights"),
        scale=widgets.FloatSlider(
            value=1.0, min=0.5, max=2.0, step=0.1, description="weights times", readout_format=".1f"
        ),
    )
