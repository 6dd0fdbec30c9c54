"""The profile of a table of any size, the record it is kept as, and what has drifted since such a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from upkeep.core.columns import Columns, row_count
from upkeep.core.drift.compare import DriftReport, compare
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile
from upkeep.errors import InputError
from upkeep.ports import Advance, Json, LargeTable

FORMAT = 1
#: Rows that cells are fitted to: 256 per cell at 1024 cells, so a cell's mass is off by about 6 % of itself.
SAMPLE_ROWS = 1 << 18


def profile_table(
    table: LargeTable,
    *,
    grid: ReferenceGrid | None = None,
    columns: Sequence[str] | None = None,
    workers: int = 2,
    advance: Advance | None = None,
) -> Profile:
    """Count every row of a table.

    Parameters
    ----------
    grid : ReferenceGrid, optional
        Cells to count into. Without it a first pass fits them to a uniform sample of 262,144 rows, always the same of the
        same table; only where the cells lie depends on the sample, what is in them is counted over all rows.
    columns : sequence of str, optional
        These alone; without it, those of the grid or all that can be counted.
    workers : int
        Threads that count. The result is the same, to the bit.
    advance : callable, optional
        Told of rows that are done, in both passes.
    """
    if workers < 1:
        raise InputError(f"workers must be at least 1, got {workers}.")
    if grid is None:
        grid = fitted(table.sample(SAMPLE_ROWS, columns=columns, advance=advance))
    elif columns:
        grid = grid.only(columns)
    return table.profile(grid, workers=workers, advance=advance)


def fitted(sample: Columns) -> ReferenceGrid:
    """Cells for a sample; InputError for one without rows."""
    if not row_count(sample):
        raise InputError(
            "a table must have rows for cells to be fitted to them, but has none. Give a grid, or other files."
        )
    return ReferenceGrid.fit(sample)


def profile_record(profile: Profile) -> Json:
    """A profile with its grid, as finite JSON: all that a later comparison needs."""
    return {"format": FORMAT, "grid": profile.grid.to_json(), "profile": profile.to_json()}


def profile_from_record(record: Mapping[str, Any], where: str) -> Profile:
    """Inverse of `profile_record`; InputError naming `where` it lies for anything else."""
    if record.get("format") != FORMAT or not {"grid", "profile"} <= set(record):
        raise InputError(
            f"{where} must be a profile of format {FORMAT}, got format {record.get('format')!r} with "
            f"{sorted(record)}. Write it with upkeep profile --out."
        )
    return Profile.from_json(record["profile"], ReferenceGrid.from_json(record["grid"]))


def drift_since(reference: Profile, profile: Profile, *, alpha: float = 0.05) -> DriftReport:
    """What has drifted in the columns that were profiled; `alpha` bounds the chance of any false statement, of this one look."""
    for side, rows in (("reference", reference.rows), ("table", profile.rows)):
        if not rows:
            raise InputError(f"both sides of a comparison must have rows, but the {side} has none. Count one that has.")
    return compare(reference.only(profile.columns), profile, alpha=alpha)
