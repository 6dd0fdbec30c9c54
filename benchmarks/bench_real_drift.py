"""What fires when on real data, beside the accuracy of a model trained on the first part.

    python benchmarks/bench_real_drift.py [--quick] [--markdown FILE] [--figures DIR]

Three tables: the New South Wales power market, in which a model of the first months fails; a year of rented bicycles after
another one, with the same seasons; taxi trips before and after a surcharge. A *drop* is a window in which the model does worse
than in every window of the reference that it had been kept from. `--figures` redraws the pictures of docs/drift.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from real_figures import draw
from real_lives import RULES, Life, Window, held_out, live, matrix, windows_after
from real_tables import (
    BIKE_NUMBERS,
    BIKE_TEXTS,
    ELEC2,
    ELEC2_ALIVE,
    TRIP_NUMBERS,
    TRIP_TEXTS,
    bikes,
    elec2,
    march_trips,
    trips,
)
from report import Report
from upkeep.core.columns import Columns, select

WEEKS_OF_ELEC2 = 33  # the first quarter, in whole weeks


@dataclass(frozen=True, slots=True, kw_only=True)
class Fared:
    """How the model fares: `expected` in each window of the reference that it was kept from, `seen` in each live one."""

    expected: NDArray[np.float64]
    seen: NDArray[np.float64]

    @property
    def worst(self) -> float:
        return float(self.expected.min())

    @property
    def drops(self) -> NDArray[np.bool_]:
        return self.seen < self.worst

    @property
    def lasting(self) -> int | None:
        """The first window that is the second of two drops within three windows."""
        drops = np.flatnonzero(self.drops)
        second = drops[1:][np.diff(drops) <= 2]
        return int(second[0]) if len(second) else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="models of 25 trees, not 100")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--figures", type=Path, help="folder that the pictures are drawn to")
    given = parser.parse_args()
    import sklearn.ensemble  # noqa: F401  what is limited below must have been loaded

    with threadpool_limits(1):  # boosting's threads wait for each other for long where cores are shared
        _run(given)


def _run(given: argparse.Namespace) -> None:
    report = Report("Drift alarms on real data")
    trees = 25 if given.quick else 100
    power = {days: power_market(days, trees) for days in (7, 28)}
    cycling = bicycles(28, trees)
    figures: dict[str, Any] = {f"elec2_{days}_days": tell_power(report, days, *found) for days, found in power.items()}
    figures["bikes_28_days"] = tell_bicycles(report, *cycling)
    weekly = bicycles_life(7).windows
    figures["bikes_7_days"] = {"windows": len(weekly), "seasons_alarmed": sum(bool(w.called["ours"]) for w in weekly)}
    figures["trips"] = tell_trips(report, *taxi(trees))
    if given.figures:
        draw(given.figures, power=power[7], cycling=cycling[0])
    report.finish(figures, given.markdown)


def power_market(days: int, trees: int) -> tuple[Life, Fared]:
    """Elec2: the first 33 weeks are the reference, counted in windows of so many days."""
    table, when = elec2()
    start = when[0] + np.timedelta64(7 * WEEKS_OF_ELEC2, "D")
    past = np.flatnonzero(when < start)
    windows = [(name, table, rows) for name, rows in windows_after(when, start, days)]
    life = live(select({c: table[c] for c in ELEC2}, past), when[past], days, tqdm(windows, desc="power", leave=False))
    right = _power_right(trees)
    age = (when[past].max() - when[past]) // np.timedelta64(days, "D")
    expected = np.array([right[past[age == i]].mean() for i in range(life.past_windows)][::-1])
    return life, Fared(expected=expected, seen=np.array([right[window.rows].mean() for window in life.windows]))


@cache
def _power_right(trees: int) -> NDArray[np.bool_]:
    """Where the model is right: one kept from the row's three weeks in the reference, one of the whole reference after it."""
    table, when = elec2()
    x, y = matrix(table, ("period", *ELEC2)), table["class"]
    week = ((when - when[0]) // np.timedelta64(7, "D")).astype(np.int64)
    past, classifier = week < WEEKS_OF_ELEC2, _boosted("Classifier", trees)
    told = np.concatenate(
        [
            held_out(classifier, x[past], y[past], week[past] // 3),
            classifier().fit(x[past], y[past]).predict(x[~past]),
        ]
    )
    return np.asarray(told == y)


def tell_power(report: Report, days: int, life: Life, fared: Fared) -> dict[str, Any]:
    marks = ["drop" if drop else "" for drop in fared.drops]
    weeks = "weekly windows" if days == 7 else f"windows of {days // 7} weeks"
    report.table(
        f"Elec2 in {weeks}",
        ("from", "accuracy", "", *RULES),
        [
            (w.name, f"{seen:.3f}", mark, *(_names(w, rule) for rule in RULES))
            for w, seen, mark in zip(life.windows, fared.seen, marks, strict=True)
        ],
    )
    lasting = life.windows[fared.lasting].name if fared.lasting is not None else None
    report.paragraph(
        f"Kept from a part of the reference, the model is right in {fared.expected.mean():.3f} of its rows, and in its worst "
        f"window in {fared.worst:.3f}: less is a drop. The first that lasts (two of three windows) is seen with {lasting}."
    )
    rows, facts = [], {}
    for title, columns in (("all columns", ()), ("the columns that were alive", ELEC2_ALIVE)):
        for rule in RULES:
            hit = np.array([life.alarm(w, rule, columns) for w in life.windows])
            caught, others = int(hit[fared.drops].sum()), int(hit[~fared.drops].sum())
            first = life.first(rule, columns)
            rows.append(
                (
                    rule,
                    title,
                    first or "never",
                    f"{caught} of {fared.drops.sum()}",
                    f"{others} of {(~fared.drops).sum()}",
                )
            )
            facts[f"{rule}, {title}"] = {"first": first, "drops_alarmed": caught, "others_alarmed": others}
    report.table(
        f"Elec2 in {weeks}: alarms", ("rule", "columns", "first alarm", "drops alarmed", "other windows alarmed"), rows
    )
    tolerated = {name: round(life.tolerated[f"{name}:ks"], 3) for name in ELEC2}
    return {
        "windows": len(life.windows),
        "drops": int(fared.drops.sum()),
        "worst_expected": round(fared.worst, 3),
        "first_drop": next((w.name for w, drop in zip(life.windows, fared.drops, strict=True) if drop), None),
        "first_lasting_drop": lasting,
        "tolerated": tolerated,
        "first_alarm_by_column": {name: life.first("ours", (name,)) for name in ELEC2},
        "rules": facts,
    }


def bicycles_life(days: int) -> Life:
    """The year 2011 is the reference, 2012 the life; what is looked at has seasons and nothing else."""
    table, when = bikes()
    first = np.datetime64("2011-01-01", "s")
    start = first + np.timedelta64(364, "D")
    names = (*BIKE_NUMBERS, *BIKE_TEXTS)
    past = np.flatnonzero(when < start)
    windows = [(name, table, rows) for name, rows in windows_after(when, start, days)]
    return live(
        select({c: table[c] for c in names}, past), when[past], days, tqdm(windows, desc="bicycles", leave=False)
    )


def bicycles(days: int, trees: int) -> tuple[Life, Fared]:
    life = bicycles_life(days)
    table, when = bikes()
    x, y = matrix(table, (*BIKE_NUMBERS, *BIKE_TEXTS)), table["cnt"]
    day = ((when - when[0]) // np.timedelta64(1, "D")).astype(np.int64)
    past, regressor = np.flatnonzero(day < 364), _boosted("Regressor", trees)
    error = np.abs(held_out(regressor, x[past], y[past], day[past] // 28) - y[past])
    expected = np.array([error[day[past] // days == i].mean() for i in range(364 // days)])
    model = regressor().fit(x[past], y[past])
    seen = np.array([np.abs(model.predict(x[w.rows]) - y[w.rows]).mean() for w in life.windows])
    return life, Fared(expected=expected, seen=seen)


def tell_bicycles(report: Report, life: Life, fared: Fared) -> dict[str, Any]:
    table, _ = bikes()
    report.table(
        "Rented bicycles, 2012 after 2011, in windows of 4 weeks: the columns that only have seasons",
        ("from", "riders an hour", "mean error", *RULES),
        [
            (w.name, f"{table['cnt'][w.rows].mean():.0f}", f"{seen:.0f}", *(_names(w, rule) for rule in RULES))
            for w, seen in zip(life.windows, fared.seen, strict=True)
        ],
    )
    report.paragraph(
        f"Kept from four weeks of 2011, the model is wrong by {fared.expected.mean():.0f} riders an hour, and by "
        f"{fared.expected.max():.0f} in its worst four weeks. In 2012 it is wrong by {fared.seen.mean():.0f}, as there are more "
        "riders: nothing that it is told has changed, so no alarm on that can say so. Labels do."
    )
    return {
        "windows": len(life.windows),
        "seasons_alarmed": {rule: sum(bool(w.called[rule]) for w in life.windows) for rule in RULES},
        "mean_error": [round(float(fared.expected.mean()), 1), round(float(fared.seen.mean()), 1)],
    }


def taxi(trees: int) -> tuple[Life, NDArray[np.float64], NDArray[np.float64]]:
    """January is the reference; then the weeks of February and March. Accuracy is that of a model of who tips over 20 %."""
    (past, past_when), (february, second), (march, third) = trips("2019-01"), trips("2019-02"), march_trips()
    names = (*TRIP_NUMBERS, *TRIP_TEXTS)
    windows = [(name, february, rows) for name, rows in windows_after(second, second[0], 7)]
    windows += [(name, march, rows) for name, rows in windows_after(third, third[0], 7)]
    life = live({c: past[c] for c in names}, past_when, 7, windows)
    x, y, classifier = _riders(past), _tips(past), _boosted("Classifier", trees)
    week = (past_when - past_when[0]) // np.timedelta64(7, "D")
    right = held_out(classifier, x, y, week.astype(np.int64)) == y
    expected = np.array([right[week == i].mean() for i in range(4)])
    model = classifier().fit(x, y)
    whole = [february] * 4 + [march] * (len(windows) - 4)
    seen = [
        np.mean(model.predict(_riders(t)[w.rows]) == _tips(t)[w.rows]) for t, w in zip(whole, life.windows, strict=True)
    ]
    return life, expected, np.array(seen)


def tell_trips(report: Report, life: Life, expected: NDArray[np.float64], seen: NDArray[np.float64]) -> dict[str, Any]:
    report.table(
        "Taxi trips by week, after January 2019 (March without the columns that its file lacks)",
        ("from", "accuracy", *RULES),
        [(w.name, f"{s:.3f}", *(_names(w, rule) for rule in RULES)) for w, s in zip(life.windows, seen, strict=True)],
    )
    report.paragraph(
        f"Kept from a week of January, the model of tips is right in {expected.min():.3f} to {expected.max():.3f}. The "
        "congestion surcharge came with February; `extra` and the total follow. Trips of 0 passengers are new in February's file."
    )
    always = {rule: sorted(set.intersection(*(set(w.called[rule]) for w in life.windows[:4]))) for rule in RULES}
    ever = {rule: sorted({name for w in life.windows[:4] for name in w.called[rule]}) for rule in RULES}
    return {
        "february_always": always["ours"],
        "february_ever": ever["ours"],
        "february_ever_p": ever["p < .05"],
        "trip_distance_alarmed": {rule: sum("trip_distance" in w.called[rule] for w in life.windows) for rule in RULES},
        "accuracy": [
            round(float(expected.mean()), 3),
            round(float(seen[:4].mean()), 3),
            round(float(seen[4:].mean()), 3),
        ],
    }


def _riders(table: Columns) -> NDArray[np.float64]:
    return matrix(table, ("passenger_count", "trip_distance", "fare_amount", "tolls_amount", "payment_type"))


def _tips(table: Columns) -> NDArray[np.bool_]:
    return table["tip_amount"] > 0.2 * table["fare_amount"]


def _boosted(kind: str, trees: int) -> Callable[[], Any]:
    from sklearn import ensemble

    return partial(getattr(ensemble, f"HistGradientBoosting{kind}"), max_iter=trees, random_state=0)


def _names(window: Window, rule: str) -> str:
    return " ".join(window.called[rule])


if __name__ == "__main__":
    main()
