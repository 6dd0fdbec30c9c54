r"""The language a gate's condition is written in: ``n - o > 0.02 +/- 0.01 /\ d < 0.1 +/- 0.01``.

The variables are `n`, the accuracy of the new model, `o`, that of the old one, and `d`, the share of rows
on which the two predict differently. The grammar, after [1]_ with constants and variables on both sides::

    condition  = clause { ("/\" | "and") clause }
    clause     = expression (">" | "<") expression "+/-" number
    expression = ["+" | "-"] term { ("+" | "-") term }
    term       = factor { "*" factor }          at most one factor is a variable
    factor     = number | "n" | "o" | "d"

The text is parsed by hand; nothing in it is ever executed.

References
----------
.. [1] Renggli et al. (2019). Continuous integration of machine learning models with ease.ml/ci. MLSys.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn

from upkeep.errors import InputError

Comparison = Literal[">", "<"]
VARIABLES = ("n", "o", "d")

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<tolerance>\+/-)|(?P<number>(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)"
    r"|(?P<variable>[nod]\b)|(?P<and>/\\|and\b)|(?P<compare>[<>](?!=))|(?P<sign>[+-])|(?P<times>\*)"
)
_LIKELY = {"<=": "write < or >", ">=": "write < or >", "±": "write +/-", "(": "multiply it out: there are no brackets"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """``sum of c_i * v_i  >  threshold  +/-  tolerance``, or with ``<``.

    Attributes
    ----------
    weights : tuple of (str, float)
        The variables with a factor other than 0, in the order n, o, d.
    comparison : {">", "<"}
    threshold : float
    tolerance : float
        Half the width of the interval around the left side's estimate, above 0.
    """

    weights: tuple[tuple[str, float], ...]
    comparison: Comparison
    threshold: float
    tolerance: float

    def __str__(self) -> str:
        left = "".join(f" {'-' if c < 0 else '+'} {_scaled(abs(c), v)}" for v, c in self.weights)
        left = left.removeprefix(" + ")
        left = f"-{left[3:]}" if left.startswith(" - ") else left
        return f"{left} {self.comparison} {self.threshold!r} +/- {self.tolerance!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Clauses that must all hold; ``parse(str(condition)) == condition``."""

    clauses: tuple[Clause, ...]

    @property
    def variables(self) -> frozenset[str]:
        return frozenset(name for clause in self.clauses for name, _ in clause.weights)

    def __str__(self) -> str:
        return " /\\ ".join(str(clause) for clause in self.clauses)


def _scaled(factor: float, variable: str) -> str:
    return variable if factor == 1.0 else f"{factor!r}*{variable}"


def parse(text: str) -> Condition:
    r"""The condition that a text states, each clause brought to one form.

    Raises
    ------
    InputError
        With the text and a caret under the character it stumbled over.

    Examples
    --------
    >>> str(parse("n > 1.1*o + 0.02 +/- 0.01 and d < .1 +/- .01"))
    'n - 1.1*o > 0.02 +/- 0.01 /\\ d < 0.1 +/- 0.01'
    >>> parse("n - o > 0.02")
    Traceback (most recent call last):
    upkeep.errors.InputError: the condition needs a tolerance '+/- number' here:
      n - o > 0.02
                  ^
    """
    return _Parser(text).condition()


class _Parser:
    """Recursive descent, one method per rule of the grammar."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._kind = self._token = ""
        self._start = 0
        self._advance()

    def condition(self) -> Condition:
        clauses = [self._clause()]
        while self._kind == "and":
            self._advance()
            clauses.append(self._clause())
        if self._kind:
            self._fail("must go on with '/\\' or 'and', or end")
        return Condition(clauses=tuple(clauses))

    def _clause(self) -> Clause:
        start = self._start
        left = self._expression()
        comparison: Comparison = ">" if self._expect("compare", "needs '>' or '<'") == ">" else "<"
        right = self._expression()
        self._expect("tolerance", "needs a tolerance '+/- number'")
        where = self._start
        tolerance = float(self._expect("number", "needs the tolerance, a number above 0,"))
        if not 0.0 < tolerance < math.inf:
            self._fail("needs a finite tolerance above 0", where)
        # + 0.0 turns -0.0 into 0.0, so that what is printed reads back as the same clause.
        weights = tuple((v, left[v] - right[v]) for v in VARIABLES if left[v] != right[v])
        threshold = right[""] - left[""] + 0.0
        if not weights or not all(math.isfinite(c) for c in [threshold, *(c for _, c in weights)]):
            self._fail("needs a clause in which a variable is left, with finite numbers,", start)
        return Clause(weights=weights, comparison=comparison, threshold=threshold, tolerance=tolerance)

    def _expression(self) -> Mapping[str, float]:
        """Factor of each variable, and the constant under the empty name."""
        total = dict.fromkeys([*VARIABLES, ""], 0.0)
        sign = self._sign() if self._kind == "sign" else 1.0
        while True:
            name, factor = self._term()
            total[name] += sign * factor
            if self._kind != "sign":
                return total
            sign = self._sign()

    def _sign(self) -> float:
        sign = -1.0 if self._token == "-" else 1.0
        self._advance()
        return sign

    def _term(self) -> tuple[str, float]:
        name, value = self._factor()
        while self._kind == "times":
            self._advance()
            where = self._start
            other, factor = self._factor()
            if name and other:
                self._fail("must be linear: a variable may be multiplied by numbers alone", where)
            name, value = name or other, value * factor
        return name, value

    def _factor(self) -> tuple[str, float]:
        if self._kind == "variable":
            name = self._token
            self._advance()
            return name, 1.0
        return "", float(self._expect("number", "needs a number or one of n, o, d"))

    def _expect(self, kind: str, message: str) -> str:
        if self._kind != kind:
            self._fail(message)
        token = self._token
        self._advance()
        return token

    def _advance(self) -> None:
        while True:
            self._start = self._at
            if self._at == len(self._text):
                self._kind = self._token = ""
                return
            match = _TOKEN.match(self._text, self._at)
            if match is None:
                rest = self._text[self._at :]
                advice = next((hint for sign, hint in _LIKELY.items() if rest.startswith(sign)), "")
                self._fail(f"has no meaning{f' ({advice})' if advice else ''}")
            self._at, self._kind, self._token = match.end(), str(match.lastgroup), match.group()
            if self._kind != "space":
                return

    def _fail(self, message: str, at: int | None = None) -> NoReturn:
        column = self._start if at is None else at
        line = re.sub(r"\s", " ", self._text)  # a caret under a tab or a line break would point elsewhere
        raise InputError(f"the condition {message} here:\n  {line}\n  {' ' * column}^")
