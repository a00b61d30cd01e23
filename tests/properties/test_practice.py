"""Configs and costs: hostile input by the hundred is refused by name, and costs grow with size."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from properties.bad import refusal

from lecture_utils.practice import (
    MACHINES,
    USES,
    Machine,
    Shape,
    Wiring,
    activations,
    adapters,
    generation_hours,
    gpt2_block,
    hours,
    inference_flops,
    kv_cache,
    llama_block,
    memory,
    parameters,
    read_config,
    report,
    training_flops,
)
from lecture_utils.practice.families import FAMILIES

SIZES = {"dim": 48, "depth": 3, "num_heads": 6, "hidden_dim": 80, "vocab_size": 96, "context": 64}
EXPERTS = {"num_experts": 5, "num_local_experts": 5, "num_experts_per_tok": 2,
           "moe_intermediate_size": 56, "shared_expert_intermediate_size": 40}  # fmt: skip
NAN, INF = float("nan"), float("inf")


def config(kind):
    """A small config of a family, with all that must be given."""
    family = FAMILIES[kind]
    found = {"model_type": kind} | {key: SIZES[name] for name, key in family.keys.items()}
    found |= {"num_key_value_heads": 2} if family.kv_heads else {}
    found |= {"type_vocab_size": 2} if family.encoder else {}
    asked = {*(family.experts or ()), family.shared} & EXPERTS.keys()
    return found | {key: EXPERTS[key] for key in asked}


kinds = st.sampled_from(sorted(FAMILIES))
SHAPE = read_config(config("llama"))
MACHINE = MACHINES["RTX 4090"]

no_number = st.one_of(
    st.text(max_size=3), st.booleans(), st.complex_numbers(), st.binary(max_size=2),
    st.lists(st.integers(), max_size=2), st.fractions(), st.just(np.ones(2)), st.just(NAN),
    st.just(torch.ones(2)), st.just(INF), st.just(-INF), st.decimals(), st.just({"size": 4}),
)  # fmt: skip
no_size = st.one_of(
    no_number, st.floats(), st.integers(max_value=0), st.integers(min_value=10**9 + 1),
    st.just(10**5000),
)  # fmt: skip
no_flag = st.one_of(st.text(max_size=3), st.integers(), st.floats(), st.lists(st.booleans()),
                    st.just(np.ones(2)))  # fmt: skip
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


def sizes_of(kind):
    return sorted(config(kind).keys() - {"model_type"})


# --- configs ---


@given(kinds, st.data(), no_size)
def test_no_size_is_refused_by_its_name(kind, data, value):
    key = data.draw(st.sampled_from(sizes_of(kind)))
    assert key in refusal(lambda: read_config(config(kind) | {key: value}))


@given(kinds, st.data(), no_flag)
def test_no_flag_is_refused_by_its_name(kind, data, value):
    family = FAMILIES[kind]
    asked = {family.qkv_bias, family.mlp_bias, family.parallel, "tie_word_embeddings"}
    key = data.draw(st.sampled_from(sorted(key for key in asked if isinstance(key, str))))
    assert key in refusal(lambda: read_config(config(kind) | {key: value}))


@given(kinds, st.text(min_size=1, max_size=20), values)
def test_an_unknown_field_is_refused_by_its_name(kind, key, value):
    said = refusal(lambda: read_config(config(kind) | {f"x_{key}": value}))
    assert repr(f"x_{key}")[:60] in said


@given(st.dictionaries(st.text(max_size=8) | st.integers(), values, max_size=5))
def test_no_config_is_refused(found):
    refusal(lambda: read_config(found))


@given(values.filter(lambda value: value not in FAMILIES if isinstance(value, str) else True))
def test_no_model_type_is_refused_by_its_name(value):
    assert "model_type" in refusal(lambda: read_config(config("llama") | {"model_type": value}))


KEYS = ["hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim", "sliding_window",
        "layer_types", "rope_scaling", "architectures", "attention_bias", "tie_word_embeddings",
        "use_sliding_window", "max_window_layers", "sliding_window_pattern", "n_inner", "dtype",
        "quantization_config", "residual_multiplier", "mlp_only_layers", "is_decoder"]  # fmt: skip


@given(kinds, st.dictionaries(st.sampled_from(KEYS), values, min_size=1, max_size=3))
@example("gemma3_text", {"sliding_window_pattern": 1, "sliding_window": 4})
@example("qwen2", {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 99})
def test_a_field_of_any_value_is_understood_or_refused_by_name(kind, given):
    found = config(kind) | given
    try:
        shape = read_config(found)
    except ValueError:
        said = refusal(lambda: read_config(found))
        assert any(key in said for key in [*given, "max_window_layers"])
    else:
        assert parameters(shape).total >= parameters(shape).active > 0


@given(kinds, st.dictionaries(st.sampled_from(KEYS), values, max_size=2))
def test_a_file_is_read_as_its_dictionary(tmp_path_factory, kind, given):
    file = tmp_path_factory.mktemp("config") / "config.json"
    file.write_text(json.dumps(config(kind) | given))
    try:
        shape = read_config(json.loads(file.read_text()))
    except ValueError:
        assert str(file) in refusal(lambda: read_config(file))
    else:
        assert replace(read_config(file), name="a model") == shape


@given(st.binary(max_size=40))
def test_no_file_is_refused_by_its_name(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("config") / "config.json"
    file.write_bytes(content)
    assert str(file) in refusal(lambda: read_config(file.parent))


# --- costs ---


@given(kinds, st.sampled_from(["dim", "depth", "num_heads", "hidden_dim", "vocab_size"]))
def test_costs_grow_with_each_size(kind, name):
    shape = read_config(config(kind))
    larger = replace(shape, **{name: 2 * getattr(shape, name)})
    for found in (
        parameters(larger).total - parameters(shape).total,
        parameters(larger).matrices - parameters(shape).matrices,
        training_flops(larger, 100, 64) - training_flops(shape, 100, 64),
        *(memory(larger, use, 64).total[1] - memory(shape, use, 64).total[1] for use in USES),
    ):
        assert found > 0


@given(kinds, st.integers(1, 64), st.integers(1, 64), st.integers(1, 100), st.integers(1, 100))
def test_costs_grow_with_text_batch_and_rank(kind, length, longer, batch, more):
    shape = read_config(config(kind))
    longer, more = max(length, longer), max(batch, more)
    assert kv_cache(shape, longer, more) >= kv_cache(shape, length, batch)
    assert training_flops(shape, more, longer) >= training_flops(shape, batch, length)
    assert inference_flops(shape, more, longer, causal=True) <= inference_flops(shape, more, longer)
    assert adapters(shape, more) >= adapters(shape, batch)
    for flash in (True, False):
        assert activations(shape, longer, more, flash) >= activations(shape, length, batch, flash)
        kept = activations(shape, length, batch, flash)
        assert activations(shape, length, batch, flash, recompute=True) <= kept
    for use in USES:
        low, high = memory(shape, use, length, batch).total
        assert 0 < low <= high <= memory(shape, use, longer, more).total[1]


@given(st.floats(0, 1e30), st.floats(0.01, 1), st.floats(0.01, 1))
def test_hours_are_a_range(flops, one, other):
    low, high = hours(flops, MACHINE, (min(one, other), max(one, other)))
    assert 0 <= low <= high


CALLS = {
    "length": lambda value: memory(SHAPE, "LoRA", value),
    "batch": lambda value: memory(SHAPE, "LoRA", 8, value),
    "rank": lambda value: memory(SHAPE, "inference", 8, rank=value),
    "tokens": lambda value: training_flops(SHAPE, value, 8),
    "dim": gpt2_block,
    "hidden_dim": lambda value: llama_block(8, value, 2, 2),
    "num_heads": lambda value: llama_block(8, 8, value, 2),
    "num_kv_heads": lambda value: llama_block(8, 8, 2, value),
}
no_count = st.one_of(
    no_number, st.none(), st.floats(), st.integers(max_value=0), st.integers(min_value=10**15 + 1)
)


@given(st.sampled_from(sorted(CALLS)), no_count)
def test_no_count_is_refused_by_its_name(name, value):
    assert name in refusal(lambda: CALLS[name](value))


@given(no_count)
def test_no_count_of_a_report_is_refused(value):
    for name in ("length", "batch", "tokens", "rank"):
        if value is not None or name != "length":
            assert name in refusal(lambda name=name: report("gpt2", MACHINE, **{name: value}))


no_scale = st.one_of(no_number, st.none(), st.floats(max_value=0), st.just(10**400))


@given(no_scale)
def test_no_machine_is_refused(value):
    assert "memory" in refusal(lambda: Machine("m", value, 1))
    assert "peak" in refusal(lambda: Machine("m", 1, value))
    if value is not None:
        assert "bandwidth" in refusal(lambda: Machine("m", 1, 1, value))
    refusal(lambda: report("gpt2", value))
    refusal(lambda: generation_hours(SHAPE, value, 1, 1))
    refusal(lambda: hours(1, MACHINE, value))
    refusal(lambda: hours(1, MACHINE, (value, 0.5)))


@pytest.mark.parametrize("shape", [None, "gpt2", {}, 3, Shape])
def test_no_shape_is_refused(shape):
    for call in (
        lambda: parameters(shape),
        lambda: adapters(shape),
        lambda: training_flops(shape, 1, 1),
        lambda: inference_flops(shape, 1, 1),
        lambda: memory(shape, "LoRA", 1),
        lambda: kv_cache(shape, 1),
        lambda: activations(shape, 1),
    ):
        assert "shape" in refusal(call)


@given(st.sampled_from([field.name for field in fields(Shape)]), no_size)
def test_no_field_of_a_shape_is_refused_by_its_name(name, value):
    kind = type(getattr(SHAPE, name))
    if kind is not int and isinstance(value, kind) and (kind is bool or value):
        value = None  # a name may be any text, a flag any bool
    elif name in ("qk_norm", "positions", "shared_dim", "windowed") and type(value) is int:
        value = -1 if value == 0 else value
    elif name == "window" and value is None:
        value = 0
    assert name in refusal(lambda: replace(SHAPE, **{name: value}))


@given(no_flag, st.one_of(no_number, st.none()))
def test_no_choice_is_refused_by_its_name(flag, value):
    assert "use" in refusal(lambda: memory(SHAPE, value, 1))
    assert "method" in refusal(lambda: training_flops(SHAPE, 1, 1, value))
    assert "placement" in refusal(lambda: Wiring(value, "RMSNorm"))
    assert "norm" in refusal(lambda: Wiring("pre-norm", value))
    assert "flash" in refusal(lambda: memory(SHAPE, "LoRA", 1, flash=flag))
    assert "recompute" in refusal(lambda: activations(SHAPE, 1, recompute=flag))
    assert "causal" in refusal(lambda: training_flops(SHAPE, 1, 1, causal=flag))
