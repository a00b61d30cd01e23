"""Checks of notebook 00: the set-up, and two exercises to learn how exercises work."""

import sys
from collections.abc import Callable

import torch

from lecture_utils.checks.judge import name_slip
from lecture_utils.checks.values import tensor
from lecture_utils.checks.verdict import NotYet, graded
from lecture_utils.ready import good_python, installed, span

# What the learner's cells need; the versions are those of environment.yml, as a test holds.
NEEDED = {
    "torch": "2.13.0",
    "numpy": "2.4.6",
    "matplotlib": "3.11.2",
    "jupyterlab": "4.6.6",
    "ipywidgets": "8.1.9",
}


def environment() -> None:
    """Print one line for each thing that the course needs, and what to do where it is missing."""
    print(
        f"✓ Python {span()}"
        if good_python()
        else f"✗ Python {sys.version_info[0]}.{sys.version_info[1]}: the course is made for "
        f"{span()}; make a new environment as the README says"
    )
    colab = "google.colab" in sys.modules  # it has its own page instead of JupyterLab
    for package, wanted in NEEDED.items():
        found = installed(package)
        if found == wanted:
            print(f"✓ {package} {wanted}")
        elif found:
            print(f"✗ {package} {found}: made with {wanted}, so numbers may differ a little")
        elif not (colab and package == "jupyterlab"):
            print(f"✗ {package} is missing: make the environment as the README says")
    threads = torch.get_num_threads()
    print(
        "✓ one torch thread"
        if threads == 1
        else f"✗ {threads} torch threads: run the set-up cell above, it sets one"
    )


@graded
def with_shortcut(answer: Callable) -> str:
    """Exercise 0.1: F(x) + x."""
    x = torch.tensor([1.0, 2.0])
    given = x.clone()
    raw = answer(lambda v: 10 * v, given)
    if not torch.equal(given, x):
        raise NotYet(
            "You changed x itself, as x += … does. Whoever gave you x still needs it: return a "
            "new tensor."
        )
    if getattr(raw, "shape", None) == (4,):
        raise NotYet("You put them side by side: a shortcut adds entry by entry.")
    found = tensor(raw, (2,))
    slips = [
        ((10.0, 20.0), "You returned F(x) alone: the shortcut, + x, is missing."),
        ((1.0, 2.0), "You returned x: the branch F(x) is missing."),
        ((2.0, 4.0), "You added x to x: one of the two should be F(x)."),
        ((10.0, 40.0), "You multiplied F(x) by x: a shortcut adds."),
        ((9.0, 18.0), "You subtracted: a shortcut adds."),
        ((-9.0, -18.0), "You subtracted: a shortcut adds."),
        ((110.0, 220.0), "You applied F to F(x) + x: add x after F, not before."),
    ]
    name_slip(found, slips)
    if found.tolist() != [11.0, 22.0]:
        raise NotYet(
            f"For F(x) = 10 x and x = (1, 2), F(x) + x is (11, 22); you return {found.tolist()}."
        )
    other = torch.tensor([[3.0, -1.0, 0.5]])
    if not torch.equal(tensor(answer(torch.square, other.clone()), (1, 3)), other**2 + other):
        raise NotYet("For F(x) = 10 x it is right, for another F it is not: call F and add x.")
    return "That is the plus sign of this course."


@graded
def layers_until(answer: float) -> str:
    """Exercise 0.2: after how many plain layers 1e-9 of the gradient is left."""
    if isinstance(answer, str):
        raise NotYet("Give a number, without quotes: layers = 30, for example.")
    if isinstance(answer, (bool, list, tuple, dict, set)):
        raise NotYet("Give one number: layers = 30, for example.")
    layers = tensor(answer, (), "layers").item()
    if layers < 0:
        raise NotYet("You gave a negative number: count layers, not powers of ten.")
    if layers < 1:
        raise NotYet("That is a fraction: the question is how many layers, a number such as 30.")
    if layers == 9:
        raise NotYet(
            "9 is the exponent. A layer costs less than one power of ten, so it takes more."
        )
    if layers < 21:
        raise NotYet(
            f"After {layers:g} layers more than 1e-9 is left: look where the vermilion line "
            f"crosses the height 1e-9."
        )
    if layers > 25:
        raise NotYet(f"After {layers:g} layers far less than 1e-9 is left: fewer are enough.")
    return "A straight line on this axis: each layer costs the same factor. Notebook 01 asks which."
