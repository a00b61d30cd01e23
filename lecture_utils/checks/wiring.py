"""Checks for notebook 08: a test of the padding (8.1), and faults read from pictures (8.2)."""

import difflib
import re
from collections.abc import Mapping

from lecture_utils.checks.verdict import NotAttempted, NotYet, graded
from lecture_utils.clinic.records import DIAGNOSES, FAULTS

# Kind of picture: its patients, what it shows, and how a healthy decoder's looks.
_KINDS = {
    "samples": ("A", "which outputs move when a sample is changed", "only the diagonal is filled"),
    "shortcut": ("BH", "the matrix that a shortcut contributes", "α on the diagonal, 0 elsewhere"),
    "padding": ("C", "the attention weights", "nobody but themselves sees tokens 1 and 2"),
    "start": ("DL", "the spread of the starting weights", "out and con at 0.4, the others at 1"),
    "input": ("E", "what is added to the input", "all rows are the same, and the columns differ"),
    "shares": ("F", "how often each branch's output enters the sum", "once each"),
    "tokens": ("G", "which outputs move when a token is changed", "that token and later ones"),
    "blocks": ("I", "how alike the blocks' weights are", "1 on the diagonal, near 0 elsewhere"),
    "training": ("J", "what silent blocks do to the stream in training", "every entry stays"),
    "output": ("K", "mean and spread of the output tokens", "all points lie on the cross"),
}
WARD_ROUND = "BCDEHIKL"  # the patients of exercise 8.2; the others are met in the text
_NOISE = "Then two runs would differ even without a change, and nothing here would be exact."
_TIME = "The weights on later tokens are exactly 0: the causal mask is in order."
# Kind and guess: what in the picture speaks against it.
_AGAINST = {
    ("samples", "batch norm for layer norm"): (
        "Statistics over a batch know no order: the last sample would reach the first. Does it?"
    ),
    ("samples", "dropout in evaluation"): _NOISE,
    ("shortcut", "normed shortcut"): (
        "H was meant to be DeepNorm, which has no norm before its branches; the one after the sum "
        "is left out of this picture. No norm stands in the way here."
    ),
    ("shortcut", "alpha missing"): (
        "Then the picture would show exactly 1 on the diagonal and exactly 0 elsewhere. Does it?"
    ),
    ("shortcut", "attention added twice"): (
        "Then the shortcut itself would be untouched, and the diagonal would lie around its α. "
        "Compare: 1.57 for H, 1 for B."
    ),
    ("shortcut", "dropout in evaluation"): _NOISE,
    ("padding", "padding mask lost"): (
        "Then each token would see 1 and 2 by their own scores, as it sees the others. In every "
        "row from the third on the two weights are equal: somebody has given them the same score."
    ),
    ("padding", "causal mask flipped"): _TIME,
    ("padding", "causal mask shifted"): _TIME,
    ("padding", "causal mask missing"): _TIME,
    ("padding", "attention over the batch"): (
        "There are six rows and six columns, and each row shares out 1: these are tokens, and the "
        "batch has four samples."
    ),
    ("start", "small start on the wrong matrix"): (
        "Then some matrix that should not would start at 0.4. Which one does here?"
    ),
    ("start", "small start never applied"): (
        "Two matrices do start at 0.4, so it was applied. To these two?"
    ),
    ("input", "one position for all"): (
        "Then all cells would hold one number. Here they differ, and only in one direction."
    ),
    ("shares", "attention added twice"): (
        "Then the attention's bars would stand at 2. Read the numbers on the bars."
    ),
    ("shares", "normed shortcut"): (
        "A norm on the shortcut changes the stream by more than the two outputs, and no bar would "
        "be a whole number. These are."
    ),
    ("shares", "dropout in evaluation"): _NOISE,
    ("tokens", "causal mask shifted"): (
        "A shift by one leaves the past visible. Here the last token's row reaches back, and the "
        "first token's reaches nobody but itself."
    ),
    ("tokens", "causal mask missing"): (
        "Then all 36 cells would be filled. Half of the picture is exactly 0: which half?"
    ),
    ("tokens", "attention over the batch"): "Then no token would reach another token at all.",
    ("tokens", "batch norm for layer norm"): (
        "Statistics over the batch have no direction in time; this picture has one."
    ),
    ("tokens", "dropout in evaluation"): _NOISE,
    ("blocks", "one block used again"): (
        "One module is equal to itself for ever. Look at the right half: after one step the blocks "
        "have begun to differ."
    ),
    ("training", "dropout in evaluation"): (
        "The picture is taken in training, when dropout should act; it says nothing of evaluation. "
        "But the branches are silent: what has been dropped here?"
    ),
    ("training", "normed shortcut"): (
        "Then the stream would change from token to token, but no entry would be exactly 0."
    ),
    ("output", "final norm does not centre"): (
        "A norm that divides by the size keeps mean² + spread² at 1: no spread would exceed 1."
    ),
    ("output", "batch norm for layer norm"): (
        "Any norm at the end would bring the spreads down to about 1. Where do they lie?"
    ),
}


