"""Exercises of notebook 04: what each wrong answer is told."""

import pytest
from exercises.exercise import Case, all_tests, verdict

from lecture_utils.checks.verdict import RIGHT

LOOKS_LINEAR = """
def looks_linear(net):
    for block in net.blocks:
        half = block.linear.in_features // 2
        V = nn.init.orthogonal_(torch.empty(half, half))
        block.linear.weight.data = {}
        {}
    return net
"""
MIRRORED = "torch.cat([torch.cat([V, -V]), torch.cat([-V, V])], 1)"
NO_BIAS = "nn.init.zeros_(block.linear.bias)"


def start(weight: str = MIRRORED, bias: str = NO_BIAS, **replaced: str) -> str:
    """Return the solution's code with another weight or bias, or with parts replaced."""
    code = LOOKS_LINEAR.format(weight, bias)
    for old, new in SLIPS.items():
        if old in replaced:
            code = code.replace(new[0], replaced[old])
    return code


SLIPS = {
    "draw": ("nn.init.orthogonal_(torch.empty(half, half))",),
    "last": ("return net",),
}
START = Case(
    "4.1",
    other_style="""
import copy
def looks_linear(net):
    net = copy.deepcopy(net)
    for layer in (block.linear for block in net.blocks):
        n = layer.weight.shape[0] // 2
        V, _ = torch.linalg.qr(torch.randn(n, n))
        with torch.no_grad():
            layer.weight[:n, :n], layer.weight[n:, n:] = V, V
            layer.weight[:n, n:], layer.weight[n:, :n] = -V, -V
            layer.bias.zero_()
    return net
""",
    wrong={
        start("torch.cat([torch.cat([V, V]), torch.cat([V, V])], 1)"): "is not linear yet",
        start("torch.cat([torch.cat([V, -V]), torch.cat([V, -V])], 1)"): "is not linear yet",
        start("torch.cat([torch.cat([V, V]), torch.cat([-V, -V])], 1)"): "both halves come out",
        start("torch.cat([torch.cat([V, V.T]), torch.cat([-V, -V.T])], 1)"): "is not minus",
        start("torch.zeros(2 * half, 2 * half)"): "are all 0",
        start("V"): "the net has",
        LOOKS_LINEAR.replace(".data", "").format(MIRRORED, NO_BIAS): "weight.data = W.T",
        LOOKS_LINEAR.replace(".data = {}", ".copy_({})").format(MIRRORED, NO_BIAS): (
            "weight.data = W.T"
        ),
        start(bias="pass"): "biases are still there",
        start(draw="torch.randn(half, half) / half**0.5"): "is not orthogonal",
        start(draw="2**0.5 * nn.init.orthogonal_(torch.empty(half, half))"): "every length by 1.41",
        start(draw="torch.eye(half)"): "the same V",
        start(last="pass"): "`return` missing",
        start(last="return net.blocks"): "Return the net",
        "def looks_linear(net): return nn.init.orthogonal_(torch.empty(4, 4))": "returns a Tensor",
        "def looks_linear(net): return net": "biases are still there",
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


STRICT = {"collapse": "c > 0.9 and g > 1e-9", "vanishing": "g < 1.25"}


def by_signs(*order: str, **limits: str) -> str:
    """Return code that asks for these illnesses in this order, with other limits where given."""
    return DIAGNOSE.format(", ".join(f"{word!r}: {(SIGNS | limits)[word]}" for word in order))


DIAGNOSIS = Case(
    "4.2",
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
        by_signs("vanishing", "growth", "explosion", explosion="g > 1.35"): "Look at the likeness",
        by_signs("vanishing", "growth", "collapse", "explosion", explosion="g > 1"): "Try 100",
        by_signs("growth", "collapse", "explosion", "vanishing", **STRICT): "Try 0.0001",
    },
)

SWAP = Case(
    "4.3",
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
        "def swapped(net, k): return net(torch.zeros(1, 64))": "You return a tensor",
        "def swapped(net, k): list(net.blocks)": "`return` missing",
    },
)

NUMPY_STRINGS = """
import numpy as np
def diagnose(gradient, size, likeness):
    ills = [gradient < 1e-4, size > 1e3, gradient > 100, likeness > 0.9, True]
    return np.array(["vanishing", "growth", "explosion", "collapse", "healthy"])[np.argmax(ills)]
"""
STATE_DICT = """
import copy
def swapped(net, k):
    new, weights = copy.deepcopy(net), net.state_dict()
    places = {k: k + 1, k + 1: k}
    for name, values in net.state_dict().items():
        part, *rest = name.split(".")
        if part == "blocks" and int(rest[0]) in places:
            weights[".".join([part, str(places[int(rest[0])]), *rest[1:]])] = values
    new.load_state_dict(weights)
    return new
"""
BY_HAND = """
def swapped(net, k):
    order = list(range(len(net.blocks)))
    order[k], order[k + 1] = order[k + 1], order[k]
    def forward(x):
        h = net.stem(x)
        for place in order:
            h = net.blocks[place](h)
        return net.head(h)
    return forward
"""


@pytest.mark.parametrize(
    ("number", "code"), [("4.2", NUMPY_STRINGS), ("4.3", STATE_DICT), ("4.3", BY_HAND)]
)
def test_other_right_answers_are_right(number, code):
    assert verdict(number, code).status == RIGHT


globals().update(all_tests([START, DIAGNOSIS, SWAP]))
