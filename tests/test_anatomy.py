"""Every notebook has the parts that a reader relies on, in the order that a reader expects."""

import re
import statistics

import pytest

from lecture_utils.authoring import claims, launch, minutes, notebooks
from lecture_utils.authoring import course as course_map

COURSE = course_map.load()
NUMBERS = list(COURSE["notebooks"])
LESSONS = [number for number in NUMBERS if number != "00"]
SHORT = {"08": 45, "12": 45}  # minutes; the others have minutes.MOST
WORN = r"\b(simply|obviously|of course|trivially|as we all know|needless to say|clearly)\b"


def cells(number, kind=None):
    found = notebooks.read(notebooks.path_of(number)).cells
    return [cell for cell in found if kind in (None, cell.cell_type)]


def prose(number):
    return "\n".join(cell.source for cell in cells(number, "markdown"))


def figures(number):
    for cell in cells(number, "code"):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                yield cell, output


each = pytest.mark.parametrize("number", NUMBERS)
each_lesson = pytest.mark.parametrize("number", LESSONS)


def test_course_lists_the_notebooks_that_exist():
    listed = [page["file"] for page in COURSE["notebooks"].values()]
    assert listed == sorted(path.name for path in notebooks.FOLDER.glob("*.ipynb"))


@each
def test_begins_with_header_and_setup_and_ends_with_footer(number):
    (first, *body), last = cells(number)[:-1], cells(number)[-1]
    if COURSE["repository"]:  # the cell that installs the package on Colab
        assert body.pop(0).id == launch.COLAB
    second = body[0]
    page = COURSE["notebooks"][number]
    for part in (page["title"], page["surprise"], "**You will be able to**", "**Time:**"):
        assert part in first.source
    assert 3 <= len(page["objectives"]) <= 5
    assert second.cell_type == "code"
    assert second.id == "setup"
    assert len(second.source.splitlines()) <= 5
    assert second.source.endswith("setup()")
    assert "course map" in last.source


@each
def test_every_code_cell_was_executed_in_order(number):
    counts = [cell.execution_count for cell in cells(number, "code") if cell.source.strip()]
    assert counts == list(range(1, len(counts) + 1))


@each
def test_no_cell_ends_in_an_error_or_a_warning(number):
    for cell in cells(number, "code"):
        for output in cell.outputs:
            assert output.output_type != "error", cell.id
            assert output.get("name") != "stderr", cell.id


@each
def test_cells_are_short_and_show_one_result(number):
    for cell in cells(number, "code"):
        assert len(cell.source.splitlines()) <= 25, cell.id
        results = len(cell.outputs) - ("explorers." in cell.source)  # controls and a figure
        assert results <= 1, f"{cell.id} shows {results} results"


@each
def test_cell_ids_are_words(number):
    for cell in cells(number):
        assert re.fullmatch(r"[a-z][a-z0-9-]+", cell.id), cell.id


@each
def test_every_figure_has_alt_text_with_numbers(number):
    found = list(figures(number))
    assert found, "a notebook without a figure"
    for cell, output in found:
        alt = output.metadata["image/png"]["alt"]
        assert alt == output.data["text/plain"], cell.id
        assert len(alt.split()) >= 12, cell.id
        assert re.search(r"\d", alt), cell.id
        assert len(output.data["image/png"]) < 120_000, f"{cell.id}: picture too large"
        if "explorers." not in cell.source:
            assert cell.id.startswith("fig-"), cell.id
            assert cell.id in cell.metadata.get("tags", []), cell.id


@each_lesson
def test_sections_are_numbered_and_keep_the_beat(number):
    found = notebooks.sections(notebooks.path_of(number))
    found.pop(str(int(number)))  # the summary
    assert list(found) == [f"{int(number)}.{k}" for k in range(1, len(found) + 1)]
    assert len(found) >= 4
    core, deeper = (
        "\n".join(cell.source for cell in part if cell.cell_type == "markdown")
        for part in minutes.parts(notebooks.read(notebooks.path_of(number)))
    )
    assert core.count("> **Predict.**") >= 4
    assert "## Going deeper" in deeper
    for place, text in found.items():
        further = f"### {place} " in deeper
        assert further or text.count("**Keep:**") == 1, f"{place}: one belief per section"


