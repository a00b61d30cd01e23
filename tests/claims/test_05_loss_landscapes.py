"""The claims of notebook 05: table rows and tests in one."""

import functools

import torch

from lecture_utils import landscape
from lecture_utils.authoring import notebooks
from lecture_utils.authoring.claims import claim

SEEDS = range(20)
LI = "[Li et al. 2018](https://arxiv.org/abs/1712.09913)"
DINH = "[Dinh et al. 2017](https://arxiv.org/abs/1703.04933)"
YAO = "[Yao et al. 2019](https://arxiv.org/abs/1912.07145)"
COHEN = "[Cohen et al. 2021](https://arxiv.org/abs/2103.00065)"
WALK = "[Antognini and Sohl-Dickstein 2018](https://arxiv.org/abs/1806.08805)"
PLAIN, BOTH = "plain", "shortcut, divided"
STRONG, WEAK = "strong branches, small answers", "weak branches, full answers"


def head_times(factor, net):
    net.head.weight.data *= factor
    return net


APART = {  # what the division does, taken apart
    STRONG: {"start": functools.partial(head_times, 0.1)},
    WEAK: {"start": functools.partial(head_times, 10.0), "branch_scale": 8**-0.5},
}


@functools.cache
def _definitions():
    return notebooks.definitions(notebooks.path_of("05"))


@functools.cache
def stopped(kind):
    """20 nets, each at a loss of 0.1; each kind is trained once, for all rows that speak of it."""
    return _definitions().stopped(seeds=SEEDS, **(_definitions().KINDS | APART)[kind])


@functools.cache
def sharp(kind, in_rows=False):
    """λ_max of each net; NaN for a net that did not get to the loss."""
    return torch.tensor([
        _definitions().sharpness(net, in_rows) if net else float("nan") for net in stopped(kind)
    ])  # fmt: skip


@functools.cache
def wide(kind):
    """Share of the square from −½ to ½ within half a nat of the centre."""
    book, half = _definitions(), torch.linspace(-0.5, 0.5, 13)
    return torch.tensor([book.share(book.slice_of(net, 0, half)) for net in stopped(kind)])


@functools.cache
def mean_curvature(kind):
    """Mean of v·Hv over 20 random directions v of length 1."""
    book, found = _definitions(), []
    for net in stopped(kind):
        H = book.hessian_product(net, book.X, book.Y)
        directions = [book.random_direction(net, seed, length=1.0) for seed in range(20)]
        found.append(torch.stack([v @ H(v) for v in directions]))
    return torch.stack(found)


def length(kind):
    parameters = torch.nn.utils.parameters_to_vector
    return torch.stack([parameters(net.parameters()).detach().norm() for net in stopped(kind)])


def far(notebook, kind):
    """Loss at 0.2 of the net's length along a random line, (20,)."""
    return torch.stack([
        notebook.along(net, notebook.random_direction(net, 0), [0.2])[0] for net in stopped(kind)
    ])  # fmt: skip


@claim(
    section="5.1",
    says="Plain, a fifth of its length along a random line: loss (at the start of the line: 0.1)",
    measured="1.1 [0.59, 2.5]",
    bound="above 0.35",
    holds="20 of 20",
    unit="nats",
    inspired=LI,
    chaotic=True,
)
def test_far_along_a_line_plain(notebook):
    return far(notebook, PLAIN)


@claim(
    section="5.2",
    says="Share of the square from −½ to ½ within half a nat of the centre: shortcut / plain",
    measured="7.3 [5.1, 11]",
    bound="above 2.5",
    holds="20 of 20",
    source=f"{LI}: wider contours with shortcuts",
    chaotic=True,
)
def test_basin(notebook):
    return wide(BOTH) / wide(PLAIN)


@claim(
    section="5.3",
    says="Plain: λ_max / mean curvature of random directions",
    measured="1420 [1120, 2940]",
    bound="above 300",
    holds="20 of 20",
    inspired=LI,
    chaotic=True,
)
def test_steepest_and_random(notebook):
    return sharp(PLAIN) / mean_curvature(PLAIN).mean(1)


@claim(
    section="5.4",
    says="The division alone makes it worse: λ_max plain, divided / plain",
    measured="7.3 [1.7, 34]",
    bound="above 1.2",
    holds="18 of 20",
    inspired=YAO,
    chaotic=True,
)
def test_division_alone(notebook):
    return sharp("plain, divided") / sharp(PLAIN)


@claim(
    section="5.4",
    says="Share of the square: shortcut with divided start / shortcut alone",
    measured="6.0 [3.8, 9.7]",
    bound="above 2",
    holds="20 of 20",
    inspired=LI,
    chaotic=True,
)
def test_both(notebook):
    return wide(BOTH) / wide("shortcut")


@claim(
    section="5.4",
    says="Weak branches or small answers: the larger share of the two / that of both together",
    measured="0.37 [0.28, 0.44]",
    bound="below 0.6",
    holds="20 of 20",
    inspired=LI,
    chaotic=True,
)
def test_neither_alone(notebook):
    return torch.maximum(wide(STRONG), wide(WEAK)) / wide(BOTH)


