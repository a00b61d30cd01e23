"""`python -m lecture_utils.authoring generate | execute [NUMBER …]`."""

import argparse
import time

from lecture_utils.authoring import course, notebooks


def generate() -> None:
    """Write the parts of README and notebooks that come from course.yml and the claims."""
    for path, text in course.pages(course.load()).items():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"updated {path.name}")


def execute(numbers: list[str]) -> None:
    """Execute notebooks again, in place, and say how long each took."""
    for number in numbers or course.load()["notebooks"]:
        path = notebooks.path_of(number)
        start = time.perf_counter()
        notebooks.write(notebooks.execute(path), path)
        print(f"{path.name}: {time.perf_counter() - start:.1f} s")


def main() -> None:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(prog="python -m lecture_utils.authoring", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("generate", help=generate.__doc__)
    again = commands.add_parser("execute", help=execute.__doc__)
    again.add_argument("numbers", nargs="*", help="such as 01 02; all notebooks if left out")
    choice = parser.parse_args()
    generate() if choice.command == "generate" else execute(choice.numbers)


if __name__ == "__main__":
    main()
