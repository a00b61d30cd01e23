"""Training, ensembles and measuring: the right number, or a refusal."""

import copy
import statistics
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from properties.bad import named, refusal
from torch import nn
from torch.nn import functional as F

from lecture_utils import measure, training
from lecture_utils.models import SelfAttention
from lecture_utils.training.rates import MemberAdam

N, FEATURES, CLASSES = 12, 4, 3
RNG = torch.Generator().manual_seed(0)
X = torch.randn(N, FEATURES, generator=RNG)
Y = torch.arange(N) % CLASSES
NAN = float("nan")

no_number = st.one_of(
    st.none(), st.text(max_size=3), st.booleans(), st.complex_numbers(), st.binary(max_size=2),
    st.lists(st.floats(), max_size=2), st.fractions(), st.just(np.ones(2)), st.just(NAN),
)  # fmt: skip
no_whole = st.one_of(no_number, st.floats())
no_tensor = st.one_of(
    st.none(), st.text(max_size=3), st.integers(), st.floats(), st.lists(st.floats(), max_size=3),
    st.just(np.ones((N, FEATURES))), st.just({}),
)  # fmt: skip
no_rate = st.one_of(no_number, st.floats(max_value=0), st.just(float("inf")), st.just(10**400))


def net(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(FEATURES, 5), nn.Tanh(), nn.Linear(5, CLASSES))


def train(model=None, batches=None, **options):
    model = net() if model is None else model
    return training.train(model, [(X, Y)] * 2 if batches is None else batches, **options)


def refused_whole(call, model):
    """The refusal, after which weights, gradients and modes are as before."""
    model.eval()
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    kept = [(p, p.detach().clone(), p.grad) for p in model.parameters()]
    modes = [part.training for part in model.modules()]
    said = refusal(call)
    assert modes == [part.training for part in model.modules()]
    for p, weight, grad in kept:
        assert torch.equal(p, weight)
        assert p.grad is grad
    return said


# --- the loop ---


