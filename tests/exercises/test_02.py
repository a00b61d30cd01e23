"""Exercises of notebook 02: what each wrong answer is told."""

import torch
from exercises.exercise import Case, all_tests

_BACK = """
def gradients(w, y_0):
    y = chain(w, y_0)
    dL = [{top}]
    for l in reversed(range(len(w))):
        dL.insert(0, dL[0] * ({factor}))
    return {result}
"""


def back(factor="slope(w[l], y[l]) + 1", top="y[-1]", result="dL"):
    return _BACK.format(factor=factor, top=top, result=result)


_GRAPH = """
def gradients(w, y_0):
    y = chain(w, y_0.clone().requires_grad_())
    return torch.autograd.grad(y[-1] ** 2 / 2, y)
"""

CHAIN = Case(
    "2.1",
    inputs=lambda _: [
        (0.5 * torch.randn(depth), torch.randn(()).clamp(-1, 1)) for depth in (1, 3, 6)
    ],
    other_style="""
import math
def gradients(w, y_0):
    w, y, out = [float(w_l) for w_l in w], [float(y_0)], []
    for w_l in w:
        y.append(y[-1] + math.tanh(w_l * y[-1]))
    gradient = y[-1]
    while True:
        out.append(gradient)
        if len(out) == len(y):
            return tuple(reversed(out))
        l = len(w) - len(out)
        gradient *= 1 + w[l] / math.cosh(w[l] * y[l]) ** 2
""",
    styles=(
        """
def gradients(w, y_0):
    y = torch.stack(chain(w, y_0))
    factors = slope(w, y[:-1]) + 1
    up = factors.flip(0).cumprod(0).flip(0)
    return torch.cat([up, torch.ones(1)]) * y[-1]
""",
        """
def gradients(w, y_0):
    y = chain(w, y_0)
    L = len(w)
    dL = torch.zeros(L + 1)
    dL[L] = y[L]
    for l in range(L - 1, -1, -1):
        dL[l] = dL[l + 1] * (slope(w[l], y[l]) + 1)
    assert len(dL) == L + 1
    print("gradients:", dL)
    return dL
""",
        """
def gradients(w, y_0):
    def walk(l, y_l):
        if l == len(w):
            return [y_l]
        above = walk(l + 1, y_l + torch.tanh(w[l] * y_l))
        return [above[0] * (1 + slope(w[l], y_l))] + above
    return walk(0, y_0)
""",
        """
import numpy as np
def gradients(w, y_0):
    w = w.numpy().astype(np.float64)
    y = np.empty(len(w) + 1)
    y[0] = y_0
    for l, w_l in enumerate(w):
        y[l + 1] = y[l] + np.tanh(w_l * y[l])
    factors = 1 + w * (1 - np.tanh(w * y[:-1]) ** 2)
    return np.append(np.cumprod(factors[::-1])[::-1], 1.0) * y[-1]
""",
        """
def gradients(weights, start):
    y = chain(weights, start)
    dL = [y[-1]]
    for w_l, y_l in zip(weights.flip(0), y[-2::-1]):
        dL.append(dL[-1] + dL[-1] * slope(w_l, y_l))
    dL.reverse()
    return torch.stack(dL)
""",
        """
def gradients(w, y_0):
    y = chain(w, y_0)
    return [y[-1] * torch.stack([slope(w[k], y[k]) + 1 for k in range(l, len(w))]).prod()
            if l < len(w) else y[-1] for l in range(len(y))]
""",
        """
from itertools import accumulate
def gradients(w, y_0):
    w = w.tolist()
    y = list(accumulate(w, lambda y_l, w_l: y_l + torch.tanh(torch.tensor(w_l * y_l)).item(),
                        initial=y_0.item()))
    steps = [1 + float(slope(torch.tensor(a), torch.tensor(b))) for a, b in zip(w, y)]
    return list(accumulate(reversed(steps), lambda g, s: g * s, initial=y[-1]))[::-1]
""",
        """
class Backward:
    def __call__(self, w, y_0):
        w, y_0 = w.double(), y_0.double()
        y = torch.stack(chain(w, y_0))
        L = len(w)
        lower = torch.eye(L + 1, dtype=torch.float64)
        lower[range(L), range(1, L + 1)] = -(slope(w, y[:-1]) + 1)
        loss = torch.zeros(L + 1, dtype=torch.float64)
        loss[-1] = y[-1]
        return torch.linalg.solve(lower, loss).reshape(-1, 1)
gradients = Backward()
""",
        """
def gradients(w, y_0, eps=1e-6):
    w, y_0 = w.double(), y_0.double()
    def loss(l, y_l):
        return chain(w[l:], y_l)[-1] ** 2 / 2
    return [(loss(l, y_l + eps) - loss(l, y_l - eps)) / (2 * eps)
            for l, y_l in enumerate(chain(w, y_0))]
""",
        """
def gradients(w, y_0):
    y = chain(w, y_0)
    g = y[-1].clone()
    dL = [g.item()]
    for l in range(1, len(w) + 1):
        g *= slope(w[-l], y[-l - 1]) + 1
        dL = [g.item(), *dL]
    return dL
""",
    ),
    wrong={
        back(factor="slope(w[l], y[l])"): "The +1 is missing",
        back(factor="slope(w[l], y[l + 1]) + 1"): "at its input, y_l",
        back(factor="2 - torch.tanh(w[l] * y[l]) ** 2"): "inner derivative is missing",
        back(factor="slope(w[len(w) - 1 - l], y[l]) + 1"): "the wrong way round",
        back(top="torch.ones_like(y[-1])"): "gradient at y_L is y_L",
        back(result="dL[::-1]"): "wrong order",
        back(result="dL[:-1]"): "one gradient more",
        back().replace("chain(w, y_0)", "chain(w, y_0, 0)"): "lost the shortcut",
        back(factor="slope(w[l], y[l])").replace("chain(w, y_0)", "chain(w, y_0, 0)"): (
            "chain without shortcuts"
        ),
        back(factor="slope(w[l], y[l]) - 1"): "The sign of the 1",
        back(top="y[-1] ** 2 / 2"): "from its derivative",
        back(result="dL[0]"): "You return one number",
        back(factor="w.mul_(0.5)[l]"): "changes `w` in place",
        back(factor="slope(w[l], y_0.mul_(0.9)) + 1"): "changes `y_0` in place",
        back(factor="slope(w[l], y[l])", result="[d + 1 for d in dL]"): "The last of your",
        back(top="y[0]"): "You start from y_0",
        back(factor="slope(y[l], w[l]) + 1"): "Weight and value are exchanged",
        back(factor="w[l] + 1"): "The tanh is missing",
        back(factor="slope(w[l - 1], y[l]) + 1"): "needs its own weight",
        back(top="y[-1] - 1"): "one common factor",
        back(factor="slope(w[l], y[l]) * 1.1 + 1"): "yours by",
        """
def gradients(w, y_0):
    y = torch.stack(chain(w, y_0))
    factors = slope(w, y[:-1]) + 1
    return torch.cat([torch.ones(1), factors.cumprod(0)]) * y[-1]
""": "Your products start at y_0",
        """
def gradients(w, y_0):
    y = chain(w, y_0)
    return [y[-1] * (slope(w[l], y[l]) + 1) for l in range(len(w))] + [y[-1]]
""": "*all* blocks above it",
        _GRAPH: "Autograd is switched off",
        _GRAPH.replace("    return", "    with torch.enable_grad():\n        return"): (
            "Autograd is switched off"
        ),
        """
def gradients(w, y_0):
    y = chain(w, y_0.requires_grad_())
    for y_l in y[1:]:
        y_l.retain_grad()
    (y[-1] ** 2 / 2).backward()
    return [y_l.grad for y_l in y]
""": "Autograd is switched off",
        """
import torch.autograd.forward_ad as forward
def gradients(w, y_0):
    out = []
    for l, y_l in enumerate(chain(w, y_0)):
        with forward.dual_level():
            top = chain(w[l:], forward.make_dual(y_l, torch.ones(())))[-1]
            out.append(forward.unpack_dual(top**2 / 2).tangent)
    return out
""": "Autograd is switched off",
        """
from torch.autograd.functional import jacobian
def gradients(w, y_0):
    y = chain(w, y_0)
    return [jacobian(lambda v: chain(w[l:], v)[-1] ** 2 / 2, y_l) for l, y_l in enumerate(y)]
""": "Autograd is switched off",
    },
)

