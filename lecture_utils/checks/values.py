"""What an answer may look like: numbers, truths and tensors of PyTorch, NumPy and Python alike."""

import math
import numbers
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lecture_utils.checks.verdict import NotAttempted, NotYet


def tensor(value: Any, shape: tuple[int, ...], name: str = "your result") -> Tensor:
    """Return the answer's value as a float64 tensor, or say what was expected instead.

    Args:
        value: a tensor, an array, a number, or a list of those, nested or not.
        shape: what is expected; () takes any single number.
        name: what to call it.

    Raises:
        NotAttempted: there is no value yet.
        NotYet: it is no number, has another shape, or is not finite.
    """
    return shaped(as_tensor(value, name), shape, name)


def shaped(found: Tensor, shape: tuple[int, ...], name: str = "your result") -> Tensor:
    """Return finite numbers of the expected shape; errors as in `tensor`."""
    if shape == () and found.numel() == 1:
        found = found.reshape(())
    if tuple(found.shape) != shape:
        expected = "a single number" if shape == () else f"shape {shape}"
        raise NotYet(f"{sentence(name)} has shape {tuple(found.shape)}; expected {expected}.")
    if not found.isfinite().all():
        kind = "nan" if found.isnan().any() else "inf"
        raise NotYet(f"{sentence(name)} contains {kind}: a value that is not finite.")
    return found


def number(value: Any, name: str = "your result") -> float:
    """Return the answer's single finite number; errors as in `tensor`."""
    return tensor(value, (), name).item()


def truth(value: Any, name: str = "your function") -> bool:
    """Return the answer's True or False, be it Python's, NumPy's or PyTorch's.

    Raises:
        NotAttempted: there is no value yet.
        NotYet: it is something else.
    """
    if value is None or value is ...:
        raise NotAttempted
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Tensor | np.ndarray) and value.dtype in (torch.bool, np.dtype(bool)):
        if math.prod(value.shape) == 1:
            return bool(value.reshape(()))
        raise NotYet(
            f"Return one True or False; {name} returned {math.prod(value.shape)} of them. Say "
            f"whether all of them, or any of them, must be True: `.all()` or `.any()`."
        )
    raise NotYet(f"Return True or False; {name} returned {said(value)}.")


def as_tensor(value: Any, name: str = "your result") -> Tensor:
    """Return numbers of any shape as float64; errors as in `tensor`, but for shape and nan."""
    if value is None or value is ...:
        raise NotAttempted
    if isinstance(value, Iterator | range | map):
        value = list(value)
    if isinstance(value, tuple) and hasattr(value, "values") and hasattr(value, "indices"):
        raise NotYet(
            f"{sentence(name)} is a pair, the values and their places, as .max(0) or .median(0) "
            f"returns it: take .values, or leave the axis out."
        )
    if isinstance(value, list | tuple):
        return _stacked(value, name)
    if callable(value) and not isinstance(value, Tensor):
        raise NotYet(
            f"{sentence(name)} is {said(value)}, not a number: are the brackets () missing?"
        )
    if isinstance(value, bool | np.bool_) or getattr(value, "dtype", None) in (
        torch.bool,
        np.dtype(bool),
    ):
        raise NotYet(f"{sentence(name)} is True or False; numbers are expected.")
    if isinstance(value, Tensor):
        found = value.detach()
    elif isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "iufc":
        found = torch.from_numpy(np.asarray(value).copy())
    elif isinstance(value, numbers.Number):
        found = _single(value, name)
    else:
        raise NotYet(f"{sentence(name)} is {said(value)}; numbers are expected.")
    if found.is_complex():
        raise NotYet(
            f"{sentence(name)} is complex, as the root of a negative number is in Python. Is a "
            f"sign the wrong way round?"
        )
    return found.cpu().to_dense().to(torch.float64)


def _single(value: Any, name: str) -> Tensor:
    """Return a number of Python's, among them fractions, decimals and whole numbers of any size."""
    if isinstance(value, complex):
        return torch.tensor(value)
    try:
        return torch.tensor(float(value), dtype=torch.float64)
    except OverflowError:
        raise NotYet(f"{sentence(name)} is too large for a number of 64 bits.") from None


def _stacked(values: list | tuple, name: str) -> Tensor:
    if values and all(type(part) is float for part in values):
        return torch.tensor(values, dtype=torch.float64)  # the same as below, in less time
    parts = [as_tensor(part, name) for part in values]
    if not parts:
        return torch.zeros(0, dtype=torch.float64)
    if len({part.shape for part in parts}) > 1:
        if all(part.numel() == 1 for part in parts):
            parts = [part.reshape(()) for part in parts]
        else:
            shapes = ", ".join(str(tuple(part.shape)) for part in parts)
            raise NotYet(f"{sentence(name)} has parts of different shapes: {shapes}.")
    return torch.stack(parts)


def said(value: Any) -> str:
    """Say in words what kind of thing a value is."""
    if value is None or value is ...:
        return "nothing"
    if isinstance(value, type):
        return f"the class {value.__name__} itself"
    if isinstance(value, str):
        return f"the string {value!r:.40}"
    if isinstance(value, Tensor):
        kind = str(value.dtype).removeprefix("torch.")
        return f"a tensor of {kind} of shape {tuple(value.shape)}"
    if callable(value) and not hasattr(value, "forward"):
        return f"the function {getattr(value, '__name__', 'itself')} itself"
    article = "an" if type(value).__name__[0] in "aeiouAEIOU" else "a"
    return f"{article} {type(value).__name__}"


def sentence(words: str) -> str:
    """Begin with a capital letter, unless the first word is code or a formula."""
    first = words.split()[0]
    plain = first.isalpha() and first.islower() and len(first) > 1
    return words[0].upper() + words[1:] if plain else words
