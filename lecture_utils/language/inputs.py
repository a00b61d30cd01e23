"""What a training on a text accepts."""

import os
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from lecture_utils.files import require_path
from lecture_utils.language.text import Text
from lecture_utils.models.gpt_inputs import require_gpt
from lecture_utils.require.numbers import require_flag, shown
from lecture_utils.require.tensors import require_callable, require_module


def require_text(text: Text) -> None:
    """Accept a Text.

    Raises:
        ValueError: it is anything else.
    """
    if not isinstance(text, Text):
        way = "read_text(text)" if isinstance(text, str) else "read_text(data.corpus())"
        raise ValueError(f"text must be token ids: make them with {way}; got {shown(text)}")


def require_gpt_for(model: nn.Module, text: Text) -> None:
    """Accept a GPT with as many tokens as the text has letters, and a text it can be tested on.

    Raises:
        ValueError: it is anything else.
    """
    require_module(model)
    require_gpt(model)
    require_text(text)
    if model.config.vocab_size != len(text.letters):
        raise ValueError(
            f"the model knows {model.config.vocab_size} tokens, the text has {len(text.letters)} "
            f"letters; build it with GPTConfig(vocab_size={len(text.letters)}, …)"
        )
    places = {parameter.device for parameter in model.parameters()}
    if len(places) != 1 or torch.device("meta") in places:
        raise ValueError(
            f"the model's weights must be on one device that holds values; got {shown(places)}"
        )
    _require_long("validation", text.validation, model.config.context)


def require_training(model: nn.Module, text: Text, watch: Callable | None, progress: bool) -> None:
    """Accept a GPT that can be trained on a text, what watches, and whether a bar is shown.

    Raises:
        ValueError: as for `require_gpt_for`, a weight is frozen, watch is no function, or progress
            no bool.
    """
    if not torch.is_grad_enabled():
        raise ValueError(
            "gradients are switched off here: call pretrain() outside torch.no_grad() and "
            "torch.inference_mode()"
        )
    require_gpt_for(model, text)
    _require_long("train", text.train, model.config.context)
    frozen = [name for name, weight in model.named_parameters() if not weight.requires_grad]
    if frozen:
        raise ValueError(f"{frozen[0]} is frozen: call model.requires_grad_() to train all weights")
    if watch is not None:
        require_callable("watch", watch)
    require_flag("progress", progress)


def require_checkpoint(path: str | os.PathLike | None) -> Path | None:
    """Return the path of a training's file, which need not be there yet; None for none.

    Raises:
        ValueError: it is no path of a .safetensors file, or there can be no file.
    """
    if path is None:
        return None
    path = require_path(path, "a .safetensors file")
    if path.suffix != ".safetensors":
        raise ValueError(f"checkpoint must be a .safetensors file; got {shown(str(path))}")
    if os.path.exists(path) and not os.path.isfile(path):
        raise ValueError(f"checkpoint {path} is no file but a folder, say; take another name")
    if not os.path.isdir(path.parent):
        raise ValueError(f"checkpoint {path}: there is no folder {path.parent}; make it first")
    return path


def _require_long(name: str, tokens: Tensor, context: int) -> None:
    if len(tokens) <= context:
        raise ValueError(
            f"text.{name} has {len(tokens)} tokens, too few for a piece of the model's context, "
            f"{context}, and the token after it; give a longer text, or build the model with "
            f"GPTConfig(context={len(tokens) - 1}, …)"
        )
