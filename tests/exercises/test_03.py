"""Exercises of notebook 03: what each wrong answer is told."""

from itertools import pairwise

import torch
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
    styles=(
        "shortcut = lambda a, b: nn.Identity() if a == b else nn.Linear(a, b, False)",
        """
class Shortcut(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.fits = n_in == n_out
        if not self.fits:
            self.weight = nn.Parameter(torch.empty(n_out, n_in))
            nn.init.kaiming_uniform_(self.weight)

    def forward(self, x):
        return x if self.fits else nn.functional.linear(x, self.weight)

shortcut = Shortcut
""",
        """
def shortcut(n_in, n_out):
    \"\"\"Return what belongs on the shortcut.\"\"\"
    assert n_in > 0 and n_out > 0
    if n_in != n_out:
        module = nn.LazyLinear(n_out, bias=False)
    else:
        module = nn.Sequential(nn.Identity())
    print(module)
    return module
""",
        """
class Project(nn.Module):
    def __init__(self, inner, outer):
        super().__init__()
        self.rows = nn.ParameterList(nn.Parameter(torch.rand(outer) - 0.5) for _ in range(inner))

    def forward(self, h):
        return torch.einsum("ni,io->no", h, torch.stack(list(self.rows)))

class Same(nn.Module):
    def forward(self, h):
        return h.clone()

def shortcut(n_in, n_out):
    return Same() if n_in == n_out else Project(n_in, n_out)
""",
        """
class Convolved(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.conv = nn.Conv1d(n_in, n_out, 1, bias=False)

    def forward(self, h):
        return self.conv(h[..., None])[..., 0]

def shortcut(n_in, n_out):
    return [Convolved, lambda a, b: nn.Dropout(0.0)][n_in == n_out](n_in, n_out)
""",
        """
def shortcut(n_in, n_out):
    torch.manual_seed(1)
    linear = nn.Linear(n_in, n_out)
    linear.bias = None
    nn.init.orthogonal_(linear.weight)
    return nn.Identity(n_in) if n_out == n_in else linear.eval()
""",
        """
from functools import partial

KINDS = {True: nn.Identity, False: partial(nn.Linear, bias=False)}

def shortcut(n_in, n_out):
    return KINDS[n_in == n_out](n_in, n_out)
""",
        """
def shortcut(n_in, n_out):
    match n_in - n_out:
        case 0:
            return nn.ModuleList([nn.Identity()])[0]
        case _:
            return nn.utils.parametrizations.weight_norm(nn.Linear(n_in, n_out, bias=False))
""",
        """
class Buffered(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.register_buffer("sizes", torch.tensor([n_in, n_out]))
        self.map = nn.Identity()
        if n_in != n_out:
            self.map = nn.Linear(n_in, n_out, bias=False)
            self.map.weight.data.normal_(0, n_in**-0.5)

    def forward(self, h):
        return self.map(h)

def shortcut(n_in, n_out):
    return Buffered(n_in, n_out)
""",
    ),
    inputs=lambda _: [(6, 4), (2, 3), (1, 5), (4, 4), (1, 1)],
    outcome=lambda module, a, b: [
        list(module(torch.ones(2, a)).shape),
        len(list(module.parameters())),
        bool(torch.equal(module(torch.ones(2, a)), torch.ones(2, b))) if a == b else True,
        bool(module(torch.zeros(2, a)).any()),
    ],
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
        "def shortcut(a, b): return nn.Linear(a, 3, bias=False)": "The output of",
        "def shortcut(a, b): return (lambda h: h) if a == b else nn.Linear(a, b, bias=False)": (
            "an nn.Module is expected"
        ),
        """
class New(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.sizes = a, b

    def forward(self, h):
        return nn.Linear(*self.sizes, bias=False)(h)

def shortcut(a, b): return nn.Identity() if a == b else New(a, b)
""": "a second time, returns another output",
        """
class Hidden(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.W = torch.randn(a, b, requires_grad=True)

    def forward(self, h):
        return h @ self.W

def shortcut(a, b): return nn.Identity() if a == b else Hidden(a, b)
""": "not among its parameters()",
        """
class Detached(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.W = nn.Linear(a, b, bias=False)

    def forward(self, h):
        return self.W(h.detach())

def shortcut(a, b): return nn.Identity() if a == b else Detached(a, b)
""": "no gradient back to its input",
        """
class Cut(nn.Module):
    def forward(self, h):
        return h.detach()

def shortcut(a, b): return Cut() if a == b else nn.Linear(a, b, bias=False)
""": "not their gradient back",
        """
class Fixed(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.register_buffer("one", torch.eye(n))

    def forward(self, h):
        return h @ self.one

def shortcut(a, b): return Fixed(a) if a == b else nn.Linear(a, b, bias=False)
""": "as a matrix does",
        """
class Diagonal(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.w, self.more = nn.Parameter(torch.ones(a)), b - a

    def forward(self, h):
        return nn.functional.pad(h * self.w, (0, self.more))

def shortcut(a, b): return nn.Identity() if a == b else Diagonal(a, b)
""": "not all can learn",
        """
def shortcut(a, b):
    linear = nn.Linear(a, b, bias=False)
    return nn.Identity() if a == b else linear.requires_grad_(False)
""": "weights that cannot learn",
        """
def shortcut(a, b, made={}):
    made.setdefault((a, b), nn.Linear(a, b, bias=False))
    return nn.Identity() if a == b else made[a, b]
""": "share their weights",
        """
def shortcut(a, b):
    return nn.Identity() if a == b else nn.Sequential(nn.Linear(a, b, False), nn.Dropout(0.5))
""": "leave dropout",
        "def shortcut(a, b): return nn.Dropout(0.1) if a == b else nn.Linear(a, b, bias=False)": (
            "changes its input"
        ),
        """
def shortcut(a, b):
    return nn.Identity() if a == b else nn.Sequential(
        nn.Linear(a, b, bias=False), nn.BatchNorm1d(b, affine=False))
""": "in eval mode",
        """
class Centred(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.W = nn.Linear(a, b, bias=False)

    def forward(self, h):
        return self.W(h - h.mean(0))

def shortcut(a, b): return nn.Identity() if a == b else Centred(a, b)
""": "mixes the rows",
        """
def shortcut(a, b):
    return nn.Linear(a, b, bias=False) if a > b else nn.Identity()
""": "`shortcut(4, 6)` has shape",
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
    styles=(
        """
def block_backward(g, h, W, b):
    z = h @ W + b
    delta = torch.where(z > 0, g, torch.zeros_like(g))
    dL_db = torch.ones(len(g)) @ delta
    return torch.add(g, delta.matmul(W.t())), torch.matmul(h.t(), delta), dL_db
""",
        """
import numpy as np

def block_backward(g, h, W, b):
    g, h, W, b = (np.asarray(x, dtype=np.float64) for x in (g, h, W, b))
    delta = np.where(h @ W + b > 0, g, 0)
    return g + delta @ W.T, h.T @ delta, delta.sum(axis=0)
""",
        """
def block_backward(g, h, W, b):
    delta = g.clone()
    delta[h @ W + b <= 0] = 0
    dh = torch.einsum("no,io->ni", delta, W) + g
    dW = torch.einsum("ni,no->io", h, delta)
    return dh, dW, torch.einsum("no->o", delta)
""",
        """
def block_backward(g, h, W, b):
    g, h, W, b = g.tolist(), h.tolist(), W.tolist(), b.tolist()
    n, d = range(len(h)), range(len(b))
    z = [[sum(h[r][i] * W[i][o] for i in d) + b[o] for o in d] for r in n]
    delta = [[g[r][o] if z[r][o] > 0 else 0.0 for o in d] for r in n]
    dh = [[g[r][i] + sum(delta[r][o] * W[i][o] for o in d) for i in d] for r in n]
    dW = [[sum(h[r][i] * delta[r][o] for r in n) for o in d] for i in d]
    return dh, dW, [sum(delta[r][o] for r in n) for o in d]
""",
        """
from collections import namedtuple
Gradients = namedtuple("Gradients", "h W b")

def block_backward(grad, state, weight, bias):
    grad, state, weight, bias = (x.to(torch.float64) for x in (grad, state, weight, bias))
    gate = torch.heaviside(state @ weight + bias, torch.zeros((), dtype=torch.float64))
    passed = grad * gate
    return Gradients(grad + passed @ weight.T, state.T @ passed, passed.sum(dim=0))
""",
        """
def block_backward(g, h, W, b):
    with torch.no_grad():
        z = torch.addmm(b, h, W)
        assert z.shape == g.shape
        gate = z.sign().clamp(min=0)
        print("open gates:", gate.sum().item())
        delta = torch.mul(gate, g)
        dW = sum(torch.outer(h[n], delta[n]) for n in range(h.shape[0]))
        dh = torch.stack([g[n] + W @ delta[n] for n in range(h.shape[0])])
    return dh, dW, delta.sum(0)
""",
        """
def through_relu(g, z):
    return g.masked_fill(z <= 0, 0.0)

def through_linear(delta, h, W):
    return delta @ W.mT, h.mT @ delta, delta.sum(-2)

def block_backward(g, h, W, b):
    branch, dW, db = through_linear(through_relu(g, nn.functional.linear(h, W.T, b)), h, W)
    return (g + branch, dW, db)
""",
        """
def block_backward(g, h, W, b, relu_slope=lambda z: (z > 0).float()):
    I = torch.eye(len(b))
    dh = torch.empty_like(h)
    slopes = relu_slope(h @ W + b)
    for n, (row, slope) in enumerate(zip(g, slopes)):
        dh[n] = row @ (I + W * slope).T
    return dh, h.T @ (g * slopes), (g * slopes).sum(0)
""",
        """
def block_backward(g, h, W, b):
    ones = torch.cat([h, torch.ones(len(h), 1)], 1)
    both = torch.cat([W, b[None]])
    delta = g * (ones @ both > 0)
    grads = ones.T @ delta
    return g + delta @ W.T, grads[:-1], grads[-1]
""",
    ),
    inputs=lambda _: (
        [
            tuple(torch.randn(*shape) for shape in ((n, d), (n, d), (d, d), (d,)))
            for n, d in ((2, 3), (1, 4), (5, 5), (3, 1))
        ]
        + [
            (
                torch.ones(2, 2),
                torch.ones(2, 2),
                torch.tensor([[1.0, -1.0], [0.0, 2.0]]),
                torch.tensor([-1.0, -1.0]),
            )
        ]
    ),
    outcome=lambda found, *_: [torch.as_tensor(part) for part in found],
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
        with_slip(0, "g - delta @ W.T"): "Both shares are added",
        with_slip(1, "delta.T @ h"): "dL/dW is transposed",
        with_slip(1, "h.T @ delta / len(h)"): "averaged dL/dW",
        with_slip(1, "h.T @ g"): "dL/dW uses g",
        with_slip(1, "torch.relu(h).T @ delta"): "h, not relu(h)",
        with_slip(2, "delta.mean(0)"): "averaged dL/db",
        with_slip(2, "g.sum(0)"): "dL/db uses g",
        with_slip(2, "delta"): "That is δ",
        with_slip(2, "delta.sum(1)"): "axis 0",
        with_slip(2, "delta.sum()"): "added up everything",
        with_slip(2, "delta.sum(0, keepdim=True)"): "no keepdim",
        with_slip(2, "delta[0]"): "first row",
        with_slip(2, "(g * (h > 0)).sum(0)"): "That gate looks at h",
        with_slip(2, "(g * (h @ W.T + b > 0)).sum(0)"): "not transposed",
        with_slip(2, "3 * delta.sum(0)"): "3 times the right result",
        with_slip(1, "relu(h).T @ g"): "δ (not g)",
        with_slip(1, "h.T @ delta + h.T @ g"): "does not pass it",
        with_slip(1, "h @ delta.T"): "summed over the neurons",
        with_slip(1, "h[:1].T @ delta[:1]"): "first input alone",
        with_slip(0, "g"): "the branch's share is missing",
        with_slip(0, "torch.ones_like(h) + delta @ W.T"): "1 times g",
        with_slip(0, "(g + delta) @ W.T"): "does not pass W",
        with_slip(0, "g + (delta @ W.T).sum(0)"): "nothing is summed",
        with_slip(0, "g + delta"): "go back through W",
        with_slip(0, "g + (delta @ W.T) * (h > 0)"): "One gate too many",
        """
def block_backward(g, h, W, b):
    delta = g * (h @ W + b >= 0)
    return g + delta @ W.T, h.T @ delta, delta.sum(0)
""": "where z is exactly 0",
        """
def block_backward(g, h, W, b):
    delta = g * (h @ W + b > 0)
    return h.T @ delta, g + delta @ W.T, delta.sum(0)
""": "in another order",
        """
def block_backward(g, h, W, b):
    delta = g * (h @ W + b > 0)
    return {"h": g + delta @ W.T, "W": h.T @ delta, "b": delta.sum(0)}
""": "You return a dict",
        """
def block_backward(g, h, W, b):
    delta = g * (h @ W + b > 0)
    return h.T @ delta, delta.sum(0)
""": "You return 2 values",
        """
def block_backward(g, h, W, b):
    z = h @ W + b
    g[z <= 0] = 0
    return g + g @ W.T, h.T @ g, g.sum(0)
""": "changes `g` in place",
        """
def block_backward(g, h, W, b):
    y = lambda h, W, b: h + relu(h @ W + b)
    return torch.func.vjp(y, h, W, b)[1](g)
""": "autograd is switched off",
        "def block_backward(g, h, W, b): return g": "return three gradients",
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
    for block in more.blocks:
        block.phi = net.blocks[0].phi
    return more
