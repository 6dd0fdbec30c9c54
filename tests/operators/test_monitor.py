"""MonitorModelOperator: the window of the event, its stored report and its picture."""

import pytest
from tests.taxi_world import context

from upkeep.adapters.backends import Backends
from upkeep.adapters.workspace import Workspace
from upkeep.errors import InputError
from upkeep.links import HealthPictureLink
from upkeep.operators.monitor import MonitorModelOperator


def test_the_window_of_the_event_is_monitored_and_handed_on(lived):
    result, scored = lived.returned["monitor"], lived.returned["score"]
    assert result["window"] == scored["until"]
    assert {key: result[key] for key in ("tag", "validations", "until")} == {
        key: scored[key] for key in ("tag", "validations", "until")
    }
    report = Backends(Workspace(lived.root)).documents.get("health", f"taxi_tip/{result['window']}")
    assert report["sentence"] == result["sentence"]
    assert report["version"] == result["version"] == lived.returned["train"]["version"]


def test_the_picture_is_pushed_and_linked(lived):
    ti = lived.contexts["monitor"]["ti"]
    picture = ti.pushed["picture"]
    assert (lived.root / "reports" / picture).read_text().lstrip().startswith("<")
    assert HealthPictureLink().get_link(None, ti_key=ti).endswith(picture)


def test_a_retry_gives_the_same_report(world):
    operator = MonitorModelOperator(task_id="monitor", life=world.life)
    assert operator.execute(context(world.returned["score"])) == world.returned["monitor"]


def test_a_run_by_hand_is_told_its_window_by_its_conf(world):
    run = context()
    run["dag_run"].conf = {key: world.returned["score"][key] for key in ("since", "until")}
    result = MonitorModelOperator(task_id="monitor", life=world.life).execute(run)
    assert result["window"] == world.returned["monitor"]["window"]


def test_a_run_without_an_event_or_conf_says_what_it_must_be_told(world):
    with pytest.raises(InputError, match="since"):
        MonitorModelOperator(task_id="monitor", life=world.life).execute(context())


def test_a_window_without_predictions_is_named(world):
    event = {"since": "2030-01-07", "until": "2030-01-14"}
    with pytest.raises(InputError, match="from 2030-01-07 to 2030-01-14"):
        MonitorModelOperator(task_id="monitor", life=world.life).execute(context(event))
