"""The exercises' checks: each isolates one mechanism and names the probable mistake."""

from lecture_utils.checks.diagnosis import diagnose
from lecture_utils.checks.mlp import block_backward, shortcut, swapped
from lecture_utils.checks.paths import chain_gradients, norm_by_branches
from lecture_utils.checks.residual import branch_strength, zero_branch
from lecture_utils.checks.start import environment, layers_until, with_shortcut
from lecture_utils.checks.vanishing import clip, first_over_last, weight_std
from lecture_utils.checks.verdict import Verdict

__all__ = [
    "Verdict",
    "block_backward",
    "branch_strength",
    "chain_gradients",
    "clip",
    "diagnose",
    "environment",
    "first_over_last",
    "layers_until",
    "norm_by_branches",
    "shortcut",
    "swapped",
    "weight_std",
    "with_shortcut",
    "zero_branch",
]
