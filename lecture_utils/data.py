"""The course's data: real handwritten digits and real text, both without a download."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

_DIGITS = Path(__file__).with_name("digits.npz")  # pixels (1797, 64), 0 to 16; labels (1797,)
_TO_TRAIN = 1437


@dataclass(frozen=True)
class Digits:
    """Handwritten digits, 8 x 8 pixels, standardised with the training set's statistics.

    Shapes: train_x (1437, 64), train_y (1437,), test_x (360, 64), test_y (360,);
    pixels are float32 with mean 0 and variance 1 per pixel position, labels int64 from 0 to 9.
    """

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor


def digits() -> Digits:
    """Load 1,797 scans, split 80 : 20 so that each digit has its share on both sides.

    The split is always the same: the file holds the 1,437 scans to train on first.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository, 1998, CC BY 4.0: its test set, as scikit-learn also distributes it.
    """
    with np.load(_DIGITS) as stored:
        pixels = torch.from_numpy(stored["pixels"]).double()
        labels = torch.from_numpy(stored["labels"]).long()
    train_x, test_x = pixels[:_TO_TRAIN], pixels[_TO_TRAIN:]
    mean, std = train_x.mean(0), train_x.std(0, unbiased=False)
    std = torch.where(std > 0, std, torch.ones_like(std))  # a pixel that is always 0
    train_x, test_x = (((x - mean) / std).float() for x in (train_x, test_x))
    return Digits(train_x, labels[:_TO_TRAIN], test_x, labels[_TO_TRAIN:])


def corpus(path: str | Path | None = None) -> str:
    """Return a text to train on: Python's own documentation, or the reader's file.

    Args:
        path: a UTF-8 text file. None takes the topics of Python's `help()`, sorted by name and
            joined by blank lines: about 465,000 characters in Python 3.11. The text differs a
            little between Python versions, so losses measured on it do too.

    Raises:
        FileNotFoundError: there is no file at `path`.
        ValueError: the file is empty or is not UTF-8 text.
    """
    if path is None:
        from pydoc_data.topics import topics

        return "\n\n".join(topics[name] for name in sorted(topics))
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"no text file at {path} (looked in {Path.cwd()}); give the path of a UTF-8 text "
            f"file, or call corpus() for Python's documentation"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text (byte {error.start} does not fit); save it as UTF-8"
        ) from error
    if not text.strip():
        raise ValueError(f"{path} is empty; a text to train on needs at least one word")
    return text
