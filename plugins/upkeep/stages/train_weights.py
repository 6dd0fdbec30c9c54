"""What a recipe of a decision means for the rows of a training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns
from upkeep.core.drift.adversary import Adversary
from upkeep.core.retrain.recipe_weights import recipe_weights
from upkeep.core.retrain.recipes import Recipe
from upkeep.errors import InputError
from upkeep.ports import Documents, Json, Tracker
from upkeep.stages.recipe import checked_recipe
from upkeep.stages.train import Weigh

#: Recipes by which rows do not all count alike; any other chooses rows, by their time.
WEIGHTED = ("upsample", "augment")


def weighing(documents: Documents, tracker: Tracker, recipe: Json, *, model: str, time: str) -> Weigh | None:
    """How the recipe weighs training rows; None for one by which all count once.

    Raises
    ------
    InputError
        If the recipe is none (see `checked_recipe`), or names an adversary that is not stored.
    """
    if checked_recipe(recipe).get("name") not in WEIGHTED:
        return None
    chosen: Recipe = {**recipe}  # type: ignore[typeddict-item]  # a JSON dict; recipe_weights checks it
    adversary = _adversary(documents, tracker, recipe["adversary"], model) if "adversary" in recipe else None

    def weigh(rows: Columns) -> NDArray[np.float64]:
        features = {name: values for name, values in rows.items() if name != "label"}
        live = adversary.scores(features) if adversary else None
        return recipe_weights(chosen, features, when=rows[time], live=live)

    return weigh


def _adversary(documents: Documents, tracker: Tracker, address: str, model: str) -> Adversary:
    """What had learned to tell live rows from the reference's; its reference sample is kept with the model version."""
    kind, _, name = address.partition("/")
    state = documents.get(kind, name)
    if kind != "adversaries" or state is None or not name.startswith(f"{model}/v"):
        raise InputError(
            f"recipe augment needs the adversary that monitoring of {model} has stored, but {address!r} is none of them. "
            "Monitor the window first, or retrain by another recipe."
        )
    version = name.split("/")[-2].removeprefix("v")
    start = tracker.record(model, version, "reference")["adversary"]["start"]
    return Adversary.from_json(state | {"reference": start["reference"]})
