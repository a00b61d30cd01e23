"""Decks: from their sources and the executed notebooks to one self-contained page each."""

import base64
import html
import re
from dataclasses import replace
from pathlib import Path

import mistune
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from lecture_utils.authoring import before, costs
from lecture_utils.authoring import course as course_map
from lecture_utils.authoring.bars import bars, matrix
from lecture_utils.authoring.flow import flow
from lecture_utils.authoring.printing import open_tab
from lecture_utils.authoring.slides import (
    FOLDER,
    DeckError,
    Slide,
    figure,
    slides_of,
    source,
    with_keeps,
    with_numbers,
)
from lecture_utils.authoring.steps import StepError

VENDOR = FOLDER / "vendor"
BUILT = FOLDER / "built"
SCRIPTS = ("reveal/reveal.js", "reveal/notes.js", "katex/katex.min.js", "katex/auto-render.min.js")
# what the speaker's view shows, in this order; a day edition has the time of day for the minute
SPOKEN = (
    *("Minute", "Clock", "Room", "Show", "Ask", "Usual wrong answer", "If late"),
    *("Say", "Keep", "Left out"),
)
MARKS = {"figure": "<img ", "diagram": "<svg ", "table": "<table"}  # what makes a slide's class
_CODE = 1780  # a font of so many pixels for each character of a line makes it as wide as a slide
DIAGRAMS = {"flow": flow, "bars": bars, "matrix": matrix}


def _code(code: str, settings: str) -> str:
    """Colour Python, small enough for its longest line; with "step" a click brings it."""
    size = min(28, int(_CODE / max(map(len, code.splitlines()))))
    kind = "code fragment" if settings == "step" else "code"
    text = highlight(code, PythonLexer(), HtmlFormatter(cssclass=kind))
    return text if size == 28 else text.replace("<pre>", f'<pre style="font-size: {size}px">', 1)


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
        """Colour Python, draw diagrams; everything else stays as it is."""
        kind, _, settings = (info or "").partition(" ")
        if kind == "python":
            return _code(code, settings)
        if kind in DIAGRAMS:
            try:
                lines = [line.strip() for line in code.splitlines() if line.strip()]
                return DIAGRAMS[kind](lines, settings.strip())
            except StepError as error:
                raise DeckError(f"{self.where}: {error}") from None
        return super().block_code(code, info)


def section(slide: Slide, number: str, deck: str, course: dict) -> str:
    """Write one slide: its content, its foot with the cue mark, its notes.

    Raises:
        DeckError: its notes lack the time or what to say, or something on it does not exist.
    """
    where = f"{deck}, slide {slide.name}"
    page = Page(number, deck, slide.name)
    markdown = mistune.create_markdown(renderer=page, plugins=["math", "table", "mark"])
    heading, _, rest = _answered(slide.text).partition("\n")
    head, body = (_framed(markdown(with_numbers(part, number, where))) for part in (heading, rest))
    body = without_silent_headers(body)
    cue = mistune.html(f"▶ {course_map.cue(course, slide.chapter)}")[3:-5] if slide.chapter else ""
    kinds = [kind for kind, mark in MARKS.items() if mark in body]
    kinds += [slide.name.split("-")[0]] if slide.name.split("-")[0] in ("title", "predict") else []
    title = html.escape(slide.title)
    foot = f"{number} · {course['notebooks'][number]['title']}" if number else course["title"]
    foot += f" · § {slide.section}" if slide.section[:1].isdigit() else ""
    return (
        f'<section id="{slide.name}" class="{" ".join(kinds)}" aria-label="{title}">\n'
        f'{head}<div class="body">{body}</div>\n'
        f"<footer><span>{foot}</span><span>{cue}</span></footer>\n"
        f'<aside class="notes">{spoken(slide, number, where)}</aside>\n</section>'
    )


def spoken(slide: Slide, number: str, where: str) -> str:
    """Write the speaker notes: what is needed at a glance comes first, what to say last."""
    notes = slide.notes
    if not (notes.get("Minute", "").isdigit() or notes.get("Clock")) or not notes.get("Say"):
        raise DeckError(f"{where}: notes need `Minute: 12` and `Say: …`")
    notes = notes | {"Show": costs.with_seconds(notes["Show"])} if "Show" in notes else notes
    written = {kind: with_numbers(notes[kind], number, where) for kind in SPOKEN if kind in notes}
    markdown = mistune.create_markdown(escape=False, plugins=["math"])
    return "".join(  # the speaker's window has no styles of ours
        f'<p style="margin: .3em 0"><strong>{kind}:</strong> {markdown(words)[3:]}'
        for kind, words in written.items()
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
    """Build the deck of a notebook: a page that needs no other file and no network."""
    path, ran, body = source(number), set(), []
    for slide in with_keeps(slides_of(path), number):
        show = {k: before.first(words, ran) for k, words in slide.notes.items() if k == "Show"}
        told = replace(slide, notes=slide.notes | show)
        body.append(section(told, number, path.name, course))
    return page_of(f"{number} · {course['notebooks'][number]['title']}", body)


def page_of(title: str, sections: list[str]) -> str:
    """Put slides together to a page that needs no other file and no network."""
    parts = {
        "title": html.escape(title),
        "css": _css(),
        "scripts": scripts(*SCRIPTS),
        "slides": "\n".join(sections),
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
