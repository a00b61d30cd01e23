"""The small GPT in which every design of notebook 11 is tried."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from lecture_utils.models import CausalAttention, FeedForward, GPTConfig
from lecture_utils.models.gpt_inputs import require_config, require_ids
from lecture_utils.require.numbers import require_seed, shown

DEPTH, DIM, HEADS, CONTEXT = 12, 32, 4, 32


def branches(config: GPTConfig) -> list[nn.Module]:
    """Build attention and feed-forward of each block, with the same start for every design.

    Matrices from N(0, 1/n), n their inputs, so that each keeps the length of what it reads; biases
    0. Nothing is divided by the depth: that is left to the designs.

    Raises:
        ValueError: config is no GPTConfig.
    """
    require_config(config)
    made: list[nn.Module] = []
    for _ in range(config.depth):
        made += [CausalAttention(config), FeedForward(config.dim, 4 * config.dim, "gelu-tanh")]
    for branch in made:
        for parameter in branch.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
            else:
                nn.init.zeros_(parameter)
    return made


class DesignGPT(nn.Module):
    """Token ids, (batch, time), to logits, (batch, time, V), through the stack of a design.

    The rows of both tables have length 1 at the start; their sum, times the root of dim / 2, has
    entries of variance 1. The table of tokens also reads the logits (tied weights).

    Args:
        design: a Design, or a function of (branches, dim) that returns one.
        config: the sizes; its `norm` and `use_shortcut` are not read.

    Raises:
        ValueError: config is no GPTConfig, design builds no module, or ids are out of range.
    """

    def __init__(self, design: Callable[..., nn.Module], config: GPTConfig):
        require_config(config)
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocab_size, config.dim)
        self.positions = nn.Embedding(config.context, config.dim)
        for table in (self.tokens, self.positions):
            nn.init.normal_(table.weight, std=config.dim**-0.5)
        self.dropout = nn.Dropout(config.dropout)
        made = branches(config)
        self.parts = tuple(made)  # as they were handed out; a tuple registers nothing twice
        self.blocks = stack_of(design, made, config.dim)
        self.final_norm = nn.LayerNorm(config.dim)

    def embed(self, tokens: Tensor) -> Tensor:
        """Return x_0, (batch, time, dim)."""
        require_ids(self, tokens)
        x = self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]
        return self.dropout(x * math.sqrt(self.config.dim / 2))

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (batch, time) token ids to (batch, time, V) logits."""
        return linear(self.final_norm(self.blocks(self.embed(tokens))), self.tokens.weight)


def stack_of(design: Callable[..., nn.Module], parts: list[nn.Module], dim: int) -> nn.Module:
    """Build a design's stack from branches.

    Raises:
        ValueError: design is no function of (branches, dim) that returns a module.
    """
    if not callable(design) or isinstance(design, nn.Module):
        way = type(design).__name__ if isinstance(design, nn.Module) else "ReZero"
        raise ValueError(
            f"design must be a class such as {way}, not yet built; got {shown(design)}"
        )
    stack = design(parts, dim)
    if not isinstance(stack, nn.Module):
        raise ValueError(f"the design must build a module; it returned {shown(stack)}")
    return stack


def net(
    design: Callable[..., nn.Module],
    letters: int,
    *,
    depth: int = DEPTH,
    dim: int = DIM,
    context: int = CONTEXT,
    seed: int = 0,
) -> DesignGPT:
    """Build the scorecard's net; the same seed gives all designs the same branches and tables.

    Args:
        design: as in `DesignGPT`.
        letters: number of different tokens.
        depth, dim, context: blocks, width, longest text.
        seed: of the starting weights; the caller's random state is not touched.

    Raises:
        ValueError: a size or the seed is out of range, or the design builds no module.
    """
    require_seed(seed)
    config = GPTConfig(letters, context, dim, HEADS, depth)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(int(seed))
        return DesignGPT(design, config)
