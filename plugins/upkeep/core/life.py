"""What one model's life is made of: its table, features, model and rules. One YAML file each in `dags/config/`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from upkeep.errors import InputError

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A parsed configuration file. Functions are named ``module:function``; the module must be importable.

    Attributes
    ----------
    name : str
        Prefix of the DAGs and assets: ``taxi`` gives ``taxi_ingest``, ``taxi_train``…
    dataset, model : str
        Names in the table store and in the model registry.
    source, feedback : str
        Where new batches and late labels arrive: a folder below the inbox, an absolute path or a URL.
    schema : dict
        The declared table, see `core.schema.TableSchema`.
    suites : dict
        Expectation file by point: raw, clean, features.
    features, label, label_time : str
        Functions from the clean table to features and to labels; the column that says when a label was known.
    training : dict
        `factory`, `params`, `features`, `first_batches`, `window_batches`, `holdout_share`…
    gate, monitor, decision : dict
        The policies of these stages.
    max_quarantine_share : float
        A batch that would lose a larger share of its rows to quarantine fails.
    feedback_precision, feedback_wait_h : float
        The monitor waits for labels until the accuracy's 95 % interval is this half-width, but no longer than so many hours.
    approval_timeout_h, poll_s : float
        Hours until an unanswered retrain request is rejected; seconds between two looks at the source.
    """

    name: str
    dataset: str
    model: str
    source: str
    feedback: str
    schema: Json = field(repr=False)
    suites: Json
    features: str
    label: str
    label_time: str
    training: Json
    gate: Json
    monitor: Json
    decision: Json
    max_quarantine_share: float = 0.2
    feedback_precision: float = 0.02
    feedback_wait_h: float = 24.0
    approval_timeout_h: float = 48.0
    poll_s: float = 15.0

    @property
    def time(self) -> str:
        """The schema's time column."""
        return str(self.schema["time"])

    @classmethod
    def from_json(cls, record: Mapping[str, Any], where: str) -> Life:
        """Check a parsed file.

        Raises
        ------
        InputError
            Naming the file and every key that is missing or unknown.

        Examples
        --------
        >>> Life.from_json({"name": "taxi", "colour": "yellow"}, "taxi.yaml")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        upkeep.errors.InputError: taxi.yaml must have exactly the keys of a life; missing: ...
        """
        wanted = {f.name for f in fields(cls)}
        optional = {f.name for f in fields(cls) if f.default is not MISSING}
        missing, unknown = sorted(wanted - optional - set(record)), sorted(set(record) - wanted)
        if missing or unknown:
            raise InputError(
                f"{where} must have exactly the keys of a life; missing: {', '.join(missing) or 'none'}; "
                f"unknown: {', '.join(unknown) or 'none'}. See dags/config/taxi.yaml."
            )
        if not re.fullmatch(r"[a-z][a-z0-9_]*", str(record["name"])):
            raise InputError(
                f"{where}: name becomes part of DAG ids and must match [a-z][a-z0-9_]*, got {record['name']!r}."
            )
        return cls(**record)
