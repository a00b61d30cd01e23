"""How much a training and a reading compute: 6·N·D and 2·N·D, and attention's share apart.

An addition and a multiplication are two FLOP. N is `parameters(shape).matrices`, the weights of
the matrices that a token is multiplied with. Left out: tables that are looked up in, norms,
activations, softmax, biases and the optimiser, together a few percent at most. Sources: Kaplan et
al. 2020, arXiv:2001.08361, section 2.1; Chowdhery et al. 2022, arXiv:2204.02311, appendix B.
"""

from lecture_utils.practice.parameters import parameters, require_shape
from lecture_utils.practice.shape import Shape
from lecture_utils.require.numbers import require_choice, require_flag, require_positive

# FLOP per weight and token: forward 2, the gradient of the input 2, the gradient of the weight 2.
PER_WEIGHT = {"full": 6, "LoRA": 4}
MOST_TOKENS = 10**15


def training_flops(
    shape: Shape, tokens: int, length: int, method: str = "full", causal: bool = False
) -> int:
    """Return the FLOP of a training: 6·N·D, or 4·N·D with LoRA, and 3 times attention's.

    With LoRA the frozen matrices need no gradient of their weights; the adapters' own FLOP, 6 per
    weight of `adapters(shape)`, are left out. Computing activations twice, to save memory, would
    add another 2·N·D.

    Args:
        shape: what read_config(…) returns.
        tokens: D, all texts and all passes together.
        length: T, tokens of a text.
        method: "full" or "LoRA".
        causal: count only the pairs of tokens that the mask lets through; if not, all T·T.

    Raises:
        ValueError: it is no Shape, a number is out of range, or the method is unknown.
    """
    require_choice("method", method, PER_WEIGHT)
    _require(shape, tokens, length, causal)
    weights = PER_WEIGHT[method] * parameters(shape).matrices
    return tokens * (weights + 3 * _scores(shape, length, causal))


def inference_flops(shape: Shape, tokens: int, length: int, causal: bool = False) -> int:
    """Return the FLOP of reading: 2·N·D, and attention's.

    Generating the same tokens one by one, with a cache of keys and values, computes what
    `causal=True` counts; it takes longer than its FLOP say: see `generation_hours`.

    Args:
        shape: what read_config(…) returns.
        tokens: D, all texts together.
        length: T, tokens of a text.
        causal: count only the pairs of tokens that the mask lets through; if not, all T·T.

    Raises:
        ValueError: it is no Shape, or a number is out of range.
    """
    _require(shape, tokens, length, causal)
    return tokens * (2 * parameters(shape).matrices + _scores(shape, length, causal))


def require_length(shape: Shape, length: int) -> None:
    """Accept a length that fits the model's context.

    Raises:
        ValueError: it is no positive whole number, or longer than the context.
    """
    require_positive("length", length)
    if length > shape.context:
        raise ValueError(
            f"length must be at most the context of {shape.name}, {shape.context:,} tokens; got "
            f"{length:,}"
        )


def _require(shape: Shape, tokens: int, length: int, causal: bool) -> None:
    require_shape(shape)
    require_positive("tokens", tokens, MOST_TOKENS)
    require_length(shape, length)
    require_flag("causal", causal)


def _scores(shape: Shape, length: int, causal: bool) -> int:
    """Return the forward FLOP per token of q·k and of weights·v, 4·n_h·d_h for each pair."""
    seen = shape.depth * length
    if causal and shape.causal:
        window = min(shape.window or length, length)
        all_before = (length + 1) / 2
        in_window = window - window * (window - 1) / (2 * length)
        seen = (shape.depth - shape.windowed) * all_before + shape.windowed * in_window
    return round(4 * shape.attention_dim * seen)
