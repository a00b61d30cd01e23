"""Reading GPT-2's weights from safetensors files that the reader has."""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor, nn

from lecture_utils.models.gpt2_files import refusal, weight_files
from lecture_utils.models.gpt2_settings import number_of_heads
from lecture_utils.models.gpt_config import GPTConfig
from lecture_utils.require.numbers import shown

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
_TABLE, _HEAD = "tokens.weight", "lm_head.weight"
# Constants of old checkpoints: the causal mask (1, 1, T, T), and the number that it fills in.
_MASK, _FILLED = (re.compile(rf"h\.\d+\.attn\.{name}") for name in ("bias", "masked_bias"))
_KINDS = ("F32", "F16", "BF16", "F64")


def load_gpt2(cls: type[nn.Module], path: str | PathLike) -> nn.Module:
    """Build a GPT with the weights of a GPT-2 checkpoint, as float32, in evaluation mode.

    Args:
        cls: the class of the model, which is built from a GPTConfig.
        path: a .safetensors file, or a folder with model.safetensors or with shards and their
            model.safetensors.index.json. The sizes are read from the weights; the number of heads
            from a config.json beside them. Without one, the model is taken for a released
            GPT-2 if it is as wide as one of the four.

    The caller's random state is left as it was.

    Raises:
        FileNotFoundError: there is no such file, or a shard is missing.
        ValueError: it is another kind of file; it lacks or adds a weight, or one has another
            shape, is no plain floating-point number or not finite; it has an output head that
            differs from the table of tokens; or config.json describes another computation. The
            message names the file and the weight or key. Pickles are never opened.
    """
    if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
        raise ValueError(f"cls must be the class of a model, such as GPT; got {shown(cls)}")
    files = weight_files(path)
    file = next(iter(files))
    found = _translated(_stored(files), file)
    config = _config(found, file)
    with torch.random.fork_rng(devices=[]):
        with torch.device("meta"):
            expected = _shapes(cls, config)
        _require_same({name: shape for name, (*_, shape) in found.items()}, expected, file)
        weights = _weights(found)
        model = cls(config)
    model.load_state_dict(weights)
    return model.eval()


def _stored(files: dict[Path, set[str] | None]) -> dict[str, tuple[Path, str, tuple[int, ...]]]:
    """Return each weight's file, type of number and shape, by the name it has there."""
    from safetensors import SafetensorError, safe_open

    stored = {}
    for file, expected in files.items():
        try:
            with safe_open(file, "pt") as opened:
                parts = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118
                held = {n: (file, p.get_dtype(), tuple(p.get_shape())) for n, p in parts.items()}
        except (SafetensorError, OSError, ValueError, KeyError) as error:
            raise refusal(file, error) from error
        if expected is not None and held.keys() != expected:
            name = min(held.keys() ^ expected)
            verb = "lacks" if name in expected else "adds"
            raise ValueError(f"{file} {verb} {name}: it does not fit the index of the shards")
        stored |= held
    return stored


def _translated(stored: dict, file: Path) -> dict[str, tuple[Path, str, str, tuple[int, ...]]]:
    """Return file, name there, type and shape in our orientation, by our names.

    Raises:
        ValueError: two weights have the same name here, or a type is no plain floating-point one.
    """
    found = {}
    for name, (place, kind, shape) in stored.items():
        bare = name.removeprefix("transformer.")
        if (_MASK.fullmatch(bare) and len(shape) == 4) or (
            _FILLED.fullmatch(bare) and shape in ((), (1,))
        ):
            continue
        if kind not in _KINDS:
            raise ValueError(
                f"{place}: {name} holds numbers of type {kind}, expected one of "
                f"{', '.join(_KINDS)}; if the weights were rounded (quantised), take the originals"
            )
        ours = _ours(bare)
        if ours in found:
            raise ValueError(f"{file} holds {ours} twice, as {found[ours][1]} and as {name}")
        turned = shape[::-1] if is_linear(ours) else shape
        found[ours] = (place, name, kind, turned)
    if _HEAD in found:
        _tie(found, file)
    return found


def _tie(found: dict, file: Path) -> None:
    """Take out the output head if it is the table of tokens, or take it for the table."""
    head = found.pop(_HEAD)
    table = found.setdefault(_TABLE, head)
    if head[3] != table[3] or not torch.equal(_weight(*head[:2]), _weight(*table[:2])):
        raise ValueError(
            f"{file}: {head[1]} {head[3]} differs from {table[1]} {table[3]}, so the model has an "
            f"output head of its own; here the logits are read with the table (tied weights)"
        )


