"""Arrays of numbers as JSON, to the last bit, and checked when they are read."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.profile.stored import damaged, fields

_TYPES = ("|u1", "|i1", "<u2", "<i2", "<i4", "<i8", "<u8", "<f4", "<f8")


def pack(values: NDArray[Any]) -> dict[str, Any]:
    """An array of numbers as builtins.

    Examples
    --------
    >>> unpack(pack(np.array([[1.0, np.pi]])))
    array([[1.        , 3.14159265]])
    """
    little = values.astype(values.dtype.newbyteorder("<"))
    text = base64.b64encode(little.tobytes()).decode("ascii")
    return {"dtype": little.dtype.str, "shape": list(values.shape), "base64": text}


def unpack(record: object) -> NDArray[Any]:
    """Inverse of `pack`; InputError unless the record is a whole array of finite numbers."""
    held = fields("a stored array", record, ["dtype", "shape", "base64"])
    dtype, shape, text = held["dtype"], held["shape"], held["base64"]
    whole = isinstance(shape, list) and all(type(size) is int and size >= 0 for size in shape)
    if dtype not in _TYPES or not whole or not isinstance(text, str):
        raise damaged(f"a stored array must have a dtype of {list(_TYPES)}, a shape and base64 text", held)
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as err:
        raise damaged("a stored array must be base64 text", text) from err
    if len(content) != np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64)):
        raise damaged(f"a stored array of shape {shape} and type {dtype} must be complete", text)
    values = np.frombuffer(content, dtype=np.dtype(dtype)).reshape(shape)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise damaged("a stored array must hold finite numbers", text)
    return values.astype(values.dtype.newbyteorder("="))
