"""A model's health as one picture: accuracy over its windows, and what has moved in the last."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from upkeep.ports import Json

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARS = 12
WINDOWS = 26
_BLUE, _RED, _GREY, _INK = "#2a6f97", "#c1440e", "#8d99ae", "#22303c"


class HealthPicture:
    """A `ports.Painter` on matplotlib. The same reports give the same bytes; text is drawn as outlines, without fonts."""

    def draw(self, report: Json, history: Sequence[Json]) -> str:
        from matplotlib import rc_context
        from matplotlib.figure import Figure

        settings: Any = {
            "svg.hashsalt": "upkeep",
            "svg.fonttype": "path",
            "font.family": "DejaVu Sans",  # comes with matplotlib
            "font.size": 9,
            "text.color": _INK,
            "axes.labelcolor": _INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
        findings = report["drift"][:BARS]
        with rc_context(settings):
            figure = Figure(figsize=(9, 4.1 + 0.27 * len(findings)), layout="constrained")
            over, bars = figure.subplots(2, 1, height_ratios=[3.2, 0.6 + 0.27 * len(findings)])
            figure.suptitle(
                f"{report['model']} version {report['version']}, window {report['window']}",
                x=0.01,
                ha="left",
                weight="bold",
            )
            _accuracy(over, [*history, report][-WINDOWS:])
            _drift(bars, findings, len(report["drift"]))
            content = io.StringIO()
            # without these entries there is no metadata block, and so no date and no address
            figure.savefig(content, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
        return _accessible(content.getvalue(), report["sentence"])


def _accuracy(axes: Axes, reports: Sequence[Json]) -> None:
    at = range(len(reports))
    now = [report["accuracy"]["combined"] for report in reports]
    before = [report["accuracy"]["reference"]["value"] for report in reports]
    axes.fill_between(
        at, [e["low"] for e in now], [e["high"] for e in now], color=_BLUE, alpha=0.18, lw=0, label="its interval"
    )
    axes.vlines(at, [e["low"] for e in now], [e["high"] for e in now], color=_BLUE, alpha=0.35, lw=1)
    axes.plot(at, [e["value"] for e in now], color=_BLUE, marker="o", ms=4, label="accuracy, late labels estimated")
    axes.step(at, before, where="mid", color=_INK, lw=1, ls="--", label="when accepted")
    if len(reports) == 1:
        axes.axhline(before[0], color=_INK, lw=1, ls="--")
    harmed = [i for i in at if reports[i]["accuracy"]["change"]["high"] < 0]
    axes.plot(harmed, [now[i]["value"] for i in harmed], ls="", marker="o", ms=7, color=_RED, label="certainly worse")
    axes.set_xticks(list(at), [report["window"] for report in reports], rotation=30, ha="right")
    axes.set_xlim(-0.5, len(reports) - 0.5)
    axes.set_ylabel("accuracy")
    axes.grid(axis="y", color=_GREY, alpha=0.25)
    axes.legend(loc="lower left", ncols=4, frameon=False, fontsize=8, bbox_to_anchor=(0, 1))


def _drift(axes: Axes, findings: Sequence[Json], tested: int) -> None:
    at = range(len(findings))
    colours = [_RED if finding["drifted"] else _GREY for finding in findings]
    axes.barh(at, [finding["statistic"] for finding in findings], color=colours, height=0.6)
    axes.hlines(at, [f["low"] for f in findings], [f["high"] for f in findings], color=_INK, lw=1)
    for i, finding in enumerate(findings):
        axes.plot([finding["tolerance"]] * 2, [i - 0.42, i + 0.42], color=_BLUE, lw=2, label="" if i else "tolerated")
    axes.set_yticks(list(at), [f"{f['column']} ({f['distance'].replace('_', ' ')})" for f in findings])
    axes.set_ylim(len(findings) - 0.4, -0.6)
    axes.set_xlim(0, min(1.0, 1.15 * max([0.1, *(f["statistic"] for f in findings)])))
    axes.set_xlabel(
        f"distance from the reference, with its interval (the first {len(findings)} of {tested}; red: drifted)"
    )
    axes.legend(loc="lower right", frameon=False, fontsize=8)


def _accessible(svg: str, sentence: str) -> str:
    """The <svg> element alone, without the document type's address, with a title for who cannot see it."""
    element = svg[svg.index("<svg") :]
    return re.sub(r"(<svg[^>]*)>", lambda m: f'{m[1]} role="img"><title>{escape(sentence)}</title>', element, count=1)
