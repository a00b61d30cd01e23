"""The certificate: who, what was solved, n of m by notebook, one page; and what it refuses."""

import datetime
import json
import os
import re
import subprocess
import sys
from html import unescape

import pypdf
import pytest

from lecture_utils import solved
from lecture_utils.authoring import certificate as made
from lecture_utils.authoring import notebooks, printing
from lecture_utils.authoring.course import load

KNOWN = solved.exercises()
DAY = datetime.date(2026, 11, 7)
LONG = "Wilhelmina " + "W" * 69


def days(*numbers):
    return {KNOWN[number]: "2026-11-01" for number in numbers}


def rows(page):
    cells = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td><td .*?>(.*?)</td></tr>", page)
    return [tuple(map(unescape, row)) for row in cells]


def test_it_says_who_and_what():
    page = made.certificate("Ada  Lovelace\n", days("1.4", "1.1", "12.3"), DAY)
    assert "<h1>Ada Lovelace</h1>" in page
    assert f"has solved 3 of {len(KNOWN)} exercises" in page
    assert load()["title"] in page
    assert "7 November 2026" in page
    assert "This is no exam." in page
    found = rows(page)
    assert [row[0][:2] for row in found] == list(load()["notebooks"])
    assert ("01 Vanishing gradients", "1.1, 1.4", "2 of 4") in found
    assert found[-1][1:] == ("12.3", "1 of 3")
    assert found[0][1:] == ("", "0 of 2")
    assert "<!--" not in page


def test_a_name_is_text_whatever_stands_in_it():
    page = made.certificate('<script>"&\\1', days("0.1"), DAY)
    assert "<h1>&lt;script&gt;&quot;&amp;\\1</h1>" in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("name", "found", "says"),
    [
        ("", days("0.1"), "whose certificate"),
        (" \n", days("0.1"), "whose certificate"),
        ("x" * 81, days("0.1"), "81 letters does not fit: at most 80"),
        ("Ada", {}, "no exercise is solved yet: solve one"),
        ("Ada", {"other": "2026-11-01"}, "no exercise is solved yet"),
    ],
)
def test_what_is_refused(name, found, says):
    with pytest.raises(ValueError, match=says):
        made.certificate(name, found, DAY)


def test_a_page_and_one_leaf(tmp_path):
    (tmp_path / solved.RECORD).write_text(json.dumps(days(*KNOWN)))
    paths = made.write(LONG, tmp_path)
    assert [path.name for path in paths][:1] == ["certificate.html"]
    assert f"has solved {len(KNOWN)} of {len(KNOWN)}" in paths[0].read_text(encoding="utf-8")
    assert not re.search(
        r"(src|href)=", paths[0].read_text(encoding="utf-8")
    )  # needs no other file
    if printing.browser_path() is None:
        pytest.skip("no Chromium: the page is not printed")
    (leaf,) = pypdf.PdfReader(paths[1]).pages
    assert "Wilhelmina" in leaf.extract_text()
    assert "12.1, 12.2, 12.3" in leaf.extract_text()


def test_without_a_browser_the_page_is_all(tmp_path, monkeypatch):
    monkeypatch.setattr(printing, "CHROMIUM", ())
    (tmp_path / solved.RECORD).write_text(json.dumps(days("0.1")))
    assert [path.name for path in made.write("Ada", tmp_path)] == ["certificate.html"]


def test_a_page_that_cannot_be_written(tmp_path):
    (tmp_path / solved.RECORD).write_text(json.dumps(days("0.1")))
    (tmp_path / "certificate.html").mkdir()
    with pytest.raises(ValueError, match=r"cannot write .*certificate\.html"):
        made.write("Ada", tmp_path)


def test_the_command_works_in_the_learners_folder(tmp_path):
    command = [sys.executable, "-m", "lecture_utils.authoring.certificate"]

    def call(*name):
        return subprocess.run([*command, *name], cwd=tmp_path, capture_output=True, text=True)

    (tmp_path / ".given.json").write_text("{}")
    refused = call("Ada Lovelace")
    assert refused.returncode == 1
    assert refused.stderr.startswith("no exercise is solved yet")
    assert refused.stderr.count("\n") == 1
    (tmp_path / solved.RECORD).write_text(json.dumps(days("0.2")))
    assert call().returncode == 1
    assert "certificate.html" in call("Ada O'Lovelace").stdout
    assert "<h1>Ada O&#x27;Lovelace</h1>" in (tmp_path / "certificate.html").read_text()


def test_make_takes_the_name_from_the_command_only():
    """A shell may have a variable NAME of its own: no page is made for that name."""

    def said(*words, **more):
        run = subprocess.run(
            ["make", "-n", "--no-print-directory", "certificate", *words],
            cwd=notebooks.ROOT, env=os.environ | more, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return run.stdout.splitlines()[-1].strip()

    assert said("NAME=Ada Lovelace").endswith('certificate "$NAME"')
    assert said(NAME="DESKTOP-7").endswith("lecture_utils.authoring.certificate")
