"""The power ledger of one model on one dataset, as documents that are made once and never changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from upkeep.core.gate.condition import parse
from upkeep.core.gate.contract import Contract
from upkeep.core.gate.entry import Answer, Entry, Span
from upkeep.core.gate.ledger import Account, account, retired
from upkeep.errors import InputError
from upkeep.ports import Documents, Json

_KIND = "ledger"
_ANSWER, _DECISION = ".answer", ".decision"
_ROUNDING = 1e-9  # of sums of logarithms


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an evaluation was not opened. `again`: builders have learned more since the labels were counted, count anew."""

    sentence: str
    again: bool = False


class GateLedger:
    """Open an evaluation, look at its labels, close it, tell: in this order, whatever is killed, nothing told is forgotten.

    Entry n is the document ``ledger/<model>/<dataset>/<00000n>``, made exclusively: of two gates that read n - 1 entries, one
    gets the number, and the other reads again and asks whether there is still a step for it. The answer is a second
    document beside it, ``<00000n>.answer``, also made once, and so is what a person made of it, ``<00000n>.decision``: an
    entry stays as it was written before labels were looked at, and records of kind ``gates``, which a question without
    enough labels overwrites, decide nothing about the budget.
    """

    def __init__(self, documents: Documents, model: str, dataset: str) -> None:
        self._documents = documents
        self._model = model
        self._dataset = dataset

    def entries(self) -> tuple[Entry, ...]:
        """All evaluations, oldest first; those stored before there was a ledger have positions up to 0."""
        prefix = f"{self._model}/{self._dataset}/"
        names = {name.removeprefix(prefix) for name in self._documents.names(_KIND, prefix)}
        last = max((int(name) for name in names if re.fullmatch(r"\d+", name)), default=0)
        made = [self._entry(n, names) for n in range(1, last + 1)]
        return (*self._before({entry.evaluation_id for entry in made}), *made)

    def find(self, evaluation_id: str, version: str) -> Entry | None:
        """The evaluation of this id.

        Raises
        ------
        InputError
            If it is about another version.
        """
        return _found(self.entries(), evaluation_id, version)

    def account(self, contract: Contract, since: str, until: str) -> Account:
        """What the contract has left on the rows in [since, until)."""
        return account(self.entries(), contract, self._rows(since, until))

    def retired(self, entry: Entry) -> bool:
        """Whether the rows of an evaluation may judge nobody under its contract any more, so that estimates may be told."""
        return retired(self.entries(), entry)

    def open(
        self,
        *,
        evaluation_id: str,
        version: str,
        champion: str | None,
        contract: Contract,
        since: str,
        until: str,
        test_set: str,
        as_of: str,
        prior: float,
        method: str,
        needed: int,
    ) -> Entry | Refusal:
        """Spend a step, before any label is looked at. The same `evaluation_id` gives the entry that it has, and spends nothing.

        Parameters
        ----------
        prior : float
            `Account.prior` that `needed` was found with. If builders have learned more since, the answer is a refusal to
            count again.

        Returns
        -------
        Entry or Refusal
            Judge by the entry, not by the arguments: a repetition has the rows, `as_of`, contract and size of the first time.

        Raises
        ------
        InputError
            If the id is about another version, or no moment lies in [since, until).
        """
        rows = self._rows(since, until)
        if rows.empty:
            raise InputError(f"a test set must have rows, but none are {rows}. Hold out newer rows.")
        while True:
            known = self.entries()
            if found := _found(known, evaluation_id, version):
                return found
            left = account(known, contract, rows)
            if left.closed:
                return Refusal(sentence=left.refusal)
            if left.prior > prior + _ROUNDING:
                return Refusal(sentence=f"builders have learned more about {rows} meanwhile; repeat", again=True)
            entry = Entry(
                position=max((one.position for one in known), default=0) + 1,
                evaluation_id=evaluation_id,
                version=version,
                champion=champion,
                contract=contract,
                prior=prior,
                method=method,
                needed=needed,
                rows=rows,
                test_set=test_set,
                as_of=as_of,
            )
            if self._documents.create(_KIND, self._name(entry.position), _record(entry)):
                return entry

    def close(self, evaluation_id: str, answer: Answer, result: Json) -> Json:
        """Store an answer, with everything that is to be known of it, before anybody is told.

        Returns
        -------
        dict
            The stored result: of two that close the same evaluation, both get that of the first.

        Raises
        ------
        InputError
            If the evaluation was not opened.
        """
        entry = self._written(evaluation_id)
        name = self._name(entry.position) + _ANSWER
        self._documents.create(_KIND, name, {"answer": answer, "told": entry.told, "result": result})
        stored = self._documents.get(_KIND, name)
        return result if stored is None else dict(stored["result"])

    def decide(self, evaluation_id: str, decision: Json) -> None:
        """Store what a person made of "investigate", its `answer`, "pass" or "fail"; of two, the first stays.

        Raises
        ------
        InputError
            If its answer is another, or it was not opened.
        """
        entry = self._written(evaluation_id)
        if entry.answer != "investigate":
            raise InputError(f"evaluation {evaluation_id!r} must have the answer investigate, but has {entry.answer}.")
        self._documents.create(_KIND, self._name(entry.position) + _DECISION, decision)

    def result(self, entry: Entry) -> Json | None:
        """What the evaluation was closed with, None while it is open."""
        stored = self._documents.get(_KIND, self._name(entry.position) + _ANSWER) if entry.position > 0 else None
        return dict(stored["result"]) if stored else None

    def _written(self, evaluation_id: str) -> Entry:
        entry = next((one for one in self.entries() if one.evaluation_id == evaluation_id and one.position > 0), None)
        if entry is None:
            raise InputError(
                f"evaluation {evaluation_id!r} must be opened before labels are looked at, but is not in the ledger of "
                f"{self._model} on {self._dataset}. Open it first."
            )
        return entry

    def _rows(self, since: str, until: str) -> Span:
        return Span(dataset=self._dataset, since=since, until=until)

    def _name(self, position: int) -> str:
        return f"{self._model}/{self._dataset}/{position:06}"

    def _entry(self, position: int, names: set[str]) -> Entry:
        name = self._name(position)
        record = self._documents.get(_KIND, name)
        answer, decision = (
            self._documents.get(_KIND, name + part) if f"{position:06}{part}" in names else None
            for part in (_ANSWER, _DECISION)
        )
        if record is None:
            raise InputError(
                f"the ledger of {self._model} on {self._dataset} must have no gaps, but number {position} is missing. Restore "
                "it from a backup: without it, labels may judge more models than was promised."
            )
        return _restored(record, answer["answer"] if answer else "open", decision["answer"] if decision else "")

    def _before(self, in_ledger: set[str]) -> list[Entry]:
        """Evaluations that measured something and were stored under ``gates`` alone, as Upkeep did before it kept a ledger."""
        found = {name: self._documents.get("gates", name) for name in self._documents.names("gates", f"{self._model}/")}
        old = [
            {"evaluation_id": name} | record
            for name, record in found.items()
            if record and record.get("n") is not None and record.get("dataset") == self._dataset
        ]
        old = sorted((one for one in old if one["evaluation_id"] not in in_ledger), key=lambda one: str(one["as_of"]))
        return [_old_entry(record, position) for position, record in enumerate(old, start=1 - len(old))]


