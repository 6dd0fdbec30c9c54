import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.histogram import histogram
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError

finite = st.floats(-1e300, 1e300)


def shown(before, after, **options):
    grid = ReferenceGrid.fit({"x": before})
    then, now = (Profile.build(grid, {"x": values}) for values in (before, after))
    return histogram(then, now, "x", **options)


def counted(edges, values):
    """Shares by numpy's own histogram; the outermost edges are the least and largest number of both sides."""
    return np.histogram(values, bins=edges)[0] / len(values)


@given(st.lists(finite, min_size=1, max_size=80), st.lists(finite, max_size=80), st.integers(3, 40))
def test_shares_of_any_numbers_add_up_and_bins_are_few(before, after, bins):
    found = shown(np.array(before), np.array(after), bins=bins)
    assert sum(found.before) == pytest.approx(1)
    assert sum(found.after) == pytest.approx(1 if after else 0)
    assert len(found.before) == len(found.after)
    if found.kind == "numeric":
        assert len(found.edges) == len(found.before) + 1
        assert len(found.before) <= bins
        assert list(found.edges) == sorted(found.edges)


@pytest.mark.parametrize("law", ["normal", "standard_cauchy", "lognormal"])
def test_every_bar_is_the_share_that_numpy_counts_between_its_edges(law):
    rng = np.random.default_rng(31)
    before, after = (getattr(rng, law)(size=20_000) * scale for scale in (1.0, 1.3))
    found = shown(before, after)
    np.testing.assert_allclose(found.before, counted(found.edges, before), atol=1e-12)
    np.testing.assert_allclose(found.after, counted(found.edges, after), atol=1e-12)
    assert 10 <= len(found.before) <= 30


def test_heavy_tails_do_not_take_the_room():
    x = np.random.default_rng(32).standard_cauchy(50_000)
    found = shown(x, x)
    inner = found.edges[-2] - found.edges[1]
    assert inner < 16  # three times the spread of the middle half, 2, on either side of it
    assert found.edges[-1] - found.edges[0] > 1_000
    assert max(found.before[1:-1]) > 0.05


def test_long_right_tails_of_positive_numbers_are_shown_on_a_logarithmic_scale():
    x = np.exp(1.5 * np.random.default_rng(33).standard_normal(20_000))
    found = shown(x, x * 2)
    assert found.scale == "log"
    widths = np.diff(np.log(found.edges[1:-1]))
    assert np.median(widths) == pytest.approx(widths.mean(), rel=0.3)
    assert shown(x - x.mean(), x - x.mean()).scale == "linear"


def test_what_lies_beyond_the_reference_is_one_bin_that_says_how_far_it_goes():
    before = np.linspace(0, 1, 5_000)
    found = shown(before, before + 5)
    assert found.after[-1] == 1.0
    assert found.edges[-1] == 6.0
    assert found.edges[-2] == pytest.approx(1.0, abs=0.002)


def test_few_numbers_are_shown_one_by_one_and_new_ones_together():
    before = np.array([1.0, 2.0, 2.0, 6.0] * 50)
    found = shown(before, np.array([2.0, 2.0, 3.0, 9.0]))
    assert (found.kind, found.levels) == ("values", ("1", "2", "6", "other"))
    assert found.before == (0.25, 0.5, 0.25, 0.0)
    assert found.after == (0.0, 0.5, 0.0, 0.5)


def test_categories_stand_by_their_share_and_a_new_one_among_the_others():
    before = np.array(["a"] * 6 + ["b"] * 3 + ["c"], dtype=object)
    after = np.array(["c"] * 7 + ["a", "b", "new"], dtype=object)
    found = shown(before, after, levels=2)
    assert (found.kind, found.levels) == ("category", ("a", "c", "other"))
    assert found.before == (0.6, 0.1, 0.3)
    assert found.after == (0.1, 0.7, 0.2)


def test_missing_values_are_said_beside_the_bars():
    found = shown(np.array([1.0, 2.0, np.nan, np.nan]), np.array([1.0, 2.0, np.inf, 1.0]))
    assert found.missing == (0.5, 0.25)
    assert sum(found.before) == 1.0


def test_hours_of_times_are_twenty_four_bars():
    day = np.arange("2024-01-01", "2024-01-03", dtype="datetime64[h]").astype("datetime64[us]")
    found = shown(day, day[::2])
    assert found.levels == tuple(map(str, range(24)))
    assert found.after == pytest.approx([1 / 12, 0] * 12)


def test_a_column_without_any_value_has_one_bar():
    found = shown(np.array([np.nan, np.nan]), np.array([1.0, np.nan]))
    assert (found.levels, found.before, found.after, found.missing) == (("any value",), (0.0,), (1.0,), (1.0, 0.5))


def test_a_column_that_is_not_there_and_too_few_bins_are_refused():
    profile = Profile.build(ReferenceGrid.fit({"x": np.arange(9.0)}), {"x": np.arange(9.0)})
    with pytest.raises(InputError, match="must be in both"):
        histogram(profile, profile, "y")
    with pytest.raises(InputError, match="at least 3 bins"):
        histogram(profile, profile, "x", bins=2)
