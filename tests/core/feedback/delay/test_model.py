import json

import numpy as np
import pytest

from upkeep.core.feedback.delay.curve import DelayCurve
from upkeep.core.feedback.delay.model import DelayModel
from upkeep.errors import InputError

AT = np.array([2.0, 10.0, 30.0, 60.0])


def world(rng, n, oldest=300.0, buckets=4, never=0.0):
    """Positive labels take 6 hours on average, negative ones 30, both longer in later buckets; P(positive) is 0.2 to 0.8."""
    bucket = rng.integers(0, buckets, n)
    chance = 0.2 + 0.6 * rng.random(n)
    label = (rng.random(n) < chance).astype(float)
    delay = rng.exponential(mean_h(bucket, label))
    delay[rng.random(n) < never] = np.inf
    age = rng.uniform(0, oldest, n)
    pending = delay > age
    return np.where(pending, age, delay), pending, bucket, np.where(pending, np.nan, label), chance


def mean_h(bucket, label):
    return np.where(label == 1, 6.0, 30.0) * (1 + bucket / 4)


def worst(model, at=AT, buckets=4):
    """Largest distance from the truth over all cells and ages."""
    return max(
        np.abs(
            model.labelled_by(at, buckets=np.full(len(at), b), classes=np.full(len(at), float(c)))
            - (1 - np.exp(-at / mean_h(np.float64(b), c)))
        ).max()
        for b in range(buckets)
        for c in (0, 1)
    )


def test_without_buckets_and_classes_it_is_the_curve_of_all_rows():
    hours, pending, *_ = world(np.random.default_rng(1), 500)
    model = DelayModel.fit(hours, pending)
    assert np.array_equal(model.labelled_by(AT), DelayCurve.fit(hours, pending).labelled_by(AT))


def test_delays_by_bucket_and_class_are_found():
    hours, pending, bucket, label, _ = world(np.random.default_rng(2), 60_000)
    assert worst(DelayModel.fit(hours, pending, buckets=bucket, classes=label)) < 0.02


def test_chances_of_pending_rows_let_young_windows_tell_the_classes_apart():
    hours, pending, bucket, label, chance = world(np.random.default_rng(3), 60_000, oldest=48.0)
    told = worst(DelayModel.fit(hours, pending, buckets=bucket, classes=label, chances=chance), AT[:3])
    alone = worst(DelayModel.fit(hours, pending, buckets=bucket, classes=label), AT[:3])
    assert told < 0.06
    assert alone > 0.1  # which is why the notes ask for old rows or chances
    both = DelayModel.fit(hours, pending, buckets=bucket, classes=label, chances=np.stack([1 - chance, chance], axis=1))
    assert worst(both, AT[:3]) == told


def test_labels_that_never_come_are_split_as_those_that_do():
    hours, pending, _, label, _ = world(np.random.default_rng(4), 60_000, never=0.2)
    model = DelayModel.fit(hours, pending, classes=label)
    for c in (0.0, 1.0):
        assert model.labelled_by([290.0], classes=[c])[0] == pytest.approx(0.8, abs=0.02)


def test_a_thin_bucket_leans_on_all_rows_and_a_new_one_is_all_rows():
    rng = np.random.default_rng(5)
    hours, pending, bucket, _, _ = world(rng, 5_000, buckets=1)
    bucket[:3], hours[:3], pending[:3] = 7, 500.0, False  # three rows that contradict all others
    model = DelayModel.fit(hours, pending, buckets=bucket)
    everything = model.labelled_by([30.0])[0]
    thin, new = model.labelled_by([30.0, 30.0], buckets=[7, 99])
    assert new == everything
    assert 0 < thin < everything


def test_buckets_that_do_not_differ_are_pooled_and_those_that_do_are_not():
    rng = np.random.default_rng(6)
    n = 4_000
    bucket, delay = np.arange(n) % 40, rng.exponential(10, n)
    none = np.zeros(n, bool)

    def error(scale, pooled):
        hours = delay * scale[bucket]
        model = DelayModel.fit(hours, none, buckets=bucket)
        alone = [DelayCurve.fit(hours[bucket == b], none[bucket == b]) for b in range(40)]
        off = [
            (model.labelled_by([10.0], buckets=[b])[0] if pooled else alone[b].labelled_by(10.0))
            - (1 - np.exp(-1 / scale[b]))
            for b in range(40)
        ]
        return np.sqrt(np.mean(np.square(off)))

    alike, apart = np.ones(40), np.repeat([0.2, 5.0], 20)
    assert error(alike, True) < 0.4 * error(alike, False)
    assert error(apart, True) < 1.1 * error(apart, False)


