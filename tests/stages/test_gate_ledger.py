"""The ledger as documents: an entry before the look, one answer, the same id again, two gates at once, old records."""

import math
from dataclasses import replace

import pytest

from upkeep.adapters.json_documents import JsonDocuments
from upkeep.core.gate.contract import Contract
from upkeep.core.gate.entry import Entry
from upkeep.errors import InputError
from upkeep.stages.gate_ledger import GateLedger, Refusal

AGREED = Contract(condition="n - o > 0 +/- 0.04", first_condition="n > 0.5 +/- 0.03", reliability=0.95, steps=2)
SEEN = replace(AGREED, condition="n > 0.7 +/- 0.05", adaptivity="full")
OTHER = replace(SEEN, condition="n > 0.8 +/- 0.05")
ROWS = {"since": "2024-01-15", "until": "2024-01-29"}


@pytest.fixture
def documents(tmp_path):
    return JsonDocuments(tmp_path / "records", tmp_path / "reports")


@pytest.fixture
def ledger(documents):
    return GateLedger(documents, "tips", "trips")


def ask(ledger, evaluation_id, **changes):
    question = {
        "evaluation_id": evaluation_id,
        "version": "2",
        "champion": "1",
        "contract": AGREED,
        "test_set": "0123456789abcdef",
        "as_of": "2024-03-01",
        "prior": 0.0,
        "method": "exact",
        "needed": 738,
    }
    return ledger.open(**question | ROWS | changes)


def test_an_entry_is_written_when_it_is_opened_and_read_back_as_it_was(ledger, documents):
    entry = ask(ledger, "e")
    assert isinstance(entry, Entry)
    assert (entry.position, entry.answer, entry.condition, entry.told) == (1, "open", AGREED.condition, "nothing")
    assert documents.names("ledger") == ["tips/trips/000001"]
    assert documents.get("ledger", "tips/trips/000001")["digest"] == AGREED.digest
    assert ledger.entries() == (entry,)
    assert ledger.find("e", "2") == entry
    assert ledger.find("other", "2") is None
    assert ledger.result(entry) is None
    assert ask(ledger, "first", champion=None).condition == AGREED.first_condition


def test_the_same_id_spends_once_and_keeps_what_it_was_opened_with(ledger):
    entry = ask(ledger, "e")
    later = ask(ledger, "e", as_of="2024-04-01", since="2024-01-20", contract=SEEN, needed=9)
    assert later == entry
    assert ledger.account(AGREED, **ROWS).left == 1
    with pytest.raises(InputError, match="must be about version 3, but judged version 2"):
        ask(ledger, "e", version="3")
    with pytest.raises(InputError, match="judged version 2"):
        ledger.find("e", "3")


def test_the_first_answer_stays_with_everything_that_was_known_of_it(ledger):
    entry = ask(ledger, "e")
    assert ledger.close("e", "pass", {"n": 0.8}) == {"n": 0.8}
    assert ledger.close("e", "fail", {"n": 0.1}) == {"n": 0.8}
    closed = replace(entry, answer="pass")
    assert ledger.entries() == (closed,)
    assert ledger.result(closed) == {"n": 0.8}
    assert ask(ledger, "e") == closed
    with pytest.raises(InputError, match="must be opened before labels are looked at"):
        ledger.close("unheard of", "pass", {})


def test_a_budget_that_is_used_up_refuses_and_writes_nothing(ledger, documents):
    ask(ledger, "one")
    ask(ledger, "two", version="3")
    refusal = ask(ledger, "three", version="4")
    assert isinstance(refusal, Refusal)
    assert not refusal.again
    assert "judged 2 of 2 challengers" in refusal.sentence
    assert len(documents.names("ledger")) == 2
    assert isinstance(ask(ledger, "three", version="4", contract=replace(AGREED, steps=3)), Entry)
    assert isinstance(ask(ledger, "four", since="2024-01-29", until="2024-02-09"), Entry)
    with pytest.raises(InputError, match="a test set must have rows"):
        ask(ledger, "five", since="2024-01-29")


