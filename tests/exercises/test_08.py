"""Exercises of notebook 08, the wiring clinic: what each wrong answer is told."""

import re

import pytest
import torch
from exercises.exercise import Case, all_tests, solution, verdict

from lecture_utils import clinic
from lecture_utils.authoring import notebooks
from lecture_utils.checks.leaks import leaky
from lecture_utils.checks.verdict import NOT_YET
from lecture_utils.clinic import DIAGNOSES, FAULTS, PATIENTS

RIGHT = {who: DIAGNOSES[who].name for who in PATIENTS}


def with_slip(**guesses: str) -> str:
    """Return the right answer's code with other diagnoses for some patients."""
    return f"diagnoses = {RIGHT | guesses!r}"


_STYLES_OF_CLINIC = tuple(
    code.format(right=repr(RIGHT), eight=repr({who: RIGHT[who] for who in "BCDEHIKL"}))
    for code in (
        "diagnoses = {eight}",
        "diagnoses = {{who.lower(): fault for who, fault in {eight}.items()}}",
        "diagnoses = list({right}.items())",
        "import collections\ndiagnoses = collections.OrderedDict(sorted({eight}.items()))",
        "import collections\ndiagnoses = collections.defaultdict(str, {eight})",
        "diagnoses = {{f'patient {{who}}': f'{{fault}} ' for who, fault in {right}.items()}}",
        "diagnoses = {{who: fault.replace(' ', '_') for who, fault in {eight}.items()}}",
        "diagnoses = {{who: clinic.FAULTS[fault] for who, fault in {eight}.items()}}",
        "diagnoses = {{who: fault.replace('alpha', 'α') for who, fault in {eight}.items()}}",
        "diagnoses = zip({eight}, {eight}.values())",
        "diagnoses = {eight} | {{'A': ..., 'F': None}}",
        """
import types
diagnoses = types.SimpleNamespace(**{eight}).__dict__
for who, fault in diagnoses.items():
    assert fault in clinic.FAULTS, who
    print(who, fault)
""",
    )
)

CLINIC = Case(
    "8.2",
    other_style=f"""
from types import MappingProxyType
diagnoses = MappingProxyType({{k: " " + v.upper() for k, v in {RIGHT!r}.items()}})
""",
    styles=_STYLES_OF_CLINIC,
    outcome=lambda found: sorted(f"{who}: {fault}" for who, fault in found.items()),
    wrong={
        with_slip(A="batch norm for layer norm"): "would reach the first",
        with_slip(A="positions by the batch"): "only the diagonal is filled",
        with_slip(B="alpha on the branch"): "a pre-norm decoder has no α",
        with_slip(B="attention added twice"): "1.57 for H, 1 for B",
        with_slip(B="second shortcut from x"): "α on the diagonal, 0 elsewhere",
        with_slip(C="padding mask lost"): "the two weights are equal",
        with_slip(C="causal mask missing"): "the causal mask is in order",
        with_slip(C="attention over the batch"): "six rows and six columns",
        with_slip(D="small start on the wrong matrix"): "Which one does here?",
        with_slip(E="one position for all"): "only in one direction",
        with_slip(E="attention over the batch"): "all rows are the same",
        with_slip(F="attention added twice"): "would stand at 2",
        with_slip(F="normed shortcut"): "no bar would be a whole number",
        with_slip(G="causal mask shifted"): "leaves the past visible",
        with_slip(G="causal mask missing"): "all 36 cells",
        with_slip(G="attention over the batch"): "no token would reach another",
        with_slip(H="alpha missing"): "exactly 0 elsewhere",
        with_slip(H="normed shortcut"): "no norm before its branches",
        with_slip(I="one block used again"): "equal to itself for ever",
        with_slip(J="dropout in evaluation"): "the branches are silent",
        with_slip(J="normed shortcut"): "no entry would be exactly 0",
        with_slip(K="final norm does not centre"): "no spread would exceed 1",
        with_slip(L="small start never applied"): "so it was applied",
        with_slip(A="dropout in evaluation"): "two runs would differ",
        with_slip(A="no final norm", G="no final norm"): "10 of the 12 that you give are right",
        f"diagnoses = {RIGHT!r} | {{'C': ...}}": "Still open: C",
        f"diagnoses = {RIGHT!r} | {{'C': 'padding filed with 0'}}": (
            'Did you mean "padding filled with 0"'
        ),
        f"diagnoses = {RIGHT!r} | {{'C': 3}}": "as a string",
        f"diagnoses = {RIGHT!r} | {{'M': 'no final norm'}}": "There is no picture of M",
        "diagnoses = {'B': ['normed shortcut']}": "as a string",
        "diagnoses = {'B': 'normed shortcut'}": "Still open: C, D, E, H, I, K, L",
        "diagnoses = [('B', 'alpha on branch')]": 'Did you mean "alpha on the branch"?',
        "diagnoses = {'normed shortcut': 'B'}": "There is no picture of",
        "diagnoses = 'normed shortcut'": "A dict is expected",
        "diagnoses = ['no final norm']": "A dict is expected",
    },
)

