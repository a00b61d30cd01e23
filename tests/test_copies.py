"""The learner's copies: they give no answer away, and nothing of the learner's is lost."""

import json
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from properties.bad import refusal

from lecture_utils import copies
from lecture_utils.authoring import course as course_map
from lecture_utils.authoring import notebooks

NUMBERS = list(course_map.load()["notebooks"])
GIVEN_AWAY = re.compile(r"\bit is \*\*[a-e]\*\*", re.IGNORECASE)
FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of the first two notebooks, from a folder without git; its original of 00."""
    for name in ("00", "01"):
        path = notebooks.path_of(name)
        (tmp_path / "notebooks").mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / "notebooks" / path.name)
    monkeypatch.setattr(copies, "ROOT", tmp_path)
    monkeypatch.setattr(copies, "ORIGINALS", tmp_path / "notebooks")
    monkeypatch.setattr(copies, "FOLDER", tmp_path / "my_notebooks")
    return tmp_path / "notebooks" / notebooks.path_of("00").name


def change(path, text="# mine", ids=("ex-0-1-stub",)):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.id in ids:
            cell.source += f"\n{text}"
    nbformat.write(notebook, path)
    return path.read_bytes()


def mine(original):
    return copies.FOLDER / original.name


@pytest.mark.parametrize("number", NUMBERS)
def test_a_prediction_has_its_answer_in_a_tagged_cell(number):
    waits = 0
    for cell in notebooks.read(notebooks.path_of(number)).cells:
        if copies.ANSWER in cell.metadata.get("tags", []):
            assert cell.cell_type == "markdown"
            assert GIVEN_AWAY.search(cell.source), cell.id
            assert waits == 1, f"{cell.id} answers no prediction"
            waits = 0
        if "**Predict.**" in cell.source:
            assert waits == 0, f"{number}: a prediction before {cell.id} has no tagged answer"
            waits = cell.source.count("**Predict.**")
    assert waits == 0


@pytest.mark.parametrize("number", NUMBERS)
def test_a_copy_has_all_of_the_notebook_but_no_answer_above_its_fold(number):
    original = notebooks.read(notebooks.path_of(number))
    copy = copies.learners(original)
    nbformat.validate(copy)
    assert [cell.id for cell in copy.cells] == [cell.id for cell in original.cells]
    for given, cell in zip(copy.cells, original.cells, strict=True):
        if cell.cell_type == "code":
            assert given.source == cell.source
            assert (given.outputs, given.execution_count) == ([], None)
        else:
            seen = FOLDED.sub("", given.source)
            assert not GIVEN_AWAY.search(seen), cell.id
            assert seen.count("**Predict.**") == cell.source.count("**Predict.**")
            assert set(cell.source.split()) <= set(given.source.split())


def test_the_first_time_all_copies_are_made(course):
    assert copies.refresh() == ["my_notebooks: 2 notebooks to work in, yours from now on"]
    assert sorted(path.name for path in copies.FOLDER.glob("*.ipynb")) == [
        notebooks.path_of(number).name for number in ("00", "01")
    ]
    assert copies.refresh() == []
    assert not list(copies.FOLDER.glob("*.part"))


def test_an_update_renews_what_nobody_has_touched(course):
    copies.refresh()
    change(course, "# newer")
    assert copies.refresh() == []
    assert "# newer" in mine(course).read_text(encoding="utf-8")
    change(course, "# newest")
    assert copies.refresh() == []
    assert "# newest" in mine(course).read_text(encoding="utf-8")


def run_in_lab(path):
    """What running a cell leaves behind."""
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="hello")]
    cell.execution_count = 1
    nbformat.write(notebook, path)
    return path.read_bytes()


def break_it(path):
    path.write_text("{ half a note", encoding="utf-8")
    return path.read_bytes()


@pytest.mark.parametrize("touch", [change, run_in_lab, break_it])
def test_what_the_learner_has_touched_outlives_every_update(touch, course):
    copies.refresh()
    before = touch(mine(course))
    assert copies.refresh() == []
    change(course, "# newer")
    for _ in range(2):
        (line,) = copies.refresh()
        assert line.startswith(f"{course.name}: the course has a newer one, and yours stays")
        assert "`make beside N=00`" in line
    assert mine(course).read_bytes() == before


def test_a_copy_without_a_record_is_left_alone(course):
    copies.refresh()
    before = change(mine(course))
    (copies.FOLDER / ".given.json").write_text("[1, 2")
    assert len(copies.refresh()) == 1
    assert mine(course).read_bytes() == before


def test_what_the_learner_has_deleted_comes_back(course):
    copies.refresh()
    mine(course).unlink()
    assert copies.refresh() == []
    assert mine(course).exists()


def test_opening_a_copy_does_not_count_as_touching_it(course):
    copies.refresh()
    opened = nbformat.read(mine(course), as_version=4)
    opened.metadata["language_info"]["version"] = "3.13.0"  # as JupyterLab writes
    nbformat.write(opened, mine(course))
    change(course, "# newer")
    assert copies.refresh() == []
    assert "# newer" in mine(course).read_text(encoding="utf-8")


def test_the_newer_one_is_put_beside_under_a_free_name(course):
    copies.refresh()
    before = change(mine(course))
    change(course, "# newer")
    first, second = copies.beside("00"), copies.beside("00")
    assert (first.name, second.name) == ("00_start_here_new.ipynb", "00_start_here_new_2.ipynb")
    assert "# newer" in first.read_text(encoding="utf-8")
    assert mine(course).read_bytes() == before
    assert copies.refresh() == []  # it has been offered and taken
    with pytest.raises(FileNotFoundError, match="no notebook '7'; there are 00, 01"):
        copies.beside("7")


def test_the_command_says_one_line_a_notebook(tmp_path):
    for name in ("lecture_utils", "notebooks"):
        shutil.copytree(notebooks.ROOT / name, tmp_path / name)

    def command(*words):
        return subprocess.run(
            [sys.executable, "-m", "lecture_utils.copies", *words],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
        )

    assert command().stdout.startswith(f"my_notebooks: {len(NUMBERS)} notebooks to work in")
    assert command().stdout == ""
    assert "my_notebooks/03_shortcut_mlp_new.ipynb" in command("--beside", "03").stdout
    wrong = command("--beside", "3")
    assert wrong.returncode != 0
    assert "no notebook '3'" in wrong.stderr.splitlines()[-1]
    assert json.loads((tmp_path / "my_notebooks" / ".given.json").read_text())


GIVEN = [b"", b"{", b"5", b"null", b'"ab"', b"[1, 2]", b"[[[1], 2]]", b"\xff\xfe", b'{"00": 5}']


@pytest.mark.parametrize("record", GIVEN)
def test_with_a_broken_record_nothing_of_the_learners_is_lost(record, course):
    copies.refresh()
    before = change(mine(course))
    (copies.FOLDER / ".given.json").write_bytes(record)
    change(course, "# newer")
    copies.refresh()
    assert mine(course).read_bytes() == before


NO_NOTEBOOKS = [
    b"",
    b"[]",
    b"5",
    b"{}",
    b'{"nbformat": 4}',
    b'{"nbformat": 4, "cells": [1]}',
    b"\xff",
]


@pytest.mark.parametrize("data", NO_NOTEBOOKS)
def test_a_copy_that_is_no_notebook_stays_and_an_original_that_is_none_is_named(data, course):
    copies.refresh()
    mine(course).write_bytes(data)
    given = json.loads((copies.FOLDER / ".given.json").read_text())
    for record in (given, given | {course.name: None}, {}):
        (copies.FOLDER / ".given.json").write_text(json.dumps(record))
        copies.refresh()
        assert mine(course).read_bytes() == data
    course.write_bytes(data)
    for call in (copies.refresh, lambda: copies.beside("00")):
        assert f"{course} is no notebook" in refusal(call)
    assert mine(course).read_bytes() == data


def test_a_folder_that_is_a_file_or_leads_nowhere_is_named(course):
    for make in (lambda: copies.FOLDER.touch(), lambda: copies.FOLDER.symlink_to("nowhere")):
        make()
        for call in (copies.refresh, lambda: copies.beside("00")):
            assert "my_notebooks is no folder: move it out of the way" in refusal(call)
        copies.FOLDER.unlink()


@pytest.mark.parametrize("leads", ["somewhere", "nowhere"])
def test_a_link_is_the_learners_own(leads, course, tmp_path):
    copies.refresh()
    target = tmp_path / f"{leads}.ipynb"
    if leads == "somewhere":
        shutil.copy(mine(course), target)
    mine(course).unlink()
    mine(course).symlink_to(target)
    before = target.exists() and target.read_bytes()
    change(course, "# newer")
    assert len(copies.refresh()) == 1
    assert mine(course).is_symlink()
    assert (target.exists() and target.read_bytes()) == before


def test_a_folder_under_a_notebooks_name_stays(course):
    mine(course).mkdir(parents=True)
    assert len(copies.refresh()) == 1
    assert copies.beside("00").is_file()
    assert mine(course).is_dir()


@pytest.mark.parametrize("step", ["open", "half", "last"])
def test_on_a_full_disk_a_copy_is_whole_or_as_it_was(step, course, monkeypatch):
    copies.refresh()
    before = mine(course).read_bytes()
    change(course, "# newer")
    write, replace = type(course).write_text, type(course).replace

    def full(path, text, **options):
        if path.suffix == ".part" and step != "last":
            write(path, text[: len(text) // 2 if step == "half" else 0], **options)
            raise OSError(28, "No space left on device")
        return write(path, text, **options)

    def fails(path, to):
        if step == "last":
            raise PermissionError(13, "Permission denied")
        return replace(path, to)

    with monkeypatch.context() as disk:
        disk.setattr(type(course), "write_text", full)
        disk.setattr(type(course), "replace", fails)
        for call in (copies.refresh, lambda: copies.beside("00")):
            said = refusal(call)
            assert said.startswith(f"cannot write {copies.FOLDER}/")
            assert "No space left on device" in said or "Permission denied" in said
    assert mine(course).read_bytes() == before
    assert not [path for path in copies.FOLDER.iterdir() if path.suffix == ".part"]


@pytest.mark.parametrize(
    "number", ["*", "", "0", "?0", "../0", "00_start_here", "000", None, 0, "٠٠"]
)
def test_what_is_no_number_of_a_notebook_is_refused(number, course):
    said = refusal(lambda: copies.beside(number), error=FileNotFoundError)
    assert said == f"no notebook {number!r}; there are 00, 01"
    assert not copies.FOLDER.exists()


def test_a_folder_full_of_copies_is_named(course):
    for _ in range(99):
        last = copies.beside("00")
    assert last.name == "00_start_here_new_99.ipynb"
    assert "remove some of them" in refusal(lambda: copies.beside("00"))


def test_git_ignores_the_copies():
    assert "/my_notebooks/" in (notebooks.ROOT / ".gitignore").read_text().splitlines()