""",
    styles=(
        """
from copy import deepcopy

def deeper(net):
    new = deepcopy(net)
    block = MLPBlock(net.stem.out_features, True, None, "relu")
    with torch.no_grad():
        block.linear.weight.zero_()
        block.linear.bias.zero_()
    new.blocks.append(block)
    return new
""",
        """
import copy

def deeper(net):
    assert isinstance(net, ShortcutMLP)
    new = copy.deepcopy(net)
    old = list(new.blocks)
    block = copy.deepcopy(old[-1])
    block.load_state_dict({name: 0 * p for name, p in block.state_dict().items()})
    new.blocks = nn.Sequential(block, *old)
    return new.train()
""",
        """
import copy

class Gated(nn.Module):
    def __init__(self, block):
        super().__init__()
        self.block, self.gate = block, nn.Parameter(torch.zeros(1))

    def forward(self, h):
        return h + self.gate * self.block(h)

def deeper(net):
    new, width = copy.deepcopy(net), net.stem.out_features
    new.blocks.append(Gated(MLPBlock(width, False, "layer", "gelu")))
    return new
""",
        """
import copy

class Less(nn.Module):
    def __init__(self, block):
        super().__init__()
        self.block, self.start = block, copy.deepcopy(block).requires_grad_(False)

    def forward(self, h):
        return h + self.block(h) - self.start(h)

