"""The package follows the model's device: on every device that this machine has, the CPU's numbers.

On a machine without a GPU the CPU is compared with itself. CONTRIBUTING.md says how it is run on
a machine with one.
"""

import copy

import pytest
import torch
from torch.nn.utils import parameters_to_vector

from lecture_utils.clinic.ward import Decoder, DeepNormDecoder
from lecture_utils.gradients import gradient_norms
from lecture_utils.landscape import (
    filter_normalised,
    hessian_product,
    lanczos,
    power_iteration,
    surface,
)
from lecture_utils.language import pretrain, read_text, validation_loss
from lecture_utils.measure import slope, spread
from lecture_utils.models import (
    GPT,
    BertLayer,
    DeepNeuralNetwork,
    GPTConfig,
    ShortcutMLP,
    TransformerBlock,
    orthogonal,
)
from lecture_utils.training import Ensemble, MiniBatches, accuracy, cross_entropy, train

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
SMALL = GPTConfig(vocab_size=11, context=8, dim=16, num_heads=2, depth=2)

pytestmark = pytest.mark.parametrize("device", DEVICES)


def made(build, seed=0):
    """A module with weights of its seed, on the CPU."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build().eval()


def numbers(*shape, seed=1, **options):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), **options)


def moved(module, device):
    return copy.deepcopy(module).to(device)


def on(device, *tensors):
    found = [t.to(device) for t in tensors]
    return found[0] if len(found) == 1 else found


def near(found, right):
    torch.testing.assert_close(found.cpu(), right, rtol=2e-3, atol=2e-5)


PADDING = torch.tensor([[False] * 6, [False] * 4 + [True] * 2])


@pytest.mark.parametrize(
    ("build", "given"),
    [
        (lambda: DeepNeuralNetwork([3, 3, 1], True), (numbers(4, 3),)),
        (lambda: ShortcutMLP(8, 3, norm="layer"), (numbers(5, 64),)),
        (lambda: ShortcutMLP(8, 3, norm="batch"), (numbers(5, 64),)),
        (lambda: BertLayer(16, 32, 2), (numbers(2, 6, 16), PADDING)),
        (lambda: TransformerBlock(16, 32, 2, norm="sandwich"), (numbers(2, 6, 16), PADDING)),
        (lambda: Decoder(dropout=0.0), (numbers(2, 6, 16), PADDING)),
        (lambda: DeepNormDecoder(dropout=0.0), (numbers(2, 6, 16),)),
        (lambda: GPT(SMALL), (torch.arange(10).view(2, 5),)),
    ],
    ids=["lecture", "mlp", "batch", "bert", "sandwich", "decoder", "deepnorm", "gpt"],
)
def test_every_model_runs_where_its_weights_are(device, build, given):
    model = made(build)
    near(moved(model, device)(*(x.to(device) for x in given)), model(*given).detach())


def test_starting_weights_stay_where_the_net_is(device):
    net = orthogonal(moved(made(lambda: ShortcutMLP(8, 2, activation="tanh")), device))
    assert {p.device.type for p in net.parameters()} == {device}
    W = net.blocks[0].linear.weight.detach().cpu()
    near(W.T @ W, torch.eye(8))


def test_a_text_is_continued_where_the_model_is(device):
    model, start = made(lambda: GPT(SMALL)), torch.tensor([[1, 2, 3], [4, 5, 6]])
    there = moved(model, device)
    assert there.generate(start.to(device), 9, temperature=0).tolist() == (
        model.generate(start, 9, temperature=0).tolist()
    )
    drawn = [there.generate(start.to(device), 9, seed=k) for k in (3, 3, 4)]
    assert drawn[0].device.type == device
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert drawn[0].min() >= 0
    assert drawn[0].max() < 11


def test_gradients_are_measured_where_the_model_is(device):
    model, tokens = made(lambda: GPT(SMALL)), torch.arange(10).view(2, 5)

    def norms(net, ids):
        return gradient_norms(net, net(ids).square().mean())

    near(torch.tensor(norms(moved(model, device), tokens.to(device))), torch.tensor(
        norms(model, tokens)))  # fmt: skip


def test_landscapes_are_measured_where_the_net_is(device):
    net = made(lambda: ShortcutMLP(6, 2, in_features=5, out_features=3))
    x, y = numbers(20, 5), torch.arange(20) % 3
    there, x_there, y_there = moved(net, device), *on(device, x, y)
    u, v = filter_normalised(net, 0), filter_normalised(net, 1)
    if device != "cpu":  # so that a seed means the same direction everywhere
        with pytest.raises(ValueError, match=r"drawn for model.cpu"):
            filter_normalised(there, 0)
    steps = torch.linspace(-1, 1, 3)
    near(
        surface(there, on(device, u, v), x_there, y_there, steps.to(device)),
        surface(net, (u, v), x, y, steps),
    )
    product, right = hessian_product(there, x_there, y_there), hessian_product(net, x, y)
    size = len(parameters_to_vector(net.parameters()))
    start = numbers(size)
    near(product(start.to(device)), right(start))
    near(power_iteration(product, start.to(device), 30), power_iteration(right, start, 30))
    if device == "cpu":
        near(torch.stack(lanczos(product, size)), torch.stack(lanczos(right, size)))


def test_nets_are_trained_where_they_are(device):
    x, y = numbers(60, 5), torch.arange(60) % 3

    def losses(net, where, lr=0.01):
        batches = MiniBatches(*on(where, x, y), steps=8, batch_size=20)
        return train(net, batches, lr=lr).loss

    net = made(lambda: ShortcutMLP(6, 2, in_features=5, out_features=3))
    near(losses(moved(net, device), device), losses(moved(net, "cpu"), "cpu"))

    def ensemble():
        return Ensemble(lambda: ShortcutMLP(6, 2, in_features=5, out_features=3), range(3))

    near(losses(ensemble().to(device), device), losses(ensemble(), "cpu"))
    rates = torch.tensor([0.001, 0.003, 0.01])
    near(losses(ensemble().to(device), device, rates.to(device)), losses(ensemble(), "cpu", rates))
    many = ensemble().to(device)
    near(many.member(1)(x.to(device)), ensemble().member(1)(x).detach())
    logits = many(x.to(device))
    near(accuracy(logits, y.to(device)), accuracy(ensemble()(x), y))
    near(cross_entropy(logits, y.to(device)).detach(), cross_entropy(ensemble()(x), y).detach())


def test_a_gpt_is_trained_on_a_text_where_it_is(device, tmp_path):
    text = read_text("a net that adds; " * 20)
    sizes = {"vocab_size": len(text.letters), "context": 8, "dim": 16, "num_heads": 2, "depth": 2}

    def trained(where, dropout=0.0, **options):
        model = moved(made(lambda: GPT(GPTConfig(**sizes, dropout=dropout))), where)
        settings = {"batch_size": 4, "check_every": 4, "progress": False}
        return model, pretrain(model, text, 8, **settings, **options)

    file, module = tmp_path / "run.safetensors", torch.cuda if device == "cuda" else torch
    model, curve = trained(device, checkpoint=file)
    assert {p.device.type for p in model.parameters()} == {device}
    right = trained("cpu")[1]
    near(curve.loss, right.loss)
    near(curve.validation, right.validation)
    near(torch.tensor(validation_loss(model, text)), right.validation[-1].float())
    assert torch.equal(trained("cpu", checkpoint=file)[1].loss, curve.loss)  # read there, too
    torch.manual_seed(3)
    state = module.get_rng_state()
    first = trained(device, dropout=0.3)[1].loss
    assert torch.equal(module.get_rng_state(), state)
    torch.manual_seed(4)
    near(trained(device, dropout=0.3)[1].loss, first)
    assert not torch.allclose(first, right.loss, rtol=2e-3)


def test_numbers_are_summarised_wherever_they_are(device):
    values = numbers(7)
    assert spread(values.to(device)) == spread(values)
    near(slope(torch.arange(7).to(device), values.to(device)), slope(torch.arange(7), values))
