"""The speedrun: its net line by line, Muon, what it starts with, and what a reader is told."""

import json
import math
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import gelu, layer_norm, softmax

from lecture_utils.language.text import fingerprint, read_text
from lecture_utils.speedrun import BEST, KNOWN, Muon, Recipe, SpeedrunGPT, differences, orthogonal
from lecture_utils.speedrun import race as races
from lecture_utils.speedrun.training import Training, shuffled_batch_at

V = 11
TEXT = read_text("".join(f"{n} times {n} is {n * n}; " for n in range(400)))
every = pytest.mark.parametrize(
    "recipe",
    [KNOWN, BEST, replace(BEST, earlier="number", parallel=False, qk_norm=True, soft_cap=15.0)],
    ids=["known", "best", "number"],
)


def net(recipe, seed=0):
    """A net whose weights are all awake, whatever its start."""
    torch.manual_seed(seed)
    model = SpeedrunGPT(V, recipe)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return model


def ids(batch=2, time=9):
    return torch.randint(V, (batch, time), generator=torch.Generator().manual_seed(1))


def attention(q, k, v):
    """One head of one sequence, (time, head_dim) each, written out."""
    scores = q @ k.T / math.sqrt(q.shape[-1])
    return softmax(scores + torch.full_like(scores, -math.inf).triu(1), -1) @ v


def heads(h, qkv, turn=lambda x: x, values=None):
    """All heads of one sequence, head after head."""
    q, k, v = (h @ qkv.reshape(384, 128).T).chunk(3, -1)
    v = v if values is None else v + values
    parts = [slice(32 * n, 32 * n + 32) for n in range(4)]
    return torch.cat([attention(turn(q[:, p]), turn(k[:, p]), v[:, p]) for p in parts], -1)


def test_without_ingredients_it_is_the_plain_gpt():
    model, tokens = net(KNOWN), ids(1)
    x = model.tokens[tokens[0]] + model.positions[:9]
    for block in model.blocks:
        h = layer_norm(x, (128,), block.norm_1.weight)
        x = x + heads(h, block.qkv) @ block.out.reshape(128, 128)
        h = layer_norm(x, (128,), block.norm_2.weight)
        x = x + gelu(h @ block.expand[0].T) @ block.contract[0]
    expected = layer_norm(x, (128,), model.last_norm.weight) @ model.tokens.T
    torch.testing.assert_close(model(tokens)[0], expected, rtol=1e-4, atol=1e-4)


def unit(x):
    return x / x.square().mean(-1, keepdim=True).sqrt()


def turned(x):
    """Pair number i at place t, turned by the angle t / 1000^(i/16), by sine and cosine."""
    out = torch.empty_like(x)
    for t in range(x.shape[0]):
        for i in range(16):
            angle, (a, b) = t / 1000 ** (i / 16), (x[t, 2 * i], x[t, 2 * i + 1])
            out[t, 2 * i] = a * math.cos(angle) - b * math.sin(angle)
            out[t, 2 * i + 1] = a * math.sin(angle) + b * math.cos(angle)
    return out


@torch.no_grad()
def test_the_best_recipe_written_out():
    model, tokens = net(BEST), ids(1)
    x = model.tokens[tokens[0]].clone()
    for distance in (1, 2, 3):
        for t in range(distance, 9):
            x[t] += model.before[distance - 1][tokens[0, t - distance]]
    x = x0 = unit(x)
    for number, block in enumerate(model.blocks):
        x = x + x0 if number else x
        h, values = unit(x), model.values[tokens[0], 128 * number : 128 * number + 128]
        mixed = heads(h, block.qkv, turned, values) @ block.out.reshape(128, 128)
        x = x + mixed + (h @ block.expand[0].T).clamp(min=0).square() @ block.contract[0]
    torch.testing.assert_close(model(tokens)[0], unit(x) @ model.head.T, rtol=1e-3, atol=1e-3)


def test_squared_relu_has_the_right_gradient():
    model = net(BEST).double()
    h = torch.randn(2, 128, dtype=torch.float64, requires_grad=True)
    model.blocks[0].feed(h).sum().backward()
    hidden = h.detach() @ model.blocks[0].expand[0].T
    back = 2 * hidden.clamp(min=0) * model.blocks[0].contract[0].sum(-1)
    torch.testing.assert_close(h.grad, back @ model.blocks[0].expand[0])


