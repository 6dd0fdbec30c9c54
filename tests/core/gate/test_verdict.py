from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.gate.condition import parse
from upkeep.core.gate.verdict import conjunction, evaluate
from upkeep.errors import InputError

ESTIMATES = st.one_of(st.none(), st.floats(-2, 2))
CONDITIONS = st.sampled_from(
    ["n - o > 0.02 +/- 0.01", "d < 0.1 +/- 0.05", "n - o > 0 +/- 0.1 and d < 0.5 +/- 0.1", "1.1*o - n < 0.3 +/- 0.2"]
)
MODES = ("fp-free", "fn-free", "investigate")


@st.composite
def measured(draw):
    condition = parse(draw(CONDITIONS))
    return condition, [draw(ESTIMATES) for _ in condition.clauses]


@pytest.mark.parametrize(
    ("gain", "truth", "answers"),
    [
        (0.035, "true", ("pass", "pass", "pass")),
        (0.025, "unknown", ("fail", "pass", "investigate")),
        (0.005, "false", ("fail", "fail", "fail")),
        (None, "unknown", ("fail", "pass", "investigate")),
    ],
)
def test_the_modes_differ_where_the_data_cannot_tell(gain, truth, answers):
    better = parse("n - o > 0.02 +/- 0.01")
    for mode, answer in zip(MODES, answers, strict=True):
        verdict = evaluate(better, [gain], mode)
        assert (verdict.truth, verdict.answer, verdict.passed) == (truth, answer, answer == "pass")
        (clause,) = verdict.clauses
        expected = (None,) * 3 if gain is None else pytest.approx((gain - 0.01, gain, gain + 0.01))
        assert (clause.low, clause.estimate, clause.high) == expected


@pytest.mark.parametrize(("d", "truth"), [(0.08, "true"), (0.095, "unknown"), (0.12, "false")])
def test_less_than_is_the_mirror_image(d, truth):
    assert evaluate(parse("d < 0.1 +/- 0.01"), [d], "fp-free").truth == truth


@given(st.floats(-2, 2))
def test_a_clause_and_its_mirror_say_the_same(gain):
    left = evaluate(parse("n - o > 0.02 +/- 0.01"), [gain], "fp-free")
    right = evaluate(parse("o - n < -0.02 +/- 0.01"), [-gain], "fp-free")
    assert left.truth == right.truth


def test_conjunction_is_kleenes():
    strength = {"false": 0, "unknown": 1, "true": 2}
    for pair in product(strength, repeat=2):
        assert conjunction(pair) == min(pair, key=strength.__getitem__)


@given(measured())
def test_the_modes_let_in_ever_more(asked):
    strict, person, lenient = (evaluate(*asked, mode) for mode in ("fp-free", "investigate", "fn-free"))
    assert strict.passed == person.passed <= lenient.passed
    assert strict.clauses == person.clauses == lenient.clauses
    assert (person.answer == "investigate") == (strict.passed != lenient.passed)


@given(measured())
def test_a_clause_is_true_only_if_the_plain_comparison_is(asked):
    condition, estimates = asked
    for clause, said in zip(condition.clauses, evaluate(condition, estimates, "fp-free").clauses, strict=True):
        if said.truth == "true":
            assert said.estimate > clause.threshold if clause.comparison == ">" else said.estimate < clause.threshold


@pytest.mark.parametrize(
    ("text", "estimates", "mode", "words"),
    [
        ("n > 0.5 +/- 0.1", [0.7], "strict", "mode must be"),
        ("n > 0.5 +/- 0.1", [0.7, 0.7], "fp-free", "one estimate for each of its 1 clauses, got 2"),
        ("n > 0.5 +/- 0.1", [float("nan")], "fp-free", "must be finite"),
        ("n[worst borough] > 0.5 +/- 0.1", [0.7], "fp-free", "expanded"),
    ],
)
def test_what_cannot_be_judged_is_refused(text, estimates, mode, words):
    with pytest.raises(InputError, match=words):
        evaluate(parse(text), estimates, mode)
