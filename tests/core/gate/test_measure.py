"""Measured conditions against sums over rows, one at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upkeep.core.gate.condition import Variable, expand, parse
from upkeep.core.gate.measure import Predictions, TestRows, measure, unlabelled
from upkeep.core.gate.verdict import evaluate
from upkeep.errors import InputError

LOSSES = {"hinge": lambda label, score: np.abs(label - score) ** 3}


@st.composite
def worlds(draw, classes=2, pending=True):
    count = draw(st.integers(1, 25))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    missing = (
        rng.random(count) < draw(st.sampled_from([0.0, 0.3, 0.9, 1.0])) if pending else np.zeros(count, dtype=bool)
    )
    new, old = (Predictions(predicted=rng.integers(0, classes, count), scores=rng.random(count)) for _ in "no")
    return TestRows(
        label=np.where(missing, np.nan, rng.integers(0, classes, count)),
        new=new,
        old=old,
        columns={"borough": rng.choice(np.array(["Bronx", "Queens", None], dtype=object), count)},
        losses=LOSSES,
    )


def in_words(metric, model, rows, keep):
    """The metric's textbook formula on the labelled rows of a slice, None for 0/0."""
    predictions = {"n": rows.new, "o": rows.old}[model]
    triples = [
        (label, said, score)
        for label, said, score, kept in zip(rows.label, predictions.predicted, predictions.scores, keep, strict=True)
        if kept and not np.isnan(label)
    ]
    right = sum(label == said for label, said, _ in triples)
    tp = sum(label == 1 and said == 1 for label, said, _ in triples)
    fp = sum(label == 0 and said == 1 for label, said, _ in triples)
    fn = sum(label == 1 and said == 0 for label, said, _ in triples)
    tn = len(triples) - tp - fp - fn
    top, bottom = {
        "accuracy": (right, len(triples)),
        "recall": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "precision": (tp, tp + fp),
        "f1": (2 * tp, 2 * tp + fp + fn),
        "brier": (sum((score - label) ** 2 for label, _, score in triples), len(triples)),
        "hinge": (sum(abs(score - label) ** 3 for label, _, score in triples), len(triples)),
    }[metric]
    return top / bottom if bottom else None


def one(text, rows):
    (estimate,) = measure(parse(text, LOSSES), rows)
    return estimate


METRICS = ["accuracy", "recall", "specificity", "precision", "f1", "brier", "hinge"]


@pytest.mark.parametrize("metric", METRICS)
@given(rows=worlds(), model=st.sampled_from("no"), sliced=st.booleans())
def test_each_metric_is_its_textbook_formula_on_the_labelled_rows(metric, rows, model, sliced):
    where = "[borough = Queens]" if sliced else ""
    keep = rows.columns["borough"] == "Queens" if sliced else np.ones(len(rows), dtype=bool)
    said = one(f"{model}.{metric}{where} > 0 +/- 0.1", rows)
    wanted = in_words(metric, model, rows, keep)
    assert (said.estimate is None) == (wanted is None) == bool(said.reason)
    if wanted is not None:
        assert said.estimate == pytest.approx(wanted, abs=1e-12)
        assert said.values == {said.clause.variables[0]: pytest.approx(wanted, abs=1e-12)}


@pytest.mark.parametrize("metric", METRICS)
@given(rows=worlds(pending=False))
def test_with_every_label_the_difference_is_that_of_the_two_estimates(metric, rows):
    said = one(f"n.{metric} - 0.5*o.{metric} > 0 +/- 0.1", rows)
    n, o = (in_words(metric, model, rows, np.ones(len(rows), dtype=bool)) for model in "no")
    assert said.lacking == 0
    assert (said.estimate is None) == (n is None or o is None)
    if said.estimate is not None:
        assert said.estimate == pytest.approx(n - 0.5 * o, abs=1e-12)


@pytest.mark.parametrize("metric", ["recall", "specificity", "brier", "hinge"])
@given(rows=worlds())
def test_models_that_predict_the_same_still_need_labels_where_the_metric_asks_for_more(metric, rows):
    """For recall the label says which rows count; a Brier score tells scores apart that predict the same."""
    text = f"n.{metric} - o.{metric} > 0 +/- 0.1"
    said = one(text, rows)
    n, o = (in_words(metric, model, rows, np.ones(len(rows), dtype=bool)) for model in "no")
    assert (unlabelled(said.clause, rows) == ~rows.labelled).all()
    assert said.estimate == (None if n is None else pytest.approx(n - o, abs=1e-12))


