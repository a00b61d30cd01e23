"""Handouts: one printed page for each block of the workshop, from slides/handouts/block_N.md.

A notebook may have a sheet of pictures besides, slides/handouts/sheet_NN.md, to have on the table.
"""

import re
from pathlib import Path

import mistune

from lecture_utils.authoring import decks, slides
from lecture_utils.authoring.printing import open_tab

FOLDER = slides.FOLDER / "handouts"
PARTS = ("title", "predict", "keep", "figure", "measured")  # what a handout consists of
SHEET = ("title", "pictures")  # and a sheet
BLANK = '<span class="blank"></span>'  # a line to write on
_CLAIM = re.compile(r"\{claim:(\d\d)#([\w.]+)\}")


def blocks(course: dict, numbers: list[str] | None = None) -> list[int]:
    """Return the blocks whose notebooks all exist; with numbers, those with one of these."""
    found = []
    for k, block in enumerate(course["teaching"]["blocks"], start=1):
        pages = [number for number in block if number != "00"]
        exists = all(number in course["notebooks"] for number in pages)
        if exists and (not numbers or set(numbers) & set(pages)):
            found.append(k)
    return found


def handout(block: int) -> str:
    """Build one handout: a page that needs no other file and no network.

    Raises:
        DeckError: there is no source, a part is missing, or a figure or claim does not exist.
    """
    path = FOLDER / f"block_{block}.md"
    if not path.exists():
        raise slides.DeckError(f"block {block} of the workshop needs slides/handouts/{path.name}")
    return page(path, PARTS)


def sheets(course: dict, numbers: list[str] | None = None) -> list[str]:
    """Return the notebooks that have a sheet of pictures; with numbers, those of these."""
    found = sorted(path.stem.removeprefix("sheet_") for path in FOLDER.glob("sheet_*.md"))
    return [n for n in found if n in course["notebooks"] and n in (numbers or found)]


def page(path: Path, expected: tuple[str, ...]) -> str:
    """Build the page of one source, which must have the expected parts.

    Raises:
        DeckError: a part is missing, or a figure or claim does not exist.
    """
    parts = {part.name: part.text for part in slides.slides_of(path)}
    if tuple(parts) != expected:
        given = list(parts)
        raise slides.DeckError(f"{path.name}: parts must be {', '.join(expected)}; got {given}")
    filled = {
        "css": decks.math_css(),
        "scripts": decks.scripts("katex/katex.min.js", "katex/auto-render.min.js"),
        "name": re.sub(r"[#$*\\]", "", parts["title"].partition("\n")[0]).strip(),
        "parts": "\n".join(section(name, text, path.name) for name, text in parts.items()),
    }
    frame = (FOLDER / "page.html").read_text("utf-8")
    return re.sub(r"<!-- (\w+) -->", lambda mark: filled[mark[1]], frame)


def section(name: str, text: str, deck: str) -> str:
    """Write one part; `{claim:01#test_x}` is a measured number, `{blank}` a place to write."""
    where = f"{deck}, part {name}"

    def number(mark: re.Match) -> str:
        return slides.with_numbers(f"{{claim:{mark[2]}}}", mark[1], where)

    renderer = decks.Page("", deck, name)
    renderer.where = where
    markdown = mistune.create_markdown(renderer=renderer, plugins=["math", "table"])
    body = markdown(_CLAIM.sub(number, text)).replace("{blank}", BLANK)
    return f'<section id="{name}">\n{body}</section>'


def build(course: dict, numbers: list[str], folder: Path = decks.BUILT) -> list[Path]:
    """Build the handouts and sheets of these notebooks (of all, if none is named) into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {f"handout_{block}.html": handout(block) for block in blocks(course, numbers)}
    for number in sheets(course, numbers):
        made[f"sheet_{number}.html"] = page(FOLDER / f"sheet_{number}.md", SHEET)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in made]


def print_pdfs(pages: list[Path]) -> list[Path]:
    """Print built handouts beside them, on A4; nothing where no Chromium is installed.

    Raises:
        DeckError: a handout needs more than one page, or is wider than its page.
    """
    with open_tab() as tab:
        for page in pages if tab else []:
            tab.goto(page.resolve().as_uri())
            if tab.evaluate("document.body.scrollWidth > document.body.clientWidth"):
                raise slides.DeckError(f"{page.name}: something is wider than the page")
            pdf = tab.pdf(path=page.with_suffix(".pdf"), prefer_css_page_size=True)
            leaves = len(re.findall(rb"/Type\s*/Page\b", pdf))
            if leaves != 1:
                raise slides.DeckError(f"{page.name}: {leaves} printed pages instead of one")
        return [page.with_suffix(".pdf") for page in pages] if tab else []
