"""A small GPT in which each ingredient of a recipe is a line."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, gelu, linear, pad, scaled_dot_product_attention

from lecture_utils.require.numbers import require_positive, shown
from lecture_utils.speedrun.recipe import CONTEXT, DEPTH, DIM, EARLIER, HEADS, JOINS, Recipe

HEAD_DIM = DIM // HEADS


def rms(x: Tensor) -> Tensor:
    """Divide vectors, (..., d), by the root of the mean of their squares.

    Source: B. Zhang and R. Sennrich, arXiv:1910.07467, 2019; here without weights.
    """
    return nn.functional.rms_norm(x, x.shape[-1:])


class SquaredReLU(torch.autograd.Function):
    """y = max(x, 0)², with dy/dx = 2 max(x, 0) written out: PyTorch's own way takes twice as long.

    Source: D. So et al., Primer, arXiv:2109.08668, 2021.
    """

    @staticmethod
    def forward(context, x: Tensor) -> Tensor:
        """Return max(x, 0)²."""
        positive = x.relu()
        context.save_for_backward(positive)
        return positive * positive

    @staticmethod
    def backward(context, gradient: Tensor) -> Tensor:
        """Return the gradient times 2 max(x, 0)."""
        (positive,) = context.saved_tensors
        return torch.mul(gradient, positive).mul_(2)


def turns(context: int = CONTEXT, base: float = 1000.0) -> Tensor:
    """Return e^(i t w), (context, head_dim / 2): at place t, by which angles pairs are turned.

    Source: J. Su et al., RoFormer, arXiv:2104.09864, 2021.
    """
    w = base ** (-torch.arange(0, HEAD_DIM, 2) / HEAD_DIM)
    angles = torch.outer(torch.arange(context), w)
    return torch.polar(torch.ones_like(angles), angles)


def rotate(x: Tensor, by: Tensor) -> Tensor:
    """Turn neighbouring pairs of x, (batch, time, 2, heads, head_dim), by (time, head_dim / 2)."""
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * by[:, None, None]).flatten(-2)


class Block(nn.Module):
    """Attention and feed-forward, 12 d² weights in stacks of matrices, (n, rows, d).

    A row of `qkv` and `expand` reads from the stream; one of `out` and `contract` writes into it.
    """

    def __init__(self, recipe: Recipe):
        super().__init__()
        self.recipe = recipe
        pieces, rows = (HEADS, HEAD_DIM) if recipe.per_head else (1, DIM)
        self.qkv = nn.Parameter(recipe.matrix_std * torch.randn(3 * pieces, rows, DIM))
        self.expand = nn.Parameter(recipe.matrix_std * torch.randn(1, 4 * DIM, DIM))
        std = 0.0 if recipe.zero_start else recipe.matrix_std / math.sqrt(2 * DEPTH)
        self.out = nn.Parameter(std * torch.randn(pieces, rows, DIM))
        self.contract = nn.Parameter(std * torch.randn(1, 4 * DIM, DIM))
        weightless = recipe.norm == "rms"
        self.norm_1 = rms if weightless else nn.LayerNorm(DIM, bias=False)
        if not recipe.parallel:
            self.norm_2 = rms if weightless else nn.LayerNorm(DIM, bias=False)

    def attend(self, h: Tensor, values: Tensor | None, by: Tensor | None) -> Tensor:
        """Attention: from (batch, time, d) to (batch, time, d)."""
        batch, time, _ = h.shape
        qkv = linear(h, self.qkv.flatten(0, 1)).view(batch, time, 3, HEADS, HEAD_DIM)
        qk, v = qkv[:, :, :2], qkv[:, :, 2]
        if values is not None:  # X. Zhou et al., arXiv:2410.17897, 2024; K. Jordan et al., 2024
            v = v + values.view(batch, time, HEADS, HEAD_DIM)
        if self.recipe.qk_norm:  # A. Henry et al., arXiv:2010.04245, 2020
            qk = rms(qk)
        if by is not None:
            qk = rotate(qk, by)
        q, k = qk.unbind(2)
        q, k, v = (part.transpose(1, 2) for part in (q, k, v))  # (batch, heads, time, head_dim)
        mixed = scaled_dot_product_attention(q, k, v, is_causal=True)
        return mixed.transpose(1, 2).reshape(batch, time, DIM) @ self.out.flatten(0, 1)

    def feed(self, h: Tensor) -> Tensor:
        """Feed-forward: from (batch, time, d) to (batch, time, d)."""
        squared = self.recipe.activation == "squared-relu"
        hidden = linear(h, self.expand[0])
        return (SquaredReLU.apply(hidden) if squared else gelu(hidden)) @ self.contract[0]

    def forward(self, x: Tensor, values: Tensor | None, by: Tensor | None) -> Tensor:
        """Map the stream, (batch, time, d), to itself."""
        if self.recipe.parallel:  # B. Wang and A. Komatsuzaki, GPT-J, 2021
            h = self.norm_1(x)
            return x + self.attend(h, values, by) + self.feed(h)
        x = x + self.attend(self.norm_1(x), values, by)
        return x + self.feed(self.norm_2(x))


class SpeedrunGPT(nn.Module):
    """From token ids, (batch, time), to the logits of each next token, (batch, time, V).

    Args:
        vocab_size: V, number of different tokens.
        recipe: the ingredients.

    Attributes:
        complete: False leaves the third block out, and only the shortcut around it stays.

    Raises:
        ValueError: no such sizes, or a longer sequence than 64 tokens.

    Source: x0, value embeddings, smear, zero start: K. Jordan et al., modded-nanogpt, 2024 to 2025.
    """

    def __init__(self, vocab_size: int, recipe: Recipe):
        require_positive("vocab_size", vocab_size)
        if not isinstance(recipe, Recipe):
            raise ValueError(f"expected a Recipe, such as BEST; got {shown(recipe)}")
        super().__init__()
        self.recipe, self.complete = recipe, True

        def table(rows: int, width: int = DIM, std: float = recipe.table_std) -> nn.Parameter:
            return nn.Parameter(std * torch.randn(rows, width))

        self.tokens = table(vocab_size)
        if recipe.positions == "learned":
            self.positions = table(CONTEXT, std=0.02)
        if recipe.earlier == "number":
            self.smear = nn.Parameter(torch.zeros(()))
        if recipe.earlier == "tables":
            stds = [recipe.table_std * 0.7**distance for distance in range(1, EARLIER + 1)]
            self.before = nn.ParameterList(table(vocab_size, std=std) for std in stds)
        if recipe.values:
            self.values = table(vocab_size, DEPTH * DIM, recipe.table_std / 2)
        self.blocks = nn.ModuleList(Block(recipe) for _ in range(DEPTH))
        self.last_norm = rms if recipe.norm == "rms" else nn.LayerNorm(DIM, bias=False)
        if not recipe.tied:
            self.head = table(vocab_size, std=0.0 if recipe.zero_start else 0.02)
        self.register_buffer("turns", turns(), persistent=False)

    def matrices(self) -> list[nn.Parameter]:
        """Return the matrices in the blocks, each a stack (n, rows, d)."""
        return [weight for weight in self.parameters() if weight.dim() == 3]

    def embed(self, tokens: Tensor) -> Tensor:
        """Return the embedding x0, (batch, time, d); no place is told of a later token."""
        x = own = embedding(tokens, self.tokens)
        if self.recipe.earlier == "number":
            x = x + self.smear * pad(own[:, :-1], (0, 0, 1, 0))
        if self.recipe.earlier == "tables":
            for distance, table in enumerate(self.before, start=1):
                x = x + pad(embedding(tokens, table), (0, 0, distance, 0))[:, : tokens.shape[1]]
        if self.recipe.positions == "learned":
            x = x + self.positions[: tokens.shape[1]]
        return rms(x) if self.recipe.norm == "rms" else x

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (batch, time) token ids to (batch, time, V) logits."""
        recipe, time = self.recipe, tokens.shape[-1]
        if tokens.dim() != 2 or not 1 <= time <= CONTEXT:
            raise ValueError(
                f"expected token ids (batch, time) with 1 to {CONTEXT} tokens; got {shown(tokens)}"
            )
        by = self.turns[:time] if recipe.positions == "rotary" else None
        values: tuple = (None,) * DEPTH
        if recipe.values:
            values = embedding(tokens, self.values).chunk(DEPTH, dim=-1)
        x = x0 = self.embed(tokens)
        for number, block in enumerate(self.blocks):
            if recipe.x0 and number:
                x = x + x0
            if self.complete or number != JOINS:
                x = block(x, values[number], by)
        logits = linear(self.last_norm(x), self.tokens if recipe.tied else self.head)
        c = recipe.soft_cap
        return c * torch.tanh(logits / c) if c else logits
