"""Exercises of notebook 05: what each wrong answer is told."""

from exercises.exercise import Case, all_tests

CURVATURE = Case(
    "5.1",
    other_style="""
def curvature(losses, step):
    slopes = torch.diff(losses) / step
    return torch.diff(slopes) / step
""",
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
        "def curvature(f, h): return torch.diff(f) / h": "one difference",
        "def curvature(f, h): return torch.gradient(f, spacing=h)[0]": "the inner 5",
        "def curvature(f, h): return (f[4:] - 2 * f[2:-2] + f[:-4]) / (2 * h) ** 2": "3 numbers",
        "def curvature(f, h): return torch.gradient(torch.gradient(f, spacing=h)[0], spacing=h)"
        "[0][1:-1]": "you found",
        "def curvature(f, h): return f[1:-1] * 0 + 3": "at s = -0.4, where the neighbours give",
        "def curvature(f, h): return ((f[2:] - 2 * f[1:-1] + f[:-2]) / h**2).mean()": "has shape",
        """
def curvature(f, h):
    f -= f.min()
    return (f[2:] - 2 * f[1:-1] + f[:-2]) / h**2
""": "changed the losses",
        "def curvature(f, h): torch.diff(f, n=2) / h**2": "`return` missing",
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


RULER = Case(
    "5.2",
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
    wrong={
        stretch(copy="pass"): "was changed too",
        stretch(copy="return copy.deepcopy(net)"): "has the old weights",
        stretch(result="net(torch.zeros(1, 5).double())"): "returns a Tensor",
        stretch(row="layer.weight.data *= a"): "multiplied all numbers",
        stretch(row="layer.weight.data[:, k] *= a"): "you changed column k",
        stretch(row="layer.weight.data[k] /= a"): "divided by a; multiply",
        stretch(row="layer.weight.data[0] *= a"): "must be a times as large and all others",
        stretch(bias="pass"): "The stem adds a bias",
        stretch(writers="(net.stem,)", readers="(net.head,)"): "In block 0 nothing has changed",
        stretch(readers="(net.head,)"): "divide the weights that read it",
        stretch(writers="(net.stem,)"): "multiply row k, which computes it",
        stretch(
            writers="layers",
            row="layer.weight.data[:, k] *= a",
            bias="net.stem.weight.data[k] *= a if layer is layers[0] else 1; "
            "net.stem.bias.data[k] *= a if layer is layers[0] else 1",
            readers="(net.head,)",
        ): "rows and columns are exchanged",
        stretch(column="layer.weight.data[:, k] /= a; layer.weight.data[k, k] *= a"): (
            "from number k to number k"
        ),
        stretch(bias="layer.bias.data[k] *= a if layer is net.stem else 1"): "still the old one",
        stretch(readers="layers"): "The head still reads",
        stretch(readers="(*layers, net.head)", column="layer.weight.data[:, k] /= a; "
                "net.head.bias.data /= 2"): "must stay as they were",
        stretch(row="layer.weight[k] *= a"): "with `.data`",
        stretch(result="None"): "`return` missing",
    },
)  # fmt: skip

globals().update(all_tests([CURVATURE, RULER]))
