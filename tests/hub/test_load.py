"""The load program: three learners and a runaway in a real room; and what it calls good."""

import asyncio
import json
import sys

import pytest
from exercises.exercise import verdict

from lecture_utils.authoring import notebooks, sizing
from lecture_utils.checks.verdict import NOT_YET

if sys.platform == "win32":
    pytest.skip("a room needs Linux", allow_module_level=True)

from lecture_utils.hub import learners, load
from lecture_utils.hub.learners import Story
from lecture_utils.hub.meter import Meter, held_by
from lecture_utils.hub.played import Played
from lecture_utils.hub.runaway import Chase

ANSWERED = [ex for n in load.Plan().numbers for ex in notebooks.exercises(notebooks.path_of(n))]


def story(name="seat01", **more):
    return Story(name, **{"cells": [("1.1 a", k / 10) for k in range(1, 101)]} | more)


def played(*stories, tries=(("a list", "MemoryError", True),), troubles=()):
    return Played(25.0, list(stories), Chase(list(tries), list(troubles)), Meter())


def test_a_room_in_which_all_is_well():
    seen = played(story(), story("seat02"))
    assert seen.sound()
    assert seen.good()
    assert (seen.within(50), seen.within(95), seen.within(100)) == (5.0, 9.5, 10.0)
    table = seen.table()
    assert "finished        2 of 2 in 25 minutes" in table
    assert "lost            nothing" in table
    assert "median 5.00, 95 % 9.5, 99 % 9.9, worst 10.0" in table
    assert "1.1 a: 2 of 200 times over 10 s, worst 10.0, fastest 0.1" in table
    assert "a list: MemoryError; the seat goes on" in table
    assert "the bar         met" in table
    kept = json.loads(seen.as_json())
    assert (kept["good"], kept["learners"], kept["lost"]) == (True, len(seen.stories), [])


def test_the_instructors_page_tells_what_was_seen(tmp_path):
    load = tmp_path / "load.json"
    assert "No room was played yet" in sizing.played(load)
    load.write_text(played(story(), story("seat02", troubles=["x"])).as_json())
    table = sizing.played(load)
    assert "| finished | 1 of 2, in 25 minutes |" in table
    assert "median 5.0 s, 95 of 100 within 9.5 s, the slowest 10.0 s" in table
    assert "| the bar | not met |" in table
    load.write_text("{}")
    with pytest.raises(ValueError, match=r"load\.json is not what `make load` writes"):
        sizing.played(load)


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (played(story(), story("seat02", troubles=["x"])), "finished        1 of 2"),
        (played(story(lost=["00.ipynb"])), "lost            seat01: 00.ipynb"),
        (played(story(ended=1)), "seat01: a kernel"),
        (played(story(), troubles=["no answer"]), "TROUBLE: no answer"),
        (played(story(), tries=[("a list", "x", False)]), "the seat is STUCK"),
    ],
)
def test_what_is_not_good(seen, says):
    assert not seen.sound()
    assert not seen.good()
    assert says in seen.table()
    assert "the bar         NOT met" in seen.table()


def test_slow_cells_are_not_good_and_no_harm():
    seen = played(story(cells=[("1.1 a", 11.0)]))
    assert seen.sound()
    assert not seen.good()
    assert not played(story(cells=[])).good()
    assert played(story(cells=[("a", 1.0), ("b", 2.0), ("c", 11.0)])).within(95) == 11.0


def test_the_plan_has_all_come_think_and_forget():
    parts = load.Plan(seats=30, minutes=25).parts()
    assert len({part.arrives for part in parts}) == len({part.seed for part in parts}) == 30
    assert max(part.arrives for part in parts) <= 180
    assert sum(part.forgets for part in parts) == 10
    runs = sum(load.runs_of(number, 0) for number in load.Plan().numbers)
    assert runs == sum(
        sum(c.cell_type == "code" for c in notebooks.read(notebooks.path_of(n)).cells)
        for n in load.Plan().numbers
    ) + 4 * len(ANSWERED)
    assert parts[0].think * runs == pytest.approx(25 * 60 - 180 - load.OWN)
    assert load.Plan().parts() == load.Plan().parts() != load.Plan(seed=1).parts()
    assert load.Plan(minutes=0).parts()[0].think == 0


@pytest.mark.parametrize("exercise", ANSWERED, ids=lambda ex: ex.number)
def test_a_wrong_answer_is_wrong(exercise):
    assert verdict(exercise.number, learners.wrong(exercise.stub)).status == NOT_YET


def test_a_stub_of_another_kind_is_refused():
    with pytest.raises(ValueError, match=r"does not end with \.\.\."):
        learners.wrong("x = 1")


def test_nothing_of_a_notebook_is_lost_unseen():
    cell = {"id": "a", "source": "1", "outputs": [{"text": "1"}], "execution_count": 1}
    for change in ({"source": "2"}, {"outputs": []}, {"execution_count": 2}):
        assert learners.substance({"cells": [cell | change]}) != learners.substance(
            {"cells": [cell]}
        )
    same = cell | {"metadata": {"trusted": True}}
    assert learners.substance({"cells": [same]}) == learners.substance({"cells": [cell]})


@pytest.mark.parametrize("version", [1, 2])
def test_what_a_seat_holds_is_read_from_either_tree(tmp_path, version):
    group = tmp_path / ("" if version == 2 else "memory") / "shortcut-connections" / "seat01"
    group.mkdir(parents=True)
    if version == 2:
        (tmp_path / "cgroup.controllers").write_text("cpu memory pids")
    (group / "memory.stat").write_text("cache 9\nrss 7340032\nanon 8388608\n")
    assert held_by("seat01", tmp_path) == {1: 7, 2: 8}[version]
    assert held_by("seat02", tmp_path) == 0


def test_three_learners_and_a_runaway(room):
    plan = load.Plan(seats=3, minutes=0, numbers=("00", "01"), cells=12, runaways=2)
    seen = asyncio.run(load.play(room, plan))
    assert seen.sound(), seen.table()
    runs = sum(load.runs_of(number, plan.cells) for number in plan.numbers)
    assert [len(one.cells) for one in seen.stories] == [runs] * 3
    for one in seen.stories:
        assert one.solved == ["ex-0-1-check", "ex-0-2-check", "ex-1-1-check"]
    assert len(seen.chase.tries) == 2
    assert seen.meter.looks > 0
    assert json.loads(seen.as_json())["meter"]["together"] > 0
