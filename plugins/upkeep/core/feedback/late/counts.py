"""Rows of every pair of items at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Columns are counted in groups of at most this many codes: a table of two groups then stays in a core's own cache.
_GROUP = 128
_CHUNK = 1 << 15
#: Up to so many rows it is cheaper to add one after the other, and up to so many to list all pairs of all rows.
_FEW, _SOME = 16, 2048
#: Pairs that are listed or tabled at once. Of so many columns, up to so many rows are multiplied as ones and zeros.
_LISTED, _WIDE, _DENSE = 1 << 22, 100, 6_000
#: Rows and items of such a product; float32 counts whole numbers exactly up to 16,777,216.
_ROWS, _ITEMS = 1024, 512


def pair_counts(
    codes: NDArray[np.uint8], sizes: NDArray[np.intp], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Rows that have both of two items, for all pairs of items.

    Parameters
    ----------
    codes : ndarray of uint8, shape (d, n)
        Column j holds codes below ``sizes[j]``.
    sizes : ndarray of int, shape (d,)
    weights : ndarray, shape (n,), optional
        What each row counts; 1 by default.

    Returns
    -------
    ndarray of float64, shape (k, k), k = sum of sizes
        Symmetric; items are counted through column by column, and rows per item stand on the diagonal. Without weights
        the counts are whole and exact.

    Notes
    -----
    Of more rows than a few thousand, columns are packed into groups whose joint codes number at most 128, and the joint
    counts of two groups are taken in one pass: for 50 columns of ten cells 300 passes instead of 1,225. What is asked for
    are sums over these tables. Of fewer rows with many columns the product of the one-hot matrix and itself is taken,
    block by block. Beside the result and the codes that takes at most a byte per code and 150 MB, however many columns
    there are.

    Examples
    --------
    >>> pair_counts(np.array([[0, 1, 1], [0, 0, 1]], dtype=np.uint8), np.array([2, 2]))
    array([[1., 0., 1., 0.],
           [0., 2., 1., 1.],
           [1., 1., 2., 0.],
           [0., 1., 0., 1.]])
    """
    out = np.zeros((int(sizes.sum()),) * 2)
    add_pairs(out, codes, sizes, weights)
    return out


def add_pairs(
    out: NDArray[np.float64],
    codes: NDArray[np.uint8],
    sizes: NDArray[np.intp],
    weights: NDArray[np.float64] | None = None,
) -> None:
    """Add what `pair_counts` says of these rows to `out`, in place; rows of negative weight leave."""
    if not len(sizes):
        return
    rows, pairs = codes.shape[1], len(sizes) * (len(sizes) + 1) // 2
    if rows <= _FEW or (rows <= _SOME and max(rows * pairs, out.size) <= _LISTED):
        _add_few(out, codes + (np.cumsum(sizes) - sizes)[:, None], weights)
    elif rows <= _DENSE and len(sizes) >= _WIDE:
        _add_products(out, codes, sizes, weights)
    else:
        _add_groups(out, codes, sizes, weights)


def _add_groups(
    out: NDArray[np.float64], codes: NDArray[np.uint8], sizes: NDArray[np.intp], weights: NDArray[np.float64] | None
) -> None:
    """A group's tables with all later ones at a time, so that these do not add up to more than the result."""
    groups = _groups(sizes)
    many = [int(np.prod(sizes[group])) for group in groups]
    joint = [_joint(codes, sizes, group) for group in groups]
    chunks = [slice(start, start + _CHUNK) for start in range(0, codes.shape[1], _CHUNK)]
    for a, group in enumerate(groups):
        tables = {b: np.zeros(many[a] * many[b]) for b in range(a + 1, len(groups))}
        for chunk in chunks:
            ahead = joint[a][chunk].astype(np.uint16)
            heavy = None if weights is None else weights[chunk]
            for b, table in tables.items():
                table += np.bincount(ahead * np.uint16(many[b]) + joint[b][chunk], heavy, minlength=len(table))
        for b, table in tables.items():
            inside = groups[a : b + (b == len(groups) - 1)] if b == a + 1 else []  # each group's own pairs once
            _spread(out, table, (group, groups[b]), inside, sizes)


def _add_products(
    out: NDArray[np.float64], codes: NDArray[np.uint8], sizes: NDArray[np.intp], weights: NDArray[np.float64] | None
) -> None:
    items, first = len(out), np.cumsum(sizes) - sizes
    for start in range(0, codes.shape[1], _ROWS):
        part = codes[:, start : start + _ROWS] + first[:, None]
        hot = np.zeros((items, part.shape[1]), dtype=np.float32 if weights is None else np.float64)
        hot[part, np.arange(part.shape[1])] = 1
        for low in range(0, items, _ITEMS):
            high = low + _ITEMS
            heavy = hot[low:high] if weights is None else hot[low:high] * weights[start : start + _ROWS]
            block = heavy @ hot[low:].T
            out[low:high, low:] += block
            out[high:, low:high] += block[:, _ITEMS:].T


def _add_few(out: NDArray[np.float64], items: NDArray[np.intp], weights: NDArray[np.float64] | None) -> None:
    rows = items.shape[1]
    if rows <= _FEW:
        for row, weight in zip(items.T, np.ones(rows) if weights is None else weights, strict=True):
            out[np.ix_(row, row)] += weight
        return
    a, b = np.triu_indices(len(items))
    pairs = items[a] * len(out) + items[b]
    heavy = None if weights is None else np.broadcast_to(weights, pairs.shape).ravel()
    upper = np.bincount(pairs.ravel(), heavy, minlength=out.size).reshape(out.shape)
    out += upper
    out += np.triu(upper, 1).T


def _groups(sizes: NDArray[np.intp]) -> list[list[int]]:
    """First fit, largest columns first."""
    groups: list[list[int]] = []
    held: list[int] = []
    for column in np.argsort(-sizes, kind="stable").tolist():
        size = int(sizes[column])
        place = next((i for i, many in enumerate(held) if many * size <= _GROUP), None)
        if place is None:
            groups.append([column])
            held.append(size)
        else:
            groups[place].append(column)
            held[place] *= size
    return groups if len(groups) > 1 else [groups[0][:1], groups[0][1:]]  # one may be empty: a single code


def _joint(codes: NDArray[np.uint8], sizes: NDArray[np.intp], group: list[int]) -> NDArray[np.uint8]:
    """A byte is enough: a group has at most 128 joint codes, or one column."""
    joint = np.zeros(codes.shape[1], dtype=np.uint8)
    for column in group:
        joint *= np.uint8(sizes[column])
        joint += codes[column]
    return joint


def _spread(
    out: NDArray[np.float64],
    table: NDArray[np.float64],
    across: tuple[list[int], list[int]],
    within: list[list[int]],
    sizes: NDArray[np.intp],
) -> None:
    """Add the pairs of columns across two groups, and those within the groups named, at their places."""
    columns = across[0] + across[1]
    cube = table.reshape([int(sizes[column]) for column in columns])
    first = np.cumsum(sizes) - sizes
    pairs = [(a, b) for a in across[0] for b in across[1]]
    pairs += [(a, b) for group in within for i, a in enumerate(group) for b in group[i:]]
    for a, b in pairs:
        i, j = columns.index(a), columns.index(b)
        pair = cube.sum(axis=tuple(axis for axis in range(len(columns)) if axis not in (i, j)))
        block = np.diag(pair) if i == j else (pair if i < j else pair.T)
        rows, cols = slice(first[a], first[a] + sizes[a]), slice(first[b], first[b] + sizes[b])
        out[rows, cols] += block
        if a != b:
            out[cols, rows] += block.T