@given(worlds(classes=4, pending=False), st.data())
def test_where_the_models_agree_no_label_is_needed_in_however_many_classes(rows, data):
    full = one("n - o > 0 +/- 0.1", rows)
    agree = rows.new.predicted == rows.old.predicted
    # The labels that are not needed are dropped, or wrong.
    spoilt = np.where(agree, data.draw(st.sampled_from([np.nan, 0.0, 3.0])), rows.label)
    few = TestRows(label=spoilt, new=rows.new, old=rows.old)
    said = one("n - o > 0 +/- 0.1", few)
    right = (rows.new.predicted == rows.label).sum() - (rows.old.predicted == rows.label).sum()
    assert said.estimate == full.estimate == pytest.approx(right / len(rows))
    assert (said.rows, said.labelled, said.lacking) == (len(rows), len(rows), 0)
    assert said.discordant == said.discordant_labelled == (~agree).sum()


@given(worlds(classes=3))
def test_what_is_lacking_is_what_would_be_used(rows):
    for text in (
        "n - o > 0 +/- 0.1",
        "n > 0 +/- 0.1",
        "d > 0 +/- 0.1",
        "n - o + d > 0 +/- 0.1",
        "n[borough = Queens] - o > 0 +/- .1",
    ):
        (clause,) = parse(text).clauses
        lacks = unlabelled(clause, rows)
        said = one(text, rows)
        assert said.lacking == lacks.sum()
        assert not (lacks & rows.labelled).any()
        filled = TestRows(label=np.where(lacks, 1.0, rows.label), new=rows.new, old=rows.old, columns=rows.columns)
        assert not unlabelled(clause, filled).any()
        done = one(text, filled)
        assert done.lacking == 0
        assert done.labelled == done.rows == said.rows
        if clause.paired:
            assert said.labelled == said.rows - said.lacking


@given(worlds(classes=3), st.permutations(range(25)))
def test_the_order_of_rows_does_not_matter(rows, order):
    order = [row for row in order if row < len(rows)]
    moved = TestRows(
        label=rows.label[order],
        new=Predictions(predicted=rows.new.predicted[order]),
        old=Predictions(predicted=rows.old.predicted[order]),
    )
    before, after = one("n - o + 0.5*d > 0 +/- 0.1", rows), one("n - o + 0.5*d > 0 +/- 0.1", moved)
    assert (before.rows, before.labelled, before.reason) == (after.rows, after.labelled, after.reason)
    assert before.estimate == (None if after.estimate is None else pytest.approx(after.estimate))


@given(worlds(classes=3, pending=False))
def test_an_old_model_held_against_itself_differs_nowhere(rows):
    same = TestRows(label=np.full(len(rows), np.nan), new=rows.new, old=rows.new, losses=LOSSES)
    for text in (
        "d < 0.1 +/- 0.1",
        "n - o > 0 +/- 0.1",
        "n.brier - o.brier > 0 +/- 0.1",
        "n.hinge - o.hinge > 0 +/- .1",
    ):
        said = one(text, same)
        assert (said.estimate, said.lacking, said.labelled) == (0.0, 0, len(rows))


@given(worlds(classes=3))
def test_what_is_told_of_each_model_adds_up_to_the_estimate(rows):
    said = one("n - o > 0 +/- 0.1", rows)
    n, o = (said.values.get(Variable(model)) for model in "no")
    assert (n is None) == (o is None)
    if n is not None and said.estimate is not None:
        assert n - o == pytest.approx(said.estimate, abs=1e-12)


