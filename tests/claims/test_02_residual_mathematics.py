"""The claims of notebook 02: table rows and tests in one."""

import torch

from lecture_utils.authoring.claims import claim

SEEDS = [*range(20), *range(1000, 1020)]
IDENTITY = "[He et al. 2015](https://arxiv.org/abs/1512.03385)"
VEIT = "[Veit et al. 2016](https://arxiv.org/abs/1605.06431)"
BN = "[De and Smith 2020](https://arxiv.org/abs/2002.10444)"
TANH = "[Yang and Schoenholz 2017](https://arxiv.org/abs/1712.08969)"
LECTURE = "Vizuara, [lecture 22](https://youtu.be/2r0QahNdwMw?t=596)"


def full(h, F):
    return h + F(h)


def gains(notebook, block, gain="gradient_gain", depth=50, **options):
    return [getattr(notebook, gain)(block, depth, seed=seed, **options) for seed in SEEDS]


def likenesses(notebook, block, which, **options):
    """Mean cosine of 64 outputs with their own input (0) or with each other (1), for each seed."""
    pairs = [notebook.through(block, seed=seed, **options) for seed in SEEDS]
    return torch.tensor([notebook.likeness(*pair)[which] for pair in pairs])


@claim(
    section="2.1",
    says="Outputs of 50 blocks h + s F(h) with their own inputs: s = 0.01, minus s = 1",
    measured="0.997 [0.96, 1.02]",
    bound="above 0.8",
    holds="40 of 40",
    unit="mean cosine",
    inspired=IDENTITY,
    tolerance=0.005,
)
def test_only_the_weak_branch_passes_on(notebook):
    weak, strong = (notebook.CORNERS[f"shortcut, s = {s}"] for s in ("0.01", "1"))
    return likenesses(notebook, weak, 0) - likenesses(notebook, strong, 0)


@claim(
    section="2.1",
    says="64 outputs of 50 blocks h + F(h) with each other: with ReLU, minus with tanh",
    measured="0.96 [0.89, 1.00]",
    bound="above 0.6",
    holds="40 of 40",
    unit="mean cosine",
    inspired=IDENTITY,
    tolerance=0.02,
)
def test_shortcut_alone_makes_alike(notebook):
    alike = likenesses(notebook, full, 1)
    return alike - likenesses(notebook, full, 1, branch=notebook.tanh_branch)


@claim(
    section="2.2",
    says="Scalar chains of 30 blocks: share whose gradient shrinks in spite of every +1",
    measured="0.747 [0.726, 0.77]",
    bound="0.7 to 0.8",
    holds="40 of 40",
    inspired=f"{LECTURE}, whose argument suggests 0",
    tolerance=0.01,
)
def test_plus_one_is_not_at_least_one(notebook):
    return [(notebook.chain_gains(seed=seed)[1] < 1).double().mean() for seed in SEEDS]


@claim(
    section="2.5",
    says="A branch as strong as its shortcut, width 64: smallest singular value of I + J",
    measured="0.04 [0.001, 0.18]",
    bound="below 0.4",
    holds="40 of 40",
    inspired=LECTURE,
    tolerance=0.02,
)
def test_one_is_no_floor(notebook):
    one = torch.ones(1)
    return [notebook.singular_values(one, seed)[0, -1] for seed in SEEDS]


@claim(
    section="2.6",
    says="50 blocks h + F(h): gain of a random gradient; theory 2²⁵ = 34 million",
    measured="29 [15, 56]",
    bound="5 to 200",
    holds="40 of 40",
    unit="million",
    inspired=BN,
    tolerance=5,
)
def test_growth(notebook):
    return torch.tensor(gains(notebook, full)) / 1e6


@claim(
    section="2.6",
    says="… while in so many of the 64 directions a gradient shrinks",
    measured="27 [26, 28]",
    bound="20 to 34",
    holds="40 of 40",
    tolerance=1,
)
def test_directions_that_shrink(notebook):
    return [(notebook.all_gains(full, 50, seed=seed) < 1).sum() for seed in SEEDS]


@claim(
    section="2.6",
    says="With tanh in place of ReLU: gain of 50 blocks",
    measured="300 [240, 380]",
    bound="100 to 1000",
    holds="40 of 40",
    inspired=f"{TANH}: slower than exponential",
    tolerance=15,
)
def test_growth_with_tanh(notebook):
    return gains(notebook, full, branch=notebook.tanh_branch)


@claim(
    section="2.6",
    says="The repair, branch times 1/√50: gain; theory 1.64",
    measured="1.65 [1.59, 1.73]",
    bound="1.4 to 1.9",
    holds="40 of 40",
    inspired=BN,
    tolerance=0.04,
)
def test_scaled_branch(notebook):
    return gains(notebook, notebook.DESIGNS["h + F(h)/√50"])


@claim(
    section="2.7",
    says="0.95 (h + F(h)) does not calm full branches: 50 blocks; theory 1.805²⁵ = 2.6 million",
    measured="2.2 [1.1, 4.3]",
    bound="0.3 to 20",
    holds="40 of 40",
    unit="million",
    tolerance=0.3,
)
def test_a_factor_does_not_calm(notebook):
    return torch.tensor(gains(notebook, notebook.DESIGNS["0.95 (h + F(h))"])) / 1e6


@claim(
    section="2.10",
    says="Norm inside the branch: gain of 50 blocks; theory √51 = 7.1",
    measured="7.4 [6.0, 9.8]",
    bound="4 to 13",
    holds="40 of 40",
    inspired=f"{BN}, for batch norm",
    tolerance=0.3,
)
def test_norm_in_branch(notebook):
    return gains(notebook, notebook.NORMED["h + F(norm(h))"])


@claim(
    section="2.10",
    says="Norm after each of 50 full sums: what comes by the shortcuts; theory 2⁻²⁵ = 3.0e-8",
    measured="6.3e-8 [1.3e-8, 2.0e-7]",
    bound="below 1e-6",
    holds="40 of 40",
    tolerance=1e-8,
)
def test_post_norm_shortcut(notebook):
    return gains(notebook, notebook.NORMED["norm(h + F(h))"], "shortcut_gain")


@claim(
    section="2.11",
    says="Branches at half strength: mean number on the gradient's way, 14·s²/(1 + s²) = 2.8",
    measured="2.78 [2.31, 3.35]",
    bound="2 to 4",
    holds="40 of 40",
    unit="of 14",
    inspired=VEIT,
    tolerance=0.1,
)
def test_short_paths(notebook):
    shares = torch.stack([notebook.path_shares(14, 0.5, seed)[0] for seed in SEEDS])
    return shares @ torch.arange(15.0)
