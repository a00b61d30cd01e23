"""The claims of notebook 01: table rows and tests in one."""

import functools

import torch

from lecture_utils.authoring.claims import claim

LECTURE = "Vizuara, [lecture 22](https://youtu.be/2r0QahNdwMw?t=1685), shows one net: 1,099"
LECTURE_LAST = "Vizuara, [lecture 22](https://youtu.be/2r0QahNdwMw?t=1685), shows one net: 263"
HE = "[He et al. 2015](https://arxiv.org/abs/1502.01852)"
GLOROT = "Glorot and Bengio 2010"
BALDUZZI = "[Balduzzi et al. 2017](https://arxiv.org/abs/1702.08591)"
BOOK = (
    "[notebook 11.1](https://github.com/udlbook/udlbook/blob/main/Notebooks/Chap11/"
    "11_1_Shattered_Gradients.ipynb) of Prince 2023, which asks why it sees none"
)
SEED = 0  # of the batch of nets, or the first of 20; the bounds hold at 1000 as well


def batches(notebook, use_shortcut):
    """20 batches of 100 five-layer nets: weights' gradients and signals, both (20, 100, 5)."""
    both = [notebook.five_layer_nets(100, use_shortcut, seed=SEED + k) for k in range(20)]
    return [torch.stack(parts) for parts in zip(*both, strict=True)]


def shrinks(sizes):
    """Share of each batch's nets in which every layer has less than the next."""
    return (sizes[..., :-1] < sizes[..., 1:]).all(dim=2).float().mean(1)


@claim(
    section="1.3",
    says="Five plain layers: share of nets whose weights' gradient shrinks at every step back",
    measured="0.47 [0.40, 0.57]",
    bound="0.3 to 0.65",
    holds="20 of 20",
    inspired="Vizuara, lecture 22, whose own net does not",
)
def test_shrinks_at_every_step(notebook):
    return shrinks(batches(notebook, False)[0])


@claim(
    section="1.3",
    says="… whose signal dL/dh does",
    measured="0.99 [0.98, 1.00]",
    bound="above 0.9",
    holds="20 of 20",
)
def test_signal_shrinks_at_every_step(notebook):
    return shrinks(batches(notebook, False)[1])


def with_over_without(notebook, layer):
    plain, short = (batches(notebook, use_shortcut)[0] for use_shortcut in (False, True))
    return (short / plain)[..., layer].median(1).values


@claim(
    section="1.3",
    says="Weights' gradient with the shortcut / without, layer 0: the median net",
    measured="99 [64, 131]",
    bound="30 to 250",
    holds="20 of 20",
    inspired=LECTURE,
)
def test_larger_at_the_first_layer(notebook):
    return with_over_without(notebook, 0)


@claim(
    section="1.3",
    says="… layer 4, which has come back through no other layer",
    measured="6.9 [4.5, 9.9]",
    bound="2.5 to 18",
    holds="20 of 20",
    inspired=LECTURE_LAST,
)
def test_larger_at_the_last_layer(notebook):
    return with_over_without(notebook, 4)


@claim(
    section="1.3",
    says="Five small layers, the signal dL/dh: first / last with the shortcut, the median net",
    measured="1.14 [1.03, 1.35]",
    bound="0.8 to 1.8",
    holds="20 of 20",
)
def test_signal_with_shortcut(notebook):
    _, signal = batches(notebook, True)
    return (signal[..., 0] / signal[..., -1]).median(1).values


@claim(
    section="1.3",
    says="… and without",
    measured="0.0041 [0.0029, 0.0049]",
    bound="0.001 to 0.01",
    holds="20 of 20",
)
def test_signal_without_shortcut(notebook):
    _, signal = batches(notebook, False)
    return (signal[..., 0] / signal[..., -1]).median(1).values


@functools.cache
def _both(by_layer, activation, n_var):
    """Powers of ten left after 50 layers in 20 nets: measured, and by the law."""
    found = by_layer(50, activation, n_var, seed=SEED)
    return [norms[:, 0].log10() for norms in found]


