"""The claims of notebook 01: table rows and tests in one."""

import torch

from lecture_utils.authoring.claims import claim

LECTURE = "Vizuara, [lecture 22](https://youtu.be/2r0QahNdwMw?t=1685) shows one net"
HE = "[He et al. 2015](https://arxiv.org/abs/1502.01852)"
GLOROT = "Glorot and Bengio 2010"
BALDUZZI = "[Balduzzi et al. 2017](https://arxiv.org/abs/1702.08591)"


def batches(notebook, use_shortcut):
    """20 batches of 100 five-layer nets: weight gradients and signals, both (20, 100, 5)."""
    both = [notebook.five_layer_nets(100, use_shortcut, seed=seed) for seed in range(20)]
    return [torch.stack(parts) for parts in zip(*both, strict=True)]


@claim(
    section="1.3",
    says="Five small layers: share of nets whose layer 0 hears more with the shortcut",
    measured="0.98 [0.96, 1]",
    bound="above 0.92",
    holds="20 of 20",
    source=LECTURE,
)
def test_louder_first_layer(notebook):
    plain, short = (batches(notebook, use_shortcut)[0] for use_shortcut in (False, True))
    return (short[..., 0] > plain[..., 0]).float().mean(1)


@claim(
    section="1.3",
    says="Five small layers: share of plain nets whose gradient shrinks at every step back",
    measured="0.47 [0.40, 0.57]",
    bound="0.3 to 0.62",
    holds="20 of 20",
    source="ours; the lecture's own net does not",
)
def test_shrinks_at_every_step(notebook):
    plain, _ = batches(notebook, False)
    return (plain.diff(dim=2) > 0).all(dim=2).float().mean(1)


@claim(
    section="1.3",
    says="Five small layers, weight gradients: first / last with, over without",
    measured="12.2 [7.9, 16.5]",
    bound="above 5",
    holds="20 of 20",
    source=LECTURE,
)
def test_first_over_last(notebook):
    plain, short = (batches(notebook, use_shortcut)[0] for use_shortcut in (False, True))
    ratios = [(G[..., 0] / G[..., -1]).median(1).values for G in (short, plain)]
    return ratios[0] / ratios[1]


@claim(
    section="1.3",
    says="Five small layers, the signal dL/dh alone: first / last with the shortcut",
    measured="1.14 [1.03, 1.35]",
    bound="0.8 to 1.8",
    holds="20 of 20",
    source="ours",
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
    source="ours",
)
def test_signal_without_shortcut(notebook):
    _, signal = batches(notebook, False)
    return (signal[..., 0] / signal[..., -1]).median(1).values


def slopes(notebook, depth, activation, init, **options):
    measured, _ = notebook.gradients_by_layer(depth, activation, init, **options)
    return notebook.decades_per_layer(measured)


@claim(
    section="1.4",
    says="A layer of `nn.Linear` defaults and ReLU divides the gradient by √6 (theory: −0.389)",
    measured="-0.390 [-0.406, -0.375]",
    bound="-0.42 to -0.36",
    holds="20 of 20",
    unit="decades per layer",
    source=f"ours; the law is from {HE}",
    tolerance=0.01,
)
def test_default_relu(notebook):
    return slopes(notebook, 30, "relu", "default")


@claim(
    section="1.4",
    says="The forward pass alone predicts that slope: predicted / measured",
    measured="0.99 [0.97, 1.03]",
    bound="0.94 to 1.06",
    holds="20 of 20",
    source=HE,
    tolerance=0.01,
)
def test_forward_predicts_backward(notebook):
    pair = notebook.gradients_by_layer(30, "relu", "default")
    measured, predicted = (notebook.decades_per_layer(norms) for norms in pair)
    return predicted / measured


@claim(
    section="1.5",
    says="ReLU with He's weights keeps the gradient",
    measured="-0.002 [-0.018, 0.007]",
    bound="-0.03 to 0.03",
    holds="20 of 20",
    unit="decades per layer",
    source=HE,
    tolerance=0.005,
)
def test_he_relu(notebook):
    return slopes(notebook, 30, "relu", "he")


