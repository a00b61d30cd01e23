"""Check for notebook 08: write a test of the padding (exercise 8.1)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn

from lecture_utils import clinic
from lecture_utils.checks.calling import called
from lecture_utils.checks.leaks import MIXES, cases, mask
from lecture_utils.checks.values import truth
from lecture_utils.checks.verdict import NotYet, graded

_SHAPES = re.compile(r"shape|size|dimension|broadcast|[Ii]ndex")  # what an error of shapes names


@dataclass
class _Run:
    """An answer's test of one decoder.

    Attributes:
        who: the decoder, in words.
        x: sequences.
        padding: their mask.
        moves: how far each token's output moves when all padding is changed at random.
        passed: what the test said.
        calls: with what it called the decoder: tokens, mask, whether in training mode.
    """

    who: str
    x: Tensor
    padding: Tensor
    moves: Tensor
    passed: bool = False
    calls: list[tuple[Tensor, Tensor | None, bool]] = field(default_factory=list)

    @property
    def ill(self) -> bool:
        """Whether a real output moves."""
        return bool((self.moves[~self.padding] > 1e-9).any())


@graded
def padding_test(answer: Callable) -> str:
    """Exercise 8.1: a property test that finds padding that is not ignored."""
    runs = [_run(answer, *case, seed) for seed, case in enumerate(cases())]
    if wrong := [run for run in runs if run.passed == run.ill]:
        _refuse_calls(wrong[0])
        _explain(runs, wrong)
    _try_without_padding(answer)
    return (
        "Try it on the patients; one fails.\n\n"
        "```python\n"
        "padding = torch.arange(6).expand(4, 6) < 2\n"
        "for who in clinic.DIAGNOSES:\n"
        "    print(who, padding_is_ignored(clinic.admit(who), clinic.sequences(), padding))\n"
        "```"
    )


def _moves(model: nn.Module, x: Tensor, padding: Tensor) -> Tensor:
    """Return how far each token's output moves when all padding is changed at random."""
    rng = torch.Generator().manual_seed(7)
    changed = x + padding[..., None] * torch.randn(x.shape, generator=rng, dtype=x.dtype)
    with torch.no_grad():
        return (model(changed, padding) - model(x, padding)).abs().amax(-1)


def _run(answer: Callable, who: str, model: nn.Module, padding: Tensor, seed: int) -> _Run:
    """Run the answer on one decoder, and note how it calls the decoder."""
    x = clinic.sequences(5_000 + seed, len(padding))
    run = _Run(who, x, padding, _moves(model, x, padding))

    def note(module: nn.Module, given: tuple, named: dict) -> None:
        named = dict(zip(("x", "padding"), given, strict=False)) | named
        tokens, mask = named["x"], named.get("padding")
        run.calls.append((tokens.clone(), None if mask is None else mask, module.training))

    watch = model.register_forward_pre_hook(note, with_kwargs=True)
    try:
        before = [p.clone() for p in model.parameters()]
        said = called(partial(answer, model), x, padding, names=("x", "padding"))
    except NotYet as error:
        if _SHAPES.search(str(error.__cause__ or "")):
            raise NotYet(_shapes(str(error.__cause__), x, padding)) from error
        raise
    finally:
        watch.remove()
    if not all(map(torch.equal, before, model.parameters())):
        raise NotYet("Your test changes the decoder's own weights; work on a copy, if you must.")
    run.passed = truth(said, "your test")
    if who == MIXES and any(len(tokens) > len(x) for tokens, *_ in run.calls):
        run.passed = True  # both runs in one batch: there it does move
    return run


def _shapes(found: str, x: Tensor, padding: Tensor) -> str:
    """Say which shapes meet in this exercise."""
    picked = tuple(x[padding].shape)
    return (
        f"Two shapes do not fit. `x` has {tuple(x.shape)}, `padding` {tuple(padding.shape)}, and "
        f"`x[padding]`, all padded tokens in one list, {picked}: what is put in their place needs "
        f"that shape, too. With `torch.where` the mask needs a third axis, `padding[..., None]`. "
        f"(PyTorch: {found})"
    )


