"""Exercises of notebook 03: what each wrong answer is told."""

from exercises.exercise import Case, all_tests

SHORTCUT = Case(
    "3.1",
    other_style="""
class Projection(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.W_s = nn.Parameter(torch.randn(n_out, n_in) * n_in**-0.5)

    def forward(self, x):
        return x @ self.W_s.T

shortcut = lambda n_in, n_out: Projection(n_in, n_out) if n_in != n_out else nn.Sequential()
""",
    wrong={
        "def shortcut(a, b): return nn.Linear(a, b, bias=False)": "There the shortcut must be",
        "def shortcut(a, b): return nn.Identity() if a == b else nn.Linear(a, b)": "has a bias",
        "def shortcut(a, b): return nn.Identity() if a == b else nn.Linear(b, a, bias=False)": (
            "come in first"
        ),
        "def shortcut(a, b): return nn.Identity()": "has no parameters",
        "def shortcut(a, b): return nn.Identity() if a == b else nn.Linear": "returns the class",
        "def shortcut(a, b): return None if a == b else nn.Linear(a, b, bias=False)": "`return`",
        """
def shortcut(a, b):
    return nn.Identity() if a == b else nn.Sequential(nn.Linear(a, b, bias=False), nn.ReLU())
""": "is not linear",
        "def shortcut(a, b): return nn.ReLU() if a == b else nn.Linear(a, b, bias=False)": (
            "changes its input"
        ),
        """
def shortcut(a, b):
    linear = nn.Linear(a, b)
    nn.init.zeros_(linear.bias)
    return nn.Identity() if a == b else linear
""": "has a bias",
        """
def shortcut(a, b):
    two = nn.Sequential(nn.Linear(a, b, bias=False), nn.Linear(b, b, bias=False))
    return nn.Identity() if a == b else two
""": "one matrix of shape",
        """
def shortcut(a, b):
    linear = nn.Linear(a, b, bias=False)
    nn.init.zeros_(linear.weight)
    return nn.Identity() if a == b else linear
""": "maps everything to 0",
        "def shortcut(a, b): return torch.eye(b, a)": "an nn.Module is expected",
        "def shortcut(a, b): return nn.Linear(a, 3, bias=False)": "the output of",
    },
)

BACKWARD = """
def block_backward(g, h, W, b):
    z = h @ W.T + b
    delta = g * (z > 0)
    return {}, {}, {}
"""
RIGHT = ("g + delta @ W", "delta.T @ h", "delta.sum(0)")


def with_slip(place: int, code: str) -> str:
    """Return the solution's code with one of its three gradients replaced."""
    return BACKWARD.format(*(code if k == place else right for k, right in enumerate(RIGHT)))


BY_HAND = Case(
    "3.2",
    other_style="""
def block_backward(g, h, W, b):
    dh, dW, db = g.clone(), torch.zeros_like(W), torch.zeros_like(b)
    for n in range(len(h)):
        for i in range(len(b)):
            if h[n] @ W[i] + b[i] > 0:
                dh[n] += g[n, i] * W[i]
                dW[i] += g[n, i] * h[n]
                db[i] += g[n, i]
    return [dh, dW, db]
""",
    wrong={
        with_slip(0, "delta @ W"): "lacks the shortcut's share",
        with_slip(0, "(g + delta @ W) / 2"): "You halved",
        with_slip(0, "delta + delta @ W"): "also closes the shortcut",
        with_slip(0, "g + delta @ W.T"): "W is transposed",
        with_slip(0, "g + (g @ W) * (h > 0)"): "That gate is for relu(h)",
        with_slip(0, "g + (g * (h @ W.T > 0)) @ W"): "you left out b",
        with_slip(0, "g + g @ W"): "is not gated",
        with_slip(0, "g + (g @ W) * (z > 0)"): "wrong moment",
        with_slip(0, "g + (g * torch.relu(z)) @ W"): "its derivative is 0",
        with_slip(0, "g + (g * (h + torch.relu(z) > 0)) @ W"): "not at y",
        with_slip(1, "h.T @ g"): "has not passed the ReLU",
        with_slip(0, "g - delta @ W"): "Compare with autograd",
        with_slip(1, "h.T @ delta"): "dL/dW is transposed",
        with_slip(1, "delta.T @ h / len(h)"): "averaged dL/dW",
        with_slip(1, "g.T @ h"): "dL/dW uses g",
        with_slip(1, "delta.T @ torch.relu(h)"): "h, not relu(h)",
        with_slip(2, "delta.mean(0)"): "averaged dL/db",
        with_slip(2, "g.sum(0)"): "dL/db uses g",
        with_slip(2, "delta"): "has shape",
        "def block_backward(g, h, W, b): return g": "Three gradients",
    },
)

