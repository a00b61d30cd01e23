"""Check for notebook 08: write a test of the padding (exercise 8.1)."""

import re
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lecture_utils import clinic
from lecture_utils.checks.verdict import NotYet, graded
from lecture_utils.clinic.ward import Decoder

Call = tuple[Tensor, Tensor | None]
_SHAPES = re.compile(r"shape|size|dimension|broadcast|[Ii]ndex")  # what an error of shapes names


class _MaskLost(Decoder):
    """A pre-norm decoder that never uses its padding mask."""

    def forward(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        """Map (batch, time, dim) to (batch, time, dim)."""
        return super().forward(x)


class _Recorder(nn.Module):
    """A decoder that remembers what it was called with; like the decoder in everything else."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model, self.calls = model, []

    def __getattr__(self, name: str) -> object:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.model, name)

    def forward(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        """Map (batch, time, dim) to (batch, time, dim)."""
        self.calls.append((x.clone(), None if padding is None else padding.clone()))
        return self.model(x, padding)


def _masks() -> list[Tensor]:
    """Return three paddings of sequences (4, 6, 16): one sample, another, two samples."""
    masks = torch.zeros(3, 4, 6, dtype=torch.bool)
    masks[0, 0, :2] = masks[1, 3, :3] = masks[2, 1, :1] = masks[2, 2, :4] = True
    return list(masks)


def _shapes(found: str, x: Tensor, padding: Tensor) -> str:
    """Say which shapes meet in this exercise."""
    picked = tuple(x[padding].shape)
    return (
        f"Two shapes do not fit. `x` has {tuple(x.shape)}, `padding` {tuple(padding.shape)}, and "
        f"`x[padding]`, all padded tokens in one list, {picked}: what is put in their place needs "
        f"that shape, too. With `torch.where` the mask needs a third axis, `padding[..., None]`. "
        f"(PyTorch: {found})"
    )


def _ask(answer: Callable, model: nn.Module, padding: Tensor, seed: int) -> tuple[bool, list[Call]]:
    """Run the answer on one decoder: what it says, and how it called the decoder."""
    x, spy = clinic.sequences(seed), _Recorder(model)
    given, mask = x.clone(), padding.clone()
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(5_000 + seed)
        try:
            said = answer(spy, given, mask)
        except NotYet as error:
            if _SHAPES.search(str(error.__cause__ or "")):
                raise NotYet(_shapes(str(error.__cause__), x, padding)) from error
            raise
    if not torch.equal(given, x):
        raise NotYet(
            "Your test changes the caller's `x` itself, so both runs may see the same tokens. "
            "Change a copy: `changed = x.clone()`."
        )
    if not torch.equal(mask, padding):
        raise NotYet("Your test changes `padding` itself; leave it as it is.")
    try:
        truth = bool(said)
    except (RuntimeError, ValueError) as error:
        raise NotYet("Return one truth value, not one for each entry.") from error
    if (isinstance(said, Tensor) and said.dim()) or not hasattr(said, "__bool__"):
        raise NotYet(f"Return True or False; your test returned a {type(said).__name__}.")
    return truth, spy.calls


def _refuse_calls(calls: list[Call], padding: Tensor, seed: int) -> None:
    """Say what is wrong with the way in which the decoder was asked."""
    x = clinic.sequences(seed)
    if len(calls) < 2:
        raise NotYet(
            f"Your test runs the decoder {len(calls)} times. Compare two runs: the padding as it "
            f"is, and the padding changed."
        )
    if any(mask is None or not torch.equal(mask, padding) for _, mask in calls):
        raise NotYet(
            "Give the decoder its mask in both runs, `model(x, padding)`. Without it a healthy "
            "decoder takes the padding for text."
        )
    change = torch.stack([given for given, _ in calls]) - x
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
    change = change[:, padding]  # (calls, padded tokens, dim)
    if not change.any():
        raise NotYet("In both runs the tokens are the same: nothing was changed.")
    if (change.std(-1) < 1e-9).all():
        raise NotYet(
            "Your test adds the same number to all entries of a token: a layer norm removes that, "
            "and an ill decoder passes. Change the padding at random."
        )
    if change.abs().max() < 1e-3:
        raise NotYet("The change is too small to be told from rounding. Take `torch.randn_like`.")


@graded
def padding_test(answer: Callable) -> str:
    """Exercise 8.1: a property test that finds padding that is not ignored."""
    for seed, padding in enumerate(_masks()):
        for who in ("pre-norm", "DeepNorm"):
            said, calls = _ask(answer, clinic.admit(who, seed), padding, seed)
            _refuse_calls(calls, padding, seed)
            if not said:
                raise NotYet(
                    "A healthy decoder fails your test. The padded tokens have outputs, too, and "
                    "those may change. Compare only the real tokens: `[~padding]`."
                )
        ill = {"decoder that never uses its mask": _lost(seed), "patient": clinic.admit("C", seed)}
        for name, model in ill.items():
            if _ask(answer, model, padding, seed)[0]:
                raise NotYet(
                    f"A {name} passes your test, though its real outputs move when the padding is "
                    f"changed. Do you compare all real tokens, of all samples, up to rounding?"
                )
        for who in "AEG":
            if not _ask(answer, clinic.admit(who, seed), padding, seed)[0]:
                raise NotYet(
                    "A decoder with another fault fails your test, though its real outputs do not "
                    "move with the padding. What else does your test ask?"
                )
    return (
        "Try it on the patients; one fails.\n\n"
        "```python\n"
        "padding = torch.arange(6).expand(4, 6) < 2\n"
        "for who in clinic.DIAGNOSES:\n"
        "    print(who, padding_is_ignored(clinic.admit(who), clinic.sequences(), padding))\n"
        "```"
    )


def _lost(seed: int) -> nn.Module:
    """Build the decoder that loses its mask, as `clinic.admit` builds the others."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return _MaskLost().double().eval()
