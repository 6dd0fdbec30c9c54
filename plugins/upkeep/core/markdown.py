"""Stored text on a page that is Markdown."""

from __future__ import annotations

import re

LONGEST = 600
_CONTROL = re.compile(r"([\\`*_\[\]<>#|~&])")
_BEGIN = re.compile(r"^(\d*)([-+=.)])")  # of a list, or the line under a heading


def as_text(value: object, longest: int = LONGEST) -> str:
    r"""The value as one line that Markdown and HTML show as it stands: a level's name may come from whoever sends data.

    Parameters
    ----------
    value : object
        What to show; None and the like are shown as Python does.
    longest : int
        Characters shown at most, the ellipsis among them.

    Examples
    --------
    >>> print(as_text("[Approve](x)\n# *now*"))
    \[Approve\](x) \# \*now\*
    >>> print(as_text("1. of 2024-01-08"))
    1\. of 2024-01-08
    >>> as_text("abcdef", longest=4)
    'abc…'
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    clipped = line if len(line) <= longest else f"{line[: longest - 1]}…"
    return _BEGIN.sub(r"\1\\\2", _CONTROL.sub(r"\\\1", clipped))
