"""Labels that a gate needs, by method: ``python benchmarks/gate_figure.py docs/figures/gate.svg``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from upkeep.adapters.picture_style import BLUE, GREY, INK, RED, style, svg
from upkeep.core.gate.condition import parse
from upkeep.core.gate.plan import Facts, Plan, plan
from upkeep.core.gate.promise import Promise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PROMISE = Promise(reliability=0.99, steps=32, adaptivity="full")
_UNLABELLED = 50_000
Line = tuple[
    str, str, int, Callable[[Plan], int]
]  # what it is called, its colour, points above the line, what it shows


def draw(path: Path) -> None:
    """Write the picture as an SVG file."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    shares = np.round(np.geomspace(0.01, 0.5, 18), 4)
    pairs = [
        plan(parse("n - o > 0.02 +/- 0.02"), _PROMISE, Facts(measured_difference=(d, _UNLABELLED))) for d in shares
    ]
    bars = np.round(np.linspace(0.5, 0.95, 19), 3)
    alone = [plan(parse(f"n > {bar} +/- 0.02"), _PROMISE) for bar in bars]
    with style():
        figure = Figure(figsize=(10.0, 3.6), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06))
        left, right = figure.subplots(1, 2, sharey=True)
        paper: Line = ("Hoeffding, ease.ml/ci", GREY, 5, lambda made: made.method("hoeffding").labels)
        bennett: Line = ("Bennett, as in the paper", INK, 28, lambda made: made.method("implicit_variance").labels)
        exact: Line = ("exact", BLUE, -16, lambda made: made.method("exact").labels)
        active: Line = ("exact, labels of disagreements alone", RED, -22, lambda made: made.method("active").labels)
        _panel(
            left,
            "n - o > 0.02 ± 0.02, by the share of rows that differ",
            shares,
            pairs,
            (paper, bennett, exact, active),
        )
        _panel(right, "n > A ± 0.02, by A", bars, alone, (paper, exact))
        left.set_xscale("log")
        left.set_xticks([0.01, 0.02, 0.05, 0.1, 0.2, 0.5], ["1 %", "2 %", "5 %", "10 %", "20 %", "50 %"])
        left.set_yscale("log")
        left.set_ylabel("labels for 32 models, answers seen")
        left.set_yticks([100, 1000, 10_000, 100_000], ["100", "1,000", "10,000", "100,000"])
        left.minorticks_off()
        path.write_text(svg(figure, "Labels that a gate needs, by method, for pairs and for one accuracy"))


def _panel(axes: Axes, title: str, at: Sequence[float], made: Sequence[Plan], lines: Sequence[Line]) -> None:
    axes.set_title(title)
    axes.grid(axis="y")
    for name, colour, above, shown in lines:
        labels = [shown(one) for one in made]
        axes.plot(at, labels, color=colour, lw=1.8)
        place = len(at) // 3
        axes.annotate(
            name, (at[place], labels[place]), xytext=(0, above), textcoords="offset points", color=colour, fontsize=8
        )


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
