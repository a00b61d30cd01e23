"""The claims of notebook 07: table rows and tests in one."""

import functools

import torch

from lecture_utils.authoring import notebooks
from lecture_utils.authoring.claims import claim

SEEDS = range(20)  # seeds 1000 to 1019 meet every bound, too
XIONG = "[Xiong et al. 2020](https://arxiv.org/abs/2002.04745)"
PERI = "[Kim et al. 2025](https://arxiv.org/abs/2502.02732)"
LIU = "[Liu et al. 2020](https://arxiv.org/abs/2004.08249)"
TAKASE = "[Takase et al. 2022](https://arxiv.org/abs/2206.00330)"


@functools.cache
def _definitions():
    return notebooks.definitions(notebooks.path_of("07"))


@functools.cache
def fresh(norm, depth=24, start="xavier", **options):
    """20 fresh stacks; each kind is built once, for all rows that speak of it."""
    d = _definitions()
    found = [d.at_start(depth, norm, seed, start=getattr(d, start), **options) for seed in SEEDS]
    return {name: torch.stack([one[name] for one in found]) for name in found[0]}


@functools.cache
def share_read(norm, rates, **recipe):
    """Share of the test digits that 20 trained nets read, for each rate."""
    share = _definitions().share_read(norm, rates, seeds=SEEDS, **recipe)
    return dict(zip(rates, share, strict=True))


@claim(
    section="7.2",
    says="Pre-norm, 24 fresh blocks: average growth of ‖h‖²/d per block",
    measured="0.87 [0.62, 1.18]",
    bound="0.5 to 1.5",
    holds="20 of 20",
    source=f"{XIONG}, lemma 2: between ½ and 3/2",
)
def test_pre_grows_linearly(notebook):
    return notebook.measure.slope(torch.arange(25.0), fresh("pre")["stream"])


@claim(
    section="7.2",
    says="Sandwich: ‖h_24‖²/d over 1 + 2 · 24",
    measured="0.99 [0.73, 1.20]",
    bound="0.6 to 1.5",
    holds="20 of 20",
    inspired=PERI,
)
def test_sandwich_grows_by_two(notebook):
    return fresh("sandwich")["stream"][:, -1] / 49


@claim(
    section="7.3",
    says="24 fresh blocks, 16 tokens, gradient at h_0 / at h_24: differences between tokens, "
    "post-norm",
    measured="0.003 [0.001, 0.014]",
    bound="below 0.03",
    holds="20 of 20",
    inspired=TAKASE,
    tolerance=0.002,
)
def test_differences_vanish_in_post(notebook):
    return fresh("post")["differences"][:, 0]


@claim(
    section="7.3",
    says="… common part, post-norm",
    measured="5.0 [1.6, 15.5]",
    bound="above 1",
    holds="17 of 20",
    inspired=TAKASE,
    tolerance=1.5,
)
def test_common_part_comes_back_in_post(notebook):
    return fresh("post")["common"][:, 0]


@claim(
    section="7.3",
    says="… differences, pre-norm",
    measured="2.7 [2.4, 3.1]",
    bound="above 1.5",
    holds="20 of 20",
    source=f"{TAKASE}: pre-norm prevents the vanishing",
)
def test_differences_come_back_in_pre(notebook):
    return fresh("pre")["differences"][:, 0]


@claim(
    section="7.3",
    says="Post-norm, differences: factor per block, over the last 12 of 24 (1/√2 = 0.71)",
    measured="0.71 [0.68, 0.75]",
    bound="0.65 to 0.8",
    holds="20 of 20",
    inspired=TAKASE,
    tolerance=0.03,
)
def test_root_two_per_block(notebook):
    return fresh("post")["differences"][:, 12] ** (1 / 12)


@claim(
    section="7.4",
    says="12 blocks, 100 steps, constant rate of 0.003: share of digits read, pre-norm",
    measured="0.88 [0.83, 0.92]",
    bound="above 0.6",
    holds="20 of 20",
    inspired=XIONG,
    chaotic=True,
)
def test_pre_norm_learns(notebook):
    return share_read("pre", (0.003,))[0.003]


@claim(
    section="7.4",
    says="… post-norm (guessing is 0.10)",
    measured="0.13 [0.10, 0.38]",
    bound="below 0.5",
    holds="20 of 20",
    source=f"{XIONG}: post-norm without warm-up stays far behind",
    chaotic=True,
)
def test_post_norm_stalls(notebook):
    return share_read("post", (0.0003, 0.003))[0.003]


@claim(
    section="7.4",
    says="… post-norm at a constant 0.0003",
    measured="0.57 [0.21, 0.65]",
    bound="above 0.3",
    holds="16 of 20",
    inspired=LIU,
    chaotic=True,
)
def test_a_tenth_of_the_rate_is_enough(notebook):
    return share_read("post", (0.0003, 0.003))[0.0003]


@claim(
    section="7.4",
    says="Post-norm at 0.003: share read with warm-up and decay − at the constant rate",
    measured="0.50 [0.20, 0.59]",
    bound="above 0.1",
    holds="18 of 20",
    inspired=XIONG,
    chaotic=True,
)
def test_warm_up_and_decay_rescue(notebook):
    both = share_read("post", (0.003,), warmup=50, decay=True)[0.003]
    return both - share_read("post", (0.0003, 0.003))[0.003]


@claim(
    section="7.4",
    says="… with warm-up − with decay alone",
    measured="0.26 [-0.14, 0.48]",
    bound="above 0",
    holds="15 of 20",
    inspired=XIONG,
    chaotic=True,
)
def test_warm_up_helps_more_than_decay(notebook):
    warm = share_read("post", (0.003,), warmup=50)[0.003]
    return warm - share_read("post", (0.003,), decay=True)[0.003]


@claim(
    section="7.4",
    says="… with 6 blocks − with 12, constant",
    measured="0.61 [0.44, 0.73]",
    bound="above 0.3",
    holds="19 of 20",
    inspired=LIU,
    chaotic=True,
)
def test_six_post_norm_blocks_learn(notebook):
    six = share_read("post", (0.003,), depth=6)[0.003]
    return six - share_read("post", (0.0003, 0.003))[0.003]


@claim(
    section="7.5",
    says="24 post-norm blocks with weights of BERT's size: differences at h_0 / at h_24",
    measured="0.94 [0.72, 1.05]",
    bound="above 0.4",
    holds="20 of 20",
    inspired=TAKASE,
)
def test_a_weak_start_keeps_the_differences(notebook):
    return fresh("post", start="bert_start")["differences"][:, 0]


@claim(
    section="7.6",
    says="Gradient at the last W₂ ∝ Lᵖ, 3 to 24 blocks: p in post-norm − p in pre-norm",
    measured="0.55 [0.37, 0.77]",
    bound="above 0.2",
    holds="20 of 20",
    source=f"{XIONG}, theorem 1: ½",
    tolerance=0.05,
)
def test_exponents_differ_by_a_half(notebook):
    return notebook.exponent("post", seeds=SEEDS) - notebook.exponent("pre", seeds=SEEDS)


@claim(
    section="7.7",
    says="Constant rate of 0.006, mean cosine of two digits after 10 steps: post-norm − pre-norm",
    measured="0.21 [0.01, 0.81]",
    bound="above 0",
    holds="16 of 20",
    inspired=LIU,
    chaotic=True,
)
def test_post_norm_makes_all_alike(notebook):
    post, pre = (notebook.watched(norm, SEEDS)[1, :, 4] for norm in ("post", "pre"))
    return post - pre
