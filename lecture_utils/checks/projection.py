"""Check for notebook 03: a shortcut that fits (exercise 3.1)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lecture_utils.checks.modules import as_function, as_module, inputs, run
from lecture_utils.checks.relations import close
from lecture_utils.checks.values import tensor
from lecture_utils.checks.verdict import NotYet, graded


@graded
def shortcut(answer: Callable | type) -> str:
    """Exercise 3.1: identity where the widths agree, a projection where they do not."""
    answer = as_function(answer)
    for n_in, n_out in ((6, 4), (4, 6), (3, 1), (1, 3)):
        call = f"shortcut({n_in}, {n_out})"
        module = as_module(answer(n_in, n_out), call)
        matrix = _require_linear(module, n_in, n_out, call)
        _require_learned(module, matrix, call)
        _require_its_own(module, answer(n_in, n_out), matrix, call)
    for n in (5, 1, 64):
        _require_identity(answer, n)
    return (
        "So a ResNet has only a handful of projections, one at each change of width. Between two "
        "of them every shortcut is the identity."
    )


def _require_linear(module: nn.Module, n_in: int, n_out: int, call: str) -> Tensor:
    """Refuse what does not map each row by one matrix; return that matrix, (n_in, n_out)."""
    x = inputs(5, n_in)
    try:
        y = run(module, x, call)
    except NotYet:
        if _takes(module, n_out):
            raise NotYet(
                f"`{call}` takes {n_out} features; {n_in} must come in and {n_out} go out. "
                f"nn.Linear is given the number of features that come in first."
            ) from None
        raise
    tensor(y, (5, n_out), f"the output of `{call}`")
    for training, when in ((True, "a second time"), (False, "in eval mode")):
        if not close(run(module.train(training), x, call), y):
            raise NotYet(
                f"`{call}`, given the same input {when}, returns another output. Make its "
                f"matrix once, in __init__, and leave dropout and norms to the branch."
            )
    at_zero = run(module, torch.zeros(5, n_in), call)
    matrix = run(module, torch.eye(n_in), call) - run(module, torch.zeros(n_in, n_in), call)
    if not close(y - at_zero, x @ matrix):
        if not close(y, torch.cat([run(module, row[None], call) for row in x])):
            raise NotYet(f"`{call}` mixes the rows: each input's output must depend on it alone.")
        raise NotYet(
            f"`{call}` is not linear: what it makes of u + v is not what it makes of u plus what "
            f"it makes of v. Leave activation and norm to the branch."
        )
    if at_zero.any() or _moves(at_zero.sum()[None], module).any():
        raise NotYet(
            f"`{call}` has a bias. The branch has one already; on the shortcut we want the matrix "
            f"alone: bias=False."
        )
    return matrix


def _takes(module: nn.Module, features: int) -> bool:
    try:
        return isinstance(module(torch.zeros(5, features)), Tensor)
    except Exception:  # whatever a module does with another width
        return False


def _moves(values: Tensor, module: nn.Module) -> Tensor:
    """Return how each of the values moves with the module's parameters, (values, parameters)."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    rows = [torch.zeros(0) for _ in values]
    if parameters and values.requires_grad:
        rows = []
        for value in values:
            found = torch.autograd.grad(
                value, parameters, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            rows.append(torch.cat([g.flatten() for g in found]))
    return torch.stack(rows)


def _require_learned(module: nn.Module, matrix: Tensor, call: str) -> None:
    """Refuse a matrix that no optimiser could train, and one that loses directions."""
    n_in, n_out = matrix.shape
    moves = _moves(matrix.flatten(), module)
    learned = moves.any(1).sum().item() if moves.numel() else 0
    if not learned:
        raise NotYet(_why_fixed(module, matrix, call))
    if learned < matrix.numel() or torch.linalg.matrix_rank(moves) < matrix.numel() / 2:
        raise NotYet(
            f"`{call}`: of the {n_in} × {n_out} entries of its matrix not all can learn, each on "
            f"its own. Option B is a whole learned matrix W_s."
        )
    rank = torch.linalg.matrix_rank(matrix.detach()).item()
    if rank < min(n_in, n_out):
        raise NotYet(
            f"`{call}` maps {n_in} features onto only {rank} directions, at the start; a random "
            f"matrix, as in nn.Linear, keeps {min(n_in, n_out)}."
        )
    x = inputs(5, n_in).requires_grad_()
    y = module(x)
    g = inputs(*y.shape, seed=1)
    (back,) = torch.autograd.grad((y * g).sum(), x, allow_unused=True, materialize_grads=True)
    if not close(back, g @ matrix.detach().T):
        raise NotYet(f"`{call}` lets no gradient back to its input, or a wrong one: no detach.")


def _why_fixed(module: nn.Module, matrix: Tensor, call: str) -> str:
    if matrix.requires_grad:
        return (
            f"`{call}` has a matrix that is not among its parameters(), so no optimiser finds it. "
            f"Make it in __init__, as an nn.Linear or an nn.Parameter."
        )
    if list(module.parameters()):
        return (
            f"`{call}` has weights that cannot learn: no gradient gets to them. Is requires_grad "
            f"off, or is there a detach, a .data or a no_grad?"
        )
    if close(matrix, torch.eye(*matrix.shape)):
        return (
            f"`{call}` has no weights that can learn. Cutting or padding is option A; here we want "
            f"option B, a learned matrix W_s."
        )
    return (
        f"`{call}` has no weights that can learn; option B is a learned matrix W_s: an nn.Linear, "
        f"or an nn.Parameter."
    )


def _require_its_own(module: nn.Module, other: object, matrix: Tensor, call: str) -> None:
    """Refuse weights that two calls share; changes the module."""
    other = as_module(other, call)
    x = inputs(5, matrix.shape[0], seed=2)
    before = run(other, x, call).detach()
    with torch.no_grad():
        for p in module.parameters():
            p.add_(1.0)
    if not torch.equal(run(other, x, call), before):
        raise NotYet(
            f"Two calls of `{call}` share their weights. Each layer's shortcut has a matrix of its "
            f"own: make the module inside the function, at each call."
        )


def _require_identity(answer: Callable, n: int) -> None:
    """Refuse where the widths agree what has weights, or does not pass its input on."""
    call, x = f"shortcut({n}, {n})", inputs(3, n)
    module = as_module(answer(n, n), call)
    first = run(module, x, call)
    if list(module.parameters()):
        raise NotYet(
            f"`{call}` has parameters although the widths agree. Adding the input needs no "
            f"matrix there: pass it on untouched."
        )
    for training in (True, False):
        module.train(training)
        for times in (1, 1e30, 1e-30):
            if not torch.equal(run(module, times * x, call), times * x):
                raise NotYet(f"`{call}` changes its input; where the widths agree it must not.")
    infinite = torch.full_like(x, float("inf"))
    if any(part.is_floating_point() for part in module.buffers()) or not torch.equal(
        run(module, infinite, call), infinite
    ):
        raise NotYet(
            f"`{call}` computes with its input, as a matrix does, even if nothing changes. Pass it "
            f"on as it is."
        )
    x.requires_grad_()
    y = module(x)
    if not y.requires_grad or not torch.autograd.grad(y.sum(), x)[0].eq(1).all():
        raise NotYet(
            f"`{call}` passes the {first.shape[1]} numbers on, but not their gradient back: no "
            f"detach, no .data."
        )
