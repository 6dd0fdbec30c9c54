"""TableSchema: what a batch may spell otherwise, lack or bring; difference: every deviation by name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.schema import KINDS, TableSchema, blank, difference
from upkeep.errors import InputError

RECORD = {
    "time": "pickup_datetime",
    "key": ["vendor_id", "pickup_datetime"],
    "columns": {
        "vendor_id": "integer",
        "pickup_datetime": "datetime",
        "fare": "number",
        "flag": "text",
        "fee": "number",
    },
    "optional": ["fee"],
    "aliases": {"VendorID": "vendor_id", "tpep_pickup_datetime": "pickup_datetime"},
}
WHOLE = {"vendor_id": "integer", "pickup_datetime": "datetime", "fare": "number", "flag": "text"}


def _schema(**changes):
    return TableSchema.from_json(RECORD | changes)


def test_a_batch_as_declared_has_no_difference_and_says_nothing():
    found = difference(_schema(), WHOLE)
    assert not found
    assert found.sentence == ""


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"tip": "number"}, "column 'tip' was added"),
        ({"fare": "text"}, "column 'fare' is text where number is declared"),
        ({"vendor_id": "number"}, "column 'vendor_id' is number where integer is declared"),
        ({"pickup_datetime": "text"}, "column 'pickup_datetime' is text where datetime is declared"),
    ],
)
def test_names_every_difference(change, sentence):
    assert difference(_schema(), WHOLE | change).sentence == sentence


def test_names_a_removed_column_unless_it_is_optional():
    came = {name: kind for name, kind in WHOLE.items() if name != "flag"}
    assert difference(_schema(), came).removed == ("flag",)


@pytest.mark.parametrize("change", [{"fare": "integer"}, {"fare": "null"}, {"flag": "integer"}, {"fee": "null"}])
def test_widenings_that_lose_no_value_are_not_changes(change):
    assert not difference(_schema(), WHOLE | change)


@pytest.mark.parametrize(
    ("declared", "came"),
    [
        ({"change": "added", "column": "tip"}, WHOLE | {"tip": "number"}),
        ({"change": "retyped", "column": "fare"}, WHOLE | {"fare": "text"}),
        ({"change": "removed", "column": "flag"}, {n: k for n, k in WHOLE.items() if n != "flag"}),
    ],
)
def test_a_declared_change_is_let_through_and_only_that_one(declared, came):
    schema = _schema(declared=[declared])
    assert difference(schema, came)
    assert not difference(schema, came).undeclared(schema)
    other = difference(schema, came | {"surprise": "text"}).undeclared(schema)
    assert other.sentence == "column 'surprise' was added"


@given(st.dictionaries(st.sampled_from([*WHOLE, "fee", "x", "y"]), st.sampled_from([*KINDS, "null"])))
def test_every_column_of_either_side_is_accounted_for_at_most_once(came):
    schema = _schema()
    found = difference(schema, came)
    named = [*found.added, *found.removed, *(name for name, _, _ in found.retyped)]
    assert len(named) == len(set(named))
    assert set(found.added) == set(came) - set(schema.columns)
    assert set(found.removed) == set(schema.columns) - set(came) - {"fee"}
    assert all(declared != kind and kind != "null" for _, declared, kind in found.retyped)


def test_both_spellings_lead_to_one_name_and_never_both_at_once():
    schema = _schema()
    assert schema.names(["VendorID", "fare"]) == {"VendorID": "vendor_id", "fare": "fare"}
    with pytest.raises(InputError, match="'vendor_id' once, got it as 'VendorID' and as 'vendor_id'"):
        schema.names(["VendorID", "vendor_id"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "missing: none; unknown: colour"),
        ({"columns": {"t": "date"}}, "schema.columns must map names to .* got {'t': 'date'}"),
        ({"columns": {}}, "got no column"),
        ({"time": "fare"}, "schema.time must name a datetime column .* got 'fare'"),
        ({"key": []}, r"schema.key must name columns of schema.columns, got \[''\]"),
        ({"key": ["gone"]}, r"schema.key must name columns of schema.columns, got \['gone'\]"),
        ({"optional": ["vendor_id"]}, r"schema.optional must name .* other than time and key, got \['vendor_id'\]"),
        ({"aliases": {"Fare": "fair"}}, r"schema.aliases must name columns of schema.columns, got \['fair'\]"),
        ({"aliases": {"fare": "flag"}}, r"must not be a column of the schema already, got \['fare'\]"),
        ({"declared": [{"change": "renamed", "column": "fare"}]}, "one of added, removed, retyped"),
        ({"declared": [{"change": "removed", "column": "gone"}]}, r"schema.declared must name .* got \['gone'\]"),
        ({"declared": [{"change": "removed", "column": "vendor_id"}]}, "other than time and key"),
        ({"declared": [{"change": "added", "column": "fare"}]}, "must not be a column of the schema already"),
    ],
)
def test_says_which_part_of_a_schema_is_wrong(change, message):
    with pytest.raises(InputError, match=message):
        _schema(**change)


def test_says_which_keys_are_missing():
    with pytest.raises(InputError, match="missing: columns, key; unknown: none"):
        TableSchema.from_json({"time": "t"})


@pytest.mark.parametrize("kind", KINDS)
def test_a_blank_column_has_rows_and_no_value(kind):
    from upkeep.core.columns import missing

    assert missing(blank(kind, 3)).tolist() == [True] * 3
    assert blank("datetime", 1).dtype == np.dtype("datetime64[us]")
