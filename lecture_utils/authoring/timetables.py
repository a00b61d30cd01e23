"""Timetables of the editions: for the instructor's page, and for the door of a room."""

import itertools

from lecture_utils.authoring import editions


def table(course: dict, name: str) -> str:
    """Write an edition's timetable: for each item its time, its minutes, and what is left out."""
    rows = []
    for session in editions.sessions(course, name):
        taught = sum(s.minutes for s in session.steps if s.item.split()[0] not in editions.PAUSES)
        rows += [
            f"**{session.title}**: {session.steps[0].at} to {session.ends}, {taught} minutes "
            f"without breaks, {len(session.steps)} slides, deck `{session.name}.html`",
            "",
            "| Clock | | Minutes | left out |",
            "|---|---|---|---|",
        ]
        rows += [_row(course, name, session, item) for item in items(session)]
        rows.append("")
    return "\n".join(rows[:-1])


def items(session: editions.Session) -> list[list[editions.Step]]:
    """Return a session's steps by item of its plan."""
    return [list(steps) for _, steps in itertools.groupby(session.steps, lambda s: s.item)]


def _row(course: dict, name: str, session: editions.Session, steps: list[editions.Step]) -> str:
    """Write the line of one item."""
    number, minutes = steps[0].number, sum(step.minutes for step in steps)
    what, gone = steps[0].item.partition(" ")[0], "–"
    if number:
        edition = course["teaching"]["editions"][name]
        seen = " (projector)" if number in edition["projector"] else ""
        only = steps[0].item.partition(" ")[2]
        title = course["notebooks"][number]["title"]
        what = f"{number} {title}{f', {only}' if only else ''}{seen}"
        gone = ", ".join(editions.left_out(course, name, number)) or "nothing"
    elif what in editions.PAUSES:
        what = f"*{what}*"
    return f"| {steps[0].at} | {what} | {minutes} | {gone} |"


def door(course: dict, session: editions.Session) -> str:
    """Write a session's timetable for those who come: when, and what."""
    lines = [f"# {course['title']}", "", session.title, "", "| | |", "|---|---|"]
    for steps in items(session):
        number, what = steps[0].number, steps[0].item.partition(" ")[0]
        title = course["notebooks"][number]["title"] if number else f"*{what}*"
        lines.append(f"| {steps[0].at} | {title} |")
    return "\n".join([*lines, f"| {session.ends} | end |"])
