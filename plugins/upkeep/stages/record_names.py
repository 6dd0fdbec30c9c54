"""Ids of runs as names of stored records."""

from __future__ import annotations

import hashlib
import re


def record_name(model: str, id_: str) -> str:
    """Name of a record about one evaluation of a model; Airflow's run ids hold colons and pluses, which names may not.

    Examples
    --------
    >>> record_name("taxi_tip", "weekly-1")
    'taxi_tip/weekly-1'
    >>> record_name("taxi_tip", "train/manual__2024-01-01T00:00:00")
    'taxi_tip/train-manual__2024-01-01T00-00-00-59b1b808'
    """
    readable = re.sub(r"[^A-Za-z0-9._=-]+", "-", id_).lstrip(".-")
    if readable != id_:
        readable += f"-{hashlib.sha256(id_.encode()).hexdigest()[:8]}"  # two ids never share a name
    return f"{model}/{readable}"
