"""Single windows: tiny shifts in large ones, a real shift in one of 20 columns, pairs as other libraries judge them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from controls import Controls, benjamini_hochberg
from peers import ours
from peers.tables import pair
from upkeep.core.columns import Coded
from upkeep.core.drift.compare import compare
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.profile import Profile

ALPHA = 0.05
NOTHING, LEVELS = "nothing", tuple("abcdefghij")
#: Shifts that are real, certain at 10^6 rows, and of no consequence.
TINY = (
    NOTHING,
    "means + .001 sigma",
    "means + .005 sigma",
    "values x 1.001",
    "one row in 1,000 to a rare category",
)
#: No window is waited for longer than this before a shift counts as not found.
PATIENCE = 20


def tiny(seed: tuple[int, ...], rows: int, shift: str, windows: int) -> dict[str, int]:
    """Windows of `rows` rows in which p-values, PSI and ours alarm, against a reference of as many rows."""
    rng = np.random.default_rng(seed)
    table = _five(rng, rows, NOTHING)
    grid = ReferenceGrid.fit(table)
    reference = Profile.build(grid, table)
    usual = Controls(reference)
    alarms = dict.fromkeys(("ours", "any p < .05", "any p < .05 / columns", "PSI > .2"), 0)
    for look in range(1, windows + 1):
        window = Profile.build(grid, _five(rng, rows, shift))
        p = min(usual.p_values(window).values())
        alarms["ours"] += bool(compare(reference, window, alpha=ALPHA, look=look).drifted)
        alarms["any p < .05"] += p < ALPHA
        alarms["any p < .05 / columns"] += p < ALPHA / len(table)
        alarms["PSI > .2"] += max(usual.psi(window).values()) > 0.2
    return alarms


def delay(seed: tuple[int, ...], rows: int, first_look: int) -> tuple[int | None, bool]:
    """Windows until .2 sigma in one of 20 columns is found (1: in the first), and whether another column was named.

    The reference has as many rows as a window; the shift begins at window number `first_look` of the life.
    """
    rng = np.random.default_rng(seed)
    table = {f"x{i}": rng.normal(size=rows) for i in range(20)}
    grid = ReferenceGrid.fit(table)
    reference = Profile.build(grid, table)
    for waited in range(1, PATIENCE + 1):
        now = {name: rng.normal(0.2 if name == "x3" else 0.0, 1.0, rows) for name in table}
        drifted = compare(reference, Profile.build(grid, now), alpha=ALPHA, look=first_look + waited - 1).drifted
        if drifted:
            return (waited if "x3" in drifted else None), set(drifted) != {"x3"}
    return None, False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Whether a rule alarmed on a pair of tables, how many columns it named, and whether num_0 was one."""

    alarm: bool
    columns: int
    found: bool


def judged_pair(seed: int, rows: int, shift_sigma: float) -> dict[str, Rule]:
    """Ours and the usual rules on one pair of 20 columns, as the peers' workers see it."""
    before, now = (ours.load(table) for table in pair(seed, rows, shift_sigma))
    grid = ReferenceGrid.fit(before)
    reference, window = Profile.build(grid, before), Profile.build(grid, now)
    usual = Controls(reference)
    found, wrong, index = usual.p_values(window), usual.p_values(window, known=True), usual.psi(window)
    p = np.array(list(found.values()))
    drifted = compare(reference, window, alpha=ALPHA).drifted
    return {
        "ours": _rule(np.array([name in drifted for name in found])),
        "any p < .05": _rule(p < ALPHA),
        "any p < .05 / 20 (Bonferroni)": _rule(p < ALPHA / len(p)),
        "Benjamini-Hochberg at .05": _rule(benjamini_hochberg(p, ALPHA)),
        "any p < .05, chi2 of one sample": _rule(np.array(list(wrong.values())) < ALPHA),
        "PSI > .2": _rule(np.array(list(index.values())) > 0.2),
        "PSI > .1": _rule(np.array(list(index.values())) > 0.1),
    }


def _rule(flagged: NDArray[np.bool_]) -> Rule:
    return Rule(alarm=bool(flagged.any()), columns=int(flagged.sum()), found=bool(flagged[0]))


def _five(rng: np.random.Generator, rows: int, shift: str) -> dict[str, NDArray[np.float64] | Coded]:
    """Four number columns and one of ten categories."""
    sigma = {"means + .001 sigma": 0.001, "means + .005 sigma": 0.005}.get(shift, 0.0)
    times = 1.001 if shift == "values x 1.001" else 1.0
    codes = np.minimum(rng.integers(0, 100, rows) // 11, 9)  # nine of 11 % each, the last of 1 %
    if shift == TINY[-1]:
        codes[: rows // 1_000] = 9
    return {
        "normal": times * (10 + rng.normal(sigma, 1.0, rows)),
        "long tails": times * np.exp(0.1 * rng.normal(sigma, 1.0, rows)),
        "ties": np.round(times * (10 + rng.normal(sigma, 1.0, rows)), 1),
        "uniform": times * (5 + sigma + np.sqrt(3) * rng.uniform(-1, 1, rows)),
        "zone": Coded(codes, LEVELS),
    }
