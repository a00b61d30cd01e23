"""Exercises of notebook 11: what each wrong answer is told."""

import pytest
import torch
from exercises.exercise import Case, all_tests, solution, verdict

from lecture_utils.checks.sinkhorn import _trials
from lecture_utils.checks.start_cases import cases_of_start
from lecture_utils.checks.verdict import NOT_ATTEMPTED, NOT_YET, RIGHT
from lecture_utils.scorecard import ROWS

# --- 11.1 ---

_SINKHORN = """
def sinkhorn(A, steps=20):
    {start}
    for _ in range({steps}):
        {body}
    return {result}
"""


def divided(
    start="A = A.exp()",
    body="A = A / A.sum(-2, keepdim=True); A = A / A.sum(-1, keepdim=True)",
    steps="steps",
    result="A",
):
    return _SINKHORN.format(start=start, body=body, steps=steps, result=result)


_SINKHORN_STYLES = (
    divided(body="A = A / A.sum(1, keepdim=True); A = A / A.sum(0, keepdim=True)"),
    divided(body="A = A / A.sum(0); A = A / A.sum(1)[:, None]"),
    divided("B = torch.exp(A)", "B /= B.sum(0, keepdim=True); B /= B.sum(1, keepdim=True)",
            result="B"),
    divided("A = A - A.max()", "A = A - A.logsumexp(0, True); A = A - A.logsumexp(1, True)",
            result="A.exp()"),
    divided("A = A.log_softmax(-2).log_softmax(-1)",
            "A = A.log_softmax(-2).log_softmax(-1)", "steps - 1", "A.exp()"),
    divided(body="A = (A / A.sum(0)).T; A = (A / A.sum(0)).T"),
    divided(body="A = torch.nn.functional.normalize(A, p=1, dim=0); "
            "A = torch.nn.functional.normalize(A, p=1, dim=1)"),
    divided(body="A = A @ torch.diag(1 / A.sum(0)); A = torch.diag(1 / A.sum(1)) @ A"),
    divided(body="A = torch.einsum('ij,j->ij', A, 1 / A.sum(0)); "
            "A = torch.einsum('ij,i->ij', A, 1 / A.sum(1))"),
    """
import numpy as np
def sinkhorn(A, steps=20):
    P = np.exp(np.asarray(A))
    for _ in range(steps):
        P = P / P.sum(axis=0, keepdims=True)
        P = P / P.sum(axis=1, keepdims=True)
    return P
""",
    """
import math
def sinkhorn(matrix, rounds=20):
    n = len(matrix)
    P = [[math.exp(float(matrix[i][j])) for j in range(n)] for i in range(n)]
    for round in range(rounds):
        for j in range(n):
            total = 0.0
            for i in range(n):
                total += P[i][j]
            for i in range(n):
                P[i][j] = P[i][j] / total
        for i in range(n):
            total = sum(P[i])
            for j in range(n):
                P[i][j] /= total
    print(P)
    return P
""",
    """
def sinkhorn(A, steps=20):
    if steps == 0:
        return A.exp()
    A = sinkhorn(A, steps - 1)
    A = A / A.sum(-2, keepdim=True)
    return A / A.sum(-1, keepdim=True)
""",
    """
def sinkhorn(A, steps=20):
    A = A.exp()
    for _ in range(steps):
        before = A
        A = A / A.sum(-2, keepdim=True)
        A = A / A.sum(-1, keepdim=True)
        if (A - before).abs().max() < 1e-7:
            break
    return A
""",
    """
def sinkhorn(A, steps=20):
    K = A.exp(); v = torch.ones(len(A)).to(A); u = v
    for _ in range(steps):
        v = 1 / (K.T @ u)
        u = 1 / (K @ v)
    return u[:, None] * K * v
""",
)  # fmt: skip

