import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.checks.leakage import find_leakage, rank_auc
from upkeep.errors import InputError

ROWS = 400


@pytest.fixture
def parts():
    rng = np.random.default_rng(1)
    label = rng.integers(0, 2, 2 * ROWS)
    table = {
        "row_id": np.arange(2 * ROWS),
        "at": np.datetime64("2024-01-01T00:00", "us") + np.arange(2 * ROWS) * np.timedelta64(1, "h"),
        "noisy": label + rng.normal(0, 1, 2 * ROWS),
        "city": rng.choice(np.array(["Bronx", "Queens", None], dtype=object), 2 * ROWS),
    }
    return table, label


def findings(table, label, features=("noisy", "city"), cut=ROWS):
    train = {name: values[:cut] for name, values in table.items()}
    holdout = {name: values[ROWS:] for name, values in table.items()}
    return find_leakage(
        train, holdout, train_label=label[:cut], holdout_label=label[ROWS:], time="at", features=features
    )


def test_an_honest_split_has_no_findings(parts):
    assert findings(*parts) == []


def test_rows_in_both_parts_are_named(parts):
    table, label = parts
    table["row_id"][ROWS] = 7
    (finding,) = findings(table, label)
    assert (finding.check, finding.severity) == ("shared_rows", "error")
    assert "share 1, the first with row_id 7" in finding.message


def test_training_on_the_future_is_an_error(parts):
    table, label = parts
    table["at"][0] = table["at"][-1]
    (finding,) = findings(table, label)
    assert (finding.check, finding.severity) == ("temporal_order", "error")


def test_one_moment_on_both_sides_is_an_error(parts):
    table, label = parts
    table["at"][ROWS - 1] = table["at"][ROWS]
    assert [f.check for f in findings(table, label)] == ["temporal_order"]


@pytest.mark.parametrize("leak", [lambda y: y * 2.0, lambda y: -y.astype(float), lambda y: np.where(y, 3.0, np.nan)])
def test_a_number_that_holds_the_label_is_an_error(parts, leak):
    table, label = parts
    (finding,) = findings(table | {"leak": leak(label)}, label, ("noisy", "leak"))
    assert (finding.check, finding.severity, finding.column) == ("single_feature", "error", "leak")


def test_a_text_that_holds_the_label_is_an_error_and_a_unique_text_is_not(parts):
    table, label = parts
    names = np.where(label == 1, "paid", "free").astype(object)
    unique = np.array([f"ride {i}" for i in range(2 * ROWS)], dtype=object)
    found = findings(table | {"names": names, "unique": unique}, label, ("names", "unique"))
    assert [(f.column, f.severity) for f in found] == [("names", "error")]


def test_a_feature_that_is_nearly_the_label_is_a_warning(parts):
    table, label = parts
    nearly = label.astype(float)
    nearly[ROWS : ROWS + 4] = 1 - nearly[ROWS : ROWS + 4]
    (finding,) = findings(table | {"nearly": nearly}, label, ("nearly",))
    assert finding.severity == "warn"


def test_few_rows_accuse_no_feature(parts):
    table, label = parts
    few = np.r_[0:ROWS, ROWS : ROWS + 20]
    assert findings({k: v[few] for k, v in table.items()} | {"leak": label[few] * 1.0}, label[few], ("leak",)) == []


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), min_size=2, max_size=30))
def test_auc_is_the_share_of_pairs_ranked_right(rows):
    score, label = np.array(rows, dtype=float)[:, 0], np.array(rows)[:, 1]
    if label.min() == label.max():
        with pytest.raises(InputError, match="both classes"):
            rank_auc(score, label)
        return
    pairs = [(a > b) + 0.5 * (a == b) for a in score[label == 1] for b in score[label == 0]]
    assert rank_auc(score, label) == pytest.approx(np.mean(pairs))
