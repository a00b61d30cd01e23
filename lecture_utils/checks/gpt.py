"""Checks for notebook 07: the count, generation, the residual start."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor

from lecture_utils.checks.verdict import NotYet, graded, name_slip, tensor

_KNOWN = {(768, 12): 124_439_808, (1024, 24): 354_823_168, (1280, 36): 774_030_080}


@graded
def parameters(answer: Callable) -> str:
    """Exercise 7.2: the number of parameters of a GPT-2."""
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
            f"has {12 * dim * dim + 13 * dim:,}; compare yours with the table of section 7.3."
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
    """Exercise 7.3: greedy generation beyond the context."""
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
def residual_std(answer: Callable) -> str:
    """Exercise 7.4: the standard deviation of what writes into the stream."""
    given = {(12, 2): (12,), (48, 2): (48, 2), (6, 3): (6, 3), (1, 1): (1, 1)}
    found = {key: tensor(answer(*args), (), "the result").item() for key, args in given.items()}
    right = {(N, k): 0.02 / (k * N) ** 0.5 for N, k in given}
    if all(abs(found[key] - right[key]) < 1e-6 * right[key] for key in given):
        return (
            "The number of updates decides. GPT-2 has 2N of them; adding both branches in one sum, "
            "as GPT-J does, changes nothing: two updates are added all the same."
        )
    N = 12
    name_slip(
        found[12, 2],
        [
            (0.02, "No division yet: 12 blocks write 24 times b², and the stream grows."),
            (0.02 / N**0.5, "You divided by √N: count the sums. A block has two of them."),
            (0.02 / (2 * N), "1/(2N) is too careful: the squares add, so each needs only 1/√(2N)."),
            (0.02 / N, "You divided by N: it is squares that add, and a block has two sums."),
            ((0.02 / (2 * N)) ** 0.5, "Your root covers the 0.02 too: that one stands outside."),
            (0.02 * (2 * N) ** 0.5, "You multiplied by the root: deeper nets must write less."),
            ((2 * N) ** -0.5, "That is the factor; multiply it by GPT-2's 0.02."),
            (0.02**2 / (2 * N), "That is the variance: take the root."),
            (
                0.02 / 2 / N**0.5,
                "You divide by 2√N instead of √(2N): the 2 belongs under the root, and once only "
                "(is it in `branches` already?).",
            ),
        ],
    )
    key = next(key for key in given if abs(found[key] - right[key]) >= 1e-6 * right[key])
    if key == (6, 3) and abs(found[key] - 0.02 / 12**0.5) < 1e-9:
        raise NotYet(
            "Right for GPT-2. With 3 branches in each of 6 blocks there are 18 sums, not 12: use "
            "`branches`."
        )
    N, k = key
    raise NotYet(
        f"With {N} block(s) of {k} branch(es) you return {found[key]:.3g}. What is written adds "
        f"up to {k * N} × (std/0.02)² = {k * N * (found[key] / 0.02) ** 2:.3g} b²; it should be b²."
    )
