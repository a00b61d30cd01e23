"""The scorecard of notebook 11: equal parts for all designs, and numbers that can be had again."""

import math
import tomllib
from pathlib import Path

import pytest
import torch
from torch.nn.functional import layer_norm

from lecture_utils.language import read_text, validation_loss
from lecture_utils.models import GPTConfig
from lecture_utils.models.designs import Design, ReZero
from lecture_utils.scorecard import (
    CHANGES,
    ROWS,
    DesignGPT,
    after_training,
    along,
    at_start,
    branches,
    measure,
    net,
    over_seeds,
    random_texts,
    saved,
)

# written by benchmarks/scorecard.py; the rows that were measured on this machine
TEXT = read_text("to be or not to be; " * 40)
CHANGE_STARTS = {"DeepNorm", "Fixup", "small start (GPT-2)"}
designs = pytest.mark.parametrize("name", ROWS)


# --- the net ---


@designs
def test_the_same_seed_gives_the_same_branches_and_tables(name):
    base, other = net(Design, 11, depth=2), net(ROWS[name].design, 11, depth=2)
    pairs = [(base.tokens, other.tokens), (base.positions, other.positions)]
    if name not in CHANGE_STARTS:
        pairs.append((base.blocks.branches, other.blocks.branches))
    for one, two in pairs:
        for p, q in zip(one.parameters(), two.parameters(), strict=True):
            assert torch.equal(p, q)
    again = net(ROWS[name].design, 11, depth=2)
    for p, q in zip(other.parameters(), again.parameters(), strict=True):
        assert torch.equal(p, q)
    third = net(ROWS[name].design, 11, depth=2, seed=1)
    assert not torch.equal(third.tokens.weight, other.tokens.weight)


def test_the_callers_random_state_stays():
    torch.manual_seed(4)
    state = torch.get_rng_state()
    net(Design, 11)
    at_start(ReZero, depth=2)
    along(Design, 2)
    random_texts(3)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("dim", [16, 32, 64])
def test_branches_start_with_matrices_that_keep_a_length(dim):
    torch.manual_seed(0)
    made = branches(GPTConfig(11, 8, dim, 4, 6))
    assert len(made) == 12
    for branch in made:
        for p in branch.parameters():
            if p.dim() == 1:
                assert not p.any()
            else:
                assert p.std().item() == pytest.approx(p.shape[1] ** -0.5, rel=0.1)
                assert abs(p.mean().item()) < 5 * p.std().item() / math.sqrt(p.numel())


def test_the_embedding_has_variance_1():
    entries = torch.cat(
        [net(Design, 100, depth=1, seed=s).embed(random_texts(s)).flatten() for s in range(20)]
    )
    assert entries.var().item() == pytest.approx(1, abs=0.03)
    assert abs(entries.mean().item()) < 0.03


def test_the_net_is_its_formula():
    model, tokens = net(Design, 100, depth=2), random_texts()
    x = (model.tokens.weight[tokens] + model.positions.weight) * math.sqrt(16)
    torch.testing.assert_close(model.embed(tokens), x)
    for norm, branch in zip(model.blocks.norms, model.blocks.branches, strict=True):
        x = x + branch(norm(x))
    logits = layer_norm(x, (32,)) @ model.tokens.weight.T
    torch.testing.assert_close(model(tokens), logits, rtol=1e-4, atol=1e-4)


def test_random_texts_are_drawn_anew_for_each_seed():
    assert random_texts().shape == (8, 32)
    assert torch.equal(random_texts(3), random_texts(3))
    assert not torch.equal(random_texts(3), random_texts(4))
    assert (random_texts(0, 4000).min(), random_texts(0, 4000).max()) == (0, 99)


# --- what is measured ---


def by_hand(seed, depth):
    """The three numbers of pre-norm, computed in another way."""
    model = net(Design, 100, depth=depth, seed=seed).double()
    x = model.embed(random_texts(seed)).detach()
    g = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed)).double()
    parts = list(zip(model.blocks.norms, model.blocks.branches, strict=True))

    def stack(x, without=()):
        for i, (norm, branch) in enumerate(parts):
            x = x if i in without else x + branch(norm(x))
        return x

    _, back = torch.autograd.functional.vjp(stack, x, g)
    middle = depth // 2
    with torch.no_grad():
        whole = layer_norm(stack(x), (32,))
        other = layer_norm(stack(x, (2 * middle, 2 * middle + 1)), (32,))
        length = stack(x).norm() / x.norm()
    return {
        "length": length.item(),
        "gradient": (back.norm() / g.norm()).item(),
        "middle": ((whole - other).norm() / whole.norm()).item(),
    }


@pytest.mark.parametrize(("seed", "depth"), [(0, 12), (3, 5), (1, 1)])
def test_the_numbers_at_the_start_are_those_computed_by_hand(seed, depth):
    assert at_start(Design, seed, depth=depth) == pytest.approx(by_hand(seed, depth), rel=1e-3)


