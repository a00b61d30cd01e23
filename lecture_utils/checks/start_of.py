"""Check of notebook 11: what a design is before it has learned anything (exercise 11.3)."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from lecture_utils.checks.calling import called
from lecture_utils.checks.values import said
from lecture_utils.checks.verdict import NotYet, Unrecognised, graded
from lecture_utils.models.designs import Design, Fixup, Highway, LayerScale, ReZero
from lecture_utils.models.designs_across import AttentionResiduals, HyperConnections
from lecture_utils.models.designs_norm import NormScaling, PostNorm, Sandwich
from lecture_utils.models.gpt_config import GPTConfig
from lecture_utils.scorecard import branches

WORDS = ("identity", "pre-norm", "neither")


@graded
def start_of(answer: Callable) -> str:
    """Exercise 11.3: tell by measuring what a fresh design equals."""
    for case in _cases():
        found = _word(called(answer, case.stack, case.base, case.x, names=("stack", "base", "x")))
        if found != case.right:
            raise _mistake(answer, case, found)
    return (
        "You did not read its code: you asked the net. Three numbers on a paper, a start that a "
        "library changed, or your own design of 11.2 are tested in the same way."
    )


@dataclass(frozen=True)
class _Case:
    """A fresh stack beside pre-norm.

    Attributes:
        what: the stack in words.
        stack: maps (batch, time, dim) to its like.
        base: pre-norm with the same branches.
        x: what both are given.
        right: one of WORDS.
        why: what to look at where this case alone is wrong.
    """

    what: str
    stack: nn.Module
    base: nn.Module
    x: Tensor
    right: str
    why: str = ""


class _Times(nn.Module):
    """A net's output, times a number."""

    def __init__(self, inner: nn.Module, factor: float):
        super().__init__()
        self.inner, self.factor = inner, factor

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * self.inner(x)


class _Tokens(nn.Module):
    """A net's output, token t times t + 1."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) * torch.arange(1, x.shape[1] + 1).to(x)[:, None]


class _Others(nn.Module):
    """A net's output, in all texts but the first with the entries in reverse order."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x)
        return torch.cat([y[:1], y[1:].flip(-1)])


class _Last(nn.Module):
    """A net in which one token of one text has one entry changed."""

    def __init__(self, inner: nn.Module, change: float = 1.0):
        super().__init__()
        self.inner, self.change = inner, change

    def forward(self, x: Tensor) -> Tensor:
        y = self.inner(x).clone()
        y[-1, -1, -1] += self.change * y[-1, -1].std()
        return y


def _cases() -> list[_Case]:
    """Return stacks of three widths, in both types, with starts of every kind."""
    cases = []

    def add(what: str, design: Callable, right: str, why: str = "", seed: int = 0,
            change: Callable = lambda stack: stack, kind: torch.dtype = torch.float32,
            size: float = 1.0) -> None:  # fmt: skip
        stack, base = _stacks(design, seed)
        x = size * torch.randn(3, 5, 16, generator=torch.Generator().manual_seed(7 + seed))
        stack, base, x = change(stack).to(kind), base.to(kind), x.to(kind)
        cases.append(_Case(what, stack.eval(), base.eval(), x, right, why))

    norm = "Compare behind a norm: it takes a factor out, the same for all entries of a token."
    entry = "Every entry counts: take the largest difference, not the mean and not one token."
    add("ReZero", ReZero, "identity")
    add("pre-norm itself", Design, "pre-norm")
    add("highway", Highway, "neither")
    add("post-norm", PostNorm, "neither")
    add("sandwich", Sandwich, "neither", seed=1)
    add("hyper-connections", HyperConnections, "pre-norm", norm)
    add("attention residuals", AttentionResiduals, "pre-norm", norm, seed=1)
    add("Fixup", Fixup, "identity", seed=2)
    add("LayerScale, its branches multiplied by 0.001", _faint, "identity",
        "All entries are off by less than a hundredth, and that counts as equal.")  # fmt: skip
    add("the identity, but for one entry that is a little lower", ReZero, "neither",
        "A difference may be negative: take .abs() before .max().",
        change=lambda s: _Last(s, -0.03))  # fmt: skip
    add("the identity, each token times a number of its own", ReZero, "identity",
        "A norm works on each token alone, over the last axis.", change=_Tokens)  # fmt: skip
    add("norm scaling", NormScaling, "neither", seed=3)
    add("the identity times 3", ReZero, "identity", norm, change=lambda s: _Times(s, 3.0))
    add("pre-norm times -1", Design, "neither", "A sign is no factor that a norm takes out.",
        change=lambda s: _Times(s, -1.0))  # fmt: skip
    add("the identity in the first text and something else in the others", ReZero, "neither",
        "Every text counts.", change=_Others)  # fmt: skip
    add("the identity, but for one entry of one token", ReZero, "neither", entry, change=_Last)
    add("pre-norm, but for one entry of one token", Design, "neither", entry, change=_Last)
    add("pre-norm in float64", Design, "pre-norm", "The input is float64, and so must be the norm.",
        kind=torch.float64)  # fmt: skip
    add("both, since all branches return 0", _silent, "identity",
        'Where both fit, the task asks for "identity".', change=_silenced)  # fmt: skip
    cases[-1] = _Case(**vars(cases[-1]) | {"base": _silenced(cases[-1].base)})
    return cases


