"""`upkeep gate plan`: labels that a condition and its promise need, by each method."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upkeep.cli.results import add_json_option, tell
from upkeep.errors import InputError

if TYPE_CHECKING:
    from upkeep.core.gate.condition import Condition
    from upkeep.core.gate.plan import Facts, Method, Plan
    from upkeep.core.gate.promise import Promise

Json = dict[str, Any]
_WIDTH = 100
_ADAPTIVITIES = ("none", "full", "firstChange", "releases")
_MODES = ("fp-free", "fn-free", "investigate")


def add_plan(parts: Any) -> None:
    """Add the command to those of the gate."""
    parser = parts.add_parser(
        "plan",
        help="labels that a condition needs, by each method",
        description="Print how many labelled and unlabelled rows each method needs for the promise, what it assumes and costs, "
        "and mark the one that needs fewest labels.",
        epilog="example: upkeep gate plan --condition 'n - o > 0.02 +/- 0.01' --reliability 0.9999 --steps 32 --price 0.10",
    )
    parser.add_argument("--condition", metavar="TEXT", help="as in 'n - o > 0.02 +/- 0.01 /\\ d < 0.1 +/- 0.01'")
    sure = parser.add_mutually_exclusive_group()
    sure.add_argument("--reliability", type=float, metavar="P", help="chance that no verdict of a test set is wrong")
    sure.add_argument("--delta", type=float, metavar="P", help="1 - reliability")
    parser.add_argument("--steps", type=int, metavar="N", help="models that a test set judges")
    parser.add_argument("--adaptivity", choices=_ADAPTIVITIES, help="who is told the answers (default none)")
    parser.add_argument(
        "--releases", type=int, default=0, metavar="K", help="passes that may be built upon (default 0)"
    )
    parser.add_argument("--mode", choices=_MODES, help="what an unknown truth becomes (default fp-free)")
    parser.add_argument(
        "--difference", type=float, metavar="D", help="the models surely differ on no larger share of rows"
    )
    parser.add_argument(
        "--measured-difference", type=float, metavar="D", help="they differed on this share of other rows ..."
    )
    parser.add_argument("--unlabelled", type=int, metavar="N", help="... of which there were so many")
    parser.add_argument(
        "--levels", action="append", default=[], metavar="COLUMN=A,B", help="levels of a column of a worst slice"
    )
    parser.add_argument(
        "--loss", action="append", default=[], metavar="NAME", help="a loss that the condition speaks of"
    )
    parser.add_argument("--price", type=float, metavar="P", help="of one label")
    parser.add_argument(
        "--easeml", type=Path, metavar="FILE", help="condition and promise from an .easeml.yml; options go first"
    )
    add_json_option(parser)
    parser.set_defaults(run=plan)


def plan(chosen: argparse.Namespace) -> None:
    """Run `upkeep gate plan`."""
    from upkeep.core.gate.condition import expand, parse
    from upkeep.core.gate.plan import plan as planned

    text, promise = _agreed(chosen)
    condition = expand(parse(text, chosen.loss), dict(_levels(chosen.levels)))
    if chosen.price is not None and not 0 <= chosen.price < float("inf"):
        raise InputError(f"the price of a label must be 0 or more, got {chosen.price}.")
    facts = _facts(chosen)
    made = planned(condition, promise, facts)
    record = _record(condition, promise, facts, made, chosen.price)
    tell(chosen.json, record, lambda: _table(condition, promise, made, chosen.price))


def _agreed(chosen: argparse.Namespace) -> tuple[str, Promise]:
    """Condition and promise, from the options and from a file of ease.ml/ci for what they leave open."""
    from upkeep.adapters.easeml_file import read_easeml
    from upkeep.core.gate.promise import Promise

    settings: Json = dict(read_easeml(chosen.easeml).settings) if chosen.easeml else {}
    reliability = 1.0 - chosen.delta if chosen.delta is not None else chosen.reliability
    given = {
        "condition": chosen.condition,
        "reliability": reliability,
        "steps": chosen.steps,
        "adaptivity": chosen.adaptivity,
        "mode": chosen.mode,
    }
    settings |= {name: value for name, value in given.items() if value is not None}
    missing = [name for name in ("condition", "reliability", "steps") if name not in settings]
    if missing:
        raise InputError(
            f"a plan needs a condition, a reliability or delta, and steps, but lacks {', '.join(missing)}. "
            "Give them as options, or name a file by --easeml."
        )
    text = settings.pop("condition")
    return text, Promise(**settings, releases=chosen.releases)


def _levels(given: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    for one in given:
        column, equals, names = one.partition("=")
        levels = [name for name in names.split(",") if name]
        if not equals or not levels:
            raise InputError(f"--levels must be like borough=Bronx,Queens, got {one!r}.")
        yield column, levels


def _facts(chosen: argparse.Namespace) -> Facts:
    from upkeep.core.gate.plan import Facts

    share, rows = chosen.measured_difference, chosen.unlabelled
    if (share is None) != (rows is None):
        raise InputError("--measured-difference and --unlabelled must come together: a share, and of how many rows.")
    return Facts(difference=chosen.difference, measured_difference=None if share is None else (share, rows))


def _record(condition: Condition, promise: Promise, facts: Facts, made: Plan, price: float | None) -> Json:
    def method(one: Method) -> Json:
        cost = one.cost(price) if price is not None and one.available else None
        return asdict(one) | {"cost": cost}

    return {
        "condition": str(condition),
        "promise": asdict(promise),
        "facts": asdict(facts),
        "price": price,
        "methods": [method(one) for one in made.methods],
        "cheapest": made.best.name,
        "warnings": list(made.warnings),
    }


def _table(condition: Condition, promise: Promise, made: Plan, price: float | None) -> Iterator[str]:
    yield str(condition)
    releases = f" of {promise.releases}" if promise.adaptivity == "releases" else ""
    yield (
        f"reliability {promise.reliability:g} over {promise.steps} models, adaptivity {promise.adaptivity}{releases}, "
        f"{promise.mode}"
    )
    yield ""
    header = ("  method", "labels", "unlabelled", "rows", *(["cost"] if price is not None else []))
    cells = [header, *(_cells(method, method.name == made.best.name, price) for method in made.methods)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    for name, *numbers in cells:
        columns = (number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True))
        yield "  ".join([name.ljust(widths[0]), *columns])
    yield ""
    if len(made.best.clauses) > 1 or made.best.clauses[0].about:
        for need in made.best.clauses:
            yield f"{need.clause}: {need.labels:,} labels on {f'rows with {need.about}' if need.about else 'all rows'}"
        yield ""
    for method in made.methods:
        said = method.assumption if method.available else f"not to be had: {method.why_not}"
        yield from textwrap.wrap(f"{method.name}: {said}", _WIDTH, subsequent_indent="  ")
    yield from (f"warning: {warning}" for warning in made.warnings)


def _cells(method: Method, best: bool, price: float | None) -> tuple[str, ...]:
    name = f"{'*' if best else ' '} {method.name}"
    if not method.available:
        return (name, "-", "-", "-", *(["-"] if price is not None else []))
    cost = [f"{method.cost(price):,.2f}"] if price is not None else []
    return (name, f"{method.labels:,}", f"{method.unlabelled:,}", f"{method.rows:,}", *cost)
