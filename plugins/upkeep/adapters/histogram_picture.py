"""A column then and now, drawn from the histogram that a report stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from upkeep.adapters.picture_style import BLUE, INK, PALE, RED, shortened
from upkeep.ports import Json

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Share from which on an outer bin is spelled out, and how much further than drawn it must go to have its end named.
_SPELLED, _FURTHER = 0.01, 0.05
#: How high an outer bin may rise above the highest inner one.
_HIGH = 1.6
_LABELS = 12


def draw_histogram(axes: Axes, shown: Json, *, drifted: bool) -> None:
    """`shown` is a `core.profile.histogram.Histogram` as JSON: grey areas then, a coloured outline now."""
    colour = RED if drifted else BLUE
    if shown["kind"] == "category":
        _categories(axes, shown, colour)
    else:
        (_bins if shown["kind"] == "numeric" else _values)(axes, shown, colour)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_ylim(bottom=0)
    axes.set_title(shortened(shown["column"]), weight="bold", color=RED if drifted else INK)
    before, after = shown["missing"]
    if before or after:
        text = f"missing {before:.1%} → {after:.1%}"
        axes.text(1, 1.02, text, transform=axes.transAxes, ha="right", va="bottom", fontsize=8)


def _bins(axes: Axes, shown: Json, colour: str) -> None:
    """Areas are shares. The outer bins may go very far: they stand apart, one inner bin wide, with the height for it."""
    log = shown["scale"] == "log"
    inner = np.array(shown["edges"][1:-1])
    at = np.log10(inner) if log else inner
    width = float(np.median(np.diff(at))) if len(at) > 1 else 1.0
    if len(at) > 1:
        _stairs(axes, shown, slice(1, -1), at, colour)
    _tail(axes, shown, 0, np.array([at[0] - 1.4 * width, at[0] - 0.4 * width]), colour)
    _tail(axes, shown, -1, np.array([at[-1] + 0.4 * width, at[-1] + 1.4 * width]), colour)
    heights = np.array([shown["before"][1:-1], shown["after"][1:-1]]) / np.diff(at)
    if heights.size and 0 < _HIGH * heights.max() < axes.dataLim.y1:
        axes.set_ylim(top=_HIGH * heights.max())  # a tall outer bin is spelled out, and is not to flatten the rest
    _number_axis(axes, log)
    axes.set_xlim(at[0] - 1.8 * width, at[-1] + 1.8 * width)


def _stairs(axes: Axes, shown: Json, part: slice, edges: NDArray[np.float64], colour: str) -> None:
    before, after = (np.array(shown[side][part]) / np.diff(edges) for side in ("before", "after"))
    axes.stairs(before, edges, fill=True, color=PALE, lw=0)
    axes.stairs(after, edges, color=colour, lw=1.5)


def _tail(axes: Axes, shown: Json, bar: int, edges: NDArray[np.float64], colour: str) -> None:
    before, after = shown["before"][bar], shown["after"][bar]
    if not before and not after:
        return
    _stairs(axes, shown, slice(-1, None) if bar else slice(0, 1), edges, colour)
    if max(before, after) < _SPELLED:
        return
    end, nearest = shown["edges"][bar], shown["edges"][-2 if bar else 1]
    far = abs(end - nearest) > _FURTHER * abs(shown["edges"][-2] - shown["edges"][1])
    text = f"{before:.0%} → {after:.0%}" + (f"\n{'up' if bar else 'down'} to {_short(end)}" if far else "")
    x = edges[0] - 0.2 * (edges[1] - edges[0]) if bar else edges[1] + 0.2 * (edges[1] - edges[0])
    align: Literal["left", "right"] = "right" if bar else "left"
    axes.annotate(text, (x, 0.98), xycoords=("data", "axes fraction"), ha=align, va="top", fontsize=7.5)


def _short(number: float) -> str:
    return f"{number:,.0f}" if 1_000 <= abs(number) < 1e6 else f"{number:.3g}"


def _number_axis(axes: Axes, log: bool) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(6, integer=log, steps=[1, 2, 5, 10]))
    if log:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _short(10.0**x)))


def _values(axes: Axes, shown: Json, colour: str) -> None:
    before, after = shown["before"], shown["after"]
    at = np.arange(len(before))
    axes.bar(at - 0.2, before, width=0.4, color=PALE)
    axes.bar(at + 0.2, after, width=0.34, facecolor="none", edgecolor=colour, lw=1.5)
    step = -(-len(at) // _LABELS)
    axes.set_xticks(at[::step], shown["levels"][::step])
    axes.set_xlim(-0.7, max(len(at) - 0.3, 2.7))
    if len(at) <= 6:
        for x, (then, now) in enumerate(zip(before, after, strict=True)):
            axes.text(x, max(then, now), f"{then:.0%} → {now:.0%}", ha="center", va="bottom", fontsize=7.5)
        axes.margins(y=0.16)


def _categories(axes: Axes, shown: Json, colour: str) -> None:
    """Bars that lie, as names are long."""
    before, after = shown["before"], shown["after"]
    at = np.arange(len(before))
    axes.barh(at - 0.2, before, height=0.4, color=PALE)
    axes.barh(at + 0.2, after, height=0.34, facecolor="none", edgecolor=colour, lw=1.5)
    for y, (then, now) in enumerate(zip(before, after, strict=True)):
        axes.text(max(then, now), y, f"  {then:.0%} → {now:.0%}", va="center", fontsize=7.5)
    axes.set_yticks(at, [shortened(level, 20) for level in shown["levels"]])
    axes.set_ylim(max(len(at) - 0.4, 2.6), -0.6)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_xlim(0, 1.25 * max(*before, *after, 0.01))