def _found(entries: tuple[Entry, ...], evaluation_id: str, version: str) -> Entry | None:
    found = next((entry for entry in entries if entry.evaluation_id == evaluation_id), None)
    if found and found.version != version:
        raise InputError(
            f"evaluation {evaluation_id!r} must be about version {version}, but judged version {found.version}. "
            "Use a new evaluation_id."
        )
    return found


def _record(entry: Entry) -> Json:
    record = asdict(entry)
    del record["answer"], record["decided"]
    return record | {"digest": entry.contract.digest}


def _restored(record: Json, answer: str, decided: str) -> Entry:
    own = {"contract": Contract(**record["contract"]), "rows": Span(**record["rows"])}
    nested = own | {"answer": answer, "decided": decided}
    return Entry(**{name: value for name, value in record.items() if name != "digest"} | nested)


def _old_entry(record: Mapping[str, object], position: int) -> Entry:
    """Steps and adaptivity were not stored: of another contract, builders are taken to have seen the answer."""
    condition = str(parse(str(record["condition"])))
    return Entry(
        position=position,
        evaluation_id=str(record["evaluation_id"]),
        version=str(record["version"]),
        champion=None if record["champion"] is None else str(record["champion"]),
        contract=Contract(
            condition=condition,
            first_condition=condition,
            reliability=float(str(record["reliability"])),
            adaptivity="full",
            mode="fn-free" if record["mode"] == "fn-free" else "fp-free",
        ),
        rows=Span(dataset=str(record["dataset"]), since=str(record["since"]), until=str(record["until"])),
        test_set=str(record["test_set"]),
        as_of=str(record["as_of"]),
        answer="pass" if record["passed"] else "fail",
    )
