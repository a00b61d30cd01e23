"""The scorecard of notebook 11: every design over seeds, on one thread, about half an hour.

    python benchmarks/scorecard.py          take up where it stopped, and save after each design
    python benchmarks/scorecard.py --again  measure all anew

Each design has the same branches and batches, for each seed: what is measured before training, over
20 seeds; the loss after a short training, over 10; the same at a higher learning rate, over 5.
"""

import argparse
import json
import math
import platform
import re
import statistics
import time

import torch

from lecture_utils.data import corpus
from lecture_utils.language.text import fingerprint, read_text
from lecture_utils.scorecard.measure import RATE, STEPS, after_training, at_start, over_seeds
from lecture_utils.scorecard.net import CONTEXT, DEPTH, DIM
from lecture_utils.scorecard.rows import ROWS
from lecture_utils.scorecard.saved import STORED, stored

STARTS, TRAININGS, FAST_TRAININGS = range(20), range(10), range(5)
FAST = 0.02


def rounded(values: list[float]) -> list[float | None]:
    """Return numbers with five digits, and None for what is no number."""
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values]


def row(name: str, text) -> dict:
    """Measure one design over the seeds."""
    design = ROWS[name].design
    found = over_seeds(lambda seed: at_start(design, seed), STARTS)
    found |= over_seeds(lambda seed: after_training(design, text, seed), TRAININGS)
    fast = over_seeds(lambda seed: after_training(design, text, seed, lr=FAST), FAST_TRAININGS)
    return {key: rounded(values) for key, values in (found | {"loss, fast": fast["loss"]}).items()}


def compact(found: dict) -> str:
    """Write JSON with one line for each list of numbers."""
    text = json.dumps(found, indent=1)
    return re.sub(r"\[[^][]*\]", lambda row: " ".join(row[0].split()), text) + "\n"


def told(values: list[float | None]) -> str:
    """Return the median and the range of the numbers, and how many they are."""
    known = [value for value in values if value is not None]
    if not known:
        return "none"
    return f"{statistics.median(known):.4g} [{min(known):.4g}, {max(known):.4g}] of {len(known)}"


def main() -> None:
    """Measure what is not saved yet, and save it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--again", action="store_true", help="measure all designs anew")
    again = parser.parse_args().again
    torch.set_num_threads(1)
    text = read_text(corpus())
    saved = {
        "machine": f"Python {platform.python_version()}, torch {torch.__version__}",
        "date": time.strftime("%Y-%m-%d"),
        "text": fingerprint(text),
        "steps": STEPS, "rate": RATE, "fast": FAST, "depth": DEPTH, "dim": DIM, "context": CONTEXT,
    }  # fmt: skip
    old = {} if again or not STORED.exists() else stored()
    rows = old.get("rows", {}) if old.get("text") == saved["text"] else {}
    for name in ROWS:
        if name not in rows:
            rows[name] = row(name, text)
        done = {key: rows[key] for key in ROWS if key in rows}
        STORED.write_text(compact(saved | {"rows": done}), encoding="utf-8")
        for key, values in rows[name].items():
            print(f"{name:20} {key:15} {told(values)}", flush=True)


if __name__ == "__main__":
    main()
