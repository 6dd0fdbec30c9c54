"""When to retrain: policies replayed on labelled streams whose labels are late, and on the same streams shuffled in time.

    python benchmarks/bench_backtest.py [--quick] [--markdown FILE] [--figure FILE]

Every policy has the same windows, delays and model, and trains on the labelled rows of the last windows but for the newest
30 %, which are held out. *Upkeep* also trains by the recipes that its decision names, and takes the best on held-out rows. No
gate compares a new model with the one in use. A window is predicted before anything of it is known. *No worse* is a mean
error that is at most two standard errors above, paired over eight blocks of windows or more. River's detectors need the extra
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
from backtest_streams import SYNTHETIC, WORLDS, Case, bicycles, drawn, fresh, power, taxi
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

#: As a life decides by its defaults.
OURS = "Upkeep"
PEERS: dict[str, Callable[[], Policy]] = {
    "never": Never,
    "every window": lambda: EveryK(1),
    "every 4 windows": lambda: EveryK(4),
    "KS p < .05": KolmogorovSmirnov,
    "KS p < .05 / columns": lambda: KolmogorovSmirnov(corrected=True),
    "PSI > .2": PopulationStability,
    "ADWIN": Adwin,
    "DDM": Ddm,
}
#: Whose error ours must not exceed with less than this share of the retrains; where it is clearly lower, with any number.
GOALS = {"every window": 1.0, "every 4 windows": 1.0, "KS p < .05": 0.5, "PSI > .2": 0.5}


def policies(trees: int) -> dict[str, Callable[[], Policy]]:
    """Each policy's maker; a correction is fitted as models are, and forgotten with its policy."""
    return PEERS | {OURS: lambda: UpkeepPolicy(boosted(trees))}


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
    trees = 10 if given.quick else 25
    fit, made = boosted(trees), policies(trees)
    cases = [power(), taxi(), bicycles(), *(drawn(kind) for kind in SYNTHETIC)]
    figures: dict[str, Any] = {}
    fared: dict[str, dict[str, Replay]] = {}
    for case in cases:
        fared[case.name] = {name: _lived(case, make, fit, name) for name, make in made.items()}
        figures[case.name] = _tell(report, case, fared[case.name])
    if not given.quick:
        figures["other_draws"] = _tell_draws(report, made, fit)
        figures["other_training_windows"] = _tell_windows(report, (cases[0], cases[2]), fared, fit)
    lives = (2, 1) if given.quick else (20, 3)
    figures["false_alarms"] = _tell_alarms(report, cases, made, fit, lives)
    if given.figure:
        draw(given.figure, fared, OURS)
    report.finish(figures, given.markdown)


def _lived(case: Case, make: Callable[[], Policy], fit: Fit, name: str) -> Replay:
    windows = case.windows
    live = len(windows) - case.rule.windows
    with tqdm(total=live, desc=f"{case.name}: {name}", unit="window", leave=False) as bar:
        return replay(case.stream, windows, make(), fit, rule=case.rule, advance=bar.update)


def _tell(report: Report, case: Case, fared: Mapping[str, Replay]) -> dict[str, Any]:
    rows, figures = [], {}
    for name, run in fared.items():
        difference = error_difference(fared[OURS], run)
        verdict = "no worse" if difference.no_worse else "worse" if difference.worse else "not told"
        moved = f"{difference.value:+.4f} ± {2 * difference.standard_error:.4f}, {verdict}"
        rows.append([name, f"{run.mean_error:.4f}", len(run.retrains), "" if name == OURS else moved])
        figures[name] = {
            "error": round(run.mean_error, 4),
            "retrains": len(run.retrains),
            "beyond": [round(difference.value, 4), round(difference.standard_error, 4), verdict],
        }
    unit = "rows" if case.name in SYNTHETIC else "hours"
    report.table(
        f"{case.name}: {case.stream.rows:,} rows, {len(fared[OURS].windows)} live windows of {case.window} {unit}",
        ["policy", "mean error", "retrains", f"{OURS} minus this, ± 2 SE"],
        rows,
    )
    return {"policies": figures, "goals_met": _goals(fared)}


