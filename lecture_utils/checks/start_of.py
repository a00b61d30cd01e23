"""Check of notebook 11: what a design is before it has learned anything (exercise 11.3)."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from lecture_utils.checks.calling import called
from lecture_utils.checks.start_cases import Case, cases_of_start
from lecture_utils.checks.values import said
from lecture_utils.checks.verdict import NotYet, Unrecognised, graded

WORDS = ("identity", "pre-norm", "neither")


@graded
def start_of(answer: Callable) -> str:
    """Exercise 11.3: tell by measuring what a fresh design equals."""
    cases = cases_of_start()
    for case in cases:
        found = _word(called(answer, case.stack, case.base, case.x, names=("stack", "base", "x")))
        if found != case.right:
            raise _mistake(answer, cases, case, found)
    return (
        "You did not read its code: you asked the net. Three numbers on a paper, a start that a "
        "library changed, or your own design of 11.2 are tested in the same way."
    )


def _word(found: Any) -> str:
    """Return the answer's word."""
    if isinstance(found, str):
        plain = found.strip().lower().replace("prenorm", "pre-norm").replace("pre norm", "pre-norm")
        if plain in WORDS:
            return plain
    words = ", ".join(f'"{word}"' for word in WORDS)
    raise NotYet(f"Return one of the words {words}; yours is {said(found)}.")


@torch.no_grad()
def _mistake(answer: Callable, cases: list[Case], case: Case, found: str) -> NotYet:
    """Say which habit gives what the answer says of all cases, or what this case is about."""
    words, outputs = [], [(each.stack(each.x), each.x, each.base(each.x)) for each in cases]
    for each in cases:
        try:
            words.append(_word(answer(each.stack, each.base, each.x)))
        except NotYet:
            words.append("")
    for habit, message in _HABITS:
        if words == [habit(*three) for three in outputs]:
            return NotYet(message)
    told = f'Given {case.what}, you say "{found}"; it is "{case.right}".'
    if case.why:
        return NotYet(f"{told} {case.why}")
    for word in (case.right, *WORDS):
        if word not in words:
            return NotYet(f'{told} You never say "{word}": {_ASKS[word]}')
    wrong = [w for w, each in zip(words, cases, strict=True) if each.right == case.right]
    if case.right not in wrong:
        return NotYet(
            f'{told} Where "{case.right}" is right you say another word: {_ASKS[case.right]}'
        )
    y, *others = outputs[cases.index(case)]
    apart = [_apart(y, other) for other in others]
    return Unrecognised(
        f"{told} Behind a norm its output differs from x by at most {apart[0]:.2g}, and from "
        f"pre-norm's by {apart[1]:.2g}: compare both with 0.01."
    )


_ASKS = {
    "identity": "it is the word where the stack's output is x, behind a norm.",
    "pre-norm": "it is the word where the stack's output is the base's, behind a norm.",
    "neither": "it is the word where both comparisons fail.",
}


def _apart(a: Tensor, b: Tensor, normed: bool = True, read: Callable = torch.max) -> float:
    if normed:
        a, b = (layer_norm(z, z.shape[-1:]) for z in (a, b))
    return float(read((a - b).detach().abs()))


def _habit(
    normed: bool = True,
    read: Callable = torch.max,
    limit: float = 0.01,
    *,
    base_first: bool = False,
    swap: bool = False,
    turned: bool = False,
) -> Callable:
    """Return how an answer with these habits judges outputs: the stack's, x, the base's."""

    def judged(y: Tensor, x: Tensor, base: Tensor) -> str:
        near = {"identity": x, "pre-norm": base}
        fits = [w for w, z in near.items() if (_apart(y, z, normed, read) < limit) != turned]
        fits = fits[::-1] if base_first else fits
        word = fits[0] if fits else "neither"
        return {"identity": "pre-norm", "pre-norm": "identity"}.get(word, word) if swap else word

    return judged


_HABITS = (
    (_habit(normed=False), "You compare the outputs themselves. What comes after the stack is a "
     "norm, so a factor does not matter: compare `norm(a)` and `norm(b)`."),
    (_habit(normed=False, limit=1e-5), "Your comparison is too strict. Compare behind a norm, as a "
     "factor does not matter, and with a hundredth, as rounding does not."),
    (_habit(read=torch.min), "You take the smallest difference; the largest one decides."),
    (_habit(turned=True), "Your comparison is the wrong way round: equal is what differs by *less* "
     "than a hundredth."),
    (_habit(read=torch.mean), "You take the mean difference: a single entry that is wrong is lost "
     "in it. The largest one decides, `.max()`."),
    (_habit(read=torch.sum), "You add up the differences: of so many entries even rounding sums "
     "up. The largest one decides, `.max()`."),
    (_habit(read=torch.norm), "The length of the difference grows with the number of entries. The "
     "largest entry decides, `.abs().max()`."),
    (_habit(limit=1e-5), "Your limit is too strict: the norm's ε and rounding already differ by "
     "more. The task says a hundredth."),
    (_habit(base_first=True), 'Where both fit, the task asks for "identity": ask for it first.'),
    (_habit(swap=True), 'The two words are exchanged: the "identity" returns x itself.'),
)  # fmt: skip
