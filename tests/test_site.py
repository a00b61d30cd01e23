"""The site without a browser: what leads where, and that nothing is asked of anyone."""

import re

import pytest

from lecture_utils.authoring import course as course_map
from lecture_utils.authoring import minutes, notebooks, site

COURSE = course_map.load()
NUMBERS = list(COURSE["notebooks"])
FILES = {"index.html", *(site.page_file(number, COURSE) for number in NUMBERS)}


@pytest.fixture(scope="module")
def pages():
    written = {
        site.page_file(number, COURSE): site.notebook_page(number, COURSE, FILES)
        for number in NUMBERS
    }
    return written | {"index.html": site.index(COURSE, FILES)}


def without_scripts(page):
    return re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


def test_nothing_is_loaded(pages):
    for name, page in pages.items():
        loaded = re.findall(
            r'(?:src|srcset|<link[^>]+href)="(?!data:)([^"]*)"', without_scripts(page)
        )
        loaded += re.findall(r"url\((?!data:)[^)]*\)|@import[^;]*", without_scripts(page))
        assert loaded == [], name
        assert "<script src" not in page


def test_links_lead_to_pages_and_places_of_the_site(pages):
    for name, page in pages.items():
        links = re.findall(r'<a href="([^"]*)"', without_scripts(page))
        inside = [link for link in links if not link.startswith("https://")]
        assert inside, name
        for link in inside:
            target, _, anchor = link.partition("#")
            assert (target or name) in FILES, f"{name} links to {link}"
            assert not anchor or f'id="{anchor}"' in pages[target or name], f"{name}: {link}"


def test_all_of_a_notebook_is_on_its_page(pages):
    for number in NUMBERS:
        page = without_scripts(pages[site.page_file(number, COURSE)])
        cells = notebooks.read(notebooks.path_of(number)).cells
        code = [cell for cell in cells if cell.cell_type == "code"]
        pictures = [o for cell in code for o in cell.outputs if "image/png" in o.get("data", {})]
        assert page.count('<section class="cell"') == len(code)
        assert page.count("<img ") == len(pictures)
        assert all(f'<section class="cell" id="{cell.id}">' in page for cell in code)
        assert "[controls" not in page


def test_what_is_folded_in_a_notebook_is_folded_on_its_page(pages):
    for number in NUMBERS:
        page = pages[site.page_file(number, COURSE)]
        cells = notebooks.read(notebooks.path_of(number)).cells
        folded = [c for c in cells if c.cell_type == "code" and minutes.is_folded(c)]
        titles = re.findall(r'<details class="run"><summary>(.*?)</summary>', page)
        assert len(titles) == len(folded)
        assert all("Just run this" in title for title in titles)
        shown = re.findall(r'<section class="cell".*?</section>', page, flags=re.DOTALL)
        assert not any("@title" in cell for cell in shown), "Colab's word stays on Colab"


def test_the_index_leads_to_every_notebook_section_and_deck():
    decks = {site.deck_file(number) for number in NUMBERS} - {""}
    index = site.index(COURSE, FILES | decks)
    for target in FILES - {"index.html"} | decks:
        assert f'href="{target}"' in index
    for lecture in COURSE["lectures"].values():
        for chapter in lecture["chapters"].values():
            for place in (place for place in chapter["sections"] if "." in place):
                assert f"#{place}" in index


@pytest.mark.parametrize(
    ("address", "becomes"),
    [
        ("01_a.ipynb", '<a href="01_a.html">x</a>'),
        ("01_a.ipynb#here", '<a href="01_a.html#here">x</a>'),
        ("notebooks/01_a.ipynb", '<a href="01_a.html">x</a>'),
        ("../README.md#the-course-map", '<a href="index.html#the-course-map">x</a>'),
        ("https://arxiv.org/abs/1", '<a href="https://arxiv.org/abs/1">x</a>'),
        ("../course.yml", "x"),
        ("09_to_come.ipynb", "x"),
    ],
)
def test_a_link(address, becomes):
    course = {"repository": ""}
    assert site.link(address, "", "x", course, {"01_a.html", "index.html"}) == becomes


def test_a_link_to_the_public_repository():
    course = {"repository": "owner/name"}
    at = "https://github.com/owner/name/blob/HEAD"
    for address, path in (("../course.yml", "course.yml"), ("09_b.ipynb", "notebooks/09_b.ipynb")):
        assert site.link(address, "", "x", course, set()) == f'<a href="{at}/{path}">x</a>'


def test_a_second_build_gives_the_same_bytes(pages):
    number = NUMBERS[0]
    assert site.notebook_page(number, COURSE, FILES) == pages[site.page_file(number, COURSE)]


def test_the_site_has_every_page_and_deck(tmp_path):
    decks = {site.deck_file(number) for number in NUMBERS} - {""}
    built = site.build(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in built} == FILES | decks
    assert all(path.stat().st_size > 10_000 for path in built)
