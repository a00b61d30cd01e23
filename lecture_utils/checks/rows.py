"""What was done to a layer's weights that compute or read one number (exercise 5.2)."""

import torch
from torch import Tensor, nn


def layer_of(part: nn.Module) -> nn.Module | None:
    """Return the one layer with weights and biases in a part of a net, if there is one."""
    layer = getattr(part, "linear", part)
    whole = all(isinstance(getattr(layer, name, None), Tensor) for name in ("weight", "bias"))
    return layer if whole else None


def wrong_weights(
    old: nn.Module, new: nn.Module, k: int, a: float, reads: bool, computes: bool
) -> str:
    """Say which weights of a layer are not what they must be; "" if none."""
    W, V, b, c = (p.detach().double() for p in (old.weight, new.weight, old.bias, new.bias))
    if W.shape != V.shape or b.shape != c.shape:
        return f"the weights have shape {tuple(V.shape)}; they had {tuple(W.shape)}."
    row, column = torch.zeros_like(W).bool(), torch.zeros_like(W).bool()
    row[k : k + computes], column[:, k : k + reads] = computes, reads
    both, one = row & column, torch.zeros_like(b).bool()
    one[k : k + computes] = computes
    R, C = _ratio(V, W, row & ~both), _ratio(V, W, column & ~both)
    if told := _other_place(V, W, row, column, k, a):
        return told
    rest = _ratio(V, W, ~(row | column))
    out, into = (f"number k {way} {a:.4g} times as large" for way in ("must come out", "comes in"))
    facts = [
        (f"row k, which computes number k, {_is(R, a)}: {out}", _near(R, a)),
        (f"column k, which reads number k, {_is(C, a)}: {into}", _near(C, 1 / a)),
    ]
    if _near(R, a) and _near(C, 1 / a):
        B = _ratio(V, W, both)
        facts.append((
            f"the weight from number k to number k {_is(B, a)}: it is multiplied as part of row k "
            f"and divided as part of column k, so it stays as it was", _near(B, 1)))  # fmt: skip
    B, others = _ratio(c, b, one), _ratio(c, b, ~one)
    facts += [
        (f"the bias of number k {_is(B, a)}, though it is a part of number k", _near(B, a)),
        (_elsewhere(V, W, ~(row | column), a), _near(rest, 1)),
        (f"a bias of another number than k {_is(others, a)}", _near(others, 1) or not computes),
        (f"a bias {_is(others, a)}: the biases are added to the answers, and these must stay",
         _near(others, 1) or computes),
    ]  # fmt: skip
    wrong = [fact for fact, right in facts if not right]
    return "; ".join(wrong[:2]) + "." if wrong else ""


def _other_place(V: Tensor, W: Tensor, row: Tensor, column: Tensor, k: int, a: float) -> str:
    """Say that rows and columns are taken for each other, or all for one; "" if they are not."""
    reads, computes, both = column.any(), row.any(), row & column
    R, C = _ratio(V, W, row & ~both), _ratio(V, W, column & ~both)
    if reads and computes and _near(R, 1 / a) and _near(C, a):
        return "rows and columns are exchanged: row k computes, column k reads."
    if reads:
        return ""
    if _near(_ratio(V, W, ~row), a):
        return (
            "all numbers are multiplied, which is section 5.5's `rescaled`: the ruler made of rows "
            "sees through that. Multiply number k only."
        )
    if k < W.shape[1] and _other(_ratio(V[:, k], W[:, k], ~row[:, k])):
        return (
            "you changed column k: that is what reads pixel k. The weights that *compute* number "
            "k of the hidden state are row k, `weight.data[k]`."
        )
    return ""


def _elsewhere(new: Tensor, old: Tensor, where: Tensor, a: float) -> str:
    """Say which weights were changed that have nothing to do with number k."""
    for axis, name in ((0, "row"), (1, "column")):
        for j in range(old.shape[axis]):
            factors = _ratio(*(m.select(axis, j) for m in (new, old, where)))
            if _other(factors):
                return f"{name} {j} {_is(factors, a)}, and must stay as it was"
    return "weights that have nothing to do with number k are changed"


def _other(factors: list[float]) -> bool:
    """Tell whether numbers were all multiplied by one factor, which is not 1."""
    return bool(factors) and _near(factors, factors[0]) and not _near(factors, 1)


def _ratio(new: Tensor, old: Tensor, where: Tensor) -> list[float]:
    """Return the smallest and the largest factor between new and old numbers, where asked."""
    factors = (new / old)[where]
    return [factors.min().item(), factors.max().item()] if len(factors) else []


def _near(factors: list[float], wanted: float) -> bool:
    """Tell whether all factors are the wanted one; none is any."""
    return all(abs(factor - wanted) <= 1e-3 * abs(wanted) for factor in factors)


def _is(factors: list[float], a: float) -> str:
    """Say what was done to weights."""
    for factor, done in ((1, "as it was"), (a, "multiplied by a"), (1 / a, "divided by a")):
        if _near(factors, factor):
            return f"is {done}"
    if _near(factors, factors[0]):
        return f"is {factors[0]:.4g} times the old one"
    return "is changed in another way"
