"""What is generated: every page, and every part of one, that comes from the map or the claims."""

import base64
import re
from pathlib import Path

from lecture_utils.authoring import (
    costs,
    glossary,
    launch,
    minutes,
    notebooks,
    sizing,
    slides,
    teaching,
    timetables,
    trial,
)
from lecture_utils.authoring.claims import table
from lecture_utils.authoring.course import cue, minute

README = notebooks.ROOT / "README.md"
GUIDE = notebooks.ROOT / "slides" / "README.md"  # the instructor's page
BY_NOTEBOOK = GUIDE.with_name("by_notebook.md")  # and what to know of each notebook
ROOM = notebooks.ROOT / "binder" / "README.md"  # how a room is served
STORY = notebooks.FOLDER / "00_story.png"  # README's figure, taken from notebook 00
_MARK = re.compile(r"(?:▶ )?<!-- begin ([\w-]+)(?: ([\w.-]+))? -->.*?<!-- end -->", re.DOTALL)


def beside(course: dict) -> str:
    """Write the README's sentence about the lectures that the course runs beside."""
    links: dict[str, list[str]] = {}
    for number, lecture in course["lectures"].items():
        link = f"[{number}](https://www.youtube.com/watch?v={lecture['video']})"
        links.setdefault(lecture["series"], []).append(link)
    series = "; ".join(f"{', '.join(found)} of *{name}*" for name, found in links.items())
    word = "lecture" if len(course["lectures"]) == 1 else "lectures"
    return f"It runs beside {word} {series}, or on its own, or in a workshop."


def navigation(course: dict, number: str, folder: str = "") -> str:
    """Write the bar: previous, map, next, and launch links once a repository is set."""
    pages = list(course["notebooks"])
    here = pages.index(number)
    parts = []
    if here > 0:
        before = course["notebooks"][pages[here - 1]]
        parts.append(f"← [{pages[here - 1]} {before['title']}]({folder}{before['file']})")
    parts.append("[course map](../README.md#the-course-map)")
    if here + 1 < len(pages):
        after = course["notebooks"][pages[here + 1]]
        parts.append(f"[{pages[here + 1]} {after['title']}]({folder}{after['file']}) →")
    page = f"notebooks/{course['notebooks'][number]['file']}"
    return " · ".join(parts) + launch.badges(course, page)


def header(course: dict, number: str) -> str:
    """Write a notebook's first cell: bar, title, surprise, objectives, before you start, time."""
    page = course["notebooks"][number]
    cues = ", ".join(f"▶ {cue(course, chapter)}" for chapter in page["cues"])
    before = re.sub(r"\{minute:([\w-]+)\}", lambda m: minute(course, m[1]), page["before"])
    lines = [
        navigation(course, number),
        "",
        f"# {number} · {page['title']}",
        "",
        f"*{page['surprise']}*",
        "",
        "**You will be able to**",
        *(f"- {objective}" for objective in page["objectives"]),
        "",
        f"**Before you start:** {before}",
        "",
        f"**Time:** {spans(number)}." + (f" **In the video:** {cues}." if cues else ""),
    ]
    return "\n".join(lines)


def spans(number: str) -> str:
    """Write what a notebook takes, in honest minutes."""
    core, deeper = (part.minutes for part in minutes.of(number))
    return f"{core} minutes with the exercises" + (
        f"; *Going deeper* takes {deeper} more" if deeper else ""
    )


def course_map(course: dict) -> str:
    """Write the README's table of notebooks."""
    rows = [
        "| No. | Notebook | Minutes | deeper | What you build and see | Lecture, minute |",
        "|---" * 6 + "|",
    ]
    for number, page in course["notebooks"].items():
        cues = ", ".join(cue(course, name).replace("Lecture ", "") for name in page["cues"]) or "–"
        core, deeper = (part.minutes for part in minutes.of(number))
        rows.append(
            f"| {number} | [{page['title']}](notebooks/{page['file']}) | {core} | {deeper or '–'} "
            f"| {page['builds']} | {cues} |"
        )
    return "\n".join(rows)


