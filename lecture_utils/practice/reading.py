"""Reading a config.json: its sizes and its wiring, or a refusal that names the field."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

from lecture_utils.files import require_path
from lecture_utils.models.gpt2_settings import read_object
from lecture_utils.practice.families import FAMILIES, FREE, ONLY, Family
from lecture_utils.practice.shape import Shape, Wiring
from lecture_utils.require.numbers import is_number, is_whole, shown

_SAMPLES = Path(__file__).parent / "samples"
_MOST = 10**9


def samples() -> dict[str, dict[str, str]]:
    """Return the open models whose config.json is shipped: by name, where its facts were read.

    Each has "model" (as its makers call it), "source" (where its config was read), "read" (the
    date), and "published" (the number of parameters that its makers give, with source, or "").
    """
    return json.loads((_SAMPLES / "index.json").read_text("utf-8"))


def read_config(source: str | os.PathLike | Mapping) -> Shape:
    """Read the shape of a model, before a byte of its weights is fetched.

    Args:
        source: the name of a sample, such as "llama-3-8b"; the path of a config.json, or of the
            folder that holds it; or its content, as a dictionary.

    Raises:
        ValueError: there is no such file; its model_type is not known here; a field is missing, of
            the wrong type, impossible, or one of which it is not known here whether it changes
            the model. The message names file and field.
    """
    if isinstance(source, Mapping):
        return _shape(dict(source), "the dictionary", "a model")
    path = require_path(source, "a config.json, the name of a sample, or a dictionary")
    if isinstance(source, str) and source in samples():
        if path.exists():
            raise ValueError(f"{source} is a sample and a file here: for the file, give ./{source}")
        file = _SAMPLES / f"{source}.json"
        return _shape(read_object(file), f"the sample {source}", samples()[source]["model"])
    try:
        file = path / "config.json" if path.is_dir() else path
        found = file.exists()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error
    if not found:
        raise ValueError(
            f"there is no file {file}; give the path of a config.json or of its folder, or one of "
            f"the samples: {', '.join(samples())}"
        )
    return _shape(read_object(file), str(file), file.resolve().parent.name or str(file))


def _shape(config: dict, where: str, name: str) -> Shape:
    family = _family(config, where)
    for key, value in config.items():
        _require_known(key, value, family, config["model_type"], where)
    read = _Reader(config, where)
    sizes = {field: read.size(key) for field, key in family.keys.items() if field != "hidden_dim"}
    sizes |= _heads(read, family, sizes) | _feed_forward(read, family, sizes["dim"])
    if "n_ctx" in config and read.size("n_ctx") != sizes["context"]:
        read.refuse("n_ctx", f"n_positions, {sizes['context']}")
    types = read.size("type_vocab_size") if family.encoder else 0
    sizes["positions"] = types + (sizes["context"] if family.positions else 0)
    return Shape(
        name=name,
        family=config["model_type"],
        wiring=_wiring(read, family),
        gated=family.gated,
        norms=family.norms,
        tied=read.flag("tie_word_embeddings", family.tied),
        causal=not family.encoder,
        head_bias=family.head_bias,
        head_transform=family.encoder,
        **sizes,
        **_biases(read, family),
        **_window(read, family, sizes["depth"]),
    )


def _family(config: dict, where: str) -> Family:
    if "model_type" not in config:
        raise ValueError(f"{where} lacks model_type, which says how its other fields are meant")
    kind = config["model_type"]
    if not isinstance(kind, str) or kind not in FAMILIES:
        inner = "it holds a text_config: give read_config that part; " * ("text_config" in config)
        raise ValueError(
            f"{where}: model_type {shown(kind)} is not known here; {inner}known are "
            f"{', '.join(FAMILIES)}"
        )
    return FAMILIES[kind]


def _read_by(family: Family) -> set[str]:
    """Return the keys that are read below, each with its check."""
    keys = {*family.keys.values(), "tie_word_embeddings", "architectures"}
    keys |= {"num_key_value_heads", "head_dim"} if family.kv_heads else set()
    keys |= {key for key in (family.qkv_bias, family.out_bias, family.mlp_bias) if key}
    keys |= {family.parallel, family.factor, family.window_if, family.shared, family.qk_norm}
    keys |= set(family.experts or ())
    keys |= {"sliding_window", "layer_types"}
    keys |= {"type_vocab_size"} if family.encoder else set()
    keys |= {"n_ctx"} if "n_positions" in family.keys.values() else set()
    return {key for key in keys if isinstance(key, str)}


def _require_known(key: object, value: object, family: Family, kind: str, where: str) -> None:
    """Accept a key that is read, that changes nothing, or whose value changes nothing."""
    if key in family.only or (key in ONLY and key not in family.free):
        allowed = family.only.get(key, ONLY.get(key))
        if any(type(value) is type(good) and value == good for good in allowed):
            return
        known = " or ".join(json.dumps(good) for good in allowed)
        raise ValueError(f"{where}: {key} is {shown(value)}; {kind} is counted here with {known}")
    if key == "architectures":
        named = isinstance(value, list) and len(value) == 1 and isinstance(value[0], str)
        if value is not None and not (named and value[0] == family.architecture):
            raise ValueError(
                f"{where}: architectures is {shown(value)}; counted here is {family.architecture}"
            )
    elif key not in FREE and key not in family.free and key not in _read_by(family):
        raise ValueError(
            f"{where}: it is not known here whether the field {shown(key)} changes a {kind}; "
            f"remove it if it changes neither the parameters nor the wiring"
        )


def _heads(read: "_Reader", family: Family, sizes: dict) -> dict:
    """Return the numbers of heads, their width, and the weights of their norms."""
    heads, dim = sizes["num_heads"], sizes["dim"]
    key = family.keys["num_heads"]
    kv_heads = heads
    if family.kv_heads:
        kv_heads = read.size("num_key_value_heads", heads if family.kv_heads == "heads" else None)
    if heads % kv_heads:
        read.refuse("num_key_value_heads", f"a divisor of {key}, {heads}")
    width = read.size("head_dim", family.head_dim, False) if family.kv_heads else None
    if width is None:
        if dim % heads:
            read.refuse(key, f"a divisor of {family.keys['dim']}, {dim}, as there is no head_dim")
        width = dim // heads
    norm = family.qk_norm
    if norm not in (None, "head", "all"):
        norm = "all" if read.flag(norm, False) else None
    weights = {None: 0, "head": 2 * width, "all": (heads + kv_heads) * width}[norm]
    return {"num_kv_heads": kv_heads, "head_dim": width, "qk_norm": weights}


def _feed_forward(read: "_Reader", family: Family, dim: int) -> dict:
    """Return the width of the feed-forward, and the numbers and widths of experts."""
    key = family.keys["hidden_dim"]
    if not family.experts:
        return {"hidden_dim": read.size(key, 4 * dim if key == "n_inner" else None)}
    experts, active, _ = family.experts
    count, used, width = (read.size(key) for key in family.experts)
    if count < 2:
        read.refuse(experts, "2 or more")
    if used > count:
        read.refuse(active, f"at most {experts}, {count}")
    shared = read.size(family.shared) if family.shared else 0
    return {"experts": count, "active_experts": used, "hidden_dim": width, "shared_dim": shared}


def _biases(read: "_Reader", family: Family) -> dict[str, bool]:
    said = {name: getattr(family, name) for name in ("qkv_bias", "out_bias", "mlp_bias")}
    return {
        name: read.flag(key, family.bias) if isinstance(key, str) else key
        for name, key in said.items()
    }


def _wiring(read: "_Reader", family: Family) -> Wiring:
    placement = family.placement
    if family.parallel and not read.flag(family.parallel, True):
        placement = "pre-norm"
    factor = read.number(family.factor, 1.0) if family.factor else 1.0
    return Wiring(placement, family.norm, factor)


def _window(read: "_Reader", family: Family, depth: int) -> dict:
    """Return the width of the sliding window and the number of blocks that have it."""
    window = read.size("sliding_window", None, False)
    kinds = read.config.get("layer_types")
    known = ("full_attention", "sliding_attention")
    if kinds is not None:
        listed = isinstance(kinds, list) and len(kinds) == depth
        if not listed or any(kind not in known for kind in kinds):
            read.refuse("layer_types", f"{depth} words, each {' or '.join(known)}")
        if known[1] in kinds and (window is None or family.window is None):
            read.refuse("layer_types", "full_attention in each block, as there is no window")
    if family.window is None and window:
        read.refuse("sliding_window", "null, as these models have none")
    if window is None or (family.window_if and not read.flag(family.window_if, False)):
        return {}
    if kinds is not None:
        windowed = kinds.count(known[1])
    elif family.window_if:
        windowed = max(0, depth - read.size("max_window_layers"))
    else:
        patterned = "sliding_window_pattern" in family.free
        every = read.size("sliding_window_pattern", family.window) if patterned else family.window
        windowed = depth if family.window == 1 else depth - depth // every
    return {"window": window, "windowed": windowed} if windowed else {}


class _Reader:
    """The fields of a config.json, each checked as it is read."""

    def __init__(self, config: dict, where: str):
        self.config = config
        self.where = where

    def refuse(self, key: str, expected: str) -> None:
        value = shown(self.config[key]) if key in self.config else "nothing"
        raise ValueError(f"{self.where}: {key} must be {expected}; got {value}")

    def size(self, key: str, default: int | None = None, needed: bool = True) -> int | None:
        """Return a positive whole number; the default if the field is missing or null."""
        value = self.config.get(key)
        if value is None and (default is not None or not needed):
            return default
        if value is None:
            said = "is null" if key in self.config else "is missing"
            raise ValueError(f"{self.where}: {key} {said}; it must be a positive whole number")
        if not is_whole(value) or not 1 <= value <= _MOST:
            self.refuse(key, f"a positive whole number, at most {_MOST:,}")
        return int(value)

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false; the default if the field is missing or null."""
        value = self.config.get(key)
        if value is not None and not isinstance(value, bool):
            self.refuse(key, "true or false")
        return default if value is None else value

    def number(self, key: str, default: float) -> float:
        """Return a finite number; the default if the field is missing or null."""
        value = self.config.get(key)
        if value is not None and not (is_number(value) and math.isfinite(value)):
            self.refuse(key, "a finite number")
        return default if value is None else float(value)
