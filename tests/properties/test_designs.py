"""The residual designs and the scorecard: bad input by the hundred gets a clear refusal."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from properties.bad import named, refusal
from torch import nn

from lecture_utils.models import CausalAttention, FeedForward, GPTConfig, SelfAttention
from lecture_utils.models.designs import Design, Fixup, SmallStart
from lecture_utils.models.designs_across import DenseFormer, UNet, ValueResiduals, sinkhorn
from lecture_utils.models.designs_norm import DeepNorm, Parallel, deepnorm_constants
from lecture_utils.scorecard import ROWS, DesignGPT, along, at_start, branches, net, random_texts

CONFIG = GPTConfig(11, 5, 8, 2, 2)
NAN, INF = float("nan"), float("inf")
designs = pytest.mark.parametrize("name", ROWS)

no_whole = st.one_of(
    st.none(), st.text(max_size=3), st.booleans(), st.complex_numbers(), st.binary(max_size=2),
    st.lists(st.floats(), max_size=2), st.fractions(), st.just(np.ones(2)), st.just(NAN),
    st.just(torch.ones(2)), st.just(INF), st.just(-INF), st.decimals(), st.floats(),
)  # fmt: skip
no_count = st.one_of(no_whole, st.integers(max_value=0), st.integers(min_value=10**9 + 1))


def pair():
    return [CausalAttention(CONFIG), FeedForward(8, 32)]


TWICE = FeedForward(8, 32)
NO_BRANCHES = [
    None, [], (), 3, "abc", FeedForward(8, 32), nn.Sequential(*pair()), [FeedForward],
    [lambda x: x], [None], [3], [TWICE, TWICE], [*pair(), TWICE, TWICE], iter(pair()), {1: TWICE},
    torch.ones(2), [torch.ones(2)], np.ones(2), range(2), {*pair()}, [nn.Identity] * 2, [pair()],
    nn.ModuleDict({"a": TWICE}), [torch.relu], "ab",
]  # fmt: skip


@pytest.mark.parametrize("given_branches", NO_BRANCHES, ids=range(len(NO_BRANCHES)))
def test_no_branches_are_refused(given_branches):
    for row in ROWS.values():
        assert "got" in (said := refusal(lambda row=row: row.design(given_branches, 8))) or (
            "twice" in said
        )


def test_too_many_branches_are_refused():
    assert "at most" in refusal(lambda: Design([TWICE] * 200_001, 8))


@given(no_count)
def test_no_width_is_refused(dim):
    for row in ROWS.values():
        assert "dim must be" in refusal(lambda row=row: row.design(pair(), dim))


@pytest.mark.parametrize("design", [DeepNorm, Parallel, UNet, DenseFormer])
@pytest.mark.parametrize("count", [1, 3])
def test_an_odd_number_is_refused_where_pairs_are_needed(design, count):
    said = refusal(lambda: design([*pair(), *pair()][:count], 8))
    assert f"got {count} branches" in said


class OutFirst(nn.Module):
    """Has the names of attention, in another order."""

    def __init__(self):
        super().__init__()
        self.out, self.qkv = nn.Linear(8, 8), nn.Linear(8, 24)


class OnlyQkv(nn.Module):
    """Has but the first matrix of attention."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(8, 24)


class NotLinear(nn.Module):
    """Has the names of attention, for something else."""

    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Identity(), nn.Identity()


OTHERS = [SelfAttention(8, 2), nn.Linear(8, 8), nn.Identity(), OutFirst(), OnlyQkv(), NotLinear()]


