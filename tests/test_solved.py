"""What is solved is noted in a learner's folder, nowhere else, and never disturbs a check."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from lecture_utils import checks, copies, solved
from lecture_utils.authoring import notebooks
from lecture_utils.authoring.course import load
from lecture_utils.checks.verdict import NOT_YET, RIGHT, graded

NUMBERS = [
    ex.number for n in load()["notebooks"] for ex in notebooks.exercises(notebooks.path_of(n))
]


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder of copies, as `make copies` makes it, in which the kernel runs."""
    originals = tmp_path / "notebooks"
    originals.mkdir()
    shutil.copy(notebooks.path_of("00"), originals)
    monkeypatch.setattr(copies, "ORIGINALS", originals)
    monkeypatch.setattr(copies, "FOLDER", tmp_path / "my_notebooks")
    copies.refresh()
    monkeypatch.chdir(copies.FOLDER)
    return copies.FOLDER


def noted(folder):
    return solved.solved(solved.read(folder), solved.exercises())


def test_every_exercise_of_the_course_is_known():
    assert len(NUMBERS) >= 2 * 13
    assert list(solved.exercises()) == NUMBERS


@pytest.mark.parametrize(("number", "check"), solved.exercises().items())
def test_a_check_notes_the_name_that_its_cell_calls(number, check):
    judge = getattr(checks, check)
    assert judge.__wrapped__.__name__ == check
    assert judge.__doc__.startswith(f"Exercise {number}: ")


def test_a_cell_that_calls_no_check_is_refused(tmp_path):
    cell = {"id": "ex-0-1-check", "source": ["print(1)"]}
    (tmp_path / "00_x.ipynb").write_text(json.dumps({"cells": [cell]}))
    with pytest.raises(ValueError, match=r"00_x\.ipynb: cell ex-0-1-check calls no check"):
        solved.exercises(tmp_path)


def test_only_what_is_right_is_noted_and_its_day_stays(mine):
    assert checks.layers_until(3).status == NOT_YET
    checks.layers_until()
    assert not (mine / solved.RECORD).exists()
    assert checks.layers_until(22).status == RIGHT
    assert list(noted(mine)) == ["0.2"]
    (mine / solved.RECORD).write_text('{"layers_until": "2026-01-31"}')
    checks.layers_until(22)
    checks.with_shortcut(lambda F, x: F(x) + x)
    assert list(noted(mine)) == ["0.1", "0.2"]
    assert noted(mine)["0.2"] == "2026-01-31"
    assert not [path for path in mine.iterdir() if path.name.startswith(".part")]


def test_nothing_is_noted_in_another_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert checks.layers_until(22).status == RIGHT
    assert not list(tmp_path.iterdir())


def test_copies_stay_as_given_whatever_is_noted(mine):
    checks.layers_until(22)
    assert copies.refresh() == []
    assert list(noted(mine)) == ["0.2"]


@pytest.mark.parametrize(
    "broken",
    [
        b"", b"{", b"[1, 2]", b"7", b'"layers_until"', b"\xff\xfe", b"[" * 30_000, b"null",
        b'{"layers_until": 7}', b'{"layers_until": "2026-02-31"}', b'{"layers_until": null}',
        b'{"layers_until": "2026-01-31"}' + b" " * solved.MOST,
    ],
)  # fmt: skip
def test_a_broken_record_counts_for_nothing_and_is_replaced(mine, broken):
    (mine / solved.RECORD).write_bytes(broken)
    assert noted(mine) == {}
    assert checks.layers_until(22).status == RIGHT
    assert list(noted(mine)) == ["0.2"]


def test_a_record_that_cannot_be_written_disturbs_nothing(mine, monkeypatch):
    (mine / solved.RECORD).mkdir()
    assert checks.layers_until(22).status == RIGHT

    def full(path, write):
        raise OSError(28, "No space left on device")

    (mine / solved.RECORD).rmdir()
    monkeypatch.setattr(solved, "write_whole", full)
    assert checks.layers_until(22).status == RIGHT
    assert noted(mine) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="a folder in use is not removed there")
def test_a_folder_that_is_gone_disturbs_nothing(mine):
    shutil.rmtree(mine)
    try:
        assert checks.layers_until(22).status == RIGHT
    finally:
        os.chdir(notebooks.ROOT)


def test_a_check_that_is_not_in_the_course_counts_for_nothing(mine):
    @graded
    def other(answer: int) -> str:
        """Exercise 0.1: not the course's."""
        return "yes"

    assert other(1).status == RIGHT
    assert list(solved.read(mine)) == ["other"]
    assert noted(mine) == {}


def test_importing_writes_nothing(mine):
    code = "import lecture_utils.checks, lecture_utils.solved"
    before = sorted(mine.iterdir())
    subprocess.run([sys.executable, "-c", code], check=True, cwd=mine)
    assert sorted(mine.iterdir()) == before
