"""A join's memory as JSON and back: arrays are base64 of compressed little-endian bytes, checked when read."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from upkeep.core.feedback.stream.lost import Lost
from upkeep.core.feedback.stream.matching import Memory
from upkeep.core.feedback.stream.policy import JoinPolicy
from upkeep.core.feedback.stream.runs import Run
from upkeep.core.feedback.stream.tallies import SUMS, Tallies
from upkeep.core.feedback.stream.waiting import MOST_WEIGHT, Waiting
from upkeep.core.profile.stored import damaged, fields, is_whole

#: zlib's fastest: most bytes are zeros of cells without a pair, or hashes, which no level makes smaller.
_LEVEL = 1


def memory_to_json(memory: Memory) -> dict[str, Any]:
    """Builtins."""
    sums = {name: array_to_json(getattr(memory.tallies, name)) for name in SUMS}
    return {
        "pending": _waiting_to_json(memory.pending),
        "early": _waiting_to_json(memory.early),
        "recent": _run_to_json(memory.recent),
        "tallies": {"newest": memory.tallies.newest, **sums},
        "expired": memory.expired,
        "lost": {"weight": memory.lost.weight, "until": memory.lost.until},
    }


def memory_from_json(record: object, policy: JoinPolicy, empty: Memory) -> Memory:
    """Inverse of `memory_to_json`; `empty` says what types the arrays must have, and the policy how large they may be."""
    held = fields("the memory of a stored join", record, ["pending", "early", "recent", "tallies", "expired", "lost"])
    if not is_whole(held["expired"]):
        raise damaged("expired of a stored join must be a whole number of at least 0", held["expired"])
    return Memory(
        pending=_waiting_from_json("pending", held["pending"], empty.pending, policy),
        early=_waiting_from_json("early", held["early"], empty.early, policy),
        recent=_run_from_json("recent", held["recent"], empty.recent, policy, policy.recent),
        tallies=_tallies_from_json(held["tallies"], empty.tallies),
        expired=held["expired"],
        lost=_lost_from_json(held["lost"]),
    )


def is_time(value: object) -> TypeGuard[int | None]:
    """Microseconds since 1970, or a number of a slot, that leave room to reckon with; or None."""
    return value is None or (type(value) is int and abs(value) < 2**62)


def array_to_json(values: NDArray[Any]) -> dict[str, Any]:
    """Shape, type and bytes."""
    kind = values.dtype.newbyteorder("<")
    packed = zlib.compress(np.ascontiguousarray(values, dtype=kind).tobytes(), _LEVEL)
    return {"type": kind.str, "shape": list(values.shape), "zlib": base64.b64encode(packed).decode("ascii")}


def array_from_json(
    what: str, record: object, kind: np.dtype[Any], shape: Sequence[int | None], *, most: int = 2**31
) -> NDArray[Any]:
    """An array of that type and shape, where None stands for any length up to `most`; InputError if the record is another.

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
        or any(size > most if want is None else size != want for want, size in zip(shape, sizes, strict=True))
    ):
        wanted_shape = tuple(f"at most {most}" if want is None else want for want in shape)
        raise damaged(f"{what} of a stored join must be {kind} of shape {wanted_shape}", (held["type"], sizes))
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


def _waiting_from_json(what: str, record: object, empty: Waiting, policy: JoinPolicy) -> Waiting:
    held = fields(f"{what} of a stored join", record, ["weight", "dropped", "rows"])
    weight = held["weight"]
    digits = isinstance(weight, str) and weight.isascii() and weight.isdigit() and len(weight) < 20
    if not digits or not 1 <= int(weight) <= MOST_WEIGHT:
        raise damaged(f"weight of {what} of a stored join must be a whole number from 1 as text", weight)
    if not is_whole(held["dropped"]):
        raise damaged(f"dropped of {what} of a stored join must be a whole number of at least 0", held["dropped"])
    rows = _run_from_json(what, held["rows"], empty.rows, policy, empty.capacity)
    return replace(empty, weight=int(weight), dropped=held["dropped"], rows=rows)


def _run_to_json(run: Run) -> dict[str, Any]:
    return {name: array_to_json(values) for name, values in run.items()}


def _run_from_json(what: str, record: object, empty: Run, policy: JoinPolicy, most: int) -> Run:
    held = fields(f"{what} of a stored join", record, empty)
    run = {
        name: array_from_json(f"{name} of {what}", held[name], empty[name].dtype, (None,), most=most) for name in empty
    }
    lengths = sorted({len(values) for values in run.values()})
    if len(lengths) > 1:
        raise damaged(f"columns of {what} of a stored join must have one length", lengths)
    if not (run["key"][1:] > run["key"][:-1]).all() or not _within(run["weight"], 1, MOST_WEIGHT):
        raise damaged(f"{what} of a stored join must have ascending keys and weights from 1", "others")
    if "bucket" in run and not _within(run["bucket"], 0, policy.buckets - 1):
        raise damaged(f"{what} of a stored join must have buckets from 0 to {policy.buckets - 1}", "others")
    for name in ("predicted_at", "observed_at"):
        if name in run and not _within(run[name], -(2**62), 2**62):
            raise damaged(f"{name} of {what} of a stored join must be microseconds since 1970", "others")
    for name in ("score", "prediction", "label"):
        if name in run:
            policy.outcomes.check(name, run[name])
    return run


def _within(values: NDArray[Any], low: int, high: int) -> bool:
    return bool(((values >= low) & (values <= high)).all())


def _lost_from_json(record: object) -> Lost:
    held = fields("lost of a stored join", record, ["weight", "until"])
    weight, until = held["weight"], held["until"]
    if not is_whole(weight) or not 1 <= weight <= MOST_WEIGHT or not is_time(until):
        raise damaged("lost of a stored join must be a weight from 1 and a time or null", (weight, until))
    return Lost(weight=weight, until=until)


def _tallies_from_json(record: object, empty: Tallies) -> Tallies:
    held: Mapping[str, Any] = fields("tallies of a stored join", record, ["newest", *SUMS])
    if not is_time(held["newest"]):
        raise damaged("newest of a stored join must be a whole number or null", held["newest"])
    sums = {name: (getattr(empty, name).dtype, getattr(empty, name).shape) for name in SUMS}
    read = {name: array_from_json(name, held[name], kind, shape) for name, (kind, shape) in sums.items()}
    counts_fit = all((read[name] >= 0).all() for name in ("predicted", "cells"))
    if not counts_fit or not all(np.isfinite(values).all() for values in read.values()):
        raise damaged("tallies of a stored join must be finite, and counts at least 0", "others")
    return replace(empty, newest=held["newest"], **read)
