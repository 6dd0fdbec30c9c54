import numpy as np
import pytest
from scipy.stats import beta

from upkeep.core.columns import Coded
from upkeep.core.feedback.late.coding import Coding
from upkeep.core.feedback.late.look import late_rules, late_rules_coded
from upkeep.core.feedback.late.rules import who_is_late
from upkeep.core.feedback.late.terms import Terms
from upkeep.errors import InputError

DAY = np.datetime64("2024-01-01", "us")


def text(codes, levels=10):
    return Coded(np.asarray(codes), tuple(f"v{i}" for i in range(levels)))


def uniform(rng, rows, columns, levels=6):
    return {f"c{j}": text(rng.integers(0, levels, rows), levels) for j in range(columns)}


def clauses(found):
    return [rule.clauses for rule in found.rules]


# worked by hand


def test_counts_shares_and_limits_by_hand():
    # 100 rows of Bronx, 60 late; 300 of Kings, 30 late: one column of two levels, so alpha/4 for each lower limit
    zone = np.repeat(np.array(["Bronx", "Kings"], dtype=object), [100, 300])
    late = np.concatenate([np.arange(100) < 60, np.arange(300) < 30])
    found = who_is_late({"zone": zone}, late, terms=Terms(alpha=0.05, most=1))

    (rule,) = found.rules
    assert (rule.clauses, rule.rows, rule.late) == (("zone = Bronx",), 100, 60)
    assert (rule.late_share, rule.rest_late_share, rule.explained) == pytest.approx((0.6, 0.1, 60 / 90))
    assert (found.rows, found.late, found.candidates, found.explained) == pytest.approx((400, 90, 2, 60 / 90))
    assert rule.excess == pytest.approx(beta.ppf(0.0125, 60, 41) - beta.isf(0.0125, 31, 270))
    assert rule.places == (("zone", 1),)  # the second most frequent


def test_a_rule_is_reported_just_when_its_limits_are_further_apart_than_tolerated():
    zone = np.repeat(np.array(["Bronx", "Kings"], dtype=object), [60, 1_000])
    late = np.concatenate([np.arange(60) < 57, np.arange(1_000) < 700])
    alphas = 10.0 ** -np.arange(1, 12)
    expected = [bool(beta.ppf(a / 4, 57, 4) - beta.isf(a / 4, 701, 300) > 0.05) for a in alphas]
    found = [bool(who_is_late({"zone": zone}, late, terms=Terms(alpha=a, most=1)).rules) for a in alphas]
    assert True in expected
    assert False in expected
    assert found == expected


def test_the_error_is_shared_by_all_conjunctions_that_could_be_reported():
    rng = np.random.default_rng(4)
    rows = 4_000
    zone = (np.arange(rows) >= 100).astype(int)
    late = np.where(zone == 0, np.arange(rows) < 22, rng.random(rows) < 0.05)
    alone = who_is_late({"zone": text(zone, 2)}, late)
    among = who_is_late({"zone": text(zone, 2)} | uniform(rng, rows, 30), late)
    assert clauses(alone) == [("zone = v0",)]
    assert among.rules == ()
    assert among.candidates > 500_000


# what is planted is what is found


def test_an_incident_of_two_clauses_is_neither_its_marginal_nor_its_refinement():
    rng = np.random.default_rng(1)
    for _ in range(5):
        table = uniform(rng, 30_000, 20) | {"flag": rng.random(30_000) < 0.03}
        hit = (table["c3"].codes == 2) & (table["c7"].codes == 5)
        late = rng.random(30_000) < np.where(hit, 0.5, 0.04)
        (rule,) = who_is_late(table, late).rules
        assert rule.clauses == ("c3 = v2", "c7 = v5")
        assert rule.late == (late & hit).sum()


def test_one_clause_stays_one_and_three_are_found_together():
    rng = np.random.default_rng(2)
    table = uniform(rng, 60_000, 12, 4)
    single = table["c1"].codes == 3
    triple = (table["c2"].codes == 0) & (table["c4"].codes == 1) & (table["c9"].codes == 2) & ~single
    late = rng.random(60_000) < np.select([single, triple], [0.3, 0.7], 0.03)
    found = who_is_late(table, late)
    assert clauses(found) == [("c1 = v3",), ("c2 = v0", "c4 = v1", "c9 = v2")]


