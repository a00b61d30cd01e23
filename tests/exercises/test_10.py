"""Exercises of notebook 10: what each wrong answer is told."""

import dataclasses
import itertools
import json
import re
from pathlib import Path

import pytest
import torch
from exercises.exercise import Case, _exercise, all_tests, names, solution

from lecture_utils import checks
from lecture_utils.checks import board, frequencies, ten_seconds
from lecture_utils.checks.verdict import NOT_ATTEMPTED, NOT_YET, RIGHT, NotYet
from lecture_utils.language import pretrain, read_text

_LETTERS = """
import math
def letter_loss(tokens):
    counts = {counts}
    p = {p}
    return {result}
"""


def letters(
    counts="tokens.unique(return_counts=True)[1]",
    p="counts / counts.sum()",
    result="-(p * p.log()).sum()",
):
    return _LETTERS.format(counts=counts, p=p, result=result)


_STYLES_OF_LETTERS = (
    """
import math
from collections import Counter
def letter_loss(tokens):
    n = len(tokens)
    return -sum(c / n * math.log(c / n) for c in Counter(tokens.tolist()).values())
""",
    """
def letter_loss(tokens):
    p = tokens.bincount() / len(tokens)
    return -torch.xlogy(p, p).sum().item()
""",
    """
import numpy as np
def letter_loss(tokens):
    _, counts = np.unique(tokens.numpy(), return_counts=True)
    p = counts / counts.sum()
    return float(-(p * np.log(p)).sum())
""",
    """
def letter_loss(tokens):
    p = tokens.bincount() / tokens.numel()
    return -p[tokens].log().mean()
""",
    """
def letter_loss(tokens):
    p = torch.bincount(tokens, minlength=103).double() / len(tokens)
    return -(p * (p + 1e-12).log()).sum()
""",
    """
def letter_loss(tokens):
    logits = tokens.bincount().log().expand(len(tokens), -1)
    return cross_entropy(logits, tokens)
""",
    """
import math
def letter_loss(tokens):
    counts = {}
    for token in tokens:
        token = token.item()
        if token not in counts:
            counts[token] = 0
        counts[token] += 1
    print(counts)
    total = 0.0
    for token in counts:
        p = counts[token] / len(tokens)
        assert 0 < p <= 1
        total = total + p * -math.log(p)
    return total
""",
    """
def letter_loss(tokens):
    return torch.distributions.Categorical(probs=tokens.bincount().float()).entropy()
""",
    """
letter_loss = lambda tokens: sum(
    -(tokens == k).double().mean() * (tokens == k).double().mean().log() for k in tokens.unique())
""",
    """
import math
def letter_loss(tokens):
    c = tokens.bincount()
    c = c[c > 0].tolist()
    n = sum(c)
    return [math.log(n) - sum(k * math.log(k) for k in c) / n]
""",
    """
def letter_loss(tokens):
    p = tokens.histc(bins=int(tokens.max()) + 1, min=0, max=int(tokens.max())) / len(tokens) \\
        if tokens.is_floating_point() else torch.nn.functional.one_hot(tokens).float().mean(0)
    return torch.special.entr(p).sum()
""",
    """
from lecture_utils.language import unigram_entropy as entropy
def letter_loss(tokens):
    return entropy(tokens) if len(tokens) > 1 else 0
""",
)