@every
def test_no_place_sees_a_later_token(recipe):
    model, tokens = net(recipe), ids()
    changed = tokens.clone()
    changed[0, 5] = (tokens[0, 5] + 1) % V
    before, after = model(tokens), model(changed)
    torch.testing.assert_close(after[0, :5], before[0, :5], rtol=0, atol=1e-5)
    assert (after[0, 5:] - before[0, 5:]).abs().amax(-1).min() > 1e-4
    torch.testing.assert_close(after[1], before[1], rtol=0, atol=1e-5)


def test_a_zero_start_is_the_identity_and_guesses_evenly():
    model = SpeedrunGPT(V, BEST)
    x = torch.randn(2, 9, 128)
    for block in model.blocks:
        values = torch.randn(2, 9, 128)
        assert torch.equal(block(x, values, model.turns[:9]), x)
    assert torch.equal(model(ids()), torch.zeros(2, 9, V))


def test_a_block_that_joins_changes_nothing_at_first():
    fresh, awake = SpeedrunGPT(V, replace(BEST, tied=True)), net(BEST)
    late = []
    for model in (fresh, awake):
        model.complete = False
        late.append(model(ids()))
        model.complete = True
    assert torch.equal(fresh(ids()), late[0])
    assert (awake(ids()) - late[1]).abs().max() > 1e-3


def test_it_joins_after_its_share_of_the_steps():
    training = Training(replace(BEST, steps=4, join=0.5), TEXT)
    for awake in ([True, True, False, True], [True] * 4):
        training.advance(2)
        writers = [block.contract for block in training.model.blocks]  # they start at 0
        assert [bool(weight.any()) for weight in writers] == awake


def test_pieces_are_cut_in_two_at_first():
    short, whole = Training(replace(BEST, short=0.5), TEXT), Training(replace(BEST, short=0), TEXT)
    half = BEST.steps // 2
    for cut, piece in zip(short.batch(half), whole.batch(half), strict=True):
        assert cut.shape == (16, 32)
        assert torch.equal(cut.reshape(8, 64), piece)
    assert torch.equal(short.batch(half + 1)[0], whole.batch(half + 1)[0])


@pytest.mark.parametrize(
    "change",
    [
        {"x0": False}, {"values": False}, {"earlier": "none"}, {"parallel": False},
        {"qk_norm": True}, {"positions": "learned"}, {"activation": "gelu"}, {"soft_cap": 2.0},
        {"norm": "layer"}, {"tied": True},
    ],
    ids=str,
)  # fmt: skip
def test_each_ingredient_is_in_the_net(change):
    model, other = net(BEST), net(replace(BEST, **change))
    shared = dict(model.named_parameters())
    with torch.no_grad():
        for name, weight in other.named_parameters():
            if name in shared:
                weight.copy_(shared[name])
    assert (model(ids()) - other(ids())).abs().max() > 1e-3


def test_both_recipes_have_the_same_matrices_and_little_else():
    sizes = [Training(recipe, TEXT).parameters() for recipe in (KNOWN, BEST)]
    assert [matrices for matrices, _ in sizes] == [4 * 12 * 128**2] * 2
    v = len(TEXT.letters)
    assert [total - matrices for matrices, total in sizes] == [
        (v + 64 + 9) * 128,  # tokens, positions, nine norms
        (2 + 3 + 4) * v * 128,  # tokens and head, earlier tokens, values
    ]


@pytest.mark.parametrize("shape", [(3, 8, 32), (3, 32, 8), (2, 16, 16)])
def test_orthogonal_keeps_directions_and_evens_out_lengths(shape):
    stack = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    made = orthogonal(stack)
    U, S, Vh = torch.linalg.svd(stack / stack.norm(dim=(1, 2), keepdim=True), full_matrices=False)
    for _ in range(5):
        S = 3.4445 * S - 4.7750 * S**3 + 2.0315 * S**5
    torch.testing.assert_close(made, U @ torch.diag_embed(S) @ Vh, rtol=1e-5, atol=1e-5)
    assert torch.linalg.svdvals(made).max() < 1.3
    if shape[1] != shape[2]:  # no singular value near 0
        assert torch.linalg.svdvals(made).min() > 0.6


