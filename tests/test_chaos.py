"""What trained nets print is passed over, and nothing else is; a claim stands behind each cell."""

import nbformat
import pytest

from lecture_utils.authoring import chaos, claims, notebooks
from lecture_utils.authoring import course as course_map

NUMBERS = list(course_map.load()["notebooks"])
# How many cells strict nbval passes over: look at each before you change its number.
PASSED_OVER = {"04": 8, "05": 12, "07": 3, "10": 7, "11": 2}


def section_of(path):
    """The section in which each cell stands, such as "3.7"."""
    found, section = {}, ""
    for cell in notebooks.read(path).cells:
        if cell.cell_type == "markdown":
            for line in cell.source.splitlines():
                if line.startswith(("## ", f"### {int(path.name[:2])}.")):  # core, deeper
                    section = line.split()[1]
        found[cell.id] = section
    return found


@pytest.mark.parametrize("number", NUMBERS)
def test_cells_of_training_are_passed_over_and_no_others(number):
    path = notebooks.path_of(number)
    cells = {cell.id: cell for cell in notebooks.read(path).cells}
    shown = [name for name in chaos.of_training(path) if cells[name].outputs]
    assert chaos.tagged(path) == shown
    assert len(shown) == PASSED_OVER.get(number, 0)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_claim_of_trained_nets_stands_behind_each_cell_that_is_passed_over(number):
    path = notebooks.path_of(number)
    held = {t.claim.section for _, t in claims.claims_of(number) if t.claim.chaotic}
    bare = {name for name in chaos.tagged(path) if section_of(path)[name] not in held}
    assert not bare


@pytest.mark.parametrize("number", NUMBERS)
def test_a_claim_of_trained_nets_holds_its_bound_and_not_its_digits(number):
    (tests,) = claims.CLAIMS.glob(f"test_{number}_*.py")
    known = claims.claims_of(number)
    of_training = chaos.claims_of_training(tests, notebooks.path_of(number))
    assert {name for name, t in known if t.claim.chaotic} == of_training & {n for n, _ in known}


def notebook_of(tmp_path, *sources):
    cells = [nbformat.v4.new_code_cell(text, id=f"c{k}") for k, text in enumerate(sources)]
    path = tmp_path / "probe.ipynb"
    notebooks.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


DEFINES = "def fit(net):\n    adam = Adam(net)\n    adam.step()\n    return net"


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        (["training.train(net, batches)"], ["c0"]),
        (["net.train()\nprint(net)"], []),  # only a switch
        ([DEFINES, "def more(net):\n    return fit(net)", "more(1)", "more"], ["c2", "c3"]),
        ([DEFINES, "a = fit(n)\nb = 1", "print(b)", "print(a)"], ["c1", "c3"]),
        ([DEFINES, "a = fit(n)", "a = 1", "print(a)"], ["c1"]),
        ([DEFINES, "d = {}\nfor k in range(3):\n    d[k] = fit(k)", "print(k)", "d"], ["c1", "c3"]),
        ([DEFINES, "d = []\nd.append(fit(n))", "d"], ["c1", "c2"]),
        ([DEFINES, "a = fit(n)", "print([a for a in range(3)])"], ["c1"]),
        ([DEFINES, "a = fit(n)", "for x in a:\n    y = x", "y"], ["c1", "c2", "c3"]),
        ([DEFINES, "a = fit(n)\nplots.draw(a)", "plots.draw(1)"], ["c1"]),
    ],
)
def test_what_training_made_is_followed(tmp_path, sources, found):
    sources = ["from package import plots", *sources]
    path = notebook_of(tmp_path, *sources)
    assert chaos.of_training(path) == [f"c{int(name[1:]) + 1}" for name in found]


def test_a_claim_that_trains_is_found_through_others(tmp_path):
    path = notebook_of(tmp_path, DEFINES)
    tests = tmp_path / "claims.py"
    tests.write_text(
        "def test_far(notebook):\n    return middle()\n"
        "def middle():\n    return fit(3)\n"
        "def fit(n):\n    return _definitions().fit(n)\n"
        "def test_near(notebook):\n    return notebook.fit(1)\n"
        "def test_calm(notebook):\n    return notebook.other(1)\n"
    )
    assert chaos.claims_of_training(tests, path) == {"test_far", "middle", "fit", "test_near"}


def test_one_tag_without_the_other_is_refused():
    cell = nbformat.v4.new_code_cell("1", metadata={"tags": ["nbval-ignore-output"]})
    with pytest.raises(ValueError, match="alone"):
        chaos.is_tagged(cell)
