"""The exercises' checks: each isolates one mechanism and names the probable mistake."""

from lecture_utils.checks.account import parameters
from lecture_utils.checks.affordable import plan
from lecture_utils.checks.block_count import block_parameters
from lecture_utils.checks.cache import longest_text
from lecture_utils.checks.causal import causal_weights
from lecture_utils.checks.chain import chain_gradients
from lecture_utils.checks.clipping import clip
from lecture_utils.checks.continuation import greedy
from lecture_utils.checks.deepen import deeper
from lecture_utils.checks.diagnosis import diagnose
from lecture_utils.checks.exchange import swapped
from lecture_utils.checks.frequencies import letter_loss
from lecture_utils.checks.landscape import curvature
from lecture_utils.checks.logit import logit_shares
from lecture_utils.checks.mixing import leaks_across_batch
from lecture_utils.checks.mlp import block_backward
from lecture_utils.checks.one_head import attention
from lecture_utils.checks.own_design import own_design
from lecture_utils.checks.padding import padding_test
from lecture_utils.checks.paths import norm_by_branches
from lecture_utils.checks.placement import placement
from lecture_utils.checks.places import pre_norm_block
from lecture_utils.checks.printout import printout_by_hand
from lecture_utils.checks.projection import shortcut
from lecture_utils.checks.residual import branch_strength, zero_branch
from lecture_utils.checks.rms import rms_norm
from lecture_utils.checks.ruler import stretched
from lecture_utils.checks.search import find_n_var
from lecture_utils.checks.sinkhorn import sinkhorn
from lecture_utils.checks.stalls import mended
from lecture_utils.checks.start import environment, layers_until, with_shortcut
from lecture_utils.checks.start_of import start_of
from lecture_utils.checks.ten_seconds import deepest
from lecture_utils.checks.twins import looks_linear
from lecture_utils.checks.vanishing import first_over_last, weight_std
from lecture_utils.checks.verdict import Verdict
from lecture_utils.checks.wiring import name_the_faults

__all__ = [
    "Verdict",
    "attention",
    "block_backward",
    "block_parameters",
    "branch_strength",
    "causal_weights",
    "chain_gradients",
    "clip",
    "curvature",
    "deeper",
    "deepest",
    "diagnose",
    "environment",
    "find_n_var",
    "first_over_last",
    "greedy",
    "layers_until",
    "leaks_across_batch",
    "letter_loss",
    "logit_shares",
    "longest_text",
    "looks_linear",
    "mended",
    "name_the_faults",
    "norm_by_branches",
    "own_design",
    "padding_test",
    "parameters",
    "placement",
    "plan",
    "pre_norm_block",
    "printout_by_hand",
    "rms_norm",
    "shortcut",
    "sinkhorn",
    "start_of",
    "stretched",
    "swapped",
    "weight_std",
    "with_shortcut",
    "zero_branch",
]
