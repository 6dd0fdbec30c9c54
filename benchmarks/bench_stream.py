"""Memory and cost of counting 100,000,000 x 10 rows of Parquet, streamed through a profile.

    python benchmarks/bench_stream.py [--quick] [--rows N] [--markdown FILE]

Files of 1,000,000 x 10 rows, all different, are written to a temporary folder once: 25 of them, or 5 with `--quick`. A table
of 100 million rows is a list that names each of them four times, and every time it is opened, read and decoded anew. Counting is
done in a process of its own, whose peak memory is Linux's own figure. `--quick` streams 10 million rows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from report import Report
from upkeep.adapters.profile_files import LargeFiles
from upkeep.adapters.profile_parquet import LargeParquet
from upkeep.adapters.profile_source import files_of
from upkeep.adapters.workspace import Workspace
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile
from upkeep.stages.profile import SAMPLE_ROWS

FILE_ROWS = 1_000_000
LIMIT_MB, LIMIT_RATIO = 600, 1.2
ROUNDS = 7  # of the table of a million rows, whose cost is over too soon to be timed once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="10 million rows instead of 100")
    parser.add_argument("--rows", type=int, help="a number of rows of your own, in millions of them")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    rows = given.rows or (10_000_000 if given.quick else 100_000_000)
    if given.measure:
        print(json.dumps(measure(given.measure, rows)))
        return
    with tempfile.TemporaryDirectory() as folder:
        size = write(Path(folder), min(rows // FILE_ROWS, 5 if given.quick else 25))
        command = [sys.executable, __file__, "--measure", folder, "--rows", str(rows)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    show(json.loads(done.stdout), size, given.markdown)


def write(folder: Path, files: int) -> int:
    """Write the files; bytes of all of them."""
    for number in tqdm(range(files), desc="writing", unit="file", leave=False):
        rng = np.random.default_rng(number)
        pq.write_table(drawn(rng, FILE_ROWS), folder / f"{number:03}.parquet", row_group_size=250_000)
    return sum(path.stat().st_size for path in folder.iterdir())


def drawn(rng: np.random.Generator, rows: int) -> pa.Table:
    """Six number columns, one of them with gaps, two of text, a boolean and a time."""
    few = np.array([f"district {i}" for i in range(20)])
    many = np.array([f"customer {i:06}" for i in range(100_000)])
    return pa.table(
        {
            "normal": rng.normal(size=rows),
            "lognormal": rng.lognormal(size=rows),
            "gaps": pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.05),
            "float32": rng.random(rows, dtype=np.float32),
            "count": rng.poisson(3, rows),
            "whole": rng.integers(0, 10**9, rows),
            "district": pa.array(few[np.minimum(rng.geometric(0.15, rows) - 1, 19)]),
            "customer": pa.array(many[(rng.random(rows) ** 3 * 100_000).astype(int)]),
            "flag": rng.random(rows) < 0.3,
            "at": np.datetime64("2026-01-01", "us") + rng.integers(0, 10**12, rows).astype("m8[us]"),
        }
    )


def measure(folder: Path, rows: int) -> dict[str, Any]:
    """In a process of its own: fit cells, count a million rows several times, then all rows."""
    base = peak_mb()
    small, large = table(folder, FILE_ROWS), table(folder, rows)
    with tqdm(total=2 * rows, desc="rows", unit="row", unit_scale=True, leave=False) as bar:
        grid, fitting = timed(lambda: ReferenceGrid.fit(large.sample(SAMPLE_ROWS, advance=bar.update)))
        fitted = peak_mb()
        small.profile(grid)  # what is done once per process is not a cost per row
        once = [timed(lambda: small.profile(grid))[1] for _ in range(ROUNDS)]
        profile, counting = timed(lambda: large.profile(grid, advance=bar.update))
    check(profile, folder, rows)
    return {
        "rows": rows,
        "base_rss_mb": base,
        "fit_peak_rss_mb": fitted,
        "peak_rss_mb": peak_mb(),
        "fit_cpu_ns_per_row": fitting[0] / rows * 1e9,
        "cpu_ns_per_row_1e6": statistics.median(cpu for cpu, _ in once) / FILE_ROWS * 1e9,
        "cpu_ns_per_row": counting[0] / rows * 1e9,
        "rows_per_s": rows / counting[1],
        "wall_s": counting[1],
    }


def table(folder: Path, rows: int) -> LargeFiles:
    """The files again and again until there are enough rows."""
    found = files_of(Workspace(folder, trusted=(str(folder),)), str(folder))
    wanted = rows // FILE_ROWS
    return LargeParquet([found[i % len(found)] for i in range(wanted)])


def check(profile: Profile, folder: Path, rows: int) -> None:
    """A count that comes from elsewhere: rows with a value, by the files' own footers."""
    footers = [pq.read_metadata(path) for path in sorted(folder.glob("*.parquet"))]
    gaps = [sum(f.row_group(g).column(2).statistics.null_count for g in range(f.num_row_groups)) for f in footers]
    files = rows // FILE_ROWS
    assert profile.rows == rows
    assert profile.columns["gaps"].nulls == sum(gaps[i % len(gaps)] for i in range(files))


def timed(work: Callable[[], Any]) -> tuple[Any, tuple[float, float]]:
    cpu, wall = time.process_time(), time.perf_counter()
    made = work()
    return made, (time.process_time() - cpu, time.perf_counter() - wall)


def peak_mb() -> float:
    """Peak resident memory of this program: `ru_maxrss` would count that of the one which started it, before it was replaced."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:"))) / 1024


def show(found: dict[str, Any], size: int, markdown: Path | None) -> None:
    report = Report(f"{found['rows']:,} x 10 rows streamed from Parquet")
    ratio = found["cpu_ns_per_row"] / found["cpu_ns_per_row_1e6"]
    report.paragraph(f"{size / 1e6:,.0f} MB of files, opened and decoded anew whenever the table names them.")
    report.table(
        "Memory and cost",
        ("", "measured", "goal"),
        (
            ("peak memory of the process, MB", f"{found['peak_rss_mb']:.0f}", f"{LIMIT_MB} or less"),
            ("of which before any row was read, MB", f"{found['base_rss_mb']:.0f}", ""),
            ("CPU per row at 1,000,000 rows, ns", f"{found['cpu_ns_per_row_1e6']:.0f}", ""),
            (f"CPU per row at {found['rows']:,} rows, ns", f"{found['cpu_ns_per_row']:.0f}", ""),
            ("ratio of the two", f"{ratio:.2f}", f"{LIMIT_RATIO} or less"),
            ("CPU per row to fit cells to a sample, ns", f"{found['fit_cpu_ns_per_row']:.0f}", ""),
            ("rows a second, wall clock", f"{found['rows_per_s']:,.0f}", ""),
        ),
    )
    figures = {name: round(value, 1) for name, value in found.items()}
    exponent = f"{found['rows']:.0e}".replace("+0", "")
    met = found["peak_rss_mb"] <= LIMIT_MB and ratio <= LIMIT_RATIO
    report.finish({f"cost_ratio_{exponent}_to_1e6": round(ratio, 3), "met": met} | figures, markdown)


if __name__ == "__main__":
    main()
