"""The networks that the notebooks build; a test holds each equal to the class that is taught."""

from itertools import pairwise

from torch import Tensor, nn

from lecture_utils.require import require_input, require_sizes


class DeepNeuralNetwork(nn.Module):
    """The lecture's network: Linear and GELU per layer, a shortcut wherever shapes match.

    Args:
        layer_sizes: the widths from input to output, at least two, such as [3, 3, 3, 3, 3, 1].
        use_shortcut: add each layer's input to its output where both have the same shape; where
            they have not, the shortcut is silently left out.

    Input (..., layer_sizes[0]), output (..., layer_sizes[-1]).

    Raises:
        ValueError: fewer than two sizes, a size that is not a positive whole number, an input of
            another shape, or one that holds NaN.

    Source: lecture 22; S. Raschka, Build a Large Language Model (From Scratch), 2024, section 4.4.
    """

    def __init__(self, layer_sizes: list[int], use_shortcut: bool):
        require_sizes(layer_sizes)
        super().__init__()
        self.use_shortcut = use_shortcut
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(n_in, n_out), nn.GELU(approximate="tanh"))
            for n_in, n_out in pairwise(layer_sizes)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., layer_sizes[0]) to (..., layer_sizes[-1])."""
        require_input(x, self.layers[0][0].in_features)
        for layer in self.layers:
            y = layer(x)
            x = x + y if self.use_shortcut and x.shape == y.shape else y
        return x
