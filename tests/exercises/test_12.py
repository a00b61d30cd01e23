"""Exercises of notebook 12: what each wrong answer is told."""

import pytest
from exercises.exercise import Case, all_tests, names, verdict

from lecture_utils import practice
from lecture_utils.checks import affordable, block_count, cache
from lecture_utils.checks.verdict import NOT_YET, RIGHT

_COUNT = """
def block_parameters(config):
    d, f = config["hidden_size"], config["intermediate_size"]
    n_h, n_kv = config["num_attention_heads"], config["num_key_value_heads"]
    d_h = config.get("head_dim", {d_h})
    return {result}
"""


def count(result="2*d*n_h*d_h + 2*d*n_kv*d_h + 3*d*f + 2*d", d_h="d // n_h"):
    return _COUNT.format(result=result, d_h=d_h)


_STYLES_OF_COUNT = (
    count("d * (2 * n_h * d_h + 2 * n_kv * d_h + 3 * f + 2)"),
    count("2 * d * d_h * (n_h + n_kv) + d * (3 * f + 2)"),
    count("float(2*d*n_h*d_h + 2*d*n_kv*d_h + 3*d*f + 2*d)"),
    count("torch.tensor(2*d*n_h*d_h + 2*d*n_kv*d_h + 3*d*f + 2*d)"),
    count("sum([d*n_h*d_h, d*n_kv*d_h, d*n_kv*d_h, n_h*d_h*d, d*f, d*f, f*d, d, d])"),
    """
def block_parameters(config):
    d = config["hidden_size"]
    heads = config["num_attention_heads"]
    if "head_dim" in config:
        width = config["head_dim"]
    else:
        width = d / heads
    q = d * heads * width
    k = d * config["num_key_value_heads"] * width
    v = k
    o = q
    print(q, k, v, o)
    feed_forward = 3 * d * config["intermediate_size"]
    norms = d + d
    total = q + k + v + o + feed_forward + norms
    assert total > 0
    return total
""",
    """
import numpy as np
def block_parameters(config):
    d, f = config["hidden_size"], config["intermediate_size"]
    h = config.get("head_dim") or d // config["num_attention_heads"]
    q, k = config["num_attention_heads"] * h, config["num_key_value_heads"] * h
    shapes = np.array([[d, q], [d, k], [d, k], [q, d], [d, f], [d, f], [f, d], [1, d], [1, d]])
    return shapes.prod(1).sum()
""",
    """
def block_parameters(config, norms=2):
    def matrix(a, b):
        return a * b
    d, f = config["hidden_size"], config["intermediate_size"]
    try:
        d_h = config["head_dim"]
    except KeyError:
        d_h = d // config["num_attention_heads"]
    attention = 0
    for heads in ("num_attention_heads", "num_key_value_heads"):
        attention += 2 * matrix(d, config[heads] * d_h)
    return attention + 3 * matrix(d, f) + norms * d
""",
    """
def block_parameters(config):
    with torch.device("meta"):
        d, f = config["hidden_size"], config["intermediate_size"]
        d_h = config.get("head_dim", d // config["num_attention_heads"])
        q, k = config["num_attention_heads"] * d_h, config["num_key_value_heads"] * d_h
        linear = torch.nn.Linear
        parts = [linear(d, q, False), linear(d, k, False), linear(d, k, False), linear(q, d, False),
                 linear(d, f, False), linear(d, f, False), linear(f, d, False),
                 torch.nn.RMSNorm(d), torch.nn.RMSNorm(d)]
    return sum(p.numel() for part in parts for p in part.parameters())
""",
    """
block_parameters = lambda c: c["hidden_size"] * (2 + 3 * c["intermediate_size"] + 2 * c.get(
    "head_dim", c["hidden_size"] // c["num_attention_heads"]) * (
    c["num_attention_heads"] + c["num_key_value_heads"]))
""",
)