def _stacks(design: Callable, seed: int) -> tuple[nn.Module, nn.Module]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = branches(GPTConfig(8, 8, 16, 2, 3))
    return design(copy.deepcopy(parts), 16), Design(parts, 16)


def _faint(parts: list, dim: int) -> nn.Module:
    stack = LayerScale(parts, dim)
    nn.init.constant_(stack.scale, 1e-3)
    return stack


_silent = Design


def _silenced(stack: nn.Module) -> nn.Module:
    for branch in stack.branches:
        for parameter in list(branch.children())[1].parameters():
            nn.init.zeros_(parameter)
    return stack


def _word(found: Any) -> str:
    """Return the answer's word."""
    if isinstance(found, str):
        plain = found.strip().lower().replace("prenorm", "pre-norm").replace("pre norm", "pre-norm")
        if plain in WORDS:
            return plain
    words = ", ".join(f'"{word}"' for word in WORDS)
    raise NotYet(f"Return one of the words {words}; yours is {said(found)}.")


def _mistake(answer: Callable, case: _Case, found: str) -> NotYet:
    """Say which habit gives what the answer says of all cases, or what this case is about."""
    words = []
    for each in _cases():
        try:
            words.append(_word(answer(each.stack, each.base, each.x)))
        except NotYet:
            words.append("")
    for habit, message in _HABITS:
        if words == [habit(each) for each in _cases()]:
            return NotYet(message)
    told = f'Given {case.what}, you say "{found}"; it is "{case.right}".'
    if case.why:
        return NotYet(f"{told} {case.why}")
    for word in WORDS:
        if word not in words:
            return NotYet(f'{told} You never say "{word}": {_ASKS[word]}')
    y = case.stack(case.x).detach()
    apart = [_apart(y, other) for other in (case.x, case.base(case.x).detach())]
    return Unrecognised(
        f"{told} Behind a norm its output differs from x by at most {apart[0]:.2g}, and from "
        f"pre-norm's by {apart[1]:.2g}: compare both with 0.01."
    )


_ASKS = {
    "identity": "it is the word where the stack's output is x, behind a norm.",
    "pre-norm": "it is the word where the stack's output is the base's, behind a norm.",
    "neither": "it is the word where both comparisons fail.",
}


def _apart(a: Tensor, b: Tensor, normed: bool = True, read: Callable = torch.max) -> float:
    if normed:
        a, b = (layer_norm(z, z.shape[-1:]) for z in (a, b))
    return float(read((a - b).detach().abs()))


def _habit(normed: bool = True, read: Callable = torch.max, limit: float = 0.01,
           base_first: bool = False, swap: bool = False, turned: bool = False) -> Callable:  # fmt: skip
    """Return how an answer with these habits judges a case."""

    def judged(case: _Case) -> str:
        y = case.stack(case.x)
        near = {"identity": case.x, "pre-norm": case.base(case.x)}
        fits = [w for w, z in near.items() if (_apart(y, z, normed, read) < limit) != turned]
        fits = fits[::-1] if base_first else fits
        word = fits[0] if fits else "neither"
        return {"identity": "pre-norm", "pre-norm": "identity"}.get(word, word) if swap else word

    return judged


_HABITS = (
    (_habit(normed=False), "You compare the outputs themselves. What comes after the stack is a "
     "norm, so a factor does not matter: compare `norm(a)` and `norm(b)`."),
    (_habit(normed=False, limit=1e-5), "Your comparison is too strict. Compare behind a norm, as a "
     "factor does not matter, and with a hundredth, as rounding does not."),
    (_habit(read=torch.min), "You take the smallest difference; the largest one decides."),
    (_habit(turned=True), "Your comparison is the wrong way round: equal is what differs by *less* "
     "than a hundredth."),
    (_habit(read=torch.mean), "You take the mean difference: a single entry that is wrong is lost "
     "in it. The largest one decides, `.max()`."),
    (_habit(read=torch.sum), "You add up the differences: of so many entries even rounding sums "
     "up. The largest one decides, `.max()`."),
    (_habit(read=torch.norm), "The length of the difference grows with the number of entries. The "
     "largest entry decides, `.abs().max()`."),
    (_habit(limit=1e-5), "Your limit is too strict: the norm's ε and rounding already differ by "
     "more. The task says a hundredth."),
    (_habit(base_first=True), 'Where both fit, the task asks for "identity": ask for it first.'),
    (_habit(swap=True), 'The two words are exchanged: the "identity" returns x itself.'),
)  # fmt: skip
