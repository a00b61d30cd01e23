"""The wiring clinic: each patient fails its named test, and the healthy decoders fail none."""

import ast
import functools
import inspect
import math

import matplotlib.pyplot as plt
import pytest
import torch
from test_taught_is_shipped import bare, classes
from torch import nn
from torch.nn import functional as F

from lecture_utils import clinic
from lecture_utils.authoring import notebooks
from lecture_utils.checks import wiring
from lecture_utils.clinic import panels, pictures, properties
from lecture_utils.clinic.ward import Attention

SEEDS = range(20)
LETTERS = clinic.PATIENTS + "M"
MORE = {  # what a fault breaks besides its named test
    "A": {"place_in_batch_is_irrelevant"},  # the causal mask gives the batch an order
    "B": {"jacobian_is_identity_plus_branch", "sum_of_updates"},
}
patients = pytest.mark.parametrize("who", LETTERS)
healthy = pytest.mark.parametrize("who", ["pre-norm", "DeepNorm"])


@functools.cache
def failed(who, seed):
    results = zip(clinic.TESTS, clinic.examine(who, seed), strict=True)
    return {test.__name__ for test, result in results if result == 0}


@healthy
def test_a_healthy_decoder_passes_every_test(who):
    assert [failed(who, seed) for seed in SEEDS] == [set()] * len(SEEDS)


@patients
def test_a_patient_fails_its_named_test(who):
    named = {clinic.DIAGNOSES[who].test} - {""}
    expected = named | MORE.get(who, set())
    assert [failed(who, seed) for seed in SEEDS] == [expected] * len(SEEDS)


def test_each_test_can_fail():
    named = {fault.test for fault in clinic.DIAGNOSES.values() if fault.test}
    assert {test.__name__ for test in clinic.TESTS} == named | MORE["B"]


def test_post_norm_is_not_asked_what_it_never_had():
    x, model = clinic.sequences(), clinic.admit("DeepNorm")
    for test in properties.OPEN_SHORTCUT:
        assert not test(model, x)
    left_out = sum(math.isnan(result) for result in clinic.examine("DeepNorm"))
    assert left_out == len(properties.OPEN_SHORTCUT)


def test_the_scale_that_no_test_finds_does_change_the_output():
    x, right, wrong = clinic.sequences(), clinic.admit("pre-norm"), clinic.admit("M")
    for a, b in zip(right.parameters(), wrong.parameters(), strict=True):
        assert torch.equal(a, b)
    assert (right(x) - wrong(x)).abs().max() > 1e-3


def test_a_constant_hides_the_leak():
    test = properties.future_is_hidden
    assert clinic.failures(test, "G", kick=torch.ones_like) == 0
    assert clinic.failures(test, "G") == len(SEEDS)


def test_a_batch_of_one_hides_the_attention_over_the_batch():
    assert clinic.failures(properties.samples_are_independent, "A", samples=1) == 0


def test_what_a_test_draws_is_not_what_it_replaces():
    seen = []

    def spy(model, x):
        seen.append(not torch.equal(torch.randn_like(x), x))
        return True

    clinic.failures(spy, "C", seeds=range(3))
    properties.outcome(spy, clinic.admit("C"), clinic.sequences(), seed=0)
    assert seen == [True] * 4


def test_property_tests_are_short_and_say_what_they_ask():
    for test in clinic.TESTS:
        (function,) = ast.parse(inspect.getsource(test)).body
        body = function.body[1:]  # without the docstring
        assert body[-1].end_lineno - body[0].lineno < 10, test.__name__
        assert "Finds" in test.__doc__


def test_the_tests_of_the_notebook_are_those_of_the_package():
    cells = notebooks.read(notebooks.path_of("08")).cells
    taught = {}
    for cell in cells:
        if cell.cell_type == "code" and not notebooks.is_exercise(cell):
            taught |= classes(cell.source)
    package = {t.__name__: classes(inspect.getsource(t))[t.__name__] for t in clinic.TESTS}
    assert len(set(taught) & set(package)) >= 4
    for name in set(taught) & set(package):
        assert bare(taught[name]) == bare(package[name]), name


@pytest.mark.parametrize("who", ["pre-norm", "DeepNorm", *LETTERS])
def test_every_decoder_runs_and_can_be_trained(who):
    x = clinic.sequences().float()
    model = clinic.admit(who).float().train()
    y = model(x)
    assert y.shape == x.shape
    (y * torch.randn_like(y)).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), name


@patients
def test_a_patient_is_not_the_healthy_decoder(who):
    x, well = clinic.sequences(), clinic.admit("DeepNorm" if who == "H" else "pre-norm")
    ill = clinic.admit(who)
    padding = torch.zeros(4, 6, dtype=torch.bool)
    padding[0, :2] = True
    torch.manual_seed(0)
    one = well.train()(x, padding)
    torch.manual_seed(0)
    two = ill.train()(x, padding)
    assert (one - two).abs().max() > 1e-3


