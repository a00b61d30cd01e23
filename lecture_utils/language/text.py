"""From a text to token ids and batches, and the losses that counting alone reaches."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lecture_utils.require.numbers import (
    is_whole,
    require_positive,
    require_seed,
    require_share,
    shown,
)
from lecture_utils.require.tensors import describe

LEAST = 2  # letters of an alphabet, and tokens of each part
MOST_IN_BATCH = 10**8  # tokens; their logits, 65 to a token, are 26 GB


@dataclass(frozen=True, eq=False)
class Text:
    """A text as token ids, one for each character; its end is kept for validation.

    Attributes:
        letters: the alphabet, each character once; a token id is a place in it.
        train: (n,) token ids, int64, the beginning of the text.
        validation: (m,) token ids, int64, the rest.

    Raises:
        ValueError: the alphabet is no such text, or a part holds fewer than two tokens or others.
    """

    letters: str
    train: Tensor
    validation: Tensor

    def __post_init__(self) -> None:
        if not isinstance(self.letters, str) or len(set(self.letters)) != len(self.letters):
            raise ValueError(
                f"letters must be a text with each character once; got {shown(self.letters)}"
            )
        for name in ("train", "validation"):
            require_row(name, getattr(self, name))
            if int(getattr(self, name).max()) >= len(self.letters):
                raise ValueError(
                    f"{name} holds token {int(getattr(self, name).max())}, the alphabet has only "
                    f"{len(self.letters)} letters"
                )

    def encode(self, text: str) -> Tensor:
        """Return the token ids of a text, (time,).

        Raises:
            ValueError: it is no text, is empty, or has a character that the alphabet lacks.
        """
        if not isinstance(text, str) or not text:
            raise ValueError(f"expected a text of at least one character; got {shown(text)}")
        place = {letter: token for token, letter in enumerate(self.letters)}
        unknown = sorted(set(text) - set(place))
        if unknown:
            raise ValueError(
                f"the model's text has no {', '.join(map(repr, unknown[:5]))}; write the prompt "
                f"with its {len(place)} characters: {shown(self.letters)}"
            )
        return torch.tensor([place[letter] for letter in text])

    def decode(self, tokens: Tensor | Sequence[int]) -> str:
        """Return the text of token ids, (time,).

        Raises:
            ValueError: they are no row of whole numbers, or one is no token of the alphabet.
        """
        numbers = tokens.tolist() if is_row(tokens) else tokens
        if not isinstance(numbers, Sequence) or not all(map(is_whole, numbers)):
            raise ValueError(f"expected one row of token ids, (time,); got {shown(tokens)}")
        if numbers and not 0 <= min(numbers) <= max(numbers) < len(self.letters):
            raise ValueError(
                f"token ids must be from 0 to {len(self.letters) - 1}; got ids from {min(numbers)} "
                f"to {max(numbers)}"
            )
        return "".join(self.letters[number] for number in numbers)


def read_text(text: str, held_out: float = 0.1) -> Text:
    """Turn a text into token ids, and keep its end for validation.

    Args:
        text: any text, for example `data.corpus()`.
        held_out: share of the text that no training sees.

    Raises:
        ValueError: the text is empty, has a single letter only or is too short to share, or
            held_out is not above 0 and below 1.
    """
    require_share("held_out", held_out)
    if not isinstance(text, str) or len(set(text)) < LEAST:
        raise ValueError(
            f"expected a text with at least two different characters; got {shown(text)}"
        )
    cut = round(len(text) * (1 - held_out))
    if not LEAST <= cut <= len(text) - LEAST:
        raise ValueError(
            f"a text of {len(text):,} characters, {held_out:g} of them held out, leaves {cut} to "
            f"train and {len(text) - cut} to validate; each needs at least {LEAST}: give a longer "
            f"text"
        )
    letters = "".join(sorted(set(text)))
    place = {letter: token for token, letter in enumerate(letters)}
    tokens = torch.tensor([place[letter] for letter in text])
    return Text(letters, tokens[:cut], tokens[cut:])


def batch_at(
    step: int, tokens: Tensor, batch_size: int, context: int, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Return the batch of a step: pieces of the text, and the same pieces one token later.

    It depends on step and seed alone, so that a training can go on where it stopped.

    Args:
        step: 1, 2, …
        tokens: (n,) token ids, more than `context` of them.
        batch_size: how many pieces.
        context: tokens in a piece.
        seed: another one gives other pieces.

    Returns:
        x and y, both (batch_size, context).

    Raises:
        ValueError: the text is too short for one piece, a number is out of range, or the batch is
            larger than a computer holds.
    """
    require_positive("step", step)
    require_positive("batch_size", batch_size)
    require_seed(seed)
    starts = _starts(tokens, context)
    if batch_size * context > MOST_IN_BATCH:
        raise ValueError(
            f"a batch of {batch_size:,} pieces of {context:,} tokens is more than a computer "
            f"holds; take a smaller batch_size"
        )
    draw = torch.Generator().manual_seed((int(seed) * 1_000_003 + int(step)) % 2**63)
    return _pieces(tokens, torch.randint(starts, (batch_size,), generator=draw), context)


