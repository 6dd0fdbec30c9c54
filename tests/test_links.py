"""Links: an address when the task made something, nothing otherwise."""

import pytest
from tests.taxi_world import TaskInstance

from upkeep.links import HealthPictureLink, LabelRequestLink, ModelVersionLink, RecordLink, ValidationPageLink

MADE = {"model_version": {"model": "taxi_tip", "version": "3"}}


@pytest.mark.parametrize("link", [ValidationPageLink(), HealthPictureLink(), RecordLink(), LabelRequestLink()])
def test_a_report_link_leads_to_the_pushed_report_below_the_servers_address(link, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/team/")
    ti = TaskInstance(pushed={link.pushed: "validations/a.html"})
    assert link.get_link(None, ti_key=ti) == "https://airflow.example/team/upkeep/reports/validations/a.html"


@pytest.mark.parametrize("link", [ValidationPageLink(), HealthPictureLink(), RecordLink(), ModelVersionLink()])
def test_a_task_that_made_nothing_has_no_link(link, monkeypatch):
    monkeypatch.setenv("UPKEEP_MLFLOW_URL", "https://mlflow.example")
    assert link.get_link(None, ti_key=TaskInstance()) == ""


def test_a_model_link_prefers_the_address_for_people(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    assert _model_link() == "http://mlflow:5000/#/models/taxi_tip/versions/3"
    monkeypatch.setenv("UPKEEP_MLFLOW_URL", "https://mlflow.example/")
    assert _model_link() == "https://mlflow.example/#/models/taxi_tip/versions/3"


@pytest.mark.parametrize("address", ["", "sqlite:///mlflow.db"])
def test_a_store_without_pages_has_no_model_link(monkeypatch, address):
    monkeypatch.delenv("UPKEEP_MLFLOW_URL", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert _model_link() == ""


def _model_link():
    return ModelVersionLink().get_link(None, ti_key=TaskInstance(pushed=dict(MADE)))
