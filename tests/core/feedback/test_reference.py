import json

import numpy as np
import pytest

from upkeep.core.feedback.reference import ModelReference
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


def test_levels_are_chosen_on_every_second_row_and_counted_on_the_others():
    zone = np.array([f"even{i % 8}" if i % 2 == 0 else "odd" for i in range(4_000)], dtype=object)
    flag = np.arange(4_000) % 2 == 0
    reference = fitted(table={"zone": zone, "flag": flag, "fare": np.arange(4_000.0)})

    assert set(reference.profile.grid.cells["zone"].levels) == {f"even{i}" for i in range(0, 8, 2)}
    assert reference.profile.columns["zone"].counts.tolist() == [0] * 4 + [2_000]
    assert reference.profile.columns["flag"].rows == 2_000
    assert reference.profile.columns["fare"].rows == reference.profile.rows == 4_000


def test_tied_scores_give_fewer_buckets_and_none_is_empty():
    reference = fitted(rows=100, scores=np.repeat([0.2, 0.8], [70, 30]), labels=np.repeat([0, 1], [70, 30]))
    assert reference.bucket_rows.tolist() == [70, 30]
    assert fitted(rows=10, scores=np.full(10, 0.3)).bucket_rows.tolist() == [10]


def test_one_row_and_text_alone_make_a_reference():
    reference = fitted(rows=1, table={"zone": np.array(["a"], dtype=object)})
    assert (reference.profile.rows, reference.profile.columns["zone"].rows) == (1, 0)


def test_whole_weeks_give_the_natural_variation():
    assert fitted(days=35).windows == 5
    assert fitted(days=34).windows == 4
    values = {"fare:ks", "zone:total_variation", "zone:new_categories", "score:ks"}
    assert set(fitted().tolerances) == values | {f"{column}:null_rate" for column in ("fare", "zone", "score")}


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
    with pytest.raises(InputError, match="format 1, got 0"):
        ModelReference.from_json(stored | {"format": 0})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": np.full(4_000, 1.5)}, "must lie in"),
        ({"labels": np.full(4_000, 2)}, "must be 0 or 1"),
        ({"labels": np.full(4_000, np.nan)}, "every row of a reference must be labelled"),
        ({"buckets": 0}, "at least 1 bucket"),
    ],
)
def test_unusable_rows_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        fitted(**changes)
