"""The claims of notebook 10: table rows and tests in one.

The twins of 10.2 were also trained from seeds 1000 to 1019: shortcut 0.70 [0.69, 0.71] of the
unigram entropy, block 0 taken out costs 0.74 and more, another block at most
0.04; the values printed for sections 10.5 and 10.6 are theirs.
"""

import argparse
import functools
import math
import tarfile
from pathlib import Path

import torch

from lecture_utils import language
from lecture_utils.authoring import notebooks
from lecture_utils.authoring.claims import claim
from lecture_utils.speedrun import BEST, KNOWN
from lecture_utils.speedrun.race import shortened
from lecture_utils.speedrun.training import Training

SEEDS = range(20)
DONG = "[Dong et al. 2021](https://arxiv.org/abs/2103.03404)"
VEIT = "[Veit et al. 2016](https://arxiv.org/abs/1605.06431)"
BELROSE = "[Belrose et al. 2023](https://arxiv.org/abs/2303.08112)"
XIONG = "[Xiong et al. 2020](https://arxiv.org/abs/2002.04745)"


@functools.cache
def _definitions():
    return notebooks.definitions(notebooks.path_of("10"))


@functools.cache
def code():
    """Another text: two modules of Python's library, without what is no ASCII."""
    read = "".join(Path(m.__file__).read_text(encoding="utf-8") for m in (argparse, tarfile))
    return language.read_text(read.encode("ascii", "ignore").decode())


@functools.cache
def trained(seed, use_shortcut):
    """A twin of 10.2 after its 120 steps."""
    text = _definitions().TEXT
    model = _definitions().twin(seed=seed, use_shortcut=use_shortcut)
    language.pretrain(model, text, 120, lr=6e-3, seed=seed, check_every=120, progress=False)
    return model


def ends(use_shortcut):
    """Validation losses of the twins, and the unigram entropy of what they read."""
    text = _definitions().TEXT
    losses = [language.validation_loss(trained(s, use_shortcut), text) for s in SEEDS]
    return torch.tensor(losses), language.unigram_entropy(text.train)


@claim(
    section="10.1",
    says="One batch, 1,024 tokens: its unigram entropy − that of the training text",
    measured="-0.1 [-0.2, 0.0]",
    unit="nats",
    bound="-0.4 to 0.1",
    holds="20 of 20",
    chaotic=True,
)
def test_a_batch_is_a_fair_sample_of_the_letters(notebook):
    batches = [language.batch_at(1, notebook.TEXT.train, 16, 64, seed)[0] for seed in SEEDS]
    whole = language.unigram_entropy(notebook.TEXT.train)
    return [language.unigram_entropy(batch.flatten()) - whole for batch in batches]


@claim(
    section="10.2",
    says="Six blocks with shortcuts, 120 steps: validation loss / unigram entropy",
    measured="0.70 [0.69, 0.71]",
    bound="below 0.72",
    holds="20 of 20",
    chaotic=True,
)
def test_with_shortcuts_it_learns_what_follows_what(notebook):
    losses, entropy = ends(True)
    return losses / entropy


@claim(
    section="10.2",
    says="The same without shortcuts: validation loss − unigram entropy",
    measured="0.00 [-0.14, 0.04]",
    unit="nats",
    bound="-0.3 to 0.3",
    holds="20 of 20",
    chaotic=True,
    inspired=DONG,
)
def test_without_shortcuts_it_learns_the_frequencies(notebook):
    losses, entropy = ends(False)
    return losses - entropy


@functools.cache
def on_code(use_shortcut):
    """Validation losses of narrow twins on program code, and the code's unigram entropy."""
    text, losses = code(), []
    for seed in SEEDS:
        model = _definitions().twin(6, 32, 32, seed, text, use_shortcut=use_shortcut)
        curve = language.pretrain(
            model, text, 120, lr=6e-3, seed=seed, check_every=120, progress=False
        )
        losses.append(curve.validation[-1].item())
    return torch.tensor(losses), language.unigram_entropy(text.train)


@claim(
    section="10.2",
    says="On another text (program code), width 32, without shortcuts: loss − unigram entropy",
    measured="-0.03 [-0.04, 0.00]",
    unit="nats",
    bound="-0.3 to 0.3",
    holds="20 of 20",
    chaotic=True,
)
def test_on_code_it_learns_the_frequencies_too(notebook):
    losses, entropy = on_code(False)
    return losses - entropy


@claim(
    section="10.2",
    says="… with shortcuts, loss / unigram entropy",
    measured="0.75 [0.74, 0.77]",
    bound="below 0.85",
    holds="20 of 20",
    chaotic=True,
)
def test_on_code_with_shortcuts_it_learns_more(notebook):
    losses, entropy = on_code(True)
    return losses / entropy


def apart(seed):
    """How far the tokens are from their mean after the last block of a trained plain twin."""
    model, text = trained(seed, False), _definitions().TEXT
    x, _ = language.windows(text.validation, 64, 16)
    state = model.stream(x)[-1].detach().double()
    return ((state - state.mean(1, keepdim=True)).norm() / state.norm()).item()


@claim(
    section="10.2",
    says="… distance r of its tokens after six blocks, from 0 (all alike) to 1",
    measured="0.00 [0.00, 0.09]",
    bound="below 0.3",
    holds="18 of 20",
    chaotic=True,
    inspired=DONG,
)
def test_the_tokens_of_the_plain_twin_become_alike(notebook):
    return [apart(seed) for seed in SEEDS]


def gradient_kept(seed):
    """Fresh plain twin: length of gradient times length of state, before the blocks / after."""
    model, text = _definitions().twin(seed=seed, use_shortcut=False), _definitions().TEXT
    x, y = language.windows(text.train, 64, 16)
    states = model.stream(x)
    logits = model.read(states[-1])
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())
    first, last = torch.autograd.grad(loss, [states[0], states[-1]])
    return (first.norm() * states[0].norm() / (last.norm() * states[-1].norm())).item()