def test_two_incidents_that_share_a_clause_are_two_rules():
    rng = np.random.default_rng(3)
    table = uniform(rng, 40_000, 10, 8)
    one = (table["c0"].codes == 1) & (table["c1"].codes == 1)
    other = (table["c0"].codes == 1) & (table["c2"].codes == 6)
    found = who_is_late(table, rng.random(40_000) < np.select([one, other], [0.8, 0.6], 0.02))
    assert clauses(found) == [("c0 = v1", "c1 = v1"), ("c0 = v1", "c2 = v6")]


def test_a_frequent_group_with_ordinary_delays_is_no_rule_although_it_holds_most_late_rows():
    rng = np.random.default_rng(5)
    common = rng.random(20_000) < 0.95
    hit = rng.random(20_000) < 0.01
    late = rng.random(20_000) < np.where(hit, 0.7, 0.2)
    found = who_is_late({"common": common, "hit": hit}, late)
    assert clauses(found) == [("hit = True",)]
    assert found.rules[0].explained < 0.1


def test_numbers_hours_booleans_and_missing_values_make_clauses():
    rng = np.random.default_rng(6)
    n = 20_000
    fare = rng.exponential(10.0, n)
    fare[rng.random(n) < 0.05] = np.nan
    table = {
        "fare": fare,
        "at": DAY + rng.integers(0, 30 * 24, n) * np.timedelta64(1, "h"),
        "flag": rng.random(n) < 0.5,
        "id": np.array([f"id {i}" for i in range(n)], dtype=object),
    }
    hours = table["at"].astype("datetime64[h]").astype(int) % 24
    gone, night = np.isnan(fare) & table["flag"], hours == 3
    found = who_is_late(table, rng.random(n) < np.select([gone, night], [0.9, 0.5], 0.03))
    assert set(clauses(found)) == {("fare is missing", "flag = True"), ("hour of at = 3",)}


def test_identical_columns_are_told_once():
    rng = np.random.default_rng(7)
    zone = rng.integers(0, 5, 5_000)
    found = who_is_late({"a": text(zone), "b": text(zone)}, rng.random(5_000) < np.where(zone == 1, 0.6, 0.05))
    assert clauses(found) == [("a = v1",)]


# edges


def test_no_late_rows_all_late_rows_and_no_rows_give_no_rules():
    table = {"zone": text([0, 1] * 500)}
    for late in (np.zeros(1_000, bool), np.ones(1_000, bool)):
        assert who_is_late(table, late).rules == ()
    assert who_is_late({"zone": text(np.zeros(0, int))}, np.zeros(0, bool)).rules == ()


