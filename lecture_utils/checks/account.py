"""Check for notebook 09: the number of a GPT's parameters as a formula."""

import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import torch

from lecture_utils.checks.values import number
from lecture_utils.checks.verdict import NotAttempted, NotYet, Unrecognised, graded

Size = tuple[int, ...]  # width d, number of blocks N; or also number of tokens V, context T
_RELEASED = ((768, 12),)
_OTHERS = ((64, 3, 100, 16), (128, 1, 16, 100), (192, 4, 7, 1))


@graded
def parameters(answer: Callable) -> str:
    """Exercise 9.3: the number of parameters of a GPT-2."""
    sizes = _RELEASED + _OTHERS
    for size in sizes:
        found, right = _count(answer, size), _right(*size)
        if not _same(found, right):
            _name_slip(answer, sizes)
            _name_terms(answer)
            _fail(size, found, right)
    return (
        "Large has 774,030,080 and XL 1,557,611,200, to the unit what was released. For large d "
        "the rule of thumb is 12 N d² plus the table."
    )


def _fail(size: Size, found: float, right: int) -> NoReturn:
    """Say how far a count is off whose formula remains unknown."""
    if found > 10 * right and size in _RELEASED:
        raise NotYet(
            f"Your number is {found / right:,.0f} times too large: somewhere a product stands in "
            f"the place of a sum, or a power is too high."
        )
    where = f"d, N, V, T = {size}" if len(size) > 2 else f"d, N = {size}"
    if size not in _RELEASED:
        raise NotYet(
            f"Right for GPT-2 small, not for {where}: you are off by {found - right:+,.0f}. Is a "
            f"number written out where a size belongs?"
        )
    block = 12 * size[0] ** 2 + 13 * size[0]
    raise Unrecognised(
        f"For {where}: you are off by {found - right:+,.0f}. One block has {block:,}; "
        f"compare yours with the list in section 9.4."
    )


def _count(answer: Callable, size: Size) -> float:
    """Call the answer, by place or by name."""
    names = dict(zip(("dim", "depth", "vocab_size", "context"), size, strict=False))
    by_name: Any = {}
    try:
        signature = inspect.signature(answer)
        try:
            signature.bind(*size)
        except TypeError:
            by_name = names
            signature.bind(**names)
    except TypeError as error:
        raise NotYet(
            f"Your function cannot be called with {len(size)} arguments, (dim, depth, vocab_size, "
            f"context): {error}. Keep those of the stub."
        ) from error
    except ValueError:  # no signature is known
        by_name = {}
    return number(answer(**by_name) if by_name else answer(*size), "the number")


def _same(found: float, right: float) -> bool:
    """Tell whether two counts are the same, up to the rounding of float32."""
    return abs(found - right) <= 5e-7 * right


def _right(d: int, N: int, V: int = 50257, T: int = 1024) -> int:
    return (V + T) * d + N * (12 * d * d + 13 * d) + 2 * d


def _less(missing: Callable[[int, int, int, int], float]) -> Callable:
    """Return the slip in whose count something is missing."""
    return lambda d, N, V=50257, T=1024: _right(d, N, V, T) - missing(d, N, V, T)


