"""A model's life on a real Airflow: generated weeks up to a gated retrain, and the real trips up to a decision."""

import httpx
import pytest

from upkeep.adapters.trip_files import write_tips, write_week
from upkeep.core.simulation.incidents import Incidents

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]
FIRST, CONCEPT, ROWS = 2, 3, 12_000


SIMULATED = {"start": "2025-11-03", "rows": ROWS, "seed": 3, "incidents": Incidents(concept_week=CONCEPT)}


def _drop(airflow, week, **kwargs):
    write_week(airflow.home.parent / "inbox", week, **SIMULATED, **kwargs)


def _retrain_tasks(life, task):
    run = life.api.runs("taxi_retrain")[-1]["dag_run_id"]
    return life.api.get(f"/dags/taxi_retrain/dagRuns/{run}/taskInstances/{task}/listMapped")["task_instances"]


def test_plugin_and_dags_load_without_errors(api, story):
    story("taxi")
    assert api.get("/plugins/importErrors")["import_errors"] == []
    assert "upkeep" in {plugin["name"] for plugin in api.get("/plugins")["plugins"]}


@pytest.fixture(scope="module")
def lived(airflow, story):
    """Two first weeks, one stable week, and the concept shift until a retrain is due, approved and through."""
    life = story("taxi")
    for week in range(FIRST):
        _drop(airflow, week)
    first = life.until_first_model()
    decisions, estimates = [], []
    for week in range(FIRST, CONCEPT + 4):
        _drop(airflow, week, tips=False)
        estimates.append(life.until_estimated(len(estimates) + 1))
        write_tips(airflow.home.parent / "inbox", week, **SIMULATED)
        decisions.append(life.until_decision(len(decisions) + 1))
        if decisions[-1]["due"]:
            break
    life.approve()
    state = life.until_retrained()
    return {"life": life, "first": first, "decisions": decisions, "estimates": estimates, "state": state}


def test_a_window_is_estimated_with_a_band_before_any_of_its_labels_is_there(lived):
    for estimate in lived["estimates"]:
        assert estimate["labelled"] == 0
        assert 0.0 < estimate["low"] < estimate["value"] < estimate["high"] < 1.0


def test_the_realized_accuracy_of_a_stable_window_lies_in_the_band_that_was_given_first(lived):
    estimate, realized = lived["estimates"][0], lived["life"].records("realized")[0]
    assert realized["first"] == estimate
    assert realized["labelled"] > 0.85 * ROWS
    assert estimate["low"] <= realized["accuracy"]["value"] <= estimate["high"]
    assert realized["held"]


def test_a_report_keeps_what_was_said_before_the_labels_came(lived):
    for estimate, report in zip(lived["estimates"], lived["life"].records("health"), strict=True):
        assert report["first"] == estimate
        assert report["labelled"] > 0.85 * ROWS


def test_the_stable_week_raises_no_suggestion_and_says_why_not(lived):
    stable = lived["decisions"][: CONCEPT - FIRST]
    assert [decision["due"] for decision in stable] == [False]
    assert stable[0]["against"]


def test_the_concept_shift_leads_to_an_approved_gated_retrain_and_a_new_champion(lived):
    life, due = lived["life"], lived["decisions"][-1]
    assert due["due"]
    assert due["cause"] == "concept_shift"
    assert lived["state"] == "success"
    assert life.champion() not in (None, lived["first"])
    assert len(life.api.runs("taxi_retrain")) == 1


def test_each_recipe_of_the_decision_has_a_mapped_training_and_a_gate_of_its_own(lived):
    wanted = [recipe["name"] for recipe in lived["decisions"][-1]["recipes"]]
    assert len(wanted) > 1
    for task in ("train", "gate"):
        assert [mapped["rendered_map_index"] for mapped in _retrain_tasks(lived["life"], task)] == wanted