def deeper(net):
    new = copy.deepcopy(net)
    new.blocks.insert(0, Less(copy.deepcopy(net.blocks[0])))
    return new
""",
        """
import copy

class Deeper(ShortcutMLP):
    def __init__(self, net):
        nn.Module.__init__(self)
        self.stem, self.blocks, self.head = (
            copy.deepcopy(part) for part in (net.stem, net.blocks, net.head))
        width = self.stem.out_features
        block = MLPBlock(width, True, "layer", "tanh")
        block.linear.weight = nn.Parameter(torch.zeros(width, width))
        block.linear.bias = nn.Parameter(torch.zeros(width))
        self.blocks.append(block)

deeper = Deeper
""",
        """
import io

def deeper(net):
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    old, like = torch.load(file), net.blocks[0]
    new = ShortcutMLP(like.linear.in_features, len(net.blocks), norm=like.norm,
                      in_features=net.stem.in_features, out_features=net.head.out_features)
    block = MLPBlock(like.linear.in_features, True, like.norm, "relu")
    for each in (*new.blocks, block):
        each.phi = like.phi
    new.load_state_dict(old)
    for name, weights in block.named_parameters():
        print(name, tuple(weights.shape))
        weights.data = torch.zeros_like(weights.data)
    new.blocks.add_module(str(len(new.blocks)), block)
    return new.eval()
