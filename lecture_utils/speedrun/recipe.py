"""What a small GPT is built of and trained with: the known recipe and the course's best one."""

import math
from dataclasses import dataclass, fields

from lecture_utils.require.numbers import (
    is_number,
    require_choice,
    require_flag,
    require_positive,
    require_scale,
    require_share,
    shown,
)

DEPTH, DIM, HEADS, CONTEXT = 4, 128, 4, 64  # the same for every recipe: 12 d² weights in a block
JOINS = 2  # number, from 0, of the block that can come later
EARLIER = 3  # how many tokens before its own one a token is told of, with earlier="tables"

CHOICES = {
    "earlier": ("none", "number", "tables"),
    "norm": ("layer", "rms"),
    "positions": ("learned", "rotary"),
    "activation": ("gelu", "squared-relu"),
    "optimizer": ("adamw", "muon"),
    "schedule": ("cosine", "linear"),
}
FLAGS = ("x0", "values", "zero_start", "parallel", "qk_norm", "tied", "per_head", "shuffled")
RATES = ("matrix_rate", "table_rate", "head_rate", "table_std", "matrix_std")  # above 0
SCALES = ("soft_cap", "clip", "weight_decay")  # 0 or more; 0 does without
SHARES = ("beta_1", "beta_2", "momentum", "last_rate", "join", "short")


@dataclass(frozen=True)
class Recipe:
    """One ingredient in each field; the first six are shortcuts, or ways to start one.

    Attributes:
        x0: each block but the first adds the embedding to the stream again.
        values: each block adds a table's row for the token itself to its attention values.
        earlier: what is added to a token's embedding of the tokens before it: "none"; "number",
            the embedding of the one before times a learned number (smear); "tables", the three
            before, each distance from a table of its own.
        zero_start: what writes into the stream, and an untied head, start at 0: the fresh net is
            the identity.
        join: the third block joins after this share of the steps; until then the shortcut around
            it does its work. With a zero start nothing jumps when it comes.
        parallel: attention and feed-forward read the same state, one norm for both.
        norm: "layer", with weights; "rms", without, and also right behind the embedding.
        qk_norm: queries and keys are normalised, head by head.
        positions: "learned", a table; "rotary", queries and keys are turned.
        activation: of the feed-forward part.
        soft_cap: logits are c tanh(logits / c); 0 leaves them.
        tied: the head that reads the logits is the table of token embeddings.
        table_std, matrix_std: spread of the starting tables, and of the starting matrices.
        optimizer: of the matrices in the blocks; all else has AdamW.
        matrix_rate, table_rate, head_rate: highest learning rate of the matrices in the blocks,
            of an untied head, and of all else.
        beta_1, beta_2: of AdamW.
        weight_decay: of AdamW, on the matrices in the blocks and on a tied table.
        momentum, newton_steps, per_head: of Muon; with per_head each attention head has an
            update of its own.
        clip: the gradient's norm is cut to it; 0 does not.
        schedule: "cosine" or "linear", down to last_rate of the highest rate.
        warmup: steps in which the rate rises.
        cooldown: last part of the training, a share, in which a linear schedule falls.
        last_rate: what is left of the rate at the end, a share.
        batch_size: pieces of 64 characters in a step.
        short: in this share of the steps, the first, each piece is cut into two of 32.
        shuffled: pieces come without replacement, one pass over the text after the other.
        steps: how many.

    Raises:
        ValueError: an unknown choice, or a number out of range.
    """

    x0: bool = False
    values: bool = False
    earlier: str = "none"
    zero_start: bool = False
    join: float = 0.0
    parallel: bool = False
    norm: str = "layer"
    qk_norm: bool = False
    positions: str = "learned"
    activation: str = "gelu"
    soft_cap: float = 0.0
    tied: bool = True
    table_std: float = 0.02
    matrix_std: float = 0.02
    optimizer: str = "adamw"
    matrix_rate: float = 1e-3
    table_rate: float = 1e-3
    head_rate: float = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.99
    weight_decay: float = 0.1
    momentum: float = 0.95
    newton_steps: int = 5
    per_head: bool = False
    clip: float = 1.0
    schedule: str = "cosine"
    warmup: int = 100
    cooldown: float = 1.0
    last_rate: float = 0.1
    batch_size: int = 12
    short: float = 0.0
    shuffled: bool = False
    steps: int = 2000

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            require_choice(name, getattr(self, name), choices)
        for name in FLAGS:
            require_flag(name, getattr(self, name))
        for name in SCALES:
            require_scale(name, getattr(self, name))
        for name in SHARES:
            require_share(name, getattr(self, name))
        for name in RATES:
            value = getattr(self, name)
            if not is_number(value) or not 0 < value < math.inf:
                raise ValueError(f"{name} must be a finite number above 0; got {shown(value)}")
        for name, most in (("newton_steps", 20), ("batch_size", 1024), ("steps", 1_000_000)):
            require_positive(name, getattr(self, name), most)
        if self.warmup != 0:
            require_positive("warmup", self.warmup, self.steps)
        if not is_number(self.cooldown) or not 0 < self.cooldown <= 1:
            raise ValueError(
                f"cooldown is a share of the training, above 0 and at most 1; got "
                f"{shown(self.cooldown)}"
            )

    def rate(self, step: int) -> float:
        """Return the factor on the learning rates in a step, 1 to `steps`.

        Raises:
            ValueError: the training has no such step.
        """
        require_positive("step", step, self.steps)
        done = (step - 1) / self.steps
        if step <= self.warmup:
            return step / self.warmup
        if self.schedule == "cosine":
            done = (step - 1 - self.warmup) / max(1, self.steps - self.warmup)
            falling = (1 + math.cos(math.pi * done)) / 2
        else:
            falling = min(1.0, (1 - done) / self.cooldown)
        return self.last_rate + (1 - self.last_rate) * falling


KNOWN = Recipe()  # A. Karpathy, nanoGPT, 2022: its recipe for a computer without a GPU

BEST = Recipe(
    x0=True,
    values=True,
    earlier="tables",
    zero_start=True,
    join=0.5,
    parallel=True,
    norm="rms",
    positions="rotary",
    activation="squared-relu",
    tied=False,
    table_std=1.0,
    matrix_std=0.044,
    optimizer="muon",
    matrix_rate=0.035,
    table_rate=0.03,
    head_rate=0.01,
    beta_1=0.7,
    beta_2=0.95,
    weight_decay=0.0,
    momentum=0.85,
    newton_steps=5,
    per_head=True,
    clip=0.0,
    schedule="linear",
    warmup=0,
    cooldown=0.8,
    last_rate=0.0,
    batch_size=8,
    short=0.5,
    shuffled=True,
    steps=230,
)


def differences(recipe: Recipe, other: Recipe = KNOWN) -> dict[str, object]:
    """Return the fields of a recipe that differ from another's, with the recipe's values."""
    pairs = ((field.name, getattr(recipe, field.name)) for field in fields(Recipe))
    return {name: value for name, value in pairs if value != getattr(other, name)}
