"""What the panels of a health picture show is what the report says."""

from dataclasses import asdict

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from upkeep.adapters.drift_picture import draw_distance, draw_ranked
from upkeep.adapters.histogram_picture import draw_histogram
from upkeep.core.drift.compare import compare
from upkeep.core.plain import plain
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.histogram import histogram
from upkeep.core.profile.profile import Profile


@pytest.fixture
def axes():
    return Figure().subplots()


def profiles(before, after):
    grid = ReferenceGrid.fit({"x": before})
    return [Profile.build(grid, {"x": values}) for values in (before, after)]


def areas(axes):
    """Area of what is drawn then and now; the outer bins are patches of their own."""
    filled, lines = [], []
    for patch in axes.patches:
        assert isinstance(patch, StepPatch)
        data = patch.get_data()
        (filled if patch.get_fill() else lines).append(float(np.sum(data.values * np.diff(data.edges))))
    return sum(filled), sum(lines)


@pytest.mark.parametrize("law", ["normal", "standard_cauchy"])
def test_areas_of_a_histogram_are_shares_of_rows(axes, law):
    rng = np.random.default_rng(51)
    before, after = (getattr(rng, law)(size=5_000) for _ in range(2))
    draw_histogram(axes, plain(asdict(histogram(*profiles(before, after + 3), "x"))), drifted=True)
    assert areas(axes) == pytest.approx((1, 1))


def test_areas_are_shares_of_rows_on_a_logarithmic_scale_and_its_ticks_are_values(axes):
    values = np.exp(2 * np.random.default_rng(52).normal(size=5_000))
    shown = histogram(*profiles(values, values * 3), "x")
    draw_histogram(axes, plain(asdict(shown)), drifted=False)
    axes.figure.draw_without_rendering()
    assert shown.scale == "log"
    assert areas(axes) == pytest.approx((1, 1))
    assert "1" in [label.get_text() for label in axes.get_xticklabels()]


def test_a_mass_beyond_the_reference_is_spelled_out_and_does_not_flatten_the_rest(axes):
    before = np.linspace(0, 1, 5_000)
    draw_histogram(axes, plain(asdict(histogram(*profiles(before, before + 7), "x"))), drifted=True)
    assert "0% → 100%\nup to 8" in [text.get_text() for text in axes.texts]
    assert axes.get_ylim()[1] < 2  # the density of the reference is 1


def test_bars_of_categories_say_both_shares(axes):
    before, after = (np.array(["a"] * n + ["b"] * (10 - n), dtype=object) for n in (7, 2))
    draw_histogram(axes, plain(asdict(histogram(*profiles(before, after), "x"))), drifted=False)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert [text.get_text().strip() for text in axes.texts] == ["70% → 20%", "30% → 80%"]


def test_shares_of_missing_values_are_said(axes):
    before, after = np.array([1.0, 2.0, np.nan, np.nan]), np.array([1.0, 2.0, 2.0, 2.0])
    draw_histogram(axes, plain(asdict(histogram(*profiles(before, after), "x"))), drifted=True)
    assert "missing 50.0% → 0.0%" in [text.get_text() for text in axes.texts]


@pytest.fixture(scope="module")
def findings():
    """The same distance over five windows, of which the last two have moved."""
    before = np.random.default_rng(53).normal(size=4_000)
    reference = profiles(before, before)[0]
    reports = [
        compare(reference, Profile.build(reference.grid, {"x": before + shift}), look=look)
        for look, shift in enumerate((0.0, 0.01, 0.02, 0.5, 0.8), start=1)
    ]
    return [plain(asdict(next(f for f in report.findings if f.distance == "ks"))) for report in reports]


def test_alarms_are_marked_in_the_windows_that_have_them(axes, findings):
    draw_distance(axes, findings, list("abcde"))
    marked = [line for line in axes.lines if line.get_marker() == "D"]
    assert [line.get_xdata().tolist() for line in marked] == [[3, 4]]
    assert axes.get_ylim()[1] >= max(finding["high"] for finding in findings)
    assert [label.get_text() for label in axes.get_xticklabels()] == list("abcde")


def test_a_window_without_the_column_is_a_gap_between_the_others(axes, findings):
    draw_distance(axes, [findings[0], None, findings[2]], list("abc"))
    assert np.isnan(axes.lines[0].get_ydata()).tolist() == [False, True, False]


def test_bars_are_as_long_as_the_distances_and_drifted_ones_are_named_in_bold(axes, findings):
    draw_ranked(axes, findings[::-1], tested=5)
    assert [bar.get_width() for bar in axes.patches] == [finding["statistic"] for finding in findings[::-1]]
    assert [label.get_weight() for label in axes.get_yticklabels()] == ["bold"] * 2 + ["normal"] * 3
