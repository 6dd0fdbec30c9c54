"""What kind of shift it may be, told without labels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from upkeep.core.retrain.decision import HealthFacts
from upkeep.core.retrain.diagnosed import Hint

#: Windows that the slopes are taken over.
WINDOWS = 5
#: Slopes up to this, per window, are nobody's concern.
STILL = 0.005


def label_free_hint(reports: Sequence[HealthFacts]) -> Hint | None:
    """Whether the largest distance of a column rises more slowly than the adversary's log-loss falls.

    Parameters
    ----------
    reports : sequence of HealthFacts
        Windows of one model version, oldest first; the last five that have both figures count.

    Returns
    -------
    Hint or None
        None with fewer than two such windows.

    Notes
    -----
    The rule of [1]_: a distance that rises more slowly than the adversary's loss falls suggests concept shift, else
    covariate shift. Slopes are medians of the slopes between all pairs of windows (Theil-Sen); the log-loss is counted in
    shares of log 2, so that both figures lie between 0 and 1. Without labels a concept shift that leaves the rows as they
    are cannot be seen at all, and an adversary that has just been started learns for some windows: it is a hint, no verdict.

    References
    ----------
    .. [1] Shankar & Parameswaran (2021). Towards observability for machine learning pipelines. Section 3.4.
    """
    known = [(r.ks, r.adversary_loss) for r in reports if r.ks is not None and r.adversary_loss is not None][-WINDOWS:]
    if len(known) < 2:
        return None
    ks = _slope([one[0] for one in known])
    loss = -_slope([one[1] / math.log(2) for one in known])
    moves = max(ks, loss) > STILL
    suggests = "none" if not moves else "concept_shift" if ks < loss else "covariate_shift"
    told = suggests.replace("_", " ") if moves else "no shift"
    return Hint(
        suggests=suggests,
        ks_slope=ks,
        loss_slope=loss,
        windows=len(known),
        sentence=(
            f"Without labels: over {len(known)} windows the largest distance of a column rose by {ks:+.3f} a window and the "
            f"adversary's log-loss fell by {loss:+.3f} of a guess, which suggests {told}."
        ),
    )


def _slope(values: Sequence[float]) -> float:
    return float(np.median([(b - a) / (j - i) for i, a in enumerate(values) for j, b in enumerate(values) if i < j]))
