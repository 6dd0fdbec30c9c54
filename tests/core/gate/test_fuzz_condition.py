"""The language against random conditions, random text, and text that is nearly a condition."""

import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from upkeep.core.gate.condition import Clause, Condition, Predicate, Variable, Worst, parse
from upkeep.core.gate.variable import METRICS, SLICE_COMPARISONS
from upkeep.errors import InputError

LOSSES = ("hinge", "and", "worst", "n", "größe")
FACTORS = st.floats(allow_nan=False, allow_infinity=False).filter(bool)
TEXTS = st.one_of(
    st.sampled_from(["worst", "and", "n", "", "Staten Island", 'a"b\\', "\0\t\n\u2028", "5", "true"]), st.text()
)
PREDICATES = st.builds(
    Predicate, TEXTS, st.sampled_from(SLICE_COMPARISONS), TEXTS | st.floats(allow_nan=False, allow_infinity=False)
)


@st.composite
def clauses(draw):
    anything = st.lists(PREDICATES, max_size=3).map(tuple)
    worst = draw(st.none() | st.builds(Worst, TEXTS))
    rows = anything if worst is None else st.just(worst)
    metrics = st.sampled_from([*METRICS, *LOSSES])
    rates = st.builds(Variable, st.sampled_from("no"), metrics, rows)
    variables = draw(
        st.lists(rates | st.builds(Variable, st.just("d"), slice=rows), min_size=1, max_size=4, unique=True)
    )
    return Clause(
        weights=tuple((variable, draw(FACTORS)) for variable in variables),
        comparison=draw(st.sampled_from("<>")),
        threshold=draw(st.floats(allow_nan=False, allow_infinity=False)),
        tolerance=draw(st.floats(min_value=0, exclude_min=True, allow_infinity=False)),
    )


CONDITIONS = st.lists(clauses(), min_size=1, max_size=3).map(lambda some: Condition(clauses=tuple(some)))
TOKENS = ["n", "o", "d", ".", "recall", "f1", "hinge", "[", "]", ",", "worst", "borough", "Queens", '"Staten Island"']
TOKENS += ["=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "and", "/\\", "+/-", "0.1", "1", "2e3", "1e999", ".5"]


def columns(text):
    """How many columns of a terminal a text takes."""
    accents = sum(unicodedata.category(c) in ("Mn", "Me") for c in text)
    return len(text) - accents + sum(unicodedata.east_asian_width(c) in "WF" for c in text)


def shown(refusal):
    """The line of the text that an error shows, and what of it stands before the caret."""
    head, line, caret = str(refusal).split("\n")
    assert head.startswith("the condition ")
    assert head.endswith(" here:")
    assert caret.strip() == "^"
    before = next(line[:i] for i in range(2, len(line) + 1) if columns(line[:i]) == columns(caret) - 1)
    return line, before


def check(text):
    """Parsed and printed it stays the same, or it is refused with a caret; nothing else happens."""
    try:
        condition = parse(text, LOSSES)
    except InputError as refusal:
        shown(refusal)
        return False
    assert parse(str(condition), LOSSES) == condition
    assert str(parse(str(condition), LOSSES)) == str(condition)
    return True


@given(CONDITIONS)
def test_what_is_printed_parses_to_the_same_condition(condition):
    assert parse(str(condition), LOSSES) == condition
    assert hash(parse(str(condition), LOSSES)) == hash(condition)


@given(st.text(st.characters(exclude_categories=())))
@example("\0")
@example("n > 0.5 +/- 1e999")
@example("n[a = 1e999] > 0 +/- 1")
@example("1e308*n + 1e308*n + 1e308*n > 0 +/- 1")
@example("1e999*0*n > 0 +/- 1")
@example('n[a = "\ud800"] > 0 +/- 1')
@example('n[a = "\\ud800"] > 0 +/- 1')
@example('n["\\ud83d\\ude00" = "\\u0000"] > 0 +/- 1')
@example("n[a = ٣] > ٣ +/- ٣")
@example("n > 0.5 +/- 0.1\u2028and\u3000d < 1 +/- 1")
def test_any_text_is_a_condition_or_refused_with_a_caret(text):
    check(text)


@given(st.lists(st.sampled_from(TOKENS), max_size=25).map(" ".join))
def test_any_row_of_signs_is_a_condition_or_refused_with_a_caret(text):
    check(text)


@given(CONDITIONS, st.data())
def test_a_condition_with_a_part_lost_doubled_or_swapped_is_one_or_is_refused(condition, data):
    text = str(condition)
    i, j, k = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 3)))
    check(
        data.draw(
            st.sampled_from([text[:i] + text[j:], text[:j] + text[i:], text[:i] + text[j:k] + text[i:j] + text[k:]])
        )
    )