def _ours(name: str) -> str:
    """Translate a checkpoint's name into ours."""
    if match := re.fullmatch(r"h\.(0|[1-9]\d*)\.(.+)\.(weight|bias)", name):
        block, part, kind = match.groups()
        if part in _IN_BLOCK:
            return f"blocks.{block}.{_IN_BLOCK[part]}.{kind}"
    part, _, kind = name.rpartition(".")
    return f"{_OUTSIDE[part]}.{kind}" if part in _OUTSIDE else name


def names(depth: int) -> dict[str, str]:
    """Return GPT-2's names of all weights of a model of so many blocks, by our names."""
    parts = {ours: f"transformer.{theirs}" for theirs, ours in _OUTSIDE.items()}
    for block in range(depth):
        for theirs, ours in _IN_BLOCK.items():
            parts[f"blocks.{block}.{ours}"] = f"transformer.h.{block}.{theirs}"
    tables = (_OUTSIDE["wte"], _OUTSIDE["wpe"])
    return {
        f"{ours}.{kind}": f"{theirs}.{kind}"
        for ours, theirs in parts.items()
        for kind in (("weight",) if ours in tables else ("weight", "bias"))
    }


def is_linear(name: str) -> bool:
    """Tell whether a weight is stored transposed: GPT-2 keeps (in, out), we keep (out, in)."""
    return ".branch." in name and name.endswith("weight")


def _config(found: dict, file: Path) -> GPTConfig:
    """Read the sizes off the weights, and the number of heads from config.json."""
    for name in (_TABLE, "positions.weight"):
        if name not in found:
            raise ValueError(
                f"{file} lacks the weight {name}: is it a GPT-2 checkpoint?{_prefix(found)}"
            )
        shape = found[name][3]
        if len(shape) != 2 or 0 in shape:
            raise ValueError(f"{file} has {name} of shape {shape}, expected a table")
    blocks = {int(name.split(".")[1]) for name in found if re.match(r"blocks\.\d{1,9}\.", name)}
    depth = max(blocks, default=0) + 1
    if blocks and len(blocks) < depth:
        missing = next(n for n in range(depth) if n not in blocks)
        raise ValueError(f"{file} lacks blocks.{missing}, although it has blocks.{depth - 1}")
    (vocab_size, dim), (context, _) = (found[n][3] for n in (_TABLE, "positions.weight"))
    sizes = {"vocab_size": vocab_size, "context": context, "dim": dim, "depth": depth}
    return GPTConfig(num_heads=number_of_heads(file.with_name("config.json"), sizes), **sizes)


def _prefix(found: dict) -> str:
    """Say what stands before the names, if it is that alone which is strange."""
    tables = [name for name in found if name.endswith(".wte.weight")]
    if not tables:
        return ""
    before = tables[0].removesuffix("wte.weight").removesuffix("transformer.")
    return f' its names begin with "{before}"; save it with names such as transformer.wte.weight'


def _shapes(cls: type[nn.Module], config: GPTConfig) -> dict[str, tuple[int, ...]]:
    try:
        return {name: tuple(w.shape) for name, w in cls(config).state_dict().items()}
    except (TypeError, AttributeError) as error:
        raise ValueError(f"{cls.__name__} cannot be built from a GPTConfig: {error}") from error


def _require_same(found: dict, expected: dict, file: Path) -> None:
    faults = [f"lacks {name}" for name in expected if name not in found]
    faults += [f"adds {name}" for name in found if name not in expected]
    faults += [
        f"has {name} of shape {shape}, expected {expected[name]}"
        for name, shape in found.items()
        if name in expected and shape != expected[name]
    ]
    if faults:
        more = f", and {len(faults) - 5} more faults" if len(faults) > 5 else ""
        raise ValueError(f"{file} does not fit GPT-2: it {'; '.join(faults[:5])}{more}")


def _weight(file: Path, name: str) -> Tensor:
    from safetensors import safe_open

    with safe_open(file, "pt") as opened:
        return opened.get_tensor(name).float()


def _weights(found: dict) -> dict[str, Tensor]:
    """Load the weights, and refuse what is not finite."""
    weights = {}
    for ours, (file, name, *_) in found.items():
        weight = _weight(file, name)
        if bad := int((~weight.isfinite()).sum()):
            raise ValueError(
                f"{file}: {name} holds {bad} NaN or infinite of {weight.numel()} values, as "
                f"float32; take another checkpoint"
            )
        weights[ours] = weight.T if is_linear(ours) else weight
    return weights
