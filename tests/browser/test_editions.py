"""The decks of editions: what they add to the notebooks' decks fits, and its notes are seen."""

from pathlib import Path

import pytest

from lecture_utils.authoring import course as course_map
from lecture_utils.authoring import editions

OUTSIDE = (Path(__file__).parent / "outside.js").read_text("utf-8")
AT_A_GLANCE = (Path(__file__).parent / "glance.js").read_text("utf-8")
# each exercise's debrief, and all that a room needs besides
NAMES = ("day", "flipped")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    return editions.build(list(NAMES), tmp_path_factory.mktemp("editions"))


def added(course):
    """The slides that no notebook's deck has, by the page that shows them."""
    found = {}
    for name in NAMES:
        for session in editions.sessions(course, name):
            names = [step.slide.name for step in session.steps]
            own = [n for n in names if n.startswith("debrief-") or not n[-3:].strip("-").isdigit()]
            rooms = [s.slide.name for s in session.steps if not s.number]
            found[session.name] = list(dict.fromkeys([*own, *rooms]))
    return found


def test_what_an_edition_adds_fits_and_its_notes_are_on_the_first_screen(pages, executable, watch):
    slides = added(course_map.load())
    for page in pages:
        with watch(page.as_uri(), viewport={"width": 1280, "height": 720}) as deck:
            deck.page.wait_for_selector(".reveal.ready")
            with deck.page.expect_popup() as opened:
                deck.page.keyboard.press("s")
            window = opened.value
            window.set_viewport_size({"width": 1280, "height": 720})
            window.locator(".speaker-controls-notes .value strong").first.wait_for()
            for slide in deck.page.locator(".slides > section").all():
                notes = slide.locator("aside.notes").inner_html()
                assert window.evaluate(AT_A_GLANCE, notes)[0] <= 720, slide.get_attribute("id")
                assert "Clock:" in notes
            assert slides[page.stem]
            for name in slides[page.stem]:
                deck.page.evaluate("name => location.hash = `#/${name}`", name)
                deck.page.wait_for_selector(f'section.present[id="{name}"]', timeout=2000)
                for _ in range(deck.page.locator("section.present .fragment").count()):
                    deck.page.keyboard.press("ArrowRight")
                assert deck.page.evaluate(OUTSIDE) == [], name
            assert deck.troubles == []
