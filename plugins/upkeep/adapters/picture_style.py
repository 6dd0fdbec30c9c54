"""How pictures look, and how they become one SVG element that needs nothing else."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, RED, GREY, PALE, INK = "#2a6f97", "#c1440e", "#8d99ae", "#d3d9e2", "#22303c"

#: What a distance is of, in a reader's words.
DISTANCES = {
    "ks": "values",
    "total_variation": "shares of categories",
    "hour_of_day": "hours of the day",
    "new_categories": "new categories",
    "null_rate": "missing values",
}


@contextmanager
def style() -> Iterator[None]:
    """Settings under which the same drawing gives the same bytes; text is drawn as outlines, without fonts."""
    from matplotlib import rc_context

    settings: Any = {
        "svg.hashsalt": "upkeep",
        "svg.fonttype": "path",
        "font.family": "DejaVu Sans",  # comes with matplotlib
        "font.size": 9,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": GREY,
        "axes.titlesize": 9,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "xtick.color": INK,
        "ytick.color": INK,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "xtick.major.size": 3,
        "ytick.major.size": 0,
        "grid.color": GREY,
        "grid.alpha": 0.22,
        "grid.linewidth": 0.6,
        "legend.frameon": False,
        "legend.fontsize": 8,
    }
    with rc_context(settings):
        yield


def svg(figure: Figure, sentence: str) -> str:
    """The <svg> element alone, without the document type's address, with a title for who cannot see it."""
    content = io.StringIO()
    # without these entries there is no metadata block, and so no date and no address
    figure.savefig(content, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    text = content.getvalue()
    element = re.sub(r' (?:d|x|y)="[^"]*"', _rounded, text[text.index("<svg") :])
    return re.sub(r"(<svg[^>]*)>", lambda m: f'{m[1]} role="img"><title>{escape(sentence)}</title>', element, count=1)


def _rounded(attribute: re.Match[str]) -> str:
    """A hundredth of a point is finer than anyone sees, and a quarter of the bytes."""
    return re.sub(r"(\.\d\d)\d+", r"\1", attribute[0])


def name_windows(axes: Axes, names: Sequence[str], most: int) -> None:
    """Windows side by side, at most so many of them named; the newest always is."""
    step = -(-len(names) // most)
    named = list(range(len(names) - 1, -1, -step))[::-1]
    axes.set_xticks(named, [names[i] for i in named])
    axes.set_xlim(-0.5, len(names) - 0.5)


def shortened(text: str, most: int = 26) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
