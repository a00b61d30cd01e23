"""The claims of notebook 03: table rows and tests in one."""

import functools
import itertools

import pytest
import torch

from lecture_utils.authoring import notebooks
from lecture_utils.authoring.claims import claim
from lecture_utils.explorers import mlp

SEEDS = 20
HE = "[He et al. 2015](https://arxiv.org/abs/1512.03385)"
HE_2016 = "[He et al. 2016](https://arxiv.org/abs/1603.05027)"
VEIT = "[Veit et al. 2016](https://arxiv.org/abs/1605.06431)"
XIONG = "[Xiong et al. 2020](https://arxiv.org/abs/2002.04745)"
LI = "[Li et al. 2018](https://arxiv.org/abs/1712.09913)"
REPAIR = "[De and Smith 2020](https://arxiv.org/abs/2002.10444)"


@functools.cache
def _definitions():
    return notebooks.definitions(notebooks.path_of("03"))


@functools.cache
def trained(depth, **options):
    """20 trained nets; each kind is trained once, for all rows that speak of it."""
    return _definitions().trained(depth, seeds=SEEDS, **options)[0]


def final_loss(depth, **options):
    return _definitions().final_loss(trained(depth, **options))


def signs(notebook, depth, **options):
    return mlp.relative(notebook.fresh_signs(depth, seeds=SEEDS, **options))


PLAIN_NORM = {"use_shortcut": False, "norm": "layer"}


@claim(
    section="3.3",
    says="32 projections as shortcuts: the gradient left of (⅓ + 1/32)¹⁶ = 9.7e-8",
    measured="8.0e-8 [5.3e-8, 1.5e-7]",
    bound="3e-8 to 3e-7",
    holds="20 of 20",
    source="ours",
    tolerance=3e-8,
)
def test_projections_vanish(notebook):
    return torch.tensor([notebook.gradient_left(32, 1 / 3, seed) for seed in range(SEEDS)])


@claim(
    section="3.3",
    says="… with starting weights of variance 1/n",
    measured="1.24 [0.81, 2.04]",
    bound="0.4 to 4",
    holds="20 of 20",
    source="ours",
)
def test_scaled_projections_keep(notebook):
    return torch.tensor([notebook.gradient_left(32, 1.0, seed) for seed in range(SEEDS)])


@claim(
    section="3.3",
    says="32 identities as shortcuts: the gradient left of (1 + 1/32)¹⁶ = 1.64",
    measured="1.62 [1.52, 1.89]",
    bound="1.3 to 2.1",
    holds="20 of 20",
    source=HE_2016,
)
def test_identities_keep(notebook):
    return torch.tensor([notebook.gradient_left(32, None, seed) for seed in range(SEEDS)])


@claim(
    section="3.4",
    says="Backward by hand through 8 blocks against autograd: largest relative difference",
    measured="0 [0, 0]",
    bound="below 1e-6",
    holds="20 of 20",
    source="the chain rule",
    tolerance=3e-7,
)
def test_by_hand(notebook):
    return torch.tensor([notebook.largest_difference(seed) for seed in range(SEEDS)])


@claim(
    section="3.6",
    says="Two blocks with shortcuts, 150 steps: training loss (guessing is 2.30)",
    measured="0.12 [0.11, 0.15]",
    bound="below 0.3",
    holds="20 of 20",
    unit="nats",
    source="ours",
    chaotic=True,
)
def test_two_blocks_learn(notebook):
    return final_loss(2)


@claim(
    section="3.7",
    says="Twins with layer norm, 2 blocks: training loss plain / shortcut",
    measured="0.97 [0.87, 1.21]",
    bound="0.7 to 1.5",
    holds="20 of 20",
    source=HE,
    chaotic=True,
)
def test_shallow_twins_agree(notebook):
    return final_loss(2, **PLAIN_NORM) / final_loss(2, norm="layer")


@claim(
    section="3.7",
    says="Plain, layer norm, 64 blocks: training loss (guessing is 2.30)",
    measured="2.30 [2.03, 2.31]",
    bound="above 1.5",
    holds="20 of 20",
    unit="nats",
    source=HE,
    chaotic=True,
)
def test_deep_plain_fails(notebook):
    return final_loss(64, **PLAIN_NORM)