def test_columns_that_cannot_be_told_in_clauses_are_left_out():
    dates = {"day": np.repeat(np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[D]"), 100)}
    assert who_is_late(dates, np.arange(200) < 90).rules == ()


@pytest.mark.parametrize("late", [np.zeros(3, bool), np.zeros(4), np.zeros((4, 1), bool)])
def test_late_must_be_a_boolean_per_row(late):
    with pytest.raises(InputError, match="late must"):
        who_is_late({"zone": text([0, 1, 0, 1])}, late)


@pytest.mark.parametrize(
    "wrong", [{"alpha": 95}, {"tolerance": -1}, {"clauses": 4}, {"most": 0}, {"least_share": 2}, {"least_rows": 0}]
)
def test_terms_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InputError):
        who_is_late({"zone": text([0, 1, 0, 1])}, np.ones(4, bool), terms=Terms(**wrong))


# a window of the prediction log


def test_rows_that_are_not_due_yet_say_nothing():
    rows = 600
    made = np.where(np.arange(rows) < 400, DAY, DAY + np.timedelta64(40, "h"))
    zone = text(np.arange(rows) % 2, 2)
    seen = made + np.timedelta64(2, "h")
    seen[(np.arange(rows) % 2 == 1) & (np.arange(rows) >= 400)] = np.datetime64("NaT")  # of young rows only
    as_of = DAY + np.timedelta64(48, "h")
    assert late_rules({"zone": zone}, seen, made, as_of, due_h=30.0).rules == ()
    found = late_rules({"zone": zone}, seen, made, as_of, due_h=8.0)
    assert clauses(found) == [("zone = v1",)]
    assert found.rules[0].sentence == (
        "zone = v1: of 300 rows 33% are still pending after 8 h, against 0% of the others; "
        "that explains 100% of the late rows."
    )


def test_a_label_that_comes_after_the_look_is_pending():
    seen = np.where(np.arange(200) < 100, DAY + np.timedelta64(90, "h"), DAY + np.timedelta64(1, "h"))
    found = late_rules(
        {"zone": text(np.arange(200) // 100, 2)}, seen, np.full(200, DAY), DAY + np.timedelta64(48, "h"), due_h=24.0
    )
    assert found.late == 100


def test_hours_without_end_are_refused():
    with pytest.raises(InputError, match="due_h"):
        late_rules({}, np.zeros(0, "M8[us]"), np.zeros(0, "M8[us]"), DAY, due_h=np.nan)


def test_codes_of_another_shape_are_refused():
    coding = Coding.fit({"zone": text([0, 1])})
    with pytest.raises(InputError, match="codes must have shape"):
        late_rules_coded(
            coding, np.zeros((1, 3), np.uint8), np.zeros(2, "M8[us]"), np.zeros(2, "M8[us]"), DAY, due_h=1.0
        )


# any table works


def planted(rng, rows, others):
    """A table whose first column tells who is late, and who is."""
    zone = text(rng.integers(0, 4, rows), 4)
    return {"zone": zone} | others, rng.random(rows) < np.where(zone.codes == 0, 0.7, 0.03)


def test_hundreds_of_columns_do_not_stop_the_search():
    rng = np.random.default_rng(8)
    numbers = {f"x{j}": rng.normal(size=600) for j in range(500)}
    table, late = planted(rng, 600, numbers)
    found = who_is_late(table, late)
    assert clauses(found) == [("zone = v0",)]
    assert found.left_out == ()


def test_columns_without_room_are_named():
    rng = np.random.default_rng(9)
    hours = {f"at{j}": DAY + rng.integers(0, 48, 300) * np.timedelta64(1, "h") for j in range(210)}
    table, late = planted(rng, 300, hours)
    found = who_is_late(table, late)
    assert clauses(found) == [("zone = v0",)]
    assert found.left_out == tuple(hours)[100:]


def test_columns_that_cannot_be_counted_do_not_stop_the_search():
    rng = np.random.default_rng(10)
    odd = {
        "day": np.full(400, DAY.astype("datetime64[D]")),
        "took": np.full(400, np.timedelta64(3, "h")),
        "list": np.array([[i] for i in range(400)] + [None], dtype=object)[:400],
    }
    missing = {
        "gone": np.full(400, np.nan),
        "none": np.full(400, None),
        "never": np.full(400, np.datetime64("NaT", "us")),
    }
    table, late = planted(rng, 400, odd | missing)
    found = who_is_late(table, late)
    assert clauses(found) == [("zone = v0",)]
    assert found.left_out == ("day", "took", "list")
    seen = np.where(late, np.datetime64("NaT"), DAY + np.timedelta64(1, "h"))
    looked = late_rules(table, seen, np.full(400, DAY), DAY + np.timedelta64(9, "D"), due_h=30.0)
    assert (clauses(looked), looked.left_out) == (clauses(found), found.left_out)
    nothing = who_is_late(odd, late)
    assert (nothing.rules, nothing.late, nothing.left_out) == ((), late.sum(), tuple(odd))


def test_columns_of_another_sort_than_in_the_coding_do_not_stop_the_search():
    rng = np.random.default_rng(11)
    table, late = planted(rng, 400, {"fare": rng.normal(size=400)})
    changed = table | {"fare": np.full(400, "free", dtype=object)}
    found = who_is_late(changed, late, coding=Coding.fit(table))
    assert clauses(found) == [("zone = v0",)]
    assert found.left_out == ("fare",)
