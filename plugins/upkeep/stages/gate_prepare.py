"""What there is to judge a challenger by: the question, its account, the rows, and whether their labels suffice."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from upkeep.core.gate.contract import Contract
from upkeep.core.gate.entry import Entry
from upkeep.core.gate.ledger import Account
from upkeep.ports import Datasets, Documents, Json, Tracker
from upkeep.stages.gate_ledger import GateLedger, Refusal
from upkeep.stages.gate_look import Look, look, nothing_to_see
from upkeep.stages.gate_policy import ANYTIME, GatePolicy
from upkeep.stages.gate_rows import Judged, Question, ask, read_rows, sliced
from upkeep.stages.gate_sample import WHOLE, Ask, asks, remember, without_others
from upkeep.stages.record_names import record_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The stage's ports, and which evaluation it is about."""

    datasets: Datasets
    tracker: Tracker
    documents: Documents
    policy: GatePolicy
    model: str
    challenger: str
    evaluation_id: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """Everything but a look at the values of labels.

    Attributes
    ----------
    question, contract, as_of, ledger
    account : Account
        Of the contract on the question's rows.
    prior : float
        ln of the histories that builders had seen on these rows when the evaluation was opened, or now.
    entry : Entry or None
        The evaluation's own, where an earlier attempt has opened it.
    done : dict or None
        What an earlier attempt has closed it with.
    judged, look : Judged or None, Look or None
        None where no row may judge, or where it is done.
    """

    question: Question
    contract: Contract
    as_of: str
    ledger: GateLedger
    account: Account
    prior: float
    entry: Entry | None = None
    done: Json | None = None
    judged: Judged | None = None
    look: Look | None = None

    @property
    def refusal(self) -> str:
        """Why there can be no verdict yet; empty where there can."""
        return self.look.shortage if self.look else self.account.refusal


def prepare(about: Evaluation, *, as_of: str) -> Prepared:
    """Find the rows that may judge, and count their labels. An evaluation that was opened before keeps its rows.

    Where the holdout as a whole has judged as many challengers as was agreed, its newer part judges alone.
    """
    policy, question = about.policy, ask(about.tracker, about.policy, model=about.model, challenger=about.challenger)
    ledger = GateLedger(about.documents, about.model, question.dataset)
    entry = ledger.find(about.evaluation_id, about.challenger)
    if entry is not None:
        found = _again(ledger, question, entry, policy, as_of)
    else:
        account = ledger.account(policy.contract, question.since, question.until)
        if account.open_since not in (question.since, question.until):
            question = replace(question, since=account.open_since)
            account = ledger.account(policy.contract, question.since, question.until)
        found = Prepared(
            question=question,
            contract=policy.contract,
            as_of=as_of,
            ledger=ledger,
            account=account,
            prior=account.prior,
        )
    if found.done is not None or (entry is None and found.account.closed):
        return found
    return _with_rows(about, found)


def open_entry(about: Evaluation, found: Prepared, seen: Look) -> Entry | Refusal:
    """Spend a step of the ledger on what was prepared; again if another attempt opened it with other rows."""
    question = found.question
    entry = found.ledger.open(
        evaluation_id=about.evaluation_id,
        version=question.version,
        champion=question.champion,
        contract=found.contract,
        since=question.since,
        until=question.until,
        test_set=question.test_set(about.datasets),
        as_of=found.as_of,
        prior=found.prior,
        method=seen.method,
        needed=seen.needed,
    )
    same = isinstance(entry, Refusal) or (entry.rows.since, entry.as_of) == (question.since, found.as_of)
    return entry if same else Refusal(sentence="another attempt opened it with other rows", again=True)


def _again(ledger: GateLedger, question: Question, entry: Entry, policy: GatePolicy, as_of: str) -> Prepared:
    """As the first attempt asked, whatever has changed since; only a stream goes on with newer labels."""
    question = replace(
        question,
        champion=entry.champion,
        condition=policy.parsed(entry.condition),
        since=entry.rows.since,
        until=entry.rows.until,
    )
    return Prepared(
        question=question,
        contract=entry.contract,
        as_of=max(as_of, entry.as_of, key=np.datetime64) if entry.method == ANYTIME else entry.as_of,
        ledger=ledger,
        account=ledger.account(entry.contract, entry.rows.since, entry.rows.until),
        prior=entry.prior,
        entry=entry,
        done=ledger.result(entry),
    )


def ask_of(about: Evaluation, seen: Look, judged: Judged) -> Ask:
    """The rows that a look wants labelled, as what is remembered of them."""
    pending = judged.ids[:0] if seen.scope == WHOLE else judged.ids[~judged.rows.labelled]
    return Ask(evaluation_id=about.evaluation_id, scope=seen.scope, sample=seen.sample, pending=pending)


def _with_rows(about: Evaluation, found: Prepared) -> Prepared:
    judged = read_rows(about.datasets, about.tracker, about.policy, found.question, as_of=found.as_of)
    if not len(judged):
        return replace(found, judged=judged, look=nothing_to_see(found.question.condition))
    condition = sliced(found.question.condition, judged, about.policy.min_slice)
    method = found.entry.method if found.entry else about.policy.method
    promise = found.contract.promise(found.prior)
    known = judged.ids[judged.rows.labelled]
    while True:
        asked = asks(about.documents, about.model)
        view = without_others(judged, asked, about.evaluation_id) if method == ANYTIME else judged
        seen = look(view, condition, promise, method, asked)
        seen = replace(seen, missing=seen.missing[~np.isin(seen.missing, known)])
        # Where all of the next rows have a label, though for another reason, they count from here on.
        there = bool(seen.shortage) and len(seen.sample) > 0 and not len(seen.missing)
        if not there or not remember(about.documents, _record(about), ask_of(about, seen, view)):
            return replace(found, judged=view, look=seen)


def _record(about: Evaluation) -> str:
    return record_name(about.model, about.evaluation_id)