@claim(
    section="5.4",
    says="No shortcut, but tanh and orthogonal weights: share of the square / that of both",
    measured="0.86 [0.63, 1.2]",
    bound="0.4 to 1.8",
    holds="20 of 20",
    inspired="notebook 04, section 4.4",
    chaotic=True,
)
def test_orthogonal_share(notebook):
    return wide("plain, tanh, orthogonal") / wide(BOTH)


@claim(
    section="5.5",
    says="Mean curvature, each net in its own length: plain / shortcut",
    measured="13 [8.7, 18]",
    bound="above 5",
    holds="20 of 20",
    inspired=LI,
    chaotic=True,
)
def test_own_length(notebook):
    ratio = mean_curvature(PLAIN).mean(1) / mean_curvature(BOTH).mean(1)
    return ratio * (length(PLAIN) / length(BOTH)) ** 2


@claim(
    section="5.5",
    says="Shortcut, hidden states 256 times shorter, the same function: λ_max after / before",
    measured="11200 [8000, 17300]",
    bound="above 1000",
    holds="20 of 20",
    source=DINH,
    chaotic=True,
)
def test_rescaled_is_sharper(notebook):
    after = [notebook.sharpness(notebook.rescaled(net, 1 / 256)) for net in stopped(BOTH)]
    return torch.tensor(after) / sharp(BOTH)


@claim(
    section="5.5",
    says="λ_max in units of the rows: plain / shortcut with divided start",
    measured="14 [6.4, 23]",
    bound="above 4",
    holds="20 of 20",
    inspired=DINH,
    chaotic=True,
)
def test_in_rows(notebook):
    return sharp(PLAIN, in_rows=True) / sharp(BOTH, in_rows=True)


@claim(
    section="5.5",
    says="Exercise 5.2: one number 256 times smaller: λ_max in units of the rows, after / before",
    measured="2050 [1370, 3010]",
    bound="above 300",
    holds="20 of 20",
    inspired=DINH,
    chaotic=True,
)
def test_the_rows_are_beaten(notebook):
    exercise = notebooks.exercises(notebooks.path_of("05"))[1]
    module = dict(vars(notebook))
    exec(exercise.solution, module)  # defines `stretched`
    moved = [module["stretched"](net, 0, 1 / 256) for net in stopped(BOTH)]
    after = torch.tensor([notebook.sharpness(net, in_rows=True) for net in moved])
    return after / sharp(BOTH, in_rows=True)


@claim(
    section="5.6",
    says="Shortcut, trained: λ_min",
    measured="-0.33 [-0.64, -0.14]",
    bound="below -0.03",
    holds="20 of 20",
    inspired=LI,
    chaotic=True,
)
def test_some_direction_curves_downwards(notebook):
    return torch.tensor([notebook.lowest(net, tries=1)[1] for net in stopped(BOTH)])


@claim(
    section="5.7",
    says="Twenty products: the share of λ_min that Lanczos finds (50 products: 1)",
    measured="0.88 [0.75, 0.995]",
    bound="0.3 to 0.999",
    holds="18 of 20",
    inspired="C. Lanczos, 1950",
    chaotic=True,
)
def test_lanczos_misses_the_lowest(notebook):
    found = []
    for net in stopped(BOTH):
        H = notebook.hessian_product(net, notebook.X, notebook.Y)
        few, many = (landscape.lanczos(H, 10_858, steps)[0] for steps in (20, 50))
        found.append(few / many)
    return torch.stack(found)


@claim(
    section="5.8",
    says="A random walk of 31 points: share in its best plane, from its end (theory: 0.90)",
    measured="0.901 [0.899, 0.903]",
    bound="0.89 to 0.91",
    holds="20 of 20",
    source=WALK,
    tolerance=0.005,
)
def test_walk(notebook):
    return torch.tensor([notebook.best_plane(walk(seed))[1] for seed in SEEDS])


def walk(seed):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(31, 10_000, generator=rng).cumsum(0)


@claim(
    section="5.8",
    says="Shortcut, divided: share of the path of training in its best plane, from its end",
    measured="0.98 [0.978, 0.982]",
    bound="above 0.94",
    holds="20 of 20",
    inspired=LI,
    chaotic=True,
)
def test_path(notebook):
    paths = notebook.path_of(SEEDS, **notebook.KINDS[BOTH])
    return torch.tensor([notebook.best_plane(path)[1] for path in paths])


@claim(
    section="5.9",
    says="Gradient descent, rate 0.1, at a loss of 0.1: λ_max of the plain net (2 / rate is 20)",
    measured="16 [8.3, 28]",
    bound="below 35",
    holds="20 of 20",
    source=f"{COHEN}: it stays just above 2 / rate",
    chaotic=True,
)
def test_the_step_size_is_a_ceiling(notebook):
    return notebook.descended(0.1, SEEDS, **notebook.KINDS[PLAIN])
