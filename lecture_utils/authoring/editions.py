"""Editions of the course for a room: by the clock, with just the slides that are shown.

An edition stands in course.yml under `teaching`: its sessions, what is shown from the projector
only, and what is left out. Slides that every room needs (welcome, questions, breaks, debriefs,
closing) come from slides/room.md.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from lecture_utils.authoring import before, decks, notebooks, slides, teaching
from lecture_utils.authoring import course as course_map

ROOM = slides.FOLDER / "room.md"
DEBRIEF = 5  # minutes after each exercise
VOTE = 3  # minutes that a prediction takes at least: read, guess, vote, run
PROJECTED = "From the projector: pencil and handout, lids half down. You run the cells, they vote."
PAUSES = ("break", "lunch")


@dataclass(frozen=True)
class Step:
    """One slide of a session, when it is shown.

    Attributes:
        at: the time of day, such as "09:27".
        minutes: how long it stays.
        item: what of the plan it belongs to, such as "01" or "break 15".
        number: of its notebook; "" for a slide of the room.
        slide: what is shown, with the edition's notes.
        source: the name of the slide in its own deck.
    """

    at: str
    minutes: int
    item: str
    number: str
    slide: slides.Slide
    source: str


@dataclass(frozen=True)
class Session:
    """A day or an evening of an edition: its name, such as "days_1", its title, and its steps."""

    name: str
    title: str
    steps: tuple[Step, ...]

    @property
    def ends(self) -> str:
        """The time of day at which it ends."""
        return teaching.clock(self.steps[-1].at, self.steps[-1].minutes)


def left_out(course: dict, name: str, number: str) -> list[str]:
    """Return what an edition leaves out of a notebook: sections, exercises and slides.

    From the projector nobody does exercises.
    """
    edition = course["teaching"]["editions"][name]
    found = list(edition["without"].get(number, []))
    if number in edition["projector"]:
        found += [f"exercise {exercise}" for exercise in teaching.exercise_minutes(number)]
    return list(dict.fromkeys(found))


def kept(course: dict, name: str, item: str) -> list[tuple[slides.Slide, int, list[str]]]:
    """Return what an edition shows of a notebook: (slide, minutes, what is left out around it).

    Args:
        item: of the plan: "01", or "01 exercises" for its exercises alone.
    """
    number, _, only = item.partition(" ")
    without, rows, gone = left_out(course, name, number), [], []
    deck = slides.slides_of(slides.source(number))
    for slide, (_, _, _, taken) in zip(deck, teaching.timeline(course, number), strict=True):
        places = (f"section {slide.section}", f"exercise {slide.exercise}", f"slide {slide.name}")
        if found := [place for place in places if place in without]:
            gone += found
        elif not only or slide.exercise:
            vote = slide.name.startswith("predict-")
            rows.append((slide, max(taken, VOTE) if vote else taken, gone))
            gone = []
    if rows:
        rows[-1][2].extend(gone)  # what is left out at the end
    whole = {s.section for s in deck} - {s.section for s in deck if _is_cut(s, rows)}
    told = slides.with_keeps([slide for slide, *_ in rows], number, whole)
    parts = zip(told, rows, strict=True)
    return [(slide, taken, list(dict.fromkeys(gone))) for slide, (_, taken, gone) in parts]


def _is_cut(slide: slides.Slide, rows: list[tuple]) -> bool:
    """Tell whether a slide that is no exercise is not shown."""
    return not slide.exercise and slide.name not in {shown.name for shown, *_ in rows}


def sessions(course: dict, name: str) -> list[Session]:
    """Return the sessions of an edition."""
    edition = course["teaching"]["editions"][name]
    several = len(edition["plan"]) > 1
    return [
        Session(
            f"{name}_{k}" if several else name,
            f"{edition['title']}, {k} of {len(edition['plan'])}" if several else edition["title"],
            tuple(_steps(course, name, plan)),
        )
        for k, plan in enumerate(edition["plan"], start=1)
    ]


def _steps(course: dict, name: str, plan: list[str]) -> list[Step]:
    """Go through a session's plan by the clock."""
    at, found, ran = course["teaching"]["editions"][name]["starts"], [], set()
    wanted = _wanted(course, name)
    for place, item in enumerate(plan):
        part, _, minutes = item.partition(" ")
        if not part.isdigit():
            rows = _room(course, part, int(minutes), plan, place, at)
        else:
            rows = _taught(course, name, item, ran)
        for slide, taken, source in rows:
            number = part if part.isdigit() else ""
            late = _if_late(slide, f"{number}#{source}", wanted, taken)
            slide = replace(slide, notes={"Clock": at} | late | slide.notes)
            found.append(Step(at, taken, item, number, slide, source))
            at = teaching.clock(at, taken)
    return found


def _wanted(course: dict, name: str) -> set[str]:
    """Return all slides that slides of an edition build on, as "02#sideways"."""
    edition, found = course["teaching"]["editions"][name], set()
    for item in (item for plan in edition["plan"] for item in plan if item[0].isdigit()):
        for slide, *_ in kept(course, name, item):
            found |= {n if "#" in n else f"{item[:2]}#{n}" for n in slide.needs}
    return found


def _if_late(slide: slides.Slide, place: str, wanted: set[str], minutes: int) -> dict[str, str]:
    """Say of a slide that it can be passed over: nothing builds on it, and it answers no vote."""
    kind = slide.name.partition("-")[0]
    answers = any(need.rpartition("#")[2].startswith("predict-") for need in slide.needs)
    if kind in ("title", "predict", "exercise", "debrief", "summary", "next") or answers:
        return {}
    if place[0] == "#" or place in wanted:
        return {}
    keep = "say what to keep, and " if "Keep" in slide.notes else ""
    return {
        "If late": f"{keep}pass over this slide, {minutes} minutes; nothing later builds on it."
    }