SINKHORN = Case(
    "11.1",
    other_style=divided(),
    styles=_SINKHORN_STYLES,
    inputs=lambda _: [trial.given for trial in _trials()],
    wrong={
        divided(body="A = A / A.sum(-1, keepdim=True)"): "the rows only",
        divided(body="A = A / A.sum(-2, keepdim=True)"): "the columns only",
        divided(start="pass"): "exp is missing",
        divided(start="A = A.abs()"): "signs are lost",
        divided(start="A = A ** 2"): "You square",
        divided(start="A = torch.sigmoid(A)"): "the sigmoid",
        divided(start="pass", body="A = A.exp(); A = A / A.sum(0, True); A = A / A.sum(1, True)"):
            "inside the loop",
        divided(start="pass", body="A = A.softmax(0); A = A.softmax(1)"): "A softmax takes exp",
        divided(body="A = A / A.sum(0, True) / A.sum(1, True)"): "before either division",
        divided(body="A = A / A.sum()"): "the sum of all entries",
        divided(body="A = A / A.sum(-2); A = A / A.sum(-1)"): "Without keepdim",
        divided(body="A = A / A.sum(1); A = A / A.sum(0, True)"): "the columns only",
        divided(body="A = A / A.amax(0, True); A = A / A.amax(1, True)"): "the largest entry",
        divided(body="A = A / A.mean(0, True); A = A / A.mean(1, True)"): "not to 1",
        divided(body="A = A / A.norm(dim=0, keepdim=True); A = A / A.norm(dim=1, keepdim=True)"):
            "roots of sums",
        divided(steps="20"): "20 steps are made",
        divided(steps="1, steps"): "too few",
        divided(steps="steps + 1"): "too many",
        divided(result="A.exp()"): "",
        divided(start="B = A.exp()", body="B / B.sum(0, True)", result="B"): "returns exp(A)",
        divided(body="A = A / A.sum(0, True)\n        A = A / A.sum(1, True)\n        return A"):
            "inside the loop",
        divided(start="A.exp_()"): "changes `A` in place",
        divided(result="None"): "returned nothing",
    },
)  # fmt: skip

# --- 11.3 ---

_START = """
def start_of(stack, base, x):
    {norm}
    def close(a, b):
        return {close}
    y = stack(x)
    {rest}
"""
_NORM = "norm = torch.nn.LayerNorm(x.shape[-1]).to(x)"
_REST = """if close(y, x): return "identity"
    return "pre-norm" if close(y, base(x)) else "neither\""""


def told(norm=_NORM, close="(norm(a) - norm(b)).abs().max() < 0.01", rest=_REST):
    return _START.format(norm=norm, close=close, rest=rest)


BY_HAND = """def norm(z):
        z = z - z.mean(-1, keepdim=True)
        return z / (z.var(-1, keepdim=True, unbiased=False) + 1e-5).sqrt()"""

