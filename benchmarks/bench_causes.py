"""Whether a decision names the right cause, and whether its recipe's challenger beats the plain full retrain.

    python benchmarks/bench_causes.py [--quick] [--runs N] [--markdown FILE]

Each run draws a world, trains a model, lets it see quiet windows, then an incident, and asks for a decision. What is told
apart is compared with two other rules: the same decision on parts by score bucket, and one that always says covariate shift.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from cause_life import POLICY, Life
from cause_worlds import DUE_H, FEATURES, TRIP_FEATURES, Incident, Learner, delivered, linear, quiet, rows, tree, trips
from report import Report
from upkeep.core.columns import Columns, concatenate, select
from upkeep.core.retrain.decision import Decision
from upkeep.core.retrain.diagnosis import diagnose
from upkeep.core.retrain.recipe_weights import recipe_weights
from upkeep.core.retrain.recipes import Recipe
from upkeep.core.simulation.incidents import Incidents

FAULTS = ("lost", "times_100", "unknown_level", "not_logged")
SHIFTS = {
    "covariate": (Incident(covariate=1.3), "covariate_shift"),
    "concept": (Incident(concept=2.0), "concept_shift"),
    "mixed": (Incident(covariate=0.8, concept=1.0), "mixed"),
}
MANY, FRESH, QUIET = 4_000, 10_000, 3
#: Challengers are trained, and trips simulated, in the first so many runs.
TRAINED = 25
TRIPS = 3_000
TRIP_INCIDENTS = {
    "trips: concept": (Incidents(concept_week=9), 2, "concept_shift"),
    "trips: broken meter": (Incidents(broken_meter_week=9, broken_meter_share=0.5), 1, "data_integrity"),
    "trips: New Year, no harm": (Incidents(new_year_week=9), 1, "drift"),
    "trips: late borough": (Incidents(late_borough_week=9), 1, "late_labels"),
}


def begin(rng: np.random.Generator, learner: Learner, seed: int) -> Life:
    train, held_out = quiet(rng, 0, 5, 3_000), quiet(rng, 5, 2, 3_000)
    scorer = learner({name: train[name] for name in FEATURES}, train["label"])
    return Life(train, held_out, scorer, learner=learner, features=FEATURES, group="place", due_h=DUE_H, seed=seed)


def live(life: Life, rng: np.random.Generator, incidents: Sequence[Incident], many: int = MANY) -> Decision:
    for incident in incidents:
        week = 7 + len(life.facts)
        decision = life.window(*delivered(rng, rows(rng, week, many, incident), week, incident))
    return decision


def shifted(name: str, seed: int, learner: Learner) -> tuple[Life, Decision, np.random.Generator]:
    rng = np.random.default_rng([seed, len(name)])
    life = begin(rng, learner, seed)
    return life, live(life, rng, [Incident()] * QUIET + [SHIFTS[name][0]] * 2), rng


def other_incident(name: str, seed: int) -> tuple[Life, Decision]:
    """A broken meter in one of four ways, or labels that are late for all rows or for one place's."""
    rng = np.random.default_rng([seed, len(name)])
    broken = name == "broken meter"
    incident = Incident(fault=FAULTS[seed % 4]) if broken else Incident(late=("all", "airport")[seed % 2])
    life = begin(rng, linear, seed)
    return life, live(life, rng, [*[Incident()] * QUIET, incident])


def trip_incident(incidents: Incidents, windows: int, seed: int) -> tuple[Life, Decision]:
    made = [trips(week, seed=seed, many=TRIPS, incidents=incidents) for week in range(9 + windows)]
    known = [select(table, ~np.isnan(table["label"])) for table, _, _ in made[:6]]
    train, held_out = concatenate(known[:4]), concatenate(known[4:])
    scorer = tree({name: train[name] for name in TRIP_FEATURES}, train["label"])
    life = Life(
        train, held_out, scorer, learner=tree, features=TRIP_FEATURES, group="pickup_borough", due_h=DUE_H, seed=seed
    )
    for table, came, refused in made[6:]:
        decision = life.window(table, came, refused=refused)
    return life, decision


def quiet_life(seed: int, windows: int) -> int:
    """Retrains suggested in a life in which nothing happens."""
    rng = np.random.default_rng([seed, 99])
    life = begin(rng, linear, seed)
    return sum(live(life, rng, [Incident()]).due for _ in range(windows))


def challengers(life: Life, decision: Decision, fresh: Columns, learner: Learner) -> dict[str, float]:
    """Accuracy on fresh rows after the incident, by recipe."""
    table = life.labelled_rows()
    features = {name: table[name] for name in life.features}
    full: Recipe = {"name": "full"}
    found = {"old model": _accuracy(life.scorer(fresh), fresh["label"])}
    for recipe in (full, *(recipe for recipe in decision.recipes if recipe["name"] != "full")):
        weights = recipe_weights(recipe, features, when=table["when"], live=life.live_scores(table))
        found[recipe["name"]] = _accuracy(learner(features, table["label"], weights)(fresh), fresh["label"])
    return found


