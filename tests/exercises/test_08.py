"""Exercise 6.4 of notebook 06, the wiring clinic: what each wrong diagnosis is told."""

import pytest
from exercises.exercise import Case, all_tests, verdict

from lecture_utils.checks.verdict import NOT_YET
from lecture_utils.clinic import DIAGNOSES, FAULTS, PATIENTS

RIGHT = {who: DIAGNOSES[who].name for who in PATIENTS}


def with_slip(**guesses: str) -> str:
    """Return the right answer's code with other diagnoses for some patients."""
    return f"diagnoses = {RIGHT | guesses!r}"


CLINIC = Case(
    "6.4",
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
        with_slip(A="no final norm", G="no final norm"): "10 of 12 are right",
        f"diagnoses = {RIGHT!r} | {{'C': ...}}": "Still open: C",
        f"diagnoses = {RIGHT!r} | {{'C': 'padding filed with 0'}}": (
            'Did you mean "padding filled with 0"'
        ),
        f"diagnoses = {RIGHT!r} | {{'C': 3}}": "as a string",
        f"diagnoses = {RIGHT!r} | {{'M': 'no final norm'}}": "There is no patient M",
        "diagnoses = ['no final norm']": "A dict is expected",
    },
)
globals().update(all_tests([CLINIC]))


@pytest.mark.parametrize("who", PATIENTS)
def test_no_message_gives_the_answer_away(who):
    for guess in set(FAULTS) - {RIGHT[who]}:
        found = verdict("6.4", f"diagnoses = {{{who!r}: {guess!r}}}")
        assert found.status == NOT_YET
        assert found.message.count(f"**{who}** is not") == 1
        assert RIGHT[who] not in found.message, guess
        assert FAULTS[RIGHT[who]] not in found.message, guess
