"""The handouts: one A4 page for each block, from notebooks and claims, without a network."""

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
    assert [page.name for page in built] == [*names, "sheet_08.html"]
    assert handouts.sheets(COURSE, ["02"]) == []
    assert handouts.blocks(COURSE, ["02"]) == [1]
    assert handouts.blocks(COURSE, ["00"]) == []


@pytest.mark.parametrize("block", BLOCKS)
def test_a_handout_is_whole(block):
    page = handouts.handout(block)
    body = page[page.index("<body>") : page.index("<script>")]
    assert page.count("<h1>") == 1
    outside = r'(?:src|href)="(?!data:|#)|url\((?!data:)|@import'
    assert not re.search(outside, page[: page.index("<script>")])
    assert "{" not in re.sub(r'\\\(.*?\\\)|\$\$.*?\$\$|alt="[^"]*"', "", body, flags=re.DOTALL)
    (alt,) = re.findall(r'<img [^>]*alt="([^"]+)"', body)
    assert len(alt.split()) >= 12
    questions = body.split('id="predict"')[1].split("</section>")[0]
    assert questions.count("<li>") == questions.count(handouts.BLANK) >= 8


@pytest.mark.parametrize("block", BLOCKS)
def test_numbers_come_from_the_claims(block):
    source = (handouts.FOLDER / f"block_{block}.md").read_text(encoding="utf-8")
    marks = re.findall(r"\{claim:(\d\d)#(\w+)", source)
    assert len(marks) >= 8
    page = handouts.handout(block)
    for number, name in marks:
        measured = dict(claims_of(number))[name].claim.measured
        assert measured.split(" ")[0] in page, name


def test_one_printed_page_each(built):
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
        ("height: 400mm", r"handout_9\.html: 2 printed pages"),
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
        ("=== keep", "=== kept", "parts must be title, predict, keep"),
    ],
)
def test_a_broken_handout_says_what_is_wrong(tmp_path, monkeypatch, old, new, says):
    text = (handouts.FOLDER / "block_1.md").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "block_1.md").write_text(text.replace(old, new), encoding="utf-8")
    (tmp_path / "page.html").write_text((handouts.FOLDER / "page.html").read_text("utf-8"))
    monkeypatch.setattr(handouts, "FOLDER", tmp_path)
    with pytest.raises(slides.DeckError, match=says):
        handouts.handout(1)
    with pytest.raises(slides.DeckError, match=r"block 7 of the workshop needs"):
        handouts.handout(7)
