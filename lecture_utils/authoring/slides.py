"""Decks: from slides/NN_*.md and the executed notebooks to one self-contained page each."""

import base64
import html
import re
from dataclasses import dataclass
from pathlib import Path

import mistune
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from lecture_utils.authoring import course as course_map
from lecture_utils.authoring import notebooks
from lecture_utils.authoring.claims import claims_of
from lecture_utils.authoring.printing import open_tab

FOLDER = notebooks.ROOT / "slides"
VENDOR = FOLDER / "vendor"
BUILT = FOLDER / "built"
NOTES = ("Minute", "Say", "Ask", "Usual wrong answer", "Show")  # what speaker notes may hold
SCRIPTS = ("reveal/reveal.js", "reveal/notes.js", "katex/katex.min.js", "katex/auto-render.min.js")
_HEAD = re.compile(r"^=== ([a-z0-9-]+)(?: ▶ ([\w-]+))?$", flags=re.MULTILINE)


class DeckError(ValueError):
    """A deck that cannot be built: the message names deck, slide and what is missing."""


@dataclass(frozen=True)
class Slide:
    """One slide: its name, the chapter of the lecture (or ""), Markdown, and speaker notes."""

    name: str
    chapter: str
    text: str
    notes: dict[str, str]


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
    """Read a deck: `=== name ▶ chapter`, Markdown, and after `Notes:` the speaker notes.

    Raises:
        DeckError: text before the first slide, a name used twice, or notes of an unknown kind.
    """
    before, *parts = _HEAD.split(path.read_text(encoding="utf-8"))
    if before.strip():
        raise DeckError(f"{path.name}: text before the first slide; a slide begins with `=== name`")
    slides = []
    for name, chapter, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        body, _, spoken = text.partition("\nNotes:\n")
        slides.append(Slide(name, chapter or "", body.strip(), _notes(spoken, path, name)))
    names = [slide.name for slide in slides]
    if twice := [name for name in names if names.count(name) > 1]:
        raise DeckError(f"{path.name}: two slides are named {twice[0]}")
    return slides


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


