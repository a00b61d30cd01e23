"""`python -m lecture_utils.authoring COMMAND`: generate, execute, measure, weigh, cost, decks, …"""

import argparse
import sys
import time

from lecture_utils.authoring import (
    butterfly,
    claims,
    costs,
    course,
    editions,
    generated,
    handouts,
    minutes,
    notebooks,
)
from lecture_utils.authoring import decks as deck_builder
from lecture_utils.authoring import site as site_builder


def generate() -> None:
    """Write the parts of README and notebooks that come from course.yml and the claims."""
    for path, content in generated.pages(course.load()).items():
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
            print(f"updated {path.name}")


def execute(numbers: list[str]) -> None:
    """Execute notebooks again, in place, and say how long each took."""
    for number in numbers or course.load()["notebooks"]:
        path = notebooks.path_of(number)
        start = time.perf_counter()
        notebooks.write(notebooks.execute(path), path)
        print(f"{path.name}: {time.perf_counter() - start:.1f} s")


def measure(numbers: list[str]) -> None:
    """Measure the claims of notebooks again and print them beside their tables."""
    for number in numbers or course.load()["notebooks"]:
        claims.measure(number)


def weigh(numbers: list[str]) -> None:
    """Say what each notebook asks of a beginner: honest minutes, lines and words."""
    for number in numbers or course.load()["notebooks"]:
        core, deeper = minutes.of(number)
        print(
            f"{number}: {core.minutes} minutes, {core.lines} lines in {len(core.cells)} cells, the "
            f"longest {core.longest}, {core.words} words, {core.predictions} predictions, "
            f"{core.exercises} minutes of exercises; deeper {deeper.minutes} minutes"
        )


def cost(numbers: list[str]) -> None:
    """Measure each notebook's seconds and memory, and write the instructor's table."""
    found = {}
    for number in numbers or course.load()["notebooks"]:
        found[number] = costs.measure(number)
        print("{}: {seconds} s, {MB} MB".format(number, **found[number]), flush=True)
    if not numbers:
        costs.write(found)
        generate()


def trials(settings: list[str]) -> None:
    """Run notebooks and claims under other kernels and with a butterfly; say what moved."""
    sys.exit(butterfly.main(settings))


def decks(numbers: list[str]) -> None:
    """Build decks, editions and handouts into slides/built, as pages and, with Chromium, as PDF."""
    pages = deck_builder.build(numbers or list(course.load()["notebooks"]))
    pages += [] if numbers else editions.build()
    sheets = handouts.build(course.load(), numbers)
    printed = deck_builder.print_pdfs(pages) + handouts.print_pdfs(sheets)
    folder = deck_builder.BUILT.relative_to(notebooks.ROOT)
    print(f"{len(pages)} decks, {len(sheets)} handouts and {len(printed)} PDFs in {folder}")
    if not printed:
        print("no PDF: install Chromium, for example with `sudo apt install chromium`")


def site() -> None:
    """Write every notebook as a page, with an index and the decks, into site/."""
    pages = site_builder.build()
    print(f"{len(pages)} pages; begin with site/index.html")


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(prog="python -m lecture_utils.authoring", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (generate, execute, measure, weigh, cost, decks, site):
        part = commands.add_parser(command.__name__, help=command.__doc__)
        part.set_defaults(run=command)
        if command not in (generate, site):
            part.add_argument("numbers", nargs="*", help="such as 01 02; all notebooks if left out")
    part = commands.add_parser("butterfly", help=trials.__doc__)
    part.set_defaults(run=trials)
    known = list(butterfly.SETTINGS)
    part.add_argument("settings", nargs="*", help=f"{', '.join(known)}; all of them if left out")
    choice = vars(parser.parse_args())
    run = choice.pop("run")
    choice.pop("command")
    run(**choice)


if __name__ == "__main__":
    main()
