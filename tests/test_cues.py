"""The cue map leads from the video to section and slide; with another video every mark changes."""

import copy
import re

import pytest

from lecture_utils.authoring import course as course_map
from lecture_utils.authoring import decks, generated, notebooks, slides

CUE = re.compile(r"Lecture (\d+), (\d+:\d\d)\]\(https://youtu\.be/([\w-]+)\?t=(\d+)\)")
TRIED = re.compile(r"https://glasp\.co/[^)\s]+")  # the text on trial in 12.6, as every source
TYPED = re.compile(r"\blectures? \[?\d|\b\d{1,2}:\d\d\b|youtu", flags=re.IGNORECASE)


def sources(course):
    """The decks that exist, by notebook number."""
    found = {number: sorted(slides.FOLDER.glob(f"{number}_*.md")) for number in course["notebooks"]}
    return {number: slides.slides_of(paths[0]) for number, paths in found.items() if paths}


def chapters(course):
    return {n: c for lecture in course["lectures"].values() for n, c in lecture["chapters"].items()}


def test_every_chapter_leads_to_a_slide_that_carries_its_mark(course):
    found = sources(course)
    for name, chapter in chapters(course).items():
        marked = [f"{n}#{s.name}" for n, deck in found.items() for s in deck if s.chapter == name]
        listed = [place for place in chapter.get("slides", []) if place[:2] in found]
        assert sorted(marked) == sorted(listed), f"chapter {name}: the slides that carry its mark"
        pages = {f"{int(place.split('.')[0]):02}" for place in chapter["sections"]} & set(found)
        assert not pages or marked, f"chapter {name}: no slide of deck {sorted(pages)} carries it"
        assert {place[:2] for place in listed} <= pages, f"chapter {name}: another deck's slide"


def test_marks_on_the_slides_are_in_the_map_and_in_the_order_of_the_video(course):
    known = chapters(course)
    for number, deck in sources(course).items():
        marks = [slide.chapter for slide in deck if slide.chapter]
        assert set(marks) <= set(known), number
        assert len(marks) == len(set(marks)), f"deck {number}: a mark stands twice"


@pytest.mark.parametrize("name", ["opening", "without"])
def test_the_readme_says_which_slide(course, name):
    (place,) = [place for place in chapters(course)[name]["slides"] if place.startswith("01")]
    number, _, slide = place.partition("#")
    names = [s.name for s in sources(course)[number]]
    link = generated.slide_link(place)
    assert link.startswith(f"[deck {number}, slide {names.index(slide) + 1}](slides/{number}_")
    mark = f"▶ {course_map.cue(course, name)}"
    (row,) = [row for row in generated.you_are_here(course).splitlines() if mark in row]
    assert link in row


def test_a_slide_that_does_not_exist_is_an_error():
    with pytest.raises(ValueError, match=r"course\.yml: no slide 'nowhere' in 01_vanishing"):
        generated.slide_link("01#nowhere")


@pytest.fixture
def other(course):
    """The same course beside somebody else's video: another number, video and times."""
    other = copy.deepcopy(course)
    names = list(chapters(course))
    lecture = {"title": "Mine", "series": "My course", "video": "ABCDEFGHIJK", "chapters": {}}
    for k, name in enumerate(names):
        lecture["chapters"][name] = chapters(course)[name] | {"start": 61 + 100 * k}
    other["lectures"] = {7: lecture}
    return other


def marks(text):
    return [match.groups() for match in CUE.finditer(text)]


def test_another_video_changes_every_mark_of_every_page(course, other):
    now, then = generated.pages(course), generated.pages(other)
    seconds = {str(chapter["start"]) for chapter in chapters(other).values()}
    counted = 0
    for path, page in then.items():
        if path == generated.STORY:
            continue
        found = marks(page.decode())
        assert len(found) == len(marks(now[path].decode())), path.name
        for number, clock, video, second in found:
            assert (number, video) == ("7", "ABCDEFGHIJK"), path.name
            assert second in seconds
            assert clock == f"{int(second) // 60}:{int(second) % 60:02}"
        counted += len(found)
    assert counted > 15
    for video in (lecture["video"] for lecture in course["lectures"].values()):
        for path, page in then.items():
            text = re.sub(
                r"<!-- begin claims -->.*?<!-- end -->",
                "",
                TRIED.sub("", page.decode("utf-8", "ignore")),
                flags=re.DOTALL,
            )
            # a notebook's JSON is one string for each line: the claims' rows cite their source
            rows = [row for row in text.splitlines() if video in row and "| `test_" not in row]
            assert rows == [], f"{path.name}: the old video is left"


def test_another_video_changes_every_slide(course, other):
    for number in sources(course):
        before, after = decks.deck(number, course), decks.deck(number, other)
        assert len(marks_of_page(before)) == len(marks_of_page(after))
        assert all("Lecture 7, " in mark for mark in marks_of_page(after))
        assert not any(lecture["video"] in after for lecture in course["lectures"].values())


def marks_of_page(page):
    return re.findall(r'<a href="https://youtu\.be/[^"]+">([^<]+)</a>', page)


def test_a_minute_in_what_comes_before_follows_the_video(course, other):
    assert "up to 16:38" in generated.header(course, "03")
    expected = course_map.minute(other, "coding")
    assert f"up to {expected}" in generated.header(other, "03")


def test_no_lecture_and_no_minute_is_typed(course):
    texts = {path.name: path.read_text("utf-8") for path in (generated.README, generated.GUIDE)}
    for number in course["notebooks"]:
        path = notebooks.path_of(number)
        cells = notebooks.read(path).cells
        texts[path.name] = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    for path in sorted(slides.FOLDER.glob("*_*.md")):
        texts[path.name] = path.read_text("utf-8")
    for name, text in texts.items():
        typed = re.sub(r"<!-- begin .*?<!-- end -->", "", TRIED.sub("", text), flags=re.DOTALL)
        assert TYPED.findall(typed) == [], name


def test_the_sentence_about_the_lectures(course, other):
    assert generated.beside(other) == (
        "It runs beside lecture [7](https://www.youtube.com/watch?v=ABCDEFGHIJK) of *My course*, "
        "or on its own, or in a workshop."
    )
    assert generated.beside(course) in generated.README.read_text("utf-8")