LETTERS = Case(
    "10.1",
    styles=_STYLES_OF_LETTERS,
    inputs=lambda _: [trial.given for trial in frequencies._trials()],
    other_style="""
def letter_loss(tokens, log=torch.log):
    counts = tokens.bincount()
    p = counts[counts > 0] / len(tokens)
    return -torch.einsum("v,v->", p, log(p))
""",
    wrong={
        letters(result="-(p * p.log2()).sum()"): "in bits",
        letters(result="-(p * p.log10()).sum()"): "to base 10",
        letters(result="(p * p.log()).sum()"): "The sign is the wrong way round",
        letters(result="-(p * p.log()).mean()"): "the mean over the kinds of tokens",
        letters(result="-p.log().mean()"): "the mean over the kinds of tokens",
        letters(result="-p.log().sum()"): "weight each by its p",
        letters(result="math.log(len(counts))"): "ln of how many kinds",
        letters(result="math.log(max(tokens) + 1)"): "the size of the alphabet",
        letters("tokens.bincount()"): "0 · log 0 is nan",
        letters("tokens.bincount()", result="-p.log().sum()"): "each kind once",
        letters(result="-(counts * p.log()).sum()"): "the loss of the whole text",
        letters(p="counts"): "You put counts where probabilities are meant",
        letters(p="counts / (tokens.max() + 1)"): "the size of the alphabet",
        letters(p="counts / len(counts)"): "by how many kinds there are",
        letters(p="counts / counts.max()"): "by the largest",
        letters(p="counts.double().softmax(0)"): "by a softmax",
        letters(p="(counts + 1) / (counts + 1).sum()"): "You add something to the counts",
        letters("tokens.bincount() + 1"): "You add something to the counts",
        letters(p="counts.sum() / counts"): "upside down",
        letters(p="counts * counts.sum()"): "never below 0",
        letters(result="(p / -p.log()).sum()"): "more than ln 2",
        letters(result="-(p * p.log()).sum() / len(tokens)"): "divide by the length twice",
        letters(result="-(p * p.log()).max()"): "the largest of the parts",
        letters(result="-(p * counts.log()).sum()"): "Within the log stands a count",
        letters("tokens.bincount()[1:]", "counts[counts > 0] / counts.sum()"): "token 0 out",
        letters(p="tokens.double().softmax(0)"): "token ids themselves",
        letters(result="-p.max().log()"): "the most frequent token alone",
        letters(result="-(p * p).sum().log()"): "the mean of p before the log",
        letters(result="1 - (p * p).sum()"): "how often a guess",
        letters(result="(-(p * p.log()).sum()).exp()"): "an exp too many",
        letters(result="-(p * p.log() + (1 - p) * (1 - p).log()).nansum()"): "yes-or-no",
        letters(result="-(p * p.log()).sum() / math.log(len(p))"): "by ln V",
        letters("tokens[:-1].unique(return_counts=True)[1]"): "leave out the last token",
        letters("tokens.unique()", "counts / counts.sum()"): "contains nan",
        letters(counts="tokens", p="tokens[tokens > 0] / tokens.sum()"): "Ids are names",
        letters(result="-(p * p.log())"): "expected a single number",
        letters(result="-(p * (p + 1).log()).sum()"): "never below 0",
        letters(result="3.25"): "You return 3.25 each time",
        letters("tokens.unique_consecutive(return_counts=True)[1]"): "neighbours",
        """
import math
from collections import Counter
def letter_loss(tokens):
    return -sum(c / len(tokens) * math.log(c / len(tokens)) for c in Counter(tokens).values())
""": "as another kind",
        """
def letter_loss(tokens):
    pairs = torch.stack([tokens[:-1], tokens[1:]])
    counts = pairs.unique(dim=1, return_counts=True)[1]
    p = counts / counts.sum()
    return -(p * p.log()).sum()
""": "the token before",
        """
def letter_loss(tokens):
    p = tokens.bincount() / len(tokens)
    loss = -(p * p.log()).sum()
""": "is the `return` missing",
    },
)


_STALLS = """
def loss_a(logits, y):
    return {a}

def loss_b(logits, y):
    return {b}

def update_c(optimizer, loss):
    {c}
"""
_BROKEN = {
    "a": "cross_entropy(logits.softmax(-1).flatten(0, 1), y.flatten())",
    "b": "cross_entropy(logits.flatten(0, 1), y.flatten())",
    "c": "loss.backward(); optimizer.zero_grad(); optimizer.step()",
}


def stalls(
    a="cross_entropy(logits.flatten(0, 1), y.flatten())",
    b="cross_entropy(logits.transpose(0, 1).flatten(0, 1), y.flatten())",
    c="optimizer.zero_grad(); loss.backward(); optimizer.step()",
):
    return _STALLS.format(a=a, b=b, c=c)


