"""The loss landscape of every net: by its own forward, and its exact Hessian; or a refusal."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from properties.bad import refusal
from torch import nn
from torch.autograd.functional import hessian
from torch.func import functional_call
from torch.nn import functional as F

from lecture_utils import landscape
from lecture_utils.landscape import slices
from lecture_utils.models import MLPBlock, ShortcutMLP

N = 9
RNG = torch.Generator().manual_seed(1)
X = torch.randn(N, 4, generator=RNG)
Y = torch.arange(N) % 3
STEPS = torch.tensor([-1.0, 0.0, 0.5])
NAN = float("nan")


def small(cls=ShortcutMLP, seed=0, **options):
    torch.manual_seed(seed)
    options = {"norm": "layer", "activation": "tanh"} | options
    return cls(5, 2, in_features=4, out_features=3, **options).eval()


def plane(net):
    return [landscape.filter_normalised(net, seed) for seed in (0, 1)]


def loss_at(net, theta, x, y):
    """The loss of the net's own forward at other weights."""
    named = dict(net.named_parameters())
    parts = theta.split([p.numel() for p in named.values()])
    weights = {n: t.view(p.shape) for (n, p), t in zip(named.items(), parts, strict=True)}
    return F.cross_entropy(functional_call(net, weights, (x,)), y)


