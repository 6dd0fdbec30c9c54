"""How well live rows are told from reference rows that nothing was learned from, with an interval for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from upkeep.core.drift.spending import spend
from upkeep.errors import InputError

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchScore:
    """Test-then-train figures of one batch: its live rows, scored before they were learned from, against judges."""

    rows: int
    judges: int
    auc: float
    log_loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnShare:
    """What one column adds to the distance of the mean log-odds of live and of reference rows, and its share of all."""

    column: str
    separation: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AdversaryReport:
    """Whether the live rows of a window can be told from the reference.

    Attributes
    ----------
    auc, low, high : float
        Share of (live, reference) pairs in which the live row looks more like live; its interval at this look.
    band : tuple of float
        Where `auc` stays for life, with probability 1 - alpha, if live rows are like the reference.
    log_loss : float
        Mean of both kinds of rows, nats; log 2 = 0.693 is what guessing gives.
    tolerance : float
        An AUC up to one half and this is nobody's concern.
    drifted : bool
        `low` lies above one half and the tolerance.
    columns : tuple of ColumnShare
        Those that tell the two apart most, first.
    batches : tuple of BatchScore
        In the order of arrival.
    """

    auc: float
    low: float
    high: float
    band: tuple[float, float]
    log_loss: float
    tolerance: float
    drifted: bool
    alpha: float
    look: int
    rows: int
    reference_rows: int
    columns: tuple[ColumnShare, ...]
    batches: tuple[BatchScore, ...]
    sentence: str
    assumption: str
    promise: str


def auc(live: Floats, reference: Floats) -> float:
    """Share of pairs in which the live score is the larger; ties count half.

    Examples
    --------
    >>> auc(np.array([0.9, 0.4]), np.array([0.1, 0.4, 0.6]))  # wins 3 + 1, ties 1 of 6
    0.75
    """
    ordered = np.sort(reference)
    queries = np.sort(live)  # sorted queries are found faster
    below = ordered.searchsorted(queries, side="left").sum() + ordered.searchsorted(queries, side="right").sum()
    return float(below) / (2 * len(live) * len(reference))


def score(live: Floats, reference: Floats) -> BatchScore:
    """Figures of one batch from the log-odds of its live rows and of the judges."""
    loss = np.logaddexp(0, -live).mean() + np.logaddexp(0, reference).mean()
    return BatchScore(rows=len(live), judges=len(reference), auc=auc(live, reference), log_loss=float(loss) / 2)


def radius(batches: Sequence[BatchScore], judges: int, alpha: float) -> float:
    """What the mean AUC of batches exceeds its expectation by with probability at most `alpha`.

    Parameters
    ----------
    batches : sequence of BatchScore
        The mean has their live rows as weights.
    judges : int
        Reference rows that are never learned from, and are asked in turns.
    alpha : float

    Notes
    -----
    The AUC of n live rows and k <= n judges is an average over ways to pair them off, so given the classifier it is
    sub-Gaussian with variance 1/(4k) (Hoeffding 1963, section 5). The classifier of a batch is fixed by what came before
    it and never by a judge, so batches in which no judge appears twice add up like a martingale (Azuma): for k = n,
    sqrt(log(1/alpha)/(2N)) with N rows in all. When the judges come round again, the errors of the rounds may go
    together, and standard deviations are added instead of variances: with all judges in each round, N is their number.

    Examples
    --------
    >>> two = [BatchScore(rows=50, judges=50, auc=0.5, log_loss=0.69)] * 2
    >>> round(radius(two, 100, 0.05), 4), round(radius(two * 2, 100, 0.05), 4)
    (0.1224, 0.1224)
    """
    asked, variances = 0, [0.0]
    for batch in batches:
        asked += batch.judges
        if asked > judges:
            asked = batch.judges
            variances.append(0.0)
        variances[-1] += batch.rows**2 / min(batch.rows, batch.judges)
    rows = sum(batch.rows for batch in batches)
    return math.sqrt(math.log(1 / alpha) / 2) * sum(map(math.sqrt, variances)) / rows


def judge(
    batches: tuple[BatchScore, ...],
    judges: int,
    columns: tuple[ColumnShare, ...],
    *,
    alpha: float,
    look: int,
    tolerance: float,
) -> AdversaryReport:
    """The verdict on the batches of a window, for look number `look` of the life; see `Adversary.report`."""
    if not batches:
        raise InputError("a window must have live rows before it can be judged; call update with some first.")
    if not 0 <= tolerance < 0.5:
        raise InputError(f"tolerance must lie in [0, 0.5): it is added to an AUC of one half; got {tolerance}.")
    rows = [batch.rows for batch in batches]
    off = radius(batches, judges, spend(alpha, look) / 2)
    found = float(np.average([batch.auc for batch in batches], weights=rows))
    low, high = max(0.0, found - off), min(1.0, found + off)
    drifted = low > 0.5 + tolerance
    return AdversaryReport(
        auc=found,
        low=low,
        high=high,
        band=(max(0.0, 0.5 - off), min(1.0, 0.5 + off)),
        log_loss=float(np.average([batch.log_loss for batch in batches], weights=rows)),
        tolerance=tolerance,
        drifted=drifted,
        alpha=alpha,
        look=look,
        rows=sum(rows),
        reference_rows=judges,
        columns=columns,
        batches=batches,
        sentence=_sentence(found, low, tolerance, drifted, columns),
        assumption=(
            "Rows are independent within the reference and within each batch given those before, the reference sample is "
            "a fair one once weighted, and where a window ends does not depend on its scores."
        ),
        promise=(
            f"If live rows are like the reference, the chance that the AUC ever leaves its band is at most {alpha:g} over "
            f"all windows of the life; and at most {alpha / 2:g} that drift is ever called where the true AUC is within "
            f"{0.5 + tolerance:g}."
        ),
    )


def _sentence(found: float, low: float, tolerance: float, drifted: bool, columns: tuple[ColumnShare, ...]) -> str:
    told = f"A live row looks more like live than a reference row does in {found:.1%} of pairs"
    if not drifted:
        return f"{told}; more than {low:.1%} is certain, and {0.5 + tolerance:.1%} is tolerated."
    names = [c.column for c in columns if c.share >= 0.1][:3] or [columns[0].column]
    most = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return (
        f"{told}, certainly in more than {low:.1%}: beyond the {0.5 + tolerance:.1%} that is tolerated. "
        f"Most of the difference lies in {most}."
    )
