"""What ails each patient of the wiring clinic, and where the mistake was made before."""

from dataclasses import dataclass

# What the reader chooses from: the patients' faults, and as many more that nobody here has.
FAULTS = {
    "normed shortcut": "the shortcut starts after the norm: x = norm(x); x + F(x)",
    "alpha on the branch": "DeepNorm's α multiplies F(x) instead of x",
    "alpha missing": "DeepNorm without its α: norm(x + F(x))",
    "second shortcut from x": "the feed-forward's shortcut starts before the attention's sum",
    "attention added twice": "the attention's output enters the sum two times",
    "dropout on the sum": "dropout(x + F(x)) instead of x + dropout(F(x))",
    "dropout in evaluation": "dropout that model.eval() does not switch off",
    "attention over the batch": "the axis that is attended over is the batch",
    "batch norm for layer norm": "the statistics of the norm are taken over the batch",
    "causal mask flipped": "a token sees itself and what comes after",
    "causal mask shifted": "a token sees itself, what came before, and the next one",
    "causal mask missing": "every token sees every other",
    "padding filled with 0": "scores of padding are set to 0 instead of −∞",
    "padding mask lost": "the padding mask never reaches the attention",
    "positions by the batch": "the table of positions is indexed with the sample's number",
    "one position for all": "every token is given the same position",
    "copies of one block": "the blocks are deep copies: they start with the same weights",
    "one block used again": "all blocks are one and the same module",
    "small start on the wrong matrix": "expand starts small, where contract should",
    "small start never applied": "no matrix starts small: the filter matches no name",
    "no final norm": "nothing normalises the stream after the last block",
    "final norm does not centre": "the last norm divides by the size and leaves the mean",
}


@dataclass(frozen=True)
class Fault:
    """A patient's fault, the property test that is named for it, and where it was found.

    Attributes:
        name: key in FAULTS, or a fault outside the list.
        test: name of the property test that finds it; "" if none does.
        source: a public issue or pull request with this mistake, as GitHub's address ends.
    """

    name: str
    test: str
    source: str


DIAGNOSES = {
    "A": Fault("attention over the batch", "samples_are_independent", "om-ai-lab/OmDet/issues/19"),
    "B": Fault("normed shortcut", "zeroed_branch_is_identity", "pytorch/pytorch/issues/61165"),
    "C": Fault(
        "padding filled with 0", "padding_is_ignored", "georg-wolflein/good-features/pull/1"
    ),
    "D": Fault(
        "small start never applied",
        "stream_writers_start_small",
        "huggingface/transformers/pull/47459",
    ),
    "E": Fault(
        "positions by the batch",
        "place_in_batch_is_irrelevant",
        "cmu-l3/anlp-fall2025-code/issues/1",
    ),
    "F": Fault(
        "second shortcut from x",
        "sum_of_updates",
        "strutive07/transformer-tensorflow2.0/issues/14",
    ),
    "G": Fault("causal mask flipped", "future_is_hidden", "pytorch/pytorch/issues/28272"),
    "H": Fault(
        "alpha on the branch",
        "jacobian_is_identity_plus_branch",
        "labmlai/annotated_deep_learning_paper_implementations/issues/145",
    ),
    "I": Fault("copies of one block", "blocks_start_different", "pytorch/pytorch/issues/86274"),
    "J": Fault(
        "dropout on the sum",
        "dropout_spares_the_shortcut",
        "soobinseo/Transformer-TTS/issues/11",
    ),
    "K": Fault("no final norm", "output_is_normalised", "NVIDIA-NeMo/Speech/pull/2197"),
    "L": Fault(
        "small start on the wrong matrix",
        "stream_writers_start_small",
        "karpathy/llama2.c/issues/579",
    ),
    "M": Fault("scores scaled by 1/√d", "", "karpathy/ng-video-lecture/pull/6"),
}
