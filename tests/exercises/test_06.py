"""Exercises of notebook 06: what each wrong answer is told."""

import torch
from exercises.exercise import Case, all_tests
from torch import nn

from lecture_utils.models import BertLayer

ATTENTION = """
def attention(x, W_Q, W_K, W_V, padding):
    Q, K, V = x @ W_Q, x @ W_K, x @ W_V
    scores = Q @ K.mT / K.shape[-1] ** 0.5
    scores = scores.masked_fill(padding[:, None, :], -torch.inf)
    return scores.softmax(dim=-1) @ V
"""
SCORES, MASK = "Q @ K.mT / K.shape[-1] ** 0.5", "padding[:, None, :]"
HIDDEN = f"scores.masked_fill({MASK}, -torch.inf)"
WEIGHTS = "scores.softmax(dim=-1)"


def but(old: str, new: str) -> str:
    """Return the solution's code with one part replaced."""
    assert old in ATTENTION
    return ATTENTION.replace(old, new)


def heads(_):
    """Tokens, three matrices, and a mask, for samples with padding and without."""
    made = []
    for batch, time, d, d_h, words in ((2, 4, 6, 3, (4, 2)), (1, 3, 2, 5, (3,)),
                                       (3, 3, 3, 3, (1, 3, 2))):  # fmt: skip
        W = torch.randn(3, d, d_h) / d**0.5
        padding = torch.arange(time) >= torch.tensor(words)[:, None]
        made.append((torch.randn(batch, time, d), *W, padding))
    return made


