"""Exercises of notebook 01: what each wrong answer is told."""

import torch
from exercises.exercise import Case, all_tests
from torch import nn

RATIO = Case(
    "1.1",
    inputs=lambda _: [(10 ** torch.randn(*shape),) for shape in ((3, 4), (5, 3), (1, 6), (7, 2))],
    other_style="""
import statistics
first_over_last = lambda G: statistics.median((row[0] / row[-1]).item() for row in G)
""",
    styles=(
        "def first_over_last(s): return torch.median(s[:, 0] / s[:, s.shape[1] - 1])",
        "def first_over_last(s): return (s[:, 0] / s[:, -1]).quantile(0.5)",
        "def first_over_last(s): return (s[:, 0] / s[:, -1]).median().item()",
        """
import numpy as np
def first_over_last(sizes):
    sizes = np.asarray(sizes)
    return np.median(sizes[:, 0] / sizes[:, -1])
""",
        """
def first_over_last(sizes):
    ratios = []
    for net in sizes:
        first, last = net[0], net[len(net) - 1]
        ratios.append(float(first / last))
    ratios.sort()
    return ratios[len(ratios) // 2]
""",
        """
def first_over_last(sizes):
    ratios = sizes[:, 0].clone()
    ratios /= sizes[:, -1]
    return ratios.sort().values[len(ratios) // 2]
""",
        """
def first_over_last(sizes):
    first, *_, last = sizes.T
    return torch.nanmedian(first.div(last))
""",
        """
def first_over_last(sizes):
    logs = sizes.log()
    return (logs[:, 0] - logs[:, -1]).median().exp()
""",
        """
def first_over_last(sizes):
    def ratio(net):
        return net[0] / net[-1]
    return torch.stack([ratio(net) for net in sizes]).median(dim=0, keepdim=True).values
""",
    ),
    wrong={
        "def first_over_last(G): return G[:, 0] / G[:, -1]": "one ratio per net",
        "def first_over_last(G): return G[:, 0].median() / G[:, -1].median()": "before the ratio",
        "def first_over_last(G): return G[:, 0].mean() / G[:, -1].mean()": "averaged over the nets",
        "def first_over_last(G): return (G[:, 0] / G[:, -1]).mean()": "mean of the ratios",
        "def first_over_last(G): return (G[:, -1] / G[:, 0]).median()": "turn the fraction over",
        "def first_over_last(G): return (G[:, 0] / G[:, 1]).median()": "column -1",
        "def first_over_last(G): return (G[0] / G[-1]).median()": "Nets are rows",
        "def first_over_last(G): return (G[:, 0] / G[:, -1]).median": "brackets () missing",
        "def first_over_last(G): return (G[:, :1] / G[:, -1:]).median(0)": "take .values",
        "def first_over_last(G): return 1.0": "1 each time",
        "def first_over_last(G): return (G[:, 0] / G[:, 2]).median()": "not for nets of 4 layers",
        "def first_over_last(G): return G[:, 0].div_(G[:, -1]).median()": "in place",
        "def first_over_last(G): G[:, 0] / G[:, -1]": "`return` missing",
        "def first_over_last(G): return G[:, 9]": "IndexError",
    },
)

