"""Check for notebook 04: name a net's illness from its vital signs (exercise 4.2)."""

from collections.abc import Callable

from lecture_utils.checks.verdict import NotYet, graded

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
_CONFUSIONS = {
    ("vanishing", "collapse"): (
        "Its digits are alike, true, but nothing comes back to change that: look at the gradient "
        "before the likeness."
    ),
    ("vanishing", "healthy"): "Nothing of its gradient is left at h_0: that is vanishing.",
    ("growth", "collapse"): (
        "Its digits are alike, but its stream is so long that the loss starts at thousands or "
        "more: treat that first."
    ),
    ("growth", "healthy"): (
        "Its gradient has not vanished, but its stream has grown far beyond a factor of 1,000: a "
        "net like this did worse than guessing in section 4.5."
    ),
    ("collapse", "healthy"): (
        "Its gradient is in order, and that is the trap: two different digits have a cosine of "
        "0.99, and in section 4.3 this net failed."
    ),
    ("collapse", "vanishing"): (
        "Nothing has vanished: the gradient at h_0 is about as large as at h_L (a limit of 0.0001 "
        "is sensible). Look at the likeness."
    ),
    ("explosion", "healthy"): (
        "Its digits are apart and its stream is short, but hundreds of times more gradient comes "
        "back than was sent: at a learning rate of 0.001 this net still guesses after 150 steps."
    ),
    ("explosion", "growth"): "Its stream has not grown; what has is the gradient, going back.",
    ("growth", "explosion"): (
        "Its gradient is in order (below 100 is sensible); it is the stream that grows."
    ),
    ("healthy", "explosion"): "Its gradient is in order. Your limit is too strict. Try 100.",
    ("healthy", "vanishing"): "Its gradient is in order. Your limit is too strict. Try 0.0001.",
    ("collapse", "explosion"): (
        "A gradient that is a few times larger is in order (below 100 is sensible). Look at the "
        "likeness."
    ),
    ("healthy", "growth"): (
        "It grows tenfold over many blocks and learns well: your limit for growth is too strict. "
        "Try 1,000."
    ),
    ("healthy", "collapse"): (
        "This is no collapse: the net learns well. Your limit is too strict. Try 0.9."
    ),
}


@graded
def diagnose(answer: Callable) -> str:
    """Exercise 4.2: name a net's illness from its vital signs."""
    words = {word for *_, word, _ in _PATIENTS}
    for gradient, size, likeness, right, who in _PATIENTS:
        given = answer(gradient, size, likeness)
        found = str(given).strip()  # NumPy's strings and others print as the word that they are
        if found not in words:
            raise NotYet(f"You return {given!r}; the five words are {', '.join(sorted(words))}.")
        if found != right:
            hint = _CONFUSIONS.get((right, found), f"Its illness is another one: {right}.")
            raise NotYet(
                f'Gradient {gradient:g}, size {size:g}, likeness {likeness:g}: you say "{found}". '
                f"{hint} (The patient: {who}.)"
            )
    return (
        "Three numbers before the first step find the illness of eleven of these sixteen nets; the "
        "gradient's norm alone would have passed seven of them. They do not find every illness: 64 "
        "plain blocks with random weights and tanh pass, and hardly learn."
    )
