"""The claims of notebook 04: table rows and tests in one."""

import functools
import itertools

import pytest
import torch

from lecture_utils.authoring import notebooks
from lecture_utils.authoring.claims import claim
from lecture_utils.explorers import mlp

SEEDS = range(20)
HE = "[He et al. 2015](https://arxiv.org/abs/1512.03385)"
VEIT = "[Veit et al. 2016](https://arxiv.org/abs/1605.06431)"
BALDUZZI = "[Balduzzi et al. 2017](https://arxiv.org/abs/1702.08591)"
PENNINGTON = "[Pennington et al. 2017](https://arxiv.org/abs/1711.04735)"
DANESHMAND = "[Daneshmand et al. 2020](https://arxiv.org/abs/2003.01652)"
YANG = "[Yang et al. 2019](https://arxiv.org/abs/1902.08129)"
XIONG = "[Xiong et al. 2020](https://arxiv.org/abs/2002.04745)"
HANIN = "[Hanin and Nica 2018](https://arxiv.org/abs/1812.05994)"
DE = "[De and Smith 2020](https://arxiv.org/abs/2002.10444)"
PLAIN = {"use_shortcut": False}
PLAIN_NORM = {"use_shortcut": False, "norm": "layer"}


@functools.cache
def _definitions():
    return notebooks.definitions(notebooks.path_of("04"))


def trained(depth, use_shortcut=True, lr=1e-3, **options):
    """20 trained nets; each kind is trained once, for all rows that speak of it."""
    options |= {"use_shortcut": use_shortcut, "lr": lr}
    return _trained(depth, frozenset(options.items()))


@functools.cache
def _trained(depth, options):
    return _definitions().trained(depth, seeds=SEEDS, **dict(options))[0]


def final_loss(depth, **options):
    return _definitions().final_loss(trained(depth, **options))


def kind_of_plain(name):
    return PLAIN | _definitions().PLAIN_KINDS[name]


@claim(
    section="4.1",
    says="Two blocks with shortcuts and no norm, 150 steps: training loss (guessing is 2.30)",
    measured="0.12 [0.099, 0.14]",
    bound="below 0.3",
    holds="20 of 20",
    unit="nats",
    inspired="the usual training loop",
    chaotic=True,
)
def test_two_blocks_learn(notebook):
    return final_loss(2)


@claim(
    section="4.2",
    says="Plain, layer norm: training loss of 64 blocks / of 2 blocks",
    measured="18 [14, 23]",
    bound="above 6",
    holds="20 of 20",
    source=f"{HE}: training error rises from 18 to 34 layers",
    chaotic=True,
)
def test_depth_makes_plain_nets_worse(notebook):
    return final_loss(64, **PLAIN_NORM) / final_loss(2, **PLAIN_NORM)


@claim(
    section="4.2",
    says="… of their twins with shortcuts",
    measured="0.37 [0.22, 0.71]",
    bound="below 0.9",
    holds="20 of 20",
    source=f"{HE}: training error falls",
    chaotic=True,
)
def test_depth_makes_twins_better(notebook):
    return final_loss(64, norm="layer") / final_loss(2, norm="layer")


@claim(
    section="4.3",
    says="Plain, layer norm, 32 blocks: norm of gradient times length, at h_0 / at h_32",
    measured="1.4 [0.25, 3.6]",
    bound="0.1 to 10",
    holds="18 of 20",
    source=f"{HE}, section 4.1, with batch norm",
    tolerance=1.0,
)
def test_norm_is_healthy(notebook):
    gradient = notebook.fresh_signs(32, SEEDS, **PLAIN_NORM)["gradient"]
    return gradient[:, 0] / gradient[:, -1]


@claim(
    section="4.3",
    says="… but of 32 singular values, how many are a hundredth of the largest or more",
    measured="3.4 [2.6, 4]",
    bound="below 7",
    holds="20 of 20",
    source=f"{DANESHMAND} on the rank of the hidden states",
)
def test_spectrum_is_narrow(notebook):
    return notebook.directions(notebook.fresh_spectra(32, SEEDS, **PLAIN_NORM))


@claim(
    section="4.3",
    says="… in the twin with shortcuts",
    measured="21.8 [19.6, 23]",
    bound="above 14",
    holds="20 of 20",
    inspired=DANESHMAND,
)
def test_spectrum_of_the_twin(notebook):
    return notebook.directions(notebook.fresh_spectra(32, SEEDS, norm="layer"))


@claim(
    section="4.3",
    says="Plain, layer norm, width 128: how many of 128 singular values are that large",
    measured="12 [11.2, 13.2]",
    bound="8 to 20",
    holds="20 of 20",
    inspired=HANIN,
)
def test_spectrum_of_a_wider_net(notebook):
    return notebook.directions(notebook.fresh_spectra(32, SEEDS, width=128, **PLAIN_NORM))


@claim(
    section="4.4",
    says="32 blocks: loss of a plain net, looks-linear, no norm / of the shortcut net, layer norm",
    measured="0.44 [0.09, 1.03]",
    bound="below 1.2",
    holds="16 of 20",
    inspired=BALDUZZI,
    chaotic=True,
)
def test_looks_linear_is_as_good_as_a_shortcut(notebook):
    return final_loss(32, **kind_of_plain("looks-linear")) / final_loss(32, norm="layer")