HEAD = Case(
    "6.1",
    inputs=heads,
    outcome=lambda result, x, q, k, v, padding: result.masked_fill(
        padding[..., None] & ~result.isnan(), 0
    ),
    other_style="""
import math
def attention(x, W_Q, W_K, W_V, padding):
    out = torch.zeros(*x.shape[:2], W_V.shape[1])
    for n, sample in enumerate(x):
        q, k, v = (sample @ W for W in (W_Q, W_K, W_V))
        for i in range(len(sample)):
            e = torch.tensor([math.exp(min(80, float(q[i] @ k[j]) / math.sqrt(k.shape[1])
                              - max(float(q[i] @ k[m]) / math.sqrt(k.shape[1])
                                    for m in range(len(sample)) if not padding[n, m])))
                              if not padding[n, j] else 0.0 for j in range(len(sample))])
            out[n, i] = e / e.sum() @ v
    return out
""",
    styles=(
        """
def attention(x, W_Q, W_K, W_V, padding):
    q, k, v = (torch.einsum("btd,dh->bth", x, W) for W in (W_Q, W_K, W_V))
    scores = torch.einsum("bqh,bkh->bqk", q, k).div(W_Q.size(1) ** 0.5)
    hide = torch.where(padding, -1e9, 0.0)[:, None, :]
    weights = torch.softmax(scores + hide, -1)
    return torch.einsum("bqk,bkh->bqh", weights, v)
""",
        """
def attention(x, W_Q, W_K, W_V, padding):
    Q, K, V = x.double() @ W_Q.double(), x.double() @ W_K.double(), x.double() @ W_V.double()
    scores = (Q / W_K.shape[1] ** 0.5) @ K.transpose(1, 2)
    best = scores.masked_fill(padding[:, None], -torch.inf).amax(-1, keepdim=True)
    e = (scores - best).exp() * ~padding[:, None]
    return (e / e.sum(-1, keepdim=True)) @ V * ~padding[..., None]
""",
        """
from torch.nn.functional import softmax
def attention(x, W_Q, W_K, W_V, padding):
    s = (x @ W_Q) @ (x @ W_K).transpose(-2, -1) / W_Q.shape[-1] ** 0.5
    m = padding.unsqueeze(1)
    return softmax(s.masked_fill(m, float("-inf")).float(), -1).type_as(s) @ (x @ W_V)
""",
        """
def attention(x, W_Q, W_K, W_V, padding):
    Q, K, V = x @ W_Q, x @ W_K, x @ W_V
    e = (Q @ K.mT / K.shape[-1] ** 0.5).exp() * (1 - padding[:, None, :].float())
    return e @ V / e.sum(-1, keepdim=True)
""",
        """
import numpy as np
def attention(x, W_Q, W_K, W_V, padding):
    x, W_Q, W_K, W_V, padding = (a.numpy() for a in (x, W_Q, W_K, W_V, padding))
    scores = (x @ W_Q) @ (x @ W_K).swapaxes(1, 2) / np.sqrt(W_Q.shape[1])
    scores = np.where(padding[:, None, :], -np.inf, scores)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ (x @ W_V)
""",
        """
def attention(x, W_Q, W_K, W_V, padding):
    out = []
    for sample, hidden in zip(x, padding):
        words = sample[~hidden]
        scores = (sample @ W_Q) @ (words @ W_K).T / W_K.shape[1] ** 0.5
        out.append(torch.softmax(scores, dim=1) @ (words @ W_V))
    return torch.stack(out)
""",
        """
def attention(x, W_Q, W_K, W_V, padding):
    batch, time, d = x.shape
    assert padding.shape == (batch, time) and padding.dtype == torch.bool
    mask = padding.unsqueeze(1).expand(batch, time, time)
    queries = torch.matmul(x, W_Q)
    keys = torch.matmul(x, W_K)
    values = torch.matmul(x, W_V)
    scores = torch.bmm(queries, keys.permute(0, 2, 1))
    scores *= queries.size(-1) ** -0.5
    scores[mask] = torch.finfo(scores.dtype).min
    print(scores.shape)
    weights = nn.Softmax(dim=2)(scores)
    return torch.bmm(weights, values)
""",
        """
def attention(tokens, queries, keys, values, hidden, eps=0.0):
    def one(x, hide):
        scores = (x @ queries) @ (x @ keys).T / queries.shape[1] ** 0.5
        return scores.masked_fill(hide, -1e4).softmax(-1) @ (x @ values)
    return torch.func.vmap(one)(tokens, hidden)
""",
        """
class Head(nn.Module):
    def forward(self, x, W_Q, W_K, W_V, padding):
        Q, K, V = x @ W_Q, x @ W_K, x @ W_V
        bias = torch.zeros(padding.shape).masked_fill(padding, -torch.inf)[:, None]
        scores = torch.baddbmm(bias.expand(-1, x.shape[1], -1), Q, K.mT, alpha=Q.shape[-1] ** -0.5)
        return scores.log_softmax(-1).exp() @ V
attention = Head()
""",
        """
def attention(x, W_Q, W_K, W_V, padding):
    K, V = x @ W_K, x @ W_V
    rows = []
    for i in range(x.shape[1]):
        q = x[:, i] @ W_Q
        scores = (K * q[:, None]).sum(-1) / K.shape[-1] ** 0.5
        weights = scores.masked_fill(padding, -torch.inf).softmax(-1)
        rows.append((weights[..., None] * V).sum(1))
    return torch.stack(rows, 1)
""",
        """
def attention(x, W_Q, W_K, W_V, padding):
    Q, K, V = x @ W_Q, x @ W_K, x @ W_V
    weights = (Q @ K.mT / K.shape[-1] ** 0.5).softmax(-1) * ~padding[:, None]
    return weights / weights.sum(-1, keepdim=True) @ V
""",
    ),
    wrong={
        but(SCORES, "Q @ K.mT"): "The root of d_h is missing",
        but(SCORES, "Q @ K.mT / K.shape[-1]"): "its root is meant",
        but(SCORES, "Q @ K.mT / x.shape[-1] ** 0.5"): "the root of d, a token's width",
        but(SCORES, "Q @ K.mT * K.shape[-1] ** 0.5"): "You multiply",
        but(SCORES, "Q @ K.mT / x.shape[1] ** 0.5"): "number of tokens",
        but(SCORES, "K @ Q.mT / K.shape[-1] ** 0.5"): "Rows and columns are exchanged",
        but(SCORES, "Q @ K.T / K.shape[-1] ** 0.5"): "`K.mT` only the last two",
        but(SCORES, "Q @ K / K.shape[-1] ** 0.5"): "the transpose",
        but("softmax(dim=-1)", "softmax(dim=1)"): "over the queries",
        but("softmax(dim=-1)", "softmax(dim=0)"): "over the samples",
        but(".softmax(dim=-1)", ""): "softmax is missing",
        but(f"return {WEIGHTS}", "return Q.shape[-1] ** -0.5 * (scores * Q.shape[-1] ** 0.5)"
            ".softmax(dim=-1)"): "before the softmax",
        but("@ V\n", "@ K\n"): "average the keys",
        but("@ V\n", "@ Q\n"): "average the queries",
        but("@ V\n", "@ x\n"): "has shape",
        but(" @ V\n", "\n"): "You return the weights",
        but(f"scores = {HIDDEN}", HIDDEN): "returns a new tensor",
        but(MASK, "~padding[:, None, :]"): "wrong way round",
        but("-torch.inf", "0"): "A score of 0 is not a weight of 0",
        but("-torch.inf", "-10"): "lower than any score",
        but(MASK, "padding[:, :, None]"): "do not hide the padding's own rows",
        but(MASK, "padding"): "an axis for the queries",
        but(f"    scores = {HIDDEN}\n    return {WEIGHTS} @ V",
            f"    return {WEIGHTS}.masked_fill({MASK}, 0) @ V"): "after the softmax",
        but(f"{MASK}, -torch.inf", "padding[:, :, None], -1e9"): "the padding's columns",
        but("Q, K, V =", "x *= 1.5\n    Q, K, V ="): "changes `x` in place",
        but(MASK, "padding[:1, None, :]"): "each has its own",
        but("x @ W_K", "torch.relu(x @ W_K)"): "look at Q, K and the scores",
        "def attention(x, W_Q, W_K, W_V, padding):\n"
        "    return scaled_dot_product_attention(x @ W_Q, x @ W_K, x @ W_V)": "formula itself",
        but("return ", "y = "): "`return` missing",
        but("K.shape[-1] ** 0.5", "2"): "a fixed number",
        but("K.shape[-1] ** 0.5", "x.shape[0] ** 0.5"): "number of samples",
        but("Q @ K.mT", "Q @ Q.mT"): "Queries are compared with queries",
        but("Q @ K.mT", "K @ K.mT"): "Keys are compared with keys",
        but("Q @ K.mT", "x @ x.mT"): "tokens themselves",
        but(".softmax(dim=-1)", ".softmax(dim=-1).softmax(dim=-1)"): "taken twice",
        but(WEIGHTS, "scores.sigmoid()"): "weighs each score alone",
        but(WEIGHTS, "(scores / scores.sum(-1, keepdim=True))"): "divided by the sum of its row",
        but(WEIGHTS, "scores.softmax(dim=-1).mT"): "rows and columns are exchanged",
        but("@ V\n", "@ V + V\n"): "added once more",
        but(HIDDEN, f"{HIDDEN}.tril()"): "look at Q, K and the scores",
        but(MASK, "padding.any(0)"): "each sample has its own mask",
        but(HIDDEN, "scores + padding[:, None, :]"): "You add the mask",
        but("-torch.inf", "torch.inf"): "does +∞ stand",
        but("-torch.inf", "-30"): "lower than any score",
        "def attention(x, W_Q, W_K, W_V, padding):\n"
        "    layer = SelfAttention(x.shape[-1], 1)\n    return layer(x, padding)": "formula itself",
        but(SCORES, "Q @ K.mT").replace("@ V\n", "@ K\n"): "Two things",
        but("x @ W_K, x @ W_V", "x @ W_V, x @ W_K"): "made with W_Q, W_V, W_K",
    },
)  # fmt: skip

