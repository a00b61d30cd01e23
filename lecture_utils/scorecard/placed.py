"""A design of the reader's own beside those that were measured."""

import math
import statistics
from collections.abc import Callable

from torch import nn

from lecture_utils.language.text import Text, fingerprint, unigram_entropy
from lecture_utils.require.tensors import require_whole
from lecture_utils.scorecard.measure import AFTER, after_training, at_start
from lecture_utils.scorecard.saved import stored


def placed(
    design: Callable[..., nn.Module], text: Text, seed: int = 0, progress: bool = False
) -> str:
    """Train a design for a short while, and tell its place among the designs of the scorecard.

    Args:
        design: a class that builds a stack from (branches, dim), such as a Design.
        text: `read_text(data.corpus())`; the stored losses are of Python's documentation.
        seed: of weights and batches, 0 to 9: the others are compared at the same seed.
        progress: show a bar.

    Returns:
        Two or three sentences.

    Raises:
        ValueError: as for `after_training`, or the seed is another.
        FileNotFoundError: no scorecard is stored.
    """
    require_whole("seed", seed, 0, 9)
    start = at_start(design, seed)
    loss = after_training(design, text, seed, progress=progress)[AFTER[0]]
    told = (
        f"Before training: stream {start['length']:.2g} times as long at the end, gradient "
        f"{start['gradient']:.2g} times as long at the start, middle block {start['middle']:.2f}."
    )
    if not math.isfinite(loss):
        return f"{told} It diverged: try a smaller start."
    told += f" Validation loss {loss:.3f} nats."
    if loss > unigram_entropy(text.train) - 0.1:
        return f"{told} It has learned how often each letter comes, and no more."
    return f"{told} {_place(loss, text, seed)}"


def _place(loss: float, text: Text, seed: int) -> str:
    """Compare a loss with the stored ones of the same seed, if they are of the same text."""
    saved = stored()
    if fingerprint(text) != saved["text"]:
        return (
            "The stored losses are of another text (Python's documentation differs between "
            "versions): to compare, train Design here, too."
        )
    others = {name: row["loss"][seed] for name, row in saved["rows"].items()}
    lower = [name for name, value in others.items() if value is not None and value < loss]
    moves = statistics.stdev(saved["rows"]["pre-norm"]["loss"])
    return (
        f"That is place {len(lower) + 1} beside {len(others)} designs with the same seed; "
        f"pre-norm has {others['pre-norm']:.3f}, and from seed to seed it moves by {moves:.2f}."
    )
