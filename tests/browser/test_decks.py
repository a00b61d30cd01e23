"""The decks, opened from a file with nothing but this machine to reach."""

from pathlib import Path

import pytest

from lecture_utils.authoring import decks, slides

DECKS = sorted(slides.FOLDER.glob("[0-9][0-9]_*.md"))
OUTSIDE = (Path(__file__).parent / "outside.js").read_text("utf-8")
AT_A_GLANCE = (Path(__file__).parent / "glance.js").read_text("utf-8")


@pytest.fixture(scope="module", params=DECKS, ids=lambda path: path.stem)
def built(request, executable, tmp_path_factory):
    (page,) = decks.build([request.param.name[:2]], tmp_path_factory.mktemp("decks"))
    return page


@pytest.fixture(scope="module", params=["light", "dark"])
def theme(request):
    return request.param


# what lies where is the same in both themes: tests/test_slides.py holds that they differ in colours
in_light = pytest.mark.parametrize("theme", ["light"], indirect=True)


@pytest.fixture(scope="module")
def deck(built, theme, watch):
    """A deck in one of its themes; the dark one comes with the key T."""
    with watch(built.as_uri(), viewport={"width": 1280, "height": 720}) as deck:
        deck.page.wait_for_selector(".reveal.ready")
        light = paper(deck)
        if theme == "dark":
            deck.page.keyboard.press("t")
            assert paper(deck) != light
        yield deck


def paper(deck):
    return deck.page.evaluate("getComputedStyle(document.body).backgroundColor")


def each_slide(deck):
    """Go through a deck with the right arrow key; yield each slide's name, with all its steps."""
    deck.page.keyboard.press("Home")
    for name in deck.page.locator(".slides > section").evaluate_all("all => all.map(s => s.id)"):
        deck.page.wait_for_selector(f'section.present[id="{name}"]', timeout=2000)
        for _ in range(deck.page.locator("section.present .fragment:not(.visible)").count()):
            deck.page.keyboard.press("ArrowRight")
        assert deck.page.locator("section.present .fragment:not(.visible)").count() == 0, name
        yield name
        deck.page.keyboard.press("ArrowRight")


@in_light
def test_every_slide_fits(deck):
    found = {name: deck.page.evaluate(OUTSIDE) for name in each_slide(deck)}
    assert {name: outside for name, outside in found.items() if outside} == {}


def test_an_answer_is_a_step_of_its_own(built, watch):
    with watch(built.as_uri(), viewport={"width": 1280, "height": 720}) as deck:
        deck.page.wait_for_selector(".reveal.ready")
        for _ in range(60):  # slides, and the steps of their diagrams
            left = deck.page.locator("section.present .fragment:not(.visible)")
            if left.count() == 1 and deck.page.locator("section.present .answer").count():
                break
            deck.page.keyboard.press("ArrowRight")
        assert deck.page.locator("section.present .answer:not(.visible)").count() == 1
        deck.page.keyboard.press("ArrowRight")
        deck.page.wait_for_selector("section.present .answer.visible", timeout=2000)


def test_axe_finds_nothing_on_the_shown_slide(deck):
    assert deck.axe() == []


def test_axe_finds_nothing_on_all_slides_below_one_another(built, theme, watch):
    with watch(built.as_uri(), viewport={"width": 1280, "height": 720}) as deck:
        deck.page.wait_for_selector(".reveal.ready")
        if theme == "dark":  # the theme is remembered
            deck.page.keyboard.press("t")
        deck.page.goto(f"{built.as_uri()}?print-pdf")
        deck.page.wait_for_selector(".pdf-page footer")
        shown = "all => all.forEach(slide => slide.removeAttribute('aria-hidden'))"  # axe skips it
        deck.page.locator("section").evaluate_all(shown)
        dark = "document.documentElement.classList.contains('dark')"
        assert deck.page.evaluate(dark) == (theme == "dark")
        assert deck.axe(*(["color-contrast"] if theme == "dark" else [])) == []


@in_light
def test_every_picture_is_there_and_described(deck):
    for picture in deck.page.locator(".slides img").all():
        assert picture.evaluate("picture => picture.naturalWidth") > 300
        assert len(picture.get_attribute("alt").split()) >= 12


@in_light
def test_every_formula_is_set(deck):
    assert deck.page.locator(".katex-error").all_inner_texts() == []
    written = deck.page.locator(".math").count()
    assert deck.page.locator(".math .katex").count() >= written


@in_light
def test_every_slide_has_its_notes(deck):
    for slide in deck.page.locator(".slides > section").all():
        notes = slide.locator("aside.notes strong").all_text_contents()
        assert notes[0] == "Minute:"
        assert [kind for kind in notes if kind in ("Say:", "Keep:")] == notes[notes.index("Say:") :]


def test_nothing_goes_wrong(deck):
    assert deck.troubles == []


@pytest.fixture
def speaker(built, watch):
    """The speaker's window of a deck, as large as a small laptop's screen, and the deck."""
    with watch(built.as_uri(), viewport={"width": 1280, "height": 720}) as deck:
        deck.page.wait_for_selector(".reveal.ready")
        with deck.page.expect_popup() as opened:
            deck.page.keyboard.press("s")
        opened.value.set_viewport_size({"width": 1280, "height": 720})
        yield opened.value, deck.page


def test_the_speaker_window_shows_the_notes(speaker):
    window, page = speaker
    notes = page.locator("section.present aside.notes").text_content()
    said = notes.split("Say:")[1].strip()[:40]
    window.get_by_text(said).first.wait_for(timeout=10_000)


def test_what_the_speaker_needs_at_a_glance_is_on_the_first_screen(speaker):
    """All notes but what to say, at arm's length, without scrolling."""
    window, page = speaker
    window.locator(".speaker-controls-notes .value strong").first.wait_for()
    below = {}
    for slide in page.locator(".slides > section").all():
        notes = slide.locator("aside.notes").inner_html()
        bottom, size = window.evaluate(AT_A_GLANCE, notes)
        assert size >= 20
        if bottom > 720:
            below[slide.get_attribute("id")] = bottom
    assert below == {}
