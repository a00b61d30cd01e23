"""The wiring clinic of notebook 06: healthy decoders, patients with one fault each, pictures."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lecture_utils.clinic import patients, pictures
from lecture_utils.clinic.chart import chart
from lecture_utils.clinic.records import DIAGNOSES, FAULTS, Fault
from lecture_utils.clinic.ward import Decoder, DeepNormDecoder
from lecture_utils.require import require_choice

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
        ValueError: there is no such patient.
    """
    require_choice("patient", who, WARD)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return WARD[who]().double().eval()


def sequences(seed: int = 0) -> Tensor:
    """Draw four sequences of six vectors, (4, 6, 16), float64."""
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(4, 6, 16, generator=draw, dtype=torch.float64)


def show_pictures(letters: str, shortcut_matrix: Callable) -> None:
    """Show one picture for each of six patients.

    Args:
        letters: six of PATIENTS, such as "ABCDEF".
        shortcut_matrix: the notebook's function of a sublayer and a token.
    """
    pictures.pictures({who: admit(who) for who in letters}, sequences(), shortcut_matrix)


__all__ = [
    "DIAGNOSES",
    "FAULTS",
    "PATIENTS",
    "WARD",
    "Fault",
    "admit",
    "chart",
    "sequences",
    "show_pictures",
]
