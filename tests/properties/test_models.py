"""The models, and all that is given to them: right to the number, or refused."""

import math
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from properties.bad import refusal
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from lecture_utils.models import (
    GPT,
    BertLayer,
    CausalAttention,
    DeepNeuralNetwork,
    FeedForward,
    GPTBlock,
    GPTConfig,
    MLPBlock,
    SelfAttention,
    ShortcutMLP,
    Sublayer,
    TransformerBlock,
    generate,
    initialise,
    join_heads,
    looks_linear,
    normalise,
    orthogonal,
    read_logits,
    residual_stream,
    split_heads,
)
from lecture_utils.training import Ensemble

DIM, HEADS = 8, 2
CONFIG = GPTConfig(vocab_size=11, context=8, dim=DIM, num_heads=HEADS, depth=2)
DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def gpt(seed=0):
    torch.manual_seed(seed)
    model = GPT(CONFIG).eval()
    for weight in model.parameters():
        nn.init.normal_(weight, std=0.4)
    return model


def ids(batch=2, time=5):
    return torch.arange(batch * time).view(batch, time) % 11


# --- sizes and settings ---

NO_SIZE = st.one_of(
    st.integers(max_value=0), st.booleans(), st.floats(), st.text(max_size=3), st.none(),
    st.complex_numbers(), st.lists(st.integers(), max_size=2), st.integers(10**9 + 1, 10**5000),
    st.sampled_from([np.float32(3), np.bool_(True), torch.tensor(3), Fraction(3), np.array(3)]),
)  # fmt: skip
NO_SHARE = st.one_of(
    st.floats(min_value=1), st.floats(max_value=-1e-9), st.just(math.nan), st.booleans(),
    st.text(max_size=3), st.none(), st.complex_numbers(), st.integers(min_value=1),
    st.sampled_from([np.float32(2), torch.tensor(0.1), Fraction(1, 2), [0.1], -(10**400)]),
)  # fmt: skip
NO_SCALE = st.one_of(
    st.floats(max_value=-1e-9), st.sampled_from([math.nan, math.inf, 10**400, "1", None, True, 1j]),
    st.sampled_from([torch.tensor(1.0), np.float32("nan"), Fraction(1, 2), [1.0], np.array(1.0)]),
)  # fmt: skip
NO_WORD = st.one_of(
    st.text(max_size=8), st.integers(), st.lists(st.text(), max_size=1), st.booleans(),
    st.sampled_from([{}, np.array(["pre"]), torch.ones(2), b"pre", object(), "Pre", "relu "]),
)  # fmt: skip
NO_FLAG = st.one_of(
    st.integers(), st.floats(), st.text(max_size=5), st.none(), st.lists(st.booleans(), max_size=1),
    st.sampled_from([torch.tensor(True), np.array(True), np.int64(1), "False"]),
)  # fmt: skip
MLP, BLOCK = {"width": 4, "depth": 2}, {"dim": 8, "hidden_dim": 32, "num_heads": 2}
BERT = {"dim": 8, "intermediate_dim": 32, "num_heads": 2}
SUB = {"branch": nn.Identity(), "dim": 8, "norm": "pre"}
SMALL = {"width": 4, "use_shortcut": True, "norm": None, "activation": "relu"}
OPTIONS = [  # what is built, from valid arguments, and the bad values of each argument in turn
    (GPTConfig, {}, ["vocab_size", "context", "dim", "num_heads", "depth"], NO_SIZE),
    (ShortcutMLP, MLP, ["width", "depth", "in_features", "out_features"], NO_SIZE),
    (MLPBlock, SMALL, ["width"], NO_SIZE),
    (TransformerBlock, BLOCK, ["dim", "hidden_dim", "num_heads"], NO_SIZE),
    (BertLayer, BERT, ["dim", "intermediate_dim", "num_heads"], NO_SIZE),
    (Sublayer, SUB, ["dim"], NO_SIZE),
    (SelfAttention, {"dim": 8, "num_heads": 2}, ["dim", "num_heads"], NO_SIZE),
    (FeedForward, {"dim": 8, "hidden_dim": 32}, ["dim", "hidden_dim"], NO_SIZE),
    (GPTConfig, {}, ["dropout"], NO_SHARE),
    (TransformerBlock, BLOCK, ["dropout"], NO_SHARE),
    (BertLayer, BERT, ["dropout"], NO_SHARE),
    (Sublayer, SUB, ["dropout"], NO_SHARE),
    (SelfAttention, {"dim": 8, "num_heads": 2}, ["dropout"], NO_SHARE),
    (ShortcutMLP, MLP, ["branch_scale"], NO_SCALE),
    (TransformerBlock, BLOCK, ["eps"], NO_SCALE),
    (BertLayer, BERT, ["eps"], NO_SCALE),
    (Sublayer, SUB, ["eps"], NO_SCALE),
    (GPTConfig, {}, ["norm"], NO_WORD),
    (ShortcutMLP, MLP, ["norm", "activation", "init"], NO_WORD),
    (MLPBlock, SMALL, ["norm", "activation"], NO_WORD),
    (TransformerBlock, BLOCK, ["norm", "activation"], NO_WORD),
    (Sublayer, SUB, ["norm"], NO_WORD),
    (FeedForward, {"dim": 8, "hidden_dim": 32}, ["activation"], NO_WORD),
    (GPTConfig, {}, ["use_shortcut"], NO_FLAG),
    (ShortcutMLP, MLP, ["use_shortcut"], NO_FLAG),
    (MLPBlock, SMALL, ["use_shortcut"], NO_FLAG),
    (TransformerBlock, BLOCK, ["use_shortcut"], NO_FLAG),
    (Sublayer, SUB, ["use_shortcut"], NO_FLAG),
    (DeepNeuralNetwork, {"layer_sizes": [2, 2]}, ["use_shortcut"], NO_FLAG),
]
OPTIONS = [(make, good, name, bad) for make, good, names, bad in OPTIONS for name in names]
CALLED = {"intermediate_dim": "hidden_dim"}  # the argument's name where it is checked


