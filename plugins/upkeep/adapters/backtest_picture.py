"""How policies fared, window by window."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from upkeep.adapters.picture_style import BLUE, GREY, INK, name_windows, style, svg
from upkeep.core.retrain.backtest.replay import Replay


def backtest_picture(runs: Mapping[str, Replay], ours: str) -> str:
    """One panel per policy as an SVG element: error per window, that of `ours` behind it, and where it retrained."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with style():
        figure = Figure(figsize=(10.0, 0.6 + 1.3 * len(runs)), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.05))
        panels = figure.subplots(len(runs), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        for axes, (name, run) in zip(panels, runs.items(), strict=True):
            if ours in runs and name != ours:
                axes.plot(100 * runs[ours].wrong / runs[ours].rows, color=BLUE, lw=0.8, alpha=0.5)
            axes.plot(100 * run.wrong / run.rows, color=BLUE if name == ours else INK, lw=1.3)
            for retrain in run.retrains:
                axes.axvline(retrain.window + 0.5, color=GREY, lw=0.7, ls=(0, (3, 2)))
            axes.set_title(
                f"{name}: mean error {run.mean_error:.1%}, {len(run.retrains)} retrains (dashed)",
                weight="bold",
                color=BLUE if name == ours else INK,
            )
            axes.set_ylabel("error, %")
            axes.grid(axis="y")
            name_windows(axes, [str(np.datetime64(window, "D")) for window in run.windows], 8)
        sentence = "Error per window and retrains, by policy: " + ", ".join(runs)
        return svg(figure, sentence)
