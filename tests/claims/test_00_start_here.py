"""The claims of notebook 00: table rows and tests in one."""

from lecture_utils.authoring.claims import claim

HE = "[He et al. 2015](https://arxiv.org/abs/1502.01852)"
SEED = 0  # of the batch of 20 nets; the bounds hold at 1000 as well


@claim(
    section="0.2",
    says="50 plain ReLU layers with PyTorch's weights: powers of ten left at the first layer",
    measured="-19.6 [-20.0, -19.4]",
    bound="-21 to -18",
    holds="20 of 20",
    inspired=f"the law of {HE}: −19.5",
    tolerance=0.4,
)
def test_plain(notebook):
    return notebook.gradient_by_layer("plain", seed=SEED)[:, 0].log10()


@claim(
    section="0.2",
    says="The same layers as h + F(h): the gradient grows, times",
    measured="48 [34, 67]",
    bound="20 to 110",
    holds="20 of 20",
    inspired="notebook 02's law: (7/6)²⁵ = 47",
)
def test_shortcut(notebook):
    return notebook.gradient_by_layer("shortcut", seed=SEED)[:, 0]


@claim(
    section="0.2",
    says="The same layers as h + F(h)/√50: the gradient grows, times",
    measured="1.08 [1.06, 1.10]",
    bound="1 to 1.2",
    holds="20 of 20",
    inspired="notebook 02's law: 1.09",
    tolerance=0.02,
)
def test_scaled(notebook):
    return notebook.gradient_by_layer("scaled", seed=SEED)[:, 0]
