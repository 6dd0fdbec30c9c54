from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.gate.condition import parse
from upkeep.core.gate.verdict import conjunction, evaluate
from upkeep.errors import InputError

SHARES = st.floats(0, 1)
CONDITIONS = st.sampled_from(
    ["n - o > 0.02 +/- 0.01", "d < 0.1 +/- 0.05", "n - o > 0 +/- 0.1 and d < 0.5 +/- 0.1", "1.1*o - n < 0.3 +/- 0.2"]
)


@pytest.mark.parametrize(
    ("gain", "truth", "strict", "lenient"),
    [(0.035, "true", True, True), (0.025, "unknown", False, True), (0.005, "false", False, False)],
)
def test_the_two_modes_differ_where_the_data_cannot_tell(gain, truth, strict, lenient):
    better = parse("n - o > 0.02 +/- 0.01")
    for mode, passed in (("fp-free", strict), ("fn-free", lenient)):
        verdict = evaluate(better, n=0.8 + gain, o=0.8, d=0.1, mode=mode)
        assert (verdict.truth, verdict.passed) == (truth, passed)
        (clause,) = verdict.clauses
        assert (clause.low, clause.estimate, clause.high) == pytest.approx((gain - 0.01, gain, gain + 0.01))


@pytest.mark.parametrize(("d", "truth"), [(0.08, "true"), (0.095, "unknown"), (0.12, "false")])
def test_less_than_is_the_mirror_image(d, truth):
    assert evaluate(parse("d < 0.1 +/- 0.01"), n=0.9, o=0.9, d=d, mode="fp-free").truth == truth


def test_conjunction_is_kleenes():
    strength = {"false": 0, "unknown": 1, "true": 2}
    for pair in product(strength, repeat=2):
        assert conjunction(pair) == min(pair, key=strength.__getitem__)


@given(CONDITIONS, SHARES, SHARES, SHARES)
def test_what_the_strict_mode_lets_in_the_lenient_one_does_too(text, n, o, d):
    condition = parse(text)
    strict = evaluate(condition, n=n, o=o, d=d, mode="fp-free")
    lenient = evaluate(condition, n=n, o=o, d=d, mode="fn-free")
    assert strict.passed <= lenient.passed
    assert strict.clauses == lenient.clauses


@given(CONDITIONS, SHARES, SHARES, SHARES)
def test_a_clause_is_true_only_if_the_plain_comparison_is(text, n, o, d):
    for clause, said in zip(
        parse(text).clauses, evaluate(parse(text), n=n, o=o, d=d, mode="fp-free").clauses, strict=True
    ):
        plain = said.estimate > clause.threshold if clause.comparison == ">" else said.estimate < clause.threshold
        assert said.truth != "true" or plain


def test_without_an_old_model_only_n_can_be_asked_for():
    assert evaluate(parse("n > 0.5 +/- 0.1"), n=0.7, o=None, d=None, mode="fp-free").passed
    with pytest.raises(InputError, match="needs d, o"):
        evaluate(parse("n - o - d > 0 +/- 0.1"), n=0.7, o=None, d=None, mode="fp-free")
    with pytest.raises(InputError, match="mode"):
        evaluate(parse("n > 0.5 +/- 0.1"), n=0.7, o=None, d=None, mode="strict")
