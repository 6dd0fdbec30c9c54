"""Small gates on the power ledger, for processes that race and processes that are killed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path

from upkeep.adapters.json_documents import JsonDocuments
from upkeep.core.gate.contract import Contract
from upkeep.core.gate.entry import Answer, Entry
from upkeep.ports import Json
from upkeep.stages.gate_ledger import GateLedger, Refusal

ROWS = {"since": "2024-01-15", "until": "2024-01-29"}
AGREED = Contract(condition="n - o > 0 +/- 0.04", first_condition="n > 0.5 +/- 0.03", reliability=0.95, steps=3)


class RecordLast(GateLedger):
    """The control: writes an evaluation when it is over, as one who counts verdicts does."""

    _opened: Entry | None = None

    def open(self, **question: object) -> Entry | Refusal:
        apart = GateLedger(_Unwritten(self._documents), self._model, self._dataset)
        opened = apart.open(**question)  # type: ignore[arg-type]
        self._opened = opened if isinstance(opened, Entry) else None
        return opened

    def close(self, evaluation_id: str, answer: Answer, result: Json) -> Json:
        one = self._opened
        assert one is not None
        super().open(
            evaluation_id=one.evaluation_id,
            version=one.version,
            champion=one.champion,
            contract=one.contract,
            since=one.rows.since,
            until=one.rows.until,
            test_set=one.test_set,
            as_of=one.as_of,
            prior=one.prior,
            method=one.method,
            needed=one.needed,
        )
        return super().close(evaluation_id, answer, result)


class _Unwritten:
    """Documents that take nothing down."""

    def __init__(self, documents: object) -> None:
        self._documents = documents

    def __getattr__(self, name: str) -> object:
        return getattr(self._documents, name)

    def create(self, _kind: str, _name: str, _record: Json) -> bool:
        return True


def documents(home: Path) -> JsonDocuments:
    return JsonDocuments(home / "records", home / "reports")


def judge(
    home: Path, evaluation_id: str, *, as_of: str = "2024-03-01", steps: int = 3, ledger: type[GateLedger] = GateLedger
) -> Json | None:
    """Open, measure, close, put. What was measured is taken for seen at once: `seen.txt` is what the world knows."""
    store = documents(home)
    book = ledger(store, "tips", "trips")
    agreed = replace(AGREED, steps=steps)
    entry = book.open(
        evaluation_id=evaluation_id,
        version=evaluation_id,
        champion="1",
        contract=agreed,
        test_set="0123456789abcdef",
        as_of=as_of,
        prior=book.account(agreed, **ROWS).prior,
        method="exact",
        needed=738,
        **ROWS,
    )
    if isinstance(entry, Refusal):
        return None
    result = book.result(entry)
    if result is None:
        answer: Answer = "pass" if _measured(entry) < 0.5 else "fail"
        result = {"evaluation_id": evaluation_id, "answer": answer, "measured": _measured(entry)}
        with (home / "seen.txt").open("a") as file:
            file.write(f"{evaluation_id} {result['measured']}\n")
            file.flush()
            os.fsync(file.fileno())
        result = book.close(evaluation_id, answer, result)
    store.put("verdicts", f"tips/{evaluation_id}", result)
    return result


def _measured(entry: Entry) -> float:
    """Labels that come in later would change it."""
    return int(hashlib.sha256(f"{entry.version} {entry.as_of}".encode()).hexdigest()[:8], 16) / 16**8


def seen(home: Path) -> dict[str, set[str]]:
    """What was measured by evaluation."""
    found: dict[str, set[str]] = {}
    lines = (home / "seen.txt").read_text().splitlines() if (home / "seen.txt").exists() else []
    for name, value in (line.split() for line in lines):
        found.setdefault(name, set()).add(value)
    return found


def race(home: Path, ids: Sequence[str], steps: int, start: Barrier) -> None:
    """What one of two processes does."""
    start.wait(timeout=60)
    for evaluation_id in ids:
        judge(home, evaluation_id, steps=steps)
