"""Checks for notebook 06: norm, batch and placement (exercises 6.1 to 6.3)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lecture_utils.checks.verdict import NotYet, graded, name_slip, tensor
from lecture_utils.models import BertLayer, SelfAttention


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@graded
def rms_norm(answer: Callable) -> str:
    """Exercise 6.1: divide by the root of the mean square, then the gain."""
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
        "It is blind to the length of x, as layer norm is, but not to a constant added to all "
        "entries: it removes one direction, not two, and costs one pass less over the numbers."
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
    """Each sample hears the one before it in the batch; behind a norm, so a constant is mute."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.5 * self.norm(x).roll(1, dims=0)


class _OverBatch(nn.Module):
    """Attention that takes the batch axis for time, as nn.MultiheadAttention does by default."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.attention = SelfAttention(dim, 2)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.attention(x.transpose(0, 1)).transpose(0, 1)


class _LastHears(nn.Module):
    """Only the last sample hears the first; nobody else hears anybody."""

    def forward(self, x: Tensor) -> Tensor:
        leak = torch.zeros_like(x)
        leak[-1] = x[0] - x[0].mean(-1, keepdim=True)
        return x + 0.5 * leak


@graded
def leaks_across_batch(answer: Callable) -> str:
    """Exercise 6.2: a property test that no layer of these fools."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _try_on_layers(answer)


def _try_on_layers(answer: Callable) -> str:
    dim, batch = 8, 4
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
        (_Neighbour(dim).eval(), True,
         "A leak to a single neighbour goes unnoticed: here each sample hears only the one before "
         "it, through a layer norm. Change every sample in turn, by random numbers (a norm does "
         "not notice a constant), and compare all the others."),
        (_LastHears(), True,
         "A leak goes unnoticed in which the last sample hears the first and nobody else hears "
         "anybody. Change every sample in turn and compare all the others."),
    )  # fmt: skip
    for layer, leaks, message in cases:
        x = torch.randn(batch, 5, dim)
        given = x.clone()
        found = answer(layer, x)
        if not torch.equal(x, given):
            raise NotYet("Your test changes the caller's x. Work on x.clone().")
        if isinstance(found, Tensor) and found.numel() == 1 and found.dtype == torch.bool:
            found = bool(found)
        if not isinstance(found, bool):
            raise NotYet(f"Return True or False; your test returned a {type(found).__name__}.")
        if found != leaks:
            raise NotYet(message)
    return (
        "Your test needed no right answer to compare with, only a property. And you have seen it "
        "say both True and False: a test that cannot fail is none."
    )


@graded
def pre_norm_block(answer: Callable) -> str:
    """Exercise 6.3: a pre-norm block from its parts."""
    x, dim = _random(2, 3, 4), 4
    A, M = _random(dim, dim, seed=1), _random(dim, dim, seed=2)

    def attention(h: Tensor) -> Tensor:
        return torch.tanh(h @ A).cumsum(1)

    def feed_forward(h: Tensor) -> Tensor:
        return torch.tanh(h @ M)

    def norm_1(h: Tensor) -> Tensor:
        return 2 * nn.functional.layer_norm(h, (dim,))

    def norm_2(h: Tensor) -> Tensor:
        return 3 * nn.functional.layer_norm(h, (dim,))

    given = x.clone()
    found = tensor(answer(x, attention, feed_forward, norm_1, norm_2), (2, 3, 4))
    if not torch.equal(x, given):
        raise NotYet("Your block changes its input in place (`x +=`). Write x = x + … instead.")
    middle = x + attention(norm_1(x))
    if torch.allclose(found, middle + feed_forward(norm_2(middle))):
        return (
            "Read your two lines again: with both branches at 0 nothing is left but `return x`. "
            "No line of a post-norm block can say that."
        )
    name_slip(found, _placement_slips(x, attention, feed_forward, norm_1, norm_2))
    raise NotYet(
        "That is none of the usual slips, and not pre-norm. Follow the middle picture of section "
        "6.4 from below: what does each branch read, and what is its output added to?"
    )


def _placement_slips(
    x: Tensor, att: Callable, ff: Callable, n1: Callable, n2: Callable
) -> list[tuple[Tensor, str]]:
    """Return what the usual slips give."""
    mid, bare = x + att(n1(x)), att(n1(x))
    post, normed, out = n1(x + att(x)), n1(x), x + n1(att(x))
    late = normed + att(normed)
    from_normed = (
        "The shortcut starts behind the norm: `x = norm(x)` and then `x + …` adds the normed x. "
        "The norm belongs to the branch alone."
    )
    return [
        (n2(post + ff(post)), "That is post-norm: both norms stand after the sum."),
        (n2(late) + ff(n2(late)), from_normed),
        (late + ff(n2(late)), from_normed),
        (n2(mid) + ff(n2(mid)), from_normed),
        (out + n2(ff(out)), "Your norms stand at the branches' exits, as in OLMo 2. Pre-norm has "
                            "them at the entries."),
        (mid + ff(n2(x)), "Feed-forward reads the block's input: those are parallel branches, as "
                          "in GPT-J. Let it read the stream after the first sum."),
        (x + ff(n2(mid)), "The second shortcut starts at the block's input, so attention's update "
                          "is lost from the stream. Start it at the first sum."),
        (bare + ff(n2(bare)), "The shortcut around attention is missing."),
        (ff(n2(mid)), "The shortcut around feed-forward is missing."),
        (ff(n2(bare)), "Both shortcuts are missing: that is a plain block."),
        (mid + ff(n1(mid)), "norm_1 is used twice. Each norm has learned its own gain."),
        (mid + ff(mid), "Feed-forward reads the bare stream: norm_2 is not used."),
        (x + att(x) + ff(n2(x + att(x))), "Attention reads the bare stream: norm_1 is not used."),
        (n2(mid + ff(mid)), "The second norm stands after the sum: half pre-norm, half post-norm."),
        (mid, "Feed-forward is missing."),
        (mid + ff(n2(bare)), "Feed-forward reads attention's output alone. Let it read the stream "
                             "after the first sum."),
        (x + ff(n2(bare)), "Attention's output never reaches the stream: there are two sums, one "
                           "for each branch."),
        ((x + ff(n1(x))) + att(n2(x + ff(n1(x)))), "Attention comes first, then feed-forward."),
        ((x + ff(n2(x))) + att(n1(x + ff(n2(x)))), "Attention comes first, then feed-forward."),
    ]  # fmt: skip
