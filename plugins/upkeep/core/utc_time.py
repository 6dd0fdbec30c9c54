"""Moments as people and records write them."""

from __future__ import annotations

import re

import numpy as np

from upkeep.errors import InputError

_ISO_UTC = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d(:\d\d(:\d\d(\.\d+)?)?)?)?")


def utc_time(name: str, text: object) -> np.datetime64:
    """A UTC time in ISO 8601, to the microsecond; `name` is what the error calls it.

    Raises
    ------
    InputError
        For anything else. numpy alone would take "now", a bare year and an offset too.

    Examples
    --------
    >>> utc_time("since", "2024-01-08")
    np.datetime64('2024-01-08T00:00:00.000000')
    """
    try:
        if not isinstance(text, str) or not _ISO_UTC.fullmatch(text):
            raise ValueError(text)
        return np.datetime64(text, "us")
    except ValueError as err:
        raise InputError(f"{name} must be a UTC time like 2024-01-08 or 2024-01-08T00:00:00, got {text!r}.") from err
