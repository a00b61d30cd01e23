"""The patients of the wiring clinic: decoders with one fault each. Guess before you read."""

import copy
import math

import torch
from torch import Tensor, nn

from lecture_utils.clinic.ward import (
    Attention,
    Block,
    Decoder,
    DeepNormDecoder,
    DeepNormSublayer,
    Sublayer,
)


class _AttentionA(Attention):
    def forward(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        padding = None if padding is None else padding.T
        return super().forward(x.transpose(0, 1), padding).transpose(0, 1)


class PatientA(Decoder):
    """Meant to be a pre-norm decoder."""

    attention = _AttentionA


class _SublayerB(Sublayer):
    def forward(self, x: Tensor, *context: Tensor | None) -> Tensor:
        x = self.norm_in(x)
        return x + self.dropout(self.branch(x, *context))


class PatientB(Decoder):
    """Meant to be a pre-norm decoder."""

    sublayer = _SublayerB


class _AttentionC(Attention):
    def scores(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        Q, K = self.split(self.query(x)), self.split(self.key(x))
        scores = Q @ K.mT * self.scale()
        if padding is not None:
            scores = scores.masked_fill(padding[:, None, None, :], 0.0)
        return scores.masked_fill(self.future(x.shape[1]), -math.inf)


class PatientC(Decoder):
    """Meant to be a pre-norm decoder."""

    attention = _AttentionC


class PatientD(Decoder):
    """Meant to be a pre-norm decoder with GPT-2's starting weights."""

    def initialise(self, block: nn.Module, std: float, small: float) -> None:
        """Draw the starting weights."""
        for name, parameter in block.named_parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=std)
            if name in ("out.weight", "contract.weight"):
                nn.init.normal_(parameter, std=small)


class PatientE(Decoder):
    """Meant to be a pre-norm decoder."""

    def embed(self, x: Tensor) -> Tensor:
        """Return the stream before the first block."""
        return x + self.positions[: x.shape[0], None]


class _BlockF(Block):
    def forward(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        h = self.attention(x, padding)
        return x + self.feed_forward.update(h)


class PatientF(Decoder):
    """Meant to be a pre-norm decoder."""

    def stack(self, depth: int, *sizes: int | float | str) -> list[nn.Module]:
        """Build the blocks."""
        blocks = super().stack(depth, *sizes)
        for block in blocks:
            block.__class__ = _BlockF
        return blocks


class _AttentionG(Attention):
    def future(self, time: int) -> Tensor:
        return torch.ones(time, time, dtype=torch.bool).tril(-1)


class PatientG(Decoder):
    """Meant to be a pre-norm decoder."""

    attention = _AttentionG


class _SublayerH(DeepNormSublayer):
    def forward(self, x: Tensor, *context: Tensor | None) -> Tensor:
        return self.norm_sum(x + self.alpha * self.update(x, *context))


class PatientH(DeepNormDecoder):
    """Meant to be a DeepNorm decoder."""

    sublayer = _SublayerH


class PatientI(Decoder):
    """Meant to be a pre-norm decoder."""

    def stack(self, depth: int, *sizes: int | float | str) -> list[nn.Module]:
        """Build the blocks."""
        first, *_ = super().stack(depth, *sizes)
        return [copy.deepcopy(first) for _ in range(depth)]


class _SublayerJ(Sublayer):
    def forward(self, x: Tensor, *context: Tensor | None) -> Tensor:
        return self.dropout(x + self.branch(self.norm_in(x), *context))


class PatientJ(Decoder):
    """Meant to be a pre-norm decoder."""

    sublayer = _SublayerJ


class PatientK(Decoder):
    """Meant to be a pre-norm decoder."""

    def forward(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        """Map (batch, time, dim) to (batch, time, dim)."""
        return self.stream(x, padding)[-1]


class PatientL(Decoder):
    """Meant to be a pre-norm decoder with GPT-2's starting weights."""

    def initialise(self, block: nn.Module, std: float, small: float) -> None:
        """Draw the starting weights."""
        for name, parameter in block.named_parameters():
            if parameter.dim() == 2:
                chosen = name.endswith(("out.weight", "expand.weight"))
                nn.init.normal_(parameter, std=small if chosen else std)


class _AttentionM(Attention):
    def scale(self) -> float:
        return self.query.in_features**-0.5


class PatientM(Decoder):
    """Meant to be a pre-norm decoder."""

    attention = _AttentionM
