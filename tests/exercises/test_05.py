"""Exercises of notebook 05: what each wrong answer is told."""

import torch
from exercises.exercise import Case, all_tests

from lecture_utils.models import ShortcutMLP

CURVATURE = Case(
    "5.1",
    inputs=lambda _: [
        (torch.randn(k), step) for k, step in ((7, 0.2), (3, 1.0), (5, 2), (25, 0.5))
    ],
    other_style="""
def curvature(losses, step):
    slopes = torch.diff(losses) / step
    return torch.diff(slopes) / step
""",
    styles=(
        """
def curvature(losses, step):
    stencil = torch.tensor([1.0, -2.0, 1.0], dtype=losses.dtype) / step**2
    return torch.einsum("ks,s->k", losses.unfold(0, 3, 1), stencil)
""",
        "def curvature(f, h): return torch.diff(f, n=2) / h**2",
        "import numpy as np\ndef curvature(f, h): return np.diff(f.numpy(), 2) / h**2",
        "def curvature(f, h): return ((f[2:] - f[1:-1]) - (f[1:-1] - f[:-2])) / (h * h)",
        "def curvature(f, h): return f.unfold(0, 3, 1) @ torch.tensor([1.0, -2, 1]).to(f) / h**2",
        "import numpy as np\ncurvature = lambda f, h: np.convolve(f, [1, -2, 1], 'valid') / h / h",
        """
def curvature(losses, step):
    found = []
    for k in range(1, len(losses) - 1):
        middle = losses[k].item()
        left, right = losses[k - 1].item(), losses[k + 1].item()
        c = 2 * ((left + right) / 2 - middle) / step**2
        print(k, c)
        found.append(c)
    assert len(found) == len(losses) - 2
    return found
""",
        """
def curvature(losses, step):
    kernel = torch.tensor([[[1.0, -2.0, 1.0]]], dtype=losses.dtype)
    return torch.nn.functional.conv1d(losses[None, None], kernel)[0, 0].div(step**2)
""",
        """
def curvature(losses, step):
    losses = losses.clone().double()
    losses -= losses.mean()
    left, middle, right = losses.roll(1), losses, losses.roll(-1)
    return ((left + right - 2 * middle) / step**2)[1:-1].float()
""",
        """
def curvature(losses, step):
    k = len(losses)
    M = torch.zeros(k - 2, k, dtype=losses.dtype)
    for row in range(k - 2):
        M[row, row:row + 3] = torch.tensor([1.0, -2.0, 1.0])
    return torch.einsum("ij,j->i", M, losses) / step**2
""",
        """
def curvature(losses, step=1.0):
    if len(losses) < 3:
        return losses[:0]
    first = (losses[0] - 2 * losses[1] + losses[2]) / step**2
    return torch.cat([first[None], curvature(losses[1:], step)])
""",
        """
def curvature(losses, step):
    s = torch.tensor([-step, 0.0, step], dtype=torch.float64)
    A = torch.stack([s**0, s, s**2 / 2], 1)
    windows = torch.stack([losses[:-2], losses[1:-1], losses[2:]]).double()
    return torch.linalg.solve(A, windows)[2]
""",
    ),
    wrong={
        "def curvature(f, h): return f[2:] - 2 * f[1:-1] + f[:-2]": "You did not divide",
        "def curvature(f, h): return (f[2:] - 2 * f[1:-1] + f[:-2]) / h": "by the step once",
        "def curvature(f, h): return (f[2:] - 2 * f[1:-1] + f[:-2]) / (2 * h)": "a *slope*",
        "def curvature(f, h): return (f[2:] - 2 * f[1:-1] + f[:-2]) / (2 * h) ** 2": "not two",
        "def curvature(f, h): return (f[2:] - 2 * f[1:-1] + f[:-2]) / (2 * h**2)": "half of it",
        "def curvature(f, h): return 2 * (f[2:] - 2 * f[1:-1] + f[:-2]) / h**2": "twice as much",
        "def curvature(f, h): return (2 * f[1:-1] - f[2:] - f[:-2]) / h**2": "sign is wrong",
        "def curvature(f, h): return (f[2:] - f[1:-1] + f[:-2]) / h**2": "counts twice",
        "def curvature(f, h): return (f[2:] - f[:-2]) / (2 * h)": "That is the *slope*",
        "def curvature(f, h): return torch.diff(f) / h": "difference of differences",
        "def curvature(f, h): return torch.gradient(f, spacing=h)[0]": "the inner 5",
        "def curvature(f, h): return (f[4:] - 2 * f[2:-2] + f[:-4]) / (2 * h) ** 2": "3 numbers",
        "def curvature(f, h): return torch.gradient(torch.gradient(f, spacing=h)[0], spacing=h)"
        "[0][1:-1]": "losses two steps away",
        "def curvature(f, h): return f[1:-1] * 0 + 3": "does not use `losses`",
        "def curvature(f, h): return ((f[2:] - 2 * f[1:-1] + f[:-2]) / h**2).mean()": "has shape",
        """
def curvature(f, h):
    f -= f.min()
    return (f[2:] - 2 * f[1:-1] + f[:-2]) / h**2
""": "`losses` in place",
        "def curvature(f, h): torch.diff(f, n=2) / h**2": "`return` missing",
        "def curvature(f, h): return (f[2:] - 2 * f[1:-1] + f[:-2]) / 0.2**2": "not use `step`",
        "def curvature(f, h): return (f[2:] - 2 * f[1:-1] + f[:-2]) * h**2": "divide",
        "def curvature(f, h): return (f[2:] - 2 * f[1:-1] + f[:-2]) / h*h": "did not divide",
        "def curvature(f, h): return (f[2:] - 3 * f[1:-1] + f[:-2]) / h**2": "equal losses",
        "def curvature(f, h): return (f[2:] - 2 * f[:-2] + f[1:-1]) / h**2": "straight line",
        "def curvature(f, h): return (f[2:] + f[:-2] - 2 * f[len(f) // 2]) / h**2": "At losses[1]",
        "def curvature(f, h): return (f[2:] + 2 * f[1:-1] + f[:-2]) / h**2": "straight line",
        "def curvature(f, h): return (f[2:] - 2 * f[1:-1] - f[:-2]) / h**2": "the wrong sign",
        "def curvature(f, h): return f[2:] - 2 * f[1:-1] + f[:-2] / h**2": "Brackets",
        "def curvature(f, h): return ((f[2:] - 2 * f[1:-1] + f[:-2]) / h**2).abs()": "absolute",
        "def curvature(f, h): return torch.diff(f, n=2).flip(0) / h**2": "changes with",
        "def curvature(f, h): return (f[2:] + f[:-2]) / h**2 - 2 * f[1:-1]": "Brackets",
        "def curvature(f, h): return (f[2:] - f[:-2])**2 / (2 * h)**2": "With twice the `losses`",
        "def curvature(f, h): return ((f[2:] - 2 * f[1:-1] + f[:-2]) / h**2).squeeze()": "three",
        """
def curvature(f, h):
    s = (torch.arange(len(f)) - len(f) // 2) * h
    A = torch.stack([s**0, s, s**2 / 2], 1).float()
    return torch.linalg.lstsq(A, f[:, None].float()).solution[2].expand(len(f) - 2)
""": "that one and its two neighbours",
        """
def curvature(f, h):
    return [(f[k + 1] - 2 * f[k] + f[k - 1]) / h**2 for k in range(1, len(f) - 2)]
""": "4 numbers for 7 losses",
        """
def curvature(f, h):
    return [(f[k + 1] - 2 * f[k] + f[k - 1]) / h**2 for k in range(len(f))]
""": "IndexError",
        """
def curvature(f, h):
    c = torch.zeros_like(f)
    c[1:-1] = (f[2:] - 2 * f[1:-1] + f[:-2]) / h**2
    return c
""": "the inner 5",
    },
)

