"""Ways in which a holdout set can know what it should not: shared rows, the future, a feature that is the label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from upkeep.core.checks.finding import Finding
from upkeep.core.columns import Columns, missing
from upkeep.errors import InputError

PERFECT_AUC = 0.999  # what a copy of the label reaches; real features of noisy outcomes do not
SUSPICIOUS_AUC = 0.98
MIN_PER_CLASS = 30  # below, an unrelated feature ranks all rows right too often to accuse it


def find_leakage(
    train: Columns,
    holdout: Columns,
    *,
    train_label: NDArray[np.int64],
    holdout_label: NDArray[np.int64],
    time: str,
    features: Sequence[str],
) -> list[Finding]:
    """Every sign that the holdout's accuracy will be better than the model.

    Parameters
    ----------
    train, holdout : mapping of str to ndarray, shapes (n,) and (m,)
        With `row_id`, the time column and the features.
    train_label, holdout_label : ndarray of int64, shapes (n,) and (m,)
        0 or 1.
    time : str
        The column the two were split by.
    features : sequence of str
        Number or text columns the model sees.

    Returns
    -------
    list of Finding
        Empty when nothing is wrong: rows in both parts, training rows that are not older than every holdout
        row, and features that alone predict the label (see `single_feature_auc`).
    """
    found = [*_shared_rows(train, holdout), *_order(train[time], holdout[time])]
    for name in features:
        auc = single_feature_auc(train[name], train_label, holdout[name], holdout_label)
        if auc > SUSPICIOUS_AUC:
            found.append(_predicts_alone(name, auc))
    return found


def _shared_rows(train: Columns, holdout: Columns) -> list[Finding]:
    shared = np.intersect1d(train["row_id"], holdout["row_id"])
    if not len(shared):
        return []
    message = (
        f"training and holdout must have no row in common, but share {len(shared)}, the first with row_id {shared[0]}. "
        "Remove the duplicates, or widen the key of the schema."
    )
    return [Finding(check="shared_rows", severity="error", column="row_id", message=message)]


def _order(train: NDArray[Any], holdout: NDArray[Any]) -> list[Finding]:
    if not len(train) or not len(holdout) or train.max() < holdout.min():
        return []
    message = (
        f"every training row must be older than every holdout row, but training goes up to {train.max()} and the "
        f"holdout starts at {holdout.min()}. Split by time."
    )
    return [Finding(check="temporal_order", severity="error", column="", message=message)]


def _predicts_alone(name: str, auc: float) -> Finding:
    message = (
        f"no feature should hold the label, but {name!r} alone ranks the rows with AUC {auc:.4f}. "
        "See whether it is known before the label is; if not, take it out of the features."
    )
    severity: Any = "error" if auc > PERFECT_AUC else "warn"
    return Finding(check="single_feature", severity=severity, column=name, message=message)


def single_feature_auc(
    train: NDArray[Any], train_label: NDArray[np.int64], holdout: NDArray[Any], holdout_label: NDArray[np.int64]
) -> float:
    """How well one feature alone ranks the holdout's labels, in [0.5, 1]; 0.5 with fewer than 30 rows of a class.

    Notes
    -----
    Text is scored by the label's mean per value in the training part, so that a value seen once proves nothing;
    values new in the holdout get the overall mean. Missing numbers rank lowest: "missing when the label is 0" is a leak too.

    Examples
    --------
    >>> label = np.tile([0, 1], 50)
    >>> single_feature_auc(label * 2.0, label, label * 2.0, label)
    1.0
    """
    if min(np.bincount(holdout_label, minlength=2)[:2]) < MIN_PER_CLASS or not len(train):
        return 0.5
    if train.dtype.kind in "OU":
        values, codes = np.unique(_text(train), return_inverse=True)
        means = np.bincount(codes, weights=train_label) / np.bincount(codes)
        place = np.minimum(np.searchsorted(values, _text(holdout)), len(values) - 1)
        score = np.where(values[place] == _text(holdout), means[place], train_label.mean())
    else:
        score = np.where(missing(holdout), -np.inf, holdout.astype(np.float64))
    area = rank_auc(score, holdout_label)
    return max(area, 1.0 - area)


def _text(values: NDArray[Any]) -> NDArray[np.str_]:
    return np.asarray(["\0missing" if value is None else str(value) for value in values], dtype=np.str_)


def rank_auc(score: NDArray[np.float64], label: NDArray[np.int64]) -> float:
    """Area under the ROC curve from the rank sum, ties counted half (Mann-Whitney).

    Examples
    --------
    >>> rank_auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    0.75
    """
    positives = int(label.sum())
    negatives = len(label) - positives
    if not positives or not negatives:
        raise InputError(f"ROC AUC needs rows of both classes, got {positives} of class 1 and {negatives} of class 0.")
    ranks = rankdata(score)
    return float((ranks[label == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))
