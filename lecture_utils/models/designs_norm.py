"""Residual designs of notebook 11 that change the norms, or how many sums there are."""

import math

from torch import Tensor, nn

from lecture_utils.models.design_inputs import (
    require_attention,
    require_depths,
    require_feed_forward,
    require_pairs,
)
from lecture_utils.models.designs import Design


class PostNorm(Design):
    """The norm after the sum: N(x + F(x)).

    Source: A. Vaswani et al., arXiv:1706.03762, 2017.
    """

    def step(self, x: Tensor, i: int) -> Tensor:
        """Return the stream after sublayer i."""
        return self.norm(i, x + self.branch(i, x))


def deepnorm_constants(encoder: int, decoder: int) -> list[tuple[float, float]]:
    """Return (α, β) of the encoder's blocks and of the decoder's, for so many blocks of each.

    α multiplies the shortcut, β the starting weights. With 0 blocks of one kind: those of the other
    alone, once.

    Raises:
        ValueError: a number of blocks is no whole number from 0 on, or both are 0.

    Source: H. Wang et al., arXiv:2203.00555, 2022, figure 2.
    """
    require_depths(encoder, decoder)
    N, M = encoder, decoder
    if N and M:
        both = (N**4 * M) ** (1 / 16)
        return [(0.81 * both, 0.87 / both), ((3 * M) ** 0.25, (12 * M) ** -0.25)]
    return [((2 * (N or M)) ** 0.25, (8 * (N or M)) ** -0.25)]


class DeepNorm(Design):
    """Post-norm with a stronger shortcut and smaller starting weights: N(α x + F(x)).

    α = (2N)^(1/4) for N blocks; what writes values and the matrices of feed-forward start β times
    as large, β = (8N)^(-1/4). So for a stack of one kind, encoder or decoder alone; see
    `deepnorm_constants` for the two together.

    Raises:
        ValueError: the branches are not the course's, or not in pairs.

    Source: H. Wang et al., arXiv:2203.00555, 2022.
    """

    def prepare(self, dim: int, count: int) -> None:
        """Choose α, and change the branches' starting weights."""
        require_pairs(self.branches)
        require_attention(self.branches)
        require_feed_forward(self.branches)
        self.alpha, beta = count**0.25, (4 * count) ** -0.25  # count = 2N
        for attention, feed_forward in zip(self.branches[::2], self.branches[1::2], strict=True):
            attention.qkv.weight.data[-dim:] *= beta  # the values; queries and keys stay
            for layer in (attention.out, feed_forward.expand, feed_forward.contract):
                layer.weight.data *= beta

    def step(self, x: Tensor, i: int) -> Tensor:
        """Return the stream after sublayer i."""
        return self.norm(i, self.alpha * x + self.branch(i, x))


class Sandwich(Design):
    """A norm before the branch and one after it: x + N'(F(N(x))); also called peri-norm.

    Source: M. Ding et al., arXiv:2105.13290, 2021; J. Kim et al., arXiv:2502.02732, 2025.
    """

    def prepare(self, dim: int, count: int) -> None:
        """Make the second norms."""
        self.norms_out = nn.ModuleList(nn.LayerNorm(dim) for _ in range(count))

    def step(self, x: Tensor, i: int) -> Tensor:
        """Return the stream after sublayer i."""
        return x + self.norms_out[i](self.branch(i, self.norm(i, x)))


class OutputNorm(Design):
    """The norm on what the branch returns, and none before it: x + N(F(x)).

    Source: Team OLMo, arXiv:2501.00656, 2024; before, Z. Liu et al., arXiv:2111.09883, 2021.
    """

    def step(self, x: Tensor, i: int) -> Tensor:
        """Return the stream after sublayer i."""
        return x + self.norm(i, self.branch(i, x))


class NormScaling(Design):
    """Pre-norm with the norm's output divided by the root of the block's number: x + F(N(x)/√l).

    l = 1 for the first block. Called LayerNorm scaling.

    Source: W. Sun et al., The Curse of Depth, arXiv:2502.05795, 2025.
    """

    def step(self, x: Tensor, i: int) -> Tensor:
        """Return the stream after sublayer i."""
        return x + self.branch(i, self.norm(i, x) / math.sqrt(i // 2 + 1))


class Parallel(Design):
    """Attention and feed-forward read the same state and are added together: x + A(N(x)) + M(N(x)).

    Raises:
        ValueError: the number of branches is odd.

    Source: B. Wang and A. Komatsuzaki, GPT-J, 2021; A. Chowdhery et al., arXiv:2204.02311, 2022.
    """

    def prepare(self, dim: int, count: int) -> None:
        """Accept branches in pairs."""
        require_pairs(self.branches)

    def step(self, x: Tensor, i: int) -> Tensor:
        """Return the stream after sublayer i; all is done at the first of two."""
        if i % 2:
            return x
        h = self.norm(i, x)
        return x + self.branch(i, h) + self.branch(i + 1, h)
