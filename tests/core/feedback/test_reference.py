import json

import numpy as np
import pytest

from upkeep.core.drift.compare import compare
from upkeep.core.feedback.reference import ModelReference
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError


def fitted(rows=4_000, days=35, **changes):
    rng = np.random.default_rng(1)
    scores = rng.random(rows)
    arguments = {
        "table": {"fare": rng.gamma(2, 5, rows), "zone": rng.choice(np.array(["a", "b"], dtype=object), rows)},
        "scores": scores,
        "labels": (rng.random(rows) < scores).astype(int),
        "when": np.datetime64("2024-01-01", "us") + np.arange(rows) * np.timedelta64(days * 86_400 // rows, "s"),
    }
    return ModelReference.fit(**arguments | changes)


def test_buckets_are_deciles_and_add_up_to_the_accuracy():
    reference = fitted()

    assert len(reference.bucket_rows) == 10
    assert reference.bucket_rows.max() - reference.bucket_rows.min() <= 1
    assert reference.accuracy == reference.bucket_correct.sum() / 4_000 == pytest.approx(0.75, abs=0.02)
    assert reference.bucket_of(np.array([0.0, 0.55, 1.0])).tolist() == [0, 5, 9]


def test_the_model_s_own_score_is_profiled_too():
    assert list(fitted().profile.columns) == ["fare", "zone", "score"]


def test_levels_are_chosen_on_one_half_of_the_rows_and_counted_on_the_other():
    unique = np.array([f"u{i}" for i in range(4_000)], dtype=object)
    reference = fitted(table={"unique": unique, "fare": np.arange(4_000.0)})
    column = reference.profile.columns["unique"]

    assert column.counts[:-1].sum() == 0  # the levels are of the other half
    assert 1_850 < column.rows < 2_150
    assert reference.profile.columns["fare"].rows == reference.profile.rows == 4_000


def test_rows_that_take_turns_do_not_drift_in_a_world_that_stands_still():
    side = np.array(["home", "away"] * 2_000, dtype=object)
    reference = fitted(table={"side": side}).profile.only(["side"])

    assert set(reference.grid.cells["side"].levels) == {"home", "away"}
    assert compare(reference, Profile.build(reference.grid, {"side": side})).drifted == ()


def test_natural_variation_is_that_of_windows_no_longer_than_the_live_one():
    when = np.datetime64("2024-01-01", "us") + np.arange(56 * 200) * np.timedelta64(432, "s")
    weekend = np.isin((when.astype("datetime64[D]").astype(int) + 3) % 7, (5, 6))
    rng = np.random.default_rng(1)
    miles = rng.normal(size=len(when)) + weekend
    reference = fitted(rows=len(when), table={"miles": miles}, when=when, scores=rng.random(len(when)))

    assert set(reference.tolerances) == {24, 168}  # eight weeks are but two times four, an hour has eight rows
    assert reference.natural(24)["miles:ks"] > 0.2 > 0.05 > reference.natural(168)["miles:ks"]
    assert reference.natural(100) == reference.natural(24)
    assert reference.natural(900) == reference.natural(168)
    assert reference.natural(0.1) == reference.natural(24)


def test_tied_scores_give_fewer_buckets_and_none_is_empty():
    reference = fitted(rows=100, scores=np.repeat([0.2, 0.8], [70, 30]), labels=np.repeat([0, 1], [70, 30]))
    assert reference.bucket_rows.tolist() == [70, 30]
    assert fitted(rows=10, scores=np.full(10, 0.3)).bucket_rows.tolist() == [10]


def test_the_profile_is_of_all_rows_and_the_accuracy_of_the_labelled_ones():
    every, labelled = np.linspace(0, 1, 4_000), np.linspace(0.6, 1, 30)
    reference = fitted(scores=labelled, labels=np.ones(30), profile_scores=every)

    assert (reference.rows, reference.accuracy) == (30, 1.0)
    assert reference.profile.columns["fare"].rows == reference.profile.columns["score"].rows == 4_000
    assert reference.profile.columns["score"].low == 0.0
    assert fitted(scores=labelled, labels=np.ones(30)).profile.columns["score"].rows == 30


def city(rng, rows):
    """A world that stands still: a fifth of the rows are in the Bronx, with higher scores."""
    zone = rng.choice(np.array(["Bronx", "Queens"], dtype=object), rows, p=[0.2, 0.8])
    return zone, np.clip(rng.normal(np.where(zone == "Bronx", 0.7, 0.4), 0.1), 0, 1)


@pytest.mark.parametrize("of_all_rows", [True, False])
def test_a_borough_whose_labels_are_late_does_not_drift(of_all_rows):
    rng = np.random.default_rng(4)
    zone, scores = city(rng, 40_000)
    known = (zone != "Bronx") | (rng.random(40_000) < 0.4)
    when = np.datetime64("2024-01-01", "us") + np.arange(40_000) * np.timedelta64(60, "s")
    held_out = known & (np.arange(40_000) > 20_000)
    labels = np.ones(held_out.sum())
    if of_all_rows:
        part = {"table": {"zone": zone}, "when": when, "profile_scores": scores[20_001:]}
    else:  # the negative control: only rows with a label
        part = {"table": {"zone": zone[known]}, "when": when[known]}
    reference = ModelReference.fit(**part, scores=scores[held_out], labels=labels)
    zone, scores = city(rng, 20_000)
    report = compare(reference.profile, Profile.build(reference.profile.grid, {"zone": zone, "score": scores}))
    assert set(report.drifted) == (set() if of_all_rows else {"zone", "score"})


def test_one_row_and_text_alone_make_a_reference():
    reference = fitted(rows=1, days=1, table={"zone": np.array(["a"], dtype=object)})
    assert (reference.profile.rows, reference.profile.columns["zone"].rows) == (1, 0)


def test_whole_weeks_give_the_natural_variation():
    assert fitted(days=35).windows == 5
    assert fitted(days=34).windows == 4
    values = {"fare:ks", "zone:total_variation", "zone:new_categories"}  # the score has the floor
    assert set(fitted().natural(168)) == values | {f"{column}:null_rate" for column in ("fare", "zone")}


def test_a_column_that_moved_every_week_may_go_on_so():
    week = np.arange(4_000) // 800
    zone = np.array([f"z{w}" for w in week], dtype=object)
    natural = fitted(table={"fare": np.arange(4_000.0), "zone": zone, "still": np.arange(4_000) % 7}).natural(168)
    assert natural["zone:total_variation"] == pytest.approx(1.0, abs=0.05)  # no week has the zone of another
    assert natural["fare:ks"] == pytest.approx(1.0, abs=0.05)  # the first and last of five lie beyond all others
    assert natural["still:ks"] < 0.02


def test_the_threshold_decides_what_is_correct():
    scores, labels = np.array([0.3, 0.6]), np.array([1, 1])
    when = np.full(2, "2024-01-01", dtype="datetime64[us]")
    for threshold, accuracy in ((0.5, 0.5), (0.3, 1.0), (0.9, 0.0)):
        reference = ModelReference.fit(table={}, scores=scores, labels=labels, when=when, threshold=threshold)
        assert reference.accuracy == accuracy


def test_a_reference_survives_json():
    reference = fitted()
    stored = json.loads(json.dumps(reference.to_json(), allow_nan=False))

    assert ModelReference.from_json(stored).to_json() == reference.to_json()
    before = stored | {"format": 1, "tolerances": {"fare:ks": 0.1}}
    assert ModelReference.from_json(before).natural(24) == {"fare:ks": 0.1}
    with pytest.raises(InputError, match="format 1 or 2, got 0"):
        ModelReference.from_json(stored | {"format": 0})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": np.full(4_000, 1.5)}, "must lie in"),
        ({"labels": np.full(4_000, 2)}, "must be 0 or 1"),
        ({"labels": np.full(4_000, np.nan)}, "every label of a reference must be known"),
        ({"buckets": 0}, "at least 1 bucket"),
        ({"profile_scores": np.full(7, -1.0)}, "must lie in"),
        ({"scores": np.empty(0), "labels": np.empty(0)}, "must have rows"),
        ({"when": np.empty(0, "M8[us]"), "table": {}}, "must have rows"),
    ],
)
def test_unusable_rows_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        fitted(**changes)