START = Case(
    "11.3",
    other_style=told(),
    styles=(
        told(norm="norm = lambda z: torch.nn.functional.layer_norm(z, z.shape[-1:])"),
        told(norm=BY_HAND),
        told(close="torch.allclose(norm(a), norm(b), rtol=0, atol=0.01)"),
        told(close="bool(((norm(a) - norm(b)).abs() < 0.01).all())"),
        told(close="not (norm(a) - norm(b)).abs().ge(0.01).any()"),
        told(close="(norm(a) - norm(b)).abs().max().item() < 1e-2"),
        told(close="torch.dist(norm(a), norm(b), p=float('inf')) < 0.01"),
        told(norm="norm = nn.LayerNorm(x.shape[-1], dtype=x.dtype)"),
        told(rest='if close(y, x): return "Identity"\n'
             '    if close(y, base(x)): return "pre norm"\n    return "neither"'),
        """
import numpy as np
def start_of(stack, base, x):
    with torch.no_grad():
        outs = [z.double().numpy() for z in (x, base(x), stack(x))]
    outs = [(z - z.mean(-1, keepdims=True)) / np.sqrt(z.var(-1, keepdims=True) + 1e-5)
            for z in outs]
    for word, out in zip(["identity", "pre-norm"], outs):
        if np.max(np.abs(out - outs[2])) < 0.01:
            return word
    return "neither"
""",
        """
def start_of(stack, base, x):
    worst = {"identity": 0.0, "pre-norm": 0.0}
    norm = nn.LayerNorm(x.shape[-1]).to(x.dtype)
    got, other = stack(x), base(x)
    for sample in range(x.shape[0]):
        for token in range(x.shape[1]):
            a = norm(got[sample, token])
            for word, b in (("identity", x), ("pre-norm", other)):
                apart = (a - norm(b[sample, token])).abs().max().item()
                worst[word] = max(worst[word], apart)
    print(worst)
    return next((word for word in worst if worst[word] < 0.01), "neither")
""",
        """
def start_of(stack, base, x):
    norm = nn.LayerNorm(x.shape[-1]).double()
    stack, base, x = (z.double() if z is x else copy.deepcopy(z).double() for z in (stack, base, x))
    d = lambda f: (norm(stack(x)) - norm(f(x))).abs().max()
    return {(True, True): "identity", (True, False): "identity", (False, True): "pre-norm",
            (False, False): "neither"}[bool(d(lambda x: x) < .01), bool(d(base) < .01)]
import copy
""",
    ),
    inputs=lambda _: [(c.stack, c.base, c.x) for c in cases_of_start()],
    wrong={
        told(close="(a - b).abs().max() < 0.01"): "You compare the outputs themselves",
        told(close="torch.allclose(a, b)"): "too strict",
        told(close="(norm(a) - norm(b)).abs().mean() < 0.01"): "the mean difference",
        told(close="(norm(a) - norm(b)).max() < 0.01"): "take .abs()",
        told(close="(norm(a) - norm(b)).norm() < 0.01"): "length of the difference",
        told(close="torch.equal(norm(a), norm(b))"): "too strict",
        told(close="(norm(a) - norm(b))[0, 0].abs().max() < 0.01"): "Every text counts",
        told(close="(norm(a) - norm(b)).abs().max() > 0.01"): "the wrong way round",
        told(norm="norm = torch.nn.LayerNorm(x.shape[-1])"): "stopped in its line 6",
        told(norm="norm = torch.nn.LayerNorm(x.shape).to(x)"): "each token alone",
        told(rest='if close(y, base(x)): return "pre-norm"\n'
             '    return "identity" if close(y, x) else "neither"'): "Where both fit",
        told(rest='if close(y, x): return "pre-norm"\n'
             '    return "identity" if close(y, base(x)) else "neither"'): "are exchanged",
        told(rest='if close(y, x): return "identity"\n    return "neither"'): "Given pre-norm",
        told(rest='return close(y, x)'): "Return one of the words",
        told(rest='return "identity" if close(y, x) else "pre-norm"'): "Given highway",
        told(rest='return "post-norm"'): "Return one of the words",
        told(rest='if close(y, x): word = "identity"'): "returned nothing",
        told(norm=_NORM + "; x += 1"): "changes `x` in place",
    },
)  # fmt: skip

globals().update(all_tests([SINKHORN, START]))

# --- 11.2: a class, and many right answers ---


def design(step, prepare="", rest=""):
    made = f"    def prepare(self, dim, count):\n        {prepare}\n" if prepare else ""
    return f"class MyDesign(Design):\n{made}    def step(self, x, i):\n        {step}\n{rest}"


