"""Decks without a browser: what every deck holds, and what stops a build."""

import re
from itertools import pairwise

import pytest

from lecture_utils.authoring import course as course_map
from lecture_utils.authoring import decks, minutes, notebooks, printing, slides

COURSE = course_map.load()
DECKS = sorted(slides.FOLDER.glob("[0-9][0-9]_*.md"))
each = pytest.mark.parametrize("path", DECKS, ids=lambda path: path.stem)
NOTES = "\n\nNotes:\nMinute: 0\nSay: Hello."
FIRST = f"=== title-probe\n# Probe{NOTES}\n"


@each
def test_minutes_ascend_and_every_slide_says_something(path):
    deck = slides.slides_of(path)
    starts = [int(slide.notes["Minute"]) for slide in deck]
    assert starts[0] == 0
    assert all(earlier <= later for earlier, later in pairwise(starts))
    assert starts[-1] <= minutes.core(path.name[:2])
    assert all(len(slide.notes["Say"].split()) >= 5 for slide in deck)


@each
def test_a_prediction_has_options_an_answer_and_its_usual_wrong_answer(path):
    predictions = [s for s in slides.slides_of(path) if s.name.startswith("predict-")]
    assert predictions
    for slide in predictions:
        options = re.findall(r"^- \*\*([a-d])\*\* ", slide.text, flags=re.MULTILINE)
        assert 2 <= len(options) <= 4, slide.name
        (answer,) = re.findall(r"^Answer: ([a-d])$", slide.text, flags=re.MULTILINE)
        assert answer in options, slide.name
        assert {"Usual wrong answer", "Show"} <= set(slide.notes), slide.name
        assert slide.text.splitlines()[-1] == f"Answer: {answer}", f"{slide.name}: the last step"


@each
def test_an_answer_on_a_slide_is_the_notebooks(path):
    """Each prediction of a deck has the options of one in the notebook, and its answer."""
    text = "\n".join(
        cell.source
        for cell in notebooks.read(notebooks.path_of(path.name[:2])).cells
        if cell.cell_type == "markdown"
    )
    right = re.findall(r"\*\*Predict\.\*\*|[Ii]t is \*\*([a-e])\*\*", text)
    answers = [letter for letter in right if letter]
    shown = [
        re.search(r"^Answer: (.)$", slide.text, re.MULTILINE)[1]
        for slide in slides.slides_of(path)
        if slide.name.startswith("predict-")
    ]
    rest = iter(answers)
    assert all(letter in rest for letter in shown), f"{shown} is not in the order of {answers}"


@each
def test_every_cell_to_show_exists(path):
    for slide in slides.slides_of(path):
        show = slide.notes.get("Show", "")
        for number in {f"{int(n):02}" for n in re.findall(r"\b(\d+)\.\d+", show)}:
            found = notebooks.read(notebooks.path_of(number)).cells
            labels = {notebooks.label(cell) for cell in found if cell.cell_type == "code"}
            named = set(re.findall(rf"\bcell ({int(number)}\.\d+ [a-z])\b", show))
            assert named <= labels, f"{slide.name}: notebook {number} has no {named - labels}"
            sections = set(notebooks.sections(notebooks.path_of(number)))
            named = set(re.findall(rf"\bsection ({int(number)}\.\d+)", show))
            assert named <= sections, f"{slide.name}: notebook {number} has no {named - sections}"
        assert not re.search(r"`[a-z]+\d*-[\w-]+`", show), f"{slide.name}: an id, not a label"


@each
def test_a_deck_is_the_same_bytes_at_every_build(path, tmp_path):
    number = path.name[:2]
    first, second = (decks.build([number], tmp_path / folder)[0] for folder in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    assert first.name == path.with_suffix(".html").name


@each
def test_a_deck_needs_no_other_file(path):
    page = decks.deck(path.name[:2], COURSE)
    page = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert re.findall(r'(?:src|srcset|<link[^>]+href)="(?!data:)([^"]*)"', page) == []
    assert re.findall(r"url\((?!data:)[^)]*\)|@import[^;]*", page) == []


@pytest.fixture
def probe(tmp_path, monkeypatch):
    """Build a deck of notebook 01 from a text."""
    monkeypatch.setattr(slides, "FOLDER", tmp_path)
    (tmp_path / "deck.html").write_text("<!-- slides -->")
    (tmp_path / "theme.css").write_text("")

    def build(text):
        (tmp_path / "01_probe.md").write_text(text, encoding="utf-8")
        return decks.deck("01", COURSE)

    return build


def test_a_good_deck_is_built(probe):
    assert '<section id="title-probe"' in probe(FIRST)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{FIRST}=== a\n## A\n\n![](#fig-none){NOTES}", "01_probe.md, slide a: .*'fig-none'"),
        (f"{FIRST}=== a\n## A\n\n{{claim:test_none}}{NOTES}", "slide a: no claim 'test_none'"),
        (f"{FIRST}=== a\n## A\n\n{{claim:test_none.mean}}{NOTES}", "slide a: no claim"),
        (f"{FIRST}=== a\n## A\n\nNo notes.", "01_probe.md, slide a: .*Minute"),
        (f"{FIRST}=== a\n## A\n\nNotes:\nSay: Hello.", "01_probe.md, slide a: .*Minute"),
        (f"{FIRST}=== a\n## A\n\nNotes:\nMinute: 1", "01_probe.md, slide a: .*Say"),
        (f"{FIRST}=== a\n## A\n\nNotes:\nSing: La.", "01_probe.md, slide a: .*'Sing: La.'"),
        (f"# Early\n{FIRST}", "01_probe.md: text before the first slide"),
        (f"{FIRST}{FIRST}", "01_probe.md: two slides are named title-probe"),
        (f"{FIRST}=== a ▶ none\n## A{NOTES}", "unknown chapter 'none'"),
    ],
)
def test_what_stops_a_build(probe, text, says):
    with pytest.raises(ValueError, match=says):
        probe(text)


def test_a_notebook_without_a_deck(monkeypatch, tmp_path):
    monkeypatch.setattr(slides, "FOLDER", tmp_path)
    with pytest.raises(slides.DeckError, match=r"needs one deck slides/01_\*.md; found 0"):
        slides.source("01")


def test_without_a_browser_there_is_no_print(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert printing.browser_path() is None
    assert decks.print_pdfs([tmp_path / "a.html"]) == []


def test_the_dark_theme_changes_nothing_but_colours():
    """So what fits in one theme fits in the other."""
    css = (slides.FOLDER / "theme.css").read_text("utf-8")
    rules = re.findall(
        r"([^{}]*\.dark[^{}]*)\{([^}]*)\}", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    )
    assert len(rules) == 2, "the colours, and the figures"
    for _, body in rules:
        for name, value in re.findall(r"([\w-]+):\s*([^;]+);", body):
            assert name == "filter" or re.fullmatch(r"#[0-9a-f]{6}", value), f"{name}: {value}"
