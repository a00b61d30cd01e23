"""What the scorecard measures of a design: at the start, and after a short training."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from lecture_utils.language import Text, pretrain, validation_loss
from lecture_utils.models.designs import Design
from lecture_utils.require.numbers import require_scale, require_seed
from lecture_utils.scorecard.net import DEPTH, DesignGPT, net

STEPS, RATE = 120, 6e-3
LETTERS = 100  # of random texts, for what is measured before training
AT_START = ("length", "gradient", "middle")
AFTER = ("loss", "without middle")


def random_texts(seed: int = 0, context: int = 32, letters: int = LETTERS) -> Tensor:
    """Draw 8 texts of random tokens, (8, context).

    Raises:
        ValueError: seed is no seed.
    """
    require_seed(seed)
    draw = torch.Generator().manual_seed(int(seed))
    return torch.randint(letters, (8, context), generator=draw)


def output(model: DesignGPT, x: Tensor) -> Tensor:
    """Return what the head reads, (batch, time, dim): the stream behind the final norm."""
    return model.final_norm(model.blocks(x))


class Silenced:
    """While this stands in a `with`, the middle block of a net writes nothing.

    Args:
        model: a net of the scorecard, with branches attention and feed-forward in turn.
    """

    def __init__(self, model: DesignGPT):
        middle = len(model.parts) // 2 // 2
        self.branches = model.parts[2 * middle : 2 * middle + 2]

    def __enter__(self) -> None:
        """Put zeros in place of what the two branches return."""
        lasts = [list(branch.children())[1] for branch in self.branches]
        self.hooks = [
            last.register_forward_hook(lambda _m, _x, y: torch.zeros_like(y)) for last in lasts
        ]

    def __exit__(self, *_error: object) -> None:
        """Let them write again."""
        for hook in self.hooks:
            hook.remove()


def at_start(
    design: Callable[..., nn.Module], seed: int = 0, *, depth: int = DEPTH
) -> dict[str, float]:
    """Measure a fresh net on random texts.

    Args:
        design: as in `DesignGPT`.
        seed: of weights and texts.
        depth: blocks.

    Returns:
        length: of the stream after the last block, over that before the first.
        gradient: of a random g at the end, taken back to x_0, over the length of g.
        middle: what the head reads changes by so much, as a share of its length, when the middle
            block writes nothing.

    Raises:
        ValueError: the seed or the depth is out of range, or the design builds no module.
    """
    model = net(design, LETTERS, depth=depth, seed=seed).eval()
    x = model.embed(random_texts(seed)).detach().requires_grad_()
    end = model.blocks(x)
    g = torch.randn(end.shape, generator=torch.Generator().manual_seed(int(seed)))
    (back,) = torch.autograd.grad(end, x, g)
    with torch.no_grad():
        whole = output(model, x)
        with Silenced(model):
            other = output(model, x)
    return {
        "length": (end.norm() / x.norm()).item(),
        "gradient": (back.norm() / g.norm()).item(),
        "middle": ((whole - other).norm() / whole.norm()).item(),
    }


def along(
    design: Callable[..., nn.Module], depth: int = DEPTH, gain: float = 1.0, seed: int = 0
) -> tuple[Tensor, float]:
    """Follow the stream through a fresh net, the branches' matrices multiplied by a number.

    Args:
        design: a Design.
        depth: blocks.
        gain: what multiplies the matrices of the branches.
        seed: of weights and texts.

    Returns:
        The stream's length before the first block and after each, over the first, (depth + 1,);
        and the gradient's length at x_0 over that at the end, as in `at_start`.

    Raises:
        ValueError: a number is out of range, or the design builds no Design.
    """
    require_scale("gain", gain)
    model = net(design, LETTERS, depth=depth, seed=seed).eval()
    stack = model.blocks
    if not isinstance(stack, Design):
        raise ValueError(f"the stream is followed through a Design; got {type(stack).__name__}")
    for parameter in stack.branches.parameters():
        if parameter.dim() == 2:
            parameter.data *= gain
    x = model.embed(random_texts(seed)).detach().requires_grad_()
    states = [stack.begin(x)]
    for i in range(len(stack.branches)):
        states.append(stack.step(states[-1], i))
    ends = [stack.end(state) for state in states[::2]]
    g = torch.randn(x.shape, generator=torch.Generator().manual_seed(int(seed)))
    (back,) = torch.autograd.grad(ends[-1], x, g)
    lengths = torch.stack([end.detach().norm() for end in ends])
    return lengths / x.detach().norm(), (back.norm() / g.norm()).item()


def after_training(
    design: Callable[..., nn.Module],
    text: Text,
    seed: int = 0,
    *,
    steps: int = STEPS,
    lr: float = RATE,
    depth: int = DEPTH,
    progress: bool = False,
) -> dict[str, float]:
    """Train a net for a short while; return its validation loss, whole and without its middle.

    Args:
        design: as in `DesignGPT`.
        text: what it reads.
        seed: of weights and batches.
        steps, lr, depth, progress: of the training; see `pretrain`.

    Returns:
        loss: nats; nan if it diverged.
        without middle: nats, when the middle block writes nothing.

    Raises:
        ValueError: as for `pretrain` and `net`.
    """
    model = net(design, len(text.letters), depth=depth, seed=seed)
    settings = {"lr": lr, "seed": seed, "check_every": steps, "progress": progress}
    curve = pretrain(model, text, steps, **settings)
    if curve.ended == "diverged":
        return dict.fromkeys(AFTER, math.nan)
    with Silenced(model):
        without = validation_loss(model, text)
    return {"loss": curve.validation[-1].item(), "without middle": without}


def over_seeds(measure: Callable[[int], dict[str, float]], seeds: Iterable[int]) -> dict[str, list]:
    """Collect a measurement's numbers over seeds: name to a list."""
    found = [measure(seed) for seed in seeds]
    return {name: [one[name] for one in found] for name in found[0]}
