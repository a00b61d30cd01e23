"""Calling an answer with copies of what it is given: it must leave them as they were."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lecture_utils.checks.verdict import NotYet


class Changed(NotYet):
    """Raised where an answer changes what it was given; its numbers may be right."""


def called(answer: Callable, *given: Any, names: Sequence[str] = ()) -> Any:
    """Call the answer with copies of what is given; refuse that it changes them.

    Args:
        answer: the reader's function.
        given: arguments; tensors, arrays, modules, lists and dicts are copied.
        names: what the arguments are called in a message.

    Raises:
        Changed: an argument was changed.
    """
    handed = [copy.deepcopy(x) if _is_data(x) else x for x in given]
    result = answer(*handed)
    for place, (now, was) in enumerate(zip(handed, given, strict=True)):
        if not _same(now, was):
            name = f"`{names[place]}`" if place < len(names) else "what it was given"
            raise Changed(
                f"Your function changes {name} in place. Whoever gave it still needs it: make a "
                f"new one, or work on a copy."
            )
    return result


def _is_data(x: Any) -> bool:
    return isinstance(x, Tensor | np.ndarray | nn.Module | list | tuple | dict)


def _same(now: Any, was: Any) -> bool:
    """Tell whether a value is still what it was."""
    if isinstance(was, Tensor):
        return now.shape == was.shape and torch.equal(now.nan_to_num(), was.nan_to_num())
    if isinstance(was, np.ndarray):
        return np.array_equal(now, was)
    if isinstance(was, nn.Module):
        return repr(now) == repr(was) and _same(now.state_dict(), was.state_dict())
    if isinstance(was, dict):
        return now.keys() == was.keys() and all(_same(now[key], was[key]) for key in was)
    if isinstance(was, list | tuple):
        return len(now) == len(was) and all(map(_same, now, was))
    return True
