"""Check for notebook 04: name a net's illness from its vital signs (exercise 4.2)."""

import itertools
from collections.abc import Callable

from lecture_utils.checks.verdict import NotYet, Unrecognised, graded

Signs = tuple[float, float, float]  # gradient, size, likeness

# Medians of 20 untrained nets: gradient × length h_0 / h_L, size h_L / h_0, likeness at h_L. The
# fifth is a single net, one in which growth has also made the digits alike.
_PATIENTS = [
    (1e-12, 0.2, 1.0, "vanishing", "32 plain blocks, default weights"),
    (8e-26, 0.2, 1.0, "vanishing", "64 plain blocks, default weights"),
    (1.7, 5e4, 0.92, "growth", "32 shortcut blocks, He's weights, no norm"),
    (2.9, 3e8, 0.96, "growth", "64 shortcut blocks, He's weights, no norm"),
    (4.0, 4e8, 0.999, "growth", "64 shortcut blocks, He's weights, no norm, an unlucky draw"),
    (1.4, 1.7, 0.99, "collapse", "32 plain blocks, layer norm"),
    (0.4, 1.6, 0.999, "collapse", "64 plain blocks, layer norm"),
    (1.6, 0.3, 0.99, "collapse", "32 plain blocks, He's weights, no norm"),
    (437, 1.7, 0.35, "explosion", "32 plain blocks, batch norm"),
    (3e5, 1.7, 0.34, "explosion", "64 plain blocks, batch norm"),
    (1.3, 9.3, 0.62, "healthy", "32 shortcut blocks, layer norm"),
    (1.3, 13.9, 0.67, "healthy", "64 shortcut blocks, layer norm"),
    (1.0, 1.6, 0.26, "healthy", "64 shortcut blocks, weights / √L"),
    (1.2, 0.22, 0.02, "healthy", "32 plain blocks, orthogonal weights, tanh"),
    (1.2, 0.81, 0.02, "healthy", "64 plain blocks, looks-linear weights"),
    (1.7, 4e4, 0.02, "growth", "32 shortcut blocks, looks-linear weights, no norm"),
]
# Just inside a limit, just outside, and on it where the text says "at most".
_LIMITS = [
    *((g, 1.0, 0.3, word, "made up, one sign near its limit") for g, word in (
        (1.005e-4, "healthy"), (0.995e-4, "vanishing"), (1e-4, "healthy"),
        (99.5, "healthy"), (100.5, "explosion"), (100.0, "healthy"))),
    *((1.0, s, 0.3, word, "made up, one sign near its limit") for s, word in (
        (995.0, "healthy"), (1005.0, "growth"), (1000.0, "healthy"), (1e-5, "healthy"))),
    *((1.0, 1.0, c, word, "made up, one sign near its limit") for c, word in (
        (0.895, "healthy"), (0.905, "collapse"), (0.9, "healthy"))),
]  # fmt: skip
_NAMES = ("gradient", "size", "likeness")
_SOUND = (1.0, 1.0, 0.3)
_SIGNS = {  # illness: (which sign, its limit, as bad as it gets, as far from it as possible)
    "vanishing": (0, 1e-4, 1e-30, 99.0),
    "growth": (1, 1e3, 1e30, 0.1),
    "explosion": (0, 100.0, 1e30, 2e-4),
    "collapse": (2, 0.9, 1.0, -0.1),
}
_FIRST = {
    "vanishing": "Its digits are alike, true, but nothing comes back to change that: look at the "
                 "gradient before the likeness.",
    "growth": "Its digits are alike, but its stream is so long that the loss starts at thousands "
              "or more: treat that first.",
}  # fmt: skip
_IS = {
    "vanishing": "Nothing of its gradient is left at h_0: that is vanishing.",
    "growth": "Its stream has grown beyond a factor of 1,000: a net like this did worse than "
              "guessing in section 4.5.",
    "explosion": "More than a hundred times as much gradient comes back as was sent: at a learning "
                 "rate of 0.001 such a net still guesses after 150 steps.",
    "collapse": "Its gradient is in order, and that is the trap: its digits are alike, and in "
                "section 4.3 such a net failed.",
    "healthy": "All three signs are within the limits.",
}  # fmt: skip
_IS_NOT = {
    "vanishing": "Its gradient has not vanished.",
    "growth": "Its stream has not grown too long.",
    "explosion": "Its gradient does not explode.",
    "collapse": "Its digits are not alike.",
}


