"""The training loop, its batches and the ensemble."""

import math

import pytest
import torch
from torch import nn

from lecture_utils import training
from lecture_utils.models import SelfAttention


def blobs(n=96, features=6, classes=3):
    """Points in three clouds: a task that a tiny net learns in a few steps."""
    g = torch.Generator().manual_seed(0)
    y = torch.arange(n) % classes
    return torch.randn(n, features, generator=g) + 3 * torch.eye(classes, features)[y], y


def mlp():
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def normed():
    """Layer norm with weights of its own."""
    return nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 3))


class Mixing(nn.Module):
    """Works along the examples, axis 0, which must not become the axis of members."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 3, bias=False)  # a bias would cancel

    def forward(self, x):
        h = self.linear(x)
        return h - h.mean(0)


def batches(steps=12, batch_size=32, seed=0):
    return training.MiniBatches(*blobs(), steps=steps, batch_size=batch_size, seed=seed)


# --- loss and accuracy ---


def test_cross_entropy_is_pytorchs():
    logits, y = torch.randn(4, 7, 3), torch.tensor([0, 1, 2, 0, 1, 2, 0])
    expected = torch.stack([nn.functional.cross_entropy(one, y) for one in logits])
    assert torch.allclose(training.cross_entropy(logits, y), expected)
    assert training.cross_entropy(logits[0], y).shape == ()


def test_accuracy_counts_nan_as_wrong():
    logits, y = torch.eye(3).repeat(2, 1, 1), torch.arange(3)
    logits[1, 0] = float("nan")  # argmax of NaNs is 0, which would count as right
    assert training.accuracy(logits, y).tolist() == pytest.approx([1, 2 / 3])


@pytest.mark.parametrize("measure", [training.cross_entropy, training.accuracy])
@pytest.mark.parametrize(
    ("logits", "labels"), [((3,), (3,)), ((4, 3), (5,)), ((4, 3), (4, 1)), ((4, 3), ())]
)
def test_shapes_that_do_not_fit(measure, logits, labels):
    with pytest.raises(ValueError, match="expected"):
        measure(torch.zeros(logits), torch.zeros(labels, dtype=torch.int64))


# --- batches ---


def test_batches_are_repeatable_and_complete():
    x, y = torch.arange(10.0).unsqueeze(1), torch.arange(10)
    drawn = training.MiniBatches(x, y, steps=4, batch_size=5)
    first, second = ([b[1].tolist() for b in drawn] for _ in range(2))
    assert first == second
    assert len(drawn) == len(first) == 4
    assert sorted(first[0] + first[1]) == list(range(10))  # an epoch sees each example once
    assert first[:2] != first[2:]  # the next epoch has another order
    other = training.MiniBatches(x, y, steps=4, batch_size=5, seed=1)
    assert [b[1].tolist() for b in other] != first


@pytest.mark.parametrize(
    "wrong",
    [{"steps": 0}, {"steps": -1}, {"batch_size": 0}, {"batch_size": 97}, {"y": torch.arange(5)}],
)
def test_batches_refuse(wrong):
    x, y = blobs()
    with pytest.raises(ValueError, match=r"must be|expected"):
        training.MiniBatches(**({"x": x, "y": y, "steps": 1, "batch_size": 8} | wrong))


# --- the loop ---


def test_training_learns_and_writes_down_each_step():
    torch.manual_seed(0)
    net = mlp()
    history = training.train(net, batches(60), lr=1e-2)
    assert history.loss.shape == (60,)
    assert history.loss[-10:].mean() < 0.5 * history.loss[0]
    assert history.nonfinite == 0
    assert not net.training


def test_first_loss_is_before_the_first_update():
    torch.manual_seed(0)
    net = mlp()
    x, y = next(iter(batches(1)))
    expected = training.cross_entropy(net(x), y).item()
    assert training.train(net, batches(1)).loss[0].item() == pytest.approx(expected)


def test_loop_equals_the_plain_loop():
    nets = []
    for _ in range(2):
        torch.manual_seed(1)
        nets.append(mlp())
    training.train(nets[0], batches(), lr=1e-2)
    updater = torch.optim.Adam(nets[1].parameters(), lr=1e-2)
    for x, y in batches():
        updater.zero_grad()
        nn.functional.cross_entropy(nets[1](x), y).backward()
        updater.step()
    for ours, plain in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        assert torch.allclose(ours, plain, atol=1e-5)


@pytest.mark.parametrize("lr", [0.0, -1.0, float("nan"), float("inf")])
def test_learning_rate_must_be_positive(lr):
    net = mlp()
    before = [p.clone() for p in net.parameters()]
    with pytest.raises(ValueError, match="lr must be"):
        training.train(net, batches(), lr=lr)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def test_no_batches():
    with pytest.raises(ValueError, match="batches is empty"):
        training.train(mlp(), [])


def test_progress_bar_changes_nothing(capsys):
    losses = []
    for progress in (False, True):
        torch.manual_seed(0)
        losses.append(training.train(mlp(), batches(), progress=progress).loss)
    assert torch.equal(*losses)


def test_a_seed_that_was_once_not_finite_is_counted():
    loss = torch.tensor([[1.0, float("nan"), 2.0], [1.0, 1.0, float("inf")]])
    assert training.History(loss).nonfinite == 2
    assert training.History(loss[:, 0]).nonfinite == 0


# --- the ensemble ---


@pytest.mark.parametrize("build", [mlp, normed, Mixing])
def test_ensemble_equals_its_members_alone(build):
    """Same start, same batches, same end."""
    ensemble = training.Ensemble(build, range(3))
    alone = ensemble.members()
    together = training.train(ensemble, batches(), lr=1e-2).loss  # (steps, seeds)
    for seed, net in enumerate(alone):
        loss = training.train(net, batches(), lr=1e-2).loss
        assert torch.allclose(loss, together[:, seed], atol=1e-4)
        for ours, theirs in zip(ensemble.member(seed).parameters(), net.parameters(), strict=True):
            assert torch.allclose(ours, theirs, atol=1e-3)


def test_members_do_not_share_one_step():
    """Plain gradient descent feels the gradient's size: each member must get all of its own."""
    ensemble = training.Ensemble(mlp, range(3))
    alone = ensemble.member(1)
    for net in (ensemble, alone):
        training.train(net, batches(), lr=0.1, optimizer=torch.optim.SGD)
    assert torch.allclose(ensemble.member(1)[0].weight, alone[0].weight, atol=1e-5)


