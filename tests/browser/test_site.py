"""The notebooks as pages, opened from a file with nothing but this machine to reach."""

import pytest

from lecture_utils.authoring import course as course_map
from lecture_utils.authoring import site

COURSE = course_map.load()
FILES = ["index.html", *(site.page_file(number, COURSE) for number in COURSE["notebooks"])]


@pytest.fixture(scope="module")
def folder(executable, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    site.build(folder)
    return folder


@pytest.fixture(scope="module", params=FILES)
def page(request, watch, folder):
    with watch((folder / request.param).as_uri(), viewport={"width": 1280, "height": 900}) as page:
        yield page


def test_nothing_goes_wrong(page):
    assert page.page.locator("h1").count() == 1
    assert page.troubles == []


def test_every_formula_is_set(page):
    assert page.page.locator(".katex-error").all_inner_texts() == []
    left = page.page.evaluate("""() => {
        const main = document.querySelector("main");
        const texts = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
        const found = [];
        while (texts.nextNode()) {
            const inside = texts.currentNode.parentElement.closest("pre, code, .katex");
            if (!inside && /[$]/.test(texts.currentNode.data)) found.push(texts.currentNode.data);
        }
        return found;
    }""")
    assert left == []


def test_every_picture_is_there_and_described(page):
    pictures = page.page.locator("main img")
    assert pictures.count() >= 1
    for picture in pictures.all():
        assert picture.evaluate("picture => picture.naturalWidth") > 300
        assert len(picture.get_attribute("alt").split()) >= 12


def test_axe_finds_nothing(page):
    page.page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    assert page.axe() == []


def test_every_colour_is_readable_in_the_dark_theme(page):
    page.page.emulate_media(color_scheme="dark")
    assert page.page.evaluate("getComputedStyle(document.body).color") == "rgb(238, 242, 246)"
    assert page.axe("color-contrast") == []


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(page, width):
    page.page.set_viewport_size({"width": width, "height": 900})
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
