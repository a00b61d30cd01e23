"""The learner's own copies of the notebooks: no outputs, and each answer folded until asked for.

`make lab` makes them in my_notebooks/, which git ignores, and brings them up to date. A copy that
the learner has changed, or only run, is never written to again.
"""

import argparse
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
ORIGINALS = ROOT / "notebooks"
FOLDER = Path(os.environ.get("SHORTCUT_COPIES", ROOT / "my_notebooks"))  # elsewhere on a hub
_GIVEN = ".given.json"  # in the folder: the digest of what was last given, by file name
ANSWER = "answer"  # the tag of a cell that answers a prediction
# what reading may raise where there is no notebook: half a JSON, a list, cells that are none
_NO_NOTEBOOK = (
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    RecursionError,
    nbformat.ValidationError,
)
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

    Raises:
        ValueError: the folder is a file, an original is no notebook, or nothing can be written.
    """
    first = _make_folder()
    given, said = _read_given(), []
    try:
        for path in sorted(ORIGINALS.glob("[0-9][0-9]_*.ipynb")):
            new, copy = _learners_of(path), FOLDER / path.name
            if not (copy.exists() or copy.is_symlink()) or _is_as_given(copy, given):
                _write(_text(new), copy)
                given[path.name] = _digest(new)
            elif given.get(path.name) != _digest(new) != _digest_of(copy):
                said.append(
                    f"{copy.name}: the course has a newer one, and yours stays as it is; "
                    f"`make beside N={path.name[:2]}` puts the newer one beside it"
                )
    finally:  # what has been written is known as given, whatever stopped the rest
        _keep_given(given)
    if first:
        said.insert(0, f"{FOLDER.name}: {len(given)} notebooks to work in, yours from now on")
    return said


def beside(number: str) -> Path:
    """Put the course's present notebook beside the learner's copy, under a name that is free.

    Raises:
        FileNotFoundError: the course has no notebook of this number.
        ValueError: the folder is a file, the original is no notebook, or nothing can be written.
    """
    originals = sorted(ORIGINALS.glob("[0-9][0-9]_*.ipynb"))
    found = [path for path in originals if path.name[:2] == number]
    if not found:
        known = ", ".join(path.name[:2] for path in originals)
        raise FileNotFoundError(f"no notebook {number!r}; there are {known}")
    _make_folder()
    stem = f"{found[0].stem}_new"
    names = [f"{stem}.ipynb", *(f"{stem}_{k}.ipynb" for k in range(2, 100))]
    taken = {path.name for path in FOLDER.iterdir()}
    if not (free := [name for name in names if name not in taken]):
        raise ValueError(f"{FOLDER} holds {len(names)} copies {stem}…: remove some of them")
    place = FOLDER / free[0]
    new = _learners_of(found[0])
    _write(_text(new), place)
    _keep_given(_read_given() | {found[0].name: _digest(new)})  # so that it is not offered again
    return place


def _make_folder() -> bool:
    """Make the folder of the copies; tell whether there was none."""
    if FOLDER.is_dir():
        return False
    if FOLDER.exists() or FOLDER.is_symlink():
        raise ValueError(f"{FOLDER} is no folder: move it out of the way, then try again")
    with _writing(FOLDER):
        FOLDER.mkdir()
    return True


def _learners_of(path: Path) -> NotebookNode:
    """Read one of the course's notebooks as a learner gets it."""
    try:
        return learners(nbformat.read(path, as_version=4))
    except _NO_NOTEBOOK as error:
        said = str(error).partition("\n")[0]
        raise ValueError(f"{path} is no notebook ({said}): take it from git again") from None


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say what could not be written, and why."""
    try:
        yield
    except OSError as error:
        raise ValueError(
            f"cannot write {path} ({error.strerror or error}): make room or get leave to write "
            f"there; your own copies are as they were"
        ) from error


def _write(text: str, path: Path) -> None:
    """Write a file whole or not at all."""
    half = path.with_name(f".{path.name}.part")
    with _writing(path):
        try:
            half.write_text(text, encoding="utf-8")
            half.replace(path)
        except OSError:
            half.unlink(missing_ok=True)
            raise


def _text(notebook: NotebookNode) -> str:
    return nbformat.writes(notebook) + "\n"


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
    except _NO_NOTEBOOK:
        return ""


def _is_as_given(copy: Path, given: dict[str, str]) -> bool:
    """Tell whether nobody has touched a copy; a link is the learner's own."""
    digest = "" if copy.is_symlink() else _digest_of(copy)
    return digest != "" and digest == given.get(copy.name)


def _read_given() -> dict[str, str]:
    try:
        return dict(json.loads((FOLDER / _GIVEN).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return {}


def _keep_given(given: dict[str, str]) -> None:
    _write(json.dumps(given, indent=1), FOLDER / _GIVEN)


def main() -> None:
    """Bring the copies up to date, or put a newer notebook beside a copy."""
    parser = argparse.ArgumentParser(prog="python -m lecture_utils.copies", description=__doc__)
    parser.add_argument("--beside", metavar="NUMBER", help="such as 03: the newer one")
    number = parser.parse_args().beside
    try:
        if number is None:
            said = refresh()
        else:
            place = beside(number).relative_to(FOLDER.parent)
            said = [f"the course's present notebook is now {place}"]
        for line in said:
            print(line)
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
