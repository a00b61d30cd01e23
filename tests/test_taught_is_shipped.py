"""A class that a notebook teaches and the package ships is the same class."""

import ast
from pathlib import Path

import pytest

import lecture_utils
from lecture_utils.authoring import notebooks

PACKAGE = Path(lecture_utils.__file__).parent
SHIPPED = [PACKAGE / "landscape" / "curvature.py", *sorted(PACKAGE.glob("models/[!_]*.py"))]
PLUMBING = "gpt2_"  # reading files is not taught


def bare(node):
    """Without docstrings, annotations and `require_…(…)` lines, which only the package has."""
    for part in reversed(list(ast.walk(node))):  # children before their parents
        if hasattr(part, "body") and isinstance(part.body, list):
            part.body = [s for s in part.body if not is_extra(s)]
            part.body = [s for s in part.body if getattr(s, "body", True)]  # nothing but checks
        for name in ("annotation", "returns"):
            if hasattr(part, name):
                setattr(part, name, None)
    return ast.dump(node)


def is_extra(statement):
    if not isinstance(statement, ast.Expr):
        return False
    value = statement.value
    if isinstance(value, ast.Call):
        return getattr(value.func, "id", "").startswith("require_")
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def classes(source):
    kinds = (ast.ClassDef, ast.FunctionDef)
    return {node.name: node for node in ast.parse(source).body if isinstance(node, kinds)}


def shipped():
    found = {}
    for path in SHIPPED:
        if not path.name.startswith(PLUMBING):
            for name, node in classes(path.read_text(encoding="utf-8")).items():
                if not name.startswith(("_", "require_")):
                    assert name not in found, f"{name} is defined twice"
                    found[name] = node
    return found


def taught():
    for path in sorted(notebooks.FOLDER.glob("*.ipynb")):
        for cell in notebooks.read(path).cells:
            if cell.cell_type == "code" and not notebooks.is_exercise(cell):
                for name, node in classes(cell.source).items():
                    yield name, node, path.name


def solved():
    """What the solutions of exercises define."""
    for path in sorted(notebooks.FOLDER.glob("*.ipynb")):
        for exercise in notebooks.exercises(path):
            for name, node in classes(exercise.solution).items():
                yield name, node, f"{path.name}, exercise {exercise.number}"


@pytest.mark.parametrize("name", list(shipped()))
def test_taught_class_equals_shipped_class(name):
    found = [(node, where) for n, node, where in taught() if n == name]
    found = found or [(node, where) for n, node, where in solved() if n == name]
    assert len(found) == 1, f"{name} must be taught in one notebook; found in {len(found)}"
    assert bare(found[0][0]) == bare(shipped()[name]), f"{name} differs in {found[0][1]}"


def test_a_difference_is_seen():
    one, other, checked = (
        "class A:\n    def f(self, x):\n        return x + 1",
        "class A:\n    def f(self, x):\n        return x + 2",
        'class A:\n    """Doc."""\n    def f(self, x: int) -> int:\n        require_x(x)\n'
        "        return x + 1\n    def __post_init__(self):\n        require_x(self.x)",
    )
    first, second, third = (bare(classes(source)["A"]) for source in (one, other, checked))
    assert first != second
    assert first == third
