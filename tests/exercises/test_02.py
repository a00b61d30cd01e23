"""Exercises of notebook 02: what each wrong answer is told."""

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


CHAIN = Case(
    "2.1",
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
    wrong={
        back(factor="slope(w[l], y[l])"): "The +1 is missing",
        back(factor="slope(w[l], y[l + 1]) + 1"): "at its input, y_l",
        back(factor="2 - torch.tanh(w[l] * y[l]) ** 2"): "inner derivative is missing",
        back(factor="slope(w[len(w) - 1 - l], y[l]) + 1"): "the wrong way round",
        back(top="torch.ones_like(y[-1])"): "gradient at y_L is y_L",
        back(result="dL[::-1]"): "wrong order",
        back(result="dL[:-1]"): "There is one more",
        back().replace("chain(w, y_0)", "chain(w, y_0, 0)"): "lost the shortcut",
        back(factor="slope(w[l], y[l])").replace("chain(w, y_0)", "chain(w, y_0, 0)"): (
            "chain without shortcuts"
        ),
        back(factor="slope(w[l], y[l]) - 1"): "start looking there",
        back(top="y[-1] ** 2 / 2"): "from its derivative",
        back(result="dL[0]"): "You return one number",
        """
def gradients(w, y_0):
    y = chain(w, y_0.requires_grad_())
    return torch.autograd.grad(y[-1] ** 2 / 2, y)
""": "Autograd is switched off",
        back(factor="w.mul_(0.5)[l]"): "changed the given w",
        """
def gradients(w, y_0):
    y = torch.stack(chain(w, y_0))
    factors = slope(w, y[:-1]) + 1
    return torch.cat([torch.ones(1), factors.cumprod(0)]) * y[-1]
""": "Your products start at y_0",
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


PATHS = Case(
    "2.4",
    other_style="""
def norm_by_branches(J, g):
    v = [g]
    for J_l in J[::-1]:
        stay, move = v + [torch.zeros_like(g)], [torch.zeros_like(g)] + [x @ J_l for x in v]
        v = [a + b for a, b in zip(stay, move, strict=True)]
    return [x.norm().item() for x in v]
""",
    wrong={
        lengths(step="for k in range(1, len(v)): v[k] += v[k - 1] @ J_l"): "several times",
        lengths(step="v[1:] = v[1:] + v[:-1] @ J_l.T"): "the transpose",
        lengths(order="J"): "started at the first block",
        lengths(result="v.square().sum(dim=1)"): "a square root is missing",
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
        lengths(step="J_l *= 2; v[1:] = v[1:] + v[:-1] @ J_l"): "changed the given J",
        lengths(result="v"): "return the norm of each",
        lengths(result="v.norm()"): "one for each k",
        lengths(result="v.norm(dim=1)[1:]"): "expected shape (2,)",
        lengths(step="v[1:] = v[1:] - v[:-1] @ J_l", result="2 * v.norm(dim=1)"): "Write down the",
    },
)

ZERO = Case(
    "2.3",
    other_style="""
def zero_branch(width):
    first, second = torch.nn.Linear(width, width), torch.nn.Linear(width, width)
    torch.nn.init.orthogonal_(first.weight)
    torch.nn.init.zeros_(second.weight)
    return [first.weight, second.weight]
""",
    wrong={
        "def zero_branch(n): return torch.zeros(n, n), torch.zeros(n, n)": "neither ever moves",
        "def zero_branch(n): return torch.zeros(n, n), torch.randn(n, n)": "its slope at 0 is 0",
        "def zero_branch(n): return torch.randn(n, n), torch.randn(n, n)": "the branch is not zero",
        "def zero_branch(n): return torch.randn(n, n) / 9, torch.randn(n, n) * 1e-4": "but not 0",
        "def zero_branch(n): return torch.ones(n, n) / n, torch.zeros(n, n)": "copies of",
        "def zero_branch(n): return torch.randn(n, n) * 1e-6, torch.zeros(n, n)": "Draw W1 with",
        "def zero_branch(n): return torch.randn(n, n) * 2 / n, torch.zeros(n, n)": (
            "changes with the width"
        ),
        "def zero_branch(n): return torch.randn(n, n), torch.zeros(n, n)": "changes with the width",
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
""": "2 of the 8 columns",
        """
def zero_branch(n):
    W1 = torch.randn(n, n) * (2 / n) ** 0.5
    W1[:, :3] = 0
    return W1, torch.zeros(n, n)
""": "3 of the 8 columns of W1 are zero",
        "def zero_branch(n): return torch.zeros(n, n)": "as a pair",
        "def zero_branch(n): return torch.randn(n, 4 * n), torch.zeros(4 * n, n)": "W1 has shape",
    },
)

STRENGTH = Case(
    "2.2",
    other_style="""
import math
def branch_strength(depth):
    return torch.tensor(math.sqrt(math.expm1(2 * math.log(2) / depth)))
""",
    wrong={
        "def branch_strength(L): return L ** -0.5": "√e = 1.65",
        "def branch_strength(L): return 1 / L": "too careful",
        "def branch_strength(L): return (2 ** (1 / L) - 1) ** 0.5": "Your gain is √2",
        "def branch_strength(L): return 2 ** (1 / L) - 1": "Two things are missing",
        "def branch_strength(L): return 4 ** (1 / L)": "That is 1 + s²",
        "def branch_strength(L): return 4 ** (1 / L) - 1": "That is s². Take the root",
        "def branch_strength(L): return 2 ** (1 / L)": "Subtract the 1",
        "def branch_strength(L): return 2 * L ** -0.5": "not proportional to s",
        "import math\ndef branch_strength(L): return (math.log(4) / L) ** 0.5": "exact solution",
        "def branch_strength(L): return 0.168": "must depend on the depth",
        "def branch_strength(L): return 0.5 / L": "which gives a gain of",
    },
)

globals().update(all_tests([CHAIN, STRENGTH, ZERO, PATHS]))
