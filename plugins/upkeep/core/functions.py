"""Functions that a configuration names."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

from upkeep.errors import InputError

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def load_function(name: str) -> Callable[..., Any]:
    """The function that ``module:function`` names; importing the module runs its code.

    The name must come from the DAG author's own configuration, which is as trusted as the DAG itself. Never
    pass one that was read from data, a request or the model registry.

    Raises
    ------
    InputError
        Saying whether the form, the module, the function or the kind of object was wrong.

    Examples
    --------
    >>> load_function("math:sqrt")(9)
    3.0
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"a function must be named like module.sub:function, got {name!r}.")
    module_name, attribute = name.split(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as err:
        raise InputError(
            f"module {err.name!r} of function {name!r} must be importable, but is not found. "
            "Put its folder on PYTHONPATH, or install its package."
        ) from err
    except ImportError as err:
        raise InputError(f"module of function {name!r} must be importable, but: {err}. Correct the module.") from err
    found = getattr(module, attribute, None)
    if found is None:
        raise InputError(f"module {module_name} must have a function {attribute!r}, but has none. Check the spelling.")
    if not callable(found):
        raise InputError(f"{name!r} must be a function, got {type(found).__name__}. Name a callable.")
    return found  # type: ignore[no-any-return]
