"""Editions for a room: they keep time, and what they leave out is not needed by what stays."""

import copy
import re
from itertools import pairwise

import pytest

from lecture_utils.authoring import (
    before,
    costs,
    editions,
    notebooks,
    slides,
    teaching,
    timetables,
)
from lecture_utils.authoring import course as course_map

COURSE = course_map.load()
PLANS = COURSE["teaching"]["editions"]
SESSIONS = [(name, session) for name in PLANS for session in editions.sessions(COURSE, name)]
each = pytest.mark.parametrize(("name", "session"), SESSIONS, ids=[s.name for _, s in SESSIONS])
LONGEST = {"day": 360, "days": 420, "evenings": 150, "flipped": 90}  # minutes without breaks
PICTURE = re.compile(r"^(?:!\[.*\]\(\d*#fig-|```(?:flow|bars|matrix))", re.MULTILINE)


def taught(session):
    """The minutes of a session that are no break."""
    return sum(s.minutes for s in session.steps if s.item.split()[0] not in editions.PAUSES)


def test_the_editions_that_are_promised():
    assert list(PLANS) == list(LONGEST)
    assert len(PLANS["day"]["plan"]) == 1
    assert len(PLANS["days"]["plan"]) == 2
    assert len(PLANS["evenings"]["plan"]) == 4
    whole = [item[:2] for plan in PLANS["days"]["plan"] for item in plan if item[0].isdigit()]
    assert whole == list(COURSE["notebooks"]), "two days hold all notebooks"


@each
def test_the_clock_runs_on(name, session):
    at = PLANS[name]["starts"]
    for step in session.steps:
        assert step.at == at == step.slide.notes["Clock"], step.slide.name
        assert step.minutes >= 1, step.slide.name
        at = teaching.clock(at, step.minutes)
    assert at == session.ends


@each
def test_a_session_is_no_longer_than_people_can_listen(name, session):
    assert taught(session) <= LONGEST[name]
    run = 0
    for step in session.steps:
        run = 0 if step.item.split()[0] in editions.PAUSES else run + step.minutes
        assert run <= 75, f"{step.at}: {run} minutes without a break"


@each
def test_at_most_one_slide_in_two_minutes(name, session):
    assert len(session.steps) <= taught(session) / 2


@each
def test_half_of_the_slides_have_a_figure_or_a_diagram(name, session):
    if name != "flipped":  # nothing but exercises, their debriefs and talk
        seen = [step for step in session.steps if PICTURE.search(step.slide.text)]
        assert len(seen) >= len(session.steps) / 2


@each
def test_a_debrief_of_five_minutes_follows_each_exercise(name, session):
    for step, after in pairwise(session.steps):
        if step.slide.exercise:
            assert after.slide.name == f"debrief-{step.slide.name}"
            assert after.minutes == editions.DEBRIEF
            assert len(after.slide.notes["Say"].split()) >= 15
    assert not session.steps[-1].slide.exercise


@pytest.mark.parametrize("name", PLANS)
def test_an_edition_welcomes_asks_and_closes(name):
    plans = PLANS[name]["plan"]
    words = [item.split()[0] for plan in plans for item in plan]
    if name == "flipped":
        assert all(plan[0].startswith("questions") for plan in plans)
        assert all(plan[-1].startswith("discussion") for plan in plans)
        return
    assert plans[0][0] == "welcome 15"
    assert plans[-1][-1].startswith("closing")
    assert words.count("questions") >= 2


def needed(step):
    """The slides that a step builds on, as deck and name."""
    for place in step.slide.needs:
        number, _, name = place.rpartition("#")
        yield number or step.number, name


def test_what_slides_build_on_exists():
    for number in COURSE["notebooks"]:
        names = [s.name for s in slides.slides_of(slides.source(number))]
        for place, slide in enumerate(slides.slides_of(slides.source(number))):
            for asked in slide.needs:
                other, _, name = asked.rpartition("#")
                known = names[:place]
                if other and other != number:
                    assert other < number, f"{number}#{slide.name} builds on a later notebook"
                    known = [s.name for s in slides.slides_of(slides.source(other))]
                assert name in known, f"{number}#{slide.name} builds on {asked}"


def test_an_explanation_builds_on_its_prediction():
    for number in COURSE["notebooks"]:
        deck = slides.slides_of(slides.source(number))
        for slide, after in pairwise(deck):
            if slide.name.startswith("predict-") and not after.name.startswith("predict-"):
                assert slide.name in after.needs, f"{number}#{after.name}"


def lacking(course, name):
    """What an edition shows without what it builds on, as lines."""
    seen, found = set(), []
    for session in editions.sessions(course, name):
        for step in session.steps:
            if step.number and not step.slide.name.startswith("debrief-"):
                lacks = [place for place in needed(step) if place not in seen]
                found += [f"{step.number}#{step.source} needs {n}#{s}" for n, s in lacks]
                seen.add((step.number, step.source))
    return found


@pytest.mark.parametrize("name", [name for name in PLANS if name != "flipped"])
def test_what_is_left_out_is_not_needed_by_what_stays(name):
    assert lacking(COURSE, name) == []


def test_a_cut_that_breaks_is_seen():
    broken = copy.deepcopy(COURSE)
    broken["teaching"]["editions"]["day"]["without"]["01"] = ["slide predict-linear-alone"]
    assert "01#two-factors needs 01#predict-linear-alone" in lacking(broken, "day")


