"""The claims of notebook 11: table rows and tests in one.

Before training also from seeds 1000 to 1019. After training with 80 steps in place of the
scorecard's 120, to keep the tests short.
"""

import functools

import torch

from lecture_utils import scorecard
from lecture_utils.authoring import notebooks
from lecture_utils.authoring.claims import claim
from lecture_utils.scorecard import ROWS

SEEDS = range(20)
SRIVASTAVA = "[Srivastava et al. 2015](https://arxiv.org/abs/1505.00387)"
HE = "[He et al. 2016](https://arxiv.org/abs/1603.05027)"
WANG = "[Wang et al. 2022](https://arxiv.org/abs/2203.00555)"
SUN = "[Sun et al. 2025](https://arxiv.org/abs/2502.05795)"
XIE = "[Xie et al. 2025](https://arxiv.org/abs/2512.24880)"
KIMI = "[Kimi team 2026](https://arxiv.org/abs/2603.15031)"
KIM = "[Kim et al. 2025](https://arxiv.org/abs/2502.02732)"


@functools.cache
def start(name):
    """What is measured of fresh nets of one design, over the seeds."""
    found = scorecard.over_seeds(lambda seed: scorecard.at_start(ROWS[name].design, seed), SEEDS)
    return {key: torch.tensor(values) for key, values in found.items()}


@functools.cache
def text():
    return notebooks.definitions(notebooks.path_of("11")).TEXT


@functools.cache
def losses(name):
    """Validation losses after 80 steps."""
    design = ROWS[name].design
    found = [scorecard.after_training(design, text(), seed, steps=80) for seed in SEEDS]
    return torch.tensor([one["loss"] for one in found])


@claim(
    section="11.1",
    says="Pre-norm, 12 blocks: length of the gradient at the start / at the end",
    measured="4.2 [3.5, 5.3]",
    bound="2 to 12",
    holds="20 of 20",
)
def test_pre_norm_lengthens_the_gradient(notebook):
    return start("pre-norm")["gradient"]


@claim(
    section="11.2",
    says="Highway, gates of 0.12, 12 blocks: length of the gradient at the start / at the end",
    measured="0.20 [0.16, 0.33]",
    bound="below 0.5",
    holds="20 of 20",
    source=f"{HE} (a factor on the shortcut)",
    inspired=SRIVASTAVA,
)
def test_gates_shrink_the_gradient(notebook):
    return start("highway")["gradient"]


@claim(
    section="11.4",
    says="Share of the middle block, DeepNorm / post-norm",
    measured="0.04 [0.03, 0.06]",
    bound="below 0.2",
    holds="20 of 20",
    inspired=WANG,
)
def test_a_deepnorm_block_changes_little(notebook):
    return start("DeepNorm")["middle"] / start("post-norm")["middle"]


@claim(
    section="11.4",
    says="Post-norm, 12 blocks, 80 steps: loss − pre-norm's, same seed",
    measured="0.6 [0.4, 0.7]",
    unit="nats",
    bound="above 0.25",
    holds="20 of 20",
    chaotic=True,
)
def test_post_norm_does_not_learn(notebook):
    return losses("post-norm") - losses("pre-norm")


@claim(
    section="11.4",
    says="DeepNorm, 12 blocks, 80 steps: loss − post-norm's, same seed",
    measured="-0.4 [-0.7, 0.0]",
    unit="nats",
    bound="below -0.15",
    holds="11 of 20",
    chaotic=True,
    inspired=WANG,
)
def test_deepnorm_learns_mostly(notebook):
    return losses("DeepNorm") - losses("post-norm")


@claim(
    section="11.5",
    says="24 free random mixers, one after the other: a stream gets so many times longer",
    measured="10 [1.7, 35]",
    bound="above 1.3",
    holds="20 of 20",
    inspired=XIE,
)
def test_free_mixers_stretch(notebook):
    return [notebook.product("free", seed)[0] for seed in SEEDS]


@claim(
    section="11.5",
    says="24 mixers whose rows and columns sum to 1: distance of their product from 1/4",
    measured="0.000023 [0.0000004, 0.00015]",
    bound="below 0.001",
    holds="20 of 20",
    inspired=XIE,
)
def test_mixers_of_means_forget(notebook):
    return [notebook.product("sums of 1", seed)[1] for seed in SEEDS]


@claim(
    section="11.7",
    says="Attention residuals, 80 steps: loss − pre-norm's, same seed",
    measured="-0.04 [-0.10, -0.02]",
    unit="nats",
    bound="below 0",
    holds="18 of 20",
    chaotic=True,
    inspired=KIMI,
)
def test_attention_residuals_end_a_little_lower(notebook):
    return losses("attention residuals") - losses("pre-norm")


@claim(
    section="11.8",
    says="Share of the middle block before training, norm scaling / pre-norm",
    measured="0.5 [0.4, 0.7]",
    bound="below 0.8",
    holds="20 of 20",
    inspired=SUN,
)
def test_norm_scaling_makes_the_middle_smaller(notebook):
    return start("norm scaling")["middle"] / start("pre-norm")["middle"]


@claim(
    section="11.11",
    says="Sandwich, 24 branches: length of the stream at the end / at the start",
    measured="5.1 [4.4, 6.3]",
    bound="3.5 to 8",
    holds="20 of 20",
    source=KIM,
)
def test_a_sandwich_grows_like_a_root(notebook):
    return start("sandwich")["length"]


@claim(
    section="11.11",
    says="Gradient at the start / at the end, output norm / sandwich",
    measured="6 [4, 13]",
    bound="above 2",
    holds="20 of 20",
)
def test_without_a_norm_at_the_entrance_the_gradient_grows(notebook):
    return start("output norm")["gradient"] / start("sandwich")["gradient"]
