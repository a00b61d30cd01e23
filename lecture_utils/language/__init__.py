"""A GPT and a text: token ids, batches, training that can be stopped, and its curve."""

from lecture_utils.language.live import LiveCurve
from lecture_utils.language.pretrain import Curve, pretrain, validation_loss
from lecture_utils.language.settings import Settings, schedule
from lecture_utils.language.text import (
    Text,
    batch_at,
    bigram_entropy,
    read_text,
    unigram_entropy,
    windows,
)
from lecture_utils.language.trained import Trained, trained

__all__ = [
    "Curve",
    "LiveCurve",
    "Settings",
    "Text",
    "Trained",
    "batch_at",
    "bigram_entropy",
    "pretrain",
    "read_text",
    "schedule",
    "trained",
    "unigram_entropy",
    "validation_loss",
    "windows",
]
