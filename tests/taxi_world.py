"""The demo's life lived once through its operators: real backends in one folder, small weeks of trips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from upkeep.adapters.life_file import read_life
from upkeep.adapters.trip_files import write_week
from upkeep.assets import LifeAssets
from upkeep.core.life import Life
from upkeep.core.simulation.incidents import Incidents

REPO = Path(__file__).parents[1]
ROWS, WEEKS = 900, 2


def taxi_life() -> Life:
    """The demo's life, with a gate and checks that fit 1800 rows."""
    life = read_life(REPO / "dags" / "config" / "taxi.yaml")
    gate = life.gate | {"condition": "n - o > 0.0 +/- 0.15", "first_condition": "n > 0.4 +/- 0.1"}
    return replace(
        life, gate=gate, training=life.training | {"max_overfit": 0.5, "first_batches": 2, "params": {"max_iter": 10}}
    )


def drop(root: Path, week: int, rows: int = ROWS) -> None:
    """A week of trips and late labels into the inbox."""
    write_week(root / "inbox", week, start="2025-11-03", rows=rows, seed=7, incidents=Incidents())


@dataclass
class TaskInstance:
    """What operators and links ask of Airflow's task instance."""

    task_id: str = "task"
    dag_id: str = "taxi_train"
    run_id: str = "manual__2026-01-01T00:00:00+00:00"
    pushed: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def xcom_pull(self, *, task_ids: str, key: str) -> Any:
        return self.pushed.get(key) if task_ids == self.task_id else None


def context(event: Mapping[str, Any] | None = None, **ti: Any) -> dict[str, Any]:
    """A run that one asset event with this extra has started; without one, a run by hand."""
    events = {"asset": [SimpleNamespace(timestamp=1, extra=dict(event))]} if event is not None else {}
    return {
        "ti": TaskInstance(**ti),
        "dag_run": SimpleNamespace(conf={}),
        "triggering_asset_events": events,
        "outlet_events": defaultdict(lambda: SimpleNamespace(extra={})),
    }


@dataclass
class World:
    """Where the life is kept, what its tasks returned, and the contexts they ran in."""

    root: Path
    life: Life
    assets: LifeAssets
    returned: dict[str, Any] = field(default_factory=dict)
    contexts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self, operator: Any, event: Mapping[str, Any] | None = None) -> Any:
        """Execute an operator and keep what it returned under its task id."""
        run = context(event, task_id=operator.task_id)
        self.contexts[operator.task_id] = run
        self.returned[operator.task_id] = operator.execute(run)
        return self.returned[operator.task_id]


def live(root: Path) -> World:
    """From the inbox to a monitored champion. The environment must point at `root`."""
    from upkeep.operators import gate, ingest, labels, monitor, prepare, promote, score, train, validate, version

    life = taxi_life()
    world = World(root, life, LifeAssets(life))
    for week in range(WEEKS):
        drop(root, week)
    taken = world.run(ingest.IngestOperator(task_id="ingest", life=life))["batches"]
    for point in ("raw", "clean"):
        world.run(validate.ValidateOperator(task_id=point, life=life, point=point, batches=taken))
    world.run(prepare.PrepareFeaturesOperator(task_id="prepare", life=life, batches=taken))
    world.run(validate.ValidateOperator(task_id="features", life=life, point="features", batches=taken))
    versioning = version.VersionDatasetOperator(
        task_id="version", life=life, batches=taken, dataset=world.assets.dataset
    )
    versioned = world.run(versioning)
    world.run(labels.LoadFeedbackOperator(task_id="labels", life=life))
    trained = world.run(train.TrainModelOperator(task_id="train", life=life, first_only=True), versioned)
    verdict = world.run(gate.ModelGateOperator(task_id="gate", life=life, trained=trained))
    world.run(promote.PromoteModelOperator(task_id="promote", life=life, verdict=verdict, model=world.assets.model))
    scoring = score.ScoreBatchOperator(task_id="score", life=life, predictions=world.assets.predictions)
    scored = world.run(scoring, versioned)
    world.run(monitor.MonitorModelOperator(task_id="monitor", life=life), scored)
    return world
