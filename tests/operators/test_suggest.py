"""SuggestRetrainOperator: emits the retrain asset only when due, keeps its state, and gives the chain of ids."""

from types import SimpleNamespace

import pytest

from upkeep.adapters.backends import Backends
from upkeep.adapters.workspace import Workspace
from upkeep.assets import LifeAssets
from upkeep.operators.suggest import STATE, SuggestRetrainOperator


class _Outlet:
    def __init__(self):
        self.added = []

    def add(self, asset, extra):
        self.added.append((asset.name, extra))


class _Store(dict):
    def get(self, key, default=None):
        return super().get(key, default)

    def set(self, key, value):
        self[key] = value


@pytest.fixture
def operator(tmp_path, monkeypatch, life, health_report):
    monkeypatch.setenv("UPKEEP_HOME", str(tmp_path))
    documents = Backends(Workspace(tmp_path)).documents
    for window, drop in (("2026-01-12", 0.0), ("2026-01-19", 0.12), ("2026-01-26", 0.12)):
        documents.put("health", f"{life.model}/{window}", health_report(window, drop))
    assets = LifeAssets(life)

    def of(window):
        monitored = {
            "window": window,
            "tag": "dataset/yellow_trips/2026-01-19-1",
            "validations": ["v"],
            "until": window,
        }
        return SuggestRetrainOperator(
            task_id="suggest",
            life=life,
            monitored=monitored,
            model=assets.model,
            retrain=assets.retrain,
            alias=assets.retrain_alias,
        )

    store = _Store()
    outlet = _Outlet()
    context = {
        "ti": SimpleNamespace(xcom_push=lambda *_: None),
        "asset_state_store": {assets.model: store},
        "outlet_events": {assets.retrain_alias: outlet},
    }
    return SimpleNamespace(of=of, context=context, store=store, outlet=outlet)


def test_a_healthy_window_and_a_first_bad_one_emit_nothing_and_say_why_not(operator):
    for window in ("2026-01-12", "2026-01-19"):
        decision = operator.of(window).execute(operator.context)
        assert not decision["due"]
        assert decision["against"]
    assert operator.outlet.added == []
    assert [past["window"] for past in operator.store[STATE]["history"]] == ["2026-01-12", "2026-01-19"]


def test_a_lasting_drop_emits_the_retrain_asset_with_the_ids_that_prove_it(operator):
    for window in ("2026-01-12", "2026-01-19", "2026-01-26"):
        operator.of(window).execute(operator.context)
    [(asset, extra)] = operator.outlet.added
    assert asset == "taxi_retrain"
    assert extra["decision"] == "decisions/taxi_tip/2026-01-26"
    assert extra["evidence"] == ["health/taxi_tip/2026-01-19", "health/taxi_tip/2026-01-26"]
    assert extra["tag"] == "dataset/yellow_trips/2026-01-19-1"
    assert [recipe["name"] for recipe in extra["recipes"]] == ["recent_window", "full"]


def test_a_retry_of_the_same_window_gives_the_same_decision_and_state(operator):
    for window in ("2026-01-12", "2026-01-19", "2026-01-26"):
        first = operator.of(window).execute(operator.context)
        kept = dict(operator.store)
        assert operator.of(window).execute(operator.context) == first
        assert dict(operator.store) == kept