LEAKS = """
def leaks_across_batch(layer, x):
    {}
    before = layer(x)
    for n in {}:
        changed = x.clone()
        changed[n] = {}
        others = {}
        if not torch.allclose(layer(changed)[others], before[others], atol={}):
            return True
    return False
"""
ALL, RANDOM, OTHERS = (
    "range(len(x))",
    "torch.randn_like(x[n])",
    "[m for m in range(len(x)) if m != n]",
)


class Leak(nn.Module):
    """One sample reads a part of another one."""

    def __init__(self, reader, read, strength=0.5):
        super().__init__()
        self.reader, self.read, self.strength = reader, read, strength

    def forward(self, x):
        y = x.clone()
        y[self.reader] += self.strength * nn.functional.layer_norm(x[self.read], x.shape[-1:])
        return y


def layers(_):
    """Healthy layers and leaking ones, each with a batch."""
    four = [BertLayer(8, 16, 2, dropout=p).train() for p in (0.0, 0.5)]
    four += [Leak(3, 0), Leak(0, 3), Leak(1, 2, 0.01)]
    batches = [(layer, torch.randn(4, 5, 8)) for layer in four]
    return [*batches, (Leak(1, 0), torch.randn(2, 3, 8)), (Leak(4, 2), torch.randn(5, 3, 8))]


