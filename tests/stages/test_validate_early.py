"""A batch that is lost at first sight: the validator is not called, and the answer is that of the full run."""

from dataclasses import replace

import numpy as np
import pytest

from upkeep.adapters.gx_validator import GxValidator, load_quietly
from upkeep.adapters.json_documents import JsonDocuments
from upkeep.adapters.parquet_datasets import ParquetDatasets
from upkeep.core.checks.table_checks import table_checks
from upkeep.stages import validate as stage
from upkeep.stages.first_look import HISTORY
from upkeep.stages.validate import validate
from upkeep.stages.validation_result import ValidationResult

N = 10
ROWS = {
    "row_id": np.arange(N),
    "t": np.full(N, np.datetime64("2024-01-01", "us")),
    "fare": np.linspace(-1, 8, N),
}


def expect(kind, severity="critical", **kwargs):
    return {"type": f"expect_{kind}", "kwargs": kwargs, "severity": severity}


COLUMNS = expect("table_columns_to_match_set", column_set=["row_id", "t", "fare", "tip"])
MEAN = expect("column_mean_to_be_between", "warning", column="fare", min_value=0)
FARE = expect("column_values_to_be_between", "warning", column="fare", min_value=0)


class Spy(GxValidator):
    """Great Expectations itself, counting its calls."""

    def __init__(self):
        self.runs = 0

    def run(self, suite, table):
        self.runs += 1
        return super().run(suite, table)


class Stores:
    def __init__(self, root):
        self.datasets = ParquetDatasets(root / "data")
        self.documents = JsonDocuments(root / "records", root / "reports")
        self.spy = Spy()

    def validate(self, *expectations, accepted=None, batch="b1"):
        if self.datasets.find("taxi/raw", batch) is None:
            self.datasets.write("taxi/raw", batch, [ROWS], time="t")
        about = {"dataset": "taxi", "batch": batch, "table": "raw", "accepted": accepted}
        suite = {"name": "taxi.raw", "expectations": list(expectations)}
        return validate(self.spy, self.datasets, self.documents, suite=suite, **about)

    def quarantine(self):
        rows = self.datasets.read("taxi/quarantine")
        return dict(zip(rows["row_id"].tolist(), rows["reasons"].tolist(), strict=True)) if rows else {}


@pytest.fixture
def early(tmp_path):
    return Stores(tmp_path / "early")


@pytest.fixture
def full(tmp_path, monkeypatch):
    """The same stage without its first look."""
    made = Stores(tmp_path / "full")
    run = made.validate

    def without_first_look(*args, **kwargs):
        with monkeypatch.context() as patch:
            patch.setattr(stage, "first_look", lambda *_, **__: ([], ()))
            return run(*args, **kwargs)

    made.validate = without_first_look
    return made


def test_a_lost_batch_is_refused_without_the_validator_and_says_what_was_spared(early, full):
    suite = (FARE, COLUMNS, MEAN)
    quick, whole = early.validate(*suite), full.validate(*suite)
    assert (early.spy.runs, full.spy.runs) == (0, 1)
    assert quick.verdict == whole.verdict == "fail"
    assert quick.spared == ("expect_column_values_to_be_between(fare)", "expect_column_mean_to_be_between(fare)")
    assert [check.expectation for check in quick.checks] == ["expect_table_columns_to_match_set"]
    assert "missing ['tip'], unexpected []" in quick.sentence
    assert "(2 expectations were not looked at after that)" in quick.sentence
    stored = early.documents.get("validations", "taxi/raw/b1")
    assert ValidationResult.from_json(stored) == quick
    assert ValidationResult.from_json({k: v for k, v in stored.items() if k != "spared"}) == replace(quick, spared=())
    page = early.documents._reports / quick.page
    assert "Not looked at, since the batch fails anyway" in page.read_text()


@pytest.mark.parametrize("accepted", [None, "clean"])
@pytest.mark.parametrize(
    "suite",
    [
        (FARE, COLUMNS, MEAN),
        (COLUMNS, MEAN),
        (FARE, MEAN),
        (expect("column_values_to_not_be_null", column="fare"), FARE),
        (expect("column_values_to_be_between", column="tip", min_value=0), MEAN),
        (expect("column_values_to_be_between", column="fare", min_value=0), FARE),
    ],
)
def test_verdict_and_stored_rows_are_those_of_the_full_run(early, full, suite, accepted):
    quick, whole = (way.validate(*suite, accepted=accepted) for way in (early, full))
    assert quick.verdict == whole.verdict
    assert (quick.accepted, quick.quarantined) == (whole.accepted, whole.quarantined)
    assert early.quarantine() == full.quarantine()
    assert not quick.spared or quick.verdict == "fail"