def test_the_identity_has_the_numbers_of_the_identity():
    assert at_start(ReZero) == {"length": 1.0, "gradient": 1.0, "middle": 0.0}


@designs
def test_along_begins_at_1_and_ends_where_at_start_does(name):
    lengths, gradient = along(ROWS[name].design, 4)
    found = at_start(ROWS[name].design, depth=4)
    assert lengths.shape == (5,)
    first = 4 if name in ("hyper-connections", "mHC") else 1  # the sum of four copies
    assert lengths[0].item() == pytest.approx(first, rel=1e-4)
    assert lengths[-1].item() == pytest.approx(found["length"], rel=1e-4)
    assert gradient == pytest.approx(found["gradient"], rel=1e-3)


def test_along_multiplies_the_branches_matrices():
    weak, strong = along(Design, 4, 0.0)[0], along(Design, 4, 2.0)[0]
    torch.testing.assert_close(weak, torch.ones(5))
    assert strong[-1] > 2 * along(Design, 4)[0][-1]


@designs
def test_silenced_changes_the_middle_block_and_gives_it_back(name):
    torch.manual_seed(0)
    model = net(ROWS[name].design, 11, depth=3, context=8).eval()
    with torch.no_grad():
        for p in model.parameters():
            p += 0.1 * torch.randn_like(p)
    tokens = torch.arange(8)[None]
    middle = model.blocks.branches[2:4]
    whole = model(tokens)
    with measure.Silenced(model):
        assert not torch.allclose(model(tokens), whole)
        assert not middle[1](torch.ones(1, 2, 32)).any()
        assert not middle[0](torch.ones(1, 2, 32)).any()
        assert model.blocks.branches[0](torch.ones(1, 2, 32)).any()
        assert model.blocks.branches[4](torch.ones(1, 2, 32)).any()
    assert torch.equal(model(tokens), whole)
    with pytest.raises(KeyError), measure.Silenced(model):
        raise KeyError
    assert torch.equal(model(tokens), whole)


def test_training_lowers_the_loss_and_is_the_same_each_time():
    found = after_training(Design, TEXT, 0, steps=30, depth=2)
    assert found == after_training(Design, TEXT, 0, steps=30, depth=2)
    assert found != after_training(Design, TEXT, 1, steps=30, depth=2)
    fresh = validation_loss(net(Design, len(TEXT.letters), depth=2), TEXT)
    assert found["loss"] < fresh - 0.5
    assert found["without middle"] != found["loss"]


@pytest.mark.parametrize("name", ["pre-norm", "ReZero", "mHC", "hyper-connections"])
def test_what_diverges_is_nan(name):
    found = after_training(ROWS[name].design, TEXT, 0, steps=20, lr=1e4, depth=2)
    assert found.keys() == set(measure.AFTER)
    assert all(math.isnan(value) for value in found.values())


def test_over_seeds_collects_by_name():
    found = over_seeds(lambda seed: {"a": seed, "b": -seed}, range(3))
    assert found == {"a": [0, 1, 2], "b": [0, -1, -2]}
    assert over_seeds(lambda seed: {"a": seed}, iter([5])) == {"a": [5]}


# --- rows, and what is stored ---


def test_every_design_has_one_row():
    kinds = [row.design for row in ROWS.values()]
    assert len(set(kinds)) == len(kinds) == 21
    assert ROWS["pre-norm"].changes == ""
    assert {row.changes for row in ROWS.values()} == {"", *CHANGES}
    assert all(2015 <= row.year <= 2026 for row in ROWS.values())
    assert all(isinstance(net(kind, 11, depth=1), DesignGPT) for kind in kinds)


def test_what_was_not_measured_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"benchmarks/scorecard\.py"):
        saved.stored(tmp_path / "nothing.json")


def test_the_stored_scorecard_is_whole():
    found = saved.stored()
    assert {"machine", "date", "text", "steps", "rate", "depth", "dim"} <= found.keys()
    assert (found["steps"], found["rate"]) == (measure.STEPS, measure.RATE)
    assert list(found["rows"]) == list(ROWS)
    for name, row in found["rows"].items():
        assert row.keys() == {*measure.AT_START, *measure.AFTER, "loss, fast"}, name
        assert all(len(row[key]) == 20 for key in measure.AT_START)
        assert all(len(row[key]) >= 10 for key in measure.AFTER)
        for key, values in row.items():
            trained = key not in measure.AT_START
            assert all(trained if v is None else math.isfinite(v) for v in values), (name, key)


@designs
def test_the_stored_numbers_at_the_start_are_measured_again(name):
    row = saved.stored()["rows"][name]
    for seed in (0, 7):
        for key, value in at_start(ROWS[name].design, seed).items():
            assert value == pytest.approx(row[key][seed], rel=1e-3, abs=1e-6), key


def test_the_stored_scorecard_is_shipped():
    root = Path(__file__).parents[1]
    declared = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert "scorecard/*.json" in declared["package-data"]["lecture_utils"]
    assert saved.STORED.relative_to(root).as_posix() == "lecture_utils/scorecard/results.json"