SCALED = "self.a = nn.Parameter(torch.full((count,), 0.3))"
DESIGNS = {
    "a fixed half": design("return x + 0.5 * self.branch(i, self.norm(i, x))"),
    "a learned strength": design("return x + self.a[i] * self.branch(i, self.norm(i, x))", SCALED),
    "tanh": design("return x + torch.tanh(self.branch(i, self.norm(i, x)))"),
    "ReZero": design("return x + self.a[i] * self.branch(i, x)",
                     "self.a = nn.Parameter(torch.zeros(count))"),
    "no self.branch": design(
        "h = self.norms[i](x)\n        out = self.branches[i](h)\n        return x + 0.3 * out"),
    "lambda": "class MyDesign(Design):\n"
              "    step = lambda self, x, i: 0.9 * x + 0.4 * self.branch(i, self.norm(i, x))",
    "its own __init__": """
class MyDesign(Design):
    def __init__(self, branches, dim):
        super().__init__(branches, dim)
        self.gain = nn.ParameterList(nn.Parameter(torch.ones(dim)) for _ in branches)
        self.second = nn.ModuleList([nn.LayerNorm(dim) for _ in range(len(branches))])

    def step(self, x, i):
        h = self.norm(i, x)
        h = self.branch(i, h)
        h = self.second[i](h) * 0.2
        return x + self.gain[i] * h
""",
    "two streams": """
class MyDesign(Design):
    def begin(self, x):
        return x, x
    def step(self, state, i):
        a, b = state
        return b, a + 0.5 * self.branch(i, self.norm(i, b))
    def end(self, state):
        return state[0] + state[1]
""",
    "a history": """
class MyDesign(Design):
    def begin(self, x): return [x]
    def step(self, xs, i):
        h = sum(xs[:-1], xs[-1]) / len(xs)
        return xs + [xs[-1] + 0.5 * self.branch(i, self.norm(i, h))]
    def end(self, xs): return xs[-1]
""",
    "no Design": """
class MyDesign(nn.Module):
    def __init__(self, parts, width):
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.scale = nn.Parameter(torch.full((len(parts), width), 0.2))
    def forward(self, x):
        for scale, part in zip(self.scale, self.parts):
            x = x + scale * part(x / x.pow(2).mean(-1, keepdim=True).sqrt())
        return x
""",
    "a function": """
class Wrap(nn.Module):
    def __init__(self, f, dim):
        super().__init__()
        self.f, self.n = f, nn.RMSNorm(dim)
    def forward(self, x):
        return x + .4 * self.f(self.n(x))
def MyDesign(branches, dim):
    return nn.Sequential(*[Wrap(f, dim) for f in branches])
""",
    "in-place on its own": design(
        "y = self.branch(i, self.norm(i, x)) * 0.4\n        y += x\n        return y"),
    "dropout": design("return x + self.drop(self.branch(i, self.norm(i, x)))",
                      "self.drop = nn.Dropout(0.1)"),
    "from the embedding": """
class MyDesign(Design):
    def begin(self, x):
        self.x0 = x
        return x
    def step(self, x, i):
        return 0.8 * x + 0.2 * self.x0 + 0.5 * self.branch(i, self.norm(i, x))
""",
    "a gate": design(
        "g = torch.sigmoid(self.g[i](self.norm(i, x)))\n"
        "        print(i)\n        assert g.shape == x.shape\n"
        "        return x + g * self.branch(i, self.norm(i, x))",
        "self.g = nn.ModuleList(nn.Linear(dim, dim) for _ in range(count))"),
    "parallel": design("if i % 2: return x\n        h = self.norm(i, x)\n"
                       "        return x + .5 * self.branch(i, h) + .5 * self.branch(i + 1, h)"),
    "post-norm": design("return self.norm(i, 2 * x + self.branch(i, x))"),
}  # fmt: skip

