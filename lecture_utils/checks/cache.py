"""Exercise 12.2: the longest text whose keys and values fit."""

from collections.abc import Callable

from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.values import number
from lecture_utils.checks.verdict import NotYet, graded


def _config(
    depth: int, heads: int, kv: int, d: int, context: int, head_dim: int | None = None
) -> dict:
    sizes = {
        "num_hidden_layers": depth,
        "num_attention_heads": heads,
        "num_key_value_heads": kv,
        "hidden_size": d,
        "max_position_embeddings": context,
    }
    return sizes if head_dim is None else sizes | {"head_dim": head_dim}


def _per_token(config: dict) -> int:
    head_dim = config.get("head_dim", config["hidden_size"] // config["num_attention_heads"])
    return 2 * config["num_hidden_layers"] * config["num_key_value_heads"] * head_dim * 2


def _fits(config: dict, free: float, texts: int, per_token: float | None = None) -> int:
    return int(free // (texts * (per_token or _per_token(config))))


def _right(config: dict, free: float, texts: int) -> int:
    return min(_fits(config, free, texts), config["max_position_embeddings"])


_SMALL = _config(2, 4, 2, 12, 1000)
_LLAMA = _config(32, 32, 8, 4096, 8192)
_TRIALS = (
    Trial((_SMALL, 4800, 1), "where the memory is used up exactly"),
    Trial(
        (_SMALL, 4799, 1),
        "where it does not come out even",
        "Half a token does not fit: round down.",
    ),
    Trial((_SMALL, 4800, 3), "with three texts at a time", "Each text has a cache of its own."),
    Trial((_SMALL, 5000, 3), "with three texts, not even"),
    Trial((_SMALL, 40, 1), "where not one token fits"),
    Trial((_SMALL, 0, 2), "with no memory free"),
    Trial(
        (_SMALL, 10**6, 1),
        "where the memory holds more than the model reads",
        "A model reads no text longer than max_position_embeddings.",
    ),
    Trial((_LLAMA, 4e9, 8), "for Llama 3 8B, eight texts in 4 GB"),
    Trial((_LLAMA, 5e8, 1), "for Llama 3 8B in 0.5 GB"),
    Trial(
        (_LLAMA, 8e9, 1),
        "for Llama 3 8B in 8 GB",
        "A model reads no text longer than max_position_embeddings.",
    ),
    Trial(
        (_config(28, 16, 8, 1024, 40960, 128), 2e9, 4),
        "for Qwen3 0.6B",
        "Here the config gives `head_dim`; d / n_h would be another number.",
    ),
    Trial(
        (_config(26, 4, 1, 1152, 32768, 256), 3e8, 1),
        "for Gemma 3 1B",
        "Here the config gives `head_dim`; d / n_h would be another number.",
    ),
)


def _other(**parts: float) -> Callable:
    """Make a slip that counts a token's bytes otherwise: each part is a factor."""

    def way(config: dict, free: float, texts: int) -> int:
        per_token = _per_token(config)
        for name, factor in parts.items():
            per_token *= factor if name.startswith("times") else config[name] ** factor
        return min(_fits(config, free, texts, per_token), config["max_position_embeddings"])

    return way


def _with_query_heads(config: dict, free: float, texts: int) -> int:
    per = _per_token(config) * config["num_attention_heads"] / config["num_key_value_heads"]
    return min(_fits(config, free, texts, per), config["max_position_embeddings"])


def _without_given(config: dict, free: float, texts: int) -> int:
    return _right({k: v for k, v in config.items() if k != "head_dim"}, free, texts)


def _with_width(config: dict, free: float, texts: int) -> int:
    per = 2 * config["num_hidden_layers"] * config["hidden_size"] * 2
    return min(_fits(config, free, texts, per), config["max_position_embeddings"])


def _all_texts(config: dict, free: float, texts: int) -> int:
    return min(_fits(config, free, 1), config["max_position_embeddings"])


def _up(config: dict, free: float, texts: int) -> int:
    return min(int(-(-free // (texts * _per_token(config)))), config["max_position_embeddings"])


_SLIPS = (
    (
        lambda c, free, texts: _fits(c, free, texts),
        "A model reads no text longer than max_position_embeddings, however much memory is free.",
    ),
    (
        lambda c, free, texts: c["max_position_embeddings"],
        "You return the context each time; how much of it fits?",
    ),
    (
        _other(times=0.5),
        "A token keeps a key *and* a value, 2 bytes for each number; one factor 2 is missing.",
    ),
    (
        _other(times=0.25),
        "A token keeps a key *and* a value, of 2 bytes for each number; both factors are missing.",
    ),
    (_other(times=2), "2 bytes for each number, as bfloat16; yours come to twice as many."),
    (
        _other(times=4),
        "2 bytes for each number, and a key and a value; yours come to four times as many.",
    ),
    (
        _other(times=4.0),
        "2 bytes for each number, and a key and a value; yours come to four times as many.",
    ),
    (_other(num_hidden_layers=-1), "Each block has a cache of its own."),
    (_other(num_key_value_heads=-1), "Each of the n_kv heads has its key and its value."),
    (
        _other(num_key_value_heads=-1, num_hidden_layers=-1),
        "Each block and each of its n_kv heads has a cache of its own.",
    ),
    (_with_query_heads, "Only the n_kv heads have keys and values that are kept, not all n_h."),
    (_with_width, "Kept are n_kv · d_h numbers, fewer than hidden_size where heads share."),
    (
        _without_given,
        "Where the config gives `head_dim`, it is the width of a head; d / n_h is another number "
        "then.",
    ),
    (_all_texts, "Each of the texts has a cache of its own."),
    (
        lambda c, free, texts: min(_fits(c, free * texts, 1), c["max_position_embeddings"]),
        "More texts, less room for each: divide by their number.",
    ),
    (_up, "Half a token does not fit: round down."),
    (
        lambda c, free, texts: min(free / (texts * _per_token(c)), c["max_position_embeddings"]),
        "Half a token does not fit: round down to a whole number.",
    ),
    (
        lambda c, free, texts: min(
            round(free / (texts * _per_token(c))), c["max_position_embeddings"]
        ),
        "Half a token does not fit: round down, not to the nearest.",
    ),
    (
        lambda c, free, texts: min(_fits(c, free, 1), c["max_position_embeddings"]) // texts,
        "The context is the limit of each text: take the smaller number after you divide by the "
        "texts.",
    ),
    (
        lambda c, free, texts: max(_fits(c, free, texts), c["max_position_embeddings"]),
        "The smaller of the two is the limit, not the larger.",
    ),
    (
        lambda c, free, texts: _right(c, free, texts) * texts,
        "How long may *each* text be, not all together?",
    ),
    (
        lambda c, free, texts: texts * _per_token(c),
        "That is what one token of each text takes; how many fit?",
    ),
    (lambda c, free, texts: _per_token(c), "That is what one token takes; how many fit?"),
    (
        lambda c, free, texts: max(1, _right(c, free, texts)),
        "Where not one token fits, the answer is 0.",
    ),
    (
        lambda c, free, texts: (
            max(0, _fits(c, free, texts) - 1)
            if _fits(c, free, texts) <= c["max_position_embeddings"]
            else c["max_position_embeddings"]
        ),
        "Where the memory is used up exactly, the last token still fits.",
    ),
)


_DOUBLED = (
    ("num_hidden_layers", "each block has a cache of its own"),
    ("num_key_value_heads", "each of these heads keeps a key and a value"),
    ("head_dim", "a key has as many numbers"),
)


def _why(answer: Callable, trial: Trial) -> str | None:
    """Double one size after the other with room for millions of tokens; each should halve them."""
    sizes = _config(2, 4, 3, 20, 10**12, 5)
    try:
        short = number(answer(sizes | {"max_position_embeddings": 7}, 1e10, 1))
        if short != 7:
            return f"With max_position_embeddings = 7 and much room it is 7; yours gives {short:g}."
        found = number(answer(dict(sizes), 1e10, 1))
        for name, reason in _DOUBLED:
            half = number(answer(sizes | {name: 2 * sizes[name]}, 1e10, 1))
            if abs(half / found - 0.5) > 0.01:
                return (
                    f"With twice the {name} half as many tokens fit: {reason}. In yours "
                    f"{half / found:.3g} times as many fit."
                )
        for name, given, wanted in (("free", (2e10, 1), 2), ("texts", (1e10, 2), 0.5)):
            times = number(answer(dict(sizes), *given)) / found
            if abs(times - wanted) > 0.01:
                return (
                    f"With twice the {name}, each text may be {wanted:g} times as long; yours is "
                    f"{times:.3g} times."
                )
        at_home = {k: v for k, v in sizes.items() if k != "head_dim"}
        without = number(answer(at_home, 1e10, 1))
    except (NotYet, ZeroDivisionError):
        return None
    token = 1e10 / found
    if abs(token / _per_token(sizes) - 1) > 0.01:
        return (
            f"In 2 blocks of 3 heads of width 5 a token keeps 2 · 3 · 5 numbers twice, as key and "
            f"value, 2 bytes each: {_per_token(sizes)} bytes; yours comes to {token:.4g}."
        )
    if abs(without / _right(at_home, 1e10, 1) - 1) > 0.01:
        return "Right where the config gives `head_dim`. Where it does not, a head is d / n_h wide."
    return None


@graded
def longest_text(answer: Callable) -> str:
    """Exercise 12.2: the longest text whose cache fits."""
    judge(answer, _right, _TRIALS, _SLIPS, why=_why)
    return (
        "Llama 3 8B keeps 131,072 bytes for each token: eight texts of 3,814 tokens in 4 GB. "
        "With keys "
        "for all 32 heads it would be 953."
    )
