"""The learner's own copies of the notebooks: no outputs, and each answer folded until asked for.

`make lab` makes them in my_notebooks/, which git ignores, and brings them up to date. A copy that
the learner has changed, or only run, is never written to again.
"""

import argparse
import hashlib
import json
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
ORIGINALS = ROOT / "notebooks"
FOLDER = ROOT / "my_notebooks"
_GIVEN = ".given.json"  # in the folder: the digest of what was last given, by file name
ANSWER = "answer"  # the tag of a cell that answers a prediction
_FOLD = """<details>
<summary><b>Answer</b> (choose first, then run the cells above)</summary>

{}

</details>"""
_NEXT = re.compile(r"^(?:> \*\*Predict\.\*\*|#+ )", re.MULTILINE)


def learners(original: NotebookNode) -> NotebookNode:
    """Return a notebook as a learner gets it: nothing has run, and the answers are folded.

    An answer is folded from the beginning of its cell to the next prediction or heading in it.
    """
    notebook = nbformat.from_dict(json.loads(json.dumps(original)))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        elif ANSWER in cell.metadata.get("tags", []):
            ends = _NEXT.search(cell.source)
            place = ends.start() if ends else len(cell.source)
            answer, rest = cell.source[:place].rstrip(), cell.source[place:]
            cell.source = _FOLD.format(answer) + (f"\n\n{rest}" if rest else "")
    return notebook


def refresh() -> list[str]:
    """Make what copies are missing, renew those that nobody has touched; say what is to know.

    Returns:
        A line for each copy that the learner has touched and that the course has a newer one of,
        and one line when there were no copies yet.
    """
    given, said = _read_given(), []
    first = not FOLDER.exists()
    FOLDER.mkdir(exist_ok=True)
    for path in sorted(ORIGINALS.glob("[0-9][0-9]_*.ipynb")):
        new = learners(nbformat.read(path, as_version=4))
        copy = FOLDER / path.name
        if not copy.exists() or _digest_of(copy) == given.get(path.name):
            _write(new, copy)
            given[path.name] = _digest(new)
        elif given.get(path.name) != _digest(new) != _digest_of(copy):
            said.append(
                f"{copy.name}: the course has a newer one, and yours stays as it is; "
                f"`make beside N={path.name[:2]}` puts the newer one beside it"
            )
    _keep_given(given)
    if first:
        said.insert(0, f"{FOLDER.name}: {len(given)} notebooks to work in, yours from now on")
    return said


def beside(number: str) -> Path:
    """Put the course's present notebook beside the learner's copy, under a name that is free.

    Raises:
        FileNotFoundError: the course has no notebook of this number.
    """
    found = sorted(ORIGINALS.glob(f"{number}_*.ipynb"))
    if not found:
        known = ", ".join(path.name[:2] for path in sorted(ORIGINALS.glob("[0-9][0-9]_*.ipynb")))
        raise FileNotFoundError(f"no notebook {number!r}; there are {known}")
    FOLDER.mkdir(exist_ok=True)
    stem = f"{found[0].stem}_new"
    names = [f"{stem}.ipynb", *(f"{stem}_{k}.ipynb" for k in range(2, 100))]
    place = next(FOLDER / name for name in names if not (FOLDER / name).exists())
    new = learners(nbformat.read(found[0], as_version=4))
    _write(new, place)
    _keep_given(_read_given() | {found[0].name: _digest(new)})  # so that it is not offered again
    return place


def _write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook whole or not at all."""
    half = path.with_suffix(".part")
    nbformat.write(notebook, half)
    half.replace(path)


def _digest(notebook: NotebookNode) -> str:
    """What a learner can change: the cells' text, what they printed, and whether they ran."""
    cells = [
        (c.cell_type, c.source, c.get("outputs", []), c.get("execution_count"))
        for c in notebook.cells
    ]
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()


def _digest_of(path: Path) -> str:
    """The digest of a file; "" of one that is no notebook, which no given digest equals."""
    try:
        return _digest(nbformat.read(path, as_version=4))
    except (OSError, ValueError, nbformat.reader.NotJSONError):
        return ""


def _read_given() -> dict[str, str]:
    try:
        return dict(json.loads((FOLDER / _GIVEN).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _keep_given(given: dict[str, str]) -> None:
    (FOLDER / _GIVEN).write_text(json.dumps(given, indent=1), encoding="utf-8")


def main() -> None:
    """Bring the copies up to date, or put a newer notebook beside a copy."""
    parser = argparse.ArgumentParser(prog="python -m lecture_utils.copies", description=__doc__)
    parser.add_argument("--beside", metavar="NUMBER", help="such as 03: the newer one")
    number = parser.parse_args().beside
    if number is None:
        for line in refresh():
            print(line)
        return
    try:
        print(f"the course's present notebook is now {beside(number).relative_to(ROOT)}")
    except FileNotFoundError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
