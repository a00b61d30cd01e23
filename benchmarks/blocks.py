"""Time the course's blocks against PyTorch's and Hugging Face's, and the gradient probe.

    python benchmarks/blocks.py

One thread, forward and backward. All programs of one size run side by side, alternating. A ratio is
taken within each round, so that both meet the same load, and the median of the rounds is printed.
Above 1: ours takes longer. Run it on an idle machine.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable

import torch
import transformers
from torch import Tensor, nn
from transformers.models.bert.modeling_bert import BertLayer as ReferenceBertLayer
from transformers.models.gpt2.modeling_gpt2 import GPT2Block as ReferenceGPT2Block

from lecture_utils.gradients import gradient_norms
from lecture_utils.models import GPT, BertLayer, GPTBlock, GPTConfig, TransformerBlock

# width, heads, time, batch, rounds
SIZES = ((64, 4, 64, 16, 60), (256, 8, 128, 8, 20), (768, 12, 256, 4, 8))
PAIRS = {
    "TransformerBlock / nn.TransformerEncoderLayer": ("TransformerBlock", "nn pre"),
    "BertLayer / nn.TransformerEncoderLayer": ("BertLayer", "nn post"),
    "BertLayer / Hugging Face's BertLayer": ("BertLayer", "HF BERT"),
    "GPTBlock / nn.TransformerEncoderLayer": ("GPTBlock", "nn pre"),
    "GPTBlock / Hugging Face's GPT2Block": ("GPTBlock", "HF GPT-2"),
}
PROBED = {"64 layers of 32": (64, 32, 128), "20 layers of 256": (20, 256, 128)}


def rival_layers(dim: int, heads: int, context: int) -> dict[str, nn.Module]:
    """Build ours and theirs of one size, without dropout, with `sdpa` where it can be chosen."""
    bert = transformers.BertConfig(
        hidden_size=dim, intermediate_size=4 * dim, num_attention_heads=heads,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    gpt2 = transformers.GPT2Config(
        n_embd=dim, n_head=heads, n_positions=context, attn_pdrop=0.0, resid_pdrop=0.0
    )
    bert._attn_implementation = gpt2._attn_implementation = "sdpa"
    options = {"dropout": 0.0, "activation": "gelu", "batch_first": True}
    return {
        "TransformerBlock": TransformerBlock(dim, 4 * dim, heads),
        "BertLayer": BertLayer(dim, 4 * dim, heads, dropout=0.0),
        "GPTBlock": GPTBlock(GPTConfig(64, context, dim, heads, 1)),
        "nn pre": nn.TransformerEncoderLayer(dim, heads, 4 * dim, norm_first=True, **options),
        "nn post": nn.TransformerEncoderLayer(dim, heads, 4 * dim, **options),
        "HF BERT": ReferenceBertLayer(bert),
        "HF GPT-2": ReferenceGPT2Block(gpt2, layer_idx=0),
    }


def there_and_back(layer: nn.Module, x: Tensor) -> None:
    """Run one forward and one backward pass; gradients of the weights and of the input."""
    x = x.detach().requires_grad_()
    layer.zero_grad()
    out = layer(x)
    (out if isinstance(out, Tensor) else out[0]).sum().backward()


def times_of(programs: dict[str, Callable], rounds: int) -> dict[str, list[float]]:
    """Seconds of each program in each of `rounds`, alternating; two rounds more warm up."""
    times = {name: [] for name in programs}
    for turn in range(rounds + 2):
        for name, program in programs.items():
            start = time.perf_counter()
            program()
            if turn >= 2:
                times[name].append(time.perf_counter() - start)
    return times


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def block_ratios(
    dim: int, heads: int, length: int, batch: int, rounds: int
) -> tuple[dict[str, float], float]:
    """Ratios of PAIRS at one size, and the seconds of our TransformerBlock."""
    x = torch.randn(batch, length, dim)
    layers = rival_layers(dim, heads, length)
    programs = {
        name: (lambda layer=layer: there_and_back(layer, x)) for name, layer in layers.items()
    }
    found = times_of(programs, rounds)
    ratios = {pair: ratio(found[ours], found[theirs]) for pair, (ours, theirs) in PAIRS.items()}
    return ratios, statistics.median(found["TransformerBlock"])


def probe_ratio(net: nn.Module, loss_of: Callable[[], Tensor], rounds: int) -> float:
    """Forward and `gradient_norms`, over forward and backward."""

    def backward() -> None:
        net.zero_grad()
        loss_of().backward()

    programs = {"probe": lambda: gradient_norms(net, loss_of()), "backward": backward}
    found = times_of(programs, rounds)
    return ratio(found["probe"], found["backward"])


def probe_ratios(rounds: int) -> dict[str, float]:
    """Ratios of the probe for two chains of linear layers with tanh, and for a GPT."""
    found = {}
    for name, (depth, width, batch) in PROBED.items():
        layers = [part for _ in range(depth) for part in (nn.Linear(width, width), nn.Tanh())]
        net, x = nn.Sequential(*layers), torch.randn(batch, width)
        found[name] = probe_ratio(net, lambda net=net, x=x: net(x).square().mean(), rounds)
    gpt, tokens = GPT(GPTConfig(65, 64, 64, 4, 8)), torch.randint(65, (16, 64))
    found["GPT, 8 blocks of 64"] = probe_ratio(gpt, lambda: gpt(tokens).square().mean(), rounds)
    return found


def machine() -> str:
    """Name the processor and the versions, without which a time means nothing."""
    name = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            name = next((k.split(":")[1].strip() for k in lines if "model name" in k), name)
    return (
        f"{name}, {torch.get_num_threads()} thread, {torch.backends.cpu.get_cpu_capability()}; "
        f"Python {platform.python_version()}, torch {torch.__version__}, transformers "
        f"{transformers.__version__}"
    )


def main() -> None:
    """Print the ratios at three sizes, and those of the gradient probe."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(machine())
    found = {size[0]: block_ratios(*size) for size in SIZES}
    print(f"{'forward + backward, d =':48}" + "".join(f"{dim:>8}" for dim in found))
    for pair in PAIRS:
        print(f"{pair:48}" + "".join(f"{ratios[pair]:8.2f}" for ratios, _ in found.values()))
    times = "".join(f"{1000 * seconds:8.1f}" for _, seconds in found.values())
    print(f"{'TransformerBlock, milliseconds':48}{times}")
    for name, found_ratio in probe_ratios(rounds=40).items():
        print(f"{'gradient_norms / backward, ' + name:48}{found_ratio:8.2f}")


if __name__ == "__main__":
    main()
