"""`upkeep generate-trips`: the demo's weeks, with incidents that can be switched on."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from upkeep.errors import InputError

INCIDENTS = ("new_year_week", "concept_week", "broken_meter_week")


def add_commands(commands: Any) -> None:
    """Add the generator to the parser."""
    parser = commands.add_parser(
        "generate-trips",
        help="make weeks of taxi trips, seeded, with incidents",
        description="Write one Parquet file of trips and one of late labels per week.",
        epilog="example: upkeep generate-trips --weeks 4 --concept-week 3 --to var/inbox",
    )
    parser.add_argument("--to", type=Path, help="folder for trips/ and feedback/ (default: the workspace's inbox)")
    parser.add_argument("--first", type=int, default=0, help="number of the first week (default 0)")
    parser.add_argument("--weeks", type=int, default=1, help="how many weeks (default 1)")
    parser.add_argument("--rows", type=int, default=20_000, help="trips a week (default 20000)")
    parser.add_argument("--start", default="2025-11-03", help="Monday of week 0 (default 2025-11-03)")
    parser.add_argument("--seed", type=int, default=7, help="same seed, same trips (default 7)")
    for incident in INCIDENTS:
        parser.add_argument(
            f"--{incident.replace('_', '-')}", type=int, metavar="WEEK", help=f"{_words(incident)} in this week"
        )
    parser.add_argument(
        "--late-borough", metavar="NAME", default="Queens", help="its labels come late ... (default Queens)"
    )
    parser.add_argument("--late-borough-week", type=int, metavar="WEEK", help="... from this week on")
    parser.add_argument("--no-season", dest="season", action="store_false", help="every hour and week like any other")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write here what was made")
    parser.set_defaults(run=generate)


def _words(incident: str) -> str:
    return incident.removesuffix("_week").replace("_", " ")


def generate(chosen: argparse.Namespace) -> None:
    """Write the weeks; each file appears whole."""
    from tqdm import tqdm

    from upkeep.adapters.atomic_files import write_atomically
    from upkeep.adapters.trip_files import write_week
    from upkeep.adapters.workspace import Workspace
    from upkeep.core.simulation.incidents import Incidents

    if chosen.weeks < 1:
        raise InputError(f"weeks must be at least 1, got {chosen.weeks}.")
    names = (*INCIDENTS, "late_borough", "late_borough_week", "season")
    incidents = Incidents(**{name: getattr(chosen, name) for name in names})
    inbox = chosen.to or Workspace.from_environment().inbox
    weeks = range(chosen.first, chosen.first + chosen.weeks)
    for week in tqdm(weeks, desc="weeks", disable=len(weeks) < 3):
        write_week(inbox, week, start=chosen.start, rows=chosen.rows, seed=chosen.seed, incidents=incidents)
    made = {"weeks": list(weeks), "rows": chosen.rows, "seed": chosen.seed, "start": chosen.start}
    if chosen.json:
        write_atomically(chosen.json, (json.dumps(made, indent=1) + "\n").encode())
    print(f"{len(weeks)} weeks of {chosen.rows} trips in {inbox}")