@graded
def diagnose(answer: Callable) -> str:
    """Exercise 4.2: name a net's illness from its vital signs."""
    for *signs, right, who in (*_PATIENTS, *_LIMITS):
        found = _word(answer, tuple(signs))
        if found != right:
            kind, why = _explanation(answer, tuple(signs), right, found)
            raise kind(f'{_described(signs)}: you say "{found}". {why} (The patient: {who}.)')
    return (
        "Three numbers before the first step find the illness of eleven of these sixteen nets; the "
        "gradient's norm alone would have passed seven of them. They do not find every illness: 64 "
        "plain blocks with random weights and tanh pass, and hardly learn."
    )


def _described(signs: Signs) -> str:
    return "Gradient {:g}, size {:g}, likeness {:g}".format(*signs)


def _word(answer: Callable, signs: Signs) -> str:
    """Return the answer's word, NumPy's strings and others as well; refuse what is no word."""
    try:
        given = answer(*signs)
    except NotYet as mistake:
        raise NotYet(f"{_described(signs)}: {mistake}") from mistake
    found = str(given).strip()
    if found not in _IS:
        words = ", ".join(sorted(_IS))
        small = " Write it in small letters." if found.lower() in _IS else ""
        raise NotYet(f"You return {given!r}; return one of the five words {words}.{small}")
    return found


def _said(answer: Callable, signs: Signs) -> str:
    """Return the answer's word where a probe asks; "" where it has none."""
    try:
        return _word(answer, signs)
    except NotYet:
        return ""


def _explanation(answer: Callable, signs: Signs, right: str, found: str) -> tuple[type, str]:
    """Say why `right` is right, and what in the answer makes another word of it."""
    if len({_said(answer, tuple(p[:3])) for p in _PATIENTS}) == 1:
        return NotYet, f"You say so of every net. {_IS[right]}"
    for order in list(itertools.permutations(range(3)))[1:]:
        if all(_said(answer, tuple(p[i] for i in order)) == p[3] for p in _PATIENTS):
            return NotYet, "The three numbers come in this order: gradient, size, likeness."
    for place, limit, worst, _ in _SIGNS.values():
        if signs[place] == limit:
            side = "most" if worst > limit else "least"
            return NotYet, (
                f"A {_NAMES[place]} of {limit:g} itself is in order: at {side} {limit:g}, says the "
                f"text."
            )
    if found in _SIGNS and _beyond(signs, found):
        unseen = _about_limit(answer, signs, right)
        return NotYet, f"{_IS[right]} {unseen}" if unseen else _FIRST[right]
    told = [_IS_NOT[found]] if found in _SIGNS else []
    told += [_IS[right]] if right in _SIGNS or not told else []
    suspect = found if found in _SIGNS else right
    limit = _about_limit(answer, signs, suspect)
    named = limit or (right in _SIGNS and found in _SIGNS)
    return (NotYet if named else Unrecognised), " ".join([*told, *filter(None, [limit])])


def _beyond(signs: Signs, illness: str) -> bool:
    place, limit, worst, _ = _SIGNS[illness]
    return signs[place] > limit if worst > limit else signs[place] < limit


def _about_limit(answer: Callable, signs: Signs, illness: str) -> str:
    """Say from which value on the answer sees an illness, if that is not its limit."""
    place, limit, worst, best = _SIGNS[illness]
    name, side = _NAMES[place], "above" if worst > limit else "below"

    def seen(value: float) -> bool:
        return _said(answer, (*_SOUND[:place], value, *_SOUND[place + 1 :])) == illness

    if seen(best):
        if seen(worst):
            return f'You say "{illness}" of large and small values of the {name} alike.'
        return f"Your comparison with the {name} is the wrong way round."
    if not seen(worst):
        return f'You never say "{illness}" where the {name} alone is {side} {limit:g}.'
    for _ in range(60):
        middle = (best + worst) / 2 if place == 2 else (best * worst) ** 0.5
        best, worst = (best, middle) if seen(middle) else (middle, worst)
    if abs(worst / limit - 1) > 1e-3:
        return f'You say "{illness}" {side} {name} {worst:.3g}; the limit is {limit:g}.'
    return ""
