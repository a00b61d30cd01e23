"""The decks' sources, slides/NN_*.md: slides, speaker notes, and what they take from notebooks."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from lecture_utils.authoring import notebooks
from lecture_utils.authoring.claims import claims_of

FOLDER = notebooks.ROOT / "slides"
# what notes may hold: for the speaker, for the slide after an exercise, for the handout
NOTES = ("Minute", "Say", "Ask", "Usual wrong answer", "Show", "Debrief", "Question")
_HEAD = re.compile(
    r"^=== ([a-z0-9-]+)(?: § (\d+\.\d+|end))?(?: ▶ ([\w-]+))?(?: ← ([\w#, -]+))?$",
    flags=re.MULTILINE,
)


class DeckError(ValueError):
    """A deck that cannot be built: the message names deck, slide and what is missing."""


@dataclass(frozen=True)
class Slide:
    """One slide of a deck.

    Attributes:
        name: what it is called in its deck.
        section: of the notebook, such as "1.3"; "end" from the summary on.
        chapter: of the lecture that begins here, or "".
        needs: the slides that it builds on, such as ("two-parts", "00#story").
        text: its Markdown.
        notes: for the speaker, by kind.
    """

    name: str
    section: str
    chapter: str
    needs: tuple[str, ...]
    text: str
    notes: dict[str, str]

    @property
    def title(self) -> str:
        """Its heading as plain words."""
        return re.sub(r"[#*$`\\]", "", self.text.partition("\n")[0]).strip()

    @property
    def exercise(self) -> str:
        """The exercise that it sets, such as "1.1", or ""."""
        found = re.match(r"## Exercise (\d+\.\d+)", self.text)
        return found[1] if found else ""


def source(number: str) -> Path:
    """Return the path of a notebook's deck, slides/NN_*.md.

    Raises:
        DeckError: there is none, or more than one.
    """
    found = sorted(FOLDER.glob(f"{number}_*.md"))
    if len(found) != 1:
        raise DeckError(
            f"notebook {number} needs one deck slides/{number}_*.md; found {len(found)}"
        )
    return found[0]


def slides_of(path: Path) -> list[Slide]:
    """Read a deck: `=== name § 1.3 ▶ chapter ← needs`, Markdown, after `Notes:` the speaker notes.

    A slide without § stands in the section of the one before it.

    Raises:
        DeckError: text before the first slide, a name used twice, or notes of an unknown kind.
    """
    before, *parts = _HEAD.split(path.read_text(encoding="utf-8"))
    if before.strip():
        raise DeckError(f"{path.name}: text before the first slide; a slide begins with `=== name`")
    slides, section = [], ""
    for name, place, chapter, needs, text in zip(*(parts[k::5] for k in range(5)), strict=True):
        body, _, spoken = text.partition("\nNotes:\n")
        section, asked = place or section, tuple((needs or "").replace(",", " ").split())
        notes = _notes(spoken, path, name)
        slides.append(Slide(name, section, chapter or "", asked, body.strip(), notes))
    names = [slide.name for slide in slides]
    if twice := [name for name in names if names.count(name) > 1]:
        raise DeckError(f"{path.name}: two slides are named {twice[0]}")
    return slides


def with_keeps(deck: list[Slide], number: str, whole: set[str] | None = None) -> list[Slide]:
    """Add the notebook's sentence to keep to the notes of the last slide of each section.

    Args:
        deck: the slides that are shown.
        number: of the notebook.
        whole: the sections that are shown whole; None: all are.
    """
    sections = notebooks.sections(notebooks.path_of(number))
    if whole is not None:
        sections = {name: text for name, text in sections.items() if name in whole}
    last = {slide.section: slide.name for slide in deck}
    found = []
    for slide in deck:
        kept = re.search(r"\*\*Keep:\*\* (.+)", sections.get(slide.section, ""))
        if kept and last[slide.section] == slide.name:
            slide = replace(slide, notes=slide.notes | {"Keep": kept[1]})
        found.append(slide)
    return found


def _notes(spoken: str, path: Path, name: str) -> dict[str, str]:
    found = {}
    for line in spoken.strip().splitlines():
        kind, colon, words = line.partition(": ")
        if colon and kind in NOTES:
            found[kind] = words.strip()
        elif found and line.startswith(" "):
            found[list(found)[-1]] += f" {line.strip()}"
        else:
            raise DeckError(f"{path.name}, slide {name}: notes begin with {NOTES}; got {line!r}")
    return found


def figure(number: str, tag: str, where: str) -> tuple[str, str]:
    """Return a notebook's figure by its cell tag: the PNG in base64, and its alt text.

    Raises:
        DeckError: no executed cell with that tag has a picture.
    """
    path = notebooks.path_of(number)
    for cell in notebooks.read(path).cells:
        if tag in cell.metadata.get("tags", []):
            for output in cell.get("outputs", []):
                if "image/png" in output.get("data", {}):
                    alt = output.metadata["image/png"]["alt"]
                    return output.data["image/png"].replace("\n", ""), alt
    raise DeckError(f"{where}: no figure with the tag {tag!r} in {path.name}")


def with_numbers(text: str, number: str, where: str) -> str:
    """Fill in measured numbers: `{claim:test_name}`, or `{claim:test_name.median}`.

    Raises:
        DeckError: the notebook has no such claim.
    """
    rows = {name: test.claim for name, test in claims_of(number)} if "{claim:" in text else {}

    def fill(mark: re.Match) -> str:
        name, _, part = mark[1].partition(".")
        if name not in rows or part not in ("", "median", "low", "high"):
            raise DeckError(f"{where}: no claim {mark[1]!r} in notebook {number}")
        found = re.fullmatch(r"(\S+) \[(\S+), (\S+)\]", rows[name].measured)
        values = dict(zip(("median", "low", "high"), found.groups(), strict=True))
        return f"{values[part]}{rows[name].unit and ' ' + rows[name].unit}" if part else found[0]

    return re.sub(r"\{claim:([\w.]+)\}", fill, text)