""",
        """
import copy

def silent(module):
    return [nn.init.constant_(p, 0) for p in module.parameters()] and module

deeper = lambda net: (
    lambda new: (new.blocks.append(silent(copy.deepcopy(new.blocks[0]))), new)[1]
)(copy.deepcopy(net))
""",
        """
import copy

class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.one, self.two = nn.Linear(width, width), nn.Linear(width, width)
        nn.init.zeros_(self.two.weight)
        nn.init.zeros_(self.two.bias)

    def forward(self, h):
        return h + self.two(torch.tanh(self.one(h)))

def deeper(net):
    new = copy.deepcopy(net)
    new.blocks.append(Residual(net.stem.out_features))
    return new
""",
        """
from copy import deepcopy

class Maker:
    def __call__(self, net):
        \"\"\"Copy, then add a block whose linear layer gives 0.\"\"\"
        torch.manual_seed(0)
        new = deepcopy(net)
        new.blocks.append(deepcopy(new.blocks[0]))
        nn.utils.vector_to_parameters(
            torch.zeros(sum(p.numel() for p in new.blocks[-1].parameters())),
            new.blocks[-1].parameters())
        return new

deeper = Maker()
""",
    ),
    inputs=lambda space: [
        (space["ShortcutMLP"](8, depth, in_features=5, out_features=4, **options),)
        for depth, options in ((1, {}), (3, {"norm": "layer"}), (2, {"activation": "gelu"}))
    ],
    outcome=lambda new, net: [
        new(torch.linspace(-2, 2, 15).view(3, 5)).detach(),
        sum(p.numel() for p in new.parameters()),
        new is not net,
    ],
    wrong={
        deepened(zero="[]"): "matrix is not 0",
        deepened(zero="[block.linear.weight]"): "its bias is not",
        deepened(
            zero="[block.linear.weight]",
            block="MLPBlock(net.stem.out_features, True, None, 'relu')",
        ): "its bias is not",
        deepened(block="MLPBlock(net.stem.out_features, False, None, 'relu')"): "no shortcut",
        deepened(add="append(nn.Identity())"): "as many parameters",
        "def deeper(net): return net": "You return `net` itself",
        "def deeper(net): return copy.deepcopy(net)": "name 'copy' is not defined",
        "import copy\ndeeper = copy.deepcopy": "as many parameters",
        "def deeper(net): return net, net.blocks[0]": "You return a tuple",
        deepened(add="append(copy.deepcopy(net.blocks[0]))"): "matrix is not 0",
        deepened(add="append(new.blocks[0])"): "one block stand twice",
        deepened(add="extend([block, copy.deepcopy(block)])"): "2112 parameters more",
        deepened(zero="new.blocks[0].parameters()"): "only the new block's weights 0",
        deepened(zero="[*block.parameters(), *new.head.parameters()]"): "have no copy",
        deepened(block="MLPBlock(32, True, None, 'relu')"): "not for one of one block",
        deepened(block="net.blocks[0]"): "weights were changed",
        """
