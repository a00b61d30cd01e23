"""Honest minutes: what stands open weighs, what is folded or generated does not."""

import nbformat
import pytest

from lecture_utils.authoring import minutes

TASK = "### Exercise 1.1 · Try\n*4 minutes · ●○○*\n\nTry it."  # 9 words and the stars
HIDDEN = {"jupyter": {"source_hidden": True}}


def page(*cells):
    def cell(kind, text, metadata):
        made = getattr(nbformat.v4, f"new_{kind}_cell")(text)
        made.metadata.update(metadata)
        return made

    return nbformat.v4.new_notebook(cells=[cell(*(*c, {})[:3]) for c in cells])


def weigh(*cells):
    return minutes.weigh(page(*cells).cells)


def test_the_formula():
    found = weigh(
        ("markdown", "word " * 300),
        ("code", "# 1.1 a\n\nx = 1\n" + "x\n" * 6),  # eight lines that are not blank
        ("markdown", "> **Predict.** Which?"),
        ("markdown", TASK),
    )
    assert (found.cells, found.predictions, found.exercises) == ([8], 1, 4)
    assert found.minutes == round(found.words / 100 + 2 + 1.5 + 6) == 13


@pytest.mark.parametrize(
    "cell",
    [
        ("code", "x = 1\n" * 20, HIDDEN),
        ("markdown", "<details>\n<summary>Hint</summary>\n\nMany words.\n\n</details>"),
        ("markdown", "<!-- begin claims -->\n| many | words |\n<!-- end -->"),
        ("markdown", "<!-- begin header -->\n# Many words\n<!-- end -->"),
        ("code", "\n \n"),
    ],
)
def test_what_is_folded_or_generated_weighs_nothing(cell):
    found = weigh(cell)
    assert (found.words, found.lines, found.minutes) == (0, 0, 0)


def test_a_cue_is_read():
    assert weigh(("markdown", "▶ <!-- begin cue coding -->[Lecture](x)<!-- end -->")).words > 0


def test_what_follows_going_deeper_is_weighed_apart():
    notebook = page(
        ("markdown", "one two"),
        ("markdown", "## Going deeper\nthree"),
        ("code", "x = 1"),
    )
    core, deeper = map(minutes.weigh, minutes.parts(notebook))
    assert (core.words, core.lines) == (2, 0)
    assert (deeper.words, deeper.lines) == (4, 1)
    assert minutes.parts(page(("markdown", "one two")))[1] == []


def test_an_empty_page_weighs_nothing():
    assert weigh().minutes == weigh().longest == 0
