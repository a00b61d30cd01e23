"""The wiring clinic of notebook 08: healthy decoders, patients, property tests and pictures."""

from collections.abc import Callable, Iterable

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from lecture_utils.clinic import patients, pictures, properties
from lecture_utils.clinic.chart import chart
from lecture_utils.clinic.pictures import KINDS
from lecture_utils.clinic.properties import (
    TESTS,
    outcome,
    recorded,
    same,
    shortcut_matrix,
    silenced,
    sublayers,
)
from lecture_utils.clinic.records import DIAGNOSES, FAULTS, Fault
from lecture_utils.clinic.ward import Decoder, DeepNormDecoder
from lecture_utils.require.numbers import require_choice, require_seed, shown
from lecture_utils.require.tensors import require_callable, require_whole

PATIENTS = "ABCDEFGHIJKL"
WARD = {"pre-norm": Decoder, "DeepNorm": DeepNormDecoder} | {
    letter: getattr(patients, f"Patient{letter}") for letter in PATIENTS + "M"
}


def admit(who: str, seed: int = 0) -> nn.Module:
    """Build a decoder of the clinic in float64, in evaluation mode.

    Args:
        who: "pre-norm" or "DeepNorm", the healthy ones; or a patient's letter, "A" to "M".
        seed: of its starting weights; the caller's random state is not touched.

    Raises:
        ValueError: there is no such patient, or `seed` is no seed.
    """
    require_choice("patient", who, WARD)
    require_seed(seed)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(int(seed))
        return WARD[who]().double().eval()


def sequences(seed: int = 0, samples: int = 4) -> Tensor:
    """Draw sequences of six vectors, (samples, 6, 16), float64.

    Raises:
        ValueError: `seed` is no seed, or `samples` is not from 1 to 10,000.
    """
    require_seed(seed)
    require_whole("samples", samples, 1, 10_000)
    draw = torch.Generator().manual_seed(int(seed))
    return torch.randn(samples, 6, 16, generator=draw, dtype=torch.float64)


def failures(
    test: Callable,
    who: str,
    seeds: Iterable[int] = range(20),
    samples: int = 4,
    **options: Callable,
) -> int:
    """Count in how many decoders of one kind a test fails; each seed draws its own weights.

    Args:
        test: of a decoder and sequences (batch, time, dim); returns whether the property holds.
        who: as in `admit`.
        seeds: one decoder each.
        samples: how many sequences the test is given.
        options: passed on to the test.

    Raises:
        ValueError: there is no such patient, no seed, no function, or the test returns neither True
            nor False.
    """
    require_callable("test", test)
    require_choice("patient", who, WARD)
    if isinstance(seeds, (str, bytes)) or not isinstance(seeds, Iterable):
        raise ValueError(f"seeds must be a list of whole numbers; got {shown(seeds)}")
    if not (seeds := list(seeds)):
        raise ValueError("seeds is empty: no decoder would be tested, and 0 failures say nothing")
    models = (admit(who, seed) for seed in seeds)
    batches = (sequences(seed, samples) for seed in seeds)
    return properties.count_failures(test, models, batches, **options)


def examine(who: str, seed: int = 0) -> list[float]:
    """Run every test of TESTS on a decoder: 1 passed, 0 failed, nan does not apply.

    Raises:
        ValueError: there is no such patient, or `seed` is no seed.
    """
    model, x = admit(who, seed), sequences(seed)
    return [outcome(test, model, x, seed) for test in TESTS]


def beside(who: str, kind: str) -> tuple[Figure, str]:
    """Draw one picture of a decoder, and the same of a healthy one beside it.

    Args:
        who: as in `admit`.
        kind: a key of KINDS.

    Returns:
        The figure and its alternative text.

    Raises:
        ValueError: there is no such patient or picture.
    """
    require_choice("picture", kind, KINDS)
    model, x = admit(who), sequences()
    well = "DeepNorm" if model.norm == "post" else "pre-norm"
    pair = (name_of(who), model), (name_of(well), admit(well))
    return pictures.beside(pair, kind, x)


def ward(letters: str) -> tuple[Figure, str]:
    """Draw one picture for each of up to four patients.

    Args:
        letters: of PATIENTS, such as "BCDE"; each once.

    Returns:
        The figure and its alternative text.

    Raises:
        ValueError: a letter is no patient's or stands twice, or there are none or more than four.
    """
    known = isinstance(letters, str) and set(letters) <= set(PATIENTS)
    if not known or not 1 <= len(letters) <= 4 or len(set(letters)) < len(letters):
        raise ValueError(
            f"letters must be one to four of {PATIENTS}, each once, such as 'BCDE'; "
            f"got {shown(letters)}"
        )
    return pictures.ward({who: admit(who) for who in letters}, sequences())


def name_of(who: str) -> str:
    """Call a decoder "patient A" or "healthy, pre-norm".

    Raises:
        ValueError: there is no such decoder.
    """
    require_choice("patient", who, WARD)
    return f"patient {who}" if who in DIAGNOSES else f"healthy, {who}"


__all__ = [
    "DIAGNOSES",
    "FAULTS",
    "KINDS",
    "PATIENTS",
    "TESTS",
    "WARD",
    "Fault",
    "admit",
    "beside",
    "chart",
    "examine",
    "failures",
    "name_of",
    "outcome",
    "recorded",
    "same",
    "sequences",
    "shortcut_matrix",
    "silenced",
    "sublayers",
    "ward",
]
