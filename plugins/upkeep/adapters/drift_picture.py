"""How far columns are from the reference: ranked in one window, and over a life's windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from upkeep.adapters.picture_style import BLUE, DISTANCES, GREY, INK, RED, name_windows, shortened
from upkeep.ports import Json

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: So many windows have a dot each; more would be a chain.
_DOTS = 40


def draw_distance(axes: Axes, found: Sequence[Json | None], windows: Sequence[str], *, names: int = 5) -> None:
    """One distance of one column over windows, with its interval, what is tolerated, and where it was called drifted.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    found : sequence of finding or None
        As `core.drift.compare.ColumnDrift` is stored, one per window; None leaves a gap.
    windows : sequence of str
    names : int
        Windows named at most.
    """
    at = np.arange(len(found))
    low, now, high, tolerated = (
        np.array([f[key] if f else np.nan for f in found], dtype=float)
        for key in ("low", "statistic", "high", "tolerance")
    )
    axes.fill_between(at, low, high, color=BLUE, alpha=0.16, lw=0)
    if len(at) <= 2:
        axes.vlines(at, low, high, color=BLUE, alpha=0.35, lw=1)
    axes.plot(at, now, color=BLUE, lw=1.4, marker="o" if len(at) <= _DOTS else "", ms=2.5)
    steps = np.append(tolerated, tolerated[-1])
    axes.step(np.append(at, at[-1] + 1) - 0.5, steps, where="post", color=INK, lw=1, ls=(0, (4, 2)))
    alarms = [i for i, f in enumerate(found) if f and f["drifted"]]
    if alarms:  # a line without points has no place, and what is not clipped needs one
        axes.plot(alarms, now[alarms], ls="", marker="D", ms=5 if len(at) <= _DOTS else 3.5, color=RED, clip_on=False)
    axes.grid(axis="y")
    top = max([0.1, *high[np.isfinite(high)], *tolerated[np.isfinite(tolerated)]])
    axes.set_ylim(0, min(1.0, 1.05 * float(top)))
    name_windows(axes, windows, names)
    named = next((f for f in reversed(found) if f), None)
    if named:
        kind = DISTANCES.get(named["distance"], named["distance"])
        axes.set_title(f"{shortened(named['column'])}: {kind}", weight="bold", color=RED if named["drifted"] else INK)


def draw_ranked(axes: Axes, findings: Sequence[Json], tested: int) -> None:
    """Bars of a window's distances, those most surely beyond their tolerance first."""
    at = range(len(findings))
    reach = [max(f["statistic"], f["tolerance"], f["high"] if f["high"] < 1 else 0) for f in findings]
    end = min(1.0, 1.05 * max([0.1, *reach]))
    colours = [RED if finding["drifted"] else GREY for finding in findings]
    axes.barh(at, [finding["statistic"] for finding in findings], color=colours, height=0.6, alpha=0.85)
    axes.hlines(at, [f["low"] for f in findings], [min(f["high"], end) for f in findings], color=INK, lw=1)
    for i, finding in enumerate(findings):
        axes.plot([finding["tolerance"]] * 2, [i - 0.42, i + 0.42], color=BLUE, lw=2.4)
    names = [f"{shortened(f['column'])}: {DISTANCES.get(f['distance'], f['distance'])}" for f in findings]
    axes.set_yticks(list(at), names)
    for label, finding in zip(axes.get_yticklabels(), findings, strict=True):
        if finding["drifted"]:
            label.set(color=RED, weight="bold")
    axes.set_ylim(len(findings) - 0.4, -0.6)
    axes.set_xlim(0, end)
    axes.grid(axis="x")
    axes.set_xlabel(
        f"distance from the reference, with its interval (thin line) and what is tolerated (blue); "
        f"the first {len(findings)} of {tested}"
    )
