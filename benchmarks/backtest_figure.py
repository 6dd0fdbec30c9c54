"""Mean error and retrains by policy, one panel per stream: the same run gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from upkeep.adapters.picture_style import BLUE, GREY, INK, style, svg
from upkeep.core.retrain.backtest.replay import Replay

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Policies that are drawn, and what they are called; the corrected test comes to the same as KS on real streams.
_SHORT = {
    "never": "never", "every window": "every", "every 4 windows": "every 4th", "KS p < .05": "KS", "PSI > .2": "PSI",
    "ADWIN": "ADWIN", "DDM": "DDM", "Upkeep": "Upkeep",
}  # fmt: skip
#: No panel shows less than so many points of error, or chance would look like a difference.
_LEAST_RANGE = 2.0


def draw(path: Path, fared: Mapping[str, Mapping[str, Replay]], ours: str) -> None:
    """Write the picture as an SVG file."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with style():
        figure = Figure(figsize=(10.0, 5.0), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06))
        panels = figure.subplots(2, 3).ravel()
        for axes, (name, runs) in zip(panels, fared.items(), strict=True):
            _panel(axes, name, runs, ours)
        sentence = "Mean error and number of retrains, by retrain policy, on six streams with late labels"
        path.write_text(svg(figure, sentence))


def _panel(axes: Axes, name: str, runs: Mapping[str, Replay], ours: str) -> None:
    """One line per policy: its error as a dot, its retrains as a number beside it."""
    errors = {policy: 100 * runs[policy].mean_error for policy in _SHORT}
    low, high = min(errors.values()), max(errors.values())
    pad = max(0.12 * (high - low), (_LEAST_RANGE - (high - low)) / 2)
    axes.axvline(errors[ours], color=BLUE, lw=0.8, alpha=0.4)
    for line, (policy, error) in enumerate(errors.items()):
        mine, retrains = policy == ours, len(runs[policy].retrains)
        axes.plot(error, line, ls="", marker="D" if mine else "o", ms=6, color=BLUE if mine else GREY)
        axes.annotate(
            str(retrains),
            (error, line),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=BLUE if mine else INK,
            weight="bold" if mine else "normal",
        )
    axes.set_yticks(range(len(errors)), [_SHORT[policy] for policy in errors])
    for label, policy in zip(axes.get_yticklabels(), errors, strict=True):
        if policy == ours:
            label.set(color=BLUE, weight="bold")
    axes.set_ylim(len(errors) - 0.4, -0.6)
    axes.set_xlim(low - pad, high + 2 * pad)
    axes.grid(axis="x")
    axes.set_title(f"{name}: {len(runs[ours].windows)} windows", weight="bold")
    axes.set_xlabel("mean error, %; number: retrains")