BRANCH = "self.branch(i, self.norm(i, x))"
NO_DESIGNS = {
    "no return": (design(f"x = x + {BRANCH}"), "is the `return` missing"),
    "pre-norm": (design(f"return x + {BRANCH}"), "This is pre-norm"),
    "pre-norm, other words": (
        design("h = self.norms[i](x)\n        return self.branches[i](h) + x"), "This is pre-norm"),
    "plain": (design(f"return {BRANCH}"), "no shortcut"),
    "a shortcut at every second": (
        design(f"return x * (i % 2) + {BRANCH}"), "no shortcut"),
    "over the batch": (
        design(f"return x + x.mean(0, keepdim=True) + {BRANCH}"), "amples are mixed"),
    "over time": (design(f"return x + x.mean(1, keepdim=True) + {BRANCH}"), "what comes after"),
    "norm over time": (
        design("return x + self.branch(i, (x - x.mean(1, True)) / x.std(1, keepdim=True))"),
        "what comes after"),
    "norm over the batch": (
        design("return x + self.branch(i, (x - x.mean(0)) / (x.std(0) + 1))"), "amples are mixed"),
    "batch norm": (
        design("return x + 0.5 * self.branch(i, self.b(x.transpose(1, 2)).transpose(1, 2))",
               "self.b = nn.BatchNorm1d(dim)"), "In training mode"),
    "by the sample's number": (
        design(f"return x + torch.arange(len(x)).view(-1, 1, 1) * {BRANCH}"), "place in the batch"),
    "in place": (design(f"x += 0.5 * {BRANCH}\n        return x"), "in place"),
    "noise": (design(f"return x + {BRANCH} + 0.1 * torch.randn_like(x)"), "two runs"),
    "dropout always on": (
        design(f"return x + nn.functional.dropout({BRANCH}, 0.2)"), "two runs"),
    "off by one": (
        design("k = max(i - 1, 0)\n        return x + 0.5 * self.branch(k, self.norm(k, x))"),
        "Branch"),
    "attention alone": (design(f"return x + 0.5 * {BRANCH} if i % 2 == 0 else x"), "Branch 1"),
    "past the end": (design("return x + self.branch(i + 1, self.norm(i, x))"),
                     "`step` stopped in its line 2 with IndexError"),
    "doubled": (design(f"return x + x + {BRANCH}"), "explodes"),
    "halved": (design(f"return 0.1 * x + 1e-4 * {BRANCH}"), "dies"),
    "weights in step, kept": (
        design(f"self.a = nn.Parameter(torch.ones(1))\n        return x + self.a * {BRANCH} / 2"),
        "made in `step`"),
    "weights in step": (
        design(f"a = nn.Parameter(torch.full((1,), 0.5))\n        return x + a * {BRANCH}"),
        "made in `step`"),
    "a layer in step": (
        design(f"return x + nn.Linear(x.shape[-1], x.shape[-1]).to(x)({BRANCH})"),
        "made in `step`"),
    "the wrong token": (design(f"return x + 0.1 * x.roll(-1, 1) + {BRANCH} / 2"), "comes after"),
    "the same branch": (design("return x + self.branch(0, self.norm(i, x)) / 2"), "Branch 1"),
    "kept from call to call": (
        design("y = x + self.branch(i, self.norm(i, x)) / 2 + getattr(self, 'last', 0)\n"
               "        self.last = y.detach()\n        return y"), "kept from one call"),
    "a plain list": (design(f"return x + self.a[i] * {BRANCH}",
                            "self.a = [nn.Parameter(torch.ones(1) / 2) for _ in range(count)]"),
                     "plain list"),
    "detached": (design(f"return x + self.a[i].detach() * {BRANCH}", SCALED), "no gradient"),
    "never used": (design(f"return x + 0.5 * {BRANCH}", SCALED), "no gradient"),
    "no prepare": (design(f"return x + self.a[i] * {BRANCH}"), "is made in `prepare"),
    "no super": ("class MyDesign(Design):\n    def __init__(self, branches, dim):\n"
                 "        self.a = nn.Parameter(torch.ones(1))", "First comes `super()"),
    "a fixed width": (design(f"return x + self.a * {BRANCH}",
                             "self.a = nn.Parameter(torch.full((16,), 0.5))"), "must match"),
    "shape": (design(f"return x + {BRANCH}", rest="    def end(self, x):\n        return x[:, -1]"),
              "the shape must stay"),
    "no end": ("class MyDesign(Design):\n    def begin(self, x): return [x]\n"
               "    def step(self, x, i): return x + [x[-1] + self.branch(i, self.norm(i, x[-1]))]",
               "a list"),
    "nan": (design(f"return x + {BRANCH}.sqrt()"), "not finite"),
    "an instance": ("MyDesign = Design([nn.Identity()], 4)", "give the class itself"),
    "a number": ("MyDesign = 3", "A class is expected"),
    "a closed gate": (design(f"return x + 1e-9 * {BRANCH}"), ""),
    "arguments": ("class MyDesign(Design):\n    def step(self, x):\n        return x", "step"),
}  # fmt: skip


@pytest.mark.parametrize("code", DESIGNS.values(), ids=DESIGNS)
def test_a_design_of_ones_own_is_right(code):
    found = verdict("11.2", code)
    assert found.status == RIGHT, found


@pytest.mark.parametrize(("code", "says"), NO_DESIGNS.values(), ids=NO_DESIGNS)
def test_what_is_wrong_with_a_design_is_named(code, says):
    found = verdict("11.2", code)
    assert (found.status, found.recognised) == (NOT_YET, True), found
    assert says in found.message


def test_the_stub_is_not_attempted_and_the_solution_is_right():
    assert verdict("11.2", "STUB").status == NOT_ATTEMPTED
    found = verdict("11.2", solution("11.2"))
    assert found.status == RIGHT, found
    assert "none of the scorecard's designs" in found.message


@pytest.mark.parametrize("name", [name for name in ROWS if name != "pre-norm"])
def test_a_design_of_the_scorecard_is_named(name):
    kind = ROWS[name].design
    found = verdict("11.2", f"from {kind.__module__} import {kind.__name__} as MyDesign")
    assert found.status == RIGHT, found
    assert f"calls {name};" in found.message


def test_a_fixed_half_is_not_taken_for_a_division_by_the_root_of_four_branches():
    assert "none of the scorecard's" in verdict("11.2", DESIGNS["a fixed half"]).message


def test_the_callers_random_state_stays():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    verdict("11.2", solution("11.2"))
    assert torch.equal(torch.get_rng_state(), state)
