"""Check for notebook 09: greedy generation beyond the context."""

import copy
import functools
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.values import as_tensor
from lecture_utils.checks.verdict import NotYet, graded
from lecture_utils.models import GPT, GPTConfig, generate

_SIGNATURE = generate.__wrapped__.__code__.co_varnames[:5]  # (model, tokens, steps, …)


def _refuse_generate(model: nn.Module, given: tuple) -> None:
    """Raise `NotYet` where the model is asked by `generate`, the package's or the notebook's."""
    frame = sys._getframe()
    while frame is not None:
        code = frame.f_code
        if code.co_name == "generate" and code.co_varnames[:5] == _SIGNATURE:
            raise NotYet("You call `generate`: that is the loop which you are to write.")
        frame = frame.f_back


@functools.cache
def _model(context: int, vocab_size: int, seed: int) -> GPT:
    """Build a GPT whose next token depends on all that it reads; no two are nearly as likely."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = GPTConfig(vocab_size, context, dim=16, num_heads=2, depth=2, dropout=0.1)
        model = GPT(config).eval()
        for p in model.parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=1.0)
    model.register_forward_pre_hook(_refuse_generate)
    return model


def _trials() -> list[Trial]:
    rng = torch.Generator().manual_seed(1)

    def given(context: int, texts: int, length: int, steps: int, seed: int = 2) -> tuple:
        vocab_size = 7 + context
        tokens = torch.randint(vocab_size, (texts, length), generator=rng)
        return _model(context, vocab_size, seed), tokens, steps

    return [
        Trial(given(16, 1, 3, 1), "for one text and one step"),
        Trial(given(16, 1, 3, 4), "for four steps"),
        Trial(given(16, 3, 4, 2), "for three texts"),
        Trial(given(4, 1, 3, 5), "where the text becomes longer than the context"),
        Trial(given(4, 2, 7, 3), "for given texts that are longer than the context"),
        Trial(given(5, 6, 5, 2), "for given texts exactly as long as the context"),
    ]


@graded
def greedy(answer: Callable) -> str:
    """Exercise 9.4: greedy generation beyond the context."""
    judge(answer, _greedy, _trials(), _SLIPS, why=_seen)
    return (
        "The model forgets what lies more than `context` tokens back: cropping is what makes "
        "endless text possible, and what limits its memory."
    )


def _seen(answer: Callable, trial: Trial) -> str | None:
    """Say what is seen of a wrong answer: what its model read, and which token it took."""
    model, tokens, steps = trial.given
    read: list[Tensor] = []
    watched = copy.deepcopy(model)
    watched.register_forward_pre_hook(lambda _, given: read.append(given[0].clone()))
    found = as_tensor(answer(watched, tokens.clone(), steps)).long()
    if watched.training:
        return "Your model reads in training mode, where dropout is on: leave it as it came."
    length, context = tokens.shape[1], model.config.context
    if not torch.equal(found[:, :length], tokens):
        return "The given tokens should stand in front, unchanged."
    if not read:
        return "Your function never asks the model: `model(tokens)` gives the logits."
    right = _greedy(model, tokens, steps)
    text, place = min((found != right).nonzero().tolist(), key=lambda at: at[1])
    window = found[text, max(place - context, 0) : place]
    if not any(torch.equal(row, window) for rows in read for row in rows.flatten(0, -2)):
        return (
            f"Before token {place} your model never reads all of the last {context} tokens, as far "
            f"as there are so many: {window.tolist()}. It reads {read[0].tolist()} first."
        )
    with torch.no_grad():
        logits = model(window[None])[0]
    return _rank(logits, int(found[text, place]), f"text {text}, token {place}")


def _rank(logits: Tensor, new: int, which: str) -> str | None:
    """Say how a token that is not the likeliest may have been chosen, (time, vocabulary)."""
    if not 0 <= new < logits.shape[1]:
        return f"You append {new}; the tokens are 0 to {logits.shape[1] - 1}."
    rank = int((logits[-1] > logits[-1, new]).sum()) + 1
    if rows := [k for k, row in enumerate(logits[:-1]) if int(row.argmax()) == new]:
        return (
            f"What you append ({which}) is the likeliest in row {rows[0]}; the last row predicts "
            f"what comes, and there it is number {rank}."
        )
    return (
        f"What you append ({which}) is number {rank} of the last row of its own text. Take the "
        f"likeliest, for each text its own: argmax over the last axis. Do you draw at random, or "
        f"count through the whole batch?"
    )


def _last(model: GPT, tokens: Tensor) -> Tensor:
    return tokens[:, -model.config.context :]


def _loop(
    read: Callable = _last,
    pick: Callable[[Tensor], Tensor] = lambda logits: logits[:, -1].argmax(-1, keepdim=True),
    join: Callable = lambda tokens, new, model: torch.cat([tokens, new], dim=1),
    rounds: Callable[[int], int] = lambda steps: steps,
    end: Callable = lambda tokens, start, steps: tokens,
) -> Callable:
    """Return greedy generation, or a slip that does one thing in another way."""

    @torch.no_grad()
    def run(model: GPT, tokens: Tensor, steps: int) -> Tensor:
        start = tokens
        for _ in range(rounds(steps)):
            tokens = join(tokens, pick(model(read(model, tokens))), model)
        return end(tokens, start, steps)

    return run


def _greedy(model: GPT, tokens: Tensor, steps: int) -> Tensor:
    return _loop()(model, tokens, steps)


@torch.no_grad()
def _all_at_once(model: GPT, tokens: Tensor, steps: int) -> Tensor:
    new = model(_last(model, tokens))[:, -1].topk(steps).indices
    return torch.cat([tokens, new], 1)


def _row(row: int) -> Callable:
    return lambda logits: logits[:, max(row, -logits.shape[1])].argmax(-1, keepdim=True)


def _only(k: int) -> Callable:
    """Choose for every text what one of them would get."""
    return lambda z: z[k, -1].argmax().expand(len(z), 1)


_ONE = "Each sequence of the batch continues by its own likeliest token: argmax(-1)."
_CROPPED = "You crop the text itself. Crop only what the model reads."
_SLIPS: tuple[tuple[Callable[..., Any], str], ...] = (
    (_loop(read=lambda m, t: t[:, : m.config.context]), "The model reads the *first* `context` "
     "tokens: the text never moves on."),
    (_loop(read=lambda m, t: t[:, -max(m.config.context - 1, 1) :]), "The model reads one token "
     "fewer than it can: the last `context`, not `context` - 1."),
    (_loop(read=lambda m, t: t[:, -1:]), "Your model reads the last token alone, and knows nothing "
     "of what came before: let it read the last `context` tokens."),
    (_loop(read=lambda m, t: t[:, : -m.config.context] if t.shape[1] > m.config.context else t),
     "You read what lies *before* the last `context` tokens: the minus stands in front, "
     "[-context:]."),
    (_loop(read=lambda m, t: t[:, t.shape[1] // m.config.context * m.config.context :]
           if t.shape[1] % m.config.context else t[:, -m.config.context :]),
     "Where the context is full you begin with an empty one. The window moves on by one token at "
     "a time: the last `context` tokens, always."),
    (_loop(pick=_row(0)), "You read the first row of the logits; the last one predicts what "
     "comes."),
    (_loop(pick=_row(-2)), "You read the row before the last: it predicts a token you already "
     "have."),
    (_loop(pick=lambda z: z[:, -1].argmin(-1, keepdim=True)), "You take the least likely token: "
     "argmax, not argmin."),
    (_loop(pick=lambda z: z[:, -1].topk(2).indices[:, 1:]), "You take the second likeliest."),
    (_loop(pick=lambda z: z.mean(1).argmax(-1, keepdim=True)), "You take the mean over all rows; "
     "the last row alone predicts what comes next."),
    (_loop(pick=lambda z: z.amax(1).argmax(-1, keepdim=True)), "You take the largest logit of all "
     "rows; the last row alone predicts what comes next."),
    (_loop(pick=lambda z: z.argmax(-1)), "You append a token for each row of the logits; the last "
     "row alone predicts what comes next."),
    (_loop(pick=lambda z: z[:, -1].argmax(0, keepdim=True)), "Your argmax runs over the texts; it "
     "belongs over the vocabulary, the last axis."),
    (_loop(pick=_only(0)), f"All texts get the token of the first. {_ONE}"),
    (_loop(pick=_only(-1)), f"All texts get the token of the last. {_ONE}"),
    (_loop(pick=lambda z: z[:, -1].mean(0).argmax().expand(len(z), 1)), _ONE),
    (_loop(pick=lambda z: z[:, -1].argmax().expand(len(z), 1)), f"argmax without an axis counts "
     f"through the whole batch. {_ONE}"),
    (_loop(pick=lambda z: z[:, -1].amax(-1, keepdim=True).long()), "You append the largest logit "
     "itself; its place is the token: argmax."),
    (_loop(join=lambda t, n, m: torch.cat([n, t], 1)), "You put the new token in front; it belongs "
     "behind the text."),
    (_loop(join=lambda t, n, m: torch.cat([t[:, 1:], n], 1)), "You drop the oldest token for each "
     "new one: keep them all."),
    (_loop(join=lambda t, n, m: torch.cat([t[:, :-1], n], 1)), "You overwrite the last token; "
     "append the new one behind it."),
    (_loop(join=lambda t, n, m: torch.cat([_last(m, t), n], 1)), _CROPPED),
    (_loop(join=lambda t, n, m: _last(m, torch.cat([t, n], 1))), "You end with `context` tokens. "
     "Crop only what the model reads."),
    (_loop(join=lambda t, n, m: torch.cat([t, n], 1) if t.shape[1] < m.config.context else t),
     "Your text ends where the context is full; it is to become longer."),
    (_loop(rounds=lambda steps: 1), "You append one token only: repeat it `steps` times, each time "
     "with the longer text (is the `return` inside the loop?)."),
    (_loop(rounds=lambda steps: steps - 1), "One token is missing: `steps` of them come on top of "
     "the given ones."),
    (_loop(rounds=lambda steps: steps + 1), "There is one token too many."),
    (_loop(rounds=lambda steps: 0), "You return the text as it came."),
    (_loop(end=lambda t, start, n: t[:, start.shape[1] :]), "You return the new tokens only; "
     "return the given ones too, in front."),
    (_loop(end=lambda t, start, n: t[:, -1:]), "You return the last token only; return them all."),
    (_loop(end=lambda t, start, n: t[:1]), "You return the first text only; return all of the "
     "batch."),
    (_loop(end=lambda t, start, n: t[0]), "You return the first text only; return all of the "
     "batch, (batch, time)."),
    (_loop(end=lambda t, start, n: t.mT), "Rows and columns are exchanged: texts are rows."),
    (_loop(end=lambda t, start, n: torch.cat([start, start[:, -1:].expand(-1, n)], 1)),
     "You repeat the last given token: ask the model each time."),
    (lambda model, tokens, steps: torch.cat(
        [tokens, _loop()(model, tokens, 1)[:, -1:].expand(-1, steps)], 1),
     "All your new tokens are the first one again: let the model read the longer text each time."),
    (_all_at_once, "You ask the model once, and take its `steps` likeliest tokens. They are "
     "rivals for *one* place: take the likeliest, append it, and ask again."),
    (_loop(end=lambda t, start, n: t.flip(1)), "Your texts stand backwards: the given tokens in "
     "front, as they are, and the new ones behind them."),
    (_loop(end=lambda t, start, n: torch.cat([start, t[:, start.shape[1] :].flip(1)], 1)),
     "Your new tokens are in the reverse order."),
)  # fmt: skip
