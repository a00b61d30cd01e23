"""Eleven property tests: each asks for something that every right wiring has.

A test takes a decoder in float64 and in evaluation mode, and sequences x, (batch, time, dim); it
returns whether the property holds. It needs no reference to compare with. What is changed is
changed at random: a layer norm removes what is the same in all entries of a token.
"""

import copy
import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from lecture_utils.clinic.inputs import answer_of, require_sequences, same, sublayers
from lecture_utils.require.numbers import require_seed
from lecture_utils.require.tensors import describe, require_callable


def silenced(model: nn.Module) -> nn.Module:
    """Return a copy of a decoder in which every branch returns 0."""
    model = copy.deepcopy(model)
    for part in sublayers(model):
        for parameter in part.branch.parameters():
            parameter.data.zero_()
    return model


def recorded(model: nn.Module, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Return the stream before and after each block, and what each branch returned on the way.

    Raises:
        ValueError: the model is no decoder of the clinic, or x no sequences of its width.
    """
    require_sequences(model, x)
    updates = []
    hooks = [
        part.branch.register_forward_hook(lambda *call: updates.append(call[-1]))
        for part in sublayers(model)
    ]
    try:
        h = model.stream(x)
    finally:
        for hook in hooks:
            hook.remove()
    return h, updates


def token_jacobian(f: Callable, token: Tensor) -> Tensor:
    """Return df/dx for a sequence of one token, (dim, dim): a row for each output."""
    dim = len(token)
    return torch.autograd.functional.jacobian(lambda v: f(v.view(1, 1, dim)).view(dim), token)


def shortcut_matrix(part: nn.Module, token: Tensor) -> Tensor:
    """Return a sublayer's Jacobian, before its last norm, less that of its branch: (dim, dim).

    Raises:
        ValueError: it is no sublayer, or the token is no vector of numbers.
    """
    if not hasattr(part, "norm_sum") or not hasattr(part, "update"):
        raise ValueError(f"a sublayer of a decoder is expected (sublayers); got {describe(part)}")
    if not isinstance(token, Tensor) or token.dim() != 1 or not token.is_floating_point():
        raise ValueError(f"token must be one vector, such as x[0, 0]; got {describe(token)}")
    norm, part.norm_sum = part.norm_sum, nn.Identity()
    try:
        whole = token_jacobian(part, token)
    finally:
        part.norm_sum = norm
    return whole - token_jacobian(part.update, token)


def samples_are_independent(model: nn.Module, x: Tensor) -> bool:
    """Change the first sample: the outputs of the others stay.

    Finds attention over the batch, and statistics over the batch. A batch of one never fails.
    """
    changed = x.clone()
    changed[0] += torch.randn_like(x[0])
    return same(model(changed)[1:], model(x)[1:])


def place_in_batch_is_irrelevant(model: nn.Module, x: Tensor) -> bool:
    """Put the samples in reverse order: the outputs come in reverse order, and are the same.

    Finds a table that is indexed with the sample's number.
    """
    return same(model(x.flip(0)), model(x).flip(0))


def future_is_hidden(model: nn.Module, x: Tensor, kick: Callable = torch.randn_like) -> bool:
    """Change a token: the outputs at earlier tokens stay.

    Finds a causal mask that is flipped, shifted or missing. Adding 1 to a token finds none of them
    in a pre-norm decoder.
    """
    changed = x.clone()
    changed[:, 3:] += kick(x[:, 3:])
    return same(model(changed)[:, :3], model(x)[:, :3])


def padding_is_ignored(model: nn.Module, x: Tensor) -> bool:
    """Change the padding, two tokens on the left of sample 1: the outputs at real tokens stay.

    Finds a padding mask that is lost, or filled with 0 in place of −∞.
    """
    padding = torch.zeros(x.shape[:2], dtype=torch.bool)
    padding[0, :2] = True
    changed = torch.where(padding[..., None], torch.randn_like(x), x)
    return same(model(changed, padding)[~padding], model(x, padding)[~padding])


def zeroed_branch_is_identity(model: nn.Module, x: Tensor) -> bool:
    """Let every branch return 0: the stream leaves the last block as it entered the first.

    Finds whatever stands on the shortcut: a norm, a factor. Never true of post-norm.
    """
    h = silenced(model).stream(x)
    return same(h[-1], h[0])


def dropout_spares_the_shortcut(model: nn.Module, x: Tensor) -> bool:
    """Let every branch return 0, in training: two runs are equal.

    Finds dropout on the sum.
    """
    model = silenced(model).train()
    return same(model(x), model(x))


def jacobian_is_identity_plus_branch(model: nn.Module, x: Tensor) -> bool:
    """Take the branch's Jacobian from a sublayer's: α times the identity is left.

    Finds a shortcut that carries something else than α x, in post-norm, too.
    """
    target = model.alpha * torch.eye(x.shape[-1]).to(x)
    return all(same(shortcut_matrix(part, x[0, 0]), target) for part in sublayers(model))


def sum_of_updates(model: nn.Module, x: Tensor) -> bool:
    """Add up what the branches return: that is what the stream has changed by.

    Finds a shortcut that starts at the wrong place, or a branch added twice. Never true of
    post-norm.
    """
    h, updates = recorded(model, x)
    return same(h[-1] - h[0], sum(updates))


def output_is_normalised(model: nn.Module, x: Tensor) -> bool:
    """Look at each output token: mean 0, mean square 1 (before training, when the gain is 1).

    Finds a missing final norm.
    """
    y = model(x)
    mean, square = y.mean(-1), (y**2).mean(-1)
    return (mean.abs().max() < 0.001).item() and ((square - 1).abs().max() < 0.01).item()


def blocks_start_different(model: nn.Module, x: Tensor) -> bool:
    """Compare the blocks' matrices before training: no two blocks have the same.

    Finds deep copies of one block.
    """
    starts = [
        torch.cat([p.flatten() for p in block.parameters() if p.dim() == 2])
        for block in model.blocks
    ]
    return not any(torch.equal(a, b) for k, a in enumerate(starts) for b in starts[:k])


def stream_writers_start_small(model: nn.Module, x: Tensor) -> bool:
    """Measure the spread of the starting weights: std / √(2N) in out and contract, else std.

    Finds GPT-2's small start on the wrong matrix, or nowhere.
    """
    small = model.std / math.sqrt(2 * len(model.blocks))
    for name, p in model.blocks.named_parameters():
        target = small if name.endswith(("out.weight", "contract.weight")) else model.std
        if p.dim() == 2 and not 0.7 < p.std() / target < 1.4:
            return False
    return True


TESTS = (
    samples_are_independent,
    place_in_batch_is_irrelevant,
    future_is_hidden,
    padding_is_ignored,
    zeroed_branch_is_identity,
    dropout_spares_the_shortcut,
    jacobian_is_identity_plus_branch,
    sum_of_updates,
    output_is_normalised,
    blocks_start_different,
    stream_writers_start_small,
)
_OTHER = 1_000_000  # with the sequences' own seed the change of a test could equal what it replaces
OPEN_SHORTCUT = (zeroed_branch_is_identity, sum_of_updates)  # never true of post-norm


def outcome(test: Callable, model: nn.Module, x: Tensor, seed: int = 0) -> float:
    """Run one test; the caller's random state is not touched.

    Returns:
        1 passed, 0 failed, nan where the decoder is not meant to have the property.

    Raises:
        ValueError: the test returns neither True nor False, or an argument is none it can be.
    """
    require_callable("test", test)
    require_sequences(model, x)
    require_seed(seed)
    require_seed(_OTHER + seed)
    if model.norm == "post" and test in OPEN_SHORTCUT:
        return math.nan
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(_OTHER + int(seed))
        return float(answer_of(test, test(model, x)))


def count_failures(
    test: Callable, models: Iterable[nn.Module], batches: Iterable[Tensor], **options: Callable
) -> int:
    """Count the decoders that fail a test, each on its own sequences.

    Args:
        test: of a decoder and sequences (batch, time, dim).
        models: the decoders.
        batches: the sequences, one tensor for each decoder.
        options: passed on to the test.

    Raises:
        ValueError: the test returns neither True nor False.
    """
    require_callable("test", test)
    failed = 0
    for seed, (model, x) in enumerate(zip(models, batches, strict=True)):
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(_OTHER + seed)
            failed += not answer_of(test, test(model, x, **options))
    return failed
