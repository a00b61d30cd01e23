"""The loss landscape: right numbers, clear errors, and faster than a loop."""

import sys

import pytest
import torch

from lecture_utils import landscape
from lecture_utils.authoring import notebooks
from lecture_utils.landscape import slices
from lecture_utils.models import ShortcutMLP
from lecture_utils.training import cross_entropy

KINDS = [
    {"use_shortcut": False},
    {"use_shortcut": True},
    {"use_shortcut": True, "norm": "layer"},
    {"use_shortcut": False, "norm": "batch", "activation": "gelu"},
]


def small_net(depth=3, width=5, seed=0, **options):
    torch.manual_seed(seed)
    return ShortcutMLP(width, depth, in_features=4, out_features=3, **options)


@pytest.fixture
def net():
    return small_net()


@pytest.fixture
def examples():
    g = torch.Generator().manual_seed(1)
    return torch.randn(12, 4, generator=g), torch.randint(3, (12,), generator=g)


def plane(net):
    return [landscape.filter_normalised(net, seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def benchmark():
    sys.path.insert(0, str(notebooks.ROOT / "benchmarks"))
    try:
        import landscape as script
    finally:
        sys.path.pop(0)
    return script


@pytest.mark.parametrize("options", KINDS)
def test_surface_equals_the_loop(options, examples, benchmark):
    net, steps = small_net(**options), torch.linspace(-1, 1, 5)
    setting = (net, plane(net), *examples, steps)
    by_loop = benchmark.by_loop(*setting)
    for chunk in (1, 4, 25, 100):
        torch.testing.assert_close(slices.surface(*setting, chunk=chunk), by_loop)
    torch.testing.assert_close(by_loop[2, 2], cross_entropy(net(examples[0]), examples[1]))


def test_surface_has_alpha_by_row(net, examples):
    steps = torch.tensor([0.0, 1.0])
    found = slices.surface(net, plane(net), *examples, steps)
    theta = torch.nn.utils.parameters_to_vector(net.parameters())
    torch.nn.utils.vector_to_parameters(theta + plane(net)[0], net.parameters())
    torch.testing.assert_close(found[1, 0], cross_entropy(net(examples[0]), examples[1]))


def test_surface_leaves_the_net_alone(net, examples):
    before = [p.clone() for p in net.parameters()]
    slices.surface(net, plane(net), *examples, torch.linspace(-1, 1, 3))
    assert all(torch.equal(p, b) for p, b in zip(net.parameters(), before, strict=True))
    assert all(p.requires_grad and p.grad is None for p in net.parameters())


def test_each_row_of_a_direction_is_as_long_as_the_nets(net):
    direction = landscape.filter_normalised(net, 3)
    parts = direction.split([p.numel() for p in net.parameters()])
    for p, part in zip(net.parameters(), parts, strict=True):
        if p.dim() == 1:
            assert not part.any()
        else:
            torch.testing.assert_close(part.view(p.shape).norm(dim=1), p.norm(dim=1))
    assert torch.equal(direction, landscape.filter_normalised(net, 3))
    assert not torch.equal(direction, landscape.filter_normalised(net, 4))


def exact_hessian(net, x, y):
    theta = torch.nn.utils.parameters_to_vector(net.parameters()).detach()
    return torch.func.hessian(lambda t: cross_entropy(slices._logits(net, t[None], x), y)[0])(theta)


@pytest.mark.parametrize("options", KINDS)
def test_hessian_product_and_lanczos_agree_with_the_exact_hessian(options, examples):
    net = small_net(**options).double()
    x, y = examples[0].double(), examples[1]
    H = exact_hessian(net, x, y)
    v = torch.randn(len(H), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    product = landscape.hessian_product(net, x, y)
    torch.testing.assert_close(product(v), H @ v)
    values = torch.linalg.eigvalsh(H)
    found = landscape.lanczos(lambda u: product(u.double()).float(), len(H), steps=60)
    torch.testing.assert_close(torch.stack(found), values[[0, -1]], rtol=1e-4, atol=1e-4)


def test_power_iteration_finds_the_largest_in_size_with_its_sign():
    for values in ([9.0, 4.0, -1.0], [-7.0, 3.0, 0.5]):
        known, v = torch.tensor(values), torch.tensor([1.0, -2.0, 0.5])
        found = landscape.power_iteration(lambda u, known=known: known * u, v, steps=100)
        assert found.item() == pytest.approx(values[0], rel=1e-5)
        assert torch.equal(v, torch.tensor([1.0, -2.0, 0.5]))


def test_rescaled_hessian_does_not_change_with_the_hidden_states(examples):
    net = small_net(use_shortcut=True)

    def in_rows():
        unit, H = landscape.row_lengths(net), landscape.hessian_product(net, *examples)
        return landscape.lanczos(lambda v: unit * H(unit * v), len(unit))[1]

    before = in_rows()
    with torch.no_grad():
        for part in (net.stem, *(block.linear for block in net.blocks)):
            part.bias *= 8
        net.stem.weight *= 8
        net.head.weight /= 8
    torch.testing.assert_close(in_rows(), before, rtol=1e-4, atol=0)


@pytest.mark.parametrize(
    "values", [[3.0], [2.0, 2.0, 2.0], [-5.0, 1.0, 1.0, 4.0], [0.0, 0.0], list(range(-10, 11))]
)
def test_lanczos_on_known_matrices(values):
    known = torch.tensor(values, dtype=torch.float32)
    low, high = landscape.lanczos(lambda v: known * v, len(known), steps=40)
    assert low.item() == pytest.approx(min(values), abs=1e-4)
    assert high.item() == pytest.approx(max(values), abs=1e-4)


def spoil(net, value):
    with torch.no_grad():
        net.blocks[1].linear.weight[0, 0] = value
    return net


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(net, examples, value):
    directions, bad = plane(net), spoil(net, value)
    for call in (
        lambda: slices.surface(bad, directions, *examples, torch.zeros(1)),
        lambda: landscape.filter_normalised(bad, 0),
        lambda: landscape.hessian_product(bad, *examples),
    ):
        with pytest.raises(ValueError, match=r"blocks\.1\.linear\.weight holds 1 NaN or inf"):
            call()


def test_directions_that_do_not_fit(net, examples):
    other, steps = small_net(depth=4), torch.zeros(1)
    one = plane(net)[0]
    for directions in (plane(other), [one], [one, one, one], [one, plane(other)[1]]):
        with pytest.raises(ValueError, match="two directions of shape"):
            slices.surface(net, directions, *examples, steps)
    with pytest.raises(ValueError, match="a direction holds a NaN"):
        slices.surface(net, [one, one * float("nan")], *examples, steps)


@pytest.mark.parametrize("steps", [torch.zeros(0), torch.zeros(2, 2), torch.full((2,), torch.nan)])
def test_grids_that_are_none(net, examples, steps):
    with pytest.raises(ValueError, match="steps must be finite numbers of shape"):
        slices.surface(net, plane(net), *examples, steps)


def test_chunk_must_be_positive(net, examples):
    with pytest.raises(ValueError, match="chunk must be 1 or more"):
        slices.surface(net, plane(net), *examples, torch.zeros(1), chunk=0)


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (torch.zeros(4, 7), torch.zeros(4, dtype=torch.long), r"x of shape \(n, 4\)"),
        (torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), "at least one example"),
        (torch.zeros(4), torch.zeros(4, dtype=torch.long), r"x of shape \(n, 4\)"),
        (torch.zeros(4, 4), torch.zeros(3, dtype=torch.long), r"y of shape \(n,\)"),
        (torch.full((4, 4), torch.nan), torch.zeros(4, dtype=torch.long), "x holds a NaN"),
        (torch.zeros(4, 4), torch.full((4,), 3), "class numbers from 0 to 2"),
        (torch.zeros(4, 4), torch.zeros(4), "whole numbers"),
    ],
)
def test_data_that_do_not_fit(net, x, y, says):
    for call in (
        lambda: slices.surface(net, plane(net), x, y, torch.zeros(1)),
        lambda: landscape.hessian_product(net, x, y),
    ):
        with pytest.raises(ValueError, match=says):
            call()


def test_another_module_is_refused(examples):
    with pytest.raises(ValueError, match="ShortcutMLP; got Linear"):
        landscape.hessian_product(torch.nn.Linear(4, 3), *examples)


@pytest.mark.parametrize(("size", "steps"), [(0, 5), (5, 0)])
def test_lanczos_needs_a_matrix_and_steps(size, steps):
    with pytest.raises(ValueError, match="1 or more"):
        landscape.lanczos(lambda v: v, size, steps)


def test_the_benchmarks_programs_compute_the_same_surface(benchmark):
    digits = benchmark.data.digits()
    net = benchmark.twin(True, digits, steps=1)
    directions = [landscape.filter_normalised(net, seed) for seed in (0, 1)]
    setting = (directions, digits.train_x[:64], digits.train_y[:64], torch.linspace(-1, 1, 5))
    batched = slices.surface(net, *setting)
    for program in (benchmark.by_loop, benchmark.by_vmap):
        torch.testing.assert_close(program(net, *setting), batched, rtol=1e-4, atol=1e-5)