def test_the_decision_says_what_became_of_it(lived):
    life = lived["life"]
    outcome = life.decisions()[len(lived["decisions"]) - 1]["outcome"]
    assert outcome["confirmed"]
    assert outcome["promoted"] == life.champion() == life.backends.tracker.version("taxi_tip", "challenger")
    tried = {one["recipe"]: one for one in outcome["challengers"]}
    assert list(tried) == [recipe["name"] for recipe in lived["decisions"][-1]["recipes"]]
    best = max((one for one in tried.values() if one["verdict"] == "pass"), key=lambda one: one["gain"])
    assert outcome["promoted"] == best["version"]
    assert all(one["low"] < one["gain"] < one["high"] for one in tried.values())


def test_the_evidence_chain_leads_from_the_model_back_to_the_rows(lived):
    life = lived["life"]
    assets = {asset["name"]: asset["id"] for asset in life.api.get("/assets", limit=100)["assets"]}

    def last_event(asset):
        return life.api.get("/assets/events", asset_id=assets[asset], order_by="-timestamp", limit=1)["asset_events"][
            0
        ]["extra"]

    promoted, asked = last_event("taxi_model"), last_event("taxi_retrain")
    assert promoted["version"] == life.champion()
    assert promoted["decision"] == asked["decision"]
    decision = life.backends.documents.get(*asked["decision"].split("/", 1))
    assert decision["due"]
    assert all(life.backends.documents.get(*name.split("/", 1)) for name in asked["evidence"])
    version = life.backends.versions.find(asked["tag"])
    trained = life.backends.tracker.record(life.life.model, promoted["version"], "training")
    assert trained["tag"] == version.tag
    assert set(trained["batches"]) <= set(version.meta["batches"])
    assert life.backends.documents.get("validations", asked["validations"][-1])["verdict"] != "fail"


def test_links_lead_to_pages_that_only_people_who_are_logged_in_see(lived, airflow):
    api = lived["life"].api
    run = api.runs("taxi_ingest")[0]["dag_run_id"]
    link = api.get(f"/dags/taxi_ingest/dagRuns/{run}/taskInstances/validate_raw/links")["extra_links"][
        "Validation page"
    ]
    assert link.startswith(f"{airflow.url}/upkeep/reports/validations/")
    assert httpx.get(link).status_code == 401
    token = httpx.post(f"{airflow.url}/auth/token", json={"username": "admin", "password": airflow.password}).json()
    page = httpx.get(link, headers={"Authorization": f"Bearer {token['access_token']}"})
    assert page.status_code == 200
    assert "yellow_trips.raw" in page.text
    trained = api.get(f"/dags/taxi_train/dagRuns/{_trained_run(api)}/taskInstances/train/links")["extra_links"]
    assert "/#/models/taxi_tip/versions/1" in trained["MLflow model version"]


def _trained_run(api):
    runs = [run["dag_run_id"] for run in api.runs("taxi_train")]
    states = {run: api.get(f"/dags/taxi_train/dagRuns/{run}/taskInstances/promote")["state"] for run in runs}
    return next(run for run, state in states.items() if state == "success")


@pytest.fixture(scope="module")
def february(airflow, story, shared_taxi):
    """January of the real trips as reference, then February arriving; both runs started over REST."""
    life = story("nyc")
    life.api.trigger("nyc_ingest", {"source": str(shared_taxi / "yellow_tripdata_sample_2019-01.csv")})
    life.until_first_model()
    life.api.trigger("nyc_ingest", {"source": str(shared_taxi / "yellow_tripdata_sample_2019-02.csv")})
    decision = life.until_decision(1)
    report = life.backends.documents.get("health", f"{life.life.model}/{decision['window']}")
    return report, decision


def test_the_real_surcharge_change_is_reported_by_name_and_trip_distance_is_not(february):
    report, _ = february
    assert "congestion_surcharge" in report["drifted"]
    assert "trip_distance" not in report["drifted"]
    assert any("congestion_surcharge" in sentence for sentence in report["sentences"])


def test_the_real_months_end_in_a_decision_with_its_reason(february):
    report, decision = february
    print(report["sentence"], decision["action"], decision["sentence"])
    assert decision["action"] in ("retrain", "wait", "get_labels", "fix_data")
    assert decision["sentence"]
    assert decision["evidence"] == [f"health/nyc_tip/{decision['window']}"]
