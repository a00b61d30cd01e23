"""Check of notebook 10: the mean loss of a predictor that knows the letters' frequencies."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.values import as_tensor
from lecture_utils.checks.verdict import graded

_ROUNDING = 1e-6  # below it a loss is 0: log(p + 1e-9) is not exact, and not wrong


def _trials() -> list[Trial]:
    rng = torch.Generator().manual_seed(0)
    skewed = (12 * torch.rand(3000, generator=rng) ** 3).long()
    return [
        Trial((torch.tensor([0, 1]),), "for the text 0 1"),
        Trial((torch.tensor([0, 0, 0, 1]),), "for the text 0 0 0 1"),
        Trial((torch.tensor([2, 0, 1, 0, 1, 0, 0, 0]),), "for three kinds of tokens"),
        Trial(
            (torch.tensor([5, 2, 5, 9, 9, 9, 9, 2]),),
            "where some ids never come",
            "a token that never comes adds 0; but 0 · log 0 is nan in floating point.",
        ),
        Trial((skewed,), "for a text of 3,000 tokens"),
        Trial((torch.tensor([3, 3, 3]),), "where all tokens are the same", "then the loss is 0."),
        Trial((torch.tensor([1]),), "for a text of one token", "then the loss is 0."),
    ]


@graded
def letter_loss(answer: Callable) -> str:
    """Exercise 10.1: the loss of a predictor that knows the frequencies alone."""
    judge(answer, _entropy, _trials(), _SLIPS, read=_read, why=_impossible)
    return (
        "This number is the text's entropy, letter by letter: the lowest mean loss that is "
        "possible without a look at what stands before. A GPT that stays above it has learnt less "
        "than a table of frequencies."
    )


def _read(value: Any) -> Tensor:
    found = as_tensor(value)
    return torch.where(found.abs() < _ROUNDING, 0.0, found)


def _impossible(answer: Callable, trial: Trial) -> str | None:
    """Say why a wrong result cannot be such a loss, where no cause is hinted at."""
    (tokens,) = trial.given
    found, kinds = _read(answer(tokens.clone())), len(_shares(tokens))
    if trial.hint:
        return None
    if found < 0:
        return (
            f"You return {found.item():.4g}. But −ln p is never below 0: is each of your p a share "
            f"of the text, at most 1, and is the minus there?"
        )
    if found > math.log(kinds) + _ROUNDING:
        return (
            f"You return {found.item():.4g}, more than ln {kinds} = {math.log(kinds):.4g}, the "
            f"loss of who takes all {kinds} kinds for equally frequent. Do your p add up to 1, and "
            f"is each −ln p weighted by its p?"
        )
    return None


def _shares(tokens: Tensor) -> Tensor:
    """Return the frequencies of the tokens that come."""
    counts = tokens.unique(return_counts=True)[1].double()
    return counts / counts.sum()


def _entropy(tokens: Tensor) -> Tensor:
    p = _shares(tokens)
    return -(p * p.log()).sum()


def _from(loss: Callable[[Tensor], Any]) -> Callable:
    """Return the slip that makes this of the frequencies."""
    return lambda tokens: loss(_shares(tokens))


def _counted(loss: Callable[[Tensor], Any]) -> Callable:
    """Return the slip that makes this of the counts, zeros included."""
    return lambda tokens: loss(tokens.bincount().double())


def _smoothed(tokens: Tensor) -> Tensor:
    q = tokens.unique(return_counts=True)[1].double() + 1
    return -(q / q.sum() * (q / q.sum()).log()).sum()


def _pairs(tokens: Tensor) -> Tensor:
    return _entropy(tokens[:-1] * (int(tokens.max()) + 1) + tokens[1:])


_MEAN = (
    "You take the mean over the kinds of tokens, each once. A frequent token comes more often, so "
    "its loss has more weight: multiply by p and sum."
)
_BASE = "That is in {}, a logarithm to base {}. Nats take the natural one, `log`."
_EVEN = (
    "That is ln of how many kinds there are, the loss of who takes them all for equally frequent. "
    "Count how often each one comes."
)
_EACH = (
    "You treat each token of the text as another kind. `Counter` and `set` do so with a tensor's "
    "entries: count `tokens.tolist()`, or use `bincount` or `unique`."
)
_PAIRS = "You look at the token before, too. This predictor knows the frequencies alone."
_TOTAL = "That is the loss of the whole text; divide by its length for the mean."
_SMOOTH = "You add something to the counts. The frequency is count / length, nothing else."
_SLIPS = (
    (_from(lambda p: -(p * p.log2()).sum()), _BASE.format("bits", 2)),
    (_from(lambda p: -(p * p.log10()).sum()), _BASE.format("decimal digits", 10)),
    (_from(lambda p: -(p * p.log()).mean()), _MEAN),
    (_from(lambda p: -p.log().mean()), _MEAN),
    (_counted(lambda c: -((q := c[c > 0] / c.sum()) * q.log()).sum() / len(c)), _MEAN),
    (_from(lambda p: -p.log().sum()), "You sum the losses −ln p, each kind of token once. A "
     "frequent token comes more often: weight each by its p."),
    (_from(lambda p: math.log(len(p))), _EVEN),
    (_counted(lambda c: math.log(len(c))), "That is ln of the size of the alphabet, the loss of "
     "who takes all of it for equally frequent. Count how often each one comes."),
    (lambda t: -((q := torch.full((len(t),), 1 / len(t)).double()) * q.log()).sum(), _EACH),
    (_counted(lambda c: -((c / c.sum()) * (c / c.sum()).log()).sum()), "0 · log 0 is nan. A token "
     "that never comes adds nothing: leave it out, before the log."),
    (_counted(lambda c: -(c / c.sum()).log().sum()), "You sum the losses −ln p, each kind once, "
     "and the ln of 0 is −∞. Weight each by its p, and leave out what never comes."),
    (_counted(lambda c: -(c[c > 0] * (c[c > 0] / c.sum()).log()).sum()), _TOTAL),
    (_counted(lambda c: (c[c > 0] * (c[c > 0] / c.sum()).log()).sum()), f"{_TOTAL} And a minus "
     "is missing."),
    (lambda t: _entropy(t) / len(t), "You divide by the length twice: p is a share of it already."),
    (_from(lambda p: -(p * p.log()).max()), "You take the largest of the parts −p ln p; add them "
     "all."),
    (_from(lambda p: -(p * p.log())[0]), "That is the part −p ln p of one kind of token alone; add "
     "them all."),
    (_from(lambda p: -(p * p.log())[-1]), "That is the part −p ln p of one kind of token alone; "
     "add them all."),
    (_counted(lambda c: -(c[c > 0] / c.sum() * c[c > 0].log()).sum()), "Within the log stands a "
     "count; p is meant there, too."),
    (_counted(lambda c: -((q := c[1:][c[1:] > 0] / c[1:].sum()) * q.log()).sum()), "You leave "
     "token 0 out: it is a letter like the others."),
    (lambda t: -((q := t.double().softmax(0)) * q.log()).sum(), "You take the token ids themselves "
     "for logits. Ids are names: count how often each comes."),
    (_counted(lambda c: -(c[c > 0] * c[c > 0].log()).sum()), "You put counts where probabilities "
     "are meant: divide by the length of the text first."),
    (_counted(lambda c: (c[c > 0] * c[c > 0].log()).sum()), "You put counts where probabilities "
     "are meant: divide by the length of the text first."),
    (_counted(lambda c: -((q := c[c > 0] / len(c)) * q.log()).sum()), "You divide the counts by "
     "the size of the alphabet; divide by the length of the text."),
    (_counted(lambda c: -((q := c[c > 0] / (c > 0).sum()) * q.log()).sum()), "You divide the "
     "counts by how many kinds there are; divide by the length of the text."),
    (_counted(lambda c: -((q := c[c > 0] / c.max()) * q.log()).sum()), "You divide the counts by "
     "the largest; divide by the length of the text."),
    (_counted(lambda c: -((q := c.softmax(0)) * q.log()).nansum()), "You turn the counts into "
     "probabilities by a softmax; divide them by the length of the text."),
    (_counted(lambda c: -((q := c[c > 0].softmax(0)) * q.log()).sum()), "You turn the counts "
     "into probabilities by a softmax; divide them by the length of the text."),
    (_from(lambda p: (1 / p * p.log()).sum()), "Your fraction is upside down: p is count / length, "
     "at most 1."),
    (_from(lambda p: -((q := p.softmax(0)) * q.log()).sum()), "A softmax over the frequencies "
     "changes them; they are probabilities already."),
    (_counted(lambda c: -((q := (c + 1) / (c + 1).sum()) * q.log()).sum()), _SMOOTH),
    (_smoothed, _SMOOTH),
    (lambda t: _entropy(t.unique_consecutive(return_inverse=True)[1]), "`unique_consecutive` "
     "counts neighbours that are equal; the whole text is to be counted: `unique`."),
    (_counted(lambda c: -(c / c.sum() * ((c + 1) / (c + 1).sum()).log()).sum()), _SMOOTH),
    (_from(lambda p: -p.max().log()), "That is the loss on the most frequent token alone."),
    (_from(lambda p: -p.min().log()), "That is the loss on the rarest token alone."),
    (_from(lambda p: -p.mean().log()), "You take the mean of p before the log: the losses −ln p "
     "are averaged, not the probabilities."),
    (_from(lambda p: -p.square().sum().log()), "You take the mean of p before the log: the losses "
     "−ln p are averaged, not the probabilities."),
    (_from(lambda p: 1 - p.square().sum()), "That is how often a guess by frequency is wrong; the "
     "loss is −ln p, weighted by p."),
    (_from(lambda p: 1 - p.max()), "That is how often the most frequent token is wrong; the loss "
     "is −ln p, weighted by p."),
    (_from(lambda p: -(p * p.log() + (1 - p) * (1 - p).clamp_min(1e-300).log()).sum()), "You add "
     "(1 − p) ln(1 − p), as for yes-or-no questions. Cross-entropy takes the −ln p of what comes."),
    (_from(lambda p: -(p * p.log()).sum() / math.log(len(p))), "You divide by ln V: that "
     "is a share, no loss in nats."),
    (_from(lambda p: -(p * p).log().mul(p).sum()), "You square p within the log: −ln p is meant."),
    (_pairs, _PAIRS),
    (lambda t: _pairs(t) - _entropy(t[:-1]), _PAIRS),
    (lambda t: _entropy(t[:-1]), "You leave out the last token: the whole text counts."),
    (lambda t: _entropy(t[1:]), "You leave out the first token: the whole text counts."),
    (lambda t: -((q := t[t > 0] / t.sum()) * q.log()).sum(), "You take the token ids themselves "
     "for frequencies. Ids are names: count how often each comes."),
)  # fmt: skip