@given(worlds())
def test_the_worst_slice_is_each_slice_in_a_clause_of_its_own(rows):
    condition = expand(parse("n[worst borough] - o[worst borough] > -0.2 +/- 0.05"), {"borough": ["Bronx", "Queens"]})
    by_hand = parse(
        "n[borough = Bronx] - o[borough = Bronx] > -0.2 +/- 0.05 and "
        "n[borough = Queens] - o[borough = Queens] > -0.2 +/- 0.05"
    )
    assert condition == by_hand
    estimates = measure(condition, rows)
    for mode in ("fp-free", "fn-free", "investigate"):
        verdict = evaluate(condition, [each.estimate for each in estimates], mode)
        singles = [
            evaluate(type(condition)(clauses=(clause,)), [each.estimate], "fn-free")
            for clause, each in zip(condition.clauses, estimates, strict=True)
        ]
        if mode == "fn-free":
            assert verdict.passed == all(single.passed for single in singles)
        if mode == "fp-free":
            assert verdict.passed == all(single.truth == "true" for single in singles)


def test_labels_of_a_random_part_of_the_disagreement_stand_for_the_rest():
    new, old = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0]), np.zeros(10, dtype=int)
    label = np.array([1, 0, np.nan, np.nan, *[np.nan] * 6])  # of 4 rows that differ, 2 are labelled: +1 and -1
    rows = TestRows(label=label, new=Predictions(predicted=new), old=Predictions(predicted=old))
    said = one("n - o > 0 +/- 0.1", rows)
    assert (said.estimate, said.rows, said.labelled, said.lacking) == (0.0, 10, 8, 2)
    assert (said.discordant, said.discordant_labelled) == (4, 2)
    assert said.values == {}  # nothing is known of how often both are right
    rows = TestRows(label=np.where(label == 0, 1, label), new=rows.new, old=rows.old)
    assert one("n - o > 0 +/- 0.1", rows).estimate == pytest.approx(0.4)
    assert one("n > 0.5 +/- 0.1", rows).estimate == 1.0  # far off: these labels were not gathered at random


def test_random_labels_leave_the_estimates_unbiased():
    """Four rows, one with its label drawn at random: the mean over the draws is the estimate with all labels."""
    new, old, label = np.array([1, 1, 0, 2]), np.array([1, 0, 1, 1]), np.array([1.0, 1.0, 1.0, 0.0])
    whole = TestRows(label=label, new=Predictions(predicted=new), old=Predictions(predicted=old))
    for text, drawn in (("n - o > 0 +/- 0.1", [1, 2, 3]), ("n > 0 +/- 0.1", [0, 1, 2, 3])):
        estimates = []
        for row in drawn:
            only = np.where(np.arange(4) == row, label, np.nan)
            estimates.append(one(text, TestRows(label=only, new=whole.new, old=whole.old)).estimate)
        assert np.mean(estimates) == pytest.approx(one(text, whole).estimate)


@pytest.mark.parametrize(
    ("text", "label", "reason"),
    [
        ("n[borough = Brooklyn] > 0 +/- .1", [1, 0, 1], "the test set has no rows with borough = Brooklyn"),
        ("n > 0 +/- .1", [np.nan] * 3, "no label has come"),
        ("n - o > 0 +/- .1", [np.nan, 0, np.nan], "no label has come"),
        ("n.recall > 0 +/- .1", [0, 0, 0], "the test set has no rows with label = 1"),
        ("n.recall > 0 +/- .1", [0, np.nan, 0], "no label has come with label = 1"),
        (
            "n.precision[borough = Queens] > 0 +/- .1",
            [1, 1, 1],
            "the test set has no rows with n predicts 1, borough = Queens",
        ),
        ("n.f1[borough = Queens] > 0 +/- .1", [1, 0, 1], "the test set has no rows with label = 1 or n predicts 1"),
    ],
)
def test_what_cannot_be_measured_is_unknown_for_a_reason_and_passes_no_strict_gate(text, label, reason):
    rows = TestRows(
        label=np.array(label, dtype=float),
        new=Predictions(predicted=np.array([1, 0, 1])),
        old=Predictions(predicted=np.array([0, 0, 0])),
        columns={"borough": np.array(["Bronx", "Queens", "Bronx"], dtype=object)},
    )
    said = one(text, rows)
    assert said.estimate is None
    assert said.reason.startswith(reason)
    verdict = evaluate(parse(text), [said.estimate], "fp-free")
    assert (verdict.truth, verdict.passed) == ("unknown", False)


