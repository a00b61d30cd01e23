"""Texts, trainings and their curve: bad input by the hundred gets a clear refusal."""

import copy
import os

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from properties.bad import named, refusal
from torch import nn

from lecture_utils.language import (
    LiveCurve,
    Settings,
    Text,
    batch_at,
    bigram_entropy,
    pretrain,
    read_text,
    schedule,
    unigram_entropy,
    validation_loss,
    windows,
)
from lecture_utils.models import GPT, GPTConfig

DATA = read_text("to be or not to be; " * 12)
SIZES = {"vocab_size": len(DATA.letters), "context": 8, "dim": 8, "num_heads": 2, "depth": 1}
NAN, INF = float("nan"), float("inf")
ROW = DATA.train

no_number = st.one_of(
    st.none(), st.text(max_size=3), st.booleans(), st.complex_numbers(), st.binary(max_size=2),
    st.lists(st.floats(), max_size=2), st.fractions(), st.just(np.ones(2)), st.just(NAN),
    st.just(torch.ones(2)), st.just(INF), st.just(-INF), st.decimals(),
)  # fmt: skip
no_whole = st.one_of(no_number, st.floats())
no_count = st.one_of(no_whole, st.integers(max_value=0), st.integers(min_value=10**9 + 1))
no_scale = st.one_of(no_number, st.floats(max_value=-1e-300), st.just(10**400))
no_seed = st.one_of(no_whole, st.integers(max_value=-(2**63) - 1), st.integers(min_value=2**64))
no_text = st.one_of(
    no_number.filter(lambda value: not isinstance(value, str)), st.integers(), st.just("")
)
NO_ROW = [
    None, "abc", 3, [1, 2, 3], np.arange(9), torch.arange(9.0), torch.arange(9).view(3, 3),
    torch.tensor(3), torch.tensor([3]), torch.tensor([], dtype=torch.int64), torch.ones(9) > 0,
    torch.tensor([1, -1, 2]), torch.arange(9, device="meta"), torch.arange(9).to_sparse(),
    torch.arange(9, dtype=torch.int32), torch.ones(9) * 1j, nn.Parameter(torch.ones(9)),
]  # fmt: skip
no_row = st.sampled_from(NO_ROW)


def net(**sizes):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return GPT(GPTConfig(**SIZES | sizes))


def refused_whole(call, model):
    """The refusal, after which weights, modes and random state are as before."""
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    modes = [part.training for part in model.modules()]
    said = refusal(call)
    assert modes == [part.training for part in model.modules()]
    assert torch.equal(torch.get_rng_state(), state)
    for name, weight in model.state_dict().items():
        assert weight.is_meta or torch.equal(weight, before[name])
    return said


# --- texts ---


@given(st.one_of(no_text, st.sampled_from(["a", "aaaa", "ab", "abc"])))
def test_no_text_is_refused(text):
    refusal(lambda: read_text(text))


@given(st.one_of(no_number, st.floats(max_value=0), st.floats(min_value=1), st.just(1e-9)))
def test_no_share_is_refused(share):
    refusal(lambda: read_text("to be or not", share))


@given(st.text(min_size=1, max_size=60), st.floats(0.01, 0.99))
def test_a_text_is_read_back_or_refused(text, held_out):
    if len(set(text)) < 2 or not 2 <= round(len(text) * (1 - held_out)) <= len(text) - 2:
        refusal(lambda: read_text(text, held_out))
    else:
        read = read_text(text, held_out)
        assert read.decode(torch.cat([read.train, read.validation])) == text


@given(st.one_of(no_text, st.text(alphabet="XYZ\U0001f600\ud800", min_size=1)))
def test_a_prompt_with_unknown_characters_is_refused(prompt):
    refusal(lambda: DATA.encode(prompt))


NO_TOKENS = [
    None, "abc", 3, 1.5, b"ab", {1: 2}, {1, 2}, [0.5], [1, None], [True, False], [[1, 2]], [-1],
    [len(DATA.letters)], [10**30], [NAN], torch.tensor([0.0]), torch.tensor([[1, 2]]),
    torch.tensor(3), torch.ones(3) > 0, torch.arange(3, device="meta"), torch.arange(99),
    torch.arange(3).to_sparse(), nn.Linear(1, 1), iter([1]),
]  # fmt: skip


@pytest.mark.parametrize("tokens", NO_TOKENS, ids=named)
def test_no_tokens_are_refused(tokens):
    refusal(lambda: DATA.decode(tokens))


@pytest.mark.parametrize("row", NO_ROW, ids=named)
@pytest.mark.parametrize(
    "call",
    [
        lambda row: Text(DATA.letters, row, ROW),
        lambda row: Text(DATA.letters, ROW, row),
        lambda row: batch_at(1, row, 2, 4),
        lambda row: windows(row, 4),
        unigram_entropy,
        bigram_entropy,
    ],
    ids=["train", "validation", "batch_at", "windows", "unigram", "bigram"],
)
def test_no_row_is_refused(call, row):
    refusal(lambda: call(row))


@pytest.mark.parametrize("letters", [None, 3, "", "aa", "ab", ["a", "b"]], ids=named)
def test_no_alphabet_is_refused(letters):
    refusal(lambda: Text(letters, ROW, ROW))


@given(no_count, st.sampled_from(["step", "batch_size", "context"]))
def test_impossible_batches_are_refused(size, name):
    sizes = {"step": 1, "batch_size": 2, "context": 4, name: size}
    refusal(lambda: batch_at(tokens=ROW, **sizes))
    if name != "step":
        sizes = {"context": 4, "most": 2, {"batch_size": "most"}.get(name, name): size}
        refusal(lambda: windows(ROW, **sizes))