@pytest.mark.parametrize(
    ("make", "good", "name", "bad"), OPTIONS, ids=[f"{o[0].__name__}-{o[2]}" for o in OPTIONS]
)
@settings(max_examples=20)
@given(data=st.data())
def test_each_bad_option_is_refused_by_name(make, good, name, bad, data):
    value = data.draw(bad)
    message = refusal(lambda: make(**{**good, name: value}))
    assert CALLED.get(name, name) in message


SIZES = [
    [], [3], [3, 0], [3, -1], [3, 2.5], [True, 2], [3, None], [[3], [3, 2]], [3, np.float64(2)],
    "33", b"33", bytearray(b"33"), None, 3, {3: 2, 2: 1}, {3, 2}, (n for n in (3, 2)), np.ones(3),
    np.ones((2, 2), int), torch.tensor([3, 2]), [3, torch.tensor(2)], [10**6, 10**6], [3, 10**18],
    [3, "2"], np.array([3, 0]),
]  # fmt: skip


@pytest.mark.parametrize("sizes", SIZES, ids=range(len(SIZES)))
def test_bad_layer_sizes(sizes):
    refusal(lambda: DeepNeuralNetwork(sizes, use_shortcut=False))


HUGE = [
    lambda: ShortcutMLP(10**9, 1),
    lambda: ShortcutMLP(2, 10**6),
    lambda: ShortcutMLP(10**6, 10**5),
    lambda: MLPBlock(10**9, True, None, "relu"),
    lambda: SelfAttention(10**9, 1),
    lambda: SelfAttention(999_999_937, 2),
    lambda: FeedForward(10**9, 10**9),
    lambda: BertLayer(10**9, 10**9, 1),
    lambda: TransformerBlock(10**9, 10**9, 1),
    lambda: GPTConfig(depth=10**6),
    lambda: GPT(GPTConfig(10**9, 10**9, 10**9, 1, 1)),
    lambda: GPTBlock(GPTConfig(dim=10**9, num_heads=1)),
]


@pytest.mark.parametrize("build", HUGE, ids=range(len(HUGE)))
def test_a_net_that_no_computer_holds_is_refused_at_once(build):
    refusal(build)


def like_a_config(**changes):
    return SimpleNamespace(**{**vars(CONFIG), **changes})


