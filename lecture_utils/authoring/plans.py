"""How the course is taught, `teaching` in course.yml: its plans, read and checked."""

import functools
import re

import yaml

from lecture_utils.authoring import addresses, maps, notebooks, slides

_LONGEST = 240  # minutes of what lies between two notebooks
_BETWEEN = ("welcome", "questions", "discussion", "closing", "break", "lunch")


def number(place: maps.Place) -> str:
    """Read a notebook's number, two digits such as "01".

    Raises:
        ValueError: it is anything else.
    """
    if not re.fullmatch(r"\d\d", maps.raw(place), re.ASCII):
        raise place.refuse('a notebook\'s number is expected here, two digits such as "01"')
    return maps.raw(place)


def teaching(place: maps.Place, existing: set[str]) -> dict:
    """Read `teaching`: blocks, plans, and what can be left out.

    Args:
        place: where it stands.
        existing: the numbers of the notebooks that there are; those that only stand in `blocks`
            are to come.

    Raises:
        ValueError: something in it is not understood.
    """
    known = set(existing)

    def blocks(place: maps.Place) -> list[list[str]]:
        found = maps.items(place, lambda block: maps.items(block, number))
        _once(place, [name for block in found for name in block])
        known.update(name for block in found for name in block)
        return found

    wanted = {
        "blocks": blocks,  # the first: it says which notebooks are to come
        "editions": lambda place: maps.entries(place, _name, lambda e: _edition(e, existing)),
        "leave out": lambda place: _leave_out(place, existing),
    }
    return maps.fields(place, wanted)


def _name(place: maps.Place) -> str:
    """Read an edition's name, which its decks carry."""
    if not re.fullmatch(r"[a-z]+", maps.raw(place), re.ASCII):
        raise place.refuse('a name in small letters is expected here, such as "day"')
    return maps.raw(place)


def _edition(place: maps.Place, existing: set[str]) -> dict:
    """Read an edition: its sessions by the clock, and what it leaves out."""

    def page(place: maps.Place) -> str:
        return _known(place, existing)

    wanted = {
        "title": maps.text,
        "starts": addresses.time_of_day,
        "plan": lambda place: maps.items(place, lambda session: _plan(session, existing)),
        "projector": lambda place: maps.items(place, page, some=False),
        "without": lambda place: _without(place, existing),
    }
    found = maps.fields(place, wanted)
    _once(place, [item[:2] for session in found["plan"] for item in session if item[0].isdigit()])
    return found


def _once(place: maps.Place, names: list[str]) -> None:
    """Accept a plan in which each notebook stands once."""
    for name in names:
        if names.count(name) > 1:
            raise place.refuse(f"notebook {name} stands there twice: take it out once")


def _known(place: maps.Place, known: set[str]) -> str:
    if number(place) not in known:
        raise place.refuse(f"it is no notebook of this file; there are {', '.join(sorted(known))}")
    return number(place)


def _plan(place: maps.Place, existing: set[str]) -> list[str]:
    """Read a session: notebooks, and what lies between them with its minutes."""

    def item(place: maps.Place) -> str:
        said = maps.raw(place)
        found = re.fullmatch(r"(\d\d)( exercises)?|([a-z]+) (\d+)", said, re.ASCII)
        if not found or (found[3] and found[3] not in _BETWEEN):
            raise place.refuse(
                f'a notebook ("01", "01 exercises") or {", ".join(_BETWEEN)} with minutes '
                f'("break 15") is expected here'
            )
        if found[1] and found[1] not in existing:
            raise place.refuse(f"there is no notebook {found[1]} in this file")
        if found[4] and not 0 < int(found[4]) <= _LONGEST:
            raise place.refuse(f"minutes are expected here, from 1 to {_LONGEST}")
        return said

    return maps.items(place, item)


def _without(place: maps.Place, existing: set[str]) -> dict[str, list[str]]:
    """Read, for each notebook, the sections, exercises and slides that an edition leaves out."""

    def what(place: maps.Place) -> str:
        said, page = maps.raw(place), place.keys[-2]
        if said not in _parts(page) | _slides(page):
            raise place.refuse(
                f'notebook {page} and its deck have no {said}: a section ("section '
                f'{int(page)}.1"), an exercise or a slide ("slide summary") is expected here'
            )
        return said

    def page(place: maps.Place) -> str:
        return _known(place, existing)

    if isinstance(place.node, yaml.MappingNode) and not place.node.value:
        return {}
    return maps.entries(place, page, lambda parts: maps.items(parts, what))


@functools.cache
def _slides(page: str) -> frozenset[str]:
    """Return the slides of a notebook's deck, as `without` names them."""
    return frozenset(f"slide {s.name}" for s in slides.slides_of(slides.source(page)))


def _leave_out(place: maps.Place, existing: set[str]) -> dict[str, dict[str, str]]:
    """Read, for each notebook, what goes first when time runs out, and what to say instead."""

    def what(place: maps.Place) -> str:
        said = maps.raw(place)
        page = place.keys[-2]
        if not re.fullmatch(rf"(section|exercise) {int(page)}\.\d{{1,2}}", said, re.ASCII):
            raise place.refuse(
                f'"section {int(page)}.1" or "exercise {int(page)}.1" of notebook {page} is '
                f"expected here"
            )
        if page in existing and said not in _parts(page):
            raise place.refuse(f"notebook {page} has no {said}")
        return said

    return maps.entries(place, number, lambda page: maps.entries(page, what, maps.text))


@functools.cache
def _parts(page: str) -> frozenset[str]:
    """Return the sections and exercises of a notebook, as `leave out` names them."""
    path = notebooks.path_of(page)
    exercises = (re.fullmatch(r"ex-(\d+)-(\d+)-task", c.id) for c in notebooks.read(path).cells)
    return frozenset(
        {f"section {name}" for name in notebooks.sections(path)}
        | {f"exercise {found[1]}.{found[2]}" for found in exercises if found}
    )
