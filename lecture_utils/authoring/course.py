"""The course map, course.yml: read once and checked; when a chapter of the lecture begins."""

import functools
import itertools
import re
from pathlib import Path

from lecture_utils.authoring import addresses, maps, notebooks, plans

COURSE = notebooks.ROOT / "course.yml"
_MINUTE = re.compile(r"\{minute:([\w-]+)\}")


def load(path: Path = COURSE) -> dict:
    """Read the course map and check it, with all that it says of notebooks and sections.

    Times may be written as 596 or as 9:56, a video and a repository by name or by address; what is
    returned has seconds, the video's id and "owner/name".

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: something in it is not understood: the message names line and key.
    """
    top = maps.read(path)
    found = maps.pairs(top)
    numbers = set(maps.pairs(found["notebooks"])) if "notebooks" in found else set()
    chapters: dict[str, None] = {}
    return maps.fields(
        top,
        {
            "title": maps.text,
            "repository": addresses.repository,
            "lectures": lambda place: _lectures(place, numbers, chapters),
            "teaching": lambda place: plans.teaching(place, numbers),
            "notebooks": lambda place: _notebooks(place, chapters),
        },
    )


def _lectures(place: maps.Place, numbers: set[str], chapters: dict[str, None]) -> dict:
    """Read the lectures; `chapters` is filled with the names of all their chapters."""

    def number(place: maps.Place) -> int:
        if not re.fullmatch(r"[1-9]\d{0,3}", maps.raw(place), re.ASCII):
            raise place.refuse("a lecture's number is expected here, such as 22")
        return int(maps.raw(place))

    def name(place: maps.Place) -> str:
        said = maps.raw(place)
        if not re.fullmatch(r"[\w-]+", said, re.ASCII):
            raise place.refuse("a chapter's name is expected here: letters, digits and hyphens")
        if said in chapters:
            raise place.refuse("another lecture has a chapter of this name: rename one of them")
        chapters[said] = None
        return said

    def chapter(place: maps.Place) -> dict:
        read = {
            "start": addresses.seconds,
            "title": maps.text,
            "sections": lambda place: maps.items(place, lambda item: _section(item, numbers)),
            "slides": lambda place: maps.items(place, _slide, some=False),
        }
        return maps.fields(place, read, optional=("slides",))

    def lecture(place: maps.Place) -> dict:
        read = {
            "title": maps.text,
            "series": maps.text,
            "video": addresses.video,
            "chapters": lambda place: _ascending(place, maps.entries(place, name, chapter)),
        }
        return maps.fields(place, read)

    return maps.entries(place, number, lecture)


def _ascending(place: maps.Place, chapters: dict[str, dict]) -> dict[str, dict]:
    """Accept chapters of which each begins after the one before."""
    for (one, first), (two, then) in itertools.pairwise(chapters.items()):
        if first["start"] >= then["start"]:
            raise maps.pairs(maps.pairs(place)[two])["start"].refuse(
                f"chapter times must ascend: {one!r} before it starts at {clock(first['start'])}, "
                f"{two!r} at {clock(then['start'])}"
            )
    return chapters


def _section(place: maps.Place, numbers: set[str]) -> str:
    """Read where the notebooks are: "1.2", or "3" for the summary of notebook 03."""
    said = maps.raw(place)
    if not re.fullmatch(r"\d{1,2}(\.\d{1,2})?", said, re.ASCII):
        raise place.refuse('a section is expected here, such as "1.2", or "3" for a summary')
    number = f"{int(said.partition('.')[0]):02}"
    if number not in numbers:
        raise place.refuse(f"there is no notebook {number} in this file")
    known = _sections(number)
    if said not in known:
        raise place.refuse(f"notebook {number} has no section {said}: it has {', '.join(known)}")
    return said


@functools.cache
def _sections(number: str) -> tuple[str, ...]:
    return tuple(notebooks.sections(notebooks.path_of(number)))


def _slide(place: maps.Place) -> str:
    """Read a slide such as "01#predict-half"; generated.slide_link asks whether the deck has it."""
    if not re.fullmatch(r"\d\d#[\w-]+", maps.raw(place), re.ASCII):
        raise place.refuse('a slide is expected here, such as "01#predict-half"')
    return maps.raw(place)


def _notebooks(place: maps.Place, chapters: dict[str, None]) -> dict:
    """Read what is said of each notebook."""

    def page(place: maps.Place) -> dict:
        number = place.keys[-1]
        read = {
            "file": lambda item: _file(item, number),
            "title": _no_minute,
            "builds": _no_minute,
            "surprise": _no_minute,
            "objectives": lambda item: maps.items(item, _no_minute),
            "before": lambda item: _before(item, chapters),
            "cues": lambda item: maps.items(item, maps.choice(chapters, "chapter"), some=False),
        }
        return maps.fields(place, read)

    return maps.entries(place, plans.number, page)


def _file(place: maps.Place, number: str) -> str:
    """Read a notebook's file name."""
    said = maps.raw(place)
    if not re.fullmatch(rf"{number}_[\w-]+\.ipynb", said, re.ASCII):
        raise place.refuse(f"a file name such as {number}_a_name.ipynb is expected here")
    if not (notebooks.FOLDER / said).is_file():
        raise place.refuse(f"the folder {notebooks.FOLDER.name} has no such file")
    return said


def _no_minute(place: maps.Place) -> str:
    """Read a text in which no minute of the video can stand."""
    if "{minute" in maps.text(place):
        raise place.refuse("a minute such as {minute:coding} is filled in under `before` alone")
    return maps.text(place)


def _before(place: maps.Place, chapters: dict[str, None]) -> str:
    """Read a text in which {minute:coding} stands for the minute of a chapter."""
    said = maps.text(place)
    for name in _MINUTE.findall(said):
        if name not in chapters:
            raise place.refuse(f"unknown chapter {name!r}: known are {', '.join(chapters)}")
    if "{minute" in _MINUTE.sub("", said):
        raise place.refuse("a minute is written as {minute:coding}, without spaces")
    return said


def moment(course: dict, chapter: str) -> tuple[int, str, int]:
    """Return the lecture's number, its video and the second at which a chapter starts.

    Raises:
        ValueError: no lecture has such a chapter.
    """
    for number, lecture in course["lectures"].items():
        if chapter in lecture["chapters"]:
            return number, lecture["video"], lecture["chapters"][chapter]["start"]
    known = ", ".join(c for lecture in course["lectures"].values() for c in lecture["chapters"])
    raise ValueError(f"unknown chapter {chapter!r}; course.yml has {known}")


def clock(seconds: int) -> str:
    """Write a moment of a video in minutes and seconds, such as 9:56."""
    return f"{seconds // 60}:{seconds % 60:02}"


def minute(course: dict, chapter: str) -> str:
    """Write when a chapter starts, such as 9:56."""
    return clock(moment(course, chapter)[2])


def cue(course: dict, chapter: str) -> str:
    """Write a cue mark without its ▶, such as Lecture 22, 9:56, with its link into the video."""
    number, video, start = moment(course, chapter)
    link = f"https://youtu.be/{video}?t={start}"
    return f"[Lecture {number}, {minute(course, chapter)}]({link})"