PADDING = """
def padding_is_ignored(model, x, padding):
    changed = {copy}
    changed[{where}] {change}
    return same(model(changed{mask})[{kept}], model(x{mask})[{kept}])
"""
PARTS = {
    "copy": "x.clone()",
    "where": "padding",
    "change": "= torch.randn_like(x[padding])",
    "mask": ", padding",
    "kept": "~padding",
}


def padding_test(**parts: str) -> str:
    """Return the solution of exercise 8.1 with other parts."""
    return PADDING.format(**(PARTS | parts))


_HELPERS = """
import functools
def outputs(model, x, padding, noise):
    changed = x.clone()
    changed[padding] += noise
    with torch.no_grad():
        return [model(given, padding=padding)[~padding] for given in (x, changed)]
"""
_STYLES_OF_PADDING = (
    """
def padding_is_ignored(net, sequences, mask):
    other = torch.where(mask[:, :, None], torch.rand_like(sequences), sequences)
    return torch.allclose(net(other, mask)[~mask], net(sequences, mask)[~mask])
""",
    """
def padding_is_ignored(model, x, padding):
    changed = x.clone()
    changed[padding] = -x[padding]
    before, after = model(x, padding), model(changed, padding)
    return torch.equal((before - after)[~padding].round(decimals=6).abs(),
                       torch.zeros_like(x[~padding]))
""",
    """
def padding_is_ignored(model, x, padding):
    changed = x.clone()
    changed[padding] = 0
    return same(model(changed, padding)[~padding], model(x, padding)[~padding])
""",
    """
def padding_is_ignored(model, x, padding):
    both = torch.cat([x, x + padding[..., None] * torch.randn_like(x)])
    y, y_changed = model(both, torch.cat([padding, padding])).chunk(2)
    return same(y[~padding], y_changed[~padding])
""",
    """
def padding_is_ignored(model, x, padding):
    for tokens, hidden in zip(x, padding):
        changed = tokens.clone()
        changed[hidden] = 5 * torch.randn_like(changed[hidden])
        a = model(tokens[None], hidden[None])[0]
        b = model(changed[None], hidden[None])[0]
        if not same(a[~hidden], b[~hidden]):
            return False
    return True
""",
    """
import numpy as np
def padding_is_ignored(model, x, padding):
    model.eval()
    rng = np.random.default_rng(0)
    noise = torch.from_numpy(rng.normal(size=tuple(x.shape)))
    with torch.no_grad():
        a = model(x, padding).numpy()
        b = model(x + noise * padding.unsqueeze(2), padding).numpy()
    real = ~padding.numpy()
    return np.isclose(a[real], b[real], atol=1e-8).all()
""",
    """
def padding_is_ignored(model, x, padding):
    samples, tokens, width = x.shape
    changed = x.clone()
    for s in range(samples):
        for t in range(tokens):
            if padding[s, t]:
                for k in range(width):
                    changed[s, t, k] = 3.0 * (-1) ** k + k
    y1 = model(x, padding)
    y2 = model(changed, padding)
    worst = 0.0
    for s in range(samples):
        for t in range(tokens):
            if not padding[s, t]:
                difference = (y1[s, t] - y2[s, t]).abs().max().item()
                if difference > worst:
                    worst = difference
    print("largest change of a real token:", worst)
    return worst < 1e-7
""",
    """
def padding_is_ignored(model, x, padding):
    assert padding.dtype == torch.bool
    torch.manual_seed(3)
    results = []
    for size in (0.1, 1, 100):
        changed = x.masked_scatter(padding[..., None], size * torch.randn_like(x))
        results.append(same(model(x, padding)[~padding], model(changed, padding)[~padding]))
    return all(results)
""",
    _HELPERS
    + """
class Test:
    def __call__(self, model, x, padding):
        before, after = outputs(model, x, padding, torch.randn_like(x[padding]))
        return (before - after).abs().sum() < 1e-6
padding_is_ignored = Test()
""",
    _HELPERS
    + """
def check(model, x, padding, tolerance):
    before, after = outputs(model, x, padding, 9 * torch.randn_like(x[padding]))
    return bool(((before - after) ** 2).sum().sqrt() <= tolerance)
padding_is_ignored = functools.partial(check, tolerance=1e-6)
""",
    _HELPERS
    + """
padding_is_ignored = lambda model, x, padding: same(
    *outputs(model, x, padding, x.flip(-1)[padding]))
""",
    """
def padding_is_ignored(model, x, padding):
    keep = (~padding).unsqueeze(-1).to(x)
    other = x * keep + torch.randn_like(x) * (1 - keep)
    moved = (model(padding=padding, x=other) - model(padding=padding, x=x)) * keep
    return not (moved.abs() > 1e-9).any().item()
""",
)

