"""The pictures of docs/drift.md, drawn from what the benchmark found: the same run gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import kolmogorov
from scipy.stats import norm

from real_lives import ALPHA, Life
from real_tables import ELEC2_ALIVE
from upkeep.adapters.drift_picture import draw_distance
from upkeep.adapters.histogram_picture import draw_histogram
from upkeep.adapters.picture_style import BLUE, GREY, INK, PALE, RED, name_windows, style, svg
from upkeep.core.drift.compare import compare
from upkeep.core.drift.tolerance import FLOOR
from upkeep.core.profile.cells import NumericCells
from upkeep.core.profile.counting import ColumnProfile
from upkeep.core.profile.grid import ReferenceGrid
from upkeep.core.profile.histogram import histogram
from upkeep.core.profile.profile import Profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN = 10.0
SEED = 20210831


def draw(folder: Path, *, power: tuple[Life, Any], cycling: Life) -> None:
    """Write every picture as an SVG file below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with style():
        drawn = {
            "elec2_windows": (
                _windows(*power),
                "Elec2 week by week: p-values, distances with their tolerances, accuracy",
            ),
            "elec2_values": (_values(*power), "Columns of Elec2 in the reference and in the week of least accuracy"),
            "season": (_seasons(cycling), "Distances of three seasonal columns from the year before"),
            "size": (
                _size(),
                "p-value and distance of a shift of a fiftieth of a standard deviation, by the number of rows",
            ),
        }
        for name, (figure, sentence) in drawn.items():
            (folder / f"{name}.svg").write_text(svg(figure, sentence))


def _figure(height_in: float) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return Figure(figsize=(WIDTH_IN, height_in), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06))


def _windows(life: Life, fared: Any) -> Figure:
    names = [window.name for window in life.windows]
    shown = (*ELEC2_ALIVE, "transfer")
    figure = _figure(9.4)
    panels = figure.subplots(2 + len(shown), 1, height_ratios=[1.5, *[1.25] * len(shown), 1.5])
    _p_values(panels[0], life, names)
    for axes, column in zip(panels[1:], shown, strict=False):
        _distances(axes, life, column, names)
    _accuracy(panels[-1], fared, names)
    for axes in panels[:-1]:
        axes.tick_params(labelbottom=False)
    return figure


def _p_values(axes: Axes, life: Life, names: Sequence[str]) -> None:
    least = 1e-80
    for column, colour in zip(ELEC2_ALIVE, (BLUE, GREY), strict=True):
        p = np.maximum([window.p_values[column] for window in life.windows], least)
        axes.plot(p, lw=1.2, color=colour, label=column)
    axes.set_yscale("log")
    axes.set_ylim(least / 100, 1e4)
    axes.set_yticks([1e-80, 1e-60, 1e-40, 1e-20, 1.0])
    axes.axhline(0.05, color=RED, lw=1)
    axes.text(0, 0.2, "p = .05", color=RED, va="bottom", fontsize=8)
    tests = [window.p_values[column] < 0.05 for window in life.windows for column in ELEC2_ALIVE]
    calling = sum(any(window.p_values[column] < 0.05 for column in ELEC2_ALIVE) for window in life.windows)
    axes.set_title(
        f"p-values of the usual test: {sum(tests)} of {len(tests)} are significant, in {calling} of {len(names)} weeks one is",
        weight="bold",
    )
    axes.legend(loc="lower left", ncols=2)
    name_windows(axes, names, 10)


def _distances(axes: Axes, life: Life, column: str, names: Sequence[str]) -> None:
    draw_distance(axes, [_ks(window.report, column) for window in life.windows], names, names=10)
    called = sum(column in window.called["ours"] for window in life.windows)
    title = (
        f"{column}: distance (KS) with its interval, tolerance (dashed), alarms (◆) in {called} of {len(names)} weeks"
    )
    axes.set_title(title, weight="bold", color=INK)


def _accuracy(axes: Axes, fared: Any, names: Sequence[str]) -> None:
    axes.axhspan(fared.worst, float(fared.expected.max()), color=PALE, alpha=0.6, lw=0)
    axes.plot(fared.seen, color=BLUE, lw=1.4)
    drops = np.flatnonzero(fared.drops)
    axes.plot(drops, fared.seen[drops], ls="", marker="D", ms=3.5, color=RED)
    axes.set_title(
        f"accuracy of a model of the first {len(fared.expected)} weeks; grey: in those weeks, kept from the model; red: less",
        weight="bold",
    )
    axes.set_yticks([0.5, 0.7, 0.9], ["50 %", "70 %", "90 %"])
    axes.grid(axis="y")
    name_windows(axes, names, 10)


