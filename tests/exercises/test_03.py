"""Exercises of notebook 03: what each wrong answer is told."""

from exercises.exercise import Case, all_tests

SHORTCUT = Case(
    "3.1",
    other_style="""
class Projection(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.W_s = nn.Parameter(torch.randn(n_in, n_out) * n_in**-0.5)

    def forward(self, h):
        return h @ self.W_s

shortcut = lambda n_in, n_out: Projection(n_in, n_out) if n_in != n_out else nn.Sequential()
""",
    wrong={
        "def shortcut(a, b): return nn.Linear(a, b, bias=False)": "although the widths agree",
        "def shortcut(a, b): return nn.Identity() if a == b else nn.Linear(a, b)": "has a bias",
        "def shortcut(a, b): return nn.Identity() if a == b else nn.Linear(b, a, bias=False)": (
            "come in first"
        ),
        "def shortcut(a, b): return nn.Identity()": "has shape",
        """
class Pad(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.more = b - a

    def forward(self, h):
        return nn.functional.pad(h, (0, self.more))

def shortcut(a, b): return Pad(a, b)
""": "is option A",
        "def shortcut(a, b): return nn.Identity() if a == b else nn.Linear": "returns the class",
        "def shortcut(a, b): return None if a == b else nn.Linear(a, b, bias=False)": "`return`",
        """
def shortcut(a, b):
    return nn.Identity() if a == b else nn.Sequential(nn.Linear(a, b, bias=False), nn.ReLU())
""": "is not linear",
        "def shortcut(a, b): return nn.ReLU() if a == b else nn.Linear(a, b, bias=False)": (
            "changes its input"
        ),
        "def shortcut(a, b): return nn.ReLU(True) if a == b else nn.Linear(a, b, bias=False)": (
            "that it was given"
        ),
        """
def shortcut(a, b):
    linear = nn.Linear(a, b)
    nn.init.zeros_(linear.bias)
    return nn.Identity() if a == b else linear
""": "has a bias",
        """
def shortcut(a, b):
    linear = nn.Linear(a, b, bias=False)
    nn.init.zeros_(linear.weight)
    return nn.Identity() if a == b else linear
""": "only 0 directions",
        "def shortcut(a, b): return torch.eye(b, a)": "an nn.Module is expected",
        "def shortcut(a, b): return nn.Linear(a, 3, bias=False)": "the output of",
    },
)

BACKWARD = """
def block_backward(g, h, W, b):
    z = h @ W + b
    delta = g * (z > 0)
    return {}, {}, {}
"""
RIGHT = ("g + delta @ W.T", "h.T @ delta", "delta.sum(0)")


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
            if h[n] @ W[:, i] + b[i] > 0:
                dh[n] += g[n, i] * W[:, i]
                dW[:, i] += g[n, i] * h[n]
                db[i] += g[n, i]
    return [dh, dW, db]
""",
    wrong={
        with_slip(0, "delta @ W.T"): "lacks the shortcut's share",
        with_slip(0, "(g + delta @ W.T) / 2"): "You halved",
        with_slip(0, "delta + delta @ W.T"): "also closes the shortcut",
        with_slip(0, "g + delta @ W"): "W is not transposed",
        with_slip(0, "g + (g @ W.T) * (h > 0)"): "That gate is for relu(h)",
        with_slip(0, "g + (g * (h @ W > 0)) @ W.T"): "you left out b",
        with_slip(0, "g + g @ W.T"): "is not gated",
        with_slip(0, "g + (g @ W.T) * (z > 0)"): "wrong moment",
        with_slip(0, "g + (g * torch.relu(z)) @ W.T"): "its derivative is 0",
        with_slip(0, "g + (g * (h + torch.relu(z) > 0)) @ W.T"): "not at y",
        with_slip(1, "g.T @ h"): "has not passed the ReLU",
        with_slip(0, "g - delta @ W.T"): "Compare with autograd",
        with_slip(1, "delta.T @ h"): "dL/dW is transposed",
        with_slip(1, "h.T @ delta / len(h)"): "averaged dL/dW",
        with_slip(1, "h.T @ g"): "dL/dW uses g",
        with_slip(1, "torch.relu(h).T @ delta"): "h, not relu(h)",
        with_slip(2, "delta.mean(0)"): "averaged dL/db",
        with_slip(2, "g.sum(0)"): "dL/db uses g",
        with_slip(2, "delta"): "has shape",
        "def block_backward(g, h, W, b): return g": "Three gradients",
        with_slip(1, "None"): "dL/db is right. Next: dL/dW",
        """
def block_backward(g, h, W, b):
    parts = [t.clone().requires_grad_() for t in (h, W, b)]
    y = parts[0] + torch.relu(parts[0] @ parts[1] + parts[2])
    return torch.autograd.grad(y, parts, g)
""": "autograd is switched off",
        """
def block_backward(g, h, W, b):
    with torch.enable_grad():
        parts = [t.clone().requires_grad_() for t in (h, W, b)]
        y = parts[0] + torch.relu(parts[0] @ parts[1] + parts[2])
        return torch.autograd.grad(y, parts, g)
""": "autograd is switched off",
        with_slip(0, "None"): "Last: dL/dh",
        with_slip(2, "None"): "Begin with dL/db",
        "def block_backward(g, h, W, b): return None, None, None": "begin with dL/db",
        with_slip(0, "g.add_(delta @ W.T)"): "in place",
        with_slip(0, "h + delta @ W.T"): "You added h",
    },
)

DEEPER = """
import copy

