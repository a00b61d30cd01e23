"""A training on disk, whole or not at all: weights, AdamW's averages, losses, settings."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lecture_utils.files import head_of, kind_of, write_whole
from lecture_utils.language.settings import Settings
from lecture_utils.language.text import Text
from lecture_utils.require.numbers import shown

_KEY = "course"  # of the header's one entry that is ours
_AVERAGES = ("exp_avg", "exp_avg_sq")  # AdamW's two, for each weight that it has changed
_LOSSES = {"loss", "checked", "validation"}


@dataclass
class State:
    """A training between two steps.

    Attributes:
        model: a GPT.
        updater: its AdamW.
        loss: of each step so far, floats.
        validation: the validation loss by the step after which it was measured.
    """

    model: nn.Module
    updater: torch.optim.AdamW
    loss: list[float]
    validation: dict[int, float]


def identity(model: nn.Module, text: Text, settings: Settings) -> dict[str, object]:
    """Return what must agree for a training to go on: model, settings, and the text's sum."""
    told = hashlib.sha256(text.letters.encode("utf-8", "surrogatepass"))
    for part in (text.train, text.validation):
        told.update(b"%d tokens: " % len(part) + part.cpu().numpy().tobytes())
    kinds = sorted({str(weight.dtype) for weight in model.parameters()})
    found = {
        "the model is a": type(model).__name__,
        **{f"the model's {name}": value for name, value in vars(model.config).items()},
        "the model's weights are of type": ", ".join(kinds),
        **vars(settings),
        "the text (SHA-256)": told.hexdigest()[:16],
    }
    return json.loads(json.dumps(found, default=_plain))  # as it is read from a file


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else str(value)


def save(path: Path, state: State, told: dict[str, object]) -> None:
    """Write a training; until the new file is complete the former one stays.

    Raises:
        OSError: it cannot be written; the former file is as it was.
    """
    from safetensors.torch import save as as_bytes

    tensors = {f"weight.{name}": weight for name, weight in state.model.named_parameters()}
    for name, weight in state.model.named_parameters():
        for average in _AVERAGES:
            if weight in state.updater.state:
                tensors[f"{average}.{name}"] = state.updater.state[weight][average]
    tensors = {name: t.detach().to("cpu").contiguous() for name, t in tensors.items()}
    tensors["loss"] = torch.tensor(state.loss, dtype=torch.float64)
    tensors["checked"] = torch.tensor(list(state.validation), dtype=torch.int64)
    tensors["validation"] = torch.tensor(list(state.validation.values()), dtype=torch.float64)
    header = {"format": "pt", _KEY: json.dumps(told)}
    # not save_file: of a full disk it says nothing that write_whole understands
    write_whole(path, lambda part: part.write_bytes(as_bytes(tensors, header)))


def restore(path: Path, state: State, told: dict[str, object]) -> None:
    """Read a training back into `state`.

    Raises:
        ValueError: it is no such file, is damaged, or belongs to another training; then `state` is
            as it was.
    """
    tensors, found = _read(path)
    _require_same(path, found, told)
    weights = dict(state.model.named_parameters())
    _require_tensors(path, tensors, weights)
    _put(state, weights, tensors)


@torch.no_grad()
def _put(state: State, weights: dict[str, nn.Parameter], tensors: dict[str, Tensor]) -> None:
    steps = len(tensors["loss"])
    for name, weight in weights.items():
        weight.copy_(tensors[f"weight.{name}"])
        if f"{_AVERAGES[0]}.{name}" in tensors:
            averages = {
                a: tensors[f"{a}.{name}"].to(weight.device, weight.dtype, copy=True)
                for a in _AVERAGES
            }
            state.updater.state[weight] = {"step": torch.tensor(float(steps)), **averages}
    state.loss[:] = tensors["loss"].tolist()
    state.validation.clear()
    state.validation.update(
        zip(tensors["checked"].tolist(), tensors["validation"].tolist(), strict=True)
    )


def _read(path: Path) -> tuple[dict[str, Tensor], dict]:
    """Return the tensors of a training and what it was told."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as opened:
            told = json.loads((opened.metadata() or {}).get(_KEY, "null"))
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        kind, way = kind_of(head_of(path), path) or ("no whole safetensors file", None)
        way = way or "take another name for this training, or move the file away"
        raise ValueError(f"{path} cannot be read as a training ({error}): {kind}; {way}") from error
    if not isinstance(told, dict) or not tensors.keys() >= _LOSSES:
        raise ValueError(
            f"{path} is a safetensors file, but not one that a training of the course wrote; take "
            f"another name for this training"
        )
    return tensors, told


def _require_same(path: Path, found: dict, told: dict) -> None:
    """Accept the file of the same training.

    Raises:
        ValueError: something differs; the message names it.
    """
    differ = [
        f"{name} {shown(found.get(name))} there, {shown(told.get(name))} here"
        for name in sorted(found.keys() | told.keys())
        if found.get(name) != told.get(name)
    ]
    if differ:
        raise ValueError(
            f"{path} holds another training: {'; '.join(differ[:4])}. Go on with its settings, or "
            f"take another name: it is not overwritten"
        )


def _require_tensors(path: Path, tensors: dict[str, Tensor], weights: dict[str, Tensor]) -> None:
    """Accept the tensors of a training of these weights.

    Raises:
        ValueError: one is missing, is too many, or has another shape.
    """
    changed = [name for name in weights if f"{_AVERAGES[0]}.{name}" in tensors]
    shapes = {f"weight.{name}": weight.shape for name, weight in weights.items()}
    shapes |= {f"{a}.{name}": weights[name].shape for a in _AVERAGES for name in changed}
    shapes |= {"loss": tensors["loss"].shape[:1]}
    shapes |= dict.fromkeys(("checked", "validation"), tensors["checked"].shape[:1])
    for name in sorted(shapes.keys() | tensors.keys()):
        there, here = tensors.get(name), shapes.get(name)
        if there is None or here is None or there.shape != here:
            held = "no such tensor" if there is None else f"one of shape {tuple(there.shape)}"
            wanted = "none at all" if here is None else f"shape {tuple(here)}"
            raise ValueError(
                f"{path} is not a whole training of this model: as {name} it has {held}, expected "
                f"{wanted}; take another name for this training"
            )