@each
def test_cells_of_a_section_that_is_left_out_are_not_needed(name, session):
    for step in session.steps:
        gone = editions.left_out(COURSE, name, step.number) if step.number else []
        for label in before.shown(step.slide.notes.get("Show", "")):
            for asked in [label, *before.needed(label)]:
                cell = before.cells(f"{int(asked.partition('.')[0]):02}")[asked]
                assert f"section {cell.section}" not in gone, f"{step.source}: cell {asked}"


@each
def test_no_two_slides_of_a_session_have_one_name(name, session):
    names = [step.slide.name for step in session.steps]
    assert len(set(names)) == len(names)


def test_from_the_projector_nobody_does_exercises():
    for name, edition in PLANS.items():
        for number in edition["projector"]:
            shown = [slide for slide, *_ in editions.kept(COURSE, name, number)]
            assert shown
            assert not any(slide.exercise for slide in shown)


def test_what_is_left_out_is_told_to_the_speaker():
    (day,) = editions.sessions(COURSE, "day")
    told = " ".join(step.slide.notes.get("Left out", "") for step in day.steps)
    for number, parts in PLANS["day"]["without"].items():
        titles = {f"slide {s.name}": s.title for s in slides.slides_of(slides.source(number))}
        for part in parts:
            if part not in ("slide next", "slide summary"):
                instead = COURSE["teaching"]["leave out"].get(number, {}).get(part)
                assert (instead or titles.get(part, part)).rstrip(".") in told, part
    assert "slide predict" not in told, "a name is nothing to say"


def test_a_notebook_from_the_projector_begins_with_what_the_room_does():
    (day,) = editions.sessions(COURSE, "day")
    told = [step.number for step in day.steps if "Room" in step.slide.notes]
    assert told == PLANS["day"]["projector"]


@each
def test_a_prediction_has_time_for_a_vote(name, session):
    for step in session.steps:
        if step.slide.name.startswith("predict-"):
            assert step.minutes >= editions.VOTE


def test_what_can_be_passed_over_is_named_and_nothing_needs_it():
    for name in PLANS:
        steps = [step for s in editions.sessions(COURSE, name) for step in s.steps if step.number]
        wanted = {place for step in steps for place in needed(step)}
        for step in steps:
            if "If late" in step.slide.notes:
                assert (step.number, step.source) not in wanted, step.slide.name
                assert f"{step.minutes} minutes" in step.slide.notes["If late"]
    (day,) = editions.sessions(COURSE, "day")
    late = {step.number for step in day.steps if "If late" in step.slide.notes}
    assert {"01", "02", "03"} & late
    assert len(late) >= 4, "there is a valve in most notebooks"


def test_each_section_ends_with_what_to_keep():
    for number in COURSE["notebooks"]:
        deck = slides.with_keeps(slides.slides_of(slides.source(number)), number)
        kept = [slide.section for slide in deck if "Keep" in slide.notes]
        known = notebooks.sections(notebooks.path_of(number))
        assert kept == [
            section
            for section in dict.fromkeys(slide.section for slide in deck)
            if "**Keep:**" in known.get(section, "")
        ]
        assert kept or number == "00"


def test_cells_that_must_run_first_are_named():
    cells = before.cells("02")
    assert before.needed("2.1 e") == ["2.1 b", "2.1 c", "2.1 d"]
    assert "setup" in cells["2.1 b"].needs
    ran = {"2.1 b"}
    assert before.first("cell 2.1 e", ran) == "first cell 2.1 c, cell 2.1 d; cell 2.1 e"
    assert before.first("cell 2.1 e", ran) == "cell 2.1 e"


@pytest.mark.parametrize("number", COURSE["notebooks"])
def test_what_a_cell_needs_comes_before_it(number):
    cells = before.cells(number)
    labels = [
        notebooks.label(cell)
        for cell in notebooks.read(notebooks.path_of(number)).cells
        if cell.cell_type == "code" and notebooks.label(cell)
    ]
    assert [name for name in cells if name[0].isdigit()] == labels
    order = list(cells)
    for label, cell in cells.items():
        assert all(order.index(name) < order.index(label) for name in cell.needs)
        if label[0].isdigit():
            assert cell.section == label.partition(" ")[0]


def test_the_tables_of_the_guide_add_up():
    for name in PLANS:
        table = timetables.table(COURSE, name)
        for session in editions.sessions(COURSE, name):
            part = table.split(f"**{session.title}**")[1].split("**")[0]
            minutes = [int(row.split("|")[3]) for row in re.findall(r"^\| \d\d:.*$", part, re.M)]
            assert sum(minutes) == sum(step.minutes for step in session.steps)
            assert f"{taught(session)} minutes without breaks" in part


def test_notes_say_how_long_a_cell_runs():
    slow = costs.load(COURSE)["notebooks"]["04"]["cells"]
    assert slow["4.2 b"] >= 5, "it trains nets of seven depths"
    said = costs.with_seconds("cell 4.2 a, then cell 4.2 b")
    assert said == f"cell 4.2 a (at once), then cell 4.2 b ({slow['4.2 b']} s)"
    for number, row in costs.load(COURSE)["notebooks"].items():
        assert set(row["cells"]) <= set(before.cells(number))
        assert sum(row["cells"].values()) <= 2 * row["seconds"]
