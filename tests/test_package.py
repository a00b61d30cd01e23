"""Data, measuring, plots, verdicts: what they promise, and what they say to bad input."""

import subprocess
import sys
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

import lecture_utils
from lecture_utils import plots
from lecture_utils.authoring.claims import Claim
from lecture_utils.authoring.notebooks import ROOT
from lecture_utils.data import corpus, digits
from lecture_utils.measure import report, slope, spread


def test_digits_are_standardised_and_always_the_same():
    data, again = digits(), digits()
    assert data.train_x.shape == (1437, 64)
    assert data.test_x.shape == (360, 64)
    assert data.train_x.dtype == torch.float32
    assert data.train_y.dtype == data.test_y.dtype == torch.int64
    assert torch.equal(data.train_x, again.train_x)
    moving = data.train_x.std(0) > 0
    assert data.train_x.mean(0).abs().max() < 1e-5
    torch.testing.assert_close(
        data.train_x[:, moving].var(0, unbiased=False), torch.ones(int(moving.sum()))
    )
    assert torch.bincount(data.train_y).min() > 130
    assert data.train_x.isfinite().all()


def test_digits_are_the_published_scans():
    """The sums of scikit-learn's copy, and of its stratified split with random_state 0."""
    with np.load(ROOT / "lecture_utils" / "digits.npz") as stored:
        pixels, labels = stored["pixels"].astype(int), stored["labels"].astype(int)
    assert pixels.shape == (1797, 64)
    assert (pixels.min(), pixels.max(), pixels.sum()) == (0, 16, 561718)
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(labels[:1437]).tolist() == [142, 146, 142, 146, 145, 145, 145, 143, 139, 144]
    in_order = (np.arange(1, 1798) * (pixels @ np.arange(64) + labels)).sum()
    assert in_order == 15851046225


def test_corpus_is_pythons_documentation():
    text = corpus()
    assert len(text) > 300_000
    assert "lambda" in text
    assert text == corpus()


