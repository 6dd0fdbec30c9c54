import json

import numpy as np
import pytest

from upkeep.core.retrain.loss_buckets import LossBuckets
from upkeep.errors import InputError

WRONG = {"city": 0.05, "hill": 0.1, "port": 0.45}


def sample(seed, rows, shares=(0.6, 0.3, 0.1), flip=0.0):
    """A model that is bad at the port, and beyond 8 miles, and scores all rows alike."""
    rng = np.random.default_rng(seed)
    place = np.array(["city", "hill", "port"], dtype=object)[rng.choice(3, size=rows, p=shares)]
    miles = rng.uniform(0, 10, rows)
    wrong = np.array([WRONG[name] for name in place]) + 0.3 * (miles > 8) + flip
    scores = rng.uniform(0.6, 0.9, rows)
    return {"place": place, "miles": miles}, scores, (rng.random(rows) >= wrong).astype(float)


def test_the_tree_finds_where_the_model_is_bad_and_names_it():
    buckets = LossBuckets.fit(*sample(0, 20_000))
    accuracy = dict(zip(buckets.names, buckets.correct / buckets.rows, strict=True))
    worst = min(accuracy, key=accuracy.get)
    assert "place is port and " in worst
    assert 7.8 < float(worst.split(" <= miles")[0].split()[-1]) < 9.0
    assert accuracy[worst] == pytest.approx(0.25, abs=0.08)


def test_a_shift_of_rows_is_told_from_one_of_the_answers():
    buckets = LossBuckets.fit(*sample(0, 20_000))
    rows = sample(1, 20_000, shares=(0.2, 0.2, 0.6))
    answers = sample(2, 20_000, flip=0.1)
    for (table, scores, labels), part, other in ((rows, "covariate", "concept"), (answers, "concept", "covariate")):
        split = buckets.parts(buckets.of(table, scores), scores, labels)
        assert getattr(split, part) < -0.09
        assert getattr(split, other) == pytest.approx(0.0, abs=3 * getattr(split, f"{other}_error"))
        assert split.covariate + split.concept + split.outside == pytest.approx(split.change, abs=1e-12)


def test_pending_labels_are_stood_for_by_those_of_their_bucket_and_then_by_the_reference():
    buckets = LossBuckets.fit(*sample(0, 20_000), buckets=8)
    table, scores, labels = sample(3, 10_000)
    pending = labels.copy()
    at = buckets.of(table, scores)
    pending[(at == 0) | (np.arange(10_000) % 3 == 0)] = np.nan
    split = buckets.parts(at, scores, pending)
    assert split.blind == pytest.approx((at == 0).mean())
    assert split.buckets[0].concept == pytest.approx(0.0, abs=1e-12)
    some = np.where(np.arange(10_000) % 3 == 0, np.nan, labels)
    assert buckets.parts(at, scores, some).concept_error > buckets.parts(at, scores, labels).concept_error


def test_missing_values_unknown_levels_and_hours_have_a_bucket():
    rng = np.random.default_rng(0)
    when = np.datetime64("2024-01-01", "us") + rng.integers(0, 24 * 60, 8_000) * np.timedelta64(60, "s")
    hour = (when - when.astype("datetime64[D]")).astype("timedelta64[h]").astype(int)
    miles = np.where(rng.random(8_000) < 0.2, np.nan, rng.random(8_000))
    wrong = rng.random(8_000) < np.where(hour >= 22, 0.5, 0.05) + 0.3 * np.isnan(miles)
    buckets = LossBuckets.fit({"at": when, "miles": miles}, np.full(8_000, 0.9), (~wrong).astype(int), buckets=4)
    assert any("22h, 23h" in name for name in buckets.names)
    assert any("miles is missing" in name for name in buckets.names)
    places = LossBuckets.fit(*sample(0, 4_000), buckets=4)
    strange = {"place": np.array(["moon", None], dtype=object), "miles": np.array([np.nan, 1.0])}
    assert set(places.of(strange, np.array([0.7, 0.7]))) <= set(range(len(places.rows)))


def test_levels_are_told_in_one_short_line():
    rng = np.random.default_rng(0)
    level = "port\n\n# APPROVED\x1b[0m\u202e " + "A" * 5_000
    place = np.where(rng.random(4_000) < 0.3, level, "city").astype(object)
    wrong = rng.random(4_000) < np.where(place == level, 0.5, 0.1)
    buckets = LossBuckets.fit({"place": place}, np.full(4_000, 0.9), (~wrong).astype(int))
    told = next(name for name in buckets.names if name.startswith("place is port"))
    assert told == f"place is port  # APPROVED [0m  {'A' * 17}…"
    assert max(len(name) for name in buckets.names) <= len("place is not ") + 40


def test_it_survives_being_stored_and_is_drawn_by_its_seed():
    buckets = LossBuckets.fit(*sample(0, 4_000))
    again = LossBuckets.from_json(json.loads(json.dumps(buckets.to_json())))
    table, scores, _ = sample(1, 1_000)
    assert (again.of(table, scores) == buckets.of(table, scores)).all()
    assert (again.names, again.rows.tolist()) == (buckets.names, buckets.rows.tolist())
    assert LossBuckets.fit(*sample(0, 4_000)).to_json() == buckets.to_json()
    with pytest.raises(InputError, match="format 1, got 9"):
        LossBuckets.from_json(buckets.to_json() | {"format": 9})


def test_too_few_rows_are_refused():
    with pytest.raises(InputError, match="at least 200 held-out rows"):
        LossBuckets.fit(*sample(0, 100))
