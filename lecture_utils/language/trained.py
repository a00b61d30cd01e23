"""A GPT that was trained before: its weights, its curve, and what it wrote on the way."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch

from lecture_utils.language.pretrain import Curve
from lecture_utils.language.text import Text
from lecture_utils.models import GPT

FOLDER = Path(__file__).with_name("trained")  # written by benchmarks/long_recipe.py


@dataclass(frozen=True)
class Trained:
    """What the longer recipe gave.

    Attributes:
        model: 8 blocks of width 96, in evaluation mode; its weights were rounded to 16 bits.
        text: the last fifth of what it was trained on; `text.train` it has seen,
            `text.validation` it has not.
        curve: its losses.
        samples: what it wrote, by the step at which it did.
        seconds: how long the training took.
        machine: where, and with what.
    """

    model: GPT
    text: Text
    curve: Curve
    samples: dict[int, str]
    seconds: float
    machine: str


def trained() -> Trained:
    """Load the GPT that benchmarks/long_recipe.py trained; its text is the same everywhere.

    Source of the text: Python's documentation (pydoc_data.topics of Python 3.11), copyright Python
    Software Foundation, PSF License Version 2.
    """
    told = json.loads((FOLDER / "story.json").read_text(encoding="utf-8"))
    place = {letter: token for token, letter in enumerate(told["letters"])}
    read = (FOLDER / "text.txt").read_text(encoding="utf-8")
    tokens = torch.tensor([place[letter] for letter in read])
    middle = told["seen"]
    curve = Curve(*(torch.tensor(told[name]) for name in ("loss", "checked", "validation")))
    return Trained(
        GPT.from_pretrained_gpt2(FOLDER),
        Text(told["letters"], tokens[:middle], tokens[middle:]),
        curve,
        {int(step): sample for step, sample in told["samples"].items()},
        told["seconds"],
        told["machine"],
    )
