"""The course's data: real handwritten digits and real text, both without a download."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor


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
    """Load scikit-learn's bundled digits, split 80 : 20, the same split every time.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998;
    the 1,797 scans that ship inside scikit-learn.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = (
        torch.from_numpy(part)
        for part in train_test_split(pixels, labels, test_size=0.2, random_state=0, stratify=labels)
    )
    mean, std = train_x.mean(0), train_x.std(0, unbiased=False)
    std = torch.where(std > 0, std, torch.ones_like(std))  # a pixel that is always 0
    train_x, test_x = (((x - mean) / std).float() for x in (train_x, test_x))
    return Digits(train_x, train_y.long(), test_x, test_y.long())


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
