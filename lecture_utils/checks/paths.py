"""Check of notebook 02: what comes back through k branches, without a list of paths (2.4)."""

import copy
import math
import time
from collections.abc import Callable
from itertools import combinations

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.values import as_tensor
from lecture_utils.checks.verdict import NotYet, graded


@graded
def norm_by_branches(answer: Callable) -> str:
    """Exercise 2.4: the gradient by number of branches, without listing 2^L paths."""
    judge(answer, _norms_by_branches, _trials(), _SLIPS, read=_row, why=_first_number)
    _require_no_list(answer)
    return (
        "One step costs at most L products instead of doubling the list, so 54 blocks take some "
        "1,500 small products instead of 18,000,000,000,000,000 paths."
    )


_ONE_BLOCK = [torch.tensor([[2.0, 0.0], [1.0, 1.0]])], torch.tensor([3.0, 4.0])


def _trials() -> list[Trial]:
    """Stacks of several depths and widths, none of them equal."""
    rng = torch.Generator().manual_seed(0)
    cases = (
        (2, 3, "for two blocks"),
        (5, 4, "for five blocks of width 4"),
        (3, 1, "for width 1"),
        (4, 16, "for width 16"),
    )
    trials = [Trial(_ONE_BLOCK, "for one block")]
    for depth, width, when in cases:
        J = [torch.randn(width, width, generator=rng) / width**0.5 for _ in range(depth)]
        trials.append(Trial((J, torch.randn(width, generator=rng)), when))
    return trials


def _row(raw: object) -> Tensor:
    """Read L + 1 numbers, also where they stand in a column."""
    found = as_tensor(raw)
    return found.squeeze(-1) if found.ndim == 2 and found.shape[1] == 1 else found


def _first_number(answer: Callable, trial: Trial) -> str | None:
    """Say which is the first wrong number, and what it is made of."""
    J, g = trial.given
    found, right = _row(answer(*copy.deepcopy(trial.given))), _norms_by_branches(J, g)
    off = (found - right).abs() > 1e-4 * right
    if not off.any():
        return None
    k = int(off.nonzero().min())
    what = {
        0: "is the path along the shortcuts alone, which brings g itself",
        len(J): "is the one path through all branches, g @ J_L @ … @ J_1",
    }.get(k, f"has {math.comb(len(J), k)} paths: add what they bring, then take the norm")
    return f"k = {k} {what}. Its norm is {right[k]:.4g}; you return {found[k]:.4g}."


def _require_no_list(answer: Callable) -> None:
    """Refuse what takes one tensor, or one operation, or the time, for each of 2^L paths."""
    with _Watch() as watch:
        answer([0.5 * torch.eye(2) for _ in range(14)], torch.ones(2))
    if watch.largest > 300:  # 15 vectors have 30 numbers, 15 x 15 vectors 450
        raise NotYet(
            f"Right numbers, with {watch.largest} of them in one tensor; 15 vectors of width 2 "
            f"have 30: keep one vector for each number of branches, not one for each block, too."
        )
    if (long := _seconds(answer, 14)) < 0.05:
        return
    long = min(long, _seconds(answer, 14), _seconds(answer, 14))
    if long > max(0.05, 30 * min(_seconds(answer, 7) for _ in range(3))):
        raise NotYet(_LISTED)


def _seconds(answer: Callable, depth: int) -> float:
    J = [0.5 * torch.eye(2) for _ in range(depth)]
    start = time.perf_counter()
    answer(J, torch.ones(2))
    return time.perf_counter() - start


class _Watch(TorchFunctionMode):
    """Refuse more than 2,000 numbers in one tensor, and more than 15,000 operations."""

    count = largest = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        self.count += 1
        if isinstance(result, Tensor):
            self.largest = max(self.largest, result.numel())
        if self.largest > 2000 or self.count > 15_000:
            raise NotYet(_LISTED)
        return result


