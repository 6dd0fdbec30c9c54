"""A model's health as one picture: accuracy and distances over its windows, and what has moved in the last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from upkeep.adapters.drift_picture import draw_distance, draw_ranked
from upkeep.adapters.histogram_picture import draw_histogram
from upkeep.adapters.picture_style import BLUE, GREY, INK, RED, name_windows, style, svg
from upkeep.ports import Json

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

BARS = 12
WINDOWS = 26
HISTOGRAMS = 6
_ACROSS = 3
_WIDTH_IN = 12.0
#: How far beside a window its first estimate and its realized accuracy stand, in windows.
_ASIDE = 0.13


class HealthPicture:
    """A `ports.Painter` on matplotlib. The same reports give the same bytes; text is drawn as outlines, without fonts.

    It draws what the reports hold and computes nothing: `accuracy`, `drift`, and, where a report has them,
    `histograms`, each a `core.profile.histogram.Histogram`, the estimate `first` made of the window, and its accuracy as
    `realized` with the labels that have come since.
    """

    def draw(self, report: Json, history: Sequence[Json]) -> str:
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        reports = [*history, report][-WINDOWS:]
        findings, histograms = report["drift"][:BARS], report.get("histograms", [])[:HISTOGRAMS]
        rows = -(-len(histograms) // _ACROSS)
        heights = [3.1, 2.3, 0.5 + 1.75 * rows if rows else 0.0, 1.3 + 0.26 * len(findings)]
        with style():
            figure = Figure(figsize=(_WIDTH_IN, sum(heights)), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.07))
            kept = [height for height in heights if height]
            parts = figure.subfigures(len(kept), 1, height_ratios=kept, squeeze=False)[:, 0]
            _heading(parts[0], f"{report['model']} version {report['version']}, window {report['window']}", size=11)
            draw_accuracy(parts[0].subplots(), reports)
            _over_time(parts[1], reports)
            if rows:
                _then_and_now(parts[2], histograms, rows, report)
            _heading(parts[-1], "How far every column is from the reference in this window, most surely moved first")
            draw_ranked(parts[-1].subplots(), findings, len(report["drift"]))
            return svg(figure, report["sentence"])


def _heading(part: SubFigure, text: str, size: float = 10) -> None:
    part.suptitle(text, x=0.01, ha="left", weight="bold", fontsize=size)


def draw_accuracy(axes: Axes, reports: Sequence[Json]) -> None:
    """Accuracy over the windows with its band, the estimate first made of each, and what each has turned out to be."""
    from matplotlib.ticker import FuncFormatter

    at = range(len(reports))
    now = [report["accuracy"].get("estimate") or report["accuracy"]["combined"] for report in reports]
    before = [report["accuracy"]["reference"]["value"] for report in reports]
    low, high = [e["low"] for e in now], [e["high"] for e in now]
    axes.fill_between(at, low, high, color=BLUE, alpha=0.16, lw=0, label="its interval")
    axes.vlines(at, low, high, color=BLUE, alpha=0.35, lw=1)
    axes.plot(at, [e["value"] for e in now], color=BLUE, marker="o", ms=4, label="accuracy, late labels estimated")
    axes.step(at, before, where="mid", color=INK, lw=1, ls=(0, (4, 2)), label="when accepted")
    if len(reports) == 1:
        axes.axhline(before[0], color=INK, lw=1, ls=(0, (4, 2)))
    _then_and_since(axes, reports)
    harmed = [i for i in at if reports[i]["accuracy"]["change"]["high"] < 0]
    axes.plot(harmed, [now[i]["value"] for i in harmed], ls="", marker="D", ms=7, color=RED, label="certainly worse")
    name_windows(axes, [report["window"] for report in reports], 13)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g} %"))
    axes.grid(axis="y")
    axes.legend(loc="lower left", ncols=6, bbox_to_anchor=(0, 1), borderaxespad=0.1, columnspacing=1.4)


def _then_and_since(axes: Axes, reports: Sequence[Json]) -> None:
    """Beside each window, what was first said of it, and what it has turned out to be."""
    first = [(i - _ASIDE, report["first"]) for i, report in enumerate(reports) if report.get("first")]
    realized = [(i + _ASIDE, r["realized"]["accuracy"]) for i, r in enumerate(reports) if r.get("realized")]
    _beside(axes, first, GREY, band=3, marker="o", inside="white", label="first estimated")
    _beside(axes, realized, INK, band=1, marker="X", inside=INK, label="realized")


def _beside(
    axes: Axes, found: Sequence[tuple[float, Json]], colour: str, *, band: float, marker: str, inside: str, label: str
) -> None:
    known = [(x, estimate) for x, estimate in found if estimate["value"] is not None]
    if not known:
        return
    at, values = [x for x, _ in known], [estimate["value"] for _, estimate in known]
    axes.vlines(at, [e["low"] for _, e in known], [e["high"] for _, e in known], color=colour, lw=band)
    axes.plot(at, values, ls="", marker=marker, ms=5, mfc=inside, mec=colour, label=label)


def _over_time(part: SubFigure, reports: Sequence[Json]) -> None:
    """The distances that have moved most surely in the last window, one per column."""
    keys: dict[str, str] = {}
    for finding in reports[-1]["drift"]:
        keys.setdefault(finding["column"], finding["distance"])
    shown = list(keys.items())[:_ACROSS]
    _heading(
        part,
        "Over the windows: distance with its interval, what is tolerated (dashed), and where a column was called drifted (◆)",
    )
    panels = part.subplots(1, _ACROSS, squeeze=False)[0]
    for axes, (column, distance) in zip(panels, shown, strict=False):
        found = [
            next((f for f in report["drift"] if (f["column"], f["distance"]) == (column, distance)), None)
            for report in reports
        ]
        draw_distance(axes, found, [report["window"] for report in reports], names=4)
    for axes in panels[len(shown) :]:
        axes.set_axis_off()


def _then_and_now(part: SubFigure, histograms: Sequence[Json], rows: int, report: Json) -> None:
    drifted = {finding["column"] for finding in report["drift"] if finding["drifted"]}
    _heading(part, "Values in the reference (grey areas) and in this window (lines; red: drifted)")
    panels = part.subplots(rows, _ACROSS, squeeze=False).ravel()
    for axes, shown in zip(panels, histograms, strict=False):
        draw_histogram(axes, shown, drifted=shown["column"] in drifted)
    for axes in panels[len(histograms) :]:
        axes.set_axis_off()