class Page(mistune.HTMLRenderer):
    """Markdown to HTML, with figures from executed notebooks and coloured Python."""

    def __init__(self, number: str, deck: str, slide: str):
        super().__init__(escape=False)
        self.number, self.where = number, f"{deck}, slide {slide}"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Inline the picture of a cell: `![](#fig-tag)`, or `![](03#fig-tag)` of another page."""
        number, _, tag = url.partition("#")
        data, alt = figure(number or self.number, tag, self.where)
        return f'<img src="data:image/png;base64,{data}" alt="{html.escape(text or alt)}">'

    def block_code(self, code: str, info: str | None = None) -> str:
        """Colour Python; everything else stays as it is."""
        if info == "python":
            return highlight(code, PythonLexer(), HtmlFormatter(cssclass="code"))
        return super().block_code(code, info)


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


def section(slide: Slide, number: str, deck: str, course: dict) -> str:
    """Write one slide: its content, its foot with the cue mark, its notes."""
    where = f"{deck}, slide {slide.name}"
    if not slide.notes.get("Minute", "").isdigit() or not slide.notes.get("Say"):
        raise DeckError(f"{where}: notes need `Minute: 12` and `Say: …`")
    page = Page(number, deck, slide.name)
    markdown = mistune.create_markdown(renderer=page, plugins=["math", "table", "mark"])
    heading, _, rest = _answered(slide.text).partition("\n")
    head, body = (_framed(markdown(with_numbers(part, number, where))) for part in (heading, rest))
    body = without_silent_headers(body)
    notes = "".join(
        f"<p><strong>{kind}:</strong> {mistune.html(with_numbers(words, number, where))[3:]}"
        for kind, words in slide.notes.items()
    )
    cue = mistune.html(f"▶ {course_map.cue(course, slide.chapter)}")[3:-5] if slide.chapter else ""
    kinds = [kind for kind, mark in (("figure", "<img "), ("table", "<table")) if mark in body]
    kinds += [slide.name.split("-")[0]] if slide.name.split("-")[0] in ("title", "predict") else []
    title = html.escape(re.sub(r"[#*$`\\]", "", heading).strip())
    foot = f"{number} · {course['notebooks'][number]['title']}"
    return (
        f'<section id="{slide.name}" class="{" ".join(kinds)}" aria-label="{title}">\n'
        f'{head}<div class="body">{body}</div>\n'
        f"<footer><span>{foot}</span><span>{cue}</span></footer>\n"
        f'<aside class="notes">{notes}</aside>\n</section>'
    )


def without_silent_headers(page: str) -> str:
    """Turn headers of a table that have no text into plain cells: there is nothing to read out."""
    return re.sub(r"<th([^>]*)></th>", r"<td\1></td>", page)


def _answered(text: str) -> str:
    """Make the line `Answer: c` a step of its own, which a click brings onto the slide."""
    step = r'<p class="answer fragment">It is <strong>\1</strong>.</p>'
    return re.sub(r"^Answer: ([a-d])$", step, text, flags=re.MULTILINE)


def _framed(page: str) -> str:
    """A paragraph that is nothing but a picture becomes a figure; what follows stands beside it."""
    page = re.sub(r"<p>(<img [^>]*>)</p>", r"<figure>\1</figure>", page)
    before, figure, after = page.partition("</figure>")
    return f'{before}{figure}<div class="beside">{after}</div>' if after.strip() else page


def deck(number: str, course: dict) -> str:
    """Build one deck: a page that needs no other file and no network."""
    path = source(number)
    body = "\n".join(section(slide, number, path.name, course) for slide in slides_of(path))
    parts = {
        "title": f"{number} · {course['notebooks'][number]['title']}",
        "css": _css(),
        "scripts": scripts(*SCRIPTS),
        "slides": body,
    }
    page = (FOLDER / "deck.html").read_text("utf-8")
    return re.sub(r"<!-- (\w+) -->", lambda mark: parts[mark[1]], page)


def scripts(*names: str) -> str:
    """Return vendored scripts as elements of a page."""

    def element(name: str) -> str:
        text = (VENDOR / name).read_text("utf-8").replace("</script", r"<\/script")
        return f"<script>{text}</script>"

    return "\n".join(map(element, names))


def math_css() -> str:
    """Return KaTeX's styles with its fonts inside."""
    css = (VENDOR / "katex/katex.min.css").read_text("utf-8")

    def inline(mark: re.Match) -> str:
        data = base64.b64encode((VENDOR / "katex" / mark[1]).read_bytes()).decode()
        return f'src:url(data:font/woff2;base64,{data}) format("woff2")}}'

    return re.sub(r"src:url\((fonts/[\w-]+\.woff2)\)[^}]*\}", inline, css)


def _css() -> str:
    """All styles of a deck."""
    reveal = [(VENDOR / "reveal" / name).read_text("utf-8") for name in ("reset.css", "reveal.css")]
    light = HtmlFormatter(style="default").get_style_defs(".code")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".dark .code")
    return "\n".join([*reveal, math_css(), light, dark, (FOLDER / "theme.css").read_text("utf-8")])


def build(numbers: list[str], folder: Path = BUILT) -> list[Path]:
    """Build decks into a folder, one self-contained page each; return the pages."""
    course = course_map.load()
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for number in numbers:
        page = folder / source(number).with_suffix(".html").name
        page.write_text(deck(number, course), encoding="utf-8")
        pages.append(page)
    return pages


def print_pdfs(pages: list[Path]) -> list[Path]:
    """Print built decks beside them, one slide a page; nothing where no Chromium is installed.

    Raises:
        DeckError: the print view does not have as many pages as the deck has slides.
    """
    with open_tab() as tab:
        for page in pages if tab else []:
            tab.goto(f"{page.resolve().as_uri()}?print-pdf")
            tab.wait_for_function("document.querySelectorAll('.pdf-page footer').length > 0")
            slides, leaves = (tab.locator(part).count() for part in ("section", ".pdf-page"))
            if slides != leaves:
                raise DeckError(f"{page.name}: {slides} slides, but {leaves} pages in print")
            pdf = page.with_suffix(".pdf")
            tab.pdf(path=pdf, prefer_css_page_size=True, print_background=True)
        return [page.with_suffix(".pdf") for page in pages] if tab else []