DIAGNOSE = """
def diagnose(g, s, c):
    order = {{{}}}
    return next((word for word, ill in order.items() if ill), "healthy")
"""
SIGNS = {
    "vanishing": "g < 1e-4",
    "growth": "s > 1e3",
    "explosion": "g > 100",
    "collapse": "c > 0.9",
}


def by_signs(*order: str, **limits: str) -> str:
    """Return code that asks for these illnesses in this order, with other limits where given."""
    return DIAGNOSE.format(", ".join(f"{word!r}: {(SIGNS | limits)[word]}" for word in order))


DIAGNOSIS = Case(
    "3.3",
    other_style="""
import math
def diagnose(gradient, size, likeness):
    decades = math.log10(gradient)
    signs = {"vanishing": decades < -6, "explosion": decades > 2.2, "growth": size > 10**4}
    signs["collapse"] = likeness > 0.95
    return next((illness for illness, ill in signs.items() if ill), "healthy")
""",
    wrong={
        by_signs("vanishing"): "Its gradient has not vanished, but",
        by_signs("vanishing", "growth"): "that is the trap",
        by_signs("vanishing", "growth", "collapse"): "hundreds of times more",
        by_signs("collapse", "vanishing", "growth"): "nothing comes back to change that",
        by_signs("vanishing", "collapse", "growth"): "treat that first",
        by_signs("vanishing", "collapse", "growth", collapse="c > 0.98"): "treat that first",
        by_signs("vanishing", "explosion", "growth", "collapse", growth="s > 5"): (
            "growth is too strict"
        ),
        by_signs("vanishing", "growth", "explosion", "collapse", collapse="c > 0.5"): (
            "Your limit is too strict"
        ),
        by_signs("growth", "vanishing", vanishing="g < 1.45"): "Nothing has vanished",
        by_signs("vanishing", "explosion", "growth", explosion="g > 1.45"): "the stream that grows",
        by_signs("vanishing", "growth", "collapse", growth="s > 1e3 or g > 100"): (
            "Its stream has not grown"
        ),
        "def diagnose(g, s, c): return 'healthy'": "that is vanishing",
        "def diagnose(g, s, c): return 'ill'": "the five words",
        "def diagnose(g, s, c): return 'growth'": "another one",
    },
)

SWAP = Case(
    "3.4",
    other_style="""
import copy
def swapped(net, k):
    net = copy.deepcopy(net)
    net.blocks[k], net.blocks[k + 1] = net.blocks[k + 1], net.blocks[k]
    return net
""",
    wrong={
        """
def swapped(net, k):
    net.blocks[k], net.blocks[k + 1] = net.blocks[k + 1], net.blocks[k]
    return net
""": "was changed too",
        """
def swapped(net, k):
    b = list(net.blocks)
    b[k], b[k + 1] = b[k + 1], b[k]
    return nn.Sequential(net.stem, *b)
""": "The head is missing",
        """
def swapped(net, k):
    b = list(net.blocks)
    b[k], b[k + 1] = b[k + 1], b[k]
    return nn.Sequential(*b, net.head)
""": "The stem is missing",
        """
def swapped(net, k):
    b = list(net.blocks)
    b[k] = b[k + 1]
    b[k + 1] = b[k]
    return nn.Sequential(net.stem, *b, net.head)
""": "stands twice",
        """
def swapped(net, k):
    b = list(net.blocks)
    del b[k]
    return nn.Sequential(net.stem, *b, net.head)
""": "was lost",
        """
def swapped(net, k):
    b = list(net.blocks)
    b[k - 1], b[k] = b[k], b[k - 1]
    return nn.Sequential(net.stem, *b, net.head)
""": "counted from 0",
        "def swapped(net, k): return net": "yours is unchanged",
        "def swapped(net, k): return net(torch.zeros(1, 1))": "You return a tensor",
        "def swapped(net, k): list(net.blocks)": "`return` missing",
    },
)

globals().update(all_tests([SHORTCUT, BY_HAND, DIAGNOSIS, SWAP]))
