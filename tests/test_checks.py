"""The checks' engine: what it reads, what it recognises, and that it never names what is not so."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import torch
from properties.bad import named
from torch import nn

from lecture_utils.checks.calling import called
from lecture_utils.checks.judge import Trial, judge
from lecture_utils.checks.relations import relation
from lecture_utils.checks.values import number, tensor, truth
from lecture_utils.checks.verdict import NOT_ATTEMPTED, NOT_YET, RIGHT, NotYet, graded

ROWS = torch.tensor([[1.0, 2.0, 4.0], [3.0, -9.0, 0.5], [2.0, 7.0, -3.0]])


@pytest.mark.parametrize(
    "value",
    [2, 2.0, True + 1, Fraction(2), Decimal("2.0"), np.int64(2), np.float16(2), np.array(2.0),
     np.array([2.0]), torch.tensor(2), torch.tensor([[2.0]], requires_grad=True), [2], (2.0,),
     torch.tensor(2, dtype=torch.bfloat16), iter([2.0]), [np.float32(2)], [torch.tensor(2.0)]],
    ids=named,
)  # fmt: skip
def test_a_number_of_any_library_is_a_number(value):
    assert number(value) == 2.0


@pytest.mark.parametrize(
    "value",
    [[[1, 2.0], [3, 4]], np.arange(1, 5).reshape(2, 2), torch.arange(1, 5).view(2, 2),
     [torch.tensor([1.0, 2]), np.array([3, 4])], ((1, 2), (3, 4)), [[Fraction(1), 2], range(3, 5)],
     torch.tensor([[1.0, 2], [3, 4]]).to_sparse(), (row for row in [[1, 2], [3, 4]])],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_rows_of_any_library_are_a_tensor(value):
    assert tensor(value, (2, 2)).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (1j, "is complex"), (np.complex64(1), "is complex"), ((-2) ** 0.5, "is complex"),
        ("2", "the string '2'"), ({"a": 2}, "a dict"), ({2}, "a set"), (True, "True or False"),
        (np.bool_(1), "True or False"), (torch.tensor(True), "True or False"),
        (torch.ones(2).sum, "brackets () missing"), (float, "brackets () missing"),
        (float("nan"), "not finite"), (np.inf, "not finite"), ([], "shape (0,)"),
        ([1, 2], "expected a single number"), ([[1], [1, 2]], "different shapes"),
        (torch.ones(2, 2).median(0), "take .values"), (10**400, "too large"), (b"2", "a bytes"),
        (object(), "an object"), (nn.Linear(2, 2), "not a number"),
    ],
    ids=named,
)  # fmt: skip
def test_what_is_no_number_is_said(value, says):
    with pytest.raises(NotYet, match=r".") as told:
        number(value)
    assert says in str(told.value)


@pytest.mark.parametrize(
    "value", [True, np.bool_(True), np.any([0, 1]), torch.tensor(True), torch.tensor([True]),
              np.array(True)], ids=named)  # fmt: skip
def test_a_truth_of_any_library_is_a_truth(value):
    assert truth(value) is True


@pytest.mark.parametrize(
    ("value", "says"),
    [(1, "returned an int"), ("True", "the string"), (torch.tensor([True, False]), "2 of them"),
     (torch.tensor(1.0), "a tensor of float32"), ([True], "a list")],
    ids=named,
)  # fmt: skip
def test_what_is_no_truth_is_said(value, says):
    with pytest.raises(NotYet) as told:
        truth(value)
    assert says in str(told.value)


def right(x, scale):
    return scale * (x * torch.tensor([1.0, 2.0, 3.0])[: x.shape[-1]]).cumsum(-1)


@graded
def check(answer: Callable) -> str:
    trials = (
        Trial((ROWS[:1], 2.0), "for one row"),
        Trial((ROWS, 2.0), "for three rows"),
        Trial((ROWS, 0.5), "for a scale below 1", "small ones count as well."),
        Trial((ROWS[:, :2], 3.0), "for two columns"),
        Trial((0 * ROWS, 3.0), "where all is 0"),
    )
    slips = ((lambda x, scale: scale * x, "The running sum is missing."),)
    judge(answer, right, trials, slips)
    return "well done"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda x, s: s * x, "running sum is missing"),
        (lambda x, s: -right(x, s), "The sign"),
        (lambda x, s: 3 * right(x, s), "3 times the right result, each time"),
        (lambda x, s: right(x, s) / 2**0.5, "√2/2 times"),
        (lambda x, s: right(x, s) + 0.25, "0.25 too large, each time"),
        (lambda x, s: right(x, s).flip(-1), "reverse order"),
        (lambda x, s: right(x, s).square(), "a root is missing"),
        (lambda x, s: right(x, s).relu(), "Negative values are cut off"),
        (lambda x, s: right(x, s) * x.shape[1], "one common factor, which changes"),
        (lambda x, s: right(x, 2.0), "does not use `scale`"),
        (lambda x, s: right(ROWS[:, : x.shape[1]], s)[: len(x)], "does not use `x`"),
        (lambda x, s: torch.cat([right(x[:1], s)] * len(x)), "Another `x[1]`, `x[2]` change"),
        (lambda x, s: right(x, s) * s, "one common factor, which changes"),
        (lambda x, s: right(x, max(s, 1.0)), "small ones count as well"),
        (lambda x, s: right(x, s).T, "has shape (3, 1); expected shape (1, 3)"),
        (lambda x, s: right(x, s).abs(), "signs are lost"),
        (lambda x, s: x.mul_(s), "changes `x` in place"),
        (lambda x, s: 0 * right(x, s) / 0, "nan"),
        (lambda x, s: 1 / 0, "ZeroDivisionError"),
        (lambda x, s: right(x, s) if x.any() else x[:1], "not where all is 0: Your result has"),
        (lambda x, s: right(x, s) + (len(x) == 3) * torch.eye(3)[: len(x), : x.shape[1]],
         "Right for one row, not for three rows"),
        (lambda x, s: right(x + 1, s), "With twice the `x`"),
    ],
    ids=lambda x: x[:24] if isinstance(x, str) else "",
)  # fmt: skip
def test_the_mistake_is_recognised(answer, says):
    found = check(answer)
    assert found.status == NOT_YET
    assert says in found.message
    assert found.recognised


def test_where_the_mistake_stays_unknown_an_input_to_try_is_said():
    found = check(
        lambda x, s: (
            s
            * (x * (0.3 + x.sin())).cumsum(-1)
            * torch.tensor([1.0, 2, 3])[: x.shape[-1]].exp()
            / (1 + s)
        )
    )
    if not found.recognised:
        assert "Try it by hand with x = [[1, 2, 4]], scale = 2. 0 of 3 entries" in found.message


class Remembers:
    """Right once; then what it kept changes its result."""

    def __init__(self):
        self.calls = 0

    def __call__(self, x, scale):
        self.calls += 1
        return right(x, scale) + (self.calls > 5)


def test_state_between_calls_is_noticed():
    assert "something is kept between calls" in check(Remembers()).message


@pytest.mark.parametrize(
    "answer",
    [right, partial(lambda x, s, k: right(x, s), k=1), lambda x, s: right(x.double(), s).numpy(),
     lambda x, s: right(x, s).tolist(), lambda x, s: list(right(x, s)),
     lambda x, scale, *, eps=0: right(x, scale), torch.jit.script_if_tracing(right)],
    ids=lambda _: "style",
)  # fmt: skip
def test_any_form_of_the_right_answer_is_right(answer):
    found = check(answer)
    assert found.status == RIGHT, found


def unfinished(x, scale):
    """Return twice x."""
    ...


def later(x, scale):
    raise NotImplementedError


def forgot_return(x, scale):
    y = 2 * x  # noqa: F841


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        (..., NOT_ATTEMPTED, "Fill in"),
        (None, NOT_ATTEMPTED, "Fill in"),
        (unfinished, NOT_ATTEMPTED, "Fill in"),
        (later, NOT_ATTEMPTED, "Fill in"),
        (forgot_return, NOT_YET, "`return` missing"),
        (7, NOT_YET, "its name without brackets"),
        (ROWS, NOT_YET, "its name without brackets"),
        (dict, NOT_YET, "the class dict"),
        (nn.Linear(3, 3), NOT_YET, "ended in"),
    ],
    ids=named,
)
def test_a_check_never_raises_and_says_what_it_saw(answer, status, says):
    found = check(answer)
    assert found.status == status
    assert says in found.message
    assert found.message in repr(found)
    assert found.message in found._repr_markdown_()


def test_a_check_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    check(lambda x, s: right(x, s) + 0 * torch.randn(1))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "spoils",
    [lambda t, n, a, m: t.add_(1), lambda t, n, a, m: n[0].mul_(2), lambda t, n, a, m: n.pop(),
     lambda t, n, a, m: a.fill(0), lambda t, n, a, m: m.weight.data.zero_(),
     lambda t, n, a, m: m.add_module("more", nn.ReLU())],
    ids=["tensor", "in a list", "list", "array", "weights", "module"],
)  # fmt: skip
def test_changed_arguments_are_noticed(spoils):
    given = torch.ones(2), [torch.ones(2)], np.ones(2), nn.Linear(2, 2)
    with pytest.raises(NotYet, match="in place"):
        called(lambda *args: (spoils(*args), 1)[1], *given)


def test_no_relation_is_named_where_there_is_none():
    rng = torch.Generator().manual_seed(0)
    for _ in range(200):
        pairs = [torch.randn(2, 2, 3, generator=rng, dtype=torch.float64) for _ in range(2)]
        assert relation([(found, wanted) for found, wanted in pairs]) is None
