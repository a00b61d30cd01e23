"""The networks that the notebooks build; a test holds each equal to the class that is taught."""

from lecture_utils.models.gpt import (
    GPT,
    CausalAttention,
    GPTBlock,
    generate,
    initialise,
    read_logits,
    residual_stream,
)
from lecture_utils.models.gpt2_checkpoint import load_gpt2
from lecture_utils.models.gpt2_saving import save_gpt2
from lecture_utils.models.gpt_config import GPTConfig
from lecture_utils.models.mlp import (
    ACTIVATIONS,
    DeepNeuralNetwork,
    MLPBlock,
    ShortcutMLP,
    normalise,
)
from lecture_utils.models.starts import looks_linear, orthogonal
from lecture_utils.models.transformer import (
    PLACEMENTS,
    BertLayer,
    FeedForward,
    SelfAttention,
    Sublayer,
    TransformerBlock,
    join_heads,
    split_heads,
)

__all__ = [
    "ACTIVATIONS",
    "GPT",
    "PLACEMENTS",
    "BertLayer",
    "CausalAttention",
    "DeepNeuralNetwork",
    "FeedForward",
    "GPTBlock",
    "GPTConfig",
    "MLPBlock",
    "SelfAttention",
    "ShortcutMLP",
    "Sublayer",
    "TransformerBlock",
    "generate",
    "initialise",
    "join_heads",
    "load_gpt2",
    "looks_linear",
    "normalise",
    "orthogonal",
    "read_logits",
    "residual_stream",
    "save_gpt2",
    "split_heads",
]