NO_CONFIG = [
    (None, "GPTConfig"), (3, "GPTConfig"), ({}, "GPTConfig"), ("small", "GPTConfig"),
    (GPTConfig, "GPTConfig"), (SimpleNamespace(dim=8), "GPTConfig"),
    (like_a_config(vocab_size="11"), "vocab_size"), (like_a_config(dim=9), "evenly"),
    (like_a_config(depth=0), "depth"),
]  # fmt: skip


@pytest.mark.parametrize(("config", "says"), NO_CONFIG, ids=range(len(NO_CONFIG)))
@pytest.mark.parametrize("make", [GPT, GPTBlock, CausalAttention])
def test_what_is_no_config(make, config, says):
    assert says in refusal(lambda: make(config))


def test_a_config_may_be_of_another_class():
    torch.manual_seed(0)
    one = GPT(CONFIG)
    torch.manual_seed(0)
    assert torch.equal(GPT(like_a_config())(ids()), one(ids()))


@pytest.mark.parametrize("branch", [None, 3, "F", FeedForward, nn.Identity, torch.ones(2)])
def test_what_is_no_branch(branch):
    assert "branch must be a module" in refusal(lambda: Sublayer(branch, DIM, "pre"))


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("use_shortcut", [True, False])
def test_a_branch_of_another_shape_is_not_stretched(norm, use_shortcut):
    for branch in (nn.Linear(DIM, 1), lambda x: x[:1], lambda x: x.mean(1, keepdim=True)):
        sub = Sublayer(branch, DIM, norm, use_shortcut=use_shortcut)
        assert "the branch must return the shape" in refusal(lambda s=sub: s(torch.ones(2, 3, DIM)))


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
def test_numpys_numbers_build_the_same_nets(kind):
    def built(make, *sizes, **options):
        torch.manual_seed(0)
        return list(make(*sizes, **options).parameters())

    def of(*sizes):
        return [kind(size) for size in sizes]

    flag, share = {"use_shortcut": np.bool_(False)}, {"dropout": np.float32(0.1)}
    pairs = [
        (built(ShortcutMLP, 8, 2), built(ShortcutMLP, *of(8, 2), **flag)),
        (built(ShortcutMLP, 8, 2, branch_scale=2), built(ShortcutMLP, 8, 2, branch_scale=kind(2))),
        (
            built(DeepNeuralNetwork, [3, 2], False),
            built(DeepNeuralNetwork, np.array([3, 2]), False),
        ),
        (built(DeepNeuralNetwork, [3, 2], False), built(DeepNeuralNetwork, of(3, 2), False)),
        (built(TransformerBlock, 8, 32, 2), built(TransformerBlock, *of(8, 32, 2), **share)),
        (built(GPT, CONFIG), built(GPT, GPTConfig(*of(11, 8, DIM, HEADS, 2), **flag))),
    ]
    for one, other in pairs:
        for a, b in zip(one, other, strict=True):
            assert torch.equal(a, b)


def test_numpys_share_drops_as_much_as_pythons():
    found = []
    for share in (0.5, np.float32(0.5), np.float64(0.5)):
        torch.manual_seed(0)
        block, x = TransformerBlock(8, 32, 2, dropout=share), torch.randn(2, 5, 8)
        found.append(block(x))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


# --- inputs: type, device, shape ---