@claim(
    section="10.2",
    says="Fresh twin without shortcuts: gradient times state, before the first block / after the "
    "last",
    measured="3.2 [1.8, 7.6]",
    bound="above 1",
    holds="20 of 20",
    chaotic=True,
)
def test_the_gradient_of_the_plain_twin_arrives(notebook):
    return [gradient_kept(seed) for seed in SEEDS]


@functools.cache
def twelve(wiring):
    """Loss with 12 blocks, for each seed."""
    return torch.tensor([_definitions().loss_at(12, wiring, seed) for seed in SEEDS])


@claim(
    section="10.3",
    says="12 blocks of width 32, pre-norm, 120 steps: validation loss / unigram entropy",
    measured="0.75 [0.74, 0.76]",
    bound="below 0.8",
    holds="20 of 20",
    chaotic=True,
)
def test_pre_norm_trains_twelve_blocks(notebook):
    return twelve("pre") / language.unigram_entropy(notebook.TEXT.train)


@claim(
    section="10.3",
    says="… loss with post-norm − with pre-norm, the same rate",
    measured="0.6 [0.1, 0.8]",
    unit="nats",
    bound="above 0.05",
    holds="18 of 20",
    chaotic=True,
    inspired=XIONG,
)
def test_post_norm_does_not_at_this_rate(notebook):
    return twelve("post") - twelve("pre")


@functools.cache
def lesions(seed):
    """What each block costs if it is taken out of a trained twin, in nats: (6,)."""
    text, model = _definitions().TEXT, trained(seed, True)
    whole = language.validation_loss(model, text)
    orders = [[n for n in range(6) if n != out] for out in range(6)]
    rewired = [_definitions().rewired(model, order) for order in orders]
    return torch.tensor([language.validation_loss(net, text) - whole for net in rewired])


@claim(
    section="10.5",
    says="The twins of 10.2: loss without block 0 − as trained",
    measured="1.0 [0.7, 1.3]",
    unit="nats",
    bound="above 0.4",
    holds="20 of 20",
    chaotic=True,
    inspired=VEIT,
)
def test_the_first_block_cannot_be_left_out(notebook):
    return [lesions(seed)[0] for seed in SEEDS]


@claim(
    section="10.5",
    says="… without the block that costs most of the others",
    measured="0.02 [0.01, 0.04]",
    unit="nats",
    bound="below 0.1",
    holds="20 of 20",
    chaotic=True,
    inspired=VEIT,
)
def test_any_other_block_can_be_left_out(notebook):
    return [lesions(seed)[1:].max() for seed in SEEDS]


@functools.cache
def lens(seed):
    """What the lens reads in a trained twin after 0, 1, … 6 blocks, in nats: (7,)."""
    text = _definitions().TEXT
    return _definitions().lens(trained(seed, True), *language.windows(text.validation, 64, 64))


@claim(
    section="10.6",
    says="The twins of 10.2: loss that the lens reads after block 0 − after block 2",
    measured="0.36 [0.24, 0.53]",
    unit="nats",
    bound="above 0.1",
    holds="20 of 20",
    chaotic=True,
    inspired=BELROSE,
)
def test_the_guess_gets_better_block_by_block(notebook):
    return [lens(seed)[1] - lens(seed)[3] for seed in SEEDS]


@claim(
    section="10.6",
    says="… after block 2 − at the end",
    measured="0.10 [0.06, 0.16]",
    unit="nats",
    bound="above 0.02",
    holds="20 of 20",
    chaotic=True,
)
def test_the_later_blocks_make_it_better_still(notebook):
    return [lens(seed)[3] - lens(seed)[6] for seed in SEEDS]


@claim(
    section="10.6",
    says="… before the first block − ln 103, who knows nothing",
    measured="0.7 [0.4, 0.9]",
    unit="nats",
    bound="above 0.1",
    holds="20 of 20",
    chaotic=True,
    source=f"{BELROSE}: the lens is brittle",
)
def test_the_lens_misleads_before_the_first_block(notebook):
    return [lens(seed)[0] - math.log(len(notebook.TEXT.letters)) for seed in SEEDS]


def first_share(seed):
    """What block 0 writes over the stream it reads, trained / fresh."""
    text = _definitions().TEXT
    x, _ = language.windows(text.validation, 64, 16)
    writes = _definitions().writes
    return writes(trained(seed, True), x)[0] / writes(_definitions().twin(seed=seed), x)[0]


@claim(
    section="10.6",
    says="The twins of 10.2: what block 0 writes over the stream it reads, trained / fresh",
    measured="6.1 [4.7, 7.0]",
    bound="above 2",
    holds="20 of 20",
    chaotic=True,
)
def test_training_makes_the_first_block_write_the_stream(notebook):
    return [first_share(seed) for seed in SEEDS]


def after_eight_steps(recipe, text, seed):
    """Validation loss of a recipe in a training of 60 steps, after eight of them."""
    training = Training(shortened(recipe, 60), text, seed)
    training.advance(8)
    return training.loss()


@claim(
    section="10.7",
    says="60 steps of each, after 8: validation loss of the known recipe − of the course's",
    measured="1.1 [0.9, 1.3]",
    unit="nats",
    bound="above 0.3",
    holds="20 of 20",
    chaotic=True,
)
def test_the_best_recipe_is_ahead_from_the_start(notebook):
    known, best = (
        torch.tensor([after_eight_steps(recipe, notebook.TEXT, seed) for seed in SEEDS])
        for recipe in (KNOWN, BEST)
    )
    return known - best
