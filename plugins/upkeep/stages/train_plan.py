"""Which challengers a decision asks for, and the rows that all of them hold out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from upkeep.core.checks.time_split import split_by_time
from upkeep.ports import Datasets, Documents, Json, VersionStore


def plan_challengers(
    datasets: Datasets,
    versions: VersionStore,
    documents: Documents,
    *,
    dataset: str,
    time: str,
    tag: str,
    recipes: Sequence[Json],
    decision: str,
    training_id: str,
    holdout_share: float,
    steps: int,
) -> list[Json]:
    """One challenger per recipe, in the decision's order, and not more than `steps`: the gate's rows may judge no more.

    Parameters
    ----------
    datasets, versions, documents
    dataset, time : str
        The life's data set, and the column that says when a row was.
    tag : str
        Dataset version to train from.
    recipes : sequence of dict
    decision : str
        Address of the decision, as ``decisions/<model>/<window>``; empty if a person asks.
    training_id : str
        What the ids of the trainings begin with.
    holdout_share : float
        In (0, 1).
    steps : int
        How many challengers the same rows may judge.

    Returns
    -------
    list of dict
        `recipe`, `training_id` and `holdout_since`. The same arguments give the same ids, and no two recipes share one.

    Notes
    -----
    Challengers are only comparable on the same rows. Held out is the newest `holdout_share` of the rows since the first
    window that is evidence of the decision, or since the earliest moment that a recipe names: rows of the world that the
    challengers are for. It does not depend on which labels are in, so that a repetition plans the same. A challenger that
    is alone holds out its own newest rows.
    """
    chosen = list(recipes)[:steps]
    cut = ""
    if len(chosen) > 1:
        moments = [*(recipe["since"] for recipe in chosen if recipe.get("since")), *_harmed(documents, decision)]
        since = min(moments, key=np.datetime64) if moments else None
        batches = versions.find(tag).meta["batches"]
        rows = datasets.read(f"{dataset}/features", batches=batches, since=since, columns=[time])
        cut = str(split_by_time(rows, time, holdout_share).cut) if rows else ""
    return [{"recipe": recipe, "training_id": _id(training_id, recipe, cut), "holdout_since": cut} for recipe in chosen]


def _harmed(documents: Documents, decision: str) -> list[str]:
    """Begins of the windows that the decision rests on."""
    kind, _, name = decision.partition("/")
    record = (documents.get(kind, name) if name else None) or {}
    reports = [documents.get(*address.split("/", 1)) for address in record.get("evidence", ())]
    return [str(report["since"]) for report in reports if report]


def _id(training_id: str, recipe: Json, cut: str) -> str:
    """Readable, and another one for another recipe or other rows held out."""
    if not recipe:
        return training_id
    digest = hashlib.sha256(json.dumps([recipe, cut], sort_keys=True).encode()).hexdigest()[:8]
    return f"{training_id}/{recipe.get('name', 'planned')}-{digest}"
