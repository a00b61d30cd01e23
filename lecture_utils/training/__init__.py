"""One training loop, its history, and an ensemble that trains many seeds of a network at once."""

from lecture_utils.training.ensemble import Ensemble
from lecture_utils.training.loop import (
    History,
    LossFunction,
    MiniBatches,
    accuracy,
    cross_entropy,
    train,
)
from lecture_utils.training.rates import MemberAdam

__all__ = [
    "Ensemble",
    "History",
    "LossFunction",
    "MemberAdam",
    "MiniBatches",
    "accuracy",
    "cross_entropy",
    "train",
]