class Apart(nn.Module):
    """Does not use its weights."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Linear(2, 2)

    def forward(self, x):
        return x[:, :CLASSES] * torch.ones((), requires_grad=True)


BAD_TRAIN = {
    "lr: a list": {"lr": [0.1, 0.2]},
    "lr: NumPy's array": {"lr": np.array([0.1])},
    "lr: several for one net": {"lr": torch.tensor([0.1] * CLASSES)},
    "lr: a table": {"lr": torch.ones(2, 2)},
    "lr: True as a tensor": {"lr": torch.tensor(True)},
    "lr: complex": {"lr": torch.tensor(1j)},
    "lr: meta": {"lr": torch.ones((), device="meta")},
    "lr: NaN": {"lr": torch.tensor(NAN)},
    "optimizer: a word": {"optimizer": "adam"},
    "optimizer: None": {"optimizer": None},
    "optimizer: no optimiser": {"optimizer": nn.Linear},
    "optimizer: built already": {"optimizer": torch.optim.Adam(net().parameters())},
    "optimizer: a function": {"optimizer": lambda weights, lr: weights},
    "optimizer: L-BFGS": {"optimizer": torch.optim.LBFGS},
    "optimizer: matrices only": {"optimizer": torch.optim.Muon},
    "optimizer: a bad option": {"optimizer": partial(torch.optim.SGD, momentum=-1)},
    "optimizer: sparse only": {"optimizer": torch.optim.SparseAdam},
    "batches: None": {"batches": None.__class__},
    "batches: a tensor": {"batches": X},
    "batches: text": {"batches": "ab"},
    "batches: a number": {"batches": 3},
    "batches: empty": {"batches": []},
    "batches: a used-up generator": {"batches": iter(())},
    "batches: one pair, not in a list": {"batches": (X, Y)},
    "batches: triples": {"batches": [(X, Y, Y)]},
    "batches: x alone": {"batches": [X]},
    "batches: two rows that look like a pair": {"batches": [X[:2]]},
    "batches: arrays": {"batches": [(X.numpy(), Y.numpy())]},
    "batches: None inside": {"batches": [None]},
    "batches: words": {"batches": ["xy"]},
    "x: float64": {"batches": [(X.double(), Y)]},
    "x: too wide": {"batches": [(torch.ones(N, 9), Y)]},
    "x: meta": {"batches": [(X.to("meta"), Y)]},
    "x: whole numbers": {"batches": [(X.long(), Y)]},
    "y: meta": {"batches": [(X, Y.to("meta"))]},
    "y: floats": {"batches": [(X, Y.float())]},
    "y: no class": {"batches": [(X, Y + 1)]},
    "y: another length": {"batches": [(X, Y[:3])]},
    "loss: a word": {"loss_function": "cross_entropy"},
    "loss: not reduced": {"loss_function": partial(F.cross_entropy, reduction="none")},
    "loss: a float": {"loss_function": lambda out, y: out.sum().item()},
    "loss: None": {"loss_function": lambda out, y: None},
    "loss: of shape (1,)": {"loss_function": lambda out, y: out.sum().view(1)},
    "loss: detached": {"loss_function": lambda out, y: out.detach().sum()},
    "loss: complex": {"loss_function": lambda out, y: out.sum() * 1j},
    "loss: of other things": {"loss_function": lambda out, y: torch.ones((), requires_grad=True)},
    "loss: one argument": {"loss_function": lambda out: out.sum()},
    "schedule: a number": {"schedule": 0.5},
    "schedule: None": {"schedule": lambda step: None},
    "schedule: NaN": {"schedule": lambda step: NAN},
    "schedule: negative": {"schedule": lambda step: -1.0},
    "schedule: infinite": {"schedule": lambda step: float("inf")},
    "schedule: a bool": {"schedule": lambda step: True},
    "schedule: two numbers": {"schedule": lambda step: torch.ones(2)},
    "schedule: text": {"schedule": lambda step: "half"},
    "progress: a word": {"progress": "no"},
    "model: all frozen": {"model": net().requires_grad_(False)},
    "model: unused": {"model": Apart()},
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_TRAIN)
def test_train_refuses(what):
    options = {"model": net()} | BAD_TRAIN[what]
    refused_whole(lambda: train(**options), options["model"])


@pytest.mark.parametrize("model", [None, "net", nn.Linear, 3, nn.ReLU(), nn.LazyLinear(3)])
def test_train_refuses_what_is_no_model(model):
    refusal(lambda: training.train(model, [(X, Y)]))


@given(no_rate)
def test_train_refuses_rates(lr):
    model = net()
    refused_whole(lambda: train(model, lr=lr), model)


@pytest.mark.parametrize("surrounding", [torch.no_grad, torch.inference_mode])
def test_train_refuses_where_gradients_are_off(surrounding):
    model = net()
    with surrounding():
        assert "switched off" in refused_whole(lambda: train(model), model)


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError])
def test_a_stop_in_the_middle_keeps_the_updates_and_the_modes(failure):
    model, whole = net(), net()
    model[1].eval()

    def batches():
        yield X, Y
        yield X, Y
        raise failure

    with pytest.raises(failure):
        train(model, batches())
    assert [part.training for part in model] == [True, False, True]
    train(whole)
    assert all(map(torch.equal, model.parameters(), whole.parameters()))


def by_hand(optimizer, batches, **options):
    model = net()
    updater = optimizer([p for p in model.parameters()], **options)
    for x, y in batches:
        updater.zero_grad()
        F.cross_entropy(model(x), y.long()).backward()
        updater.step()
    return model


RATES = [0.125, np.float64(0.125), np.float32(0.125), torch.tensor(0.125)]
OPTIMIZERS = ["Adam", "AdamW", "SGD", "RMSprop", "Rprop", "Adadelta", "Adagrad", "NAdam"]


@pytest.mark.parametrize("lr", RATES, ids=named)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rates_and_optimisers_that_are_accepted(name, lr):
    kind, model = getattr(torch.optim, name), net()
    train(model, lr=lr, optimizer=kind, schedule=lambda step: torch.tensor(1))
    plain = by_hand(kind, [(X, Y)] * 2, lr=0.125)
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_loader_and_small_integers_are_accepted():
    data = torch.utils.data.TensorDataset(X, Y.to(torch.uint8))
    model = net()
    history = train(model, torch.utils.data.DataLoader(data, batch_size=4), lr=0.1)
    plain = by_hand(torch.optim.Adam, [(X[k : k + 4], Y[k : k + 4]) for k in (0, 4, 8)], lr=0.1)
    assert history.loss.shape == (3,)
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_types_of_net(dtype):
    model = net().to(dtype)
    assert train(model, [(X.to(dtype), Y)] * 9, lr=0.1).loss[-1] < 1.0


def test_frozen_weights_stay_and_a_nan_is_written_down():
    model = net()
    model[0].requires_grad_(False)
    before = model[0].weight.clone()
    train(model, lr=0.1)
    assert torch.equal(model[0].weight, before)
    assert train(net(), [(X * NAN, Y), (X, Y)]).nonfinite == 1


# --- loss, accuracy, batches, history ---

LOGITS = torch.randn(N, CLASSES, generator=RNG)
BAD_SCORES = {
    "labels: floats": (LOGITS, Y.float()),
    "labels: bools": (LOGITS, Y > 0),
    "labels: complex": (LOGITS, Y + 0j),
    "labels: negative": (LOGITS, Y - 1),
    "labels: too high": (LOGITS, Y + 1),
    "labels: the ignored -100": (LOGITS, torch.where(Y == 0, -100, Y)),
    "labels: one-hot": (LOGITS, F.one_hot(Y)),
    "labels: a list": (LOGITS, Y.tolist()),
    "labels: an array": (LOGITS, Y.numpy()),
    "labels: meta": (LOGITS, Y.to("meta")),
    "labels: none": (LOGITS[:0], Y[:0]),
    "labels: too few": (LOGITS, Y[1:]),
    "logits: whole": (LOGITS.long(), Y),
    "logits: bools": (LOGITS > 0, Y),
    "logits: complex": (LOGITS + 0j, Y),
    "logits: one axis": (LOGITS[:, 0], Y),
    "logits: no axis": (LOGITS.sum(), Y),
    "logits: no class": (LOGITS[:, :0], Y),
    "logits: an array": (LOGITS.numpy(), Y),
    "swapped": (Y, LOGITS),
}  # fmt: skip


@pytest.mark.parametrize("measured", [training.cross_entropy, training.accuracy])
@pytest.mark.parametrize("what", BAD_SCORES)
def test_scores_are_refused(what, measured):
    refusal(lambda: measured(*BAD_SCORES[what]))


@given(no_tensor)
def test_scores_need_tensors(thing):
    for measured in (training.cross_entropy, training.accuracy):
        refusal(lambda measured=measured: measured(thing, Y))
        refusal(lambda measured=measured: measured(LOGITS, thing))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64])
@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_scores_of_all_types(dtype, kind):
    logits = LOGITS.to(kind)
    expected = F.cross_entropy(logits.double(), Y)
    found = training.cross_entropy(logits, Y.to(dtype)).double()
    torch.testing.assert_close(found, expected, rtol=2e-2, atol=2e-3)
    right = (logits.argmax(-1) == Y).double().mean()
    torch.testing.assert_close(training.accuracy(logits, Y.to(dtype)).double(), right)


BAD_BATCHES = [
    {"x": X.tolist()}, {"x": X.numpy()}, {"x": None}, {"x": X.sum()}, {"x": X[:0], "y": Y[:0]},
    {"x": X.to("meta")}, {"x": X.to_sparse()}, {"x": X > 0}, {"y": Y.tolist()}, {"y": Y.numpy()},
    {"y": Y.sum()}, {"y": Y[1:]}, {"y": Y.to("meta")}, {"y": None}, {"steps": 0}, {"steps": 2.0},
    {"batch_size": N + 1}, {"batch_size": 0}, {"batch_size": 4.0}, {"seed": 2**64}, {"seed": 0.5},
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD_BATCHES, ids=named)
def test_batches_are_refused(bad):
    refusal(lambda: training.MiniBatches(**({"x": X, "y": Y, "steps": 2, "batch_size": 4} | bad)))


@given(no_whole, st.sampled_from(["steps", "batch_size", "seed"]))
def test_batches_need_whole_numbers(value, name):
    options = {"steps": 2, "batch_size": 4, name: value}
    refusal(lambda: training.MiniBatches(X, Y, **options))


def test_batches_take_numpys_whole_numbers():
    three, four = np.int64(3), np.int32(4)
    ours = training.MiniBatches(X, Y, steps=three, batch_size=four, seed=np.int64(7))
    plain = training.MiniBatches(X, Y, steps=3, batch_size=4, seed=7)
    for a, b in zip(ours, plain, strict=True):
        assert all(map(torch.equal, a, b))


@pytest.mark.parametrize("loss", [None, 1.0, [1.0], X.sum(), X + 0j, X > 0, X.view(3, 4, 4), "x"])
def test_history_refuses(loss):
    refusal(lambda: training.History(loss))


# --- ensembles ---


class Chosen(nn.Module):
    """A net whose architecture or constants may differ each time."""

    made = 0

    def __init__(self, kind):
        super().__init__()
        Chosen.made += 1
        odd = Chosen.made % 2
        self.linear = nn.Linear(FEATURES, CLASSES, bias=not (kind == "bias" and odd))
        self.act = nn.ReLU() if kind == "layer" and odd else nn.Tanh()
        self.phi = torch.relu if kind == "function" and odd else torch.tanh
        self.scale = torch.randn(()) if kind == "tensor" else 1.0
        self.power = odd if kind == "number" else 2
        self.leak = nn.LeakyReLU(0.1 if kind == "option" and odd else 0.2)
        if kind == "frozen" and odd:
            self.linear.weight.requires_grad_(False)
        if kind == "type" and odd:
            self.double()

    def forward(self, x):
        return self.leak(self.phi(self.act(self.linear(x)))) * self.scale


LAYER, MODEL = nn.Linear(FEATURES, CLASSES), net()


class Attentive(nn.Module):
    """Attention with its own dropout, kept as a number."""

    def __init__(self, share):
        super().__init__()
        self.attention = SelfAttention(4, 2, dropout=share)

    def forward(self, x):
        return self.attention(x)


class Noisy(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(FEATURES, CLASSES)

    def forward(self, x):
        return F.dropout(self.linear(x), 0.5)


BAD_BUILD = {
    "None": None, "a module": MODEL, "a word": "net", "nothing": lambda: None,
    "a list": lambda: [LAYER], "the same each time": lambda: MODEL,
    "a shared layer": lambda: nn.Sequential(nn.Linear(FEATURES, FEATURES), LAYER),
    "buffers": lambda: nn.BatchNorm1d(4), "no weights": nn.ReLU,
    "lazy": lambda: nn.LazyLinear(3), "attention dropout": lambda: Attentive(0.5),
    "alpha dropout": lambda: nn.Sequential(net(), nn.AlphaDropout(0.2)),
    "dropout of channels": lambda: nn.Sequential(net(), nn.Dropout1d(0.2)),
    "an LSTM's": lambda: nn.LSTM(4, 4, 2, dropout=0.5),
    "multi-head's": lambda: nn.MultiheadAttention(4, 2, dropout=0.5),
    **{kind: partial(Chosen, kind) for kind in (
        "bias", "layer", "function", "tensor", "number", "option", "frozen", "type")},
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_BUILD)
def test_ensembles_refuse_networks(what):
    state = torch.get_rng_state()
    refusal(lambda: training.Ensemble(BAD_BUILD[what], range(2)))
    assert torch.equal(state, torch.get_rng_state())


BAD_SEEDS = [
    None, 3, "123", b"12", [], iter(()), [1.0], [True], ["1"], [None], [2**70], [NAN],
    torch.tensor([0.5]), torch.tensor(3), torch.tensor([True]), np.array([0.5]), [[1]],
]  # fmt: skip


@pytest.mark.parametrize("seeds", BAD_SEEDS, ids=named)
def test_ensembles_refuse_seeds(seeds):
    refusal(lambda: training.Ensemble(net, seeds))


@pytest.mark.parametrize(
    "seeds",
    [[3, 4], (np.int64(3), 4), torch.tensor([3, 4]), np.array([3, 4]), iter([3, 4]), {3: 0, 4: 0}],
    ids=named,
)
def test_seeds_of_all_types(seeds):
    found = training.Ensemble(lambda: nn.Linear(2, 2), seeds)
    for seed, member in zip((3, 4), found.members(), strict=True):
        torch.manual_seed(seed)
        assert torch.equal(member.weight, nn.Linear(2, 2).weight)
    assert found.seeds == (3, 4)


@given(st.one_of(no_whole, st.integers(min_value=2), st.integers(max_value=-3)))
def test_no_such_member(index):
    pair = training.Ensemble(lambda: nn.Linear(2, 2), (0, 1))
    refusal(lambda: pair.member(index))


@pytest.mark.parametrize(
    "x", [None, [1.0], X.numpy(), X > 0, X + 0j, X.double(), X[:, 1:], X.to("meta"), "x", X.long()]
)
def test_ensembles_refuse_inputs(x):
    pair = training.Ensemble(net, (0, 1))
    refusal(lambda: pair(x))


def test_members_that_draw_random_numbers():
    assert "random" in refusal(lambda: training.Ensemble(Noisy, (0, 1))(X))


def stem_frozen():
    found = nn.Sequential(nn.Linear(FEATURES, 5), nn.Tanh(), nn.Linear(5, CLASSES))
    found[0].requires_grad_(False)
    return found


def tied():
    found = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Linear(4, CLASSES))
    found[2].weight = found[0].weight
    return found


class Spare(nn.Module):
    """A layer that is not used."""

    def __init__(self):
        super().__init__()
        self.used, self.spare = nn.Linear(FEATURES, CLASSES), nn.Linear(2, 2)

    def forward(self, x):
        return self.used(x)


@pytest.mark.parametrize("build", [stem_frozen, tied, Spare])
@pytest.mark.parametrize("lr", [0.1, torch.tensor([0.1, 0.1]), torch.tensor([1, 1]) * 0.1])
def test_frozen_tied_and_unused_weights_train_as_they_would_alone(build, lr):
    together = training.Ensemble(build, (0, 1))
    alone = together.members()
    train(together, lr=lr)
    for k, one in enumerate(alone):
        train(one, lr=0.1)
        pairs = zip(one.named_parameters(), together.member(k).named_parameters(), strict=True)
        for (name, right), (other, found) in pairs:
            assert name == other
            assert right.requires_grad == found.requires_grad
            torch.testing.assert_close(found, right, rtol=1e-4, atol=1e-5)


def test_a_member_of_a_float64_ensemble_is_float64():
    pair = training.Ensemble(tied, (0, 1)).double()
    torch.testing.assert_close(pair.member(1)(X.double()), pair(X.double())[1])


@pytest.mark.parametrize(
    "options",
    [
        {"lr": torch.ones(3)}, {"lr": torch.ones(2, 1)}, {"lr": torch.tensor([0.1, NAN])},
        {"lr": torch.tensor([0.1, 0.0])}, {"lr": [0.1, 0.2]},
        {"lr": torch.ones(2), "optimizer": torch.optim.SGD},
        {"loss_function": lambda out, y: training.cross_entropy(out, y).mean()},
        {"loss_function": lambda out, y: out},
    ],
)  # fmt: skip
def test_ensembles_are_not_trained(options):
    pair = training.Ensemble(net, (0, 1))
    refused_whole(lambda: train(pair, **options), pair)


@pytest.mark.parametrize(
    "lr", [0.1, None, [0.1], torch.ones(3), -torch.ones(2), torch.ones(2) * NAN]
)
def test_member_adam_refuses(lr):
    refusal(lambda: MemberAdam([nn.Parameter(torch.ones(2, 3))], lr))


# --- measuring ---

BAD_VALUES = [
    None, "123", b"12", {1: 2}, 3, 3.0, [], (), "", [None], ["1"], [True], [1j], [[1.0]], [10**400],
    [Fraction(1, 2)], torch.ones(2) > 0, torch.ones(2) * 1j, torch.ones(2, device="meta"),
    torch.zeros(0), torch.ones(2).to_sparse(), [torch.ones(2)], [torch.tensor(True)], [object()],
    np.array([True]), np.array([1j]), np.array(["1"]), np.ones((2, 2)),
]  # fmt: skip


@pytest.mark.parametrize("values", BAD_VALUES, ids=named)
def test_spread_refuses(values):
    refusal(lambda: measure.spread(values))
    refusal(lambda: measure.report("gain", values))


@given(st.one_of(st.none(), st.integers(), st.floats(), st.lists(st.floats())))
def test_report_needs_a_label(label):
    refusal(lambda: measure.report(label, [1.0]))


@given(
    st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=9),
    st.sampled_from([list, np.array, torch.tensor, iter, lambda v: map(np.float64, v)]),
    st.integers(0, 3),
)
def test_spread_of_all_types(values, kind, lost):
    torch.set_default_dtype(torch.float64)
    try:
        found = measure.spread(kind(values + [NAN] * lost))
    finally:
        torch.set_default_dtype(torch.float32)
    assert found.median == pytest.approx(statistics.median(values), rel=1e-9, abs=1e-300)
    expected = (min(values), max(values), len(values) + lost, lost)
    assert (found.low, found.high, found.n, found.nonfinite) == expected


LINE = torch.arange(4.0)
BAD_LINES = [
    (None, LINE), (LINE, None), ([0, 1], [0, 1]), (LINE.numpy(), LINE), (LINE, LINE.numpy()),
    ("01", LINE), (LINE + 0j, LINE), (LINE, LINE * 1j), (LINE > 0, LINE), (LINE, LINE > 0),
    (LINE[:1], LINE[:1]), (LINE[:0], LINE[:0]), (LINE.sum(), LINE), (LINE, LINE.sum()),
    (LINE, LINE[1:]), (LINE[None], LINE), (LINE * 0, LINE), (LINE * 0 + 0.1, LINE),
    (LINE * NAN, LINE), (LINE / 0, LINE), (LINE.to("meta"), LINE), (LINE, LINE.to("meta")),
    (LINE.double() * 1e308, LINE), (LINE.to_sparse(), LINE), (1.0, 2.0),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BAD_LINES)))
def test_slope_refuses(number):
    refusal(lambda: measure.slope(*BAD_LINES[number]))


@given(
    st.lists(st.integers(-99, 99), min_size=2, max_size=8, unique=True),
    st.sampled_from([torch.int64, torch.int16, torch.float16, torch.float32, torch.float64]),
    st.sampled_from([1.0, 1e-200, 1e200]),
)
def test_slope_of_all_types(xs, dtype, unit):
    x = torch.tensor(xs).to(dtype)
    y = x * 3 + 5
    assert measure.slope(x, y).item() == pytest.approx(3)
    scaled = torch.tensor(xs).double() * unit
    assert measure.slope(scaled, torch.tensor(xs).double()).item() == pytest.approx(1 / unit)


def test_a_row_that_is_not_finite_says_so():
    y = torch.stack([LINE, LINE * NAN])
    first, second = measure.slope(LINE, y)
    assert first == 1
    assert second.isnan()


def test_a_copy_trains_alike():
    model = net()
    other = copy.deepcopy(model)
    assert torch.equal(train(model).loss, train(other).loss)
