"""Train a GPT on a text from the command line, on one device, several, or several machines.

One GPU, or none:
  python -m lecture_utils.language --steps 600 --out run.safetensors
Several GPUs of one machine, here 4 (on CPUs, 4 processes):
  torchrun --standalone --nproc-per-node 4 -m lecture_utils.language \\
      --steps 600 --out run.safetensors
Several machines, here 2 with 4 GPUs each; say the same on each, HOST being one of them:
  torchrun --nnodes 2 --nproc-per-node 4 --rdzv-id run --rdzv-backend c10d \\
      --rdzv-endpoint HOST:29400 -m lecture_utils.language --steps 600 --out run.safetensors
All of them train on the same batch, --batch-size pieces together. All machines must see the file
--out, and read the same text: Python's documentation differs between versions of Python.

Ctrl-C ends the training after the present step. After that, or after a kill or a power cut, say
the same command again: it goes on from the file. The number of processes may be another one.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import torch
from torch import distributed

from lecture_utils.data import corpus
from lecture_utils.language.pretrain import Curve, pretrain
from lecture_utils.language.settings import Settings
from lecture_utils.language.text import Text, read_text, unigram_entropy
from lecture_utils.models import GPT, GPTConfig

_TOGETHER = "WORLD_SIZE" in os.environ  # so torchrun tells its processes
_FIRST = os.environ.get("RANK", "0") == "0"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lecture_utils.language", description=__doc__,
        usage="%(prog)s --out FILE [options]", allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--out", required=True, metavar="FILE", help="run.safetensors: made, or gone on from")
    add("--text", metavar="FILE", help="UTF-8; without it, Python's own documentation")
    for name, size in {"depth": 6, "dim": 64, "heads": 4, "context": 64}.items():
        add(f"--{name}", type=int, default=size, metavar="N", help=f"of the model; {size}")
    add("--dropout", type=float, default=0.0, metavar="SHARE", help="of the model; 0")
    add("--norm", default="pre", help="pre, post or sandwich; pre")
    add("--no-shortcut", action="store_true", help="the twin without shortcuts")
    add("--device", choices=("cpu", "cuda"), help="without it, cuda if there is a GPU")
    for field in fields(Settings):
        value = 600 if field.name == "steps" else field.default
        flag = f"--{field.name.replace('_', '-')}"
        add(flag, type=type(value), default=value, metavar="X", help=f"of the training; {value}")
    add("--save-gpt2", metavar="FOLDER", help="at the end, for Hugging Face's transformers")
    add("--prompt", help="what the sample at the end goes on from")
    return parser


def _device(wanted: str | None) -> torch.device:
    """Return where this process computes: torchrun numbers the processes of a machine."""
    if wanted == "cpu" or (wanted is None and not torch.cuda.is_available()):
        return torch.device("cpu")
    number, gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if number >= gpus:
        raise ValueError(f"process {number + 1} of this machine has no GPU: {gpus} found; take cpu")
    torch.cuda.set_device(number)
    return torch.device("cuda", number)


def _teller(line: float) -> Callable[[Curve], None]:
    """Return what prints each validation loss once."""
    told: set[int] = set()

    def tell(curve: Curve) -> None:
        if not told:
            print(f"letter frequencies alone: {line:.3f} nats", flush=True)
        for step, loss in zip(curve.checked.tolist(), curve.validation.tolist(), strict=True):
            if step not in told:
                print(f"step {step}: validation loss {loss:.3f}", flush=True)
        told.update(curve.checked.tolist())

    return tell


def _train(asked: argparse.Namespace, device: torch.device) -> str:
    """Train as asked, print and write; return how it ended."""
    text = read_text(corpus(asked.text))
    torch.manual_seed(asked.seed)
    model = GPT(
        GPTConfig(
            len(text.letters), asked.context, asked.dim, asked.heads, asked.depth, asked.dropout,
            asked.norm, not asked.no_shortcut,
        )
    ).to(device)  # fmt: skip
    prompt = text.validation[:20] if asked.prompt is None else text.encode(asked.prompt)
    if asked.save_gpt2 is not None:  # what GPT-2 cannot express is refused before the training
        with tempfile.TemporaryDirectory() as folder:
            model.save_gpt2(Path(folder) / "gpt2", text.letters)
    settings = {field.name: getattr(asked, field.name) for field in fields(Settings)}
    tell = _teller(unigram_entropy(text.train))
    curve = pretrain(
        model, text, **settings, checkpoint=asked.out, watch=tell, progress=sys.stderr.isatty()
    )
    if _FIRST and curve.ended == "done":
        print(_sample(model, text, prompt.to(device)))
        if asked.save_gpt2 is not None:
            model.save_gpt2(asked.save_gpt2, text.letters)
    elif _FIRST:
        way = "the same command goes on" if curve.ended == "stopped" else "try a lower --lr"
        print(f"{curve.ended} after {len(curve.loss)} of {asked.steps} steps; {way}")
    return curve.ended


def _sample(model: GPT, text: Text, prompt: torch.Tensor) -> str:
    return text.decode(model.generate(prompt[None], 200, temperature=0.8)[0].cpu())


def main() -> None:
    """Train a GPT; exit with 2 if it is refused, with 1 if the training diverged."""
    parser = _parser()
    asked = parser.parse_args()
    try:
        device = _device(asked.device)
        if _TOGETHER:
            distributed.init_process_group("gloo" if device.type == "cpu" else "nccl")
        ended = _train(asked, device)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    finally:
        if distributed.is_available() and distributed.is_initialized():
            distributed.destroy_process_group()
    sys.exit(1 if ended == "diverged" else 0)


if __name__ == "__main__":
    main()