@claim(
    section="1.5",
    says="tanh with Xavier's weights loses little, and grows a little with He's (the row below)",
    measured="-0.021 [-0.024, -0.016]",
    bound="-0.04 to 0",
    holds="20 of 20",
    unit="decades per layer",
    source=GLOROT,
    tolerance=0.005,
)
def test_xavier_tanh(notebook):
    return slopes(notebook, 30, "tanh", "xavier")


@claim(
    section="1.5",
    says="tanh with He's weights",
    measured="0.019 [0.015, 0.027]",
    bound="0 to 0.04",
    holds="20 of 20",
    unit="decades per layer",
    source="ours",
    tolerance=0.005,
)
def test_he_tanh(notebook):
    return slopes(notebook, 30, "tanh", "he")


@claim(
    section="1.5",
    says="A sigmoid vanishes even with He's weights",
    measured="-0.499 [-0.505, -0.492]",
    bound="-0.54 to -0.45",
    holds="20 of 20",
    unit="decades per layer",
    source="ours; σ′ ≤ ¼",
    tolerance=0.01,
)
def test_sigmoid(notebook):
    return slopes(notebook, 30, "sigmoid", "he")


def on_a_line(notebook, **options):
    """24 layers, 20 nets: correlation of neighbouring gradients, switches per neuron."""
    gradients, switches = notebook.input_gradients(24, seeds=20, **options)
    return notebook.neighbour_correlation(gradients), switches


@claim(
    section="1.7",
    says="24 plain layers, centred and scaled: neighbouring gradients are unrelated",
    measured="-0.04 [-0.14, 0.18]",
    bound="-0.3 to 0.3",
    holds="20 of 20",
    unit="correlation",
    source=BALDUZZI,
    tolerance=0.1,
)
def test_shattered(notebook):
    return on_a_line(notebook)[0]


@claim(
    section="1.7",
    says="The same 24 layers with shortcuts: neighbours agree",
    measured="0.77 [0.56, 0.85]",
    bound="above 0.5",
    holds="20 of 20",
    unit="correlation",
    source=BALDUZZI,
)
def test_shortcut_not_shattered(notebook):
    return on_a_line(notebook, use_shortcut=True)[0]


@claim(
    section="1.7",
    says="24 plain layers, centred but not scaled, shatter too",
    measured="-0.02 [-0.16, 0.23]",
    bound="-0.3 to 0.3",
    holds="20 of 20",
    unit="correlation",
    source="ours",
    tolerance=0.1,
)
def test_centring_is_enough(notebook):
    return on_a_line(notebook, scale=False)[0]


@claim(
    section="1.7",
    says="24 plain layers, scaled but not centred, do not",
    measured="0.85 [0.69, 0.91]",
    bound="above 0.4",
    holds="20 of 20",
    unit="correlation",
    source="ours",
)
def test_scaling_is_not(notebook):
    return on_a_line(notebook, centre=False)[0]


@claim(
    section="1.7",
    says="A last-layer neuron of the centred and scaled plain net switches, times along the line",
    measured="93 [87, 101]",
    bound="above 60",
    holds="20 of 20",
    source="ours",
)
def test_many_switches(notebook):
    return on_a_line(notebook)[1]


@claim(
    section="1.7",
    says="… with shortcuts",
    measured="5.2 [4.4, 7.0]",
    bound="3 to 12",
    holds="20 of 20",
    source="ours",
)
def test_few_switches_with_shortcuts(notebook):
    return on_a_line(notebook, use_shortcut=True)[1]


@claim(
    section="1.7",
    says="… plain, neither centred nor scaled",
    measured="0.5 [0.2, 1.6]",
    bound="below 3",
    holds="20 of 20",
    source="ours",
    tolerance=0.1,
)
def test_hardly_a_switch_without_centring(notebook):
    return on_a_line(notebook, centre=False, scale=False)[1]
