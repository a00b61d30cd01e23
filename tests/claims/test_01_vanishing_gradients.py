"""The claims of notebook 01: table rows and tests in one."""

import functools

import torch

from lecture_utils.authoring.claims import claim

LECTURE = "Vizuara, [lecture 22](https://youtu.be/2r0QahNdwMw?t=1372), shows one net"
HE = "[He et al. 2015](https://arxiv.org/abs/1502.01852)"
GLOROT = "Glorot and Bengio 2010"
BALDUZZI = "[Balduzzi et al. 2017](https://arxiv.org/abs/1702.08591)"
BOOK = (
    "[notebook 11.1](https://github.com/udlbook/udlbook/blob/main/Notebooks/Chap11/"
    "11_1_Shattered_Gradients.ipynb) of Prince 2023, which asks why it sees none"
)
SEED = 0  # of the batch of nets, or the first of 20; the bounds hold at 1000 as well


def batches(notebook, **options):
    """20 batches of 100 five-layer nets: weights' gradients and signals, both (20, 100, 5)."""
    both = [notebook.five_layer_nets(100, seed=SEED + k, **options) for k in range(20)]
    return [torch.stack(parts) for parts in zip(*both, strict=True)]


def shrinks(notebook, sizes):
    """Share of each batch's nets in which every layer has less than the next."""
    return torch.stack([notebook.always_smaller(batch) for batch in sizes])


@claim(
    section="1.3",
    says="Five plain layers: share of nets whose weights' gradient gets smaller at every step back",
    measured="0.47 [0.40, 0.57]",
    bound="0.3 to 0.65",
    holds="20 of 20",
    inspired=LECTURE,
)
def test_shrinks_at_every_step(notebook):
    return shrinks(notebook, batches(notebook)[0])


@claim(
    section="1.3",
    says="… with a tenth of the input",
    measured="0.93 [0.87, 0.97]",
    bound="above 0.8",
    holds="20 of 20",
)
def test_a_small_input(notebook):
    return shrinks(notebook, batches(notebook, size=0.1)[0])


@claim(
    section="1.3",
    says="… whose signal dL/dh does, with the whole input",
    measured="0.99 [0.98, 1.00]",
    bound="above 0.9",
    holds="20 of 20",
)
def test_signal_shrinks_at_every_step(notebook):
    return shrinks(notebook, batches(notebook)[1])


@claim(
    section="1.3",
    says="Five small layers, the signal dL/dh: first / last, the median net",
    measured="0.0041 [0.0029, 0.0049]",
    bound="0.001 to 0.01",
    holds="20 of 20",
)
def test_signal_without_shortcut(notebook):
    _, signal = batches(notebook)
    return (signal[..., 0] / signal[..., -1]).median(1).values


@claim(
    section="1.3",
    says="… with shortcuts",
    measured="1.14 [1.03, 1.35]",
    bound="0.8 to 1.8",
    holds="20 of 20",
)
def test_signal_with_shortcut(notebook):
    _, signal = batches(notebook, use_shortcut=True)
    return (signal[..., 0] / signal[..., -1]).median(1).values


@functools.cache
def _both(by_layer, activation, n_var):
    """Powers of ten left after 50 layers in 20 nets: measured, and by the law."""
    found = by_layer(50, activation, n_var, seed=SEED)
    return [norms[:, 0].log10() for norms in found]


def left(notebook, activation, start):
    phi, n_var = notebook.ACTIVATIONS[activation], notebook.STARTS[start]
    return _both(notebook.gradients_by_layer, phi, n_var)


@claim(
    section="1.4",
    says="A ReLU layer with PyTorch's weights: factor per layer, over 50 layers (1/√6 = 0.408)",
    measured="0.407 [0.397, 0.411]",
    bound="0.39 to 0.43",
    holds="20 of 20",
    source=f"the law: {HE}",
    tolerance=0.005,
)
def test_default_relu(notebook):
    return 10 ** (left(notebook, "ReLU", "PyTorch")[0] / 50)


@claim(
    section="1.5",
    says="50 layers, all twelve nets: the law is wrong by so many powers of ten, the most of the "
    "twelve (they leave from -42 to 1)",
    measured="0.40 [0.13, 0.85]",
    bound="below 1.5",
    holds="20 of 20",
    inspired=HE,
    tolerance=0.1,
)
def test_the_law_in_all_twelve(notebook):
    cells = [(phi, start) for phi in notebook.ACTIVATIONS for start in notebook.STARTS]
    both = [left(notebook, *cell) for cell in cells]
    return torch.stack([(law - measured).abs() for measured, law in both]).amax(0)


@claim(
    section="1.5",
    says="50 layers, ReLU with He's weights, tanh with Xavier's and He's: powers of ten that are "
    "lost or won, the most of the three",
    measured="1.1 [0.8, 1.2]",
    bound="below 2",
    holds="20 of 20",
    source=f"{HE} for ReLU; {GLOROT} for tanh with Xavier's",
    tolerance=0.3,
)
def test_three_keep_the_gradient(notebook):
    kept = (("ReLU", "He"), ("tanh", "Xavier"), ("tanh", "He"))
    return torch.stack([left(notebook, *pair)[0].abs() for pair in kept]).amax(0)


@claim(
    section="1.5",
    says="50 GELU layers with He's weights: powers of ten left; more than half of the nets lose "
    "over two",
    measured="-4.5 [-6.2, 0.6]",
    bound="below -2",
    holds="11 of 20",
    tolerance=1.0,
)
def test_he_gelu(notebook):
    return left(notebook, "GELU", "He")[0]


def on_a_line(notebook, **options):
    """Correlation of neighbouring gradients in 20 nets."""
    gradients, _ = notebook.input_gradients(seed=SEED, **options)
    return notebook.neighbour_correlation(gradients)


@claim(
    section="1.7",
    says="24 plain layers with batch norm: neighbouring gradients are unrelated",
    measured="-0.06 [-0.22, 0.11]",
    bound="-0.35 to 0.25",
    holds="20 of 20",
    unit="correlation",
    source=BALDUZZI,
    tolerance=0.1,
)
def test_shattered(notebook):
    return on_a_line(notebook)


@claim(
    section="1.7",
    says="… with a shortcut around every layer: neighbours agree",
    measured="0.66 [0.47, 0.81]",
    bound="above 0.25",
    holds="20 of 20",
    unit="correlation",
    source=BALDUZZI,
    tolerance=0.1,
)
def test_a_shortcut_around_every_layer(notebook):
    return on_a_line(notebook, shortcut_every=1)


@claim(
    section="1.7",
    says="… 50 layers, a shortcut around every two: unrelated",
    measured="0.05 [-0.18, 0.17]",
    bound="-0.35 to 0.35",
    holds="20 of 20",
    unit="correlation",
    tolerance=0.1,
)
def test_a_shortcut_around_every_two_layers(notebook):
    return on_a_line(notebook, shortcut_every=2, depth=50)


@claim(
    section="1.7",
    says="The book's plain nets with He's variance: what shifting each neuron's values to mean 0 "
    "takes off the correlation",
    measured="0.95 [0.52, 1.08]",
    bound="above 0.3",
    holds="20 of 20",
    unit="correlation",
    inspired=BOOK,
    tolerance=0.1,
)
def test_the_book_centred(notebook):
    he = notebook.BOOK | {"n_var": 2.0}
    return on_a_line(notebook, **he) - on_a_line(notebook, **he | {"norm": notebook.centre})
