"""Checks of notebook 00: the set-up, and two exercises to learn how exercises work."""

import sys
from collections.abc import Callable

import torch
from torch import Tensor

from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.values import as_tensor, number
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
    judge(answer, _with_shortcut, _trials(), _SLIPS, why=_made_of)
    _require_gradient(answer)
    return "That is the plus sign of this course."


def _made_of(answer: Callable, trial: Trial) -> str | None:
    """Say how often F(x) and x are in the answer's result, if it is made of those two."""
    F, x = torch.square, torch.tensor([1.0, 2.0, -3.0])
    parts = torch.stack([F(x).flatten(), x.flatten()], 1).double()
    found = as_tensor(answer(F, x)).flatten()
    if len(found) != len(parts):
        return None
    times = torch.linalg.lstsq(parts, found[:, None]).solution
    if not torch.allclose(parts @ times, found[:, None]) or (times - 1).abs().max() < 1e-3:
        return None
    return f"Yours is {times[0].item():.3g} F(x) + {times[1].item():.3g} x: once each is asked for."


def _require_gradient(answer: Callable) -> None:
    """Refuse a sum in which x is cut off, so that a gradient comes back through F alone."""
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    try:
        found = answer(lambda v: 10 * v, x)
    except NotYet:  # computed outside of PyTorch, where no gradient is known
        return
    if isinstance(found, Tensor) and found.requires_grad:
        (gradient,) = torch.autograd.grad(found.sum(), x)
        if not torch.equal(gradient, torch.full((2,), 11.0)):
            raise NotYet(
                "Right numbers, but no gradient comes back along the shortcut: x is cut off from "
                "it, by .detach(), .data or no_grad. Add x itself."
            )


def _with_shortcut(F: Callable, x: Tensor) -> Tensor:
    return F(x) + x


def _trials() -> tuple[Trial, ...]:
    """Branches that treat entries alike, mix them, are bent, or return zeros."""
    rng = torch.Generator().manual_seed(0)
    W = torch.randn(3, 3, generator=rng)
    other = "whatever F is: call F on the whole x, and add x."
    return (
        Trial((lambda v: 10 * v, torch.tensor([1.0, 2.0])), "for F(x) = 10 x and x = (1, 2)"),
        Trial((torch.square, torch.tensor([[3.0, -1.0, 0.5]])), "for F(x) = x²", other),
        Trial((lambda v: 2 * v + 5, torch.tensor([-3.0, 1.0])), "for F(x) = 2 x + 5", other),
        Trial((lambda v: v @ W, torch.randn(4, 3, generator=rng)), "for a layer of weights", other),
        Trial((lambda v: v - v.mean(), torch.tensor([1.0, 2.0, 6.0])), "for F(x) = x - mean(x)",
              other),
        Trial((torch.relu, torch.tensor([-1.0, -2.0])), "where F(x) is 0", "then x is left."),
        Trial((torch.cos, torch.tensor([0.0, 9.0])), "for F(x) = cos x", other),
    )  # fmt: skip


