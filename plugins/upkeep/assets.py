"""The assets that wire a life's DAGs together, and the facts their events carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias, AssetWatcher
from airflow.sdk.definitions.asset import Dataset, Model

from upkeep.core.life import Life
from upkeep.errors import InputError
from upkeep.triggers.batches import NewBatchTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context


class LifeAssets:
    """Assets of one life, named alike in every DAG file."""

    def __init__(self, life: Life) -> None:
        def uri(kind: str) -> str:
            return f"upkeep://{life.name}/{kind}"

        trigger = NewBatchTrigger(source=life.source, poll_s=life.poll_s, trusted=True)
        watcher = AssetWatcher(name=f"{life.name}_new_batch", trigger=trigger)
        self.inbox = Asset(name=f"{life.name}_inbox", uri=uri("inbox"), watchers=[watcher])
        self.dataset = Dataset(name=f"{life.name}_dataset", uri=uri("dataset"))
        self.predictions = Asset(name=f"{life.name}_predictions", uri=uri("predictions"))
        self.model = Model(name=f"{life.name}_model", uri=uri("model"))
        self.retrain = Asset(name=f"{life.name}_retrain", uri=uri("retrain"))
        self.retrain_alias = AssetAlias(name=f"{life.name}_retrain_due")


def triggering_facts(context: Context, *needed: str) -> dict[str, Any]:
    """What the events that started this run say, later ones over earlier ones; `batches` and spans are joined.

    A run that a person started has no events: its `conf` stands in, and an absent fact is an InputError.
    """
    facts: dict[str, Any] = {}
    dag_run = context.get("dag_run")
    sources: list[Mapping[str, Any]] = [event.extra for event in _events(context)]
    for extra in [*sources, (dag_run.conf if dag_run else None) or {}]:
        batches = list(dict.fromkeys([*facts.get("batches", []), *extra.get("batches", [])]))
        since = min(filter(None, [facts.get("since"), extra.get("since")]), default=None)
        until = max(filter(None, [facts.get("until"), extra.get("until")]), default=None)
        validations = list(dict.fromkeys([*facts.get("validations", []), *extra.get("validations", [])]))
        facts |= {**extra, "batches": batches, "validations": validations, "since": since, "until": until}
    absent = [name for name in needed if not facts.get(name)]
    if absent:
        raise InputError(
            f"a run must be told {', '.join(needed)} by the event that started it or by its conf; {', '.join(absent)} "
            "did not come. Trigger it with a conf that has them, as the asset's events do."
        )
    return facts


def _events(context: Context) -> list[Any]:
    found = context.get("triggering_asset_events") or {}
    return sorted((event for events in found.values() for event in events), key=lambda event: event.timestamp)
