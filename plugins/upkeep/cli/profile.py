"""`upkeep profile`: a table of any size as counts, and what has drifted since an earlier profile."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upkeep.errors import GateClosed, InputError

if TYPE_CHECKING:
    from upkeep.core.profile.profile import Profile
    from upkeep.ports import Advance, LargeTable


def add_commands(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "profile",
        help="count a table that may be larger than memory, and compare it with an earlier one",
        description="Stream CSV or Parquet files and print what each column holds. With --against, say what has drifted; "
        "drift ends with exit code 3.",
        epilog="example: upkeep profile trips --out january.json",
    )
    parser.add_argument("source", help="file, folder or URL, below the inbox or a folder of UPKEEP_SOURCES")
    parser.add_argument("--grid", type=Path, metavar="FILE", help="use the cells of this profile")
    parser.add_argument("--against", type=Path, metavar="FILE", help="compare with this profile, and use its cells")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write cells and counts here, as JSON")
    parser.add_argument("--columns", nargs="+", metavar="NAME", help="these columns alone")
    parser.add_argument("--workers", type=int, default=2, help="threads that count (default 2); the result is the same")
    parser.set_defaults(run=profile)


def profile(chosen: argparse.Namespace) -> None:
    """Run the command."""
    from upkeep.adapters.atomic_files import write_atomically
    from upkeep.adapters.profile_source import large_table
    from upkeep.adapters.workspace import Workspace
    from upkeep.stages.profile import drift_since, profile_record, profile_table

    if chosen.out and (chosen.out.is_dir() or not chosen.out.parent.is_dir()):
        raise InputError(
            f"--out must name a file in a folder that exists, got {str(chosen.out)!r}. Make its folder first."
        )
    earlier = _read(chosen.against) if chosen.against else None
    cells = _read(chosen.grid) if chosen.grid else earlier
    table = large_table(Workspace.from_environment(), chosen.source)
    with _progress(table, passes=1 if cells else 2) as advance:
        made = profile_table(
            table, grid=cells.grid if cells else None, columns=chosen.columns, workers=chosen.workers, advance=advance
        )
    if chosen.out:
        write_atomically(chosen.out, json.dumps(profile_record(made), indent=1, allow_nan=False).encode())
    for line in described(made):
        print(line)
    if not cells and not chosen.columns:
        for name, kind in table.left_out.items():
            print(f"left out: {_short(name)}, as {kind} cannot be counted")
    if earlier:
        _say_drift(drift_since(earlier, made).findings)


def _read(path: Path) -> Profile:
    from upkeep.stages.profile import profile_from_record

    try:
        record = json.loads(path.read_bytes())
    except FileNotFoundError as err:
        raise InputError(f"{path} must be a profile, but does not exist. Write it with upkeep profile --out.") from err
    except (OSError, ValueError) as err:
        raise InputError(f"{path} must be a readable JSON file, but: {err}. Name another.") from err
    return profile_from_record(record if isinstance(record, dict) else {}, str(path))


@contextmanager
def _progress(table: LargeTable, passes: int) -> Iterator[Advance]:
    from tqdm import tqdm

    total = table.rows and table.rows * passes
    with tqdm(total=total, unit="row", unit_scale=True, desc="rows", leave=False, disable=None) as bar:

        def advance(rows: int) -> None:
            bar.update(rows)

        yield advance


def described(profile: Profile) -> list[str]:
    """One line per column: share without a value, least, mean and greatest number, or the most frequent levels."""
    header = ("column", "missing", "infinite", "least", "mean", "greatest")
    rows = [header, *(_described(profile, name) for name in profile.columns)]
    wide = [row for row in rows if len(row) == len(header)]  # levels are the last cell of their row, and of any width
    widths = [max(len(row[i]) for row in (rows if i < 2 else wide)) for i in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in rows]
    return [f"{profile.rows:,} rows, {len(profile.columns)} columns", *lines]


def _described(profile: Profile, name: str) -> tuple[str, ...]:
    from upkeep.core.profile.grid import CategoryCells, HourCells

    column, cells = profile.columns[name], profile.grid.cells[name]
    shown = _short(name)
    missing = f"{column.nulls / column.rows:.2%}" if column.rows else "-"
    if isinstance(cells, CategoryCells):
        return shown, missing, _levels(cells.levels, column.counts.tolist(), column.rows)
    if isinstance(cells, HourCells):
        return shown, missing, "", _moment(column.low), "", _moment(column.high)
    numbers = (_number(value) for value in (column.low, profile.mean(name), column.high))
    return shown, missing, f"{column.infinite:,}", *numbers


def _levels(levels: Sequence[str], counts: Sequence[int], rows: int) -> str:
    ranked = sorted(zip(counts, levels, strict=False), key=lambda pair: (-pair[0], pair[1]))[:3]
    shown = [f"{_short(level)} {held / rows:.1%}" for held, level in ranked if held]
    return ", ".join([*shown, *([f"others {counts[-1] / rows:.1%}"] if counts[-1] else [])])


def _short(level: str) -> str:
    text = level if level.isprintable() else ascii(level)
    return text if len(text) <= 24 else f"{text[:21]}..."


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"


def _moment(micros: float | None) -> str:
    import numpy as np

    return "-" if micros is None else str(np.datetime64(int(micros), "us").astype("datetime64[s]"))


def _say_drift(findings: Sequence[Any]) -> None:
    drifted = [finding for finding in findings if finding.drifted]
    for finding in drifted:
        print(finding.sentence if finding.sentence.isprintable() else ascii(finding.sentence))
    names = list(dict.fromkeys(_short(finding.column) for finding in drifted))
    columns = len({finding.column for finding in findings})
    if names:
        raise GateClosed(f"{len(names)} of {columns} columns have drifted: {', '.join(names)}.")
    print(f"none of {columns} columns has drifted by more than is tolerated.")