def test_a_bucket_of_young_rows_goes_on_as_all_rows_do():
    rng = np.random.default_rng(7)
    hours, pending, _, _, _ = world(rng, 4_000, buckets=1)
    young_delay, young_age = rng.exponential(40, 4_000), rng.uniform(0, 10, 4_000)
    model = DelayModel.fit(
        np.append(hours, np.minimum(young_delay, young_age)),
        np.append(pending, young_delay > young_age),
        buckets=np.repeat([0, 1], 4_000),
    )
    by_ten, later = model.labelled_by([9.9, 100.0], buckets=[1, 1])
    assert by_ten == pytest.approx(1 - np.exp(-9.9 / 40), abs=0.03)
    assert later > 0.9


def test_unknown_classes_have_the_curve_of_their_bucket():
    hours, pending, bucket, label, _ = world(np.random.default_rng(8), 5_000)
    model = DelayModel.fit(hours, pending, buckets=bucket, classes=label)
    mixed = model.labelled_by(np.full(3, 10.0), buckets=[0, 0, 99], classes=[np.nan, 1.0, 1.0])
    assert mixed[0] == model.labelled_by([10.0], buckets=[0])[0]
    assert mixed[1] == model.labelled_by([10.0], buckets=[0], classes=[1])[0]
    assert mixed[2] == model.labelled_by([10.0], classes=[1])[0]


def test_three_classes_each_have_their_delay():
    rng = np.random.default_rng(9)
    label = rng.integers(0, 3, 30_000).astype(float)
    hours, none = rng.exponential(np.array([3.0, 10.0, 30.0])[label.astype(int)]), np.zeros(30_000, bool)
    model = DelayModel.fit(hours, none, classes=label)
    found = model.labelled_by(np.full(3, 10.0), classes=[0, 1, 2])
    assert found == pytest.approx(1 - np.exp([-10 / 3, -1, -1 / 3]), abs=0.02)


def test_a_window_without_any_label_can_be_fitted():
    model = DelayModel.fit([1, 2, 3], np.ones(3, bool), buckets=[0, 0, 1], classes=[np.nan] * 3)
    assert model.labelled_by([2.0], buckets=[0], classes=[1])[0] == 0


def test_json_keeps_every_bit():
    hours, pending, bucket, label, _ = world(np.random.default_rng(10), 3_000)
    model = DelayModel.fit(hours, pending, buckets=bucket, classes=label)
    record = json.loads(json.dumps(model.to_json(), allow_nan=False))
    again = DelayModel.from_json(record)
    age, b, c = np.linspace(0, 99, 50), np.arange(50) % 5, np.arange(50) % 2.0
    assert np.array_equal(again.labelled_by(age, buckets=b, classes=c), model.labelled_by(age, buckets=b, classes=c))


def test_a_record_that_cannot_be_a_model_is_refused():
    record = DelayModel.fit([1, 2], [False, True]).to_json()
    for bad, message in [
        (record | {"format": 7}, "format 1, got 7"),
        (record | {"cells": []}, "the curve of all rows"),
        (record | {"cells": record["cells"] * 2}, "of its own"),
        (record | {"cells": [record["cells"][0] | {"bucket": "x"}]}, "of its own"),
        (record | {"cells": [*record["cells"], record["cells"][0] | {"bucket": 10**30}]}, "of its own"),
        (record | {"cells": None}, "a list of cells"),
        (record | {"cells": [5]}, "a cell of a delay model must be a mapping"),
        ({}, "lacks"),
    ]:
        with pytest.raises(InputError, match=message):
            DelayModel.from_json(bad)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"buckets": [0.5, 1.0]}, "buckets must be whole numbers"),
        ({"buckets": [1]}, "buckets must be whole numbers of shape"),
        ({"classes": [1, 2, 3]}, "classes must have the shape"),
        ({"classes": [1, 1]}, "0 labelled and 1 pending rows are not so"),
        ({"classes": [0.5, np.nan]}, "1 labelled and 0 pending rows are not so"),
        ({"classes": [1, np.nan], "chances": [0.5, 1.5]}, r"must lie in \[0, 1\] and add up to 1; 1 of 1 rows do not"),
        ({"classes": [1, np.nan], "chances": [0.5]}, r"chances must have shape \(2,\)"),
    ],
)
def test_what_cannot_be_fitted_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        DelayModel.fit([1, 2], [False, True], **settings)