STD = Case(
    "1.3",
    inputs=lambda _: [(8, 0.3), (100, 0.0), (1, 1.0), (64, -0.4), (3, 2.5)],
    other_style="""
import math
def weight_std(n, a):
    second_moment = 0.5 * 1 + 0.5 * a * a
    return math.sqrt(1 / (n * second_moment))
""",
    styles=(
        "weight_std = lambda n, a: (2 / n / (1 + a * a)) ** 0.5",
        "def weight_std(n, a): return torch.tensor(2 / ((1 + a**2) * n)).sqrt()",
        "import numpy as np\ndef weight_std(n, a): return np.sqrt(2 / ((1 + a**2) * n))",
        "import numpy as np\ndef weight_std(n, a): return np.float32((1 + a**2) * n / 2) ** -0.5",
        "def weight_std(n, a): return nn.init.calculate_gain('leaky_relu', a) / n**0.5",
        "def weight_std(n, a): return [(2 / ((1 + a**2) * n)) ** 0.5]",
        "import math\ndef weight_std(n, a): return math.exp(0.5 * math.log(2 / ((1 + a**2) * n)))",
        "def weight_std(neurons, leak): return (neurons * (1 + leak**2) / 2) ** -0.5",
        """
def weight_std(n, a):
    slopes = [1.0, a]
    mean_of_squares = sum(slope**2 for slope in slopes) / len(slopes)
    variance = 1 / (n * mean_of_squares)
    print(variance)
    return variance**0.5
""",
        """
from fractions import Fraction
def weight_std(n, a):
    return float(Fraction(2) / (n * (1 + Fraction(a) ** 2))) ** 0.5
""",
    ),
    wrong={
        "def weight_std(n, a): return 2 / ((1 + a**2) * n)": "the variance",
        "def weight_std(n, a): return n ** -0.5": "every slope for 1",
        "def weight_std(n, a): return (2 / n) ** 0.5": "the leak lets",
        "def weight_std(n, a): return (2 / ((1 + a) * n)) ** 0.5": "averages their squares",
        "def weight_std(n, a): return (4 / ((1 + a)**2 * n)) ** 0.5": "mean of the slopes",
        "def weight_std(n, a): return (2 / ((1 + a)**2 * n)) ** 0.5": "square each slope first",
        "def weight_std(n, a): return (1 / ((1 + a) * n)) ** 0.5": "added the slopes",
        "def weight_std(n, a): return (2 / ((1 + a * abs(a)) * n)) ** 0.5": "is added",
        "def weight_std(n, a): return (1 / ((1 + a**2) * n)) ** 0.5": "A factor 2 is missing",
        "def weight_std(n, a): return (2 / (1 + a**2)) ** 0.5": "does not depend on n",
        "def weight_std(n, a): return (6 / ((1 + a**2) * n)) ** 0.5": "a uniform draw",
        "def weight_std(n, a): return ((1 + a**2) / (2 * n)) ** 0.5": "Upside down",
        "def weight_std(n, a): return (2 / ((1 - a**2) * n)) ** 0.5": "is added",
        "def weight_std(n, a): return 0.01": "0.01 each time",
    },
)

