"""Exercises of notebook 04: what each wrong answer is told."""

import torch
from exercises.exercise import Case, all_tests

from lecture_utils.models import ShortcutMLP

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
            code = code.replace(new, replaced[old])
    return code


SLIPS = {
    "draw": "nn.init.orthogonal_(torch.empty(half, half))",
    "last": "    return net",
    "blocks": "in net.blocks",
    "set": "block.linear.weight.data =",
}


def made(answer) -> list:
    """What a start makes of two nets: lengths kept, mirror images, new maps, stem and head."""
    found = []
    for width, depth in ((8, 3), (12, 2)):
        net = ShortcutMLP(width, depth, use_shortcut=False)
        ends = [*net.stem.parameters(), *net.head.parameters()]
        was = [p.detach().clone() for p in ends]
        try:
            new = answer(net)
            u = torch.randn(5, width // 2)
            outs = [block(torch.cat([u, -u], 1)) for block in new.blocks]
            back = [block(torch.cat([-u, u], 1)) for block in new.blocks]
            found.append([(h[:, : width // 2].norm(dim=1) / u.norm(dim=1)).detach() for h in outs])
            found.append([(h[:, : width // 2] + h[:, width // 2 :]).norm() > 1e-4 for h in outs])
            found.append([(h + b).norm() > 1e-4 for h, b in zip(outs, back, strict=True)])
            found.append((outs[0] - outs[1]).norm() > 1e-3)
            now = [*new.stem.parameters(), *new.head.parameters()]
            found.append([torch.equal(p, q) for p, q in zip(now, was, strict=True)])
        except Exception as error:  # a mutant may fail in any way
            found.append(type(error).__name__)
    return found


START = Case(
    "4.1",
    outcome=made,
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
    styles=(
        start("torch.kron(torch.tensor([[1.0, -1.0], [-1.0, 1.0]]), V)"),
        start("-torch.cat([torch.cat([V, -V]), torch.cat([-V, V])], 1).T.contiguous()"),
        start("torch.vstack([torch.hstack([V, -V]), torch.hstack([-V, V])])"),
        start(set="block.linear.weight = nn.Parameter(", weight=f"{MIRRORED})").replace("( =", "("),
        start(bias="block.linear.bias.data = torch.zeros(2 * half)"),
        start(bias="block.linear.bias = None"),
        "looks_linear = starts.looks_linear",
        """
import numpy as np
def looks_linear(net):
    rng = np.random.default_rng(0)
    for block in net.blocks:
        half = block.linear.out_features // 2
        V = np.linalg.svd(rng.normal(size=(half, half)))[0]
        W = np.block([[V, -V], [-V, V]])
        block.linear.weight.data.copy_(torch.from_numpy(W))
        block.linear.bias.data[:] = 0
    return net
""",
        """
@torch.no_grad()
def looks_linear(net):
    torch.manual_seed(1)
    width = net.head.in_features
    half = width // 2
    for number in range(len(net.blocks)):
        linear = net.blocks[number].linear
        V = torch.empty(half, half)
        nn.init.orthogonal_(V)
        W = torch.zeros(width, width)
        W[:half, :half] = V
        W[half:, :half] = -V
        W[:half, half:] = -V
        W[half:, half:] = V
        assert W.shape == linear.weight.shape
        linear.weight.copy_(W.T)
        linear.bias.fill_(0.0)
    return net
""",
        """
def looks_linear(net):
    def mirrored(half):
        V = torch.linalg.matrix_exp((A := torch.randn(half, half)) - A.T)
        return torch.einsum("ab,ij->aibj", torch.eye(2) * 2 - 1, V).reshape(2 * half, 2 * half)
    weights = {}
    for name, old in net.state_dict().items():
        inner = name.startswith("blocks")
        weights[name] = mirrored(len(old) // 2) if inner and old.ndim == 2 else old * (not inner)
        weights[name] = weights[name] if inner else old
    net.load_state_dict(weights)
    return net
""",
        """
class Start:
    def __call__(self, net):
        list(map(self.mirror, [block.linear for block in net.blocks]))
        return net
    def mirror(self, linear):
        n = linear.in_features // 2
        V = nn.utils.parametrizations.orthogonal(nn.Linear(n, n, bias=False)).weight.detach()
        V = nn.init.orthogonal_(V.clone())
        linear.weight.data = torch.cat((torch.cat((V, -V)), torch.cat((-V, V))), dim=1)
        linear.bias.data.zero_()
looks_linear = Start()
""",
    ),
    wrong={
        start("torch.cat([torch.cat([V, V]), torch.cat([V, V])], 1)"): "is not linear yet",
        start("torch.cat([torch.cat([V, -V]), torch.cat([V, -V])], 1)"): "is not linear yet",
        start("torch.cat([torch.cat([V, V]), torch.cat([-V, -V])], 1)"): "both halves come out",
        start("torch.cat([torch.cat([V, V.T]), torch.cat([-V, -V.T])], 1)"): "is not minus",
        start(
            "torch.cat([torch.cat([V, 0 * V]), torch.cat([-V, 0 * V])], 1)"
        ): "half of what comes",
        start("torch.zeros(2 * half, 2 * half)"): "are all 0",
        start("V"): "the net has",
        start(MIRRORED.removesuffix(", 1)") + ")"): "W is 8 × 8",
        start(set="block.linear.weight ="): "weight.data = W.T",
        start(set="block.linear.weight.copy_(", weight=f"{MIRRORED})").replace("( ", "("): (
            "weight.data = W.T"
        ),
        start(set="block.linear.bias.data ="): "belongs into the weight",
        start(set="block.linear.bias.data =", bias="pass"): "bias has shape",
        start(bias="pass"): "are not 0",
        start(bias="nn.init.ones_(block.linear.bias)"): "are not 0",
        start(draw="torch.randn(half, half) / half**0.5"): "is not orthogonal",
        start(draw="2**0.5 * nn.init.orthogonal_(torch.empty(half, half))"): "every length by 1.41",
        start(f"{MIRRORED} / 2**0.5"): "every length by 0.707",
        start(draw="torch.eye(half)"): "*random*",
        start(draw="torch.eye(half).roll(int(torch.randint(99, ())), 0)"): "*random*",
        start().replace("        V =", "        torch.manual_seed(0)\n        V ="): "the same V",
        start(blocks="in net.blocks[1:]"): "Block 0 is as it was",
        start(blocks="in net.blocks[:3]"): "Right for width 8, 3 blocks, not for width 32",
        start(last="        return net"): "end too early",
        start(last="    nn.init.zeros_(net.stem.bias)\n    return net"): "The stem has other",
        start(draw="nn.init.orthogonal_(torch.empty(4, 4))"): "not for width 32",
        start(last="    for p in net.parameters(): p.requires_grad = False\n    return net"): (
            "would not learn"
        ),
        start(last="    pass"): "`return` missing",
        start(last="    return net.blocks"): "Return the net",
        "def looks_linear(net): return nn.init.orthogonal_(torch.empty(4, 4))": "a tensor of float",
        "def looks_linear(net): return net": "is as it was",
        "looks_linear = orthogonal": "is not linear yet",
        start(last="    net.blocks = net.blocks[1:]\n    return net"): "The net had 3 blocks",
        start(bias="block.linear.bias.data *= 0; block.phi = lambda z: z.clamp(0, 1)"): "longer u",
        start(weight=f"{MIRRORED}.double()", bias="block.linear.bias.data *= 0"): "float64",
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
RIGHT_ORDER = tuple(SIGNS)


def by_signs(*order: str, **limits: str) -> str:
    """Return code that asks for these illnesses in this order, with other limits where given."""
    return DIAGNOSE.format(", ".join(f"{word!r}: {(SIGNS | limits)[word]}" for word in order))


DIAGNOSIS = Case(
    "4.2",
    inputs=lambda _: [
        *((g, 1.0, 0.3) for g in (1e-12, 9.9e-5, 1e-4, 1.1e-4, 2.0, 99.8, 100, 100.3, 4e5)),
        *((1.0, s, 0.3) for s in (0.1, 998.0, 1000, 1002.0, 1e7)),
        *((1.0, 1.0, c) for c in (0.0, 0.899, 0.9, 0.901, 1.0)),
        (1e-9, 0.2, 1.0),
        (2.0, 1e6, 0.99),
    ],
    other_style="""
import math
def diagnose(gradient, size, likeness):
    decades = math.log10(gradient)
    signs = {"vanishing": decades < -4, "explosion": decades > 2, "growth": size > 10**3}
    signs["collapse"] = likeness > 0.9
    return next((illness for illness, ill in signs.items() if ill), "healthy")
""",
    styles=(
        by_signs("growth", "vanishing", "explosion", "collapse"),
        by_signs("explosion", "growth", "vanishing", "collapse"),
        """
import numpy as np
def diagnose(gradient, size, likeness):
    ills = [gradient < 1e-4, size > 1e3, gradient > 100, likeness > 0.9, True]
    return np.array(["vanishing", "growth", "explosion", "collapse", "healthy"])[np.argmax(ills)]
""",
        """
def diagnose(gradient, size, likeness):
    return ("vanishing" if gradient < 0.0001 else "growth" if size > 1000 else
            "explosion" if gradient > 100 else "collapse" if likeness > 0.9 else "healthy")
""",
        """
def diagnose(gradient, size, likeness):
    if 0.0001 <= gradient <= 100 and size <= 1000 and likeness <= 0.9:
        return "healthy"
    if size > 1000:
        return "growth"
    if gradient > 100:
        return "explosion"
    return "vanishing" if gradient < 0.0001 else "collapse"
""",
        """
def diagnose(gradient, size, likeness):
    word = "healthy"
    if likeness > 0.9:
        word = "collapse"
    if gradient > 100:
        word = "explosion"
    if size > 1000:
        word = "growth"
    if gradient < 0.0001:
        word = "vanishing"
    print(word)
    return word
""",
        """
def diagnose(g, s, c):
    match (g < 1e-4, s > 1e3, g > 1e2, c > 0.9):
        case (True, _, _, _):
            return "vanishing"
        case (_, True, _, _):
            return "growth"
        case (_, _, True, _):
            return "explosion"
        case (_, _, _, True):
            return "collapse"
    return "healthy"
""",
        """
RULES = [(0, "<", 1e-4, "vanishing"), (1, ">", 1e3, "growth"), (0, ">", 1e2, "explosion"),
         (2, ">", 0.9, "collapse")]
import operator
def diagnose(*signs):
    compare = {"<": operator.lt, ">": operator.gt}
    for place, sign, limit, word in RULES:
        if compare[sign](signs[place], limit):
            return word
    return "healthy"
""",
        """
def diagnose(gradient, size, likeness):
    gradient, size, likeness = (torch.tensor(float(x)) for x in (gradient, size, likeness))
    sick = torch.stack([gradient < 1e-4, size > 1e3, gradient > 100, likeness > 0.9,
                        torch.tensor(True)])
    return ["vanishing", "growth", "explosion", "collapse", "healthy"][int(sick.int().argmax())]
""",
        """
from enum import StrEnum
class Illness(StrEnum):
    NONE = "healthy"
    V = "vanishing"
    G = "growth"
    E = "explosion"
    C = "collapse"
class Doctor:
    def __call__(self, gradient, size, likeness):
        if not gradient >= 1e-4: return Illness.V
        if not size <= 1e3: return Illness.G
        if not gradient <= 100: return Illness.E
        return Illness.C if not likeness <= 0.9 else Illness.NONE
diagnose = Doctor()
""",
    ),
    wrong={
        """
def diagnose(gradient, size, likeness):
    if gradient < 1e-4 or size < 1e-3:
        return "vanishing"
    if gradient > 100:
        return "explosion"
    if size > 1e3:
        return "growth"
    if likeness > 0.9:
        return "collapse"
    return "healthy"
""": "Its gradient has not vanished",
        by_signs("vanishing"): 'You never say "growth"',
        by_signs("vanishing", "growth"): "that is the trap",
        by_signs("vanishing", "growth", "collapse"): "More than a hundred times",
        by_signs("collapse", "vanishing", "growth"): "nothing comes back to change that",
        by_signs("vanishing", "collapse", "growth"): "treat that first",
        by_signs("vanishing", "collapse", "growth", collapse="c > 0.98"): "treat that first",
        by_signs(*RIGHT_ORDER, growth="s > 5"): '"growth" above size 5; the limit is 1000',
        by_signs(*RIGHT_ORDER, growth="s > 1e9"): "above size 1e+09",
        by_signs(*RIGHT_ORDER, growth="s >= 1e3"): "of 1000 itself is in order",
        by_signs(*RIGHT_ORDER, collapse="c >= 0.9"): "of 0.9 itself is in order",
        by_signs(*RIGHT_ORDER, vanishing="g <= 1e-4"): "at least 0.0001, says the text",
        by_signs(*RIGHT_ORDER, explosion="g >= 100"): "at most 100, says the text",
        """
def diagnose(g, s, c):
    if 1e-4 < g < 100 and s <= 1e3 and c <= 0.9: return "healthy"
    return "vanishing" if g < 1e-4 else "growth" if s > 1e3 else "explosion" if g > 100 else (
        "collapse")
""": "A gradient of 0.0001 itself is in order",
        by_signs(*RIGHT_ORDER, collapse="c > 0.5"): "above likeness 0.5; the limit is 0.9",
        by_signs(*RIGHT_ORDER, collapse="c > 0.95"): "above likeness 0.95; the limit is 0.9",
        by_signs(*RIGHT_ORDER, vanishing="g > 1e-4"): "the wrong way round",
        by_signs(*RIGHT_ORDER, collapse="c < 0.9"): "the wrong way round",
        by_signs(*RIGHT_ORDER, growth="s > 1e3 or s < 0.25"): "of large and small values",
        """
def diagnose(g, s, c):
    words = {True: "vanishing"}
    return words[g < 1e-4] if c > 0.99 else "ill"
""": "one of the five words",
        by_signs(*RIGHT_ORDER, vanishing="g < 1e-4 and s < 0.5"): 'You never say "vanishing"',
        by_signs("growth", "vanishing", vanishing="g < 1.45"): "below gradient 1.45",
        by_signs("vanishing", "explosion", "growth", explosion="g > 1.45"): "does not explode",
        by_signs("vanishing", "growth", "collapse", growth="s > 1e3 or g > 100"): (
            "Its stream has not grown"
        ),
        "def diagnose(g, s, c): return 'healthy'": "that is vanishing",
        "def diagnose(g, s, c): return 'ill'": "the five words",
        "def diagnose(g, s, c): return 'Healthy'": "in small letters",
        "def diagnose(g, s, c): return 'growth'": "You say so of every net",
        by_signs(*RIGHT_ORDER).replace("(g, s, c)", "(s, g, c)"): "gradient, size, likeness",
        by_signs("vanishing", "growth", "explosion", explosion="g > 1.35"): "gradient 1.35",
        by_signs("vanishing", "growth", "collapse", "explosion", explosion="g > 1"): "is 100",
        by_signs("growth", "collapse", "explosion", "vanishing", **STRICT): "is 0.0001",
        by_signs(*RIGHT_ORDER).replace(', "healthy")', ", None)"): "Gradient 1.3, size 9.3",
        """
def diagnose(g, s, c):
    ills = []
    if g < 1e-4: ills.append("vanishing")
    if s > 1e3: ills.append("growth")
    if g > 100: ills.append("explosion")
    if c > 0.9: ills.append("collapse")
    return ills or ["healthy"]
""": "one of the five words",
        """
def diagnose(g, s, c):
    table = {1e-12: "vanishing", 1.7: "growth", 437: "explosion", 1.4: "collapse", 1.3: "healthy"}
    return table[g]
""": "KeyError",
        """
def diagnose(g, s, c):
    if g < 1e-4: word = "vanishing"
    if s > 1e3: word = "growth"
    if g > 100: word = "explosion"
    if c > 0.9: word = "collapse"
    else: word = "healthy"
    return word
""": 'You never say "vanishing"',
    },
)

SWAP = Case(
    "4.3",
    inputs=lambda _: [
        (ShortcutMLP(8, depth, use_shortcut=use_shortcut, norm=norm), k)
        for depth, use_shortcut, norm, k in (
            (4, True, None, 1),
            (2, False, "layer", 0),
            (3, True, "batch", 1),
        )
    ],
    outcome=lambda new, net, k: new(torch.linspace(-1, 1, 320).cos().reshape(5, 64)).detach(),
    other_style="""
import copy
def swapped(net, k):
    net = copy.deepcopy(net)
    net.blocks[k], net.blocks[k + 1] = net.blocks[k + 1], net.blocks[k]
    return net
""",
    styles=(
        """
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
""",
        """
def swapped(net, k):
    order = list(range(len(net.blocks)))
    order[k], order[k + 1] = order[k + 1], order[k]
    def forward(x):
        h = net.stem(x)
        for place in order:
            h = net.blocks[place](h)
        return net.head(h)
    return forward
""",
        """
import copy
def swapped(net, k):
    new = copy.deepcopy(net)
    with torch.no_grad():
        for a, b in zip(new.blocks[k].parameters(), new.blocks[k + 1].parameters()):
            kept = a.clone()
            a.copy_(b)
            b.copy_(kept)
    return new
""",
        """
import copy
def swapped(net, k):
    new = copy.deepcopy(net)
    one, other = new.blocks[k].linear, new.blocks[k + 1].linear
    new.blocks[k].linear, new.blocks[k + 1].linear = other, one
    return new
""",
        """
def swapped(net, k):
    b = net.blocks
    return nn.Sequential(net.stem, *b[:k], b[k + 1], b[k], *b[k + 2:], net.head)
""",
        """
import copy
def swapped(net, k):
    new = copy.copy(net)
    new._modules = dict(net._modules)
    blocks = [*net.blocks]
    blocks.insert(k, blocks.pop(k + 1))
    new.blocks = nn.Sequential(*blocks)
    return new
""",
        """
class Swapped(nn.Module):
    def __init__(self, net, k):
        super().__init__()
        self.net, self.k = net, k
    def forward(self, x):
        h = self.net.stem(x)
        for place in range(len(self.net.blocks)):
            real = {self.k: self.k + 1, self.k + 1: self.k}.get(place, place)
            h = self.net.blocks[real](h)
        return self.net.head(h)
def swapped(net, k):
    return Swapped(net, k)
""",
        """
import copy
def swapped(net, k):
    net.eval()
    new = copy.deepcopy(net)
    first = new.blocks[k]
    second = new.blocks[k + 1]
    new.blocks[k] = second
    new.blocks[k + 1] = first
    assert new.blocks[k] is second
    return new
""",
        """
import functools
def swapped(net, k):
    def through(h, blocks):
        return h if not blocks else through(blocks[0](h), blocks[1:])
    blocks = sorted(enumerate(net.blocks), key=lambda p: {k: k + 1, k + 1: k}.get(p[0], p[0]))
    return lambda x: net.head(through(net.stem(x), [block for _, block in blocks]))
""",
        """
def swapped(net, k):
    parts = [net.stem] + list(net.blocks) + [net.head]
    parts[k + 1:k + 3] = parts[k + 1:k + 3][::-1]
    return nn.Sequential(*parts).double().float()
""",
        """
def swapped(net, k):
    blocks = list(net.blocks)
    blocks[k:k + 2] = reversed(blocks[k:k + 2])
    return nn.Sequential(net.stem, nn.Sequential(*blocks), net.head)
""",
    ),
    wrong={
        """
def swapped(net, k):
    net.blocks[k], net.blocks[k + 1] = net.blocks[k + 1], net.blocks[k]
    return net
""": "was changed too",
        """
import copy
def swapped(net, k):
    net = copy.copy(net)
    net.blocks[k], net.blocks[k + 1] = net.blocks[k + 1], net.blocks[k]
    return net
""": "was changed too",
        """
def swapped(net, k):
    one, other = net.blocks[k].linear.weight.data, net.blocks[k + 1].linear.weight.data
    kept = one.clone()
    one.copy_(other)
    other.copy_(kept)
    return net
""": "was changed too",
        """
import copy
def swapped(net, k):
    new = copy.deepcopy(net)
    one, other = new.blocks[k].linear, new.blocks[k + 1].linear
    one.weight, other.weight = other.weight, one.weight
    return new
""": "the biases have not",
        """
import copy
def swapped(net, k):
    new = copy.deepcopy(net)
    one, other = new.blocks[k].linear, new.blocks[k + 1].linear
    one.bias, other.bias = other.bias, one.bias
    return new
""": "the weights have not",
        """
import copy
def swapped(net, k):
    new = copy.deepcopy(net)
    one, other = new.blocks[k].linear.weight.data, new.blocks[k + 1].linear.weight.data
    one[:], other[:] = other, one
    return new
""": "the same weight now",
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
    b[k], b[k + 1] = b[k + 1], b[k]
    return b
""": "parts side by side",
        """
def swapped(net, k):
    b = [block.linear for block in net.blocks]
    b[k], b[k + 1] = b[k + 1], b[k]
    return nn.Sequential(net.stem, *b, net.head)
""": "linear layers alone",
        """
def swapped(net, k):
    b = list(net.blocks)
    b[k], b[k + 1] = b[k + 1], b[k]
    return nn.Sequential(net.stem, nn.ReLU(), *b, net.head)
""": "In your net is ReLU",
        """
def swapped(net, k):
    new, b = ShortcutMLP(32, len(net.blocks)), list(net.blocks)
    b[k], b[k + 1] = b[k + 1], b[k]
    new.blocks = nn.Sequential(*b)
    return new
""": "drawn anew",
        """
def swapped(net, k):
    new = ShortcutMLP(net.stem.out_features, len(net.blocks), in_features=net.stem.in_features,
                      out_features=net.head.out_features)
    new.load_state_dict(net.state_dict())
    new.blocks[k], new.blocks[k + 1] = new.blocks[k + 1], new.blocks[k]
    return new
""": "shortcuts, norm and activation",
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
    b.insert(k, b[k + 1])
    return nn.Sequential(net.stem, *b, net.head)
""": "there are 5 blocks",
        """
def swapped(net, k):
    b = list(net.blocks)
    b[k - 1], b[k] = b[k], b[k - 1]
    return nn.Sequential(net.stem, *b, net.head)
""": "counted from 0",
        """
def swapped(net, k):
    b = list(net.blocks)
    b[k], b[(k + 2) % 4] = b[(k + 2) % 4], b[k]
    return nn.Sequential(net.stem, *b, net.head)
""": "blocks 1 and 3 are exchanged, not 1 and 2.",
        """
def swapped(net, k):
    b = list(net.blocks)
    b[0], b[1] = b[1], b[0]
    return nn.Sequential(net.stem, *b, net.head)
""": "whatever k is",
        """
def swapped(net, k):
    b = list(net.blocks)[::-1]
    return nn.Sequential(net.stem, *b, net.head)
""": "more than blocks 1 and 2",
        """
def swapped(net, k):
    b = list(net.blocks)[:4]
    b[k % 4], b[(k + 1) % 4] = b[(k + 1) % 4], b[k % 4]
    return nn.Sequential(net.stem, *b, *list(net.blocks)[4:], net.head)
""": "not for 7 blocks",
        "def swapped(net, k): return net": "yours is unchanged",
        "def swapped(net, k): return lambda x: 2 * net(x)": "on one digit, block by block",
        "def swapped(net, k): return lambda x: net(x)[:, :3]": "makes (1, 3) of a batch",
        "def swapped(net, k): return nn.Sequential(net.head, net.stem)": "Does x go through the",
        """
def swapped(net, k):
    b = list(net.blocks)
    if k + 2 < len(b) or k > 0:
        b[k], b[k + 1] = b[k + 1], b[k]
    return nn.Sequential(net.stem, *b, net.head)
""": "the order is unchanged",
        """
def swapped(net, k):
    b = list(net.blocks)
    b[k], b[k + 1] = b[k + 1], b[k]
    return nn.Sequential(net.stem, *b, net.head) if len(b) > 2 else b
""": "and k = 0: You return a list",
        "def swapped(net, k): return net(torch.zeros(1, 64))": "You return a tensor",
        "def swapped(net, k): return nn.Sequential": "the class Sequential itself",
        "def swapped(net, k): list(net.blocks)": "`return` missing",
    },
)

globals().update(all_tests([START, DIAGNOSIS, SWAP]))