_LISTED = (
    "Right numbers, by listing all 2^L paths: at 54 blocks that does not fit, or never ends. Keep "
    "one vector per number of branches."
)


def _sums(J: list[Tensor], g: Tensor) -> Tensor:
    """Return, for k = 0 … L, the sum of the gradients of all paths: (L + 1, width)."""
    v = torch.zeros(len(J) + 1, len(g), dtype=torch.float64)
    v[0] = g
    for J_l in reversed(J):
        v[1:] = v[1:] + v[:-1] @ J_l.double()
    return v


def _norms_by_branches(J: list[Tensor], g: Tensor) -> Tensor:
    return _sums(J, g).norm(dim=1)


def _groups(J: list[Tensor], g: Tensor) -> list[Tensor]:
    """Return, for k = 0 … L, the gradients of all paths through k branches: (paths, width)."""
    groups = []
    for k in range(len(J) + 1):
        group = []
        for chosen in combinations(range(len(J)), k):
            v = g.double()
            for index in reversed(chosen):
                v = v @ J[index].double()
            group.append(v)
        groups.append(torch.stack(group))
    return groups


def _per_path(J: list[Tensor], g: Tensor) -> Tensor:
    """Return the norm of each path, in the order of the notebook's `all_paths`."""
    paths = g[None].double()
    for J_l in reversed(J):
        paths = torch.cat([paths, paths @ J_l.double()])
    return paths.norm(dim=1)


def _each(make: Callable[[Tensor], Tensor]) -> Callable:
    """Return what makes one number of each sum v[k]."""
    return lambda J, g: [make(v) for v in _sums(J, g)]


def _each_group(make: Callable[[Tensor], Tensor]) -> Callable:
    """Return what makes one number of the gradients of all paths through k branches."""
    return lambda J, g: [make(group) for group in _groups(J, g)]


def _of(change: Callable[[list[Tensor], Tensor], tuple]) -> Callable:
    """Return the right norms for other Jacobians, or another gradient."""
    return lambda J, g: _norms_by_branches(*change(J, g))


def _steps(step: Callable[[Tensor, Tensor], Tensor]) -> Callable:
    """Return the norms after another step, from all v and one J_l to the new v."""

    def norms(J: list[Tensor], g: Tensor) -> Tensor:
        v = torch.zeros(len(J) + 1, len(g), dtype=torch.float64)
        v[0] = g
        for J_l in reversed(J):
            v = step(v, J_l.double())
        return v.norm(dim=1)

    return norms


def _reused(v: Tensor, J_l: Tensor, far: bool = True) -> Tensor:
    """Return what comes of updating v in place, from small k to large; or only as far as it is."""
    old, v = v, v.clone()
    for k in range(1, len(v)):
        if far or old[k - 1].any():
            v[k] += v[k - 1] @ J_l
    return v


def _moved(v: Tensor, J_l: Tensor) -> Tensor:
    return torch.cat([0 * v[:1], v[:-1] @ J_l])


