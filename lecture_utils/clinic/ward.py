"""The healthy decoders of the wiring clinic: the sublayers of notebook 07, section 7.1, stacked."""

import math

import torch
from torch import Tensor, nn

from lecture_utils.models.transformer import (
    FeedForward,
    SelfAttention,
    Sublayer,
    join_heads,
    split_heads,
)


class Attention(SelfAttention):
    """SelfAttention in which a token sees itself and earlier tokens that are not padding.

    Input and output (batch, time, dim); padding boolean, (batch, time), True where there is none
    to see.
    """

    def scores(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        """Return the masked scores, (batch, heads, time, time)."""
        Q, K = self.split(self.query(x)), self.split(self.key(x))
        hidden = self.future(x.shape[1]).to(x.device)
        if padding is not None:
            hidden = hidden | padding[:, None, None, :]
        itself = torch.eye(x.shape[1], dtype=torch.bool, device=x.device)
        return (Q @ K.mT * self.scale()).masked_fill(hidden & ~itself, -math.inf)

    def split(self, x: Tensor) -> Tensor:
        """Split the stream's width over the heads: (batch, heads, time, dim / heads)."""
        return split_heads(x, self.num_heads)

    def future(self, time: int) -> Tensor:
        """Mark what a token must not see, (time, time): column after row."""
        return torch.ones(time, time, dtype=torch.bool).triu(1)

    def scale(self) -> float:
        """Return what the scores are multiplied with."""
        return (self.query.in_features // self.num_heads) ** -0.5

    def forward(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        """Map (batch, time, dim) to (batch, time, dim)."""
        weights = self.scores(x, padding).softmax(-1)
        weights = nn.functional.dropout(weights, self.dropout, self.training)
        return self.out(join_heads(weights @ self.split(self.value(x))))


class Block(nn.Module):
    """An attention and a feed-forward sublayer of one kind.

    Args:
        dim: width of the stream.
        num_heads: attention heads.
        dropout: share set to 0 in training, in each branch.
        norm: "pre" or "post"; see Sublayer.
        attention: class of the attention branch.
        sublayer: class that puts shortcut and norm around a branch.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        dropout: float,
        norm: str,
        attention: type[Attention] = Attention,
        sublayer: type[Sublayer] = Sublayer,
    ):
        super().__init__()
        branches = attention(dim, num_heads, dropout), FeedForward(dim, 4 * dim)
        self.attention, self.feed_forward = (
            sublayer(branch, dim, norm, dropout=dropout) for branch in branches
        )

    def forward(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        """Map (batch, time, dim) to (batch, time, dim)."""
        return self.feed_forward(self.attention(x, padding))


class Decoder(nn.Module):
    """A pre-norm decoder on vectors: positions, three blocks, final norm; GPT-2's starting weights.

    Args:
        dim: width of the stream.
        num_heads: attention heads.
        depth: blocks.
        time: longest sequence.
        dropout: share set to 0 in training, in each branch.

    Input and output (batch, time, dim); padding boolean, (batch, time).
    """

    norm = "pre"
    alpha = 1.0
    attention: type[Attention] = Attention
    sublayer: type[Sublayer] = Sublayer

    def __init__(
        self,
        dim: int = 16,
        num_heads: int = 2,
        depth: int = 3,
        time: int = 6,
        dropout: float = 0.1,
    ):
        super().__init__()
        self.std = dim**-0.5
        self.positions = nn.Parameter(torch.randn(time, dim))
        sizes = dim, num_heads, dropout, self.norm
        self.blocks = nn.ModuleList(self.stack(depth, *sizes))
        self.final_norm = nn.LayerNorm(dim) if self.norm == "pre" else nn.Identity()

    def stack(self, depth: int, *sizes: int | float | str) -> list[nn.Module]:
        """Build the blocks and give them their starting weights."""
        blocks = [Block(*sizes, self.attention, self.sublayer) for _ in range(depth)]
        for block in blocks:
            self.initialise(block, self.std, self.std / math.sqrt(2 * depth))
        return blocks

    def initialise(self, block: nn.Module, std: float, small: float) -> None:
        """Draw a block's matrices with spread std, those that write into the stream with small."""
        for name, parameter in block.named_parameters():
            writes = name.endswith(("out.weight", "contract.weight"))
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=small if writes else std)

    def embed(self, x: Tensor) -> Tensor:
        """Return the stream before the first block: h_0."""
        return x + self.positions[: x.shape[1]]

    def stream(self, x: Tensor, padding: Tensor | None = None) -> list[Tensor]:
        """Return the stream before the first and after each block, (batch, time, dim)."""
        states = [self.embed(x)]
        for block in self.blocks:
            states.append(block(states[-1], padding))
        return states

    def forward(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        """Map (batch, time, dim) to (batch, time, dim)."""
        return self.final_norm(self.stream(x, padding)[-1])


class DeepNormSublayer(Sublayer):
    """A post-norm sublayer whose shortcut is multiplied by alpha: N_sum(α x + F(x)).

    Source: H. Wang et al., DeepNet, arXiv:2203.00555, 2022.
    """

    alpha = 6**0.25  # (2 L)^(1/4) for the L = 3 blocks of the clinic

    def forward(self, x: Tensor, *context: Tensor | None) -> Tensor:
        """Map (..., dim) to (..., dim)."""
        return self.norm_sum(self.alpha * x + self.update(x, *context))


class DeepNormDecoder(Decoder):
    """A decoder with DeepNorm's shortcuts; only its starting weights are not DeepNorm's."""

    norm = "post"
    alpha = DeepNormSublayer.alpha
    sublayer = DeepNormSublayer