BETTER = ["1.5", "*", "n", ".", "recall", "[", "borough", "=", '"Staten Island"', ",", "hour", ">=", "-", "5", "]"]
BETTER += ["-", "o", ">", "0.02", "+/-", "0.01", "and"]
FEW = ["d", "[", "worst", "borough", "]", "<", "0.5", "+/-", "0.1"]


@given(st.integers(0, 30), st.sampled_from([" ", "\n", "\t ", "   "]), st.data())
def test_the_caret_stands_under_the_first_sign_that_cannot_be_right(repeats, gap, data):
    whole = BETTER * repeats + FEW
    parse(gap.join(whole))
    place = data.draw(st.integers(0, len(whole)))
    with pytest.raises(InputError, match="has no meaning") as caught:
        parse(gap.join([*whole[:place], "?", *whole[place:]]))
    line, before = shown(caught.value)
    assert line[len(before)] == "?"
    said, cut = " ".join(before.split()), before.startswith("  …")
    assert (" ".join(whole[:place]) if cut else said).endswith(said.removeprefix("…").strip())
    assert cut or said == " ".join(whole[:place])


@given(st.text(st.characters(exclude_characters='"\\', min_codepoint=32, exclude_categories=["Cs"]), max_size=90))
@example("上海 é́")
def test_the_caret_stands_in_its_column_whatever_is_before(zone):
    with pytest.raises(InputError, match="has no meaning") as caught:
        parse(f'n[zone = "{zone}"] ? 0')
    line, before = shown(caught.value)
    assert line[len(before) :] == "? 0"


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_what_a_refusal_shows_can_be_printed_on_one_line(text):
    assume("?" not in text)
    with pytest.raises(InputError) as caught:
        parse(f"?{text}")
    line, before = shown(caught.value)
    assert before == "  "
    assert line.isprintable()
    str(caught.value).encode()


MANY = 50_000


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("n" * MANY, False),
        ("(" * MANY, False),
        ("-" * MANY, False),
        ("9" * MANY, False),
        ("n > ." + "9" * MANY + " +/- 0.1", True),
        ("n > 0." + "0" * MANY + "1 +/- 0.1", True),
        ("1e" + "9" * MANY, False),
        ('n[a = "' + "\\" * MANY, False),
        ('n[a = "' + "\\u0041" * MANY, False),
        ('n[a = "' + "\\u0041" * MANY + '"] > 0.5 +/- 0.1', True),
        ("n[" * MANY, False),
        ("n." * MANY, False),
        ("n[" + "a = 1, " * MANY, False),
        ("n[" + "a = 1, " * MANY + "a = 2] > 0 +/- 1", True),
        (" " * MANY + "n > 0.5 +/- 0.1", True),
        ("n" + " + n" * MANY + " > 0.5 +/- 0.1", True),
        ("1 * " * MANY + "n > 0.5 +/- 0.1", True),
        (" and ".join(["n > 0.5 +/- 0.1"] * 5_000), True),
        (" - ".join(f"n[a = {i}]" for i in range(5_000)) + " > 0.5 +/- 0.1", True),
        ("n.recall" + "x" * MANY + " > 0.5 +/- 0.1", False),
    ],
    ids=range(20),
)
def test_however_long_a_text_is_it_is_read_or_refused_in_few_words(text, fine):
    assert check(text) == fine
    if not fine:
        with pytest.raises(InputError) as caught:
            parse(text)
        assert len(str(caught.value)) < 1000
