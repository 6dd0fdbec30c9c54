"""One 64-bit hash per id: where a row is found again, and the uniform number that it is sampled by."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from upkeep.core.identity import splitmix64
from upkeep.errors import InputError

Keys = NDArray[np.uint64]

_GOLDEN = 0x9E3779B97F4A7C15
_WORD = 8  # bytes that are folded in at a time
_TOGETHER = 1 << 16  # Python texts that are laid out as an array at a time: one long id widens all beside it


def id_keys(ids: NDArray[Any], *, seed: int = 0) -> Keys:
    """Hash ids; the key over 2**64 is uniform in [0, 1).

    Parameters
    ----------
    ids : ndarray, shape (n,)
        Whole numbers, or texts as numpy's own (kinds U, S and T) or as Python objects. A text has one key in all of them.
    seed : int
        Of two seeds, the keys have nothing to do with each other.

    Returns
    -------
    ndarray of uint64, shape (n,)

    Raises
    ------
    InputError
        If an id is missing, or neither a whole number nor a text.

    Notes
    -----
    splitmix64's finalizer [1]_ maps 64 bits one to one, so two whole numbers never share a key, nor do two texts of up to 8
    bytes of UTF-8. Longer texts are folded in 8 bytes at a time; among n of them any two collide with a chance of about
    ``n**2 / 2**65``: 3e-4 at 10**8.

    References
    ----------
    .. [1] Steele, Lea & Flood (2014). Fast splittable pseudorandom number generators. OOPSLA.

    Examples
    --------
    >>> texts = np.array(["trip-1", "trip-2"])
    >>> bool((id_keys(texts) == id_keys(texts.astype("S"))).all()), bool(id_keys(texts)[0] == id_keys(texts)[1])
    (True, False)
    """
    if ids.ndim != 1:
        raise InputError(f"ids must have shape (n,), got {ids.shape}. Pass one column.")
    start = splitmix64(np.array([seed % 2**64], dtype=np.uint64))
    if ids.dtype.kind in "iu":
        return splitmix64(ids.astype(np.int64 if ids.dtype.kind == "i" else np.uint64).view(np.uint64) ^ start)
    if ids.dtype.kind in "OT":
        parts = [_spelled(ids[at : at + _TOGETHER]) for at in range(0, len(ids), _TOGETHER)]
        return np.concatenate([_folded(part, start) for part in parts]) if parts else np.empty(0, dtype=np.uint64)
    if ids.dtype.kind in "US":
        return _folded(ids, start)
    raise InputError(f"ids must be whole numbers or texts, got {ids.dtype}. Cast them to int64, or to text.")


def _spelled(ids: NDArray[Any]) -> NDArray[np.str_]:
    texts = ids.tolist()
    if not set(map(type, texts)) <= {str}:
        wrong = next(at for at, text in enumerate(texts) if type(text) is not str)
        raise InputError(f"ids of an object column must be texts without gaps, got {texts[wrong]!r} in row {wrong}.")
    return np.array(texts, dtype=np.str_)


def _folded(texts: NDArray[Any], start: Keys) -> Keys:
    words = _words(texts)
    keys = np.repeat(start, len(texts))
    for place in range(words.shape[1]):
        word = words[:, place]
        turned = splitmix64((keys + np.uint64(place * _GOLDEN % 2**64)) ^ word)
        # what an array pads its shorter texts with is no part of them; the first word makes the key of an empty text too
        keys = np.where(word != 0, turned, keys) if place else turned
    return keys


def _words(texts: NDArray[Any]) -> Keys:
    """UTF-8 padded with zeros, as numbers, shape (n, at least 1)."""
    if texts.dtype.kind == "U":
        width = texts.dtype.itemsize // 4
        code = np.ascontiguousarray(texts).view(np.uint32).reshape(len(texts), width)
        if code.size and int(code.max()) >= 128:
            return _words(np.strings.encode(texts, "utf-8"))
        few: NDArray[Any] = code.astype(np.uint8)
    else:
        width = texts.dtype.itemsize
        few = np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), width)
    padded = np.zeros((len(texts), max(1, -(-width // _WORD)) * _WORD), dtype=np.uint8)
    padded[:, :width] = few
    return padded.view("<u8").astype(np.uint64, copy=False)
