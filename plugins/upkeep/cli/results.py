"""Results of a command: lines for people, JSON for machines."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """``--json FILE``, and ``--json`` alone."""
    parser.add_argument(
        "--json",
        nargs="?",
        const="-",
        metavar="FILE",
        help="also write the result here; without FILE, print JSON alone",
    )


def tell(where: str | None, record: dict[str, Any], lines: Callable[[], Iterator[str]]) -> None:
    """Lines for people; JSON to a file besides, or in their place on standard output."""
    from upkeep.adapters.atomic_files import write_atomically

    text = json.dumps(record, indent=1, allow_nan=False) + "\n"
    if where == "-":
        print(text, end="")
        return
    if where:
        write_atomically(Path(where), text.encode())
    for line in lines():
        print(line)
