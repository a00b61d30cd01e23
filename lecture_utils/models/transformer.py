"""The transformer block of notebooks 06 and 07: parts, BERT's layer, three places for the norm."""

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from lecture_utils.models.inputs import (
    require_axes,
    require_branch,
    require_mask,
    require_same_shape,
    require_sequence,
    require_splittable,
    require_stream,
    require_vectors,
)
from lecture_utils.models.mlp import ACTIVATIONS
from lecture_utils.require.numbers import (
    require_choice,
    require_flag,
    require_heads,
    require_positive,
    require_room,
    require_scale,
    require_share,
)

PLACEMENTS = ("post", "pre", "sandwich")


def split_heads(x: Tensor, num_heads: int) -> Tensor:
    """Give each head its part of every token: (batch, time, dim) to (batch, heads, time, d_h).

    Raises ValueError if x has other axes, or dim does not split evenly.
    """
    require_splittable(x, num_heads)
    return x.unflatten(-1, (num_heads, -1)).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """Put the heads' parts side by side: (batch, heads, time, d_h) to (batch, time, dim).

    Raises ValueError if x has other axes.
    """
    require_axes(x, "batch", "heads", "time", "d_h")
    return x.transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    """Multi-head self-attention: each position takes a weighted mean over its own sample.

    Args:
        dim: width of the stream; a multiple of num_heads.
        num_heads: heads, each of width dim / num_heads.
        dropout: share of the attention weights set to 0 in training.

    Input and output (batch, time, dim). With key_padding_mask, boolean (batch, time), positions
    marked True are attended to by nobody.

    Raises:
        ValueError: dim is not divisible by num_heads, dropout is no share, the input or the mask
            has another shape, type or device, or a sample is nothing but padding.

    Source: A. Vaswani et al., Attention Is All You Need, arXiv:1706.03762, 2017.
    """

    def __init__(self, dim: int, num_heads: int, dropout: float = 0.0):
        require_heads(dim, num_heads)
        require_room(4 * int(dim) ** 2)
        require_share("dropout", dropout)
        super().__init__()
        self.num_heads, self.dropout = num_heads, dropout
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim) for _ in range(4))

    def forward(self, x: Tensor, key_padding_mask: Tensor | None = None) -> Tensor:
        """Map (batch, time, dim) to (batch, time, dim)."""
        require_sequence(x, self.query.in_features, self.query)
        require_mask(key_padding_mask, x)
        Q, K, V = (split_heads(f(x), self.num_heads) for f in (self.query, self.key, self.value))
        seen = None if key_padding_mask is None else ~key_padding_mask[:, None, None, :]
        p = self.dropout if self.training else 0.0
        return self.out(join_heads(scaled_dot_product_attention(Q, K, V, seen, p)))