COUNT = Case(
    "12.1",
    styles=_STYLES_OF_COUNT,
    inputs=lambda _: [trial.given for trial in block_count._TRIALS],
    other_style="""
from lecture_utils.practice import llama_block
def block_parameters(config):
    d, heads = config["hidden_size"], config["num_attention_heads"]
    kv, f = config["num_key_value_heads"], config["intermediate_size"]
    extra = config.get("head_dim", d // heads) - d // heads
    return llama_block(d, f, heads, kv) + 2 * d * extra * (heads + kv)
""",
    wrong={
        count("2*d*n_h*d_h + 2*d*n_kv*d_h + 2*d*f + 2*d"): "three matrices: gate, up and down",
        count("2*d*n_h*d_h + 2*d*n_kv*d_h + d*f + 2*d"): "You count one",
        count("4*d*n_h*d_h + 3*d*f + 2*d"): "W_K and W_V are smaller",
        count("d*n_h*d_h + 2*d*n_kv*d_h + 3*d*f + 2*d"): "W_O, which writes into the stream",
        count("2*d*n_h*d_h + d*n_kv*d_h + 3*d*f + 2*d"): "you count one of the two",
        count("d*n_h*d_h + 3*d*n_kv*d_h + 3*d*f + 2*d"): "W_O is as large as W_Q",
        count("4*d*n_kv*d_h + 3*d*f + 2*d"): "serve all heads",
        count("2*d*n_h*d_h + 2*d*n_kv*d_h + 3*d*f"): "The two norms are missing",
        count("2*d*n_h*d_h + 2*d*n_kv*d_h + 3*d*f + d"): "you count one",
        count("2*d*n_h*d_h + 2*d*n_kv*d_h + 3*d*f + 4*d"): "no bias: d each",
        count("2*d*n_h*d_h + 2*d*n_kv*d_h + 3*d*f + 3*d"): "the last one belongs to the model",
        count("2*d*n_h*d_h + 2*d*n_kv*d_h + 2*d"): "The feed-forward is missing",
        count("3*d*f + 2*d"): "Attention is missing",
        count("12*d*d + 13*d"): "GPT-2's block",
        count("12*d*d + 2*d"): "12 d² is GPT-2's",
        count("2*d*n_h*d_h + 2*d*n_kv*d_h + 12*d*d + 2*d"): "not 4 d",
        count("2*d*n_h*d_h + 2*d*n_kv*d_h + 3*f*f + 2*d"): "no matrix is f times f",
        count("2*d*d + 2*d*d*n_kv//n_h + 3*d*f + 2*d"): "the config gives `head_dim`",
        count("2*d*d + 2*d*n_kv*d_h + 3*d*f + 2*d"): "heads times head_dim is not hidden_size",
        count("2*d*d + 2*d*n_kv + 3*d*f + 2*d"): "you leave the width out",
        count("2*d*d + 2*d*(d//n_h) + 3*d*f + 2*d"): "make n_kv keys and values",
        count("2*d*d + 2*d*d//n_kv + 3*d*f + 2*d"): "you divide d by the number of keys",
        count("2*d*d + 2*d*d*n_h//n_kv + 3*d*f + 2*d"): "The share is upside down",
        count("(2*d*n_h*d_h + 2*d*n_kv*d_h + 3*d*f + 2*d) / 1e6"): "not in millions",
        count("2 * (2*d*n_h*d_h + 2*d*n_kv*d_h + 3*d*f + 2*d)"): "bytes in bfloat16",
        count("32 * (2*d*n_h*d_h + 2*d*n_kv*d_h + 3*d*f + 2*d)"): "32",
        count("config.get('num_hidden_layers', 1) * (2*d*n_h*d_h + 2*d*n_kv*d_h + 3*d*f + 2*d)"): (
            "Count one block"
        ),
        count("218112000"): "each time",
        count("2*d*n_h*d_h + 2*d*n_kv*d_h + 3*d*f + 2*d, d"): "expected a single number",
        count().replace("    return", "    total ="): "is the `return` missing",
        count().replace('config.get("head_dim", d // n_h)', 'config["head_dim"]'): "KeyError",
    },
)

