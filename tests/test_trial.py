"""The articles on trial, and where models have their norms: each row has its test or source."""

import importlib.metadata
import re

import pytest
import torch
import yaml
from reference_layers import causal_models

from lecture_utils.authoring import notebooks, trial
from lecture_utils.authoring.claims import claims_of
from lecture_utils.models import GPTBlock, GPTConfig
from lecture_utils.practice import evidence

ROWS = [row for _, row in evidence.claims(yaml.safe_load(trial.SOURCE.read_text()))]
IDS = [row["id"] for row in ROWS]
USUAL = {  # the trace of a layer in the usual form tells where its norms are
    "pre": r"(S?NF\+)+",
    "sandwich": r"(SNFN\+)+",
    "output": r"(SFN\+)+",
    "parallel": r"SNF\+\+",
}


def test_all_claims_are_on_trial_once():
    wanted = [f"A{n}" for n in range(1, 18)] + [f"B{n}" for n in range(1, 13)]
    assert sorted(IDS) == sorted(wanted)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_a_verdict_has_its_test_or_its_source(row):
    assert set(row) == {"id", "claim", "verdict", "right", "but", "where", "tests", "sources"}
    assert row["verdict"] in trial.VERDICTS
    assert row["tests"] or row["sources"] or row["verdict"] == "no source found"
    assert len(f"{row['right']} {row['but']}".split()) < 75


def _exists(name: str, test: str) -> bool:
    if re.fullmatch(r"\d\d", name):
        return test in {found for found, _ in claims_of(name)}
    path = notebooks.ROOT / "tests" / f"test_{name}.py"
    return re.search(rf"^def {test}\(", path.read_text(encoding="utf-8"), re.MULTILINE) is not None


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_the_tests_that_are_named_exist(row):
    for named in row["tests"]:
        assert _exists(*named.split("#")), f"{row['id']} names {named}"


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_a_number_is_from_a_test_that_the_row_names(row):
    used = re.findall(r"\{claim:(\w+#\w+)", f"{row['right']} {row['but']}")
    assert set(used) <= set(row["tests"])


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_the_sections_that_are_named_exist(row):
    for section in row["where"]:
        text = "\n".join(c.source for c in notebooks.read(notebooks.path_of(_page(section))).cells)
        assert re.search(rf"^###? {re.escape(section)} ", text, re.MULTILINE), section


def _page(section: str) -> str:
    return f"{int(section.partition('.')[0]):02}"


def test_a_section_belongs_to_a_test_of_the_row():
    for row in ROWS:
        pages = {test[:2] for test in row["tests"] if test[2] == "#"}
        assert pages <= {_page(section) for section in row["where"]}, row["id"]


def test_the_notebook_reads_what_the_tests_measure():
    assert trial.FILLED.read_bytes() == trial.content(), "trial.json is behind: make generate"
    assert not re.search(r"[{]\w+[:}]", trial.FILLED.read_text(encoding="utf-8"))


def test_a_claim_that_does_not_exist_is_no_number():
    with pytest.raises(KeyError):
        trial.number_of("04", "test_nothing_of_the_kind")


def test_a_table_has_a_row_for_each_claim():
    rows = [row for _, row in evidence.claims(evidence.trial())]
    lines = evidence.as_table(rows).splitlines()
    assert len(lines) == 2 + len(rows)
    assert all(line.count("|") == 3 for line in lines)


def test_placements_are_those_of_the_library():
    found = evidence.placements()
    assert importlib.metadata.version("transformers") == found["version"]
    listed = {row["model"]: (row["layer"], row["trace"]) for row in found["models"]}
    assert listed == causal_models()
    assert set(evidence.counts(found)) == {row["placement"] for row in found["models"]}


@pytest.mark.parametrize("row", evidence.placements()["models"], ids=lambda row: row["model"])
def test_a_trace_of_the_usual_form_tells_the_placement(row):
    usual = next((k for k, form in USUAL.items() if re.fullmatch(form, row["trace"])), None)
    if usual and row["model"] != "olmo_hybrid":  # whose other layers are pre-norm
        assert row["placement"] == usual


def test_a_name_does_not_tell_the_placement():
    """`post_attention_layernorm` is a norm before a branch in one model, after it in another."""
    places = {row["model"]: row["placement"] for row in evidence.placements()["models"]}
    from reference_layers import MODELS

    for model, place in (("llama", "pre"), ("gemma2", "sandwich"), ("olmo2", "output")):
        code = (MODELS / model / f"modeling_{model}.py").read_text(encoding="utf-8")
        assert "post_attention_layernorm" in code
        assert places[model] == place


def _kept(use_shortcut: bool, dim: int, length: int) -> int:
    """Bytes that a block keeps for its backward pass, besides its weights."""
    torch.manual_seed(0)
    block = GPTBlock(GPTConfig(100, 256, dim, 4, 1, use_shortcut=use_shortcut))
    own = {p.untyped_storage().data_ptr() for p in block.parameters()}
    kept = {}

    def keep(x: torch.Tensor) -> torch.Tensor:
        if x.untyped_storage().data_ptr() not in own:
            kept[x.untyped_storage().data_ptr()] = x
        return x

    x = torch.randn(2, length, dim, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        y = block(x)
    assert y.requires_grad
    return sum(x.untyped_storage().nbytes() for x in kept.values())


@pytest.mark.parametrize("dim", [64, 128])
@pytest.mark.parametrize("length", [16, 64])
def test_shortcuts_keep_nothing_for_the_backward_pass(dim, length):
    assert _kept(True, dim, length) == _kept(False, dim, length) > 0