def _goals(fared: Mapping[str, Replay]) -> dict[str, bool]:
    mine, met = fared[OURS], {}
    for name, share in GOALS.items():
        difference = error_difference(mine, fared[name])
        fewer = not mine.retrains or len(mine.retrains) < share * len(fared[name].retrains)
        clearly = difference.told and difference.value < -2 * difference.standard_error
        met[name] = difference.no_worse and (fewer or clearly)
    return met


def _tell_draws(report: Report, made: Mapping[str, Callable[[], Policy]], fit: Fit) -> dict[str, Any]:
    """The same rows with other delays, and streams that no rule was looked at with.

    With other delays policies retrain at other times, which alone moves a mean error.
    """
    rows, figures = [], {}
    others = [(case.name, seed, case) for make in (power, bicycles) for seed in range(1, 5) for case in [make(seed)]]
    others += [(kind, seed, fresh(kind, seed)) for kind in WORLDS for seed in (1, 2)]
    for name, seed, case in others:
        runs = {policy: _lived(case, made[policy], fit, policy) for policy in (*GOALS, OURS)}
        told = [f"{run.mean_error:.4f} ({len(run.retrains)})" for run in runs.values()]
        worse = [peer for peer in GOALS if not error_difference(runs[OURS], runs[peer]).no_worse]
        rows.append([name, seed, *told, ", ".join(worse) or "none"])
        figures[f"{name}, {seed}"] = _goals(runs)
    report.table(
        "Four other draws of the delays, and three other worlds: mean error (retrains)",
        ["stream", "draw", *GOALS, OURS, f"{OURS} is worse than"],
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
            against = error_difference(fared[case.name][OURS], run)
            moved = f"{against.value:+.4f} ± {2 * against.standard_error:.4f}"
            rows.append([case.name, windows, f"{run.mean_error:.4f}", moved])
            figures[f"{case.name}, {windows}"] = {"error": round(run.mean_error, 4), "no_worse": against.no_worse}
    report.table(
        "A retrain in every window, trained on half and on twice as many windows",
        ["stream", "trained on", "mean error", f"{OURS} minus this, ± 2 SE"],
        rows,
    )
    return figures


def _tell_alarms(
    report: Report,
    cases: list[Case],
    made: Mapping[str, Callable[[], Policy]],
    fit: Fit,
    lives: tuple[int, int],
) -> dict[str, Any]:
    """Nothing changes in these streams, so every retrain is a false alarm; `lives` of ours and of the others."""
    rows, figures = [], {}
    still: list[tuple[str, Callable[[int], Case]]] = [
        ("stationary", lambda seed: drawn("stationary", seed + 1)),
        *((f"{case.name}, shuffled", case.shuffled) for case in cases if case.name != "stationary"),
    ]
    for name, make in still:
        counted: dict[str, list[int]] = {}
        for policy in ("KS p < .05", "PSI > .2", "ADWIN", "DDM", OURS):
            runs = range(lives[0] if policy == OURS else lives[1])
            counted[policy] = [len(_lived(make(seed), made[policy], fit, policy).retrains) for seed in runs]
        rows.append([name, *(f"{sum(n > 0 for n in c)} of {len(c)}; {np.mean(c):.1f}" for c in counted.values())])
        figures[name] = {policy: {"alarmed": sum(n > 0 for n in c), "lives": len(c)} for policy, c in counted.items()}
    report.table("Lives with a retrain where nothing changes; retrains per life", ["stream", *counted], rows)
    summed = {key: sum(found[OURS][key] for found in figures.values()) for key in ("alarmed", "lives")}
    return figures | {"in_all": summed}


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