def test_who_counted_labels_before_builders_learned_more_must_count_again(ledger):
    ask(ledger, "seen", contract=SEEN)
    ledger.close("seen", "fail", {})
    refusal = ask(ledger, "e", contract=OTHER)
    assert isinstance(refusal, Refusal)
    assert refusal.again
    prior = ledger.account(OTHER, **ROWS).prior
    assert prior == pytest.approx(math.log(2))
    assert ask(ledger, "e", contract=OTHER, prior=prior).prior == prior


@pytest.mark.parametrize(("first", "second"), [(AGREED, SEEN), (SEEN, AGREED)])
def test_rows_serve_builders_or_people_who_see_estimates_and_not_both(ledger, documents, first, second):
    ask(ledger, "one", contract=first)
    refusal = ask(ledger, "two", version="3", contract=second)
    assert isinstance(refusal, Refusal)
    assert not refusal.again
    assert refusal.sentence.endswith("hold out newer rows")
    assert len(documents.names("ledger")) == 1
    assert isinstance(ask(ledger, "two", version="3", contract=second, since="2024-01-29", until="2024-02-09"), Entry)


def test_what_a_person_decided_stays_beside_the_answer(ledger, documents):
    agreed = replace(AGREED, adaptivity="firstChange", mode="investigate", steps=5)
    ask(ledger, "e", contract=agreed)
    with pytest.raises(InputError, match="must have the answer investigate, but has open"):
        ledger.decide("e", {"answer": "pass"})
    ledger.close("e", "investigate", {})
    assert not ledger.account(agreed, **ROWS).closed
    ledger.decide("e", {"answer": "pass", "by": "A. Person"})
    ledger.decide("e", {"answer": "fail"})
    found = ledger.find("e", "2")
    assert (found.answer, found.decided, found.passed) == ("investigate", "pass", True)
    assert documents.get("ledger", "tips/trips/000001.decision")["by"] == "A. Person"
    assert ledger.retired(found)
    assert isinstance(ask(ledger, "next", version="3", contract=agreed), Refusal)
    assert ledger.account(agreed, **ROWS).alarm == "retired"


def test_another_dataset_and_another_model_are_counted_for_themselves(ledger, documents):
    ask(ledger, "one")
    for other in (GateLedger(documents, "tips", "trips_too"), GateLedger(documents, "tips_too", "trips")):
        assert other.entries() == ()
        assert ask(other, "one", version="9").position == 1
    assert len(ledger.entries()) == 1


def test_a_missing_number_is_said_and_not_counted_as_free(ledger, tmp_path):
    for name in ("one", "two"):
        ask(ledger, name)
    (tmp_path / "records" / "ledger" / "tips" / "trips" / "000001.json").unlink()
    with pytest.raises(InputError, match="number 1 is missing"):
        ask(ledger, "three")


def test_estimates_may_be_told_once_no_row_may_judge_any_more(ledger):
    """From then on, and not sooner, the rows are closed to every other contract too."""
    one = ask(ledger, "one", contract=SEEN)
    assert not ledger.retired(one)
    assert not ledger.account(OTHER, **ROWS).closed
    ask(ledger, "two", contract=SEEN)
    assert ledger.retired(one)
    assert ledger.account(OTHER, **ROWS).closed
    newer = ask(ledger, "three", contract=SEEN, since="2024-01-29", until="2024-02-09")
    assert not ledger.retired(newer)


class _Meanwhile(JsonDocuments):
    """Another gate opens an evaluation after this one has read the ledger and before it writes."""

    def __init__(self, base, rival):
        super().__init__(base / "records", base / "reports")
        self.rival = rival

    def create(self, kind, name, record):
        if self.rival:
            rival, self.rival = self.rival, None
            rival()
        return super().create(kind, name, record)


