r"""The language a gate's condition is written in: ``n - o > 0.02 +/- 0.01 /\ d < 0.1 +/- 0.01``.

A variable is a metric of the new model `n` or of the old one `o`, or `d`, the share of rows on which the two predict
differently. It may be about a slice of the rows. The grammar, after [1]_ with constants and variables on both sides::

    condition  = clause { ("/\" | "and") clause }
    clause     = expression (">" | "<") expression "+/-" number
    expression = ["+" | "-"] term { ("+" | "-") term }
    term       = factor { "*" factor }          at most one factor is a variable
    factor     = number | variable
    variable   = ("n" | "o") ["." metric] [slice] | "d" [slice]
    slice      = "[" predicate { "," predicate } "]" | "[" "worst" column "]"
    predicate  = column ("=" | "!=" | "<" | "<=" | ">" | ">=") (word | text | ["+" | "-"] number)
    column     = word | text

========================  ====================================================================
``n``, ``n.accuracy``     share of right predictions
``n.recall``              share of right predictions among the rows with label 1
``n.specificity``         share of right predictions among the rows with label 0
``n.precision``           share with label 1 among the rows that the model predicts to be 1
``n.f1``                  harmonic mean of precision and recall
``n.brier``               mean of (score - label)²
``n.<loss>``              mean of a loss in [0, 1] that the caller names
``n[hour >= 18]``         on the rows of a slice; a comma in it means "and"
``n[worst borough]``      the clause must hold in the worst slice, thus in every level of the column;
                          all variables of the clause then name that column
========================  ====================================================================

A word is made of letters, digits and ``_``. Any other text stands in double quotes with JSON's escapes, as in
``n.recall[borough = "Staten Island", trip_distance >= 5]``; so does a time, ``o[pickup >= "2024-01-08"]``. The comma
joins predicates only: there is no "or". The text is parsed by hand; nothing in it is ever executed.

References
----------
.. [1] Renggli et al. (2019). Continuous integration of machine learning models with ease.ml/ci. MLSys.
"""

from __future__ import annotations

from collections.abc import Iterable

from upkeep.core.gate.clause import Clause, Comparison, Condition, expand
from upkeep.core.gate.parser import Parser
from upkeep.core.gate.variable import METRICS, Predicate, Variable, Worst, is_word
from upkeep.errors import InputError

__all__ = ["Clause", "Comparison", "Condition", "Predicate", "Variable", "Worst", "expand", "parse"]


def parse(text: str, losses: Iterable[str] = ()) -> Condition:
    r"""The condition that a text states, each clause brought to one form.

    Parameters
    ----------
    text : str
    losses : iterable of str
        Names of the losses that it may speak of beside the metrics above.

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
    >>> parse("n.recall[borough = Staten Island] > 0.7 +/- 0.1")
    Traceback (most recent call last):
    upkeep.errors.InputError: the condition needs ',' or ']' (dates and text of several words stand in double quotes) here:
      n.recall[borough = Staten Island] > 0.7 +/- 0.1
                                ^
    """
    named = tuple(losses)
    for name in named:
        if not is_word(name) or name in METRICS:
            raise InputError(f"a loss needs a name of letters, digits and _ that is no metric's, got {name!r}.")
    return Parser(text, (*METRICS, *named)).condition()
