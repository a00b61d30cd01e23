"""Handouts: a printed sheet for each block of the workshop, and for each session of an edition.

In front are the predictions, keyed by letter, as the decks ask them; on the back the answers and,
for a block, what to keep, from slides/handouts/block_N.md. A notebook may have a sheet of pictures
besides, slides/handouts/sheet_NN.md, to have on the table. And there are cards for the day.
"""

import re
from pathlib import Path

import mistune

from lecture_utils.authoring import decks, editions, slides, timetables
from lecture_utils.authoring.printing import open_tab

FOLDER = slides.FOLDER / "handouts"
PARTS = ("title", "keep", "figure", "measured")  # what the source of a handout consists of
SHEET = ("title", "pictures")  # and of a sheet
CARDS = {"helpers": ("title", "card"), "ticket": ("title", "card", "feedback")}  # printed besides
TWO_SIDED = ("handout_", "card_ticket")
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


def handout(block: int, course: dict) -> str:
    """Build the handout of a block: a page that needs no other file and no network.

    Raises:
        DeckError: there is no source, a part is missing, or a figure or claim does not exist.
    """
    path = FOLDER / f"block_{block}.md"
    if not path.exists():
        raise slides.DeckError(f"block {block} of the workshop needs slides/handouts/{path.name}")
    asked = predictions([n for n in course["teaching"]["blocks"][block - 1] if n != "00"])
    title, *rest = parts_of(path, PARTS)
    return filled(path.name, [title, front(asked), back(asked), *rest])


def of_session(session: editions.Session) -> str:
    """Build the handout of a session: the predictions that it makes, and their answers."""
    asked = [(s.number, s.slide) for s in session.steps if "Question" in s.slide.notes]
    title = section("title", f"# {session.title}\n\nName {{blank}}", session.name)
    return filled(session.name, [title, front(asked), back(asked)])


def of_the_door(course: dict, session: editions.Session) -> str:
    """Build the timetable of a session, in large letters."""
    text = timetables.door(course, session)
    return filled(session.name, [section("door", text, session.name)])


def predictions(numbers: list[str]) -> list[tuple[str, slides.Slide]]:
    """Return the predictions of notebooks' decks: (number, slide)."""
    found = ((n, slide) for n in numbers for slide in slides.slides_of(slides.source(n)))
    return [(n, slide) for n, slide in found if slide.name.startswith("predict-")]


def front(asked: list[tuple[str, slides.Slide]]) -> str:
    """Write what a sheet asks: each prediction with its letters, to circle one."""
    lines = ["## My predictions: circle a letter before the cell runs", ""]
    for k, (number, slide) in enumerate(asked, start=1):
        letters = re.findall(r"^- \*\*([a-d])\*\* ", slide.text, re.MULTILINE)
        circles = "".join(f'<b class="letter">{letter}</b>' for letter in letters)
        circles = f'<span class="letters">{circles}</span>'
        where = f"deck {number}, slide {slide.name}"
        question = slides.with_numbers(slide.notes["Question"], number, where)
        lines.append(f"{k}. § {slide.section} {question} {circles}")
    return section("predict", "\n".join(lines), "predictions")


def back(asked: list[tuple[str, slides.Slide]]) -> str:
    """Write the other side: the answers, with what is usually answered in their place."""
    lines = ["## Answers. Turn over when the cells have run", ""]
    for k, (number, slide) in enumerate(asked, start=1):
        (letter,) = re.findall(r"^Answer: ([a-d])$", slide.text, re.MULTILINE)
        where = f"deck {number}, slide {slide.name}"
        usual = slides.with_numbers(slide.notes["Usual wrong answer"], number, where)
        lines.append(f"{k}. **{letter}** Usual instead: {usual}")
    return section("answers", "\n".join(lines), "answers")


def sheets(course: dict, numbers: list[str] | None = None) -> list[str]:
    """Return the notebooks that have a sheet of pictures; with numbers, those of these."""
    found = sorted(path.stem.removeprefix("sheet_") for path in FOLDER.glob("sheet_*.md"))
    return [n for n in found if n in course["notebooks"] and n in (numbers or found)]


def page(path: Path, expected: tuple[str, ...]) -> str:
    """Build the page of one source, which must have the expected parts.

    Raises:
        DeckError: a part is missing, or a figure or claim does not exist.
    """
    return filled(path.name, parts_of(path, expected))


def parts_of(path: Path, expected: tuple[str, ...]) -> list[str]:
    """Write the parts of a source, which must be the expected ones.

    Raises:
        DeckError: a part is missing, or a figure or claim does not exist.
    """
    parts = {part.name: part.text for part in slides.slides_of(path)}
    if tuple(parts) != expected:
        given = list(parts)
        raise slides.DeckError(f"{path.name}: parts must be {', '.join(expected)}; got {given}")
    return [section(name, text, path.name) for name, text in parts.items()]


def filled(name: str, parts: list[str]) -> str:
    """Put parts together to a page that needs no other file and no network."""
    wanted = {
        "css": decks.math_css(),
        "scripts": decks.scripts("katex/katex.min.js", "katex/auto-render.min.js"),
        "name": name,
        "parts": "\n".join(parts),
    }
    frame = (FOLDER / "page.html").read_text("utf-8")
    return re.sub(r"<!-- (\w+) -->", lambda mark: wanted[mark[1]], frame)


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
    """Build handouts and sheets of these notebooks; without numbers of all, and cards."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {f"handout_{block}": handout(block, course) for block in blocks(course, numbers)}
    for number in sheets(course, numbers):
        made[f"sheet_{number}"] = page(FOLDER / f"sheet_{number}.md", SHEET)
    if not numbers:
        made |= {f"handout_{s.name}": of_session(s) for s in asking(course)}
        made |= {f"door_{s.name}": of_the_door(course, s) for s in asking(course)}
        made |= {f"card_{name}": page(FOLDER / f"{name}.md", CARDS[name]) for name in CARDS}
    for name, text in made.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return [folder / f"{name}.html" for name in made]


def asking(course: dict) -> list[editions.Session]:
    """Return the sessions of all editions in which predictions are made."""
    found = (s for name in course["teaching"]["editions"] for s in editions.sessions(course, name))
    return [s for s in found if any("Question" in step.slide.notes for step in s.steps)]


def print_pdfs(pages: list[Path]) -> list[Path]:
    """Print built handouts beside them, on A4; nothing where no Chromium is installed.

    Raises:
        DeckError: a handout has not a front and a back, another sheet not one page, or is too wide.
    """
    with open_tab() as tab:
        for page in pages if tab else []:
            tab.goto(page.resolve().as_uri())
            if tab.evaluate("document.body.scrollWidth > document.body.clientWidth"):
                raise slides.DeckError(f"{page.name}: something is wider than the page")
            pdf = tab.pdf(path=page.with_suffix(".pdf"), prefer_css_page_size=True)
            leaves = len(re.findall(rb"/Type\s*/Page\b", pdf))
            sides = 2 if page.name.startswith(TWO_SIDED) else 1
            if leaves != sides:
                raise slides.DeckError(f"{page.name}: {leaves} printed pages instead of {sides}")
        return [page.with_suffix(".pdf") for page in pages] if tab else []
