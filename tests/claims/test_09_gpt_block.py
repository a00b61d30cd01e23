"""The claims of notebook 07: table rows and tests in one."""

import functools
import math

import pytest
import torch

from lecture_utils.authoring.claims import claim

SEEDS = range(20)
GPT2 = (
    "[Radford et al. 2019](https://cdn.openai.com/better-language-models/"
    "language_models_are_unsupervised_multitask_learners.pdf)"
)
GELU = "[Hendrycks and Gimpel 2016](https://arxiv.org/abs/1606.08415)"
DONG = "[Dong et al. 2021](https://arxiv.org/abs/2103.03404)"
WU = "[Wu et al. 2024](https://arxiv.org/abs/2405.18781)"
NOCI = "[Noci et al. 2022](https://arxiv.org/abs/2206.03126)"
ELHAGE = "[Elhage et al. 2021](https://transformer-circuits.pub/2021/framework/index.html)"
LECTURE = "[lecture 24](https://youtu.be/G3-JgHckzjw)"


@claim(
    section="7.1",
    says="The formula and PyTorch's fused attention, float64: largest difference",
    measured="4e-16 [1e-16, 2e-15]",
    bound="below 1e-12",
    holds="20 of 20",
    source="ours",
    tolerance=3e-14,
)
def test_formula_equals_fused(notebook):
    return [notebook.fused_difference(seed) for seed in SEEDS]


@claim(
    section="7.1",
    says="A pre-norm layer that sees the future, tested with a constant: change at earlier tokens",
    measured="2e-7 [1e-7, 2e-7]",
    bound="below 1e-5",
    holds="20 of 20",
    source="ours",
    tolerance=1e-6,
)
def test_constant_finds_no_leak(notebook):
    constant = notebook.CHANGES["add 1 to each number"]
    return [notebook.leak(notebook.both_ways, constant, seed) for seed in SEEDS]


@claim(
    section="7.1",
    says="… and tested with a random vector",
    measured="0.0767 [0.0493, 0.107]",
    bound="above 0.02",
    holds="20 of 20",
    source="ours",
    tolerance=0.01,
)
def test_random_vector_finds_the_leak(notebook):
    random = notebook.CHANGES["add a random vector"]
    return [notebook.leak(notebook.both_ways, random, seed) for seed in SEEDS]


@claim(
    section="7.1",
    says="The causal layer, tested with a random vector",
    measured="0 [0, 0]",
    bound="-1e-5 to 1e-5",
    holds="20 of 20",
    source="ours",
    tolerance=1e-5,
)
def test_causal_layer_is_silent(notebook):
    random = notebook.CHANGES["add a random vector"]
    return [notebook.leak(notebook.causal, random, seed) for seed in SEEDS]


@claim(
    section="7.2",
    says="Exact and tanh GELU in a fresh feed-forward layer of width 64: largest difference",
    measured="3.1e-6 [2.5e-6, 4.8e-6]",
    bound="below 1e-5",
    holds="20 of 20",
    source=GELU,
    tolerance=1e-6,
)
def test_small_activations_hide_the_form(notebook):
    return [notebook.feed_forward_gap(64, seed=seed) for seed in SEEDS]


@claim(
    section="7.2",
    says="… and of width 768",
    measured="0.00033 [0.0003, 0.00037]",
    bound="above 1e-4",
    holds="20 of 20",
    source=GELU,
)
def test_real_width_shows_the_form(notebook):
    return [notebook.feed_forward_gap(768, seed=seed) for seed in SEEDS]


@claim(
    section="7.3",
    says="A pre-norm block with silent branches, dropout on: largest change of its input",
    measured="0 [0, 0]",
    bound="-1e-30 to 1e-30",
    holds="20 of 20",
    source="ours",
    tolerance=1e-30,
)
def test_silent_block_is_the_identity(notebook):
    return [largest_change(notebook, "pre", seed) for seed in SEEDS]


