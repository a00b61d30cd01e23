"""The site: every notebook as one page that needs no other file, an index, and the decks."""

import base64
import html
import re
from pathlib import Path

import mistune
from nbconvert.exporters import HTMLExporter
from pygments.formatters import HtmlFormatter

from lecture_utils.authoring import course as course_map
from lecture_utils.authoring import decks, generated, notebooks, slides

FOLDER = notebooks.ROOT / "site"
PAGE = Path(__file__).parent / "page"
SCRIPTS = ("katex/katex.min.js", "katex/auto-render.min.js")
_LINK = re.compile(r'<a href="([^"]*)"([^>]*)>(.*?)</a>', re.DOTALL)


def exporter() -> HTMLExporter:
    """Return nbconvert's exporter with the course's small template, which loads nothing."""
    return HTMLExporter(
        template_name=PAGE.name,
        extra_template_basedirs=[str(PAGE.parent)],
        exclude_anchor_links=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        **{f"{name}_url": "" for name in ("mathjax", "require_js", "jquery", "mermaid_js")},
    )


def notebook_page(number: str, course: dict, files: set[str]) -> str:
    """Write a notebook as a page.

    Args:
        number: of the notebook, such as "01".
        course: the course map.
        files: what the site consists of; links may lead there.
    """
    body, _ = exporter().from_notebook_node(notebooks.read(notebooks.path_of(number)))
    body = re.sub(r"<(h[23])>(\d+\.\d+)", r'<\1 id="\2">\2', body)
    title = f"{number} · {course['notebooks'][number]['title']}"
    return page(title, body, course, files)


def index(course: dict, files: set[str]) -> str:
    """Write the first page: the story, the course map, the way from the video, the decks."""
    picture, alt = generated.story()
    data = base64.b64encode(picture).decode()
    shown = [
        f"- [{number} · {about['title']}]({deck_file(number)})"
        for number, about in course["notebooks"].items()
        if deck_file(number) in files
    ]
    tables = mistune.create_markdown(plugins=["table"], escape=False)
    here = generated.you_are_here(course)
    here = re.sub(r"\[(\d+\.\d+)\]\(([\w./]+)\)", r"[\1](\2#\1)", here)  # to the very section
    parts = [
        f"<h1>{html.escape(course['title'])}</h1>",
        f'<figure><img src="data:image/png;base64,{data}" alt="{html.escape(alt)}"></figure>',
        '<h2 id="the-course-map">The course map</h2>',
        tables(generated.course_map(course)),
        '<h2 id="watching-the-video">Watching the video?</h2>',
        tables(here),
    ]
    if shown:
        parts += ['<h2 id="decks">Decks to teach from</h2>', tables("\n".join(shown))]
        parts += ["<p>On a deck the key S opens the speaker notes, T turns light into dark.</p>"]
    return page(course["title"], "\n".join(parts), course, files)


def page(title: str, body: str, course: dict, files: set[str]) -> str:
    """Put a body into the page: links to the site's own files, wide tables scroll."""
    body = _LINK.sub(lambda mark: link(*mark.groups(), course, files), body)
    body = decks.without_silent_headers(body)
    body = body.replace("<table", '<div class="table"><table').replace("</table>", "</table></div>")
    code = HtmlFormatter(cssclass="highlight").get_style_defs(".highlight")
    parts = {
        "title": html.escape(title),
        "css": "\n".join([code, decks.math_css(), (PAGE / "page.css").read_text("utf-8")]),
        "course": html.escape(course["title"]),
        "body": body,
        "scripts": decks.scripts(*SCRIPTS),
    }
    shell = (PAGE / "page.html").read_text("utf-8")
    return re.sub(r"<!-- (title|css|course|body|scripts) -->", lambda mark: parts[mark[1]], shell)


def link(address: str, more: str, text: str, course: dict, files: set[str]) -> str:
    """Write a link of a notebook or of the README for the site.

    What is no part of the site (such as a notebook that is still to come) is linked where the
    repository is public, and is plain text where course.yml names none.
    """
    if not re.match(r"https?:|mailto:|#", address):
        path, sharp, anchor = address.removeprefix("../").partition("#")
        found = "index.html" if path == "README.md" else path.removeprefix("notebooks/")
        found = re.sub(r"\.ipynb$", ".html", found)
        if found in files:
            address = f"{found}{sharp}{anchor}"
        elif course["repository"]:
            folder = "" if address.startswith(("../", "notebooks/")) else "notebooks/"
            address = f"https://github.com/{course['repository']}/blob/HEAD/{folder}{path}"
        else:
            return text
    return f'<a href="{address}"{more}>{text}</a>'


def page_file(number: str, course: dict) -> str:
    """Return the name of a notebook's page."""
    return Path(course["notebooks"][number]["file"]).with_suffix(".html").name


def deck_file(number: str) -> str:
    """Return where the site has a notebook's deck; "" while the notebook has none."""
    found = sorted(slides.FOLDER.glob(f"{number}_*.md"))
    return f"slides/{found[0].with_suffix('.html').name}" if found else ""


def build(folder: Path = FOLDER, course: dict | None = None) -> list[Path]:
    """Build the site: index.html, a page for each notebook, and the decks in slides/."""
    course = course or course_map.load()
    numbers = list(course["notebooks"])
    files_of = {number: deck_file(number) for number in numbers if deck_file(number)}
    files = {"index.html", *files_of.values(), *(page_file(number, course) for number in numbers)}
    pages = {page_file(number, course): notebook_page(number, course, files) for number in numbers}
    pages["index.html"] = index(course, files)
    decks.build(list(files_of), folder / "slides")
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in sorted(files)]