BATCH = Case(
    "6.2",
    inputs=layers,
    outcome=lambda found, *given: bool(found),
    other_style="""
def leaks_across_batch(layer, x):
    layer = layer.eval()
    y = layer(x)
    seen = []
    for n in range(x.shape[0]):
        z = x.clone(); z[n] += 3 * torch.randn(x[n].shape)
        seen += [(layer(z)[m] - y[m]).abs().max() > 1e-5 for m in range(len(x)) if m != n]
    return any(seen)
""",
    styles=(
        LEAKS.format("layer.eval()", ALL, RANDOM, OTHERS, 1e-5).replace(
            "return False", "import numpy as np; return np.bool_(False)"
        ),
        """
import numpy as np
def leaks_across_batch(layer, x):
    layer.eval()
    with torch.no_grad():
        before = layer(x).numpy()
        moved = []
        for n in range(len(x)):
            changed = x.numpy().copy()
            changed[n] = np.random.randn(*changed[n].shape)
            after = layer(torch.from_numpy(changed)).numpy()
            moved.append(np.abs(np.delete(after - before, n, axis=0)).max())
    return np.any(np.array(moved) > 1e-5)
""",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    alone = torch.cat([layer(sample[None]) for sample in x])
    return not torch.allclose(alone, layer(x), atol=1e-4)
""",
        """
import copy
def leaks_across_batch(layer, x):
    layer = copy.deepcopy(layer).eval()
    other = torch.randn_like(x)
    for n in range(len(x)):
        mixed = torch.cat([x[:n], other[n:n + 1], x[n + 1:]])
        difference = (layer(mixed) - layer(x)).abs().flatten(1).amax(1)
        difference[n] = 0
        if difference.max() > 1e-5:
            return True
    return False
""",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    for n in range(len(x)):
        kept = torch.randn_like(x)
        kept[n] = x[n]
        if not torch.allclose(layer(kept)[n], layer(x)[n], atol=1e-5):
            return True
    return False
""",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    for n in range(len(x)):
        z = x.clone().requires_grad_(True)
        y = layer(z)[n]
        g, = torch.autograd.grad((y * torch.randn_like(y)).sum(), z)
        if g[[m for m in range(len(x)) if m != n]].abs().max() > 1e-6:
            return True
    return False
""",
        """
def leaks_across_batch(layer, x):
    layer.train(False)
    batch = x.shape[0]
    J = torch.autograd.functional.jacobian(layer, x)
    J = J.abs().amax((1, 2, 4, 5))
    return bool((J * (1 - torch.eye(batch))).max() > 1e-6)
""",
        """
def leaks_across_batch(layer, x):
    def run(batch):
        torch.manual_seed(7)
        return layer(batch)
    results = []
    for n in range(x.size(0)):
        for m in range(x.size(0)):
            if n == m:
                continue
            changed = x.detach().clone()
            changed[n] = 100 * torch.rand(x.shape[1:])
            same = torch.isclose(run(changed)[m], run(x)[m], rtol=1e-4, atol=1e-4).all()
            results.append(bool(same))
    print(len(results))
    return not all(results)
""",
        """
@torch.no_grad()
def leaks_across_batch(layer, x, tolerance=1e-5):
    layer.eval()
    before, n, leak = layer(x), 0, torch.tensor(False)
    while n < len(x):
        changed = x.clone()
        changed[n] = torch.zeros_like(x[n])
        moved = (layer(changed) - before).abs().amax((1, 2)) > tolerance
        leak |= moved.sum() > moved[n].long()
        n += 1
    return leak
""",
        """
class Test:
    def __call__(self, layer, x):
        was = layer.training
        layer.eval()
        pairs = [(n, m) for n in range(len(x)) for m in range(len(x)) if n != m]
        leak = any(self.moves(layer, x, n, m) for n, m in pairs)
        layer.train(was)
        return leak
    def moves(self, layer, x, n, m):
        changed = x.clone()
        changed[n] = torch.randn(x.shape[1:], generator=torch.Generator().manual_seed(n))
        return (layer(changed)[m] - layer(x)[m]).norm() > 1e-4
leaks_across_batch = Test()
""",
    ),
    wrong={
        LEAKS.format("layer.eval()", ALL, RANDOM, "slice(None)", 1e-5): "the changed sample itself",
        LEAKS.format("pass", ALL, RANDOM, OTHERS, 1e-5): "its dropout makes",
        LEAKS.format("layer.eval()", ALL, "x[n] + 1", OTHERS, 1e-5): "neither a constant",
        LEAKS.format("layer.eval()", ALL, "10 * x[n]", OTHERS, 1e-5): "nor a factor",
        LEAKS.format("layer.eval()", "[0]", RANDOM, OTHERS, 1e-5): "never changes sample 3 while",
        LEAKS.format("layer.eval()", "[0, 3]", RANDOM, OTHERS, 1e-5): "never changes sample 1",
        LEAKS.format(
            "layer.eval()", "[1, 2, 3]", RANDOM, "[0]", 1e-5
        ): "only sample 3 reads another one",
        LEAKS.format("layer.eval()", ALL, RANDOM, OTHERS, 0.3): "a hundredth of sample 2",
        "def leaks_across_batch(layer, x): return False": "never calls the layer",
        "def leaks_across_batch(layer, x): return True": "is accused",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    changed = x.clone()
    changed[1] = torch.randn_like(x[1])
    return not torch.allclose(layer(changed)[0], layer(x)[0], atol=1e-5)
""": "only the one before it",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    changed = x.clone()
    changed[1:] = torch.randn_like(x[1:])
    return not torch.allclose(layer(changed)[0], layer(x)[0], atol=1e-5)
""": "only sample 3 reads another one",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    before = layer(x)
    x[-1] = torch.randn_like(x[-1])
    return not torch.allclose(layer(x)[:-1], before[:-1], atol=1e-5)
""": "changes `x` in place",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    changed = x.clone()
    changed[0] = torch.randn_like(x[0])
    return (layer(changed)[1:] - layer(x)[1:]).abs().max().item()
""": "Return True or False",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    perm = torch.randperm(len(x))
    return not torch.allclose(layer(x[perm]), layer(x)[perm], atol=1e-5)
""": "in another order",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    for n in range(len(x)):
        changed = x.clone()
        changed[:, n] = torch.randn_like(x[:, n])
        others = [m for m in range(len(x)) if m != n]
        if not torch.allclose(layer(changed)[others], layer(x)[others], atol=1e-5):
            return True
    return False
""": "is a token of each",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    before = layer(x)
    for n in range(len(x)):
        changed = x.clone()
        changed[n] = torch.randn_like(x[n])
        others = [m for m in range(len(x)) if m != n]
        if torch.allclose(layer(changed)[others], before[others], atol=1e-5):
            return False
    return True
""": "let no other round overrule",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    before = layer(x)
    for n in range(len(x)):
        changed = x.clone()
        changed[n] = torch.randn_like(x[n])
        others = [m for m in range(len(x)) if m != n]
        return not torch.allclose(layer(changed)[others], before[others], atol=1e-5)
""": "never changes sample 3",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    before = layer(x)
    for n in range(len(x)):
        changed = x.clone()
        changed[n, 0] = torch.randn_like(x[n, 0])
        others = [m for m in range(len(x)) if m != n]
        if not torch.allclose(layer(changed)[others], before[others], atol=1e-5):
            return True
    return False
""": "change all tokens",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    before = layer(x)
    for n in range(len(x)):
        changed = x.clone()
        changed[n] = torch.randn_like(x[n])
        for m in range(len(x)):
            if m != n and (layer(changed)[m] - before[m]).mean().abs() > 1e-5:
                return True
    return False
""": "no sum or mean",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    before = layer(x)
    for n in range(len(x)):
        changed = x.clone()
        changed[n] = -x[n]
        others = [m for m in range(len(x)) if m != n]
        if not torch.allclose(layer(changed)[others], before[others], atol=1e-5):
            return True
    return False
""": "a sign is lost",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    before = layer(x)
    for n in range(len(x)):
        changed = x.clone()
        changed[n] = x[n].flip(0)
        others = [m for m in range(len(x)) if m != n]
        if not torch.allclose(layer(changed)[others], before[others], atol=1e-5):
            return True
    return False
""": "order of the tokens",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    before = layer(x)
    for n in range(len(x)):
        changed = x.clone()
        changed[n] = torch.randn_like(x[n])
        others = [m for m in range(len(x)) if m != n]
        if not torch.allclose(layer(changed)[others][:, 0], before[others][:, 0], atol=1e-5):
            return True
    return False
""": "the reader's output moved",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    half = len(x) // 2
    changed = x.clone()
    changed[:half] = torch.randn_like(x[:half])
    a = not torch.allclose(layer(changed)[half:], layer(x)[half:], atol=1e-5)
    return a
""": "never changes sample 3",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    for n in range(len(x)):
        z = x.clone().requires_grad_(True)
        g, = torch.autograd.grad(layer(z)[n].sum(), z)
        g[n] = 0
        if (g.abs() > 1e-5).any():
            return True
    return False
""": "its gradient",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    before = layer(x)
    leak = False
    for n in range(len(x)):
        changed = x.clone()
        changed[n] = torch.randn_like(x[n])
        others = [m for m in range(len(x)) if m != n]
        leak = not torch.allclose(layer(changed)[others], before[others], atol=1e-5)
    return leak
""": "let no other round",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    before = layer(x)
    changed = x.clone()
    for n in range(len(x)):
        changed[n] = torch.randn_like(x[n])
        others = [m for m in range(len(x)) if m != n]
        if not torch.allclose(layer(changed)[others], before[others], atol=1e-5):
            return True
    return False
""": "pile up",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    return 'leak' if layer(x).sum() > 0 else 'no leak'
""": "the string",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    return layer(x)[0] == layer(x)[1]
""": "returned 40 of them",
        LEAKS.format("layer.eval()", ALL, RANDOM, OTHERS, 1e-5)
        .replace("True", "Yes")
        .replace("False", "True")
        .replace("Yes", "False"): "The wrong way round",
    },
)

