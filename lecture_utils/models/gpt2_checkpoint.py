"""Reading GPT-2's weights from a safetensors file that the reader has."""

from __future__ import annotations

import json
import re
from pathlib import Path

from torch import Tensor, nn

from lecture_utils.models.gpt_config import GPTConfig

# Our name of a weight by its name in the checkpoint, inside a block and outside.
_IN_BLOCK = {
    "ln_1": "attention.norm_in",
    "attn.c_attn": "attention.branch.qkv",
    "attn.c_proj": "attention.branch.out",
    "ln_2": "feed_forward.norm_in",
    "mlp.c_fc": "feed_forward.branch.expand",
    "mlp.c_proj": "feed_forward.branch.contract",
}
_OUTSIDE = {"wte": "tokens", "wpe": "positions", "ln_f": "final_norm"}
_MASKS = re.compile(r"h\.\d+\.attn\.(bias|masked_bias)")  # constants, kept by old checkpoints


def load_gpt2(cls: type[nn.Module], path: str | Path) -> nn.Module:
    """Build a GPT with the weights of a GPT-2 checkpoint, as float32, in evaluation mode.

    Args:
        cls: the class of the model, which is built from a GPTConfig.
        path: a .safetensors file, or a folder with model.safetensors. The sizes are read from the
            weights; the number of heads from a config.json beside them, or else dim / 64, which
            is right for all four released sizes.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no safetensors file, or it lacks or adds a weight, or one has another
            shape; the message names them.
    """
    file = _file(Path(path))
    found = {_ours(name): weight.float() for name, weight in _read(file).items()}
    found.pop("", None)
    model = cls(GPTConfig(**_sizes(found, file)))
    expected = {name: weight.shape for name, weight in model.state_dict().items()}
    weights = {name: _turned(name, weight) for name, weight in found.items()}
    _require_same(weights, expected, file)
    model.load_state_dict(weights)
    return model.eval()


def _file(path: Path) -> Path:
    file = path / "model.safetensors" if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(
            f"no checkpoint at {file}; give the path of a .safetensors file with GPT-2's weights, "
            f"or of the folder that holds model.safetensors"
        )
    return file


def _read(file: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except SafetensorError as error:
        raise ValueError(f"{file} is not a safetensors file ({error})") from error


def _ours(name: str) -> str:
    """Translate a checkpoint's name into ours; "" for what is no weight of its own."""
    name = name.removeprefix("transformer.")
    if name == "lm_head.weight" or _MASKS.fullmatch(name):  # tied to wte; a constant
        return ""
    if match := re.fullmatch(r"h\.(\d+)\.(.+)\.(weight|bias)", name):
        block, part, kind = match.groups()
        if part in _IN_BLOCK:
            return f"blocks.{block}.{_IN_BLOCK[part]}.{kind}"
    part, _, kind = name.rpartition(".")
    return f"{_OUTSIDE[part]}.{kind}" if part in _OUTSIDE else name


def _sizes(found: dict[str, Tensor], file: Path) -> dict[str, int]:
    for name in ("tokens.weight", "positions.weight"):
        if name not in found:
            raise ValueError(f"{file} lacks the weight {name}: is it a GPT-2 checkpoint?")
    vocab_size, dim = found["tokens.weight"].shape
    blocks = {int(name.split(".")[1]) for name in found if re.match(r"blocks\.\d+\.", name)}
    settings = file.with_name("config.json")
    heads = json.loads(settings.read_text("utf-8"))["n_head"] if settings.is_file() else dim // 64
    return {
        "vocab_size": vocab_size,
        "context": found["positions.weight"].shape[0],
        "dim": dim,
        "num_heads": heads,
        "depth": max(blocks, default=0) + 1,
    }


def _turned(name: str, weight: Tensor) -> Tensor:
    """Transpose a matrix of a linear layer: GPT-2 keeps them as (in, out), we as (out, in)."""
    is_linear = ".branch." in name and name.endswith("weight")
    return weight.T.contiguous() if is_linear else weight


def _require_same(weights: dict[str, Tensor], expected: dict, file: Path) -> None:
    faults = [f"lacks {name}" for name in expected if name not in weights]
    faults += [f"adds {name}" for name in weights if name not in expected]
    faults += [
        f"has {name} of shape {tuple(weight.shape)}, expected {tuple(expected[name])}"
        for name, weight in weights.items()
        if name in expected and weight.shape != expected[name]
    ]
    if faults:
        more = f", and {len(faults) - 5} more faults" if len(faults) > 5 else ""
        raise ValueError(f"{file} does not fit GPT-2: it {'; '.join(faults[:5])}{more}")
