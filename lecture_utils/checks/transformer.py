"""Checks for notebook 06: samples that mix, and RMSNorm (exercises 6.2 and 6.3)."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from lecture_utils.checks.judge import name_slip
from lecture_utils.checks.values import tensor
from lecture_utils.checks.verdict import NotYet, graded
from lecture_utils.models import BertLayer, SelfAttention


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@graded
def rms_norm(answer: Callable) -> str:
    """Exercise 6.3: divide by the root of the mean square, then the gain."""
    x, gain = _random(3, 4, 6) + 0.5, _random(6, seed=1)
    given = x.clone()
    try:
        found = tensor(answer(x, gain), (3, 4, 6))
    except NotYet as mistake:
        if "must match the size" not in str(mistake):
            raise
        raise NotYet(
            "The shapes do not fit: a mean over the last axis has lost that axis. Keep it, with "
            "keepdim=True."
        ) from mistake
    if not torch.equal(x, given):
        raise NotYet("Your function changes x itself; the caller still needs it. Make a new one.")
    _compare_norm(found, x, gain, 1e-6)
    tiny = x * 1e-3  # here eps = 0.01 decides
    found = tensor(answer(tiny, gain, 0.01), (3, 4, 6))
    name_slip(found, [
        (gain * tiny / tiny.square().mean(-1, keepdim=True).sqrt(), "eps is not used: a token of "
         "zeros would become 0/0."),
        (gain * tiny / (tiny.square().mean(-1, keepdim=True).sqrt() + 0.01), "eps stands outside "
         "the root. Inside, it is added to the mean square."),
        (gain * tiny / (tiny.square().mean(-1, keepdim=True) + 1e-6).sqrt(), "eps is fixed in your "
         "code; use the argument."),
    ])  # fmt: skip
    _compare_norm(found, tiny, gain, 0.01)
    return (
        "Ten times x gives the same result, as with layer norm. A constant added to all entries "
        "does change it: RMSNorm loses one direction, not two, and needs no mean."
    )


def _compare_norm(found: Tensor, x: Tensor, gain: Tensor, eps: float) -> None:
    square = x.square()
    mean = square.mean(-1, keepdim=True)
    right = gain * x / (mean + eps).sqrt()
    if torch.allclose(found, right, rtol=1e-4, atol=1e-7):
        return
    centred = x - x.mean(-1, keepdim=True)
    variance = centred.square().mean(-1, keepdim=True)
    name_slip(found, [
        (x / (mean + eps).sqrt(), "The gain is missing: multiply by it at the end."),
        (gain * x / (mean + eps), "You divide by the mean square; the root is missing."),
        (gain * x / square.sum(-1, keepdim=True).sqrt(), "You divide by the length of x, the root "
         "of the *sum* of squares. With the mean, the entries come out of size 1 at any d."),
        (gain * x / (square.sum(-1, keepdim=True) + eps).sqrt(), "You divide by the length of x, "
         "the root of the *sum* of squares. With the mean, entries come out of size 1 at any d."),
        (gain * centred / (variance + eps).sqrt(), "That is layer norm: RMSNorm does not subtract "
         "the mean."),
        (gain * x / (variance + eps).sqrt(), "You divide by the standard deviation. RMSNorm knows "
         "no mean: square x itself."),
        (gain * x / (x.var(-1, keepdim=True) + eps).sqrt(), "You divide by the standard deviation. "
         "RMSNorm knows no mean: square x itself."),
        (gain * x / (square.mean() + eps).sqrt(), "One number for all tokens: take the mean over "
         "the last axis only."),
        (gain * x / (square.mean(0, keepdim=True) + eps).sqrt(), "The mean goes over the samples; "
         "each token must be normalised by itself: the last axis."),
        (gain * x / (square.mean(1, keepdim=True) + eps).sqrt(), "The mean goes over the tokens; "
         "each token must be normalised by itself: the last axis."),
        (gain * x * (mean + eps).sqrt(), "You multiply by the root; divide."),
        (gain * x / x.abs().mean(-1, keepdim=True), "That is the mean absolute value; square, then "
         "mean, then root."),
        ((1 + gain) * x / (mean + eps).sqrt(), "You multiply by 1 + gain, as Gemma does, whose "
         "gains start at 0. Here the gain itself is meant."),
    ])  # fmt: skip
    raise NotYet(
        "The result is not x over the root of the mean square, times the gain. For x = [3, 4] and "
        "gain 1 it is [0.85, 1.13]: the mean square is 12.5."
    )


class _Neighbour(nn.Module):
    """Each sample reads the one before it in the batch."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.5 * x.roll(1, dims=0)


