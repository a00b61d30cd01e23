"""Starting weights with which a deep plain net trains (notebook 04)."""

import torch
from torch import nn

from lecture_utils.models.inputs import require_blocks, require_weights
from lecture_utils.models.mlp import ShortcutMLP
from lecture_utils.require.numbers import require_even


def require_twin(net: nn.Module, *kinds: torch.dtype, device: str | None = None) -> None:
    """Accept a net whose blocks hold weight matrices of one of these types, on this device.

    Raises:
        ValueError: it is another net.
    """
    require_blocks(getattr(net, "blocks", None), "linear")
    require_weights(net, set(kinds), device)


def orthogonal(net: ShortcutMLP) -> ShortcutMLP:
    """Give every block a random orthogonal matrix and no bias; returns the same net.

    An orthogonal matrix turns arrows and stretches none. Meant for activation="tanh", which is
    nearly the identity for small numbers.

    Raises:
        ValueError: the net has no blocks of the twins' kind, or weights of another type than
            float32 or float64; then nothing is changed.

    Source: A. Saxe et al., arXiv:1312.6120, 2013; J. Pennington et al., arXiv:1711.04735, 2017.
    """
    require_twin(net, torch.float32, torch.float64)
    for block in net.blocks:
        nn.init.orthogonal_(block.linear.weight)
        nn.init.zeros_(block.linear.bias)
    return net


def looks_linear(net: ShortcutMLP) -> ShortcutMLP:
    """Give every block mirrored weights, with which a ReLU does nothing; returns the same net.

    The second half of the neurons is the negative of the first, h = (u, −u), and a block makes
    (uV, −uV) of it, with a random orthogonal V: relu(u) − relu(−u) is u.

    Raises:
        ValueError: the width is odd, the net has no blocks of the twins' kind, or weights that
            are not float32 on the CPU; then nothing is changed.

    Source: D. Balduzzi et al., arXiv:1702.08591, 2017.
    """
    require_twin(net, torch.float32, device="cpu")
    require_even("width", net.stem.out_features)
    for block in net.blocks:
        half = block.linear.in_features // 2
        V = nn.init.orthogonal_(torch.empty(half, half))
        W = torch.cat([torch.cat([V, -V]), torch.cat([-V, V])], 1)
        block.linear.weight.data = W.T
        nn.init.zeros_(block.linear.bias)
    return net
