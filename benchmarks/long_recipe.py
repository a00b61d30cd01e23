"""Train the GPT that notebook 10 opens, and save it with its curve and its samples.

    python benchmarks/long_recipe.py

One thread, about a minute and a half on a quiet machine. The same processor and the same Python
give the same weights; others give a net that is as good, with other digits.
"""

import json
import shutil
import tempfile
import time
from pathlib import Path

import torch
from blocks import machine

from lecture_utils import data
from lecture_utils.language import Curve, pretrain, read_text
from lecture_utils.language.trained import FOLDER
from lecture_utils.models import GPT, GPTConfig

STEPS, LR, DEPTH, DIM, HEADS, CONTEXT = 1000, 4e-3, 8, 96, 4, 64
PROMPT, SAMPLED = "The with statement ", (50, 200, 1000)


def fresh(vocab_size: int, seed: int = 0) -> GPT:
    """Build the GPT with weights of standard deviation 1/√dim, as notebook 10 does."""
    torch.manual_seed(seed)
    model = GPT(GPTConfig(vocab_size, CONTEXT, DIM, HEADS, DEPTH))
    for weight in model.parameters():
        if weight.dim() == 2:
            weight.data /= 0.02 * DIM**0.5
    return model


def main() -> None:
    """Train, sample on the way, and write the folder anew."""
    torch.set_num_threads(1)
    raw = data.corpus()
    text = read_text(raw)
    model, samples = fresh(len(text.letters)), {}
    prompt = text.encode(PROMPT)[None]

    def watch(curve: Curve) -> None:
        step = int(curve.checked[-1])
        if step in SAMPLED:
            samples[step] = text.decode(model.eval().generate(prompt, 180, 0.7)[0])

    start = time.perf_counter()
    curve = pretrain(model, text, STEPS, lr=LR, watch=watch, check_every=50)
    seconds = time.perf_counter() - start
    tail = 2 * len(text.validation)
    story = {
        "letters": text.letters,
        "seen": tail - len(text.validation),
        "loss": [round(loss, 3) for loss in curve.loss.tolist()],
        "checked": curve.checked.tolist(),
        "validation": [round(loss, 4) for loss in curve.validation.tolist()],
        "samples": samples,
        "seconds": round(seconds, 1),
        "machine": machine(),
        "source": "Python's documentation, (c) Python Software Foundation, PSF License Version 2",
    }
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "trained"
        model.half().save_gpt2(made)
        (made / "story.json").write_text(json.dumps(story, indent=1), encoding="utf-8")
        (made / "text.txt").write_text(raw[-tail:], encoding="utf-8")
        shutil.rmtree(FOLDER, ignore_errors=True)
        shutil.copytree(made, FOLDER)
    print(f"{seconds:.0f} s, validation loss {curve.validation[-1]:.3f}; {machine()}")


if __name__ == "__main__":
    main()
