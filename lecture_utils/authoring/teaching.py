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


def _sessions(course: dict, plan: list) -> list:
    """Leave out the notebooks of a plan that do not exist yet, and pauses at its end."""
    kept = [item for item in plan if isinstance(item, int) or item in course["notebooks"]]
    while kept and isinstance(kept[-1], int):
        kept.pop()
    return kept


def _pause(taken: int) -> str:
    return "lunch" if taken >= 45 else "break"


def day(course: dict) -> str:
    """Write the one-day workshop by the clock: its notebooks, without what `leave out` names."""
    plan = course["teaching"]["day"]
    rows = [
        "| Clock | Block | | Minutes | left out for the day | of the deck's |",
        "|---" * 6 + "|",
    ]
    at, taught, whole, pauses = plan["starts"], 0, 0, 0
    blocks = {n: k + 1 for k, block in enumerate(course["teaching"]["blocks"]) for n in block}
    for item in _sessions(course, plan["plan"]):
        if isinstance(item, int):
            rows.append(f"| {at} | | *{_pause(item)}* | {item} | | |")
            at, pauses = clock(at, item), pauses + item
            continue
        left, all_of_it = cuts(course, item), minutes.core(item)
        taken = all_of_it - sum(saved for _, saved, _ in left)
        what = ", ".join(what for what, saved, _ in left if saved) or "nothing"
        title = f"{item} {course['notebooks'][item]['title']}"
        rows.append(
            f"| {at} | {blocks.get(item, '–')} | {title} | {taken} | {what} | {all_of_it} |"
        )
        at, taught, whole = clock(at, taken), taught + taken, whole + all_of_it
    rows.append(f"| {at} | | end | {taught} and {pauses} of breaks | {whole - taught} | {whole} |")
    return "\n".join(rows)


def sessions(course: dict, name: str) -> str:
    """Write a timetable of several sessions, "days" or "evenings", notebooks in full."""
    plan = course["teaching"][name]
    title = name.removesuffix("s").capitalize()
    rows = [f"| {title} | By the clock | Minutes without breaks |", "|---|---|---|"]
    whole = 0
    for session in filter(None, (_sessions(course, items) for items in plan["plan"])):
        at, parts, total = plan["starts"], [], 0
        for item in session:
            pause = isinstance(item, int)
            taken = item if pause else minutes.core(item)
            what = f"*{_pause(item)}*" if pause else f"{item} {course['notebooks'][item]['title']}"
            parts.append(f"{at} {what} ({taken})")
            at, total = clock(at, taken), total + (0 if pause else taken)
        whole += total
        rows.append(f"| {len(rows) - 1} | {', '.join(parts)}, {at} end | {total} |")
    return "\n".join([*rows, f"| | together | {whole} |"])


def flipped(course: dict) -> str:
    """Write the flipped class: reading and running at home, exercises and talk in the room."""
    plan = course["teaching"]["flipped"]
    rows = ["| | At home before | minutes | In the room | minutes |", "|---" * 5 + "|"]
    home_sum = room_sum = 0
    for session in filter(None, (_sessions(course, items) for items in plan["plan"])):
        exercises = sum(sum(exercise_minutes(number).values()) for number in session)
        home = sum(minutes.core(number) for number in session) - round(1.5 * exercises)
        titles = ", ".join(f"{number} {course['notebooks'][number]['title']}" for number in session)
        tasks = ", ".join(task for number in session for task in exercise_minutes(number))
        first = clock(plan["starts"], plan["questions"])
        second = clock(first, exercises)
        end = clock(second, plan["discussion"])
        room = (
            f"{plan['starts']} questions, {first} exercises {tasks} in pairs, "
            f"{second} discussion, {end} end"
        )
        rows.append(f"| {len(rows) - 1} | {titles} | {home} | {room} | {exercises} for exercises |")
        home_sum, room_sum = home_sum + home, room_sum + exercises
    together = f"{room_sum}, and with home {home_sum + room_sum}"
    return "\n".join([*rows, f"| | together | {home_sum} | | {together} |"])
