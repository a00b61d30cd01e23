"""The scorecard as it was measured over seeds, and saved beside the package."""

import json
from pathlib import Path

STORED = Path(__file__).with_name("results.json")


def stored(path: Path = STORED) -> dict:
    """Return the saved scorecard.

    Returns:
        machine, date, text and the settings of the training; and `rows`: for each name of ROWS the
        numbers of `at_start` and of `after_training` over the seeds 0, 1, …, and "loss, fast": the
        loss at the higher rate. A loss is null where the training diverged.

    Raises:
        FileNotFoundError: it has not been measured yet.
    """
    if not path.exists():
        raise FileNotFoundError(
            f"no scorecard at {path}; measure it: python benchmarks/scorecard.py (an hour)"
        )
    return json.loads(path.read_text(encoding="utf-8"))