def test_as_many_seeds_as_examples_is_no_excuse():
    """With n seeds and n examples a wrong broadcast has the right shape; values must decide."""
    x, _ = blobs(3)
    ensemble = training.Ensemble(Mixing, range(3))
    expected = torch.stack([net(x) for net in ensemble.members()])
    assert torch.allclose(ensemble(x), expected, atol=1e-5)


def test_seed_sets_the_weights_and_leaves_the_callers_random_state():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    ensemble = training.Ensemble(mlp, [7, 8])
    ensemble.member(0)
    assert torch.equal(torch.rand(3), expected)
    torch.manual_seed(8)
    assert torch.equal(ensemble.member(1)[0].weight, mlp()[0].weight)
    assert not torch.equal(*ensemble.stacked()["0.weight"])


def test_a_seed_that_explodes_leaves_the_others_alone():
    ensembles = [training.Ensemble(mlp, range(3)) for _ in range(2)]
    with torch.no_grad():
        ensembles[1].stacked()["0.weight"][1] = float("inf")
    good, bad = (training.train(ensemble, batches()) for ensemble in ensembles)
    assert bad.nonfinite == 1
    assert good.nonfinite == 0
    assert torch.allclose(good.loss[:, [0, 2]], bad.loss[:, [0, 2]], atol=1e-5)


def test_member_is_a_copy():
    ensemble = training.Ensemble(mlp, range(2))
    net, before = ensemble.member(0), ensemble.member(0)
    nn.init.zeros_(net[0].weight)
    assert torch.equal(ensemble.member(0)[0].weight, before[0].weight)
    assert net[0](torch.randn(5, 6)).shape == (5, 8)


@pytest.mark.parametrize("index", [2, -3])
def test_no_such_member(index):
    with pytest.raises(ValueError, match="index must be"):
        training.Ensemble(mlp, range(2)).member(index)


def test_ensemble_refuses():
    with pytest.raises(ValueError, match="seeds is empty"):
        training.Ensemble(mlp, [])
    with pytest.raises(ValueError, match="dropout"):
        training.Ensemble(lambda: nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1)), range(2))
    with pytest.raises(ValueError, match="running means"):
        training.Ensemble(lambda: nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), range(2))
    with pytest.raises(ValueError, match="no parameters"):
        training.Ensemble(nn.Identity, range(2))


def test_an_ensemble_that_learns_nothing_stays_at_guessing():
    ensemble = training.Ensemble(mlp, range(4))
    with torch.no_grad():
        for stack in ensemble.stacked().values():
            stack.zero_()
    assert training.train(ensemble, batches(1)).loss[0].tolist() == pytest.approx([math.log(3)] * 4)


def test_each_member_has_a_rate_of_its_own_and_all_follow_the_schedule():
    rates, schedule = (1e-2, 1e-3), lambda step: 1 / step
    together = training.Ensemble(mlp, (0, 1))
    training.train(together, batches(), lr=torch.tensor(rates), schedule=schedule)
    for member, (seed, lr) in zip(together.members(), enumerate(rates), strict=True):
        alone = training.Ensemble(mlp, (seed,))
        training.train(alone, batches(), lr=lr, schedule=schedule)
        for ours, plain in zip(member.parameters(), alone.member(0).parameters(), strict=True):
            torch.testing.assert_close(ours, plain, atol=1e-5, rtol=1e-4)


def test_rates_fit_the_members():
    with pytest.raises(ValueError, match="does not fit 3 learning rates"):
        training.train(training.Ensemble(mlp, (0, 1)), batches(), lr=torch.ones(3))


def test_an_ensemble_of_attention_warns_of_nothing(recwarn):
    def build():
        return nn.Sequential(nn.Unflatten(-1, (-1, 4)), SelfAttention(4, 2), nn.Flatten(1))

    x = torch.randn(3, 8)
    together = training.Ensemble(build, (0, 1))
    each = torch.stack([net(x) for net in together.members()])
    torch.testing.assert_close(together(x), each)
    assert not recwarn.list


@pytest.mark.parametrize("lr", [0.01, torch.tensor([0.01, 0.02])], ids=["one", "for each member"])
def test_a_schedule_multiplies_the_rate_of_each_step(lr):
    x, y = torch.randn(8, 4), torch.randint(3, (8,))
    asked, states = [], []

    def first_step_only(step):
        asked.append(step)
        states.append([p.detach().clone() for p in nets.parameters()])
        return 1.0 if step == 1 else 0.0

    nets = training.Ensemble(lambda: torch.nn.Linear(4, 3), range(2))
    training.train(nets, [(x, y)] * 3, lr=lr, schedule=first_step_only)
    assert asked == [1, 2, 3]
    start, after_one, _ = states
    end = list(nets.parameters())
    assert not any(map(torch.equal, start, after_one))
    assert all(map(torch.equal, after_one, end))
