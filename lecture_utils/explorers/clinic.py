"""Notebook 08: any picture of any decoder of the clinic, beside a healthy one."""

from collections.abc import Callable, Iterable

import ipywidgets as widgets
from matplotlib.figure import Figure

from lecture_utils.explorers.controls import connect
from lecture_utils.require.drawing import require_keys, require_texts
from lecture_utils.require.numbers import require_choice
from lecture_utils.require.tensors import require_callable


def pictures(
    beside: Callable[[str, str], tuple[Figure, str]],
    decoders: Iterable[str],
    kinds: dict[str, tuple],
    who: str,
    kind: str,
) -> None:
    """Choose a decoder and a picture of it; the same picture of a healthy one stands beside it.

    Args:
        beside: function of a decoder and a kind of picture that returns a figure and its
            alternative text.
        decoders: the names to choose from.
        kinds: kind of picture to a tuple that begins with its title.
        who: the decoder shown first.
        kind: the picture shown first.

    Raises:
        ValueError: there is no function, or `who` or `kind` is none to choose from.
    """
    require_callable("beside", beside)
    decoders = require_texts("decoders", decoders)
    require_keys("kinds", kinds)
    require_choice("decoder", who, decoders)
    require_choice("picture", kind, kinds)
    connect(
        beside,
        who=widgets.Dropdown(options=list(decoders), value=who, description="decoder"),
        kind=widgets.Dropdown(
            options=[(title, name) for name, (title, *_) in kinds.items()],
            value=kind,
            description="picture",
        ),
    )
