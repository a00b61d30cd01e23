"""Check of notebook 10: two losses and an update, each with a mistake that lets training stall."""

import dis
import inspect
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.relations import close
from lecture_utils.checks.updates import require_update
from lecture_utils.checks.values import as_tensor, said
from lecture_utils.checks.verdict import NotAttempted, NotYet, Unrecognised, graded


@graded
def mended(loss_a: Callable, loss_b: Callable, update_c: Callable) -> str:
    """Exercise 10.2: three trainings that stall."""
    tasks = {
        "loss_a": (_require_a, loss_a, _broken_a),
        "loss_b": (_require_b, loss_b, _broken_b),
        "update_c": (require_update, update_c, _broken_c),
    }
    wrong: dict[str, NotYet] = {}
    for name, (require, answer, _) in tasks.items():
        try:
            require(answer)
        except NotYet as mistake:
            wrong[name] = mistake
    as_before = [name for name, (_, answer, was) in tasks.items() if _same_code(answer, was)]
    if len(as_before) == len(tasks):
        raise NotAttempted
    if wrong:
        kind = Unrecognised if any(isinstance(m, Unrecognised) for m in wrong.values()) else NotYet
        raise kind(_told(list(tasks), wrong, as_before))
    return (
        "None of the three raised an error. Two numbers show where a training stands, ln V and the "
        "letter frequencies' loss: one that stays there has learnt nothing more."
    )


def _told(names: list[str], wrong: dict[str, NotYet], as_before: list[str]) -> str:
    """Say which ones are mended, which are as they were, and what is wrong with the others."""
    right = [f"`{name}`" for name in names if name not in wrong]
    parts = [f"{_all(right)} mended."] if right else []
    same = [f"`{name}`" for name in wrong if name in as_before]
    parts += [f"`{name}`: {wrong[name]}" for name in wrong if name not in as_before]
    if same:
        parts.append(f"{_all(same)} still as {'it was' if len(same) == 1 else 'they were'}.")
    return " ".join(parts)


def _all(names: list[str]) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}"


def _same_code(answer: Callable, was: Callable) -> bool:
    """Tell whether a function does, instruction by instruction, what the stub's does."""
    answer = getattr(answer, "__wrapped__", answer)
    return inspect.isfunction(answer) and _steps(answer) == _steps(was)


def _steps(function: Callable) -> list[tuple]:
    return [(step.opname, step.argval) for step in dis.get_instructions(function)]


def _broken_a(logits: Tensor, y: Tensor) -> Tensor:
    return cross_entropy(logits.softmax(-1).flatten(0, 1), y.flatten())


def _broken_b(logits: Tensor, y: Tensor) -> Tensor:
    return cross_entropy(logits.flatten(0, 1), y.flatten())


