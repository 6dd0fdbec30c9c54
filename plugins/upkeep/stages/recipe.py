"""What a recipe must say before anything is trained by it."""

from __future__ import annotations

from upkeep.core.retrain.recipes import NEEDED
from upkeep.core.utc_time import utc_time
from upkeep.errors import InputError
from upkeep.ports import Json


def checked_recipe(recipe: object) -> Json:
    """A recipe as a decision or the conf of a run gives it; empty, the life's own training is meant.

    Raises
    ------
    InputError
        If it is no mapping, has no known name, lacks what it needs, or its `since` is no UTC time.
    """
    if not isinstance(recipe, dict):
        raise InputError(
            f'a recipe must be a mapping like {{"name": "full"}}, got {recipe!r}. Take it from a decision.'
        )
    if not recipe:
        return recipe
    name = recipe.get("name")
    if not isinstance(name, str) or name not in NEEDED:
        raise InputError(f"a recipe must be named {', '.join(NEEDED)}, got {name!r}. Take it from a decision.")
    lacking = [key for key in NEEDED[name] if key not in recipe]
    if lacking:
        raise InputError(f"recipe {name} must say {', '.join(lacking)}, got {sorted(recipe)}. Take it from a decision.")
    if "since" in recipe:
        utc_time(f"since of recipe {name}", recipe["since"])
    return recipe
