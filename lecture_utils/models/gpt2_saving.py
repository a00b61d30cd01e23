"""Writing a GPT as a folder that Hugging Face's transformers loads as a GPT-2."""

from __future__ import annotations

import json
import os
import re
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor, nn

from lecture_utils.files import require_path, write_whole
from lecture_utils.models.gpt2_checkpoint import is_linear, names
from lecture_utils.models.gpt2_same import EPS, require_same_computation
from lecture_utils.models.gpt_inputs import require_parts
from lecture_utils.require.numbers import shown

_KINDS = {
    torch.float32: "float32",
    torch.float64: "float64",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
}
_GPT2S_WORDS = 50257  # GPT-2's vocabulary; its last token ends a text


def save_gpt2(model: nn.Module, path: str | PathLike, letters: str | None = None) -> None:
    """Write a GPT as a folder that transformers loads with the same logits.

    There, `AutoModelForCausalLM.from_pretrained(path)` loads it; here,
    `GPT.from_pretrained_gpt2(path)`, as float32. The folder holds model.safetensors and
    config.json, and with `letters` the tokenizer's two files, for `AutoTokenizer`. It is written
    whole or not at all. The model stays as it is; its type of numbers is kept (float16 to 64).

    Args:
        model: a GPT that computes what GPT-2 computes. Blocks may be left out or exchanged.
        path: the folder to make; its parent must be there. Nothing is overwritten.
        letters: for a model of single characters: the character of each token id, in order.

    Raises:
        FileNotFoundError: the parent is missing.
        ValueError: at `path` there is something already; the model computes something else than
            GPT-2 (another norm, no shortcuts, exchanged or added parts, hooks); its weights are
            not finite or of another type; or `letters` does not fit the vocabulary.
        OSError: the system refuses to write, as when the disk is full; nothing is left then.

    Source: Hugging Face transformers 5.23, models/gpt2, for the names and the settings;
    A. Radford et al., 2019 (GPT-2).
    """
    folder = _free(path)
    require_parts(model)
    expected = _require_weights(model)
    weights = {name: weight.detach().cpu() for name, weight in model.state_dict().items()}
    require_same_computation(model, weights)
    files = {"config.json": _settings(model)}
    if letters is not None:
        files |= _tokenizer(letters, model.config)

    def write(part: Path) -> None:
        part.mkdir()
        for name, content in files.items():
            text = json.dumps(content, indent=2, sort_keys=True)
            (part / name).write_text(f"{text}\n", encoding="utf-8")
        _write_weights(part / "model.safetensors", weights, expected)

    write_whole(folder, write)


def _free(path: str | PathLike) -> Path:
    """Return the folder to make, if there is nothing that could be lost."""
    folder = Path(os.path.realpath(require_path(path, "the folder to make, such as my_gpt")))
    if os.path.isdir(folder):
        try:
            held = sorted(os.listdir(folder))
        except OSError as error:
            raise ValueError(f"{folder} cannot be read: {error.strerror}; name another") from error
        if held or folder == Path(os.path.realpath(".")):
            what = f"is a folder with {held[0]} in it" if held else "is the folder you are in"
            raise ValueError(
                f"{folder} {what}; save_gpt2 makes a new folder and overwrites none: name "
                f"another, or delete this one first"
            )
    elif os.path.lexists(folder):
        raise ValueError(f"{folder} is a file; give the name of a folder to make")
    elif not os.path.isdir(folder.parent):
        raise FileNotFoundError(f"there is no folder {folder.parent} to write into; make it first")
    return folder


def _require_weights(model: nn.Module) -> dict[str, str]:
    """Accept a GPT with GPT-2's weights and no others; return GPT-2's names by ours."""
    config = model.config
    wiring = {"norm": (config.norm, "pre"), "use_shortcut": (config.use_shortcut, True)}
    for name, (given, gpt2s) in wiring.items():
        if given != gpt2s:
            raise ValueError(
                f"{name} is {given!r}, GPT-2 has only {gpt2s!r}: this model cannot be written as a "
                f"GPT-2; keep it with torch.save(model.state_dict(), file)"
            )
    expected = names(len(model.blocks))
    found = model.state_dict() | dict(model.named_buffers())
    faults = [f"it lacks {name}" for name in expected if name not in found]
    faults += [f"it adds {name}" for name in found if name not in expected]
    shapes = _shapes(config, len(model.blocks))
    faults += [
        f"{name} has shape {tuple(weight.shape)}, expected {shapes[name]}"
        for name, weight in found.items()
        if name in expected and tuple(weight.shape) != shapes[name]
    ]
    if faults or not len(model.blocks):
        faults = faults or ["it has no blocks"]
        more = f"; and {len(faults) - 3} more faults" if len(faults) > 3 else ""
        raise ValueError(
            f"the model's weights are not GPT-2's: {'; '.join(faults[:3])}{more}. GPT-2 has the "
            f"parts that GPT(config) builds, its blocks GPTBlocks: put them back before saving"
        )
    _require_numbers(found)
    return expected