def test_rows_that_only_a_label_can_tell_are_asked_for():
    rows = TestRows(label=np.array([1, 0, np.nan, np.nan]), new=Predictions(predicted=np.array([1, 1, 1, 0])))
    told = {
        metric: (one(f"n.{metric} > 0 +/- .1", rows), unlabelled(parse(f"n.{metric} > 0 +/- .1").clauses[0], rows))
        for metric in ("recall", "specificity", "precision", "f1")
    }
    assert {metric: (said.rows, said.labelled) for metric, (said, _) in told.items()} == {
        "recall": (3, 1),
        "specificity": (3, 1),
        "precision": (3, 2),
        "f1": (4, 2),
    }
    assert told["precision"][1].tolist() == [False, False, True, False]
    assert told["recall"][1].tolist() == [False, False, True, True]


BINARY = {"predicted": np.array([0, 1])}


@pytest.mark.parametrize(
    ("text", "changes", "words"),
    [
        ("n - o > 0 +/- .1", {"old": None}, "o needs an old model"),
        ("d < 1 +/- .1", {"old": None}, "d needs an old model"),
        ("n.recall > 0 +/- .1", {"label": np.array([0, 2])}, r"n.recall needs each label to be 0 or 1, got 2 in row 1"),
        (
            "n.f1 > 0 +/- .1",
            {"new": Predictions(predicted=np.array([0, 3]))},
            "each prediction to be 0 or 1, got 3 in row 1",
        ),
        ("n > 0 +/- .1", {"label": np.array([0.0, 0.5])}, "whole numbers, got 0.5 in row 1"),
        ("n.brier > 0 +/- .1", {}, "needs the model's scores"),
        (
            "n.brier > 0 +/- .1",
            {"new": Predictions(**BINARY, scores=np.array([0.1, 1.5]))},
            r"score to lie in \[0, 1\], got 1.5",
        ),
        (
            "n.brier > 0 +/- .1",
            {"new": Predictions(**BINARY, scores=np.ones(2)), "label": np.array([0, 2])},
            "label to be 0 or 1",
        ),
        ("n.cost > 0 +/- .1", {}, "nobody gave. There are: accuracy"),
        ("n[zone = A] > 0 +/- .1", {}, "column 'zone', which the rows do not have. There are: hour"),
        ("n[worst hour] > 0 +/- .1", {}, "Expand the condition"),
    ],
)
def test_what_the_rows_cannot_tell_is_refused(text, changes, words):
    given_ = {
        "label": np.array([0, 1]),
        "new": Predictions(**BINARY),
        "old": Predictions(**BINARY),
        "columns": {"hour": np.array([1, 2])},
    }
    with pytest.raises(InputError, match=words):
        measure(parse(text, ["cost"]), TestRows(**given_ | changes))


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda label, score: score * 3, r"must lie in \[0, 1\], got 1.5 in row 1"),
        (lambda label, score: score * np.nan, "got nan in row 0"),
        (lambda label, score: score.mean(), r"shape \(2,\), got float64 of shape \(\)"),
        (lambda label, score: np.array(["a", "b"]), "got <U1"),
    ],
)
def test_a_loss_outside_its_range_is_refused(loss, words):
    new = Predictions(predicted=np.array([0, 1]), scores=np.array([0.2, 0.5]))
    with pytest.raises(InputError, match=words):
        measure(parse("n.cost < 1 +/- .1", ["cost"]), TestRows(label=np.array([0, 1]), new=new, losses={"cost": loss}))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Predictions(predicted=np.array([0.5, 1.0])), "whole numbers of shape"),
        (lambda: Predictions(**BINARY, scores=np.array([0.5])), "like predicted"),
        (lambda: Predictions(**BINARY, scores=np.array([0.5, np.nan])), "finite, got nan in row 1"),
        (lambda: TestRows(label=np.array([0, np.inf]), new=Predictions(**BINARY)), "label must be finite"),
        (lambda: TestRows(label=np.array([0]), new=Predictions(**BINARY)), "one length"),
        (
            lambda: TestRows(label=np.array([0, 1]), new=Predictions(**BINARY), columns={"a": np.ones(3)}),
            "must have 2 rows",
        ),
        (lambda: TestRows(label=np.array([0, 1]), new=Predictions(**BINARY), losses={"f1": max}), "metric's name"),
    ],
)
def test_rows_that_do_not_fit_together_are_refused(build, words):
    with pytest.raises(InputError, match=words):
        build()
