"""Accuracy estimated without labels against what it turned out to be, chunk by chunk, on ten streams of predictions.

    python benchmarks/bench_accuracy.py [--quick] [--sets NAMES] [--peers-dir DIR] [--markdown FILE]

Beside ours: nannyml's CBPE and DLE in an environment of their own, the reference's accuracy, scores taken at their word,
corrected for another mix of one column, score deciles, a bucketing tree, boosted trees and density-ratio weighting.
`--quick` takes four data sets and does not run nannyml: CBPE is then our isotonic re-implementation. The sampling floor is
the error that chance in a chunk's labels leaves to anybody.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

import accuracy_rivals as rivals
from accuracy_peer import METRICS, nannyml_says
from accuracy_sets import SETS, DataSet, data_sets, wheel_data
from peers.environments import interpreter
from report import Report

QUICK = ("car loan", "California housing", "Elec2", "NYC trips")
OURS, ISOTONIC, PEER = "ours (chosen)", "CBPE, ours (isotonic)", "nannyml"
Errors = dict[str, dict[str, NDArray[np.float64]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="four data sets, without running nannyml")
    parser.add_argument("--sets", help=f"which data sets, by commas, of {', '.join(SETS)}")
    parser.add_argument("--peers-dir", type=Path, default=Path(__file__).parent / ".peers")
    parser.add_argument(
        "--limit-s", type=float, default=900, help="wall seconds after which nannyml is stopped, per set"
    )
    parser.add_argument("--markdown", type=Path)
    given = parser.parse_args()
    names = given.sets.split(",") if given.sets else list(QUICK if given.quick else SETS)
    python = interpreter("nannyml", given.peers_dir.resolve())
    report = Report("Metrics estimated without labels: mean absolute error against the realized ones")
    figures: dict[str, Any] = {"sets": {}}
    with tqdm(total=len(names), unit="set", leave=False) as steps:
        for data in data_sets(wheel_data(python), names):
            steps.set_description(data.name)
            figures["sets"][data.name] = _judge(report, data, None if given.quick else python, given.limit_s)
            steps.update()
    ratios = {name: found["excess_ratio_to_cbpe"] for name, found in figures["sets"].items()}
    report.paragraph(_explained(ratios))
    figures["excess_ratio_to_cbpe"] = ratios | {"overall": _overall(figures["sets"])}
    figures["cbpe"] = "isotonic re-implementation" if given.quick else "nannyml"
    report.finish(figures, given.markdown)


def _judge(report: Report, data: DataSet, python: Path | None, limit_s: float) -> dict[str, Any]:
    """One data set: a table of all estimators, and its figures."""
    metrics = METRICS[data.kind]
    truth = [rivals.realized(data, chunk) for chunk in data.chunks]
    errors, fitted, seconds = _errors(data, truth, metrics)
    rival = ISOTONIC
    if python:
        said, rival = nannyml_says(data, python, limit_s=limit_s), PEER
        errors[PEER] = {m: np.array(said[m]) - [t[m] for t in truth] for m in metrics}
    rng = np.random.default_rng(1)
    floors = np.array([rivals.floor(data, chunk, fitted[ISOTONIC], rng) for chunk in data.chunks])
    first = metrics[0]
    apart = {name: _paired(errors[name][first], errors[rival][first]) for name in errors}
    header = (
        "estimator",
        *(f"MAE of {m}" for m in metrics),
        f"largest of {first}",
        f"{first}: MAE minus {rival}'s ± s.e.",
    )
    names = {PEER: "nannyml " + ("DLE" if data.kind == "regression" else "CBPE")}
    rows = [
        (
            names.get(name, name),
            *(_number(abs(found[m]).mean()) for m in metrics),
            _number(abs(found[first]).max()),
            "" if name == rival else f"{apart[name][0]:+.2g} ± {apart[name][1]:.1g}",
        )
        for name, found in errors.items()
    ]
    chosen = fitted[OURS]
    sizes = f"{len(data.reference):,} reference rows, {len(data.chunks)} chunks of about {len(data.chunks[0]):,}"
    report.table(f"{data.name} ({data.kind}; {sizes})", header, rows)
    normal, drawn = floors.mean(axis=0)
    mix = f"{chosen.share:.0%} {chosen.method}" if chosen.share else chosen.method
    report.paragraph(
        f"Chosen: {mix}. Sampling floor of {first}: {_number(normal)} from the chunks' own labels, {_number(drawn)} by "
        f"simulation. Fit {seconds[0]:.1f} CPU s, {1000 * seconds[1]:.0f} CPU ms per chunk."
    )
    mine, theirs = (float(abs(errors[name][first]).mean()) for name in (OURS, rival))
    noise = float(abs(errors[rival][first]).std(ddof=1)) / len(data.chunks) ** 0.5
    excess = theirs - normal
    return {
        "metric": first,
        "method": chosen.method,
        "share": _round(chosen.share),
        "mae": _round(mine),
        "cbpe_mae": _round(theirs),
        "floor": _round(normal),
        "floor_simulated": _round(drawn),
        "paired": [_round(value) for value in apart[OURS]],
        "excess_ratio_to_cbpe": _round((mine - normal) / excess) if excess > noise else None,
        "second": {"metric": metrics[1], "mae": _round(abs(errors[OURS][metrics[1]]).mean()),
                   "cbpe_mae": _round(abs(errors[rival][metrics[1]]).mean())},
        "fit_cpu_s": _round(seconds[0]),
        "chunk_cpu_ms": _round(1000 * seconds[1]),
        "by_method": {name: _round(abs(found[first]).mean()) for name, found in errors.items()},
    }  # fmt: skip


def _errors(
    data: DataSet, truth: list[rivals.Metrics], metrics: list[str]
) -> tuple[Errors, dict[str, Any], tuple[float, float]]:
    """Estimated minus realized, by estimator and metric, shape (chunks,); what was fitted; CPU s of ours to fit and per chunk."""
    began = time.process_time()
    fitted: dict[str, Any] = {}
    fitted[OURS], estimate = rivals.ours(data)
    fit_s = time.process_time() - began
    estimators: dict[str, rivals.Estimator | None] = {
        "constant (reference)": rivals.constant(data),
        "uncalibrated": rivals.uncalibrated(data),
    }
    for name, method in rivals.FIXED.items():
        if method == "regrouped" and data.kind == "regression":
            continue
        fitted[name], estimators[name] = rivals.ours(data, method)
    estimators[OURS] = estimate
    found: Errors = {}
    spent = 0.0
    for name, estimator in estimators.items():
        if estimator is None:
            continue
        began = time.process_time()
        said = [estimator(chunk) for chunk in data.chunks]
        spent = time.process_time() - began
        found[name] = {m: np.array([s[m] - t[m] for s, t in zip(said, truth, strict=True)]) for m in metrics}
    return found, fitted, (fit_s, spent / len(data.chunks))


def _paired(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> tuple[float, float]:
    """Mean difference of absolute errors per chunk, and its standard error."""
    apart = abs(mine) - abs(theirs)
    return float(apart.mean()), float(apart.std(ddof=1)) / len(apart) ** 0.5


def _overall(sets: dict[str, dict[str, Any]]) -> float | None:
    """Geometric mean of the ratios where CBPE has an excess; one below the floor counts as a hundredth."""
    ratios = [
        max(found["excess_ratio_to_cbpe"], 0.01) for found in sets.values() if found["excess_ratio_to_cbpe"] is not None
    ]
    return _round(np.exp(np.mean(np.log(ratios)))) if ratios else None


def _explained(ratios: dict[str, float | None]) -> str:
    told = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items() if ratio is not None)
    return (
        "Our excess over the floor as a share of CBPE's (DLE's), where that is more than its standard error: "
        f"{told or 'nowhere'}. Methods that use features win where features move and the concept holds, and lose where the "
        "concept moves with them. That cannot be told apart without labels, so for a classifier the estimate that needs "
        "the score alone is kept unless the gain would be seen; it is corrected where a window is the reference in another "
        "mix of one column, which can be told."
    )


def _number(value: float) -> str:
    return f"{value:.5f}" if value < 1 else f"{value:.4g}"


def _round(value: float) -> float:
    return float(f"{float(value):.4g}")


if __name__ == "__main__":
    main()
