"""Explorers: one figure, redrawn at every value of every control, without leaking figures."""

import ast
import sys

import ipywidgets as widgets
import matplotlib.pyplot as plt
import pytest
from IPython.core import displaypub
from IPython.core.interactiveshell import InteractiveShell

from lecture_utils import explorers
from lecture_utils.authoring import course as course_map
from lecture_utils.authoring import notebooks
from lecture_utils.explorers import controls


@pytest.fixture
def shown(monkeypatch):
    """Catch what is displayed: a list of (data, metadata, update)."""
    caught = []

    class Publisher(displaypub.DisplayPublisher):
        def publish(self, data, metadata=None, *, transient=None, update=False, **_):
            caught.append((data, metadata, update))

    shell = InteractiveShell.instance()
    monkeypatch.setattr(shell, "display_pub", Publisher())
    yield caught
    assert not plt.get_fignums()


def explorer_of(number):
    path = notebooks.path_of(number)
    cells = notebooks.read(path).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    call = next(source for source in code if "explorers." in source)
    definitions = notebooks.definitions(path)
    used = {node.id for node in ast.walk(ast.parse(call)) if isinstance(node, ast.Name)}
    for source in code[: code.index(call)]:  # nets, say, that a cell above has trained
        made = {node.id for node in ast.walk(ast.parse(source)) if _is_assigned(node)}
        if made & used - set(vars(definitions)):
            exec(source, definitions.__dict__)
    return call, definitions


def _is_assigned(node):
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


@pytest.mark.parametrize("number", list(course_map.load()["notebooks"]))
def test_every_control_changes_the_figure(number, shown, monkeypatch):
    made = []
    connect = controls.connect

    def remember(draw, **given):
        made.append(given)
        connect(draw, **given)

    for name in vars(explorers):
        module = sys.modules.get(f"lecture_utils.explorers.{name}")
        if module and module is not controls:
            monkeypatch.setattr(module, "connect", remember)
    call, definitions = explorer_of(number)
    exec(call, definitions.__dict__)
    (box, figure) = shown
    assert box[0]["text/plain"].startswith("[controls, live while a kernel runs:")
    assert figure[0]["image/png"].startswith(b"\x89PNG")
    for control in made[0].values():
        for value in extremes(control):
            before = shown[-1][0]
            if control.value == value:
                continue
            control.value = value
            data, metadata, update = shown[-1]
            assert update
            assert data["image/png"] != before["image/png"], f"{control.description} = {value}"
            assert metadata["image/png"]["alt"] == data["text/plain"]


def extremes(control):
    if isinstance(control, widgets.Dropdown | widgets.ToggleButtons):
        return [option[1] if isinstance(option, tuple) else option for option in control.options]
    if isinstance(control, widgets.SelectionSlider):
        return [control._options_full[0][1], control._options_full[-1][1]]
    if isinstance(control, widgets.Checkbox):
        return [not control.value]
    if isinstance(control, widgets.FloatLogSlider):
        return [control.base**control.min, control.base**control.max]
    return [control.min, control.max]
