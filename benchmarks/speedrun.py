"""The speedrun's record and its ablation, on one thread; both are saved beside the package.

    python benchmarks/speedrun.py race      the known recipe and the best, side by side, five seeds
    python benchmarks/speedrun.py ablation  each ingredient left out alone, five seeds
    python benchmarks/speedrun.py times     its steps' times once more, on an idle machine

The race takes about two minutes a seed, the ablation about twenty minutes; say --seeds 1 for a
shorter one, which is printed and not saved. In the race the two trainings take turns, some steps
each, so that both meet the same load. Seconds are of training only, no validation: by the clock,
and "busy", of the processor, which other programs do not lengthen.
"""

import argparse
import json
import os
import platform
import statistics
import time
from dataclasses import replace

import torch

from lecture_utils.data import corpus
from lecture_utils.language.text import Text, fingerprint, read_text
from lecture_utils.speedrun.race import STORED, shortened, stored
from lecture_utils.speedrun.recipe import BEST, KNOWN, Recipe, differences
from lecture_utils.speedrun.training import Training

SEEDS = 5
LOOKS = 20  # of the known recipe's curve, one each 100 steps
PLAIN = {
    "x0": False, "values": False, "earlier": "none", "zero_start": False, "join": 0.0,
    "parallel": False,
}  # fmt: skip
SHORTCUTS = {"x0": True, "values": True, "earlier": "tables", "zero_start": True, "parallel": True}
ADAMW = {"optimizer": "adamw", "beta_1": 0.9, "beta_2": 0.95}
MUON = {
    "optimizer": "muon", "matrix_rate": 0.02, "table_rate": 0.005, "beta_1": 0.8, "beta_2": 0.95,
    "per_head": True, "newton_steps": 4, "momentum": 0.9, "weight_decay": 0.0, "clip": 0.0,
    "schedule": "linear", "warmup": 0, "last_rate": 0.0, "cooldown": 0.8,
}  # fmt: skip

ABLATION = {
    "best": BEST,
    "no x0 shortcut": replace(BEST, x0=False),
    "no value embeddings": replace(BEST, values=False),
    "smear: a number, not tables": replace(BEST, earlier="number"),
    "nothing of earlier tokens": replace(BEST, earlier="none"),
    "no zero start, no joining": replace(BEST, zero_start=False, join=0.0),
    "all blocks from the start": replace(BEST, join=0.0),
    "one branch after the other": replace(BEST, parallel=False),
    "none of these shortcuts": replace(BEST, **PLAIN),
    "AdamW, rate 0.002": replace(BEST, matrix_rate=0.002, **ADAMW),
    "AdamW, rate 0.004": replace(BEST, matrix_rate=0.004, **ADAMW),
    "AdamW, rate 0.008": replace(BEST, matrix_rate=0.008, **ADAMW),
    "learned positions": replace(BEST, positions="learned"),
    "GELU": replace(BEST, activation="gelu"),
    "layer norm": replace(BEST, norm="layer"),
    "with QK norm": replace(BEST, qk_norm=True),
    "with a soft cap of 15": replace(BEST, soft_cap=15.0),
    "Muon on whole matrices": replace(BEST, per_head=False),
    "batch 12, 153 steps": replace(BEST, batch_size=12, steps=153),
    "pieces of 64 from the start": replace(BEST, short=0.0),
    "pieces with replacement": replace(BEST, shuffled=False),
    "cosine to a tenth": replace(BEST, schedule="cosine", last_rate=0.1, warmup=12),
}

# the other way: from the known recipe, in about so many steps as its loss takes then
TOWARDS = {
    "known + Muon": shortened(replace(KNOWN, **MUON), 530),
    "known + both": shortened(replace(KNOWN, **SHORTCUTS, **MUON), 260),
    "known + shortcuts": shortened(replace(KNOWN, **SHORTCUTS), 1200),
}


def machine() -> str:
    """Name the processor and the versions, without which a time means nothing."""
    name = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            name = next((k.split(":")[1].strip() for k in lines if "model name" in k), name)
    return (
        f"{name}, {torch.get_num_threads()} thread, {torch.backends.cpu.get_cpu_capability()}; "
        f"Python {platform.python_version()}, torch {torch.__version__}"
    )


def row_of(training: Training) -> dict:
    """Return what is saved of a training that has ended."""
    matrices, parameters = training.parameters()
    return {
        "seed": training.seed, "steps": training.made, "loss": round(training.loss(), 4),
        "seconds": round(training.seconds, 2), "busy": round(training.busy, 2),
        "matrices": matrices, "parameters": parameters,
    }  # fmt: skip