def _taught(course: dict, name: str, item: str, ran: set[str]) -> list[tuple]:
    """Return the slides of a notebook, with a debrief after each exercise."""
    number, rows = item[:2], []
    seen = number in course["teaching"]["editions"][name]["projector"]
    for slide, taken, gone in kept(course, name, item):
        notes = {kind: words for kind, words in slide.notes.items() if kind != "Minute"}
        if "Show" in notes:
            notes["Show"] = before.first(notes["Show"], ran)
        if seen and not rows:
            notes["Room"] = PROJECTED
        if words := _instead(course, number, gone, seen):
            notes["Left out"] = words
        keep = {"Keep": notes.pop("Keep")} if slide.exercise and "Keep" in notes else {}
        shown = replace(slide, name=f"{slide.name}-{number}", notes=notes)
        rows.append((shown, taken, slide.name))
        if slide.exercise:
            rows.append((debrief(slide, number, keep), DEBRIEF, slide.name))
    return rows


def _instead(course: dict, number: str, gone: list[str], seen: bool) -> str:
    """Write what is left out around a slide, and what to say in its place.

    From the projector an exercise is passed over without a word.
    """
    said, stop = [], course["teaching"]["leave out"].get(number, {})
    titles = {f"slide {s.name}": s.title for s in slides.slides_of(slides.source(number))}
    for what in gone:
        if what in stop and not seen:
            said.append(f"{what}. Say instead: {stop[what].rstrip('.')}.")
        elif what in titles and what not in ("slide next", "slide summary"):
            said.append(f"the slide “{titles[what]}”.")
        elif what.startswith("section") or not (seen or what in titles):
            said.append(f"{what}.")
    return " ".join(said)


def debrief(slide: slides.Slide, number: str, keep: dict[str, str]) -> slides.Slide:
    """Make the slide that follows an exercise: its solution, brought by a click.

    Args:
        slide: sets the exercise.
        number: of its notebook.
        keep: the note with the sentence to keep, where the section ends with the exercise.
    """
    exercises = notebooks.exercises(notebooks.path_of(number))
    solution = next(e.solution for e in exercises if e.number == slide.exercise)
    title = slide.text.partition("\n")[0].replace("## Exercise", "## Debrief ·")
    notes = {
        "Show": f"exercise {slide.exercise}: a pair reads its line aloud, you type; then a click",
        "Ask": "Which message did the check give you first, and what did you change?",
        "Say": slide.notes["Debrief"],
    } | keep
    if "Usual wrong answer" in slide.notes:
        notes["Usual wrong answer"] = slide.notes["Usual wrong answer"]
    text = f"{title}\n\nWhat did the check say?\n\n```python step\n{solution.strip()}\n```"
    return replace(slide, name=f"debrief-{slide.name}-{number}", chapter="", text=text, notes=notes)


def _room(course: dict, part: str, minutes: int, plan: list[str], place: int, at: str) -> list:
    """Return the slides that every room needs, with their places filled in."""
    deck = [s for s in slides.slides_of(ROOM) if s.name.partition("-")[0] == part]
    ends = [*(int(slide.notes["Minute"]) for slide in deck[1:]), minutes]
    filled = {
        "back": teaching.clock(at, minutes),
        "way": way(plan, place),
        "next": _next(course, plan[place + 1 :]),
        "taught": _list(course, [item[:2] for item in plan if item[:2].isdigit()]),
        "home": _list(course, _home(course, plan)),
    }
    rows = []
    for slide, end in zip(deck, ends, strict=True):
        text = re.sub(r"\{(\w+)\}", lambda mark: filled[mark[1]], slide.text)
        notes = {kind: words for kind, words in slide.notes.items() if kind != "Minute"}
        shown = replace(slide, name=f"{slide.name}-{place}", text=text, notes=notes)
        rows.append((shown, end - int(slide.notes["Minute"]), slide.name))
    return rows


def way(plan: list[str], place: int) -> str:
    """Draw the way through a session as a flow; what comes next is blue."""
    numbers = [item[:2] for item in plan if item[:2].isdigit()]
    coming = next((item[:2] for item in plan[place:] if item[:2].isdigit()), "")
    return " -> ".join(f"[=={n}==]" if n == coming else f"[{n}]" for n in numbers)


def _next(course: dict, rest: list[str]) -> str:
    number = next((item[:2] for item in rest if item[:2].isdigit()), "")
    return f"{number} {course['notebooks'][number]['title']}" if number else "the closing"


def _home(course: dict, plan: list[str]) -> list[str]:
    return [number for number in course["notebooks"] if number not in {item[:2] for item in plan}]


def _list(course: dict, numbers: list[str]) -> str:
    return ", ".join(f"{n} {course['notebooks'][n]['title']}" for n in numbers) or "nothing"


def build(names: list[str] | None = None, folder: Path = decks.BUILT) -> list[Path]:
    """Build a deck for each session of the editions; return the pages."""
    course = course_map.load()
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for name in names or course["teaching"]["editions"]:
        for session in sessions(course, name):
            body = [
                decks.section(step.slide, step.number, session.name, course)
                for step in session.steps
            ]
            page = folder / f"{session.name}.html"
            page.write_text(decks.page_of(session.title, body), encoding="utf-8")
            pages.append(page)
    return pages
