"""The butterfly touches what is drawn at random, a little and always alike, and nothing else."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from lecture_utils.authoring import butterfly, costs
from lecture_utils.authoring.notebooks import ROOT

DRAWS = {
    "randn": lambda: torch.randn(30, 40),
    "randn with a generator": lambda: torch.randn(9, generator=torch.Generator().manual_seed(3)),
    "normal_": lambda: torch.empty(1000).normal_(),
    "a linear layer": lambda: nn.Linear(20, 30).weight.detach(),
    "an embedding": lambda: nn.Embedding(20, 30).weight.detach(),
    "He's weights": lambda: nn.init.kaiming_normal_(torch.empty(20, 30)),
    "Xavier's weights": lambda: nn.init.xavier_uniform_(torch.empty(20, 30)),
    "float64": lambda: torch.randn(50, dtype=torch.float64),
}


@pytest.fixture
def flying(monkeypatch):
    """A function that lets the butterfly with a seed fly, and one that catches it again."""
    for owner, name in ((torch.Tensor, "normal_"), (torch.Tensor, "uniform_"), (torch, "randn")):
        monkeypatch.setattr(owner, name, getattr(owner, name))  # restored at the end

    def fly(seed):
        monkeypatch.setenv(butterfly.BUTTERFLY, seed)
        butterfly.fly()

    monkeypatch.delenv(butterfly.BUTTERFLY, raising=False)
    return fly


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_every_draw_moves_by_a_millionth_and_always_alike(draw, flying):
    def drawn():
        torch.manual_seed(0)
        return draw()

    butterfly.fly()  # without a seed nothing happens
    calm = drawn()
    assert torch.equal(drawn(), calm)
    flying("1")
    moved = drawn()
    assert moved.dtype == calm.dtype
    assert torch.equal(drawn(), moved)
    share = (moved / calm - 1).abs()
    assert 2e-7 < share.median() < 2e-6
    assert share.max() < 1e-5


def test_what_has_no_numbers_is_left_alone(flying):
    flying("1")
    assert torch.empty(10**6, 10**6, device="meta").normal_().is_meta  # it would not fit


def test_another_seed_is_another_butterfly(flying):
    torch.manual_seed(0)
    flying("1")
    one = torch.randn(100)
    torch.manual_seed(0)
    flying("2")  # on top of the first
    assert not torch.equal(torch.randn(100), one)


def test_four_kernels_and_five_butterflies_are_tried():
    kernels = {n: s for n, s in butterfly.SETTINGS.items() if butterfly.BUTTERFLY not in s}
    assert len(kernels) == 4
    assert len({tuple(setting.items()) for setting in butterfly.SETTINGS.values()}) == 9


@pytest.mark.parametrize("name", list(butterfly.SETTINGS)[1:4])
def test_a_setting_changes_what_torch_computes_with(name):
    code = "import torch; print(torch.backends.cpu.get_cpu_capability())"
    found = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=dict(os.environ) | setting,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for setting in ({"ATEN_CPU_CAPABILITY": ""}, butterfly.SETTINGS[name])
    ]
    native, got = (printed.strip().lower() for printed in found)
    asked = butterfly.SETTINGS[name]["ATEN_CPU_CAPABILITY"]
    can = asked == "default" or native.startswith("avx")  # others than x86 have no AVX2
    assert got == (asked if can else native)


def test_a_kernel_lets_the_butterfly_fly(tmp_path, monkeypatch):
    from lecture_utils.authoring import notebooks

    cell = notebooks.nbformat.v4.new_code_cell(
        "import torch\ntorch.manual_seed(0)\nprint(float(torch.randn(3, dtype=torch.double)[0]))"
    )
    path = tmp_path / "probe.ipynb"
    notebooks.write(notebooks.nbformat.v4.new_notebook(cells=[cell]), path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    printed = []
    for seed in ("", "1"):
        settings = butterfly.profile(tmp_path / f"kernel{seed}") | {butterfly.BUTTERFLY: seed}
        with costs.variables(settings):
            printed.append(float(notebooks.execute(path).cells[0].outputs[0].text))
    assert printed[0] != printed[1]
    assert printed[1] == pytest.approx(printed[0], rel=1e-5)


def test_what_moved_is_printed_and_counted(monkeypatch, capsys):
    found = {
        "passed": ["notebooks.01.ipynb Cell 1", "tests.claims.test_01 test_a"],
        "failed": ["notebooks.01.ipynb Cell 2"],
    }
    monkeypatch.setattr(butterfly, "trial", lambda setting: found)
    assert butterfly.main(["butterfly 3"]) == 1
    header, row, moved = capsys.readouterr().out.splitlines()
    assert header.split() == ["setting", "cells", "moved", "claims", "broken", "minutes"]
    assert row.split()[:6] == ["butterfly", "3", "2", "1", "1", "0"]
    assert moved.strip() == "notebooks.01.ipynb Cell 2"
    found["failed"].clear()
    assert butterfly.main(["butterfly 3"]) == 0


def test_an_unknown_setting_is_named(capsys):
    assert butterfly.main(["AVX9"]) == 2
    assert "AVX9" in capsys.readouterr().out


def test_the_guides_table_is_what_was_measured(course):
    rows = costs.table(course).splitlines()
    assert [row.split(" | ")[0].strip("| ") for row in rows[2:-2]] == list(course["notebooks"])
    assert "torch 2." in rows[-1]
    assert "Python 3." in rows[-1]