_STYLES_OF_STALLS = (
    stalls(
        "cross_entropy(logits.transpose(1, 2), y)",
        "cross_entropy(logits.permute(1, 2, 0), y)",
        "loss.backward(); optimizer.step(); optimizer.zero_grad()",
    ),
    stalls(
        "torch.nn.functional.nll_loss(logits.log_softmax(-1).flatten(0, 1), y.flatten())",
        "cross_entropy(logits.flatten(0, 1), y.T.flatten())",
        "optimizer.zero_grad(set_to_none=False); loss.backward(); optimizer.step()",
    ),
    stalls(
        "-logits.log_softmax(-1).gather(-1, y[..., None]).mean()",
        "cross_entropy(logits.flatten(0, 1), y.mT.reshape(-1))",
        "[setattr(p, 'grad', None) for g in optimizer.param_groups for p in g['params']]; "
        "loss.backward(); optimizer.step()",
    ),
    stalls(
        "cross_entropy(logits.reshape(-1, logits.shape[-1]), y.reshape(-1))",
        "loss_a(logits.transpose(0, 1), y)",
        "optimizer.zero_grad(); loss.backward(); optimizer.step(); return loss.item()",
    ),
    stalls(
        "torch.nn.CrossEntropyLoss()(logits.view(-1, logits.size(-1)), y.view(-1))",
        "torch.nn.CrossEntropyLoss()(logits.mT.permute(2, 0, 1).flatten(0, 1), y.view(-1))",
        "optimizer.zero_grad(); loss.backward(); optimizer.step(); optimizer.zero_grad()",
    ),
    stalls(
        "torch.stack([cross_entropy(z, t) for z, t in zip(logits, y)]).mean()",
        "sum(cross_entropy(logits[:, k], y[k]) for k in range(len(y))) / len(y)",
        "optimizer.zero_grad(); loss.backward(retain_graph=True); optimizer.step()",
    ),
    stalls(
        "cross_entropy(logits.flatten(0, 1), y.flatten(), reduction='sum') / y.numel()",
        "torch.stack([cross_entropy(z, t) for z, t in zip(logits, y.T)]).mean()",
        "optimizer.zero_grad(); torch.autograd.backward(loss); optimizer.step()",
    ),
    stalls(
        "(logits.logsumexp(-1) - logits.gather(-1, y.unsqueeze(-1)).squeeze(-1)).mean()",
        "-torch.einsum('tbv,btv->bt', logits.log_softmax(-1), "
        "torch.nn.functional.one_hot(y, logits.shape[-1]).to(logits)).mean()",
    ),
    stalls(
        "-torch.log(logits.softmax(-1)).flatten(0, 1)[torch.arange(y.numel()), y.flatten()].mean()",
        "cross_entropy(torch.einsum('tbv->bvt', logits), y)",
        "print(loss.item()); optimizer.zero_grad(); assert loss.requires_grad; loss.backward(); "
        "optimizer.step()",
    ),
    stalls(
        "cross_entropy(logits.log_softmax(-1).flatten(0, 1), y.flatten())",
        "cross_entropy(logits.flatten(0, 1), y.T.reshape(y.shape).flatten())",
    ),
)
_SPACE = {}


def _with_space(space):
    """Return inputs of loss_a; the names beside it are kept for `_outcome_of_all`."""
    _SPACE.update(space)
    torch.manual_seed(0)
    return [(torch.randn(2, 3, 5), torch.randint(5, (2, 3)))]


def _outcome_of_all(value, logits, y):
    """What all three functions do."""
    second = _SPACE["loss_b"](logits.transpose(0, 1).contiguous(), y)
    torch.manual_seed(2)
    net = torch.nn.Linear(3, 1)
    optimizer, weights = torch.optim.SGD(net.parameters(), 0.1), []
    for x in torch.randn(3, 4, 3):
        _SPACE["update_c"](optimizer, net(x).square().mean())
        weights.append(net.weight.detach().clone())
    return [value.requires_grad, value, second, *weights]


