"""Run a recipe, and tell how a reader's own recipe ranks beside the known one."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm.auto import tqdm

from lecture_utils.language.text import Text, fingerprint, unigram_entropy
from lecture_utils.require.numbers import require_flag, require_positive
from lecture_utils.speedrun.recipe import KNOWN, Recipe
from lecture_utils.speedrun.training import Training

LOOKS = 5  # validation losses in a run's curve
SAMPLE = 20  # steps of the known recipe that a reader's machine is timed by
STORED = Path(__file__).with_name("results.json")


@dataclass(frozen=True)
class Result:
    """What a run gave.

    Attributes:
        recipe, seed: what was run.
        steps, losses: the validation loss, in nats a character, after so many steps.
        seconds, busy: of training alone, by the clock and of the processor.
        matrices, parameters: weights in the blocks' matrices, and in all.
    """

    recipe: Recipe
    seed: int
    steps: tuple[int, ...]
    losses: tuple[float, ...]
    seconds: float
    busy: float
    matrices: int
    parameters: int

    @property
    def loss(self) -> float:
        """The last validation loss."""
        return self.losses[-1]

    @property
    def milliseconds(self) -> float:
        """Milliseconds a step."""
        return 1000 * self.seconds / self.steps[-1]


@dataclass(frozen=True)
class Rank:
    """How a recipe did beside the known one; str() says it in words.

    Attributes:
        result: the run.
        share: its seconds, as a share of the known recipe's 2,000 steps on the same machine.
        same_loss: steps in which the known recipe reaches the same loss; None if it never does, or
            if the stored losses are of another text.
        place: on the stored board, from 1; None if the known recipe's loss was not reached.
        told: sentences for the reader.
    """

    result: Result
    share: float
    same_loss: int | None
    place: int | None
    told: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.told)


def _run(training: Training, progress: bool, beside: Callable[[], None]) -> Result:
    """Train to the end with LOOKS looks at the validation loss; `beside` runs between parts."""
    steps, losses, total = [], [], training.recipe.steps
    parts = sorted({math.ceil(total * share / SAMPLE) for share in range(1, SAMPLE + 1)})
    looks = {parts[math.ceil(len(parts) * share / LOOKS) - 1] for share in range(1, LOOKS + 1)}
    with tqdm(total=total, unit="step", disable=not progress) as bar:
        for part in parts:
            training.advance(part - training.made)
            beside()
            if part in looks:
                steps.append(part)
                losses.append(training.loss())
                bar.set_postfix_str(f"validation loss {losses[-1]:.3f}")
            bar.update(part - bar.n)
            if losses and not math.isfinite(losses[-1]):
                break
    clock = (training.seconds, training.busy)
    recipe, seed = training.recipe, training.seed
    return Result(recipe, seed, tuple(steps), tuple(losses), *clock, *training.parameters())


def run(
    recipe: Recipe, text: Text, seed: int = 0, steps: int | None = None, progress: bool = False
) -> Result:
    """Train a recipe's net on a text, and look at its validation loss five times.

    Args:
        recipe: for example KNOWN or BEST.
        text: `read_text(data.corpus())`, or another.
        seed: of the starting weights and of the batches.
        steps: another number of them than the recipe's; the rates' schedule shrinks with it.
        progress: show a bar.

    Returns:
        The losses and the times. A run whose loss is no number any more ends early.

    Raises:
        ValueError: no recipe, no text, no seed or no such number of steps.
    """
    require_flag("progress", progress)
    if steps is not None:
        recipe = shortened(recipe, steps)
    return _run(Training(recipe, text, seed), progress, lambda: None)


def shortened(recipe: Recipe, steps: int) -> Recipe:
    """Return the recipe with another number of steps, its warm-up in proportion.

    Raises:
        ValueError: steps is no positive whole number.
    """
    require_positive("steps", steps, 1_000_000)
    warmup = round(recipe.warmup * steps / recipe.steps)
    return replace(recipe, steps=steps, warmup=min(warmup, steps))


def stored(path: Path = STORED) -> dict:
    """Return the saved results of the full race and the ablation.

    Raises:
        FileNotFoundError: they have not been measured yet.
    """
    if not path.exists():
        raise FileNotFoundError(
            f"no results at {path}; measure them: python benchmarks/speedrun.py race (an hour)"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def rank(recipe: Recipe, text: Text, seed: int = 0, progress: bool = False) -> Rank:
    """Train a recipe of one's own, and tell how it does beside the known one.

    The known recipe is not run to its end: some steps of it, between those of the other, say how
    long it takes on this machine and under this load; its losses are the stored ones.

    Raises:
        ValueError: as for `run`.
        FileNotFoundError: no results are stored.
    """
    require_flag("progress", progress)
    saved = stored()
    known = Training(KNOWN, text, seed)
    known.advance(2)  # to warm up
    known.seconds, known.made = 0.0, 0
    result = _run(Training(recipe, text, seed), progress, lambda: known.advance(1))
    whole = known.seconds / known.made * KNOWN.steps
    share = result.seconds / whole
    told = f"{result.steps[-1]} steps, validation loss {result.loss:.3f}, {result.seconds:.1f} s."
    if fault := _fault(result.loss, text):
        return Rank(result, share, None, None, (told, fault))
    time = f"That is {share:.3f} of the {whole:.0f} s that the known recipe takes here."
    if fingerprint(text) != saved["text"]:
        last = (
            "The stored losses are of another text (Python's documentation differs between "
            "versions): to compare losses, run KNOWN here too."
        )
        return Rank(result, share, None, None, (told, time, last))
    return _placed(result, share, (told, time), saved)


def _fault(loss: float, text: Text) -> str:
    """Say what is wrong with a training that has taught nothing; "" if it has."""
    if not math.isfinite(loss):
        return "The loss is no number any more: try rates ten times lower."
    entropy = unigram_entropy(text.train)
    if loss > entropy - 0.1:
        return (
            f"Whoever knows the letters' frequencies alone has {entropy:.3f}: this recipe has "
            f"learned no more. Try more steps, or a rate ten times higher or lower."
        )
    return ""


def _placed(result: Result, share: float, told: tuple[str, ...], saved: dict) -> Rank:
    """Finish a rank with what is stored about the same text."""
    target = saved["known"]["loss"]
    curve = zip(saved["known"]["steps"], saved["known"]["losses"], strict=True)
    same = next((step for step, loss in curve if loss <= result.loss), None)
    if result.loss > target:
        last = f"The known recipe ends at {target:.3f}, which is lower: not on the board yet."
        if same:
            last += f" It passes your loss by step {same}."
        return Rank(result, share, same, None, (*told, last))
    faster = [row for row in saved["board"] if row["share"] < share]
    place = len(faster) + 1
    last = f"The known recipe ends at {target:.3f}: reached. Place {place} on the board"
    last += f", behind {faster[-1]['name']}." if faster else ": a new record."
    return Rank(result, share, same, place, (*told, last))