def test_where_refused_rows_go_to_quarantine_all_their_reasons_are_found(early):
    result = early.validate(FARE, COLUMNS, MEAN, accepted="clean")
    assert (early.spy.runs, result.spared) == (1, ())
    assert early.quarantine() == {0: "expect_column_values_to_be_between(fare)"}


def test_the_order_is_learned_from_other_batches_and_a_repetition_finds_the_same(early):
    often = expect("column_values_to_be_between", column="fare", min_value=0)
    never = expect("table_row_count_to_be_between", min_value=N + 1)
    assert early.validate(often, never).checks[0].expectation == never["type"]  # the cheaper one first
    seen = [
        {"expectation": never["type"], "column": "", "success": True},
        {"expectation": often["type"], "column": "fare", "success": False},
    ]
    for at in range(48):
        early.documents.put("validations", f"taxi/raw/a{at}", {"verdict": "fail", "checks": seen})
    learned = early.validate(often, never)
    assert learned.checks[0].expectation == often["type"]
    assert early.validate(often, never) == learned  # its own record does not count
    assert early.spy.runs == 0


def test_what_failed_long_ago_no_longer_decides_on_the_order(early):
    costly = expect("column_values_to_be_between", column="fare", min_value=0)
    cheap = expect("table_row_count_to_be_between", min_value=N + 1)
    for at in range(60 + HISTORY):  # worth running first if all counted: 61/112 over 30 cells against 1/112 over one
        seen = [
            {"expectation": costly["type"], "column": "fare", "success": at >= 60},
            {"expectation": cheap["type"], "column": "", "success": True},
        ]
        early.documents.put("validations", f"taxi/raw/a{at:03}", {"verdict": "fail", "checks": seen})
    assert early.validate(costly, cheap).checks[0].expectation == cheap["type"]


def random_suite(rng):
    """Fatal expectations of every kind that a first look answers, on columns of every kind."""
    columns = [*TABLE, "gone"]
    for column in columns:
        for mostly in (1.0, 0.9, round(rng.random(), 2)):
            yield expect("column_values_to_not_be_null", column=column, mostly=mostly)
            low, high = sorted(np.round(rng.normal(0, 1.5, 2), 1).tolist())
            yield expect("column_values_to_be_between", column=column, min_value=low, max_value=high, mostly=mostly)
        yield expect("column_values_to_be_between", column=column, max_value=3)
        yield expect("column_values_to_be_unique", column=column)
        yield expect("column_to_exist", column=column)
        yield expect("column_values_to_match_regex", "info", column=column, regex=".")
        yield expect("column_mean_to_be_between", "warning", column=column, min_value=0)
        yield expect("column_pair_values_to_be_equal", "warning", column_A=column, column_B="whole")
        yield expect("compound_columns_to_be_unique", "info", column_list=["whole", column])
        yield expect("table_row_count_to_be_between", min_value=int(rng.integers(0, 60)))
        yield expect("table_row_count_to_be_between", max_value=int(rng.integers(0, 60)))
        named = rng.permutation(columns)[: rng.integers(1, len(columns))].tolist()
        yield expect("table_columns_to_match_set", column_set=named)
        yield expect("table_columns_to_match_set", column_set=named, exact_match=False)
    yield expect("table_columns_to_match_set", column_set=list(TABLE))


TABLE = {
    "whole": np.arange(30) % 29,
    "id": np.arange(30),
    "number": np.where(np.arange(30) % 10, np.linspace(-2, 2, 30), np.nan),
    "wild": np.array([np.inf, -np.inf, np.nan] * 10),
    "nothing": np.full(30, np.nan),
    "flag": np.arange(30) % 2 == 0,
    "text": np.array(["a", None, "b"] * 10, dtype=object),
    "when": np.where(np.arange(30) % 5, np.datetime64("2024-01-01", "us"), np.datetime64("NaT")),
}


