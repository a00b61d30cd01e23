"""Check of notebook 06: a test that finds layers which mix samples (exercise 6.2)."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from lecture_utils.checks.calling import called
from lecture_utils.checks.values import truth
from lecture_utils.checks.verdict import NotYet, Unrecognised, graded
from lecture_utils.models import BertLayer, TransformerBlock

Pairs = Sequence[tuple[int, int]]  # (who reads, who is read)


@graded
def leaks_across_batch(answer: Callable) -> str:
    """Exercise 6.2: a property test that no layer of these fools."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        cases = _cases()
    wrong: list[_Case] = []
    for case in cases:
        try:
            if _asked(answer, case, case.layer) != bool(case.pairs):
                wrong.append(case)
        except NotYet as mistake:
            if not wrong:
                raise type(mistake)(f"Given a batch of {case.batch} samples: {mistake}") from None
            break
    if len(wrong) == len(cases):
        raise NotYet(
            "The wrong way round: you return True where no sample depends on another one, and "
            "False where one does."
        )
    if wrong:
        calls: list[_Call] = []
        _asked(answer, wrong[0], _watched(wrong[0].layer, calls))
        raise NotYet((_missed if wrong[0].pairs else _accused)(wrong[0], calls))
    return (
        "Your test needed no right answer to compare with, only a property. And you have seen it "
        "say both True and False: a test that cannot fail is none."
    )


@dataclass(frozen=True)
class _Case:
    """A layer and a batch.

    Attributes:
        layer: maps (batch, time, dim) to the same shape.
        batch: number of samples.
        what: the layer in words.
        pairs: which sample reads which; none in a healthy layer.
        hides: which change of a sample the layer does not let out.
        time: tokens of a sample.
    """

    layer: nn.Module
    batch: int
    what: str
    pairs: Pairs = ()
    hides: str = ""
    time: int = 5

    @property
    def x(self) -> Tensor:
        return torch.randn(self.batch, self.time, 8, generator=torch.Generator().manual_seed(1234))


@dataclass(frozen=True)
class _Call:
    """A call of the layer by the answer: input, output, and whether it was in training mode."""

    x: Tensor
    y: Tensor
    training: bool


class _OverBatch(nn.MultiheadAttention):
    """The sketch of section 6.8: attention that takes the batch axis for time."""

    def forward(self, x: Tensor, key_padding_mask: Tensor | None = None) -> Tensor:
        return super().forward(x, x, x, key_padding_mask)[0]


class _Reads(nn.Module):
    """Samples read others: of what `read` makes of x, those of `pairs` get some added."""

    def __init__(self, pairs: Pairs, read: Callable, strength: float):
        super().__init__()
        self.pairs, self.read, self.strength = pairs, read, strength

    def forward(self, x: Tensor) -> Tensor:
        # A sample that is not there is read by nobody.
        weights = [[float((n, m) in self.pairs) for m in range(len(x))] for n in range(len(x))]
        read = torch.einsum("nm,mtd->ntd", torch.tensor(weights).to(x), self.read(x))
        return x + self.strength * read


def _bert(dropout: float = 0.0, attention: nn.Module | None = None) -> nn.Module:
    layer = BertLayer(8, 16, 2, dropout=dropout)
    layer.attention = attention or layer.attention
    return layer.train(dropout > 0)


def _every(batch: int) -> Pairs:
    return [(n, m) for n in range(batch) for m in range(batch) if n != m]


def _last_to_first(x: Tensor) -> Tensor:
    return x[:, -1:] * (torch.arange(x.shape[1]) == 0)[:, None]


def _cases() -> list[_Case]:
    """Return healthy layers and leaks: all to all, one to one, hidden by a norm, of one token."""

    def reads(batch: int, pairs: Pairs, what: str, read: Callable = lambda x: x,
              strength: float = 0.5, hides: str = "") -> _Case:  # fmt: skip
        return _Case(_Reads(pairs, read, strength), batch, what, pairs, hides)

    norm = "a norm notices neither a constant that you add nor a factor"
    return [
        _Case(_bert(), 4, "BertLayer"),
        reads(4, _every(4), "every sample reads all others"),
        _Case(_bert(attention=_OverBatch(8, 2)), 4, "attention runs over the batch axis, as in the "
              "sketch of 6.8", _every(4), norm),
        _Case(_bert(dropout=0.5), 4, "BertLayer in training mode"),
        reads(4, _every(4), "every sample reads all others through a norm",
              lambda x: layer_norm(x, (8,), eps=1e-12), hides=norm),
        reads(4, [(n, (n - 1) % 4) for n in range(4)], "each sample reads only the one before it"),
        *(reads(batch, [(n, m)], f"only sample {n} reads another one, sample {m}")
          for batch, n, m in ((4, 3, 0), (4, 0, 3), (4, 2, 1), (4, 1, 2), (5, 4, 3), (5, 3, 4),
                              (6, 0, 2), (3, 1, 2), (2, 0, 1), (2, 1, 0))),
        reads(3, [(0, 2)], "sample 0 reads the last token of sample 2, at its first token",
              _last_to_first, hides="only the last token is read: change all tokens"),
        reads(3, [(2, 0)], "sample 2 reads the first token of sample 0, at its last token",
              lambda x: _last_to_first(x.flip(1)).flip(1), hides="only the first token is read: "
              "change all tokens"),
        reads(3, [(1, 0)], "sample 1 reads the size of sample 0's entries", torch.abs,
              hides="a sign is lost"),
        reads(3, [(0, 1)], "sample 0 reads the mean token of sample 1",
              lambda x: x.mean(1, keepdim=True).expand_as(x), hides="the order of the tokens does "
              "not matter"),
        reads(4, [(1, 2)], "sample 1 reads a hundredth of sample 2", strength=0.01),
        _Case(TransformerBlock(8, 16, 2).eval(), 3, "a pre-norm block", time=3),
        _Case(nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.3)), 5, "a linear layer and dropout, in "
              "training mode"),
    ]  # fmt: skip


