"""The claims of notebook 12: table rows and tests in one.

The operations are counted while a block of the course's GPT runs, call by call: 20 shapes, 4 widths
times 5 lengths. The nets were also trained from seeds 1000 to 1019: without the median block
post-norm loses 0.21 [0.04, 0.33] more, 19 of 20 above 0.05; gradient descent with a thousandth of
the gradient ends at 111 [90, 145] times the loss, Adam at 1.00.
"""

import functools
import itertools

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from lecture_utils import training
from lecture_utils.authoring import notebooks
from lecture_utils.authoring.claims import claim
from lecture_utils.models import GPTBlock, GPTConfig

SEEDS = range(20)
SHAPES = tuple(itertools.product((256, 768, 2048, 4096), (64, 128, 256, 512, 1024)))
KAPLAN = "[Kaplan et al. 2020](https://arxiv.org/abs/2001.08361)"
HU = "[Hu et al. 2021](https://arxiv.org/abs/2106.09685)"
VEIT = "[Veit et al. 2016](https://arxiv.org/abs/1605.06431)"
GROMOV = "[Gromov et al. 2024](https://arxiv.org/abs/2403.17887)"
KINGMA = "[Kingma and Ba 2014](https://arxiv.org/abs/1412.6980)"
_MOVES = {  # what moves or names numbers without computing any
    "view",
    "_unsafe_view",
    "t",
    "transpose",
    "permute",
    "expand",
    "split",
    "unsafe_split",
    "select",
    "slice",
    "unbind",
    "detach",
    "alias",
    "squeeze",
    "unsqueeze",
    "clone",
    "empty_like",
    "zeros_like",
    "ones_like",
    "new_empty_strided",
}


class Operations(TorchDispatchMode):
    """Count operations: 2 for each weight of a product, 1 for any other number computed."""

    def __init__(self):
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        name = function.overloadpacket.__name__
        out = result[0] if isinstance(result, tuple | list) else result
        if name in ("mm", "bmm", "addmm"):
            self.total += 2 * args[name == "addmm"].shape[-1] * out.numel()
        elif name not in _MOVES and isinstance(out, torch.Tensor):
            self.total += out.numel()
        return result


@functools.cache
def operations(dim, length, use_shortcut=True, trains="nothing"):
    """Operations of a block's forward pass, and of the backward pass of what trains.

    Args:
        trains: "nothing", "all", or "what is below": the block is frozen, and something before it
            is trained.
    """
    with torch.device("meta"):
        block = GPTBlock(GPTConfig(100, 1024, dim, dim // 64, 1, use_shortcut=use_shortcut))
        x = torch.empty(1, length, dim, requires_grad=trains != "nothing")
    block.requires_grad_(trains == "all")
    with Operations() as forward:
        y = block(x)
    if trains == "nothing":
        return forward.total, 0
    with Operations() as backward:
        y.backward(torch.empty_like(y))
    return forward.total, backward.total


@claim(
    section="12.2",
    says="A GPT block's forward pass: operations, counted / 2 for each weight and token",
    measured="1.04 [1.00, 1.68]",
    bound="1 to 2.1",
    holds="20 of 20",
    source=f"{KAPLAN}: 2 N per token, and more for long texts",
)
def test_two_operations_for_each_weight(notebook):
    return [operations(dim, length)[0] / (2 * 12 * dim**2 * length) for dim, length in SHAPES]


@claim(
    section="12.3",
    says="Operations of its backward pass / of its forward pass, all weights trained",
    measured="2.00 [1.99, 2.00]",
    bound="1.8 to 2.2",
    holds="20 of 20",
    source=f"{KAPLAN}: twice",
)
def test_backward_costs_twice(notebook):
    passes = [operations(*shape, trains="all") for shape in SHAPES]
    return [backward / forward for forward, backward in passes]


@claim(
    section="12.3",
    says="… the block frozen, something below it trained",
    measured="1.04 [1.00, 1.40]",
    bound="0.9 to 1.6",
    holds="20 of 20",
    inspired=HU,
)
def test_frozen_weights_cost_once(notebook):
    passes = [operations(*shape, trains="what is below") for shape in SHAPES]
    return [backward / forward for forward, backward in passes]


@claim(
    section="12.4",
    says="Share of its two sums in a block's operations",
    measured="0.0064 [0.002, 0.031]",
    unit="%",
    bound="below 0.1",
    holds="20 of 20",
)
def test_sums_are_nearly_free(notebook):
    both = [
        [operations(*shape, use_shortcut=short)[0] for short in (True, False)] for shape in SHAPES
    ]
    return [100 * (with_sums / without - 1) for with_sums, without in both]


@functools.cache
def lost(norm, seeds=SEEDS):
    """Share of digits that each net no longer reads without its median block; its share with."""
    reader = notebooks.definitions(notebooks.path_of("07"))
    digits, found = reader.DIGITS, []
    nets = training.Ensemble(lambda: reader.DigitReader(norm, 6), seeds)
    batches = training.MiniBatches(digits.train_x, digits.train_y, steps=300, batch_size=16)
    training.train(nets, batches, lr=0.001, schedule=lambda step: reader.factor(step, 50))
    x, y = digits.test_x, digits.test_y
    with torch.no_grad():
        for net in nets.members():
            whole = training.accuracy(net(x), y).item()
            blocks, drops = net.blocks, []
            for out in range(6):
                net.blocks = torch.nn.ModuleList(b for n, b in enumerate(blocks) if n != out)
                drops.append(whole - training.accuracy(net(x), y).item())
            found.append((torch.tensor(drops).median().item(), whole))
    return torch.tensor(found)


@claim(
    section="12.4",
    says="Six blocks on the digits: share no longer read without the median block, post-norm "
    "− pre-norm",
    measured="0.22 [0.08, 0.31]",
    bound="above 0.05",
    holds="18 of 20",
    chaotic=True,
    inspired=f"{VEIT}; {GROMOV}",
)
def test_post_norm_misses_a_block_more(notebook):
    return lost("post")[:, 0] - lost("pre")[:, 0]


@functools.cache
def loss_after(optimizer, lr, factor):
    """Training loss of four shortcut blocks on the digits, all gradients times `factor`."""
    twins = notebooks.definitions(notebooks.path_of("04"))
    nets = training.Ensemble(lambda: twins.build(4, norm="layer"), SEEDS)
    batches = training.MiniBatches(twins.DIGITS.train_x, twins.DIGITS.train_y, steps=150)
    training.train(
        nets,
        batches,
        lr=lr,
        optimizer=optimizer,
        loss_function=lambda logits, y: factor * training.cross_entropy(logits, y),
    )
    return twins.final_loss(nets)


@claim(
    section="12.6",
    says="Four blocks, gradient descent, all gradients a thousandth: loss after / with whole "
    "gradients",
    measured="117 [86, 150]",
    bound="above 30",
    holds="20 of 20",
    chaotic=True,
)
def test_sgd_needs_the_gradients_size(notebook):
    return loss_after(torch.optim.SGD, 0.1, 0.001) / loss_after(torch.optim.SGD, 0.1, 1)


@claim(
    section="12.6",
    says="… with Adam",
    measured="1.00 [1.00, 1.00]",
    bound="0.8 to 1.25",
    holds="20 of 20",
    chaotic=True,
    source=f"{KINGMA}: its steps do not depend on the gradients' scale",
)
def test_adam_does_not(notebook):
    return loss_after(torch.optim.Adam, 0.001, 0.001) / loss_after(torch.optim.Adam, 0.001, 1)