def assert_same(suite, checks, said):
    for check in checks:
        ours, theirs = check.run(), said[check.at]
        about = (check.name, suite[check.at])
        assert (ours.expectation, ours.column, ours.severity) == (
            theirs.expectation,
            theirs.column,
            theirs.severity,
        ), about
        assert (ours.success, ours.crashed) == (theirs.success, theirs.crashed), about
        assert ours.rows.tolist() == (theirs.rows.tolist() if not ours.success else []), about


def test_a_first_look_says_what_great_expectations_says():
    suite = list(random_suite(np.random.default_rng(4)))
    checks = table_checks(suite, TABLE)
    said = GxValidator().run({"name": "s", "expectations": suite}, TABLE)
    assert {check.expectation for check in checks} >= {
        f"expect_{kind}"
        for kind in (
            "column_values_to_not_be_null",
            "column_values_to_be_between",
            "column_values_to_be_unique",
            "column_to_exist",
            "table_row_count_to_be_between",
            "table_columns_to_match_set",
        )
    }
    assert_same(suite, checks, said)
    assert {(check.run().success, check.crashes) for check in checks} == {(True, False), (False, False), (False, True)}


BOUNDS = [
    None,
    -1,
    0,
    1,
    2,
    28,
    29,
    30,
    31,
    -0.5,
    4.5,
    29.5,
    30.0,
    0.1,
    1e300,
    np.inf,
    np.nan,
    2**53,
    2**53 + 1,
    -(2**53) - 1,
]
WIDE = TABLE | {
    "large": np.arange(30) + 2**53 - 15,
    "edge": np.arange(30) + 2**53 - 29,
    "negative": -(np.arange(30)) - 2**53 + 15,
    "narrow": (np.arange(30) - 15).astype(np.int8),
    "unsigned": np.arange(30).astype(np.uint64),
    "single": (np.arange(30) / 10).astype(np.float32),
}


def random_arguments(rng, size):
    """Arguments of every sort, usable or not, for the kinds that a first look answers."""

    def one_of(values):
        return values[rng.integers(len(values))]

    def some(arguments, chance):
        return {name: one_of(values) for name, values in arguments.items() if rng.random() < chance}

    limits = {"min_value": BOUNDS, "max_value": BOUNDS}
    strict = {"strict_min": [True, False, None], "strict_max": [True, False, None]}
    share = {"mostly": [None, 0, 0.5, 0.96, 0.97, 1, 1.0, 1.5, -0.5, True, "0.9"]}
    columns = [*WIDE, "gone"]
    for _ in range(size):
        yield expect("table_row_count_to_be_between", **some(limits, 0.7), **some(strict, 0.1))
        column = {"column": one_of([*columns, None, 3, "", ["id"]]) if rng.random() < 0.1 else one_of(columns)}
        between = some(limits, 0.7) | some(share, 0.4) | some(strict, 0.1)
        yield expect("column_values_to_be_between", **column, **between)
        yield expect("column_values_to_not_be_null", **column, **some(share, 0.6))
        yield expect("column_values_to_be_unique", **column, **some(share, 0.2))
        yield expect("column_to_exist", **column, **some({"column_index": [None, 0, 1]}, 0.2))
        named = one_of([list(WIDE), columns, ["id"], ["gone"], ["id", "id"], ["id", 3], [], None])
        yield expect(
            "table_columns_to_match_set", column_set=named, **some({"exact_match": [None, True, False, 0]}, 0.7)
        )


def refused(expectation):
    gx = load_quietly()
    from great_expectations.compatibility.pydantic import ValidationError

    try:
        gx.ExpectationSuite(name="s", expectations=[expectation])
    except (ValidationError, TypeError):
        return True
    return False


def test_whatever_the_arguments_the_first_look_says_the_same_or_leaves_them_to_great_expectations():
    drawn = list(random_arguments(np.random.default_rng(9), 60))
    usable = [expectation for expectation in drawn if not refused(expectation)]
    checks = table_checks(usable, WIDE)
    assert_same(usable, checks, GxValidator().run({"name": "s", "expectations": usable}, WIDE))
    assert 0.3 * len(usable) < len(checks) < 0.9 * len(usable)
    assert {(check.expectation, check.run().success) for check in checks if not check.crashes} == {
        (expectation["type"], success) for expectation in drawn[:6] for success in (True, False)
    }
    unusable = [expectation for expectation in drawn if refused(expectation)]
    assert len(unusable) > 40
    assert all(check.crashes for check in table_checks(unusable, WIDE))  # lost in any case: its column is not there
