"""gradient_norms: the norms of `loss.backward()`, or a refusal; never anything else."""

import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from properties.bad import refusal
from torch import nn
from torch.utils.checkpoint import checkpoint

from lecture_utils.gradients import gradient_norms, matrix_names
from lecture_utils.models import GPT, DeepNeuralNetwork, GPTConfig, ShortcutMLP

X = torch.tensor([[1.0, -0.5, 2.0], [0.3, 0.7, -1.0]])
pytestmark = pytest.mark.filterwarnings("ignore")  # checkpoints warn of what they leave out


def matrices(model):
    return {name: p for name, p in model.named_parameters() if p.dim() >= 2}


def by_backward(model, loss):
    """The norms that `loss.backward()` leaves; None where it leaves nothing."""
    model.zero_grad()
    loss.backward(retain_graph=True)
    grads = [p.grad for p in matrices(model).values()]
    dense = [g.to_dense() if g is not None and g.is_sparse else g for g in grads]
    found = [None if g is None else g.detach().abs().double().norm().item() for g in dense]
    model.zero_grad()
    return found


def agrees(model, loss):
    """Hold gradient_norms to loss.backward(), `.grad` to what it was; say what happened."""
    names, frozen = matrix_names(model), [not p.requires_grad for p in matrices(model).values()]
    kept = {p: torch.ones_like(p) for p in model.parameters() if p.requires_grad}
    for p, grad in kept.items():
        p.grad = grad
    said, norms = "", []
    try:
        norms = gradient_norms(model, loss)
    except ValueError as error:
        said = str(error)
    for p, grad in kept.items():
        assert p.grad is grad
        assert (grad == 1).all()
    expected = by_backward(model, loss)
    lost = [n for n, f, e in zip(names, frozen, expected, strict=True) if e is None and not f]
    if said:
        assert lost or all(frozen), said
        assert any(name in said for name in lost) or "no trainable weight matrix" in said
        return "refused"
    assert not lost
    for norm, right, ice in zip(norms, expected, frozen, strict=True):
        assert math.isnan(norm) if ice else norm == pytest.approx(right, rel=1e-3, nan_ok=True)
    return "equal"


class Stack(nn.Module):
    """Layers, any of which may come twice, under a checkpoint, or behind a detach."""

    def __init__(self, kinds, sparse, shared):
        super().__init__()
        self.kinds = kinds
        self.table = nn.Embedding(5, 4, sparse=sparse)
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in kinds)
        if shared and len(kinds) > 1:
            self.layers[-1] = self.layers[0]

    def forward(self, tokens):
        h = self.table(tokens)
        for kind, layer in zip(self.kinds, self.layers, strict=True):
            if kind == "plain":
                h = layer(h).tanh()
            elif kind == "cut":
                h = layer(h.detach()).tanh()
            elif kind != "left out":
                h = checkpoint(layer, h, use_reentrant=kind == "reentrant").tanh()
        return h


KINDS = ["plain", "plain", "reentrant", "not reentrant", "cut", "left out"]
DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.float16]


@settings(max_examples=150)
@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=5),
    frozen=st.sets(st.integers(0, 5)),
    sparse=st.booleans(),
    shared=st.booleans(),
    dtype=st.sampled_from(DTYPES),
    scale=st.sampled_from([1.0, 1e-6, 1024.0]),
    hook=st.sampled_from(["none", "weight", "node", "module"]),
)
def test_random_stacks(kinds, frozen, sparse, shared, dtype, scale, hook):
    torch.manual_seed(0)
    model = Stack(kinds, sparse, shared).to(dtype)
    places = list(matrices(model).values())
    for k in frozen:
        if k < len(places):
            places[k].requires_grad_(False)
    first = model.layers[0].weight
    handle = None
    if first.requires_grad and hook == "weight":
        first.register_hook(lambda g: 3 * g)
    elif first.requires_grad and hook == "node":
        handle = first.expand_as(first).grad_fn.next_functions[0][0]
        handle.register_prehook(lambda grads: (7 * grads[0],))
    elif hook == "module" and kinds[0] == "plain":
        model.layers[0].register_full_backward_hook(
            lambda m, gi, go: (2 * gi[0],) if gi[0] is not None else None
        )
    out = model(torch.tensor([[0, 1, 1], [3, 0, 4]]))
    loss = out.square().mean() * scale
    if loss.requires_grad:
        agrees(model, loss)
    else:
        refusal(lambda: gradient_norms(model, loss))


