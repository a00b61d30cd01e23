"""A copy of the course is whole, however it was made: by a clone on Windows, or by pip."""

import shutil
import subprocess
import sys
import tomllib

import pytest

from lecture_utils.authoring.notebooks import ROOT

# Programs that a carriage return breaks, text that tests compare, and files that are no text.
TEXT = ["Makefile", "binder/start", "binder/postBuild", ".ci/run", "environment.yml", "course.yml"]
TEXT += ["notebooks/00_start_here.ipynb", "lecture_utils/ready.py", "README.md"]
_LISTED = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, text=True, stdout=subprocess.PIPE, check=False
).stdout
# every file of the repository that begins with #!, whatever its name
SCRIPTS = sorted(
    name
    for name in _LISTED.splitlines()
    if (ROOT / name).is_file() and (ROOT / name).read_bytes()[:2] == b"#!" and name not in TEXT
)
BINARY = ["lecture_utils/digits.npz", "notebooks/00_story.png"]


def git(*words, folder):
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def test_a_clone_with_windows_line_ends_has_the_same_bytes(tmp_path):
    written = tmp_path / "written"
    for name in (".gitattributes", *TEXT, *SCRIPTS, *BINARY):
        (written / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, written / name)
    git("init", "--quiet", folder=written)
    git("add", "--all", folder=written)
    git("commit", "--quiet", "-m", "all", folder=written)
    git("clone", "--quiet", "-c", "core.autocrlf=true", "written", "copy", folder=tmp_path)
    for name in (*TEXT, *SCRIPTS, *BINARY):
        assert (tmp_path / "copy" / name).read_bytes() == (ROOT / name).read_bytes(), name
    for name in SCRIPTS:
        assert b"\r" not in (tmp_path / "copy" / name).read_bytes(), name
        if (ROOT / name).stat().st_mode & 0o100:
            assert (tmp_path / "copy" / name).stat().st_mode & 0o100, name


def test_a_script_that_was_saved_with_windows_line_ends_is_mended_by_git(tmp_path):
    """As in loft-sh/devpod#801, where a script died of `bash\\r`."""
    (tmp_path / "written").mkdir()
    shutil.copy(ROOT / ".gitattributes", tmp_path / "written")
    for name in ("start", "build.sh", "Makefile", "page.md"):
        (tmp_path / "written" / name).write_bytes(b"#!/bin/bash\r\necho 1\r\n")
    git("init", "--quiet", folder=tmp_path / "written")
    git("add", "--all", folder=tmp_path / "written")
    git("commit", "--quiet", "-m", "all", folder=tmp_path / "written")
    git("clone", "--quiet", "-c", "core.autocrlf=true", "written", "copy", folder=tmp_path)
    for name in ("start", "build.sh", "Makefile", "page.md"):
        assert (tmp_path / "copy" / name).read_bytes() == b"#!/bin/bash\necho 1\n", name


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of packages that pip fills from a copy of the sources, as on Colab."""
    folder = tmp_path_factory.mktemp("pip")
    left_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "lecture_utils", folder / "sources/lecture_utils", ignore=left_out)
    shutil.copy(ROOT / "pyproject.toml", folder / "sources")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--target", "packages", "./sources"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "packages"


def test_the_installed_package_holds_all_that_a_notebook_needs(installed):
    code = (
        "from lecture_utils import checks, clinic, data, explorers, models, setup\n"
        "setup(); checks.environment(); print(data.__file__, data.digits().train_x.shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=installed,
        env={"PYTHONPATH": str(installed), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"{installed}/lecture_utils/data.py torch.Size([1437, 64])\n")
    assert "✗" not in done.stdout


def test_every_file_of_the_package_that_is_no_code_is_declared(installed):
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    data = ["digits.npz", "language/trained/*", "practice/*.json", "practice/samples/*.json"]
    data += ["scorecard/*.json", "speedrun/*.json"]
    assert declared["package-data"] == {"lecture_utils": data}
    for part in (".", "language/trained", "practice/samples", "scorecard", "speedrun"):
        theirs, ours = (
            {path.name for path in (root / "lecture_utils" / part).iterdir() if path.is_file()}
            for root in (ROOT, installed)
        )
        assert ours == theirs
