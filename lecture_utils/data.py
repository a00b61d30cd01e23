"""The course's data: real handwritten digits and real text, both without a download."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lecture_utils.files import kind_in_letters, kind_of, read_bytes, require_path

_DIGITS = Path(__file__).with_name("digits.npz")  # pixels (1797, 64), 0 to 16; labels (1797,)
_TO_TRAIN = 1437
_MARK = "\ufeff"  # of UTF-8, too; in the middle where files were joined
# No text holds them; tab, line ends, form feed and U+0085 (next line) it may.
_CONTROLS = re.compile("[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")


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
        path: a UTF-8 text file. Byte-order marks are removed, and all line ends become "\\n".
            None takes the topics of Python's `help()`, sorted by name and joined by blank lines:
            about 465,000 characters in Python 3.11. The text differs a little between Python
            versions, so losses measured on it do too.

    Raises:
        FileNotFoundError: there is no file at `path`.
        ValueError: the file is empty, is not UTF-8 text, or holds control characters, which no
            text has; the message says what it looks like.
    """
    if path is None:
        from pydoc_data.topics import topics

        return "\n\n".join(topics[name] for name in sorted(topics))
    path = require_path(path, "a UTF-8 text file")
    if not os.path.isfile(path):
        is_folder = "; that is a folder" if os.path.isdir(path) else ""
        raise FileNotFoundError(
            f"no text file at {path}{is_folder} (looked in {Path.cwd()}); give the path of a UTF-8 "
            f"text file, or call corpus() for Python's documentation"
        )
    return _text(read_bytes(path), path)


def _text(data: bytes, path: Path) -> str:
    """Decode a file's bytes, or refuse them with what they look like."""
    if kind := kind_in_letters(data):
        raise _no_text(path, "", kind)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        fault = f" (byte {error.start} does not fit)"
        raise _no_text(path, fault, _looks_like(data, path) or _older(data)) from error
    text = text.replace(_MARK, "").replace("\r\n", "\n").replace("\r", "\n")
    if found := _CONTROLS.search(text):
        line = text.count("\n", 0, found.start()) + 1
        fault = f" (it holds the control character U+{ord(found[0]):04X}, in line {line})"
        raise _no_text(path, fault, _looks_like(data, path))
    if not any(letter.isprintable() and not letter.isspace() for letter in text):
        raise ValueError(f"{path} is empty; a text to train on needs at least one word")
    return text


def _looks_like(data: bytes, path: Path) -> tuple[str, str | None] | None:
    """Say what bytes are that are no UTF-8 text, and the way out; None if it cannot be told."""
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "UTF-32 text (it begins with the mark of that)", None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16 text (it begins with the mark of that)", None
    if kind := kind_of(data[:1024], path):
        return kind
    sample = data[: 1 << 16]
    empty = [sample[place::4].count(0) * 4 / len(sample) for place in range(4)]
    if sorted(empty)[1] > 0.9:  # two or three of every four bytes are 0
        return "UTF-32 text without a mark", None
    one_side = max(empty[0] + empty[2], empty[1] + empty[3]) > 0.6
    if one_side and len(data) % 2 == 0:
        return "UTF-16 text without a mark", None
    if b"\0" in data:
        return "a binary file (it holds bytes of 0)", None
    return None


def _older(data: bytes) -> tuple[str, str | None] | None:
    if re.search(rb"[\0-\x08\x0e-\x1f\x7f]", data):
        return None
    return "a text in an older encoding (Latin-1, Windows-1252), or one that was cut off", None


def _no_text(path: Path, fault: str, kind: tuple[str, str | None] | None) -> ValueError:
    looks, way = kind or ("", None)
    looks = f"; it looks like {looks}" if looks else ""
    return ValueError(f"{path} is not UTF-8 text{fault}{looks}; {way or 'save it as UTF-8 text'}")
