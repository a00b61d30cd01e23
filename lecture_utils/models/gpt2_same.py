"""Whether a model computes what GPT-2 computes: its parts are looked at, its outputs compared."""

import math
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import gelu, layer_norm, linear

EPS = 1e-5
_WAY = "build the model from GPT(config) and save it as it was trained"


def require_same_computation(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Accept a model that computes what GPT-2 computes.

    Each block is called with random weights in float64, since its own may hide a difference (a
    matrix of zeros hides the activation before it); then the whole model with its weights.

    Args:
        model: a GPT of the course whose weights have GPT-2's names and shapes.
        weights: its weights on the CPU, by name.

    Raises:
        ValueError: a part has hooks or is exchanged, or an output differs; the message names it.

    Source: A. Radford et al., 2019 (GPT-2), as Hugging Face's transformers compute it.
    """
    _require_parts(model)
    with _evaluation(model):
        _compare_blocks(model, weights)
        _compare_all(model, weights)


def _require_parts(model: nn.Module) -> None:
    """Accept parts without hooks, and layers of the plain classes, with GPT-2's settings."""
    dropout = model.config.dropout
    for name, part in model.named_modules():
        if part._forward_hooks or part._forward_pre_hooks:
            raise ValueError(
                f"{name or 'the model'} has forward hooks, which do not travel with the weights; "
                f"remove them: handle.remove(), or torch.nn.utils.prune.remove after pruning"
            )
        if next(part.parameters(recurse=False), None) is not None:
            plain = (nn.Linear, nn.Embedding, nn.LayerNorm)
            if type(part) not in plain or getattr(part, "max_norm", None) is not None:
                raise ValueError(
                    f"{name} is {part}, expected an ordinary nn.Linear, nn.Embedding or "
                    f"nn.LayerNorm as in GPT-2; {_WAY}"
                )
        if isinstance(part, nn.LayerNorm) and part.eps != EPS:
            raise ValueError(
                f"{name} has eps {part.eps}, in GPT-2 all norms have {EPS}; {_WAY}, or set it and "
                f"train on"
            )
        share = getattr(part, "p", None) if isinstance(part, nn.Dropout) else None
        share = getattr(part, "dropout", None) if name.endswith(".branch") else share
        if isinstance(share, float) and share != dropout:
            raise ValueError(
                f"{name} has dropout {share}, the config says {dropout}; GPT-2's folder holds one "
                f"for all: set it to {dropout}"
            )


@contextmanager
def _evaluation(model: nn.Module):
    """Have the model in evaluation mode, without gradients or autocast; then as it was."""
    modes = {part: part.training for part in model.modules()}
    try:
        model.eval()
        with torch.no_grad(), torch.autocast("cpu", enabled=False), torch.device("cpu"):
            yield
    finally:
        for part, mode in modes.items():
            part.training = mode


def _compare_blocks(model: nn.Module, weights: dict[str, Tensor]) -> None:
    draw = torch.Generator().manual_seed(0)
    start = "blocks.0."
    probe = {}
    for name, weight in weights.items():
        if name.startswith(start):
            values = torch.randn(weight.shape, generator=draw, dtype=torch.float64)
            probe[name.removeprefix(start)] = values / math.sqrt(weight.shape[-1] ** 0.5)
    time = min(8, model.config.context)
    x = torch.randn(2, time, model.config.dim, generator=draw, dtype=torch.float64)
    expected = _block(probe, x, model.config.num_heads)
    for place, block in enumerate(model.blocks):
        found = _called(block, probe, x, f"block {place}")
        _require_close(
            found, expected, 1e-8, f"block {place}, with the same weights as a block of GPT-2,"
        )


def _compare_all(model: nn.Module, weights: dict[str, Tensor]) -> None:
    exact = model.tokens.weight.dtype == torch.float64
    if not exact:
        weights = {name: weight.float() for name, weight in weights.items()}
    config = model.config
    tokens = torch.arange(2 * min(8, config.context)).view(2, -1) % config.vocab_size
    x = weights["tokens.weight"][tokens] + weights["positions.weight"][: tokens.shape[1]]
    for place in range(len(model.blocks)):
        start = f"blocks.{place}."
        own = {n.removeprefix(start): w for n, w in weights.items() if n.startswith(start)}
        x = _block(own, x, config.num_heads)
    expected = _norm(weights, "final_norm", x) @ weights["tokens.weight"].T
    found = _called(model, weights, tokens, "the model")
    _require_close(found, expected, 1e-8 if exact else 1e-3, "the model")


def _called(part: nn.Module, weights: dict[str, Tensor], x: Tensor, name: str) -> object:
    try:
        return functional_call(part, weights, (x,), tie_weights=False)
    except Exception as error:
        raise ValueError(
            f"{name} fails on an input that GPT-2 reads: {type(error).__name__}: {error}; {_WAY}"
        ) from error


def _require_close(found: object, expected: Tensor, most: float, name: str) -> None:
    fits = isinstance(found, Tensor) and found.shape == expected.shape
    apart = (found - expected).abs().max().item() if fits else math.inf
    if not apart <= most * expected.abs().max().item():
        raise ValueError(
            f"{name} computes something else than GPT-2 (largest difference {apart:.1e}): was a "
            f"part exchanged, such as an activation, the mask, a shortcut or the head? {_WAY}"
        )


def _norm(weights: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], EPS)


def _block(weights: dict[str, Tensor], x: Tensor, num_heads: int) -> Tensor:
    """Return what a block of GPT-2 returns, (batch, time, dim)."""

    def layer(name: str, x: Tensor) -> Tensor:
        return linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    mixed = layer("attention.branch.qkv", _norm(weights, "attention.norm_in", x))
    Q, K, V = mixed.unflatten(-1, (3, num_heads, -1)).permute(2, 0, 3, 1, 4)
    future = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    scores = (Q @ K.mT / math.sqrt(Q.shape[-1])).masked_fill(future, -math.inf)
    heads = (scores.softmax(-1) @ V).transpose(1, 2).flatten(2)
    x = x + layer("attention.branch.out", heads)
    h = layer("feed_forward.branch.expand", _norm(weights, "feed_forward.norm_in", x))
    return x + layer("feed_forward.branch.contract", gelu(h, approximate="tanh"))
