"""Whether a model is better on the rows it learned from than it can be on others."""

from __future__ import annotations

import math

from upkeep.core.checks.finding import Finding
from upkeep.errors import InputError


def find_overfitting(
    *,
    train_accuracy: float,
    holdout_accuracy: float,
    holdout_rows: int,
    tolerance: float,
    alpha: float = 0.05,
    sealed: bool = False,
) -> list[Finding]:
    """An error when the accuracy on new rows is surely more than `tolerance` below that on training rows.

    Parameters
    ----------
    train_accuracy, holdout_accuracy : float
        In [0, 1].
    holdout_rows : int
    tolerance : float
        Gap that is accepted, in [0, 1].
    alpha : float
        Probability of objecting to a model whose true gap is within the tolerance.
    sealed : bool
        Say nothing of the holdout but that its accuracy is too low.

    Notes
    -----
    The training accuracy is a fact about these rows; only the holdout's estimates something. By Hoeffding the
    accuracy on new rows is below ``holdout + sqrt(ln(1/alpha) / (2 m))`` with probability 1 - alpha, so a
    larger gap than tolerance plus that radius is no accident of a small holdout. Assumes that the holdout comes
    from the same population: after a drift the gap is drift as well.

    Examples
    --------
    >>> find_overfitting(train_accuracy=0.95, holdout_accuracy=0.80, holdout_rows=100, tolerance=0.1)
    []
    >>> find_overfitting(train_accuracy=1.0, holdout_accuracy=0.7, holdout_rows=1000, tolerance=0.1)[0].check
    'overfitting'
    """
    if holdout_rows < 1 or not 0.0 < alpha < 1.0:
        raise InputError(f"needs holdout_rows >= 1 and alpha in (0, 1), got {holdout_rows} and {alpha}.")
    radius = math.sqrt(math.log(1.0 / alpha) / (2.0 * holdout_rows))
    gap = train_accuracy - holdout_accuracy
    if gap <= tolerance + radius:
        return []
    found = (
        "is lower by more than that and chance; how much is sealed while the gate uses these rows"
        if sealed
        else f"is {holdout_accuracy:.3f} against {train_accuracy:.3f} "
        f"(gap {gap:.3f}, of which {radius:.3f} may be chance with {holdout_rows} rows)"
    )
    message = (
        f"accuracy on the holdout must be within {tolerance:.3f} of that on training rows, but {found}. "
        "Use a simpler model, stronger regularisation or more rows."
    )
    return [Finding(check="overfitting", severity="error", column="", message=message)]