@given(no_seed)
def test_no_seed_is_refused(seed):
    refusal(lambda: batch_at(1, ROW, 2, 4, seed))
    refusal(lambda: Settings(10, seed=seed))


def test_what_is_too_large_or_too_long_is_refused():
    refusal(lambda: batch_at(1, ROW, 10**9, 100))
    assert f"at most {len(ROW) - 1}" in refusal(lambda: batch_at(1, ROW, 2, len(ROW)))
    assert "too short" in refusal(lambda: windows(ROW, len(ROW)))


# --- settings ---


@given(no_count, st.sampled_from(["steps", "batch_size", "check_every"]))
def test_no_count_is_refused(value, name):
    refusal(lambda: Settings(**{"steps": 10, name: value}))


@given(no_scale, st.sampled_from(["warmup", "weight_decay", "lr", "clip"]))
def test_no_scale_is_refused(value, name):
    refusal(lambda: Settings(10, **{name: value}))


@pytest.mark.parametrize("name", ["lr", "clip"])
@pytest.mark.parametrize("value", [0, 0.0, -0.0])
def test_nothing_is_no_rate(name, value):
    refusal(lambda: Settings(10, **{name: value}))


@given(no_count, no_scale)
def test_no_schedule_is_refused(count, scale):
    refusal(lambda: schedule(count, 10))
    refusal(lambda: schedule(1, count))
    refusal(lambda: schedule(1, 10, scale))
    refusal(lambda: schedule(11, 10))


# --- trainings ---


class Unlike(nn.Module):
    """Is no GPT."""


def half_on_meta():
    model = net()
    model.positions = nn.Embedding(8, 8, device="meta")
    return model


def frozen():
    model = net()
    model.tokens.requires_grad_(False)
    return model


NO_MODEL = [None, "gpt", 3, GPT, [], nn.Linear(2, 2), Unlike(), net(vocab_size=99), net(context=99),
            net().to("meta"), half_on_meta()]  # fmt: skip


@pytest.mark.parametrize("model", NO_MODEL, ids=range(len(NO_MODEL)))
def test_no_model_is_refused(model):
    refusal(lambda: pretrain(model, DATA, 5, progress=False))
    refusal(lambda: validation_loss(model, DATA))


@given(st.one_of(no_text, st.just("to be or not to be"), no_row))
def test_no_text_is_trained_on(text):
    model = net()
    refused_whole(lambda: pretrain(model, text, 5), model)
    refused_whole(lambda: validation_loss(model, text), model)


def test_what_cannot_be_trained_is_refused():
    model, text = net(), read_text("to be or not to be; " * 3, 0.1)
    said = refused_whole(lambda: pretrain(model, text, 5), model)
    assert "text.validation has 6 tokens" in said
    assert "context=5" in said
    said = refused_whole(lambda: pretrain(model, read_text("to be or not to be; " * 3, 0.9), 5),
                         model)  # fmt: skip
    assert "text.train has 6 tokens" in said
    model = frozen()
    assert "tokens.weight is frozen" in refused_whole(lambda: pretrain(model, DATA, 5), model)
    assert "another" in refused_whole(lambda: pretrain(model, DATA, 5, another=1), model)


BAD = {
    "steps: 0": {"steps": 0},
    "steps: a word": {"steps": "many"},
    "steps: a fraction": {"steps": 1.5},
    "watch: a word": {"watch": "curve"},
    "watch: 0": {"watch": 0},
    "progress: a word": {"progress": "no"},
    "progress: None": {"progress": None},
    "batch_size: too many": {"batch_size": 10**9},
    "batch_size: 0": {"batch_size": 0},
    "lr: several": {"lr": [0.1, 0.2]},
    "seed: a word": {"seed": "lucky"},
    "checkpoint: a number": {"checkpoint": 3},
    "checkpoint: bytes": {"checkpoint": b"run.safetensors"},
    "checkpoint: empty": {"checkpoint": ""},
    "checkpoint: a NUL": {"checkpoint": "a\0.safetensors"},
    "checkpoint: another ending": {"checkpoint": "run.pt"},
    "checkpoint: no folder": {"checkpoint": "nowhere/run.safetensors"},
    "checkpoint: a file as its folder": {"checkpoint": "file.txt/run.safetensors"},
    "checkpoint: a folder": {"checkpoint": "folder.safetensors"},
    "checkpoint: a pipe": {"checkpoint": "pipe.safetensors"},
    "checkpoint: no training": {"checkpoint": "text.safetensors"},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_no_training_is_refused_whole(bad, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.safetensors").mkdir()
    (tmp_path / "file.txt").write_text("x")
    (tmp_path / "text.safetensors").write_text("x")
    os.mkfifo(tmp_path / "pipe.safetensors")
    names, model = sorted(os.listdir()), net()
    asked = {"steps": 5, "progress": False} | bad
    refused_whole(lambda: pretrain(model, DATA, **asked), model)
    assert sorted(os.listdir()) == names


@given(no_count)
def test_no_number_of_pieces_is_refused(pieces):
    model = net()
    refused_whole(lambda: validation_loss(model, DATA, pieces), model)


# --- the curve ---


@given(no_count, no_scale, no_text, st.sampled_from(["no colour", 3, None, (2, 0, 0)]))
def test_no_curve_is_refused(count, scale, text, color):
    refusal(lambda: LiveCurve(count, 3.0))
    refusal(lambda: LiveCurve(9, scale))
    refusal(lambda: LiveCurve(9, 3.0, text))
    live = LiveCurve(9, 3.0)
    refusal(lambda: live.of(text, "C0"))
    refusal(lambda: live.of("net", color))
    refusal(lambda: live.of("net", "C0", "wavy"))