_CACHE = """
def longest_text(config, free, texts):
    layers, kv = config["num_hidden_layers"], config["num_key_value_heads"]
    heads, d = config["num_attention_heads"], config["hidden_size"]
    d_h = {d_h}
    most = config["max_position_embeddings"]
    per_token = {per_token}
    return {result}
"""


def kept(
    result="min(int(free // (texts * per_token)), most)",
    per_token="2 * 2 * layers * kv * d_h",
    d_h='config.get("head_dim", d // heads)',
):
    return _CACHE.format(result=result, per_token=per_token, d_h=d_h)


_STYLES_OF_CACHE = (
    kept("min(free // texts // per_token, most)"),
    kept("min(int(free / (texts * per_token)), most)"),
    kept("int(min(free / texts / per_token, most))"),
    kept("torch.tensor(free).double().div(texts * per_token).floor().clamp(max=most)"),
    kept("most if free >= most * texts * per_token else int(free) // (texts * per_token)"),
    kept("sorted([int(free // (texts * per_token)), most])[0]"),
    """
import math
def longest_text(config, free, texts):
    width = config["head_dim"] if "head_dim" in config else (
        config["hidden_size"] / config["num_attention_heads"])
    key = value = 2 * width * config["num_key_value_heads"]
    token = (key + value) * config["num_hidden_layers"]
    print(token, "bytes per token")
    fits = math.floor(free / token / texts)
    if fits > config["max_position_embeddings"]:
        fits = config["max_position_embeddings"]
    return fits
""",
    """
import numpy as np
def longest_text(config, free, texts):
    d_h = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    numbers = np.prod([2, config["num_hidden_layers"], config["num_key_value_heads"], d_h])
    return np.minimum(np.floor(free / (2 * numbers * texts)), config["max_position_embeddings"])
""",
    """
def longest_text(config, free, texts):
    d_h = config.get("head_dim", config["hidden_size"] // config["num_attention_heads"])
    a_token = 4 * config["num_hidden_layers"] * config["num_key_value_heads"] * d_h
    low, high = 0, config["max_position_embeddings"]
    while low < high:
        middle = (low + high + 1) // 2
        if middle * a_token * texts <= free:
            low = middle
        else:
            high = middle - 1
    return low
""",
    """
def longest_text(config, free, texts):
    d_h = config.get("head_dim", config["hidden_size"] // config["num_attention_heads"])
    block = 2 * config["num_key_value_heads"] * d_h * torch.bfloat16.itemsize
    whole, _ = divmod(free, texts * block * config["num_hidden_layers"])
    return min(whole, config["max_position_embeddings"])
""",
)