class CheckpointedGPT(GPT):
    """The course's GPT with some blocks under checkpoints."""

    modes = ()

    def stream(self, tokens):
        states = [self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]]
        for block, mode in zip(self.blocks, self.modes, strict=True):
            h = states[-1]
            states.append(block(h) if mode is None else checkpoint(block, h, use_reentrant=mode))
        return states


def gpt(modes, frozen=False):
    torch.manual_seed(0)
    model = CheckpointedGPT(GPTConfig(7, 4, 8, 2, len(modes)))
    model.modes = modes
    for table in (model.tokens, model.positions):
        table.requires_grad_(not frozen)
    return model, model(torch.tensor([[1, 2, 2], [0, 6, 3]])).logsumexp(-1).mean()


@given(
    modes=st.lists(st.sampled_from([None, True, False]), min_size=1, max_size=3),
    frozen=st.booleans(),
)
def test_random_gpts(modes, frozen):
    model, loss = gpt(tuple(modes), frozen)
    with warnings.catch_warnings():
        assert agrees(model, loss) == ("refused" if frozen and modes[0] is True else "equal")


def test_what_a_reentrant_checkpoint_cuts_off_is_named():
    """huggingface/transformers#26221: embeddings frozen, two of three blocks under checkpoints."""
    model, loss = gpt((True, True, None), frozen=True)
    said = refusal(lambda: gradient_norms(model, loss))
    assert "blocks.0.attention.branch.qkv.weight" in said
    assert "blocks.1" in said
    assert "blocks.2" not in said
    assert "use_reentrant=False" in said
    model, loss = gpt((True, True, None))  # trainable embeddings: backward goes through
    assert agrees(model, loss) == "equal"


@given(
    depth=st.integers(1, 6),
    shortcut=st.booleans(),
    norm=st.sampled_from([None, "layer"]),
    frozen=st.sets(st.integers(0, 7)),
    double=st.booleans(),
)
def test_random_mlps(depth, shortcut, norm, frozen, double):
    torch.manual_seed(0)
    net = ShortcutMLP(5, depth, use_shortcut=shortcut, norm=norm, in_features=3, out_features=2)
    net = net.double() if double else net
    for k, p in enumerate(matrices(net).values()):
        p.requires_grad_(k not in frozen)
    loss = net(X.double() if double else X).square().mean()
    assert agrees(net, loss) == ("refused" if frozen >= set(range(depth + 2)) else "equal")


def small():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1))


def test_compiled_models():
    """locuslab/torchdeq#11: after one ordinary backward pass torch says 'donated buffers'."""
    net = small()
    compiled = torch.compile(net, backend="aot_eager")
    expected = gradient_norms(net, net(X).sum())
    loss = compiled(X).sum()
    assert gradient_norms(net, loss) == pytest.approx(expected)
    torch._dynamo.reset()
    compiled = torch.compile(net, backend="aot_eager")
    compiled(X).sum().backward()
    for model in (net, compiled):
        loss = compiled(X).sum()
        said = refusal(lambda model=model, loss=loss: gradient_norms(model, loss))
        assert "uncompiled model" in said
    assert gradient_norms(net, net(X).sum()) == pytest.approx(expected)


def test_inputs_and_what_is_kept_of_them():
    net, x = small(), X.clone().requires_grad_()
    for surrounding in (torch.no_grad, torch.inference_mode, torch.enable_grad):
        loss = net(x).sum(0)  # shape (1,)
        expected = by_backward(net, loss)
        x.grad = kept = torch.ones_like(X)
        with surrounding():
            assert gradient_norms(net, loss) == pytest.approx(expected)
        assert x.grad is kept
        assert (kept == 1).all()


def test_parametrised_shared_and_parallel():
    net = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)), nn.Linear(3, 3))
    assert agrees(net, net(X).square().sum()) == "equal"
    net[1] = net[0]
    assert agrees(net, net(X).square().sum()) == "equal"
    net = small()
    assert agrees(net, nn.DataParallel(net)(X).square().sum()) == "equal"


