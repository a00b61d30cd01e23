"""How every exercise is tested: stub, solution, wrong answers, another style."""

from dataclasses import dataclass, field
from types import ModuleType

import pytest

from lecture_utils.authoring import notebooks
from lecture_utils.checks.verdict import NOT_ATTEMPTED, NOT_YET, RIGHT, Verdict


@dataclass(frozen=True)
class Case:
    """An exercise's number, and code for its answer: wrong (with what is said), and right."""

    number: str
    other_style: str
    wrong: dict[str, str] = field(default_factory=dict)  # code -> a part of the message


def verdict(number: str, code: str) -> Verdict:
    """Run an answer's code in the notebook's definitions, then the exercise's own check cell."""
    path = notebooks.path_of(f"{int(number.split('.')[0]):02}")
    exercise = next(e for e in notebooks.exercises(path) if e.number == number)
    module: ModuleType = notebooks.definitions(path)
    exec(code if code != "STUB" else exercise.stub, module.__dict__)
    *before, last = exercise.check.strip().splitlines()
    exec("\n".join(before), module.__dict__)
    return eval(last, module.__dict__)


def solution(number: str) -> str:
    path = notebooks.path_of(f"{int(number.split('.')[0]):02}")
    return next(e.solution for e in notebooks.exercises(path) if e.number == number)


def all_tests(cases: list[Case]) -> dict:
    """Return the tests for these exercises, to be put into a test module's namespace."""
    numbers = pytest.mark.parametrize("case", cases, ids=lambda case: case.number)
    mistakes = [(case, code, says) for case in cases for code, says in case.wrong.items()]
    names = [f"{case.number}-{says[:24]}" for case, _, says in mistakes]

    @numbers
    def test_stub_is_not_attempted(case: Case) -> None:
        assert verdict(case.number, "STUB").status == NOT_ATTEMPTED

    @numbers
    def test_solution_is_right(case: Case) -> None:
        found = verdict(case.number, solution(case.number))
        assert found.status == RIGHT, found

    @numbers
    def test_another_style_is_right(case: Case) -> None:
        found = verdict(case.number, case.other_style)
        assert found.status == RIGHT, found

    @numbers
    def test_four_mistakes_are_known(case: Case) -> None:
        assert len(set(case.wrong.values())) >= 4

    @pytest.mark.parametrize(("case", "code", "says"), mistakes, ids=names)
    def test_mistake_is_named(case: Case, code: str, says: str) -> None:
        found = verdict(case.number, code)
        assert found.status == NOT_YET, found
        assert says in found.message

    return {name: test for name, test in locals().items() if name.startswith("test_")}