NETS = {
    "DeepNeuralNetwork": (lambda: DeepNeuralNetwork([DIM, 4, 1], use_shortcut=True), False),
    "ShortcutMLP": (lambda: ShortcutMLP(4, 2, in_features=DIM), False),
    "MLPBlock": (lambda: MLPBlock(DIM, True, "layer", "relu"), False),
    "FeedForward": (lambda: FeedForward(DIM, 32), False),
    "Sublayer": (lambda: Sublayer(nn.Identity(), DIM, "post"), False),
    "SelfAttention": (lambda: SelfAttention(DIM, HEADS), True),
    "BertLayer": (lambda: BertLayer(DIM, 32, HEADS, dropout=0.0), True),
    "TransformerBlock": (lambda: TransformerBlock(DIM, 32, HEADS), True),
    "sandwich": (lambda: TransformerBlock(DIM, 32, HEADS, norm="sandwich"), True),
    "CausalAttention": (lambda: CausalAttention(CONFIG), True),
    "GPTBlock": (lambda: GPTBlock(CONFIG), True),
}
each_net = pytest.mark.parametrize(("make", "is_sequence"), NETS.values(), ids=NETS)
GOOD = torch.randn(2, 3, DIM, generator=torch.Generator().manual_seed(0))
INPUTS = {
    "list": (GOOD.tolist(), "got list"),
    "array": (GOOD.numpy(), "got ndarray"),
    "None": (None, "got NoneType"),
    "text": ("abc", "got str"),
    "number": (1.0, "got float"),
    "whole": (GOOD.long(), "got a tensor of torch.int64"),
    "bool": (GOOD > 0, "got a tensor of torch.bool"),
    "complex": (GOOD.to(torch.complex64), "got a tensor of torch.complex64"),
    "half": (GOOD.half(), "the input is torch.float16, the weights are torch.float32"),
    "bfloat16": (GOOD.bfloat16(), "x.to(torch.float32)"),
    "double": (GOOD.double(), "the input is torch.float64"),
    "another device": (GOOD.to("meta"), "the input is on meta, the weights are on cpu"),
    "sparse": (GOOD.to_sparse(), "to_dense"),
    "narrow": (GOOD[..., :-1], f"{DIM}"),
    "turned": (GOOD.mT, f"{DIM}"),
    "no axis": (torch.tensor(1.0), "got ()"),
    "empty": (GOOD[:0], "got (0, 3, 8)"),
    "no features": (GOOD[..., :0], "got (2, 3, 0)"),
}


@each_net
@pytest.mark.parametrize(("x", "says"), INPUTS.values(), ids=INPUTS)
def test_each_bad_input_is_refused(make, is_sequence, x, says):
    """laplax PR#42: types at the surface."""
    assert says in refusal(lambda: make()(x))


@each_net
def test_sequences_have_three_axes(make, is_sequence):
    for x in (GOOD[0], GOOD[None]):
        if is_sequence:
            assert "(batch, time, 8)" in refusal(lambda x=x: make()(x))
        else:
            assert make()(x).shape[:-1] == x.shape[:-1]


@each_net
@pytest.mark.parametrize("dtype", DTYPES)
def test_each_type_of_number_gives_the_right_number(make, is_sequence, dtype):
    torch.manual_seed(0)
    net = make().eval()
    right = net.double()(GOOD.double())
    found = net.to(dtype)(GOOD.to(dtype))
    assert found.dtype == dtype
    limit = 3e-2 if dtype in DTYPES[:2] else 1e-5
    assert (found.double() - right).abs().max() < limit * max(1, right.abs().max())


@each_net
def test_under_autocast_and_on_meta_all_goes_on(make, is_sequence):
    torch.manual_seed(0)
    net = make().eval()
    with torch.autocast("cpu", torch.bfloat16):
        assert (net(GOOD).float() - net(GOOD.bfloat16()).float()).abs().max() < 0.1
    right = net(GOOD)
    assert net.to("meta")(GOOD.to("meta")).shape == right.shape
    assert "the weights are on meta" in refusal(lambda: net(GOOD))


@pytest.mark.parametrize("make", [NETS["DeepNeuralNetwork"][0], NETS["ShortcutMLP"][0]])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_data_that_is_not_finite(make, bad):
    x = GOOD.clone()
    x[1, 2, 0] = bad
    assert "holds 1 NaN or infinite of 48 values" in refusal(lambda: make()(x))


@pytest.mark.parametrize("name", ["DeepNeuralNetwork", "ShortcutMLP", "SelfAttention"])
def test_compiled_nets_compute_the_same(name):
    torch._dynamo.reset()
    net = NETS[name][0]().eval()
    compiled = torch.compile(net, backend="eager", dynamic=True)
    torch.testing.assert_close(compiled(GOOD), net(GOOD))
    torch.testing.assert_close(compiled(GOOD[:, :2]), net(GOOD[:, :2]))
    with pytest.raises(ValueError, match="the input is"):
        compiled(GOOD.double())  # PyTorch compiles for another type: not our second
    assert "the input is torch.float64" in refusal(lambda: compiled(GOOD.double()))


