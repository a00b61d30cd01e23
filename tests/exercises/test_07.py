"""Exercises of notebook 07: what each wrong answer is told."""

from functools import partial

import torch
from exercises.exercise import Case, all_tests
from torch import nn
from torch.nn.functional import layer_norm

from lecture_utils.models import FeedForward, SelfAttention


def blocks(_):
    """Tokens and a block's four parts, three times."""
    made = []
    for batch, time, dim in ((2, 3, 4), (1, 5, 8), (4, 4, 4)):
        parts = SelfAttention(dim, 2), FeedForward(dim, 6), nn.LayerNorm(dim), nn.LayerNorm(dim)
        for norm in parts[2:]:
            nn.init.normal_(norm.weight)
        made.append((torch.randn(batch, time, dim) + 1, *parts))
    return made


BLOCK = "def pre_norm_block(x, attention, feed_forward, norm_1, norm_2):\n    {}\n    return {}"
PLACE = Case(
    "7.1",
    other_style="""
def pre_norm_block(x, attention, feed_forward, norm_1, norm_2):
    stream = x.clone()
    for branch, norm in ((attention, norm_1), (feed_forward, norm_2)):
        stream = torch.add(branch(norm(stream)), stream)
    return stream
""",
    styles=(
        "pre_norm_block = lambda x, a, f, n, m: (h := x + a(n(x))) + f(m(h))",
        """
def pre_norm_block(x, attention, feed_forward, norm_1, norm_2):
    middle = attention(norm_1(x)) + x
    return feed_forward(norm_2(middle)) + middle
""",
        """
def pre_norm_block(x, attention, feed_forward, norm_1, norm_2):
    assert x.ndim == 3 and isinstance(x, torch.Tensor)
    batch, time, dim = x.shape
    shortcut = x
    x = norm_1(x)
    x = attention(x)
    x = shortcut + x
    shortcut = x
    x = norm_2(x)
    x = feed_forward(x)
    x = shortcut + x
    assert x.shape == (batch, time, dim)
    print(x.mean())
    return x
""",
        """
def pre_norm_block(x, attention, feed_forward, norm_1, norm_2):
    y = x.clone()
    y += attention(norm_1(y))
    y += feed_forward(norm_2(y))
    return y
""",
        """
import functools
def pre_norm_block(x, attention, feed_forward, norm_1, norm_2):
    pairs = [(attention, norm_1), (feed_forward, norm_2)]
    return functools.reduce(lambda h, pair: h + pair[0](pair[1](h)), pairs, x)
""",
        """
def pre_norm_block(x, attention, feed_forward, norm_1, norm_2):
    none = lambda h: h
    x = sublayer(x, attention, norm_1, none, none)
    return sublayer(x, feed_forward, norm_2, none, none)
""",
        """
def step(h, *parts):
    if not parts:
        return h
    branch, norm, *rest = parts
    return step(torch.stack([h, branch(norm(h))]).sum(0), *rest)
def pre_norm_block(x, attention, feed_forward, norm_1, norm_2):
    return step(x, attention, norm_1, feed_forward, norm_2)
""",
        """
class Block:
    def __call__(self, h, att, ff, n1, n2):
        update_1 = att(n1(h))
        update_2 = ff(n2(h + update_1))
        return h + update_1 + update_2
pre_norm_block = Block()
""",
        """
class Block(nn.Module):
    def forward(self, x, attention, feed_forward, norm_1, norm_2):
        x = x + nn.Sequential(norm_1, attention)(x)
        return x + nn.Sequential(norm_2, feed_forward)(x)
pre_norm_block = Block()
""",
        """
def pre_norm_block(x, attention, feed_forward, norm_1, norm_2):
    x = x.add(attention(norm_1(x)))
    return x.double() + feed_forward(norm_2(x)).double()
""",
    ),
    inputs=blocks,
    wrong={
        BLOCK.format("x = norm_1(x + attention(x))", "norm_2(x + feed_forward(x))"): "post-norm",
        BLOCK.format(
            "x = norm_1(x); x = norm_2(x + attention(x))", "x + feed_forward(x)"
        ): "behind the norm",
        BLOCK.format("n = norm_1(x); x = n + attention(n)", "x + feed_forward(norm_2(x))"): (
            "behind the norm"
        ),
        BLOCK.format("x = x + norm_1(attention(x))", "x + norm_2(feed_forward(x))"): "OLMo 2",
        BLOCK.format("pass", "x + attention(norm_1(x)) + feed_forward(norm_2(x))"): "GPT-J",
        BLOCK.format("h = x + attention(norm_1(x))", "x + feed_forward(norm_2(h))"): "is lost",
        BLOCK.format("x = attention(norm_1(x))", "x + feed_forward(norm_2(x))"): (
            "around attention is missing"
        ),
        BLOCK.format("x = x + attention(norm_1(x))", "feed_forward(norm_2(x))"): (
            "around feed-forward is missing"
        ),
        BLOCK.format("x = attention(norm_1(x))", "feed_forward(norm_2(x))"): "Both shortcuts",
        BLOCK.format("x = x + attention(norm_1(x))", "x + feed_forward(norm_1(x))"): "used twice",
        BLOCK.format("x = x + attention(norm_1(x))", "x + feed_forward(x)"): "norm_2 is not used",
        BLOCK.format("x = x + attention(x)", "x + feed_forward(norm_2(x))"): "norm_1 is not used",
        BLOCK.format("x = x + attention(norm_1(x))", "norm_2(x + feed_forward(x))"): "half pre",
        BLOCK.format("x = x + feed_forward(norm_2(x))", "x + attention(norm_1(x))"): "comes first",
        BLOCK.format("x += attention(norm_1(x))", "x + feed_forward(norm_2(x))"): "in place",
        BLOCK.format("pass", "x + attention(norm_1(x))"): "Feed-forward is missing",
        BLOCK.format(
            "a = attention(norm_1(x)); h = x + a", "h + feed_forward(norm_2(a))"
        ): "reads attention's output alone",
        BLOCK.format("a = attention(norm_1(x))", "x + feed_forward(norm_2(a))"): (
            "never reaches the stream"
        ),
        BLOCK.format("pass", "x"): "`attention` is not used",
        BLOCK.format("x = attention(norm_1(x)); x = x + x", "feed_forward(norm_2(x)) + x"): (
            "Attention's update is in the stream 2 times"
        ),
        BLOCK.format("x = x + attention(norm_1(x)); x = x + x", "x + feed_forward(norm_2(x))"): (
            "The stream x is in the result 2 times"
        ),
        BLOCK.format("h = x + attention(norm_2(x))", "h + feed_forward(norm_1(h))"): "exchanged",
        BLOCK.format(
            "n = norm_1(x); a = attention(n)", "x + a + feed_forward(norm_2(n + a))"
        ): "One norm reads the other",
        BLOCK.format(
            "h = x + norm_1(attention(norm_1(x)))", "h + norm_2(feed_forward(norm_2(h)))"
        ): "That is the sandwich",
        BLOCK.format("h = x - attention(norm_1(x))", "h + feed_forward(norm_2(h))"): "subtracted",
        BLOCK.format("h = (x + attention(norm_1(x))) / 2", "h + feed_forward(norm_2(h))"): (
            "Only 0.5 of the stream"
        ),
        BLOCK.format("h = x + attention(norm_1(x))", "h + attention(norm_2(h))"): (
            "`feed_forward` is not used"
        ),
        BLOCK.format(
            "h = x + attention(layer_norm(x, x.shape[-1:]))", "h + feed_forward(norm_2(h))"
        ): "`norm_1` is never called",
        BLOCK.format("h = x + attention(norm_1(x)).relu()", "h + feed_forward(norm_2(h))"): (
            "`norm_2` must read the stream after the first sum"
        ),
        BLOCK.format("h = x + attention(norm_1(x))", "h * feed_forward(norm_2(h))"): (
            "wrong is the last sum"
        ),
        BLOCK.format(
            "h = x + attention(norm_1(x.mT.mT.transpose(0, 1))).transpose(0, 1)",
            "h + feed_forward(norm_2(h))",
        ): "`norm_1` must read the block's input",
        BLOCK.format("h = x + norm_1(attention)", "h"): "must be Tensor, not SelfAttention",
        BLOCK.format("a = attention(norm_1(x)); f = feed_forward(norm_2(a))", "x + a + f + a"): (
            "`x + 2 attention(norm_1(x)) + feed_forward(norm_2(attention(norm_1(x))))`"
        ),
    },
)