def _values(life: Life, fared: Any) -> Figure:
    worst = life.windows[int(np.argmin(fared.seen))]
    figure = _figure(2.6)
    figure.suptitle(
        f"The reference (grey) and the week of {worst.name} (lines; red: drifted); accuracy {fared.seen.min():.0%}",
        x=0.01, ha="left", weight="bold", fontsize=9,
    )  # fmt: skip
    for axes, column in zip(figure.subplots(1, 3), ("nswprice", "nswdemand", "transfer"), strict=True):
        shown = asdict(histogram(life.reference, worst.profile, column))
        draw_histogram(axes, shown, drifted=column in worst.called["ours"])
    return figure


def _seasons(life: Life) -> Figure:
    names = [window.name for window in life.windows]
    figure = _figure(2.5)
    for axes, column in zip(figure.subplots(1, 3), ("temp", "hum", "season"), strict=True):
        distance = "total_variation" if column == "season" else "ks"
        found = [_ks(window.report, column, distance) for window in life.windows]
        draw_distance(axes, found, names, names=4)
        p = sum(column in window.called["p < .05"] for window in life.windows)
        called = sum(column in window.called["ours"] for window in life.windows)
        axes.set_title(f"{column}: p < .05 in {p} of {len(names)}, ours in {called}", weight="bold", color=INK)
    return figure


def _ks(report: Any, column: str, distance: str = "ks") -> dict[str, Any]:
    return next(asdict(f) for f in report.findings if (f.column, f.distance) == (column, distance))


def _size(shift_sigma: float = 0.02, draws: int = 20) -> Figure:
    """Counts of a normal column in 1,024 equal cells are drawn as such, which is the same law as counting rows."""
    cuts = norm.ppf(np.arange(1, 1024) / 1024)
    grid = ReferenceGrid(cells={"x": NumericCells(cuts=cuts)})
    there = np.diff(norm.cdf(cuts - shift_sigma), prepend=0, append=1)
    rng = np.random.default_rng(SEED)
    sizes = np.logspace(2, 8, 25).astype(np.int64)
    p, found = np.empty((len(sizes), draws)), np.empty((len(sizes), draws, 3))
    for i, rows in enumerate(sizes):
        for k in range(draws):
            a, b = (
                Profile(
                    grid=grid,
                    rows=int(rows),
                    columns={"x": ColumnProfile(counts=rng.multinomial(rows, share), nulls=0)},
                )
                for share in (np.full(1024, 1 / 1024), there)
            )
            ks = next(f for f in compare(a, b, alpha=ALPHA).findings if f.distance == "ks")
            p[i, k] = kolmogorov(ks.statistic * np.sqrt(rows / 2))
            found[i, k] = ks.low, ks.statistic, ks.high
    figure = _figure(2.9)
    left, right = figure.subplots(1, 2)
    _significance(left, sizes, p)
    _distance_by_size(right, sizes, found, float(np.abs(np.cumsum(there - 1 / 1024)).max()))
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xlabel("rows in the window and in the reference")
    return figure


def _significance(axes: Axes, sizes: Any, p: Any) -> None:
    low, middle, high = np.maximum(np.quantile(p, [0.05, 0.5, 0.95], axis=1), 1e-30)
    axes.fill_between(sizes, low, high, color=BLUE, alpha=0.16, lw=0)
    axes.plot(sizes, middle, color=BLUE, lw=1.4, marker="o", ms=2.5)
    axes.axhline(0.05, color=RED, lw=1)
    axes.text(sizes[0], 0.03, "p = .05", color=RED, va="top", fontsize=8)
    axes.set_yscale("log")
    axes.set_ylim(1e-30, 3)
    axes.set_title("p-value: the same tiny shift, more rows", weight="bold")


def _distance_by_size(axes: Axes, sizes: Any, found: Any, true: float) -> None:
    low, middle, high = np.median(found, axis=1).T
    axes.fill_between(sizes, low, high, color=BLUE, alpha=0.16, lw=0)
    axes.plot(sizes, middle, color=BLUE, lw=1.4, marker="o", ms=2.5)
    axes.axhline(FLOOR, color=INK, lw=1, ls=(0, (4, 2)))
    axes.text(sizes[-1], FLOOR + 0.001, "tolerated", ha="right", va="bottom", fontsize=8)
    axes.text(sizes[-1], true + 0.001, f"true distance {true:.3f}", ha="right", va="bottom", color=BLUE, fontsize=8)
    axes.set_ylim(0, 0.06)
    axes.grid(axis="y")
    axes.set_title("distance with its interval: more rows, more certainly tiny", weight="bold")
