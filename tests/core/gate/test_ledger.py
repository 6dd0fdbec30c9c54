"""What a contract has left on some rows: steps, passes, histories that builders saw, and where rows are still open."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.gate.contract import Contract
from upkeep.core.gate.entry import Entry, Span
from upkeep.core.gate.ledger import account, retired
from upkeep.errors import InputError

AGREED = Contract(
    condition="n - o > 0 +/- 0.04", first_condition="n > 0.5 +/- 0.03", reliability=0.95, steps=3, adaptivity="none"
)
DAY = np.datetime64("2024-01-01")


def span(begin, end):
    """Days of January."""
    return Span(dataset="trips", since=str(DAY + begin), until=str(DAY + end))


def entries(*made):
    """(contract, span, answer) in their order."""
    return [
        Entry(
            position=number,
            evaluation_id=f"e{number}",
            version=str(number),
            champion=None,
            contract=contract,
            rows=rows,
            test_set="",
            as_of="2024-03-01",
            answer=answer,
        )
        for number, (contract, rows, answer) in enumerate(made, start=1)
    ]


def full(steps=3):
    return replace(AGREED, adaptivity="full", steps=steps)


WEEK = span(0, 7)


@pytest.mark.parametrize("answer", ["pass", "fail", "investigate", "open"])
def test_every_entry_is_a_step_whatever_its_answer_and_an_open_one_too(answer):
    found = [account(entries(*[(AGREED, WEEK, answer)] * n), AGREED, WEEK) for n in range(4)]
    assert [one.left for one in found] == [3, 2, 1, 0]
    assert [one.alarm for one in found] == ["", "", "last step", "used up"]
    assert found[3].open == (3 if answer == "open" else 0)
    assert "judged 3 of 3 challengers" in found[3].refusal
    assert "hold out newer rows, or raise steps before the next ones" in found[3].sentence
    assert found[2].refusal == ""


@pytest.mark.parametrize(("releases", "allowed"), [(0, 1), (1, 2), (2, 3)])
def test_the_pass_after_the_agreed_ones_retires_the_rows(releases, allowed):
    agreed = replace(AGREED, adaptivity="releases" if releases else "firstChange", releases=releases, steps=9)
    for passes in range(allowed + 1):
        found = account(entries(*[(agreed, WEEK, "fail")] * 2, *[(agreed, WEEK, "pass")] * passes), agreed, WEEK)
        assert (found.alarm == "retired") is (passes >= allowed)
    assert "which retires them; hold out newer rows" in found.refusal


def test_a_killed_evaluation_is_no_pass_but_a_step():
    agreed = replace(AGREED, adaptivity="firstChange")
    found = account(entries((agreed, WEEK, "open")), agreed, WEEK)
    assert (found.answered, found.open, found.left, found.alarm) == (1, 1, 2, "")
    assert "1 had no answer stored and count as answered" in found.sentence


@pytest.mark.parametrize(
    ("other", "left"),
    [(span(-5, 0), 3), (span(-5, 1), 2), (span(3, 4), 2), (span(-5, 20), 2), (span(7, 9), 3), (span(6, 9), 2)],
)
def test_spans_share_rows_if_they_share_a_moment(other, left):
    assert account(entries((AGREED, other, "fail")), AGREED, WEEK).left == left


def test_moments_are_compared_as_times_and_datasets_by_name():
    touching = Span(dataset="trips", since="2023-12-01", until="2024-01-01T00:00:00.000000")
    assert not touching.shares_rows(WEEK)
    assert replace(touching, until="2024-01-01T00:00:00.000001").shares_rows(WEEK)
    assert not replace(WEEK, dataset="other").shares_rows(WEEK)
    with pytest.raises(InputError, match="begin and end at times"):
        Span(dataset="trips", since="soon", until="2024-01-01")


def test_another_contract_has_all_its_steps_and_reliabilities_add():
    spent = entries(*[(AGREED, WEEK, "fail")] * 3)
    found = account(spent, replace(AGREED, condition="n - o > 0.01 +/- 0.04"), WEEK)
    assert (found.left, found.contracts, found.prior) == (3, 2, 0.0)
    assert found.error == pytest.approx(0.1)
    assert "2 contracts have used these rows, any verdict is wrong with up to 0.1" in found.sentence
    assert account(spent, AGREED, WEEK).left == 0  # and going back gives nothing back


@pytest.mark.parametrize(
    "change",
    [
        {"condition": "n - o > 0.01 +/- 0.04"},
        {"reliability": 0.99},
        {"steps": 4},
        {"adaptivity": "firstChange"},
        {"mode": "fn-free"},
        {"answers": 9},
        {"first_condition": "n > 0.6 +/- 0.03"},
    ],
    ids=str,
)
def test_every_field_of_a_contract_makes_it_another_one(change):
    other = replace(AGREED, **change)
    assert other.digest != AGREED.digest
    assert account(entries((AGREED, WEEK, "fail")), other, WEEK).answered == 0


def test_what_builders_saw_under_another_contract_is_counted_in_histories():
    other = replace(AGREED, condition="n > 0.7 +/- 0.05")

    def prior(contract, *answers):
        return account(entries(*[(contract, WEEK, answer) for answer in answers]), other, WEEK).prior

    assert prior(AGREED, "pass", "fail", "fail") == 0.0
    assert prior(full(), "pass", "fail", "open") == pytest.approx(3 * math.log(2))
    assert prior(replace(full(), mode="investigate"), "fail") == pytest.approx(math.log(3))
    assert prior(replace(full(), answers=25), "fail", "pass") == pytest.approx(2 * math.log(25))
    first = replace(AGREED, adaptivity="firstChange")
    assert prior(first, "fail", "fail") == pytest.approx(math.log(3))  # refused never, or at the first or second
    assert prior(first, "fail", "fail", "pass") == pytest.approx(math.log(4 * 3))
    assert prior(first, "fail", "open") == pytest.approx(math.log(3 * 2))  # the open one may be a pass
    assert account(entries((full(), span(7, 9), "pass")), other, WEEK).prior == 0.0  # other rows


def test_histories_of_several_contracts_multiply():
    one, two = full(), replace(full(), condition="n > 0.7 +/- 0.05")
    made = entries((one, WEEK, "pass"), (two, WEEK, "fail"), (one, WEEK, "fail"), (AGREED, WEEK, "fail"))
    found = account(made, replace(full(), condition="n > 0.8 +/- 0.05"), WEEK)
    assert found.prior == pytest.approx(3 * math.log(2))
    assert (found.contracts, round(found.error, 9)) == (4, 0.2)
    assert account(made, one, WEEK).prior == pytest.approx(math.log(2))


@given(st.integers(1, 9), st.integers(2, 4), st.data())
def test_weights_of_the_histories_at_which_a_builder_may_turn_away_sum_to_one(depth, kinds, data):
    """Kraft: a tree of answers, each node either goes on or is where the next contract begins."""
    adaptivity, releases = data.draw(st.sampled_from([("full", 0), ("firstChange", 0), ("releases", 2)]))
    mode = "investigate" if kinds == 3 else "fp-free"
    agreed = replace(AGREED, adaptivity=adaptivity, releases=releases, answers=kinds, mode=mode, steps=20)
    letters = ["pass", "fail", "investigate", "estimate"][:kinds]

    def total(history):
        turns = len(history) >= min(depth, 5) or (history and data.draw(st.booleans()))
        return math.exp(-agreed.log_seen(history)) if turns else sum(total([*history, letter]) for letter in letters)

    assert total([]) == pytest.approx(1.0)


@pytest.mark.parametrize("other", [replace(full(), condition="n > 0.7 +/- 0.05"), full(5)], ids=lambda o: o.condition)
def test_rows_of_a_retired_test_set_whose_answers_were_seen_judge_under_no_contract(other):
    """Builders may be told its estimates then: its rows are training data."""
    alive, retired = entries(*[(full(), WEEK, "fail")] * 2), entries(*[(full(), WEEK, "fail")] * 3)
    assert account(alive, other, WEEK).left == other.steps
    found = account(retired, other, span(3, 12))
    assert (found.left, found.alarm, found.told, found.open_since) == (0, "retired", True, str(DAY + 7))
    assert "are of a retired test set, which builders may know; hold out newer rows; those from" in found.sentence
    spent = account(retired, full(), WEEK)
    assert spent.alarm == "used up"
    assert spent.refusal.endswith("prove nothing about more; hold out newer rows")  # raising steps would not help
    first = replace(AGREED, adaptivity="firstChange")
    assert account(entries((first, WEEK, "pass")), other, WEEK).closed
    assert not account(entries((first, WEEK, "fail")), other, WEEK).closed


def test_the_old_rows_of_a_set_whose_newer_rows_are_used_up_are_retired_with_it():
    """The first entry is on rows that nobody else was judged on, but its estimate, once told, is about them too."""
    made = entries((full(), span(0, 10), "fail"), *[(full(), span(5, 10), "fail")] * 2)
    assert account(made[:2], full(), span(0, 5)).left == 2
    assert account(made, full(), span(0, 5)).closed


@pytest.mark.parametrize("answer", ["open", "fail", "pass"])
def test_rows_whose_estimates_are_open_judge_for_no_builders(answer):
    made = entries((AGREED, span(0, 5), answer))
    for other in (full(), replace(full(), answers=25), replace(AGREED, adaptivity="firstChange")):
        found = account(made, other, WEEK)
        assert (found.left, found.alarm, found.taken, found.open_since) == (0, "taken", True, str(DAY + 5))
        assert "have judged where estimates are open, under the adaptivity none" in found.refusal
        assert found.refusal.endswith("hold out newer rows")
        assert not account(made, other, span(5, 7)).closed
    assert account(made, replace(AGREED, condition="n > 0.7 +/- 0.05"), WEEK).left == AGREED.steps


@pytest.mark.parametrize("answer", ["open", "fail", "pass"])
def test_rows_that_judge_for_builders_tell_nobody_an_estimate(answer):
    made = entries((full(), span(0, 5), answer))
    found = account(made, AGREED, WEEK)
    assert (found.left, found.alarm, found.open_since) == (0, "taken", str(DAY + 5))
    assert "judge for builders, from whom estimates are kept" in found.refusal
    assert account(made, full(), WEEK).left == 2
    assert account(made, replace(full(), condition="n > 0.7 +/- 0.05"), WEEK).left == 3


def test_mixed_rows_of_an_earlier_ledger_serve_nobody_and_more_steps_do_not_help():
    made = entries(*[(full(), WEEK, "fail")] * 3, *[(AGREED, WEEK, "fail")] * 3)
    for agreed in (full(), AGREED, full(9)):
        found = account(made, agreed, WEEK)
        assert found.closed
        assert "raise steps before" not in found.refusal


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5), st.booleans()), max_size=8), st.booleans())
def test_no_row_that_is_open_has_served_the_others(made, builders):
    agreed = full() if builders else AGREED
    known = entries(*[(full() if other else AGREED, span(b, b + n), "fail") for b, n, other in made])
    for day in range(15):
        mixed = any(
            one.rows.shares_rows(span(day, day + 1)) and (one.told != "nothing") is not builders for one in known
        )
        assert account(known, agreed, span(day, day + 1)).closed or not mixed


@pytest.mark.parametrize(("decided", "retires"), [("pass", True), ("fail", False), ("", False)])
def test_a_pass_that_a_person_decided_retires_rows_like_any_other(decided, retires):
    agreed = replace(AGREED, adaptivity="firstChange", mode="investigate", steps=5)
    made = [replace(one, decided=decided) for one in entries((agreed, WEEK, "investigate"))]
    found = account(made, agreed, WEEK)
    assert (found.closed, found.passes, retired(made, made[0])) == (retires, int(retires), retires)
    assert account(made, full(), WEEK).closed is retires


def test_told_says_what_builders_learn():
    assert [
        contract.told for contract in (AGREED, full(), replace(full(), mode="investigate"), replace(full(), answers=25))
    ] == ["nothing", "answer", "answer", "estimates"]


@pytest.mark.parametrize(("since", "until", "begins"), [(0, 10, 0), (20, 40, 28), (15, 27, 27), (28, 40, 28)], ids=str)
def test_with_one_step_only_the_part_after_the_last_judged_row_is_open(since, until, begins):
    one = replace(AGREED, steps=1)
    rows = span(since, until)
    assert account(entries((one, span(14, 28), "fail")), one, rows).open_since == str(DAY + begins)


def test_where_a_pass_retires_rows_the_part_after_it_is_open():
    agreed = replace(AGREED, adaptivity="firstChange")
    found = account(entries((agreed, span(14, 28), "pass")), agreed, span(19, 40))
    assert (found.alarm, found.open_since) == ("retired", str(DAY + 28))
    assert f"those from {DAY + 28} on may still judge" in found.sentence


def _judge(made, agreed, begin, end, answer="fail"):
    """Open an evaluation on the part of the span that may judge; returns the begin of the rows, None if there are none."""
    rows = span(begin, end)
    begins = account(made, agreed, rows).open_since
    if begins == rows.until:
        return None
    part = replace(rows, since=begins)
    assert not account(made, agreed, part).closed
    made += [replace(entries((agreed, part, answer))[0], position=len(made) + 1)]
    return begins


def test_the_new_part_of_a_holdout_judges_every_challenger_of_a_retrain():
    made = []
    assert [_judge(made, AGREED, 14, 28) for _ in range(4)] == [str(DAY + 14)] * 3 + [None]
    assert [_judge(made, AGREED, 27, 56) for _ in range(4)] == [str(DAY + 28)] * 3 + [None]


def _histories(agreed, before):
    return math.exp(agreed.log_histories_after(before))


@pytest.mark.parametrize(
    "agreed",
    [
        AGREED,
        full(4),
        replace(full(4), mode="investigate"),
        replace(AGREED, adaptivity="firstChange", steps=4),
        replace(AGREED, adaptivity="releases", releases=2, steps=6),
    ],
    ids=lambda agreed: f"{agreed.adaptivity}, {agreed.mode}",
)
def test_whatever_the_holdouts_no_row_judges_more_models_than_was_promised(agreed):
    """Each row's evaluations, each with as many models as histories can lead to, stay below the promise's union bound."""
    rng = np.random.default_rng(0)
    made, judged, union = [], np.zeros(60, dtype=int), np.zeros(60)
    for _ in range(120):
        begin = int(rng.integers(0, 50))
        end = begin + int(rng.integers(1, 10))
        used = _judge(made, agreed, begin, end, "pass" if rng.random() < 0.2 else "fail")
        if used:
            rows = slice(int((np.datetime64(used) - DAY).astype(int)), end)
            before = sum(one.rows.shares_rows(made[-1].rows) for one in made[:-1])
            judged[rows] += 1
            union[rows] += _histories(agreed, before)
    assert judged.max() <= agreed.steps
    assert union.max() <= math.exp(agreed.promise().log_histories) * (1 + 1e-9)
    if agreed.adaptivity == "none":
        assert np.mean(judged == 3) > 0.5  # and the budget is used


def test_counting_steps_alone_would_break_the_promise_where_test_sets_overlap_in_a_chain():
    """The control: of windows that slide, each is the fourth on some rows and late after answers on all of its own."""
    agreed = full(4)

    def union_of_a_row(may_open):
        made = []
        for day in range(12):
            rows = span(day, day + 4)
            if may_open(made, rows):
                made += [replace(entries((agreed, rows, "fail"))[0], position=len(made) + 1)]
        before = [sum(o.rows.shares_rows(one.rows) for o in made if o.position < one.position) for one in made]
        at = [one.rows.shares_rows(span(8, 9)) for one in made]
        return sum(_histories(agreed, t) for t, there in zip(before, at, strict=True) if there)

    counted = union_of_a_row(lambda made, rows: sum(one.rows.shares_rows(rows) for one in made) < agreed.steps)
    assert counted == pytest.approx(4 * 2**3)  # where 2^4 were promised
    assert union_of_a_row(lambda made, rows: not account(made, agreed, rows).closed) <= 2**4


def test_after_a_chain_the_steps_can_end_early_and_the_sentence_says_why():
    chained = entries(*[(full(4), span(day, day + 2), "fail") for day in (0, 1)])
    assert account(chained, full(4), span(0, 4)).left == 2  # 1 + 2 + 4 + 8 histories, of 16
    late = entries(*[(full(3), span(*days), "fail") for days in ((2, 5), (0, 3), (2, 6), (7, 11))])
    found = account(late, full(3), span(5, 8))
    assert (found.answered, found.left, found.alarm) == (2, 0, "used up")  # 4 + 1 + 4 histories, of 8
    assert "judged 2 of 3 challengers, after answers on rows that overlap these, and prove nothing" in found.refusal


def test_an_evaluation_from_before_the_ledger_is_of_the_contract_that_asked_the_same():
    old_contract = Contract(condition=AGREED.condition, first_condition="", reliability=0.95, adaptivity="full")
    old = [replace(one, position=one.position - 2) for one in entries(*[(old_contract, WEEK, "fail")] * 2)]
    same = account(old, AGREED, WEEK)
    assert (same.left, same.prior, same.contracts) == (1, 0.0, 1)
    first = account(old, replace(AGREED, condition="n > 0 +/- 1", first_condition=AGREED.condition), WEEK)
    assert first.left == 1
    assert (
        account(old, replace(full(), condition="n > 0.7 +/- 0.05"), WEEK).alarm == "taken"
    )  # estimates were published
    other = account(old, replace(AGREED, mode="fn-free"), WEEK)
    assert (other.left, other.contracts) == (3, 2)
    assert other.prior == pytest.approx(2 * math.log(2))


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5), st.sampled_from(["pass", "fail", "open"])), max_size=8),
    st.integers(0, 9),
    st.integers(1, 5),
    st.sampled_from([("none", 0), ("full", 0), ("firstChange", 0), ("releases", 1), ("releases", 3)]),
)
def test_more_entries_never_leave_more_and_a_shorter_part_never_has_less(made, begin, length, adaptivity):
    agreed = replace(AGREED, adaptivity=adaptivity[0], releases=adaptivity[1], steps=4)
    known = entries(*[(agreed, span(b, b + n), answer) for b, n, answer in made])
    rows = span(begin, begin + length)
    lefts = [account(known[:n], agreed, rows).left for n in range(len(known) + 1)]
    assert lefts == sorted(lefts, reverse=True)
    assert lefts[-1] <= account(known, agreed, span(begin + length - 1, begin + length)).left
    found = account(known, agreed, rows)
    assert (found.open_since == rows.since) is not found.closed
