"""Slices of test rows: which columns and levels there are, and what is in none of them."""

import numpy as np
import pytest
from tests.gate_house import GateHouse

from upkeep.core.gate.condition import parse
from upkeep.core.gate.measure import Predictions, TestRows
from upkeep.core.gate.slices import in_slices, levels
from upkeep.errors import InputError
from upkeep.stages.gate_rows import Judged, ask, left_out, read_rows, sliced

COLUMNS = {
    "number": (np.array([2.0, np.nan, 0.5, 2.0, -0.0, 0.0, 2.0, np.nan]), ["0", "0.5", "2"]),
    "whole": (np.array([10, 9, 10, 9, 9, 9, 9, 9]), ["9", "10"]),
    "boolean": (np.array([True, False] * 4), ["false", "true"]),
    "boxed_boolean": (np.array([True, None] * 4, dtype=object), ["true"]),
    "boxed_number": (np.array([1, 2.5, None, 1.0] * 2, dtype=object), ["1", "2.5"]),
    "text": (np.array(["b", "a", None, "a"] * 2, dtype=object), ["a", "b"]),
    "fixed_text": (np.array(["b", "a", "true", "a"] * 2), ["a", "b", "true"]),
    "new_text": (np.array(["b", "a", "c", "a"] * 2, dtype=np.dtypes.StringDType()), ["a", "b", "c"]),
}


def judged(column, values):
    rows = len(values)
    new = Predictions(predicted=np.zeros(rows, np.int64), scores=np.zeros(rows))
    table = {column: values}
    return Judged(
        ids=np.arange(rows), rows=TestRows(label=np.zeros(rows), new=new, old=None, columns=table), table=table
    )


def slices(condition):
    return [clause.variables[0].slice for clause in condition.clauses]


def asked(column, text="n[worst {}] > 0.5 +/- 0.1"):
    return parse(text.format(column))


@pytest.mark.parametrize("column", COLUMNS)
def test_a_worst_slice_may_be_of_any_column_with_levels(column):
    values, expected = COLUMNS[column]
    rows = judged(column, values)
    found = sliced(asked(column), rows, 0.01)
    said = [str(where[0]).split(" = ")[1] for where in slices(found)]
    assert said == expected
    masks = in_slices(slices(found), rows.rows.columns, len(rows))
    assert len(masks) == len(levels(rows.rows.columns, column))
    assert all(mask.any() for mask in masks.values())


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("least", [0.13, 0.3, 0.6])
def test_the_slices_that_are_kept_are_those_with_the_least_share_of_all_rows(column, least):
    rows = judged(column, COLUMNS[column][0])
    every = sliced(asked(column), rows, 0.0)
    masks = in_slices(slices(every), rows.rows.columns, len(rows))
    large = [where for where, mask in masks.items() if mask.mean() >= least]
    if not large:
        with pytest.raises(InputError, match=r"1 to 100 slices of at least .* got 0"):
            sliced(asked(column), rows, least)
    else:
        assert slices(sliced(asked(column), rows, least)) == large


def test_a_column_of_very_many_numbers_is_refused_at_once():
    rows = judged("fare", np.arange(200_000) / 7)
    with pytest.raises(InputError, match=r"1 to 100 slices of at least 0\.0% of the rows, got 200000"):
        sliced(asked("fare"), rows, 0.0)


def test_what_is_in_no_slice_is_told():
    values = np.array(["a"] * 50 + ["b"] * 8 + ["c", "d"] + [None] * 40, dtype=object)
    rows = judged("city", values)
    assert left_out(asked("city"), rows, 0.05) == (
        "[worst city] leaves out 2 slices below 5.0% of the rows and the 40% of rows without a value"
    )
    assert left_out(asked("city"), rows, 0.01) == "[worst city] leaves out the 40% of rows without a value"
    full = judged("city", values[:59])
    assert left_out(asked("city"), full, 0.05) == "[worst city] leaves out 1 slice below 5.0% of the rows"
    assert left_out(asked("city"), full, 0.0) == ""
    assert left_out(parse("n > 0.5 +/- 0.1"), rows, 0.05) == ""
    assert left_out(asked("city"), full.only(slice(0)), 0.05) == ""


@pytest.mark.parametrize("column", ["row_id", "label", "observed_at", "county"])
@pytest.mark.parametrize("text", ["n[worst {}] > 0.6 +/- 0.1", "n[{} = 1] > 0.6 +/- 0.1"])
def test_slices_are_of_features_and_never_of_labels_or_single_rows(tmp_path, column, text):
    house = GateHouse.build(tmp_path)
    about = house.about(condition=text.format(column), first="n > 0.6 +/- 0.1")
    house.registry.set_alias("tips", "champion", "1")
    question = ask(about.tracker, about.policy, model="tips", challenger="2")
    rows = read_rows(about.datasets, about.tracker, about.policy, question, as_of="2024-03-01")
    assert {"row_id", "label", "observed_at"} <= set(rows.table)
    for part in (rows, rows.only(slice(100))):
        assert set(part.rows.columns) == {"at", "city", "distance", "fare"}
    with pytest.raises(InputError, match=f"about column '{column}'.*There are: at, city, distance, fare"):
        house.ask(condition=text.format(column))
    assert house.documents.names("ledger") == []