def _asked(answer: Callable, case: _Case, layer: nn.Module) -> bool:
    return truth(called(answer, layer, case.x, names=("layer", "x")), "your test")


def _watched(layer: nn.Module, calls: list) -> nn.Module:
    """Return a copy of the layer that notes each call."""

    def note(layer: nn.Module, given: tuple, y: Tensor) -> None:
        calls.append(_Call(given[0].detach().clone(), y.detach().clone(), layer.training))

    layer = copy.deepcopy(layer)
    layer.register_forward_hook(note)
    return layer


def _changed(case: _Case, calls: list[_Call]) -> list[tuple[Tensor, Tensor]]:
    """Return for each call with the whole batch which samples it changed, and its outputs."""
    whole = [call for call in calls if call.x.shape == case.x.shape]
    return [((call.x != case.x).flatten(1).any(1), call.y) for call in whole]


def _missed(case: _Case, calls: list[_Call]) -> str:
    """Say why a leak went unnoticed."""
    begin = f"A leak goes unnoticed in which {case.what}"
    whole = _changed(case, calls)
    if not calls:
        return f"{begin}: your test never calls the layer."
    if len(whole) < len(calls) - 1:
        return f"{begin}. Change one whole sample at a time, and compare all the others."
    if not any(changed.any() for changed, _ in whole):
        return (
            f"{begin}: your test never gives it another batch than x. Change a sample in a copy. "
            f"(By gradients: the sum of a norm's outputs is always 0, and so is its gradient.)"
        )
    if all(_same_samples(call.x, case.x) for call in calls):
        return f"{begin}. You only put the samples in another order; replace one by random numbers."
    useful = [
        (y, n) for changed, y in whole for n, m in case.pairs if changed[m] and not changed[n]
    ]
    (n, m), *_ = case.pairs
    if not useful:
        return (
            f"{begin}, and your test never changes sample {m} while sample {n} stays as it is. "
            f"Change every sample in turn, all of it, and compare all the others."
        )
    with torch.no_grad():
        before = copy.deepcopy(case.layer).eval()(case.x)
    moved = max((y[n] - before[n]).abs().max().item() for y, n in useful)
    if moved < 1e-5:
        why = case.hides or "what you change is too small a change"
        return (
            f"{begin}. You did change that sample, but not in a way that shows: {why}. Replace the "
            f"whole sample by random numbers."
        )
    return (
        f"{begin}. You did change that sample, and the reader's output moved by {moved:.2g}. That "
        f"alone must make it True: compare every entry of all other samples (no sum or mean), with "
        f"a tolerance such as 1e-5, after each change, and let no other round overrule it."
    )


def _same_samples(a: Tensor, b: Tensor) -> bool:
    """Tell whether two batches hold the same samples, in any order."""
    return a.shape == b.shape and all(any(torch.equal(s, t) for t in b) for s in a)


def _accused(case: _Case, calls: list[_Call]) -> str:
    """Say why a healthy layer was taken for a leaking one."""
    begin = f"A healthy layer is accused ({case.what})"
    if not calls:
        return f"{begin}: your test never calls the layer."
    drops = [p for p in case.layer.modules() if isinstance(p, nn.Dropout) and p.p > 0]
    if drops and any(call.training for call in calls):
        return (
            f"{begin}: its dropout makes any two runs differ, whatever you change. Call "
            f"layer.eval() first."
        )
    whole = _changed(case, calls)
    counts = {int(changed.sum()) for changed, _ in whole}
    if len(counts) and max(counts) == case.batch and counts <= {0, case.batch}:
        return f"{begin}: you change all at once. x[:, n] is a token of each; leave all but x[n]."
    if counts == {0}:
        return f"{begin}: your test says True without ever giving it another batch than x."
    if {1, 2} <= counts:
        return (
            f"{begin}: your changes pile up, and a sample that you changed before is compared. "
            f"Begin each round with a fresh copy of x."
        )
    if counts:
        return (
            f"{begin}: the outputs of samples that you left alone moved by rounding only. Did you "
            f"look at the changed sample itself? Its own output has to change; compare the others' "
            f"outputs, before and after, with a tolerance; True is for a difference."
        )
    raise Unrecognised(f"{begin}: replace one sample, and the others' outputs stay as they were.")
