"""The claims of notebook 00: table rows and tests in one."""

from lecture_utils.authoring.claims import claim

HE = "[He et al. 2015](https://arxiv.org/abs/1502.01852)"


def decades_left(notebook, shortcut):
    return notebook.gradient_by_layer(shortcut)[:, 0].log10()


@claim(
    section="0.2",
    says="50 plain ReLU layers with PyTorch's weights: powers of ten left at the first layer",
    measured="-19.5 [-20.0, -19.2]",
    bound="-22 to -17",
    holds="20 of 20",
    source=HE,
    tolerance=0.5,
)
def test_plain(notebook):
    return decades_left(notebook, "none")


@claim(
    section="0.2",
    says="The same layers as h + F(h): the gradient grows by so many powers of ten",
    measured="4.1 [3.8, 4.2]",
    bound="2 to 6",
    holds="20 of 20",
    source="ours; see notebook 02",
    tolerance=0.3,
)
def test_shortcut(notebook):
    return decades_left(notebook, "plus")


@claim(
    section="0.2",
    says="The same layers as h + F(h)/√50: factor between last and first layer",
    measured="1.17 [1.13, 1.21]",
    bound="0.8 to 2",
    holds="20 of 20",
    source="ours; see notebook 02",
)
def test_scaled(notebook):
    return 10 ** decades_left(notebook, "scaled")
