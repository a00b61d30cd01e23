"""The rows of the scorecard: every design of notebook 11, what it changes, and its year."""

from dataclasses import dataclass

from lecture_utils.models import designs, designs_across, designs_norm
from lecture_utils.models.designs import Design

SHORTCUT, SCALE, NORM = "the shortcut", "the branch's scale", "the norm"
SUM, WHOM = "how many sums", "who adds to whom"
CHANGES = (SHORTCUT, SCALE, NORM, SUM, WHOM)


@dataclass(frozen=True)
class Row:
    """A design: its class, what it changes (one of CHANGES, or "" for pre-norm), and its year."""

    design: type[Design]
    changes: str
    year: int


ROWS = {
    "pre-norm": Row(designs.Design, "", 2016),
    "highway": Row(designs.Highway, SHORTCUT, 2015),
    "DeepNorm": Row(designs_norm.DeepNorm, SHORTCUT, 2022),
    "stochastic depth": Row(designs.StochasticDepth, SCALE, 2016),
    "Fixup": Row(designs.Fixup, SCALE, 2019),
    "small start (GPT-2)": Row(designs.SmallStart, SCALE, 2019),
    "ReZero": Row(designs.ReZero, SCALE, 2020),
    "SkipInit": Row(designs.SkipInit, SCALE, 2020),
    "LayerScale": Row(designs.LayerScale, SCALE, 2021),
    "branch / √L": Row(designs.BranchScaling, SCALE, 2022),
    "norm scaling": Row(designs_norm.NormScaling, SCALE, 2025),
    "post-norm": Row(designs_norm.PostNorm, NORM, 2017),
    "sandwich": Row(designs_norm.Sandwich, NORM, 2021),
    "output norm": Row(designs_norm.OutputNorm, NORM, 2021),
    "parallel": Row(designs_norm.Parallel, SUM, 2021),
    "hyper-connections": Row(designs_across.HyperConnections, SUM, 2024),
    "mHC": Row(designs_across.ManifoldHyperConnections, SUM, 2025),
    "U-net": Row(designs_across.UNet, WHOM, 2022),
    "DenseFormer": Row(designs_across.DenseFormer, WHOM, 2024),
    "value residuals": Row(designs_across.ValueResiduals, WHOM, 2024),
    "attention residuals": Row(designs_across.AttentionResiduals, WHOM, 2026),
}
