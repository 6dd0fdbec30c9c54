"""Tails of a sum of steps of +1, 0 and -1, exact to rounding however small they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Standard deviations of the tilted sum that the discrete transform spans, and over which its integrand is above rounding.
_PERIOD, _REACH = 18.0, 10.0
_CELLS = 1 << 20
#: Smallest probability of a step; and of a tilted tail, below which it is rounding (a sum of the other parity can be).
_TINY, _ROUNDING = 1e-200, 1e-14


def log_tail(draws: ArrayLike, total: ArrayLike, up: ArrayLike, down: ArrayLike) -> NDArray[np.float64]:
    """ln P(Z >= total), Z the sum of so many independent steps: +1 with probability `up`, -1 with `down`, else 0.

    With ``down = 0`` Z is binomial. All arguments broadcast.

    Parameters
    ----------
    draws, total : array_like of int
    up, down : array_like of float
        Not negative, at most 1 together.

    Returns
    -------
    ndarray of float
        0 instead where `total` is less than 0.05 standard deviations above the mean: an upper bound, all that is needed there.

    Notes
    -----
    The distribution is tilted until its mean is `total`, and the tail of the tilted one, a geometric series in the
    frequency domain, is summed by the trapezoid rule [1]_. The integrand is periodic and analytic, so the error falls
    exponentially in the number of points: what is left is rounding, near 1e-12 relative for 10^5 draws. Nothing
    underflows, since the tilt carries the size: tails of e^-3000 cost as little as tails of 0.1.

    References
    ----------
    .. [1] Abate & Whitt (1992). Numerical inversion of probability generating functions. Oper. Res. Lett. 12, 245-251.

    Examples
    --------
    >>> import math
    >>> round(math.exp(log_tail(3, 2, 0.5, 0.0)), 12)  # two or three heads of three
    0.5
    >>> float(log_tail(5_000, 4_000, 0.5, 0.0).round(3))
    -967.698
    """
    n, t, a, b = (np.asarray(x, np.float64) for x in np.broadcast_arrays(draws, total, up, down))
    shape = n.shape
    n, t, a, b = (x.ravel() for x in (n, t, a, b))
    # Towards more ups and fewer downs, where probabilities are too small to calculate with: an upper bound.
    a, b = np.where((a > 0.0) & (a < _TINY), _TINY, a), np.where(b < _TINY, 0.0, b)
    spread = np.sqrt(n * (a + b - (a - b) ** 2))
    tail = np.zeros(n.size)
    tail[t > n] = -np.inf
    every = (t == n) & (t > n * (a - b))
    with np.errstate(divide="ignore"):
        tail[every] = n[every] * np.log(a[every])
    inner = np.flatnonzero((t < n) & (t > n * (a - b) + 0.05 * spread))
    none = inner[(a[inner] == 0.0) & (t[inner] >= 0)]
    with np.errstate(divide="ignore"):
        tail[none] = np.where(t[none] > 0, -np.inf, n[none] * np.log1p(-b[none]))
    inner = inner[(a[inner] > 0.0) | (t[inner] < 0)]
    if inner.size:
        tail[inner] = _tilted(n[inner], t[inner], a[inner], b[inner])
    return tail.reshape(shape)


def tilted(mean: ArrayLike, up: ArrayLike, down: ArrayLike) -> NDArray[np.float64]:
    """Factor by which steps up must grow, and steps down shrink, for one step to have this mean, in (-1, 1).

    The positive root of ``up (1 - mean) x² - zero mean x - down (1 + mean)``, in the form that does not cancel.
    """
    mean, up, down = (np.asarray(value, np.float64) for value in (mean, up, down))
    pull = np.maximum(1.0 - up - down, 0.0) * mean
    root = np.sqrt(pull**2 + 4.0 * up * down * (1.0 - mean**2))
    with np.errstate(divide="ignore", invalid="ignore"):
        factor: NDArray[np.float64] = np.where(
            pull > 0.0, (pull + root) / (2.0 * up * (1.0 - mean)), 2.0 * down * (1.0 + mean) / (root - pull)
        )
    return factor


def _tilted(
    n: NDArray[np.float64], t: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]
) -> NDArray[np.float64]:
    mean = t / n
    zero, tilt = np.maximum(1.0 - a - b, 0.0), tilted(mean, a, b)
    mass = a * tilt + b / tilt + zero
    steps = (a * tilt / mass, b / tilt / mass, zero / mass)
    spread = np.sqrt(n * (steps[0] + steps[1] - mean**2))
    # A period of whole fours: 0, half and quarter turns are points of the grid.
    period = 4.0 * np.ceil(np.maximum(np.maximum(_PERIOD * spread, 50.0 / np.log(tilt)), 64.0) / 4.0)
    reach = np.minimum(np.ceil(_REACH * period / (2.0 * np.pi * spread)), period / 4.0)
    points = int(reach.max()) + 1
    tail = np.empty(n.size)
    chunk = max(_CELLS // (2 * points), 1)
    for start in range(0, n.size, chunk):
        at = slice(start, start + chunk)
        # Around a half turn lies the mass of sums that are nearly all even, or nearly all odd.
        tail[at] = sum(
            _near(centre, points, n[at], t[at], tilt[at], period[at], [step[at] for step in steps])
            for centre in (0.0, np.pi)
        )
    return np.minimum(n * np.log(mass) - t * np.log(tilt) + np.log(np.maximum(tail, _ROUNDING)), 0.0)


def _near(
    centre: float,
    points: int,
    n: NDArray[np.float64],
    t: NDArray[np.float64],
    tilt: NDArray[np.float64],
    period: NDArray[np.float64],
    steps: list[NDArray[np.float64]],
) -> NDArray[np.float64]:
    """The trapezoid rule's sum over a half circle around `centre`."""
    # The integrand at -w is the conjugate of that at w: only the positive side is evaluated.
    number = np.arange(points)
    angle = centre + 2.0 * np.pi * number / period[:, None]
    quarter = number - period[:, None] / 4.0
    weight = np.where(number == 0, 1.0, 2.0) * np.where(quarter > 0, 0.0, np.where(quarter == 0, 0.5, 1.0))
    turn = np.exp(1j * angle)
    up, down, zero = (step[:, None] for step in steps)
    with np.errstate(divide="ignore"):
        power = n[:, None] * np.log(up * turn + down / turn + zero) - 1j * angle * t[:, None]
    value = np.exp(power) / (1.0 - 1.0 / (tilt[:, None] * turn))
    total: NDArray[np.float64] = np.sum(weight * value.real, axis=1) / period
    return total
