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
    wrong={
        "def first_over_last(G): return G[:, 0] / G[:, -1]": "one ratio per net",
        "def first_over_last(G): return G[:, 0].median() / G[:, -1].median()": "before the ratio",
        "def first_over_last(G): return G[:, 0].mean() / G[:, -1].mean()": "averaged over the nets",
        "def first_over_last(G): return (G[:, 0] / G[:, -1]).mean()": "mean of the ratios",
        "def first_over_last(G): return (G[:, -1] / G[:, 0]).median()": "turn the fraction over",
        "def first_over_last(G): return (G[:, 0] / G[:, 1]).median()": "column -1",
        "def first_over_last(G): return (G[0] / G[-1]).median()": "Nets are rows",
        "def first_over_last(G): return (G[:, 0] / G[:, -1]).median": "add ()",
        "def first_over_last(G): return (G[:, :1] / G[:, -1:]).median(0)": "use .median()",
        "def first_over_last(G): return 1.0": "the median is 0.5",
        "def first_over_last(G): return (G[:, 0] / G[:, 2]).median()": "of 4 it is not",
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
        "def weight_std(n, a): return 0.01": "it should be 1",
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
""": "more than 200 for one activation",
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
    wrong={
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
""": "the given list",
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
""": "divide by 0",
    },
)

globals().update(all_tests([RATIO, SEARCH, STD, CLIP]))
