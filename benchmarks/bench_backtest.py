"""When to retrain: policies replayed on labelled streams whose labels are late, and on the same streams shuffled in time.

    python benchmarks/bench_backtest.py [--quick] [--markdown FILE] [--figure FILE]

Every policy has the same windows, delays and model, and trains on the labelled rows of the last windows but for the newest
30 %, which are held out. Ours also trains by the recipes that its decision names, and takes the best on held-out rows. No gate
compares a new model with the one in use. A window is predicted before anything of it is known. *No worse* is a mean error
that is at most two standard errors above, paired over eight blocks of windows or more. River's detectors need the extra
`backtest`.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from backtest_figure import draw
from backtest_streams import SYNTHETIC, Case, bicycles, drawn, power, taxi
from report import Report
from upkeep.core.columns import Columns
from upkeep.core.retrain.backtest.adwin import Adwin
from upkeep.core.retrain.backtest.comparison import error_difference
from upkeep.core.retrain.backtest.ddm import Ddm
from upkeep.core.retrain.backtest.every_k import EveryK
from upkeep.core.retrain.backtest.ks import KolmogorovSmirnov
from upkeep.core.retrain.backtest.never import Never
from upkeep.core.retrain.backtest.policy import Fit, Look, Policy, Recipe, Retrain, Scorer
from upkeep.core.retrain.backtest.psi import PopulationStability
from upkeep.core.retrain.backtest.replay import Replay, replay
from upkeep.core.retrain.backtest.upkeep_policy import UpkeepPolicy

OURS = "Upkeep"
POLICIES: dict[str, Callable[[], Policy]] = {
    "never": Never,
    "every window": lambda: EveryK(1),
    "every 4 windows": lambda: EveryK(4),
    "KS p < .05": KolmogorovSmirnov,
    "KS p < .05 / columns": lambda: KolmogorovSmirnov(corrected=True),
    "PSI > .2": PopulationStability,
    "ADWIN": Adwin,
    "DDM": Ddm,
    OURS: UpkeepPolicy,
}
#: Whose error ours must not exceed with at most this share of the retrains; where it is clearly lower, with any number.
GOALS = {"every window": 1.0, "every 4 windows": 1.0, "KS p < .05": 0.5, "PSI > .2": 0.5}


class OnRows:
    """A policy whose models are trained on the last so many windows, whatever the rule says."""

    def __init__(self, policy: Policy, windows: int) -> None:
        self._policy, self._windows = policy, windows

    def look(self, look: Look, /) -> Retrain | None:
        wish = self._policy.look(look)
        since = look.windows[-self._windows :][0].since
        return wish and Retrain(cause=wish.cause, recipes=(Recipe(since=since),))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer trees and seeds")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--figure", type=Path, help="SVG file to draw")
    given = parser.parse_args()
    import sklearn.ensemble  # noqa: F401  what is limited below must have been loaded

    with threadpool_limits(1):
        _run(given)


def _run(given: argparse.Namespace) -> None:
    report = Report("Retrain policies on streams with late labels")
    fit = boosted(10 if given.quick else 25)
    cases = [power(), taxi(), bicycles(), *(drawn(kind) for kind in SYNTHETIC)]
    figures: dict[str, Any] = {}
    fared: dict[str, dict[str, Replay]] = {}
    for case in cases:
        fared[case.name] = {name: _lived(case, make, fit, name) for name, make in POLICIES.items()}
        figures[case.name] = _tell(report, case, fared[case.name])
    if not given.quick:
        figures["other_draws_of_delays"] = _tell_draws(report, fit)
        figures["other_training_windows"] = _tell_windows(report, (cases[0], cases[2]), fared, fit)
    figures["false_alarms"] = _tell_alarms(report, cases, fit, 2 if given.quick else 20, 1 if given.quick else 3)
    if given.figure:
        draw(given.figure, fared, OURS)
    report.finish(figures, given.markdown)


def _lived(case: Case, make: Callable[[], Policy], fit: Fit, name: str) -> Replay:
    windows = case.windows
    live = len(windows) - case.rule.windows
    with tqdm(total=live, desc=f"{case.name}: {name}", unit="window", leave=False) as bar:
        return replay(case.stream, windows, make(), fit, rule=case.rule, advance=bar.update)


def _tell(report: Report, case: Case, fared: Mapping[str, Replay]) -> dict[str, Any]:
    ours = fared[OURS]
    rows, figures = [], {}
    for name, run in fared.items():
        difference = error_difference(ours, run)
        verdict = "" if name == OURS else "yes" if difference.no_worse else "no"
        moved = "" if name == OURS else f"{difference.value:+.4f} ± {2 * difference.standard_error:.4f}"
        rows.append([name, f"{run.mean_error:.4f}", len(run.retrains), moved, verdict])
        figures[name] = {
            "error": round(run.mean_error, 4),
            "retrains": len(run.retrains),
            "difference": round(difference.value, 4),
            "standard_error": round(difference.standard_error, 4),
            "no_worse": difference.no_worse,
            "clearly_better": difference.told and difference.value < -2 * difference.standard_error,
        }
    unit = "rows" if case.name in SYNTHETIC else "hours"
    report.table(
        f"{case.name}: {case.stream.rows:,} rows, {len(ours.windows)} live windows of {case.window} {unit}",
        ["policy", "mean error", "retrains", "ours minus this, ± 2 SE", "ours no worse"],
        rows,
    )
    met = {
        name: figures[name]["no_worse"]
        and (len(ours.retrains) <= share * len(fared[name].retrains) or figures[name]["clearly_better"])
        for name, share in GOALS.items()
    }
    return {"policies": figures, "goals_met": met}


def _tell_draws(report: Report, fit: Fit) -> dict[str, Any]:
    """The same rows with other delays: policies retrain at other times, which alone moves a mean error."""
    rows, figures = [], {}
    for make in (power, bicycles):
        for seed in range(1, 5):
            case = make(seed)
            runs = {name: _lived(case, POLICIES[name], fit, name) for name in ("every window", "every 4 windows", OURS)}
            told = [f"{run.mean_error:.4f} ({len(run.retrains)})" for run in runs.values()]
            against = [error_difference(runs[OURS], runs[name]) for name in ("every window", "every 4 windows")]
            rows.append([case.name, seed, *told, *("yes" if difference.no_worse else "no" for difference in against)])
            figures[f"{case.name}, {seed}"] = [difference.no_worse for difference in against]
    report.table(
        "Four other draws of the delays: mean error (retrains)",
        ["stream", "draw", "every window", "every 4 windows", OURS, "no worse than every", "than every 4"],
        rows,
    )
    return figures


def _tell_windows(
    report: Report, cases: tuple[Case, ...], fared: Mapping[str, Mapping[str, Replay]], fit: Fit
) -> dict[str, Any]:
    """A retrain in every window is what KS and PSI come to on real data; would it be better on other rows?"""
    rows, figures = [], {}
    for case in cases:
        for windows in (case.rule.windows // 2, 2 * case.rule.windows):
            run = _lived(case, lambda windows=windows: OnRows(EveryK(1), windows), fit, f"every, {windows} windows")
            difference = error_difference(fared[case.name][OURS], run)
            found = f"{difference.value:+.4f} ± {2 * difference.standard_error:.4f}"
            rows.append([case.name, windows, f"{run.mean_error:.4f}", found, "yes" if difference.no_worse else "no"])
            figures[f"{case.name}, {windows}"] = {"error": round(run.mean_error, 4), "no_worse": difference.no_worse}
    report.table(
        "A retrain in every window, trained on half and on twice as many windows",
        ["stream", "trained on", "mean error", "ours minus this, ± 2 SE", "ours no worse"],
        rows,
    )
    return figures


def _tell_alarms(report: Report, cases: list[Case], fit: Fit, seeds: int, peers: int) -> dict[str, Any]:
    """Nothing changes in these streams, so every retrain is a false alarm."""
    rows, figures = [], {}
    still: list[tuple[str, Callable[[int], Case]]] = [
        ("stationary", lambda seed: drawn("stationary", seed + 1)),
        *((f"{case.name}, shuffled", case.shuffled) for case in cases if case.name != "stationary"),
    ]
    for name, make in still:
        counted: dict[str, list[int]] = {}
        for policy in ("KS p < .05", "PSI > .2", "ADWIN", "DDM", OURS):
            runs = range(seeds if policy == OURS else peers)
            counted[policy] = [len(_lived(make(seed), POLICIES[policy], fit, policy).retrains) for seed in runs]
        rows.append([name, *(f"{sum(n > 0 for n in c)} of {len(c)}; {np.mean(c):.1f}" for c in counted.values())])
        figures[name] = {policy: {"alarmed": sum(n > 0 for n in c), "lives": len(c)} for policy, c in counted.items()}
    report.table("Lives with a retrain where nothing changes; retrains per life", ["stream", *counted], rows)
    lives = [found[OURS] for found in figures.values()]
    return figures | {"ours": {key: sum(life[key] for life in lives) for key in ("alarmed", "lives")}}


def boosted(trees: int) -> Fit:
    """Gradient boosting, fitted once per set of rows, whichever policy asks for it."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    known: dict[bytes, Any] = {}

    def fit(table: Columns, labels: NDArray[np.int64], weights: NDArray[np.float64] | None) -> Scorer:
        x = np.column_stack(list(table.values()))
        key = hashlib.sha256(x.tobytes() + labels.tobytes() + (b"" if weights is None else weights.tobytes())).digest()
        if key not in known:
            model = HistGradientBoostingClassifier(
                max_iter=trees, max_leaf_nodes=15, early_stopping=False, random_state=0
            )
            known[key] = model.fit(x, labels, sample_weight=weights)
        model = known[key]
        return lambda rows: np.asarray(model.predict_proba(np.column_stack(list(rows.values())))[:, 1])

    return fit


if __name__ == "__main__":
    main()