def test_a_compiled_block_is_one_graph():
    torch._dynamo.reset()
    for net in (TransformerBlock(DIM, 32, HEADS), GPTBlock(CONFIG), FeedForward(DIM, 32)):
        compiled = torch.compile(net, backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(GOOD), net(GOOD))


def test_a_compiled_gpt_computes_the_same_and_refuses_the_same():
    torch._dynamo.reset()
    model = gpt()
    compiled = torch.compile(model, backend="eager")
    torch.testing.assert_close(compiled(ids()), model(ids()))
    assert "got ids from 2 to 11" in refusal(lambda: compiled(ids() + 2))
    assert torch.equal(generate(compiled, ids(), 2), model.generate(ids(), 2))


@each_net
@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_members_of_vmap_compute_the_same(make, is_sequence):
    ensemble, x = Ensemble(make, range(3)), GOOD.requires_grad_(False)
    for member, found in zip(ensemble.members(), ensemble(x), strict=True):
        torch.testing.assert_close(found, member(x), rtol=1e-5, atol=1e-5)
    net = make().eval()
    batch = torch.stack([x, 2 * x])
    torch.testing.assert_close(vmap(net)(batch), torch.stack([net(x), net(2 * x)]))
    weights = dict(net.named_parameters())
    each = vmap(grad(lambda w, x: functional_call(net, w, (x,)).sum()), (None, 0))(weights, batch)
    for place, one in enumerate(batch):
        right = torch.autograd.grad(net(one).sum(), list(weights.values()))
        for name, value in zip(weights, right, strict=True):
            torch.testing.assert_close(each[name][place], value, rtol=1e-4, atol=1e-4)


def test_an_ensemble_of_gpts():
    ensemble = Ensemble(lambda: GPT(CONFIG), range(2))
    for member, found in zip(ensemble.members(), ensemble(ids()), strict=True):
        torch.testing.assert_close(found, member(ids()), rtol=1e-5, atol=1e-6)
    assert "token ids must be from 0" in refusal(lambda: ensemble(ids() + 5))


MASK = torch.zeros(2, 3, dtype=torch.bool)
MASKS = {
    "list": (MASK.tolist(), "got list"),
    "array": (MASK.numpy(), "got ndarray"),
    "bool": (True, "got bool"),
    "floats": (MASK.float(), "got a tensor of torch.float32"),
    "whole": (MASK.long(), "got a tensor of torch.int64"),
    "narrow": (MASK[:, :2], "= (2, 3); got (2, 2)"),
    "turned": (MASK.T, "got (3, 2)"),
    "one axis": (MASK[0], "got (3,)"),
    "no axis": (MASK[0, 0], "got ()"),
    "four axes": (MASK[:, None, None], "got (2, 1, 1, 3)"),
    "another device": (MASK.to("meta"), "key_padding_mask is on meta, the input on cpu"),
    "all": (~MASK, "leaves sample 0 without a single position"),
    "one sample": (torch.tensor([[False] * 3, [True] * 3]), "leaves sample 1"),
}


