"""The handouts: a sheet for each block and session, from decks and claims, without a network."""

import re

import pytest

from lecture_utils.authoring import course as course_map
from lecture_utils.authoring import handouts, printing, slides
from lecture_utils.authoring.claims import claims_of

COURSE = course_map.load()
BLOCKS = handouts.blocks(COURSE)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return handouts.build(COURSE, [], tmp_path_factory.mktemp("handouts"))


def test_blocks_whose_notebooks_exist_have_a_handout(built):
    assert BLOCKS[:1] == [1]
    names = [f"handout_{block}.html" for block in BLOCKS]
    sessions = [f"handout_{session.name}.html" for session in handouts.asking(COURSE)]
    cards = [f"card_{name}.html" for name in handouts.CARDS]
    doors = [f"door_{session.name}.html" for session in handouts.asking(COURSE)]
    assert [page.name for page in built] == [*names, "sheet_08.html", *sessions, *doors, *cards]
    assert handouts.sheets(COURSE, ["02"]) == []
    assert handouts.blocks(COURSE, ["02"]) == [1]
    assert handouts.blocks(COURSE, ["00"]) == []


@pytest.mark.parametrize("block", BLOCKS)
def test_a_handout_is_whole(block):
    page = handouts.handout(block, COURSE)
    body = page[page.index("<body>") : page.index("<script>")]
    assert page.count("<h1>") == 1
    outside = r'(?:src|href)="(?!data:|#)|url\((?!data:)|@import'
    assert not re.search(outside, page[: page.index("<script>")])
    assert "{" not in re.sub(r'\\\(.*?\\\)|\$\$.*?\$\$|alt="[^"]*"', "", body, flags=re.DOTALL)
    (alt,) = re.findall(r'<img [^>]*alt="([^"]+)"', body)
    assert len(alt.split()) >= 12


def sides(page):
    """The list items of a handout's front and of its back."""
    parts = (
        page.split(f'id="{side}"')[1].split("</section>")[0] for side in ("predict", "answers")
    )
    return [re.findall(r"<li>(.*?)</li>", part, re.DOTALL) for part in parts]


@pytest.mark.parametrize("block", BLOCKS)
def test_the_front_asks_by_letter_and_the_back_answers(block):
    numbers = [n for n in COURSE["teaching"]["blocks"][block - 1] if n != "00"]
    front, back = sides(handouts.handout(block, COURSE))
    asked = handouts.predictions(numbers)
    assert len(front) == len(back) == len(asked) >= 5
    for question, answer, (_, slide) in zip(front, back, asked, strict=True):
        options = re.findall(r"^- \*\*([a-d])\*\* ", slide.text, re.MULTILINE)
        assert re.findall(r'class="letter">(.)<', question) == options
        assert f"§ {slide.section}" in question
        assert answer.startswith(f"<strong>{slide.text[-1]}</strong>")


def test_the_handout_of_a_session_asks_what_the_session_asks():
    sessions = handouts.asking(COURSE)
    assert [s.name for s in sessions if s.name == "day" or s.name.startswith("days")] == [
        "day",
        "days_1",
        "days_2",
    ]
    assert not any(s.name.startswith("flipped") for s in sessions)
    for session in sessions:
        shown = [s.slide for s in session.steps if s.slide.name.startswith("predict-")]
        front, back = sides(handouts.of_session(session))
        assert len(front) == len(back) == len(shown)
        assert [a[8] for a in back] == [slide.text[-1] for slide in shown]


@pytest.mark.parametrize("block", BLOCKS)
def test_numbers_come_from_the_claims(block):
    source = (handouts.FOLDER / f"block_{block}.md").read_text(encoding="utf-8")
    marks = re.findall(r"\{claim:(\d\d)#(\w+)", source)
    assert len(marks) >= 8
    page = handouts.handout(block, COURSE)
    for number, name in marks:
        measured = dict(claims_of(number))[name].claim.measured
        assert measured.split(" ")[0] in page, name


def test_each_has_its_printed_pages(built):
    printed = handouts.print_pdfs(built)
    if not printed:
        pytest.skip("no Chromium: whether a handout fits its page is not checked")
    for pdf in printed:
        width, height = map(
            float, re.search(rb"MediaBox\s*\[0 0 (\S+) (\S+)\]", pdf.read_bytes()).groups()
        )
        assert (round(width), round(height)) == (595, 842), pdf.name


@pytest.mark.parametrize(
    ("style", "says"),
    [
        ("height: 700mm", r"handout_9\.html: 3 printed pages instead of 2"),
        ("width: 400mm; height: 9mm", r"handout_9\.html: something is wider"),
    ],
)
def test_a_handout_that_does_not_fit_stops_the_build(tmp_path, style, says):
    if printing.browser_path() is None:
        pytest.skip("no Chromium: whether a handout fits its page is not checked")
    page = tmp_path / "handout_9.html"
    page.write_text(
        "<!doctype html><style>@page { size: A4 } body { width: 184mm }</style>"
        f"<body><p style='{style}'>long</p></body>"
    )
    with pytest.raises(slides.DeckError, match=says):
        handouts.print_pdfs([page])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "{claim:01#test_default_relu}",
            "{claim:01#test_no}",
            r"part measured: no claim 'test_no'",
        ),
        ("(02#fig-growth)", "(02#fig-no)", "part figure: no figure with the tag 'fig-no'"),
        ("=== keep", "=== kept", "parts must be title, keep"),
    ],
)
def test_a_broken_handout_says_what_is_wrong(tmp_path, monkeypatch, old, new, says):
    text = (handouts.FOLDER / "block_1.md").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "block_1.md").write_text(text.replace(old, new), encoding="utf-8")
    (tmp_path / "page.html").write_text((handouts.FOLDER / "page.html").read_text("utf-8"))
    monkeypatch.setattr(handouts, "FOLDER", tmp_path)
    with pytest.raises(slides.DeckError, match=says):
        handouts.handout(1, COURSE)
    with pytest.raises(slides.DeckError, match=r"block 9 of the workshop needs"):
        handouts.handout(9, COURSE)
