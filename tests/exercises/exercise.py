"""How every exercise is tested: stub, solution, wrong answers, ten styles, mutants."""

import ast
import copy
import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from exercises.mutants import mutants

from lecture_utils.authoring import notebooks
from lecture_utils.checks import judge, values
from lecture_utils.checks.judge import _alike, _result
from lecture_utils.checks.verdict import NOT_ATTEMPTED, NOT_YET, RIGHT, Verdict


@dataclass(frozen=True)
class Case:
    """An exercise's number, and code for its answers.

    Attributes:
        number: such as "1.2".
        other_style: code of a right answer in another style than the solution's.
        wrong: code of a wrong answer -> a part of the message meant for it.
        styles: code of more right answers; with the solution and other_style at least ten.
        inputs: returns valid inputs, a tuple of arguments each; on them mutants of the solution
            are compared with it. None: the answer is no function.
        outcome: makes of a result, and of the arguments, what is compared: numbers, strings,
            tensors, lists of them.
        beside: code that runs before each answer, such as a cheaper stand-in for a measurement.
    """

    number: str
    other_style: str
    wrong: dict[str, str] = field(default_factory=dict)
    styles: tuple[str, ...] = ()
    inputs: Callable[[dict], list[tuple]] | None = None
    outcome: Callable[..., Any] = lambda result, *given: result
    beside: str = ""


@functools.cache
def _exercise(number: str) -> notebooks.Exercise:
    path = notebooks.path_of(f"{int(number.split('.')[0]):02}")
    return next(e for e in notebooks.exercises(path) if e.number == number)


@functools.cache
def _definitions(notebook: str) -> dict:
    return notebooks.definitions(notebooks.path_of(notebook)).__dict__


def names(number: str, code: str) -> dict:
    """Run an answer's code beside the notebook's definitions; return all names."""
    found = dict(_definitions(f"{int(number.split('.')[0]):02}"))
    exec(code, found)
    return found


def verdict(number: str, code: str) -> Verdict:
    """Run an answer's code in the notebook's definitions, then the exercise's own check cell."""
    exercise = _exercise(number)
    space = names(number, code if code != "STUB" else exercise.stub)
    *before, last = exercise.check.strip().splitlines()
    exec("\n".join(before), space)
    return eval(last, space)


def solution(number: str) -> str:
    return _exercise(number).solution


def _outcomes(case: Case, code: str) -> list:
    """What an answer makes of the valid inputs, and of the arguments themselves."""
    check = ast.parse(_exercise(case.number).check.strip()).body[-1].value
    space = names(case.number, f"{case.beside}\n{code}")
    answer = space[check.args[0].id]
    if case.inputs is None:
        return [case.outcome(answer)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return [_outcome(case, answer, given) for given in case.inputs(space)]


def _outcome(case: Case, answer: Callable, given: tuple) -> tuple:
    handed = [copy.deepcopy(x) if _is_data(x) else x for x in given]
    torch.manual_seed(1)
    try:
        made = case.outcome(answer(*handed), *given)
    except Exception as error:  # a mutant may fail in any way
        made = type(error).__name__
    return made, [_numbers(x) for x in handed]


def _is_data(x: Any) -> bool:
    return isinstance(x, torch.Tensor | torch.nn.Module | list | dict)


def _numbers(x: Any) -> Any:
    """The part of an argument that an answer must leave as it was."""
    if isinstance(x, torch.nn.Module):
        return [p.detach().clone() for p in x.parameters()]
    return x if isinstance(x, torch.Tensor | list | tuple | dict | int | float) else None


def same(a: Any, b: Any) -> bool:
    """Tell whether two outcomes are the same, up to the rounding of float32."""
    if isinstance(a, torch.Tensor) or isinstance(b, torch.Tensor):
        try:
            a, b = (torch.as_tensor(x).detach().double() for x in (a, b))
        except (TypeError, ValueError, RuntimeError):
            return False
        size = float(b.abs().nan_to_num().max()) if b.numel() else 0.0
        return a.shape == b.shape and torch.allclose(a, b, 1e-4, 1e-6 * size, equal_nan=True)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, float | int) and isinstance(b, float | int):
        return abs(a - b) <= 1e-4 * max(abs(a), abs(b)) or a != a != b != b
    return type(a) is type(b) and a == b