import copy

def deeper(net):
    new, block = copy.deepcopy(net), MLPBlock(net.stem.out_features, False, None, "relu")
    nn.init.eye_(block.linear.weight)
    nn.init.zeros_(block.linear.bias)
    new.blocks.append(block)
    return new
""": "has no shortcut, so it passes on only",
        """
import copy

def deeper(net):
    new, block = copy.deepcopy(net), copy.deepcopy(net.blocks[0])
    for weights in block.parameters():
        weights.data *= 1e-4
    new.blocks.append(block)
    return new
""": "matrix is not 0",
        """
import copy

def deeper(net):
    new = copy.deepcopy(net)
    new.more = copy.deepcopy(net.blocks[0])
    return new
""": "stands outside of `blocks`",
        """
import copy

class Off(nn.Module):
    def __init__(self, block):
        super().__init__()
        self.block = block

    def forward(self, h):
        return h + 0 * self.block(h)

def deeper(net):
    new = copy.deepcopy(net)
    new.blocks.append(Off(copy.deepcopy(net.blocks[0])))
    return new
""": "get no gradient",
        """
import copy

def deeper(net):
    new = copy.deepcopy(net)
    new.blocks.append(copy.deepcopy(net.blocks[0]))
    for weights in new.blocks[-1].parameters():
        nn.init.zeros_(weights)
    new.blocks[-1].linear.weight.requires_grad_(False)
    return new
""": "its bias only",
        """
import copy