def deeper(net):
    new, block = copy.deepcopy(net), {block}
    for weights in {zero}:
        nn.init.zeros_(weights)
    new.blocks.{add}
    return new
"""
CHAIN = """
def deeper(net):
    block = MLPBlock(net.stem.out_features, True, None, "relu")
    for weights in block.parameters():
        nn.init.zeros_(weights)
    return nn.Sequential({parts})
"""


def deepened(**changes: str) -> str:
    """Return the solution's code with some of its parts replaced."""
    parts = {
        "block": "copy.deepcopy(net.blocks[0])",
        "zero": "block.parameters()",
        "add": "append(block)",
    }
    return DEEPER.format(**parts | changes)


DEEPEN = Case(
    "3.3",
    other_style="""
def deeper(net):
    more = ShortcutMLP(net.stem.out_features, len(net.blocks) + 1, norm=net.blocks[0].norm,
                       branch_scale=0.0, in_features=net.stem.in_features,
                       out_features=net.head.out_features)
    weights = net.state_dict()
    more.load_state_dict(more.state_dict() | weights)
    return more
""",
    wrong={
        deepened(zero="[]"): "matrix is not 0",
        deepened(zero="[block.linear.weight]"): "its bias is not",
        deepened(
            zero="[block.linear.weight]",
            block="MLPBlock(net.stem.out_features, True, None, 'relu')",
        ): "its bias is not",
        deepened(block="MLPBlock(net.stem.out_features, False, None, 'relu')"): "no shortcut",
        deepened(add="append(nn.Identity())"): "as many parameters",
        "def deeper(net): return net": "as many parameters",
        "def deeper(net): return net.blocks": "cannot take an input",
        "def deeper(net): return net(torch.ones(1, 5))": "You return a tensor",
        "def deeper(net): net.blocks": "`return` missing",
        """
def deeper(net):
    net.blocks.append(MLPBlock(net.stem.out_features, True, None, "relu"))
    return net
""": "was changed too",
        """
def deeper(net):
    for weights in net.blocks[0].parameters():
        weights.data.zero_()
    return net
""": "weights were changed",
        deepened(block="copy.deepcopy(net.blocks[0]).requires_grad_(False)"): "can learn",
        deepened(add="__init__(block, *reversed(net.blocks))"): "in their order",
        CHAIN.format(parts="net.stem, *net.blocks, block, net.head"): "belong to both nets",
        "import copy\n"
        + CHAIN.format(parts="*copy.deepcopy([net.stem, *net.blocks]), block, net.head"): (
            "belong to both nets"
        ),
        "import copy\n"
        + CHAIN.format(parts="*copy.deepcopy([net.stem, *net.blocks, block, net.head])"): (
            "without stem, blocks and head"
        ),
    },
)

PRINTOUT = """
def printout_by_hand(x, weights, biases):
    states, inner = [x], []
    for W, b in zip(weights, biases):
        h = states[-1]
        z = h @ W + b
        inner.append(z)
        states.append({sum} if h.shape == z.shape else gelu(z))
    y, dL_dW = states[-1], []
    g = {loss}
    for k in reversed(range(len(weights))):
        h, z, W = states[k], inner[k], weights[k]
        delta = {delta}
        dL_dW.insert({place}, {grad})
        g = {step} if h.shape == z.shape else {branch}
    return dL_dW
"""


def printed(**changes: str) -> str:
    """Return the solution's code with some of its parts replaced."""
    parts = {
        "sum": "h + gelu(z)",
        "loss": "2 * y / y.numel()",
        "delta": "g * gelu_slope(z)",
        "place": "0",
        "grad": "h.T @ delta",
        "step": "g + delta @ W.T",
        "branch": "delta @ W.T",
    }
    return PRINTOUT.format(**parts | changes)


BY_HAND_ALL = Case(
    "3.4",
    other_style="""
def printout_by_hand(x, weights, biases):
    def layers(h, k):
        if k == len(weights):
            return 2 * h / h.numel(), ()
        W, z = weights[k], h @ weights[k] + biases[k]
        skip = float(W.shape[0] == W.shape[1])
        y = gelu(z) + h if skip else gelu(z)
        g, later = layers(y, k + 1)
        delta = g * gelu_slope(z)
        return delta @ W.T + (g if skip else 0), (h.T @ delta, *later)
    return layers(x, 0)[1]
""",
    wrong={
        printed(step="delta @ W.T"): "`g +` is missing",
        printed(loss="torch.ones_like(y)"): "dL/dy is missing",
        printed(loss="y / y.numel()"): "A factor 2",
        printed(loss="2 * y"): "divided by the number",
        printed(delta="g"): "slope is missing",
        printed(step="g + g @ W.T", branch="g @ W.T"): "with the slope in δ",
        printed(sum="gelu(z)", step="delta @ W.T"): "no shortcuts",
        printed(place="len(dL_dW)"): "reverse order",
        printed(grad="delta.T @ h"): "Transposed",
        printed(step="g - delta @ W.T"): "wrong: 0, 1, 2",
        printed(grad="(h.T @ delta).abs().mean()"): "has shape",
        "def printout_by_hand(x, weights, biases): return x": "Return a list of 5",
    },
)

globals().update(all_tests([SHORTCUT, BY_HAND, DEEPEN, BY_HAND_ALL]))