SEARCH = Case(
    "1.2",
    inputs=lambda space: [(phi, space["powers_left"]) for phi in (torch.sigmoid, nn.Softplus())],
    outcome=lambda n_var, phi, powers_left: abs(powers_left(phi, n_var, seed=1)) <= 2,
    beside="""
def powers_left(phi, n_var, depth=50, seed=0):
    small = dict(nets=3, inputs=2, width=32, seed=seed)
    return gradients_by_layer(depth, phi, n_var, **small)[0][:, 0].log10().median().item()
""",
    other_style="""
import math
def find_n_var(phi, powers_left):
    powers = [k / 4 for k in range(-4, 17)]
    alive = [p for p in powers if powers_left(phi, 10**p) < 0]
    low = max(alive)
    fine = [low + k / 100 for k in range(26)]
    return torch.tensor(10 ** min(fine, key=lambda p: abs(powers_left(phi, 10**p))))
""",
    styles=(
        """
def find_n_var(phi, powers_left):
    low, high = 1.0, 10_000.0
    while high / low > 1.05:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if powers_left(phi, middle) < 0 else (low, middle)
    return (low * high) ** 0.5
""",
        """
import math
def find_n_var(phi, powers_left):
    def search(low, high, steps):
        middle = (low + high) / 2
        if steps == 0:
            return math.exp(middle)
        left = powers_left(phi, math.exp(middle))
        return search(middle, high, steps - 1) if left < 0 else search(low, middle, steps - 1)
    return search(math.log(0.01), math.log(10_000), 12)
""",
        """
def find_n_var(phi, powers_left):
    n_var, step = 1.0, 10.0
    while step > 1.01:
        while powers_left(phi, n_var * step) < 0:
            n_var *= step
        step **= 0.5
    return n_var
""",
        """
import numpy as np
def find_n_var(phi, powers_left):
    tried = np.logspace(-1, 4, 41)
    left = np.array([powers_left(phi, n) for n in tried])
    return tried[np.argmin(np.abs(left))]
""",
        """
def find_n_var(phi, powers_left):
    tried = torch.logspace(0, 3, 40)
    return min(tried.tolist(), key=lambda n_var: abs(powers_left(phi, n_var)))
""",
        """
class Search:
    def __call__(self, phi, powers_left):
        low, high = 0.01, 10_000.0
        for _ in range(14):
            middle = (low * high) ** 0.5
            if powers_left(phi, middle) > 0:
                high = middle
            else:
                low = middle
        return low
find_n_var = Search()
""",
        """
def find_n_var(phi, powers_left, steps=12):
    low, high = -2.0, 4.0
    for _ in range(steps):
        middle = low + (high - low) / 2
        low, high = (middle, high) if powers_left(phi, 10**middle) < 0 else (low, middle)
    return np.float64(10 ** ((low + high) / 2))
import numpy as np
""",
        """
def find_n_var(phi, powers_left):
    low, high = 0.01, 10_000.0
    for _ in range(30):
        middle = (low * high) ** 0.5
        left = powers_left(phi, middle, seed=3)
        if abs(left) < 0.2:
            break
        if left < 0: low = middle
        else: high = middle
    return torch.tensor([middle])
""",
    ),
    wrong={
        "def find_n_var(phi, powers_left): return 2": "for every activation",
        "def find_n_var(phi, powers_left): return -1.0": "is above 0",
        """
def find_n_var(phi, powers_left):
    z = torch.randn(10000, requires_grad=True)
    slopes, = torch.autograd.grad(phi(z).sum(), z)
    return 1 / slopes.square().mean()
""": "slopes at z of spread 1",
        """
def find_n_var(phi, powers_left):
    low, high = 0.01, 10.0
    for _ in range(15):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if powers_left(phi, middle) < 0 else (low, middle)
    return middle
""": "search further",
        """
def find_n_var(phi, powers_left):
    low, high = 0.01, 10_000.0
    for _ in range(15):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if powers_left(phi, middle) > 0 else (low, middle)
    return middle
""": "which half",
        """
def find_n_var(phi, powers_left):
    low, high = 0.01, 10_000.0
    for _ in range(15):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if powers_left(phi, middle) < 0 else (low, middle)
    return middle / 64
""": "That is Var(W)",
        """
def find_n_var(phi, powers_left):
    low, high = 0.01, 10_000.0
    for _ in range(15):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if powers_left(phi, middle) < 0 else (low, middle)
    return middle ** 0.5
""": "the root of n Var(W)",
        """
def find_n_var(phi, powers_left):
    for n_var in (0.5, 1, 2, 5, 10, 500):
        if powers_left(phi, n_var) > 0:
            return n_var
""": "smaller ones leave less",
        """
def find_n_var(phi, powers_left):
    n_var = 0.1
    while powers_left(phi, n_var) < 0:
        n_var = n_var + 0.1
    return n_var
""": "more than 200 times for one activation",
        """
def find_n_var(phi, powers_left):
    return 1e30 * (1 + phi(torch.tensor(0.3)).item())
""": "overflow or become 0",
        "def find_n_var(phi, powers_left): powers_left(phi, 2)": "`return` missing",
    },
)

