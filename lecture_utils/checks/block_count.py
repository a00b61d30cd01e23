"""Exercise 12.1: the parameters of a Llama-type block, from its config."""

from collections.abc import Callable

from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.values import number
from lecture_utils.checks.verdict import NotYet, graded


def _config(
    d: int, f: int, heads: int, kv: int, head_dim: int | None = None, **more: object
) -> dict:
    sizes = {
        "hidden_size": d,
        "intermediate_size": f,
        "num_attention_heads": heads,
        "num_key_value_heads": kv,
    }
    return sizes | ({} if head_dim is None else {"head_dim": head_dim}) | more


def _right(config: dict) -> int:
    d, f, query, key = _parts(config)
    return 2 * d * query + 2 * d * key + 3 * d * f + 2 * d


def _parts(config: dict) -> tuple[int, int, int, int]:
    """Return d, the feed-forward's width, and the widths of all queries and of all keys."""
    d, heads = config["hidden_size"], config["num_attention_heads"]
    head_dim = config.get("head_dim", d // heads)
    return (
        d,
        config["intermediate_size"],
        heads * head_dim,
        config["num_key_value_heads"] * head_dim,
    )


_SMOL = {"num_hidden_layers": 30, "vocab_size": 49152, "tie_word_embeddings": True}
_OWN_WIDTH = (
    "here the config gives `head_dim`, and heads times head_dim is not hidden_size: W_Q maps d "
    "numbers "
    "to n_h · d_h, W_O maps them back."
)
_TRIALS = (
    Trial((_config(4, 10, 2, 2),), "where all heads have keys of their own"),
    Trial(
        (_config(4, 10, 2, 1),),
        "where heads share keys and values",
        "W_K and W_V map d numbers to n_kv · d_h.",
    ),
    Trial((_config(12, 31, 6, 2),), "where three heads share"),
    Trial((_config(4096, 14336, 32, 8),), "for Llama 3 8B"),
    Trial(
        (_config(576, 1536, 9, 3, **_SMOL),),
        "for SmolLM2",
        "Count one block: no tokens, no other blocks.",
    ),
    Trial((_config(896, 4864, 14, 2, 64),), "for Qwen2 0.5B, which gives `head_dim`"),
    Trial((_config(1024, 3072, 16, 8, 128),), "for Qwen3 0.6B", _OWN_WIDTH),
    Trial((_config(1152, 6912, 4, 1, 256),), "for Gemma 3 1B", _OWN_WIDTH),
    Trial((_config(2304, 9216, 8, 4, 256),), "for Gemma 2 2B", _OWN_WIDTH),
)


def _counted(way: Callable) -> Callable:
    """Make a slip of a formula in d, f, and the widths of all queries and of all keys."""
    return lambda config: way(*_parts(config))


def _shared(config: dict) -> tuple[int, int, int, int]:
    d, f, heads, kv = (config[k] for k in _config(0, 0, 0, 0))
    return d, f, heads, kv


_SLIPS = (
    (
        _counted(lambda d, f, q, k: 2 * d * q + 2 * d * k + 2 * d * f + 2 * d),
        "The feed-forward has three matrices: gate, up and down. You count two.",
    ),
    (
        _counted(lambda d, f, q, k: 2 * d * q + 2 * d * k + d * f + 2 * d),
        "The feed-forward has three matrices: gate, up and down. You count one.",
    ),
    (
        _counted(lambda d, f, q, k: 4 * d * q + 3 * d * f + 2 * d),
        "W_K and W_V are smaller: several heads share one key and one value.",
    ),
    (
        _counted(lambda d, f, q, k: d * q + 3 * d * k + 3 * d * f + 2 * d),
        "W_O is as large as W_Q: it reads what all heads of queries return.",
    ),
    (
        _counted(lambda d, f, q, k: d * q + 2 * d * k + 3 * d * f + 2 * d),
        "Attention has four matrices; W_O, which writes into the stream, is missing.",
    ),
    (
        _counted(lambda d, f, q, k: 2 * d * q + d * k + 3 * d * f + 2 * d),
        "Keys and values have a matrix each; you count one of the two.",
    ),
    (_counted(lambda d, f, q, k: 2 * d * k + 3 * d * f + 2 * d), "W_Q and W_O are missing."),
    (
        _counted(lambda d, f, q, k: 4 * d * k + 3 * d * f + 2 * d),
        "Only keys and values are shared; W_Q and W_O serve all heads.",
    ),
    (
        _counted(lambda d, f, q, k: 2 * d * q + 2 * d * k + 3 * d * f),
        "The two norms are missing: a weight for each of the d numbers, each.",
    ),
    (
        _counted(lambda d, f, q, k: 2 * d * q + 2 * d * k + 3 * d * f + d),
        "A block has two norms; you count one.",
    ),
    (
        _counted(lambda d, f, q, k: 2 * d * q + 2 * d * k + 3 * d * f + 4 * d),
        "RMSNorm has a weight for each number and no bias: d each, not 2 d.",
    ),
    (
        _counted(lambda d, f, q, k: 2 * d * q + 2 * d * k + 3 * d * f + 3 * d),
        "A block has two norms, one before each branch; the last one belongs to the model.",
    ),
    (
        _counted(
            lambda d, f, q, k: (
                2 * d * q + 2 * d * k + 3 * d * f + 2 * d + 2 * q + 2 * k + 2 * f + 2 * d
            )
        ),
        "Llama's matrices have no biases.",
    ),
    (
        _counted(lambda d, f, q, k: 2 * d * q + 2 * d * k + 3 * d * f + 2 * d + q + 2 * k),
        "Llama's queries, keys and values have no biases.",
    ),
    (
        _counted(lambda d, f, q, k: 2 * d * q + 2 * d * k + 3 * d * f + 2 * d + q + 2 * k + d),
        "Llama's attention has no biases.",
    ),
    (
        _counted(lambda d, f, q, k: 12 * d**2 + 13 * d),
        "That is GPT-2's block. This one has three matrices in the feed-forward, smaller keys, "
        "and no biases.",
    ),
    (
        _counted(lambda d, f, q, k: 12 * d**2 + 2 * d),
        "12 d² is GPT-2's: there the feed-forward is 4 d wide and keys are as wide as queries.",
    ),
    (
        _counted(lambda d, f, q, k: 2 * d * q + 2 * d * k + 12 * d**2 + 2 * d),
        "The feed-forward is intermediate_size wide, not 4 d.",
    ),
    (
        _counted(lambda d, f, q, k: 2 * d * q + 2 * d * k + 8 * d**2 + 2 * d),
        "The feed-forward has three matrices of d times intermediate_size, not two of 4 d².",
    ),
    (
        _counted(lambda d, f, q, k: 2 * d * q + 2 * d * k + 3 * f * f + 2 * d),
        "Gate and up map d numbers to intermediate_size, down maps them back: no matrix is f "
        "times f.",
    ),
    (_counted(lambda d, f, q, k: 2 * d * q + 2 * d * k + 2 * d), "The feed-forward is missing."),
    (_counted(lambda d, f, q, k: 3 * d * f + 2 * d), "Attention is missing."),
    (
        _counted(lambda d, f, q, k: 2 * q * q + 2 * q * k + 3 * d * f + 2 * d),
        "Every matrix of attention has d on one side: it reads from the stream or writes into it.",
    ),
    (
        _counted(lambda d, f, q, k: 2 * d * d + 2 * d * k + 3 * d * f + 2 * d),
        _OWN_WIDTH[0].upper() + _OWN_WIDTH[1:],
    ),
    (
        lambda c: (lambda d, f, n, k: 2 * d * d + 2 * d * (d // n) + 3 * d * f + 2 * d)(
            *_shared(c)
        ),
        "W_K and W_V make n_kv keys and values for each token, not one.",
    ),
    (
        lambda c: (lambda d, f, n, k: 2 * d * d + 2 * d * k + 3 * d * f + 2 * d)(*_shared(c)),
        "W_K maps d numbers to n_kv heads *of width d_h*; you leave the width out.",
    ),
    (
        lambda c: (lambda d, f, n, k: 2 * d * d + 2 * d * d * n // k + 3 * d * f + 2 * d)(
            *_shared(c)
        ),
        "The share is upside down: n_kv / n_h, fewer keys than queries.",
    ),
    (
        lambda c: (lambda d, f, n, k: 2 * d * d + 2 * d * d // k + 3 * d * f + 2 * d)(*_shared(c)),
        "W_K and W_V are n_kv · d_h wide; you divide d by the number of keys.",
    ),
    (
        lambda c: _right(c) * c.get("num_hidden_layers", 1),
        "Count one block: no tokens, no other blocks.",
    ),
    (
        lambda c: _right(c) + c["hidden_size"] * c.get("vocab_size", 0),
        "Count one block: no table of tokens.",
    ),
    (
        lambda c: 2 * _right(c),
        "You return twice the number: bytes in bfloat16? Parameters are asked for.",
    ),
    (lambda c: _right(c) / 1e6, "In units, not in millions."),
)


_MORE = (
    ("intermediate_size", "Look at gate, up and down."),
    ("num_key_value_heads", "Look at W_K and W_V."),
    ("num_attention_heads", "Look at W_Q and W_O."),
    ("head_dim", "All four matrices of attention have it on one side."),
)


def _why(answer: Callable, trial: Trial) -> str | None:
    """Make one size larger by 1 after the other, and see whether as many weights come in."""
    given = _config(12, 31, 6, 2, 5)
    try:
        if number(answer(given | {"head_dim": 6})) == number(answer(dict(given))):
            return _OWN_WIDTH[0].upper() + _OWN_WIDTH[1:]
        for name, look in _MORE:
            more = given | {name: given[name] + 1}
            found = number(answer(dict(more))) - number(answer(dict(given)))
            wanted = _right(more) - _right(given)
            if abs(found - wanted) > 1e-6:
                return (
                    f"With {name} = {more[name]} in place of {given[name]} (d = 12, heads 5 wide) "
                    f"there are {wanted} weights more; in yours {found:g}. {look}"
                )
        off = number(answer(dict(given))) - _right(given)
        at_home = {k: v for k, v in given.items() if k != "head_dim"}
        without = number(answer(at_home)) - _right(at_home)
    except NotYet:
        return None
    if abs(off) > 1e-6:
        return (
            f"The matrices are right. Two norms are left, 24 with d = 12; yours are {24 + off:g}."
        )
    if abs(without) > 1e-6:
        return "Right where the config gives `head_dim`. Where it does not, a head is d / n_h wide."
    return None


@graded
def block_parameters(answer: Callable) -> str:
    """Exercise 12.1: how many parameters a Llama-type block has."""
    judge(answer, _right, _TRIALS, _SLIPS, why=_why)
    return (
        "Llama 3 8B has 218,112,000 in a block, four fifths of them in the feed-forward. With keys "
        "for each head it would be 243 million, and its cache four times as large."
    )