@pytest.mark.parametrize(("mask", "says"), MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("name", ["SelfAttention", "BertLayer", "TransformerBlock", "sandwich"])
def test_bad_masks(name, mask, says):
    assert says in refusal(lambda: NETS[name][0]()(GOOD, mask))


@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_a_mask_on_a_compiled_net_and_under_vmap():
    torch._dynamo.reset()
    net, mask = BertLayer(DIM, 32, HEADS).eval(), MASK.clone()
    mask[0, 1:] = True
    right = net(GOOD, mask)
    torch.testing.assert_close(torch.compile(net, backend="eager")(GOOD, mask), right)
    torch.testing.assert_close(vmap(net)(GOOD[:, None], mask[:, None])[:, 0], right)


# --- the pieces ---


@pytest.mark.parametrize(
    ("x", "heads"),
    [
        (torch.ones(2, 3, 8), 3), (torch.ones(2, 3, 8), 0), (torch.ones(2, 3, 8), True),
        (torch.ones(2, 3, 8), 2.0), (torch.ones(2, 3, 8), -2), (torch.ones(3, 8), 2),
        (torch.ones(1, 2, 3, 8), 2), (torch.ones(0, 3, 8), 2), ([[[1.0]]], 1), (None, 1),
    ],
)  # fmt: skip
def test_what_cannot_be_split(x, heads):
    refusal(lambda: split_heads(x, heads))


UP_TO_4 = st.integers(1, 4)


@pytest.mark.parametrize("x", [torch.ones(2, 3, 8), torch.ones(2, 0, 3, 4), [[1.0]], None])
def test_what_cannot_be_joined(x):
    refusal(lambda: join_heads(x))


@given(
    batch=st.integers(1, 3), heads=st.integers(1, 4), time=st.integers(1, 4), d=st.integers(1, 3)
)
def test_heads_are_split_and_joined(batch, heads, time, d):
    x = torch.arange(batch * time * heads * d).view(batch, time, heads * d)
    parts = split_heads(x, np.int64(heads))
    for head in range(heads):
        assert torch.equal(parts[:, head], x[..., head * d : (head + 1) * d])
    assert torch.equal(join_heads(parts), x)


@pytest.mark.parametrize(
    ("h", "norm", "says"),
    [
        (GOOD, "rms", "unknown norm 'rms'"),
        (GOOD, "Layer", "unknown norm 'Layer'"),
        (GOOD, True, "unknown norm True"),
        (GOOD, ["layer"], "unknown norm"),
        (GOOD.long(), "layer", "got a tensor of torch.int64"),
        (GOOD.to(torch.cfloat), "layer", "complex64"),
        (GOOD.tolist(), "layer", "got list"),
        (torch.tensor(1.0), "layer", "got ()"),
        (GOOD[:, :1], "batch", "at least two rows"),
        (GOOD[0, 0], "batch", "at least two rows"),
        (GOOD[:0], "layer", "got (0, 3, 8)"),
    ],
)
def test_what_cannot_be_normalised(h, norm, says):
    assert says in refusal(lambda: normalise(h, norm))


STARTS = {orthogonal: torch.float64, looks_linear: torch.float32}


def shared_out(net):
    nn.utils.parametrizations.weight_norm(net.blocks[1].linear)
    return net


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(
    "make",
    [
        lambda: None,
        lambda: ShortcutMLP,
        lambda: nn.Linear(4, 4),
        lambda: DeepNeuralNetwork([4, 4], use_shortcut=True),
        lambda: GPT(CONFIG),
        lambda: ShortcutMLP(4, 2).half(),
        lambda: ShortcutMLP(4, 2).bfloat16(),
        lambda: ShortcutMLP(4, 2).to("meta"),
        lambda: shared_out(ShortcutMLP(4, 2)),
        lambda: torch.nn.Sequential(),
    ],
)
def test_a_start_for_another_net_is_refused_and_changes_nothing(start, make):
    net = make()
    before = [w.clone() for w in net.parameters()] if isinstance(net, nn.Module) else []
    refusal(lambda: start(net))
    for old, new in zip(before, net.parameters() if before else [], strict=True):
        assert old.is_meta or torch.equal(old, new)


def test_starts_keep_the_type_of_the_weights():
    assert "draw" in refusal(lambda: looks_linear(ShortcutMLP(4, 2).double()))
    net = orthogonal(ShortcutMLP(4, 2).double()).blocks[0].linear
    torch.testing.assert_close(net.weight @ net.weight.T, torch.eye(4, dtype=torch.float64))


@pytest.mark.parametrize(
    "make", [lambda: None, lambda: nn.Linear(2, 2), lambda: ShortcutMLP(4, 2), lambda: GPT]
)
def test_initialise_refuses_what_is_no_gpt_and_changes_nothing(make):
    refusal(lambda: initialise(make()))
    model = gpt()
    model.blocks[1].feed_forward.branch = nn.Identity()
    before = [w.clone() for w in model.parameters()]
    assert "block 1" in refusal(lambda: initialise(model))
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


# --- the GPT ---

NO_TOKENS = {
    "list": ([[1, 2]], "torch.tensor"),
    "array": (np.array([[1, 2]]), "got ndarray"),
    "text": ("to be", "got str"),
    "None": (None, "got NoneType"),
    "number": (3, "got int"),
    "floats": (ids().float(), "tokens.long()"),
    "bool": (ids() > 0, "torch.bool"),
    "uint8": (ids().to(torch.uint8), "torch.uint8"),
    "int16": (ids().short(), "torch.int16"),
    "complex": (ids().to(torch.cfloat), "complex64"),
    "one axis": (ids()[0], "got (5,)"),
    "no axis": (ids()[0, 0], "got ()"),
    "three axes": (ids()[None], "got (1, 2, 5)"),
    "empty": (ids()[:, :0], "at least one token"),
    "no sample": (ids()[:0], "at least one token"),
    "large": (ids() + 2, "got ids from 2 to 11"),
    "negative": (ids() - 1, "got ids from -1 to 8"),
    "huge": (ids() + 2**40, "token ids must be from 0 to 10"),
    "sparse": (ids().to_sparse(), "dense"),
    "another device": (ids().to("meta"), "meta"),
}
READERS = {
    "call": lambda model, tokens: model(tokens),
    "stream": residual_stream,
    "generate": lambda model, tokens: generate(model, tokens, 2),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize(("tokens", "says"), NO_TOKENS.values(), ids=NO_TOKENS)
def test_bad_tokens(read, tokens, says):
    assert says in refusal(lambda: read(gpt(), tokens))


class Other(nn.Module):
    """Something like a GPT, with what a test gives it."""

    def __init__(self, logits=None, **config):
        super().__init__()
        self.config, self.logits = SimpleNamespace(**config), logits

    def forward(self, tokens):
        return self.logits


NO_GPT = [
    None, "gpt", GPT, torch.relu, nn.Linear(2, 2), nn.DataParallel(gpt()), Other(),
    Other(vocab_size=11), Other(vocab_size=11, context="8"), Other(vocab_size=11.0, context=8),
]  # fmt: skip


@pytest.mark.parametrize("model", NO_GPT, ids=range(len(NO_GPT)))
def test_what_is_no_gpt(model):
    for read in (generate, residual_stream, read_logits):
        more = (2,) if read is generate else ()
        assert "must be a GPT" in refusal(lambda read=read, more=more: read(model, ids(), *more))


def test_a_gpt_without_a_part_or_with_tables_of_another_size():
    model = gpt()
    for part in ("blocks", "final_norm", "positions"):
        kept = getattr(model, part)
        delattr(model, part)
        assert f"it has no {part}" in refusal(lambda: residual_stream(model, ids()))
        setattr(model, part, kept)
    model.positions = nn.Embedding(1, DIM)
    assert "1 positions, model.config says 11 and 8" in refusal(lambda: model(ids()))


STATES = [name for name in INPUTS if name != "turned"]


@pytest.mark.parametrize("name", STATES)
def test_bad_states_of_the_stream(name):
    x, says = INPUTS[name]
    assert says in refusal(lambda: read_logits(gpt(), x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_stream_and_its_logits_in_each_type(dtype):
    model = gpt().double()
    right = model(ids())
    states = residual_stream(model.to(dtype), ids())
    found = read_logits(model, states[-1])
    assert found.dtype == dtype
    limit = {torch.float16: 2e-2, torch.bfloat16: 2e-1}.get(dtype, 1e-5)
    assert (found.double() - right).abs().max() < limit * right.abs().max()
    torch.testing.assert_close(read_logits(model, states[-1][0, 0]), found[0, 0])


STEPS = [0, -1, 2.0, True, None, "2", 10**12, 10**5000, math.nan, torch.tensor(2), [2]]
SEEDS = [
    1.5, 1.0, None, True, "1", 2**64, -(2**63) - 1, 10**400, math.nan, torch.tensor(3), [1],
    np.float64(1), np.bool_(True), Fraction(3), 3j,
]  # fmt: skip
HEATS = [-1, -0.1, math.nan, math.inf, True, None, "1", 1j, 10**400, 1e-320, 1e-45, [1.0],
         torch.tensor(0.5), Fraction(1, 2), np.float32("inf")]  # fmt: skip


@pytest.mark.parametrize("steps", STEPS, ids=range(len(STEPS)))
def test_bad_steps(steps):
    assert "steps" in refusal(lambda: gpt().generate(ids(), steps))


@pytest.mark.parametrize("seed", SEEDS, ids=range(len(SEEDS)))
def test_bad_seeds(seed):
    state = torch.get_rng_state()
    assert "seed" in refusal(lambda: generate(Other(vocab_size=11, context=8), ids(), 2, seed=seed))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("heat", HEATS, ids=range(len(HEATS)))
def test_bad_temperatures(heat):
    assert "temperature" in refusal(lambda: gpt().generate(ids(), 2, heat))


def drawn(model, tokens, steps, temperature, seed):
    """Sample anew: the whole sequence is read again, in float64 probabilities of its own."""
    draw = torch.Generator().manual_seed(seed % 2**64)
    for _ in range(steps):
        last = model(tokens[:, -8:].long())[:, -1].detach()
        p = F.softmax(last / temperature, -1)
        tokens = torch.cat([tokens, torch.multinomial(p, 1, generator=draw)], 1)
    return tokens


@given(
    seed=st.integers(-(2**63), 2**64 - 1),
    heat=st.floats(0.25, 1e6),
    time=st.integers(1, 12),
    kind=st.sampled_from([torch.int32, torch.int64]),
    numpy=st.booleans(),
)
def test_generation_is_what_it_says(seed, heat, time, kind, numpy):
    tokens, model = (ids(2, 12)[:, :time]).to(kind), gpt()
    heat = np.float64(heat) if numpy else heat
    given_seed = (np.int64(seed) if seed < 2**63 else np.uint64(seed)) if numpy else seed
    found = model.generate(tokens, np.int32(3) if numpy else 3, heat, seed=given_seed)
    assert found.dtype == torch.int64
    assert torch.equal(found, drawn(model, tokens, 3, float(heat), seed))


@pytest.mark.parametrize("dtype", DTYPES)
def test_generation_in_each_type(dtype):
    model = gpt().to(dtype)
    found = model.generate(ids(), 3, temperature=0)
    for place in (5, 6, 7):
        assert torch.equal(found[:, place], model(found[:, :place])[:, -1].argmax(-1))
    assert model.generate(ids(), 3).shape == (2, 8)
    with torch.inference_mode():
        assert torch.equal(model.generate(ids(), 3, temperature=0), found)


def test_the_generator_lies_where_the_tokens_lie(monkeypatch):
    """The tokens' device is what the generator is made on: a CUDA model needs CUDA's."""
    asked, real = [], torch.Generator
    monkeypatch.setattr(torch, "Generator", lambda device="nowhere": asked.append(device) or real())
    gpt().generate(ids(), 1)
    assert asked == [torch.device("cpu")]


def logits_of(*rows):
    return torch.tensor(rows, dtype=torch.float32)[:, None]


LOGITS = [
    (logits_of([1, math.nan, 0]), "hold NaN or inf"),
    (logits_of([1, math.inf, 0]), "hold NaN or inf"),
    (logits_of([-math.inf] * 3), "hold NaN or inf"),
    (logits_of([0, 0, 0], [math.nan] * 3), "hold NaN or inf"),
    (torch.zeros(1, 1, 4), "must have shape (batch, 3); got (1, 4)"),
    (torch.zeros(1, 1, 3, dtype=torch.int64), "tensor of logits; got a tensor of torch.int64"),
    (torch.zeros(1, 1, 1, 3), "got (1, 1, 3)"),
    (np.zeros((1, 1, 3)), "got ndarray"),
]


@pytest.mark.parametrize(("logits", "says"), LOGITS, ids=range(len(LOGITS)))
@pytest.mark.parametrize("heat", [0, 1.0])
def test_logits_from_which_nothing_can_be_drawn(logits, says, heat):
    model = Other(logits, vocab_size=3, context=4)
    assert says in refusal(lambda: generate(model, torch.zeros(1, 2, dtype=torch.int64), 2, heat))


def test_a_token_that_is_ruled_out_is_never_drawn():
    model = Other(logits_of([0, -math.inf, 1]), vocab_size=3, context=4)
    found = generate(model, torch.zeros(1, 1, dtype=torch.int64), 200)
    assert set(found.flatten().tolist()) == {0, 2}
    cold = generate(model, torch.zeros(1, 1, dtype=torch.int64), 20, temperature=1e-30)
    assert cold[0, 1:].tolist() == [2] * 20
