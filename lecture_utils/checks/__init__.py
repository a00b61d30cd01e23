"""The exercises' checks: each isolates one mechanism and names the probable mistake."""

from lecture_utils.checks.vanishing import clip, first_over_last, weight_std
from lecture_utils.checks.verdict import Verdict

__all__ = ["Verdict", "clip", "first_over_last", "weight_std"]
