"""The command line: every stage without Airflow, profiles of large tables, backtests, the trip generator and the demo."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from upkeep import __version__
from upkeep.cli import backtest, demo, gate, profile, stages, trips
from upkeep.errors import BackendError, GateClosed, InputError, UpkeepError

EXIT_CODES: dict[type[UpkeepError], int] = {InputError: 2, GateClosed: 3, BackendError: 4}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors are one line on stderr, and the exit code says of which kind."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        chosen.run(chosen)
    except UpkeepError as err:
        print(f"{type(err).__name__}: {err}", file=sys.stderr)
        return EXIT_CODES.get(type(err), 1)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="upkeep",
        description="Keeps machine-learning models healthy in production.",
        epilog="exit codes: 0 done, 2 unusable input, 3 the gate or the validation said no, 4 a backend failed",
    )
    parser.add_argument("--version", action="version", version=f"upkeep {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for group in (stages, gate, profile, backtest, trips, demo):  # gate adds to the stage of its name
        group.add_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
