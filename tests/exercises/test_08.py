"""Exercises of notebook 08, the wiring clinic: what each wrong answer is told."""

import re

import pytest
from exercises.exercise import Case, all_tests, solution, verdict

from lecture_utils.authoring import notebooks
from lecture_utils.checks.verdict import NOT_YET
from lecture_utils.clinic import DIAGNOSES, FAULTS, PATIENTS

RIGHT = {who: DIAGNOSES[who].name for who in PATIENTS}


def with_slip(**guesses: str) -> str:
    """Return the right answer's code with other diagnoses for some patients."""
    return f"diagnoses = {RIGHT | guesses!r}"


CLINIC = Case(
    "8.2",
    other_style=f"""
from types import MappingProxyType
diagnoses = MappingProxyType({{k: " " + v.upper() for k, v in {RIGHT!r}.items()}})
""",
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


PAD = Case(
    "8.1",
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
        padding_test(copy="x"): "the caller's `x` itself",
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
        padding_test(change="+= 1e-6 * torch.randn_like(x[padding])"): "told from rounding",
        padding_test(where="~padding", change="= 0"): "changes real tokens as well",
        padding_test(where=":1, :2", change="= torch.randn(1, 2, 16).double()"): (
            "changes real tokens as well"
        ),
        "def padding_is_ignored(model, x, padding): return True": "runs the decoder 0 times",
        """
def padding_is_ignored(model, x, padding):
    return model(x, padding) == model(x, padding)
""": "one truth value",
        padding_test() + "    # no more\n" + padding_test(kept="0, 5:"): "passes your test",
        """
def padding_is_ignored(model, x, padding):
    padding[:] = False
    return True
""": "changes `padding` itself",
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