STRETCHED = """
import copy
def stretched(net, k, a):
    {copy}
    layers = [block.linear for block in net.blocks]
    for layer in {writers}:
        {row}
        {bias}
    for layer in {readers}:
        {column}
    return {result}
"""
PARTS = {
    "copy": "net = copy.deepcopy(net)",
    "writers": "(net.stem, *layers)",
    "row": "layer.weight.data[k] *= a",
    "bias": "layer.bias.data[k] *= a",
    "readers": "(*layers, net.head)",
    "column": "layer.weight.data[:, k] /= a",
    "result": "net",
}


def stretch(**parts):
    return STRETCHED.format(**(PARTS | parts))


def states(new, net, k, a) -> list[torch.Tensor]:
    """All hidden states, and the answers, of a stretched net."""
    x = torch.linspace(-3, 3, 64 * 20).sin().reshape(20, 64)
    found = [new.stem(x)]
    for block in new.blocks:
        found.append(block(found[-1]))
    return [h.detach() for h in (*found, new(x))]


RULER = Case(
    "5.2",
    inputs=lambda _: [
        (ShortcutMLP(6, depth, use_shortcut=use_shortcut), k, a)
        for depth, use_shortcut, k, a in ((3, True, 2, 4.0), (2, False, 0, 0.25), (1, True, 5, 3))
    ],
    outcome=states,
    other_style="""
import copy
def stretched(net, k, a):
    new = copy.deepcopy(net)
    d = torch.ones(net.stem.out_features, dtype=net.stem.weight.dtype)
    d[k] = a
    with torch.no_grad():
        new.stem.weight.copy_(d[:, None] * net.stem.weight)
        new.stem.bias.copy_(d * net.stem.bias)
        for old, block in zip(net.blocks, new.blocks):
            block.linear.weight.copy_(torch.diag(d) @ old.linear.weight @ torch.diag(1 / d))
            block.linear.bias.copy_(d * old.linear.bias)
        new.head.weight.copy_(net.head.weight / d)
    return new
""",
    styles=(
        stretch(row="layer.weight.data[k, :] = layer.weight.data[k, :] * a"),
        stretch(column="layer.weight.data.T[k] /= a"),
        stretch(copy="net = copy.deepcopy(net).double()", result="net.float()"),
        stretch(
            row="layer.weight = nn.Parameter(torch.eye(len(layer.weight)).index_fill(0, "
            "torch.tensor(k), 0) @ layer.weight + a * torch.eye(len(layer.weight))[:, k:k+1] @ "
            "layer.weight[k:k+1])",
        ).replace("import copy", "import copy\nfrom torch import nn"),
        stretch(copy="old = net.state_dict(); net = copy.deepcopy(net); net.load_state_dict(old)"),
        """
import copy
from torch import nn
def stretched(net, k, a):
    new = copy.deepcopy(net)
    D = torch.ones(net.head.in_features)
    D[k] = a
    weights = new.state_dict()
    for name, value in net.state_dict().items():
        if not name.startswith("head"):
            value = value * (D[:, None] if value.ndim == 2 else D)
        if not name.startswith("stem") and value.ndim == 2:
            value = value / D
        weights[name] = value
    new.load_state_dict(weights)
    return new
""",
        """
import copy
@torch.no_grad()
def stretched(net, k, a):
    new = copy.deepcopy(net)
    writers = [new.stem]
    readers = [new.head]
    for block in new.blocks:
        writers.append(block.linear)
        readers.append(block.linear)
    for layer in writers:
        for j in range(layer.in_features):
            layer.weight[k, j] = layer.weight[k, j] * a
        layer.bias[k] = layer.bias[k] * a
    for layer in readers:
        for i in range(layer.out_features):
            layer.weight[i, k] = layer.weight[i, k] / a
    assert new is not net
    print(len(writers))
    return new
""",
        """
from lecture_utils.models import ShortcutMLP
def stretched(net, k, a):
    new = ShortcutMLP(net.stem.out_features, len(net.blocks),
                      use_shortcut=net.blocks[0].use_shortcut,
                      in_features=net.stem.in_features, out_features=net.head.out_features)
    new.load_state_dict(net.state_dict())
    parts = [new.stem, *[b.linear for b in new.blocks], new.head]
    for one, other in zip(parts, parts[1:]):
        one.weight.data[k].mul_(a)
        one.bias.data[k].mul_(a)
        other.weight.data[:, k].div_(a)
    return new
""",
        """
import copy
def stretched(net, k, a):
    net = copy.deepcopy(net)
    def visit(parts):
        if len(parts) == 1:
            return
        one, other, *rest = parts
        one.weight.data[k] = a * one.weight.data[k]
        one.bias.data[k] = a * one.bias.data[k]
        other.weight.data[:, k] = other.weight.data[:, k] * (1 / a)
        visit([other, *rest])
    visit([m for m in net.modules() if isinstance(m, torch.nn.Linear)])
    return net
""",
        """
import copy
from torch import nn
def stretched(net, k, a):
    new = copy.deepcopy(net)
    S, T = torch.eye(net.stem.out_features), torch.eye(net.stem.out_features)
    S[k, k], T[k, k] = a, 1 / a
    new.stem.weight = nn.Parameter((S @ net.stem.weight).detach())
    new.stem.bias = nn.Parameter((S @ net.stem.bias).detach())
    for old, block in zip(net.blocks, new.blocks):
        block.linear.weight = nn.Parameter((S @ old.linear.weight @ T).detach())
        block.linear.bias = nn.Parameter((S @ old.linear.bias).detach())
    new.head.weight = nn.Parameter((net.head.weight @ T).detach())
    return new
""",
    ),
    wrong={
        stretch(copy="pass"): "was changed too",
        stretch(copy="return copy.deepcopy(net)"): "are the old ones",
        stretch(result="net(torch.zeros(1, 5))"): "a tensor of float32",
        stretch(row="layer.weight.data *= a"): "all numbers are multiplied",
        stretch(row="layer.weight.data[:, k] *= a"): "you changed column k",
        stretch(row="layer.weight.data[k] /= a"): "is divided by a: number k must come out",
        stretch(row="layer.weight.data[0] *= a"): "row 0 is multiplied by a",
        stretch(bias="pass"): "In the stem the bias of number k is as it was",
        stretch(writers="(net.stem,)", readers="(net.head,)"): "column k, which reads number k",
        stretch(readers="(net.head,)"): "In block 0 column k, which reads number k, is as it was",
        stretch(writers="(net.stem,)"): "In block 0 row k, which computes number k, is as it was",
        stretch(
            writers="layers",
            row="layer.weight.data[:, k] *= a",
            bias="layer.weight.data[k] /= a; "
            "net.stem.weight.data[k] *= a if layer is layers[0] else 1; "
            "net.stem.bias.data[k] *= a if layer is layers[0] else 1",
            readers="(net.head,)",
        ): "rows and columns are exchanged",
        stretch(column="layer.weight.data[:, k] /= a; layer.weight.data[k, k] *= a"): (
            "from number k to number k"
        ),
        stretch(bias="layer.bias.data[k] *= a if layer is net.stem else 1"): "In block 0 the bias",
        stretch(readers="layers"): "In the head column k",
        stretch(readers="(*layers, net.head)", column="layer.weight.data[:, k] /= a; "
                "net.head.bias.data /= 2"): "biases are added to the answers",
        stretch(row="layer.weight[k] *= a"): "with `.data`",
        stretch(result="None"): "`return` missing",
        stretch(result="net.state_dict()"): "Return the new net",
        stretch(copy="net = copy.copy(net)"): "was changed too",
        "def stretched(net, k, a): return rescaled(net, a)": "You multiplied all numbers",
        stretch(row="layer.weight.data[k] *= a**2"): "is 16 times the old one",
        stretch(row="layer.weight.data[k] += a"): "is changed in another way",
        stretch(bias="layer.bias.data *= a"): "a bias of another number than k",
        stretch(bias="layer.bias.data[k] = a"): "the bias of number k",
        stretch(writers="(net.stem, *layers, net.head)"): "In the head",
        stretch(readers="(net.stem, *layers, net.head)"): "you changed column k",
        stretch(column="layer.weight.data[k] /= a"): "column k, which reads number k, is as it was",
        stretch(column="layer.weight.data[:, k] *= a"): "is multiplied by a: number k comes in",
        stretch(column="layer.weight.data[:, k] *= 0.25"): "Right for width 6, 3 blocks",
        stretch().replace("in net.blocks]", "in net.blocks[1:]]"): "In block 0 row k",
        stretch().replace("in net.blocks]", "in net.blocks[:3]]"): "In block 3 row k",
        stretch(copy="k, net = k - 1, copy.deepcopy(net)"): "number 1 is 4 times as large",
        stretch(result="torch.nn.Sequential(net.stem, net.head)"): "5 parts, yours has 2",
        stretch(result="torch.nn.Sequential(net.stem, *[torch.nn.Identity()] * 3, net.head)"): (
            "Compare both nets there"
        ),
        stretch(column="layer.weight.data[:, k] /= a; net.stem = torch.nn.Linear(5, 9)"): (
            "does not take an input of 9 numbers"
        ),
        stretch(column="layer.weight.data[:, k] /= a", result="wider(net)").replace(
            "import copy",
            "import copy\ndef wider(net):\n    net.head = torch.nn.Linear(6, 4)\n    return net",
        ): "the weights have shape (4, 6)",
        """
import copy
def stretched(net, k, a):
    class Twice(type(net)):
        def forward(self, x):
            return 2 * super().forward(x)
    net = copy.deepcopy(net)
    layers = [block.linear for block in net.blocks]
    for layer in (net.stem, *layers):
        layer.weight.data[k] *= a
        layer.bias.data[k] *= a
    for layer in (*layers, net.head):
        layer.weight.data[:, k] /= a
    net.__class__ = Twice
    return net
""": "right one by one",
        stretch(result="torch.nn.Sequential(net.stem, *layers, net.head)"): "the whole blocks",
        stretch(copy="a, net = 1 / a, copy.deepcopy(net)"): "is divided by a",
    },
)  # fmt: skip

globals().update(all_tests([CURVATURE, RULER]))