def test_corpus_reads_the_readers_own_file(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("Grüße\n", encoding="utf-8")
    assert corpus(path) == corpus(str(path)) == "Grüße\n"


def test_corpus_with_a_bad_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no text file at"):
        corpus(tmp_path / "missing.txt")
    with pytest.raises(FileNotFoundError, match="no text file at"):
        corpus(tmp_path)
    (tmp_path / "empty.txt").write_text(" \n")
    with pytest.raises(ValueError, match="is empty"):
        corpus(tmp_path / "empty.txt")
    (tmp_path / "latin.txt").write_bytes(b"Gr\xfc\xdfe")
    with pytest.raises(ValueError, match="not UTF-8"):
        corpus(tmp_path / "latin.txt")


def test_spread_counts_what_is_not_finite():
    found = spread([1.0, float("nan"), 3.0, float("inf"), 2.0])
    assert (found.median, found.low, found.high, found.n, found.nonfinite) == (2, 1, 3, 5, 2)
    assert "2 of them not finite" in str(found)
    assert spread([float("nan")]).nonfinite == 1
    with pytest.raises(ValueError, match="no values"):
        spread([])
    with pytest.raises(ValueError, match="in a list; got '123'"):
        spread("123")


def test_report_prints_one_line(capsys):
    report("gain", [3e7, 1.6e7, 5.6e7])
    assert capsys.readouterr().out == "gain: median 3e+07, from 1.6e+07 to 5.6e+07 over 3 seeds\n"


def test_slope_is_least_squares():
    x = torch.tensor([0.0, 1.0, 2.0, 4.0])
    y = torch.stack([3 * x + 1, torch.tensor([1.0, -2.0, 0.5, 7.0])])
    expected = [np.polyfit(x.numpy(), row.numpy(), 1)[0] for row in y]
    assert slope(x, y).tolist() == pytest.approx(expected)
    with pytest.raises(ValueError, match="at least 2 points"):
        slope(torch.ones(1), torch.ones(1))
    with pytest.raises(ValueError, match="points"):
        slope(x, torch.ones(3))
    with pytest.raises(ValueError, match="needs two that differ"):
        slope(torch.ones(3), torch.ones(3))


@pytest.fixture
def figure():
    fig, ax = plots.figure("A finding", "layer", "norm")
    yield fig, ax
    plt.close("all")


@pytest.mark.parametrize("alt", ["", "a figure", "The line falls from one to four", None])
def test_show_wants_a_sentence(figure, alt):
    with pytest.raises(ValueError, match="alt must be a sentence"):
        plots.show(figure[0], alt)


def test_picture_has_alt_text_and_closes_the_figure(figure):
    fig, ax = figure
    plots.line(ax, [0, 1, 2], [1, 2, 3], "up", plots.PLAIN)
    alt = "The line rises from 1 to 3 over 3 layers."
    data, metadata = plots.picture(fig, alt)
    assert data["image/png"].startswith(b"\x89PNG")
    assert data["text/plain"] == metadata["image/png"]["alt"] == alt
    assert not plt.get_fignums()


def test_band_draws_median_and_range_and_skips_what_is_not_finite(figure):
    _, ax = figure
    values = torch.tensor([[1.0, 10.0, float("nan")], [3.0, float("inf"), float("nan")]])
    plots.band(ax, [0, 1, 2], values, "both", plots.SHORTCUT)
    (drawn,) = ax.lines
    assert drawn.get_xydata().tolist() == [[0, 2], [1, 10]]
    with pytest.raises(ValueError, match=r"shape \(seeds, 2\)"):
        plots.band(ax, [0, 1], values, "bad", plots.SHORTCUT)
    with pytest.raises(ValueError, match="same length"):
        plots.line(ax, [0, 1], [1], "bad", plots.SHORTCUT)


def test_figure_wants_title_and_labels():
    with pytest.raises(ValueError, match="states the finding"):
        plots.figure("", "x", "y")
    with pytest.raises(ValueError, match="columns"):
        plots.figure("t", "x", "y", columns=0)


def test_labels_at_line_ends_do_not_overlap(figure):
    fig, ax = figure
    for k in range(3):
        plots.line(ax, [0, 1], [0, 1 + k / 1000], f"line {k}", plots.PLAIN)
    fig.canvas.draw()
    plots._part_labels(fig)
    boxes = sorted((t.get_window_extent() for t in ax.texts), key=lambda box: box.y0)
    for lower, upper in pairwise(boxes):
        assert upper.y0 >= lower.y1 - 1


def test_setup_sets_one_thread_and_import_sets_nothing():
    code = (
        "import torch, matplotlib; before = torch.get_num_threads(), dict(matplotlib.rcParams);"
        "import lecture_utils.plots, lecture_utils.checks, lecture_utils.explorers;"
        "import lecture_utils.models, lecture_utils.data, lecture_utils.training;"
        "assert (torch.get_num_threads(), dict(matplotlib.rcParams)) == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    lecture_utils.setup()
    assert torch.get_num_threads() == 1


ROW = {
    "section": "1.1", "says": "x", "measured": "0.50 [0.40, 0.60]", "bound": "0.3 to 0.7",
    "holds": "20 of 20", "source": "ours",
}  # fmt: skip
GOOD = torch.linspace(0.4, 0.6, 20)


def test_a_claim_that_holds():
    Claim(**ROW).check(GOOD)
    Claim(**ROW | {"bound": "above 0.3"}).check(GOOD)
    Claim(**ROW | {"bound": "below 0.61"}).check(GOOD)
    Claim(**ROW | {"bound": "above 0.41", "holds": "18 of 20"}).check(GOOD)


@pytest.mark.parametrize(
    ("change", "values", "says"),
    [
        ({}, GOOD[:19], "19 values"),
        ({"bound": "0.45 to 0.7"}, GOOD, "of 20"),
        ({"measured": "0.70 [0.40, 0.60]"}, GOOD, "the table prints"),
        ({"measured": "0.50 [0.10, 0.60]"}, GOOD, "the table prints"),
        ({}, torch.cat([GOOD[:19], torch.tensor([float("nan")])]), "19 of 20"),
        ({"holds": "10 of 10"}, GOOD[:10], "10 values"),
    ],
)
def test_a_claim_that_does_not_hold(change, values, says):
    with pytest.raises(AssertionError, match=says):
        Claim(**ROW | change).check(values)


def test_a_claim_with_an_unreadable_bound():
    with pytest.raises(ValueError, match="bound 'about 3'"):
        Claim(**ROW | {"bound": "about 3"}).limits()
