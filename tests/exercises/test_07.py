"""Exercises of notebook 06: what each wrong answer is told."""

from exercises.exercise import Case, all_tests

NORM = "def rms_norm(x, gain, eps=1e-6):\n    m = x.square().mean(-1, keepdim=True)\n    return {}"
RMS = Case(
    "6.1",
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

LEAKS = """
def leaks_across_batch(layer, x):
    {}
    before = layer(x)
    for n in range(len(x)):
        changed = x.clone()
        changed[n] = {}
        others = {}
        if not torch.allclose(layer(changed)[others], before[others], atol=1e-5):
            return True
    return False
"""
RANDOM, OTHERS = "torch.randn_like(x[n])", "[m for m in range(len(x)) if m != n]"
BATCH = Case(
    "6.2",
    other_style="""
def leaks_across_batch(layer, x):
    layer = layer.eval()
    alone = torch.cat([layer(x[n:n + 1]) for n in range(len(x))])
    return bool((layer(x) - alone).abs().max() > 1e-4)
""",
    wrong={
        LEAKS.format("layer.eval()", RANDOM, "slice(None)"): "the changed sample itself",
        LEAKS.format("pass", RANDOM, OTHERS): "its dropout makes",
        LEAKS.format("layer.eval()", "x[n] + 1", OTHERS): "a norm does not notice a constant",
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
""": "nobody else hears",
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

BLOCK = "def pre_norm_block(x, attention, feed_forward, norm_1, norm_2):\n    {}\n    return {}"
PLACE = Case(
    "6.3",
    other_style="""
def pre_norm_block(x, attention, feed_forward, norm_1, norm_2):
    stream = x.clone()
    for branch, norm in ((attention, norm_1), (feed_forward, norm_2)):
        stream = torch.add(branch(norm(stream)), stream)
    return stream
""",
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
        BLOCK.format("pass", "x"): "none of the usual slips",
    },
)

globals().update(all_tests([RMS, BATCH, PLACE]))
