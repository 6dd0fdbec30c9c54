"""IngestOperator, LoadFeedbackOperator and PrepareFeaturesOperator over a real inbox."""

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from tests.taxi_world import ROWS, WEEKS, context, drop, taxi_life

from upkeep.adapters.backends import Backends
from upkeep.adapters.workspace import Workspace
from upkeep.errors import InputError
from upkeep.operators.ingest import IngestOperator, ReportRefusedOperator
from upkeep.operators.labels import LoadFeedbackOperator
from upkeep.operators.prepare import PrepareFeaturesOperator


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("UPKEEP_HOME", str(tmp_path))
    return tmp_path


def _ingest(**kwargs):
    return IngestOperator(task_id="ingest", life=taxi_life(), **kwargs).execute(context())


def test_files_of_the_inbox_become_open_batches(home):
    drop(home, 0, rows=120)
    taken = _ingest()
    assert (taken["files"], taken["rows"], len(taken["batches"])) == (1, 120, 1)
    found = Backends(Workspace(home)).datasets.find("yellow_trips/raw", taken["batches"][0])
    assert found.rows == 120


def test_a_batch_that_is_in_but_not_versioned_is_still_to_do(home):
    """A run that failed after ingest leaves its batch to the next run."""
    drop(home, 0, rows=120)
    assert _ingest() == _ingest()
    drop(home, 1, rows=110)
    assert len(_ingest()["batches"]) == 2


def test_skips_when_every_batch_is_in_a_dataset_version(world):
    with pytest.raises(AirflowSkipException, match="every batch of the source has been through all stages"):
        _ingest()


def test_a_new_file_alone_is_to_do_after_a_version(world):
    drop(world.root, WEEKS, rows=150)
    taken = _ingest()
    assert (taken["files"], len(taken["batches"])) == (WEEKS + 1, 1)
    assert taken["batches"][0] not in world.returned["ingest"]["batches"]


def test_a_source_named_for_the_run_stands_in_for_the_lifes_own(home):
    drop(home, 0, rows=120)
    drop(home, 1, rows=110)
    assert _ingest(source="trips/yellow_tripdata_week_001.parquet")["rows"] == 110
    assert _ingest(source="")["rows"] == 230


def test_a_source_of_the_run_may_not_leave_the_inbox(home):
    (home / "secret.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match="a source must lie under"):
        _ingest(source="../secret.csv")


def test_a_missing_inbox_is_an_input_error(home):
    with pytest.raises(InputError):
        _ingest()


def test_labels_go_into_the_feedback_log_once(world):
    before = len(Backends(Workspace(world.root)).datasets.batches("taxi_tip/feedback"))
    again = LoadFeedbackOperator(task_id="labels", life=world.life).execute(context())
    assert again == world.returned["labels"]
    assert len(Backends(Workspace(world.root)).datasets.batches("taxi_tip/feedback")) == before


def test_features_are_computed_of_clean_batches_alone(home):
    drop(home, 0, rows=120)
    batches = _ingest()["batches"]
    with pytest.raises(InputError, match="yellow_trips/clean"):
        PrepareFeaturesOperator(task_id="prepare", life=taxi_life(), batches=batches).execute(context())


def test_every_clean_row_has_features(lived):
    accepted = Backends(Workspace(lived.root)).datasets.batches("yellow_trips/clean")
    assert lived.returned["prepare"]["rows"] == sum(batch.rows for batch in accepted)
    assert 0.8 * WEEKS * ROWS < lived.returned["prepare"]["rows"] <= WEEKS * ROWS


def test_a_file_that_cannot_be_used_holds_up_no_other_and_is_named(home):
    drop(home, 0, rows=120)
    (home / "inbox" / "trips" / "a_bad.csv").write_text("colour\nyellow\n")
    taken = _ingest()
    assert (taken["files"], len(taken["batches"])) == (1, 1)
    [(file, reason)] = taken["refused"].items()
    assert file.endswith("a_bad.csv")
    with pytest.raises(
        InputError, match=r"1 files or batches were refused\. a batch must have the columns of the schema"
    ):
        ReportRefusedOperator(task_id="refused_files", refused=[taken["refused"], None, {}]).execute(context())
    assert reason


def test_nothing_but_files_that_cannot_be_used_fails_the_task_itself(home):
    (home / "inbox" / "trips").mkdir(parents=True)
    (home / "inbox" / "trips" / "bad.csv").write_text("colour\nyellow\n")
    with pytest.raises(InputError, match=r"1 files or batches were refused\."):
        _ingest()


def test_a_label_file_that_cannot_be_used_is_reported_after_the_others_are_in(home):
    folder = home / "inbox" / "feedback"
    folder.mkdir(parents=True)
    (folder / "a_bad.csv").write_text("colour\nyellow\n")
    (folder / "good.csv").write_text("prediction_id,observed_at,label\n7,2026-01-05 10:00:00,1\n")
    result = LoadFeedbackOperator(task_id="labels", life=taxi_life()).execute(context())
    assert (result["files"], len(result["refused"])) == (1, 1)
    assert len(Backends(Workspace(home)).datasets.batches("taxi_tip/feedback")) == 1
