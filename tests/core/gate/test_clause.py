"""What follows from a clause's form: pairing, span, difference, worst slice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.gate.condition import Clause, Condition, Predicate, Variable, Worst, expand, parse
from upkeep.errors import InputError


def clause(text):
    (one,) = parse(f"{text} > 0 +/- 0.1", ["cost"]).clauses
    return one


@pytest.mark.parametrize(
    ("left", "paired", "difference", "span", "needs_labels"),
    [
        ("n - o", True, 1.0, (-1, 1), True),
        ("o - n", True, -1.0, (-1, 1), True),
        ("2*n - 2*o", True, 2.0, (-2, 2), True),
        ("n - 1.1*o", True, None, (-1.1, 1), True),
        ("n + o", True, None, (0, 2), True),
        ("n - o - 0.5*d", True, None, (-1.5, 1), True),
        ("n", True, None, (0, 1), True),
        ("d", True, None, (0, 1), False),
        ("-3*d[a = 1]", True, None, (-3, 0), False),
        ("n.recall - o.recall", True, 1.0, (-1, 1), True),
        ("n.specificity - o.specificity", True, 1.0, (-1, 1), True),
        ("n.recall - o.specificity", False, None, (-1, 1), True),
        ("n.recall - o", False, None, (-1, 1), True),
        ("n.recall - d", False, None, (-1, 1), True),
        ("n.precision", True, None, (0, 1), True),
        ("n.precision - o.precision", False, None, (-1, 1), True),
        ("n.f1", False, None, (0, 1), True),
        ("n.f1 - o.f1", False, None, (-1, 1), True),
        ("n.brier - o.brier", True, None, (-1, 1), True),
        ("n.cost - o.cost + n - o", True, None, (-2, 2), True),
        ("n[a = 1, b = 2] - o[b = 2, a = 1]", True, 1.0, (-1, 1), True),
        ("n[a = 1] - o[a = 2]", False, None, (-1, 1), True),
        ("n[a = 1] - o", False, None, (-1, 1), True),
        ("n[a = 1] - n", False, None, (-1, 1), True),
        ("n[label = 1] - o.recall", False, None, (-1, 1), True),
        ("n[worst a] - o[worst a]", True, 1.0, (-1, 1), True),
    ],
)
def test_what_a_clause_is_follows_from_its_variables(left, paired, difference, span, needs_labels):
    said = clause(left)
    assert (said.paired, said.difference, said.span) == (paired, difference, span)
    assert said.needs_labels == needs_labels


@pytest.mark.parametrize(
    ("variable", "rows"),
    [
        ("n", ""),
        ("n.recall", "label = 1"),
        ("o.specificity", "label = 0"),
        ("o.precision", "o predicts 1"),
        ("n.f1[a = 1]", "label = 1 or n predicts 1, a = 1"),
        ('d[zone = "A B", hour >= 5]', 'hour >= 5, zone = "A B"'),
        ("n.recall[worst a]", "label = 1, worst a"),
    ],
)
def test_a_variable_says_in_words_which_rows_it_is_about(variable, rows):
    assert clause(variable).variables[0].rows == rows


def test_the_order_in_which_a_clause_is_written_does_not_matter():
    assert clause("o[b = 2, a = 1] - d + n.recall") == clause("n.recall + o[a = 1, b = 2, a = 1.0] - d")


def test_a_worst_slice_is_each_level_once_in_the_order_given():
    condition = parse("n[worst a] - o[worst a] > 0 +/- .1 and d < .1 +/- .1 and n.recall[worst b] > .5 +/- .1")
    assert condition.worst == ("a", "b")
    told = expand(condition, {"a": ["y", "x", "y"], "b": [1.0]})
    assert str(told).split(" /\\ ") == [
        "n[a = y] - o[a = y] > 0.0 +/- 0.1",
        "n[a = x] - o[a = x] > 0.0 +/- 0.1",
        "d < 0.1 +/- 0.1",
        "n.recall[b = 1] > 0.5 +/- 0.1",
    ]
    assert told.worst == ()
    assert expand(told, {}) == told
    for levels in ({"a": ["x"]}, {"a": ["x"], "b": []}):
        with pytest.raises(InputError, match="'b' needs its levels"):
            expand(condition, levels)


@given(st.lists(st.text(), min_size=1, unique=True))
def test_any_text_can_be_a_level(levels):
    told = expand(parse("n[worst a] > 0.5 +/- 0.1"), {"a": levels})
    assert parse(str(told)) == told
    assert len(told.clauses) == len(levels)


N = Variable("n")
FORM = {"weights": ((N, 1.0),), "comparison": ">", "threshold": 0.0, "tolerance": 0.1}


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Clause(**FORM | {"weights": ()}), "needs variables"),
        (lambda: Clause(**FORM | {"weights": ((N, 0.0),)}), "factors other than 0"),
        (lambda: Clause(**FORM | {"weights": ((N, 1.0), (N, 2.0))}), "each variable once"),
        (lambda: Clause(**FORM | {"comparison": ">="}), "by > or <"),
        (lambda: Clause(**FORM | {"threshold": float("nan")}), "finite threshold"),
        (lambda: Clause(**FORM | {"tolerance": 0.0}), "tolerance above 0"),
        (lambda: Condition(clauses=()), "at least one clause"),
        (lambda: Variable("m"), "about n, o or d"),
        (lambda: Variable("d", "recall"), "has no metric"),
        (lambda: Variable("n", "two words"), "one word"),
        (lambda: Predicate("a", "==", 1.0), "compares by one of"),
        (lambda: Predicate("a", "=", float("inf")), "finite number"),
        (lambda: Predicate("a", "=", 10**400), "finite number"),
        (lambda: Predicate("\ud800", "=", 1.0), "surrogate"),
        (lambda: Worst("\ud800"), "surrogate"),
    ],
)
def test_what_no_text_could_say_is_refused(build, words):
    with pytest.raises(InputError, match=words):
        build()
