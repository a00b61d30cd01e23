"""Exercises of notebook 07: what each wrong answer is told."""

from exercises.exercise import Case, all_tests

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
    wrong={
        find(first="pass"): "the tokens that you were given came out of a norm",
        find(entrance="torch.allclose(f(2 * x) - 2 * x, y - x, atol=1e-5)"): "branch was linear",
        find(normal="y.mean(-1).abs().max() < 0.01"): "had mean 0, but not mean square 1",
        find(entrance="torch.allclose(f(x + 5), y, atol=1e-5)"): "Then the *update* stays",
        find(sum="0 * y"): "Only a norm after the sum",
        find(sum="layer_norm(y, y.shape[-1:])"): "was not normalised. What was",
        find(entrance="True"): "There was no norm at the entrance",
        find(entrance="False"): "There was a norm at the entrance",
        find(update="0 * y"): "a norm at the exit",
        find(first="x *= 3; x += 1"): "the caller's x",
        "def placement(f, x): return 'peri'": "Return one of",
        "def placement(f, x): return 2": "Return one of",
    },
)

globals().update(all_tests([PLACE, SEALED]))