def deeper(net, block=MLPBlock(32, True, None, "relu")):
    new = copy.deepcopy(net)
    for weights in block.parameters():
        nn.init.zeros_(weights)
    new.blocks.append(block)
    return new
""": "what it returned before",
        """
def deeper(net):
    new = ShortcutMLP(net.stem.out_features, len(net.blocks) + 1, branch_scale=0.0,
                      in_features=net.stem.in_features, out_features=net.head.out_features)
    return new
""": "10 of the old net's 10 weight tensors",
        """
def deeper(net):
    new = ShortcutMLP(net.stem.out_features, len(net.blocks) + 1, branch_scale=0.0,
                      in_features=net.stem.in_features, out_features=net.head.out_features)
    new.load_state_dict(net.state_dict(), strict=False)
    return new
""": "another norm",
        """
def deeper(net):
    for weights in net.parameters():
        weights.requires_grad_(False)
    return net
""": "requires_grad of its weights",
        "def deeper(net): return net.blocks": "cannot take an input",
        "def deeper(net): return net(torch.ones(1, 64))": "You return a tensor",
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
    styles=(
        """
def printout_by_hand(x, weights, biases):
    x = x.double()
    weights = [W.double() for W in weights]
    hs, slopes = [x], []
    for W, b in zip(weights, biases, strict=True):
        z = hs[-1] @ W + b.double()
        slopes.append(gelu_slope(z))
        hs.append(gelu(z) + (hs[-1] if W.shape[0] == W.shape[1] else 0))
    g = hs.pop() * 2
    g /= g.numel()
    out = []
    while weights:
        W = weights.pop()
        delta = g * slopes.pop()
        out.append(hs.pop().T @ delta)
        g = delta @ W.T + (W.shape[0] == W.shape[1]) * (g if W.shape[0] == W.shape[1] else 0)
    return tuple(reversed(out))
""",
        """
import numpy as np

def printout_by_hand(x, weights, biases):
    phi = lambda z: gelu(torch.from_numpy(z)).numpy()
    slope = lambda z: gelu_slope(torch.from_numpy(z)).numpy()
    h = x.numpy().astype(float)
    kept = []
    for W, b in zip(weights, biases):
        W = W.numpy().astype(float)
        z = h @ W + b.numpy()
        kept.append((h, z, W))
        h = phi(z) + h if h.shape == z.shape else phi(z)
    g = 2 * h / h.size
    found = {}
    for k, (h, z, W) in reversed(list(enumerate(kept))):
        delta = g * slope(z)
        found[k] = np.einsum("ni,no->io", h, delta)
        g = delta @ W.T + (g if W.shape[0] == W.shape[1] else 0.0)
    return [found[k] for k in range(len(kept))]
""",
        """
class Layer:
    def __init__(self, W, b):
        self.W, self.b, self.fits = W, b, W.size(0) == W.size(1)

    def forward(self, h):
        self.h, self.z = h, h @ self.W + self.b
        return h + gelu(self.z) if self.fits else gelu(self.z)

    def backward(self, g):
        delta = g * gelu_slope(self.z)
        self.dW = self.h.T @ delta
        return g + delta @ self.W.T if self.fits else delta @ self.W.T

def printout_by_hand(x, weights, biases):
    layers = [Layer(W, b) for W, b in zip(weights, biases)]
    y = x
    for layer in layers:
        y = layer.forward(y)
    g = 2 * y / (y.shape[0] * y.shape[1])
    for layer in layers[::-1]:
        g = layer.backward(g)
    return [layer.dW for layer in layers]
""",
        """
def printout_by_hand(x, weights, biases):
    assert len(weights) == len(biases)
    L = len(weights)
    h = [None] * (L + 1)
    z = [None] * L
    h[0] = x
    for k in range(L):
        z[k] = torch.addmm(biases[k], h[k], weights[k])
        h[k + 1] = nn.functional.gelu(z[k], approximate="tanh")
        if h[k].shape == z[k].shape:
            h[k + 1] = h[k + 1] + h[k]
    loss = (h[L] ** 2).mean()
    print("loss:", loss.item())
    g = 2 * h[L] / torch.numel(h[L])
    dW = [torch.zeros_like(W) for W in weights]
    for k in range(L - 1, -1, -1):
        delta = g * gelu_slope(z[k])
        for n in range(len(x)):
            dW[k] += torch.outer(h[k][n], delta[n])
        back = delta @ weights[k].T
        if h[k].shape == z[k].shape:
            back = back + g
        g = back
    return dW
