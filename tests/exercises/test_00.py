"""Exercises of notebook 00: what each wrong answer is told."""

import torch
from exercises.exercise import Case, all_tests

FIRST = Case(
    "0.1",
    inputs=lambda _: [
        (torch.square, torch.randn(3)),
        (lambda v: 3 * v - 1, torch.randn(2, 3)),
        (lambda v: v - v.mean(), torch.randn(4)),
    ],
    other_style="with_shortcut = lambda function, value: torch.add(value, function(value))",
    styles=(
        "def with_shortcut(F, x): return x + F(x)",
        """
def with_shortcut(F, x):
    y = F(x)
    assert y.shape == x.shape
    result = y + x
    print("x:", x, "F(x):", y)
    return result
""",
        """
def with_shortcut(F, x):
    out = x.clone()
    out += F(x)
    return out
""",
        """
def with_shortcut(F, x):
    out = F(x)
    out += x
    return out
""",
        "def with_shortcut(F, x): return torch.stack([F(x), x]).sum(dim=0)",
        "def with_shortcut(F, x): return sum([x, F(x)])",
        "def with_shortcut(F, x): return [a + b for a, b in zip(F(x), x, strict=True)]",
        """
import numpy as np
def with_shortcut(F, x):
    return np.add(F(x).double().numpy(), x.numpy())
""",
        """
class Shortcut:
    def __call__(self, F, x):
        return x + F(x)
with_shortcut = Shortcut()
""",
        """
import functools, operator
def both(add, F, x):
    return add(F(x), x)
with_shortcut = functools.partial(both, operator.add)
""",
        "def with_shortcut(F, x, shortcut=1.0): return shortcut * x + F(x.clone())",
        "def with_shortcut(F, x): return (F(x) + x).tolist()",
    ),
    wrong={
        """
def with_shortcut(F, x):
    saved = x.clone().detach()
    return F(x) + saved
""": "no gradient comes back along the shortcut",
        "def with_shortcut(F, x): return F(x)": "F(x) alone",
        "def with_shortcut(F, x): return x": "the branch F(x) is missing",
        "def with_shortcut(F, x): return x + x": "one of the two",
        "def with_shortcut(F, x): return F(x) * x": "a shortcut adds",
        "def with_shortcut(F, x): return F(x) - x": "You subtracted",
        "def with_shortcut(F, x): return x - F(x)": "You subtracted",
        "def with_shortcut(F, x): return torch.cat([F(x), x])": "entry by entry",
        "def with_shortcut(F, x): return F(F(x) + x)": "add x after F",
        "def with_shortcut(F, x): F(x) + x": "`return` missing",
        "def with_shortcut(F, x): return F + x": "TypeError",
        "def with_shortcut(F, x): return (F(x) + x).sum()": "added up the entries",
        "def with_shortcut(F, x):\n    x += F(x)\n    return x": "changes `x` in place",
        "def with_shortcut(F, x): return x.add_(F(x))": "changes `x` in place",
        "def with_shortcut(F, x): return 11 * x": "for another F",
        "def with_shortcut(F, x): return 10 * x + x": "for another F",
        "def with_shortcut(F, x): return F(x + x)": "add x after F",
        "def with_shortcut(F, x): return F(x), x": "You return both",
        "def with_shortcut(F, x): return torch.stack([F(a) + a for a in x])": "one entry at a time",
        "def with_shortcut(F, x): return F(x) + x[0]": "the first entry of x",
        "def with_shortcut(F, x): return torch.relu(F(x) + x)": "A relu too many",
        "def with_shortcut(F, x): return (F(x) + x) / 2**0.5": "a constant factor",
        "def with_shortcut(F, x): return F(x).item() + x": "stopped in its line 1",
    },
)

NUMBER = Case(
    "0.2",
    outcome=lambda layers: 21 <= float(layers) <= 25,
    other_style="layers = torch.tensor(9 / 0.39)",
    styles=(
        "layers = 22",
        "layers = 24.0",
        "layers = 21",
        "layers = 25",
        "import numpy as np\nlayers = np.float32(22.5)",
        "import numpy as np\nlayers = np.array([23])",
        "layers = torch.tensor([[23]])",
        "from fractions import Fraction\nlayers = Fraction(9, 1) / Fraction(39, 100)",
        "import math\nlayers = round(9 * math.log(10) / (0.5 * math.log(6)))",
        "layers = 50 - 27",
    ),
    wrong={
        "layers = -10": "negative number",
        "layers = 0.26": "a fraction",
        "layers = 9": "the exponent",
        "layers = 20": "more than 1e-9 is left",
        "layers = 50": "fewer are enough",
        "layers = '23'": "without quotes",
        "layers = [23]": "one number",
        "layers = {23: 1e-9}": "one number",
        "layers = 1e-9": "what is left of the gradient",
        "layers = 27": "count from the input",
        "layers = 15": "more than 1e-9 is left",
        "layers = True": "one number",
        "layers = lambda: 23": "brackets",
    },
)

globals().update(all_tests([FIRST, NUMBER]))
