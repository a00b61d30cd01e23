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
def shapes():
    return notebooks.definitions(notebooks.path_of("03"))


@pytest.fixture(scope="module")
def gpt_block():
    return notebooks.definitions(notebooks.path_of("09"))


@pytest.fixture(scope="module")
def landscape():
    return notebooks.definitions(notebooks.path_of("05"))


@pytest.fixture(scope="module")
def attention():
    return notebooks.definitions(notebooks.path_of("06"))


def test_a_relu_net_scales_with_its_weights(vanishing):
    ends = []
    for scale in (1.1, 1.0):
        norms, _ = vanishing.gradients_by_layer(100, torch.relu, 2 * scale**2)
        ends.append(norms[:, 0])
    ratio = ends[0] / ends[1] / 1.1**100
    torch.testing.assert_close(ratio, torch.ones_like(ratio), rtol=0.01, atol=0)


@pytest.mark.parametrize("use_shortcut", [False, True])
def test_a_weight_gradient_is_input_times_signal(vanishing, use_shortcut):
    sizes, _ = vanishing.five_layer_nets(50, use_shortcut, seed=0)
    rng = torch.Generator().manual_seed(0)
    h, inputs, before = torch.tensor([1.0, 0.0, -1.0]).expand(50, 1, 3), [], []
    for n_in, n_out in vanishing.SHAPES:
        W = torch.empty(50, n_in, n_out).uniform_(-(n_in**-0.5), n_in**-0.5, generator=rng)
        b = torch.empty(50, 1, n_out).uniform_(-(n_in**-0.5), n_in**-0.5, generator=rng)
        inputs.append(h)
        before.append((h @ W + b).requires_grad_())
        y = torch.nn.functional.gelu(before[-1], approximate="tanh")
        h = h + y if use_shortcut and h.shape == y.shape else y
    at_z = torch.autograd.grad(h.square().sum(), before)
    product = [
        (a.abs().mean((1, 2)) * g.abs().mean((1, 2))) for a, g in zip(inputs, at_z, strict=True)
    ]
    torch.testing.assert_close(sizes, torch.stack(product, 1).detach(), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_branch_that_cancels_the_shortcut_leaves_nothing(residual, seed):
    assert residual.gradient_gain(lambda h, F: h - h, depth=50, seed=seed) == 0
    weaker = residual.gradient_gain(residual.DESIGNS["0.95 h"], depth=50, seed=seed)
    assert float(weaker) == pytest.approx(0.95**50, rel=1e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_norm_in_the_branch_leaves_the_shortcut_clean(residual, seed):
    design = residual.NORMED["h + F(norm(h))"]
    assert float(residual.shortcut_gain(design, depth=50, seed=seed)) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_weak_blocks_without_shortcuts_leave_nothing_of_their_input(residual, seed):
    h_0, h_L = residual.through(residual.CORNERS["plain, s = 0.01"], seed=seed)
    assert h_L.norm() < 1e-90 * h_0.norm()


@pytest.mark.parametrize("seed", SEEDS)
def test_weak_blocks_walk_as_far_as_the_root_of_their_number(residual, seed):
    h_0, h_L = residual.through(residual.CORNERS["shortcut, s = 0.01"], seed=seed)
    assert float((h_L - h_0).norm() / h_0.norm()) == pytest.approx(0.01 * 50**0.5, rel=0.1)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_product_of_a_chains_factors_is_its_gradient(residual, seed):
    rng = torch.Generator().manual_seed(seed)
    w = torch.randn(30, generator=rng, dtype=torch.float64) / 2
    y_0 = torch.randn((), generator=rng, dtype=torch.float64).requires_grad_()
    y = residual.chain(w, y_0)
    by_hand = (residual.slope(w, torch.stack(y[:-1])) + 1).prod()
    torch.testing.assert_close(torch.autograd.grad(y[-1], y_0)[0], by_hand)


@pytest.mark.parametrize("seed", SEEDS)
def test_all_paths_add_up_to_the_product(residual, seed):
    assert residual.path_shares(14, 0.5, seed)[1] < 1e-5


@pytest.mark.parametrize("use_shortcut", [False, True])
def test_a_rescaled_net_is_the_same_function_and_as_sharp_in_its_rows(landscape, use_shortcut):
    torch.manual_seed(0)
    net = landscape.ShortcutMLP(32, 8, init="he", use_shortcut=use_shortcut)
    again = landscape.rescaled(net, 1 / 256)
    assert torch.equal(again(landscape.X), net(landscape.X))  # to the bit
    before, after = (landscape.sharpness(one, in_rows=True) for one in (net, again))
    assert after == pytest.approx(before, rel=1e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_lectures_class_is_plain_where_no_width_stays(shapes, seed):
    assert shapes.difference(range(64, 9, -3), seed) == 0
    assert shapes.difference([64, 64, 10], seed) > 1e-3


@pytest.mark.parametrize("seed", SEEDS)
def test_blocks_of_zero_weights_copy_only_with_a_shortcut(shapes, seed):
    (plain_apart, plain_away), (apart, away) = map(shapes.zero_weights, (False, True), (seed, seed))
    assert plain_apart == away == 0
    assert min(plain_away, apart) > 0.1


def test_the_lectures_last_layer_gains_by_input_and_slope(shapes):
    """Notebook 03: 11.6 times the input, 1.8 times the slope, and what target 1 would change."""
    inputs, slopes, outputs = [], [], []
    for use_shortcut in (False, True):
        net, h = shapes.lecture_net(use_shortcut), torch.tensor([[1.0, 0.0, -1.0]])
        for layer in net.layers[:4]:
            h = h + layer(h) if use_shortcut else layer(h)
        z = net.layers[4][0](h).detach().requires_grad_()
        torch.nn.functional.gelu(z, approximate="tanh").backward()
        inputs.append(h.abs().mean().item())
        slopes.append(z.grad.item())
        outputs.append(torch.nn.functional.gelu(z, approximate="tanh").item())
    assert inputs[1] / inputs[0] == pytest.approx(11.6, abs=0.05)
    assert slopes[1] / slopes[0] == pytest.approx(1.8, abs=0.05)
    assert outputs[1] / outputs[0] == pytest.approx(12.6, abs=0.05)
    assert (outputs[1] - 1) / (outputs[0] - 1) == pytest.approx(0.25, abs=0.005)


@pytest.mark.parametrize("seed", SEEDS)
def test_backward_by_hand_equals_autograd(shapes, seed):
    assert shapes.off_by_block(shapes.step_back, seed).max() < 1e-6


@pytest.mark.parametrize("seed", SEEDS)
def test_the_last_block_does_not_notice_a_wrong_step_back(shapes, seed):
    assert shapes.off_by_block(lambda g, h, W: 0 * g, seed)[7] == 0
    assert shapes.off_by_block(lambda g, h, W: 0 * g, seed, blocks=1)[0] == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_deep_plain_net_contains_the_shallow_one(shapes, seed):
    torch.manual_seed(seed)
    net, x = shapes.ShortcutMLP(32, 64, use_shortcut=False), shapes.data.digits().test_x[:100]
    shallow = net.head(net.stem(x))
    with torch.no_grad():
        net.stem.bias += 8
        for block in net.blocks:
            block.linear.weight.copy_(torch.eye(32))
            block.linear.bias.zero_()
        net.head.bias -= 8 * net.head.weight.sum(1)
    torch.testing.assert_close(net(x), shallow, rtol=0, atol=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_attention_does_not_see_the_order_of_the_other_words(attention, seed):
    torch.manual_seed(seed)
    layer, x = attention.SelfAttention(32, num_heads=4), torch.randn(1, 8, 32)
    another = x.clone()
    another[:, 4] = torch.randn(32)
    first = layer(x)[0, 0]
    torch.testing.assert_close(layer(x[:, [0, 4, 2, 3, 1, 5, 6, 7]])[0, 0], first)
    assert (layer(another)[0, 0] - first).abs().max() > 1e-3
    feed_forward = attention.FeedForward(32, 128)
    torch.testing.assert_close(feed_forward(another)[0, 0], feed_forward(x)[0, 0])


@pytest.mark.parametrize(("eps", "longest"), [(1e-5, 316), (1e-12, 1_000_000)])
def test_at_a_token_of_zeros_only_epsilon_holds_the_gradient(attention, eps, longest):
    jacobian = attention.norm_jacobian(0, eps=eps)
    assert torch.linalg.matrix_norm(jacobian, 2).item() == pytest.approx(longest, rel=0.01)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_block_with_silent_branches_is_the_identity_unless_post_norm(gpt_block, seed):
    x = torch.randn(2, 12, 64, generator=torch.Generator().manual_seed(seed))
    for norm in ("pre", "sandwich"):
        assert torch.equal(gpt_block.silenced(norm, seed)(x), x)
    assert (gpt_block.silenced("post", seed)(x) - x).abs().max() > 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_a_gpts_stream_is_the_sum_of_its_parts_unless_post_norm(gpt_block, seed):
    for norm in ("pre", "sandwich", "post"):
        model, tokens = gpt_block.fresh(seed, norm=norm)
        parts, x = gpt_block.parts_of(model, tokens)
        apart = (parts.sum(0) - x).norm() / x.norm()
        assert apart > 0.5 if norm == "post" else apart < 1e-6


@pytest.mark.parametrize("seed", SEEDS)
def test_the_shares_of_a_logit_add_up_to_it(gpt_block, seed):
    model, tokens = gpt_block.fresh(seed)
    logit = model(tokens).gather(2, tokens[..., None]).mean()
    torch.testing.assert_close(gpt_block.own_logit(model, tokens).sum(), logit)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_layer_of_attention_cubes_the_distance_of_tokens(gpt_block, seed):
    """Notebook 09: a tenth becomes 0.0003, a hundredth 0.0000003."""
    after = []
    for eps in (0.1, 0.01, 0.001):
        rng = torch.Generator().manual_seed(seed)
        same = torch.randn(20, 1, 64, generator=rng, dtype=torch.float64)
        X = same + eps * torch.randn(20, 16, 64, generator=rng, dtype=torch.float64)
        attend = gpt_block.random_attention(rng, causal=False, gain=1.0)
        assert gpt_block.distance(X).median() == pytest.approx(eps, rel=0.1)
        after.append(gpt_block.distance(attend(X)).median().item())
    assert after[0] == pytest.approx(3e-4, rel=0.4)
    assert after[0] / after[1] == pytest.approx(1000, rel=0.1)
    assert after[1] / after[2] == pytest.approx(1000, rel=0.1)


def test_the_lectures_model_differs_from_gpt2_in_two_places(gpt_block):
    parts = gpt_block.account(gpt_block.GPTConfig())
    assert parts["all"] == 124_439_808 == sum(parts.values()) - parts["all"]
    assert parts["all"] - 12 * 3 * 768 + 50257 * 768 == 163_009_536
