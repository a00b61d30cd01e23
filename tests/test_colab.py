"""The cell that installs the package on Colab: there once a repository is named, and only there."""

import json
import shutil
import subprocess
import sys
import tomllib

import pytest
import test_anatomy

from lecture_utils.authoring import generated, launch, notebooks

ROOT = notebooks.ROOT
NAMED = "someone/shortcuts"
PACKAGE = f"git+https://github.com/{NAMED}@v{{version}}"


@pytest.fixture(scope="module")
def named(course):
    return dict(course, repository=NAMED)


@pytest.fixture
def filled(named, tmp_path, monkeypatch):
    """The folder of the notebooks, as they are once the repository is named."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for path, content in generated.pages(named).items():
        if path.suffix == ".ipynb":
            (folder / path.name).write_bytes(content)
    monkeypatch.setattr(notebooks, "FOLDER", folder)
    return folder


def colab_cells(course):
    found = {}
    for number in course["notebooks"]:
        cells = notebooks.read(notebooks.path_of(number)).cells
        found[number] = [cell for cell in cells if cell.id == launch.COLAB]
    return found


def test_every_notebook_installs_the_tagged_package_on_colab_and_nothing_elsewhere(filled, named):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for number, cells in colab_cells(named).items():
        (cell,) = cells
        asked = on(cell.source, colab=True)
        pip = [sys.executable, "-m", "pip", "install"]
        assert asked == [[*pip, "--quiet", "--no-deps", PACKAGE.format(version=version)]], number
        assert on(cell.source, colab=False) == []


def on(code, colab):
    """Run a cell in a process of its own; return the commands that it would start."""
    fake = "sys.modules['google.colab'] = types.ModuleType('google.colab')" if colab else ""
    program = (
        f"import json, subprocess, sys, types\n{fake}\nasked = []\n"
        "def note(command, check): assert check; asked.append(command)\n"
        f"subprocess.run = note\nexec({code!r})\nprint(json.dumps(asked))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_cell_for_colab_comes_and_goes_without_a_trace(filled, course, named):
    for number in course["notebooks"]:
        path = notebooks.path_of(number)
        with_cell, again = notebooks.read(path), notebooks.read(path)
        launch.fit_colab(again, named)
        assert again == with_cell
        launch.fit_colab(again, dict(named, repository="someone/else"))
        assert "someone/else" in again.cells[1].source
        launch.fit_colab(again, dict(course, repository=""))
        for cell in again.cells:
            if cell.cell_type == "markdown":
                cell.source = generated.fill(cell.source, dict(course, repository=""), number)
        plain = (ROOT / "notebooks" / path.name).read_text(encoding="utf-8")
        if not course["repository"]:
            assert notebooks.text_of(again) == plain


def test_a_notebook_executed_with_the_cell_is_the_generated_one(filled, named):
    """The numbers of the cells are those that executing would give."""
    path = notebooks.path_of("00")
    assert "on Colab" in notebooks.read(path).cells[1].source
    done, generated = notebooks.execute(path), notebooks.read(path)
    for notebook in (done, generated):
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                output.get("data", {}).pop("image/png", None)
    assert done == generated


def test_the_cell_for_colab_keeps_the_style(filled):
    shutil.copy(ROOT / "pyproject.toml", filled.parent)
    ruff = [sys.executable, "-m", "ruff", "check", "--no-cache", filled.parent]
    done = subprocess.run(ruff, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("repository", ["", NAMED])
def test_the_anatomy_holds_with_a_repository_and_without(repository, course, tmp_path, monkeypatch):
    named = dict(course, repository=repository)
    for path, content in generated.pages(named).items():
        (tmp_path / path.name).write_bytes(content)
    monkeypatch.setattr(notebooks, "FOLDER", tmp_path)
    monkeypatch.setattr(test_anatomy, "COURSE", named)
    assert all(len(cells) == bool(repository) for cells in colab_cells(named).values())
    held = [test for name, test in vars(test_anatomy).items() if name.startswith("test_")]
    assert len(held) > 10
    for test in held:
        for mark in getattr(test, "pytestmark", []):
            for number in mark.args[1]:
                test(number)
