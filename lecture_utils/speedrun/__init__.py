"""The speedrun: a small GPT as good as the known recipe's, in a fraction of the time."""

from lecture_utils.speedrun.model import SpeedrunGPT
from lecture_utils.speedrun.muon import Muon, orthogonal
from lecture_utils.speedrun.recipe import BEST, KNOWN, Recipe, differences

__all__ = [
    "BEST",
    "KNOWN",
    "Muon",
    "Recipe",
    "SpeedrunGPT",
    "differences",
    "orthogonal",
]