FIND = """
def normalised(y):
    return {normal}

def placement(f, x):
    {first}
    y = f(x)
    if normalised({sum}):
        return "post"
    entrance = {entrance}
    if normalised({update}):
        return "sandwich" if entrance else "output"
    return "pre" if entrance else "none"
"""
RIGHT = {
    "normal": "y.mean(-1).abs().max() < 0.01 and (y.square().mean(-1) - 1).abs().max() < 0.01",
    "first": "x = 3 * x + 1",
    "sum": "y",
    "entrance": "torch.allclose(f(x + 5) - 5, y, atol=1e-5)",
    "update": "y - x",
}


GIVEN = """
def normalised(y):
    return y.mean(-1).abs().max() < 0.01 and (y.square().mean(-1) - 1).abs().max() < 0.01
"""


def sealed(space):
    """Sublayers of all five kinds, with a strong branch and a weak one, and tokens."""
    made = []
    for strength, dim in ((1.0, 16), (1e-3, 16), (1.0, 40)):
        W, V = torch.randn(2, dim, dim).double() / dim**0.5
        norm, none = lambda h: layer_norm(h, h.shape[-1:]), lambda h: h
        norms = {"pre": (norm, none, none), "post": (none, none, norm), "none": (none,) * 3}
        if strength == 1.0:
            norms |= {"sandwich": (norm, norm, none), "output": (none, norm, none)}
        for kind in norms.values():
            for x in (norm(torch.randn(6, dim)), 2 * torch.randn(6, dim), torch.randn(1, dim)):
                f = partial(_wired, space["sublayer"], W, strength * V, kind)
                made.append((f, x.double()))
    return made


