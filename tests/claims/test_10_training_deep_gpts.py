"""The claims of notebook 10: table rows and tests in one.

The twins of 10.2 were also trained from seeds 1000 to 1019: shortcut 0.70 [0.69, 0.71] of the
unigram entropy, block 0 taken out 0.96 and more, another block at most 0.03.
"""

import argparse
import functools
import tarfile
from pathlib import Path

import torch

from lecture_utils import language
from lecture_utils.authoring import notebooks
from lecture_utils.authoring.claims import claim

SEEDS = range(20)
FEW = range(6)
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
def trained(seed, use_shortcut, text=None):
    """A twin of 10.2 after its 120 steps."""
    text = text or _definitions().TEXT
    model = _definitions().twin(seed=seed, text=text, use_shortcut=use_shortcut)
    language.pretrain(model, text, 120, lr=6e-3, seed=seed, check_every=120, progress=False)
    return model


def ends(use_shortcut, seeds=SEEDS, text=None):
    """Validation losses of the twins, and the unigram entropy of what they read."""
    text = text or _definitions().TEXT
    losses = [language.validation_loss(trained(s, use_shortcut, text), text) for s in seeds]
    return torch.tensor(losses), language.unigram_entropy(text.train)


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
    measured="0.0 [-0.14, 0.03]",
    unit="nats",
    bound="-0.4 to 0.4",
    holds="20 of 20",
    chaotic=True,
    inspired=DONG,
)
def test_without_shortcuts_it_learns_the_frequencies(notebook):
    losses, entropy = ends(False)
    return losses - entropy


@claim(
    section="10.2",
    says="On another text (program code), 3 seeds: the same without shortcuts",
    measured="0.0 [-0.1, 0.1]",
    unit="nats",
    bound="-0.4 to 0.4",
    holds="3 of 3",
    chaotic=True,
)
def test_on_code_it_learns_the_frequencies_too(notebook):
    losses, entropy = ends(False, range(3), code())
    return losses - entropy


@claim(
    section="10.2",
    says="… with shortcuts, over the unigram entropy",
    measured="0.7 [0.6, 0.8]",
    bound="below 0.85",
    holds="3 of 3",
    chaotic=True,
)
def test_on_code_with_shortcuts_it_learns_more(notebook):
    losses, entropy = ends(True, range(3), code())
    return losses / entropy


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
    measured="4 [3, 5]",
    bound="above 1",
    holds="20 of 20",
    chaotic=True,
)
def test_the_gradient_of_the_plain_twin_arrives(notebook):
    return [gradient_kept(seed) for seed in SEEDS]


@functools.cache
def by_depth(wiring):
    """Loss with 12 blocks minus loss with 2, for each of six seeds."""
    at = _definitions().loss_at
    return [at(12, wiring, seed) - at(2, wiring, seed) for seed in FEW]


@claim(
    section="10.3",
    says="120 steps, 6 seeds: loss with 12 blocks − with 2, without shortcuts",
    measured="0.5 [0.3, 0.7]",
    unit="nats",
    bound="above 0.1",
    holds="6 of 6",
    chaotic=True,
)
def test_plain_loses_with_depth(notebook):
    return by_depth("plain")


@claim(
    section="10.3",
    says="… pre-norm",
    measured="-0.05 [-0.1, 0.0]",
    unit="nats",
    bound="-0.3 to 0.1",
    holds="6 of 6",
    chaotic=True,
)
def test_pre_norm_does_not_lose_with_depth(notebook):
    return by_depth("pre")


@claim(
    section="10.3",
    says="… post-norm",
    measured="0.4 [0.2, 0.7]",
    unit="nats",
    bound="above 0.1",
    holds="5 of 6",
    chaotic=True,
    inspired=XIONG,
)
def test_post_norm_loses_with_depth(notebook):
    return by_depth("post")


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
    measured="1.0 [0.9, 1.3]",
    unit="nats",
    bound="above 0.5",
    holds="20 of 20",
    chaotic=True,
    inspired=VEIT,
)
def test_the_first_block_cannot_be_left_out(notebook):
    return [lesions(seed)[0] for seed in SEEDS]


@claim(
    section="10.5",
    says="… without the block that costs most of the others",
    measured="0.02 [0.01, 0.03]",
    unit="nats",
    bound="below 0.1",
    holds="20 of 20",
    chaotic=True,
    inspired=VEIT,
)
def test_any_other_block_can_be_left_out(notebook):
    return [lesions(seed)[1:].max() for seed in SEEDS]


def gains(seed):
    """By how much the lens' loss falls from each block to the next: (6,)."""
    text = _definitions().TEXT
    losses = _definitions().lens(trained(seed, True), *language.windows(text.validation, 64, 64))
    return -losses.diff()


@claim(
    section="10.6",
    says="The twins of 10.2: smallest gain of the lens' loss at any block",
    measured="0.01 [0.00, 0.02]",
    unit="nats",
    bound="above -0.02",
    holds="20 of 20",
    chaotic=True,
    inspired=BELROSE,
)
def test_the_guess_gets_better_block_by_block(notebook):
    return [gains(seed).min() for seed in SEEDS]


def first_share(seed):
    """What block 0 writes over the stream it reads, trained / fresh."""
    text = _definitions().TEXT
    x, _ = language.windows(text.validation, 64, 16)
    writes = _definitions().writes
    return writes(trained(seed, True), x)[0] / writes(_definitions().twin(seed=seed), x)[0]


@claim(
    section="10.6",
    says="The twins of 10.2: what block 0 writes over the stream it reads, trained / fresh",
    measured="6 [5, 7]",
    bound="above 2",
    holds="20 of 20",
    chaotic=True,
)
def test_training_makes_the_first_block_write_the_stream(notebook):
    return [first_share(seed) for seed in SEEDS]
