"""The claims of notebook 03: table rows and tests in one."""

import functools

import torch

from lecture_utils.authoring import notebooks
from lecture_utils.authoring.claims import claim

SEEDS = range(20)
FUNNEL = range(64, 9, -3)  # 18 layers, each three neurons narrower
LECTURE = "Vizuara, [lecture 22](https://youtu.be/2r0QahNdwMw?t=1685)"
HE = "[He et al. 2015](https://arxiv.org/abs/1512.03385)"
HE_2016 = "[He et al. 2016](https://arxiv.org/abs/1603.05027)"


@functools.cache
def printouts():
    """Weight gradient and dL/dy, with / without shortcuts, of 20 times 50 of the lecture's nets."""
    notebook, weights, outputs = notebooks.definitions(notebooks.path_of("03")), [], []
    for seed in range(50 * min(SEEDS), 50 * (max(SEEDS) + 1)):
        (plain, plain_dy), (short, short_dy) = (notebook.printout(s, seed) for s in (0, 1))
        weights.append(short / plain)
        outputs.append(abs(short_dy / plain_dy))
    return torch.stack(weights).view(20, 50, 5), torch.tensor(outputs).view(20, 50)


def gains(layer):
    """Weight gradient with / without shortcuts, divided by dL/dy's, median of 50 nets, 20 times."""
    weights, outputs = printouts()
    return (weights[:, :, layer] / outputs).median(1).values


@claim(
    section="3.2",
    says="With target 0, share of 50 nets in which shortcuts make ∂L/∂y *smaller*",
    measured="0.36 [0.22, 0.50]",
    bound="0.1 to 0.7",
    holds="20 of 20",
    inspired=LECTURE,
    tolerance=0.08,
)
def test_the_losss_factor_may_shrink(notebook):
    return (printouts()[1] < 1).double().mean(1)


@claim(
    section="3.2",
    says="Divided by ∂L/∂y, the first layer's gradient with shortcuts / without, median of 50 nets",
    measured="72 [37, 105]",
    bound="above 15",
    holds="20 of 20",
    inspired=LECTURE,
)
def test_first_layer_gains_most(notebook):
    return gains(0)


@claim(
    section="3.2",
    says="… and the last layer's, where nothing can have vanished",
    measured="5.8 [4.3, 9.6]",
    bound="above 3",
    holds="20 of 20",
    inspired=LECTURE,
)
def test_last_layer_gains_too(notebook):
    return gains(4)


def at_the_input(notebook, bridge, he=False):
    return notebook.gradient_back(FUNNEL, True, bridge, he, SEEDS)[:, 0]


@claim(
    section="3.3",
    says="18 layers that narrow, shortcuts that cut what is too much: the gradient left at h_0",
    measured="8.9 [5.9, 12.7]",
    bound="2 to 40",
    holds="20 of 20",
    inspired=f"{HE}, option A",
)
def test_cut_shortcuts_bring_it_back(notebook):
    return at_the_input(notebook, "cut or pad")


@claim(
    section="3.3",
    says="… with 18 projections, drawn as nn.Linear draws them",
    measured="-3.35 [-3.51, -3.13]",
    bound="-4.5 to -2.5",
    holds="20 of 20",
    unit="powers of ten",
    inspired=f"{HE}, option B",
    tolerance=0.1,
)
def test_projections_bring_part_of_it_back(notebook):
    return at_the_input(notebook, "projection").log10()


@claim(
    section="3.3",
    says="With He's starting weights: in the lecture's class, where no shortcut fits",
    measured="-0.42 [-1.47, 0.13]",
    bound="-2.5 to 1.5",
    holds="20 of 20",
    unit="powers of ten",
    inspired="[He et al. 2015](https://arxiv.org/abs/1502.01852)",
    tolerance=0.15,
)
def test_hes_weights_keep_a_plain_gradient(notebook):
    return at_the_input(notebook, "left out", he=True).log10()


@claim(
    section="3.3",
    says="… and with shortcuts that cut",
    measured="3.45 [3.12, 3.75]",
    bound="above 2.5",
    holds="20 of 20",
    unit="powers of ten",
    inspired="[He et al. 2015](https://arxiv.org/abs/1502.01852)",
    tolerance=0.15,
)
def test_hes_weights_make_cuts_explode(notebook):
    return at_the_input(notebook, "cut or pad", he=True).log10()


def off(notebook, step, blocks=8):
    return torch.stack([notebook.off_by_block(step, seed, blocks) for seed in SEEDS])


def without_g(g, h, W):
    return (g @ W.T) * (h > 0)


@claim(
    section="3.4",
    says="Without `g +`: the weight gradients of blocks 1 to 7, the best of them off by",
    measured="0.82 [0.71, 0.92]",
    bound="above 0.5",
    holds="20 of 20",
    unit="of the gradient's length",
)
def test_without_the_shortcuts_share(notebook):
    return off(notebook, without_g)[:, :7].amin(1)


@claim(
    section="3.4",
    says="… in a net of one block, whose weight gradient is right: ∂L/∂h_0 off by",
    measured="0.82 [0.80, 0.85]",
    bound="above 0.7",
    holds="20 of 20",
    unit="of the gradient's length",
)
def test_one_block_shows_it_at_its_input(notebook):
    return off(notebook, without_g, blocks=1)[:, 1]


def left(notebook, kind, what):
    return torch.tensor([float(notebook.gradient_left(kind, seed)[what]) for seed in SEEDS])


@claim(
    section="3.6",
    says="32 projections as nn.Linear draws them: the gradient left of (⅓ + 1/32)¹⁶ = 9.7e-8",
    measured="7.0e-8 [4.1e-8, 1.8e-7]",
    bound="1.5e-8 to 4e-7",
    holds="20 of 20",
    inspired=f"{HE_2016}, table 1",
    tolerance=2e-8,
)
def test_projections_vanish(notebook):
    return left(notebook, "as nn.Linear", 0)


@claim(
    section="3.6",
    says="With weights of variance 1/n: of 32 directions, those that the 64 gradients at h_0 use",
    measured="8 [4, 11]",
    bound="below 16",
    holds="20 of 20",
    tolerance=1,
)
def test_scaled_projections_lose_directions(notebook):
    return left(notebook, "variance 1/n", 1)


@claim(
    section="3.7",
    says="Variance of h_0 on the digits that the best plain block relu(h) W + b loses: width 32",
    measured="0.151 [0.143, 0.163]",
    bound="above 0.1",
    holds="20 of 20",
    inspired=HE,
    tolerance=0.01,
)
def test_a_narrow_plain_block_loses_some(notebook):
    return torch.tensor([notebook.uncopied(32, seed=seed) for seed in SEEDS])


@claim(
    section="3.7",
    says="… with a layer norm in it, and an equal bias added to all neurons of the stem",
    measured="0.252 [0.232, 0.288]",
    bound="above 0.2",
    holds="20 of 20",
    inspired=HE,
    tolerance=0.015,
)
def test_a_norm_takes_the_bias_away(notebook):
    return torch.tensor([notebook.uncopied(32, 8.0, "layer", seed) for seed in SEEDS])
