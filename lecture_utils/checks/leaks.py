"""Decoders that leak padding: to all tokens or to few, from all padding or from one place."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lecture_utils import clinic
from lecture_utils.clinic.ward import Attention

_ALL = tuple(range(6))
_OTHERS = "GM"  # patients whose real outputs do not move with the padding
MIXES = "decoder whose samples are mixed"


class LeakyAttention(Attention):
    """An attention in which some tokens see padding.

    Attributes:
        queries: places of the tokens that see it.
        keys: places of the padding that is seen.
        lowered: what is subtracted from the scores of padding.
    """

    queries: Sequence[int] = _ALL
    keys: Sequence[int] = _ALL
    lowered: float = 0.0

    def scores(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        """Return the masked scores, (batch, heads, time, time)."""
        right = super().scores(x, padding)
        if padding is None:
            return right
        leaks = torch.zeros(_ALL[-1] + 1, _ALL[-1] + 1, dtype=torch.bool)
        leaks[torch.tensor(self.queries)[:, None], torch.tensor(self.keys)] = True
        leaks = leaks[: x.shape[1], : x.shape[1]] & padding[:, None, None, :]
        return torch.where(leaks, super().scores(x) - self.lowered, right)


def leaky(
    who: str = "pre-norm",
    seed: int = 0,
    blocks: Sequence[int] = (0, 1, 2),
    queries: Sequence[int] = _ALL,
    keys: Sequence[int] = _ALL,
    lowered: float = 0.0,
) -> nn.Module:
    """Build a healthy decoder of the clinic, and let some of its blocks leak padding."""
    model = clinic.admit(who, seed)
    for place in blocks:
        attention = model.blocks[place].attention.branch
        attention.__class__ = LeakyAttention
        attention.queries, attention.keys, attention.lowered = queries, keys, lowered
    return model


def mask(samples: int, *places: tuple[int, slice]) -> Tensor:
    """Return a padding of sequences of six tokens, (samples, 6): True at these places."""
    padding = torch.zeros(samples, 6, dtype=torch.bool)
    for sample, tokens in places:
        padding[sample, tokens] = True
    return padding


def cases() -> list[tuple[str, nn.Module, Tensor]]:
    """Return decoders, what they are, and the padding of their sequences; healthy ones first."""
    left, last = slice(0, 2), slice(4, 6)
    first = mask(4, (0, left))
    fourth = mask(4, (3, slice(0, 3)))
    two = mask(4, (1, slice(0, 1)), (2, slice(0, 4)))
    middle = mask(3, (0, slice(1, 4)), (2, slice(2, 4)))
    lost = "decoder that never uses its mask"
    found = [
        ("healthy decoder, pre-norm,", clinic.admit("pre-norm", k), where)
        for k, where in enumerate((first, fourth, middle))
    ]
    found += [("healthy decoder, DeepNorm,", clinic.admit("DeepNorm"), two)]
    found += [("decoder with another fault", clinic.admit(who), first) for who in _OTHERS]
    found += [(MIXES, clinic.admit("A"), first)]
    found += [(lost, leaky(seed=k), where) for k, where in enumerate((first, fourth, two))]
    found += [
        ("patient", clinic.admit("C"), fourth),
        (lost, leaky(), middle),
        (lost, leaky(), mask(1, (0, left))),
        (lost, leaky("DeepNorm"), two),
        (
            "decoder without a mask for padding on the right, which the causal mask hides,",
            leaky(),
            mask(2, (0, last), (1, slice(5, 6))),
        ),
        ("decoder that hides all padding but token 1", leaky(keys=(0,)), first),
        ("decoder that hides all padding but token 2", leaky(keys=(1,)), first),
        ("decoder in which token 3 alone sees padding", leaky(queries=(2,), blocks=(2,)), first),
        (
            "decoder in which the last token alone sees padding",
            leaky(queries=(5,), blocks=(2,)),
            first,
        ),
        ("decoder that gives padding a small weight", leaky(lowered=7.5, blocks=(1,)), two),
    ]
    return found