def _broken_c(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()


def _loss_a(logits: Tensor, y: Tensor) -> Tensor:
    return _broken_b(logits.double(), y)


def _loss_b(logits: Tensor, y: Tensor) -> Tensor:
    return _broken_b(logits.double().transpose(0, 1), y)


def _draw(first: int, second: int, V: int, size: float = 2.0) -> tuple[Tensor, Tensor]:
    """Return logits, and target ids of their first two axes' sizes."""
    rng = torch.Generator().manual_seed(100 * first + 10 * second + V)
    logits = size * torch.randn(first, second, V, generator=rng)
    return logits, torch.randint(V, (first, second), generator=rng)


def _trials(batch_first: bool) -> list[Trial]:
    def trial(batch: int, time: int, V: int, when: str, hint: str = "", size: float = 2.0) -> Trial:
        logits, y = _draw(batch, time, V, size)
        return Trial(
            (logits if batch_first else logits.transpose(0, 1).contiguous(), y), when, hint
        )

    table = torch.tensor([[[1.0, 3, 1], [4, 1, 1]], [[1, 6, 1], [8, 1, 1]]]).log()
    simple = Trial((table, torch.tensor([[1, 1], [0, 0]])), "for two texts of two tokens")
    return [
        simple,
        trial(2, 3, 5, "for two texts of three tokens"),
        trial(3, 2, 5, "for three texts of two tokens"),
        trial(1, 4, 6, "for one text"),
        trial(5, 1, 4, "for texts of one token"),
        trial(4, 4, 4, "where all three sizes are 4", "is an axis exchanged?"),
        trial(16, 8, 103, "for 16 texts and 103 letters"),
        trial(2, 3, 7, "for logits near 20", "a large logit must not be cut off.", 8.0),
    ]


def _require_a(answer: Callable) -> None:
    _require_loss(answer, _loss_a, _trials(True), _SLIPS_A)


def _require_b(answer: Callable) -> None:
    _require_loss(answer, _loss_b, _trials(False), _SLIPS_B)


def _require_loss(answer: Callable, right: Callable, trials: list[Trial], slips: tuple) -> None:
    """Hold a loss to the right one, and its gradient too."""
    judge(answer, right, trials, slips, why=_seen)
    logits, y = trials[1].given
    found, wanted = (_gradient(function, logits, y) for function in (answer, right))
    if not close(found, wanted):
        raise NotYet("The loss is right, but its gradient is not: is a part detached?")


def _seen(answer: Callable, trial: Trial) -> str | None:
    """Say what a wrong loss makes of logits that are all 0, where no cause is hinted at."""
    logits, y = trial.given
    even, V = as_tensor(answer(torch.zeros_like(logits), y.clone())), logits.shape[-1]
    if trial.hint or close(even, torch.tensor(math.log(V), dtype=torch.float64)):
        return None
    return (
        f"Where all logits are 0, each letter has probability 1/{V}, and the mean loss is ln {V} = "
        f"{math.log(V):.4g}. Yours gives {even.item():.4g}."
    )


def _gradient(loss: Callable, logits: Tensor, y: Tensor) -> Tensor:
    logits = logits.clone().requires_grad_()
    value = loss(logits, y.clone())
    if not isinstance(value, Tensor) or not value.requires_grad:
        what = "a tensor without a gradient" if isinstance(value, Tensor) else said(value)
        raise NotYet(
            f"The number is right, but it is {what}: `backward` needs the tensor, as PyTorch "
            f"computed it from the logits."
        )
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    return gradient.double()


def _picked(chances: Callable[[Tensor], Tensor], sign: int = -1) -> Callable:
    """Return the slip that averages something else at the right targets."""
    return lambda z, y: sign * chances(z).gather(-1, y[..., None]).mean()


def _through(change: Callable[[Tensor], Tensor], loss: Callable = _loss_a) -> Callable:
    """Return the slip that changes the logits first."""
    return lambda z, y: loss(change(z), y)


_SUM = "You sum the losses; the mean over all tokens is meant."
_TWICE = "`cross_entropy` takes a softmax by itself, and here it gets one already. Two are too many"
_SLIPS_A = (
    (_broken_a, f"{_TWICE}: give it the logits."),
    (_through(lambda z: z.softmax(1)), f"{_TWICE}, over whatever axis."),
    (_through(lambda z: z.softmax(0)), f"{_TWICE}, over whatever axis."),
    (_through(lambda z: z.sigmoid()), "A sigmoid in the place of the softmax is still too much: "
     "`cross_entropy` takes the logits."),
    (_through(lambda z: z.softmax(-1).softmax(-1)), f"{_TWICE}; yours are three."),
    (_through(lambda z: z.log_softmax(1)), "Your log_softmax runs over axis 1, the time; "
     "`cross_entropy` needs none at all."),
    (_picked(lambda z: z.log_softmax(1)), "Your log_softmax runs over axis 1, the time; it belongs "
     "over the letters, dim=-1."),
    (_picked(lambda z: z.log_softmax(0)), "Your log_softmax runs over axis 0, the texts; it "
     "belongs over the letters, dim=-1."),
    (_through(lambda z: z.log_softmax(0)), "Your log_softmax runs over axis 0, the texts; "
     "`cross_entropy` needs none at all."),
    (_through(lambda z: -z), "The logits' sign is turned."),
    (_through(lambda z: z / z.shape[-1] ** 0.5), "You divide the logits; give them as they are."),
    (_through(lambda z: z.argmax(-1)[..., None] == torch.arange(z.shape[-1])), "You give the "
     "loss the choices, not the logits: a choice says nothing about how sure it was."),
    (_picked(lambda z: z.softmax(-1)), "`nll_loss` takes log-probabilities, and gets "
     "probabilities. `cross_entropy` takes the logits."),
    (_picked(lambda z: z), "`nll_loss` takes log-probabilities, and gets logits. `cross_entropy` "
     "takes the logits."),
    (_through(lambda z: z.transpose(0, 1).flatten(0, 1).view_as(z)), "You exchange text and time "
     "of the logits, and not of y. In A they fit as they come."),
    (lambda z, y: _loss_a(z, y) * y.numel(), _SUM),
    (lambda z, y: _loss_a(z, y) * y.shape[1], "You divide by the number of texts alone; the mean "
     "over all tokens is meant."),
    (lambda z, y: _loss_a(z, y) * y.shape[0], "You divide by the number of tokens of a text alone; "
     "the mean over all tokens is meant."),
    (lambda z, y: _loss_a(z[:, -1:], y[:, -1:]), "You take the last token of each text alone; a "
     "GPT learns from every one."),
    (lambda z, y: _loss_a(z[:, :-1], y[:, 1:]), "You shift the targets; y is already one token "
     "later than what the model reads."),
    (lambda z, y: _loss_a(z, y) * z.shape[-1], "You multiply by V; the mean over all tokens is "
     "meant."),
    (lambda z, y: _loss_a(z, y) / math.log(2), "That is in bits; `cross_entropy` gives nats."),
)  # fmt: skip
_MIXED = (
    "Logits and targets of different tokens meet: the logits begin with the time, y with the "
    "texts. `flatten`, `view` and `reshape` keep the order in memory; exchange two axes of one."
)
_SLIPS_B = (
    (_broken_b, _MIXED),
    (lambda z, y: _loss_a(z.transpose(0, 1), y.T.reshape(y.shape)), _MIXED),
    (lambda z, y: _loss_a(z.transpose(0, 1).flip(1), y), _MIXED),
    (_through(lambda z: z.softmax(-1), _loss_b), f"The order is right. But {_TWICE[0].lower()}"
     f"{_TWICE[1:]}: give it the logits."),
    (_through(lambda z: z.softmax(-1)), f"{_MIXED} And a softmax came in: `cross_entropy` takes "
     "the logits."),
    (lambda z, y: _loss_b(z, y) * y.numel(), _SUM),
    (lambda z, y: _loss_a(z, y) * y.numel(), _MIXED),
    (lambda z, y: _loss_b(z, y) * y.shape[1], "You divide by the number of texts alone; the mean "
     "over all tokens is meant."),
    (lambda z, y: _loss_b(z, y) * y.shape[0], "You add the means of the texts; take their mean."),
    (lambda z, y: _loss_b(z[-1:], y[:, -1:]), "You take the last token of each text alone; a GPT "
     "learns from every one."),
    (lambda z, y: _loss_b(z[:-1], y[:, 1:]), "You shift the targets; y is already one token later "
     "than what the model reads."),
    (_through(lambda z: -z, _loss_b), "The logits' sign is turned."),
)  # fmt: skip