def left(notebook, activation, start):
    phi, n_var = notebook.ACTIVATIONS[activation], notebook.STARTS.get(start, start)
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
    section="1.4",
    says="The forward pass predicts the powers of ten that are lost: law / measured",
    measured="1.00 [0.97, 1.02]",
    bound="0.94 to 1.06",
    holds="20 of 20",
    source=HE,
    tolerance=0.02,
)
def test_forward_predicts_backward(notebook):
    measured, law = left(notebook, "ReLU", "PyTorch")
    return law / measured


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
    says="50 GELU layers with He's weights: powers of ten left; many nets lose over two",
    measured="-4.5 [-6.2, 0.6]",
    bound="below -2",
    holds="8 of 20",
    tolerance=1.0,
)
def test_he_gelu(notebook):
    return left(notebook, "GELU", "He")[0]


@claim(
    section="1.5",
    says="50 sigmoid layers vanish even with He's weights",
    measured="-25.1 [-25.4, -24.6]",
    bound="-27 to -23",
    holds="20 of 20",
    inspired="σ′ ≤ ¼",
    tolerance=0.5,
)
def test_sigmoid(notebook):
    return left(notebook, "sigmoid", "He")[0]


@claim(
    section="1.5",
    says="… and keep the gradient with n Var(W) = 113, what exercise 1.3 finds",
    measured="-0.1 [-1.2, 0.6]",
    bound="-2 to 2",
    holds="20 of 20",
    tolerance=0.5,
)
def test_sigmoid_with_large_weights(notebook):
    return left(notebook, "sigmoid", 113)[0]


def on_a_line(notebook, **options):
    """24 layers, 20 nets: correlation of neighbouring gradients, switches per neuron."""
    gradients, switches = notebook.input_gradients(seed=SEED, **options)
    return notebook.neighbour_correlation(gradients), switches


@claim(
    section="1.7",
    says="24 plain layers with batch norm: neighbouring gradients are unrelated",
    measured="-0.07 [-0.22, 0.11]",
    bound="-0.35 to 0.25",
    holds="20 of 20",
    unit="correlation",
    source=BALDUZZI,
    tolerance=0.1,
)
def test_shattered(notebook):
    return on_a_line(notebook)[0]


@claim(
    section="1.7",
    says="The same layers with shortcuts: neighbours agree",
    measured="0.66 [0.47, 0.81]",
    bound="above 0.25",
    holds="20 of 20",
    unit="correlation",
    source=BALDUZZI,
    tolerance=0.1,
)
def test_shortcut_not_shattered(notebook):
    return on_a_line(notebook, use_shortcut=True)[0]


@claim(
    section="1.7",
    says="… 50 layers with shortcuts",
    measured="0.49 [0.30, 0.72]",
    bound="above 0.15",
    holds="20 of 20",
    unit="correlation",
    source=BALDUZZI,
    tolerance=0.1,
)
def test_fifty_layers_with_shortcuts(notebook):
    return on_a_line(notebook, depth=50, use_shortcut=True)[0]


@claim(
    section="1.7",
    says="… 8 plain layers",
    measured="0.37 [0.26, 0.49]",
    bound="0.15 to 0.6",
    holds="20 of 20",
    unit="correlation",
    source=BALDUZZI,
    tolerance=0.1,
)
def test_eight_plain_layers(notebook):
    return on_a_line(notebook, depth=8)[0]


@claim(
    section="1.7",
    says="Plain, no batch norm, variance 1/n or He's 2/n (the lower of the two): neighbours agree",
    measured="0.92 [0.87, 0.95]",
    bound="above 0.7",
    holds="20 of 20",
    unit="correlation",
    inspired=BOOK,
)
def test_the_book(notebook):
    pair = [on_a_line(notebook, **notebook.BOOK | {"n_var": v})[0] for v in (1.0, 2.0)]
    return torch.stack(pair).amin(0)


@claim(
    section="1.7",
    says="… with batch norm they are unrelated",
    measured="-0.05 [-0.18, 0.08]",
    bound="-0.35 to 0.25",
    holds="20 of 20",
    unit="correlation",
    inspired=BOOK,
    tolerance=0.1,
)
def test_the_book_with_batch_norm(notebook):
    return on_a_line(notebook, **notebook.BOOK | {"norm": True})[0]
