"""Sliders and one figure that answers to them."""

from collections.abc import Callable

import ipywidgets as widgets
from IPython.display import display
from matplotlib.figure import Figure

from lecture_utils.plots import picture
from lecture_utils.require.numbers import shown
from lecture_utils.require.tensors import require_callable


def connect(draw: Callable[..., tuple[Figure, str]], **controls: widgets.ValueWidget) -> None:
    """Show controls and, under them, the figure that `draw` makes of their values.

    The figure is an ordinary picture in a display that is updated, so the page keeps it when no
    kernel runs.

    Args:
        draw: takes the controls' values by name; returns a figure and its alternative text.
        controls: one widget per argument of `draw`, shown in this order.

    Raises:
        ValueError: `draw` is no function, a control is no widget, or there is none.
    """
    require_callable("draw", draw)
    for name, control in controls.items():
        if not isinstance(control, widgets.ValueWidget):
            raise ValueError(f"{name} must be a widget with a value; got {shown(control)}")
    if not controls:
        raise ValueError("connect() needs at least one control, such as s=widgets.FloatSlider()")
    for name, control in controls.items():
        control.description = control.description or name
        control.style = {"description_width": "8em"}
        control.layout.width = "28em"

    def current() -> tuple[dict, dict]:
        return picture(*draw(**{name: control.value for name, control in controls.items()}))

    box = widgets.VBox(list(controls.values()))
    names = ", ".join(control.description for control in controls.values())
    bundle = box._repr_mimebundle_()
    bundle["text/plain"] = f"[controls, live while a kernel runs: {names}]"
    display(bundle, raw=True)
    data, metadata = current()
    handle = display(data, metadata=metadata, raw=True, display_id=True)

    def redraw(_change: dict) -> None:
        data, metadata = current()
        handle.update(data, metadata=metadata, raw=True)

    for control in controls.values():
        control.observe(redraw, names="value")
