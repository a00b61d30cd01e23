"""The instructor's tables: from course.yml, the decks' and the notebooks' minutes."""

import re

from lecture_utils.authoring import minutes, notebooks, slides

END = "end"  # what comes after the last numbered section: summary, self-test, next


def exercise_minutes(number: str) -> dict[str, int]:
    """Return the minutes of the core's exercises, as its tasks state them: {"1.1": 5, …}."""
    found = {}
    core, _ = minutes.parts(notebooks.read(notebooks.path_of(number)))
    for cell in core:
        if name := re.fullmatch(r"ex-(\d+)-(\d+)-task", cell.id):
            stated = re.search(r"^\*(\d+) minutes · [●○]{3}\*$", cell.source, re.MULTILINE)
            found[".".join(name.groups())] = int(stated[1])
    return found


def timeline(course: dict, number: str) -> list[tuple[str, str, int, int]]:
    """Return (slide, what it belongs to, from minute, minutes) for each slide of a deck.

    It belongs to its section, and to the exercise that it sets. [] while the notebook has no deck.
    """
    if not list(slides.FOLDER.glob(f"{number}_*.md")):
        return []
    deck = slides.slides_of(slides.source(number))
    starts = [int(slide.notes["Minute"]) for slide in deck]
    ends = [*starts[1:], minutes.core(number)]
    return [
        (slide.name, _place(slide), start, end - start)
        for slide, start, end in zip(deck, starts, ends, strict=True)
    ]


def _place(slide: slides.Slide) -> str:
    """Where a slide belongs: "1.3", or "1.3 exercise 1.1", or the end."""
    return f"{slide.section} exercise {slide.exercise}" if slide.exercise else slide.section


def pace(course: dict, number: str) -> str:
    """Write the timings of a notebook's sections."""
    if number not in course["notebooks"]:
        return f"Notebook {number} is to come."
    rows = timeline(course, number)
    if not rows:
        return f"Times appear here once there is a deck `slides/{number}_….md`."
    sections: dict[str, list] = {}
    for _, place, start, taken in rows:
        section, _, exercise = place.partition(" exercise ")
        entry = sections.setdefault(section, [start, 0, []])
        entry[1] += taken
        entry[2] += [f"{exercise} ({taken})"] if exercise else []
    total = sum(taken for _, taken, _ in sections.values())
    names = [f"§ {name}" if name != END else "the end" for name in sections]
    return "\n".join(
        [
            f"| | {' | '.join(names)} | together |",
            "|---" * (len(sections) + 2) + "|",
            f"| from minute | {' | '.join(str(start) for start, *_ in sections.values())} | |",
            f"| minutes | {' | '.join(str(m) for _, m, _ in sections.values())} | {total} |",
            f"| of which exercise | {' | '.join(', '.join(e) for *_, e in sections.values())} | |",
        ]
    )


def cuts(course: dict, number: str) -> list[tuple[str, int, str]]:
    """Return what can be left out of a notebook, in this order: (what, minutes saved, instead).

    Minutes are the deck's; while there is no deck, an exercise counts with its own.
    """
    rows, gone, found = timeline(course, number), set(), []
    for what, instead in course["teaching"]["leave out"].get(number, {}).items():
        saved = {row for row in rows if row not in gone and _belongs(row[1], what)}
        gone |= saved
        spared = sum(row[3] for row in saved)
        if not rows:
            spared = exercise_minutes(number).get(what.removeprefix("exercise "), 0)
        found.append((what, spared, instead))
    return found


def _belongs(place: str, what: str) -> bool:
    section, _, exercise = place.partition(" exercise ")
    return what in (f"section {section}", f"exercise {exercise}")


def leave_out(course: dict, number: str) -> str:
    """Write what to cut from a notebook when time runs out."""
    if number not in course["notebooks"]:
        return f"Notebook {number} is to come."
    left = cuts(course, number)
    if not left:
        return "Nothing is marked to be left out."
    rows = ["| When time runs out, leave out | saves, minutes | and say instead |", "|---|---|---|"]
    rows += [f"| {what} | {saved or '–'} | {instead} |" for what, saved, instead in left]
    return "\n".join(rows)


def clock(start: str, later: int) -> str:
    """Return the time of day some minutes after "09:00".

    Raises:
        ValueError: `start` is no time of day.
    """
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", str(start), re.ASCII)
    if not found:
        raise ValueError(f'a time of day is expected, from "00:00" to "23:59"; got {start!r}')
    later += 60 * int(found[1]) + int(found[2])
    return f"{later // 60 % 24:02}:{later % 60:02}"