_ALONE = "You returned F(x) alone: the shortcut, + x, is missing."
_BRANCH = "You returned x: the branch F(x) is missing."
_SUBTRACTED = "You subtracted: a shortcut adds."
_BESIDE = "You put them side by side: a shortcut adds entry by entry."
_BOTH = "You return both, F(x) and x: add them."
_AFTER = "You applied F to F(x) + x: add x after F, not before."
_SUMMED = "You added up the entries, too: F(x) + x has as many entries as x."
_ONE = "Only one entry comes back: F(x) + x has as many entries as x."
_SLIPS = (
    (lambda F, x: F(x), _ALONE),
    (lambda F, x: x, _BRANCH),
    (lambda F, x: x + x, "You added x to x: one of the two should be F(x)."),
    (lambda F, x: F(x) + F(x), "You added F(x) to itself: one of the two should be x."),
    (lambda F, x: F(x) + 2 * x, "x is added twice: once is enough."),
    (lambda F, x: 2 * F(x) + x, "F(x) is added twice: once is enough."),
    (lambda F, x: F(x) * x, "You multiplied F(x) by x: a shortcut adds."),
    (lambda F, x: F(x) * x + x, "You multiplied F(x) by x before you added: F(x) + x is all."),
    (lambda F, x: F(x) / x, "You divided: a shortcut adds."),
    (lambda F, x: F(x) - x, _SUBTRACTED),
    (lambda F, x: x - F(x), _SUBTRACTED),
    (lambda F, x: F(F(x) + x), _AFTER),
    (lambda F, x: F(x + x), "You applied F to x + x: add x after F, not before."),
    (lambda F, x: F(x) + F(F(x)), "You added F(F(x)); add x itself, what went into F."),
    (lambda F, x: F(F(x)), "You applied F twice; apply it once and add x."),
    (lambda F, x: F(F(x)) + x, "F is applied twice; once is enough."),
    (lambda F, x: F(F(x) + x) + x, "F is applied twice; once is enough."),
    (lambda F, x: F(F(x) + x) + F(x) + x, "You built two blocks, one after the other; one is "
     "asked for."),
    (lambda F, x: F(x + 1), "You added 1 to x before F; add x to what comes out of F."),
    (lambda F, x: F(x) + 1, "You added 1; add x."),
    (lambda F, x: (F(x) + x) / 2, "That is the mean of the two; their sum is asked for."),
    (lambda F, x: F(torch.relu(x)) + x, "You gave F the relu of x; whatever the branch does is "
     "in F already."),
    (lambda F, x: torch.relu(F(x) + x), "A relu too many: return the sum as it is."),
    (lambda F, x: torch.relu(F(x)) + x, "A relu too many: return the sum as it is."),
    (lambda F, x: torch.maximum(F(x), x), "You took the larger of the two; add them."),
    (lambda F, x: 11 * x, "For F(x) = 10 x it is right, for another F it is not: call F and add "
     "x."),
    (lambda F, x: F(torch.ones_like(x)) * x + x, "For F(x) = 10 x it is right, for another F it "
     "is not: call F on x."),
    (lambda F, x: torch.stack([F(a) + a for a in x]), "You gave F one entry at a time. For "
     "F(x) = 10 x that is right; most branches mix the entries: call F once, on the whole x."),
    (lambda F, x: torch.cat([F(x), x]), _BESIDE),
    (lambda F, x: torch.cat([x, F(x)]), _BESIDE),
    (lambda F, x: torch.cat([F(x), x], dim=-1), _BESIDE),
    (lambda F, x: [F(x), x], _BOTH),
    (lambda F, x: [x, F(x)], _BOTH),
    (lambda F, x: (F(x) + x).sum(), _SUMMED),
    (lambda F, x: F(x).sum() + x.sum(), _SUMMED),
    (lambda F, x: (F(x) + x).mean(), "You averaged the entries, too: F(x) + x has as many entries "
     "as x."),
    (lambda F, x: (F(x) + x).norm(), "You took the norm, too: return F(x) + x itself."),
    (lambda F, x: F(x) @ x, "That is a dot product: a shortcut adds, entry by entry."),
    (lambda F, x: (F(x) + x).flatten()[0], _ONE),
    (lambda F, x: (F(x) + x).flatten()[-1], _ONE),
    (lambda F, x: F(-x) + x, "You gave F minus x; give it x."),
    (lambda F, x: F(x[0]) + x, "You gave F the first entry of x alone; give it the whole x."),
    (lambda F, x: F(x) + x[0], "You added the first entry of x to all; add x, entry by entry."),
    (lambda F, x: F(x) + x.sum(), "You added the sum of x to all; add x, entry by entry."),
    (lambda F, x: F(x) + x.mean(), "You added the mean of x to all; add x, entry by entry."),
)  # fmt: skip


@graded
def layers_until(answer: float) -> str:
    """Exercise 0.2: after how many plain layers 1e-9 of the gradient is left."""
    if isinstance(answer, str):
        raise NotYet("Give a number, without quotes: layers = 30, for example.")
    if isinstance(answer, (bool, list, tuple, dict, set, range)):
        raise NotYet("Give one number: layers = 30, for example.")
    layers = number(answer, "`layers`")
    if layers == 1e-9:
        raise NotYet("That is what is left of the gradient. After how many layers is it so?")
    if layers < 0:
        raise NotYet(
            "You gave a negative number: count layers, as the horizontal axis does, not powers of "
            "ten."
        )
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
    if 26 < layers < 29:
        raise NotYet(
            f"After {layers:g} layers less than 1e-9 is left: fewer are enough. Or did you count "
            f"from the input? Layers back from the output are asked for, as on the axis."
        )
    if layers > 25:
        raise NotYet(
            f"After {layers:g} layers far less than 1e-9 is left: fewer are enough. Look where "
            f"the vermilion line crosses the height 1e-9."
        )
    return "A straight line on this axis: each layer costs the same factor. Notebook 01 asks which."