@claim(
    section="3.7",
    says="Shortcut, layer norm, 64 blocks: training loss",
    measured="0.050 [0.034, 0.088]",
    bound="below 0.2",
    holds="20 of 20",
    unit="nats",
    source=HE,
    chaotic=True,
)
def test_deep_shortcut_learns(notebook):
    return final_loss(64, norm="layer")


@claim(
    section="3.7",
    says="32 blocks, layer norm: plain at the best of three learning rates / shortcut at 0.001",
    measured="21 [11, 36]",
    bound="above 5",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_no_better_rate(notebook):
    rates = [final_loss(32, **PLAIN_NORM)]
    rates += [final_loss(32, lr=lr, **PLAIN_NORM) for lr in (3e-4, 3e-3)]
    return torch.stack(rates).amin(0) / final_loss(32, norm="layer")


def moved_by_butterflies(notebook, use_shortcut):
    """Share by which weights times 1 + 1e-6 randn change a net's final loss, largest of three."""
    calm = final_loss(32, use_shortcut=use_shortcut, norm="layer")
    touched = [notebook.fluttered(use_shortcut, range(SEEDS), by) for by in (1, 2, 3)]
    return (torch.stack(touched) / calm - 1).abs().amax(0)


@claim(
    section="3.7",
    says="Starting weights moved by a millionth, three times: a plain loss at 32 blocks moves by",
    measured="0.17 [0.07, 0.53]",
    bound="above 0.05",
    holds="16 of 20",
    source="ours",
    chaotic=True,
)
def test_plain_nets_are_chaotic(notebook):
    return moved_by_butterflies(notebook, False)


@claim(
    section="3.7",
    says="… its twin's by",
    measured="0.01 [0.003, 0.03]",
    bound="below 0.1",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_their_twins_are_not(notebook):
    return moved_by_butterflies(notebook, True)


@claim(
    section="3.8",
    says="Plain, default weights, 32 blocks: the gradient left at h_0 is nothing",
    measured="-11.9 [-12.7, -10.9]",
    bound="below -10",
    holds="20 of 20",
    unit="powers of ten",
    source="[He et al. 2015b](https://arxiv.org/abs/1502.01852)",
    tolerance=0.5,
)
def test_default_vanishes(notebook):
    return signs(notebook, 32, use_shortcut=False, init="default")["gradient"][:, 0].log10()


@claim(
    section="3.8",
    says="Plain, layer norm, 32 blocks: the gradient left at h_0, in units of the state",
    measured="1.39 [0.25, 3.6]",
    bound="0.1 to 10",
    holds="20 of 20",
    source=f"{HE}, section 4.1",
    tolerance=1.0,
)
def test_gradient_is_healthy(notebook):
    return signs(notebook, 32, **PLAIN_NORM)["gradient"][:, 0]


@claim(
    section="3.8",
    says="… and of its shortcut twin",
    measured="1.30 [0.84, 1.9]",
    bound="0.1 to 10",
    holds="20 of 20",
    source="ours",
)
def test_gradient_of_the_twin(notebook):
    return signs(notebook, 32, norm="layer")["gradient"][:, 0]


@claim(
    section="3.8",
    says="The plain one fails all the same: its training loss over its twin's",
    measured="21 [11, 36]",
    bound="above 8",
    holds="20 of 20",
    source=HE,
    chaotic=True,
)
def test_fails_all_the_same(notebook):
    return final_loss(32, **PLAIN_NORM) / final_loss(32, norm="layer")


@claim(
    section="3.8",
    says="Two different digits look alike after 32 plain blocks with layer norm: mean cosine",
    measured="0.988 [0.91, 1]",
    bound="above 0.85",
    holds="20 of 20",
    source="Cho and Saul 2009",
    tolerance=0.03,
)
def test_digits_look_alike(notebook):
    return signs(notebook, 32, **PLAIN_NORM)["likeness"][:, -1]


@claim(
    section="3.8",
    says="Without norm they look as alike, and most end lower: loss without / with norm",
    measured="0.55 [0.32, 0.95]",
    bound="below 1",
    holds="15 of 20",
    source="ours",
    chaotic=True,
)
def test_plain_without_norm_mostly_ends_lower(notebook):
    return final_loss(32, use_shortcut=False) / final_loss(32, **PLAIN_NORM)


@claim(
    section="3.8",
    says="Mean cosine after 32 blocks with shortcuts and layer norm",
    measured="0.62 [0.48, 0.77]",
    bound="below 0.85",
    holds="20 of 20",
    source="ours",
)
def test_digits_differ(notebook):
    return signs(notebook, 32, norm="layer")["likeness"][:, -1]


@claim(
    section="3.8",
    says="Plain, batch norm, 32 blocks: the gradient comes back too large, times",
    measured="437 [310, 1100]",
    bound="above 100",
    holds="20 of 20",
    source="[Yang et al. 2019](https://arxiv.org/abs/1902.08129)",
    tolerance=100.0,
)
def test_batch_norm_explodes(notebook):
    return signs(notebook, 32, use_shortcut=False, norm="batch")["gradient"][:, 0]


@claim(
    section="3.7",
    says="Ten times as many steps: the plain net's loss over its twin's after 150",
    measured="1.6 [0.4, 4.4]",
    bound="below 8",
    holds="16 of 20",
    source="ours",
    chaotic=True,
)
def test_catches_up_slowly(notebook):
    return final_loss(32, steps=1500, **PLAIN_NORM) / final_loss(32, norm="layer")


@claim(
    section="3.9",
    says="He's weights, no norm, 32 blocks: the shortcut net grows by 2¹⁶ = 10^4.8 …",
    measured="4.7 [3.8, 5.6]",
    bound="3.5 to 6",
    holds="20 of 20",
    unit="powers of ten",
    source="notebook 02",
)
def test_unscaled_stream_grows(notebook):
    return signs(notebook, 32)["size"][:, -1].log10()


@claim(
    section="3.9",
    says="… and does worse than guessing (2.30)",
    measured="14.8 [3.7, 56]",
    bound="above 2.4",
    holds="20 of 20",
    unit="nats",
    source="ours",
    chaotic=True,
)
def test_worse_than_guessing(notebook):
    return final_loss(32)


@claim(
    section="3.9",
    says="… and than its plain twin: loss shortcut / plain",
    measured="27 [6, 133]",
    bound="above 3",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_worse_than_plain(notebook):
    return final_loss(32) / final_loss(32, use_shortcut=False)


@claim(
    section="3.9",
    says="Repaired with weights / √L: training loss",
    measured="0.010 [0.003, 0.03]",
    bound="below 0.06",
    holds="20 of 20",
    unit="nats",
    source=REPAIR,
    chaotic=True,
)
def test_scaled_shortcut_learns(notebook):
    return final_loss(32, branch_scale=32**-0.5)


@claim(
    section="3.9",
    says="PyTorch's default weights, shortcut, no norm: training loss",
    measured="0.017 [0.005, 0.094]",
    bound="below 0.3",
    holds="20 of 20",
    unit="nats",
    source="ours",
    chaotic=True,
)
def test_default_weights_learn(notebook):
    return final_loss(32, init="default")


def shares(notebook):
    members = trained(16, norm="layer").members()
    return torch.stack([notebook.branch_shares(net) for net in members])


@claim(
    section="3.10",
    says="Layer norm, 16 blocks, trained: ‖F(h)‖ / ‖h‖ in the first block",
    measured="1.65 [1.44, 1.78]",
    bound="above 1.2",
    holds="20 of 20",
    source=f"{XIONG} on the growth of the stream",
    chaotic=True,
)
def test_first_block_is_loud(notebook):
    return shares(notebook)[:, 0]


@claim(
    section="3.10",
    says="… and in the last",
    measured="0.24 [0.20, 0.26]",
    bound="below 0.4",
    holds="20 of 20",
    source=XIONG,
    chaotic=True,
)
def test_last_block_whispers(notebook):
    return shares(notebook)[:, -1]


@functools.cache
def cut(**options):
    """Accuracy of the whole net (20,), and without each block (20, 16)."""
    notebook, members = _definitions(), trained(16, **options).members()
    whole = torch.stack([notebook.test_accuracy(net) for net in members])
    return whole, torch.stack([notebook.lesions(net) for net in members])


@claim(
    section="3.10",
    says="Take one of 16 blocks out of the shortcut net: accuracy lost, median block",
    measured="0.03 [0.01, 0.04]",
    bound="below 0.08",
    holds="20 of 20",
    source=VEIT,
    chaotic=True,
)
def test_lesion_shortcut(notebook):
    whole, less = cut(norm="layer")
    return whole - less.median(1).values


@claim(
    section="3.10",
    says="… out of the plain net: accuracy left",
    measured="0.09 [0.06, 0.12]",
    bound="below 0.2",
    holds="20 of 20",
    source=VEIT,
    chaotic=True,
)
def test_lesion_plain(notebook):
    return cut(**PLAIN_NORM)[1].median(1).values


@claim(
    section="3.10",
    says="… out of the shortcut net, but the first block: accuracy left",
    measured="0.40 [0.27, 0.60]",
    bound="below 0.75",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_lesion_first_block(notebook):
    return cut(norm="layer")[1][:, 0]


@claim(
    section="3.10",
    says="… out of the net with weights / √L and no norm: accuracy lost, worst block",
    measured="0.03 [0.01, 0.04]",
    bound="below 0.08",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_lesion_scaled(notebook):
    whole, less = cut(branch_scale=16**-0.5)
    return whole - less.min(1).values


@claim(
    section="3.10",
    says="… out of the net with He's undivided weights and no norm: share of its accuracy kept",
    measured="0.53 [0.45, 0.61]",
    bound="below 0.85",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_lesion_unscaled(notebook):
    whole, less = cut()
    return less.median(1).values / whole


def fifth(notebook, **options):
    return notebook.slice_through(trained(16, **options), [0.2])[:, 0]


@claim(
    section="3.11",
    says="A fifth of the weights' length along a random direction: loss of the plain nets",
    measured="2.0 [1.5, 3.3]",
    bound="above 1.4",
    holds="16 of 20",
    unit="nats",
    source=LI,
    chaotic=True,
)
def test_slice_plain(notebook):
    return fifth(notebook, **PLAIN_NORM)


@claim(
    section="3.11",
    says="… of the shortcut nets",
    measured="0.19 [0.13, 0.27]",
    bound="below 0.4",
    holds="20 of 20",
    unit="nats",
    source=LI,
    chaotic=True,
)
def test_slice_shortcut(notebook):
    return fifth(notebook, norm="layer")


@claim(
    section="3.10",
    says="Exchange blocks 8 and 9 of 16 in the shortcut net: accuracy lost",
    measured="0.00 [-0.01, 0.02]",
    bound="below 0.06",
    holds="20 of 20",
    source=VEIT,
    chaotic=True,
)
def test_swap_shortcut(notebook):
    whole, members = cut(norm="layer")[0], trained(16, norm="layer").members()
    return whole - torch.stack([notebook.test_accuracy(exchanged(net, 8)) for net in members])


@claim(
    section="3.10",
    says="… in the plain net: accuracy left",
    measured="0.08 [0.03, 0.2]",
    bound="below 0.4",
    holds="20 of 20",
    source=VEIT,
    chaotic=True,
)
def test_swap_plain(notebook):
    members = trained(16, **PLAIN_NORM).members()
    return torch.stack([notebook.test_accuracy(exchanged(net, 8)) for net in members])


def exchanged(net, k):
    """What exercise 3.4 asks for."""
    blocks = list(net.blocks)
    blocks[k : k + 2] = reversed(blocks[k : k + 2])
    return torch.nn.Sequential(net.stem, *blocks, net.head)


@pytest.mark.parametrize("depth", [32, 64])
def test_all_eighteen_dials(notebook, depth):
    """Section 3.9, under the explorer: no setting for the plain net, seventeen for its twin."""
    verdicts = {False: [], True: []}
    dials = itertools.product((None, "layer", "batch"), ("default", "he"), mlp._SCALES.values())
    for norm, init, scale in dials:
        for use_shortcut, found in verdicts.items():
            options = {"norm": norm, "init": init, "branch_scale": scale(depth)}
            measured = notebook.fresh_signs(depth, use_shortcut=use_shortcut, **options)
            found.append(mlp.verdict(mlp.relative(measured)))
    assert verdicts[False].count("in order") == 0
    assert verdicts[True].count("in order") == 17