def centre(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


@torch.no_grad()
def by_loop(net, directions, x, y, steps):
    u, v = (d.to(centre(net)) for d in directions)
    rows = [[loss_at(net, centre(net) + a * u + b * v, x, y) for b in steps] for a in steps]
    return torch.stack([torch.stack(row) for row in rows])


# --- nets that are not as they were built ---


class Scaled(ShortcutMLP):
    def forward(self, x):
        return 2 * super().forward(x)


class Averaged(ShortcutMLP):
    """Each block's input is the mean of all states before it."""

    def forward(self, x):
        states = [self.stem(x)]
        for block in self.blocks:
            states.append(block(torch.stack(states).mean(0)))
        return self.head(states[-1])


class Anchored(ShortcutMLP):
    """As its parent at the weights it starts with, and nowhere else."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.anchor = [self.head.weight.detach().clone()]

    def forward(self, x):
        away = (self.head.weight - self.anchor[0]).square().sum()
        return super().forward(x) * (1 + away)


class Gated(ShortcutMLP):
    """With a parameter more."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.gate = nn.Parameter(torch.tensor([[0.5, 2.0, 1.0]]))

    def forward(self, x):
        return super().forward(x) * self.gate


def patched():
    net = small()
    net.forward = lambda x: ShortcutMLP.forward(net, x).tanh()
    return net


def patched_block():
    net = small()
    block = net.blocks[0]
    block.branch = lambda h: 3 * block.linear(h)
    return net


def hooked():
    net = small()
    net.blocks[1].register_forward_hook(lambda part, given, out: out * 2)
    return net


def pre_hooked():
    net = small()
    net.head.register_forward_pre_hook(lambda part, given: (given[0].tanh(),))
    return net


class Deep(nn.Module):
    """In the place of a block."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(5, 5)

    def forward(self, h):
        return h + self.inner(h).sigmoid()


def replaced(part):
    net = small()
    net.blocks[1] = part
    return net.eval()


def tied():
    net = small()
    net.blocks[1].linear.weight = net.blocks[0].linear.weight
    return net


class Cubed(nn.Module):
    def forward(self, weight):
        return weight**3


def parametrised():
    net = small()
    nn.utils.parametrize.register_parametrization(net.stem, "weight", Cubed())
    return net.eval()


def no_bias():
    net = small()
    net.head = nn.Linear(5, 3, bias=False)
    return net.eval()


def other_function():
    net = small()
    net.blocks[0].phi = lambda h: torch.sin(3 * h)
    return net


def with_dropout():
    net = small()
    net.head = nn.Sequential(nn.Dropout(0.5), nn.Linear(5, 3))
    return net.eval()


CHANGED = {
    "subclass": partial(small, Scaled), "own wiring": partial(small, Averaged),
    "the same at the centre": partial(small, Anchored),
    "a parameter more": partial(small, Gated), "patched": patched,
    "a patched block": patched_block, "hooked": hooked, "pre-hooked": pre_hooked,
    "another block": lambda: replaced(Deep()), "layer norm": lambda: replaced(nn.LayerNorm(5)),
    "tied": tied, "parametrised": parametrised, "no bias": no_bias, "dropout": with_dropout,
    "another function": other_function,
}  # fmt: skip


def exactly(net, x, y):
    return hessian(lambda theta: loss_at(net, theta, x, y), centre(net))


@pytest.mark.parametrize("double", [False, True], ids=["float32", "float64"])
@pytest.mark.parametrize("what", ["as built", *CHANGED])
def test_surface_and_hessian_are_those_of_the_nets_own_forward(what, double):
    """marcellodebernardi/loss-landscapes#7: a subclass has a forward of its own."""
    net = (CHANGED | {"as built": small})[what]()
    net, x = (net.double(), X.double()) if double else (net, X)
    setting = (net, plane(net), x, Y, STEPS)
    before = [p.clone() for p in net.parameters()]
    torch.testing.assert_close(slices.surface(*setting), by_loop(*setting))
    assert all(map(torch.equal, net.parameters(), before))
    H = exactly(net, x, Y)
    v = torch.linspace(-1, 1, len(H)).to(x)
    torch.testing.assert_close(landscape.hessian_product(net, x, Y)(v), H @ v, rtol=1e-3, atol=1e-4)


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated")
@pytest.mark.parametrize("way", [nn.utils.parametrizations.weight_norm, nn.utils.weight_norm])
def test_weight_norm_has_a_surface_but_no_hessian(way):
    """PyTorch's second derivatives of it differ from finite differences by a fifth."""
    net = small()
    way(net.stem)
    setting = (net.eval(), plane(net), X, Y, STEPS)
    torch.testing.assert_close(slices.surface(*setting), by_loop(*setting))
    assert "weight_norm" in refusal(lambda: landscape.hessian_product(net, X, Y))


def test_a_subclass_is_not_measured_as_its_parent():
    net = small(Scaled)
    found = slices.surface(net, plane(net), X, Y, torch.zeros(1))
    torch.testing.assert_close(found[0, 0], F.cross_entropy(net(X), Y))
    assert (found - F.cross_entropy(ShortcutMLP.forward(net, X), Y)).abs() > 1e-3


def test_a_class_that_was_patched(monkeypatch):
    net = small()
    monkeypatch.setattr(MLPBlock, "branch", lambda self, h: self.linear(h).cos())
    setting = (net, plane(net), X, Y, STEPS)
    torch.testing.assert_close(slices.surface(*setting), by_loop(*setting))


def test_lanczos_of_a_float64_net():
    """BalzerLab/laplax PR#42: types are mixed, a stem is frozen, gradients are off."""
    net, x = small().double(), X.double()
    H = landscape.hessian_product(net, x, Y)
    size = sum(p.numel() for p in net.parameters())
    said = refusal(lambda: landscape.lanczos(H, size))
    assert "lambda v: H(v.to(torch.float64)).float()" in said
    found = landscape.lanczos(lambda v: H(v.to(torch.float64)).float(), size, steps=60)
    values = torch.linalg.eigvalsh(exactly(net, x, Y))
    torch.testing.assert_close(torch.stack(found), values[[0, -1]], rtol=1e-4, atol=1e-4)
    steepest = landscape.power_iteration(H, torch.ones(size, dtype=torch.float64), 200)
    assert steepest.item() == pytest.approx(values[values.abs().argmax()].item(), rel=1e-3)


def test_a_frozen_stem():
    net = small()
    net.stem.requires_grad_(False)
    assert "stem.weight" in refusal(lambda: landscape.hessian_product(net, X, Y))
    setting = (net, plane(net), X, Y, STEPS)
    torch.testing.assert_close(slices.surface(*setting), by_loop(*setting))


@pytest.mark.parametrize("surrounding", [torch.no_grad, torch.inference_mode])
def test_where_gradients_are_off(surrounding):
    net = small()
    H = landscape.hessian_product(net, X, Y)
    v = torch.ones(sum(p.numel() for p in net.parameters()))
    expected = H(v)
    with surrounding():
        assert "switched off" in refusal(lambda: landscape.hessian_product(net, X, Y))
        torch.testing.assert_close(H(v), expected)
        slices.surface(net, plane(net), X, Y, STEPS)


def test_a_product_knows_that_the_weights_have_changed():
    net = small()
    H = landscape.hessian_product(net, X, Y)
    with torch.no_grad():
        net.stem.weight += 1
    refusal(lambda: H(torch.ones(sum(p.numel() for p in net.parameters()))))


@pytest.mark.parametrize("steps", [torch.tensor([-1, 0, 1]), STEPS.double(), STEPS.half()])
def test_steps_and_directions_of_other_types(steps):
    net = small()
    directions = [d.double() for d in plane(net)]
    found = slices.surface(net, torch.stack(directions), X, Y.to(torch.uint8), steps, np.int64(2))
    expected = by_loop(net, directions, X, Y, steps)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5, check_dtype=False)


def test_a_row_of_zeros_has_a_direction_of_zeros():
    net = small()
    with torch.no_grad():
        net.stem.weight[2] = 0
    direction = landscape.filter_normalised(net, 0)
    assert direction.isfinite().all()
    assert not direction[8:12].any()
    assert direction[:8].all()


# --- refusals ---


