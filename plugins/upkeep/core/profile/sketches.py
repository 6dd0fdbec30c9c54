"""Sketches of columns in bounded memory: what a person looks at, and the levels of a column of very many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from numpy.typing import NDArray

from upkeep.core.columns import Coded
from upkeep.core.profile.cells import CategoryCells, category_counts
from upkeep.core.profile.quantile_sketch import QuantileSketch
from upkeep.core.profile.sketch_records import packed, readable, unpacked
from upkeep.errors import InputError

_REGISTERS = 12  # 2**12 HyperLogLog registers, 4 kB: standard error 1.6 %
_COUNTERS = 12  # 3/4 of 2**12 counters: a level's count is off by at most 3.5 / 2**12 of the rows


@dataclass(frozen=True, slots=True, kw_only=True)
class DistinctCount:
    """How many levels a column has; two standard errors to either side: at least 95 of 100 intervals hold it."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCount:
    """Rows of a level; the true number is always in [low, high]."""

    level: str
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSketch:
    """Levels of a text or boolean column: how many there are, and the most frequent ones.

    Notes
    -----
    The same updates and merges in the same order give the same bytes, in any process. Another order stays within the
    stated errors, but does not give the same bytes: a sketch is looked at, and chooses cells before they are frozen.
    What decides is counted on the frozen grid.

    References
    ----------
    .. [1] Flajolet, Fusy, Gandouet & Meunier (2007). HyperLogLog. AofA.
    .. [2] Anderson et al. (2017). A high-performance algorithm for identifying frequent items in data streams. IMC.

    Examples
    --------
    >>> import numpy as np
    >>> sketch = LevelSketch.empty().update(np.array(["b", "a", None, "a"], dtype=object))
    >>> sketch.frequent()
    (LevelCount(level='a', low=2, high=2), LevelCount(level='b', low=1, high=1))
    >>> round(sketch.distinct().estimate), sketch.nulls
    (2, 1)
    """

    rows: int
    nulls: int
    distinct_state: bytes = field(repr=False)
    frequent_state: bytes = field(repr=False)

    @classmethod
    def empty(cls) -> LevelSketch:
        """The sketch of no rows."""
        from datasketches import frequent_strings_sketch, hll_sketch

        states = hll_sketch(_REGISTERS).serialize_compact(), frequent_strings_sketch(_COUNTERS).serialize()
        return cls(rows=0, nulls=0, distinct_state=states[0], frequent_state=states[1])

    def update(self, values: NDArray[Any] | Coded) -> LevelSketch:
        """The sketch with a batch of rows added: counted first, so that the work is per level and not per row."""
        distinct, frequent = self._open()
        held = category_counts(values)
        for level in sorted(held):  # one order, however the rows came
            distinct.update(level or "\0")  # the library leaves empty text out
            frequent.update(level, held[level])
        nulls = len(values) - sum(held.values())
        return _levels(self.rows + len(values), self.nulls + nulls, distinct, frequent)

    def merge(self, other: LevelSketch) -> LevelSketch:
        """The sketch of both parts' rows, within the errors stated."""
        from datasketches import hll_union, tgt_hll_type

        (mine, frequent), (theirs, added) = self._open(), other._open()
        union = hll_union(_REGISTERS)
        union.update(mine)
        union.update(theirs)
        frequent.merge(added)
        distinct = union.get_result(tgt_hll_type.HLL_8)
        return _levels(self.rows + other.rows, self.nulls + other.nulls, distinct, frequent)

    def distinct(self) -> DistinctCount:
        """Levels in the column, missing values left out."""
        found = self._open()[0]
        low, high = found.get_lower_bound(2), found.get_upper_bound(2)
        return DistinctCount(estimate=found.get_estimate(), low=low, high=high)

    def frequent(self) -> tuple[LevelCount, ...]:
        """Every level that may have more rows than the sketch's error, the most frequent first, then by the alphabet."""
        from datasketches import frequent_items_error_type

        found = self._open()[1].get_frequent_items(frequent_items_error_type.NO_FALSE_NEGATIVES)
        counts = [LevelCount(level=level, low=low, high=high) for level, _, low, high in found]
        return tuple(sorted(counts, key=lambda count: (-count.low, count.level)))

    def to_json(self) -> dict[str, Any]:
        """Builtins: counts, and the library's own bytes in base64 with their digest."""
        return packed("levels", self.rows, self.nulls, [self.distinct_state, self.frequent_state])

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> LevelSketch:
        """Inverse of `to_json`, to the bit; InputError for another format and for damaged bytes."""
        rows, nulls, (distinct, frequent) = unpacked("levels", record, 2)
        made = cls(rows=rows, nulls=nulls, distinct_state=distinct, frequent_state=frequent)
        readable(made._open)
        return made

    def _open(self) -> tuple[Any, Any]:
        from datasketches import frequent_strings_sketch, hll_sketch

        return hll_sketch.deserialize(self.distinct_state), frequent_strings_sketch.deserialize(self.frequent_state)


ColumnSketch: TypeAlias = LevelSketch | QuantileSketch


def sketch_column(values: NDArray[Any] | Coded) -> ColumnSketch:
    """The sketch of a column: quantiles of numbers, levels of text and booleans."""
    if isinstance(values, Coded) or values.dtype.kind in "OUb":
        return LevelSketch.empty().update(values)
    if values.dtype.kind in "iuf":
        return QuantileSketch.empty().update(values)
    raise InputError(
        f"a column that is sketched must hold numbers, text or booleans, got {values.dtype}. Leave it out."
    )


def heavy_levels(sketch: LevelSketch, top: int) -> CategoryCells:
    """Cells for the `top` most frequent levels of a column that is too large to count level by level.

    Notes
    -----
    The same stream in the same batches gives the same cells. Every level that has more rows than the sketch's error
    (`high - low` of `frequent`) is among the candidates; two levels whose intervals overlap may change places.
    As in `CategoryCells.fit`, the alphabet decides among equals.

    Examples
    --------
    >>> import numpy as np
    >>> heavy_levels(sketch_column(np.array(["b", "a", "c", "a"], dtype=object)), top=2).levels
    ('a', 'b')
    """
    if top < 1:
        raise InputError(f"a column must have at least 1 level with a cell of its own, got top={top}.")
    return CategoryCells.most_frequent({count.level: count.low for count in sketch.frequent()}, top)


def _levels(rows: int, nulls: int, distinct: Any, frequent: Any) -> LevelSketch:
    states = distinct.serialize_compact(), frequent.serialize()
    return LevelSketch(rows=rows, nulls=nulls, distinct_state=states[0], frequent_state=states[1])
