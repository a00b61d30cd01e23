"""Reading the course's YAML files as they are written, not as YAML guesses: each fault by its line.

PyYAML turns `9:56` into 596, `01` into 1, `1.10` into 1.1 and `no` into False, and takes the last
of two equal keys. Here a value stays the text that stands in the file until somebody says what it
must be. A reader takes a `Place` and returns the value, or refuses it: file, line, key, what was
given, what was expected.

    page = maps.fields(maps.read(path), {"title": maps.text, "seconds": maps.whole})
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_LISTED = 12  # known names that a message lists at most


@dataclass(frozen=True)
class Place:
    """A value where it stands: its file, the keys that lead to it, and YAML's node."""

    file: str
    keys: tuple[str, ...]
    node: yaml.Node

    def refuse(self, expected: str) -> ValueError:
        """Return the error that says where, what was given, and what is expected."""
        line = self.node.start_mark.line + 1
        where = f"{self.file}, line {line}" + (f", {'.'.join(self.keys)}" if self.keys else "")
        return ValueError(f"{where}: {expected}; got {self.given()}")

    def given(self) -> str:
        """Return in a few words what stands there."""
        if isinstance(self.node, yaml.MappingNode):
            return "keys with values"
        if isinstance(self.node, yaml.SequenceNode):
            return "a list"
        if self.is_nothing():
            return "nothing"
        return f"{self.node.value!r:.200}"

    def is_nothing(self) -> bool:
        """Tell whether nothing stands there: no value, null or ~."""
        return self.node.tag == "tag:yaml.org,2002:null"

    def is_quoted(self) -> bool:
        """Tell whether a value stands in quotes, or in lines of its own."""
        return isinstance(self.node, yaml.ScalarNode) and self.node.style is not None

    def at(self, key: str, node: yaml.Node) -> "Place":
        """Return the place of a part."""
        return Place(self.file, (*self.keys, key), node)


Reader = Callable[[Place], Any]


def read(path: Path) -> Place:
    """Read a YAML file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no text, no YAML, or empty.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; the course has its own in git")
    try:
        node = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name}: it is no UTF-8 text ({error}); save it as UTF-8") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{path.name}: it is no YAML: {_reason(error)}") from None
    if node is None:
        raise ValueError(f"{path.name}: the file is empty; the course has its own in git")
    return Place(path.name, (), node)


def _reason(error: Exception) -> str:
    """Say in one line what YAML found, and what it mostly comes from."""
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or str(error).partition("\n")[0]
    line = f"line {mark.line + 1}, " if mark else ""
    tab = "\\t" in said
    way = (
        "indent with spaces, not with a tab" if tab else "look at quotes, colons and indents there"
    )
    return f"{line}{said}; {way}"


def pairs(place: Place) -> dict[str, Place]:
    """Return the values of a mapping by their keys, as they are written.

    Raises:
        ValueError: it is no mapping, is empty, or a key stands twice.
    """
    if not isinstance(place.node, yaml.MappingNode) or not place.node.value:
        raise place.refuse("keys with values are expected here")
    found: dict[str, Place] = {}
    for key, node in place.node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
            raise Place(place.file, place.keys, key).refuse("a key must be one word or number")
        if key.value in found:
            before = found[key.value].node.start_mark.line + 1
            raise place.at(key.value, key).refuse(
                f"the key stands twice, in line {before}, too: keep one of them"
            )
        found[key.value] = place.at(key.value, node)
    return found


def fields(place: Place, wanted: dict[str, Reader], optional: tuple[str, ...] = ()) -> dict:
    """Read a mapping with known keys, each by its reader.

    Raises:
        ValueError: a key is missing or unknown, or its value is refused.
    """
    found = pairs(place)
    unknown = [key for key in found if key not in wanted]
    for key in wanted:
        if key not in found and key not in optional:
            near = difflib.get_close_matches(key, unknown, 1)
            way = f"was {near[0]!r} meant to be it?" if near else "add it"
            raise place.refuse(f"it has no key {key!r}: {way}")
    for key in unknown:
        raise found[key].refuse(f"unknown key {key!r}: known are {', '.join(wanted)}")
    return {key: read(found[key]) for key, read in wanted.items() if key in found}


def entries(place: Place, key: Reader, value: Reader) -> dict:
    """Read a mapping whose keys are names or numbers: each key and each value by one reader."""
    found: dict = {}
    for name, part in pairs(place).items():
        node = next(k for k, _ in place.node.value if k.value == name)
        read_key = key(place.at(name, node))
        if read_key in found:
            raise place.at(name, node).refuse(f"{read_key!r} stands there twice: keep one of them")
        found[read_key] = value(part)
    return found


def items(place: Place, value: Reader, *, some: bool = True) -> list:
    """Read a list, each item by one reader; with `some`, at least one.

    Raises:
        ValueError: it is no list, is empty, or an item is refused.
    """
    if not isinstance(place.node, yaml.SequenceNode):
        raise place.refuse("a list is expected here, such as [a, b]")
    if some and not place.node.value:
        raise place.refuse("the list needs at least one item")
    return [value(place.at(str(k), node)) for k, node in enumerate(place.node.value, start=1)]


def raw(place: Place) -> str:
    """Return a single value as it is written, without spaces at its ends.

    Raises:
        ValueError: it is a list, has keys, or nothing stands there.
    """
    if not isinstance(place.node, yaml.ScalarNode) or place.is_nothing():
        raise place.refuse("one text or number is expected here")
    return place.node.value.strip()


def text(place: Place) -> str:
    """Return a text of one line.

    Raises:
        ValueError: it is empty, has several lines, or would break a table or a generated part.
    """
    said = raw(place)
    if not said or "\n" in said:
        raise place.refuse("a text of one line is expected here")
    if "|" in said.replace(r"\|", "") or "<!--" in said:
        raise place.refuse(r"a text of tables has no | (write \| instead) and no <!--")
    if not said.isprintable():
        raise place.refuse("a text has no control characters: type it again")
    return said


def whole(place: Place) -> int:
    """Return a whole number, zero or more; 596.0 is one, too.

    Raises:
        ValueError: it is anything else.
    """
    digits = raw(place).removesuffix(".0")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 9:
        raise place.refuse("a whole number, zero or more, is expected here")
    return int(digits)


def choice(known: list[str] | dict, what: str) -> Reader:
    """Return a reader that accepts one of the known names."""

    def read(place: Place) -> str:
        said = raw(place)
        if said not in known:
            near = ", ".join(difflib.get_close_matches(said, known, 1)) or ", ".join(known)
            listed = ", ".join(list(known)[:_LISTED]) if len(known) <= _LISTED else near
            raise place.refuse(f"unknown {what} {said!r}: known are {listed}")
        return said

    return read
