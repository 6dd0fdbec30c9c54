"""One error probability for a whole life, spent look by look."""

from __future__ import annotations

import math

from upkeep.errors import InputError


def spend(alpha: float, look: int) -> float:
    """The part of a lifelong error probability that look number `look` may use.

    Parameters
    ----------
    alpha : float
        Chance of ever being wrong, over all looks together.
    look : int
        1 for the first look.

    Returns
    -------
    float
        6 alpha / (pi^2 look^2). These add up to alpha over all looks, as the sum of 1/k^2 is pi^2/6; so by the union
        bound the promise holds however the looks depend on each other, and at whichever one we stop.

    Examples
    --------
    >>> round(spend(0.05, 1), 6), round(sum(spend(0.05, k) for k in range(1, 20_000)), 4)
    (0.030396, 0.05)
    """
    if not 0 < alpha < 1:
        raise InputError(
            f"alpha must lie strictly between 0 and 1, got {alpha}. It is the chance of being wrong: for 95 % pass 0.05."
        )
    if look < 1:
        raise InputError(f"looks are counted from 1, got {look}.")
    return 6 * alpha / (math.pi * look) ** 2