""",
        """
def printout_by_hand(x, weights, biases):
    fits = [len(W) == len(W.T) for W in weights]
    states, slopes = [x], []
    for W, b, fit in zip(weights, biases, fits):
        z = states[-1] @ W + b
        slopes += [gelu_slope(z)]
        states += [gelu(z) + fit * (states[-1] if fit else 0)]
    total = [0 * W for W in weights]
    for n in range(len(x)):
        g = 2 * states[-1][n] / states[-1].numel()
        for k in range(len(weights) - 1, -1, -1):
            delta = g * slopes[k][n]
            total[k] = total[k] + states[k][n][:, None] * delta
            g = weights[k] @ delta + (g if fits[k] else 0)
    return total
""",
        """
def printout_by_hand(x, weights, biases):
    def run(ws):
        h = x.double()
        for W, b in zip(ws, biases):
            z = h @ W + b.double()
            h = h + gelu(z) if h.shape == z.shape else gelu(z)
        return h.square().mean()

    ws, found, eps = [W.double() for W in weights], [], 1e-5
    for k, W in enumerate(ws):
        G = torch.zeros_like(W)
        for i in range(W.shape[0]):
            for j in range(W.shape[1]):
                up, down = W.clone(), W.clone()
                up[i, j] += eps
                down[i, j] -= eps
                G[i, j] = (run([*ws[:k], up, *ws[k + 1:]]) - run([*ws[:k], down, *ws[k + 1:]]))
        found.append(G / (2 * eps))
    return found
""",
        """
def printout_by_hand(x, weights, biases):
    h, tape = x, []
    for W, b in zip(weights, biases):
        z = h @ W + b
        skip = torch.eye(*W.shape) if W.shape[0] == W.shape[1] else torch.zeros(W.shape)
        tape.insert(0, (h, gelu_slope(z), W, skip))
        h = h @ skip + gelu(z)
    g = h.mul(2).div(h.numel())
    result = []
    for h, slope, W, skip in tape:
        result = [h.mT @ (g * slope), *result]
        g = g @ skip.T + (g * slope) @ W.T
    return [part.tolist() for part in result]
""",
        """
def printout_by_hand(x, weights, biases):
    def gate(z):
        c = (2 / torch.pi) ** 0.5
        inner = c * (z + 0.044715 * z.pow(3))
        return 0.5 * (1 + inner.tanh()) + 0.5 * z / inner.cosh() ** 2 * c * (1 + 0.134145 * z * z)

    if not weights:
        return []
    states, inner = [x.clone()], []
    for W, b in zip(weights, biases):
        inner.append(states[-1] @ W + b)
        out = gelu(inner[-1])
        if out.shape == states[-1].shape:
            out += states[-1]
        states.append(out)
    g = states[-1] * (2.0 / states[-1].numel())
    for k in reversed(range(len(weights))):
        delta = g * gate(inner[k].double()).float()
        yielded = states[k].T @ delta
        g = delta @ weights[k].T + (g if g.shape == states[k].shape else 0)
        states[k + 1] = yielded
    return states[1:]
""",
        """
from functools import reduce

def printout_by_hand(x, weights, biases):
    def forward(states, layer):
        h, (W, b) = states[-1], layer
        y = gelu(h @ W + b)
        return [*states, y + h if y.shape == h.shape else y]

    def back(done, layer):
        (g, grads), (h, W, b) = done, layer
        delta = gelu_slope(h @ W + b) * g
        through = delta @ W.T
        return (through + g if through.shape == g.shape and len(W) == len(b) else through,
                [h.T @ delta, *grads])

    states = reduce(forward, zip(weights, biases), [x])
    start = states[-1] / states[-1].numel() * 2, []
    return reduce(back, list(zip(states, weights, biases))[::-1], start)[1]