@claim(
    section="7.3",
    says="… and a post-norm block",
    measured="0.67 [0.39, 0.9]",
    bound="above 0.2",
    holds="20 of 20",
    source="ours",
    tolerance=0.1,
)
def test_silent_post_norm_block_is_not(notebook):
    return [largest_change(notebook, "post", seed) for seed in SEEDS]


def largest_change(notebook, norm, seed):
    x = torch.randn(2, 12, 64, generator=torch.Generator().manual_seed(seed))
    return (notebook.silenced(norm, seed=seed)(x) - x).abs().max().item()


@functools.cache
def growth(measure, depth, seed):
    return measure(depth, seed=seed)


@claim(
    section="7.5",
    says="48 blocks with 0.02 everywhere lengthen the stream",
    measured="7.95 [7.26, 9.03]",
    bound="6 to 10",
    holds="20 of 20",
    unit="times",
    source="ours; theory: 6.8",
    tolerance=0.3,
)
def test_stream_grows_with_depth(notebook):
    return [growth(notebook.stream_growth, 48, seed)[0] for seed in SEEDS]


@claim(
    section="7.5",
    says="… and with the writing matrices divided by √(2N)",
    measured="1.23 [1.18, 1.26]",
    bound="1.1 to 1.4",
    holds="20 of 20",
    unit="times",
    source="the rule: " + GPT2,
    tolerance=0.02,
)
def test_division_holds_the_stream(notebook):
    return [growth(notebook.stream_growth, 48, seed)[1] for seed in SEEDS]


@claim(
    section="7.5",
    says="… which is what 2 blocks do: growth at 48 blocks / growth at 2",
    measured="1.01 [0.95, 1.05]",
    bound="0.9 to 1.1",
    holds="20 of 20",
    source="theory: 1",
    tolerance=0.02,
)
def test_growth_does_not_depend_on_depth(notebook):
    found = {N: [growth(notebook.stream_growth, N, seed)[1] for seed in SEEDS] for N in (2, 48)}
    return torch.tensor(found[48]) / torch.tensor(found[2])


@claim(
    section="7.5",
    says="First loss of a fresh GPT, V = 1000 and d = 64, minus ln V",
    measured="0.01 [0, 0.03]",
    bound="-0.05 to 0.08",
    holds="20 of 20",
    unit="nats",
    source="theory: 0.013",
    tolerance=0.01,
)
def test_first_loss_is_log_of_vocabulary(notebook):
    return [notebook.first_loss(1000, 64, seed=seed) - math.log(1000) for seed in SEEDS]


@claim(
    section="7.5",
    says="… with d = 768",
    measured="0.155 [0.07, 0.22]",
    bound="0.05 to 0.25",
    holds="20 of 20",
    unit="nats",
    source="theory: 0.154",
    tolerance=0.02,
)
def test_first_loss_exceeds_it_at_real_width(notebook):
    return [notebook.first_loss(1000, 768, batch=8, seed=seed) - math.log(1000) for seed in SEEDS]


@claim(
    section="7.5",
    says="… with embeddings from N(0, 1) and a head of their own, as the lecture has them",
    measured="0.17 [0.13, 0.21]",
    bound="0.05 to 0.3",
    holds="20 of 20",
    unit="nats",
    source=LECTURE + "; theory: 1/6",
    tolerance=0.02,
)
def test_first_loss_with_own_head(notebook):
    wiring = "N(0, 1), own head"
    return [notebook.first_loss(1000, 64, wiring, seed=seed) - math.log(1000) for seed in SEEDS]


@claim(
    section="7.5",
    says="First loss with embeddings from N(0, 1) and tied weights",
    measured="44.7 [43.2, 45.8]",
    bound="40 to 50",
    holds="20 of 20",
    unit="nats",
    source="theory: d/√2 = 45",
    tolerance=0.6,
)
def test_first_loss_tied_and_large(notebook):
    return [notebook.first_loss(1000, 64, "N(0, 1), tied", seed=seed) for seed in SEEDS]


