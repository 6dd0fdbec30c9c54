import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from upkeep.core.feedback.estimate.coding import CELLS
from upkeep.core.feedback.estimate.mixing import moved_column
from upkeep.core.feedback.estimate.regrouping import RegroupWay, cell_effects
from upkeep.errors import InputError


def grouped(rng, rows, shares, moved=0.0):
    """A group, what goes with it, and a column of its own whose mean is `moved`; as codes."""
    group = rng.choice(len(shares), rows, p=shares)
    with_it = np.clip(10 + 3 * group + rng.normal(0, 2, rows), 0, 31)
    alone = np.clip(10 + 4 * moved + rng.normal(0, 4, rows), 0, 31)
    return np.column_stack([group, with_it, alone]).astype(np.uint8)


def test_a_column_of_two_cells_is_as_far_as_bhattacharyya_says():
    # 1/2 and 4/5: the affinity is sqrt(.4) + sqrt(.1); only the column that moved is named.
    reference = np.column_stack([np.arange(1_000) % 2, np.zeros(1_000)]).astype(np.uint8)
    live = np.column_stack([np.arange(1_000) % 5 > 0, np.zeros(1_000)]).astype(np.uint8)
    assert -np.log(np.sqrt(0.4) + np.sqrt(0.1)) == pytest.approx(0.0527, abs=1e-4)
    assert moved_column(reference, live) == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.25, 0.9))
def test_rows_of_the_reference_in_other_amounts_are_another_mix_of_it(seed, share):
    rng = np.random.default_rng(seed)
    reference = grouped(rng, 4_000, (0.7, 0.2, 0.1))
    live = grouped(rng, 3_000, ((1 - share) / 2, (1 - share) / 2, share))
    assert moved_column(reference, live) == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(50, 3_000))
def test_a_window_like_the_reference_has_moved_in_no_column(seed, rows):
    rng = np.random.default_rng(seed)
    assert moved_column(grouped(rng, 4_000, (0.7, 0.2, 0.1)), grouped(rng, rows, (0.7, 0.2, 0.1))) is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 3.0))
def test_where_another_column_has_moved_by_itself_the_window_is_no_mix(seed, moved):
    rng = np.random.default_rng(seed)
    live = grouped(rng, 3_000, (0.2, 0.3, 0.5), moved)
    assert moved_column(grouped(rng, 4_000, (0.7, 0.2, 0.1)), live) is None


def test_cells_that_the_reference_has_not_seen_are_no_mix_of_it():
    reference = np.zeros((1_000, 1), dtype=np.uint8)
    assert moved_column(reference, np.ones((1_000, 1), dtype=np.uint8)) is None
    assert moved_column(reference, np.zeros((0, 1), dtype=np.uint8)) is None


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.3, 2.0))
def test_effects_are_the_likeliest_ones_under_their_own_spread(seed, spread):
    rng = np.random.default_rng(seed)
    codes, start = rng.integers(0, 12, 6_000).astype(np.uint8), rng.uniform(0.1, 0.9, 6_000)
    outcome = (rng.random(6_000) < expit(logit(start) + rng.normal(0, spread, 12)[codes])).astype(float)
    slope = np.bincount(codes, weights=outcome - start)
    bend = np.bincount(codes, weights=start * (1 - start))
    between = (slope**2 / bend - 1).sum() / bend.sum()
    found = cell_effects(codes, start, outcome)
    for cell in range(12):
        odds, y = logit(start[codes == cell]), outcome[codes == cell]

        def loss(effect, odds=odds, y=y):
            return np.logaddexp(0, odds + effect).sum() - y @ (odds + effect) + effect**2 / between / 2

        oracle = minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9}).x
        assert found[cell] == pytest.approx(oracle, abs=1e-5)
    assert (found[12:] == 0).all()


def test_cells_that_differ_by_chance_alone_have_hardly_an_effect():
    # Over 200 references; unshrunk, effects would have the standard deviation of one over the root of 300 x .21: .126.
    size = []
    for seed in range(200):
        rng = np.random.default_rng([8, seed])
        codes, start = np.repeat(np.arange(10), 300).astype(np.uint8), np.full(3_000, 0.7)
        size.append(np.sqrt((cell_effects(codes, start, (rng.random(3_000) < 0.7) * 1.0)[:10] ** 2).mean()))
    assert np.mean(size) < 0.126 / 3
    assert np.median(size) < 0.01


def test_a_window_that_is_no_mix_is_as_the_score_says_and_one_that_is_moves_by_its_cells():
    rng = np.random.default_rng(0)
    codes = grouped(rng, 6_000, (0.5, 0.3, 0.2))
    start = np.full(6_000, 0.8)
    outcome = (rng.random(6_000) < np.array([0.9, 0.8, 0.55])[codes[:, 0]]).astype(float)
    way = RegroupWay.learn(codes, start, outcome, rng)
    same, mix = grouped(rng, 3_000, (0.5, 0.3, 0.2)), grouped(rng, 3_000, (0.1, 0.1, 0.8))
    first = np.full((3_000, 1), 0.8)
    assert (way.expected(first, same, first[:, 0]) == first).all()
    assert way.expected(first, mix, first[:, 0]).mean() == pytest.approx(0.1 * 0.9 + 0.1 * 0.8 + 0.8 * 0.55, abs=0.03)


def test_effects_of_other_columns_than_the_sample_has_are_refused():
    rng = np.random.default_rng(0)
    codes = grouped(rng, 500, (0.5, 0.5))
    way = RegroupWay.learn(codes, np.full(500, 0.5), np.ones(500), rng)
    assert way.effects.shape == (3, CELLS)
    with pytest.raises(InputError, match="damaged"):
        RegroupWay.from_json(way.to_json(), 2)
