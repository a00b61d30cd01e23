"""Residual designs of notebook 11 that keep earlier states, or more than one stream."""

import torch
from torch import Tensor, nn
from torch.nn.functional import rms_norm, scaled_dot_product_attention

from lecture_utils.models.design_inputs import require_attention, require_pairs, require_square
from lecture_utils.models.designs import Design
from lecture_utils.models.transformer import join_heads, split_heads
from lecture_utils.require.numbers import require_positive


class ValueResiduals(Design):
    """Pre-norm in which attention mixes its values with those of the first block.

    V becomes λ V + (1 - λ) V_1, λ learned, 0.5 at the start. There is a λ for every sublayer; those
    of the first and of feed-forward do nothing.

    Raises:
        ValueError: branches 0, 2, … are not CausalAttention.

    Source: Z. Zhou et al., arXiv:2410.17897, 2024.
    """

    def prepare(self, dim: int, count: int) -> None:
        """Make the numbers λ."""
        require_attention(self.branches)
        self.own = nn.Parameter(torch.full((count,), 0.5))

    def begin(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the stream, and no values yet."""
        return x, None

    def attend(self, i: int, h: Tensor, first: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return what attention adds, (batch, time, dim), and the first block's values."""
        attention = self.branches[i]
        Q, K, V = attention.qkv(h).chunk(3, dim=-1)
        first = V if first is None else first
        V = self.own[i] * V + (1 - self.own[i]) * first
        Q, K, V = (split_heads(part, attention.num_heads) for part in (Q, K, V))
        p = attention.dropout if self.training else 0.0
        mixed = scaled_dot_product_attention(Q, K, V, is_causal=True, dropout_p=p)
        return attention.out(join_heads(mixed)), first

    def step(self, state: tuple[Tensor, Tensor | None], i: int) -> tuple[Tensor, Tensor | None]:
        """Return stream and first values after sublayer i."""
        x, first = state
        if i % 2:
            return x + self.branch(i, self.norm(i, x)), first
        y, first = self.attend(i, self.norm(i, x), first)
        return x + y, first

    def end(self, state: tuple[Tensor, Tensor | None]) -> Tensor:
        """Return the stream."""
        return state[0]


class History(Design):
    """What designs that keep earlier states share: the state is a list, the stream its last."""

    def begin(self, x: Tensor) -> list[Tensor]:
        """Return the states so far."""
        return [x]

    def end(self, states: list[Tensor]) -> Tensor:
        """Return the stream, (..., dim)."""
        return states[-1]


class UNet(History):
    """Pre-norm in which a block of the second half also gets the state after one of the first half.

    The last first, as in a U; each is multiplied by a learned number, 1 at the start. Those of
    the first half do nothing.

    Raises:
        ValueError: the number of branches is odd.

    Source: F. Bao et al., arXiv:2209.12152, 2022, for transformers, by concatenation; as a sum
    K. Jordan et al., modded-nanogpt, 2024.
    """

    def prepare(self, dim: int, count: int) -> None:
        """Make one number for each block."""
        require_pairs(self.branches)
        self.skip = nn.Parameter(torch.ones(count // 2))

    def step(self, states: list[Tensor], i: int) -> list[Tensor]:
        """Return the states after sublayer i: one more after each block of the first half."""
        *kept, x = states
        depth, block = len(self.branches) // 2, i // 2
        if i % 2 == 0 and block >= depth - depth // 2:
            x = x + self.skip[block] * kept.pop()
        x = x + self.branch(i, self.norm(i, x))
        return [*kept, x, x] if i % 2 and block < depth // 2 else [*kept, x]


class DenseFormer(History):
    """Pre-norm in which, after each block, the stream becomes a weighted sum of all states so far.

    The weights are learned; at the start the newest state has 1 and the others 0.

    Raises:
        ValueError: the number of branches is odd.

    Source: M. Pagliardini et al., arXiv:2402.02622, 2024; dense shortcuts: G. Huang et al.,
    arXiv:1608.06993, 2016.
    """

    def prepare(self, dim: int, count: int) -> None:
        """Make the weights: k + 2 after block k."""
        require_pairs(self.branches)
        rows = (torch.eye(k + 2)[-1].clone() for k in range(count // 2))
        self.weights = nn.ParameterList(nn.Parameter(row) for row in rows)

    def begin(self, x: Tensor) -> list[Tensor]:
        """Return the embedding as the only state, and as the stream."""
        return [x, x]

    def step(self, states: list[Tensor], i: int) -> list[Tensor]:
        """Return all blocks' states, and behind them the stream after sublayer i."""
        *kept, x = states
        x = x + self.branch(i, self.norm(i, x))
        if i % 2 == 0:
            return [*kept, x]
        kept = [*kept, x]
        return [*kept, sum(w * h for w, h in zip(self.weights[i // 2], kept, strict=True))]


class Streams(Design):
    """What designs with n streams share, here 4: they begin as copies and end as their sum."""

    n = 4

    def begin(self, x: Tensor) -> Tensor:
        """Return n copies of the embedding, (..., n, dim)."""
        return x.unsqueeze(-2).repeat_interleave(self.n, dim=-2)

    def end(self, H: Tensor) -> Tensor:
        """Return the sum of the streams, (..., dim)."""
        return H.sum(-2)


class HyperConnections(Streams):
    """n streams H, (..., n, dim): each sublayer reads a mix of them, writes to all, and mixes them.

    H' = M H + w F(N(r H)), with learned numbers r (n), w (n) and M (n, n). At the start r reads
    stream i mod n, w is 1 and M the identity. This is the paper's
    static form; its dynamic form adds to r, w and M what a small layer, 0 at the start, reads in H.

    Source: D. Zhu et al., arXiv:2409.19606, 2024.
    """

    def prepare(self, dim: int, count: int) -> None:
        """Make r, w and M of each sublayer."""
        self.r = nn.Parameter(torch.eye(self.n)[torch.arange(count) % self.n])
        self.w = nn.Parameter(torch.ones(count, self.n))
        self.M = nn.Parameter(torch.eye(self.n).repeat(count, 1, 1))

    def numbers(self, i: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return r (n,), w (n,) and M (n, n) of sublayer i."""
        return self.r[i], self.w[i], self.M[i]

    def step(self, H: Tensor, i: int) -> Tensor:
        """Return the streams after sublayer i, (..., n, dim)."""
        r, w, M = self.numbers(i)
        y = self.branch(i, self.norm(i, r @ H))
        return M @ H + w[:, None] * y.unsqueeze(-2)


def sinkhorn(A: Tensor, steps: int = 20) -> Tensor:
    """Make positive matrices whose rows and columns sum to 1 from any, (..., n, n).

    exp(A), then columns and rows divided by their sums in turn, `steps` times. Rows come last, so
    columns sum to 1 up to a remainder that shrinks with `steps`.

    Raises:
        ValueError: A is not square or has NaN, or steps is no whole number, 1 to 10,000.

    Source: R. Sinkhorn and P. Knopp, 1967; 20 steps as in Z. Xie et al., arXiv:2512.24880, 2025.
    """
    require_square(A)
    require_positive("steps", steps, 10_000)
    A = (A - A.amax((-2, -1), keepdim=True)).exp()
    for _ in range(steps):
        A = A / A.sum(-2, keepdim=True)
        A = A / A.sum(-1, keepdim=True)
    return A


class ManifoldHyperConnections(HyperConnections):
    """Hyper-connections whose mixing matrix has rows and columns that sum to 1 (Sinkhorn).

    r = σ(·), w = 2 σ(·), M = sinkhorn(·) of learned numbers. At the start r reads almost
    stream i mod n alone, w is 1 and M almost the identity. The paper prints no start of these
    numbers; were all equal, the streams would stay copies of each other.

    Source: Z. Xie et al., arXiv:2512.24880, 2025; here its static form.
    """

    def prepare(self, dim: int, count: int) -> None:
        """Make r, w and M of each sublayer, before σ and Sinkhorn."""
        self.r = nn.Parameter(8 * torch.eye(self.n)[torch.arange(count) % self.n] - 4)
        self.w = nn.Parameter(torch.zeros(count, self.n))
        self.M = nn.Parameter(8 * torch.eye(self.n).repeat(count, 1, 1))

    def numbers(self, i: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return r (n,), w (n,) and M (n, n) of sublayer i."""
        return torch.sigmoid(self.r[i]), 2 * torch.sigmoid(self.w[i]), sinkhorn(self.M[i])


class AttentionResiduals(History):
    """Each sublayer reads a weighted mean of the embedding and of all that was written before it.

    The weights are a softmax over depth: a learned query q times each source, RMS-normalised. q = 0
    at the start, so the mean is uniform.

    Source: Kimi team, Attention Residuals, arXiv:2603.15031, 2026.
    """

    def prepare(self, dim: int, count: int) -> None:
        """Make a query for each sublayer and for the end."""
        self.queries = nn.Parameter(torch.zeros(count + 1, dim))

    def mean(self, sources: list[Tensor], i: int) -> Tensor:
        """Return what sublayer i reads, (..., dim)."""
        V = torch.stack(sources)  # (sources, ..., dim)
        scores = rms_norm(V, V.shape[-1:]) @ self.queries[i]
        return (scores.softmax(0).unsqueeze(-1) * V).sum(0)

    def step(self, sources: list[Tensor], i: int) -> list[Tensor]:
        """Return the sources, and behind them what sublayer i writes."""
        return [*sources, self.branch(i, self.norm(i, self.mean(sources, i)))]

    def end(self, sources: list[Tensor]) -> Tensor:
        """Return the last weighted mean, (..., dim)."""
        return self.mean(sources, len(self.branches))