@claim(
    section="4.4",
    says="Five starts of a plain net of 32 blocks, 150 steps: lowest loss with fewer than 8 "
    "directions / highest with 8 or more",
    measured="5.4 [2.6, 15]",
    bound="above 1.2",
    holds="20 of 20",
    inspired=PENNINGTON,
    chaotic=True,
)
def test_few_directions_learn_badly(notebook):
    few, many = [], []
    for name, options in notebook.PLAIN_KINDS.items():
        spectra = notebook.fresh_spectra(32, SEEDS, use_shortcut=False, **options)
        kind = few if notebook.directions(spectra).median() < 8 else many
        kind.append(final_loss(32, **kind_of_plain(name)))
    return torch.stack(few).amin(0) / torch.stack(many).amax(0)


@claim(
    section="4.5",
    says="He's weights, no norm, 32 blocks, shortcuts: loss after training (guessing is 2.30)",
    measured="14.8 [3.7, 56]",
    bound="above 2.5",
    holds="20 of 20",
    unit="nats",
    inspired="notebook 02, 2^(L/2)",
    chaotic=True,
)
def test_worse_than_guessing(notebook):
    return final_loss(32)


@claim(
    section="4.5",
    says="… with those weights divided by √L",
    measured="0.011 [0.003, 0.025]",
    bound="below 0.3",
    holds="20 of 20",
    unit="nats",
    inspired=DE,
    chaotic=True,
)
def test_divided_by_the_root_of_depth(notebook):
    return final_loss(32, branch_scale=32**-0.5)


@functools.cache
def cut(**options):
    """Accuracy of the whole net (20,), and without each block (20, 16)."""
    notebook, nets = _definitions(), trained(16, **options)
    whole = torch.stack([notebook.test_accuracy(net) for net in nets.members()])
    return whole, notebook.lesions(nets)


@claim(
    section="4.6",
    says="One of 16 blocks taken out, median block: share of accuracy kept, shortcut − plain",
    measured="0.87 [0.83, 0.91]",
    bound="above 0.6",
    holds="20 of 20",
    source=f"{VEIT}: VGG falls to chance, ResNet hardly",
    chaotic=True,
)
def test_lesions(notebook):
    short, plain = (less.median(1).values / whole for whole, less in (
        cut(norm="layer"), cut(**PLAIN_NORM)))  # fmt: skip
    return short - plain


@claim(
    section="4.6",
    says="Shortcut net: accuracy lost with block 0, 1 or 2 (their mean) − with a block from 3 on",
    measured="0.27 [0.16, 0.36]",
    bound="above 0.08",
    holds="20 of 20",
    inspired=VEIT,
    chaotic=True,
)
def test_early_blocks_matter_more(notebook):
    less = cut(norm="layer")[1]
    return less[:, 3:].mean(1) - less[:, :3].mean(1)


@claim(
    section="4.7",
    says="Layer norm, 32 blocks, starting weights moved by a millionth, three times: the loss of "
    "the plain net moves more than its twin's, times",
    measured="25 [2, 85]",
    bound="above 1.5",
    holds="18 of 20",
    inspired="other processors, other digits",
    chaotic=True,
)
def test_plain_nets_are_chaotic(notebook):
    plain, short = (moved_by_butterflies(notebook, use_shortcut) for use_shortcut in (False, True))
    return plain / short


def moved_by_butterflies(notebook, use_shortcut):
    """Share by which weights times 1 + 1e-6 randn change a net's final loss, largest of three."""
    calm = final_loss(32, use_shortcut=use_shortcut, norm="layer")
    touched = [notebook.fluttered(use_shortcut, SEEDS, by) for by in (1, 2, 3)]
    return (torch.stack(touched) / calm - 1).abs().amax(0)


@claim(
    section="4.8",
    says="32 blocks, layer norm, 150 steps: plain at the best of four learning rates / shortcut at "
    "0.001",
    measured="21 [11, 36]",
    bound="above 5",
    holds="20 of 20",
    inspired=HE,
    chaotic=True,
)
def test_no_rate_helps(notebook):
    rates = [final_loss(32, lr=lr, **PLAIN_NORM) for lr in (3e-4, 1e-3, 3e-3, 1e-2)]
    return torch.stack(rates).amin(0) / final_loss(32, norm="layer")


@claim(
    section="4.10",
    says="Layer norm, 16 blocks, trained: ‖F(h)‖ / ‖h‖ in the first block / in the last",
    measured="6.8 [5.7, 7.6]",
    bound="above 4",
    holds="20 of 20",
    source=f"{XIONG} on the growth of the stream",
    chaotic=True,
)
def test_first_branch_is_long(notebook):
    members = trained(16, norm="layer").members()
    shares = torch.stack([notebook.branch_shares(net) for net in members])
    return shares[:, 0] / shares[:, -1]


@claim(
    section="4.11",
    says="Plain, batch norm, 32 blocks: the gradient comes back larger, times (1.21³² is 450)",
    measured="450 [310, 1080]",
    bound="above 100",
    holds="20 of 20",
    source=YANG,
    tolerance=60.0,
)
def test_batch_norm_explodes(notebook):
    gradient = notebook.fresh_signs(32, SEEDS, use_shortcut=False, norm="batch")["gradient"]
    return gradient[:, 0] / gradient[:, -1]


@pytest.mark.parametrize(("depth", "plain", "twin"), [(32, 6, 16), (64, 4, 16)])
def test_all_eighteen_dials(notebook, depth, plain, twin):
    """Section 4.5, under the explorer: how many settings are in order."""
    found = {False: [], True: []}
    for norm, weights in itertools.product(mlp.NORMS.values(), notebook.WEIGHTS.values()):
        for use_shortcut, verdicts in found.items():
            options = {"norm": norm, "use_shortcut": use_shortcut} | weights(depth)
            signs = notebook.fresh_signs(depth, SEEDS, **options)
            verdicts.append(mlp.verdict(mlp.relative(signs)))
    assert [verdicts.count("in order") for verdicts in found.values()] == [plain, twin]
