"""The GPT: shapes, parameters, wiring, sampling, and what bad input is told."""

import math
from dataclasses import replace

import pytest
import torch

from lecture_utils.models import GPT, PLACEMENTS, GPTConfig

SMALL = GPTConfig(vocab_size=11, context=8, dim=16, num_heads=4, depth=3)
each_wiring = pytest.mark.parametrize(
    "config",
    [replace(SMALL, norm=norm, use_shortcut=use) for norm in PLACEMENTS for use in (True, False)],
    ids=lambda config: f"{config.norm}-{config.use_shortcut}",
)


def gpt(config=SMALL, seed=0):
    torch.manual_seed(seed)
    return GPT(config).eval()


def tokens(batch=2, time=8, seed=0):
    return torch.randint(11, (batch, time), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("sizes", "parameters"),
    [
        ({}, 124_439_808),
        ({"dim": 1024, "num_heads": 16, "depth": 24}, 354_823_168),
        ({"dim": 1280, "num_heads": 20, "depth": 36}, 774_030_080),
        ({"dim": 1600, "num_heads": 25, "depth": 48}, 1_557_611_200),
    ],
)
def test_gpt2s_four_sizes_to_the_unit(sizes, parameters):
    with torch.device("meta"):
        assert sum(p.numel() for p in GPT(GPTConfig(**sizes)).parameters()) == parameters


@each_wiring
def test_logits_are_causal_and_samples_independent(config):
    model, ids = gpt(config), tokens()
    logits = model(ids)
    assert logits.shape == (2, 8, 11)
    changed = ids.clone()
    changed[0, 5] = (ids[0, 5] + 1) % 11
    after = model(changed)
    assert torch.equal(after[1], logits[1])
    torch.testing.assert_close(after[0, :5], logits[0, :5], rtol=0, atol=1e-6)
    assert not torch.equal(after[0, 5:], logits[0, 5:])


def test_twins_have_the_same_weights():
    one, other = gpt(), gpt(replace(SMALL, use_shortcut=False))
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_stream_of_pre_norm_is_the_sum_of_all_updates():
    model, ids = gpt(), tokens()
    states = model.stream(ids)
    assert len(states) == 4
    total = states[0]
    for block, x in zip(model.blocks, states[:-1], strict=True):
        middle = block.attention(x)
        total = total + block.attention.update(x) + block.feed_forward.update(middle)
    torch.testing.assert_close(total, states[-1])
    expected = model.final_norm(states[-1]) @ model.tokens.weight.T
    assert torch.equal(model(ids), expected)


def test_starting_weights():
    model = gpt(GPTConfig(200, 8, 256, 4, 8))
    for name, parameter in model.named_parameters():
        expected = 0.02
        if name.endswith(("branch.out.weight", "contract.weight")):
            expected /= math.sqrt(16)
        elif name.endswith("bias"):
            expected = 0.0
        if parameter.dim() == 2:
            assert parameter.std().item() == pytest.approx(expected, rel=0.05), name
        elif name.endswith("bias"):
            assert not parameter.any(), name
        else:
            assert (parameter == 1).all(), name


def test_generate_continues_within_the_context():
    model, start = gpt(), tokens(2, 3)
    found = model.generate(start, 10)
    assert found.shape == (2, 13)
    assert torch.equal(found[:, :3], start)
    assert torch.equal(found, model.generate(start, 10))
    assert not torch.equal(found, model.generate(start, 10, seed=1))
    state = torch.get_rng_state()
    model.generate(start, 2)
    assert torch.equal(torch.get_rng_state(), state)


def test_generate_without_temperature_takes_the_likeliest():
    model, start = gpt(), tokens(2, 8)
    found = model.generate(start, 2, temperature=0)
    assert torch.equal(found[:, 8], model(start)[:, -1].argmax(-1))
    assert torch.equal(found[:, 9], model(found[:, 1:9])[:, -1].argmax(-1))
    cold, hot = (model.generate(start, 1, temperature=t) for t in (1e-4, 1e6))
    assert torch.equal(cold, found[:, :9])
    assert (
        len(torch.cat([model.generate(start, 1, 1e6, seed=k)[:, -1] for k in range(20)]).unique())
        > 5
    )
    assert hot.shape == (2, 9)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"dim": 10}, "dim 10 cannot be shared evenly by 4 heads; num_heads must be one of 1, 2"),
        ({"depth": 0}, "depth must be a positive whole number; got 0"),
        ({"vocab_size": -1}, "vocab_size"),
        ({"context": 2.5}, "context"),
        ({"num_heads": 0}, "num_heads"),
        ({"dropout": 1.5}, "dropout must be from 0 to below 1; got 1.5"),
        ({"norm": "middle"}, "unknown norm 'middle'; choose one of 'post', 'pre', 'sandwich'"),
    ],
)
def test_bad_config(change, says):
    with pytest.raises(ValueError, match=says):
        replace(SMALL, **change)


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        (tokens(1, 9), "a sequence of 9 tokens is longer than the context of 8; keep the last 8"),
        (tokens() + 1, "token ids must be from 0 to 10; got ids from 1 to 11"),
        (tokens() - 1, "got ids from -1 to"),
        (tokens()[0], r"shape \(batch, time\).* got \(8,\)"),
        (tokens().float(), "whole numbers .int64.; got a tensor of torch.float32"),
        (torch.empty(2, 0, dtype=torch.int64), "at least one token"),
        ([[1, 2]], "got list"),
    ],
)
def test_bad_tokens(ids, says):
    with pytest.raises(ValueError, match=says):
        gpt()(ids)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"steps": 0}, "steps must be a positive"),
        ({"steps": 3, "temperature": -1}, "temperature must be a finite number, zero or more"),
        ({"steps": 3, "temperature": float("nan")}, "temperature"),
    ],
)
def test_bad_sampling(options, says):
    with pytest.raises(ValueError, match=says):
        gpt().generate(tokens(), **options)
