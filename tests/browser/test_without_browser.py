"""Without a browser the checks are left out and named; where one is required, they fail."""

import os
import subprocess
import sys

from lecture_utils.authoring import notebooks

CHECK = "tests/browser/test_decks.py"


def run(folder, **more):
    """Run the decks' checks where no program is found."""
    env = {name: value for name, value in os.environ.items() if name != "BROWSER_REQUIRED"}
    env |= {"PATH": str(folder), **more}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", CHECK, "-k", "picture"]
    return subprocess.run(command, cwd=notebooks.ROOT, env=env, capture_output=True, text=True)


def test_what_was_left_out_is_said(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "checks left out: no Chromium or Chrome was found" in done.stdout
    assert f"{CHECK}: test_every_picture_is_there_and_described" in done.stdout
    assert "`apt-get install chromium`" in done.stdout


def test_a_required_browser_is_missed(tmp_path):
    done = run(tmp_path, BROWSER_REQUIRED="1")
    assert done.returncode == 1
    assert "BROWSER_REQUIRED is set" in done.stdout
