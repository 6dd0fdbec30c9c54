"""Which drift is a sign of a broken source, and not of a new world."""

from __future__ import annotations

from upkeep.core.retrain.decision import DecisionPolicy


def is_damage(
    column: str,
    distance: str,
    before: float | None,
    after: float | None,
    low: float,
    *,
    policy: DecisionPolicy,
    scale: float | None = None,
) -> bool:
    """Whether a column that drifted looks broken: values lost or unknown, most of it moved at once, or out of scale.

    Parameters
    ----------
    column, distance : str
    before, after : float or None
        Shares, of the distances that compare one.
    low : float
        What the distance certainly is.
    policy : DecisionPolicy
    scale : float, optional
        The column's standard deviation now, in those of the reference.

    Examples
    --------
    >>> is_damage("meter", "null_rate", 0.0, 0.3, 0.25, policy=DecisionPolicy())
    True
    >>> is_damage("meter", "ks", None, None, 0.25, policy=DecisionPolicy())
    False
    """
    if column in policy.accepted:
        return False
    if distance in ("null_rate", "new_categories"):
        return (after or 0.0) > (before or 0.0) and low >= policy.max_lost
    return low >= policy.max_jump or (scale or 0.0) >= policy.max_scale
