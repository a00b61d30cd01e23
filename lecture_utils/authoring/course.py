"""The course map, course.yml: read once and checked; when a chapter of the lecture begins."""

import re
from pathlib import Path

import yaml

from lecture_utils.authoring import notebooks

COURSE = notebooks.ROOT / "course.yml"


def load(path: Path = COURSE) -> dict:
    """Read the course map and check it.

    Raises:
        ValueError: a key is missing, chapter times do not ascend, or a repository is not
            "owner/name".
    """
    course = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key in ("title", "repository", "lectures", "notebooks"):
        if key not in course:
            raise ValueError(f"{path.name} has no key {key!r}")
    repository = course["repository"]
    if repository and not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ValueError(f"repository must be owner/name or empty; got {repository!r}")
    for number, lecture in course["lectures"].items():
        starts = [chapter["start"] for chapter in lecture["chapters"].values()]
        if starts != sorted(set(starts)):
            raise ValueError(f"lecture {number}: chapter times must ascend; got {starts}")
    return course


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


def minute(course: dict, chapter: str) -> str:
    """Write when a chapter starts, such as 9:56."""
    _, _, start = moment(course, chapter)
    return f"{start // 60}:{start % 60:02}"


def cue(course: dict, chapter: str) -> str:
    """Write a cue mark without its ▶, such as Lecture 22, 9:56, with its link into the video."""
    number, video, start = moment(course, chapter)
    link = f"https://youtu.be/{video}?t={start}"
    return f"[Lecture {number}, {minute(course, chapter)}]({link})"