NORM = "def rms_norm(x, gain, eps=1e-6):\n    m = x.square().mean(-1, keepdim=True)\n    return {}"
RMS = Case(
    "6.3",
    inputs=lambda _: [
        (torch.randn(2, 3, 4), torch.randn(4)),
        (torch.randn(5) - 1, torch.randn(5), 0.1),
        (1e-3 * torch.randn(3, 2), torch.randn(2)),
        (torch.zeros(1, 3), torch.ones(3), 1e-5),
    ],
    other_style="""
def rms_norm(x, gain, eps=1e-6):
    return torch.rsqrt((x * x).sum(dim=-1, keepdim=True) / x.shape[-1] + eps) * x * gain
""",
    styles=(
        "rms_norm = lambda x, gain, eps=1e-6: x / (x.pow(2).mean(-1, True) + eps) ** 0.5 * gain",
        "def rms_norm(x, gain, eps=1e-6): return nn.functional.rms_norm(x, gain.shape, gain, eps)",
        """
import numpy as np
def rms_norm(x, gain, eps=1e-6):
    x, gain = np.asarray(x), np.asarray(gain)
    return gain * x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + eps)
""",
        """
import math
def rms_norm(x, gain, eps=1e-6):
    out = torch.empty_like(x)
    rows, new = x.reshape(-1, x.shape[-1]), out.view(-1, x.shape[-1])
    for i, row in enumerate(rows):
        mean = sum(float(a) ** 2 for a in row) / len(row)
        for j in range(len(row)):
            new[i, j] = float(gain[j]) * float(row[j]) / math.sqrt(mean + eps)
    return out
""",
        """
def rms_norm(x, gain, eps=1e-6):
    d = x.shape[-1]
    length = x.norm(dim=-1, keepdim=True)
    return gain * x * d**0.5 / (length**2 + d * eps).sqrt()
""",
        """
def rms_norm(x, gain, eps=1e-6):
    x = x.double().clone()
    assert gain.shape == x.shape[-1:]
    x /= torch.sqrt(torch.mean(torch.square(x), dim=-1, keepdim=True) + eps)
    x *= gain
    print(x.shape)
    return x
""",
        """
def rms_norm(x, gain, eps=1e-6):
    if x.ndim > 1:
        return torch.stack([rms_norm(part, gain, eps) for part in x])
    return gain * x / (x.dot(x) / len(x) + eps).sqrt()
""",
        """
class RMS(nn.Module):
    def forward(self, tokens, weight, epsilon=1e-6):
        squares = torch.einsum("...d,...d->...", tokens, tokens) / tokens.size(-1)
        return weight * tokens / (squares + epsilon).sqrt()[..., None]
rms_norm = RMS()
""",
        """
def rms_norm(x, gain, eps=1e-6):
    def one(row):
        return [g * a / (sum(b * b for b in row) / len(row) + eps) ** 0.5
                for a, g in zip(row, gain.tolist())]
    def every(part):
        return one(part) if not isinstance(part[0], list) else [every(p) for p in part]
    return every(x.tolist())
""",
    ),
    wrong={
        NORM.format("x / (m + eps).sqrt()"): "The gain is missing",
        NORM.format("gain * x / (m + eps)"): "the root is missing",
        NORM.format("gain * x / (x.square().sum(-1, keepdim=True) + eps).sqrt()"): "the *sum*",
        NORM.format("gain * x / x.norm(dim=-1, keepdim=True)"): "the *sum*",
        NORM.format("gain * layer_norm(x, eps=eps)"): "does not subtract",
        NORM.format("gain * x / x.std(-1, keepdim=True, correction=0)"): "knows no mean",
        NORM.format("gain * x / (x.var(-1, keepdim=True) + eps).sqrt()"): "knows no mean",
        NORM.format("gain * x / (x.square().mean() + eps).sqrt()"): "over the last axis only",
        NORM.format("gain * x / (x.square().mean(0) + eps).sqrt()"): "the samples",
        NORM.format("gain * x / (x.square().mean(1, keepdim=True) + eps).sqrt()"): "the tokens",
        NORM.format("gain * x / m.sqrt()"): "eps is not used",
        NORM.format("gain * x / (m.sqrt() + eps)"): "outside the root",
        NORM.format("gain * x / (m + 1e-6).sqrt()"): "use the argument",
        NORM.format("(1 + gain) * x / (m + eps).sqrt()"): "as Gemma does",
        NORM.format("gain * x * (m + eps).sqrt()"): "divide",
        NORM.format("x.div_((m + eps).sqrt()) * gain"): "changes `x` in place",
        NORM.format("gain + x / (m + eps).sqrt()"): "You add the gain",
        NORM.format("m"): "has shape",
        NORM.format("x / (m + eps).sqrt() / gain"): "divide by the gain",
        NORM.format("gain * x / (x.mean(-1, keepdim=True).square() + eps).sqrt()"): "the squares",
        NORM.format("gain * x / (x.abs().mean(-1, keepdim=True) + eps)"): "mean absolute value",
        NORM.format("gain * x / (m.clamp(min=eps)).sqrt()"): "the task adds it",
        NORM.format("gain * x / (m + eps**2).sqrt()"): "eps is squared",
        NORM.format("gain * x / (x.var(-1, correction=0, keepdim=True) + eps).sqrt()"): "no mean",
        NORM.format("gain * (x - x.mean(-1, keepdim=True)) / (m + eps).sqrt()"): "subtract",
        NORM.replace("1e-6", "1e-5").format("gain * x / (m + eps).sqrt()"): "eps left away",
        NORM.format("(gain * x / (m + eps).sqrt())[0]"): "has shape",
        NORM.format("gain * x / (x.square().max(-1, keepdim=True).values + eps).sqrt()"): "largest",
        NORM.replace(", keepdim=True", "").format("gain * x / (m + eps).sqrt()"): "keepdim=True",
    },
)

globals().update(all_tests([HEAD, BATCH, RMS]))
