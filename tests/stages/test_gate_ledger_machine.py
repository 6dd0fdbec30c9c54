"""Any order of opening, looking, closing, killing and repeating, over changing contracts and rows, keeps the promise."""

import math
from dataclasses import replace

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from upkeep.core.gate.contract import Contract
from upkeep.core.gate.entry import Span
from upkeep.stages.gate_ledger import GateLedger, Refusal

DAY = np.datetime64("2024-01-01")
PLAIN = Contract(condition="n - o > 0 +/- 0.04", first_condition="n > 0.5 +/- 0.03", reliability=0.95, steps=2)
CONTRACTS = (
    PLAIN,
    replace(PLAIN, adaptivity="full", steps=3),
    replace(PLAIN, adaptivity="full", mode="investigate", steps=2),
    replace(PLAIN, adaptivity="firstChange", steps=3),
    replace(PLAIN, adaptivity="releases", releases=1, steps=4),
    replace(PLAIN, adaptivity="firstChange", mode="investigate", steps=3),
)
spans = st.tuples(st.integers(0, 8), st.integers(1, 4)).map(lambda at: (at[0], at[0] + at[1]))


class Memory:
    """`ports.Documents` without a disk; `meanwhile` happens once, between a gate's reading and its writing."""

    def __init__(self):
        self.records = {}
        self.meanwhile = None

    def put(self, kind, name, record):
        self.records[kind, name] = record

    def create(self, kind, name, record):
        happening, self.meanwhile = self.meanwhile, None
        if happening:
            happening()
        return self.records.setdefault((kind, name), record) is record

    def get(self, kind, name):
        return self.records.get((kind, name))

    def names(self, kind, prefix=""):
        return sorted(name for of, name in self.records if of == kind and name.startswith(prefix))


class Gates(RuleBasedStateMachine):
    """The model beside the ledger: what was opened, and what was seen. Between two rules anything may be killed."""

    opened = Bundle("opened")

    def __init__(self):
        super().__init__()
        self.documents = Memory()
        self.ledger = GateLedger(self.documents, "tips", "trips")
        self.entries = {}
        self.seen = {}

    def _open(self, contract, span, evaluation_id=None):
        since, until = (str(DAY + day) for day in span)
        name = evaluation_id or f"e{len(self.entries)}"
        before = self.ledger.account(contract, since, until)
        found = self.ledger.open(
            evaluation_id=name,
            version=name,
            champion="1",
            contract=contract,
            since=since,
            until=until,
            test_set="",
            as_of="2024-03-01",
            prior=before.prior,
            method="exact",
            needed=1,
        )
        if isinstance(found, Refusal):
            assert before.closed or found.again or self.ledger.account(contract, since, until).closed
            return None
        if name not in self.entries:
            self._has_room(found)
            self.entries[name] = found
        return name

    def _has_room(self, entry):
        """What the promise needs when an entry is opened, worked out here from all that was opened before."""
        shared = [
            one for one in self.ledger.entries() if one.position < entry.position and one.rows.shares_rows(entry.rows)
        ]
        own = [one for one in shared if one.contract == entry.contract]
        assert len(own) < entry.contract.steps
        assert all((one.told == "nothing") is (entry.told == "nothing") for one in shared)  # no row serves both
        seen = [one for one in shared if one.told != "nothing"]
        for one in seen:  # a test set that is used up may have been told in full
            assert sum((o.contract, o.rows) == (one.contract, one.rows) for o in shared) < one.contract.steps
        told = [one for one in seen if one.contract != entry.contract]
        if any(one.contract.adaptivity == "full" for one in told):
            assert entry.prior >= math.log(2) - 1e-9
        least = sum(math.log(one.contract.kinds) for one in told if one.contract.adaptivity == "full")
        assert entry.prior >= least - 1e-9

    @rule(target=opened, contract=st.sampled_from(CONTRACTS), span=spans)
    def ask(self, contract, span):
        name = self._open(contract, span)
        return name if name else multiple()

    @rule(
        target=opened,
        contract=st.sampled_from(CONTRACTS),
        rival=st.sampled_from(CONTRACTS),
        span=spans,
        other=spans,
    )
    def two_ask_at_once(self, contract, rival, span, other):
        names = []

        def meanwhile():
            names.append(self._open(rival, other, f"r{len(self.entries)}"))

        self.documents.meanwhile = meanwhile
        names.append(self._open(contract, span, f"s{len(self.entries)}"))
        self.documents.meanwhile = None
        return multiple(*[name for name in names if name])

    @rule(name=opened, answer=st.sampled_from(["pass", "fail"]))
    def look_and_be_killed(self, name, answer):
        self.seen.setdefault(name, answer)

    @rule(name=opened, answer=st.sampled_from(["pass", "fail"]))
    def look_and_close(self, name, answer):
        answer = self.seen.setdefault(name, answer)
        stored = self.ledger.close(name, answer, {"answer": answer})
        assert stored == {"answer": answer}

    @rule(name=opened, answer=st.sampled_from(["pass", "fail"]))
    def leave_open_and_decide(self, name, answer):
        if (
            self.entries[name].contract.mode == "investigate"
            and self.seen.setdefault(name, "investigate") == "investigate"
        ):
            self.ledger.close(name, "investigate", {"answer": "investigate"})
            before = self.ledger.find(name, name).decided
            self.ledger.decide(name, {"answer": answer})
            assert self.ledger.find(name, name).decided == (before or answer)

    @rule(name=opened, contract=st.sampled_from(CONTRACTS), span=spans)
    def repeat(self, name, contract, span):
        count = len(self.ledger.entries())
        assert self._open(contract, span, name) == name
        assert len(self.ledger.entries()) == count
        found = self.ledger.find(name, name)
        assert replace(found, answer="open", decided="") == self.entries[name]

    @invariant()
    def everything_that_was_seen_was_spent_and_nothing_is_lost(self):
        entries = self.ledger.entries()
        assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
        assert {entry.evaluation_id for entry in entries} == set(self.entries) >= set(self.seen)

    @invariant()
    def no_row_judges_more_than_its_contract_promised(self):
        entries = self.ledger.entries()
        for contract in CONTRACTS:
            own = [entry for entry in entries if entry.contract == contract]
            before = {e: sum(o.position < e.position and o.rows.shares_rows(e.rows) for o in own) for e in own}
            for day in range(13):
                row = Span(dataset="trips", since=str(DAY + day), until=str(DAY + day + 1))
                there = [entry for entry in own if entry.rows.shares_rows(row)]
                assert len(there) <= contract.steps
                histories = math.fsum(math.exp(contract.log_histories_after(before[entry])) for entry in there)
                assert histories <= math.exp(contract.promise().log_histories) * (1 + 1e-9)

    @invariant()
    def rows_that_a_stored_pass_has_retired_are_closed(self):
        for entry in self.ledger.entries():
            left = self.ledger.account(entry.contract, entry.rows.since, entry.rows.until)
            assert left.closed or not entry.contract.retires(left.passes)
            assert left.closed or entry.decided != "pass" or entry.contract.adaptivity != "firstChange"


Gates.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestGates = Gates.TestCase