STALLS = Case(
    "10.2",
    styles=_STYLES_OF_STALLS,
    inputs=_with_space,
    outcome=_outcome_of_all,
    other_style="""
def loss_a(logits, y):
    batch, time, V = logits.shape
    total = 0
    for b in range(batch):
        for t in range(time):
            total = total - logits[b, t].log_softmax(0)[y[b, t]]
    return total / (batch * time)
def loss_b(logits, y):
    return loss_a(logits.permute(1, 0, 2), y)
def update_c(optimizer, loss):
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for p, grad in zip(parameters, torch.autograd.grad(loss, parameters)):
        p.grad = grad
    optimizer.step()
""",
    wrong={
        stalls(a=_BROKEN["a"]): "`loss_b` and `update_c` are mended. `loss_a` is still as it was",
        stalls(b=_BROKEN["b"]): "`loss_a` and `update_c` are mended. `loss_b` is still as it was",
        stalls(c=_BROKEN["c"]): "`loss_a` and `loss_b` are mended. `update_c` is still as it was",
        stalls(b=_BROKEN["b"], c=_BROKEN["c"]): "`loss_b` and `update_c` are still as they were",
        stalls("cross_entropy(logits.softmax(1).flatten(0, 1), y.flatten())"): "whatever axis",
        stalls("cross_entropy(logits.sigmoid().flatten(0, 1), y.flatten())"): "A sigmoid",
        stalls(
            "torch.nn.functional.nll_loss(logits.softmax(-1).flatten(0, 1), y.flatten())"
        ): "gets probabilities",
        stalls("torch.nn.functional.nll_loss(logits.flatten(0, 1), y.flatten())"): "gets logits",
        stalls(
            "torch.nn.functional.nll_loss(logits.log_softmax(1).flatten(0, 1), y.flatten())"
        ): "axis 1, the time",
        stalls("cross_entropy(logits.flatten(0, 1), y.flatten(), reduction='sum')"): "You sum",
        stalls("cross_entropy(logits.flatten(0, 1), y.flatten()).item()"): "a float: `backward`",
        stalls("cross_entropy(logits.detach().flatten(0, 1), y.flatten())"): "without a gradient",
        stalls("cross_entropy(logits.flatten(0, 1), y.flatten()) * logits.shape[-1]"): "by V",
        stalls(
            "(logits - torch.nn.functional.one_hot(y, logits.shape[-1])).square().mean()"
        ): "all logits are 0",
        stalls(
            b="sum(cross_entropy(logits[:, k], y[k]) for k in range(len(y)))"
        ): "take their mean",
        stalls(
            c="optimizer.zero_grad(); loss.detach().backward()"
        ): "in its line 2 with RuntimeError",
        stalls("cross_entropy(logits[:, -1], y[:, -1])"): "the last token of each text alone",
        stalls("cross_entropy(logits[:, :-1].flatten(0, 1), y[:, 1:].flatten())"): "You shift",
        stalls("cross_entropy(logits.transpose(0, 1).flatten(0, 1), y.flatten())"): "In A they fit",
        stalls("cross_entropy(logits, y)"): "`loss_a` stopped in its line",
        stalls("cross_entropy(logits.argmax(-1).flatten(), y.flatten())"): "`loss_a` stopped",
        stalls(b="cross_entropy(logits.reshape(*y.shape, -1).flatten(0, 1), y.flatten())"): (
            "exchange two axes of one"
        ),
        stalls(b="cross_entropy(logits.transpose(0, 1).flatten(0, 1), y.T.flatten())"): (
            "different tokens meet"
        ),
        stalls(
            b="cross_entropy(logits.transpose(0, 1).softmax(-1).flatten(0, 1), y.flatten())"
        ): "The order is right. But",
        stalls(b="cross_entropy(logits.softmax(-1).flatten(0, 1), y.flatten())"): "And a softmax",
        stalls(b="cross_entropy(logits.transpose(0, 2).flatten(0, 1), y.flatten())"): "`loss_b`",
        stalls(b="cross_entropy(logits.transpose(1, 2), y)"): "`loss_b`",
        stalls(c="optimizer.step(); loss.backward(); optimizer.zero_grad()"): "before `backward`",
        stalls(c="loss.backward(); optimizer.step()"): "still in it",
        stalls(c="optimizer.zero_grad(); loss.backward()"): "`optimizer.step()` is missing",
        stalls(c="optimizer.zero_grad(); optimizer.step()"): "`loss.backward()` is missing",
        stalls(c="optimizer.step(); optimizer.zero_grad(); loss.backward()"): "before `backward`",
        stalls(c="..."): "`optimizer.step()` is missing",
        stalls(c="optimizer.zero_grad(); loss.backward(); optimizer.step(); optimizer.step()"): (
            "2 steps in one update"
        ),
        stalls(c="optimizer.zero_grad(); (-loss).backward(); optimizer.step()"): "one plain step",
        stalls(c="optimizer.zero_grad; loss.backward(); optimizer.step()"): "still in it",
        stalls(c="optimizer.zero_grad(); loss.backward; optimizer.step()"): "is missing",
        stalls(c="loss.backward(); optimizer.zero_grad(); optimizer.step(); pass; x = 1"): (
            "are cleared between"
        ),
        stalls(c="loss.backwards(); optimizer.step()"): "with AttributeError",
    },
)

