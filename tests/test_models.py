"""The networks: the lecture's numbers, the twins, and bad input."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lecture_utils.gradients import gradient_norms, matrix_names
from lecture_utils.models import (
    DeepNeuralNetwork,
    ShortcutMLP,
    looks_linear,
    normalise,
    orthogonal,
)

LECTURE = {
    False: [0.000202, 0.000120, 0.000715, 0.001399, 0.005050],
    True: [0.221698, 0.206941, 0.328970, 0.266573, 1.325854],
}
EXACT = {
    False: [0.00020173588, 0.00012011159, 0.00071520399, 0.0013988736, 0.0050496454],
    True: [0.22169792, 0.20694106, 0.32896995, 0.26657322, 1.3258540],
}


@pytest.mark.parametrize("use_shortcut", [False, True])
def test_reproduces_the_lectures_gradients(use_shortcut):
    torch.manual_seed(123)
    net = DeepNeuralNetwork([3, 3, 3, 3, 3, 1], use_shortcut)
    F.mse_loss(net(torch.tensor([[1.0, 0.0, -1.0]])), torch.zeros(1, 1)).backward()
    found = torch.stack([layer[0].weight.grad.abs().mean() for layer in net.layers])
    torch.testing.assert_close(found, torch.tensor(EXACT[use_shortcut]), rtol=1e-4, atol=0)
    printed = [f"{value:.6f}" for value in found.tolist()]
    assert printed == [f"{value:.6f}" for value in LECTURE[use_shortcut]]


@pytest.mark.parametrize("sizes", [[4, 2], [5, 5], [3] * 41, [2, 7, 7, 1]])
def test_any_number_of_layers(sizes):
    net = DeepNeuralNetwork(sizes, use_shortcut=True)
    assert len(net.layers) == len(sizes) - 1
    assert net(torch.ones(6, sizes[0])).shape == (6, sizes[-1])


def test_shortcut_only_where_shapes_match():
    net = DeepNeuralNetwork([2, 2, 3], use_shortcut=True)
    for parameter in net.parameters():
        nn.init.zeros_(parameter)
    x = torch.tensor([[1.0, -2.0]])
    assert torch.equal(net(x), torch.zeros(1, 3))  # the second layer drops it
    square = DeepNeuralNetwork([2, 2, 2], use_shortcut=True)
    for parameter in square.parameters():
        nn.init.zeros_(parameter)
    assert torch.equal(square(x), x)


@pytest.mark.parametrize("sizes", [[], [3], [3, 0], [3, -1, 2], [3, 2.5], "33", None, [True, 2]])
def test_bad_layer_sizes(sizes):
    with pytest.raises(ValueError, match="layer_sizes"):
        DeepNeuralNetwork(sizes, use_shortcut=False)


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (torch.ones(2, 4), r"shape \(\.\.\., 3\)"),
        (torch.ones(0, 3), "at least one row"),
        (torch.tensor(1.0), "shape"),
        (torch.tensor([[1.0, float("nan"), 0.0]]), "1 NaN or infinite of 3"),
        (torch.tensor([[1, 2, 3]]), "floating-point"),
        ([1.0, 2.0, 3.0], "got list"),
    ],
)
@pytest.mark.parametrize(
    "net",
    [DeepNeuralNetwork([3, 3, 1], use_shortcut=True), ShortcutMLP(4, 2, in_features=3)],
    ids=["DeepNeuralNetwork", "ShortcutMLP"],
)
def test_bad_input(net, x, says):
    with pytest.raises(ValueError, match=says):
        net(x)


@pytest.mark.parametrize("norm", [None, "layer", "batch"])
@pytest.mark.parametrize("activation", ["relu", "gelu", "tanh", "sigmoid"])
def test_twins_have_the_same_parameters_and_differ_by_the_sum(norm, activation):
    nets = []
    for use_shortcut in (True, False):
        torch.manual_seed(0)
        nets.append(ShortcutMLP(8, 3, use_shortcut=use_shortcut, norm=norm, activation=activation))
    short, plain = nets
    for one, other in zip(short.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)
    h = torch.randn(5, 8)
    block, twin = short.blocks[1], plain.blocks[1]
    torch.testing.assert_close(block(h), h + twin(h))


@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_normalise_against_pytorch(norm):
    h = torch.randn(16, 8) * 3 + 1
    reference = {"layer": nn.LayerNorm(8), "batch": nn.BatchNorm1d(8)}[norm]
    torch.testing.assert_close(normalise(h, norm), reference(h), rtol=1e-5, atol=1e-5)


def test_starting_weights():
    torch.manual_seed(0)
    he = ShortcutMLP(200, 1, init="he").blocks[0].linear
    assert he.weight.std().item() == pytest.approx((2 / 200) ** 0.5, rel=0.02)
    assert not he.bias.any()
    torch.manual_seed(0)
    scaled = ShortcutMLP(200, 1, init="he", branch_scale=0.1).blocks[0].linear
    torch.testing.assert_close(scaled.weight, 0.1 * he.weight)
    zero = ShortcutMLP(8, 5, branch_scale=0.0)
    h = torch.randn(3, 8)
    for block in zero.blocks:
        assert torch.equal(block(h), h)


def test_orthogonal_weights_keep_lengths():
    torch.manual_seed(0)
    for block in orthogonal(ShortcutMLP(8, 3)).blocks:
        W = block.linear.weight
        torch.testing.assert_close(W @ W.T, torch.eye(8), rtol=0, atol=1e-5)
        assert not block.linear.bias.any()


def test_looks_linear_weights_undo_the_relu():
    torch.manual_seed(0)
    u = torch.randn(5, 4)
    for block in looks_linear(ShortcutMLP(8, 3, use_shortcut=False)).blocks:
        out = block(torch.cat([u, -u], 1))
        torch.testing.assert_close(out[:, 4:], -out[:, :4])
        torch.testing.assert_close(out[:, :4].norm(dim=1), u.norm(dim=1))
        torch.testing.assert_close(block(torch.cat([-u, u], 1)), -out)


def test_looks_linear_needs_pairs_of_neurons():
    with pytest.raises(ValueError, match="width must be even"):
        looks_linear(ShortcutMLP(7, 2))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"width": 0, "depth": 2}, "width must be a positive whole number; got 0"),
        ({"width": 8, "depth": -3}, "depth"),
        ({"width": 8.0, "depth": 3}, "width"),
        ({"width": 8, "depth": 3, "norm": "rms"}, "unknown norm 'rms'; choose one of None"),
        ({"width": 8, "depth": 3, "init": "zeros"}, "unknown init 'zeros'"),
        ({"width": 8, "depth": 3, "activation": "swish"}, "unknown activation 'swish'"),
        ({"width": 8, "depth": 3, "branch_scale": -1.0}, "branch_scale"),
        ({"width": 8, "depth": 3, "branch_scale": float("nan")}, "branch_scale"),
        ({"width": 8, "depth": 3, "in_features": 0}, "in_features"),
        ({"width": 8, "depth": 3, "out_features": 0}, "out_features"),
    ],
)
def test_bad_options(options, says):
    with pytest.raises(ValueError, match=says):
        ShortcutMLP(**options)


def test_batch_norm_needs_two_rows():
    with pytest.raises(ValueError, match="at least two rows"):
        ShortcutMLP(8, 2, norm="batch")(torch.ones(1, 64))


def test_gradient_norms_in_depth_order_without_disturbing_anything():
    torch.manual_seed(123)
    net = DeepNeuralNetwork([3, 3, 3, 3, 3, 1], use_shortcut=False)
    loss = net(torch.tensor([[1.0, 0.0, -1.0]])).square().mean()
    kept = torch.full((3, 3), 7.0)
    net.layers[0][0].weight.grad = kept.clone()
    norms = gradient_norms(net, loss)
    assert norms == pytest.approx([8.082e-4, 4.058e-4, 3.121e-3, 5.209e-3, 9.817e-3], rel=1e-3)
    assert torch.equal(net.layers[0][0].weight.grad, kept)
    assert net.layers[1][0].weight.grad is None
    loss.backward()  # the graph is still there
    grown = net.layers[0][0].weight.grad - kept
    assert grown.norm().item() == pytest.approx(norms[0], rel=1e-3)


def test_gradient_norms_of_tiny_gradients_are_not_zero():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    norms = gradient_norms(net, net(torch.ones(1, 2)).sum() * 1e-30)
    assert all(0 < norm < 1e-28 for norm in norms)


def test_gradient_norms_of_an_unused_layer_are_refused_by_name():
    net = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    with pytest.raises(ValueError, match=r"did not reach 1\.weight from this loss"):
        gradient_norms(net, net[0](torch.ones(1, 2)).sum())


def test_gradient_norms_of_frozen_layers_keep_their_place():
    """After torch-ac PR#5: a frozen first layer must not shift the others."""
    net = DeepNeuralNetwork([3, 3, 3, 1], use_shortcut=False)
    x = torch.tensor([[1.0, 0.0, -1.0]])
    full = gradient_norms(net, net(x).sum())
    net.layers[0].requires_grad_(False)
    first, *others = gradient_norms(net, net(x).sum())
    assert math.isnan(first)
    assert others == full[1:]
    assert matrix_names(net) == [f"layers.{k}.0.weight" for k in range(3)]


@pytest.mark.parametrize(
    ("loss", "says"),
    [
        (lambda net: net(torch.ones(2, 3)), r"scalar tensor; got \(2, 1\)"),
        (lambda net: 0.5, "got float"),
        (lambda net: net(torch.ones(2, 3)).sum().detach(), "carries no gradient"),
        (lambda net: nn.Linear(3, 1)(torch.ones(1, 3)).sum(), "another model"),
    ],
)
def test_gradient_norms_with_a_bad_loss(loss, says):
    net = DeepNeuralNetwork([3, 3, 1], use_shortcut=True)
    with pytest.raises(ValueError, match=says):
        gradient_norms(net, loss(net))


def test_gradient_norms_of_a_model_without_weights():
    x = torch.ones(1, requires_grad=True)
    with pytest.raises(ValueError, match="ReLU has no trainable weight matrix"):
        gradient_norms(nn.ReLU(), x.sum())
