"""Averages over a sample drawn by loss are those of all rows, and a uniform sample favours nobody."""

import numpy as np
import pytest
from scipy import stats

from upkeep.core.profile.samples import RowSample

pytestmark = pytest.mark.slow

RUNS, ROWS, SIZE = 2_000, 400, 40


@pytest.fixture(scope="module")
def runs():
    """Per run the weighted estimate, the naive mean of the rows drawn, and the rows of a uniform sample."""
    rng = np.random.default_rng(20240301)
    loss = rng.gamma(0.5, 1, ROWS) + 0.01
    fare = 3 * loss + rng.normal(10, 2, ROWS)
    table, ids = {"fare": fare}, rng.integers(0, 2**62, ROWS)
    ours, naive, times = np.empty(RUNS), np.empty(RUNS), np.zeros(ROWS)
    place = {row_id: row for row, row_id in enumerate(ids.tolist())}
    for run in range(RUNS):
        sample = RowSample.empty(size=SIZE, seed=run).update(table, ids, weights=loss)
        ours[run] = sample.mean(sample.rows["fare"])
        naive[run] = sample.rows["fare"].mean()
        uniform = RowSample.empty(size=SIZE, seed=run).update(table, ids)
        times[[place[row_id] for row_id in uniform.ids.tolist()]] += 1
    return fare.mean(), ours, naive, times


def biased(estimates, truth):
    return abs(estimates.mean() - truth) >= 3 * estimates.std(ddof=1) / np.sqrt(len(estimates))


def test_the_inverse_chances_make_the_mean_unbiased_and_without_them_it_is_not(runs):
    truth, ours, naive, _ = runs
    assert not biased(ours, truth)
    assert biased(naive, truth)


def test_every_row_is_as_likely_to_be_in_a_uniform_sample(runs):
    times = runs[3]
    assert times.sum() == RUNS * SIZE
    assert p_value_of_equal_chances(times) > 0.001
    favoured = times + np.where(np.arange(ROWS) < ROWS // 10, 20, 0)  # the control: a tenth drawn a tenth more often
    assert p_value_of_equal_chances(favoured) < 0.001


def p_value_of_equal_chances(times):
    """Counts of rows are binomial with one sum in all, which costs a degree of freedom."""
    share = SIZE / ROWS
    scaled = (times - RUNS * share) ** 2 / (RUNS * share * (1 - share))
    return stats.chi2.sf(scaled.sum() * (ROWS - 1) / ROWS, ROWS - 1)
