"""How the course is taught, `teaching` in course.yml: its plans, read and checked."""

import functools
import re

from lecture_utils.authoring import addresses, maps, notebooks

_LONGEST = 240  # minutes of a pause


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

    def several(place: maps.Place) -> list[list]:
        found = maps.items(place, lambda session: _plan(session, known))
        _once(place, [name for session in found for name in session])
        return found

    def home(place: maps.Place) -> list[list[str]]:
        found = maps.items(place, lambda part: maps.items(part, lambda n: _known(n, known)))
        _once(place, [name for session in found for name in session])
        return found

    def plan(read: maps.Reader, **more: maps.Reader) -> maps.Reader:
        wanted = {"starts": addresses.time_of_day, **more, "plan": read}
        return lambda place: maps.fields(place, wanted)

    wanted = {
        "blocks": blocks,  # the first: it says which notebooks are to come
        "day": plan(lambda place: _plan(place, known)),
        "days": plan(several),
        "evenings": plan(several),
        "flipped": plan(home, questions=_minutes, discussion=_minutes),
        "leave out": lambda place: _leave_out(place, existing),
    }
    return maps.fields(place, wanted)


def _once(place: maps.Place, names: list) -> None:
    """Accept a plan in which each notebook stands once."""
    named = [name for name in names if isinstance(name, str)]
    for name in named:
        if named.count(name) > 1:
            raise place.refuse(f"notebook {name} stands there twice: take it out once")


def _known(place: maps.Place, known: set[str]) -> str:
    if number(place) not in known:
        raise place.refuse(
            "it is no notebook of this file, nor one to come, of `blocks` (a pause in minutes "
            "stands without quotes, between two notebooks)"
        )
    return number(place)


def _minutes(place: maps.Place) -> int:
    if not 0 < maps.whole(place) <= _LONGEST:
        raise place.refuse(f"minutes are expected here, from 1 to {_LONGEST}")
    return maps.whole(place)


def _plan(place: maps.Place, known: set[str]) -> list[str | int]:
    """Read the notebooks of a session and, as numbers, the pauses between them.

    "10" in quotes is a notebook, 10 a pause; 09, which no pause is written as, is a notebook.
    """

    def item(place: maps.Place) -> str | int:
        said = maps.raw(place)
        if place.is_quoted() or re.fullmatch(r"0\d", said, re.ASCII):
            return _known(place, known)
        return _minutes(place)

    found = maps.items(place, item)
    pauses = [isinstance(part, int) for part in found]
    for k, pause in enumerate(pauses):
        if pause and (k in (0, len(pauses) - 1) or pauses[k - 1]):
            raise place.at(str(k + 1), place.node.value[k]).refuse(
                "a pause in minutes stands between two notebooks, and a notebook's number in "
                'quotes, such as "10"'
            )
    _once(place, found)
    return found


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
