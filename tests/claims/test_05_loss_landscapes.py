"""The claims of notebook 05: table rows and tests in one."""

import functools

import torch

from lecture_utils.authoring import notebooks
from lecture_utils.authoring.claims import claim

SEEDS = 20
WINDOW = torch.linspace(-0.5, 0.5, 21)
LI = "[Li et al. 2018](https://arxiv.org/abs/1712.09913)"
DINH = "[Dinh et al. 2017](https://arxiv.org/abs/1703.04933)"
WALK = "[Antognini and Sohl-Dickstein 2018](https://arxiv.org/abs/1806.08805)"


@functools.cache
def _definitions():
    return notebooks.definitions(notebooks.path_of("05"))


@functools.cache
def trained(depth, use_shortcut, norm=None):
    """20 nets of a kind and their paths; each kind is trained once, for all rows."""
    return _definitions().trained(depth, use_shortcut, norm=norm, seeds=SEEDS)


def hessian_ends(nets, rows=False):
    """λ_min and λ_max of each net, (20, 2)."""
    book = _definitions()
    ends = (book.extremes(net, in_rows=rows) for net in nets)
    return torch.tensor([[low, high] for low, high in ends])


@functools.cache
def extremes(depth, use_shortcut, rows=False):
    return hessian_ends(trained(depth, use_shortcut)[0], rows)


def sharpness(depth, use_shortcut, rows=False):
    return extremes(depth, use_shortcut, rows)[:, 1]


def depth_of(depth, use_shortcut):
    low, high = extremes(depth, use_shortcut).T
    return -low / high


def share_of(notebook, nets):
    return torch.tensor([notebook.share(notebook.slice_of(net, 0, WINDOW)) for net in nets])


def shares(notebook, use_shortcut):
    return share_of(notebook, trained(32, use_shortcut)[0])


@functools.cache
def sharp_after(notebook):
    """λ_max of the rescaled shortcut nets, in plain units and in units of their rows."""
    again = [notebook.rescaled(net, 1 / 256) for net in trained(32, True)[0]]
    return hessian_ends(again)[:, 1], hessian_ends(again, rows=True)[:, 1]


@functools.cache
def twin_ruler(notebook):
    pairs = zip(trained(32, True)[0], trained(32, False)[0], strict=True)
    slices = [notebook.ruled(net, notebook.row_lengths(twin), 0, WINDOW) for net, twin in pairs]
    return torch.tensor([notebook.share(losses) for losses in slices])


@functools.cache
def equal(notebook):
    """The shortcut nets at their plain twins' loss: λ_max, plain loss / theirs, share."""
    plain = trained(32, False)[0]
    stopped = notebook.at_equal_loss(plain, *trained(32, True))
    loss_p, loss_s = (torch.tensor([notebook.loss_of(n) for n in k]) for k in (plain, stopped))
    return hessian_ends(stopped)[:, 1], loss_p / loss_s, share_of(notebook, stopped)


@functools.cache
def rows_at_a_tenth(notebook, depth):
    """λ̃_max plain / shortcut, (20,); each net at the last point of its path with loss 0.1."""
    ends = []
    for kind in (False, True):
        nets, path = trained(depth, kind)
        early = [notebook.stopped_at(net, path[:, k], 0.1) for k, net in enumerate(nets)]
        ends.append(hessian_ends(early, rows=True)[:, 1])
    return ends[0] / ends[1]


def untrained(notebook, use_shortcut):
    nets, path = trained(32, use_shortcut)
    start = [notebook.net_at(net, path[0, seed]) for seed, net in enumerate(nets)]
    return hessian_ends(start)[:, 1]


def best_plane(notebook, use_shortcut):
    """Share of each path's movement in its best plane, (20,)."""
    _, path = trained(32, use_shortcut)
    return torch.tensor([notebook.principal_plane(path[:, seed])[1] for seed in range(SEEDS)])


@functools.cache
def whole(notebook, use_shortcut, norm):
    """Slices of 16-block nets on the square from -1 to 1."""
    steps = torch.linspace(-1, 1, 21)
    return [notebook.slice_of(net, 0, steps) for net in trained(16, use_shortcut, norm)[0]]


def bent(notebook, use_shortcut, norm):
    return torch.tensor([notebook.not_convex(cut) for cut in whole(notebook, use_shortcut, norm)])


def counted(notebook, norm):
    return torch.tensor([float(notebook.minima(cut)) for cut in whole(notebook, False, norm)])


