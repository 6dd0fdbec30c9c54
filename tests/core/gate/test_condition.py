import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.gate.condition import Clause, Condition, Variable, parse
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


@given(st.text(alphabet="nod+-*/\\<>.0123456789e and(", max_size=30))
def test_any_text_is_a_condition_or_an_input_error(text):
    try:
        condition = parse(text)
    except InputError:
        with pytest.raises(InputError, match=r"\^$"):
            parse(text)
        return
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
    ],
)
def test_an_error_points_at_the_character(text, column, words):
    with pytest.raises(InputError, match=words) as caught:
        parse(text)
    line, caret = str(caught.value).splitlines()[1:]
    assert line == f"  {text}"
    assert caret.index("^") - 2 == column
