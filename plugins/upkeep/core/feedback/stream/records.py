"""A join's memory as JSON and back: arrays are base64 of compressed little-endian bytes, checked when read."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.stream.matching import Memory
from upkeep.core.feedback.stream.runs import Run
from upkeep.core.feedback.stream.tallies import SUMS, Tallies
from upkeep.core.feedback.stream.waiting import Waiting
from upkeep.core.profile.stored import damaged, fields, is_whole

_LEVEL = (
    1  # zlib's fastest: most of the bytes are zeros of cells without a pair, or hashes, which no level makes smaller
)


def memory_to_json(memory: Memory) -> dict[str, Any]:
    """Builtins."""
    sums = {name: array_to_json(getattr(memory.tallies, name)) for name in SUMS}
    return {
        "pending": _waiting_to_json(memory.pending),
        "early": _waiting_to_json(memory.early),
        "recent": _run_to_json(memory.recent),
        "tallies": {"newest": memory.tallies.newest, **sums},
        "expired": memory.expired,
    }


def memory_from_json(record: object, empty: Memory) -> Memory:
    """Inverse of `memory_to_json`; `empty` says what sizes and types the arrays must have."""
    held = fields("the memory of a stored join", record, ["pending", "early", "recent", "tallies", "expired"])
    if not is_whole(held["expired"]):
        raise damaged("expired of a stored join must be a whole number of at least 0", held["expired"])
    buckets = empty.tallies.predicted.shape[1]
    return Memory(
        pending=_waiting_from_json("pending", held["pending"], empty.pending, buckets),
        early=_waiting_from_json("early", held["early"], empty.early, buckets),
        recent=_run_from_json("recent", held["recent"], empty.recent, buckets),
        tallies=_tallies_from_json(held["tallies"], empty.tallies),
        expired=held["expired"],
    )


def array_to_json(values: NDArray[Any]) -> dict[str, Any]:
    """Shape, type and bytes."""
    kind = values.dtype.newbyteorder("<")
    packed = zlib.compress(np.ascontiguousarray(values, dtype=kind).tobytes(), _LEVEL)
    return {"type": kind.str, "shape": list(values.shape), "zlib": base64.b64encode(packed).decode("ascii")}


def array_from_json(what: str, record: object, kind: np.dtype[Any], shape: Sequence[int | None]) -> NDArray[Any]:
    """An array of that type and shape, where None stands for any length; InputError if the record is another.

    Examples
    --------
    >>> array_from_json("x", array_to_json(np.arange(3)), np.dtype(np.int64), (None,))
    array([0, 1, 2])
    """
    held = fields(f"{what} of a stored join", record, ["type", "shape", "zlib"])
    sizes = held["shape"]
    fits = isinstance(sizes, list) and len(sizes) == len(shape) and all(map(is_whole, sizes))
    if (
        held["type"] != kind.newbyteorder("<").str
        or not fits
        or any(want not in (None, size) for want, size in zip(shape, sizes, strict=True))
    ):
        raise damaged(f"{what} of a stored join must be {kind} of shape {tuple(shape)}", (held["type"], sizes))
    wanted = kind.itemsize * int(np.prod(sizes, dtype=object))
    try:
        unpacker = zlib.decompressobj()
        # no more than is wanted, and one byte: a damaged or hostile record does not fill the memory
        content = unpacker.decompress(base64.b64decode(held["zlib"], validate=True), wanted + 1)
    except (TypeError, ValueError, binascii.Error, zlib.error) as err:
        raise damaged(f"{what} of a stored join must be base64 of compressed bytes ({err})", held["zlib"]) from err
    if len(content) != wanted or not unpacker.eof:
        raise damaged(f"{what} of a stored join must be {wanted} bytes", f"{len(content)} bytes")
    return np.frombuffer(content, dtype=kind.newbyteorder("<")).astype(kind).reshape(sizes)


def _waiting_to_json(waiting: Waiting) -> dict[str, Any]:
    return {"weight": str(waiting.weight), "dropped": waiting.dropped, "rows": _run_to_json(waiting.rows)}


def _waiting_from_json(what: str, record: object, empty: Waiting, buckets: int) -> Waiting:
    held = fields(f"{what} of a stored join", record, ["weight", "dropped", "rows"])
    weight = held["weight"]
    if not isinstance(weight, str) or not weight.isascii() or not weight.isdigit() or not 1 <= int(weight) <= 2**64:
        raise damaged(f"weight of {what} of a stored join must be a whole number from 1 as text", weight)
    if not is_whole(held["dropped"]):
        raise damaged(f"dropped of {what} of a stored join must be a whole number of at least 0", held["dropped"])
    rows = _run_from_json(what, held["rows"], empty.rows, buckets)
    if len(rows["key"]) > empty.capacity:
        raise damaged(f"{what} of a stored join must have at most {empty.capacity} rows", len(rows["key"]))
    return replace(empty, weight=int(weight), dropped=held["dropped"], rows=rows)


def _run_to_json(run: Run) -> dict[str, Any]:
    return {name: array_to_json(values) for name, values in run.items()}


def _run_from_json(what: str, record: object, empty: Run, buckets: int) -> Run:
    held = fields(f"{what} of a stored join", record, empty)
    run = {name: array_from_json(f"{name} of {what}", held[name], empty[name].dtype, (None,)) for name in empty}
    lengths = sorted({len(values) for values in run.values()})
    if len(lengths) > 1:
        raise damaged(f"columns of {what} of a stored join must have one length", lengths)
    if not (run["key"][1:] > run["key"][:-1]).all() or (run["weight"] < 1).any():
        raise damaged(f"{what} of a stored join must have ascending keys and weights from 1", "others")
    if "bucket" in run and ((run["bucket"] < 0) | (run["bucket"] >= buckets)).any():
        raise damaged(f"{what} of a stored join must have buckets from 0 to {buckets - 1}", "others")
    return run


def _tallies_from_json(record: object, empty: Tallies) -> Tallies:
    held: Mapping[str, Any] = fields("tallies of a stored join", record, ["newest", *SUMS])
    if held["newest"] is not None and type(held["newest"]) is not int:
        raise damaged("newest of a stored join must be a whole number or null", held["newest"])
    sums = {name: (getattr(empty, name).dtype, getattr(empty, name).shape) for name in SUMS}
    read = {name: array_from_json(name, held[name], kind, shape) for name, (kind, shape) in sums.items()}
    return replace(empty, newest=held["newest"], **read)
