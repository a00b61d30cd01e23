"""The claims of notebook 06: table rows and tests in one."""

import functools

import torch

from lecture_utils.authoring import notebooks
from lecture_utils.authoring.claims import claim

SEEDS = 20
XIONG = "[Xiong et al. 2020](https://arxiv.org/abs/2002.04745)"
PERI = "[Kim et al. 2025](https://arxiv.org/abs/2502.02732)"
LIU = "[Liu et al. 2020](https://arxiv.org/abs/2004.08249)"
VASWANI = "[Vaswani et al. 2017](https://arxiv.org/abs/1706.03762)"
FIRST_LAST = "Gradient at h_0 / at h_24 before training"


@functools.cache
def _definitions():
    return notebooks.definitions(notebooks.path_of("06"))


@functools.cache
def fresh(norm, depth):
    """20 fresh stacks; each kind is built once, for all rows that speak of it."""
    return _definitions().starts(depth, norm, SEEDS)


def exponent(norm):
    d = _definitions()
    return d.exponent(norm, {(norm, depth): fresh(norm, depth) for depth in d.DEPTHS})


def first_over_last(norm):
    signal = fresh(norm, 24)["signal"]
    return signal[:, 0] / signal[:, -1]


@functools.cache
def share_read(wiring, **recipe):
    """Share of the test digits that 20 trained nets read."""
    nets, _ = _definitions().trained(wiring, SEEDS, **recipe)
    return _definitions().digits_read(nets)


@functools.cache
def watched(norm):
    return _definitions().watched(norm, SEEDS)


@claim(
    section="6.1",
    says="Layer norm's Jacobian at a random token: its largest singular value × length / √d",
    measured="1.00 [1.00, 1.03]",
    bound="0.99 to 1.1",
    holds="20 of 20",
    source=XIONG,
    tolerance=0.02,
)
def test_norm_divides_by_length(notebook):
    found = []
    for seed in range(SEEDS):
        x, J = notebook.norm_jacobian(8.0, seed=seed)
        found.append(torch.linalg.matrix_norm(J, 2) * x.norm() / len(x) ** 0.5)
    return torch.stack(found)


@claim(
    section="6.3",
    says="Attention without `batch_first`: change of a sample when its neighbour is replaced",
    measured="0.93 [0.73, 1.32]",
    bound="above 0.3",
    holds="20 of 20",
    source="ours",
    tolerance=0.15,
)
def test_sketch_leaks(notebook):
    build = notebook.LAYERS["sketch                 "]
    return torch.tensor([notebook.spill(build, seed) for seed in range(SEEDS)])


@claim(
    section="6.4",
    says="Our block against `nn.TransformerEncoderLayer`, post-norm, float64: largest difference "
    "in output and gradients",
    measured="9e-16 [7e-16, 1e-15]",
    bound="below 1e-12",
    holds="20 of 20",
    source=VASWANI,
    tolerance=3e-13,
)
def test_equals_torch_post(notebook):
    return torch.tensor([notebook.difference("post", s, torch.float64) for s in range(SEEDS)])


@claim(
    section="6.4",
    says="… with `norm_first=True`",
    measured="9e-16 [9e-16, 2e-15]",
    bound="below 1e-12",
    holds="20 of 20",
    source=XIONG,
    tolerance=3e-13,
)
def test_equals_torch_pre(notebook):
    return torch.tensor([notebook.difference("pre", s, torch.float64) for s in range(SEEDS)])


@claim(
    section="6.4",
    says="Pre-norm, 12 blocks: part of h_12 − h_0 that is not the sum of the updates",
    measured="2e-7 [2e-7, 2e-7]",
    bound="below 1e-5",
    holds="20 of 20",
    source=XIONG,
    tolerance=3e-6,
)
def test_sum_exact_in_pre(notebook):
    return torch.tensor([notebook.unaccounted("pre", seed) for seed in range(SEEDS)])


@claim(
    section="6.4",
    says="… post-norm",
    measured="0.53 [0.46, 0.64]",
    bound="above 0.3",
    holds="20 of 20",
    source=XIONG,
)
def test_sum_false_in_post(notebook):
    return torch.tensor([notebook.unaccounted("post", seed) for seed in range(SEEDS)])


@claim(
    section="6.5",
    says="Pre-norm, 24 blocks at the start: growth of ‖h‖²/d per block (bounds ½ and 3/2)",
    measured="0.95 [0.76, 1.2]",
    bound="0.5 to 1.5",
    holds="20 of 20",
    source=XIONG,
)
def test_pre_grows_linearly(notebook):
    return notebook.measure.slope(notebook.BLOCKS, fresh("pre", 24)["stream"])


@claim(
    section="6.5",
    says="Sandwich: ‖h_24‖²/d over 1 + 2 · 24",
    measured="1.00 [0.77, 1.25]",
    bound="0.7 to 1.4",
    holds="20 of 20",
    source=PERI,
)
def test_sandwich_grows_by_two(notebook):
    return fresh("sandwich", 24)["stream"][:, -1] / 49


@claim(
    section="6.5",
    says="Pre-norm: cosine of h_23 and h_24, before and after the last block",
    measured="0.97 [0.96, 0.98]",
    bound="above 0.94",
    holds="20 of 20",
    source="[Gromov et al. 2024](https://arxiv.org/abs/2403.17887)",
    tolerance=0.02,
)
def test_deep_pre_norm_blocks_turn_little(notebook):
    return fresh("pre", 24)["cosine"][:, -1]