_POWER = "A power is written with two stars in Python, d**2; d^2 is something else."
_TWICE = "You added a head with its own matrix{}; the weights are tied, the table counts once."
_SLIPS = (
    *((lambda *size, k=k: ((*size, 50257, 1024) if len(size) < 4 else size)[k], "You return one "
       "of the arguments as it came.") for k in range(4)),
    (lambda d, N, V=50257, T=1024: (V + T) * d + N * (12 * d ^ 2 + 13 * d) + 2 * d, _POWER),
    (lambda d, N, V=50257, T=1024: (V + T) * d + N * (12 * (d ^ 2) + 13 * d) + 2 * d, _POWER),
    (_less(lambda d, N, V, T: -N * T * T), "You counted the causal masks, T times T in each block: "
     "they are constants, not parameters."),
    (_less(lambda d, N, V, T: 2 * d), "The final norm is missing: 2d."),
    (_less(lambda d, N, V, T: d), "A norm has two vectors, a factor and a bias: 2d for the last "
     "one, too."),
    (_less(lambda d, N, V, T: -V * d), "You counted the table of tokens twice; the weights are "
     "tied."),
    (_less(lambda d, N, V, T: -V * d - V), _TWICE.format(" and bias")),
    (_less(lambda d, N, V, T: -V), "You added a bias to the head: the logits are products with the "
     "table's rows, and nothing else."),
    (_less(lambda d, N, V, T: 3 * N * d - V * d), f"{_TWICE.format('')} And the biases of Q, K and "
     "V are missing, as in the lecture."),
    (_less(lambda d, N, V, T: (V + T) * d), "Both tables are missing: tokens and positions."),
    (_less(lambda d, N, V, T: V * d), "The table of tokens is missing."),
    (_less(lambda d, N, V, T: T * d), "The table of positions is missing: T rows of width d."),
    (_less(lambda d, N, V, T: T * d - T), "Each position has a row of width d, not one number."),
    (_less(lambda d, N, V, T: N * 9 * d), "The biases are missing: 4d in the attention, 5d in the "
     "feed-forward."),
    (_less(lambda d, N, V, T: N * 9 * d + 2 * d), "The biases are missing (4d in the attention, 5d "
     "in the feed-forward), and the final norm."),
    (_less(lambda d, N, V, T: N * 3 * d), "The biases of Q, K and V are missing, as in the "
     "lecture: N · 3d."),
    (_less(lambda d, N, V, T: N * 4 * d), "Each block has two norms of 2d parameters; they are "
     "missing, or else the attention's biases."),
    (_less(lambda d, N, V, T: N * 4 * d + 2 * d), "The norms are missing: two in each block and "
     "one at the end, of 2d each."),
    (_less(lambda d, N, V, T: N * 2 * d + d), "A norm has two vectors, a factor and a bias: 2d "
     "each."),
    (_less(lambda d, N, V, T: N * 2 * d), "Each block has two norms of 2d each; you counted one, "
     "or half of each."),
    (_less(lambda d, N, V, T: N * 13 * d), "The blocks' vectors are missing: biases and norms."),
    (_less(lambda d, N, V, T: N * 13 * d + (T + 2) * d), "That is the rule of thumb, 12 N d² + "
     "V d; give the exact one."),
    (_less(lambda d, N, V, T: 12 * d * d + 13 * d), "One block is missing."),
    (_less(lambda d, N, V, T: -12 * d * d - 13 * d), "There is one block too many."),
    (_less(lambda d, N, V, T: 2 * d - 2 * N * d), "You count the last norm in every block: it "
     "stands once, at the end (brackets?)."),
    (_less(lambda d, N, V, T: N * d * d), "Attention has four matrices: queries, keys, values, and "
     "`out`."),
    (_less(lambda d, N, V, T: N * d * d + N * d), "Attention has four matrices with biases: "
     "queries, keys, values, and `out`."),
    (_less(lambda d, N, V, T: (N - 1) * (12 * d * d + 13 * d)), "You counted one block only."),
    (_less(lambda d, N, V, T: N * (12 * d * d + 13 * d)), "The blocks are missing."),
    (_less(lambda d, N, V, T: (V + T) * d + N * (12 * d * d + 13 * d)), "That is the last norm "
     "alone."),
    (_less(lambda d, N, V, T: (V + T + 2) * d), "Those are the blocks alone: tables and the last "
     "norm are missing."),
    (_less(lambda d, N, V, T: _right(d, N, V, T) - 12 * N * d * d - 13 * d - (V + T + 2) * d),
     "The biases and norms are counted for one block only: brackets."),
    (_less(lambda d, N, V, T: (V - 50257) * d), "Another `vocab_size` changes nothing: 50257 is "
     "written into the formula. Use the argument."),
    (_less(lambda d, N, V, T: (T - 1024) * d), "Another `context` changes nothing: 1024 is written "
     "into the formula. Use the argument."),
    (_less(lambda d, N, V, T: (V + T - 51281) * d), "Another `vocab_size` or `context` changes "
     "nothing. Do you use the arguments?"),
    (_less(lambda d, N, V, T: (V + T) * d - V - T * d), "The tables must have d numbers for each "
     "token and for each position: brackets."),
    (_less(lambda d, N, V, T: (V + T) * d - V - T), "The tables must have d numbers for each token "
     "and for each position."),
    (_less(lambda d, N, V, T: (V + T) * d - V * T * d), "The two tables are added, not "
     "multiplied."),
    (_less(lambda d, N, V, T: (V + T) * d - V * T), "A table has d numbers in each row; there are "
     "V rows and T rows."),
)  # fmt: skip