# Six decoders: two healthy, one that mixes samples, three that leak to many tokens or to one.
_DECODERS = (
    (clinic.admit("pre-norm"), 0), (clinic.admit("DeepNorm", 1), 1), (clinic.admit("A"), 0),
    (clinic.admit("C"), 0), (leaky(), 3), (leaky(queries=(5,), blocks=(2,)), 2),
)  # fmt: skip


def _padded(sample: int) -> torch.Tensor:
    padding = torch.zeros(4, 6, dtype=torch.bool)
    padding[sample, :2] = True
    return padding


PAD = Case(
    "8.1",
    styles=_STYLES_OF_PADDING,
    inputs=lambda _: [(model, clinic.sequences(s), _padded(s)) for model, s in _DECODERS],
    outcome=lambda passed, *_: bool(passed),
    other_style="""
import numpy as np
def padding_is_ignored(model, x, padding):
    before = model(x, padding)
    noise = 10 * torch.rand_like(x)
    after = model(torch.where(padding.unsqueeze(-1), x + noise, x), padding)
    moved = (after - before).abs().amax(-1)
    return np.bool_(moved.masked_fill(padding, 0).max().item() < 1e-6)
""",
    wrong={
        padding_test(copy="x"): "changes `x` in place",
        padding_test(mask=""): "its mask in both runs",
        padding_test(kept=":"): "Compare only the real tokens",
        padding_test(kept="padding"): "Compare only the real tokens",
        padding_test(change="+= 1"): "a layer norm removes that",
        padding_test(change="= x[padding]"): "nothing was changed",
        padding_test(change="= torch.randn_like(x)"): "Two shapes do not fit",
        """
def padding_is_ignored(model, x, padding):
    changed = torch.where(padding, torch.randn_like(x), x)
    return same(model(changed, padding)[~padding], model(x, padding)[~padding])
""": "a third axis, `padding[..., None]`",
        padding_test(change="= float('nan')"): "0 times NaN is NaN",
        padding_test(change="+= 1e-10 * torch.randn_like(x[padding])"): "told from rounding",
        padding_test(where="~padding", change="= 0"): "changes real tokens as well",
        padding_test(where=":1, :2", change="= torch.randn(1, 2, 16).double()"): (
            "changes real tokens as well"
        ),
        "def padding_is_ignored(model, x, padding): return True": "runs the decoder 0 times",
        """
def padding_is_ignored(model, x, padding):
    return model(x, padding) == model(x, padding)
""": "`.all()` or `.any()`",
        padding_test() + "    # no more\n" + padding_test(kept="0, 5:"): "passes your test",
        padding_test(kept=":, 5:"): "Do you compare all real tokens",
        padding_test(where="0, padding[0]", change="= torch.randn_like(x[0, padding[0]])"): (
            "nothing was changed"
        ),
        padding_test(change="+= torch.zeros_like(x[padding])"): "nothing was changed",
        padding_test(where="padding.nonzero()[0].unbind()", change="+= torch.randn(16).double()"): (
            "Some padding stays as it is"
        ),
        padding_test().replace("return same", "return not same"): "the wrong way round",
        padding_test().replace("changed =", "model.train(); changed ="): "in training mode",
        padding_test(mask=", ~padding"): "another mask",
        """
def padding_is_ignored(model, x, padding):
    return same(model(x, padding)[~padding], model(x)[~padding])
""": "its mask in both runs",
        """
def padding_is_ignored(model, x, padding):
    changed = torch.where(padding[..., None], torch.randn_like(x), x)
    moves = (model(changed, padding) - model(x, padding)).abs().amax(-1)
    return moves[:, -1].masked_fill(padding[:, -1], 0).max() < 1e-9
""": "token 3 alone sees padding passes your test",
        """
def padding_is_ignored(model, x, padding):
    changed = torch.where(padding[..., None], torch.randn_like(x), x)
    return torch.allclose(model(changed, padding)[~padding], model(x, padding)[~padding], atol=0.1)
""": "equality up to rounding",
        """
def padding_is_ignored(model, x, padding):
    changed = torch.where(padding[..., None], torch.randn_like(x), x)
    return same(model(changed, padding)[~padding].sum(), model(x, padding)[~padding].sum())
""": "Do you compare all real tokens",
        """
def padding_is_ignored(model, x, padding):
    for parameter in model.parameters():
        parameter.data.zero_()
    return same(model(x, padding), model(x, padding))
""": "the decoder's own weights",
        """
def padding_is_ignored(model, x, padding):
    changed = torch.where(padding[..., None], torch.randn_like(x), x)
    stays = same(model(changed, padding)[~padding], model(x, padding)[~padding])
    return stays and bool(padding.any())
""": "where nothing is padding",
        """
def padding_is_ignored(model, x, padding):
    padding[:] = False
    return True
""": "changes `padding` in place",
        """
def padding_is_ignored(model, x, padding):
    changed = torch.where(padding[..., None], torch.randn_like(x), x)
    return (model(changed, padding) - model(x, padding))[~padding].abs().max() < 10
""": "passes your test",
        """
def padding_is_ignored(model, x, padding):
    changed = torch.where(padding[..., None], torch.randn_like(x), x)
    y = model(changed, padding)
    return same(y[~padding], model(x, padding)[~padding]) and samples_are_independent(model, x)
""": "its mask in both runs",
    },
)
globals().update(all_tests([CLINIC, PAD]))


def test_what_the_check_suggests_runs_as_printed(capsys):
    found = verdict("8.1", solution("8.1"))
    (code,) = re.findall(r"```python\n(.*?)\n```", found.message, re.DOTALL)
    names = vars(notebooks.definitions(notebooks.path_of("08")))
    exec(solution("8.1"), names)
    exec(code, names)
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "False" in line] == ["C False"]
    assert len(lines) == len(DIAGNOSES)


@pytest.mark.parametrize("who", PATIENTS)
def test_no_message_gives_the_answer_away(who):
    for guess in set(FAULTS) - {RIGHT[who]}:
        found = verdict("8.2", f"diagnoses = {{{who!r}: {guess!r}}}")
        assert found.status == NOT_YET
        assert found.message.count(f"**{who}** is not") == 1
        assert RIGHT[who] not in found.message, guess
        assert FAULTS[RIGHT[who]] not in found.message, guess
