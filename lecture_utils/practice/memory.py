"""How much memory a use of a model takes, part by part, each as a range from low to high.

Sources: Rajbhandari et al. 2019, arXiv:1910.02054, section 3 (16 bytes per parameter with Adam in
mixed precision); Korthikanti et al. 2022, arXiv:2205.05198, equations 1, 2 and 6 (activations);
Dettmers et al. 2023, arXiv:2305.14314, section 3 (4-bit weights: 4.127 bits with double
quantisation, 4.5 without). Left out: what the driver and the library need, about 0.5 to 1 GB,
fragmented memory, and several machines that share a model.
"""

from dataclasses import dataclass

from lecture_utils.practice.flops import require_length
from lecture_utils.practice.parameters import adapters, parameters, require_shape
from lecture_utils.practice.shape import Shape
from lecture_utils.require.numbers import require_choice, require_flag, require_positive

USES = ("inference", "LoRA", "QLoRA", "full fine-tuning", "from scratch")
MOST_BATCH = 10**6
_HALF = 2  # bytes of a number in bfloat16
# Bytes per trained weight: gradients in bfloat16 or float32; float32 copy, mean and square of Adam.
_GRADIENTS = (2, 4)
_OPTIMISER = 12
_FOUR_BIT = (4.127 / 8, 4.5 / 8)
# What a library keeps beside the formula's activations, such as float32 copies in its norms: at
# most so many times as much, by tests/test_practice.py (GPT-2, Llama, Qwen3, OLMo 2).
_UNFUSED = 1.7
# Bytes per logit: none if the loss is computed in pieces; logits, log-softmax, gradient in float32.
_LOGITS = (0, 12)

Range = tuple[float, float]


@dataclass(frozen=True)
class Memory:
    """The memory of one use.

    Attributes:
        use: one of USES.
        parts: bytes by part, (low, high).
    """

    use: str
    parts: dict[str, Range]

    @property
    def total(self) -> Range:
        """Bytes of all parts, (low, high)."""
        low, high = zip(*self.parts.values(), strict=True)
        return sum(low), sum(high)


def memory(
    shape: Shape, use: str, length: int, batch: int = 1, rank: int = 16, flash: bool = True
) -> Memory:
    """Return the memory that a use takes, bytes by part.

    Weights are in bfloat16, those of the blocks' matrices in 4 bits with QLoRA. The activations'
    low end computes each block again in the backward pass; the high end keeps all, 1.7 times the
    formula's.

    Args:
        shape: what read_config(…) returns.
        use: one of USES; "from scratch" takes what "full fine-tuning" takes.
        length: T, tokens of a text.
        batch: B, texts at a time.
        rank: of LoRA's adapters.
        flash: attention keeps no T x T scores, as in all common libraries today.

    Raises:
        ValueError: it is no Shape, the use is unknown, or a number is out of range.
    """
    _require(shape, length, batch, flash, rank)
    require_choice("use", use, USES)
    if use == "inference":
        return Memory(use, _reading(shape, length, batch, flash))
    trained = parameters(shape).total
    weights = _same(_HALF * trained)
    if use in ("LoRA", "QLoRA"):
        trained = adapters(shape, rank)
        frozen = _quantised(shape) if use == "QLoRA" else weights
        weights = tuple(part + _HALF * trained for part in frozen)
    return Memory(use, {
        "weights": weights,
        "gradients": tuple(part * trained for part in _GRADIENTS),
        "optimiser": _same(_OPTIMISER * trained),
        "activations": (
            activations(shape, length, batch, flash, recompute=True),
            _UNFUSED * activations(shape, length, batch, flash),
        ),
        "logits": tuple(part * length * batch * shape.vocab_size for part in _LOGITS),
    })  # fmt: skip


def _reading(shape: Shape, length: int, batch: int, flash: bool) -> dict[str, Range]:
    """Return the parts of inference: at most one block's activations at a time, and all logits."""
    tokens = length * batch
    at_once = tokens * (_block(shape, length, flash) + 4 * shape.vocab_size)
    return {
        "weights": _same(_HALF * parameters(shape).total),
        "key-value cache": _same(kv_cache(shape, length, batch)),
        "activations": (_HALF * tokens * shape.dim, at_once),
    }


def kv_cache(shape: Shape, length: int, batch: int = 1) -> int:
    """Return the bytes of the keys and values that are kept: 2·N·n_kv·d_h·2 bytes per token.

    In bfloat16. A block with a sliding window keeps the window's tokens only; a library that keeps
    all takes more. A model that reads in both directions keeps none.

    Raises:
        ValueError: it is no Shape, or a number is out of range.
    """
    _require(shape, length, batch, True)
    if not shape.causal:
        return 0
    kept = (shape.depth - shape.windowed) * length
    kept += shape.windowed * min(length, shape.window or length)
    return 2 * kept * shape.kv_dim * _HALF * batch


def activations(
    shape: Shape, length: int, batch: int = 1, flash: bool = True, recompute: bool = False
) -> int:
    """Return the bytes that a training keeps for its backward pass, in bfloat16, without logits.

    For GPT-2's block, T·B·d·(34 + 5·n_h·T/d) bytes, of which the second term is the T x T scores,
    not kept with flash attention. With `recompute`, each block keeps its input, 2·T·B·d, and one
    block at a time all. Source: arXiv:2205.05198; here with the shape's own widths, with gates and
    experts, and with the masks of dropout, one byte each.

    Raises:
        ValueError: it is no Shape, or a number is out of range.
    """
    _require(shape, length, batch, flash)
    require_flag("recompute", recompute)
    block = _block(shape, length, flash)
    kept = shape.depth * block
    if recompute:
        kept = min(kept, shape.depth * _HALF * shape.dim + block)
    return length * batch * kept


def _block(shape: Shape, length: int, flash: bool) -> int:
    """Return the bytes that one block keeps per token."""
    dim, inner = shape.dim, shape.attention_dim
    attention = 2 * dim + 2 * inner + 4 * shape.kv_dim + 2 * inner + dim
    scores = 0 if flash else 5 * shape.num_heads * length
    width = shape.active_experts * shape.hidden_dim + shape.shared_dim
    feed_forward = 2 * dim + (8 if shape.gated else 4) * width + dim
    return attention + scores + feed_forward + 2 * dim * shape.norms


def _quantised(shape: Shape) -> Range:
    """Return the bytes of all weights, the blocks' matrices in 4 bits, the rest in bfloat16."""
    count = parameters(shape)
    blocks = count.attention + count.feed_forward
    return tuple(part * blocks + _HALF * (count.total - blocks) for part in _FOUR_BIT)


def _same(value: float) -> Range:
    return value, value


def _require(shape: Shape, length: int, batch: int, flash: bool, rank: int = 1) -> None:
    require_shape(shape)
    require_length(shape, length)
    require_positive("batch", batch, MOST_BATCH)
    require_positive("rank", rank)
    require_flag("flash", flash)
