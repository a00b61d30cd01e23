"""The decks' diagrams: what each draws, which steps it has, and what it refuses."""

import re

import pytest

from lecture_utils.authoring.bars import bars, matrix
from lecture_utils.authoring.flow import flow
from lecture_utils.authoring.steps import WIDTH, StepError, text


def lines(source):
    return [line.strip() for line in source.strip().splitlines()]


FLOW = lines("""
    $x$ -> [F] -> (+) -> $y$
    $x$ ~s~> (+)
    + $x$ <-0.2- [F]
    : what to see
    / a -> [F]#2
""")


def test_each_line_is_a_step_but_the_first():
    assert flow(FLOW).count('<g class="fragment">') == 3
    assert bars(lines("a | 1\nb | 2\n+ c | 3")).count('<g class="fragment">') == 1
    assert matrix(lines("a | 1 0\nb | 0 1")).count('<g class="fragment">') == 1


def test_a_flow_draws_boxes_circles_arrows_and_labels():
    drawn = flow(FLOW)
    assert drawn.count("<rect ") == 2
    assert drawn.count("<circle ") == 1
    assert drawn.count('class="head ') == 3 + 1 + 1 + 1
    assert drawn.count(">F<") == 2, "a box with #2 shows its words without it"
    assert ">s<" in drawn
    assert ">0.2<" in drawn
    assert 'class="plain back"' in drawn
    assert 'class="shortcut" d="M' in drawn


def test_a_node_is_drawn_once():
    assert flow(lines("a -> [F] -> b\n[F] -> b")).count("<rect ") == 1


def test_nodes_of_a_row_do_not_overlap():
    drawn = flow(lines("first -> [a long name of a box] -> [short] -> last"))
    boxes = re.findall(r'<rect [^>]*x="(\d+)"[^>]*width="(\d+)"', drawn)
    (one, wide), (two, narrow) = [tuple(map(int, box)) for box in boxes]
    assert 0 < one < one + wide < two < two + narrow < WIDTH


def widths(drawn):
    return [int(width) for width in re.findall(r'<rect class="bar [^>]*width="(\d+)"', drawn)]


def test_bars_are_as_long_as_their_numbers():
    one, half, none = widths(bars(lines("a | 2\nb | 1 | one\nc | 0")))
    assert one == pytest.approx(2 * half, abs=1)
    assert none == 3, "a bar of nothing is seen, too"


def test_bars_in_powers_of_ten():
    one, middle, low = widths(bars(lines("a | 1\nb | 1e-3\nc | 1e-6"), "log 1e-6 to 1"))
    assert middle == pytest.approx(one / 2, abs=1)
    assert low == 3


def test_a_number_with_its_band_is_a_number():
    assert widths(bars(lines("a | 2,000 [1,500, 2,500] nets\nb | 1000")))[1] > 100


def test_a_matrix_shades_its_numbers():
    drawn = matrix(lines("the | 1.0 0\ncat | 0.5 −∞"), "the cat")
    assert re.findall(r"fill-opacity:(\S+?)\"", drawn) == ["0.50", "0.00", "0.25", "0.00"]
    assert drawn.count(">the<") == 2


def test_marks_become_colours():
    assert text("*a* **b** ==c== $x^2$ <d>") == (
        '<em>a</em> <strong>b</strong> <mark>c</mark> <span class="math">\\(x^2\\)</span> &lt;d&gt;'
    )
    assert '<rect class="plain"' in flow(lines("a -> [*F*]"))
    assert '<rect class="shortcut"' in flow(lines("a -> [==F==]"))
    assert 'class="bar shortcut"' in bars(lines("==a== | 1"))


@pytest.mark.parametrize(
    ("draw", "source", "settings", "says"),
    [
        (flow, "a -> ", "", "an arrow stands between two nodes"),
        (flow, ": only words", "", "a flow needs a chain"),
        (flow, "a -> b", "wide", "a flow has no settings"),
        (flow, " -> ".join(f"[a long box {k}]" for k in range(9)), "", "do not fit side by side"),
        (bars, "a", "", "a line of bars is"),
        (bars, "a | many", "", "a line of bars is"),
        (bars, "a | 1", "0 until 1", "bars go from"),
        (bars, "a | 1", "log 0 to 1", "bars go from"),
        (matrix, "a | 1 0\nb | 1", "", "rows of as many numbers"),
        (matrix, "a | 1 0", "one", "rows of as many numbers"),
    ],
)
def test_what_is_not_understood_is_refused(draw, source, settings, says):
    with pytest.raises(StepError, match=says):
        draw(lines(source), settings)