def test_complex_weights():
    net = small().to(torch.complex64)
    assert agrees(net, net(X.to(torch.complex64)).abs().sum()) == "equal"


def test_zero_is_measured_where_it_is_there():
    net = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 1))
    nn.init.constant_(net[0].bias, -100.0)
    assert gradient_norms(net, net(X).sum()) == [0.0, 0.0]


def changed(change, build=small):
    """A model changed after its loss was computed."""
    net = build()
    loss = net(X).sum()
    change(net, loss)
    return net, loss


def stepping(net):
    def step(p):
        p.data -= 0.1 * p.grad

    net[0].weight.register_post_accumulate_grad_hook(step)
    return net, net(X).sum()


def exchanged(net, loss):
    net[0].weight = nn.Parameter(torch.ones(3, 3))


def shifted(net, loss):
    with torch.no_grad():
        net[2].weight += 1


class Bare(nn.Module):
    """Weights that are computed from others."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(3, 3))


def not_a_leaf():
    net = Bare()
    net._parameters["w"] = torch.ones(3, 3, requires_grad=True) * 2
    return net, (X @ net.w).sum()


def meta():
    net = small().to("meta")
    return net, net(X.to("meta")).sum()


BAD = {
    "a float": (lambda: (small(), 0.5), "got float"),
    "None": (lambda: (small(), None), "got NoneType"),
    "text": (lambda: (small(), "loss"), "got str"),
    "an int": (lambda: (small(), 1), "got int"),
    "a list": (lambda: (small(), [torch.ones(())]), "got list"),
    "numpy": (lambda: (small(), torch.ones(()).numpy()), "scalar tensor"),
    "many": (lambda: (small(), small()(X)), "Reduce it with"),
    "empty": (lambda: (small(), torch.zeros(0, requires_grad=True)), "Reduce it with"),
    "complex": (lambda: (small(), small()(X).sum() * 1j), "real number"),
    "detached": (lambda: (small(), small()(X).sum().detach()), "carries no gradient"),
    "integer": (lambda: (small(), torch.tensor(3)), "carries no gradient"),
    "boolean": (lambda: (small(), torch.tensor(True)), "carries no gradient"),
    "meta": (meta, "meta device"),
    "another's": (lambda: (small(), small()(X).sum()), "another model"),
    "a leaf": (lambda: (small(), torch.ones((), requires_grad=True)), "another model"),
    "no model": (lambda: (None, small()(X).sum()), "torch.nn.Module"),
    "a class": (lambda: (nn.Linear, small()(X).sum()), "torch.nn.Module"),
    "parameters": (lambda: (list(small().parameters()), small()(X).sum()), "torch.nn.Module"),
    "no weights": (lambda: (nn.ReLU(), small()(X).sum()), "no trainable weight matrix"),
    "vectors only": (lambda: (nn.LayerNorm(3), small()(X).sum()), "no trainable weight matrix"),
    "lazy": (lambda: (nn.LazyLinear(3), small()(X).sum()), "no shape yet"),
    "all frozen": (
        lambda: (small().requires_grad_(False), small()(X).sum()),
        "no trainable weight matrix",
    ),
    "freed": (lambda: changed(lambda net, loss: loss.backward()), "graph is gone"),
    "changed in place": (lambda: changed(shifted), "changed after the loss"),
    "exchanged": (lambda: changed(exchanged), r"0.weight"),
    "an optimiser in a hook": (lambda: stepping(small()), "register_post_accumulate_grad_hook"),
    "no leaf": (not_a_leaf, "computed from other tensors"),
}


@pytest.mark.parametrize("what", BAD)
def test_refused(what):
    build, says = BAD[what]
    model, loss = build()
    assert says in refusal(lambda: gradient_norms(model, loss))


@given(
    st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.binary(), st.lists(st.floats()))
)
def test_anything_else_is_refused(thing):
    net = DeepNeuralNetwork([3, 3, 1], use_shortcut=True)
    refusal(lambda: gradient_norms(net, thing))
    refusal(lambda: gradient_norms(thing, net(X).sum()))
    refusal(lambda: matrix_names(thing))


def test_a_refusal_leaves_the_weights_alone():
    net, loss = stepping(small())
    before = [p.clone() for p in net.parameters()]
    refusal(lambda: gradient_norms(net, loss))
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