def collapse(notebook, wiring, layer, **options):
    return notebook.collapse(wiring, layer, **options)[:, layer]


@claim(
    section="7.6",
    says="Pure attention, both ways: log10 of the tokens' distance after layer 3",
    measured="-5.8 [-6.8, -5.2]",
    bound="below -4",
    holds="20 of 20",
    source=DONG,
    tolerance=0.3,
)
def test_three_layers_of_attention(notebook):
    return collapse(notebook, "F(x)", 3, causal=False).log10()


@claim(
    section="7.6",
    says="… and the distance after layer 4",
    measured="3e-16 [3e-16, 3e-16]",
    bound="below 1e-11",
    holds="20 of 20",
    source=DONG,
    tolerance=1e-12,
)
def test_four_layers_of_attention(notebook):
    return collapse(notebook, "F(x)", 4, causal=False)


@claim(
    section="7.6",
    says="The same with feed-forward layers between, after layer 4",
    measured="2e-16 [2e-16, 3e-16]",
    bound="below 1e-11",
    holds="20 of 20",
    source="ours; " + DONG + " name it as a brake",
    tolerance=1e-12,
)
def test_feed_forward_does_not_help(notebook):
    return collapse(notebook, "F(x)", 4, causal=False, feed_forward=True)


@claim(
    section="7.6",
    says="Pure causal attention: factor per layer, layers 12 to 36",
    measured="0.502 [0.486, 0.533]",
    bound="0.42 to 0.58",
    holds="20 of 20",
    source="theory: 1/2; exponential: " + WU,
    tolerance=0.01,
)
def test_causal_attention_halves(notebook):
    r = notebook.collapse("F(x)", 36, causal=True)
    return (r[:, 36] / r[:, 12]) ** (1 / 24)


@claim(
    section="7.6",
    says="With shortcuts and pre-norm, both ways: distance after layer 24",
    measured="0.28 [0.22, 0.39]",
    bound="above 0.15",
    holds="20 of 20",
    source=DONG,
    tolerance=0.03,
)
def test_pre_norm_keeps_the_tokens(notebook):
    return collapse(notebook, "x + F(norm(x))", 24, causal=False)


@claim(
    section="7.6",
    says="… and post-norm: the shortcut alone is not enough",
    measured="0.0013 [0.0004, 0.0026]",
    bound="below 0.01",
    holds="20 of 20",
    source="ours",
    tolerance=0.0005,
)
def test_post_norm_loses_them(notebook):
    return collapse(notebook, "norm(x + F(x))", 24, causal=False)


@claim(
    section="7.6",
    says="A fresh GPT of 24 blocks without shortcuts: log10 of the tokens' distance at its end",
    measured="-6.6 [-7.8, -6.0]",
    bound="below -5",
    holds="20 of 20",
    source="ours",
    tolerance=0.3,
)
def test_gpt_without_shortcuts(notebook):
    run = functools.partial(notebook.stream_signs, 24, use_shortcut=False)
    return torch.stack([run(seed=seed)[1][-1] for seed in SEEDS]).log10()


@claim(
    section="7.6",
    says="… and with them: distance",
    measured="0.94 [0.91, 0.96]",
    bound="above 0.85",
    holds="20 of 20",
    source="ours",
    tolerance=0.02,
)
def test_gpt_with_shortcuts(notebook):
    return torch.stack([notebook.stream_signs(24, seed=seed)[1][-1] for seed in SEEDS])


@claim(
    section="7.6",
    says="Gradient of W_Q / of W_V in the last of 12 blocks, without shortcuts: log10",
    measured="-7.1 [-8.1, -6.3]",
    bound="below -5",
    holds="20 of 20",
    source=NOCI,
    tolerance=0.3,
)
def test_queries_hear_nothing(notebook):
    return torch.stack([notebook.query_gradients(False, seed=seed)[-1] for seed in SEEDS]).log10()