globals().update(all_tests([LETTERS, STALLS]))


# Exercise 10.3 trains for seconds, so it has tests of its own, with a text that is learnt at once.

TEXT = read_text("ab" * 400)
DEEPEST = """
def deepest(vocab_size):
    return {model}, {settings}
"""


def deep(
    model="GPT(GPTConfig(vocab_size, 8, 16, 2, 3))", settings='{"steps": 40, "lr": 2e-2}'
) -> str:
    return DEEPEST.format(model=model, settings=settings)


def judged(code: str, text=TEXT, seconds: float = 1e6):
    space = names("10.3", code)
    return checks.deepest(space["deepest"], text, seconds)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_deepest_stub_is_not_attempted():
    assert judged(_exercise("10.3").stub).status == NOT_ATTEMPTED
    assert "checks.deepest(deepest, TEXT)" in _exercise("10.3").check


def test_deepest_solution_is_right_on_a_small_text():
    fewer = re.sub(r'"steps": \d+', '"steps": 25', solution("10.3"))
    found = judged(fewer)
    assert found.status == RIGHT, found


@pytest.mark.parametrize(
    "code",
    [
        deep(),
        deep(settings="dict(steps=40, lr=2e-2, batch_size=8, seed=3)"),
        deep(settings='{"steps": 40, "lr": 0.02, "warmup": 0, "clip": 0.5, "check_every": 10}'),
        deep('GPT(GPTConfig(vocab_size, 4, 8, 1, 2, norm="sandwich"))'),
        deep('GPT(GPTConfig(vocab_size, 8, 16, 2, 1, norm="post"))', '{"steps": 80, "lr": 2e-2}'),
        deep("GPT(GPTConfig(vocab_size, 8, 8, 1, 2, dropout=0.1))"),
        deep("GPT(GPTConfig(depth=2, dim=16, num_heads=4, context=8, vocab_size=vocab_size))"),
        deep("GPT(GPTConfig(vocab_size, 8, 16, 2, 2)).double()"),
        deep("GPT(GPTConfig(vocab_size, 8, 16, 2, 2)).eval()"),
        """
def deepest(vocab_size, depth=2):
    config = GPTConfig(vocab_size=vocab_size, context=8, dim=16, num_heads=2, depth=depth)
    torch.manual_seed(7)
    model = GPT(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 2:
                weight *= 5
    settings = {}
    settings["steps"] = 40
    settings["lr"] = 0.02
    print(sum(p.numel() for p in model.parameters()))
    return [model, settings]
""",
        """
class Own(GPT):
    def __init__(self, V):
        super().__init__(GPTConfig(V, 8, 16, 2, 1))
        self.blocks = torch.nn.ModuleList([self.blocks[0]] * 4)
deepest = lambda V: (Own(V), {"steps": 40, "lr": 2e-2})
""",
    ],
)
def test_deepest_in_other_styles_is_right(code):
    found = judged(code)
    assert found.status == RIGHT, found
    assert "| 1 |" in found.message


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def deepest(vocab_size): GPT(GPTConfig(vocab_size, 8, 8, 1, 1))", "is the `return`"),
        ("def deepest(vocab_size): return GPT(GPTConfig(vocab_size, 8, 8, 1, 1))", "two things"),
        ("def deepest(vocab_size): return {'steps': 3}, GPT(GPTConfig(vocab_size, 8, 8, 1, 1))",
         "The GPT comes first"),
        (deep("GPTConfig(vocab_size, 8, 8, 1, 1)"), "a GPTConfig; a GPT is expected"),
        (deep("GPT"), "the class GPT itself; a GPT is expected"),
        (deep("torch.nn.Linear(2, 2)"), "a Linear; a GPT is expected"),
        (deep(settings="40"), "an int; a dict is expected"),
        (deep(settings='{"lr": 1e-2}'), 'lack "steps"'),
        (deep(settings='{"steps": 40, "learning_rate": 1e-2}'), "no setting 'learning_rate'"),
        (deep(settings='{"steps": 40, "checkpoint": "a.safetensors"}'), 'Leave "checkpoint" out'),
        (deep(settings='{"steps": 0}'), "A setting is not possible: steps"),
        (deep(settings='{"steps": 5, "lr": -1}'), "A setting is not possible: lr"),
        (deep("GPT(GPTConfig(103, 8, 8, 1, 1))"), "the model knows 103 tokens"),
        (deep("GPT(GPTConfig(vocab_size, 2000, 8, 1, 1))"), "cannot be trained on the text"),
        (deep("GPT(GPTConfig(vocab_size, 8, 8, 1, 1)).requires_grad_(False)"), "is frozen"),
        (deep(settings='{"steps": 1}'), "After 1 steps"),
        (deep(settings='{"steps": 30, "lr": 1e-5}'), "it must end below 0.59"),
        (deep("GPT(GPTConfig(vocab_size, 8, 8, 3, 1))"), "`deepest` stopped in its line"),
        ("deepest = GPT(GPTConfig(2, 8, 8, 1, 1)), {'steps': 3}", "A function is expected"),
        ("""
def deepest(vocab_size):
    model = GPT(GPTConfig(vocab_size, 8, 16, 2, 2))
    text = language.read_text("ab" * 400)
    language.pretrain(model, text, 40, lr=2e-2, progress=False)
    return model, {"steps": 2}
""", "it has been trained already"),
    ],
)  # fmt: skip
def test_deepest_names_the_mistake(code, says):
    found = judged(code)
    assert (found.status, found.recognised) == (NOT_YET, True), found
    assert says in found.message
    assert not Path("my_board.json").exists()