CLIP = Case(
    "1.4",
    inputs=lambda _: [
        ([torch.randn(3), torch.randn(2, 2)], 0.5),
        ([torch.randn(3), torch.randn(2, 2), torch.randn(1)], 2.0),
        ([torch.randn(2)], 9.0),
        ([torch.zeros(2), torch.zeros(1)], 1.0),
    ],
    outcome=lambda parts, *_: list(parts),
    other_style="""
def clip(gradients, max_norm):
    joint = torch.linalg.vector_norm(torch.cat([G.flatten() for G in gradients]))
    if joint <= max_norm:
        return [G.clone() for G in gradients]
    return tuple(G / joint * max_norm for G in gradients)
""",
    styles=(
        """
def clip(gradients, max_norm):
    copies = [nn.Parameter(torch.zeros_like(G)) for G in gradients]
    for copy, G in zip(copies, gradients):
        copy.grad = G.clone()
    nn.utils.clip_grad_norm_(copies, max_norm)
    return [copy.grad for copy in copies]
""",
        """
def clip(gradients, max_norm):
    new = [G.clone() for G in gradients]
    total = 0.0
    for G in new:
        total = total + (G * G).sum().item()
    total = total**0.5
    if total > max_norm:
        for G in new:
            G *= max_norm / total
    return new
""",
        """
def clip(gradients, max_norm):
    norms = torch.stack([G.norm() for G in gradients])
    if not norms.any():
        return gradients
    return [G * (max_norm / norms.norm()).clamp(max=1) for G in gradients]
""",
        """
import numpy as np
def clip(gradients, max_norm):
    joint = np.sqrt(sum(np.sum(G.numpy() ** 2) for G in gradients))
    return [G.numpy() * min(1, max_norm / max(joint, 1e-12)) for G in gradients]
""",
        """
def clip(gradients, max_norm):
    norm = sum(G.square().sum() for G in gradients) ** 0.5
    scale = max_norm / (norm + 1e-6)
    return [G * torch.clamp(scale, max=1.0) for G in gradients]
""",
        """
def clip(gradients, max_norm):
    length = torch.cat([G.reshape(-1) for G in gradients]).norm()
    return list(map(lambda G: G if length <= max_norm else G * (max_norm / length), gradients))
""",
        """
def clip(gradients, max_norm):
    norm = sum(G.square().sum() for G in gradients) ** 0.5
    for G in gradients:
        yield G * (1.0 if norm <= max_norm else max_norm / norm)
""",
        """
import math
def clip(gs, m):
    norm = math.sqrt(sum(float(x) ** 2 for g in gs for x in g.flatten()))
    return [g.double() / max(1.0, norm / m) for g in gs]
""",
        """
def clip(gradients, max_norm):
    norm = sum(G.square().sum() for G in gradients) ** 0.5
    if norm > max_norm:
        gradients = [G / norm * max_norm for G in gradients]
    return gradients
""",
    ),
    wrong={
        """
def clip(gradients, max_norm):
    squared = sum((G**2).sum() for G in gradients)
    if squared > max_norm:
        return [G * (max_norm / squared.sqrt()) for G in gradients]
    return [G.clone() for G in gradients]
""": "Compare the norm with the limit, not its square",
        "def clip(Gs, m): return [G / G.norm() * min(m, G.norm()) for G in Gs]": "on its own",
        "def clip(Gs, m): return [G.clamp(-m, m) for G in Gs]": "on its own",
        "def clip(Gs, m): s = sum((G**2).sum() for G in Gs)**.5; return [G*m/s for G in Gs]": (
            "left alone"
        ),
        "def clip(Gs, m): s = sum(G.norm() for G in Gs); return [G * min(1, m/s) for G in Gs]": (
            "6 + 8"
        ),
        "def clip(Gs, m): s = sum((G**2).sum() for G in Gs); return [G*min(1, m/s) for G in Gs]": (
            "square root"
        ),
        "def clip(Gs, m): return Gs": "Nothing was clipped",
        """
def clip(Gs, m):
    s = sum(G.square().sum() for G in Gs) ** 0.5
    for G in Gs:
        G.mul_(min(1, m / s))
    return Gs
""": "in place",
        """
def clip(Gs, m):
    s = sum(G.square().sum() for G in Gs) ** 0.5
    for k, G in enumerate(Gs):
        Gs[k] = G * min(1, m / s)
    return Gs
""": "changes `gradients`",
        """
def clip(Gs, m):
    s = sum(G.square().sum() for G in Gs) ** 0.5
    return [G * min(1, m / s) if G.norm() > m else G for G in Gs]
""": "same factor",
        """
def clip(Gs, m):
    s = sum(G.square().sum() for G in Gs) ** 0.5
    return [G * min(1, m / s) for G in Gs if G.norm() > 0]
""": "2 tensors for 3",
        "def clip(Gs, m): return []": "empty list",
        """
def clip(Gs, m):
    s = sum(G.square().sum() for G in Gs) ** 0.5
    return [G * min(1, 1 / s) for G in Gs]
""": "use max_norm",
        """
def clip(Gs, m):
    s = sum(G.square().sum().item() for G in Gs) ** 0.5
    return [G * min(1, m / s) for G in Gs]
""": "do not divide by it",
    },
)

globals().update(all_tests([RATIO, SEARCH, STD, CLIP]))