@claim(
    section="5.1",
    says="Plain, 32 blocks: share of the square from −½ to ½ within 0.5 nats of the centre",
    measured="0.0102 [0.00454, 0.0227]",
    bound="below 0.06",
    holds="20 of 20",
    source=LI,
    chaotic=True,
)
def test_share_plain(notebook):
    return shares(notebook, False)


@claim(
    section="5.1",
    says="… of its shortcut twin",
    measured="0.644 [0.435, 0.787]",
    bound="above 0.3",
    holds="20 of 20",
    source=LI,
    chaotic=True,
)
def test_share_shortcut(notebook):
    return shares(notebook, True)


@claim(
    section="5.2",
    says="A surface at once and point by point: largest relative difference of the loss",
    measured="1e-06 [5e-07, 5e-06]",
    bound="below 1e-4",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_batched_surface_equals_the_loop(notebook):
    few, found = torch.linspace(-1, 1, 5), []
    for net in trained(32, True)[0]:
        directions = [notebook.filter_normalised(net, seed) for seed in (0, 1)]
        one, other = (
            program(net, directions, notebook.X, notebook.Y, few)
            for program in (notebook.surface, notebook.surface_by_loop)
        )
        found.append((one / other - 1).abs().max())
    return torch.stack(found)


@claim(
    section="5.3",
    says="32 blocks, after 300 steps: λ_max plain / shortcut",
    measured="350 [9.73, 2.12e+03]",
    bound="above 8",
    holds="16 of 20",
    source="ours",
    chaotic=True,
)
def test_sharper(notebook):
    return sharpness(32, False) / sharpness(32, True)


@claim(
    section="5.4",
    says="Shortcut, hidden states 256 times shorter, the same function: λ_max after / before",
    measured="2.07e+04 [1.27e+04, 3.74e+04]",
    bound="above 1000",
    holds="20 of 20",
    source=DINH,
    chaotic=True,
)
def test_rescaled_is_sharper(notebook):
    return sharp_after(notebook)[0] / sharpness(32, True)


@claim(
    section="5.4",
    says="… in units of the rows' lengths",
    measured="1 [1, 1]",
    bound="0.99 to 1.01",
    holds="20 of 20",
    source=f"{DINH}, {LI}",
    chaotic=True,
)
def test_rescaled_in_rows(notebook):
    return sharp_after(notebook)[1] / sharpness(32, True, rows=True)


@claim(
    section="5.4",
    says="Share of the square: shortcut with its own rows / with its plain twin's",
    measured="10.7 [9.35, 15.3]",
    bound="above 4",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_ruler(notebook):
    return shares(notebook, True) / twin_ruler(notebook)


@claim(
    section="5.4",
    says="… shortcut with its plain twin's rows / plain",
    measured="5.7 [2.43, 13]",
    bound="above 1.5",
    holds="16 of 20",
    source="ours",
    chaotic=True,
)
def test_same_ruler(notebook):
    return twin_ruler(notebook) / shares(notebook, False)


@claim(
    section="5.5",
    says="32 blocks, at equal loss: λ_max plain / shortcut",
    measured="12.4 [2.59, 50.3]",
    bound="above 2",
    holds="16 of 20",
    source="ours",
    chaotic=True,
)
def test_equal_loss(notebook):
    return sharpness(32, False) / equal(notebook)[0]


@claim(
    section="5.5",
    says="… loss plain / shortcut",
    measured="0.746 [0.491, 0.996]",
    bound="0.3 to 1.001",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_equal_loss_is_met(notebook):
    return equal(notebook)[1]


@claim(
    section="5.5",
    says="… share of the square, shortcut",
    measured="0.595 [0.469, 0.957]",
    bound="above 0.3",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_equal_loss_share(notebook):
    return equal(notebook)[2]


@claim(
    section="5.6",
    says="2 blocks: λ_max plain / shortcut is about 1",
    measured="1.1 [0.744, 1.33]",
    bound="0.5 to 2",
    holds="20 of 20",
    source=LI,
    chaotic=True,
)
def test_two_blocks(notebook):
    return sharpness(2, False) / sharpness(2, True)


@claim(
    section="5.6",
    says="8 blocks, after 300 steps: λ_max plain / shortcut",
    measured="2.37 [1.02, 7.48]",
    bound="above 1",
    holds="16 of 20",
    source="ours",
    chaotic=True,
)
def test_eight_blocks(notebook):
    return sharpness(8, False) / sharpness(8, True)


@claim(
    section="5.6",
    says="… in the picture's units",
    measured="9.79 [3.95, 35.9]",
    bound="above 2.5",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_eight_blocks_rows(notebook):
    return sharpness(8, False, rows=True) / sharpness(8, True, rows=True)


@claim(
    section="5.6",
    says="32 blocks, in the picture's units",
    measured="3.83e+03 [109, 2.75e+04]",
    bound="above 100",
    holds="16 of 20",
    source="ours",
    chaotic=True,
)
def test_rows_32(notebook):
    return sharpness(32, False, rows=True) / sharpness(32, True, rows=True)


@claim(
    section="5.6",
    says="… each net stopped at a loss of about 0.1: 2 blocks",
    measured="1.63 [1.39, 2.31]",
    bound="0.8 to 4",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_rows_2_stopped(notebook):
    return rows_at_a_tenth(notebook, 2)


@claim(
    section="5.6",
    says="… each net stopped at a loss of about 0.1: 32 blocks",
    measured="183 [27.1, 666]",
    bound="above 8",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_rows_32_stopped(notebook):
    return rows_at_a_tenth(notebook, 32)


@claim(
    section="5.6",
    says="|λ_min| / λ_max, plain, 32 blocks",
    measured="0.0113 [0.00413, 0.0498]",
    bound="below 0.1",
    holds="20 of 20",
    source=LI,
    chaotic=True,
)
def test_negative_plain(notebook):
    return depth_of(32, False)


@claim(
    section="5.6",
    says="… shortcut: no different",
    measured="0.0155 [0.00865, 0.0458]",
    bound="below 0.05",
    holds="16 of 20",
    source=LI,
    chaotic=True,
)
def test_negative_shortcut(notebook):
    return depth_of(32, True)


@claim(
    section="5.6",
    says="Untrained, 32 blocks: λ_max plain / shortcut",
    measured="0.328 [0.0757, 5.51]",
    bound="below 1",
    holds="15 of 20",
    source="ours",
    chaotic=True,
)
def test_untrained(notebook):
    return untrained(notebook, False) / untrained(notebook, True)


@claim(
    section="5.7",
    says="Shortcut, 32 blocks: share of the movement in the best plane",
    measured="0.944 [0.928, 0.958]",
    bound="above 0.85",
    holds="20 of 20",
    source=LI,
    chaotic=True,
)
def test_path_plane(notebook):
    return best_plane(notebook, True)


@claim(
    section="5.7",
    says="A random walk of 31 points: share in its best plane (0.81 + 0.09 in theory)",
    measured="0.901 [0.899, 0.905]",
    bound="0.88 to 0.92",
    holds="20 of 20",
    source=WALK,
    tolerance=0.09,
)
def test_walk_plane(notebook):
    return torch.tensor(
        [notebook.principal_plane(notebook.random_walk(31, 4000, seed))[1] for seed in range(SEEDS)]
    )


@claim(
    section="5.8",
    says="Shortcut, 32 blocks, trained: λ_min",
    measured="-0.0421 [-3.14, -0.0207]",
    bound="below 0",
    holds="20 of 20",
    source=LI,
    chaotic=True,
)
def test_saddle(notebook):
    return extremes(32, True)[:, 0]


@claim(
    section="5.8",
    says="… share of 10 random directions that curve downwards",
    measured="0 [0, 0]",
    bound="below 0.05",
    holds="20 of 20",
    source=LI,
    chaotic=True,
)
def test_convex_looking(notebook):
    return torch.tensor([notebook.downward(net, tries=10) for net in trained(32, True)[0]])


@claim(
    section="5.8",
    says="Shortcut, 16 blocks: share of the slice that is not convex",
    measured="0.00554 [0, 0.0471]",
    bound="below 0.15",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_not_convex(notebook):
    return bent(notebook, True, None)


@claim(
    section="5.8",
    says="… with layer norm, blocks not divided by √16",
    measured="0.253 [0.0776, 0.449]",
    bound="above 0.05",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_not_convex_norm(notebook):
    return bent(notebook, True, "layer")


@claim(
    section="5.8",
    says="Plain, 16 blocks, layer norm: minima on the grid of a slice",
    measured="7 [3, 12]",
    bound="above 1.5",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_minima_norm(notebook):
    return counted(notebook, "layer")


@claim(
    section="5.8",
    says="… without a norm",
    measured="1 [1, 1]",
    bound="below 4.5",
    holds="20 of 20",
    source="ours",
    chaotic=True,
)
def test_minima(notebook):
    return counted(notebook, None)