def _name_slip(answer: Callable, sizes: tuple[Size, ...]) -> None:
    """Raise `NotYet` if the answer's counts are those of a usual slip."""
    if all(_same(_count(answer, size), _right(*size)) for size in _OTHERS):
        raise NotYet(
            "Right where all four sizes are given. Without `vocab_size` and `context` they must be "
            "50257 and 1024, as in the stub."
        )
    found = [_count(answer, size) for size in sizes]
    if len(set(found)) == 1:
        raise NotYet(f"You return {found[0]:,.0f} each time, whatever the sizes are.")
    factors = [f / _right(*size) for f, size in zip(found, sizes, strict=True)]
    if max(factors) - min(factors) < 1e-6 * abs(factors[0]):
        raise NotYet(f"Yours is {factors[0]:.4g} times the right number, each time.")
    for slip, message in _SLIPS:
        if all(_same(f, slip(*size)) for f, size in zip(found, sizes, strict=True)):
            raise NotYet(message)


def _name_terms(answer: Callable) -> None:
    """Raise `NotYet` with the terms by which the answer's formula is off, if it is a formula."""
    try:
        terms = _terms(answer)
    except (NotYet, NotAttempted):
        return
    if 0 < len(terms) <= 8:
        terms.sort(key=lambda term: term[1] not in _WHERE)
        said = "; ".join(_said(*term) for term in terms[:3])
        more = "; and more is off" if len(terms) > 3 else ""
        raise NotYet(f"{said[0].upper()}{said[1:]}{more}. Compare with the list in section 9.4.")


def _grid() -> Iterator[Size]:
    return itertools.product((64, 128, 192, 256, 384), (1, 2, 3), (10, 30), (8, 32))


def _powers(d: float, N: int, V: int, T: int) -> list[float]:
    """Return all products of powers of the four sizes up to N² d³ V T."""
    four = (d**i * N**j * V**k * T**m for i, j, k, m in _exponents())
    return list(four)


def _exponents() -> Iterator[Size]:
    return itertools.product(range(-1, 4), range(3), range(2), range(2))


def _terms(answer: Callable) -> list[tuple[float, Size]]:
    """Return the polynomial by which the answer is off: (factor, exponents of d, N, V, T) each.

    It is fitted on a grid and must predict other sizes; else there is none, an empty list.
    """
    off = [_count(answer, size) - _right(*size) for size in _grid()]
    rows = torch.tensor([_powers(d / 64, N, V / 10, T / 8) for d, N, V, T in _grid()]).double()
    fitted = torch.linalg.solve(rows, torch.tensor(off).double())
    fitted[fitted.abs() < 1e-7 * fitted.abs().max()] = 0
    for d, N, V, T in ((320, 4, 17, 40), (768, 12, 50257, 1024)):
        fits = torch.tensor(_powers(d / 64, N, V / 10, T / 8)).double() @ fitted
        true = _count(answer, (d, N, V, T)) - _right(d, N, V, T)
        if abs(fits.item() - true) > 1 + 1e-5 * abs(true):
            return []
    scale = torch.tensor([64.0**i * 10**k * 8**m for i, j, k, m in _exponents()])
    factors = (fitted / scale).tolist()
    terms = zip(factors, _exponents(), strict=True)
    return [(c, powers) for c, powers in terms if abs(c) * max(1, 64 ** powers[0]) > 1e-2]


_WHERE = {
    (2, 1, 0, 0): "the blocks' matrices, N d²", (1, 1, 0, 0): "the blocks' biases and norms, N d",
    (1, 0, 1, 0): "the table of tokens, V d", (1, 0, 0, 1): "the table of positions, T d",
    (1, 0, 0, 0): "the norm at the end, d", (0, 0, 1, 0): "numbers of single tokens, V",
    (0, 0, 0, 1): "numbers of single positions, T", (0, 0, 0, 0): "a constant",
}  # fmt: skip


def _said(factor: float, powers: Size) -> str:
    """Say by how much one term is off, and to what it belongs."""
    signs = ("", "", "²", "³", "⁻¹")
    names = " ".join(f"{x}{signs[p]}" for x, p in zip("NVTd", _order(powers), strict=True) if p)
    amount = f"{abs(factor):.4g} {names}".strip()
    where = f" ({_WHERE[powers]})" if powers in _WHERE else ""
    return f"you have {amount} too {'many' if factor > 0 else 'few'}{where}"


def _order(powers: Size) -> Size:
    d, N, V, T = powers
    return N, V, T, d
