"""From the text of a condition to its clauses; the grammar stands in `upkeep.core.gate.condition`."""

from __future__ import annotations

import json
import math
from typing import NoReturn

from upkeep.core.gate.clause import Clause, Comparison, Condition
from upkeep.core.gate.tokens import Kind, refuse, token
from upkeep.core.gate.variable import (
    MODELS,
    SLICE_COMPARISONS,
    Model,
    Predicate,
    Slice,
    Variable,
    Worst,
    is_unicode,
)

_CLAUSE_HINTS = {">=": "write >", "<=": "write <", "=": "write < or >", "!=": "write < or >"}


class Parser:
    """Recursive descent, one method per rule of the grammar. No rule contains itself, so no text is too deep."""

    def __init__(self, text: str, metrics: tuple[str, ...]) -> None:
        self._text = text
        self._metrics = metrics
        self._named: list[tuple[Variable, int]] = []
        self._token = token(text, 0)

    def condition(self) -> Condition:
        clauses = [self._clause()]
        while self._at("and"):
            self._advance()
            clauses.append(self._clause())
        if not self._at("end"):
            self._fail("must go on with '/\\' or 'and', or end")
        return Condition(clauses=tuple(clauses))

    def _clause(self) -> Clause:
        start = self._token.start
        self._named.clear()
        left = self._expression()
        comparison = self._comparison()
        right = self._expression()
        self._expect("tolerance", "needs a tolerance '+/- number'")
        where = self._token.start
        tolerance = float(self._expect("number", "needs the tolerance, a number above 0,"))
        if not 0.0 < tolerance < math.inf:
            self._fail("needs a finite tolerance above 0", where)
        self._check_worst()
        threshold = right.pop(None, 0.0) - left.pop(None, 0.0) + 0.0  # + 0.0 turns -0.0, which would print, into 0.0
        factors = {v: left.get(v, 0.0) - right.get(v, 0.0) for v in left | right}
        weights = tuple((v, c) for v, c in factors.items() if v is not None and c != 0.0)
        if not weights or not all(math.isfinite(c) for c in [threshold, *(c for _, c in weights)]):
            self._fail("needs a clause in which a variable is left, with finite numbers,", start)
        return Clause(weights=weights, comparison=comparison, threshold=threshold, tolerance=tolerance)

    def _comparison(self) -> Comparison:
        said = self._token.said
        if said not in (">", "<"):
            hint = _CLAUSE_HINTS.get(said)
            self._fail(f"needs '>' or '<'{f' ({hint})' if hint else ''}")
        return ">" if self._advance() == ">" else "<"

    def _check_worst(self) -> None:
        slices = [(variable.slice, at) for variable, at in self._named]
        worst = next((rows for rows, _ in slices if isinstance(rows, Worst)), None)
        other = next((at for rows, at in slices if worst is not None and rows != worst), None)
        if other is not None:
            self._fail(f"must say [{worst}] of every variable of this clause", other)

    def _expression(self) -> dict[Variable | None, float]:
        """Factor of each variable, and the constant under None."""
        total: dict[Variable | None, float] = {}
        sign = self._sign() if self._at("sign") else 1.0
        while True:
            variable, factor = self._term()
            total[variable] = total.get(variable, 0.0) + sign * factor
            if not self._at("sign"):
                return total
            sign = self._sign()

    def _sign(self) -> float:
        return -1.0 if self._advance() == "-" else 1.0

    def _term(self) -> tuple[Variable | None, float]:
        variable, value = self._factor()
        while self._at("times"):
            self._advance()
            where = self._token.start
            other, factor = self._factor()
            if variable and other:
                self._fail("must be linear: a variable may be multiplied by numbers alone", where)
            variable, value = variable or other, value * factor
        return variable, value

    def _factor(self) -> tuple[Variable | None, float]:
        if not self._at("word"):
            return None, float(self._expect("number", "needs a number or one of n, o, d"))
        start = self._token.start
        model = self._model()
        variable = Variable(model, self._metric(model), self._slice())
        self._named.append((variable, start))
        return variable, 1.0

    def _model(self) -> Model:
        for model in MODELS:
            if self._token.said == model:
                self._advance()
                return model
        return self._fail("has no meaning (the variables are n, o and d)")

    def _metric(self, model: Model) -> str:
        if not self._at("dot"):
            return "accuracy"
        if model == "d":
            self._fail("gives a metric to d, which is the share of rows where the two predict differently (write d),")
        self._advance()
        where = self._token.start
        name = self._word("needs the name of a metric")
        if name not in self._metrics:
            self._fail(f"has a metric that is none of {', '.join(self._metrics)}", where)
        return name

    def _slice(self) -> Slice:
        if not self._at("open"):
            return ()
        self._advance()
        bare = self._token.said
        column = self._column()
        if bare == "worst" and not self._at("compare"):
            rows: Slice = Worst(self._column())
        else:
            predicates = [self._predicate(column)]
            while self._at("comma"):
                self._advance()
                predicates.append(self._predicate(self._column()))
            rows = tuple(predicates)
        self._expect("close", "needs ',' or ']' (dates and text of several words stand in double quotes)")
        return rows

    def _predicate(self, column: str) -> Predicate:
        said = self._expect("compare", f"needs one of {' '.join(SLICE_COMPARISONS)}")
        comparison = next(known for known in SLICE_COMPARISONS if known == said)
        if not self._at("sign", "number"):
            return Predicate(column, comparison, self._words("needs a word, a text in double quotes or a number"))
        start = self._token.start
        sign = self._sign() if self._at("sign") else 1.0
        value = sign * float(self._expect("number", "needs a number after the sign")) + 0.0
        if not math.isfinite(value):
            self._fail("needs a finite number", start)
        return Predicate(column, comparison, value)

    def _column(self) -> str:
        return self._words("needs the name of a column, a word or a text in double quotes,")

    def _words(self, message: str) -> str:
        start = self._token.start
        if not self._at("text"):
            return self._word(message)
        said = str(json.loads(self._advance()))
        if not is_unicode(said):
            self._fail("needs text without half a surrogate pair", start)
        return said

    def _word(self, message: str) -> str:
        return self._advance() if self._token.said == "and" else self._expect("word", message)

    def _at(self, *kinds: Kind) -> bool:
        return self._token.kind in kinds

    def _expect(self, kind: Kind, message: str) -> str:
        if self._token.kind != kind:
            self._fail(message)
        return self._advance()

    def _advance(self) -> str:
        """Step to the next token; what the one before said."""
        said = self._token.said
        self._token = token(self._text, self._token.end)
        return said

    def _fail(self, message: str, at: int | None = None) -> NoReturn:
        refuse(self._text, self._token.start if at is None else at, message)