_LENGTHS = """
def norm_by_branches(J, g):
    v = torch.zeros(len(J) + 1, len(g))
    v[0] = g
    for J_l in {order}:
        {step}
    return {result}
"""


def lengths(step="v[1:] = v[1:] + v[:-1] @ J_l", order="reversed(J)", result="v.norm(dim=1)"):
    return _LENGTHS.format(step=step, order=order, result=result)


_CHOSEN = """
from itertools import combinations
import numpy as np
def norm_by_branches(J, g):
    {first}
    out = []
    for k in range(len(J) + 1):
        total = 0
        for chosen in combinations(range(len(J)), k):
            v = g
            for l in reversed(chosen):
                v = v @ J[l]
            total = total + v
        out.append((total**2).sum() ** 0.5)
    return out
"""

PATHS = Case(
    "2.4",
    inputs=lambda _: [
        ([torch.randn(width, width) for _ in range(depth)], torch.randn(width))
        for depth, width in ((1, 3), (4, 2), (6, 5))
    ],
    other_style="""
def norm_by_branches(J, g):
    v = [g]
    for J_l in J[::-1]:
        stay, move = v + [torch.zeros_like(g)], [torch.zeros_like(g)] + [x @ J_l for x in v]
        v = [a + b for a, b in zip(stay, move, strict=True)]
    return [x.norm().item() for x in v]
""",
    styles=(
        lengths(step="v[1:] += v[:-1] @ J_l"),
        lengths(step="for k in range(len(J), 0, -1): v[k] += v[k - 1] @ J_l"),
        lengths(step="v = v + torch.cat([torch.zeros(1, len(g)), v[:-1] @ J_l])"),
        lengths(step="v = v + torch.roll(v @ J_l, 1, 0)").replace("v[0] = g", "v[0] = g"),
        lengths(
            step="old = v.clone()\n        for k in range(len(J)):\n            "
            "v[k + 1] = old[k + 1] + J_l.T @ old[k]"
        ),
        lengths(result="torch.sqrt((v**2).sum(1, keepdim=True))"),
        lengths(
            step="v[1:] = v[1:] + torch.einsum('ki,ij->kj', v[:-1], J_l)",
            result="torch.linalg.vector_norm(v, dim=-1).numpy()",
        ),
        """
import math
def norm_by_branches(J, g):
    n = len(g)
    v = [g.tolist()] + [[0.0] * n for _ in J]
    for J_l in reversed([matrix.tolist() for matrix in J]):
        for k in range(len(J), 0, -1):
            for j in range(n):
                v[k][j] += sum(v[k - 1][i] * J_l[i][j] for i in range(n))
    return [math.sqrt(sum(x * x for x in row)) for row in v]
""",
        """
import functools
def norm_by_branches(J, g):
    @functools.cache
    def arrives(l, k):
        if k < 0 or k > len(J) - l:
            return torch.zeros_like(g)
        if l == len(J):
            return g
        return arrives(l + 1, k) + arrives(l + 1, k - 1) @ J[l]
    return torch.stack([arrives(0, k).norm() for k in range(len(J) + 1)])
""",
        """
import numpy as np
def norm_by_branches(jacobians_, gradient):
    v = np.zeros((len(jacobians_) + 1, len(gradient)))
    v[0] = gradient
    for J_l in jacobians_[::-1]:
        v[1:] = v[1:] + v[:-1] @ J_l.numpy()
    return np.linalg.norm(v, axis=1)
""",
        """
def norm_by_branches(J, g):
    L = len(J)
    roots = torch.exp(2j * torch.pi * torch.arange(L + 1) / (L + 1)).to(torch.complex128)
    v = g.to(torch.complex128).repeat(L + 1, 1)
    for J_l in reversed(J):
        v = v + roots[:, None] * (v @ J_l.to(torch.complex128))
    return torch.fft.fft(v, dim=0).abs().square().sum(1).sqrt() / (L + 1)
""",
        """
def norm_by_branches(J, g):
    assert all(J_l.shape == (len(g), len(g)) for J_l in J)
    J = [J_l.double() for J_l in J]
    v = {0: g.double()}
    while J:
        last = J.pop()
        new = dict(v)
        for k, v_k in v.items():
            new[k + 1] = new.get(k + 1, 0) + v_k @ last
        v = new
    for k in sorted(v):
        print(k, v[k].norm())
    return [v[k].norm() for k in sorted(v)]
""",
    ),
    wrong={
        """
def norm_by_branches(J, g):
    L = len(J)
    table = torch.zeros(L + 1, L + 1, len(g), dtype=g.dtype)   # [blocks passed, branches taken]
    table[0, 0] = g
    for i in range(L):
        table[i + 1] = table[i]
        table[i + 1, 1:] += table[i, :-1] @ J[L - 1 - i]
    return table[L].norm(dim=1)
""": "not one for each block",
        lengths(step="for k in range(1, len(v)): v[k] += v[k - 1] @ J_l"): "several times",
        lengths(step="v[1:] = v[1:] + v[:-1] @ J_l.T"): "the transpose",
        lengths(order="J"): "started at the first block",
        lengths(result="v.square().sum(dim=1)"): "a root is missing",
        lengths(result="v.norm(dim=1) / v.norm(dim=1).sum()"): "shares of the total",
        lengths(step="v[1:] = v[:-1] @ J_l; v[0] = 0"): "through all branches",
        "import math\ndef norm_by_branches(J, g): "
        "return [math.comb(len(J), k) for k in range(len(J) + 1)]": "You counted the paths",
        """
def norm_by_branches(J, g):
    paths, branches = all_paths(J, g)
    return [paths[branches == k].norm(dim=1).sum() for k in range(len(J) + 1)]
""": "norms of single paths",
        """
def norm_by_branches(J, g):
    paths, branches = all_paths(J, g)
    return [paths[branches == k].norm() for k in range(len(J) + 1)]
""": "as if the paths stood at right angles",
        """
def norm_by_branches(J, g):
    paths, branches = all_paths(J, g)
    return [paths[branches == k].sum(0).norm() for k in range(len(J) + 1)]
""": "by listing all",
        _CHOSEN.format(first=""): "by listing all",
        _CHOSEN.format(first="J, g = [J_l.numpy() for J_l in J], g.numpy()"): "by listing all",
        """
def norm_by_branches(J, g):
    paths = [(g, 0)]
    for J_l in reversed(J):
        paths = paths + [(v @ J_l, k + 1) for v, k in paths]
    return [sum(v for v, k in paths if k == n).norm() for n in range(len(J) + 1)]
""": "by listing all",
        lengths(step="J_l *= 2; v[1:] = v[1:] + v[:-1] @ J_l"): "changes `J` in place",
        lengths(order="J.reverse() or J"): "changes `J` in place",
        """
def norm_by_branches(J, g):
    v = [g] + [torch.zeros_like(g) for _ in J]
    for J_l in reversed(J):
        for k in range(len(J), 0, -1):
            v[k] += v[k - 1] @ J_l
    v[0] /= v[0].norm()
    return [x.norm() for x in v]
""": "changes `g` in place",
        lengths(result="v"): "return the norm of each",
        lengths(result="v.norm()"): "one for each k",
        lengths(result="v.norm(dim=1)[1:]"): "k = 0, shortcuts only, is missing",
        lengths(step="v[1:] = v[1:] - v[:-1] @ J_l", result="2 * v.norm(dim=1)"): "is 2 times",
        lengths(result="v.norm(dim=1).flip(0)"): "not the shortcuts",
        lengths(step="v = v + v @ J_l"): "moves from v[k-1] to v[k]",
        lengths(step="v[1:] = v[:-1] @ J_l"): "Old v[k] is overwritten",
        lengths(step="v[1:] = v[:1] + v[:-1] @ J_l"): "k = 1 is the one path",
        lengths(step="v[:] = v[1:] + v[:-1] @ J_l"): "k = 0 is the path along the shortcuts",
        lengths(result="v.sum(dim=1)"): "added up the entries",
    },
)