def training_dropout():
    return with_dropout().train()


class Random(ShortcutMLP):
    def forward(self, x):
        return F.dropout(super().forward(x), 0.5)


class Unused(ShortcutMLP):
    def forward(self, x):
        return self.head(self.stem(x))


def spoilt():
    net = small()
    with torch.no_grad():
        net.head.bias[0] = NAN
    return net


def mixed():
    net = small()
    net.head.double()
    return net


BAD_NETS = {
    "None": lambda: None, "a class": lambda: ShortcutMLP, "a layer": lambda: nn.Linear(4, 3),
    "a word": lambda: "net", "half": lambda: small().half(), "mixed": mixed,
    "bfloat16": lambda: small().bfloat16(), "meta": lambda: small().to("meta"), "NaN": spoilt,
    "a list": lambda: list(small().parameters()),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_NETS)
def test_nets_are_refused(what):
    net, good = BAD_NETS[what](), plane(small())
    refusal(lambda: landscape.filter_normalised(net, 0))
    refusal(lambda: landscape.hessian_product(net, X, Y))
    refusal(lambda: slices.surface(net, good, X, Y, STEPS))
    if what not in ("a layer", "mixed"):
        refusal(lambda: landscape.row_lengths(net))


@pytest.mark.parametrize("build", [training_dropout, partial(small, Random),
                                   lambda: small(Scaled).train()])  # fmt: skip
def test_nets_that_act_by_chance(build):
    net = build()
    directions = plane(net)
    refusal(lambda: landscape.hessian_product(net, X, Y))
    refusal(lambda: slices.surface(net, directions, X, Y, STEPS))


def test_a_weight_that_the_loss_does_not_use():
    net = small(Unused)
    assert "blocks.0.linear.weight" in refusal(lambda: landscape.hessian_product(net, X, Y))


@pytest.mark.parametrize("net", [nn.Conv1d(2, 2, 3), nn.ReLU(), nn.LazyLinear(2), None, "net"])
def test_rows_are_refused(net):
    refusal(lambda: landscape.row_lengths(net))


BAD_DATA = {
    "x: a list": {"x": X.tolist()}, "x: an array": {"x": X.numpy()}, "x: None": {"x": None},
    "x: float64": {"x": X.double()}, "x: half": {"x": X.half()}, "x: whole": {"x": X.long()},
    "x: bools": {"x": X > 0}, "x: complex": {"x": X + 0j}, "x: meta": {"x": X.to("meta")},
    "x: sparse": {"x": X.to_sparse()}, "x: wide": {"x": torch.ones(N, 5)},
    "x: one axis": {"x": X[0]},
    "x: no axis": {"x": X.sum()}, "x: three axes": {"x": X[None]}, "x: infinite": {"x": X / 0},
    "none": {"x": X[:0], "y": Y[:0]}, "y: a list": {"y": Y.tolist()}, "y: None": {"y": None},
    "y: an array": {"y": Y.numpy()}, "y: floats": {"y": Y.float()}, "y: bools": {"y": Y > 0},
    "y: complex": {"y": Y + 0j}, "y: meta": {"y": Y.to("meta")}, "y: -1": {"y": Y - 1},
    "y: 3": {"y": Y + 1}, "y: one-hot": {"y": F.one_hot(Y)}, "y: short": {"y": Y[1:]},
    "y: no axis": {"y": Y.sum()},
}  # fmt: skip


@pytest.mark.parametrize("cls", [ShortcutMLP, Scaled])
@pytest.mark.parametrize("what", BAD_DATA)
def test_data_are_refused(what, cls):
    net, data = small(cls), {"x": X, "y": Y} | BAD_DATA[what]
    refusal(lambda: landscape.hessian_product(net, **data))
    refusal(lambda: slices.surface(net, plane(net), steps=STEPS, **data))


U, V = plane(small())
BAD_PLANES = {
    "directions: None": {"directions": None}, "directions: a word": {"directions": "uv"},
    "directions: one": {"directions": [U]}, "directions: three": {"directions": [U, V, U]},
    "directions: a generator": {"directions": (d for d in (U, V))},
    "directions: lists": {"directions": [U.tolist(), V.tolist()]},
    "directions: arrays": {"directions": [U.numpy(), V.numpy()]},
    "directions: complex": {"directions": [U, V + 0j]},
    "directions: bools": {"directions": [U, V > 0]},
    "directions: NaN": {"directions": [U, V * NAN]},
    "directions: short": {"directions": [U, V[1:]]},
    "directions: meta": {"directions": [U, V.to("meta")]},
    "directions: tables": {"directions": [U[None], V[None]]},
    "steps: a list": {"steps": [0.0, 1.0]}, "steps: an array": {"steps": STEPS.numpy()},
    "steps: a number": {"steps": 3}, "steps: None": {"steps": None},
    "steps: NaN": {"steps": STEPS * NAN},
    "steps: empty": {"steps": STEPS[:0]}, "steps: no axis": {"steps": STEPS.sum()},
    "steps: a table": {"steps": STEPS[None]}, "steps: complex": {"steps": STEPS + 0j},
    "steps: bools": {"steps": STEPS > 0}, "steps: meta": {"steps": STEPS.to("meta")},
    "chunk: 0": {"chunk": 0}, "chunk: -1": {"chunk": -1}, "chunk: 2.0": {"chunk": 2.0},
    "chunk: True": {"chunk": True}, "chunk: a word": {"chunk": "2"}, "chunk: NaN": {"chunk": NAN},
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_PLANES)
def test_planes_are_refused(what):
    options = {"directions": [U, V], "steps": STEPS} | BAD_PLANES[what]
    refusal(lambda: slices.surface(small(), x=X, y=Y, **options))