_FEWER = "With L blocks there are L + 1 numbers, one for each k = 0 … L. {}"
_ONE = "You return one norm for all; the question is one for each k."
_SIGNED = "You added up the entries of each vector; its norm is the root of the sum of squares."
_SINGLE = "Only one path for each k: there are L choose k."
_OFTEN = (
    "Some paths went through one branch several times: new v[k] needs the old v[k-1]. Go from "
    "large k to small k, or build the new list from a copy."
)
_SLIPS = (
    (_steps(_reused), _OFTEN),
    (_steps(lambda v, J: _reused(v, J, far=False)), _OFTEN),
    (_steps(lambda v, J: torch.cat([v[:1], v[1:] + _moved(v, J)[1:] @ J])), "Each step through a "
     "branch multiplied twice by its Jacobian: once is enough."),
    (_steps(lambda v, J: v + _moved(v, torch.eye(len(J)).double() + J)), "A branch brings v @ J_l; "
     "its shortcut, the I of I + J, is a path of its own."),
    (_steps(lambda v, J: v @ J + _moved(v, J)), "On the shortcut v[k] stays as it is: only what "
     "takes the branch is multiplied by J_l."),
    (_steps(lambda v, J: v + v @ J), "What takes the branch moves from v[k-1] to v[k]; yours stays "
     "at its k."),
    (_steps(_moved), "Only the path through all branches arrives: old v[k] must stay, as the "
     "shortcut."),
    (_steps(lambda v, J: torch.cat([v[:1], _moved(v, J)[1:]])), "Old v[k] is overwritten: what "
     "took the shortcut must stay in it. Add the two."),
    (_of(lambda J, g: ([J_l.T for J_l in J], g)), "You multiplied by the transpose. The gradient "
     "is a row here: v @ J_l, not J_l @ v."),
    (_of(lambda J, g: (J[::-1], g)), "You started at the first block. The gradient comes from the "
     "end: reversed(J)."),
    (_of(lambda J, g: ([J_l.T for J_l in J[::-1]], g)), "You started at the first block, and "
     "multiplied by the transpose: reversed(J), and v @ J_l."),
    (_of(lambda J, g: (J, g / g.norm())), "You made g a vector of length 1 first; take it as it "
     "is."),
    (_of(lambda J, g: (J, torch.ones_like(g))), "Your result does not use g: start with v[0] = g."),
    (_each_group(len), "You counted the paths. Asked for is the norm of the gradient that they "
     "bring."),
    (_each_group(lambda group: group.norm(dim=1).sum()), "You added the norms of single paths, as "
     "if all pointed the same way: add their gradients first, then take one norm."),
    (_each_group(lambda group: group.norm()), "You added squares, as if the paths stood at right "
     "angles. That is the theory's average; here add the gradients of the paths, then take one "
     "norm."),
    (_each_group(lambda group: group.mean(0).norm()), "You took the mean over the paths through k "
     "branches; take their sum."),
    (_each_group(lambda group: group.norm(dim=1).mean()), "That is the mean length of a path; add "
     "the gradients of the paths, then take one norm."),
    (_each_group(lambda group: group[0].norm()), _SINGLE),
    (_each_group(lambda group: group[-1].norm()), _SINGLE),
    (_each(lambda v: v.sum()), _SIGNED),
    (_each(lambda v: v.abs().sum()), "You added absolute values; the norm is the root of the sum "
     "of squares."),
    (_each(lambda v: v.square().mean().sqrt()), "The norm is the root of the *sum* of squares."),
    (lambda J, g: _norms_by_branches(J, g).square() / _norms_by_branches(J, g).square().sum(),
     "These are shares of the squares, as in the figure; return the norms themselves."),
    (lambda J, g: _sums(J, g).cumsum(0).norm(dim=1), "Yours holds all paths through *at most* k "
     "branches; each k stands for itself."),
    (lambda J, g: _norms_by_branches(J, g).flip(0), "Right numbers in the reverse order: k counts "
     "the branches on the way, not the shortcuts."),
    (lambda J, g: _sums(J, g).norm(dim=0), "One norm per neuron: take it along each vector."),
    (_per_path, "One number per path: add the gradients of all paths with the same k first."),
    (_sums, "You return the vectors; return the norm of each, L + 1 numbers."),
    (lambda J, g: _sums(J, g).norm(), _ONE),
    (lambda J, g: _sums(J, g).sum(0).norm(), _ONE),
    (lambda J, g: _norms_by_branches(J, g)[1:], _FEWER.format("k = 0, shortcuts only, is "
     "missing.")),
    (lambda J, g: _norms_by_branches(J, g)[:-1], _FEWER.format("k = L, through all branches, is "
     "missing.")),
    (lambda J, g: _norms_by_branches(J[1:], g), "The first block, J[0], is left out."),
    (lambda J, g: _norms_by_branches(J[:-1], g), "The last block, J[-1], is left out."),
)  # fmt: skip
