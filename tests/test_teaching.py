"""The instructor's guide: its tables add up, and what it tells to leave out exists."""

import copy
import re

import pytest

from lecture_utils.authoring import course as course_map
from lecture_utils.authoring import generated, minutes, notebooks, slides, teaching

COURSE = course_map.load()
NUMBERS = list(COURSE["notebooks"])
WITH_DECK = [n for n in NUMBERS if list(slides.FOLDER.glob(f"{n}_*.md"))]
MINUTES = {number: minutes.core(number) for number in NUMBERS}


def cells(row):
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_every_exercise_has_its_minutes():
    for number in NUMBERS:
        found = teaching.exercise_minutes(number)
        known = [e.number for e in notebooks.exercises(notebooks.path_of(number))]
        assert list(found) == known[: len(found)]  # what is deeper comes last
        assert 0 < sum(found.values()) < MINUTES[number]


@pytest.mark.parametrize("number", WITH_DECK)
def test_sections_of_a_deck_come_in_order_and_add_up(number):
    rows = teaching.timeline(COURSE, number)
    assert all(taken > 0 for *_, taken in rows), "a slide without time, or past the end"
    assert sum(taken for *_, taken in rows) == MINUTES[number]
    places = [place.partition(" ")[0] for _, place, _, _ in rows]
    order = [*notebooks.sections(notebooks.path_of(number)), teaching.END]
    assert [order.index(place) for place in places] == sorted(order.index(p) for p in places)
    together = cells(teaching.pace(COURSE, number).splitlines()[3])[-1]
    assert together == str(MINUTES[number])


@pytest.mark.parametrize("number", WITH_DECK)
def test_an_exercise_on_a_slide_has_the_notebooks_minutes(number):
    stated = teaching.exercise_minutes(number)
    for name, place, _, planned in teaching.timeline(COURSE, number):
        if " exercise " in place:
            assert planned == stated[place.split()[-1]], f"deck {number}, slide {name}"


@pytest.mark.parametrize("number", NUMBERS)
def test_what_is_left_out_exists_and_saves_time(number):
    left = teaching.cuts(COURSE, number)
    known = {f"exercise {name}" for name in teaching.exercise_minutes(number)}
    known |= {f"section {name}" for name in notebooks.sections(notebooks.path_of(number))}
    for what, saved, instead in left:
        assert what in known
        assert instead.endswith((".", ")"))
        assert saved > 0 or number not in WITH_DECK, what
    assert sum(saved for _, saved, _ in left) <= MINUTES[number] / 2


def test_notebooks_to_come_are_passed_over():
    few = copy.deepcopy(COURSE)
    few["notebooks"] = {n: page for n, page in few["notebooks"].items() if n in ("00", "01")}
    assert teaching.pace(few, "02") == teaching.leave_out(few, "02") == "Notebook 02 is to come."


def test_clock():
    assert teaching.clock("09:00", 75) == "10:15"
    assert teaching.clock("23:30", 45) == "00:15"


@pytest.mark.parametrize("number", NUMBERS)
def test_the_guide_has_three_places_where_people_stumble(number):
    guide = generated.BY_NOTEBOOK.read_text(encoding="utf-8")
    (part,) = re.findall(rf"^## {number} · (.+?)(?=^## |\Z)", guide, re.DOTALL | re.MULTILINE)
    assert part.startswith(COURSE["notebooks"][number]["title"])
    stumble = part.split("**Where people stumble**")[1].split("<!--")[0].split("**To discuss**")[0]
    assert len(re.findall(r"^\d\. ", stumble, re.MULTILINE)) == 3
    assert "Say: " in stumble
    questions = part.split("**To discuss**")[1]
    assert len(re.findall(r"^- \*[^*]+\?\*", questions, re.MULTILINE)) >= 2


def test_sections_and_exercises_named_in_the_guide_exist():
    guide = generated.BY_NOTEBOOK.read_text(encoding="utf-8")
    for part in re.findall(r"^## (\d\d) · (.+?)(?=^## |\Z)", guide, re.DOTALL | re.MULTILINE):
        number, text = part
        if number not in NUMBERS:
            continue
        text = re.sub(r"<!-- begin .*?<!-- end -->", "", text, flags=re.DOTALL)
        sections = notebooks.sections(notebooks.path_of(number))
        for place in re.findall(rf"(?:\(|[Ss]ections? )({int(number)}\.\d+)", text):
            assert place in sections, place
        for name in re.findall(rf"xercises? ({int(number)}\.\d+)", text):
            assert name in teaching.exercise_minutes(number), name
