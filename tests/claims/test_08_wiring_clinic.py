"""The claims of notebook 08: table rows and tests in one.

Nothing here is trained. Seeds 1000 to 1019 gave: one sample changed 0.124 [0.09, 0.19], leak of G
0.095 [0.071, 0.126], 1 against a random vector 1e-15, the same in post-norm 0.65 [0.49, 1.29],
padding 0.27 [0.21, 0.36], M 0.041 [0.034, 0.053]; 12, 0 and 3 of the counts on each seed.
"""

import functools

import torch

from lecture_utils import clinic
from lecture_utils.authoring.claims import claim
from lecture_utils.clinic import panels, properties
from lecture_utils.clinic.patients import PatientG
from lecture_utils.clinic.ward import DeepNormDecoder

SEEDS = range(20)
NAMES = [test.__name__ for test in clinic.TESTS]


@functools.cache
def failed(who, seed):
    """Names of the tests that a decoder fails."""
    results = zip(NAMES, clinic.examine(who, seed), strict=True)
    return frozenset(name for name, result in results if result == 0)


@claim(
    section="8.1",
    says="Patient A: one sample of four changed at random, how far the output of a later sample "
    "moves (root mean square)",
    measured="0.108 [0.077, 0.17]",
    bound="above 0.03",
    holds="20 of 20",
    inspired="[om-ai-lab/OmDet #19](https://github.com/om-ai-lab/OmDet/issues/19)",
)
def test_neighbours_move(notebook):
    found = []
    for seed in SEEDS:
        assert not notebook.samples_are_independent(clinic.admit("A", seed), clinic.sequences(seed))
        moved = panels.influence(clinic.admit("A", seed), clinic.sequences(seed), axis=0)
        found.append(moved.triu(1).sum() / 6)
    return torch.stack(found)


@claim(
    section="8.2",
    says="Patient G: one token of six changed at random, how far an earlier token's output moves",
    measured="0.087 [0.067, 0.135]",
    bound="above 0.03",
    holds="20 of 20",
    inspired="[pytorch/pytorch #28272](https://github.com/pytorch/pytorch/issues/28272)",
)
def test_the_past_moves(notebook):
    found = []
    for seed in SEEDS:
        moved = panels.influence(clinic.admit("G", seed), clinic.sequences(seed), axis=1)
        found.append(moved.tril(-1).sum() / 15)
    return torch.stack(found)


@claim(
    section="8.2",
    says="… if 1 is added to all entries of the last token, relative to a random vector",
    measured="1e-15 [5e-16, 3e-15]",
    bound="below 1e-9",
    holds="20 of 20",
    inspired="notebook 06, section 6.6",
    tolerance=1e-12,
)
def test_adding_one_finds_nothing(notebook):
    assert clinic.failures(notebook.future_is_hidden, "G", SEEDS, kick=torch.ones_like) == 0
    assert clinic.failures(notebook.future_is_hidden, "G", SEEDS) == 20
    return [one_against_random(clinic.admit("G", seed), seed) for seed in SEEDS]


class PostNormG(DeepNormDecoder):
    """The flipped mask in a post-norm decoder."""

    attention = PatientG.attention


@claim(
    section="8.2",
    says="… the same in a post-norm decoder with that mask",
    measured="0.755 [0.368, 1.47]",
    bound="above 0.1",
    holds="20 of 20",
)
def test_adding_one_is_enough_in_post_norm(notebook):
    found = []
    for seed in SEEDS:
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            model = PostNormG().double().eval()
        assert not notebook.future_is_hidden(model, clinic.sequences(seed), torch.ones_like)
        found.append(one_against_random(model, seed))
    return found


def one_against_random(model, seed):
    """How far the outputs before the last token move, if 1 or a random vector is added to it."""
    draw, moved = torch.Generator().manual_seed(500 + seed), []
    x, kick = clinic.sequences(seed), torch.randn(4, 16, generator=draw, dtype=torch.float64)
    for added in (torch.ones_like(kick), kick):
        changed = x.clone()
        changed[:, -1] += added
        moved.append((model(changed) - model(x))[:, :-1].norm().item())
    return moved[0] / moved[1]


@claim(
    section="8.5",
    says="Patient C: weight that the last of six tokens gives to two tokens of padding, first "
    "block (should be 0)",
    measured="0.28 [0.164, 0.334]",
    bound="above 0.1",
    holds="20 of 20",
    inspired="[georg-wolflein/good-features #1]"
    "(https://github.com/georg-wolflein/good-features/pull/1)",
)
def test_padding_is_seen(notebook):
    found = []
    for seed in SEEDS:
        model, x = clinic.admit("C", seed), clinic.sequences(seed)
        padding = torch.zeros(x.shape[:2], dtype=torch.bool)
        padding[:, :2] = True
        part = model.blocks[0].attention
        scores = part.branch.scores(part.norm_in(model.embed(x)), padding)
        found.append(scores.softmax(-1)[:, :, -1, :2].sum(-1).mean())
    return torch.stack(found)


@claim(
    section="8.6",
    says="Of twelve patients (A to L), how many fail the test that is named for their fault",
    measured="12 [12, 12]",
    bound="above 11.5",
    holds="20 of 20",
)
def test_each_fault_is_found(notebook):
    named = {who: clinic.DIAGNOSES[who].test for who in clinic.PATIENTS}
    return [sum(test in failed(who, seed) for who, test in named.items()) for seed in SEEDS]


@claim(
    section="8.6",
    says="Tests that two healthy decoders and patient M fail, of 31 that apply",
    measured="0 [0, 0]",
    bound="below 0.5",
    holds="20 of 20",
    tolerance=0.1,
)
def test_the_healthy_and_m_pass(notebook):
    return [sum(len(failed(who, s)) for who in ("pre-norm", "DeepNorm", "M")) for s in SEEDS]


@claim(
    section="8.6",
    says="… and yet M's output differs from the healthy decoder's with the same weights, relative",
    measured="0.036 [0.028, 0.05]",
    bound="above 0.01",
    holds="20 of 20",
    inspired="[karpathy/ng-video-lecture #6](https://github.com/karpathy/ng-video-lecture/pull/6)",
)
def test_a_wrong_number_moves_the_output(notebook):
    found = []
    for seed in SEEDS:
        x = clinic.sequences(seed)
        right, wrong = (clinic.admit(who, seed)(x) for who in ("pre-norm", "M"))
        found.append((wrong - right).norm() / right.norm())
    return torch.stack(found)


@claim(
    section="8.7",
    says="`nn.TransformerEncoder` with defaults: how many of three tests it fails",
    measured="3 [3, 3]",
    bound="above 2.5",
    holds="20 of 20",
    source="[pytorch/pytorch #86274](https://github.com/pytorch/pytorch/issues/86274), on copies",
)
def test_defaults_of_pytorch(notebook):
    asked = ("samples_are_independent", "output_is_normalised", "blocks_start_different")
    found = []
    for seed in SEEDS:
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            layer = torch.nn.TransformerEncoderLayer(16, 2, 64, norm_first=True)
        stack = torch.nn.TransformerEncoder(layer, 3, enable_nested_tensor=False).double().eval()
        stack.blocks = stack.layers
        tests = [getattr(properties, name) for name in asked]
        found.append(sum(not test(stack, clinic.sequences(seed)) for test in tests))
    return found
