"""The GPT of notebook 09: causal attention, block, model, its start, and sampling from it."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from lecture_utils.models.gpt2_checkpoint import load_gpt2
from lecture_utils.models.gpt2_saving import save_gpt2
from lecture_utils.models.gpt_config import GPTConfig
from lecture_utils.models.gpt_inputs import (
    require_config,
    require_gpt,
    require_ids,
    require_logits,
    require_parts,
    require_prompt,
)
from lecture_utils.models.inputs import require_blocks, require_sequence, require_vectors
from lecture_utils.models.transformer import FeedForward, Sublayer, join_heads, split_heads
from lecture_utils.require.numbers import require_positive, require_scale, require_seed


class CausalAttention(nn.Module):
    """Multi-head attention in which a position sees itself and what came before.

    Input and output (batch, time, dim).

    Raises:
        ValueError: config is no GPTConfig, or the input has another shape, type or device.

    Source: A. Radford et al., Language Models are Unsupervised Multitask Learners, 2019 (GPT-2).
    """

    def __init__(self, config: GPTConfig):
        require_config(config)
        super().__init__()
        self.num_heads, self.dropout = config.num_heads, config.dropout
        self.qkv = nn.Linear(config.dim, 3 * config.dim)
        self.out = nn.Linear(config.dim, config.dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, time, dim) to (batch, time, dim)."""
        require_sequence(x, self.out.in_features, self.qkv)
        Q, K, V = (split_heads(part, self.num_heads) for part in self.qkv(x).chunk(3, dim=-1))
        p = self.dropout if self.training else 0.0
        mixed = scaled_dot_product_attention(Q, K, V, is_causal=True, dropout_p=p)
        return self.out(join_heads(mixed))


class GPTBlock(nn.Module):
    """Causal attention, then feed-forward, each with its shortcut and its norm.

    Input and output (batch, time, dim).

    Raises:
        ValueError: as for CausalAttention.
    """

    def __init__(self, config: GPTConfig):
        require_config(config)
        super().__init__()
        wiring = {"use_shortcut": config.use_shortcut, "dropout": config.dropout}
        feed_forward = FeedForward(config.dim, 4 * config.dim, "gelu-tanh")
        self.attention = Sublayer(CausalAttention(config), config.dim, config.norm, **wiring)
        self.feed_forward = Sublayer(feed_forward, config.dim, config.norm, **wiring)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, time, dim) to (batch, time, dim)."""
        return self.feed_forward(self.attention(x))


def initialise(model: nn.Module) -> None:
    """Give a GPT the starting weights of GPT-2, as Hugging Face reads its paper, in place.

    Matrices and embeddings from N(0, 0.02²), biases 0; the two matrices of each block that write
    into the stream from N(0, 0.02² / 2N), N the number of blocks, 2N the number of sums.

    Raises:
        ValueError: the model has no blocks like GPTBlock; then nothing is changed.

    Source: A. Radford et al., 2019, section 2.3, for the rule: residual layers times 1/√N, N their
    number (here 2N). Which matrices, and 0.02 for all: Hugging Face's GPT-2. The code released with
    the paper draws positions with 0.01, all else with 0.02, and divides nothing.
    """
    require_gpt(model)
    require_blocks(model.blocks, "attention.branch.out", "feed_forward.branch.contract")
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.dim() == 2:
            nn.init.normal_(parameter, std=0.02)
    for block in model.blocks:
        for last in (block.attention.branch.out, block.feed_forward.branch.contract):
            nn.init.normal_(last.weight, std=0.02 / math.sqrt(2 * len(model.blocks)))


def residual_stream(model: nn.Module, tokens: Tensor) -> list[Tensor]:
    """Return the stream of a GPT before its first block and after each: x_0 … x_N.

    Args:
        model: a GPT.
        tokens: (batch, time) token ids, int64 or int32, on the model's device.

    Returns:
        N + 1 tensors (batch, time, dim).

    Raises:
        ValueError: the model is no GPT of the course, token ids are out of range, of the wrong
            shape or on another device, or there are more of them than the context holds.
    """
    require_ids(model, tokens)
    x = model.tokens(tokens) + model.positions.weight[: tokens.shape[1]]
    states = [model.dropout(x)]
    for block in model.blocks:
        states.append(block(states[-1]))
    return states


def read_logits(model: nn.Module, x: Tensor) -> Tensor:
    """Read a state of the stream as the logits of the next token.

    Args:
        model: a GPT.
        x: (..., dim), the stream's end, or an earlier state: then this is the logit lens.

    Returns:
        (..., vocab_size). The matrix is the table of token embeddings (tied weights).

    Raises:
        ValueError: the model is no GPT of the course, or x has another shape, type or device.
    """
    require_parts(model)
    require_vectors(x, model.tokens.embedding_dim, model.tokens)
    return model.final_norm(x) @ model.tokens.weight.T


@torch.no_grad()
def generate(
    model: nn.Module, tokens: Tensor, steps: int, temperature: float = 1.0, seed: int = 0
) -> Tensor:
    """Continue each sequence by `steps` tokens, drawn one after the other.

    Args:
        model: a GPT. Dropout acts if it is in training mode: call model.eval() first.
        tokens: (batch, time) token ids, at least one, int64 or int32, on the model's device;
            only the last `context` of them are read.
        steps: how many tokens to add.
        temperature: divides the logits; 0 takes the likeliest token each time.
        seed: of the draw, a whole number; the caller's random state is not touched. Another
            kind of device draws other tokens.

    Returns:
        (batch, time + steps) token ids, int64.

    Raises:
        ValueError: steps, temperature or seed is out of range, tokens are none of the model's,
            the model has no config, or its logits are not finite.
    """
    require_positive("steps", steps)
    require_scale("temperature", temperature)
    require_seed(seed)
    require_prompt(model, tokens)
    draw = torch.Generator(tokens.device).manual_seed(int(seed))
    for _ in range(steps):
        logits = model(tokens[:, -model.config.context :])[:, -1]  # (batch, vocab)
        require_logits(logits, model.config.vocab_size, temperature)
        if temperature == 0:
            chosen = logits.argmax(-1, keepdim=True)
        else:
            chosen = (logits / temperature).softmax(-1).multinomial(1, generator=draw)
        tokens = torch.cat([tokens, chosen], dim=1)  # chosen: (batch, 1)
    return tokens


class GPT(nn.Module):
    """A language model: from token ids to the logits of each next token.

    Input (batch, time) token ids, output (batch, time, vocab_size) logits. The matrix that reads
    the logits is the token embedding's (tied weights).

    Raises:
        ValueError: config is no GPTConfig, token ids are out of range, of the wrong shape or on
            another device, or the sequence is longer than the context.

    Source: A. Radford et al., 2019 (GPT-2).
    """

    def __init__(self, config: GPTConfig):
        require_config(config)
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocab_size, config.dim)
        self.positions = nn.Embedding(config.context, config.dim)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(GPTBlock(config) for _ in range(config.depth))
        self.final_norm = nn.Identity() if config.norm == "post" else nn.LayerNorm(config.dim)
        initialise(self)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (batch, time) token ids to (batch, time, vocab_size) logits."""
        return self.read(self.stream(tokens)[-1])

    stream, read, generate = residual_stream, read_logits, generate
    from_pretrained_gpt2, save_gpt2 = classmethod(load_gpt2), save_gpt2