@pytest.fixture
def ticking(monkeypatch):
    """A clock on which a look takes a second."""
    ticks = itertools.count()
    monkeypatch.setattr(ten_seconds, "now", lambda: float(next(ticks)))


@pytest.mark.usefixtures("ticking")
def test_the_time_ends_a_training_and_says_how_many_steps_fit():
    found = judged(deep(), seconds=10)
    assert found.status == NOT_YET
    assert "The 10 seconds were over after 10 of 40 steps" in found.message
    assert "A step takes 1.1 seconds here: about 9 fit" in found.message


@pytest.mark.usefixtures("ticking")
def test_the_last_step_must_end_in_time():
    quick = deep(settings='{"steps": 40, "lr": 2e-2, "check_every": 5}')
    assert "after 39 of 40 steps" in judged(quick, seconds=40).message
    found = judged(quick, seconds=41)
    assert found.status == RIGHT, found
    assert "in 41.0 seconds" in found.message


def test_a_loss_that_is_not_finite_is_told():
    found = judged(deep(settings='{"steps": 40, "lr": 1e30, "warmup": 0, "clip": 1e30}'))
    assert "the loss is no finite number" in found.message


def test_a_training_that_is_stopped_is_told(monkeypatch):
    def pressed(*given, **options):
        return dataclasses.replace(pretrain(*given, **options), ended="stopped")

    monkeypatch.setattr(ten_seconds, "pretrain", pressed)
    assert "You stopped the training after 40 of 40 steps" in judged(deep()).message