def you_are_here(course: dict) -> str:
    """Write the README's table from the minute of the video to section and slide."""
    rows = ["| In the video | Chapter | You are here | On the slide |", "|---|---|---|---|"]
    for lecture in course["lectures"].values():
        for name, chapter in lecture["chapters"].items():
            places = []
            for place in chapter["sections"]:
                number = f"{int(place.split('.')[0]):02}"
                label = place if "." in place else f"{number}, in five lines"
                places.append(f"[{label}](notebooks/{course['notebooks'][number]['file']})")
            shown = ", ".join(map(slide_link, chapter.get("slides", []))) or "–"
            rows.append(
                f"| ▶ {cue(course, name)} | {chapter['title']} | {', '.join(places)} | {shown} |"
            )
    return "\n".join(rows)


def slide_link(place: str) -> str:
    """Write where a slide such as "01#predict-half" is: its deck, and its number there.

    Raises:
        ValueError: the deck has no such slide (a DeckError: there is no such deck).
    """
    number, _, name = place.partition("#")
    path = slides.source(number)
    names = [slide.name for slide in slides.slides_of(path)]
    if name not in names:
        raise ValueError(f"course.yml: no slide {name!r} in {path.name}")
    return f"[deck {number}, slide {names.index(name) + 1}](slides/{path.name})"


def story() -> tuple[bytes, str]:
    """Take README's figure out of notebook 00: the picture and its alternative text."""
    cells = notebooks.read(notebooks.path_of("00")).cells
    cell = next(cell for cell in cells if cell.id == "fig-story")
    output = next(o for o in cell.outputs if "image/png" in o.get("data", {}))
    return base64.b64decode(output.data["image/png"]), output.metadata["image/png"]["alt"]


def deeper(number: str) -> str:
    """Write how long a notebook's *Going deeper* takes."""
    return f"About {minutes.of(number)[1].minutes} minutes; nothing in the course rests on it."


def fill(text: str, course: dict, number: str = "") -> str:
    """Replace what stands between `<!-- begin NAME -->` and `<!-- end -->` by what is current.

    Raises:
        ValueError: a mark has an unknown name.
    """
    makers = {
        "header": lambda _: header(course, number),
        "footer": lambda _: navigation(course, number),
        "deeper": lambda _: deeper(number),
        "claims": lambda _: table(number),
        "cue": lambda chapter: cue(course, chapter),
        "map": lambda _: course_map(course),
        "here": lambda _: you_are_here(course),
        "lectures": lambda _: beside(course),
        "launch": lambda _: launch.paragraph(course),
        "puller": lambda _: launch.puller(course),
        "load": lambda _: sizing.played(),
        "sizing": lambda _: sizing.calculation(course),
        "figure": lambda _: f"![{story()[1]}](notebooks/{STORY.name})",
        "edition": lambda name: timetables.table(course, name),
        "glossary": lambda _: glossary.table(course),
        "costs": lambda _: costs.table(course),
        "pace": lambda page: teaching.pace(course, page),
        "leave-out": lambda page: teaching.leave_out(course, page),
    }

    def make(mark: re.Match) -> str:
        name, argument = mark.groups()
        if name not in makers:
            raise ValueError(f"unknown generated part {name!r}; known are {', '.join(makers)}")
        opening = f"<!-- begin {name}{f' {argument}' if argument else ''} -->"
        if name == "cue":  # a line that began with a comment would not be read as Markdown
            return f"▶ {opening}{makers[name](argument)}<!-- end -->"
        return f"{opening}\n{makers[name](argument)}\n<!-- end -->"

    return _MARK.sub(make, text)


def pages(course: dict) -> dict[Path, bytes]:
    """Return what every generated file, and every page with generated parts, must hold now."""
    current = {STORY: story()[0], trial.FILLED: trial.content()} | launch.environment()
    for path in (README, GUIDE, BY_NOTEBOOK, ROOM):
        current[path] = fill(path.read_text("utf-8"), course).encode()
    for number in course["notebooks"]:
        path = notebooks.path_of(number)
        notebook = notebooks.read(path)
        launch.fit_colab(notebook, course)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = fill(cell.source, course, number)
        current[path] = notebooks.text_of(notebook).encode()
    return current
