"""The articles on trial: trial.yml with the measured numbers filled in, for the notebook to read.

`make generate` writes it, as practice/trial.json.
"""

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

import yaml

from lecture_utils.authoring import notebooks
from lecture_utils.authoring.claims import claims_of

FOLDER = notebooks.ROOT / "lecture_utils" / "practice"
SOURCE, FILLED = Path(__file__).with_name("trial.yml"), FOLDER / "trial.json"
VERDICTS = ("OK", "holds with conditions", "not as stated", "no source found")
_CLAIM = re.compile(r"\{claim:(\d\d)#(\w+)(?:\.(median|low|high))?\}")
_MEASURED = re.compile(r"(\S+) \[(\S+), (\S+)\]")


@cache
def _rows(number: str) -> dict:
    return {name: test.claim for name, test in claims_of(number)}


def number_of(number: str, name: str, part: str | None = None) -> str:
    """Return what a claim's table prints: all of it, or one of its three numbers with the unit.

    Raises:
        KeyError: notebook `number` has no such claim.
    """
    row = _rows(number)[name]
    median, low, high = _MEASURED.fullmatch(row.measured).groups()
    found = {"median": median, "low": low, "high": high, None: row.measured}[part]
    return f"{found} {row.unit}".strip() if part else found


def filled() -> dict:
    """Return the trial with each {claim:…} replaced by its number."""
    read = json.loads((FOLDER / "placements.json").read_text(encoding="utf-8"))["models"]
    kinds, models = Counter(row["placement"] for row in read), len(read)

    def fill(value: object) -> object:
        if isinstance(value, str):
            text = _CLAIM.sub(lambda mark: number_of(*mark.groups()), value)
            return text.replace("{parallel}", str(kinds["parallel"])).replace(
                "{models}", str(models)
            )
        if isinstance(value, list):
            return [fill(part) for part in value]
        if isinstance(value, dict):
            return {key: fill(part) for key, part in value.items()}
        return value

    return fill(yaml.safe_load(SOURCE.read_text(encoding="utf-8")))


def content() -> bytes:
    """Return what trial.json holds."""
    return (json.dumps(filled(), ensure_ascii=False, indent=1) + "\n").encode()