no_whole = st.one_of(
    st.none(), st.booleans(), st.floats(), st.text(max_size=3), st.complex_numbers(),
    st.lists(st.integers(), max_size=2), st.just(np.ones(2)), st.just(torch.ones(())),
)  # fmt: skip
VALUES = torch.tensor([3.0, 1.0, -2.0])


def times(v):
    return VALUES * v


@given(st.one_of(no_whole, st.just(2**64), st.just(np.int64(3))))
def test_seeds_are_refused(seed):
    refusal(lambda: landscape.filter_normalised(small(), seed))
    refusal(lambda: landscape.lanczos(times, 3, seed=seed))


@given(st.one_of(no_whole, st.integers(max_value=0)))
def test_sizes_and_steps_are_refused(number):
    refusal(lambda: landscape.lanczos(times, number))
    refusal(lambda: landscape.lanczos(times, 3, number))
    refusal(lambda: landscape.power_iteration(times, VALUES, number))


BAD_PRODUCTS = {
    "None": None, "a matrix": torch.eye(3), "a word": "H",
    "returns None": lambda v: None, "returns a list": lambda v: v.tolist(),
    "returns an array": lambda v: v.numpy(), "returns NaN": lambda v: v * NAN,
    "returns infinity": lambda v: v / 0, "short": lambda v: v[1:], "a number": lambda v: v.sum(),
    "a table": lambda v: v[None], "float64": lambda v: v.double(), "half": lambda v: v.half(),
    "complex": lambda v: v + 0j, "meta": lambda v: v.to("meta"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_PRODUCTS)
def test_products_are_refused(what):
    refusal(lambda: landscape.lanczos(BAD_PRODUCTS[what], 3))
    refusal(lambda: landscape.power_iteration(BAD_PRODUCTS[what], VALUES, 3))


@given(st.integers(2, 30), st.integers(0, 99), st.booleans())
def test_lanczos_knows_a_symmetric_matrix(size, seed, symmetric):
    A = torch.randn(size, size, generator=torch.Generator().manual_seed(seed))
    if symmetric:
        A = A + A.T
        low, high = landscape.lanczos(lambda v: A @ v, np.int64(size), np.int32(size))
        values = torch.linalg.eigvalsh(A.double())
        torch.testing.assert_close(torch.stack([low, high]), values[[0, -1]], rtol=1e-3, atol=1e-3)
    else:
        A = A - 0.5 * A.T
        said = refusal(lambda: landscape.lanczos(lambda v: A @ v, size))
        assert "symmetric" in said


def test_a_product_that_draws_random_numbers():
    A = torch.randn(20, 20, generator=RNG)
    A = A + A.T
    refusal(lambda: landscape.lanczos(lambda v: A @ F.dropout(v, 0.5), 20))


@pytest.mark.parametrize(
    "v",
    [None, [1.0, 2.0, 3.0], VALUES.numpy(), VALUES * 0, VALUES * NAN, VALUES / 0, VALUES.long(),
     VALUES > 0, VALUES + 0j, VALUES[None], VALUES.sum(), VALUES[:0], VALUES.to("meta"), "v"],
)  # fmt: skip
def test_starts_are_refused(v):
    refusal(lambda: landscape.power_iteration(times, v, 3))


@pytest.mark.parametrize(
    "v", [None, 1.0, U.tolist(), U.numpy(), U.double(), U.half(), U + 0j, U > 0, U[1:], U[None],
          U.to("meta"), U.to_sparse(), U.long()],
)  # fmt: skip
def test_vectors_are_refused(v):
    H = landscape.hessian_product(small(), X, Y)
    refusal(lambda: H(v))


def test_a_product_of_zeros_has_no_steepest_direction():
    refusal(lambda: landscape.power_iteration(lambda v: 0 * v, VALUES, 3))
    assert landscape.lanczos(lambda v: 0 * v, 3) == (0, 0)
