"""A certificate: one page with a name and the exercises that were solved.

    make certificate NAME="Ada Lovelace"

It reads what the checks have noted in the folder of the learner's copies, and needs nothing that a
learner has not: where Chromium and playwright are, there is a PDF besides.
"""

import argparse
import datetime
import re
from html import escape
from pathlib import Path

from lecture_utils import copies, solved
from lecture_utils.authoring import course as course_map
from lecture_utils.authoring.printing import open_tab

TEMPLATE = Path(__file__).with_name("page") / "certificate.html"
LONGEST = 80  # letters of a name: more do not fit


def certificate(name: str, days: dict[str, str], today: datetime.date) -> str:
    """Return the page.

    Args:
        name: who gets it, at most 80 letters.
        days: the days by the checks' names, as `solved.read` returns them.
        today: the day that stands on it.

    Raises:
        ValueError: the name is empty or too long, or no exercise is solved.
    """
    name = " ".join(name.split())
    if not name:
        raise ValueError('whose certificate? Give a name: make certificate NAME="Ada Lovelace"')
    if len(name) > LONGEST:
        raise ValueError(f"a name of {len(name)} letters does not fit: at most {LONGEST}")
    known = solved.exercises()
    found = solved.solved(days, known)
    if not found:
        raise ValueError(
            "no exercise is solved yet: solve one in your own copy (`make lab`), run its check "
            "until it says right, then try again"
        )
    course = course_map.load()
    filled = {
        "name": escape(name),
        "course": escape(course["title"]),
        "count": str(len(found)),
        "all": str(len(known)),
        "rows": "\n".join(_rows(course, list(known), list(found))),
        "day": f"{today.day} {today:%B %Y}",
    }
    frame = TEMPLATE.read_text(encoding="utf-8")
    return re.sub(r"<!-- (\w+) -->", lambda mark: filled[mark[1]], frame)


def _rows(course: dict, known: list[str], found: list[str]) -> list[str]:
    """Write a row for each notebook that has exercises: which are solved, and n of m."""
    rows = []
    for number, notebook in course["notebooks"].items():
        here = [ex for ex in known if int(ex.partition(".")[0]) == int(number)]
        done = [ex for ex in here if ex in found]
        if here:
            rows.append(
                f"<tr><td>{number} {escape(notebook['title'])}</td>"
                f"<td>{', '.join(done)}</td>"
                f'<td class="count">{len(done)} of {len(here)}</td></tr>'
            )
    return rows


def write(name: str, folder: Path) -> list[Path]:
    """Write the certificate of one folder of copies beside them; return the page and its PDF.

    Raises:
        ValueError: there is nothing to certify, or the page cannot be written.
    """
    text = certificate(name, solved.read(folder), datetime.date.today())
    page = folder / "certificate.html"
    try:
        page.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ValueError(f"cannot write {page}: {error.strerror or error}") from error
    with open_tab() as tab:
        if tab is None:
            return [page]
        tab.goto(page.resolve().as_uri())
        tab.pdf(path=page.with_suffix(".pdf"), prefer_css_page_size=True)
        return [page, page.with_suffix(".pdf")]


def main() -> None:
    """Write the certificate of the copies in the folder we are in, else of my_notebooks."""
    parser = argparse.ArgumentParser(prog="python -m lecture_utils.authoring.certificate")
    parser.add_argument("name", nargs="?", default="", help='such as "Ada Lovelace"')
    here = Path.cwd()
    folder = here if solved.is_learners(here) else copies.FOLDER
    try:
        made = write(parser.parse_args().name, folder)
    except ValueError as error:
        parser.exit(1, f"{error}\n")
    print(f"{' and '.join(path.name for path in made)} in {folder}")


if __name__ == "__main__":
    main()
