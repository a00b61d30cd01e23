"""What the check of a reader's design runs: built, woken, silenced, stepped and trained."""

import copy
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, layer_norm

from lecture_utils.checks.values import said
from lecture_utils.checks.verdict import NotYet
from lecture_utils.models.gpt_config import GPTConfig
from lecture_utils.scorecard import DesignGPT, branches

AWAKE = 0.1  # what is added to weights, so that none that starts at 0 hides what is behind it
HEADS = 2


def built(design: Callable, depth: int, dim: int, seed: int = 0) -> nn.Module:
    """Build a design on the scorecard's branches, in float64 and in eval mode.

    Raises:
        NotYet: it cannot be built or run, or keeps weights where they are not trained.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = branches(GPTConfig(6, 8, dim, HEADS, depth))
        stack = _told(design, lambda: design(list(parts), dim))
    if not isinstance(stack, nn.Module):
        raise NotYet(f"Built from branches and a width it is {said(stack)}; a module is expected.")
    object.__setattr__(stack, "_given_branches", tuple(parts))
    _require_known(stack)
    stack = stack.double().eval()
    watched = _watch(stack)
    with _new_weights() as made:
        _told(design, lambda: stack(sequences(dim)))
    if made:
        raise NotYet(
            "Weights are made in `step`: each call makes new ones, which are never trained. Make "
            "them once, in `prepare`."
        )
    if watched:
        del stack.step  # the class has its own again
    return stack


@contextmanager
def _new_weights() -> Iterator[list]:
    """Note every parameter that is made."""
    made, new = [], nn.Parameter.__new__

    def noting(kind: type, *given: object, **named: object) -> nn.Parameter:
        made.append(new(kind, *given, **named))
        return made[-1]

    with mock.patch.object(nn.Parameter, "__new__", noting):
        yield made


def sequences(dim: int, seed: int = 0, samples: int = 4) -> Tensor:
    """Draw sequences of six vectors, (samples, 6, dim), float64."""
    rng = torch.Generator().manual_seed(40 + seed)
    return torch.randn(samples, 6, dim, generator=rng, dtype=torch.float64)


def _told(design: Callable, run: Callable) -> object:
    """Run something; say in which of the design's own methods and lines an error was raised."""
    try:
        return run()
    except NotYet:
        raise
    except Exception as error:
        own = {
            part.__code__: name
            for kind in getattr(design, "__mro__", ())[:1]
            for name, part in vars(kind).items()
            if hasattr(part, "__code__")
        }
        where = "it stopped"
        for frame, line in traceback.walk_tb(error.__traceback__):
            if frame.f_code in own:
                first = frame.f_code.co_firstlineno
                where = f"`{own[frame.f_code]}` stopped in its line {line - first + 1}"
        raise NotYet(f"{where} with {type(error).__name__}: {error}.{_hint(str(error))}") from error


def _hint(message: str) -> str:
    """Say what is behind a few errors that PyTorch words for others."""
    if "has no attribute" in message:
        return " What `step` reads from self is made in `prepare(self, dim, count)`."
    if "before Module.__init__" in message:
        return " First comes `super().__init__(branches, dim)`."
    return ""


def _require_known(stack: nn.Module) -> None:
    """Refuse weights and layers that stand in a plain list: no optimizer finds them."""
    known = {id(p) for p in stack.parameters()}
    for name, value in vars(stack).items():
        if name.startswith("_"):
            continue
        parts = value.values() if isinstance(value, dict) else value
        for part in parts if isinstance(value, list | tuple | dict) else ():
            weights = part.parameters() if isinstance(part, nn.Module) else [part]
            if any(isinstance(w, nn.Parameter) and id(w) not in known for w in weights):
                raise NotYet(
                    f"`self.{name}` is a plain list: PyTorch does not look for weights there, so "
                    f"they are never trained. Use nn.ParameterList or nn.ModuleList."
                )


def _watch(stack: nn.Module) -> bool:
    """Refuse a `step` that returns nothing, before the next one stumbles over it."""
    if not callable(step := getattr(stack, "step", None)):
        return False

    def watched(*given: object, **named: object) -> object:
        if (found := step(*given, **named)) is None:
            raise NotYet("`step` returned nothing: is the `return` missing?")
        return found

    stack.step = watched
    return True


def without_branches(stack: nn.Module) -> int:
    """Return the number of branches that a stack was given."""
    return len(stack._given_branches)


def silenced(stack: nn.Module, *places: int) -> nn.Module:
    """Return a copy of a stack in which these branches return 0."""
    stack = copy.deepcopy(stack)
    for place in places:
        for parameter in list(stack._given_branches[place].children())[1].parameters():
            parameter.data.zero_()
    return stack


def awake(stack: nn.Module) -> nn.Module:
    """Return a copy of a stack with a little noise on every weight."""
    stack, rng = copy.deepcopy(stack), torch.Generator().manual_seed(3)
    for parameter in stack.parameters():
        noise = torch.randn(parameter.shape, generator=rng, dtype=torch.float64)
        parameter.data += AWAKE * noise.to(parameter)
    return stack


def steps(stack: nn.Module, x: Tensor, count: int = 3, training: bool = False) -> set[str]:
    """Take small steps towards a random target; return which weights had a gradient.

    The stack is in eval mode afterwards, and during the steps unless `training` is true: then all
    designs draw the same.
    """
    stack.train(training)
    torch.manual_seed(2)
    target, trained = sequences(x.shape[-1], seed=1), set()
    optimizer = torch.optim.SGD([p for p in stack.parameters() if p.requires_grad], lr=0.05)
    for step in range(count):
        optimizer.zero_grad()
        y = stack(x + 0.1 * step)
        if not y.requires_grad:
            raise NotYet("No gradient reaches any weight: is the output .detach()ed?")
        (layer_norm(y, y.shape[-1:]) - target).square().mean().backward()
        trained |= {n for n, p in stack.named_parameters() if p.grad is not None and p.grad.any()}
        optimizer.step()
    stack.eval()
    return trained


def losses(design: Callable, count: int = 60) -> tuple[float, float]:
    """Train a small GPT with a design on a repeated text; return the loss before and after."""
    config, letters = GPTConfig(6, 8, 16, HEADS, 2), torch.tensor([0, 3, 1, 4, 2, 5])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = DesignGPT(design, config)
        text = letters.repeat(4)
        batch = torch.stack([text[k : k + 9] for k in range(6)])
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        found = []
        for _ in range(count):
            logits = model(batch[:, :-1])
            loss = cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            found.append(loss.item())
    return found[0], min(found[-5:])
