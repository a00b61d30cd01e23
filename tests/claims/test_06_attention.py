"""The claims of notebook 06: table rows and tests in one."""

import functools

import torch
from torch import nn

from lecture_utils.authoring import notebooks
from lecture_utils.authoring.claims import claim

SEEDS = range(20)
VASWANI = "[Vaswani et al. 2017](https://arxiv.org/abs/1706.03762)"
SUSPECTS = f"{VASWANI}, section 3.2.1, who suspect it"
XIONG = "[Xiong et al. 2020](https://arxiv.org/abs/2002.04745), lemma 3"
DOCS = "[PyTorch's documentation](https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html)"


@functools.cache
def softmax(d_h, root, **options):
    """Largest weight and gradient through the softmax of 400 queries, for each of 20 seeds."""
    measure = notebooks.definitions(notebooks.path_of("06")).softmax_of
    found = [measure(d_h, root, seed=seed, **options)[1:] for seed in SEEDS]
    return [torch.stack(values) for values in zip(*found, strict=True)]  # each (20, 400)


def largest(d_h, root, **options):
    return softmax(d_h, root, **options)[0].median(1).values


def gradient(d_h, root, **options):
    return softmax(d_h, root, **options)[1]


@claim(
    section="6.3",
    says="Random queries and 16 keys, d_h = 64, without the root: largest weight, typical query",
    measured="0.93 [0.91, 0.95]",
    bound="above 0.8",
    holds="20 of 20",
    inspired=SUSPECTS,
    tolerance=0.03,
)
def test_without_the_root_one_key_takes_all(notebook):
    return largest(64, root=False)


@claim(
    section="6.3",
    says="… with entries of q and k of variance 1/3, as from `nn.Linear`'s starting weights",
    measured="0.54 [0.51, 0.57]",
    bound="0.4 to 0.7",
    holds="20 of 20",
    inspired="PyTorch's `nn.Linear`",
)
def test_without_the_root_at_pytorchs_start(notebook):
    return largest(64, root=False, size=3**-0.5)


@claim(
    section="6.3",
    says="Random queries and 16 keys, d_h = 256, with the root: largest weight, typical query",
    measured="0.224 [0.21, 0.235]",
    bound="0.15 to 0.35",
    holds="20 of 20",
    inspired=VASWANI,
)
def test_with_the_root_weights_stay_soft(notebook):
    return largest(256, root=True)


@claim(
    section="6.3",
    says="16 keys, d_h = 256, variance 1: gradient by the scores of a typical query, without "
    "the root / with it",
    measured="0.024 [0.013, 0.033]",
    bound="below 0.15",
    holds="20 of 20",
    inspired=SUSPECTS,
    tolerance=0.02,
)
def test_a_typical_gradient_is_small(notebook):
    without, with_root = (gradient(256, root).median(1).values for root in (False, True))
    return without / with_root


@claim(
    section="6.3",
    says="256 keys, d_h = 64: the same ratio is above 1",
    measured="2.7 [2.0, 3.3]",
    bound="above 1.5",
    holds="20 of 20",
    inspired="the row above, with longer texts",
    tolerance=0.4,
)
def test_with_many_keys_it_is_larger(notebook):
    without, with_root = (
        gradient(64, root, keys=256, queries=100).median(1).values for root in (False, True)
    )
    return without / with_root


@claim(
    section="6.6",
    says="Layer norm's Jacobian at a random token of mean near 0: its largest singular value "
    "× length / √d",
    measured="1.00 [1.00, 1.03]",
    bound="0.99 to 1.1",
    holds="20 of 20",
    source=XIONG,
    tolerance=0.02,
)
def test_norm_divides_by_length(notebook):
    lengths = [8.0 * 10 ** (seed % 3) for seed in SEEDS]
    found = [
        torch.linalg.matrix_norm(notebook.norm_jacobian(length, seed=seed), 2) * length / 8
        for length, seed in zip(lengths, SEEDS, strict=True)
    ]
    return torch.stack(found)


@claim(
    section="6.6",
    says="… and how many of its 64 singular values are below a thousandth of the largest",
    measured="2 [2, 2]",
    bound="1.5 to 2.5",
    holds="20 of 20",
    source="[Ba et al. 2016](https://arxiv.org/abs/1607.06450), by its invariances",
)
def test_two_directions_are_lost(notebook):
    return torch.tensor([
        notebook.lost(torch.linalg.svdvals(notebook.norm_jacobian(8.0, seed=seed)))
        for seed in SEEDS
    ])  # fmt: skip


@claim(
    section="6.7",
    says="`BertLayer` against `nn.TransformerEncoderLayer`, float64: largest difference of outputs",
    measured="9e-16 [7e-16, 1e-15]",
    bound="below 1e-12",
    holds="20 of 20",
    source="[Devlin et al. 2018](https://arxiv.org/abs/1810.04805)",
    tolerance=3e-13,
)
def test_equals_torch(notebook):
    return torch.tensor([notebook.to_torch(seed) for seed in SEEDS])


@claim(
    section="6.7",
    says="… with the tanh GELU, as in GPT-2, instead",
    measured="1.3e-4 [1.0e-4, 1.5e-4]",
    bound="2e-5 to 1e-3",
    holds="20 of 20",
    inspired="[Hendrycks and Gimpel 2016](https://arxiv.org/abs/1606.08415), who give both",
    tolerance=3e-5,
)
def test_the_approximate_gelu_is_noticed(notebook):
    tanh = nn.GELU(approximate="tanh")
    return torch.tensor([notebook.to_torch(seed, phi=tanh) for seed in SEEDS])


def leak(notebook, batch):
    found = [notebook.change_of_the_first(notebook.sketch, seed, batch) for seed in SEEDS]
    return torch.tensor(found)


@claim(
    section="6.8",
    says="Attention without `batch_first`, 2 samples: change of the first when the other one is "
    "replaced",
    measured="0.95 [0.71, 1.7]",
    bound="above 0.3",
    holds="20 of 20",
    source=DOCS,
    tolerance=0.15,
)
def test_the_sketch_mixes_samples(notebook):
    return leak(notebook, 2)


@claim(
    section="6.8",
    says="… 32 samples",
    measured="0.074 [0.049, 0.13]",
    bound="above 0.01",
    holds="20 of 20",
    source=DOCS,
    tolerance=0.02,
)
def test_the_sketch_mixes_large_batches_too(notebook):
    return leak(notebook, 32)


@claim(
    section="6.10",
    says="5 words, 3 paddings, independent random tokens: the mean over all 8 outputs is off by, "
    "of its length",
    measured="0.54 [0.42, 0.7]",
    bound="above 0.2",
    holds="20 of 20",
    inspired="averages over a padded batch",
)
def test_padding_spoils_a_mean(notebook):
    return torch.tensor([notebook.off_by_padding(seed) for seed in SEEDS])