def test_blocks_that_do_nothing_do_not_count():
    code = """
def deepest(vocab_size):
    model = GPT(GPTConfig(vocab_size, 8, 16, 2, 6))
    for block in model.blocks[1:4]:  # two zeros in a row have no gradients: they stay
        for part in block.parameters():
            torch.nn.init.zeros_(part)
    return model, {"steps": 40, "lr": 2e-2}
"""
    found = judged(code)
    assert found.status == RIGHT, found
    assert found.message.startswith("3 blocks change the stream (3 of 6 change it by less than 1%")
    with pytest.raises(NotYet, match="no block counts"):
        ten_seconds._report(0, 6, 16, 0.5, 3.0, 0.6)


def test_the_board_keeps_the_results_and_marks_the_newest():
    for k in (1, 3, 2):
        found = judged(deep(f"GPT(GPTConfig(vocab_size, 8, 16, 2, {k}))"))
    rows = [line for line in found.message.splitlines() if line.startswith("|")][2:]
    assert [row.split("|")[2].strip() for row in rows] == ["3", "2", "1"]
    assert ["← new" in row for row in rows] == [False, True, False]
    assert len(json.loads(Path("my_board.json").read_text())) == 3


def row(blocks, loss=1.0):
    return board.Result(blocks, 16, loss, 3.0, "2026-01-02T03:04:05")


@pytest.mark.parametrize(
    "damaged",
    ["", "[{", "{}", "3", '[{"blocks": 3}]', "[3]", "[[]]",
     '[{"blocks": "many", "width": 1, "loss": 1.0, "seconds": 1.0, "date": "2026-01-01"}]',
     '[{"blocks": 3, "width": 1, "loss": NaN, "seconds": 1.0, "date": "2026-01-01"}]',
     '[{"blocks": 3, "width": 1, "loss": 1.0, "seconds": 1.0, "date": "| new |"}]'],
)  # fmt: skip
def test_a_damaged_board_is_put_aside(damaged, tmp_path):
    path = tmp_path / "my_board.json"
    for number in (1, 2):
        path.write_text(damaged)
        results, note = board.remember(path, row(3))
        aside = tmp_path / f"my_board.damaged-{number}.json"
        assert (results, aside.read_text()) == ([row(3)], damaged)
        assert aside.name in note
    assert board.remember(path, row(4)) == ([row(4), row(3)], "")


def test_bytes_that_are_no_text_are_put_aside(tmp_path):
    path = tmp_path / "my_board.json"
    path.write_bytes(b"\xff\xfe\x00")
    assert "kept as my_board.damaged-1.json" in board.remember(path, row(3))[1]


def test_a_board_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "my_board.json").mkdir()
    results, note = board.remember(tmp_path / "my_board.json", row(3))
    assert results == [row(3)]
    assert "could not be kept" in note


def test_the_table_is_short_and_has_the_newest_at_its_end():
    rows = sorted([row(k) for k in range(2, 30)] + [row(2, 0.5), last := row(1)], key=board.rank)
    lines = board.table(rows, last).splitlines()[2:]
    assert len(lines) == board.SHOWN + 1
    assert lines[0].startswith("| 1 | 29 |")
    assert lines[-1] == "| 30 | 1 | 16 | 1.000 | 3.0 | 2026-01-02 03:04 ← new |"
    assert rows.index(row(2, 0.5)) < rows.index(row(2))
