"""Checks of the networks that become the members of one ensemble."""

from collections.abc import Sequence
from types import BuiltinFunctionType, FunctionType

from torch import Tensor, nn

from lecture_utils.require.numbers import is_number
from lecture_utils.require.tensors import require_module

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type, BuiltinFunctionType)


def require_members(networks: Sequence[nn.Module]) -> None:
    """Accept networks that can be the members of one ensemble.

    Raises:
        ValueError: one is no module; they differ in more than weights' values; they share
            weights; or they have none, or buffers or dropout, which members cannot share.
    """
    for network in networks:
        require_module(network)
    first = networks[0]
    if next(first.parameters(), None) is None:
        raise ValueError("an Ensemble needs trainable weights: this network has no parameters")
    if any(_drops(part) for part in first.modules()):
        raise ValueError("an Ensemble cannot hold dropout: its members would share one mask")
    if next(first.buffers(), None) is not None:
        raise ValueError("an Ensemble cannot hold buffers, such as batch norm's running means")
    weights = [p for network in networks for p in network.parameters()]
    if len({id(p) for p in weights}) < len(weights):
        raise ValueError(
            "the networks share weights: build must make a new network, all of it, each time"
        )
    for number, network in enumerate(networks[1:], 1):
        if difference := _difference(first, network):
            raise ValueError(
                f"all members must be of one architecture, but {difference} differs between "
                f"network 0 and network {number}: build must not choose it anew"
            )


def _drops(part: nn.Module) -> bool:
    """Tell whether a part has dropout: a layer, or a share kept as a number (attention, LSTM)."""
    share = getattr(part, "p" if isinstance(part, nn.modules.dropout._DropoutNd) else "dropout", 0)
    return is_number(share) and share > 0


def _difference(one: nn.Module, other: nn.Module) -> str:
    """Name the first thing, besides weights' values, in which two networks differ; or ""."""
    shapes = [
        {name: (p.shape, p.dtype, p.requires_grad) for name, p in network.named_parameters()}
        for network in (one, other)
    ]
    for name in shapes[0] | shapes[1]:
        if shapes[0].get(name) != shapes[1].get(name):
            return name
    if repr(one) != repr(other):
        return "a layer"
    for (name, a), (_, b) in zip(one.named_modules(), other.named_modules(), strict=True):
        if type(a) is not type(b):
            return name or "the network's class"
        for key in vars(a).keys() | vars(b).keys():
            if not key.startswith("_") and not _alike(vars(a).get(key), vars(b).get(key)):
                return f"{name}.{key}".lstrip(".")
    return ""


def _alike(a: object, b: object) -> bool:
    """Compare two attributes as far as they can be: numbers, words, functions and tensors."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.shape == b.shape and bool(((a == b) | (a.isnan() & b.isnan())).all())
    if isinstance(a, FunctionType) and isinstance(b, FunctionType):
        return a.__code__ is b.__code__
    if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        return len(a) == len(b) and all(map(_alike, a, b))
    if isinstance(a, _PLAIN) or isinstance(b, _PLAIN):
        return a is b or (type(a) is type(b) and a == b)
    return type(a) is type(b)