def _against(patient: str, guess: str) -> str:
    """Say what in the patient's picture contradicts the guess."""
    kind, (_, shows, healthy) = next(row for row in _KINDS.items() if patient in row[1][0])
    if guess.startswith("alpha") and patient != "H":
        return "Patient H alone was meant to be DeepNorm; a pre-norm decoder has no α."
    if (kind, guess) in _AGAINST:
        return _AGAINST[kind, guess]
    return (
        f"The picture shows {shows}. That fault leaves it as a healthy decoder has it: {healthy}. "
        f"What differs here?"
    )


def _plain(name: str) -> str:
    """Write a fault's name without what does not matter: capitals, spaces, quotes, hyphens."""
    return " ".join(re.sub(r"[\W_]+", " ", name.lower().replace("α", "alpha")).split())


def _name(patient: str, given: object) -> str:
    """Return the fault's key in the list; its meaning, as the list gives it, is taken as well."""
    if not isinstance(given, str):
        raise NotYet(f"Patient {patient}: a fault's name as a string is expected; got {given!r}.")
    found = _plain(given)
    names = {_plain(name): name for name in FAULTS}
    meanings = {_plain(meaning): name for name, meaning in FAULTS.items()}
    rows = {_plain(f"{name} {meaning}"): name for name, meaning in FAULTS.items()}
    if name := (names | meanings | rows).get(found):
        return name
    close = difflib.get_close_matches(found, names, n=1)
    meant = f' Did you mean "{names[close[0]]}"?' if close else ""
    raise NotYet(f'Patient {patient}: "{given}" is not in the list of faults.{meant}')


def _pairs(answer: object) -> dict[str, object]:
    """Return the answer as a dict, from a capital letter to what is said of that patient."""
    try:
        pairs = dict(answer)
    except (TypeError, ValueError):
        raise NotYet(
            'A dict is expected, from a patient\'s letter to a fault: {"B": "…", …}.'
        ) from None
    return {str(who).strip().upper().removeprefix("PATIENT").strip(): x for who, x in pairs.items()}


@graded
def name_the_faults(answer: Mapping[str, str]) -> str:
    """Exercise 8.2: name each patient's fault from its picture, the ward's or any other's."""
    right = {who: fault.name for who, fault in DIAGNOSES.items() if fault.name in FAULTS}
    answer = _pairs(answer)
    strangers = [who for who in answer if who not in right]
    if strangers:
        raise NotYet(f"There is no picture of {', '.join(strangers)}; they are A to L.")
    given = {who: _name(who, x) for who, x in answer.items() if x is not ... and x is not None}
    if not given:
        raise NotAttempted
    wrong = [who for who, name in sorted(given.items()) if name != right[who]]
    count = f"{len(given) - len(wrong)} of the {len(given)} that you give are right."
    if wrong:
        said = [f'**{who}** is not "{given[who]}": {_against(who, given[who])}' for who in wrong]
        raise NotYet("\n\n".join([count, *said]))
    if missing := [who for who in WARD_ROUND if who not in given]:
        raise NotYet(f"{count} Still open: {', '.join(missing)}.")
    return (
        "None of these faults raises an error. You needed no reference to compare with: each "
        "picture breaks a property that every right wiring has."
    )
