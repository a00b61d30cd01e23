"""Residual designs of notebook 11: pre-norm, and what changes its shortcut or its branch's scale.

Each is built from the same branches and maps the stream, (..., dim), to itself. Sublayers count
from 0; two of them, attention and feed-forward, make a block.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lecture_utils.models.design_inputs import require_branches, require_last
from lecture_utils.models.inputs import require_same_shape, require_stream
from lecture_utils.require.numbers import require_positive, require_room


class Design(nn.Module):
    """Pre-norm, x + F(N(x)) sublayer after sublayer, and what all designs share.

    Another design replaces `step`, and `prepare` where it needs weights of its own. One that keeps
    more than the stream also replaces `begin` and `end`.

    Args:
        branches: the branches F in the order in which they act, modules from (..., dim) to
            (..., dim). A design with starting weights of its own writes them into the branches.
        dim: width of the stream.

    Input and output (..., dim).

    Raises:
        ValueError: branches is no list of modules, dim no width, the input has another width or
            type, or a branch returns another shape.

    Source: K. He et al., arXiv:1603.05027, 2016; R. Xiong et al., arXiv:2002.04745, 2020.
    """

    def __init__(self, branches: Sequence[nn.Module], dim: int):
        require_branches(branches)
        require_positive("dim", dim)
        require_room(2 * len(branches) * int(dim))
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in branches)
        self.prepare(dim, len(branches))

    def prepare(self, dim: int, count: int) -> None:
        """Make what this design needs besides branches and norms."""

    def branch(self, i: int, x: Tensor) -> Tensor:
        """Return F(x) of sublayer i, (..., dim)."""
        y = self.branches[i](x)
        require_same_shape(y, x)
        return y

    def norm(self, i: int, x: Tensor) -> Tensor:
        """Return N(x) of sublayer i, (..., dim)."""
        return self.norms[i](x)

    def begin(self, x: Tensor) -> Tensor:
        """Return the state before the first sublayer: the stream itself."""
        return x

    def step(self, x: Tensor, i: int) -> Tensor:
        """Return the state after sublayer i."""
        return x + self.branch(i, self.norm(i, x))

    def end(self, x: Tensor) -> Tensor:
        """Return the stream that a state stands for, (..., dim)."""
        return x

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., dim) to (..., dim)."""
        require_stream(x, *self.norms)
        state = self.begin(x)
        for i in range(len(self.branches)):
            state = self.step(state, i)
        return self.end(state)


class Highway(Design):
    """A gate for each entry shares out between stream and branch: (1 - gate) x + gate F(N(x)).

    gate = σ(W x + b) with W = 0 and b = -2 at the start: 0.12. The paper has b = -1 to -3, deeper
    nets the lower, W drawn at random, and no norm.

    Source: R. Srivastava et al., arXiv:1505.00387, 2015.
    """

    def prepare(self, dim: int, count: int) -> None:
        """Make the gates."""
        self.gates = nn.ModuleList(nn.Linear(dim, dim) for _ in range(count))
        for gate in self.gates:
            nn.init.zeros_(gate.weight)
            nn.init.constant_(gate.bias, -2.0)

    def step(self, x: Tensor, i: int) -> Tensor:
        """Return the stream after sublayer i."""
        gate = torch.sigmoid(self.gates[i](x))
        return (1 - gate) * x + gate * self.branch(i, self.norm(i, x))


class StochasticDepth(Design):
    """In training a branch is left out at random; in use it is multiplied by its chance to stay.

    The chance falls in a line from 1 at the embedding to 0.5 at the last sublayer; one draw for the
    whole batch.

    Source: G. Huang et al., arXiv:1603.09382, 2016.
    """

    def step(self, x: Tensor, i: int) -> Tensor:
        """Return the stream after sublayer i."""
        stays = 1 - 0.5 * (i + 1) / len(self.branches)
        if self.training:
            stays = float(torch.rand(()) < stays)
        return x + stays * self.branch(i, self.norm(i, x))


class ReZero(Design):
    """One learned number a sublayer, 0 at the start, and no norm: x + α F(x).

    The paper has one number a block, shared by both branches.

    Source: T. Bachlechner et al., arXiv:2003.04887, 2020.
    """

    def prepare(self, dim: int, count: int) -> None:
        """Make the numbers α."""
        self.alpha = nn.Parameter(torch.zeros(count))

    def step(self, x: Tensor, i: int) -> Tensor:
        """Return the stream after sublayer i."""
        return x + self.alpha[i] * self.branch(i, x)


class SkipInit(ReZero):
    """The line of ReZero, with α = 1/√L at the start, L the number of branches.

    The paper, on convolutional nets without batch norm, has 0 or a small number.

    Source: S. De and S. Smith, arXiv:2002.10444, 2020.
    """

    def prepare(self, dim: int, count: int) -> None:
        """Make the numbers α."""
        self.alpha = nn.Parameter(torch.full((count,), count**-0.5))


class LayerScale(Design):
    """One learned number for each entry of the stream, small at the start: x + λ F(N(x)).

    λ = 0.1 up to 18 blocks, 1e-5 up to 24, 1e-6 beyond.

    Source: H. Touvron et al., arXiv:2103.17239, 2021.
    """

    def prepare(self, dim: int, count: int) -> None:
        """Make the numbers λ."""
        small = 0.1 if count <= 36 else 1e-5 if count <= 48 else 1e-6
        self.scale = nn.Parameter(torch.full((count, dim), small))

    def step(self, x: Tensor, i: int) -> Tensor:
        """Return the stream after sublayer i."""
        return x + self.scale[i] * self.branch(i, self.norm(i, x))


class Fixup(Design):
    """No norm; each branch ends in zeros, and its other matrix is divided by √L: x + m F(x + b).

    m = 1 and b = 0 are learned, L is the number of branches. The paper divides
    by L^(1/(2k - 2)) in a branch with k matrices; here k = 2. Its bias before each matrix is the
    branch's own, or b.

    Raises:
        ValueError: a branch is not the course's, with `qkv` and `out` or `expand` and `contract`.

    Source: H. Zhang et al., arXiv:1901.09321, 2019.
    """

    def prepare(self, dim: int, count: int) -> None:
        """Make m and b, and change the branches' starting weights."""
        require_last(self.branches)
        self.m = nn.Parameter(torch.ones(count))
        self.b = nn.Parameter(torch.zeros(count))
        for branch in self.branches:
            first, last = list(branch.children())[:2]
            first.weight.data /= math.sqrt(count)
            nn.init.zeros_(last.weight)

    def step(self, x: Tensor, i: int) -> Tensor:
        """Return the stream after sublayer i."""
        return x + self.m[i] * self.branch(i, x + self.b[i])


class SmallStart(Design):
    """Pre-norm with GPT-2's start: the last matrix of each branch divided by √L, L the branches.

    Raises:
        ValueError: a branch is not the course's, with `qkv` and `out` or `expand` and `contract`.

    Source: A. Radford et al., 2019 (GPT-2).
    """

    def prepare(self, dim: int, count: int) -> None:
        """Change the branches' starting weights."""
        require_last(self.branches)
        for branch in self.branches:
            _, last = list(branch.children())[:2]
            last.weight.data /= math.sqrt(count)


class BranchScaling(Design):
    """Each branch divided by the root of the number of branches: x + F(N(x)) / √L.

    Source: L. Noci et al., arXiv:2206.03126, 2022, among others; here with pre-norm.
    """

    def step(self, x: Tensor, i: int) -> Tensor:
        """Return the stream after sublayer i."""
        return x + self.branch(i, self.norm(i, x)) / math.sqrt(len(self.branches))