def _shapes(config: object, depth: int) -> dict[str, tuple[int, ...]]:
    d = config.dim
    wide = {"qkv": (3 * d, d), "out": (d, d), "expand": (4 * d, d), "contract": (d, 4 * d)}
    shapes = {"tokens.weight": (config.vocab_size, d), "positions.weight": (config.context, d)}
    for name in names(depth):
        *_, part, kind = name.split(".")
        matrix = wide.get(part, (d,))
        shapes.setdefault(name, matrix if kind == "weight" else matrix[:1])
    return shapes


def _require_numbers(weights: dict[str, Tensor]) -> None:
    """Accept weights of one known type, that are in memory and finite."""
    kinds = {weight.dtype for weight in weights.values()}
    if len(kinds) > 1 or not kinds <= _KINDS.keys():
        raise ValueError(
            f"the weights are {', '.join(sorted(map(str, kinds)))}; a saved GPT-2 has one type, "
            f"one of {', '.join(_KINDS.values())}: convert the model, such as model.float()"
        )
    for name, weight in weights.items():
        if weight.is_meta or weight.layout != torch.strided:
            raise ValueError(f"{name} is on the meta device or sparse; give it values to be saved")
        if bad := int((~weight.isfinite()).sum()):
            raise ValueError(
                f"{name} holds {bad} NaN or infinite of {weight.numel()} values, expected finite "
                f"ones; has the training diverged? save an earlier state"
            )


def _settings(model: nn.Module) -> dict[str, object]:
    """Return what config.json holds: sizes, and all that changes the computation."""
    config = model.config
    end = _GPT2S_WORDS - 1 if config.vocab_size == _GPT2S_WORDS else None
    return {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "vocab_size": int(config.vocab_size),
        "n_positions": int(config.context),
        "n_ctx": int(config.context),  # llama.cpp's converter reads it
        "n_embd": int(config.dim),
        "n_layer": len(model.blocks),
        "n_head": int(config.num_heads),
        "n_inner": None,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": EPS,
        "scale_attn_weights": True,
        "scale_attn_by_inverse_layer_idx": False,
        "add_cross_attention": False,
        "tie_word_embeddings": True,
        **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), float(config.dropout)),
        **dict.fromkeys(("bos_token_id", "eos_token_id"), end),
        "dtype": _KINDS[model.tokens.weight.dtype],
    }


def _tokenizer(letters: str, config: object) -> dict[str, dict[str, object]]:
    """Return the files that make one token of each character, and join them again."""
    if not isinstance(letters, str) or len(letters) != config.vocab_size:
        count = f"{len(letters)} characters" if isinstance(letters, str) else shown(letters)
        raise ValueError(
            f"letters must be a text with the character of each of the {config.vocab_size} token "
            f"ids, in order; got {count}"
        )
    twice = next((letter for letter in letters if letters.count(letter) > 1), None)
    if twice is not None or re.search("[\ud800-\udfff]", letters):
        fault = "half a character (a surrogate)" if twice is None else f"{twice!r} twice"
        raise ValueError(f"letters must hold each character once; it holds {fault}: take it out")
    split = {"type": "Split", "pattern": {"Regex": r"[\s\S]"}, "behavior": "Isolated"}
    vocabulary = {letter: token for token, letter in enumerate(letters)}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": split | {"invert": False},
        "decoder": {"type": "Fuse"},
        # No token stands for what is unknown: another character is an error.
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unknown>"},
    }
    unset = ("truncation", "padding", "normalizer", "post_processor")
    about = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": int(config.context),
    }
    return {"tokenizer.json": tokenizer | dict.fromkeys(unset), "tokenizer_config.json": about}


def _write_weights(file: Path, weights: dict[str, Tensor], theirs: dict[str, str]) -> None:
    """Write the weights under GPT-2's names, its matrices (in, out).

    Raises:
        OSError: the system refuses.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    copies = {
        theirs[name]: (weight.T if is_linear(name) else weight).clone(
            memory_format=torch.contiguous_format
        )
        for name, weight in weights.items()
    }
    try:
        save_file(copies, file, {"format": "pt"})  # transformers asks for this mark
    except SafetensorError as error:
        if number := re.search(r"os error (\d+)", str(error)):
            raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
        raise
