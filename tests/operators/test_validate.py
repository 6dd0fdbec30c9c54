"""ValidateOperator: the page is there for a good batch and, before the task fails, for a bad one."""

import pytest
from tests.taxi_world import REPO, context, drop, taxi_life

from upkeep.errors import GateClosed, InputError
from upkeep.links import ValidationPageLink
from upkeep.operators.ingest import IngestOperator
from upkeep.operators.validate import ValidateOperator


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("UPKEEP_HOME", str(tmp_path))
    monkeypatch.setenv("UPKEEP_EXPECTATIONS", str(REPO / "expectations"))
    return tmp_path


def _ingested():
    return IngestOperator(task_id="ingest", life=taxi_life()).execute(context())["batches"]


def _validation(batches, point="raw"):
    return ValidateOperator(task_id="validate", life=taxi_life(), point=point, batches=batches)


def test_a_good_batch_passes_with_its_page_pushed(lived):
    result, ti = lived.returned["raw"], lived.contexts["raw"]["ti"]
    assert result["passed"]
    assert set(result["verdicts"]) == set(lived.returned["ingest"]["batches"])
    assert ti.pushed == {"page": result["page"]}
    assert "<html" in (lived.root / "reports" / result["page"]).read_text()


def test_a_bad_batch_closes_the_gate_after_its_page_was_pushed(home):
    drop(home, 0, rows=60)  # the suite wants 100 rows
    run = context(task_id="validate")
    operator = _validation(_ingested())
    with pytest.raises(GateClosed, match="expect_table_row_count_to_be_between"):
        operator.execute(run)
    page = run["ti"].pushed["page"]
    assert "expect_table_row_count_to_be_between" in (home / "reports" / page).read_text()
    assert ValidationPageLink().get_link(operator, ti_key=run["ti"]).endswith(f"/upkeep/reports/{page}")


def test_one_bad_batch_lets_the_good_ones_go_on_and_is_the_one_that_is_named_and_shown(home):
    drop(home, 0, rows=120)
    drop(home, 1, rows=60)
    good, bad = _ingested()
    run = context()
    result = _validation([good, bad]).execute(run)
    assert result["batches"] == [good]
    assert list(result["refused"]) == [bad]
    assert bad in result["refused"][bad]
    assert bad in run["ti"].pushed["page"]


def test_a_refused_batch_does_not_hold_up_the_next_run(home):
    drop(home, 0, rows=60)
    refused = _ingested()
    with pytest.raises(GateClosed):
        _validation(refused).execute(context())
    drop(home, 1, rows=120)
    [good] = _ingested()
    assert good not in refused
    assert _validation([good]).execute(context())["passed"]


def test_a_point_without_a_suite_is_refused(home):
    with pytest.raises(InputError, match="point must be one of raw, clean, features, got 'cooked'"):
        _validation(["0" * 16], point="cooked").execute(context())