@pytest.mark.parametrize(
    ("contract", "version", "expected"),
    [(replace(AGREED, steps=1), "3", "refused"), (AGREED, "3", 2), (SEEN, "3", "again"), (OTHER, "3", 2)],
)
def test_who_loses_the_number_reads_again_and_asks_again(ledger, tmp_path, contract, version, expected):
    slow = GateLedger(_Meanwhile(tmp_path, lambda: ask(ledger, "rival", contract=contract)), "tips", "trips")
    made = ask(slow, "mine", version=version, contract=OTHER if contract is SEEN else contract)
    if isinstance(expected, int):
        assert made.position == expected
    else:
        assert made.again is (expected == "again")
    assert len(ledger.entries()) == (2 if expected == 2 else 1)


class _Overwriting(_Meanwhile):
    """The control: what is not made exclusively replaces what another has made meanwhile."""

    def create(self, kind, name, record):
        super().create(kind, name, record)
        self.put(kind, name, record)
        return True


def test_a_number_that_is_not_taken_exclusively_loses_an_evaluation(ledger, tmp_path):
    told = []
    slow = GateLedger(_Overwriting(tmp_path, lambda: told.append(ask(ledger, "rival"))), "tips", "trips")
    told.append(ask(slow, "mine", version="3"))
    assert [entry.evaluation_id for entry in told] == ["rival", "mine"]
    assert [entry.evaluation_id for entry in ledger.entries()] == ["mine"]


def test_two_that_open_the_same_evaluation_at_once_get_one_entry(ledger, tmp_path):
    slow = GateLedger(_Meanwhile(tmp_path, lambda: ask(ledger, "same")), "tips", "trips")
    assert ask(slow, "same") == ledger.find("same", "2")
    assert len(ledger.entries()) == 1


def _old(documents, name, **changes):
    """A verdict as it was stored before there was a ledger."""
    record = {
        "model": "tips", "version": "1", "champion": None, "evaluation_id": name, "as_of": "2024-02-01",
        "condition": "n > 0.5 +/- 0.03", "mode": "fp-free", "reliability": 0.95, "labels": 2000, "needed": 1665,
        "n": 0.7, "o": None, "d": None, "clauses": [], "truth": "true", "verdict": "pass", "passed": True,
        "dataset": "trips", **ROWS, "test_set": "fedcba9876543210", "sentence": "Open.",
    }  # fmt: skip
    documents.put("gates", f"tips/{name}", record | changes)


def test_verdicts_from_before_the_ledger_are_entries(ledger, documents):
    _old(documents, "newer", as_of="2024-02-09", passed=False, verdict="fail")
    _old(documents, "older")
    _old(documents, "unmeasured", n=None)
    _old(documents, "elsewhere", dataset="other_trips")
    found = ledger.entries()
    assert [(e.position, e.evaluation_id, e.answer) for e in found] == [(-1, "older", "pass"), (0, "newer", "fail")]
    assert ledger.account(AGREED, **ROWS).alarm == "used up"
    assert ask(ledger, "older", version="1") == found[0]
    assert ledger.result(found[0]) is None
    assert isinstance(ask(ledger, "next"), Refusal)
    assert ask(ledger, "next", contract=replace(AGREED, steps=3)).position == 1
    assert documents.names("ledger") == ["tips/trips/000001"]  # reading them has written nothing


def test_what_builders_may_have_seen_before_the_ledger_is_prior_under_another_condition(ledger, documents):
    _old(documents, "old")
    assert ledger.account(SEEN, **ROWS).answered == 1  # its first condition is the same
    other = replace(SEEN, first_condition="n > 0.6 +/- 0.03")
    found = ledger.account(other, **ROWS)
    assert (found.answered, found.contracts) == (0, 2)
    assert found.prior == pytest.approx(math.log(2))


def test_a_verdict_that_is_in_the_ledger_is_not_counted_from_its_record_too(ledger, documents):
    ask(ledger, "e")
    ledger.close("e", "pass", {"n": 0.7})
    _old(documents, "e", version="2")
    assert len(ledger.entries()) == 1
    assert ledger.account(AGREED, **ROWS).left == 1