CACHE = Case(
    "12.2",
    styles=_STYLES_OF_CACHE,
    inputs=lambda _: [trial.given for trial in cache._TRIALS],
    other_style="""
longest_text = lambda config, free, texts: min(config["max_position_embeddings"], int(
    free / texts / (4 * config["num_hidden_layers"] * config["num_key_value_heads"] * config.get(
        "head_dim", config["hidden_size"] // config["num_attention_heads"]))))
""",
    wrong={
        kept("int(free // (texts * per_token))"): "no text longer than max_position",
        kept("most"): "how much of it fits",
        kept(per_token="2 * layers * kv * d_h"): "one factor 2 is missing",
        kept(per_token="layers * kv * d_h"): "both factors are missing",
        kept(per_token="2 * 4 * layers * kv * d_h"): "yours come to twice as many",
        kept(per_token="2 * 2 * kv * d_h"): "Each block has a cache",
        kept(per_token="2 * 2 * layers * d_h"): "Each of the n_kv heads",
        kept(per_token="2 * 2 * layers * heads * d_h"): "not all n_h",
        kept(per_token="2 * 2 * layers * d"): "fewer than hidden_size",
        kept(d_h="d // heads"): "`head_dim`",
        kept("min(int(free // per_token), most)"): "Each of the texts",
        kept("min(int(free * texts // per_token), most)"): "divide by their number",
        kept("min(free / (texts * per_token), most)"): "round down",
        kept("min(round(free / (texts * per_token)), most)"): "not to the nearest",
        kept("min(-int(-free // (texts * per_token)), most)"): "round down",
        kept("max(int(free // (texts * per_token)), most)"): "not the larger",
        kept("min(int(free // per_token), most) // texts"): "limit of each text",
        kept("texts * min(int(free // (texts * per_token)), most)"): "not all together",
        kept("per_token"): "how many fit",
        kept("max(1, min(int(free // (texts * per_token)), most))"): "the answer is 0",
        kept("min(int(free // (texts * per_token)), most) or None"): "is the `return` missing",
        kept("min(int(free // (texts * per_token)), most) > 0"): "True or False",
        kept("min(int(free // (texts * per_token)), 8192)"): "max_position_embeddings",
        kept("[min(int(free // (texts * per_token)), most)] * texts"): "shape",
    },
)

_PLAN = """
def plan(shape, machine, tokens, length, most_hours):
    for use in {uses}:
        method = {method}
        flops = practice.training_flops(shape, tokens, length, method)
        takes = practice.memory(shape, use, length).total[{end}]
        hours = practice.hours(flops, machine)[{hours}]
        if {fits}:
            return use
    if {reads}:
        return "inference"
    {none}
"""


def planned(
    uses='("full fine-tuning", "LoRA", "QLoRA")',
    method='"full" if use == "full fine-tuning" else "LoRA"',
    end=1,
    hours=1,
    fits="takes <= 0.9 * machine.memory and hours <= most_hours",
    reads='practice.memory(shape, "inference", length).total[1] <= 0.9 * machine.memory',
    none="return None",
):
    return _PLAN.format(
        uses=uses, method=method, end=end, hours=hours, fits=fits, reads=reads, none=none
    )


_STYLES_OF_PLAN = (
    planned(none="pass"),
    planned(uses='["full fine-tuning", "LoRA", "QLoRA"]', end="-1", hours="-1"),
    planned(fits="not (takes > 0.9 * machine.memory or hours > most_hours)"),
    planned(fits="takes / machine.memory <= 0.9 and not hours > most_hours"),
    planned(method='{"full fine-tuning": "full"}.get(use, "LoRA")'),
    planned(method='"LoRA" if "LoRA" in use else "full"'),
    """
def plan(shape, machine, tokens, length, most_hours):
    room = 0.9 * machine.memory
    full = max(practice.hours(practice.training_flops(shape, tokens, length, "full"), machine))
    lora = max(practice.hours(practice.training_flops(shape, tokens, length, "LoRA"), machine))
    hours_of = {"full fine-tuning": full, "LoRA": lora, "QLoRA": lora, "inference": 0}
    for use, hours in hours_of.items():
        low, high = practice.memory(shape, use, length).total
        if high <= room and (use == "inference" or hours <= most_hours):
            return use
""",
    """
def plan(shape, machine, tokens, length, most_hours):
    def memory_of(use):
        low, high = practice.memory(shape, use, length).total
        return high
    def hours_of(method):
        flops = practice.training_flops(shape, tokens, length, method)
        low, high = practice.hours(flops, machine)
        return high
    limit = machine.memory * 0.9
    if memory_of("full fine-tuning") <= limit and hours_of("full") <= most_hours:
        return "full fine-tuning"
    if memory_of("LoRA") <= limit and hours_of("LoRA") <= most_hours:
        return "LoRA"
    if memory_of("QLoRA") <= limit and hours_of("LoRA") <= most_hours:
        return "QLoRA"
    if memory_of("inference") <= limit:
        return "inference"
    return None
""",
    """
def plan(shape, machine, tokens, length, most_hours, share=0.2):
    speed = share * machine.peak * 3600
    def good(use):
        if practice.memory(shape, use, length).total[1] > 0.9 * machine.memory:
            return False
        if use == "inference":
            return True
        method = "full" if use.startswith("full") else "LoRA"
        return practice.training_flops(shape, tokens, length, method) / speed <= most_hours
    return next(filter(good, ("full fine-tuning", "LoRA", "QLoRA", "inference")), None)
""",
)

