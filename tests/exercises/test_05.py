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
        "def curvature(f, h): return (f[2:] - 2 * f[1:-1] + f[:-2]) / (2 * h)": "*first*",
        "def curvature(f, h): return (f[2:] - 2 * f[1:-1] + f[:-2]) / (2 * h) ** 2": "not two",
        "def curvature(f, h): return (f[2:] - 2 * f[1:-1] + f[:-2]) / (2 * h**2)": "half of it",
        "def curvature(f, h): return 2 * (f[2:] - 2 * f[1:-1] + f[:-2]) / h**2": "twice as much",
        "def curvature(f, h): return (2 * f[1:-1] - f[2:] - f[:-2]) / h**2": "sign is wrong",
        "def curvature(f, h): return (f[2:] - f[1:-1] + f[:-2]) / h**2": "counts twice",
        "def curvature(f, h): return (f[2:] - f[:-2]) / (2 * h)": "*first* derivative",
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

POWER = """
def power_iteration(product, v, steps):
    v = v / v.norm()
    for _ in range(steps):
        {loop}
    return {result}
"""


def power(loop="v = product(v); v = v / v.norm()", result="v @ product(v)"):
    return POWER.format(loop=loop, result=result)


ITERATION = Case(
    "5.2",
    other_style="""
def power_iteration(product, v, steps):
    for _ in range(steps):
        Hv = product(v / v.norm())
        v, value = Hv, (v / v.norm()).dot(Hv)
    return value.item()
""",
    wrong={
        power(loop="v = product(v)"): "grew without bound",
        power(result="product(v).norm()"): "lost the sign",
        power(result="v"): "You return the vector",
        power(loop="product(v)"): "assign the product to v",
        power(result="product(v) @ product(v)"): "square of the eigenvalue",
        power(result="v.norm()"): "the length that you gave v",
        power(loop="v = product(v); v = v / v.norm(); break"): "200 steps mean 200 products",
        power(result="abs(v @ product(v))"): "lost the sign",
        power(loop="w = product(v) + 8 * v; v = w / w.norm()"): "largest in size",
        power(result="(v @ product(v)) / 2"): "you found",
        "def power_iteration(product, v, steps): v /= v.norm(); return v @ product(v)": (
            "changed the vector"
        ),
        "def power_iteration(product, v, steps): [product(v)] * steps": "`return` missing",
    },
)

FLAW = """
def flaw(one, other):
    tests = {{
        "units": {units},
        "norm": {norm},
        "loss": {loss},
        "planes": {planes},
    }}
    return next((name for name in {order} if tests[name]), "fair")
"""
PARTS = {
    "units": 'one["units"] != "rows" or other["units"] != "rows"',
    "norm": 'one["norm"] is not other["norm"]',
    "loss": 'max(one["loss"], other["loss"]) / min(one["loss"], other["loss"]) > 2',
    "planes": 'one["planes"] < 3 or other["planes"] < 3',
    "order": '("units", "norm", "loss", "planes")',
}


def flaw(**parts):
    return FLAW.format(**(PARTS | parts))


COMPARISON = Case(
    "5.3",
    other_style=flaw(),
    wrong={
        flaw(loss='one["loss"] != other["loss"]'): "factor of 1.5 only",
        flaw(loss='other["loss"] > 2 * one["loss"]'): "0.21 is 2.1 times 0.1",
        flaw(loss='abs(one["loss"] - other["loss"]) > 2'): "0.21 is 2.1 times 0.1",
        flaw(units='one["units"] != other["units"] and one["units"] == "weights"'): (
            "the second are not filter-normalised"
        ),
        flaw(loss='abs(one["loss"] - other["loss"]) > 0.06'): "0.003 is 3 times 0.001",
        flaw(loss='max(one["loss"], other["loss"]) > 10 * min(one["loss"], other["loss"])'): (
            "0.21 is 2.1 times 0.1"
        ),
        flaw(units='one["units"] != other["units"]'): "units is wrong in both",
        flaw(planes='one["planes"] < 2 or other["planes"] < 2'): "two planes are fewer",
        flaw(planes='(one["planes"] < 3) != (other["planes"] < 3)'): "planes is wrong in both",
        flaw(norm='one["norm"] is None and other["norm"]'): "the first has a norm",
        flaw(norm='one["norm"] or other["norm"]'): "both have layer norm",
        flaw(norm='bool(one["norm"]) != bool(other["norm"])'): "two different norms",
        flaw(planes='one["planes"] == 1 or other["planes"] <= 3'): "three planes are enough",
        flaw(planes='one["planes"] < 3'): "fewer than three planes",
        flaw(order='("loss", "norm", "units", "planes")'): "comes first in the task's order",
        flaw(order='("units", "loss", "norm", "planes")'): "norm comes first",
        "def flaw(one, other): return 'fair'": "0.21 is 2.1 times 0.1",
        "def flaw(one, other): return 'unfair'": "the five words are",
        "def flaw(one, other): one['loss']": "`return` missing",
    },
)

globals().update(all_tests([CURVATURE, ITERATION, COMPARISON]))
