"""Exercises of notebook 06: what each wrong answer is told."""

import pytest
from exercises.exercise import Case, all_tests, verdict

from lecture_utils.checks.verdict import RIGHT

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


HEAD = Case(
    "6.1",
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
    wrong={
        but(SCORES, "Q @ K.mT"): "The root of d_h is missing",
        but(SCORES, "Q @ K.mT / K.shape[-1]"): "its root is meant",
        but(SCORES, "Q @ K.mT / x.shape[-1] ** 0.5"): "the root of d, a token's width",
        but(SCORES, "Q @ K.mT * K.shape[-1] ** 0.5"): "You multiply",
        but(SCORES, "Q @ K.mT / x.shape[1] ** 0.5"): "number of tokens",
        but(SCORES, "K @ Q.mT / K.shape[-1] ** 0.5"): "Rows and columns are exchanged",
        but(SCORES, "Q @ K.T / K.shape[-1] ** 0.5"): "`K.mT` only the last two",
        but(SCORES, "Q @ K / K.shape[-1] ** 0.5"): "Mind the transpose",
        but("softmax(dim=-1)", "softmax(dim=1)"): "over the queries",
        but("softmax(dim=-1)", "softmax(dim=0)"): "over the samples",
        but(".softmax(dim=-1)", ""): "softmax is missing",
        but(f"return {WEIGHTS}", "return Q.shape[-1] ** -0.5 * (scores * Q.shape[-1] ** 0.5)"
            ".softmax(dim=-1)"): "before the softmax",
        but("@ V\n", "@ K\n"): "average the keys",
        but("@ V\n", "@ Q\n"): "average the queries",
        but("@ V\n", "@ x\n"): "has shape",
        but(" @ V\n", "\n"): "You return the weights",
        but(f"scores = {HIDDEN}", HIDDEN): "changes nothing",
        but(MASK, "~padding[:, None, :]"): "wrong way round",
        but("-torch.inf", "0"): "A score of 0 is not a weight of 0",
        but("-torch.inf", "-10"): "low enough",
        but(MASK, "padding[:, :, None]"): "do not hide the padding's own rows",
        but(MASK, "padding"): "an axis for the queries",
        but(f"    scores = {HIDDEN}\n    return {WEIGHTS} @ V",
            f"    return {WEIGHTS}.masked_fill({MASK}, 0) @ V"): "after the softmax",
        but(f"{MASK}, -torch.inf", "padding[:, :, None], -1e9"): "Hide its columns",
        but("Q, K, V =", "x *= 1.5\n    Q, K, V ="): "changes one of its arguments",
        but(MASK, "padding[:1, None, :]"): "Without padding it is right",
        but("x @ W_K", "torch.relu(x @ W_K)"): "in this order",
        "def attention(x, W_Q, W_K, W_V, padding):\n"
        "    return scaled_dot_product_attention(x @ W_Q, x @ W_K, x @ W_V)": "formula itself",
        but("return ", "y = "): "`return` missing",
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
BATCH = Case(
    "6.2",
    other_style="""
def leaks_across_batch(layer, x):
    layer = layer.eval()
    if hasattr(layer, "norm_1"):
        alone = torch.cat([layer(x[n:n + 1]) for n in range(len(x))])
        return (layer(x) - alone).abs().max() > 1e-4
    y = layer(x)
    seen = []
    for n in range(x.shape[0]):
        z = x.clone(); z[n] += 3 * torch.randn(x[n].shape)
        seen += [(layer(z)[m] - y[m]).abs().max() > 1e-5 for m in range(len(x)) if m != n]
    return any(seen)
""",
    wrong={
        LEAKS.format("layer.eval()", ALL, RANDOM, "slice(None)", 1e-5): "the changed sample itself",
        LEAKS.format("pass", ALL, RANDOM, OTHERS, 1e-5): "its dropout makes",
        LEAKS.format("layer.eval()", ALL, "x[n] + 1", OTHERS, 1e-5): "neither a constant",
        LEAKS.format("layer.eval()", ALL, "10 * x[n]", OTHERS, 1e-5): "nor a factor",
        LEAKS.format("layer.eval()", "[0]", RANDOM, OTHERS, 1e-5): "only the first sample reads",
        LEAKS.format("layer.eval()", "[0, 3]", RANDOM, OTHERS, 1e-5): "only sample 2 reads",
        LEAKS.format(
            "layer.eval()", "[1, 2, 3]", RANDOM, "[0]", 1e-5
        ): "only the last sample reads",
        LEAKS.format("layer.eval()", ALL, RANDOM, OTHERS, 0.3): "A weak leak",
        "def leaks_across_batch(layer, x): return False": "over the batch axis",
        "def leaks_across_batch(layer, x): return True": "is accused",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    changed = x.clone()
    changed[1] = torch.randn_like(x[1])
    return not torch.allclose(layer(changed)[0], layer(x)[0], atol=1e-5)
""": "single neighbour",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    changed = x.clone()
    changed[1:] = torch.randn_like(x[1:])
    return not torch.allclose(layer(changed)[0], layer(x)[0], atol=1e-5)
""": "only the last sample reads",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    before = layer(x)
    x[-1] = torch.randn_like(x[-1])
    return not torch.allclose(layer(x)[:-1], before[:-1], atol=1e-5)
""": "the caller's x",
        """
def leaks_across_batch(layer, x):
    layer.eval()
    changed = x.clone()
    changed[0] = torch.randn_like(x[0])
    return (layer(changed)[1:] - layer(x)[1:]).abs().max().item()
""": "Return True or False",
    },
)

NORM = "def rms_norm(x, gain, eps=1e-6):\n    m = x.square().mean(-1, keepdim=True)\n    return {}"
RMS = Case(
    "6.3",
    other_style="""
def rms_norm(x, gain, eps=1e-6):
    return torch.rsqrt((x * x).sum(dim=-1, keepdim=True) / x.shape[-1] + eps) * x * gain
""",
    wrong={
        NORM.format("x / (m + eps).sqrt()"): "The gain is missing",
        NORM.format("gain * x / (m + eps)"): "the root is missing",
        NORM.format("gain * x / (x.square().sum(-1, keepdim=True) + eps).sqrt()"): "the *sum*",
        NORM.format("gain * x / x.norm(dim=-1, keepdim=True)"): "the *sum*",
        NORM.format("gain * layer_norm(x, eps=eps)"): "does not subtract",
        NORM.format("gain * x / x.std(-1, keepdim=True, correction=0)"): "knows no mean",
        NORM.format("gain * x / (x.var(-1, keepdim=True) + eps).sqrt()"): "knows no mean",
        NORM.format("gain * x / (x.square().mean() + eps).sqrt()"): "over the last axis only",
        NORM.format("gain * x / (x.square().mean(0) + eps).sqrt()"): "over the samples",
        NORM.format("gain * x / (x.square().mean(1, keepdim=True) + eps).sqrt()"): "the tokens",
        NORM.format("gain * x / m.sqrt()"): "eps is not used",
        NORM.format("gain * x / (m.sqrt() + eps)"): "outside the root",
        NORM.format("gain * x / (m + 1e-6).sqrt()"): "use the argument",
        NORM.format("(1 + gain) * x / (m + eps).sqrt()"): "as Gemma does",
        NORM.format("gain * x * (m + eps).sqrt()"): "divide",
        NORM.format("x.div_((m + eps).sqrt()) * gain"): "changes x itself",
        NORM.format("gain + x / (m + eps).sqrt()"): "For x = [3, 4]",
        NORM.format("m"): "has shape",
        NORM.replace(", keepdim=True", "").format("gain * x / (m + eps).sqrt()"): "keepdim=True",
    },
)

EINSUM = """
def attention(x, W_Q, W_K, W_V, padding):
    q, k, v = (torch.einsum("btd,dh->bth", x, W) for W in (W_Q, W_K, W_V))
    scores = torch.einsum("bqh,bkh->bqk", q, k).div(W_Q.size(1) ** 0.5)
    hide = torch.where(padding, -1e9, 0.0)[:, None, :]
    weights = torch.softmax(scores + hide, -1)
    return torch.einsum("bqk,bkh->bqh", weights, v)
"""
AFTER_BUT_NORMALISED = """
def attention(x, W_Q, W_K, W_V, padding):
    Q, K, V = x.double() @ W_Q.double(), x.double() @ W_K.double(), x.double() @ W_V.double()
    scores = (Q / W_K.shape[1] ** 0.5) @ K.transpose(1, 2)
    best = scores.masked_fill(padding[:, None], -torch.inf).amax(-1, keepdim=True)
    e = (scores - best).exp() * ~padding[:, None]
    return (e / e.sum(-1, keepdim=True)) @ V * ~padding[..., None]
"""
NUMPY_BOOL = LEAKS.format("layer.eval()", ALL, RANDOM, OTHERS, 1e-5).replace(
    "return False", "import numpy as np; return np.bool_(False)"
)


@pytest.mark.parametrize(
    ("number", "code"),
    [("6.1", EINSUM), ("6.1", AFTER_BUT_NORMALISED), ("6.2", NUMPY_BOOL)],
)
def test_other_right_answers_are_right(number, code):
    found = verdict(number, code)
    assert found.status == RIGHT, found


globals().update(all_tests([HEAD, BATCH, RMS]))
