"""One training in progress: it goes on by some steps, keeps its own time, and can be measured."""

import time

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lecture_utils.language.text import Text, batch_at, windows
from lecture_utils.require.numbers import require_positive, require_seed, shown
from lecture_utils.speedrun.model import SpeedrunGPT
from lecture_utils.speedrun.muon import Muon
from lecture_utils.speedrun.recipe import CONTEXT, Recipe


def shuffled_batch_at(
    step: int, tokens: Tensor, batch_size: int, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Return the batch of a step, x and y (batch_size, 64), in passes without replacement.

    Each pass cuts the text into pieces of 64 tokens, from another first token on, and shuffles
    them; what is left at its end is dropped. The batch depends on step and seed alone.

    Raises:
        ValueError: the text is too short for one batch of pieces.
    """
    pieces = (len(tokens) - CONTEXT - 1) // CONTEXT
    batches = pieces // batch_size
    if batches < 1:
        raise ValueError(
            f"a text of {len(tokens)} tokens is too short for {batch_size} pieces of {CONTEXT}; "
            f"give a longer text, or a recipe with a smaller batch_size"
        )
    turn, place = divmod(step - 1, batches)
    draw = torch.Generator().manual_seed((int(seed) * 1_000_003 + turn) % 2**63)
    first = torch.randint(CONTEXT, (1,), generator=draw)
    chosen = torch.randperm(pieces, generator=draw)[place * batch_size : (place + 1) * batch_size]
    rows = (first + chosen * CONTEXT)[:, None] + torch.arange(CONTEXT)
    return tokens[rows], tokens[rows + 1]


def adamw_for(model: SpeedrunGPT, recipe: Recipe) -> torch.optim.AdamW:
    """Return AdamW for all that Muon does not take, each group with its highest rate."""
    matrices = model.matrices()
    head = [] if recipe.tied else [model.head]
    decayed = [model.tokens] if recipe.tied else []
    taken = {id(weight) for weight in (*matrices, *head, *decayed)}
    others = [weight for weight in model.parameters() if id(weight) not in taken]
    groups = [
        {"params": others, "highest": recipe.table_rate},
        {"params": head, "highest": recipe.head_rate},
        {"params": decayed, "highest": recipe.table_rate, "weight_decay": recipe.weight_decay},
    ]
    if recipe.optimizer == "adamw":
        decay = recipe.weight_decay
        groups.append({"params": matrices, "highest": recipe.matrix_rate, "weight_decay": decay})
    groups = [group for group in groups if group["params"]]
    betas = (recipe.beta_1, recipe.beta_2)
    return torch.optim.AdamW(groups, betas=betas, weight_decay=0.0, eps=1e-10, fused=True)


class Training:
    """A recipe's net on a text, after some steps.

    Args:
        recipe: what to build and how to train it.
        text: token ids to train and to validate on.
        seed: of the starting weights and of the batches; the caller's random state is not touched.

    Attributes:
        model: the net.
        made: steps made.
        seconds: spent on them by the clock: batches, forward, backward, update; no validation.
        busy: the same in seconds of the processor, which other programs on it do not lengthen.

    Raises:
        ValueError: no recipe, no text, or no seed.
    """

    def __init__(self, recipe: Recipe, text: Text, seed: int = 0):
        if not isinstance(recipe, Recipe):
            raise ValueError(f"expected a Recipe, such as BEST; got {shown(recipe)}")
        if not isinstance(text, Text):
            raise ValueError(f"expected a Text: read_text(data.corpus()); got {shown(text)}")
        require_seed(seed)
        self.recipe, self.text, self.seed = recipe, text, int(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.model = SpeedrunGPT(len(text.letters), recipe)
        self.adamw = adamw_for(self.model, recipe)
        uses_muon = recipe.optimizer == "muon"
        matrices = self.model.matrices()
        self.muon = Muon(matrices, recipe.momentum, recipe.newton_steps) if uses_muon else None
        self.made, self.seconds, self.busy = 0, 0.0, 0.0

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return the batch of a step: a function of seed and step.

        x and y are (batch_size, 64), or the same pieces cut in two, (2 batch_size, 32).
        """
        tokens, size = self.text.train, self.recipe.batch_size
        if self.recipe.shuffled:
            x, y = shuffled_batch_at(step, tokens, size, self.seed)
        else:
            x, y = batch_at(step, tokens, size, CONTEXT, self.seed)
        if step <= self.recipe.short * self.recipe.steps:
            x, y = (part.view(2 * size, CONTEXT // 2) for part in (x, y))
        return x, y

    def advance(self, steps: int) -> None:
        """Make so many steps more, but none after the recipe's last one."""
        require_positive("steps", steps)
        for _ in range(min(steps, self.recipe.steps - self.made)):
            start, busy = time.perf_counter(), time.process_time()
            self._step()
            self.seconds += time.perf_counter() - start
            self.busy += time.process_time() - busy

    def _step(self) -> None:
        self.made += 1
        self.model.complete = self.made > self.recipe.join * self.recipe.steps
        x, y = self.batch(self.made)
        loss = cross_entropy(self.model(x).flatten(0, 1), y.flatten())
        loss.backward()
        if self.recipe.clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        factor = self.recipe.rate(self.made)
        if self.muon:
            self.muon.step(factor * self.recipe.matrix_rate)
        for group in self.adamw.param_groups:
            group["lr"] = factor * group["highest"]
        self.adamw.step()
        self.adamw.zero_grad()

    @torch.no_grad()
    def loss(self, most: int = 100_000) -> float:
        """Return the validation loss in nats a character, on pieces that do not overlap.

        Args:
            most: so many pieces, spread over the validation text; all of it as it stands.
        """
        x, y = windows(self.text.validation, CONTEXT, most)
        total = 0.0
        for part, labels in zip(x.split(64), y.split(64), strict=True):
            logits = self.model(part).flatten(0, 1)
            total += cross_entropy(logits, labels.flatten(), reduction="sum").item()
        return total / y.numel()

    def parameters(self) -> tuple[int, int]:
        """Return how many weights are in the blocks' matrices, and how many in all."""
        matrices = sum(weight.numel() for weight in self.model.matrices())
        return matrices, sum(weight.numel() for weight in self.model.parameters())
