"""A claim: one row of a notebook's *What we measured* table, and the test that holds it."""

import functools
import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass

import torch

from lecture_utils.authoring.notebooks import ROOT, definitions, path_of
from lecture_utils.measure import spread

CLAIMS = ROOT / "tests" / "claims"
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"


@dataclass(frozen=True)
class Claim:
    """What the reader is told, and what the test asks of the measured values.

    Attributes:
        section: where it is shown, such as "1.4".
        says: the claim, one sentence without its number.
        measured: "median [lowest, highest]", as printed in the table.
        bound: "0.35 to 0.42", "above 0.97" or "below 0.3"; each seed's value is held to it.
        holds: "20 of 20": how many values must lie within the bound.
        source: the paper that reports this very thing, with the arXiv id as a link, or "".
        inspired: what prompted the measurement without reporting it, with its link, or "".
        unit: of the measured values, or "".
        tolerance: how far a new median may lie from the printed one, in its unit; three times
            as far for the lowest and the highest. None: a tenth of the printed median.
        chaotic: the values come from nets that were trained. Their digits belong to the machine
            that printed them, so the bound alone is held, and the table marks them with a ~.
    """

    section: str
    says: str
    measured: str
    bound: str
    holds: str
    source: str = ""
    inspired: str = ""
    unit: str = ""
    tolerance: float | None = None
    chaotic: bool = False

    def limits(self) -> tuple[float, float]:
        """Return the bound's lower and upper end."""
        numbers = [float(n) for n in re.findall(_NUMBER, self.bound)]
        if self.bound.startswith("above ") and len(numbers) == 1:
            return numbers[0], float("inf")
        if self.bound.startswith("below ") and len(numbers) == 1:
            return float("-inf"), numbers[0]
        if " to " in self.bound and len(numbers) == 2:
            return numbers[0], numbers[1]
        raise ValueError(f"bound {self.bound!r} is none of 'above a', 'below b', 'a to b'")

    def check(self, values: torch.Tensor) -> None:
        """Hold measured values, one per seed, to the claim.

        Raises:
            AssertionError: too few seeds, too few within the bound, or, for nets that are not
                chaotic, a median that is no longer the printed one.
        """
        needed, seeds = (int(n) for n in re.findall(r"\d+", self.holds))
        values = torch.as_tensor(values, dtype=torch.float64).flatten()
        assert len(values) == seeds >= 20, f"{len(values)} values; the claim speaks of {seeds}"
        low, high = self.limits()
        within = int(((values > low) & (values < high)).sum())
        found = spread(values)
        assert within >= needed, f"{within} of {seeds} {self.bound}, not {needed}: {found}"
        if self.chaotic:
            return
        printed = [float(n) for n in re.findall(_NUMBER, self.measured)]
        near = abs(printed[0]) / 10 if self.tolerance is None else self.tolerance
        off = [
            abs(a - b) for a, b in zip(printed, (found.median, found.low, found.high), strict=True)
        ]
        assert off[0] <= near, f"the table prints {self.measured}, now {found}"
        assert max(off) <= 3 * near, f"the table prints {self.measured}, now {found}"


def claim(**fields: str | float | bool) -> Callable:
    """Make a pytest test of a function that returns one measured value per seed."""
    row = Claim(**fields)
    row.limits()

    def decorate(measure: Callable) -> Callable:
        @functools.wraps(measure)
        def test(*args: object, **kwargs: object) -> None:
            row.check(measure(*args, **kwargs))

        test.claim, test.measure = row, measure
        return test

    return decorate


def claims_of(number: str) -> list[tuple[str, Callable]]:
    """Return the tests that hold a claim of notebook `number`, by name, in the table's order."""
    found = []
    for path in sorted(CLAIMS.glob(f"test_{number}_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += [(name, t) for name, t in vars(module).items() if hasattr(t, "claim")]
    return sorted(found, key=lambda row: [int(part) for part in row[1].claim.section.split(".")])


def measure(number: str) -> None:
    """Print what each claim of notebook `number` measures now, beside what its table prints."""
    notebook = definitions(path_of(number))
    for name, test in claims_of(number):
        print(f"{name}\n  table: {test.claim.measured}\n  now:   {spread(test.measure(notebook))}")


def table(number: str) -> str:
    """Write the table of notebook `number` in Markdown."""
    rows = [
        "| § | Claim | Measured: median [lowest, highest] | The test asks "
        "| Source: reports it | Inspired by | Test |",
        "|---" * 7 + "|",
    ]
    for name, test in claims_of(number):
        row = test.claim
        unit, mark = f" {row.unit}" if row.unit else "", "~" if row.chaotic else ""
        rows.append(
            f"| {row.section} | {row.says} | {mark}{row.measured}{unit} "
            f"| {row.bound}, {row.holds} | {row.source or '–'} "
            f"| {row.inspired or '–'} | `{name}` |"
        )
    return "\n".join(rows)
