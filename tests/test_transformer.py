"""The transformer block: what each placement promises, and what bad input is told."""

import pytest
import torch
from torch import nn

from lecture_utils.models import (
    PLACEMENTS,
    BertLayer,
    FeedForward,
    SelfAttention,
    Sublayer,
    TransformerBlock,
)

DIM, HEADS = 8, 2
placements = pytest.mark.parametrize("norm", PLACEMENTS)


def block(norm="pre", **options):
    torch.manual_seed(0)
    return TransformerBlock(DIM, 32, HEADS, norm=norm, **options)


def sequence(batch=3, time=5):
    return torch.randn(batch, time, DIM, generator=torch.Generator().manual_seed(1))


def padding(x, *places):
    mask = torch.zeros(x.shape[:2], dtype=torch.bool)
    for sample, start in places:
        mask[sample, start:] = True
    return mask


@placements
def test_a_sublayer_is_its_formula(norm):
    torch.manual_seed(0)
    sub, x = Sublayer(FeedForward(DIM, 32), DIM, norm), sequence()
    expected = {
        "post": lambda: sub.norm_sum(x + sub.branch(x)),
        "pre": lambda: x + sub.branch(sub.norm_in(x)),
        "sandwich": lambda: x + sub.norm_out(sub.branch(sub.norm_in(x))),
    }[norm]()
    assert torch.equal(sub(x), expected)
    kinds = [type(getattr(sub, name)) for name in ("norm_in", "norm_out", "norm_sum")]
    assert kinds.count(nn.LayerNorm) == (2 if norm == "sandwich" else 1)


@placements
def test_the_twin_differs_by_the_shortcut_alone(norm):
    x, twins = sequence(), [block(norm), block(norm, use_shortcut=False)]
    for one, other in zip(*(twin.parameters() for twin in twins), strict=True):
        assert torch.equal(one, other)
    short, plain = (twin.feed_forward for twin in twins)
    torch.testing.assert_close(short(x), short.norm_sum(x + plain.update(x)))
    torch.testing.assert_close(plain(x), plain.norm_sum(plain.update(x)))


@pytest.mark.parametrize("norm", ["pre", "sandwich"])
def test_zeroed_branches_leave_the_identity(norm):
    net, x = block(norm), sequence()
    for name, parameter in net.named_parameters():
        if "norm_out" in name or (norm == "pre" and ("out." in name or "contract" in name)):
            nn.init.zeros_(parameter)
    assert torch.equal(net(x), x)


@pytest.mark.parametrize("norm", ["pre", "sandwich"])
def test_the_stream_is_the_sum_of_its_updates(norm):
    h_0 = h = sequence()
    updates = 0
    for _ in range(4):
        for part in block(norm).children():
            updates = updates + part.update(h)
            h = part(h)
    torch.testing.assert_close(h, h_0 + updates)


@placements
def test_samples_are_independent_and_padding_is_not_read(norm):
    net, x = block(norm).eval(), sequence()
    mask, changed = padding(x, (0, 3), (2, 1)), x.clone()
    changed[1] += 1 + torch.randn(5, DIM)
    assert torch.equal(net(changed, mask)[[0, 2]], net(x, mask)[[0, 2]])
    changed = torch.where(mask[..., None], 100 * torch.randn_like(x), x)
    seen = ~mask
    assert torch.equal(net(changed, mask)[seen], net(x, mask)[seen])
    assert not torch.allclose(net(changed)[seen], net(x)[seen])


def test_dropout_spares_the_shortcut():
    torch.manual_seed(0)
    net, x = block(dropout=0.9), sequence()
    assert any(isinstance(part, nn.Dropout) and part.p == 0.9 for part in net.modules())
    change = (net.feed_forward(x) - x).abs()
    assert (change == 0).float().mean() > 0.8  # the dropped parts of the branch
    assert (net.feed_forward(x) == 0).float().mean() == 0  # nothing of the stream is dropped
    net.eval()
    assert torch.equal(net(x), net(x))


def test_without_dropout_training_and_evaluation_agree():
    net, x = BertLayer(DIM, 32, HEADS, dropout=0.0), sequence()
    assert torch.equal(net.train()(x), net.eval()(x))
    net = BertLayer(DIM, 32, HEADS)
    assert not torch.equal(net.train()(x), net.eval()(x))


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: SelfAttention(8, 3), "dim 8 cannot be shared evenly by 3 heads; .* 1, 2, 4, 8"),
        (lambda: SelfAttention(8, 0), "num_heads must be a positive whole number; got 0"),
        (lambda: BertLayer(10, 40, 4), "dim 10 cannot be shared evenly"),
        (lambda: BertLayer(8, 0, 2), "hidden_dim must be a positive"),
        (lambda: BertLayer(8, 32, 2, dropout=1.0), "dropout must be from 0 to below 1; got 1.0"),
        (lambda: TransformerBlock(8, 32, 2, norm="rms"), "unknown norm 'rms'; choose one of 'post"),
        (lambda: TransformerBlock(8, 32, 2, norm=None), "unknown norm None"),
        (lambda: TransformerBlock(8, 32, 2, dropout=-0.1), "dropout"),
        (lambda: TransformerBlock(8, 32, 2, activation="swish"), "unknown activation 'swish'"),
        (lambda: Sublayer(nn.Identity(), 8, "after"), "unknown norm 'after'"),
    ],
)
def test_bad_options(build, says):
    with pytest.raises(ValueError, match=says):
        build()


X = sequence()
MASKS = [
    (padding(X)[:, :4], r"shape \(batch, time\) = \(3, 5\); got \(3, 4\)"),
    (padding(X).T, r"got \(5, 3\)"),
    (padding(X)[:, None, :], r"got \(3, 1, 5\)"),
    (padding(X).float(), "tensor of booleans.* got a tensor of torch.float32"),
    ([[True] * 5] * 3, "got list"),
    (padding(X, (1, 0)), "leaves sample 1 without a single position"),
]


@pytest.mark.parametrize(("mask", "says"), MASKS)
@pytest.mark.parametrize("net", [BertLayer(DIM, 32, HEADS), block()], ids=["BertLayer", "block"])
def test_bad_masks(net, mask, says):
    with pytest.raises(ValueError, match=says):
        net(X, mask)


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (torch.ones(5, DIM), r"shape \(batch, time, 8\), batch first; got \(5, 8\)"),
        (torch.ones(3, DIM, 5), r"got \(3, 8, 5\)"),
        (torch.ones(3, 0, DIM), r"got \(3, 0, 8\)"),
        (torch.ones(3, 5, DIM, dtype=torch.int64), "got a tensor of torch.int64"),
        ([1.0], "got list"),
    ],
)
@pytest.mark.parametrize("net", [BertLayer(DIM, 32, HEADS), block("post")], ids=["Bert", "block"])
def test_bad_input(net, x, says):
    with pytest.raises(ValueError, match=says):
        net(x)
