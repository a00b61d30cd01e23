"""Fresh stacks beside pre-norm, of every kind, for the check of exercise 11.3."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lecture_utils.models.designs import Design, Fixup, Highway, LayerScale, ReZero
from lecture_utils.models.designs_across import AttentionResiduals, HyperConnections
from lecture_utils.models.designs_norm import NormScaling, PostNorm, Sandwich
from lecture_utils.models.gpt_config import GPTConfig
from lecture_utils.scorecard import branches


@dataclass(frozen=True, eq=False)
class Case:
    """A fresh stack beside pre-norm.

    Attributes:
        what: the stack in words.
        stack: maps (batch, time, dim) to its like.
        base: pre-norm with the same branches.
        x: what both are given.
        right: "identity", "pre-norm" or "neither".
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


_NORM = "Compare behind a norm: it takes a factor out, the same for all entries of a token."
_ENTRY = "Every entry counts: take the largest difference, not the mean and not one token."


def cases_of_start() -> list[Case]:
    """Return stacks of three widths, in both types, with starts of every kind."""
    cases = []

    def add(what: str, design: Callable, right: str, why: str = "", seed: int = 0,
            change: Callable = lambda stack: stack, kind: torch.dtype = torch.float32,
            size: float = 1.0) -> None:  # fmt: skip
        stack, base = _stacks(design, seed)
        x = size * torch.randn(3, 5, 16, generator=torch.Generator().manual_seed(7 + seed))
        stack, base, x = change(stack).to(kind), base.to(kind), x.to(kind)
        cases.append(Case(what, stack.eval(), base.eval(), x, right, why))

    add("ReZero", ReZero, "identity")
    add("pre-norm itself", Design, "pre-norm")
    add("highway", Highway, "neither")
    add("post-norm", PostNorm, "neither")
    add("sandwich", Sandwich, "neither", seed=1)
    add("hyper-connections", HyperConnections, "pre-norm", _NORM)
    add("attention residuals", AttentionResiduals, "pre-norm", _NORM, seed=1)
    add("Fixup", Fixup, "identity", seed=2)
    add("LayerScale, its branches multiplied by 0.001", _faint, "identity",
        "All entries are off by less than a hundredth, and that counts as equal.")  # fmt: skip
    add("the identity in the first text and something else in the others", ReZero, "neither",
        "Every text counts.", change=_Others)  # fmt: skip
    add("the identity, but for one entry that is a little lower", ReZero, "neither",
        "A difference may be negative: take .abs() before .max().",
        change=lambda s: _Last(s, -0.03))  # fmt: skip
    add("the identity, each token times a number of its own", ReZero, "identity",
        "A norm works on each token alone, over the last axis.", change=_Tokens)  # fmt: skip
    add("norm scaling", NormScaling, "neither", seed=3)
    add("the identity times 3", ReZero, "identity", _NORM, change=lambda s: _Times(s, 3.0))
    add("pre-norm times -1", Design, "neither", "A sign is no factor that a norm takes out.",
        change=lambda s: _Times(s, -1.0))  # fmt: skip
    add("the identity, but for one entry of one token", ReZero, "neither", _ENTRY, change=_Last)
    add("pre-norm, but for one entry of one token", Design, "neither", _ENTRY, change=_Last)
    add("pre-norm in float64", Design, "pre-norm", "The input is float64, and so must be the norm.",
        kind=torch.float64)  # fmt: skip
    add("both, since all branches return 0", Design, "identity",
        'Where both fit, the task asks for "identity".', change=_silenced)  # fmt: skip
    cases[-1] = Case(**vars(cases[-1]) | {"base": _silenced(cases[-1].base)})
    return cases


def _stacks(design: Callable, seed: int) -> tuple[nn.Module, nn.Module]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = branches(GPTConfig(8, 8, 16, 2, 2))
    return design(copy.deepcopy(parts), 16), Design(parts, 16)


def _faint(parts: list, dim: int) -> nn.Module:
    stack = LayerScale(parts, dim)
    nn.init.constant_(stack.scale, 1e-3)
    return stack


def _silenced(stack: nn.Module) -> nn.Module:
    for branch in stack.branches:
        for parameter in list(branch.children())[1].parameters():
            nn.init.zeros_(parameter)
    return stack