def _accuracy(scores: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    return float(((scores >= 0.5) == (labels == 1)).mean())


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a run was, and what was said of it: by ours, by the same decision on score buckets, and without labels."""

    incident: str
    truth: str
    cause: str
    by_score: str
    hint: str


def told(name: str, truth: str, life: Life, decision: Decision) -> Told:
    hint = decision.diagnosis.hint
    return Told(
        incident=name,
        truth=truth,
        cause=decision.cause,
        by_score=diagnose(life.score_bucket_facts, POLICY).cause,
        hint=hint.suggests if hint else "none",
    )


@dataclass(frozen=True, kw_only=True)
class Run:
    """All that one seed says."""

    told: list[Told]
    gains: dict[tuple[str, str], dict[str, float]]
    retrains: int


def run(seed: int, windows: int) -> Run:
    found, gains = [], {}
    for learner in (linear, tree) if seed < TRAINED else (linear,):
        for name, (incident, truth) in SHIFTS.items():
            life, decision, rng = shifted(name, seed, learner)
            if learner is linear:
                found.append(told(name, truth, life, decision))
            if seed < TRAINED:
                fresh = rows(rng, 300, FRESH, incident)
                gains[name, learner.__name__] = challengers(life, decision, fresh, learner)
    for name, truth in (("broken meter", "data_integrity"), ("late labels", "late_labels")):
        found.append(told(name, truth, *other_incident(name, seed)))
    for name, (incidents, weeks, truth) in TRIP_INCIDENTS.items() if seed < TRAINED else ():
        found.append(told(name, truth, *trip_incident(incidents, weeks, seed)))
    return Run(told=found, gains=gains, retrains=quiet_life(seed, windows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few runs, less than a minute")
    parser.add_argument("--runs", type=int, help="runs per incident, 100 by default")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--markdown", type=Path)
    given = parser.parse_args()
    runs, windows = given.runs or (3 if given.quick else 100), 5 if given.quick else 15
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(run, seed, windows) for seed in range(runs)]
        done = [one.result() for one in tqdm(waiting, unit="seed", leave=False)]
    report = Report(f"Causes and recipes, {runs} runs per incident, {min(runs, TRAINED)} on trips and with challengers")
    figures = _causes(report, [one for found in done for one in found.told]) | _gains(report, done)
    lives = sum(one.retrains > 0 for one in done)
    report.paragraph(
        f"Lives of {windows} quiet windows with any retrain suggested: {lives} of {runs}; 5 % are allowed."
    )
    report.finish(figures | {"runs": runs, "quiet_lives_with_retrain": lives}, given.markdown)


def _causes(report: Report, found: Sequence[Told]) -> dict[str, Any]:
    named = sorted({one.cause for one in found})
    lines, figures = [], {}
    for incident in dict.fromkeys(one.incident for one in found):
        own = [one for one in found if one.incident == incident]
        counts, hints = Counter(one.cause for one in own), Counter(one.hint.replace("_shift", "") for one in own)
        figures[incident] = sum(one.cause == one.truth for one in own) / len(own)
        by_score = sum(one.by_score == one.truth for one in own) / len(own)
        lines.append(
            [
                incident,
                *(counts[cause] or "" for cause in named),
                f"{figures[incident]:.0%}",
                f"{by_score:.0%}",
                f"{float(own[0].truth == 'covariate_shift'):.0%}",
                ", ".join(f"{hint} {many}" for hint, many in hints.most_common()),
            ]
        )
    header = ["incident", *named, "right", "by score bucket", "always covariate", "hint without labels"]
    report.table("Causes", header, lines)
    return {"cause_right": figures}


def _gains(report: Report, done: Sequence[Run]) -> dict[str, Any]:
    lines, figures = [], {}
    for shift, learner in dict.fromkeys(key for one in done for key in one.gains):
        found = [one.gains[shift, learner] for one in done if (shift, learner) in one.gains]
        for recipe in dict.fromkeys(name for one in found for name in one):
            pairs = [(one[recipe], one["full"]) for one in found if recipe in one]
            gain = np.array([a - b for a, b in pairs])
            error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else float("nan")
            mean = float(np.mean([a for a, _ in pairs]))
            lines.append([shift, learner, recipe, len(pairs), f"{mean:.3f}", f"{gain.mean():+.3f} +/- {error:.3f}"])
            figures[f"{shift}/{learner}/{recipe}"] = round(float(gain.mean()), 4)
    header = ["shift", "model", "recipe", "runs", "accuracy", "beyond full (mean, standard error)"]
    report.table(f"Challengers on {FRESH:,} fresh rows after the shift", header, lines)
    return {"gain_over_full": figures}


if __name__ == "__main__":
    main()
