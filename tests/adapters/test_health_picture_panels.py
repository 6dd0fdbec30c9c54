"""What the panels of a health picture show is what the report says."""

from dataclasses import asdict

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from upkeep.adapters.drift_picture import draw_distance, draw_ranked
from upkeep.adapters.health_picture import draw_accuracy
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


def _window(value, first=None, realized=None):
    def band(middle):
        return {"value": middle, "low": middle - 0.02, "high": middle + 0.02}

    accuracy = {"combined": band(value), "reference": {"value": 0.8}, "change": {"high": 0.01}}
    report = {"window": f"w{value}", "accuracy": accuracy, "first": first and band(first)}
    return report | ({"realized": {"accuracy": band(realized)}} if realized else {})


def test_a_window_shows_what_was_first_estimated_and_what_it_turned_out_to_be(axes):
    never = {"accuracy": {"value": None, "low": 0.0, "high": 1.0}}
    reports = [_window(0.80, 0.81, 0.79), _window(0.78, 0.82), _window(0.77) | {"realized": never}]
    draw_accuracy(axes, reports)
    marks = {line.get_label(): line for line in axes.lines}
    assert list(marks["first estimated"].get_ydata()) == [0.81, 0.82]
    assert list(marks["realized"].get_ydata()) == [0.79]
    assert marks["first estimated"].get_marker() != marks["realized"].get_marker()
    assert [round(x) for x in marks["first estimated"].get_xdata()] == [0, 1]


def test_a_life_without_later_looks_has_no_marks_of_them(axes):
    draw_accuracy(axes, [_window(0.80), _window(0.79)])
    assert not {"first estimated", "realized"} & {line.get_label() for line in axes.lines}


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
