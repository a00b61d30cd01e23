"""What must have run before a cell: from the names that it reads to the cells that bind them."""

import ast
import builtins
import functools
import re
from dataclasses import dataclass

from lecture_utils.authoring import notebooks

_NAMED = re.compile(r"\bcell (\d+\.\d+ [a-z])\b")


@dataclass(frozen=True)
class Cell:
    """A code cell of a notebook.

    Attributes:
        label: such as "4.3 b"; the cell's id where it has none, as the set-up and the explorer.
        section: such as "4.3", "" before the first one.
        needs: the labels of the cells that bind what it reads, in their order.
    """

    label: str
    section: str
    needs: tuple[str, ...]


@functools.cache
def cells(number: str) -> dict[str, Cell]:
    """Return a notebook's code cells by their labels, without those of exercises."""
    found: dict[str, Cell] = {}
    binds: dict[str, list[str]] = {}  # the cells that bind or change a name, so far
    section = ""
    for cell in notebooks.read(notebooks.path_of(number)).cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^###? (\d+\.\d+)\b", cell.source, re.MULTILINE)
            section = headings[-1] if headings else section
        elif not notebooks.is_exercise(cell):
            label, tree = notebooks.label(cell) or cell.id, ast.parse(cell.source)
            asked = {b for name in _wanted(tree) for b in binds.get(name, [])}
            found[label] = Cell(label, section, tuple(n for n in found if n in asked))
            for name in _bound(tree):
                binds[name] = [*(binds.get(name, []) if name in _wanted(tree) else []), label]
    return found


def _read(tree: ast.AST) -> set[str]:
    """Return the names that code reads, wherever, but for Python's own."""
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return {n.id for n in names if isinstance(n.ctx, ast.Load)} - set(dir(builtins))


def _wanted(tree: ast.Module) -> set[str]:
    """Return the names that a cell takes from cells before it."""
    found, own = set(), set()
    for statement in tree.body:
        found |= _read(statement) - own
        own |= _bound(ast.Module([statement], []))
    return found


def _bound(tree: ast.Module) -> set[str]:
    """Return the names that a cell binds: variables, functions, classes, modules."""
    found: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            found.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
        else:
            nodes = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
            found |= {node.id for node in nodes if isinstance(node.ctx, ast.Store)}
    return found


def shown(words: str) -> list[str]:
    """Return the labels that a note such as "cell 1.1 a, then cell 1.1 b" names."""
    return _NAMED.findall(words)


def needed(label: str) -> list[str]:
    """Return the labelled cells that must have run before a cell, in their order."""
    known = cells(f"{int(label.partition('.')[0]):02}")
    wanted, open_ = set(), [label]
    while open_:
        for name in known[open_.pop()].needs:
            if name not in wanted:
                wanted.add(name)
                open_.append(name)
    return [name for name in known if name in wanted and name[0].isdigit()]


def first(words: str, ran: set[str]) -> str:
    """Write a note's cells with those that must run first; add all of them to those that ran.

    Args:
        words: such as "cell 1.3 b, then cell 1.3 c".
        ran: the labels of the cells that have run. What has no label, as the set-up, has.
    """
    named = shown(words)
    missing = dict.fromkeys(
        before for label in named for before in needed(label) if before not in {*ran, *named}
    )
    ran |= {*named, *missing}
    return f"first {', '.join(f'cell {label}' for label in missing)}; {words}" if missing else words