@claim(
    section="6.5",
    says="24 copies of one pre-norm block instead: ‖h_24‖²/d",
    measured="463 [344, 663]",
    bound="above 200",
    holds="20 of 20",
    source="ours",
)
def test_copies_grow_quadratically(notebook):
    return torch.tensor([notebook.stream_of_copies("pre", seed) for seed in range(SEEDS)])


@claim(
    section="6.6",
    says="Gradient at the last W₂ ∝ Lᵖ, 3 to 24 blocks: p in post-norm (theory 0)",
    measured="0.03 [-0.13, 0.17]",
    bound="-0.3 to 0.3",
    holds="20 of 20",
    source=XIONG,
    tolerance=0.05,
)
def test_post_norm_exponent(notebook):
    return exponent("post")


@claim(
    section="6.6",
    says="… p in pre-norm (theory −½)",
    measured="-0.50 [-0.70, -0.38]",
    bound="-0.85 to -0.3",
    holds="20 of 20",
    source=XIONG,
    tolerance=0.05,
)
def test_pre_norm_exponent(notebook):
    return exponent("pre")


@claim(
    section="6.6",
    says=f"{FIRST_LAST}: post-norm",
    measured="1.6 [0.5, 3.9]",
    bound="0.2 to 8",
    holds="20 of 20",
    source="ours",
    tolerance=0.3,
)
def test_post_norm_has_not_vanished(notebook):
    return first_over_last("post")


@claim(
    section="6.6",
    says=f"{FIRST_LAST}: pre-norm",
    measured="6.0 [4.5, 9.0]",
    bound="3 to 14",
    holds="20 of 20",
    source="ours",
)
def test_pre_norm_is_uneven(notebook):
    return first_over_last("pre")


NO_WARMUP = "12 blocks, learning rate 0.003, no warm-up: share of digits read:"


@claim(
    section="6.7",
    says=f"{NO_WARMUP} pre-norm",
    measured="0.89 [0.79, 0.93]",
    bound="above 0.5",
    holds="20 of 20",
    source=XIONG,
    chaotic=True,
)
def test_pre_norm_learns(notebook):
    return share_read("pre")


@claim(
    section="6.7",
    says="… sandwich",
    measured="0.86 [0.81, 0.91]",
    bound="above 0.5",
    holds="20 of 20",
    source=PERI,
    chaotic=True,
)
def test_sandwich_learns(notebook):
    return share_read("sandwich")


@claim(
    section="6.7",
    says="… post-norm",
    measured="0.10 [0.10, 0.32]",
    bound="below 0.5",
    holds="20 of 20",
    source=XIONG,
    chaotic=True,
)
def test_post_norm_stalls(notebook):
    return share_read("post")


@claim(
    section="6.7",
    says="… no shortcut",
    measured="0.10 [0.10, 0.11]",
    bound="below 0.3",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_no_shortcut_stalls(notebook):
    return share_read("no shortcut")


@claim(
    section="6.7",
    says="Post-norm with 50 steps of warm-up: share of digits read (2 to 14 of 20 seeds above "
    "a half)",
    measured="0.43 [0.10, 0.65]",
    bound="below 0.79",
    holds="20 of 20",
    source=XIONG,
    chaotic=True,
)
def test_warm_up_rescues_some(notebook):
    share = share_read("post", warmup=50)
    assert 2 <= int((share > 0.5).sum()) <= 14, "neither none nor all"
    return share


@claim(
    section="6.7",
    says="Post-norm at a tenth of the learning rate, no warm-up",
    measured="0.70 [0.63, 0.78]",
    bound="above 0.5",
    holds="20 of 20",
    source=LIU,
    chaotic=True,
)
def test_small_rate_rescues_all(notebook):
    return share_read("post", lr=notebook.LR / 10)


@claim(
    section="6.7",
    says="Post-norm with 6 blocks, learning rate 0.003, no warm-up",
    measured="0.79 [0.65, 0.88]",
    bound="above 0.5",
    holds="20 of 20",
    source=LIU,
    chaotic=True,
)
def test_six_post_norm_blocks_learn(notebook):
    return share_read("post", depth=6)


@claim(
    section="6.7",
    says="Post-norm, gradient at h_0 / at h_12 after two steps of training (before them 3.0)",
    measured="0.26 [0.11, 1.7]",
    bound="below 0.5",
    holds="14 of 20",
    source=LIU,
    chaotic=True,
)
def test_post_norm_gradient_fades_in_the_first_steps(notebook):
    return watched("post")[0, :, 2]


@claim(
    section="6.7",
    says="Likeness of two digits after one step of training: post-norm (before it 0.64)",
    measured="0.94 [0.78, 1.0]",
    bound="above 0.7",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_post_norm_collapses_at_once(notebook):
    return watched("post")[1, :, 1]


@claim(
    section="6.7",
    says="… after 40 steps: post-norm",
    measured="1.00 [0.2, 1.0]",
    bound="above 0.9",
    holds="14 of 20",
    source="ours",
    chaotic=True,
)
def test_post_norm_collapses(notebook):
    return watched("post")[1, :, -1]


@claim(
    section="6.7",
    says="… pre-norm",
    measured="0.17 [0.08, 0.4]",
    bound="below 0.8",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_pre_norm_recovers(notebook):
    return watched("pre")[1, :, -1]
