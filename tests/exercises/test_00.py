"""Exercises of notebook 00: what each wrong answer is told."""

from exercises.exercise import Case, all_tests

FIRST = Case(
    "0.1",
    other_style="with_shortcut = lambda function, value: torch.add(value, function(value))",
    wrong={
        "def with_shortcut(F, x): return F(x)": "F(x) alone",
        "def with_shortcut(F, x): return x": "the branch F(x) is missing",
        "def with_shortcut(F, x): return x + x": "one of the two",
        "def with_shortcut(F, x): return F(x) * x": "a shortcut adds",
        "def with_shortcut(F, x): return F(x) - x": "You subtracted",
        "def with_shortcut(F, x): return x - F(x)": "You subtracted",
        "def with_shortcut(F, x): return torch.cat([F(x), x])": "entry by entry",
        "def with_shortcut(F, x): return F(F(x) + x)": "add x after F",
        "def with_shortcut(F, x): F(x) + x": "`return` missing",
        "def with_shortcut(F, x): return F + x": "TypeError",
        "def with_shortcut(F, x): return (F(x) + x).sum()": "expected shape (2,)",
        "def with_shortcut(F, x):\n    x += F(x)\n    return x": "changed x itself",
        "def with_shortcut(F, x): return x.add_(F(x))": "changed x itself",
        "def with_shortcut(F, x): return 11 * x": "for another F",
    },
)

NUMBER = Case(
    "0.2",
    other_style="layers = torch.tensor(9 / 0.39)",
    wrong={
        "layers = -10": "negative number",
        "layers = 0.26": "a fraction",
        "layers = 9": "the exponent",
        "layers = 20": "more than 1e-9 is left",
        "layers = 50": "fewer are enough",
        "layers = '23'": "without quotes",
        "layers = [23]": "one number",
        "layers = {23: 1e-9}": "one number",
    },
)

globals().update(all_tests([FIRST, NUMBER]))