def tried(case: Case) -> list[tuple[str, str, Verdict]]:
    """Return what each mutant of the solution that differs on a valid input is told."""
    right = _outcomes(case, solution(case.number))
    found = []
    for done, code in mutants(solution(case.number)):
        if not same(_outcomes(case, code), right):
            found.append((done, code, verdict(case.number, f"{case.beside}\n{code}")))
    return found


def harmless_slips(case: Case, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is said of slips that give in every trial what the right function gives."""
    harmful: dict[str, bool] = {}

    def watched(answer, right, trials, slips=(), *, read=values.as_tensor, **options):
        for slip, message in slips:
            pairs = [[_result(f, trial, read) for f in (right, slip)] for trial in trials]
            wrong = not all(_alike(*pair) for pair in pairs)
            harmful[message] = harmful.get(message, False) or wrong
        return judge.judge(answer, right, trials, slips, read=read, **options)

    for name, module in list(sys.modules.items()):
        if name.startswith("lecture_utils.checks.") and module is not judge:
            monkeypatch.setattr(module, "judge", watched, raising=False)
    found = verdict(case.number, solution(case.number))
    assert found.status == RIGHT, found
    return [said for said, wrong in harmful.items() if not wrong]


def hold_mutants(cases: list[Case]) -> None:
    """Hold the share of mutants that are caught, and of those that are told a cause."""
    told = [(case, *row) for case in cases for row in tried(case)]
    passed = [(c.number, done, code) for c, done, code, v in told if v.status == RIGHT]
    named = [v for *_, v in told if v.status == NOT_YET and v.recognised]
    assert len(told) >= 4 * len(cases)
    assert len(passed) <= 0.05 * len(told), passed
    assert len(named) >= 0.85 * len(told)


def all_tests(cases: list[Case]) -> dict:
    """Return the tests for these exercises, to be put into a test module's namespace."""
    numbers = pytest.mark.parametrize("case", cases, ids=lambda case: case.number)
    mistakes = [(case, code, says) for case in cases for code, says in case.wrong.items()]
    named = [f"{case.number}-{says[:24]}" for case, _, says in mistakes]
    styles = [(case, code) for case in cases for code in (case.other_style, *case.styles)]

    @numbers
    def test_stub_is_not_attempted(case: Case) -> None:
        assert verdict(case.number, "STUB").status == NOT_ATTEMPTED

    @numbers
    def test_solution_is_right(case: Case) -> None:
        found = verdict(case.number, solution(case.number))
        assert found.status == RIGHT, found

    @pytest.mark.parametrize(("case", "code"), styles, ids=lambda x: getattr(x, "number", "style"))
    def test_another_style_is_right(case: Case, code: str) -> None:
        found = verdict(case.number, code)
        assert found.status == RIGHT, found

    @numbers
    def test_ten_styles_and_four_mistakes(case: Case) -> None:
        assert len({case.other_style, *case.styles}) >= 9
        assert len(set(case.wrong.values())) >= 4

    @pytest.mark.parametrize(("case", "code", "says"), mistakes, ids=named)
    def test_mistake_is_named(case: Case, code: str, says: str) -> None:
        found = verdict(case.number, code)
        assert found.status == NOT_YET, found
        assert says in found.message

    @numbers
    def test_every_slip_is_a_mistake(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
        assert harmless_slips(case, monkeypatch) == []

    def test_mutants_are_caught_and_explained() -> None:
        hold_mutants(cases)

    return {name: test for name, test in locals().items() if name.startswith("test_")}
