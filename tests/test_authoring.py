"""The authors' tools: what they read out of a notebook, and what they say to a broken one."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from lecture_utils.authoring import notebooks

ANSWERS = "<summary>Hint</summary>\n<summary>Solution</summary>\n```python\nx = 1\n```"


def written(tmp_path, *cells):
    path = tmp_path / "09_probe.ipynb"
    notebooks.write(new_notebook(cells=list(cells)), path)
    return path


def exercise_cells(answers=ANSWERS):
    return [
        new_markdown_cell("### Exercise 9.1", id="ex-9-1-task"),
        new_code_cell("x = ...", id="ex-9-1-stub"),
        new_code_cell("checks.x(x)", id="ex-9-1-check"),
        new_markdown_cell(answers, id="ex-9-1-answers"),
    ]


def test_an_exercise_is_read_with_its_solution(tmp_path):
    (found,) = notebooks.exercises(written(tmp_path, *exercise_cells()))
    assert (found.number, found.stub, found.solution) == ("9.1", "x = ...", "x = 1\n")


@pytest.mark.parametrize("part", ["stub", "check", "answers"])
def test_an_exercise_that_lacks_a_part(tmp_path, part):
    cells = [cell for cell in exercise_cells() if not cell.id.endswith(part)]
    with pytest.raises(ValueError, match=f"no cell ex-9-1-{part}"):
        notebooks.exercises(written(tmp_path, *cells))


def test_an_exercise_needs_one_solution(tmp_path):
    for answers in ("no code", ANSWERS + ANSWERS.split("</summary>")[-1]):
        with pytest.raises(ValueError, match="one python block"):
            notebooks.exercises(written(tmp_path, *exercise_cells(answers)))


def test_definitions_are_taken_and_experiments_are_not(tmp_path):
    cell = new_code_cell(
        "N = 3\nx = 1 / 0\n\n\ndef f():\n    return N\n\n\nprint(f())", id="a-cell"
    )
    stub = new_code_cell("def answer():\n    ...", id="ex-9-2-stub")
    module = notebooks.definitions(written(tmp_path, cell, stub))
    assert module.f() == 3
    assert not hasattr(module, "x")
    assert not hasattr(module, "answer")


def test_a_function_that_reads_a_variable_of_the_notebook_fails(tmp_path):
    cell = new_code_cell("n = 3\n\n\ndef f():\n    return n", id="a-cell")
    with pytest.raises(NameError, match="'n'"):
        notebooks.definitions(written(tmp_path, cell)).f()


def test_sections_and_summary(tmp_path):
    text = "## 9.1 First\nbody\n## In five lines\nfive\n## Next\nthe end"
    found = notebooks.sections(written(tmp_path, new_markdown_cell(text, id="prose")))
    assert {place: part.strip() for place, part in found.items()} == {
        "9.1": "First\nbody",
        "9": "five",
    }


def test_no_such_notebook():
    with pytest.raises(FileNotFoundError, match=r"no notebook 77_\*\.ipynb"):
        notebooks.path_of("77")


def test_execution_leaves_out_what_differs_from_run_to_run(tmp_path):
    code = "import ipywidgets\nprint(1)\nprint(2)\nipywidgets.IntSlider()"
    done = notebooks.execute(written(tmp_path, new_code_cell(code, id="a-cell")))
    stream, slider = done.cells[0].outputs
    assert stream.text == "1\n2\n"
    assert list(slider.data) == ["text/plain"]
    assert "execution" not in done.cells[0].metadata
    assert "widgets" not in done.metadata
