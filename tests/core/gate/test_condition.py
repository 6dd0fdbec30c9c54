import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.gate.condition import Clause, Condition, Predicate, Variable, parse
from upkeep.errors import InputError

NUMBERS = st.floats(-1e6, 1e6).filter(bool)


@st.composite
def clauses(draw):
    names = draw(st.lists(st.sampled_from("nod"), min_size=1, max_size=3, unique=True))
    return Clause(
        weights=tuple((Variable(name), draw(NUMBERS)) for name in "nod" if name in names),
        comparison=draw(st.sampled_from("<>")),
        threshold=draw(st.floats(-1e6, 1e6)) + 0.0,
        tolerance=draw(st.floats(1e-9, 1e6)),
    )


@given(st.lists(clauses(), min_size=1, max_size=4))
def test_what_is_printed_parses_to_the_same_condition(some):
    condition = Condition(clauses=tuple(some))
    assert parse(str(condition)) == condition


@pytest.mark.parametrize(
    ("text", "weights", "comparison", "threshold", "tolerance"),
    [
        ("n - o > 0.02 +/- 0.01", (("n", 1.0), ("o", -1.0)), ">", 0.02, 0.01),
        ("n > o + 0.02 +/- 0.01", (("n", 1.0), ("o", -1.0)), ">", 0.02, 0.01),
        ("n - o - 0.02 > 0 +/- 0.01", (("n", 1.0), ("o", -1.0)), ">", 0.02, 0.01),
        ("0.5 < n +/- .1", (("n", -1.0),), "<", -0.5, 0.1),
        ("n - 1.1 * o > 1e-2 +/- 1E-2", (("n", 1.0), ("o", -1.1)), ">", 0.01, 0.01),
        ("n*2*0.5 - o*1 > 0 +/- 0.1", (("n", 1.0), ("o", -1.0)), ">", 0.0, 0.1),
        ("-d>-.1+/-.01", (("d", -1.0),), ">", -0.1, 0.01),
        ("n + n - o > o +/- 0.1", (("n", 2.0), ("o", -2.0)), ">", 0.0, 0.1),
    ],
)
def test_every_clause_is_brought_to_one_form(text, weights, comparison, threshold, tolerance):
    (clause,) = parse(text).clauses
    assert clause.weights == tuple((Variable(name), factor) for name, factor in weights)
    assert (clause.comparison, clause.threshold, clause.tolerance) == (comparison, threshold, tolerance)


@pytest.mark.parametrize("joint", ["/\\", "and", " AND ".lower()])
def test_clauses_are_joined_by_either_sign(joint):
    condition = parse(f"n - o > 0.02 +/- 0.01 {joint} d < 0.1 +/- 0.01")
    assert [clause.comparison for clause in condition.clauses] == [">", "<"]
    assert condition.variables == {Variable("n"), Variable("o"), Variable("d")}


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("n - o > 0.02", 12, "needs a tolerance"),
        ("n - o > 0.02 +/- x", 17, "needs the tolerance"),
        ("n - o > 0.02 +/- 0", 17, "tolerance above 0"),
        ("n - o >= 0.02 +/- 0.1", 6, "write >"),
        ("n * o > 0.02 +/- 0.1", 4, "linear"),
        ("2 * (n - o) > 0 +/- 0.1", 4, "brackets"),
        ("n - n > 0.1 +/- 0.1", 0, "a variable is left"),
        ("n > 1e999 +/- 0.1", 0, "finite"),
        ("n > 0.1 +/- 0.1 or d < 1 +/- .1", 16, "'and', or end"),
        ("n > 0.1 +/- 0.1 d < 1 +/- .1", 16, "'/\\\\' or 'and'"),
        ("n > 0.1 ± 0.1", 8, r"write \+/-"),
        ("__import__('os') > 0 +/- 1", 0, "has no meaning"),
        ("", 0, "needs a number or one of n, o, d"),
        ("n = 0.5 +/- 0.1", 2, "write < or >"),
        ("N > 0.5 +/- 0.1", 0, "the variables are n, o and d"),
        ("d.recall < 0.1 +/- 0.1", 1, "share of rows where the two predict differently"),
        ("n.cost < 0.1 +/- 0.1", 2, "none of accuracy, recall, specificity, precision, f1, brier here"),
        ("n. > 0.1 +/- 0.1", 3, "name of a metric"),
        ("n[borough = Staten Island] > 0 +/- 1", 19, "stand in double quotes"),
        ("n[day >= 2024-01-08] > 0 +/- 1", 13, "stand in double quotes"),
        ("n[borough = 'Queens'] > 0 +/- 1", 12, "double quotes"),
        ('n[borough = "Queens] > 0 +/- 1', 12, "ends with a double quote"),
        ('n[borough = "\\x"] > 0 +/- 1', 12, "escapes as JSON does"),
        ("n[borough == Queens] > 0 +/- 1", 11, "needs a word"),
        ("n[borough Queens] > 0 +/- 1", 10, "needs one of = !="),
        ("n[borough = Queens or hour = 1] > 0 +/- 1", 19, "',' or ']'"),
        ("n[hour > - Queens] > 0 +/- 1", 11, "number after the sign"),
        ("n[hour > 1e999] > 0 +/- 1", 9, "finite number"),
        ("n[] > 0 +/- 1", 2, "name of a column"),
        ("n[worst] > 0 +/- 1", 7, "name of a column"),
        ("n[worst borough, hour = 1] > 0 +/- 1", 15, "',' or ']'"),
        ("n[worst borough] - o > 0 +/- 1", 19, r"say \[worst borough\] of every variable"),
        ("n[worst borough] - o[worst zone] > 0 +/- 1", 19, r"say \[worst borough\] of every variable"),
        ("n[borough = Queens > 0 +/- 1", 19, "',' or ']'"),
        ("[borough = Queens] > 0 +/- 1", 0, "needs a number or one of n, o, d"),
    ],
)
def test_an_error_points_at_the_character(text, column, words):
    with pytest.raises(InputError, match=words) as caught:
        parse(text)
    line, caret = str(caught.value).splitlines()[1:]
    assert line == f"  {text}"
    assert caret.index("^") - 2 == column


def test_metrics_slices_and_losses_are_read():
    text = 'n.recall[borough = "Staten Island", hour>=-5.5] - 2*o.cost["a\\"b" != "\\u0041"] > 0 +/- 0.1'
    (clause,) = parse(text, ["cost"]).clauses
    assert dict(clause.weights) == {
        Variable("n", "recall", (Predicate("borough", "=", "Staten Island"), Predicate("hour", ">=", -5.5))): 1.0,
        Variable("o", "cost", (Predicate('a"b', "!=", "A"),)): -2.0,
    }
    assert str(clause).startswith('n.recall[borough = "Staten Island", hour >= -5.5] - 2.0*o.cost["a\\"b" != A] >')


def test_a_word_means_what_its_place_says():
    (clause,) = parse("n[worst = worst, n = o, and = and] - n[d = 1]*2 > 0 +/- 1").clauses
    assert str(clause) == "n[and = and, n = o, worst = worst] - 2.0*n[d = 1] > 0.0 +/- 1.0"
    assert parse('n[worst "worst"] > 0 +/- 1').worst == ("worst",)
    assert parse("n.accuracy > 0 +/- 1") == parse("n > 0 +/- 1")


@pytest.mark.parametrize("name", ["f1", "two words", "", "5th", "a.b"])
def test_a_loss_has_a_name_of_its_own(name):
    with pytest.raises(InputError, match="a loss needs a name"):
        parse("n > 0.5 +/- 0.1", [name])