def windows(tokens: Tensor, context: int, most: int = 64) -> tuple[Tensor, Tensor]:
    """Return pieces that do not overlap, evenly spread over the text, to validate with.

    Args:
        tokens: (n,) token ids, more than `context` of them.
        context: tokens in a piece.
        most: so many pieces at most.

    Returns:
        x and y, both (pieces, context); y is one token later.

    Raises:
        ValueError: as for `batch_at`.
    """
    require_positive("most", most)
    starts = _starts(tokens, context)
    number = min(most, (starts - 1) // context + 1)
    places = torch.arange(number) * (starts - 1) // max(1, number - 1)
    return _pieces(tokens, places, context)


def unigram_entropy(tokens: Tensor) -> float:
    """Return the mean loss, in nats, of who knows each token's frequency and nothing else.

    Raises:
        ValueError: tokens are no row of at least two token ids.
    """
    require_row("tokens", tokens)
    share = tokens.unique(return_counts=True)[1].cpu().double() / len(tokens)
    return float(torch.special.entr(share).sum().abs())  # abs: not -0.0


def bigram_entropy(tokens: Tensor) -> float:
    """Return the same, in nats, of who also knows the token before: the entropy of the next one.

    Counted on the text itself: on a short text that is too good.

    Raises:
        ValueError: as for `unigram_entropy`.
    """
    require_row("tokens", tokens)
    kinds, place = tokens.unique(return_inverse=True)
    pairs = place[:-1] * len(kinds) + place[1:]
    if len(pairs) < LEAST:
        return 0.0
    return max(0.0, unigram_entropy(pairs) - unigram_entropy(tokens[:-1]))


def fingerprint(text: Text) -> str:
    """Return a short name of a text: equal names, equal texts."""
    tokens = zlib.crc32(text.validation.numpy().tobytes(), zlib.crc32(text.train.numpy().tobytes()))
    return f"{len(text.train) + len(text.validation)}-{zlib.crc32(text.letters.encode(), tokens):x}"


def require_row(name: str, tokens: Tensor) -> None:
    """Accept token ids in a row: at least two whole numbers from 0 on, (n,).

    Raises:
        ValueError: it is anything else.
    """
    if not is_row(tokens) or tokens.dtype != torch.int64:
        raise ValueError(f"{name} must be a row of token ids, int64, (n,); got {describe(tokens)}")
    if len(tokens) < LEAST or int(tokens.min()) < 0:
        raise ValueError(
            f"{name} must hold at least {LEAST} token ids, none below 0; got {shown(tokens)}"
        )


def is_row(tokens: object) -> bool:
    """Tell whether it is a tensor with one axis, dense and with values."""
    whole = isinstance(tokens, Tensor) and tokens.layout == torch.strided and not tokens.is_meta
    return whole and not tokens.is_nested and tokens.dim() == 1


def _starts(tokens: Tensor, context: int) -> int:
    """Count the places at which a piece and the token after it can start."""
    require_row("tokens", tokens)
    require_positive("context", context)
    if len(tokens) <= context:
        raise ValueError(
            f"a text of {len(tokens)} tokens is too short for a piece of {context} and the token "
            f"after it; give a longer text, or a context of at most {len(tokens) - 1}"
        )
    return len(tokens) - context


def _pieces(tokens: Tensor, starts: Tensor, context: int) -> tuple[Tensor, Tensor]:
    rows = starts.to(tokens.device)[:, None] + torch.arange(context, device=tokens.device)
    return tokens[rows], tokens[rows + 1]
