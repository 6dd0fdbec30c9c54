"""Who is late in a window of the prediction log."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Table, row_count
from upkeep.core.feedback.late.coding import Coding
from upkeep.core.feedback.late.rules import LateRules, evidence_of, report
from upkeep.core.feedback.late.terms import Terms
from upkeep.errors import InputError


def late_rules(
    features: Table,
    observed_at: NDArray[np.datetime64],
    predicted_at: NDArray[np.datetime64],
    as_of: np.datetime64,
    *,
    due_h: float,
    terms: Terms | None = None,
    coding: Coding | None = None,
) -> LateRules:
    """Conjunctions of features whose labels stay out longer than those of the other rows.

    Parameters
    ----------
    features : mapping of str to ndarray or Coded, each shape (n,)
    observed_at : ndarray of datetime64, shape (n,)
        NaT = pending; so is what was observed after `as_of`.
    predicted_at : ndarray of datetime64, shape (n,)
    as_of : datetime64
        The moment of looking.
    due_h : float
        Hours by which a label is expected, such as the 95 % quantile of the reference's delays. Only rows at least that
        old are counted; those of them that are pending are late.
    terms : Terms, optional
        What a rule must be, and the error probability of this look.
    coding : Coding, optional
        What clauses there are; fitted on these rows by default. Columns that are no longer of the same sort are left out.

    Notes
    -----
    A row that is younger than `due_h` says nothing about lateness, in a group or outside. Among the older ones age can
    still differ between groups; if 95 % of labels come within `due_h`, it moves a share of late rows by at most 0.05,
    which is the tolerance.

    Examples
    --------
    >>> zone = np.repeat(np.array(["Bronx", "Kings"], dtype=object), 200)
    >>> made = np.full(400, np.datetime64("2024-01-01T00", "us"))
    >>> seen = np.where(np.arange(400) < 150, np.datetime64("NaT"), made + np.timedelta64(3, "h"))
    >>> late_rules({"zone": zone}, seen, made, np.datetime64("2024-01-03T00"), due_h=30.0).rules[0].sentence
    'zone = Bronx: of 200 rows 75% are still pending after 30 h, against 0% of the others; that explains 100% of the late rows.'
    """
    coding, codes = (coding or Coding.fit(features)).read(features)
    return late_rules_coded(coding, codes, observed_at, predicted_at, as_of, due_h=due_h, terms=terms)


def late_rules_coded(
    coding: Coding,
    codes: NDArray[np.uint8],
    observed_at: NDArray[np.datetime64],
    predicted_at: NDArray[np.datetime64],
    as_of: np.datetime64,
    *,
    due_h: float,
    terms: Terms | None = None,
) -> LateRules:
    """The same of features that were coded while they were read, shape (columns, n): a byte per value is all that is kept."""
    if not (np.isfinite(due_h) and due_h >= 0):
        raise InputError(
            f"due_h must be finite hours of at least 0, got {due_h}. Take a quantile that the delays reach."
        )
    rows = row_count({"observed_at": observed_at, "predicted_at": predicted_at})
    if codes.shape != (len(coding.sizes), rows):
        raise InputError(f"codes must have shape {(len(coding.sizes), rows)}, one row per column, got {codes.shape}.")
    due = np.flatnonzero((as_of - predicted_at) / np.timedelta64(1, "h") >= due_h)
    pending = np.isnat(observed_at) | (observed_at > as_of)
    held = codes if len(due) == rows else codes[:, due]
    wording = f"still pending after {due_h:.3g} h"
    return report(evidence_of(coding, held, pending[due]), terms or Terms(), wording)
