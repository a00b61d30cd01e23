"""What was read and measured: where models have their norms; popular claims about shortcuts."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
PRE_NORM = ("pre", "parallel", "scaled")  # a norm at the entrance of the branch, none at its end


def placements() -> dict:
    """Return where open models have their norms, read from a library's source.

    Returns:
        `library`, `version`, `read` (a date), `placements` (name and formula of each kind), and
        `models`: for each its module, the layer's class, the kind of placement, and what was read.
    """
    return json.loads((FOLDER / "placements.json").read_text(encoding="utf-8"))


def counts(found: dict) -> dict[str, int]:
    """Return how many models have each kind of placement, in the file's order."""
    number = Counter(row["placement"] for row in found["models"])
    return {kind: number[kind] for kind in found["placements"]}


def trial() -> dict:
    """Return the trial of the two texts: `texts`, and `subjects` with their `claims`."""
    return json.loads((FOLDER / "trial.json").read_text(encoding="utf-8"))


def claims(found: dict) -> Iterator[tuple[str, dict]]:
    """Yield each subject's name with each of its claims."""
    for subject in found["subjects"]:
        for row in subject["claims"]:
            yield subject["name"], row


def as_table(rows: list[dict]) -> str:
    """Write claims as a Markdown table of two columns, readable on a narrow page."""
    lines = ["| what is said | verdict, and why |", "|:--|:--|"]
    for row in rows:
        word = "sections" if len(row["where"]) > 1 else "section"
        found = [f"{word} {' and '.join(row['where'])}"] if row["where"] else []
        found += row["sources"]
        end = f" ({'; '.join(found)})" if found else ""
        lines.append(
            f"| **{row['id']}** {row['claim']} "
            f"| **{row['verdict']}.** {row['right']} *But:* {row['but']}{end} |"
        )
    return "\n".join(lines)
