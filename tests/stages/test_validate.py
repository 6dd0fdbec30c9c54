"""validate: every row ends up accepted or in quarantine with its reasons, whatever is killed, repeated or corrected."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from upkeep.adapters.json_documents import JsonDocuments
from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.errors import GateClosed, InputError
from upkeep.ports import CheckResult
from upkeep.stages.validate import validate
from upkeep.stages.validation_result import ValidationResult

N = 10
TABLE = {
    "row_id": np.arange(100, 100 + N),
    "t": np.array([f"2019-01-0{1 + n % 2}" for n in range(N)], dtype="datetime64[us]"),
    "fare": np.linspace(0, 1, N),
}
SUITE = {"name": "taxi.raw", "expectations": [{"type": "between"}]}


def _check(*rows, severity="warn", success=False, crashed=False, message="", expectation="between"):
    return CheckResult(
        expectation=expectation,
        column="fare",
        severity=severity,
        success=success,
        crashed=crashed,
        rows=np.array(rows, dtype=np.int64),
        observed=f"{len(rows)} of {N} rows fail",
        message=message,
    )


class _Says:
    """A validator with fixed answers."""

    def __init__(self, *checks):
        self.checks = list(checks)
        self.runs = 0

    def run(self, suite, table):
        self.runs += 1
        return self.checks


class _Stores:
    def __init__(self, root: Path):
        self.root = root
        self.datasets = ParquetDatasets(root / "data")
        self.documents = JsonDocuments(root / "records", root / "reports")

    def validate(self, validator, *, accepted="clean", suite=SUITE, **kwargs):
        return validate(
            validator,
            self.datasets,
            self.documents,
            dataset="taxi",
            batch="b1",
            table="raw",
            accepted=accepted,
            suite=suite,
            **kwargs,
        )

    def ids(self, table, batches=None):
        return self.datasets.read(f"taxi/{table}", batches=batches).get("row_id", np.array([], dtype=int)).tolist()

    def tree(self):
        files = (p for p in sorted(self.root.rglob("*")) if p.is_file() and p.name != ".lock")
        return {str(p.relative_to(self.root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def _stores(root):
    made = _Stores(root)
    made.datasets.write("taxi/raw", "b1", [TABLE], time="t")
    return made


@pytest.fixture
def stores(tmp_path):
    return _stores(tmp_path)


def test_all_rows_are_accepted_and_no_quarantine_is_written(stores):
    result = stores.validate(_Says(_check(success=True)))
    assert (result.verdict, result.rows, result.accepted, result.quarantined) == ("pass", N, N, 0)
    assert sorted(stores.ids("clean")) == sorted(TABLE["row_id"].tolist())
    assert stores.datasets.batches("taxi/quarantine") == []
    assert "all 10 rows hold" in result.sentence


def test_refused_rows_go_to_quarantine_with_their_reasons_and_every_row_is_somewhere(stores):
    result = stores.validate(_Says(_check(3, 4), _check(4, expectation="unique")))
    assert (result.verdict, result.accepted, result.quarantined, result.quarantine) == (
        "pass_with_quarantine",
        8,
        2,
        "b1-raw",
    )
    quarantine = stores.datasets.read("taxi/quarantine", batches=["b1-raw"])
    raw = stores.datasets.read("taxi/raw")
    assert dict(zip(quarantine["row_id"].tolist(), quarantine["reasons"].tolist(), strict=True)) == {
        raw["row_id"][3]: "between(fare)",
        raw["row_id"][4]: "between(fare); unique(fare)",
    }
    assert sorted(stores.ids("clean") + stores.ids("quarantine")) == sorted(TABLE["row_id"].tolist())


def test_nothing_is_accepted_on_fail_but_refused_rows_are_kept(stores):
    result = stores.validate(_Says(_check(0, severity="error", message="negative fares")))
    assert (result.verdict, result.accepted, result.quarantined) == ("fail", 0, 1)
    assert stores.ids("clean") == []
    assert len(stores.ids("quarantine")) == 1
    assert result.sentence == (
        "batch b1 of taxi/raw must satisfy suite 'taxi.raw', but between(fare) failed: negative fares. "
        "Look at validations/taxi/raw/b1.html and at taxi/quarantine, batch b1-raw."
    )


@pytest.mark.parametrize(("share", "verdict"), [(0.2, "fail"), (0.3, "pass_with_quarantine")])
def test_the_share_that_may_be_refused_is_an_argument(stores, share, verdict):
    assert stores.validate(_Says(_check(0, 1, 2)), max_quarantine_share=share).verdict == verdict


def test_rows_are_reported_only_where_no_table_accepts_them(stores):
    result = stores.validate(_Says(_check(1, 2)), accepted=None)
    assert (result.verdict, result.refused, result.accepted, result.quarantined) == ("pass", 2, 0, 0)
    assert stores.datasets.batches("taxi/quarantine") == []
    assert "2 of 10 rows were reported" in result.sentence


def test_the_record_and_the_page_are_stored_and_the_record_reads_back(stores):
    result = stores.validate(_Says(_check(3), _check(success=True)))
    record = stores.documents.get("validations", "taxi/raw/b1")
    assert ValidationResult.from_json(record) == result
    assert record["sentence"] == result.sentence
    assert record["checks"][0]["row_ids"] == [stores.datasets.read("taxi/raw")["row_id"][3]]
    assert result.page == "validations/taxi/raw/b1.html"
    assert "Passed, with rows in quarantine" in (stores.root / "reports" / result.page).read_text()


def test_run_again_it_gives_the_same_answer_and_changes_nothing(stores):
    validator = _Says(_check(3))
    first = stores.validate(validator)
    before = stores.tree()
    assert stores.validate(validator) == first
    assert stores.tree() == before
    assert validator.runs == 1


@pytest.mark.parametrize("severity", ["warn", "error"])
def test_killed_at_any_rename_and_run_again_it_gives_the_same_tree(tmp_path, monkeypatch, severity):
    validator = _Says(_check(0, 7, severity=severity))  # one row of either day
    whole = _stores(tmp_path / "whole")
    expected = whole.validate(validator)
    rename, renames = (
        os.replace,
        {"warn": 3 + 3 + 2, "error": 3 + 2}[severity],
    )  # two days and a manifest each; page, record
    for at in range(renames):
        stores = _stores(tmp_path / f"killed{at}")
        left = iter(range(at))

        def dies(source, target, left=left):
            if next(left, None) is None:
                raise KeyboardInterrupt
            rename(source, target)

        monkeypatch.setattr(os, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            stores.validate(validator)
        monkeypatch.setattr(os, "replace", rename)
        assert stores.documents.get("validations", "taxi/raw/b1") is None
        assert stores.validate(validator) == expected
        assert stores.tree() == whole.tree()


def test_a_corrected_suite_can_pass_what_an_earlier_one_failed_and_both_quarantines_are_kept(stores):
    assert stores.validate(_Says(_check(0, severity="error"))).verdict == "fail"
    corrected = SUITE | {"notes": "the bound was wrong"}
    result = stores.validate(_Says(_check(1)), suite=corrected)
    assert (result.verdict, result.accepted, result.quarantined) == ("pass_with_quarantine", 9, 1)
    assert result.quarantine == f"b1-raw-{result.suite_digest[:8]}"
    assert sorted(stores.ids("clean") + stores.ids("quarantine", [result.quarantine])) == sorted(
        TABLE["row_id"].tolist()
    )
    assert len(stores.ids("quarantine", ["b1-raw"])) == 1


def test_an_accepted_batch_stays_accepted_under_another_suite(stores):
    first = stores.validate(_Says(_check(3)))
    stricter = _Says(_check(0, severity="error"))
    assert stores.validate(stricter, suite=SUITE | {"name": "stricter"}) == first
    assert stricter.runs == 0


def test_a_batch_half_accepted_by_another_suite_asks_for_that_suite(stores, monkeypatch):
    def dies(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(stores.documents, "put_text", dies)
    with pytest.raises(KeyboardInterrupt):
        stores.validate(_Says(_check(3)))
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"accepted by another suite .* with suite 'taxi\.raw' as it was"):
        stores.validate(_Says(_check(4)), suite=SUITE | {"name": "other"})


def test_a_batch_that_is_not_there_or_has_no_rows_is_refused(stores):
    stores.datasets.write("taxi/empty", "b1", [], time="t")
    about = {"dataset": "taxi", "batch": "b1", "accepted": None, "suite": SUITE}
    with pytest.raises(InputError, match="dataset taxi/gone must hold batch 'b1'"):
        validate(_Says(), stores.datasets, stores.documents, table="gone", **about)
    with pytest.raises(GateClosed, match="batch b1 of taxi/empty must have rows, but has none"):
        validate(_Says(), stores.datasets, stores.documents, table="empty", **about)


def test_rows_that_an_earlier_batch_has_brought_are_not_counted_twice(stores):
    assert stores.validate(_Says(_check(success=True))).verdict == "pass"
    one_known = TABLE | {"row_id": np.where(np.arange(N) < 1, TABLE["row_id"], TABLE["row_id"] + 1000)}
    stores.datasets.write("taxi/raw", "b2", [one_known], time="t")
    stores.datasets.write("taxi/raw", "b3", [TABLE | {"fare": TABLE["fare"] + 1}], time="t")

    def verdict(batch):
        return validate(
            _Says(_check(success=True)),
            stores.datasets,
            stores.documents,
            dataset="taxi",
            batch=batch,
            table="raw",
            accepted="clean",
            suite=SUITE,
        )

    second, corrected = verdict("b2"), verdict("b3")
    assert (second.verdict, second.quarantined, second.accepted) == ("pass_with_quarantine", 1, N - 1)
    assert corrected.verdict == "fail"
    assert "10 of 10 rows are refused" in corrected.sentence
    assert "expect_rows_not_to_be_in_another_batch(row_id)" in corrected.sentence
    # The batch that brought them is refused at a later point: now its correction is wanted.
    stores.documents.put("validations", "taxi/clean/b1", {"verdict": "fail"})
    assert verdict("b3").accepted == N
