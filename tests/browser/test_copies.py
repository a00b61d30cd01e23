"""A beginner's first ten minutes, in the learner's copy of notebook 00."""

import nbformat
import pytest
from browser.lab import Notebook

from lecture_utils import copies
from lecture_utils.authoring import notebooks

NAME = notebooks.path_of("00").name


@pytest.fixture
def folder(server, monkeypatch):
    """The learner's folder of the course that the server shows."""
    monkeypatch.setattr(copies, "ORIGINALS", server.course / "notebooks")
    monkeypatch.setattr(copies, "FOLDER", server.course / "my_notebooks")
    copies.refresh()
    yield copies.FOLDER
    server.shut_kernels_down()


def test_predict_run_unfold_solve_save_and_update(server, watch, folder):
    address = f"{server.url}/lab/tree/my_notebooks/{NAME}?reset"
    with watch(address, viewport={"width": 1200, "height": 1000}) as watched:
        page = watched.page
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        assert page.locator(".jp-OutputArea-output").count() == 0  # nothing has run yet

        lab = Notebook(watched)  # Run All
        assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
        assert page.locator(".jp-OutputArea-output img").count() >= 1
        answer = page.locator("details", has_text="Answer").first
        said = answer.locator("p").first
        assert not said.is_visible()
        answer.locator("summary").click()
        assert said.is_visible()
        assert said.inner_text().startswith("It is")

        lab.write("ex-0-1-stub", "def with_shortcut(F, x): return F(x) + x")
        assert "Right. That is the plus sign" in lab.run("ex-0-1-check")
        page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
        for _ in range(100):
            if "return F(x) + x" in stub(folder):
                break
            page.wait_for_timeout(100)
        assert watched.troubles == []

    original = server.course / "notebooks" / NAME
    newer = nbformat.read(original, as_version=4)
    newer.cells[0].source += "\nnewer"
    nbformat.write(newer, original)
    (line,) = copies.refresh()
    assert "yours stays as it is" in line
    assert "return F(x) + x" in stub(folder)


def stub(folder):
    cells = nbformat.read(folder / NAME, as_version=4).cells
    return next(cell.source for cell in cells if cell.id == "ex-0-1-stub")