def _holds(pair, width: int) -> tuple:
    """Tell which of the properties that exercise 2.3 asks for a pair of matrices has."""
    W1, W2 = (torch.as_tensor(W).real.detach().double() for W in pair)
    h = torch.randn(200, width, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    hidden = torch.relu(h @ W1)
    zero = not (hidden @ W2).any() and W1.shape == W2.shape == (width, width)
    alive = bool(hidden.any(dim=0).all())
    columns = W1 / W1.norm(dim=0)
    same = (columns.T @ columns).fill_diagonal_(0) > 1 - 1e-9
    size = hidden.square().mean().sqrt().item()
    return zero, alive, not same.any(), width < 9 or 0.3 < size < 3


ZERO = Case(
    "2.3",
    inputs=lambda _: [(2,), (7,), (400,)],
    outcome=_holds,
    other_style="""
def zero_branch(width):
    first, second = torch.nn.Linear(width, width), torch.nn.Linear(width, width)
    torch.nn.init.orthogonal_(first.weight)
    torch.nn.init.zeros_(second.weight)
    return [first.weight, second.weight]
""",
    styles=(
        """
import math
def zero_branch(n):
    return torch.empty(n, n).uniform_(-1, 1).mul_(math.sqrt(6 / n)), torch.zeros((n, n))
""",
        """
def zero_branch(width):
    torch.manual_seed(1)
    W1 = torch.randn(width, width, dtype=torch.float64) / width ** 0.5
    W2 = 0 * W1
    assert not W2.any()
    print(W1.norm())
    return W1, W2
""",
        """
import numpy as np
def zero_branch(width):
    rng = np.random.default_rng(0)
    return rng.normal(0, np.sqrt(2 / width), (width, width)), np.zeros((width, width))
""",
        """
import random
def zero_branch(width):
    spread = (2 / width) ** 0.5
    W1 = [[random.gauss(0, spread) for _ in range(width)] for _ in range(width)]
    return W1, [[0.0] * width for _ in range(width)]
""",
        "def zero_branch(width): return torch.eye(width), torch.zeros(width, width)",
        """
def zero_branch(width):
    W = torch.zeros(2, width, width)
    torch.nn.init.kaiming_normal_(W[0], nonlinearity="relu")
    return W
""",
        """
def zero_branch(width):
    layer = torch.nn.Linear(width, width, bias=False)
    return layer.weight.T, torch.nn.Parameter(torch.zeros(width, width))
""",
        """
def zero_branch(width):
    half = width // 2
    W1 = torch.randn(width, width) * (2 / width) ** 0.5
    W1[:, half:2 * half] = W1[:, :half]
    W2 = torch.zeros(width, width)
    W2[:half] = torch.randn(half, width) / width ** 0.5
    W2[half:2 * half] = -W2[:half]
    return W1, W2
""",
        """
def zero_branch(width, gain=2.0):
    def draw(rows, columns):
        return torch.distributions.Normal(0, (gain / rows) ** 0.5).sample((rows, columns))
    return tuple([draw(width, width), torch.zeros(width, width)])
""",
        """
zero_branch = lambda n: (torch.linalg.qr(torch.randn(n, n))[0] * 2**0.5, torch.zeros(n, n))
""",
        "def zero_branch(n): return torch.randn(n, n).half() * (2 / n) ** 0.5, torch.zeros(n, n)",
    ),
    wrong={
        "def zero_branch(n): return torch.zeros(n, n), torch.zeros(n, n)": "neither ever moves",
        "def zero_branch(n): return torch.zeros(n, n), torch.randn(n, n)": "its slope at 0 is 0",
        "def zero_branch(n): return torch.randn(n, n), torch.randn(n, n)": "the branch is not zero",
        "def zero_branch(n): return torch.randn(n, n) / 9, torch.randn(n, n) * 1e-4": "but not 0",
        "def zero_branch(n): return torch.ones(n, n) / n, torch.zeros(n, n)": "copies of",
        "def zero_branch(n): return torch.randn(n, n) * 1e-6, torch.zeros(n, n)": (
            "changes with the width"
        ),
        "def zero_branch(n): return torch.randn(n, n) / n**0.5 / 9, torch.zeros(n, n)": (
            "Draw W1 with"
        ),
        "def zero_branch(n): return torch.randn(n, n) * 2 / n, torch.zeros(n, n)": (
            "changes with the width"
        ),
        "def zero_branch(n): return torch.randn(n, n), torch.zeros(n, n)": "changes with the width",
        "def zero_branch(n): return torch.randn(n, n) / 4, torch.zeros(n, n)": (
            "changes with the width"
        ),
        "def zero_branch(n): return torch.eye(n).relu() * 9, torch.zeros(n, n)": "size of",
        """
def zero_branch(n):
    half = torch.randn(n, n // 2) * (2 / n) ** 0.5
    return torch.cat([half, half], dim=1), torch.zeros(n, n)
""": "point the same way as another one",
        """
def zero_branch(n):
    W1 = torch.randn(n, n) * (2 / n) ** 0.5
    W1[:, 1] = 2 * W1[:, 0]
    return W1, torch.zeros(n, n)
""": "2 of the 6 columns",
        """
def zero_branch(n):
    W1 = torch.randn(n, n) * (2 / n) ** 0.5
    W1[:, :3] = 0
    return W1, torch.zeros(n, n)
""": "3 of the 6 hidden numbers are 0",
        "def zero_branch(n): return torch.zeros(n, n)": "as a pair",
        "def zero_branch(n): return torch.randn(n, 4 * n), torch.zeros(4 * n, n)": "W1 has shape",
        "def zero_branch(n): return torch.randn(6, 6) / 2, torch.zeros(6, 6)": "At width 1",
        "def zero_branch(n): return torch.randn(n, n) * 1e-9, torch.randn(n, n) * 1e-9": (
            "but not 0"
        ),
        "def zero_branch(n): return torch.randn(n, 1).expand(n, n), torch.zeros(n, n)": (
            "point the same way"
        ),
    },
)

STRENGTH = Case(
    "2.2",
    inputs=lambda _: [(1,), (2,), (7,), (30,), (500,)],
    other_style="""
import math
def branch_strength(depth):
    return torch.tensor(math.sqrt(math.expm1(2 * math.log(2) / depth)))
""",
    styles=(
        "def branch_strength(L): return (2 ** (2 / L) - 1) ** 0.5",
        "def branch_strength(L): return ((2 ** (1 / L)) ** 2 - 1) ** 0.5",
        "def branch_strength(L): return 4 ** (0.5 / L) * (1 - 4 ** (-1 / L)) ** 0.5",
        "import numpy as np\ndef branch_strength(L): return np.sqrt(np.power(4.0, 1 / L) - 1)",
        "import numpy as np\ndef branch_strength(L): return np.array([np.sqrt(4 ** (1 / L) - 1)])",
        "def branch_strength(L): return torch.tensor(2.0).pow(2 / L).sub(1).sqrt()",
        """
def branch_strength(depth):
    low, high = 0.0, 2.0
    for _ in range(60):
        s = (low + high) / 2
        low, high = (s, high) if (1 + s * s) ** (depth / 2) < 2 else (low, s)
    return s
""",
        """
def branch_strength(depth):
    assert depth >= 1
    squared_gain = 2 ** 2
    per_block = squared_gain ** (1 / depth)
    s_squared = per_block - 1
    s = s_squared ** 0.5
    print("gain:", (1 + s ** 2) ** (depth / 2))
    return s
""",
        """
from fractions import Fraction
def branch_strength(depth, gain=2):
    return pow(gain ** Fraction(2, depth) - 1, Fraction(1, 2))
""",
        """
import math
def branch_strength(depth):
    s = 0.1
    for _ in range(100):
        log_gain = depth / 2 * math.log1p(s * s)
        s = abs(s - (log_gain - math.log(2)) / (depth * s / (1 + s * s)))
    return s
""",
    ),
    wrong={
        "def branch_strength(L): return L ** -0.5": "√e = 1.65",
        "def branch_strength(L): return 1 / L": "too careful",
        "def branch_strength(L): return (2 ** (1 / L) - 1) ** 0.5": "Your gain is √2",
        "def branch_strength(L): return 2 ** (1 / L) - 1": "square it before you subtract",
        "def branch_strength(L): return 4 ** (1 / L)": "That is 1 + s²",
        "def branch_strength(L): return 4 ** (1 / L) - 1": "That is s². Take the root",
        "def branch_strength(L): return 2 ** (1 / L)": "Subtract the 1",
        "def branch_strength(L): return 2 * L ** -0.5": "not proportional to s",
        "import math\ndef branch_strength(L): return (math.log(4) / L) ** 0.5": "exact solution",
        "def branch_strength(L): return 0.168": "each time, whatever comes in",
        "def branch_strength(L): return 0.5 / L": "With your s it is",
        "def branch_strength(L): return (3 / L) ** 0.5": "only for small s",
        "def branch_strength(L): return (4 ** 1 / L - 1) ** 0.5": "Brackets",
        "def branch_strength(L): return (4 ** (1 // L) - 1) ** 0.5": "a whole number",
        "def branch_strength(L): return (4 ** L - 1) ** 0.5": "Upside down",
        "def branch_strength(L): return 3 ** 0.5": "each time, whatever comes in",
        "def branch_strength(L): return (4 ** (1 / 50) - 1) ** 0.5": "use the depth",
    },
)

globals().update(all_tests([CHAIN, STRENGTH, ZERO, PATHS]))
