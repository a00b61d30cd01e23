"""How many parameters a shape has, part by part: equal to the built model, to the unit."""

from dataclasses import dataclass

from lecture_utils.practice.shape import Shape
from lecture_utils.require.numbers import require_heads, require_positive, shown


@dataclass(frozen=True)
class Parameters:
    """A model's parameters by part.

    Attributes:
        embedding: the table of tokens.
        positions: learned tables of positions and token types.
        attention: of all blocks.
        feed_forward: of all blocks, with all experts and their routers.
        norms: of all blocks, of queries and keys, and the one at the end (BERT's: at the start).
        head: what it has of its own; 0 where it is the embedding, without bias.
        active: those that one token uses; all but the experts it does not pass.
        matrices: N of 6·N·D: weights of the matrices that one token is multiplied with. No table
            that is only looked up in, no norm, no bias; the head's matrix also where it is tied.
    """

    embedding: int
    positions: int
    attention: int
    feed_forward: int
    norms: int
    head: int
    active: int
    matrices: int

    @property
    def total(self) -> int:
        """All parameters, each counted once."""
        return (
            self.embedding
            + self.positions
            + self.attention
            + self.feed_forward
            + self.norms
            + self.head
        )


def gpt2_block(dim: int) -> int:
    """Return the parameters of a block of GPT-2: 4 d² + 8 d² in matrices, 13 d in the rest.

    Raises:
        ValueError: dim is no positive whole number.
    """
    require_positive("dim", dim)
    return 12 * dim**2 + 13 * dim


def llama_block(dim: int, hidden_dim: int, num_heads: int, num_kv_heads: int) -> int:
    """Return the parameters of a block as in Llama, with heads of width dim / num_heads.

    Args:
        dim: d, width of the stream.
        hidden_dim: d_ff, width inside the feed-forward.
        num_heads: heads of queries.
        num_kv_heads: heads of keys and values.

    Raises:
        ValueError: one is no positive whole number, or two do not divide.
    """
    require_heads(dim, num_heads)
    for name, value in (("hidden_dim", hidden_dim), ("num_kv_heads", num_kv_heads)):
        require_positive(name, value)
    if num_heads % num_kv_heads:
        raise ValueError(
            f"num_kv_heads must be a divisor of num_heads, {num_heads}; got {num_kv_heads}"
        )
    keys_and_values = 2 * dim**2 * num_kv_heads // num_heads
    return 2 * dim**2 + keys_and_values + 3 * dim * hidden_dim + 2 * dim


def parameters(shape: Shape) -> Parameters:
    """Count a model's parameters, exactly.

    Raises:
        ValueError: it is no Shape.
    """
    require_shape(shape)
    dim, norm = shape.dim, _norm(shape)
    attention, attention_bias = _attention(shape)
    expert, expert_bias, around = _feed_forward(shape)
    head = shape.vocab_size * dim
    transform = dim**2 if shape.head_transform else 0
    own = 0 if shape.tied else head
    own += shape.vocab_size * shape.head_bias
    if shape.head_transform:
        own += dim**2 + dim + norm  # its matrix, its bias and its norm
    whole = shape.experts * (expert + expert_bias) + around
    used = shape.active_experts * (expert + expert_bias) + around
    counted = {
        "embedding": head,
        "positions": shape.positions * dim,
        "attention": shape.depth * (attention + attention_bias),
        "norms": shape.depth * (shape.norms * norm + shape.qk_norm) + norm,
        "head": own,
    }
    matrices = attention + shape.active_experts * expert + around
    return Parameters(
        feed_forward=shape.depth * whole,
        active=sum(counted.values()) + shape.depth * used,
        matrices=shape.depth * matrices + head + transform,
        **counted,
    )


def adapters(shape: Shape, rank: int = 16) -> int:
    """Return the weights that LoRA adds: rank x (in + out) at each matrix of each block.

    The matrices are attention's four and the feed-forward's two or three, of every expert; head,
    embedding and router get none. Source: Hu et al. 2021, arXiv:2106.09685; for all matrices,
    Dettmers et al. 2023, arXiv:2305.14314.

    Raises:
        ValueError: it is no Shape, or rank no positive whole number.
    """
    require_shape(shape)
    require_positive("rank", rank)
    dim, inner = shape.dim, shape.attention_dim
    attention = 2 * (dim + inner) + 2 * (dim + shape.kv_dim)
    matrices = 3 if shape.gated else 2
    feed_forward = matrices * shape.experts * (dim + shape.hidden_dim)
    feed_forward += matrices * (dim + shape.shared_dim) if shape.shared_dim else 0
    return shape.depth * rank * (attention + feed_forward)


def require_shape(shape: Shape) -> None:
    """Accept a Shape.

    Raises:
        ValueError: it is anything else.
    """
    if not isinstance(shape, Shape):
        raise ValueError(f"shape must be what read_config(…) returns; got {shown(shape)}")


def _norm(shape: Shape) -> int:
    return shape.dim * (2 if shape.wiring.norm == "LayerNorm" else 1)


def _attention(shape: Shape) -> tuple[int, int]:
    """Return the weights of a block's four matrices, and their biases."""
    dim, inner = shape.dim, shape.attention_dim
    matrices = 2 * dim * inner + 2 * dim * shape.kv_dim
    biases = shape.qkv_bias * (inner + 2 * shape.kv_dim) + shape.out_bias * dim
    return matrices, biases


def _feed_forward(shape: Shape) -> tuple[int, int, int]:
    """Return the weights of one expert, its biases, and router and shared expert with its gate."""
    dim, hidden = shape.dim, shape.hidden_dim
    matrices = 3 if shape.gated else 2
    biases = shape.mlp_bias * ((matrices - 1) * hidden + dim)
    router = dim * shape.experts if shape.experts > 1 else 0
    shared = matrices * dim * shape.shared_dim + dim if shape.shared_dim else 0
    return matrices * dim * hidden, biases, router + shared
