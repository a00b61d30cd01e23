"""The deep MLPs of notebook 03: the lecture's network, and twins with and without shortcuts."""

from collections.abc import Iterable
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from lecture_utils.models.inputs import (
    require_input,
    require_rows,
    require_vectors,
)
from lecture_utils.require.numbers import (
    MOST_BLOCKS,
    require_choice,
    require_flag,
    require_positive,
    require_room,
    require_scale,
    require_sizes,
)

ACTIVATIONS = {
    "relu": torch.relu,
    "gelu": nn.functional.gelu,
    "gelu-tanh": partial(nn.functional.gelu, approximate="tanh"),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


class DeepNeuralNetwork(nn.Module):
    """The lecture's network: Linear and GELU per layer, a shortcut wherever shapes match.

    Args:
        layer_sizes: the widths from input to output, at least two, such as [3, 3, 3, 3, 3, 1].
        use_shortcut: add each layer's input to its output where both have the same shape; where
            they have not, the shortcut is silently left out.

    Input (..., layer_sizes[0]), output (..., layer_sizes[-1]).

    Raises:
        ValueError: fewer than two sizes, a size that is not a positive whole number,
            use_shortcut is no bool, or an input of another shape, type or device, or with NaN.

    Source: lecture 22; S. Raschka, Build a Large Language Model (From Scratch), 2024, section 4.4.
    """

    def __init__(self, layer_sizes: list[int], use_shortcut: bool):
        require_sizes(layer_sizes)
        require_flag("use_shortcut", use_shortcut)
        super().__init__()
        self.use_shortcut = use_shortcut
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(n_in, n_out), nn.GELU("tanh"))
            for n_in, n_out in pairwise(layer_sizes)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., layer_sizes[0]) to (..., layer_sizes[-1])."""
        require_input(x, self.layers[0][0].in_features, self.layers[0][0])
        for layer in self.layers:
            y = layer(x)
            x = (x + y) if self.use_shortcut and x.shape == y.shape else y
        return x


def normalise(h: Tensor, norm: str | None) -> Tensor:
    """Give h mean 0 and variance 1: along each row, along each column, or not at all.

    Args:
        h: shape (..., n, width).
        norm: "layer" (each row: one example's neurons), "batch" (each column: one neuron over
            the examples given, in training and in evaluation alike), or None.

    Nothing is learned and nothing is remembered: twins with any norm have the same parameters.

    Raises:
        ValueError: norm is unknown, h is no tensor of floating-point numbers, or norm is "batch"
            and h has fewer than two rows.
    """
    require_choice("norm", norm, (None, "layer", "batch"))
    require_rows(h, norm)
    if norm is None:
        return h
    if norm == "layer":
        return nn.functional.layer_norm(h, h.shape[-1:])
    variance, mean = torch.var_mean(h, dim=-2, correction=0, keepdim=True)  # (..., 1, width)
    return (h - mean) / (variance + 1e-5).sqrt()


class MLPBlock(nn.Module):
    """One block of a twin: h + φ(norm(h)) W + b with the shortcut, φ(norm(h)) W + b without.

    Input and output (..., width).

    Raises:
        ValueError: an argument is not as ShortcutMLP takes it, or the input has another shape,
            type or device.
    """

    def __init__(self, width: int, use_shortcut: bool, norm: str | None, activation: str):
        require_positive("width", width)
        require_room(int(width) ** 2)
        require_flag("use_shortcut", use_shortcut)
        require_choice("norm", norm, (None, "layer", "batch"))
        require_choice("activation", activation, ACTIVATIONS)
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.use_shortcut, self.norm = use_shortcut, norm
        self.phi = ACTIVATIONS[activation]

    def branch(self, h: Tensor) -> Tensor:
        """Return F(h), what the block computes, (..., width)."""
        require_vectors(h, self.linear.in_features, self.linear)
        return self.linear(self.phi(normalise(h, self.norm)))

    def forward(self, h: Tensor) -> Tensor:
        """Map (..., width) to (..., width)."""
        return (h + self.branch(h)) if self.use_shortcut else self.branch(h)


def starting_weights(blocks: Iterable[MLPBlock], init: str, branch_scale: float) -> None:
    """Choose the blocks' starting weights, in place.

    Args:
        blocks: freshly made, so that they hold nn.Linear's default weights.
        init: "default" keeps those; "he" draws weights of variance 2 / width and sets biases to 0.
        branch_scale: multiplies the weights and biases of every block.

    Raises:
        ValueError: init is unknown, or branch_scale negative.

    Source: K. He et al., Delving Deep into Rectifiers, arXiv:1502.01852, 2015.
    """
    require_choice("init", init, ("default", "he"))
    require_scale("branch_scale", branch_scale)
    for block in blocks:
        if init == "he":
            nn.init.kaiming_normal_(block.linear.weight, nonlinearity="relu")
            nn.init.zeros_(block.linear.bias)
        for weights in block.linear.parameters():
            weights.data *= branch_scale


class ShortcutMLP(nn.Module):
    """A deep MLP and, with use_shortcut=False, its twin of the same parameters and cost.

    Args:
        width: neurons in every hidden layer.
        depth: number of blocks, one weight matrix each.
        use_shortcut: add each block's input to its output.
        norm: normalise what enters a block's activation: None, "layer" or "batch".
        activation: "relu", "gelu", "gelu-tanh", "tanh" or "sigmoid".
        init: the blocks' starting weights: "default" (nn.Linear's) or "he" (variance 2 / width,
            biases 0).
        branch_scale: multiplies the blocks' starting weights and biases; with He's weights and no
            norm it is about the branch's length over its input's (notebook 02's s), and
            depth ** -0.5 keeps the sum of all branches as large as one.
        in_features: features of an input; the digits have 64 pixels.
        out_features: numbers in the output; the digits have 10 classes.

    Input (..., in_features), output (..., out_features).

    Raises:
        ValueError: a size is not a positive whole number, norm, activation or init is unknown,
            branch_scale is negative, use_shortcut is no bool, or an input has another shape,
            type or device, or holds NaN.

    Source: K. He et al., Deep Residual Learning for Image Recognition, arXiv:1512.03385, 2015;
    the order norm, activation, weights is that of arXiv:1603.05027, 2016.
    """

    def __init__(
        self,
        width: int,
        depth: int,
        *,
        use_shortcut: bool = True,
        norm: str | None = None,
        activation: str = "relu",
        init: str = "default",
        branch_scale: float = 1.0,
        in_features: int = 64,
        out_features: int = 10,
    ):
        require_positive("width", width)
        require_positive("depth", depth, MOST_BLOCKS)
        require_positive("in_features", in_features)
        require_positive("out_features", out_features)
        require_room(int(width) * (int(depth) * int(width) + int(in_features) + int(out_features)))
        require_flag("use_shortcut", use_shortcut)
        require_choice("norm", norm, (None, "layer", "batch"))
        require_choice("activation", activation, ACTIVATIONS)
        require_choice("init", init, ("default", "he"))
        require_scale("branch_scale", branch_scale)
        super().__init__()
        self.stem = nn.Linear(in_features, width)
        self.blocks = nn.Sequential(
            *(MLPBlock(width, use_shortcut, norm, activation) for _ in range(depth))
        )
        self.head = nn.Linear(width, out_features)
        starting_weights(self.blocks, init, branch_scale)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in_features) to (..., out_features)."""
        require_input(x, self.stem.in_features, self.stem)
        return self.head(self.blocks(self.stem(x)))
