"""Retrains against mean error, one panel per stream: the same run gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from upkeep.adapters.picture_style import BLUE, GREY, INK, style, svg
from upkeep.core.retrain.backtest.replay import Replay

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHORT = {
    "every window": "every", "every 4 windows": "every 4th", "KS p < .05": "KS", "KS p < .05 / columns": "KS / columns",
    "PSI > .2": "PSI",
}  # fmt: skip


def draw(path: Path, fared: Mapping[str, Mapping[str, Replay]], ours: str) -> None:
    """Write the picture as an SVG file."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with style():
        figure = Figure(figsize=(10.0, 5.2), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06))
        panels = figure.subplots(2, 3).ravel()
        for axes, (name, runs) in zip(panels, fared.items(), strict=True):
            _panel(axes, name, runs, ours)
        sentence = "Mean error against the number of retrains, by retrain policy, on six streams with late labels"
        path.write_text(svg(figure, sentence))


def _panel(axes: Axes, name: str, runs: Mapping[str, Replay], ours: str) -> None:
    points: dict[tuple[int, float], list[str]] = {}
    for policy, run in runs.items():
        points.setdefault((len(run.retrains), round(100 * run.mean_error, 2)), []).append(policy)
    for (retrains, error), policies in points.items():
        mine = ours in policies
        axes.plot(
            retrains, error, ls="", marker="D" if mine else "o", ms=7 if mine else 5, color=BLUE if mine else GREY
        )
        axes.annotate(
            ", ".join(_SHORT.get(policy, policy) for policy in policies),
            (retrains, error),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center" if retrains else "left",
            fontsize=7,
            color=BLUE if mine else INK,
            weight="bold" if mine else "normal",
        )
    axes.set_xscale("symlog", linthresh=1)
    most = max(len(next(iter(runs.values())).windows), 1)
    ticks = [0, 1, *(tick for tick in (3, 10, 30, 100) if tick <= most)]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(-0.35, 2.2 * most)
    axes.margins(y=0.2)
    axes.grid()
    axes.set_title(f"{name}: {most} windows", weight="bold")
    axes.set_xlabel("retrains")
    axes.set_ylabel("mean error, %")
