"""`upkeep gate plan | status | decide`: labels that a promise needs, what test sets may still judge, a person's answer."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from upkeep.cli.gate_plan import add_plan
from upkeep.cli.results import add_json_option, tell

Json = dict[str, Any]
_WIDTH = 100


def add_commands(commands: Any) -> None:
    """Add them to the command that runs the gate."""
    parts = commands.choices["gate"].add_subparsers(title="beside running it", metavar="[plan | status | decide]")
    add_plan(parts)
    status_parser = parts.add_parser(
        "status",
        help="what each test set may still judge, and what to do next",
        description="Say of each span of rows that has judged a challenger how many steps are left, what is wrong with more, and "
        "what to do next. Answers that builders of models are not to know stay hidden.",
        epilog="example: upkeep gate status --life dags/config/taxi.yaml",
    )
    # Without a default of its own, so that `upkeep gate --life FILE status` keeps the file.
    status_parser.add_argument("--life", type=Path, default=argparse.SUPPRESS, help="the life's YAML file")
    add_json_option(status_parser)
    status_parser.set_defaults(run=status)
    _add_decide(parts)


def _add_decide(parts: Any) -> None:
    parser = parts.add_parser(
        "decide",
        help="answer where a gate of the mode investigate left the truth open",
        description="Open or shut the gate of one evaluation. The first answer counts; clear its task in Airflow to go on.",
        epilog="example: upkeep gate decide --evaluation weekly-7 --answer pass --by ann --why 'seen on a fresh sample'",
    )
    parser.add_argument("--life", type=Path, default=argparse.SUPPRESS, help="the life's YAML file")
    for name, told in (("evaluation", "its id, as the verdict says"), ("by", "who decides"), ("why", "in a sentence")):
        parser.add_argument(f"--{name}", required=True, metavar="TEXT", help=told)
    parser.add_argument("--answer", required=True, choices=("pass", "fail"))
    add_json_option(parser)
    parser.set_defaults(run=decide)


def decide(chosen: argparse.Namespace) -> None:
    """Run `upkeep gate decide`."""
    from upkeep.adapters.life_file import read_life
    from upkeep.lifecycle import Lifecycle

    record = Lifecycle(read_life(chosen.life)).decide_gate(
        evaluation_id=chosen.evaluation, answer=chosen.answer, by=chosen.by, why=chosen.why
    )
    tell(chosen.json, record, lambda: iter([record["sentence"]]))


def status(chosen: argparse.Namespace) -> None:
    """Run `upkeep gate status`."""
    from upkeep.adapters.life_file import read_life
    from upkeep.lifecycle import Lifecycle

    record = Lifecycle(read_life(chosen.life)).gate_status()
    tell(chosen.json, record, lambda: _described(record))


def _described(record: Json) -> Iterator[str]:
    if not record["test_sets"]:
        yield record["sentence"]
    for one in record["test_sets"]:
        alarm = f" [{one['alarm']}]" if one["alarm"] else ""
        yield f"{one['since']} to {one['until']}: {one['left']} of {one['steps']} steps left{alarm}"
        yield from textwrap.wrap(one["sentence"], _WIDTH, initial_indent="  ", subsequent_indent="  ")
        chance = f"{one['error']:.4g} for {one['contracts']} contract{'s' if one['contracts'] > 1 else ''}"
        yield f"  Chance of any wrong verdict on these rows: up to {chance}."
        for made in one["evaluations"]:
            yield f"  {made['evaluation_id']}: version {made['version']}, {made['answer']}, {made['condition']}"
