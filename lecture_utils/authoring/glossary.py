"""Words and symbols of the course: notebooks/glossary.yml, and where the notebooks use them."""

import re
from dataclasses import dataclass
from pathlib import Path

from lecture_utils.authoring import maps, notebooks, plans

GLOSSARY = notebooks.FOLDER / "glossary.yml"
GREEK = re.compile(
    "alpha|beta|[gG]amma|[dD]elta|(var)?epsilon|zeta|eta|[tT]heta|kappa|[lL]ambda|mu|nu|xi|rho|"
    "[sS]igma|tau|[pP]hi|varphi|chi|[pP]si|[oO]mega"
)
# In a formula: a command with its argument that is text, a command, a letter. Text is no symbol.
_TEXT = r"\\(?:text|mathrm|operatorname|texttt|begin|end)\s*(?:\{[^{}]*\}|[A-Za-z])"
_NO_PROSE = (
    r"<!-- begin (?:glossary|header|footer) -->.*?<!-- end -->|```.*?```|`[^`\n]*`|\]\([^)\s]*\)"
)
_SYMBOL = re.compile(
    rf"{_TEXT}|(?P<math>\\math(?:cal|bb)\s*\{{?[A-Z]\}}?)|\\(?P<command>[A-Za-z]+)|(?P<letter>[A-Za-z])"
)


@dataclass(frozen=True)
class Entry:
    """One symbol or term.

    Attributes:
        name: as it is printed: "$L$", or "shortcut".
        means: its one meaning in this course, in one sentence without a full stop.
        form: a regular expression for its use, in a formula or, for a term, in the prose.
        words: regular expressions; an introduction of the symbol contains one of them.
        since: the notebook that brings it; before that notebook exists, the entry is left out.
    """

    name: str
    means: str
    form: str
    words: tuple[str, ...] = ()
    since: str = "00"

    @property
    def is_symbol(self) -> bool:
        """Tell a symbol from a term."""
        return self.name.startswith("$")


def load(course: dict, path: Path = GLOSSARY) -> tuple[list[Entry], list[str]]:
    """Return the entries for the notebooks that exist, and the letters without a fixed meaning.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a name stands twice, or something is not understood: the message names its line.
    """
    wanted = {
        "symbols": lambda place: maps.items(place, _entry),
        "free": lambda place: maps.items(place, maps.text),
        "terms": lambda place: maps.items(place, _entry),
    }
    found = maps.fields(maps.read(path), wanted)
    entries = [*found["symbols"], *found["terms"]]
    names = [entry.name for entry in entries]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{path.name}: {twice[0]} stands there twice: keep one of them")
    return [entry for entry in entries if entry.since in course["notebooks"]], found["free"]


def _entry(place: maps.Place) -> Entry:
    """Read one symbol or term."""
    wanted = {
        "name": _name,
        "means": maps.text,
        "form": _pattern,
        "words": lambda words: maps.items(words, _pattern),
        "since": plans.number,
    }
    fields = maps.fields(place, wanted, optional=("form", "words"))
    bare = fields["name"].strip("$")
    form = re.escape(bare) if "$" in fields["name"] else rf"\b{bare}s?\b"
    return Entry(**{"form": form, **fields, "words": tuple(fields.get("words", ()))})


def _name(place: maps.Place) -> str:
    said = maps.text(place)
    if not re.fullmatch(r"\$[^$]+\$|[^$]+", said):
        raise place.refuse('a name is a term, or a symbol between two dollars such as "$L$"')
    return said


def _pattern(place: maps.Place) -> str:
    try:
        re.compile(maps.raw(place))
    except re.error as error:
        raise place.refuse(f"a regular expression is expected here ({error})") from None
    return maps.raw(place)


def prose(course: dict) -> dict[str, str]:
    """Return the prose of each notebook: no code, no links' targets, no bars, no glossary."""
    texts = {}
    for number in course["notebooks"]:
        cells = notebooks.read(notebooks.path_of(number)).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        texts[number] = re.sub(_NO_PROSE, "", text, flags=re.DOTALL)
    return texts


def formulas(text: str) -> list[str]:
    """Return what stands between dollars."""
    found = re.findall(r"\$\$(.+?)\$\$|\$([^$]+?)\$", text, flags=re.DOTALL)
    return [block or line for block, line in found]


def symbols(formula: str) -> list[tuple[str, str]]:
    r"""Return the symbols of a formula, each with what stands from there on.

    A symbol is a letter, a Greek letter, or \mathcal L; \text{…} and \mathrm{…} hold none.
    """
    found = []
    for match in _SYMBOL.finditer(formula):
        name = match["math"] or match["letter"]
        if match["command"] and GREEK.fullmatch(match["command"]):
            name = f"\\{match['command']}"
        if name:
            found.append((re.sub(r"[{}\s]", "", name), formula[match.start() :]))
    return found


def kind_of(name: str, rest: str) -> str:
    r"""Return a symbol with how it is used: `\sigma'` of a function, `\sigma_\min`, or bare."""
    after = rest[rest.index(name[-1]) + 1 :] if name.startswith(r"\math") else rest[len(name) :]
    if after.startswith(("'", "(")):
        return f"{name}'"
    worded = re.match(r"_\{?\\?(?:text\{|mathrm\{)?([a-z]{2,})", after)
    return f"{name}_{worded[1]}" if worded else name


def entry_of(rest: str, entries: list[Entry]) -> Entry | None:
    """Return the entry of the symbol with which `rest` begins: the longest form that fits."""
    fits = [entry for entry in entries if entry.is_symbol and re.match(entry.form, rest)]
    return max(fits, key=lambda entry: re.match(entry.form, rest).end(), default=None)


def uses(course: dict, entries: list[Entry]) -> dict[str, list[str]]:
    """Return the notebooks in which each entry is used, by the entry's name."""
    found: dict[str, list[str]] = {entry.name: [] for entry in entries}
    for number, text in prose(course).items():
        names = {entry.name for entry in entries if not entry.is_symbol and _said(entry, text)}
        for formula in formulas(text):
            met = (entry_of(rest, entries) for _, rest in symbols(formula))
            names |= {entry.name for entry in met if entry}
        for name in names:
            found[name].append(number)
    return found


def _said(entry: Entry, text: str) -> bool:
    return re.search(entry.form, text, flags=re.IGNORECASE) is not None


def table(course: dict) -> str:
    """Write the glossary in Markdown."""
    entries, free = load(course)
    where = uses(course, entries)
    rows = ["| Symbol | means | used in |", "|---|---|---|"]
    rows += [_row(entry, where) for entry in entries if entry.is_symbol]
    letters = ", ".join(f"${letter}$" for letter in free)
    rows += [
        "",
        f"The letters {letters} have no fixed meaning: each section says what it takes them",
    ]
    rows[-1] += " for."
    rows += ["", "| Term | means | used in |", "|---|---|---|"]
    terms = sorted((e for e in entries if not e.is_symbol), key=lambda e: e.name.lower())
    return "\n".join([*rows, *(_row(entry, where) for entry in terms)])


def _row(entry: Entry, where: dict[str, list[str]]) -> str:
    name = entry.name if entry.is_symbol else f"**{entry.name}**"
    return f"| {name} | {entry.means} | {', '.join(where[entry.name])} |"
