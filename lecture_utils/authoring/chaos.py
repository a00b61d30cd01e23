"""Which cells show what training made of a net, or what they read in Python's documentation.

A deep net in training is chaotic: a difference in the last digit of one weight, as between two
processors, grows until no digit of the result is the same. What such a cell prints is true of the
machine that printed it. It carries the tags TAGS, strict nbval passes over its output (not over
its errors), and a claim that names the cell says what holds on every machine. The same holds for
numbers of a text that differs a little from one version of Python to the next (`data.corpus()`).
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

from lecture_utils.authoring import notebooks

_TRAINERS = ("train", "pretrain", "after_training", "placed")  # with what they train
TAGS = ("chaotic", "nbval-ignore-output")  # the first says why, nbval knows the second


def is_tagged(cell: NotebookNode) -> bool:
    """Tell whether a cell's output is passed over.

    Raises:
        ValueError: the cell carries one of the two tags without the other.
    """
    found = {tag for tag in cell.metadata.get("tags", []) if tag in TAGS}
    if found and found != set(TAGS):
        raise ValueError(f"cell {cell.id} has the tag {found.pop()!r} alone; it takes both, {TAGS}")
    return bool(found)


def tagged(path: Path) -> list[str]:
    """Return the ids of a notebook's cells whose output is passed over."""
    return [cell.id for cell in notebooks.read(path).cells if is_tagged(cell)]


def of_training(path: Path) -> list[str]:
    """Return the ids of a notebook's cells that train a net, or use what training made.

    Exercises are not among them: as long as nobody has filled them in they train nothing.
    """
    flow, found = _Flow(), []
    for cell in notebooks.read(path).cells:
        if notebooks.is_exercise(cell):
            continue
        if cell.cell_type == "code" and flow.trains(ast.parse(cell.source).body):
            found.append(cell.id)
    return found


def claims_of_training(tests: Path, notebook: Path) -> set[str]:
    """Return the functions of a notebook's claims that train a net, however indirectly."""
    flow = _Flow()
    for cell in notebooks.read(notebook).cells:
        if cell.cell_type == "code":
            module = ast.parse(cell.source)
            flow.trains([*_constants(module), *_functions(module)])
    functions = _functions(_Opened().visit(ast.parse(tests.read_text(encoding="utf-8"))))
    names, before = {function.name for function in functions}, None
    flow.made = {f"notebook.{name}" for name in flow.made}
    while flow.made != before:  # functions may be defined in any order
        before = set(flow.made)
        flow.trains(functions)
    return flow.made & names


def _functions(module: ast.Module) -> list[ast.stmt]:
    return [node for node in module.body if isinstance(node, ast.FunctionDef)]


def _constants(module: ast.Module) -> list[ast.stmt]:
    """A notebook's UPPERCASE constants: a claim's `notebook` holds them, too."""
    found = (node for node in module.body if isinstance(node, ast.Assign))
    return [node for node in found if all(name.isupper() for name in _assigned(node))]


class _Opened(ast.NodeTransformer):
    """Make one name of `notebook.trained`: a claim's `notebook` holds the notebook's functions."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        opened = ast.unparse(node.value) in ("notebook", "_definitions()")
        return ast.Name(f"notebook.{node.attr}", node.ctx) if opened else node


class _Flow:
    """Follows through statements, in their order, the names that hold what training made."""

    def __init__(self) -> None:
        self.made: set[str] = set()  # variables that training made, and functions that train
        self.modules: set[str] = set()

    def trains(self, body: list[ast.stmt]) -> bool:
        """Tell whether statements run training or read what it made, and follow their names."""
        return any([self._statement(statement) for statement in body])

    def _statement(self, statement: ast.stmt) -> bool:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            self.modules |= {name.asname or name.name for name in statement.names}
            return False
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            self.made |= {statement.name} if self._uses(statement) else set()
            return False
        if isinstance(statement, ast.For | ast.While | ast.If | ast.With):
            return self._compound(statement)
        uses = self._uses(statement)
        if uses:
            self.made |= set(_changed(statement)) - self.modules
        elif isinstance(statement, ast.Assign):
            self.made -= set(_assigned(statement))  # the name means something else from here on
        return uses

    def _compound(self, statement: ast.stmt) -> bool:
        parts = ("iter", "test", "items")
        heads = [getattr(statement, part) for part in parts if hasattr(statement, part)]
        heads = [node for head in heads for node in (head if isinstance(head, list) else [head])]
        uses = any(self._uses(head) for head in heads)
        if isinstance(statement, ast.For):
            counters = set(_assigned(statement.target))
            self.made = self.made | counters if uses else self.made - counters
        body = [*statement.body, *getattr(statement, "orelse", [])]
        return any([uses, self.trains(body), self.trains(body)])  # twice: a loop comes round again

    def _uses(self, node: ast.AST) -> bool:
        """Tell whether code trains (`….step()`, `….train(net, …)`, …), loads the text that depends
        on Python's version, or reads a name of `made`.
        """
        known = self.made - set(_own(node))
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load) and part.id in known:
                return True
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
                method, given = part.func.attr, part.args
                if method == "corpus" or (method == "step" and not given):
                    return True
                if method in _TRAINERS and given:
                    return True
        return False


def _assigned(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id


def _own(node: ast.AST) -> Iterator[str]:
    """Names that mean nothing outside: what a function binds, what a comprehension counts."""
    if isinstance(node, ast.FunctionDef):
        yield from _assigned(node)
        yield from (part.arg for part in ast.walk(node) if isinstance(part, ast.arg))
    for part in ast.walk(node):
        if isinstance(part, ast.comprehension):
            yield from _assigned(part.target)


def _changed(statement: ast.stmt) -> Iterator[str]:
    """The variables that a statement assigns, or changes by an index or a method's call."""
    yield from set(_assigned(statement)) - set(_own(statement))
    for node in ast.walk(statement):
        inner = node if isinstance(getattr(node, "ctx", None), ast.Store) else None
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            inner = node.value.func if isinstance(node.value.func, ast.Attribute) else None
        while isinstance(inner, ast.Subscript | ast.Attribute):
            inner = inner.value
        if isinstance(inner, ast.Name):
            yield inner.id
