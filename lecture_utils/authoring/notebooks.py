"""Read a notebook: its definitions, its exercises, its sections; and execute it again."""

import ast
import re
import types
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"


@dataclass(frozen=True)
class Exercise:
    """One exercise of a notebook: its number such as "1.2", stub, check and solution (code)."""

    number: str
    stub: str
    check: str
    solution: str


def path_of(number: str) -> Path:
    """Find a notebook by its number, such as "01".

    Raises:
        FileNotFoundError: there is none.
    """
    found = sorted(FOLDER.glob(f"{number}_*.ipynb"))
    if not found:
        raise FileNotFoundError(f"no notebook {number}_*.ipynb in {FOLDER}")
    return found[0]


def read(path: Path) -> NotebookNode:
    """Read a notebook in format 4."""
    return nbformat.read(path, as_version=4)


def text_of(notebook: NotebookNode) -> str:
    """Return a notebook as the clean JSON that is committed."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook as clean JSON."""
    path.write_text(text_of(notebook), encoding="utf-8")


def definitions(path: Path) -> types.ModuleType:
    """Return what a notebook defines, without running its experiments.

    Only imports, functions, classes and UPPERCASE constants of its code cells are executed, so a
    function that reads any other global of the notebook fails here, as it should. Exercise stubs
    are left out.
    """
    module = types.ModuleType(path.stem)
    for cell in read(path).cells:
        if cell.cell_type != "code" or is_exercise(cell):
            continue
        kept = [node for node in ast.parse(cell.source).body if _defines(node)]
        exec(compile(ast.Module(kept, []), f"{path.name}#{cell.id}", "exec"), module.__dict__)
    return module


def _defines(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        names = [n.id for target in node.targets for n in ast.walk(target) if hasattr(n, "id")]
        return all(name.isupper() for name in names)
    return isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)


def is_exercise(cell: NotebookNode) -> bool:
    """Tell whether a cell belongs to an exercise, by its id: ex-1-2-stub, ex-1-2-check, …"""
    return re.match(r"ex-\d+-\d+-", cell.id) is not None


def exercises(path: Path) -> list[Exercise]:
    """Return a notebook's exercises, in order; the solution is the folded python block.

    Raises:
        ValueError: an exercise lacks its stub, check or solution.
    """
    cells = {cell.id: cell.source for cell in read(path).cells}
    found = []
    for name in cells:
        if not (match := re.fullmatch(r"ex-(\d+)-(\d+)-task", name)):
            continue
        stem = name.removesuffix("-task")
        missing = [part for part in ("stub", "check", "answers") if f"{stem}-{part}" not in cells]
        if missing:
            raise ValueError(f"{path.name}: exercise {stem} has no cell {stem}-{missing[0]}")
        folded = cells[f"{stem}-answers"].split("<summary>Solution</summary>")[-1]
        code = re.findall(r"```python\n(.*?)```", folded, flags=re.DOTALL)
        if len(code) != 1:
            raise ValueError(f"{path.name}: {stem}-answers needs one python block as its solution")
        stub, check = cells[f"{stem}-stub"], cells[f"{stem}-check"]
        found.append(Exercise(".".join(match.groups()), stub, check, code[0]))
    return found


def label(cell: NotebookNode) -> str:
    """Return the label in a code cell's first line, such as "2.4 b"; "" where it has none."""
    found = re.match(r"# (?:@title )?(\d+\.\d+ [a-z])(?: · .+)?$", cell.source.partition("\n")[0])
    return found[1] if found else ""


def sections(path: Path) -> dict[str, str]:
    """Return the text of a notebook's numbered sections, deeper ones too, and of its summary.

    {"1.1": "A product of small numbers\\n…", …, "1": the text of *In five lines*}.
    """
    text = "\n".join(c.source for c in read(path).cells if c.cell_type == "markdown")
    section = r"^###? (\d+\.\d+) (.+?)(?=^## |^### \d+\.\d+ |\Z)"
    found = dict(re.findall(section, text, flags=re.DOTALL | re.MULTILINE))
    summary = re.search(
        r"^## In five lines\n(.+?)(?=^## |\Z)", text, flags=re.DOTALL | re.MULTILINE
    )
    if summary:
        found[str(int(path.name[:2]))] = summary[1]
    return found


def _is_bar(output: NotebookNode) -> bool:
    """Tell whether an output is what a progress bar leaves, such as "training: 0%| | 0/120"."""
    return bool(re.search(r"\d%\|.*\|", output.get("data", {}).get("text/plain", "")))


def execute(path: Path, timeout: int = 120) -> NotebookNode:
    """Execute a notebook in a fresh kernel, from its own folder, `cleaned`; nothing is written."""
    from nbclient import NotebookClient

    notebook = read(path)
    NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    return cleaned(notebook)


def cleaned(notebook: NotebookNode) -> NotebookNode:
    """Take out of an executed notebook, in place, what differs from run to run; return it.

    That is: timings, progress bars, widget states with their random ids, whether a cell is
    trusted, the versions of kernel and language.
    """
    for cell in notebook.cells:
        for name in ("execution", "trusted"):
            cell.metadata.pop(name, None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if not _is_bar(output)]
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    return notebook
