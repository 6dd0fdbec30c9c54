"""Row ids from content: the same row has the same id in every batch, process and language run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns
from upkeep.errors import InputError

_FNV_BASIS, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3
_TOGETHER = 32  # texts from which on an array operation is faster than a loop over their bytes


def row_ids(columns: Columns, key: Sequence[str]) -> NDArray[np.int64]:
    """A 64-bit id per row from the values of its key columns.

    Parameters
    ----------
    columns : mapping of str to ndarray, each shape (n,)
        Number, boolean, datetime64 or text columns.
    key : sequence of str
        Columns that identify a row, in a fixed order.

    Returns
    -------
    ndarray of int64, shape (n,)
        Equal for rows with equal keys. Two different keys among n rows collide with a chance of
        about ``n**2 / 2**65``: 3e-6 at ten million rows.

    Notes
    -----
    Each value becomes 64 bits (whole numbers as int64, others as float64, times as microseconds, text by FNV-1a)
    and is mixed in with splitmix64 [1]_. A whole number gives the same id as integer and as float, so a column that
    turned to float because one value is missing does not change the ids of the other rows; a float beyond 2**53,
    which may have lost digits, keeps its own bits.

    References
    ----------
    .. [1] Steele, Lea & Flood (2014). Fast splittable pseudorandom number generators. OOPSLA.

    Examples
    --------
    >>> a = row_ids({"x": np.array([1, 2]), "y": np.array(["a", "a"], dtype=object)}, ["x", "y"])
    >>> b = row_ids({"x": np.array([2.0, 1.0]), "y": np.array(["a", "a"], dtype=object)}, ["x", "y"])
    >>> bool(a[0] == b[1] and a[1] == b[0] and a[0] != a[1])
    True
    """
    absent = [name for name in key if name not in columns]
    if absent or not key:
        raise InputError(
            f"the key of a row must name columns of the table; {absent or 'no column'} of {sorted(columns)}."
        )
    state = np.zeros(len(columns[key[0]]), dtype=np.uint64)
    for name in key:
        state = splitmix64(state ^ _bits(columns[name]))
    return state.view(np.int64)


def _bits(values: NDArray[Any]) -> NDArray[np.uint64]:
    if values.dtype.kind in "mM":
        return values.astype("datetime64[us]" if values.dtype.kind == "M" else "timedelta64[us]").view(np.uint64)
    if values.dtype.kind in "iub":
        return values.astype(np.int64).view(np.uint64)
    if values.dtype.kind == "f":
        number = values.astype(np.float64)
        number[np.isnan(number)] = np.nan  # one bit pattern for every NaN
        whole = (np.abs(number) < 2.0**53) & (number == np.round(number))
        return np.where(whole, np.where(whole, number, 0).astype(np.int64).view(np.uint64), number.view(np.uint64))
    return _fnv1a([b"\xff" if value is None else str(value).encode() for value in values])


def _fnv1a(texts: Sequence[bytes]) -> NDArray[np.uint64]:
    """Digests of all texts, a byte of each at a time: from the longest on, so that those not at their end lie in front.

    The few that are much longer than the others go on by themselves, since there an array per byte would cost more.
    """
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    order = np.argsort(-lengths, kind="stable")
    rising = -lengths[order]
    starts = (np.cumsum(lengths) - lengths)[order]
    content = np.frombuffer(b"".join(texts), dtype=np.uint8)
    digests = np.full(len(texts), _FNV_BASIS, dtype=np.uint64)
    together = int(lengths[order[_TOGETHER - 1]]) if len(texts) >= _TOGETHER else 0
    for at in range(together):
        here = slice(np.searchsorted(rising, -at))  # texts of more than `at` bytes
        digests[here] = (digests[here] ^ content[starts[here] + at]) * np.uint64(_FNV_PRIME)  # modulo 2**64
    for row in range(int(np.searchsorted(rising, -together))):
        digests[row] = _continued(int(digests[row]), texts[order[row]][together:])
    back = np.empty_like(digests)
    back[order] = digests
    return back


def _continued(digest: int, text: bytes) -> int:
    for byte in text:
        digest = ((digest ^ byte) * _FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return digest


def splitmix64(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """64 bits mixed, one to one."""
    z = state + np.uint64(0x9E3779B97F4A7C15)  # wraps modulo 2**64, as the algorithm wants
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