def test_a_padded_sample_leaves_no_empty_row():
    padding = torch.ones(4, 6, dtype=torch.bool)
    assert clinic.admit("pre-norm")(clinic.sequences(), padding).isfinite().all()


def test_the_clinics_attention_is_the_usual_one():
    torch.manual_seed(0)
    part, x = Attention(16, 2).double(), clinic.sequences()
    Q, K, V = (part.split(linear(x)) for linear in (part.query, part.key, part.value))
    heads = F.scaled_dot_product_attention(Q, K, V, is_causal=True)
    assert torch.allclose(part(x), part.out(heads.transpose(1, 2).flatten(2)), atol=1e-12)


def test_deep_norm_multiplies_the_shortcut():
    part, x = clinic.admit("DeepNorm").blocks[0].feed_forward, clinic.sequences()
    expected = F.layer_norm(6**0.25 * x + part.branch(x), (16,))
    assert torch.allclose(part(x), expected, atol=1e-12)


def test_admission_leaves_the_random_state_alone_and_is_repeatable():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, two = clinic.admit("C", 3), clinic.admit("C", 3)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.positions, clinic.admit("C", 4).positions)


def test_an_unknown_patient_is_an_error():
    with pytest.raises(ValueError, match="unknown patient 'Z'"):
        clinic.admit("Z")


def test_sources_stand_in_the_notebook():
    text = "\n".join(cell.source for cell in notebooks.read(notebooks.path_of("08")).cells)
    for who, fault in clinic.DIAGNOSES.items():
        assert f"https://github.com/{fault.source})" in text, who


def weights_on_padding(model, x):
    padding = torch.zeros(x.shape[:2], dtype=torch.bool)
    padding[0, :2] = True
    part = model.blocks[0].attention
    scores = part.branch.scores(part.norm_in(model.embed(x)), padding).softmax(-1)
    return scores[0, :, 2:, :2].abs().max() == 0


def stays(model, x):
    h = properties.silenced(model).train().stream(x)
    return torch.equal(h[-1], h[0])


def looks_healthy(kind, model, x):
    """Whether a picture of this kind looks as a healthy decoder's does."""
    return {
        "samples": lambda: (panels.influence(model, x, 0).fill_diagonal_(0) == 0).all(),
        "shortcut": lambda: properties.jacobian_is_identity_plus_branch(model, x),
        "padding": lambda: weights_on_padding(model, x),
        "start": lambda: properties.stream_writers_start_small(model, x),
        "input": lambda: (model.embed(x) - x).std(0).max() < 1e-9,
        "shares": lambda: properties.sum_of_updates(model, x),
        "tokens": lambda: (panels.influence(model, x, 1).tril(-1) == 0).all(),
        "blocks": lambda: properties.blocks_start_different(model, x),
        "training": lambda: stays(model, x),
        "output": lambda: properties.output_is_normalised(model, x),
    }[kind]()


@pytest.mark.parametrize("kind", list(wiring._KINDS))
def test_the_check_says_healthy_only_where_it_is(kind):
    torch.manual_seed(0)
    x = clinic.sequences()
    owners, *_ = wiring._KINDS[kind]
    for who in clinic.PATIENTS.replace("H", ""):
        name = clinic.DIAGNOSES[who].name
        if who in owners:
            assert not looks_healthy(kind, clinic.admit(who), x), name
        elif (kind, name) not in wiring._AGAINST:
            assert looks_healthy(kind, clinic.admit(who), x), name


def test_every_message_is_for_a_fault_of_the_list():
    assert {name for _, name in wiring._AGAINST} <= set(clinic.FAULTS)
    assert {fault.name for fault in clinic.DIAGNOSES.values()} - set(clinic.FAULTS) == {
        clinic.DIAGNOSES["M"].name
    }
    assert isinstance(clinic.admit("M"), nn.Module)


@pytest.mark.parametrize("kind", list(clinic.KINDS))
def test_every_picture_can_be_taken_of_every_patient(kind):
    for who in LETTERS:
        fig, alt = clinic.beside(who, kind)
        assert f"patient {who}: " in alt
        assert len(fig.axes) == 2
        plt.close(fig)
    with pytest.raises(ValueError, match="unknown picture 'x-ray'"):
        clinic.beside("A", "x-ray")


def test_each_picture_of_the_ward_belongs_to_the_test_that_is_named_for_the_fault():
    for who, kind in pictures.OF_PATIENT.items():
        assert clinic.KINDS[kind][2] == clinic.DIAGNOSES[who].test or who == "B"
    fig, alt = clinic.ward("BCD")
    assert all(f"{who}, {clinic.KINDS[pictures.OF_PATIENT[who]][0]}: " in alt for who in "BCD")
    plt.close(fig)
