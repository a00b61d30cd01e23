"""Checks for notebook 09: the count, the shares of a logit, generation."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor

from lecture_utils.checks.judge import name_slip
from lecture_utils.checks.values import tensor
from lecture_utils.checks.verdict import NotYet, graded

_KNOWN = {(768, 12): 124_439_808, (1024, 24): 354_823_168, (1280, 36): 774_030_080}


@graded
def parameters(answer: Callable) -> str:
    """Exercise 9.3: the number of parameters of a GPT-2."""
    sizes = [(*size, 50257, 1024) for size in _KNOWN] + [(64, 3, 100, 16)]
    for dim, depth, vocab_size, context in sizes:
        more = {} if vocab_size == 50257 else {"vocab_size": vocab_size, "context": context}
        found = tensor(answer(dim, depth, **more), (), "the number").item()
        right, mistakes = _count_answers(dim, depth, vocab_size, context)
        if found == right:
            continue
        for wrong, message in mistakes:
            if found == wrong:
                raise NotYet(message)
        if more:
            raise NotYet(
                f"Right for the released sizes; with {vocab_size} tokens and a context of "
                f"{context} you are off by {found - right:+,.0f}. Do you use the arguments?"
            )
        raise NotYet(
            f"For width {dim} and {depth} blocks you are off by {found - right:+,.0f}. One block "
            f"has {12 * dim * dim + 13 * dim:,}; compare yours with the list in section 9.4."
        )
    return (
        "Large has 774,030,080 and XL 1,557,611,200, to the unit what was released. For large d "
        "the rule of thumb is 12 N d² plus the table."
    )


def _count_answers(d: int, N: int, V: int, T: int) -> tuple[int, list[tuple[int, str]]]:
    """Return the right count and what the usual slips give instead."""
    right = (V + T) * d + N * (12 * d * d + 13 * d) + 2 * d
    return right, [
        (right - 2 * d, "The final norm is missing: 2d."),
        (right + V * d, "You counted the table of tokens twice; the weights are tied."),
        (right + V * d + V, "You added a head with its own matrix and bias; the weights are tied."),
        (right - T * d, "The table of positions is missing: T rows of width d."),
        (right - V * d, "The table of tokens is missing."),
        (right - (V + T) * d, "Both tables are missing: tokens and positions."),
        (right - N * 9 * d, "The biases are missing: 4d in the attention, 5d in the feed-forward."),
        (right - N * 3 * d, "The biases of Q, K and V are missing, as in the lecture: N · 3d."),
        (right - N * 4 * d, "Each block has two norms of 2d parameters; they are missing."),
        (right - N * 2 * d - d, "A norm has two vectors, a factor and a bias: 2d each."),
        (right - N * 2 * d, "Each block has two norms; you counted one."),
        (12 * N * d * d + V * d, "That is the rule of thumb, 12 N d² + V d; give the exact one."),
        (right - (N - 1) * (12 * d * d + 13 * d), "You counted one block only."),
    ]


@graded
def greedy(answer: Callable) -> str:
    """Exercise 9.4: greedy generation beyond the context."""
    start = torch.tensor([[2, 1, 4], [5, 5, 3]])
    for context, steps in ((16, 1), (16, 4), (4, 6)):
        given = start.clone()
        raw = answer(_Reader(context), given, steps)
        if not torch.equal(given, start):
            raise NotYet("Your function changed the given tokens. Build a new tensor (torch.cat).")
        shape = tuple(raw.shape) if isinstance(raw, Tensor) else None
        slips = {
            (2, steps): "You return the new tokens only; return the given ones too, in front.",
            (2, 2 + steps): "One token is missing: `steps` of them come on top of the given ones.",
            (2, 4 + steps): "There is one token too many.",
            (2, 3): "You return as many tokens as were given: append each chosen token.",
            (2, context): "You end with `context` tokens. Crop only what the model reads.",
            (2, context + 1): "You crop the text itself. Crop only what the model reads.",
        }
        if shape != (2, 3 + steps) and shape in slips:
            raise NotYet(slips[shape])
        found = tensor(raw, (2, 3 + steps), "the result").long()
        right = _continued(context, start, steps)
        if torch.equal(found, right):
            continue
        _name_greedy_slip(found, right, start, context, steps)
    return (
        "The model forgets what lies more than `context` tokens back: cropping is what makes "
        "endless text possible, and what limits its memory."
    )


class _Reader:
    """A stand-in for a GPT: at row i the likeliest is (token + i + 1 + first token read) mod 7."""

    def __init__(self, context: int):
        self.config = SimpleNamespace(context=context, vocab_size=7)

    def eval(self) -> "_Reader":
        """Switch to evaluation mode: there is nothing to switch."""
        return self

    def __call__(self, tokens: Tensor) -> Tensor:
        if tokens.dim() != 2:
            raise ValueError(f"tokens must have shape (batch, time); got {tuple(tokens.shape)}")
        length, context = tokens.shape[1], self.config.context
        if length > context:
            raise ValueError(f"{length} tokens are longer than the context of {context}")
        chosen = (tokens + torch.arange(1, length + 1) + tokens[:, :1]) % 7
        return torch.nn.functional.one_hot(chosen, 7).double()


def _continued(
    context: int, tokens: Tensor, steps: int, *, row: int = -1, first: bool = False
) -> Tensor:
    """Continue greedily; `row` is where the answer is read, `first` crops the wrong end."""
    model = _Reader(context)
    for _ in range(steps):
        read = tokens[:, :context] if first else tokens[:, -context:]
        tokens = torch.cat([tokens, model(read)[:, row].argmax(-1, keepdim=True)], dim=1)
    return tokens


def _name_greedy_slip(
    found: Tensor, right: Tensor, start: Tensor, context: int, steps: int
) -> None:
    if not torch.equal(found[:, :3], start):
        raise NotYet("The given tokens should stand in front, unchanged.")
    slips = [
        ({"row": 0}, "You read the first row of the logits; the last one predicts what comes."),
        ({"row": -2}, "You read the row before the last: it predicts a token you already have."),
        ({"first": True}, "The model reads the *first* `context` tokens: the text never moves on."),
    ]
    for options, message in slips:
        if torch.equal(found, _continued(context, start, steps, **options)):
            raise NotYet(message)
    if torch.equal(found[0], right[0]) and torch.equal(found[1, 3:], right[0, 3:]):
        raise NotYet("Each sequence of the batch continues by its own likeliest token: argmax(-1).")
    place = int((found != right).any(0).nonzero()[0])
    raise NotYet(
        f"New token number {place - 2} is {found[:, place].tolist()} in the two sequences; "
        f"expected {right[:, place].tolist()}. Take the likeliest in the last row, after reading "
        f"the last {context} tokens at most."
    )


@graded
def logit_shares(answer: Callable) -> str:
    """Exercise 9.2: split a logit among the parts of the stream."""
    for count, width, eps, seed in ((4, 6, 0.5, 0), (26, 64, 1e-5, 1), (2, 3, 0.1, 2)):
        rng = torch.Generator().manual_seed(seed)
        parts = torch.randn(count, width, generator=rng, dtype=torch.float64) + 0.5
        w = torch.randn(width, generator=rng, dtype=torch.float64) + 0.3
        given = parts.clone(), w.clone()
        raw = answer(*given, eps)
        if not (torch.equal(given[0], parts) and torch.equal(given[1], w)):
            raise NotYet("Your function changed the given parts or the row. Build new tensors.")
        _name_shape_of_shares(raw, parts, w, eps)
        found = tensor(raw, (count,), "the shares")
        right, slips = _share_answers(parts, w, eps)
        if torch.allclose(found, right, rtol=1e-5, atol=1e-8):
            continue
        name_slip(found, slips)
        off = (found.sum() - right.sum()).item()
        if abs(off) > 1e-6:
            raise NotYet(
                f"Your shares add up to {found.sum():.4f}; the logit is {right.sum():.4f}. Take "
                "the sum of all parts first, then norm it, and see what each part contributes."
            )
        raise NotYet(
            "Your shares add up to the logit, but not part by part: a part's share is its own "
            "centred numbers times the row, over the common divisor, and nothing of other parts."
        )
    return (
        "The logit of a whole GPT is now a sum over those who wrote it. Try it: "
        "`parts, _ = parts_of(model, tokens)`, then "
        "`shares(parts[:, 0, 5], model.tokens.weight[tokens[0, 5]])`"
    )


def _name_shape_of_shares(raw: object, parts: Tensor, w: Tensor, eps: float) -> None:
    """Say what a result of another shape probably is."""
    if not isinstance(raw, Tensor):
        return
    if raw.shape == parts.shape:
        raise NotYet(
            f"You return {tuple(raw.shape)} numbers: the normed parts. Multiply them by the row, "
            f"and sum over the width."
        )
    if raw.dim() == 0 and raw.isfinite():
        logit = _share_answers(parts, w, eps)[0].sum()
        which = "That is the whole logit" if torch.isclose(raw.double(), logit) else "One number"
        raise NotYet(f"{which}; give one share for each of the {len(parts)} parts.")
    if raw.shape == w.shape:
        raise NotYet(f"Shape {tuple(raw.shape)} is the width: you summed over the parts.")


def _share_answers(parts: Tensor, w: Tensor, eps: float) -> tuple[Tensor, list[tuple[Tensor, str]]]:
    """Return the right shares and what the usual slips give instead."""
    variance = parts.sum(0).var(correction=0)
    whole = (parts - parts.mean(-1, keepdim=True)) @ w / (variance + eps).sqrt()
    fractions = "You return fractions of the logit; the shares themselves are asked."
    slips = [*_mean_slips(parts, w, eps), *_divisor_slips(parts, w, eps)]
    return whole, [*slips, (whole / whole.sum(), fractions)]


def _mean_slips(parts: Tensor, w: Tensor, eps: float) -> list[tuple[Tensor, str]]:
    """Return what comes out where another mean than each part's own is subtracted, or none."""
    x = parts.sum(0)
    divisor = (x.var(correction=0) + eps).sqrt()
    return [
        (parts @ w / divisor, "The mean is still in: norm subtracts x̄, so each part its own mean."),
        (parts @ w, "That is the row times the parts, not normed: subtract means, then divide."),
        (
            (parts - x.mean()) @ w / divisor,
            "You subtract the mean of the whole sum from each part, 2N + 2 times in all. Each part "
            "has a mean of its own, and those add up.",
        ),
        (
            (parts - x.mean() / len(parts)) @ w / divisor,
            "They add up. But you share the sum's mean out evenly, so each share depends on the "
            "other parts. Let each part subtract its own mean.",
        ),
        (
            (parts - parts.mean(0)) @ w / divisor,
            "You subtract the mean over the *parts*; norm's mean runs over the numbers, dim=-1.",
        ),
    ]


def _divisor_slips(parts: Tensor, w: Tensor, eps: float) -> list[tuple[Tensor, str]]:
    """Return what comes out where the divisor is another than the spread of the sum, or none."""
    shares = (parts - parts.mean(-1, keepdim=True)) @ w
    x = parts.sum(0)
    variance = x.var(correction=0)
    divisors = (
        ((parts.var(-1, correction=0) + eps).sqrt(),
         "Each part is normed by its own spread. The divisor belongs to the sum."),
        (1.0, "The means are gone; now divide by the spread of the sum."),
        ((x.var() + eps).sqrt(),
         "Nearly: `var` divides by d − 1 unless told otherwise; layer norm takes correction=0."),
        (variance.sqrt(), "ε is missing: it stands under the root."),
        (variance.sqrt() + eps,
         "ε stands under the root, beside the variance, not beside the spread."),
        (variance + eps, "You divide by the variance: take its root."),
        ((parts.var(correction=0) + eps).sqrt(),
         "Your variance runs over all parts at once. It is the variance of their *sum*."),
    )  # fmt: skip
    return [(shares / divisor, message) for divisor, message in divisors]