PLAN = Case(
    "12.3",
    styles=_STYLES_OF_PLAN,
    inputs=lambda _: list(affordable._cases()),
    outcome=lambda result, *given: str(result),
    other_style="""
def plan(shape, machine, tokens, length, most_hours):
    ways = ("full fine-tuning", "full"), ("LoRA", "LoRA"), ("QLoRA", "LoRA")
    fits = [use for use, method in ways
            if practice.memory(shape, use, length).total[1] <= 0.9 * machine.memory
            and practice.hours(practice.training_flops(shape, tokens, length, method),
                               machine)[1] <= most_hours]
    reads = practice.memory(shape, "inference", length).total[1] <= 0.9 * machine.memory
    return (fits + ["inference"] * reads + [None])[0]
""",
    wrong={
        planned(fits="takes <= 0.9 * machine.memory or hours <= most_hours"): "nine tenths",
        planned(uses='("QLoRA",)'): "turned round",
        planned().replace("            return use", "            return use\n        break"): (
            "comes first and surely fits"
        ),
        planned(end=0): "the low end of the memory",
        planned(hours=0): "the low end of the hours",
        planned(
            end=0, hours=0, reads='practice.memory(shape, "inference", length).total[0] <= '
            "0.9 * machine.memory",
        ): "the low ends",
        planned(fits="takes <= machine.memory and hours <= most_hours",
                reads='practice.memory(shape, "inference", length).total[1] <= machine.memory'
        ): "to be left free",
        planned(fits="takes <= 0.1 * machine.memory and hours <= most_hours",
                reads='practice.memory(shape, "inference", length).total[1] <= 0.1 * machine.memory'
        ): "nine tenths may be used",
        planned(method='"full"'): "LoRA and QLoRA compute less",
        planned(method='"LoRA"'): "computes more than LoRA",
        planned(fits="takes <= 0.9 * machine.memory"): "most_hours is not asked",
        planned(fits="hours <= most_hours"): "nine tenths of the memory",
        planned(reads="False"): "reading may still",
        planned(reads="True"): "return None",
        planned(uses='("QLoRA", "LoRA", "full fine-tuning")'): "turned round",
        planned(uses='("full fine-tuning", "QLoRA", "LoRA")'): "LoRA comes before QLoRA",
        planned(uses='("full fine-tuning", "LoRA")'): "QLoRA is missing",
        planned(uses='("LoRA", "QLoRA")'): "Full fine-tuning comes first",
        planned(uses="()"): "You never train",
        planned(none='return "none"'): "return None itself",
        planned(none='return "no plan"'): "Return one of",
        planned(none="return False"): "return None itself",
        planned().replace("return use", "return takes"): "the name of a use is expected",
        planned().replace("return use", "return use, hours"): "the name of a use is expected",
        planned().replace("return use", "return use.upper()"): "Return one of",
        planned().replace("return use", 'return "LoRA"'): "full fine-tuning comes first",
        planned().replace("            return use", "            return None"): "is the `return`",
        planned(method="use"): "ValueError",
    },
)  # fmt: skip

globals().update(all_tests([COUNT, CACHE, PLAN]))


def test_a_plan_of_each_kind_is_asked_for():
    wanted = [affordable._plan(*case) for case in affordable._cases()]
    assert set(wanted) == {"full fine-tuning", "LoRA", "QLoRA", "inference", None}


