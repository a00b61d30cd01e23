"""Every notebook in JupyterLab: Run All, every control of its explorer, an exercise, the folds."""

import re

import pytest
from browser.lab import Notebook

from lecture_utils.authoring import course as course_map
from lecture_utils.authoring import notebooks

COURSE = course_map.load()
PAGES = COURSE["notebooks"]


@pytest.fixture(scope="module", params=PAGES)
def number(request):
    return request.param


@pytest.fixture(scope="module")
def lab(number, watch, server, runs):
    address = f"{server.url}/lab/tree/notebooks/{PAGES[number]['file']}?reset"
    with watch(address, viewport={"width": 1200, "height": 1000}) as watched:
        notebook = Notebook(watched)
        runs[number] = notebook.saved()
        yield notebook
    server.shut_kernels_down()


def test_run_all_goes_through(lab, number):
    for kind in ("error", "stderr"):
        found = lab.page.locator(f"[data-mime-type='application/vnd.jupyter.{kind}']")
        assert found.all_inner_texts() == []
    code = notebooks.read(notebooks.path_of(number)).cells
    pictures = [o for c in code for o in c.get("outputs", []) if "image/png" in o.get("data", {})]
    shown = lab.page.locator(".jp-OutputArea-output img")
    assert shown.count() == len(pictures)
    assert shown.evaluate_all("all => all.every(picture => picture.naturalWidth > 300)")


def test_the_kernel_runs_this_package(lab):
    probe = "import lecture_utils; print(lecture_utils.__file__)"
    said = lab.page.evaluate(
        """code => new Promise(done => {
            const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            const future = kernel.requestExecute({code, store_history: false});
            future.onIOPub = m => { if (m.content.text) done(m.content.text); };
        })""",
        probe,
    )
    assert said.strip() == str(notebooks.ROOT / "lecture_utils" / "__init__.py")


def explorer(lab, number):
    """The cell of the explorer, and its controls by their labels."""
    code = [c for c in notebooks.read(notebooks.path_of(number)).cells if c.cell_type == "code"]
    (source,) = [c for c in code if c.source.startswith("explorers.")]
    promised = source.outputs[0].data["text/plain"]
    names = re.fullmatch(r"\[controls, live while a kernel runs: (.*)\]", promised)[1]
    cell = lab.cell(source.id)
    controls = cell.locator(".widget-vbox > .jupyter-widgets")
    assert controls.count() >= 1
    written = [control.locator("label").all_inner_texts() for control in controls.all()]
    labels = ["".join(texts).strip("\u200b ") for texts in written]
    assert ", ".join(labels) == names
    return cell, dict(zip(labels, controls.all(), strict=True))


def by_keyboard(page, control):
    """Move a control by one step, away from its end."""
    handle, chosen = control.locator(".noUi-handle"), control.locator("select")
    if handle.count():
        at, end = (handle.get_attribute(f"aria-value{part}") for part in ("now", "max"))
        handle.focus()
        page.keyboard.press("ArrowLeft" if at == end else "ArrowRight")
    elif chosen.count():
        at, end = chosen.evaluate("list => [list.selectedIndex, list.options.length - 1]")
        chosen.focus()
        page.keyboard.press("Space")  # JupyterLab takes the arrow keys of a list that is not open
        page.keyboard.press("ArrowUp" if at == end else "ArrowDown")
        page.keyboard.press("Enter")
    else:
        control.locator("input[type=checkbox]").focus()
        page.keyboard.press("Space")


def by_mouse(page, control):
    """Drag a slider's handle, choose from a list, click a box."""
    handle, chosen = control.locator(".noUi-handle"), control.locator("select")
    if handle.count():
        track, grip = control.locator(".noUi-base").bounding_box(), handle.bounding_box()
        x, y = (grip[a] + grip[size] / 2 for a, size in (("x", "width"), ("y", "height")))
        share = 0.7 if x < track["x"] + track["width"] / 2 else 0.3
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(track["x"] + share * track["width"], y, steps=4)
        page.mouse.up()
    elif chosen.count():  # the system draws the open list, where no test's mouse gets at it
        other = chosen.evaluate("list => list.selectedIndex === 0 ? 1 : 0")
        chosen.select_option(index=other)
    else:
        control.locator("input[type=checkbox]").click()


@pytest.mark.parametrize("move", [by_keyboard, by_mouse])
def test_every_control_changes_the_picture(lab, number, move):
    cell, controls = explorer(lab, number)
    picture = cell.locator(".jp-OutputArea-output img").last
    for label, control in controls.items():
        control.scroll_into_view_if_needed()
        before = picture.get_attribute("src")
        move(lab.page, control)
        lab.page.wait_for_timeout(50)
        for _ in range(100):
            if picture.get_attribute("src") != before:
                break
            lab.page.wait_for_timeout(100)
        else:
            pytest.fail(f"{label}: the picture stays as it is")
        lab.settle()
    assert lab.page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0


def test_hints_and_solutions_unfold(lab):
    folds = lab.page.locator(".jp-Notebook details")
    assert folds.count() >= 2
    for fold in folds.all():
        content = fold.locator("> :not(summary)").first
        assert not content.is_visible()
        fold.locator("summary").click()
        assert content.is_visible()


@pytest.mark.parametrize("number", ["00"], indirect=True)
def test_an_exercise_answers(lab):
    assert "Not attempted yet" in lab.run("ex-0-1-check")
    lab.write("ex-0-1-stub", "def with_shortcut(F, x): return F(x)")
    assert "Not yet. You returned F(x) alone" in lab.run("ex-0-1-check")
    lab.write("ex-0-1-stub", "def with_shortcut(F, x): return F(x) + x")
    assert "Right. That is the plus sign" in lab.run("ex-0-1-check")


def test_the_console_is_silent(lab):
    assert lab.troubles == []