@each
def test_a_core_is_light_enough_for_a_beginner(number):
    core, _ = minutes.of(number)
    assert core.minutes <= SHORT.get(number, minutes.MOST["minutes"]), core
    assert core.lines <= minutes.MOST["lines"], core
    assert statistics.median(core.cells) <= 6


def test_all_cores_together_are_light():
    assert sum(minutes.of(number)[0].lines for number in NUMBERS) <= 80 * len(NUMBERS)


@each
def test_a_visible_cell_is_short_and_a_folded_one_says_what_it_does(number):
    for cell in cells(number, "code"):
        first = cell.source.partition("\n")[0]
        if minutes.is_folded(cell):
            place = "" if cell.id == launch.COLAB else r"\d+\.\d+ [a-z] · "
            assert re.match(rf"# @title {place}Just run this: [a-z]", first), cell.id
            assert cell.metadata["cellView"] == "form", cell.id  # Colab folds it by this
        else:
            lines = [line for line in cell.source.splitlines() if line.strip()]
            assert len(lines) <= minutes.MOST["longest"], cell.id


@each
def test_every_cell_says_what_it_is_and_where(number):
    section, taken = "", {}
    for cell in cells(number):
        if cell.cell_type == "markdown":
            places = re.findall(r"^###? (\d+\.\d+) ", cell.source, flags=re.MULTILINE)
            section = places[-1] if places else section
        elif exercise := re.fullmatch(r"ex-(\d+)-(\d+)-(stub|check)", cell.id):
            if exercise[3] == "stub":
                mine = f"# Yours · exercise {exercise[1]}.{exercise[2]}"
                assert cell.source.startswith(f"{mine}\n"), cell.id
        elif cell.id not in ("setup", "explorer", launch.COLAB):
            letter = "abcdefghijklmnopqrstuvwxyz"[len(taken.setdefault(section, []))]
            assert notebooks.label(cell) == f"{section} {letter}", cell.id
            taken[section].append(cell.id)


@each
def test_what_was_measured_stands_folded_at_the_end(number):
    *_, measured, footer = cells(number)
    assert (measured.id, footer.id) == ("measured", "footer")
    rows = len(claims.claims_of(number))
    title = f"<summary><b>What we measured</b>: {rows} claims, each a test</summary>"
    assert measured.source.startswith(f"<details>\n{title}\n")
    assert measured.source.endswith("</details>")


@each
def test_has_one_explorer_and_its_view_as_a_figure(number):
    code = cells(number, "code")
    places = [k for k, cell in enumerate(code) if "explorers." in cell.source]
    assert len(places) == 1, "one explorer"
    assert code[places[0] + 1].id.startswith("fig-") or number == "00"


@each
def test_exercises_are_complete(number):
    path = notebooks.path_of(number)
    found = notebooks.exercises(path)
    assert 2 <= len(found) <= 4
    assert [e.number for e in found] == [f"{int(number)}.{k + 1}" for k in range(len(found))]
    by_id = {cell.id: cell.source for cell in cells(number)}
    for exercise in found:
        stem = f"ex-{exercise.number.replace('.', '-')}"
        assert re.search(r"\*\d+ minutes · [●○]{3}\*", by_id[f"{stem}-task"])
        assert by_id[f"{stem}-answers"].count("<details>") == 2
        assert "<summary>Hint</summary>" in by_id[f"{stem}-answers"]
        assert exercise.check.strip().splitlines()[-1].startswith("checks.")
        assert "..." in exercise.stub


@each
def test_has_claims_summary_self_test_and_next(number):
    text = prose(number)
    for heading in ("What we measured", "## In five lines", "## Two-minute self-test"):
        assert text.count(heading) == 1, heading
    assert "## Next" in text
    five = text.split("## In five lines")[1].split("##")[0]
    assert len(re.findall(r"^\d\. ", five, flags=re.MULTILINE)) == 5
    assert "<summary>Answers</summary>" in text


@each
def test_prose_has_no_worn_words(number):
    assert not re.findall(WORN, prose(number), flags=re.IGNORECASE)