def test_every_slip_of_a_plan_is_a_mistake():
    wanted = [affordable._plan(*case) for case in affordable._cases()]
    for slip, message in affordable._slips():
        assert [slip(*case) for case in affordable._cases()] != wanted, message


def test_the_messages_numbers_are_those_of_the_package():
    assert practice.llama_block(4096, 14336, 32, 8) == 218_112_000
    card, llama = practice.MACHINES["RTX 4090"], practice.read_config("llama-3-8b")
    ends = [practice.memory(llama, "QLoRA", length).total[1] for length in (1024, 2048)]
    assert ends[0] <= 0.9 * card.memory < ends[1]
    assert int(4e9 // (8 * practice.kv_cache(llama, 1))) == 3814


def test_the_numbers_of_the_page_for_a_team_are_those_of_the_package():
    llama, small = (practice.read_config(name) for name in ("llama-3-8b", "qwen3-0.6b"))
    card = practice.MACHINES["RTX 4090"]

    def gigabytes(shape, use, length=2048):
        return [round(end / 1e9) for end in practice.memory(shape, use, length).total]

    def hours(tokens, method, length=2048, shape=llama):
        return practice.hours(practice.training_flops(shape, tokens, length, method), card)

    assert gigabytes(llama, "inference") == [16, 18]
    assert gigabytes(llama, "QLoRA") == [7, 30]
    assert gigabytes(llama, "QLoRA", 1024) == [7, 18]
    assert gigabytes(practice.read_config("qwen2.5-3b"), "LoRA") == [7, 25]
    assert gigabytes(llama, "full fine-tuning") == [129, 167]
    assert gigabytes(small, "full fine-tuning") == [10, 19]
    assert [round(end) for end in hours(10**7, "LoRA", 1024)] == [1, 3]
    assert max(hours(10**7, "full", shape=small)) < 1
    plain = practice.hours(4 * practice.parameters(llama).matrices * 10**7, card)[0]
    assert 1.05 < hours(10**7, "LoRA")[0] / plain < 1.15  # attention adds a tenth
    years = [end / 24 / 365 for end in hours(20 * practice.parameters(llama).total, "full")]
    assert [round(end) for end in years] == [3, 7]
    eight = practice.generation_hours(llama, card, 2000 * 300, 1800, batch=8)
    assert max(eight) < 1
    each = 2 * practice.parameters(llama).total / card.bandwidth
    assert round(1000 * each) == 16  # milliseconds for a token


def test_eight_letters_fit_if_only_the_last_tokens_have_logits():
    llama, card = practice.read_config("llama-3-8b"), practice.MACHINES["RTX 4090"]
    high = practice.memory(llama, "inference", 1800, 8).total[1]
    needless = 4 * llama.vocab_size * (8 * 1800 - 8)
    assert high - needless < 0.9 * card.memory < card.memory < high


@pytest.mark.parametrize(
    "name", [n for n in practice.samples() if n not in ("bert-base", "gpt2", "olmo-2-7b")]
)
def test_the_first_solution_counts_real_models(name):
    shape = practice.read_config(name)
    usual = shape.gated and shape.experts == 1 and shape.norms == 2 and not shape.qkv_bias
    if not usual or shape.qk_norm:
        pytest.skip("not of Llama's kind")
    config = {
        "hidden_size": shape.dim,
        "intermediate_size": shape.hidden_dim,
        "num_attention_heads": shape.num_heads,
        "num_key_value_heads": shape.num_kv_heads,
        "head_dim": shape.head_dim,
    }
    answer = names("12.1", COUNT.styles[0])["block_parameters"]
    count = practice.parameters(shape)
    assert answer(config) * shape.depth == count.total - count.embedding - count.head - shape.dim


def test_a_number_for_a_plan_is_told():
    found = verdict("12.3", planned().replace("return use", "return 3"))
    assert found.status == NOT_YET
    assert verdict("12.3", planned()).status == RIGHT
