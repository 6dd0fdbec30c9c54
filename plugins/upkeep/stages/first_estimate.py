"""What was said about a window when it was first looked at: mostly before its labels came."""

from __future__ import annotations

from collections.abc import Sequence

from upkeep.ports import Json


def first_estimate(earlier: Sequence[Json], facts: Json) -> Json | None:
    """The accuracy that the first look of a version at a window has estimated, for a later look's report to carry.

    Parameters
    ----------
    earlier : sequence of dict
        Stored health reports of the model, in any order.
    facts : dict
        With `window` and `version` of the look at hand.

    Returns
    -------
    dict or None
        `as_of`, `labelled`, `rows`, `value`, `low`, `high` and `look` of the first look; None if this one is the first.

    Notes
    -----
    A window has one stored report, which each look replaces; what the first one said goes on from report to report under
    the key `first`. If another version's report takes the place in between, the account begins anew.

    Examples
    --------
    >>> estimate = {"estimate": {"value": 0.812, "low": 0.799, "high": 0.824}}
    >>> report = {"window": "2026-01-12", "version": "3", "as_of": "2026-01-12", "labelled": 0, "rows": 900, "look": 4}
    >>> facts = {"window": "2026-01-12", "version": "3"}
    >>> first = first_estimate([report | {"accuracy": estimate}], facts)
    >>> first["value"], first["labelled"], first["look"]
    (0.812, 0, 4)
    """
    of = ("window", "version", "since")
    same = (report for report in earlier if all(report.get(name) == facts.get(name) for name in of))
    report = next(same, None)
    if report is None:
        return None
    accuracy = report["accuracy"]
    estimate = accuracy.get("estimate") or accuracy["combined"]  # all that reports of before had
    own = {name: report[name] for name in ("as_of", "labelled", "rows", "look")}
    said: Json = report.get("first") or own | {name: estimate[name] for name in ("value", "low", "high")}
    return said