def race_once(text: Text, seed: int) -> dict:
    """Train the known recipe and the best with one seed, taking turns; return both rows."""
    known, best = Training(KNOWN, text, seed), Training(BEST, text, seed)
    losses = []
    for look in range(1, LOOKS + 1):
        known.advance(KNOWN.steps * look // LOOKS - known.made)
        losses.append(round(known.loss(), 4))
        if (steps := BEST.steps * look // LOOKS - best.made) > 0:
            best.advance(steps)
    rows = {"known": row_of(known), "best": row_of(best)}
    rows["known"]["losses"] = losses
    share = rows["best"]["seconds"] / rows["known"]["seconds"]
    busy = rows["best"]["busy"] / rows["known"]["busy"]
    print(
        f"seed {seed}: known {rows['known']['loss']:.4f} in {known.seconds:.1f} s "
        f"(busy {known.busy:.1f}), best {rows['best']['loss']:.4f} in {best.seconds:.1f} s "
        f"(busy {best.busy:.1f}): 1/{1 / share:.1f} (busy 1/{1 / busy:.1f})",
        flush=True,
    )
    return rows


def race(text: Text, seeds: int) -> dict:
    """Race over seeds; return what is saved."""
    rows = [race_once(text, seed) for seed in range(seeds)]
    middle = {
        who: {key: statistics.median(row[who][key] for row in rows) for key in rows[0][who]
              if key not in ("seed", "losses")}
        for who in ("known", "best")
    }  # fmt: skip
    curves = zip(*(row["known"]["losses"] for row in rows), strict=True)
    middle["known"]["losses"] = [round(statistics.median(losses), 4) for losses in curves]
    middle["known"]["steps"] = [KNOWN.steps * look // LOOKS for look in range(1, LOOKS + 1)]
    share = statistics.median(row["best"]["seconds"] / row["known"]["seconds"] for row in rows)
    known, best = middle["known"]["loss"], middle["best"]["loss"]
    print(f"median: known {known:.4f}, best {best:.4f}, in 1/{1 / share:.1f} of the time")
    board = [{"name": "the course's best", "share": share, "loss": best},
             {"name": "the known recipe", "share": 1.0, "loss": known}]  # fmt: skip
    return {"machine": machine(), "date": time.strftime("%Y-%m-%d"), "text": fingerprint(text),
            "races": rows, **middle, "share": share, "board": board}  # fmt: skip


def steps_timed(text: Text, recipes: dict[str, Recipe], rounds: int = 15) -> dict[str, float]:
    """Milliseconds a step of each recipe, processor time, all of them side by side.

    Mean of the medians of two halves, since the first half of a training may cost less.
    """
    found = {name: ([], []) for name in recipes}
    trainings = {name: Training(recipe, text) for name, recipe in recipes.items()}
    for half in (0, 1):
        for training in trainings.values():
            training.made = half * training.recipe.steps // 2
        for turn in range(rounds + 2):
            for name, training in trainings.items():
                before = training.busy
                training.advance(1)
                if turn >= 2:
                    found[name][half].append(1000 * (training.busy - before))
    return {name: sum(map(statistics.median, halves)) / 2 for name, halves in found.items()}


def ablation(text: Text, seeds: int) -> dict:
    """Train each variant over seeds; print and return its losses.

    They are saved after each variant; one that is saved already, of the same recipe, is kept.
    """
    found = {"machine": machine(), "date": time.strftime("%Y-%m-%d"), "rows": []}
    old = stored().get("ablation", {"rows": []})["rows"] if STORED.exists() else []
    for name, recipe in (ABLATION | TOWARDS).items():
        row = {"name": name, "steps": recipe.steps, "recipe": differences(recipe)}
        kept = [had for had in old if had | row == had and len(had["losses"]) == seeds]
        losses = kept[0]["losses"] if kept else []
        for seed in range(len(losses), seeds):
            training = Training(recipe, text, seed)
            training.advance(recipe.steps)
            losses.append(round(training.loss(), 4))
        found["rows"].append(row | {"losses": losses, "loss": statistics.median(losses)})
        if seeds >= SEEDS:
            save({"ablation": found | {"rows": found["rows"] + old[len(found["rows"]) :]}})
        print(
            f"{name:32}{recipe.steps:5} steps: {statistics.median(losses):.4f} "
            f"[{min(losses):.4f}, {max(losses):.4f}]",
            flush=True,
        )
    return found


def timed(text: Text, found: dict) -> dict:
    """Add to an ablation's rows how long a step takes, all side by side; print and return it."""
    times = steps_timed(text, {"known": KNOWN, **ABLATION, **TOWARDS})
    found["known_milliseconds"] = round(times["known"], 1)
    print(f"{'the known recipe':32}{times['known']:6.1f} ms x {KNOWN.steps}")
    for row in found["rows"]:
        milliseconds = times[row["name"]]
        row["milliseconds"] = round(milliseconds, 1)
        row["share"] = round(milliseconds * row["steps"] / times["known"] / KNOWN.steps, 4)
        print(
            f"{row['name']:32}{milliseconds:6.1f} ms x {row['steps']:4}: loss {row['loss']:.4f} in "
            f"1/{1 / row['share']:.1f} of the known recipe's time"
        )
    return found


def save(found: dict) -> None:
    """Put results into the saved ones, with the recipe that they are of."""
    old = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}
    STORED.write_text(
        json.dumps(old | found | {"recipe": differences(BEST)}, indent=1) + "\n", encoding="utf-8"
    )


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("race", "ablation", "times"))
    parser.add_argument("--seeds", type=int, default=SEEDS, help="so many, from 0; 5 are saved")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(machine())
    text = read_text(corpus())
    if asked.what == "race":
        found = race(text, asked.seeds)
    elif asked.what == "times":
        found = {"ablation": timed(text, stored()["ablation"])}
    else:
        found = {"ablation": timed(text, ablation(text, asked.seeds))}
    if asked.seeds >= SEEDS:
        save(found)


if __name__ == "__main__":
    main()
