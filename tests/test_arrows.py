"""Imports of the package run one way: no circle, and nothing a learner imports needs authoring."""

import ast
import graphlib

import pytest

from lecture_utils.authoring.notebooks import ROOT

# What the rooms of the package import, besides themselves.
ROOMS = {
    "require": set(),
    "files": set(),
    "measure": {"require"},
    "ready": {"lab"},
    "lab": set(),
    "copies": set(),
    "solved": {"files"},
    "data": {"files"},
    "gradients": {"require"},
    "training": {"require"},
    "plots": {"require"},
    "diagrams": {"plots", "require"},
    "heads": {"plots", "require"},
    "models": {"files", "require"},
    "landscape": {"models", "require", "training"},
    "scorecard": {"language", "models", "plots", "require"},
    "speedrun": {"language", "require"},
    "language": {"data", "files", "models", "plots", "require"},
    "practice": {"files", "models", "require"},
    "explorers": {"heads", "measure", "plots", "practice", "require"},
    "clinic": {"models", "plots", "require"},
    "checks": {"clinic", "files", "language", "models", "practice", "ready", "scorecard", "solved"},
    "authoring": {"copies", "measure", "solved"},
    # a room's load program reads notebooks as authors do; nothing else imports authoring
    "hub": {"authoring", "copies", "ready", "solved"},
}


def modules():
    """Every module's name, and the names of those that it imports, wherever the import stands."""
    folder = ROOT / "lecture_utils"
    names = {}
    for path in folder.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        names[".".join(parts).removesuffix(".__init__")] = path
    found = {}
    for name, path in names.items():
        asked = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                asked |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                asked |= {part if part in names else node.module for part in inner}
        found[name] = (asked & set(names)) - {name}
    return found


def test_there_is_no_circle():
    graphlib.TopologicalSorter(modules()).prepare()  # raises CycleError, which names it


def room(name):
    return name.split(".")[1] if "." in name else ""


def test_arrows_run_where_they_may():
    found = {room(name): set() for name in modules()}
    for name, asked in modules().items():
        found[room(name)] |= {room(other) for other in asked} - {room(name), ""}
    del found[""]  # the package's own __init__
    assert found == ROOMS


def test_a_circle_is_seen():
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()