class _AllThroughNorm(nn.Module):
    """Each sample reads the sum of all, through a norm: nobody sees a constant or a factor."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=1e-12)

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.5 * self.norm(x).sum(0)


class _OverBatch(nn.Module):
    """Attention that takes the batch axis for time, as nn.MultiheadAttention does by default."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.attention = SelfAttention(dim, 2)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.attention(x.transpose(0, 1)).transpose(0, 1)


class _OneReads(nn.Module):
    """One sample reads one other sample's last token; nobody else reads anybody."""

    def __init__(self, reader: int, read: int, strength: float = 0.5) -> None:
        super().__init__()
        self.reader, self.read, self.strength = reader, read, strength

    def forward(self, x: Tensor) -> Tensor:
        leak = torch.zeros_like(x)
        token = x[self.read, -1]
        leak[self.reader, 0] = token - token.mean()
        return x + self.strength * leak


@graded
def leaks_across_batch(answer: Callable) -> str:
    """Exercise 6.2: a property test that no layer of these fools."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _try_on_layers(answer)


def _try_on_layers(answer: Callable) -> str:
    dim, batch = 8, 4
    every = "Change every sample in turn, all of it, and compare all the others."
    cases = (
        (BertLayer(dim, 16, 2, dropout=0.0).eval(), False,
         "A healthy BertLayer is accused. Did you look at the changed sample itself? Its own "
         "output has to change; compare the others."),
        (_OverBatch(dim).eval(), True,
         "Attention over the batch axis goes unnoticed. Change a whole sample and look at the "
         "other samples' outputs."),
        (BertLayer(dim, 16, 2, dropout=0.5).train(), False,
         "A healthy BertLayer in training mode is accused: its dropout makes any two runs differ. "
         "Call layer.eval() first."),
        (_AllThroughNorm(dim).eval(), True,
         "A leak through a layer norm goes unnoticed, though every sample reads all the others. A "
         "norm notices neither a constant that you add nor a factor; add random numbers."),
        (_Neighbour().eval(), True,
         f"A leak to a single neighbour goes unnoticed: here each sample reads only the one before "
         f"it. {every}"),
        (_OneReads(3, 0), True,
         f"A leak goes unnoticed in which only the last sample reads the first. {every}"),
        (_OneReads(0, 3), True,
         f"A leak goes unnoticed in which only the first sample reads the last. {every}"),
        (_OneReads(2, 1), True,
         f"A leak goes unnoticed in which only sample 2 reads sample 1. {every}"),
        (_OneReads(1, 2, strength=0.01), True,
         "A weak leak goes unnoticed: one sample reads a hundredth of another. Rounding is a "
         "thousand times smaller; compare more strictly, atol=1e-5."),
    )  # fmt: skip
    for layer, leaks, message in cases:
        x = torch.randn(batch, 5, dim)
        given = x.clone()
        found = answer(layer, x)
        if not torch.equal(x, given):
            raise NotYet("Your test changes the caller's x. Work on x.clone().")
        if not isinstance(found, bool):
            found = _as_bool(found)
        if found != leaks:
            raise NotYet(message)
    return (
        "Your test needed no right answer to compare with, only a property. And you have seen it "
        "say both True and False: a test that cannot fail is none."
    )


def _as_bool(found: object) -> bool:
    """Accept the booleans of PyTorch and NumPy, too."""
    if getattr(found, "dtype", None) in (torch.bool, np.dtype(bool)) and found.ndim == 0:
        return bool(found)
    raise NotYet(f"Return True or False; your test returned a {type(found).__name__}.")
