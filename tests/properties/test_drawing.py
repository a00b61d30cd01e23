"""What is drawn, and the wiring clinic: each argument of each function, given what it is not."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from properties.bad import refusal

from lecture_utils import clinic, diagrams, explorers, heads, plots
from lecture_utils.clinic import properties
from lecture_utils.explorers import controls, mlp, shapes

ALT = "A line that rises from 0 to 1 in two steps."
META = torch.ones(2, 2, device="meta")
NO_TEXT = [None, 5, b"a", ["a"], ""]
NO_NAMES = [None, 5, "ab", [], [1, 2], b"ab", torch.ones(2)]
NO_COLOR = [None, "", "no colour", 5, "none", (1, 2), "#12"]
NO_COUNT = [0, -1, 1.0, 2.5, True, None, "2", float("nan"), 10**9, torch.tensor(2)]
NO_ROW = [None, "12", 5, [], [1, None], ["a", "b"], [True, False], [1j, 2], {1, 2}, np.ones((2, 2))]
NO_ROW += [torch.tensor([True, False]), torch.ones(2, dtype=torch.cfloat), META[0], [10**400, 1]]
NO_ROW += [torch.ones(2).to_sparse(), [[1], [1, 2]], np.array(["1", "2"]), object()]
NO_FUNCTION = [None, 5, "sum", [len]]
NAN, INF = float("nan"), float("inf")


@pytest.fixture
def ax():
    yield plt.figure().add_subplot()
    plt.close("all")


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def good_figure():
    fig, ax = plots.figure("A finding", "x", "y")
    plots.line(ax, [0, 1], [0, 1], "rises", plots.PLAIN)
    return fig


# What is wrong, as (function of the axes and one bad value, the bad values).

FIGURE = {
    "title": lambda ax, v: plots.figure(v, "x", "y"),
    "xlabel": lambda ax, v: plots.figure("A", v, "y"),
    "ylabel": lambda ax, v: plots.figure("A", "x", v),
}
ROWS = {
    "line x": lambda ax, v: plots.line(ax, v, [1, 2], "a", plots.PLAIN),
    "line y": lambda ax, v: plots.line(ax, [1, 2], v, "a", plots.PLAIN),
    "band x": lambda ax, v: plots.band(ax, v, [[1, 2]], "a", plots.PLAIN),
    "start": lambda ax, v: None if v is None else explorers.three_tokens(X, ABC, start=v),
    "steps": lambda ax, v: explorers.draw_slices("A", {"plain": torch.ones(2, 2)}, v),
}
TABLES = {
    "band values": lambda ax, v: plots.band(ax, [1, 2], v, "a", plots.PLAIN),
    "weights": lambda ax, v: heads.table(ax, v, ["a"], ["b"]),
    "passed": lambda ax, v: clinic.chart(v, ["a"], ["b"], "A"),
    "J": lambda ax, v: explorers.draw_arrows(ax, v, 0.5),
    "J of arrows": lambda ax, v: explorers.arrows(v),
    "x": lambda ax, v: explorers.draw_attention(v, ABC, "A"),
    "x of three": lambda ax, v: explorers.three_tokens(v, ABC),
    "slice": lambda ax, v: explorers.draw_slices("A", {"plain": v}, [0, 1]),
    "part": lambda ax, v: explorers.draw_parts({"pre": {"common": v, "differences": v}}, "A"),
    "sign": lambda ax, v: mlp.relative(dict.fromkeys(("size", "gradient", "likeness"), v)),
}
NAMES = {
    "kinds": lambda ax, v: diagrams.blocks(v, "A"),
    "branches": lambda ax, v: diagrams.blocks(("plain",), "A", branches=v),
    "norms": lambda ax, v: diagrams.placements(v),
    "rows": lambda ax, v: heads.table(ax, torch.eye(2), v, ["a", "b"]),
    "columns": lambda ax, v: heads.table(ax, torch.eye(2), ["a", "b"], v),
    "decoders": lambda ax, v: clinic.chart(torch.eye(2), v, ["a", "b"], "A"),
    "tests": lambda ax, v: clinic.chart(torch.eye(2), ["a", "b"], v, "A"),
    "bridges": lambda ax, v: explorers.widths(len, v),
    "tokens": lambda ax, v: explorers.draw_attention(X, v, "A"),
}
COUNTS = {
    "columns": lambda ax, v: plots.figure("A", "x", "y", columns=v),
    "heads": lambda ax, v: heads.shapes(heads=v),
    "time": lambda ax, v: heads.shapes(time=v),
    "d_h": lambda ax, v: heads.shapes(d_h=v),
    "samples": lambda ax, v: clinic.sequences(samples=v),
    "layers": lambda ax, v: shapes.stairs(v, 2),
    "every": lambda ax, v: None if v == 10**9 else shapes.stairs(5, v),
}
COLORS = {
    "ink": lambda ax, v: plots.ink(v),
    "line": lambda ax, v: plots.line(ax, [1], [1], "a", v),
    "band": lambda ax, v: plots.band(ax, [1], [[1]], "a", v),
}
FUNCTIONS = {
    "story": lambda ax, v: explorers.story(v),
    "gradient_flow": lambda ax, v: explorers.gradient_flow(v, {"a": len}, {"a": 1, "b": 2}),
    "activation": lambda ax, v: explorers.gradient_flow(len, {"a": v}, {"a": 1, "b": 2}),
    "widths": lambda ax, v: explorers.widths(v, ["a"]),
    "slices": lambda ax, v: explorers.slices({"plain": [len]}, v, len),
    "share": lambda ax, v: explorers.slices({"plain": [len]}, len, v),
    "vital_signs": lambda ax, v: explorers.vital_signs(v, {"He": len}),
    "weights": lambda ax, v: explorers.vital_signs(len, {"He": v}),
    "placements": lambda ax, v: explorers.placements(v),
    "gpt_stream": lambda ax, v: explorers.gpt_stream(v),
    "pictures": lambda ax, v: explorers.pictures(v, "AB", clinic.KINDS, "A", "tokens"),
    "draw": lambda ax, v: controls.connect(v),
    "failures": lambda ax, v: clinic.failures(v, "A"),
    "outcome": lambda ax, v: clinic.outcome(v, clinic.admit("A"), clinic.sequences()),
}
X, ABC = torch.ones(3, 2), ("a", "b", "c")
CALLS = [
    *((name, call, value) for name, call in FIGURE.items() for value in NO_TEXT),
    *((name, call, value) for name, call in ROWS.items() for value in NO_ROW),
    *((name, call, value) for name, call in TABLES.items() for value in [*NO_ROW[:3], META]),
    *(
        (name, call, [value])
        for name, call in TABLES.items()
        for value in (["a"], [], [None], [1j])
    ),
    *((name, call, value) for name, call in NAMES.items() for value in NO_NAMES),
    *((name, call, value) for name, call in COUNTS.items() for value in NO_COUNT),
    *((name, call, value) for name, call in COLORS.items() for value in NO_COLOR),
    *((name, call, value) for name, call in FUNCTIONS.items() for value in NO_FUNCTION),
]
CALLS = [row for row in CALLS if not (row[2] is None and row[0] == "start")]
CALLS = [row for row in CALLS if not (row[0] == "every" and row[2] == 10**9)]


@pytest.mark.parametrize(("name", "call", "value"), CALLS, ids=[row[0] for row in CALLS])
def test_each_argument_given_what_it_is_not(name, call, value, ax):
    said = refusal(lambda: call(ax, value))
    assert "got" in said or "on the meta device" in said


def dc(norms):
    return {norm: {"common": torch.ones(2, 3), "differences": torch.ones(2, 3)} for norm in norms}


def broken_test(model, x):
    """A test that has forgotten its return."""
    properties.samples_are_independent(model, x)


OTHERS = {
    "alt empty": lambda ax: plots.show(good_figure(), ""),
    "alt a word": lambda ax: plots.show(good_figure(), "figure"),
    "alt none": lambda ax: plots.show(good_figure(), None),
    "no figure": lambda ax: plots.show(None, ALT),
    "figure and axes": lambda ax: plots.show((good_figure(), ax), ALT),
    "axes as figure": lambda ax: plots.show(ax, ALT),
    "axes": lambda ax: plots.line([ax, ax], [1], [1], "a", plots.PLAIN),
    "axes array": lambda ax: plots.band(np.array([ax]), [1], [[1]], "a", plots.PLAIN),
    "label": lambda ax: plots.line(ax, [1], [1], None, plots.PLAIN),
    "style": lambda ax: plots.line(ax, [1], [1], "a", plots.PLAIN, "dashes"),
    "style none": lambda ax: plots.line(ax, [1], [1], "a", plots.PLAIN, None),
    "lengths": lambda ax: plots.line(ax, [1, 2], [1], "a", plots.PLAIN),
    "lengths of a band": lambda ax: plots.band(ax, [1, 2, 3], [[1, 2]], "a", plots.PLAIN),
    "one seed flat": lambda ax: plots.band(ax, [1, 2], [1, 2], "a", plots.PLAIN),
    "no seed": lambda ax: plots.band(ax, [1, 2], torch.ones(0, 2), "a", plots.PLAIN),
    "x nan": lambda ax: plots.line(ax, [1, NAN], [1, 2], "a", plots.PLAIN),
    "x infinite": lambda ax: plots.band(ax, [1, INF], [[1, 2]], "a", plots.PLAIN),
    "yscale": lambda ax: plots.figure("A", "x", "y", yscale="symlog"),
    "size": lambda ax: plots.figure("A", "x", "y", size=(1, 2, 3)),
    "size nan": lambda ax: plots.figure("A", "x", "y", size=(NAN, 3)),
    "size huge": lambda ax: plots.figure("A", "x", "y", size=(1e6, 3)),
    "size one": lambda ax: plots.figure("A", "x", "y", size=6.4),
    "kind": lambda ax: diagrams.blocks(("plain", "nonsense"), "A"),
    "stream": lambda ax: diagrams.blocks(("plain",), "A", stream=None),
    "title": lambda ax: diagrams.blocks(("plain",), ""),
    "kinds many": lambda ax: diagrams.blocks(("plain",) * 100, "A"),
    "norm": lambda ax: diagrams.placements(("pre", "plain")),
    "heads": lambda ax: heads.shapes(heads=5),
    "scores": lambda ax: heads.table(ax, torch.tensor([[1.0, 2.0]]), ["a"], ["b", "c"]),
    "negative": lambda ax: heads.table(ax, torch.tensor([[-1.0, 2.0]]), ["a"], ["b", "c"]),
    "rows": lambda ax: heads.table(ax, torch.eye(2), ["a"], ["b", "c"]),
    "columns": lambda ax: heads.table(ax, torch.eye(2), ["a", "b"], ["b", "c", "d"]),
    "weights nan": lambda ax: heads.table(ax, torch.tensor([[NAN]]), ["a"], ["b"]),
    "chart of halves": lambda ax: clinic.chart(torch.tensor([[0.5]]), ["a"], ["b"], "A"),
    "chart rows": lambda ax: clinic.chart(torch.eye(2), ["a"], ["b", "c"], "A"),
    "chart title": lambda ax: clinic.chart(torch.eye(2), ["a", "b"], ["b", "c"], None),
    "patient": lambda ax: clinic.admit("Z"),
    "patient list": lambda ax: clinic.admit(["A"]),
    "patient number": lambda ax: clinic.examine(3),
    "seed": lambda ax: clinic.admit("A", 1.5),
    "seed text": lambda ax: clinic.sequences("0"),
    "seed bool": lambda ax: clinic.examine("A", True),
    "seed huge": lambda ax: clinic.sequences(2**70),
    "no seeds": lambda ax: clinic.failures(len, "A", seeds=[]),
    "seeds number": lambda ax: clinic.failures(len, "A", seeds=20),
    "seeds text": lambda ax: clinic.failures(len, "A", seeds="12"),
    "no return": lambda ax: clinic.failures(broken_test, "A", seeds=range(2)),
    "a number": lambda ax: clinic.failures(lambda m, x: 0.0, "A", seeds=range(2)),
    "many answers": lambda ax: clinic.failures(lambda m, x: m(x) > 0, "A", seeds=range(2)),
    "no return of one": lambda ax: clinic.outcome(
        broken_test, clinic.admit("A"), clinic.sequences()
    ),
    "letters": lambda ax: clinic.ward("AZ"),
    "letters twice": lambda ax: clinic.ward("AAB"),
    "letters many": lambda ax: clinic.ward("ABCDE"),
    "letters none": lambda ax: clinic.ward(""),
    "letters list": lambda ax: clinic.ward(["A", "B"]),
    "letter M": lambda ax: clinic.ward("M"),
    "name": lambda ax: clinic.name_of("Z"),
    "name none": lambda ax: clinic.name_of(None),
    "picture": lambda ax: clinic.beside("A", "x-ray"),
    "picture none": lambda ax: clinic.beside("A", None),
    "same shapes": lambda ax: clinic.same(torch.ones(3, 1), torch.ones(3, 4)),
    "same types": lambda ax: clinic.same(torch.ones(3), torch.ones(3).double()),
    "same number": lambda ax: clinic.same(torch.ones(3), 1.0),
    "same list": lambda ax: clinic.same([1.0], [1.0]),
    "same devices": lambda ax: clinic.same(torch.ones(2, 2), META),
    "decoder": lambda ax: clinic.sublayers(torch.nn.Linear(2, 2)),
    "silenced": lambda ax: clinic.silenced(torch.nn.Linear(2, 2)),
    "recorded": lambda ax: clinic.recorded(torch.nn.Linear(2, 2), torch.ones(1, 2, 2)),
    "floats": lambda ax: clinic.recorded(clinic.admit("A"), clinic.sequences().float()),
    "too long": lambda ax: clinic.recorded(clinic.admit("A"), torch.ones(1, 7, 16).double()),
    "too wide": lambda ax: clinic.recorded(clinic.admit("A"), torch.ones(1, 6, 8).double()),
    "two axes": lambda ax: clinic.recorded(clinic.admit("A"), torch.ones(6, 16).double()),
    "empty": lambda ax: clinic.recorded(clinic.admit("A"), torch.ones(0, 6, 16).double()),
    "sublayer": lambda ax: clinic.shortcut_matrix(clinic.admit("A"), torch.ones(16).double()),
    "token": lambda ax: clinic.shortcut_matrix(
        clinic.sublayers(clinic.admit("A"))[0], torch.ones(2, 16).double()
    ),
    "Jacobian": lambda ax: explorers.draw_arrows(ax, torch.ones(2, 3), 0.5),
    "Jacobian nan": lambda ax: explorers.draw_arrows(ax, torch.full((2, 2), NAN), 0.5),
    "strength": lambda ax: explorers.draw_arrows(ax, torch.eye(2), NAN),
    "strength text": lambda ax: explorers.draw_arrows(ax, torch.eye(2), "1"),
    "token row": lambda ax: explorers.draw_attention(X, ABC, "A", row=3),
    "token row -1": lambda ax: explorers.draw_attention(X, ABC, "A", row=-1),
    "token names": lambda ax: explorers.draw_attention(X, ("a", "b"), "A"),
    "token axes": lambda ax: explorers.draw_attention(torch.ones(3, 3), ABC, "A"),
    "token start": lambda ax: explorers.three_tokens(X, ABC, start=(0, 4)),
    "steps back": lambda ax: explorers.draw_slices("A", {"a": torch.ones(2, 2)}, [1, 0]),
    "steps fewer": lambda ax: explorers.draw_slices("A", {"a": torch.ones(3, 3)}, [0, 1]),
    "no slices": lambda ax: explorers.draw_slices("A", {}, [0, 1]),
    "no nets": lambda ax: explorers.slices({}, len, len),
    "nets empty": lambda ax: explorers.slices({"plain": []}, len, len),
    "one start": lambda ax: explorers.gradient_flow(len, {"a": len}, {"a": 1}),
    "start text": lambda ax: explorers.gradient_flow(len, {"a": len}, {"a": "1", "b": 2}),
    "no He": lambda ax: explorers.vital_signs(len, {"she": len}),
    "placement": lambda ax: explorers.draw_parts(dc(["plain"]), "A"),
    "part missing": lambda ax: explorers.draw_parts({"pre": {"common": torch.ones(2, 3)}}, "A"),
    "who": lambda ax: explorers.pictures(len, "AB", clinic.KINDS, "C", "tokens"),
    "kind of picture": lambda ax: explorers.pictures(len, ["A"], clinic.KINDS, "A", "x-ray"),
    "no widget": lambda ax: controls.connect(len, s=0.5),
    "no control": lambda ax: controls.connect(len),
}


@pytest.mark.parametrize("call", OTHERS.values(), ids=list(OTHERS))
def test_what_does_not_fit_is_refused(call, ax):
    refusal(lambda: call(ax))


# What is unusual and right gives the right picture.

ROW = st.lists(st.floats(-100, 100, width=16), min_size=2, max_size=6)
DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@given(ROW, st.sampled_from(DTYPES))
def test_a_line_has_the_numbers_that_it_is_given(row, dtype):
    axes = Figure().add_subplot()
    tensor = torch.tensor(row, dtype=dtype, requires_grad=True)
    expected = tensor.detach().double().numpy()
    ways = [tensor, list(tensor), expected.tolist(), np.ma.masked_array(expected), tuple(expected)]
    for way in ways:
        plots.line(axes, range(len(row)), way, "", plots.PLAIN)
        assert np.array_equal(axes.lines[-1].get_ydata(), expected)


@given(st.lists(ROW.map(lambda row: row[:2]), min_size=1, max_size=5), st.sampled_from(DTYPES))
def test_a_band_is_median_and_range_of_what_is_finite(rows, dtype):
    axes = Figure().add_subplot()
    values = torch.tensor(rows, dtype=dtype)
    kept = values.double().numpy().copy()
    broken = torch.cat([values, torch.tensor([[NAN, INF]], dtype=dtype)])
    plots.band(axes, np.arange(2), broken, "", plots.PLAIN)
    assert np.allclose(axes.lines[-1].get_ydata(), np.median(kept, axis=0))
    edges = axes.collections[-1].get_paths()[0].vertices[:, 1]
    assert (edges.min(), edges.max()) == (kept.min(), kept.max())


def test_whole_numbers_of_numpy_are_whole_numbers():
    two = np.int64(2)
    assert len(plots.figure("A", "x", "y", columns=two)[1]) == 2
    assert shapes.stairs(two, np.int32(1)) == shapes.stairs(2, 1) == [64, 37, 10]
    assert torch.equal(clinic.sequences(two, two), clinic.sequences(2, 2))
    assert clinic.examine("A", two) == pytest.approx(clinic.examine("A", 2), nan_ok=True)
    assert clinic.failures(lambda m, x: np.bool_(False), "A", seeds=np.arange(3)) == 3
    assert clinic.failures(lambda m, x: torch.tensor(True), "A", seeds=np.arange(3)) == 0


@pytest.mark.parametrize("J", [torch.eye(2).half(), np.eye(2), [[1, 0], [0, 1]]])
def test_arrows_of_any_number_type(J, ax):
    assert explorers.draw_arrows(ax, J, np.float32(0.5)) == pytest.approx((1.5, 1.5))


def test_a_figure_that_is_shown_twice_is_the_same_picture():
    fig = good_figure()
    width = round(6.4 * fig.dpi)
    first, second = plots.picture(fig, ALT), plots.picture(fig, ALT)
    assert first[0]["image/png"] == second[0]["image/png"]
    assert first[1] == second[1] == {"image/png": {"alt": ALT, "width": width}}


def test_a_formula_that_cannot_be_drawn_is_named():
    fig, _ = plots.figure(r"$\nothing{$", "x", "y")
    with pytest.raises(ValueError, match="cannot be drawn: look at its formulas"):
        plots.show(fig, ALT)  # drawing takes its time: no limit of a second


def test_what_a_test_breaks_off_leaves_the_decoder_as_it_was():
    model = clinic.admit("pre-norm")
    part = clinic.sublayers(model)[0]
    norm = part.norm_sum
    with pytest.raises(ValueError, match=r"\(\.\.\., 16\)"):
        clinic.shortcut_matrix(part, torch.ones(3).double())
    assert part.norm_sum is norm
    model.blocks[1].forward = None
    with pytest.raises(TypeError):
        clinic.recorded(model, clinic.sequences())
    assert not any(p.branch._forward_hooks for p in clinic.sublayers(model))


def test_enough_bad_inputs_are_tried():
    assert len(CALLS) + len(OTHERS) > 300