class FeedForward(nn.Module):
    """Two linear layers around an activation, applied to each position alone: W₂ φ(W₁ x).

    Args:
        dim: width of the stream.
        hidden_dim: width between the two layers, usually 4 * dim.
        activation: "gelu" (exact), "gelu-tanh" (GPT-2's), "relu", "tanh" or "sigmoid".

    Input and output (..., dim).

    Raises:
        ValueError: a width is not a positive whole number, the activation is unknown, or the
            input has another shape, type or device.
    """

    def __init__(self, dim: int, hidden_dim: int, activation: str = "gelu"):
        require_positive("dim", dim)
        require_positive("hidden_dim", hidden_dim)
        require_room(2 * int(dim) * int(hidden_dim))
        require_choice("activation", activation, ACTIVATIONS)
        super().__init__()
        self.expand = nn.Linear(dim, hidden_dim)
        self.contract = nn.Linear(hidden_dim, dim)
        self.phi = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., dim) to (..., dim)."""
        require_vectors(x, self.expand.in_features, self.expand)
        return self.contract(self.phi(self.expand(x)))


class BertLayer(nn.Module):
    """BERT's layer: a shortcut around each sublayer, and the norm after each sum (post-norm).

    Args:
        dim: width of the stream; a multiple of num_heads.
        intermediate_dim: hidden width of the feed-forward sublayer.
        num_heads: attention heads.
        dropout: in training, share of each branch's output, and of the attention weights, set
            to 0; the shortcut is never dropped.
        eps: added to the variance inside layer norm; 1e-12 in BERT.

    Input and output (batch, time, dim), batch first; key_padding_mask as in SelfAttention.

    Raises:
        ValueError: as for SelfAttention and FeedForward, or eps is negative.

    Source: J. Devlin et al., BERT, arXiv:1810.04805, 2018.
    """

    def __init__(
        self,
        dim: int,
        intermediate_dim: int,
        num_heads: int,
        dropout: float = 0.1,
        eps: float = 1e-12,
    ):
        require_scale("eps", eps)
        super().__init__()
        self.attention = SelfAttention(dim, num_heads, dropout)
        self.feed_forward = FeedForward(dim, intermediate_dim)
        self.norm_1, self.norm_2 = nn.LayerNorm(dim, eps), nn.LayerNorm(dim, eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, key_padding_mask: Tensor | None = None) -> Tensor:
        """Map (batch, time, dim) to (batch, time, dim)."""
        x = self.norm_1(x + self.dropout(self.attention(x, key_padding_mask)))
        return self.norm_2(x + self.dropout(self.feed_forward(x)))


class Sublayer(nn.Module):
    """One branch F, the shortcut around it, and its norm: N_sum(x + N_out(F(N_in(x)))).

    Args:
        branch: F, a module that maps (..., dim) to (..., dim).
        dim: width of the stream.
        norm: which of the three norms are layer norms, the others being the identity: "pre" has
            N_in, "post" has N_sum, "sandwich" (peri-norm) has N_in and N_out.
        use_shortcut: False leaves x out of the sum.
        dropout: share of the branch's output set to 0 in training.
        eps: added to the variance inside layer norm.

    Input and output (..., dim); what follows x is passed on to the branch.

    Raises:
        ValueError: branch is no module, dim no width, the placement is unknown, use_shortcut is
            no bool, dropout no share, eps negative, or the branch returns another shape.

    Source: R. Xiong et al., arXiv:2002.04745, 2020 (pre, post); M. Ding et al., arXiv:2105.13290,
    2021 (sandwich); J. Kim et al., arXiv:2502.02732, 2025 (peri).
    """

    def __init__(
        self,
        branch: nn.Module,
        dim: int,
        norm: str,
        *,
        use_shortcut: bool = True,
        dropout: float = 0.0,
        eps: float = 1e-5,
    ):
        require_branch(branch)
        require_positive("dim", dim)
        require_choice("norm", norm, PLACEMENTS)
        require_flag("use_shortcut", use_shortcut)
        require_share("dropout", dropout)
        require_scale("eps", eps)
        super().__init__()
        self.branch, self.use_shortcut = branch, use_shortcut
        self.norm_in = nn.Identity() if norm == "post" else nn.LayerNorm(dim, eps)
        self.norm_out = nn.LayerNorm(dim, eps) if norm == "sandwich" else nn.Identity()
        self.norm_sum = nn.LayerNorm(dim, eps) if norm == "post" else nn.Identity()
        self.dropout = nn.Dropout(dropout)

    def update(self, x: Tensor, *context: Tensor | None) -> Tensor:
        """Return what the sublayer adds to the stream, (..., dim)."""
        require_stream(x, self.norm_in, self.norm_sum)
        return self.dropout(self.norm_out(self.branch(self.norm_in(x), *context)))

    def forward(self, x: Tensor, *context: Tensor | None) -> Tensor:
        """Map (..., dim) to (..., dim)."""
        y = self.update(x, *context)
        require_same_shape(y, x)
        return self.norm_sum(x + y if self.use_shortcut else y)


class TransformerBlock(nn.Module):
    """An attention and a feed-forward sublayer, with the norm at one of three places.

    Args:
        dim: width of the stream; a multiple of num_heads.
        hidden_dim: hidden width of the feed-forward sublayer.
        num_heads: attention heads.
        norm: "pre", "post" or "sandwich"; see Sublayer.
        use_shortcut: False leaves x out of both sums.
        dropout: share of each branch's output, and of the attention weights, set to 0 in training.
        activation: of the feed-forward sublayer; see FeedForward.
        eps: added to the variance inside layer norm.

    Input and output (batch, time, dim), batch first; key_padding_mask as in SelfAttention.

    Raises:
        ValueError: as for Sublayer, SelfAttention and FeedForward.
    """

    def __init__(
        self,
        dim: int,
        hidden_dim: int,
        num_heads: int,
        *,
        norm: str = "pre",
        use_shortcut: bool = True,
        dropout: float = 0.0,
        activation: str = "gelu",
        eps: float = 1e-5,
    ):
        super().__init__()
        wiring = {"use_shortcut": use_shortcut, "dropout": dropout, "eps": eps}
        self.attention = Sublayer(SelfAttention(dim, num_heads, dropout), dim, norm, **wiring)
        self.feed_forward = Sublayer(FeedForward(dim, hidden_dim, activation), dim, norm, **wiring)

    def forward(self, x: Tensor, key_padding_mask: Tensor | None = None) -> Tensor:
        """Map (batch, time, dim) to (batch, time, dim)."""
        return self.feed_forward(self.attention(x, key_padding_mask))