""",
    ),
    inputs=lambda _: [
        (
            torch.randn(rows, sizes[0]),
            [torch.randn(a, b) for a, b in pairwise(sizes)],
            [torch.randn(b) for b in sizes[1:]],
        )
        for rows, sizes in ((1, [3, 3, 3, 3, 3, 1]), (3, [2, 2, 4]), (2, [3, 3, 3]), (1, [4, 2]))
    ],
    outcome=lambda found, *_: list(found),
    wrong={
        """
def printout_by_hand(x, weights, biases):
    h = x
    hs, zs = [], []
    for W, b in zip(weights, biases):
        hs.append(h.clone())
        z = h @ W + b
        zs.append(z)
        if h.shape == z.shape:
            h += gelu(z)
        else:
            h = gelu(z)
    g = 2 * h / h.numel()
    grads = []
    for W, h, z in zip(reversed(weights), reversed(hs), reversed(zs)):
        delta = g * gelu_slope(z)
        grads.insert(0, h.T @ delta)
        g = delta @ W.T + (g if h.shape == z.shape else 0)
    return grads
""": "changes `x` in place",
        printed(step="delta @ W.T"): "`g +` is missing",
        printed(loss="torch.ones_like(y)"): "dL/dy is missing",
        printed(loss="y / y.numel()"): "A factor 2",
        printed(loss="2 * y"): "divided by the number",
        printed(delta="g"): "slope is missing",
        printed(step="g + g @ W.T", branch="g @ W.T"): "with the slope in δ",
        printed(sum="gelu(z)", step="delta @ W.T"): "no shortcuts",
        printed(place="len(dL_dW)"): "reverse order",
        printed(grad="delta.T @ h"): "Transposed",
        printed(step="g - delta @ W.T"): "look at the step back where there is a shortcut",
        printed(step="g"): "look at the step back where there is a shortcut",
        printed(step="delta + delta @ W.T"): "you hand on δ",
        printed(step="1 + delta @ W.T"): "1 times g, not 1",
        printed(step="(g + delta @ W.T) / 2"): "You halved",
        printed(step="g + delta @ W"): "W is not transposed",
        printed(loss="2 * y / len(y)"): "by the number of inputs",
        printed(loss="y.square().mean()"): "You go back from the loss itself",
        printed(loss="2 * y.mean()"): "first entry is 37.33",
        printed(delta="g * gelu(z)"): "δ is multiplied by gelu(z)",
        printed(delta="g * (z > 0)"): "as for a ReLU",
        printed(delta="g * (1 + gelu_slope(z) if h.shape == z.shape else gelu_slope(z))"): (
            "does not belong in δ"
        ),
        printed(grad="h.T @ g"): "dL/dW uses g",
        printed(grad="h.T @ delta / len(h)"): "several inputs",
        printed(grad="gelu(h).T @ delta"): "not gelu(h)",
        printed(grad="states[k + 1].T @ delta"): "An index is off",
        printed(sum="h + z"): "y is h + gelu(z)",
        printed(sum="h + relu(z)", delta="g * gelu_slope(z)"): "with a shortcut: forward",
        printed(sum="gelu(h + z)"): "with a shortcut: forward",
        printed(grad="(h.T @ delta).abs()"): "absolute values",
        printed(grad="None"): "is None",
        printed(grad="delta.sum(0)"): "shape of a bias",
        PRINTOUT.replace("if h.shape == z.shape", "if len(states) < 5", 1).format(
            sum="h + gelu(z)",
            loss="2 * y / y.numel()",
            delta="g * gelu_slope(z)",
            place="0",
            grad="h.T @ delta",
            step="g + delta @ W.T",
            branch="delta @ W.T",
        ): "no shortcut",
        """
def printout_by_hand(x, weights, biases):
    ws = [W.clone().requires_grad_() for W in weights]
    h = x
    for W, b in zip(ws, biases):
        z = h @ W + b
        h = h + gelu(z) if h.shape == z.shape else gelu(z)
    h.square().mean().backward()
    return [W.grad for W in ws]
""": "autograd is switched off",
        printed(grad="(h.T @ delta).abs().mean()"): "a single number",
        "def printout_by_hand(x, weights, biases): return x": "return a list",
        "def printout_by_hand(x, weights, biases): return []": "You return 0 where 1 are expected",
    },
)

globals().update(all_tests([SHORTCUT, BY_HAND, DEEPEN, BY_HAND_ALL]))
