"""Which challengers a decision asks for, and the rows that all of them hold out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from upkeep.core.checks.time_split import split_by_time
from upkeep.ports import Datasets, Documents, Json, VersionStore
from upkeep.stages.labelled import labelled_rows
from upkeep.stages.recipe import checked_recipe


def plan_challengers(
    datasets: Datasets,
    versions: VersionStore,
    documents: Documents,
    *,
    model: str,
    dataset: str,
    time: str,
    tag: str,
    as_of: str,
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
    model, dataset, time : str
        The life's model and data set, and the column that says when a row was.
    tag : str
        Dataset version to train from.
    as_of : str
        Labels observed by then count, here and in each of the trainings.
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
        `recipe`, `training_id`, `holdout_since` and `as_of`. The same arguments give the same ids, and no two recipes share
        one.

    Raises
    ------
    InputError
        If a recipe is none; see `checked_recipe`.

    Notes
    -----
    Challengers are only comparable on the same rows. Held out is the newest `holdout_share` of the labelled rows since the
    latest moment that a recipe names, so that each recipe has the rest of its own rows to train on; if none names one,
    since the first window that is evidence of the decision: rows of the world that the challengers are for. Rows whose
    label is still to come can judge nobody, and where labels are late they are the newest. A challenger that is alone
    holds out its own newest rows.
    """
    chosen = [checked_recipe(recipe) for recipe in recipes][:steps]
    cut = ""
    if len(chosen) > 1:
        named = sorted({recipe["since"] for recipe in chosen if recipe.get("since")}, key=np.datetime64, reverse=True)
        source = {"model": model, "dataset": dataset, "batches": versions.find(tag).meta["batches"], "as_of": as_of}
        for since in [*(named or _harmed(documents, decision)), None]:
            rows = labelled_rows(datasets, **source, columns=["row_id", time], since=since)
            if len(rows["label"]):
                cut = str(split_by_time(rows, time, holdout_share).cut)
                break
    about = {"holdout_since": cut, "as_of": as_of}
    return [{"recipe": recipe, "training_id": _id(training_id, recipe, cut)} | about for recipe in chosen]


def _harmed(documents: Documents, decision: str) -> list[str]:
    """Begin of the first window that the decision rests on; empty if none is stored."""
    kind, _, name = decision.partition("/")
    record = (documents.get(kind, name) if name else None) or {}
    reports = [documents.get(*address.split("/", 1)) for address in record.get("evidence", ())]
    return sorted((str(report["since"]) for report in reports if report), key=np.datetime64)[:1]


def _id(training_id: str, recipe: Json, cut: str) -> str:
    """Readable, and another one for another recipe or other rows held out."""
    if not recipe:
        return training_id
    digest = hashlib.sha256(json.dumps([recipe, cut], sort_keys=True).encode()).hexdigest()[:8]
    return f"{training_id}/{recipe.get('name', 'planned')}-{digest}"
