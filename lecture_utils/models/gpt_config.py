"""The sizes and the wiring of the GPT of notebook 09."""

from dataclasses import dataclass

from lecture_utils.models.transformer import PLACEMENTS
from lecture_utils.require.numbers import (
    MOST_BLOCKS,
    require_choice,
    require_flag,
    require_heads,
    require_positive,
    require_share,
)


@dataclass(frozen=True)
class GPTConfig:
    """The sizes and the wiring of a GPT; as they stand, those of GPT-2 small.

    Attributes:
        vocab_size: number of different tokens, V.
        context: longest sequence, in tokens, T.
        dim: width of the stream, d.
        num_heads: attention heads; dim is a multiple of it.
        depth: number of blocks, N.
        dropout: share of each branch's output, of the embeddings and of the attention weights
            set to 0 in training.
        norm: "pre" (as GPT-2), "post" or "sandwich".
        use_shortcut: False builds the twin without shortcuts.

    Raises:
        ValueError: a size is not a positive whole number, dim is not divisible by num_heads,
            dropout is no share, the placement is unknown, or use_shortcut is no bool.
    """

    vocab_size: int = 50257
    context: int = 1024
    dim: int = 768
    num_heads: int = 12
    depth: int = 12
    dropout: float = 0.0
    norm: str = "pre"
    use_shortcut: bool = True

    def __post_init__(self) -> None:
        require_positive("vocab_size", self.vocab_size)
        require_positive("context", self.context)
        require_positive("depth", self.depth, MOST_BLOCKS)
        require_heads(self.dim, self.num_heads)
        require_share("dropout", self.dropout)
        require_choice("norm", self.norm, PLACEMENTS)
        require_flag("use_shortcut", self.use_shortcut)
