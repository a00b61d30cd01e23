"""What a GPT accepts: its settings, token ids, and logits to draw from."""

import torch
from torch import Tensor, nn

from lecture_utils.models.inputs import require_fit
from lecture_utils.require.numbers import (
    given,
    holds,
    is_whole,
    require_heads,
    require_positive,
    require_room,
    shown,
)

_COUNTS = ("vocab_size", "context", "dim", "num_heads", "depth")
_SETTINGS = (*_COUNTS, "dropout", "norm", "use_shortcut")
_PARTS = ("tokens", "positions", "dropout", "blocks", "final_norm")


def require_config(config: object) -> None:
    """Accept the sizes and the wiring of a GPT.

    Raises:
        ValueError: it is no GPTConfig and has not its attributes, or the sizes are impossible.
    """
    missing = [name for name in _SETTINGS if not hasattr(config, name)]
    if missing or isinstance(config, type):
        raise ValueError(
            f"a GPT is built from a GPTConfig, such as GPTConfig(depth=6); got {shown(config)}"
        )
    for name in _COUNTS:
        require_positive(name, getattr(config, name))
    require_heads(config.dim, config.num_heads)
    tables = (int(config.vocab_size) + int(config.context)) * int(config.dim)
    require_room(tables + 12 * int(config.depth) * int(config.dim) ** 2)


def require_gpt(model: nn.Module) -> None:
    """Accept a GPT of the course: it reads token ids, and says how many it knows.

    Raises:
        ValueError: it cannot be called, or its `config` lacks vocab_size or context.
    """
    config = getattr(model, "config", None)
    sizes = [getattr(config, name, None) for name in ("vocab_size", "context")]
    if not callable(model) or isinstance(model, type) or not all(map(is_whole, sizes)):
        raise ValueError(
            f"the model must be a GPT with model.config.vocab_size and model.config.context; got "
            f"{'the class ' if isinstance(model, type) else ''}{_kind(model)}"
        )


def _kind(model: object) -> str:
    return model.__name__ if isinstance(model, type) else type(model).__name__


def require_parts(model: nn.Module) -> None:
    """Accept a GPT of the course with the parts that its stream runs through.

    Raises:
        ValueError: a part is missing, or its tables are not of the sizes in its config.
    """
    require_gpt(model)
    missing = [name for name in _PARTS if not hasattr(model, name)]
    if missing:
        raise ValueError(
            f"{_kind(model)} is no GPT of the course: it has no {', no '.join(missing)}"
        )
    config, tables = model.config, (model.tokens, model.positions)
    found = [getattr(table, "num_embeddings", None) for table in tables]
    if found != [config.vocab_size, config.context]:
        raise ValueError(
            f"the tables hold {found[0]} tokens and {found[1]} positions, model.config says "
            f"{config.vocab_size} and {config.context}; build the model from the config it has"
        )


def require_tokens(tokens: Tensor, vocab_size: int, context: int | None = None) -> None:
    """Accept token ids, shape (batch, time): whole numbers from 0 to vocab_size - 1.

    Raises:
        ValueError: another shape or type, a sequence longer than the context (None: any
            length), or an id out of range.
    """
    if not isinstance(tokens, Tensor) or tokens.dtype not in (torch.int64, torch.int32):
        way = "tokens.long()" if isinstance(tokens, Tensor) else "torch.tensor([[1, 2, 3]])"
        raise ValueError(
            f"tokens must be a tensor of whole numbers (int64); got {given(tokens)}; "
            f"make one: {way}"
        )
    if tokens.layout != torch.strided or tokens.is_nested:
        raise ValueError(f"tokens must be a dense tensor, not {tokens.layout}; call .to_dense()")
    if tokens.dim() != 2 or tokens.numel() == 0:
        raise ValueError(
            f"tokens must have shape (batch, time), at least one token; got {tuple(tokens.shape)}"
        )
    if context is not None and tokens.shape[1] > context:
        raise ValueError(
            f"a sequence of {tokens.shape[1]} tokens is longer than the context of {context}; "
            f"keep the last {context}: tokens[:, -{context}:]"
        )
    if not tokens.is_meta and holds((tokens < 0).any() | (tokens >= vocab_size).any()):
        low, high = int(tokens.min()), int(tokens.max())
        raise ValueError(
            f"token ids must be from 0 to {vocab_size - 1}; got ids from {low} to {high}"
        )


def require_ids(model: nn.Module, tokens: Tensor) -> None:
    """Accept a GPT of the course and token ids that it can read at once, where its weights are.

    Raises:
        ValueError: as for require_parts and require_tokens, or the devices differ.
    """
    require_parts(model)
    require_tokens(tokens, model.config.vocab_size, model.config.context)
    require_fit(tokens, model.tokens)


def require_prompt(model: nn.Module, tokens: Tensor) -> None:
    """Accept a GPT and a beginning of any length for it to continue.

    Raises:
        ValueError: as for require_gpt and require_tokens, or there are no values to draw from.
    """
    require_gpt(model)
    require_tokens(tokens, model.config.vocab_size)
    if tokens.is_meta:
        raise ValueError("tokens on the device 'meta' hold no values; make them on a real device")
    if isinstance(model, nn.Module):
        require_fit(tokens, model)


def require_logits(logits: Tensor, vocab_size: int, temperature: float) -> None:
    """Accept logits to draw the next token from, shape (batch, vocab_size).

    Raises:
        ValueError: another shape; NaN, inf, or -inf for all tokens of a row; or they overflow
            when divided by the temperature.
    """
    if not isinstance(logits, Tensor) or not logits.is_floating_point():
        raise ValueError(f"the model must return a tensor of logits; got {given(logits)}")
    if logits.dim() != 2 or logits.shape[1] != vocab_size:
        raise ValueError(
            f"the model's last logits must have shape (batch, {vocab_size}); "
            f"got {tuple(logits.shape)}"
        )
    best = logits.amax(-1)  # NaN if a row holds one
    if not best.isfinite().all():
        raise ValueError(
            "the model's logits hold NaN or inf, so that there is no likeliest token; has its "
            "training diverged? look at its weights"
        )
    if temperature > 0 and not (best / temperature).isfinite().all():
        raise ValueError(
            f"logits divided by temperature {shown(temperature)} overflow in {logits.dtype}; for "
            f"the likeliest token each time take temperature=0"
        )
