"""The scorecard of notebook 11: every design in the same small GPT, on the same axes."""

from lecture_utils.scorecard.chart import scorecard, timeline
from lecture_utils.scorecard.measure import (
    after_training,
    along,
    at_start,
    over_seeds,
    random_texts,
)
from lecture_utils.scorecard.net import DesignGPT, branches, net
from lecture_utils.scorecard.placed import placed
from lecture_utils.scorecard.rows import CHANGES, ROWS, Row
from lecture_utils.scorecard.saved import stored

__all__ = [
    "CHANGES",
    "ROWS",
    "DesignGPT",
    "Row",
    "after_training",
    "along",
    "at_start",
    "branches",
    "net",
    "over_seeds",
    "placed",
    "random_texts",
    "scorecard",
    "stored",
    "timeline",
]
