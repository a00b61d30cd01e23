"""The claims of notebook 02: table rows and tests in one."""

import torch

from lecture_utils.authoring.claims import claim

SEEDS = [*range(20), *range(1000, 1020)]
IDENTITY = "[He et al. 2016](https://arxiv.org/abs/1603.05027)"
VEIT = "[Veit et al. 2016](https://arxiv.org/abs/1605.06431)"
BN = "[De and Smith 2020](https://arxiv.org/abs/2002.10444)"
TEXTBOOK = "[Prince 2023](https://udlbook.github.io/udlbook/), figure 11.6"
LECTURE = "Vizuara, [lecture 22](https://youtu.be/2r0QahNdwMw?t=596)"


def corner(notebook, name):
    return [notebook.through(notebook.CORNERS[name], seed=seed) for seed in SEEDS]


def gains(notebook, block, gain="gradient_gain", depth=50, **options):
    return [getattr(notebook, gain)(block, depth, seed=seed, **options) for seed in SEEDS]


@claim(
    section="2.1",
    says="A shortcut alone does not keep inputs apart: 64 unrelated ones after 50 blocks h + F(h)",
    measured="0.96 [0.89, 1.00]",
    bound="above 0.6",
    holds="40 of 40",
    unit="mean cosine",
    inspired="[He et al. 2015](https://arxiv.org/abs/1512.03385)",
    tolerance=0.02,
)
def test_shortcut_alone_makes_alike(notebook):
    return [notebook.likeness(*pair)[1] for pair in corner(notebook, "shortcut, s = 1")]


@claim(
    section="2.1",
    says="With branches of strength 0.01 it does",
    measured="0.002 [-0.004, 0.007]",
    bound="-0.03 to 0.03",
    holds="40 of 40",
    unit="mean cosine",
    inspired="[He et al. 2015](https://arxiv.org/abs/1512.03385)",
    tolerance=0.002,
)
def test_weak_branch_keeps_apart(notebook):
    return [notebook.likeness(*pair)[1] for pair in corner(notebook, "shortcut, s = 0.01")]


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
    section="2.4",
    says="50 weak blocks are 50 steps at right angles: they move their input by 0.01·√50 = 0.0707",
    measured="0.071 [0.067, 0.075]",
    bound="0.06 to 0.08",
    holds="40 of 40",
    unit="of its length",
    tolerance=0.002,
)
def test_weak_blocks_walk_at_right_angles(notebook):
    pairs = corner(notebook, "shortcut, s = 0.01")
    return [(h_L - h_0).norm() / h_0.norm() for h_0, h_L in pairs]


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
    says="50 blocks h + F(h): gain of the gradient; theory 2²⁵ = 34 million",
    measured="29 [15, 56]",
    bound="5 to 200",
    holds="40 of 40",
    unit="million",
    inspired=BN,
    tolerance=5,
)
def test_growth(notebook):
    return torch.tensor(gains(notebook, notebook.DESIGNS["h + F(h)"])) / 1e6


@claim(
    section="2.6",
    says="The same with nn.Linear's own starting weights; theory (19/18)²⁵ = 3.9",
    measured="3.9 [3.5, 4.2]",
    bound="3 to 5",
    holds="40 of 40",
    tolerance=0.15,
)
def test_default_start_does_not_explode(notebook):
    return gains(notebook, notebook.DESIGNS["h + F(h)"], branch=notebook.linear_branch)


@claim(
    section="2.6",
    says="First repair, branch times 1/√50; theory 1.64",
    measured="1.65 [1.59, 1.73]",
    bound="1.4 to 1.9",
    holds="40 of 40",
    inspired=BN,
    tolerance=0.04,
)
def test_scaled_branch(notebook):
    return gains(notebook, notebook.DESIGNS["h + s F(h)"])


@claim(
    section="2.6",
    says="… which a ReLU at the end of the branch breaks",
    measured="5.9 [4.1, 7.3]",
    bound="above 2.5",
    holds="40 of 40",
    tolerance=0.4,
)
def test_relu_at_the_end(notebook):
    # times √2: half of the squares are lost in the ReLU
    return gains(notebook, lambda h, F: h + (2 / 50) ** 0.5 * torch.relu(F(h)))


@claim(
    section="2.6",
    says="Second repair, norm inside the branch; theory √51 = 7.1",
    measured="7.4 [6.0, 9.8]",
    bound="4 to 13",
    holds="40 of 40",
    inspired=f"{BN}, for batch norm",
    tolerance=0.3,
)
def test_norm_in_branch(notebook):
    return gains(notebook, notebook.DESIGNS["h + F(norm(h))"])


@claim(
    section="2.7",
    says="0.9 on the shortcut, weak branch: whole gradient; theory (0.81 + 1/50)²⁵ = 0.0095",
    measured="0.0095 [0.009, 0.010]",
    bound="0.007 to 0.013",
    holds="40 of 40",
    inspired=IDENTITY,
    tolerance=0.0003,
)
def test_scaled_shortcut(notebook):
    return gains(notebook, notebook.DESIGNS["0.9 h + s F(h)"])


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
    section="2.7",
    says="(h + F(h)) / √2 does: the whole gradient after 50 blocks",
    measured="0.85 [0.44, 1.7]",
    bound="0.1 to 10",
    holds="40 of 40",
    inspired=TEXTBOOK,
)
def test_root_two_holds(notebook):
    return gains(notebook, notebook.DESIGNS["(h + F(h)) / √2"])


def mean_branches(notebook, s):
    shares = torch.stack([notebook.path_shares(14, s, seed)[0] for seed in SEEDS])
    return shares @ torch.arange(15.0)


@claim(
    section="2.8",
    says="Branches at half strength: mean number on the gradient's way, 14·s²/(1 + s²) = 2.8",
    measured="2.78 [2.31, 3.35]",
    bound="2 to 4",
    holds="40 of 40",
    unit="of 14",
    inspired=VEIT,
    tolerance=0.1,
)
def test_short_paths(notebook):
    return mean_branches(notebook, 0.5)


@claim(
    section="2.8",
    says="Branches at full strength: the way is as long as the average path, 7",
    measured="6.93 [6.1, 7.6]",
    bound="5.5 to 8.5",
    holds="40 of 40",
    unit="of 14",
    inspired=f"{VEIT}, where trained nets have short ones",
    tolerance=0.15,
)
def test_not_so_short_paths(notebook):
    return mean_branches(notebook, 1.0)


@claim(
    section="2.9",
    says="Norm on the shortcut (post-norm), this branch: the whole gradient after 50 blocks",
    measured="1.2 [0.33, 3.8]",
    bound="0.03 to 30",
    holds="40 of 40",
    tolerance=0.25,
)
def test_post_norm_whole(notebook):
    return gains(notebook, notebook.NORMED["norm(h + F(h))"])


@claim(
    section="2.9",
    says="… but next to nothing comes by the shortcuts; theory 2⁻²⁵ = 3.0e-8",
    measured="6.3e-8 [1.3e-8, 2.0e-7]",
    bound="below 1e-6",
    holds="40 of 40",
    tolerance=1e-8,
)
def test_post_norm_shortcut(notebook):
    return gains(notebook, notebook.NORMED["norm(h + F(h))"], "shortcut_gain")


@claim(
    section="2.10",
    says="Training finds the cancellation when the task is to forget: singular values to erase",
    measured="1.3e-07 [9e-08, 2.3e-07]",
    bound="below 0.001",
    holds="40 of 40",
    tolerance=1e-6,
)
def test_forgetting(notebook):
    return [notebook.learn_to_forget(seed=seed)[8] for seed in SEEDS]
