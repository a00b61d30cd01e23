"""What must come out of the notebooks' own functions, whatever the weights: no claims, but checks.

A reader can doubt a claim. These are true by construction, so the tables leave them out.
"""

import pytest
import torch

from lecture_utils.authoring import notebooks

SEEDS = range(5)


@pytest.fixture(scope="module")
def vanishing():
    return notebooks.definitions(notebooks.path_of("01"))


@pytest.fixture(scope="module")
def residual():
    return notebooks.definitions(notebooks.path_of("02"))


@pytest.fixture(scope="module")
def landscape():
    return notebooks.definitions(notebooks.path_of("05"))


def test_a_relu_net_scales_with_its_weights(vanishing):
    ends = []
    for scale in (1.1, 1.0):
        norms, _ = vanishing.gradients_by_layer(100, "relu", "he", scale=scale)
        ends.append(norms[:, 0] / norms[:, -1])
    ratio = ends[0] / ends[1] / 1.1**100
    torch.testing.assert_close(ratio, torch.ones_like(ratio), rtol=0.01, atol=0)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_branch_that_cancels_the_shortcut_leaves_nothing(residual, seed):
    assert residual.gradient_gain(residual.pull(1.0), depth=50, seed=seed) == 0
    weaker = residual.gradient_gain(residual.pull(0.1), depth=50, seed=seed)
    assert float(weaker) == pytest.approx(0.9**50, rel=1e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_norm_in_the_branch_leaves_the_shortcut_clean(residual, seed):
    design = residual.DESIGNS["h + F(norm(h))"]
    assert float(residual.shortcut_gain(design, depth=50, seed=seed)) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_weak_blocks_without_shortcuts_leave_nothing_of_their_input(residual, seed):
    change = residual.relative_change(lambda h, F: 0.01 * F(h), seed=seed)
    assert float(change) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_all_paths_add_up_to_the_product(residual, seed):
    assert residual.path_shares(14, 0.5, seed)[1] < 1e-5


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_plane_catches_next_to_nothing_of_a_path(landscape, seed):
    path = landscape.random_walk(31, 10_000, seed)
    plane = torch.randn(2, 10_000, generator=torch.Generator().manual_seed(100 + seed))
    assert landscape.caught(path, plane) < 0.005
