"""Which types a stored model may be made of. Reading a model must never run code that someone put into the registry."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from upkeep.errors import BackendError, InputError

#: Packages whose classes and NumPy functions (ufuncs) a model may hold.
LIBRARIES = ("sklearn", "numpy", "scipy", "collections", "builtins")
#: Packages whose plain functions a model may hold as well.
OWN = ("sklearn", "upkeep")
#: Parts of these that read files, fetch URLs, start processes or re-export what does.
REFUSED = (
    "sklearn.datasets",
    "sklearn.externals",
    "sklearn.utils._testing",
    "numpy.testing",
    "numpy.f2py",
    "numpy.lib",
    "numpy.memmap",
)
#: Containers; never a function such as ``builtins.eval``.
BUILTINS = frozenset(
    f"builtins.{kind.__name__}" for kind in (bytes, bytearray, complex, frozenset, slice, range, type(None))
)
PACKAGES_VARIABLE = "UPKEEP_TRUSTED_PACKAGES"


def save(model: Any, path: Path) -> list[str]:
    """Write a model in the skops format; returns the types that a reader has to trust.

    Raises
    ------
    InputError
        If it holds a type that `load` would refuse.
    """
    import skops.io

    with warnings.catch_warnings():
        # Looking for a function's module, skops touches each name of each loaded module, Airflow's retired ones too.
        warnings.simplefilter("ignore")
        try:
            skops.io.dump(model, path)
        except (TypeError, AttributeError, ValueError) as err:
            raise InputError(
                f"the model must be storable in the skops format, but: {err}. Define its classes and functions at the "
                "top level of a module."
            ) from err
    return trusted_types(path)


def load(path: Path) -> Any:
    """Read a model in the skops format; only allowed types are imported, built or called."""
    import skops.io

    allowed = trusted_types(path)
    try:
        return skops.io.load(path, trusted=allowed)
    except (TypeError, AttributeError, ValueError, ImportError) as err:
        raise BackendError(
            f"the stored model {path.name} must be readable, but: {err}. Train it again with the versions installed here."
        ) from err


def trusted_types(path: Path) -> list[str]:
    """The types in a skops file beyond those that skops itself knows to be safe, all of them allowed here."""
    import skops.io

    try:
        names = skops.io.get_untrusted_types(file=path)
    except (OSError, BadZipFile, ValueError, KeyError, TypeError) as err:
        raise BackendError(f"{path.name} must be a model in the skops format, but: {err}. Train it again.") from err
    refused = [name for name in names if not is_allowed(name)]
    if refused:
        raise InputError(
            f"a stored model may hold types of {', '.join(LIBRARIES)}, upkeep and the packages in {PACKAGES_VARIABLE} alone, "
            f"got {', '.join(refused)} in {path.name}. If you wrote that code, add its top-level package to {PACKAGES_VARIABLE}; "
            "if you do not know it, somebody put it there."
        )
    return list(names)


def is_allowed(name: str) -> bool:
    """Whether a model may hold the type or function ``module.name``.

    The package's name is not enough: ``sklearn.some.module.system`` may be another library's function that a module
    happened to import. So the object must be at home in an allowed package as well.
    """
    package = name.partition(".")[0]
    if package == "builtins":
        return name in BUILTINS
    if package in _own_packages():
        return True
    if package not in LIBRARIES + OWN or _starts_with(name, REFUSED):
        return False
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError):
        return False
    return _is_at_home(found)


def _is_at_home(found: Any) -> bool:
    import numpy as np

    home = getattr(found, "__module__", None) or type(found).__module__
    full_name = f"{home}.{getattr(found, '__qualname__', '')}"
    if _starts_with(full_name, REFUSED) or home.partition(".")[0] not in LIBRARIES + OWN:
        return False
    plain_function = not isinstance(found, (type, np.ufunc))
    return not plain_function or home.partition(".")[0] in OWN


def _own_packages() -> frozenset[str]:
    """Packages the operator of this installation vouches for; the standard library is never among them."""
    named = os.environ.get(PACKAGES_VARIABLE, "").replace(",", " ").split()
    return frozenset(named) - sys.stdlib_module_names - {""}


def _starts_with(name: str, prefixes: Iterable[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)