def _refuse_calls(run: _Run) -> None:
    """Say what is wrong with the way in which the decoder was asked."""
    x, padding, calls = run.x, run.padding, run.calls
    if not calls or (len(calls) == 1 and len(calls[0][0]) <= len(x)):
        raise NotYet(
            f"Your test runs the decoder {len(calls)} times. Compare two runs: the padding as it "
            f"is, and the padding changed."
        )
    if any(training for *_, training in calls):
        raise NotYet(
            "Your test runs the decoder in training mode. There dropout is on, and any two runs "
            "differ: `model.eval()`."
        )
    if any(mask is None for _, mask, _ in calls):
        raise NotYet(
            "Give the decoder its mask in both runs, `model(x, padding)`. Without it a healthy "
            "decoder takes the padding for text."
        )
    if any(tokens.shape != x.shape or mask.shape != padding.shape for tokens, mask, _ in calls):
        return
    if any(not torch.equal(mask, padding) for _, mask, _ in calls):
        raise NotYet(
            "Give the decoder its mask in both runs, `model(x, padding)`: yours gets another mask "
            "than `padding`."
        )
    _refuse_change(torch.stack([tokens for tokens, *_ in calls]) - x, padding)


def _refuse_change(change: Tensor, padding: Tensor) -> None:
    """Say what is wrong with the change of the sequences, (calls, samples, tokens, dim)."""
    if not change.isfinite().all():
        raise NotYet(
            "A weight of 0 does not remove NaN or infinity: 0 times NaN is NaN, in a healthy "
            "decoder, too. Change the padding to ordinary numbers."
        )
    if change[:, ~padding].any():
        raise NotYet(
            "Your test changes real tokens as well, and then real outputs should move. Change only "
            "what `padding` marks."
        )
    inside = change[:, padding]  # (calls, padded tokens, dim)
    if not inside.any():
        raise NotYet("In both runs the tokens are the same: nothing was changed.")
    if inside.abs().max() < 1e-3:
        raise NotYet("The change is too small to be told from rounding. Take `torch.randn_like`.")
    if (inside.std(-1) < 1e-6 * inside.abs().max()).all():
        raise NotYet(
            "Your test adds the same number to all entries of a token: a layer norm removes that, "
            "and an ill decoder passes. Change the padding at random."
        )
    left = padding & ~change.any(-1).any(0)
    if left.any():
        sample, token = left.nonzero()[0].tolist()
        raise NotYet(
            f"Some padding stays as it is in both runs, such as `x[{sample}, {token}]`, and may "
            f"be seen unnoticed. Change all that `padding` marks."
        )


def _explain(runs: list[_Run], wrong: list[_Run]) -> None:
    """Say which decoders are judged wrongly, where the runs themselves are in order."""
    if len(wrong) == len(runs):
        raise NotYet(
            "It is the wrong way round: return True where the real outputs stay, False where "
            "they move."
        )
    healthy = [run for run in wrong if not run.ill]
    if healthy and healthy[0].who.startswith("healthy"):
        raise NotYet(
            "A healthy decoder fails your test. The padded tokens have outputs, too, and those may "
            "change. Compare only the real tokens, with each other: `[~padding]`."
        )
    missed = [run for run in wrong if run.ill]
    if not missed:
        raise NotYet(
            f"A {healthy[0].who} fails your test, though its real outputs do not move with the "
            f"padding. What else does your test ask?"
        )
    run = missed[0]
    moves = run.moves.masked_fill(run.padding, 0)
    sample, token = divmod(int(moves.argmax()), moves.shape[1])
    passes = (
        f"A {run.who} passes your test, though the output of `x[{sample}, {token}]`, a real token, "
        f"moves by {moves.max():.2g} when the padding is changed."
    )
    caught = [run.moves[~run.padding].max() for run in runs if run.ill and not run.passed]
    if caught and moves.max() < min(caught):
        raise NotYet(f"{passes} Your test lets too much pass: ask for equality up to rounding.")
    raise NotYet(f"{passes} Do you compare all real tokens, of all samples, up to rounding?")


def _try_without_padding(answer: Callable) -> None:
    """Refuse that a healthy decoder fails where nothing is padding; an error is all right there."""
    try:
        passed = truth(answer(clinic.admit("pre-norm"), clinic.sequences(), mask(4)))
    except NotYet:
        return
    if not passed:
        raise NotYet("Right with padding. But where nothing is padding, all decoders must pass.")