def test_muon_works_on_each_matrix_by_itself():
    draw = torch.Generator().manual_seed(0)
    weights = [torch.randn(n, r, 16, generator=draw) for n, r in ((3, 4), (1, 64), (2, 4))]
    means = [torch.zeros_like(w) for w in weights]
    given = [w.clone().requires_grad_() for w in weights]
    muon = Muon(given, momentum=0.8, steps=4)
    for _ in range(3):
        for place, weight in enumerate(given):
            gradient = torch.randn(weight.shape, generator=draw)
            weight.grad = gradient.clone()
            means[place] = 0.8 * means[place] + 0.2 * gradient
            ahead = 0.8 * means[place] + 0.2 * gradient
            length = 0.1 * max(1, weight.shape[1] / 16) ** 0.5
            for n in range(len(weight)):
                weights[place][n] -= length * orthogonal(ahead[n : n + 1], 4)[0]
        muon.step(0.1)
    for ours, expected in zip(given, weights, strict=True):
        torch.testing.assert_close(ours.detach(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bad", [torch.ones(3, 3), "X", torch.ones(1, 2, 2).long()])
def test_no_stack_is_refused(bad):
    with pytest.raises(ValueError, match="stack of matrices"):
        orthogonal(bad)
    with pytest.raises(ValueError, match=r"unsqueeze"):
        Muon([torch.ones(3, 3)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"earlier": "smear"}, "unknown earlier 'smear'.*'tables'"),
        ({"optimizer": "sgd"}, "unknown optimizer"),
        ({"norm": None}, "unknown norm"),
        ({"x0": "False"}, "x0 must be True or False"),
        ({"soft_cap": -1}, "soft_cap must be a finite number"),
        ({"matrix_rate": 0.0}, "matrix_rate must be a finite number above 0"),
        ({"table_rate": math.nan}, "table_rate"),
        ({"momentum": 1.0}, "momentum must be from 0 to below 1"),
        ({"newton_steps": 0}, "newton_steps"),
        ({"batch_size": 10**6}, "batch_size must be at most"),
        ({"steps": 2.5}, "steps"),
        ({"warmup": 3000}, "warmup must be at most 2,000"),
        ({"cooldown": 0}, "cooldown is a share"),
        ({"join": 1}, "join must be from 0 to below 1"),
    ],
)
def test_impossible_recipes_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        Recipe(**change)


def test_rates():
    assert KNOWN.rate(1) == 0.01
    assert KNOWN.rate(100) == KNOWN.rate(101) == 1
    assert KNOWN.rate(1051) == pytest.approx(0.55)
    assert KNOWN.rate(2000) == pytest.approx(0.1, abs=1e-4)
    line = replace(BEST, steps=100, cooldown=0.5)
    assert [line.rate(step) for step in (1, 51, 76)] == [1, 1, 0.5]
    assert line.rate(100) == pytest.approx(0.02)


def test_differences_name_what_was_changed():
    assert differences(KNOWN) == {}
    assert differences(replace(KNOWN, x0=True, steps=500)) == {"x0": True, "steps": 500}


def test_shuffled_pieces_come_once_in_a_pass():
    tokens = torch.arange(64 * 21 + 1)
    batches = [shuffled_batch_at(step, tokens, 4, seed=3) for step in range(1, 11)]
    for x, y in batches:
        assert torch.equal(y, x + 1)
        assert x.shape == (4, 64)
    for a_pass in (batches[:5], batches[5:]):
        assert len(torch.cat([x for x, _ in a_pass]).unique()) == 20 * 64
    assert not torch.equal(batches[0][0], batches[5][0])
    again = shuffled_batch_at(7, tokens, 4, seed=3)
    assert torch.equal(again[0], batches[6][0])
    with pytest.raises(ValueError, match="too short for 40 pieces"):
        shuffled_batch_at(1, tokens, 40)