def _wired(sublayer, W, V, norms, x):
    return sublayer(x.double(), lambda h: torch.tanh(h @ W + 0.3) @ V, *norms).to(x.dtype)


def find(**parts):
    return FIND.format(**RIGHT | parts)


SEALED = Case(
    "7.2",
    other_style="""
def placement(f, x):
    x = torch.randn(len(x), x.shape[-1], dtype=x.dtype) * torch.arange(1, len(x) + 1)[:, None] + 2
    update = lambda h: f(h) - h
    def unit(h):
        return torch.allclose(torch.nn.functional.layer_norm(h, h.shape[-1:]), h, atol=0.01)
    inside = (update(x + 100) - update(x)).abs().max() < 1e-6
    where = {(False, False): "none", (True, False): "pre",
             (True, True): "sandwich", (False, True): "output"}
    return "post" if unit(f(x)) else where[bool(inside), unit(update(x))]
""",
    styles=(
        f"""
{GIVEN}

def normalised(y):  # mean 0 and mean square 1 in each token
    return y.mean(-1).abs().max() < 0.01 and (y.square().mean(-1) - 1).abs().max() < 0.01


def placement(f, x):
    def update(tokens):
        return f(tokens) - tokens

    if normalised(f(x)):
        return "post"
    shifted = x + 5 * torch.arange(1, len(x) + 1, dtype=x.dtype)[:, None]
    first, second = update(x), update(shifted)
    hidden = torch.allclose(first, second, rtol=0, atol=0.01 * float(first.abs().max()))
    names = [["none", "output"], ["pre", "sandwich"]]
    return names[int(hidden)][int(normalised(first))]
""",
        f"""
{GIVEN}

def normalised(y):  # mean 0 and mean square 1 in each token
    return y.mean(-1).abs().max() < 0.01 and (y.square().mean(-1) - 1).abs().max() < 0.01


def placement(f, x):
    if normalised(f(x)):
        return "post"
    z = 3 * x + 2                      # a norm at the entrance sees no difference
    y, y2 = f(x) - x, f(z) - z         # the updates
    same = (y - y2).norm() < 0.01 * y.norm()
    if normalised(y):
        return "sandwich" if same else "output"
    return "pre" if same else "none"
""",
        f"""{GIVEN}
def placement(f, x):
    x = torch.randn(x.shape) * 4 - 2
    inside = torch.allclose(f(x - 3) + 3, f(x), atol=1e-4)
    if normalised(f(x)):
        return "post"
    elif inside and normalised(f(x) - x):
        return "sandwich"
    elif inside:
        return "pre"
    elif normalised(f(x) - x):
        return "output"
    else:
        return "none"
""",
        f"""{GIVEN}
def placement(f, x):
    x = 3 * x + 1
    update = lambda h: f(h) - h
    if normalised(f(x)): return "post"
    key = torch.allclose(update(x), update(x + 2.5), atol=1e-4), bool(normalised(update(x)))
    return dict(zip([(0, 0), (1, 0), (1, 1), (0, 1)], ["none", "pre", "sandwich", "output"]))[key]
""",
        f"""{GIVEN}
def placement(f, x):
    x = 3 * x + 1
    if normalised(f(x)): return "post"
    far = x + torch.arange(1, 1 + len(x))[:, None]
    entrance = (f(far) - far).sub(f(x) - x).abs().max() < 1e-4
    out = normalised(f(x) - x)
    return (("none", "output"), ("pre", "sandwich"))[int(entrance)][int(out)]
""",
        f"""{GIVEN}
def placement(f, x):
    x = (3 * x + 1).requires_grad_(True)
    y = f(x)
    if normalised(y): return "post"
    v = torch.randn_like(x)
    g, = torch.autograd.grad(((y - x) * v).sum(), x)
    entrance = (g.sum(-1).abs() < 1e-4 * (1 + g.abs().sum(-1))).all()
    exit = normalised(y - x)
    return "sandwich" if entrance and exit else "pre" if entrance else "output" if exit else "none"
""",
        """
import numpy as np
def placement(f, x):
    x = 3 * x + 1
    def unit(y):
        y = y.numpy()
        return np.allclose(y.mean(-1), 0, atol=0.01) and np.allclose((y**2).mean(-1), 1, atol=0.01)
    if unit(f(x)): return np.str_("post")
    entrance = np.allclose((f(x + 5) - 5).numpy(), f(x).numpy(), atol=1e-3)
    return {(True, True): "sandwich", (True, False): "pre", (False, True): "output"}.get(
        (entrance, unit(f(x) - x)), "none")
""",
        f"""{GIVEN}
class Placement:
    def __call__(self, f, x):
        self.f, self.x = f, 2 * torch.randn(*x.shape, dtype=x.dtype) + 1
        if normalised(f(self.x)): return "post"
        return ["none", "pre", "output", "sandwich"][self.entrance() + 2 * self.exit()]
    def update(self, shift=0.0):
        return self.f(self.x + shift) - (self.x + shift)
    def entrance(self):
        return bool(torch.isclose(self.update(), self.update(4.0), atol=1e-4).all())
    def exit(self):
        return bool(normalised(self.update()))
placement = Placement()
""",
        f"""{GIVEN}
def placement(f, x):
    h = x.clone()
    for row in range(len(h)):
        h[row] = h[row] * (row + 2) + row
    results = []
    for shift in (0.0, 1.0, -2.0):
        results.append(f(h + shift) - (h + shift))
    same = all((r - results[0]).abs().max() < 1e-3 for r in results[1:])
    print(same, normalised(results[0]))
    if normalised(f(h)): return "post"
    if same and normalised(results[0]): return "sandwich"
    if same: return "pre"
    if normalised(results[0]): return "output"
    return "none"
""",
        f"""{GIVEN}
def placement(f, x):
    dim = x.shape[-1]
    norm = nn.LayerNorm(dim).requires_grad_(False)
    x = 3 * x.float() + 1
    if torch.allclose(norm(f(x)), f(x), atol=0.01): return "post"
    exit = torch.allclose(norm(f(x) - x), f(x) - x, atol=0.01)
    entrance = torch.allclose(f(norm(x)) - norm(x), f(x) - x, atol=1e-3)
    return ("sandwich" if exit else "pre") if entrance else ("output" if exit else "none")
""",
        f"""{GIVEN}
def placement(f, x):
    x = 3 * x + 1
    if normalised(f(x)): return "post"
    one = x.clone()
    one[0] += 5
    entrance = torch.allclose((f(one) - one), f(x) - x, atol=1e-4)
    return ["none", "pre", "output", "sandwich"][entrance + 2 * bool(normalised(f(x) - x))]
""",
    ),
    inputs=sealed,
    wrong={
        find(entrance="torch.allclose(f(2 * x) - 2 * x, y - x, atol=1e-5)"): "the branch is linear",
        find(normal="y.mean(-1).abs().max() < 0.01"): "has mean 0, but not mean square 1",
        find(entrance="torch.allclose(f(x + 5), y, atol=1e-5)"): "Then the *update* stays",
        find(sum="0 * y"): "Only a norm after the sum",
        find(sum="layer_norm(y, y.shape[-1:])"): "was not normalised. What was",
        find(entrance="True"): "one input only",
        find(entrance="False"): "one input only",
        find(update="0 * y"): "a norm at the exit",
        find(first="x *= 3; x += 1"): "changes `x` in place",
        "def placement(f, x): return 'peri'": "Return one of",
        "def placement(f, x): return 2": "Return one of",
        "def placement(f, x): return 'pre'": "never calls f",
        "def placement(f, x): return 'pre' if f(x).any() else 'none'": "for every sublayer",
        "def placement(f, x): f(x)": "`return` missing",
        find(entrance="normalised(x)"): "You call f on one input only",
        find(entrance="(f(x + 5) - 5 == y).all()"): "up to rounding",
        find(entrance="torch.allclose(f(x + 5) - 5, y, atol=1.0)"): "where the tokens are long",
        find(entrance="not torch.allclose(f(x + 5) - 5, y, atol=1e-5)"): "names are exchanged",
        find(first="x = torch.randn(5, 16)"): "where there are seven tokens",
        find(entrance="torch.allclose(f(x + torch.eye(*x.shape)), y, atol=1e-5)"): "does such a",
    },
)

globals().update(all_tests([PLACE, SEALED]))
