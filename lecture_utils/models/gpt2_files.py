"""Finding a checkpoint's files, whole or in shards, and saying what else lies there."""

import os
import re
from pathlib import Path

from lecture_utils.files import PICKLE, head_of, kind_of, require_path
from lecture_utils.models.gpt2_settings import read_object
from lecture_utils.require.numbers import shown

_WHOLE = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_SHARD = re.compile(r"-(\d+)-of-(\d+)\.safetensors$")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_OTHERS = (".h5", ".msgpack", ".gguf", ".onnx", ".npz", ".zip", ".tar", ".gz", ".tgz")
_CONVERT = (
    "convert it, if you trust it: import torch, safetensors.torch; weights = torch.load(FILE, "
    "weights_only=True); safetensors.torch.save_file({name: w.clone().contiguous() for name, w in "
    'weights.items()}, "model.safetensors")'
)
_WANTED = (
    "give the path of a .safetensors file with GPT-2's weights, or of the folder that holds "
    "model.safetensors; nothing is downloaded"
)


def weight_files(path: str | os.PathLike) -> dict[Path, set[str] | None]:
    """Return a checkpoint's safetensors files, each with the names that it must hold.

    Args:
        path: a .safetensors file (its names: None, any), an index of shards, or a folder that
            holds one of the two.

    Raises:
        FileNotFoundError: there is no such file, or a shard is missing.
        ValueError: there is another kind of checkpoint, or more than one.
    """
    path = require_path(path, "a GPT-2 checkpoint")
    if os.path.isdir(path):
        path = _in_folder(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"no checkpoint at {path}; {_WANTED}")
    if path.name.endswith(".index.json"):
        return _shards(path)
    match = _SHARD.search(path.name)
    if match and int(match[2]) > 1:
        raise ValueError(
            f"{path} is one shard of {int(match[2])}; give the folder, or its {_INDEX}"
        )
    return {path: None}


def _in_folder(folder: Path) -> Path:
    """Return the one file in a folder that is its checkpoint."""
    names = sorted(os.listdir(folder))
    if "adapter_config.json" in names:
        raise ValueError(
            f"{folder} holds an adapter (adapter_config.json), which changes a model's weights; "
            f"merge the two and save the result"
        )
    known = [name for name in (_WHOLE, _INDEX) if name in names]
    if len(known) == 2:
        raise ValueError(f"{folder} holds two checkpoints, {_WHOLE} and {_INDEX}; give one's path")
    if known:
        return folder / known[0]
    whole = [name for name in names if name.endswith((".safetensors", ".safetensors.index.json"))]
    if whole:
        raise ValueError(f"{folder} holds no {_WHOLE} but {_listed(whole)}; give the file's path")
    pickles = [name for name in names if name.endswith((*_PICKLES, ".bin.index.json"))]
    if pickles:
        raise ValueError(f"{folder} holds no {_WHOLE} but {_listed(pickles)}: {PICKLE}; {_CONVERT}")
    others = [name for name in names if name.endswith(_OTHERS)]
    if others:
        raise ValueError(f"{folder} holds no {_WHOLE} but {_listed(others)}; {_WANTED}")
    inside = [
        name for name in names if any((folder / name / kind).is_file() for kind in (_WHOLE, _INDEX))
    ]
    hint = f"; there are checkpoints in its folders {_listed(inside)}" if inside else ""
    raise FileNotFoundError(f"no checkpoint at {folder / _WHOLE}{hint}; {_WANTED}")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more


def _shards(index: Path) -> dict[Path, set[str]]:
    """Read an index: which shard holds which weights."""
    places = read_object(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise ValueError(f'{index} has no "weight_map" from names to files; fetch it again')
    found: dict[Path, set[str]] = {}
    for name, shard in places.items():
        plain = isinstance(shard, str) and shard.endswith(".safetensors")
        if not plain or Path(shard).name != shard:
            raise ValueError(
                f"{index}: the weight_map must name .safetensors files beside it; for {name} it "
                f"names {shown(shard)}"
            )
        found.setdefault(index.with_name(shard), set()).add(name)
    for file in found:
        if not file.is_file():
            raise FileNotFoundError(f"{index} names {file.name}, which is not beside it; fetch it")
    return found


def refusal(file: Path, error: Exception) -> ValueError:
    """Say why a file could not be read as safetensors, and the way out."""
    head = head_of(file)
    if not head:
        return ValueError(f"{file} is empty, not a safetensors file; fetch it again")
    if head[8:9] == b"{" and head[6:8] == b"\0\0":
        return ValueError(
            f"{file} is damaged or incomplete, not a safetensors file that can be read ({error}); "
            f"fetch it again"
        )
    kind = kind_of(head, file)
    if not kind:
        return ValueError(f"{file} is not a safetensors file ({error}); {_WANTED}")
    way = kind[1] or (_CONVERT if kind[0] == PICKLE else _WANTED)
    return ValueError(f"{file} is not a safetensors file; it looks like {kind[0]}; {way}")