@pytest.mark.parametrize("recipe", [KNOWN, BEST], ids=["known", "best"])
def test_a_run_depends_on_its_seed_alone(recipe):
    state = torch.get_rng_state()
    one, same, other = (races.run(recipe, TEXT, seed, steps=3) for seed in (4, 4, 5))
    assert torch.equal(torch.get_rng_state(), state)
    assert one.losses == same.losses != other.losses
    torch.manual_seed(99)  # the caller's state: of no influence
    first, again, second = (Training(recipe, TEXT, seed).model.tokens for seed in (4, 4, 5))
    torch.set_rng_state(state)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert one.steps[-1] == 3
    assert one.loss < math.log(len(TEXT.letters))
    assert one.seconds > 0
    assert one.milliseconds == pytest.approx(1000 * one.seconds / 3)


def test_training_in_parts_is_training_at_once():
    at_once, parts = (Training(replace(BEST, steps=5), TEXT) for _ in range(2))
    at_once.advance(5)
    for steps in (1, 2, 100):
        parts.advance(steps)
    assert parts.made == 5
    assert parts.loss() == at_once.loss()


@pytest.fixture
def board(tmp_path, monkeypatch):
    """A stored board whose known recipe ends at 1.35, for this text."""
    saved = {
        "text": fingerprint(TEXT),
        "known": {"loss": 1.35, "steps": [500, 1000, 2000], "losses": [1.9, 1.6, 1.35]},
        "board": [{"name": "the best", "share": 1e-9, "loss": 1.3},
                  {"name": "the known recipe", "share": 1.0, "loss": 1.35}],
    }  # fmt: skip
    path = tmp_path / "results.json"
    path.write_text(json.dumps(saved))
    monkeypatch.setattr(races, "stored", lambda: json.loads(path.read_text()))
    monkeypatch.setattr(races, "SAMPLE", 5)


def words(recipe, text=TEXT):
    return races.rank(recipe, text)


def test_a_good_recipe_has_a_place(board):
    rank = words(replace(BEST, steps=20))
    assert rank.result.loss < 1.35
    assert (rank.place, rank.same_loss) == (2, None)
    assert 0 < rank.share < 1
    assert "Place 2 on the board, behind the best" in str(rank)


def test_a_recipe_that_stops_too_early_is_told_what_is_missing(board):
    rank = words(replace(BEST, steps=8))
    assert rank.place is None
    assert 1.35 < rank.result.loss < 1.6
    assert rank.same_loss == 2000
    assert "which is lower" in str(rank)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"table_rate": 1e30, "head_rate": 1e30}, "no number"),
        ({"table_rate": 1e-9, "head_rate": 1e-9, "matrix_rate": 1e-9}, "letters' frequencies"),
    ],
)
def test_a_recipe_that_does_not_train_is_told_so(board, change, said):
    rank = words(replace(BEST, steps=5, **change))
    assert rank.place is rank.same_loss is None
    assert said in str(rank)


def test_another_text_is_not_compared(board):
    rank = words(replace(BEST, steps=3), read_text("to be or not to be, " * 100))
    assert rank.place is None
    assert "another text" in str(rank)


def test_what_is_no_recipe_or_text_is_refused():
    with pytest.raises(ValueError, match="expected a Recipe"):
        Training({"x0": True}, TEXT)
    with pytest.raises(ValueError, match="read_text"):
        Training(BEST, "a text")
    with pytest.raises(ValueError, match="expected a Recipe"):
        SpeedrunGPT(V, "BEST")
    with pytest.raises(ValueError, match="1 to 64 tokens"):
        SpeedrunGPT(V, BEST)(torch.zeros(1, 65, dtype=torch.long))
    with pytest.raises(ValueError, match="steps"):
        races.run(BEST, TEXT, steps=0)


def test_missing_results_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"benchmarks/speedrun\.py race"):
        races.stored(tmp_path / "results.json")


def test_the_record_stands():
    """Five seeds: the known recipe's loss, in less than a sixth of its time, with its matrices."""
    saved = races.stored()
    assert len(saved["races"]) == 5
    for row in saved["races"]:
        assert row["best"]["loss"] < row["known"]["loss"]
        assert row["best"]["matrices"] == row["known"]["matrices"]
        assert row["best"]["busy"] < row["known"]["busy"] / 6
    assert all(len(row["losses"]) >= 5 for row in saved["ablation"]["rows"])