@pytest.mark.parametrize("other", OTHERS, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("design", [Fixup, SmallStart, DeepNorm])
@pytest.mark.parametrize("place", [0, 1])
def test_other_branches_are_refused_where_starts_are_chosen(design, other, place):
    parts = pair()
    parts[place] = other
    assert f"branch {place} is a {type(other).__name__}" in refusal(lambda: design(parts, 8))


@pytest.mark.parametrize("other", [*OTHERS, TWICE], ids=lambda m: type(m).__name__)
def test_other_branches_are_refused_where_attention_is_needed(other):
    assert "CausalAttention" in refusal(lambda: ValueResiduals([other, FeedForward(8, 32)], 8))


STACKS = {name: row.design(pair(), 8) for name, row in ROWS.items()}
NO_STREAM = [
    None, 3, "abc", [1.0] * 8, np.ones((2, 5, 8)), torch.ones(2, 5, 7), torch.ones(2, 5, 9),
    torch.ones(2, 0, 8), torch.ones(0, 5, 8), torch.ones(2, 5, 8, dtype=torch.int64),
    torch.ones(2, 5, 8).double(), torch.ones(2, 5, 8).half(), torch.ones(2, 5, 8) > 0,
    torch.ones(2, 5, 8, dtype=torch.complex64), torch.ones(2, 5, 8, device="meta"),
    torch.ones(2, 5, 8).to_sparse(), torch.tensor(1.0), torch.ones(()), torch.ones(2, 8, 5),
    torch.ones(8), torch.ones(5, 8), torch.ones(2, 2, 5, 8),
]  # fmt: skip


@designs
@pytest.mark.parametrize("x", NO_STREAM, ids=range(len(NO_STREAM)))
def test_no_stream_is_refused(name, x):
    refusal(lambda: STACKS[name](x))


class Stretched(nn.Module):
    """Returns another shape, which PyTorch would stretch."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def forward(self, x):
        return self.change(x)


CHANGES = {
    "one column": lambda x: x[..., :1],
    "one token": lambda x: x[:, :1],
    "one axis more": lambda x: x[None],
    "a number": lambda x: x.sum(),
    "twice as wide": lambda x: torch.cat([x, x], -1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_branch_that_returns_another_shape_is_refused(change):
    special = {"DeepNorm", "Fixup", "small start (GPT-2)", "value residuals"}  # own branches only
    for name in ROWS.keys() - special:
        stack = ROWS[name].design([Stretched(change), Stretched(change)], 8)
        assert "the branch must return" in refusal(lambda s=stack: s(torch.ones(2, 5, 8)))


# --- constants and matrices ---

no_depth = st.one_of(no_whole, st.integers(max_value=-1), st.integers(min_value=100_001))


@given(no_depth, st.integers(0, 100))
def test_no_depth_is_refused(bad, good):
    assert "encoder" in refusal(lambda: deepnorm_constants(bad, good))
    assert "decoder" in refusal(lambda: deepnorm_constants(good, bad))


def test_no_blocks_at_all_are_refused():
    assert "both 0" in refusal(lambda: deepnorm_constants(0, 0))


@given(st.integers(0, 100_000), st.integers(0, 100_000))
def test_any_depths_have_finite_constants(N, M):
    if N or M:
        for alpha, beta in deepnorm_constants(N, M):
            assert 0 < beta < 2
            assert 0.8 < alpha < 40


NO_SQUARE = [
    None, 3, "abc", [[1.0]], np.ones((2, 2)), torch.ones(2, 3), torch.ones(4), torch.tensor(1.0),
    torch.ones(0, 0), torch.ones(3, 0, 0), torch.ones(2, 2, dtype=torch.int64),
    torch.ones(2, 2) > 0,
    torch.ones(2, 2, dtype=torch.complex64), torch.full((2, 2), NAN), torch.full((2, 2), INF),
    torch.tensor([[0.0, -INF], [-INF, 0.0]]), torch.tensor([[1e3, 0.0], [0.0, -1e3]]),
    torch.tensor([[0.0, 0.0], [-300.0, -300.0]]), torch.eye(2).to_sparse(),
    torch.stack([torch.eye(2), torch.full((2, 2), NAN)]),
]  # fmt: skip


@pytest.mark.parametrize("A", NO_SQUARE, ids=range(len(NO_SQUARE)))
def test_no_square_matrices_are_refused(A):
    refusal(lambda: sinkhorn(A))


@given(no_count)
def test_no_number_of_steps_is_refused(steps):
    assert "steps must be" in refusal(lambda: sinkhorn(torch.eye(2), steps))


@given(st.integers(1, 5), st.integers(0, 10**6), st.floats(0, 60), st.integers(1, 30))
def test_any_square_matrices_are_made_or_refused(n, seed, size, steps):
    rng = torch.Generator().manual_seed(seed)
    A = size * torch.randn(2, n, n, generator=rng)
    lowest = torch.minimum(A.amax(-1).amin(-1), A.amax(-2).amin(-1))
    if (A.amax((-2, -1)) - lowest).max() > 87:
        assert "below the largest entry" in refusal(lambda: sinkhorn(A, steps))
        return
    found = sinkhorn(A, steps)
    assert found.isfinite().all()
    assert (found >= 0).all()
    torch.testing.assert_close(found.sum(-1), torch.ones(2, n))


# --- the scorecard ---

NO_DESIGN = [None, 3, "ReZero", Design(pair(), 8), nn.Identity(), [Design], lambda *a: None,
             lambda *a: torch.ones(2), lambda *a: Design]  # fmt: skip


@pytest.mark.parametrize("design", NO_DESIGN, ids=range(len(NO_DESIGN)))
def test_no_design_is_refused(design):
    for call in (
        lambda: net(design, 11),
        lambda: DesignGPT(design, CONFIG),
        lambda: at_start(design),
    ):
        refusal(call)


@given(st.one_of(no_whole, st.integers(max_value=-(2**63) - 1), st.integers(min_value=2**64)))
@settings(max_examples=20)
def test_no_seed_is_refused(seed):
    for call in (lambda: net(Design, 11, seed=seed), lambda: at_start(Design, seed),
                 lambda: random_texts(seed), lambda: along(Design, seed=seed)):  # fmt: skip
        assert "seed must be" in refusal(call)


@given(no_count, st.sampled_from(["depth", "dim", "context"]))
def test_no_size_is_refused(size, name):
    assert name in refusal(lambda: net(Design, 11, **{name: size}))
    refusal(lambda: net(Design, size))


@pytest.mark.parametrize("config", [None, 3, GPTConfig, {}, "GPT"], ids=named)
def test_no_config_is_refused(config):
    refusal(lambda: branches(config))
    refusal(lambda: DesignGPT(Design, config))


@pytest.mark.parametrize(
    "tokens",
    [None, [[1]], torch.ones(2, 3), torch.tensor([[11]]), torch.tensor([[-1]]), torch.tensor([1]),
     torch.zeros(1, 6, dtype=torch.int64), torch.zeros(0, 3, dtype=torch.int64)],
    ids=range(8),
)  # fmt: skip
def test_no_tokens_are_refused(tokens):
    refusal(lambda: DesignGPT(Design, CONFIG)(tokens))


@given(st.one_of(no_whole.filter(lambda x: not isinstance(x, float)), st.just(-1.0), st.just(NAN)))
@settings(max_examples=20)
def test_no_gain_is_refused(gain):
    assert "gain" in refusal(lambda: along(Design, 1, gain))
