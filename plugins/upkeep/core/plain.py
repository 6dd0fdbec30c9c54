"""What may leave a task: finite JSON builtins and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass

import numpy as np


def plain(value: object) -> object:
    """Turn numpy values and result dataclasses into JSON builtins; NaN and infinities become None.

    Airflow refuses NaN in XCom, and turns it into null in an asset event without a word.

    Raises
    ------
    TypeError
        For any other type: an address or a number was meant, not an object.

    Examples
    --------
    >>> plain({"n": np.int64(3), "rate": np.float64("nan"), "names": ("a", "b")})
    {'n': 3, 'rate': None, 'names': ['a', 'b']}
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(value)
    if isinstance(value, (np.generic, np.ndarray)):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    raise TypeError(
        f"only JSON builtins, numpy values and result dataclasses can be stored, got {type(value).__name__}."
    )
