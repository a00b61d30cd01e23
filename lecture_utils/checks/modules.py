"""Answers that are modules, or must do without autograd: how a check runs them."""

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any
from unittest import mock

import torch
import torch.func
from torch import Tensor, nn

from lecture_utils.checks.values import said
from lecture_utils.checks.verdict import NotAttempted, NotYet, guard


def as_module(value: object, call: str) -> nn.Module:
    """Return the answer's module, or say what it is instead."""
    if value is None or value is ...:
        raise NotAttempted
    if isinstance(value, type):
        raise NotYet(f"`{call}` returns the class {value.__name__}; call it to make a module.")
    if not isinstance(value, nn.Module):
        raise NotYet(f"`{call}` returns {said(value)}; an nn.Module is expected.")
    return value


def inputs(*shape: int, seed: int = 0) -> Tensor:
    """Return random numbers, the same each time."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def run(module: nn.Module, x: Tensor, call: str) -> Tensor:
    """Run the module on a copy; refuse an error, no tensor, and an input changed in place."""
    given = x.clone()
    try:
        y = module(given)
    except NotYet:
        raise
    except Exception as error:
        raise NotYet(f"`{call}` cannot take an input of shape {tuple(x.shape)}: {error}") from error
    if not isinstance(y, Tensor):
        raise NotYet(f"`{call}`, called with a tensor, returns {said(y)}; a tensor is expected.")
    if not torch.equal(given.nan_to_num(), x.nan_to_num()):
        raise NotYet(f"`{call}` changes the tensor that it was given, in place; make a new one.")
    return y


def as_function(answer: Any) -> Callable:
    """Return a function that calls the answer: a function, or a class of what is asked for."""
    if not callable(answer):
        raise NotYet(f"You give {said(answer)}; a function is expected: its name, no brackets.")
    if not inspect.isclass(answer):
        return answer

    @functools.wraps(answer, updated=())
    def call(*given: Any) -> Any:
        return answer(*given)

    return guard(call)


def beside(answer: Callable, name: str, default: Any) -> Any:
    """Return what the answer's own notebook calls by a name, so that the answer knows its class."""
    function = inspect.unwrap(answer)
    function = function.__init__ if inspect.isclass(function) else function
    while hasattr(function, "func"):  # functools.partial
        function = function.func
    if not hasattr(function, "__globals__"):
        function = vars(type(function)).get("__call__", function)  # an object that can be called
    return getattr(function, "__globals__", {}).get(name, default)


def _refused(*_: Any, **__: Any) -> None:
    raise NotYet("Here autograd is switched off: find the gradients with the chain rule.")


def without_autograd(answer: Callable) -> Callable:
    """Return the answer where autograd cannot work, and says so where it is tried."""
    inner = ["_make_grads", "_engine_run_backward"]  # all of reverse mode passes these
    known = all(hasattr(torch.autograd, name) for name in inner)
    names = inner if known else ["grad", "backward"]
    banned = [(torch.autograd, name) for name in names] + [(torch.autograd.forward_ad, "make_dual")]
    inside = sys.modules.get("torch._functorch.eager_transforms")
    if hasattr(inside, "grad_increment_nesting"):  # torch.func begins there
        banned.append((inside, "grad_increment_nesting"))

    @functools.wraps(answer)
    def call(*given: Any) -> Any:
        with contextlib.ExitStack() as stack:
            for place, name in banned:
                stack.enter_context(mock.patch.object(place, name, _refused))
            return answer(*given)

    return call
