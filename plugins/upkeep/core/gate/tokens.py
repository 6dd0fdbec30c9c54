"""The signs that a condition is written with, and how a refusal points at one."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, NoReturn

from upkeep.errors import InputError

Kind = Literal[
    "number", "word", "text", "compare", "tolerance", "sign", "times", "and", "dot", "open", "close", "comma", "end"
]

_TOKEN = re.compile(
    r"""(?P<tolerance>\+/-)
    |(?P<number>(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)
    |(?P<and>/\\|and\b)
    |(?P<word>[^\W\d]\w*+)
    |(?P<text>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+")
    |(?P<compare>[<>!]=|[<>=])
    |(?P<sign>[+-])|(?P<times>\*)|(?P<dot>\.)|(?P<open>\[)|(?P<close>\])|(?P<comma>,)""",
    re.VERBOSE,
)
_SPACE = re.compile(r"\s*+")
_LIKELY = {
    "±": "write +/-",
    "(": "multiply it out: there are no brackets",
    "'": 'write double quotes: "',
    '"': "a quoted text ends with a double quote and escapes as JSON does",
    "&": "write /\\ or and",
    "∧": "write /\\ or and",
    "≥": "write > or, in a slice, >=",
    "≤": "write < or, in a slice, <=",
}
_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One sign: what it is, what it says, and at which character it begins."""

    kind: Kind
    said: str
    start: int
    end: int


def token(text: str, at: int) -> Token:
    """The first token from position `at` on; of kind "end" where there is none.

    Raises
    ------
    InputError
        If a character begins no token.
    """
    match = _SPACE.match(text, at)
    start = match.end() if match else at
    if start == len(text):
        return Token(kind="end", said="", start=start, end=start)
    found = _TOKEN.match(text, start)
    if found is None:
        hint = _LIKELY.get(text[start], "")
        refuse(text, start, f"has no meaning{f' ({hint})' if hint else ''}")
    return Token(kind=_kind(found), said=found.group(), start=start, end=found.end())


def refuse(text: str, at: int, message: str) -> NoReturn:
    """Raise an InputError that shows the text, or what is near if it is long, with a caret under character `at`."""
    begin, end = max(at - _SHOWN, 0), at + _SHOWN
    before, after = "…" * (begin > 0), "…" * (end < len(text))
    # A tab, a line break or a control character would move the caret away from what it points at.
    line = "".join(" " if c.isspace() else c if c.isprintable() else "\ufffd" for c in text[begin:end])
    indent = " " * len(before) + "".join(map(_blank, line[: at - begin]))
    raise InputError(f"the condition {message} here:\n  {before}{line}{after}\n  {indent}^")


def _blank(character: str) -> str:
    """White space as wide as the character: none for an accent upon the one before, a wide one for a Chinese sign."""
    if unicodedata.category(character) in ("Mn", "Me"):
        return ""
    return "\u3000" if unicodedata.east_asian_width(character) in ("W", "F") else " "


def _kind(found: re.Match[str]) -> Kind:
    kind: Kind = found.lastgroup  # type: ignore[assignment]
    return kind
