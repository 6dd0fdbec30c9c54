"""The process that forks: reads names of stages from standard input, answers each with one line of JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from tests.kills.controls import CONTROLS
from tests.kills.snapshots import everything
from tests.kills.stages import ROWS_BY_NAME, Row, backends
from tests.kills.survival import survives_kills


def answer(name: str, row: Row) -> dict[str, Any]:
    try:
        survival = survives_kills(
            lambda home: _done(row.prepare(backends(home))),
            lambda home: row.run(backends(home)),
            everything,
            row.kills,
        )
    except AssertionError as failure:
        return {"failure": f"{name}: {failure}"}
    return asdict(survival)


def _done(_: object) -> None:
    return None


def main() -> None:
    known = ROWS_BY_NAME | CONTROLS
    for line in sys.stdin:
        print(json.dumps(answer(line.strip(), known[line.strip()])), flush=True)


if __name__ == "__main__":
    main()