@claim(
    section="7.6",
    says="… and with them",
    measured="0.017 [0.014, 0.020]",
    bound="above 0.005",
    holds="20 of 20",
    source=NOCI,
    tolerance=0.003,
)
def test_queries_hear(notebook):
    return torch.stack([notebook.query_gradients(True, seed=seed)[-1] for seed in SEEDS])


@claim(
    section="7.7",
    says="The stream of a pre-norm GPT minus the sum of all that was written, relative",
    measured="9e-8 [8e-8, 9e-8]",
    bound="below 1e-6",
    holds="20 of 20",
    source=ELHAGE,
    tolerance=1e-7,
)
def test_stream_is_a_sum(notebook):
    return [notebook.sum_error("pre", seed) for seed in SEEDS]


@claim(
    section="7.7",
    says="… of a post-norm GPT",
    measured="0.972 [0.971, 0.973]",
    bound="above 0.9",
    holds="20 of 20",
    source="ours",
    tolerance=0.01,
)
def test_post_norm_stream_is_no_sum(notebook):
    return [notebook.sum_error("post", seed) for seed in SEEDS]


@claim(
    section="7.7",
    says="Share of the token's own row in the logit that repeats it: share / logit",
    measured="1.02 [0.95, 1.04]",
    bound="0.85 to 1.15",
    holds="20 of 20",
    source="ours",
    tolerance=0.03,
)
def test_own_row_makes_the_logit(notebook):
    found = [notebook.logit_shares(*notebook.fresh(seed=seed)) for seed in SEEDS]
    return [shares[0].item() / logit for shares, logit in found]


@claim(
    section="7.7",
    says="A fresh tied GPT with 62 tokens: share of positions at which it repeats what it read",
    measured="0.984 [0.953, 1]",
    bound="above 0.9",
    holds="20 of 20",
    source="ours",
    tolerance=0.02,
)
def test_fresh_gpt_repeats(notebook):
    return [notebook.repeats(62, seed) for seed in SEEDS]


@claim(
    section="7.7",
    says="… and at 1,000 tokens and width 256",
    measured="0.562 [0.469, 0.734]",
    bound="below 0.8",
    holds="20 of 20",
    source="ours",
    tolerance=0.05,
)
def test_wider_fresh_gpt_repeats_less(notebook):
    return [notebook.repeats(1000, seed, dim=256) for seed in SEEDS]


def test_one_layer_of_attention_cubes_the_distance(notebook):
    before, after = zip(*(notebook.one_layer(eps) for eps in (0.1, 0.01, 0.001)), strict=True)
    for k in (0, 1):
        assert before[k] / before[k + 1] == pytest.approx(10, rel=0.02)
        assert after[k] / after[k + 1] == pytest.approx(1000, rel=0.05)


@pytest.mark.parametrize("norm", ["pre", "sandwich", "post"])
def test_shares_of_a_logit_add_up_except_post_norm(notebook, norm):
    if norm == "post":
        assert notebook.sum_error("post", 0) > 0.5
        return
    for seed in SEEDS:
        shares, logit = notebook.logit_shares(*notebook.fresh(norm, seed))
        assert abs(shares.sum().item() - logit) < 1e-5


def test_gpt2_is_accounted_for_to_the_unit(notebook):
    parts = notebook.account(notebook.GPTConfig())
    assert parts["total"] == 124_439_808
    assert sum(parts.values()) == 2 * parts["total"]
    totals = {
        name: notebook.account(notebook.GPTConfig(dim=dim, num_heads=dim // 64, depth=depth))[
            "total"
        ]
        for name, (dim, depth) in notebook.SIZES.items()
    }
    assert totals == {
        "small": 124_439_808,
        "medium": 354_823_168,
        "large": 774_030_080,
        "xl": 1_557_611_200,
    }
    assert totals["small"] - 12 * 3 * 768 == 124_412_160
    assert 124_412_160 + 50257 * 768 == 163_009_536
    assert f"{163_009_536 * 4 / 2**20:.2f}" == "621.83"
