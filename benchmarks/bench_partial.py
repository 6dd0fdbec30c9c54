"""Accuracy of a chunk of which one label in twenty is in, late and unevenly, on data whose concept changes.

    python benchmarks/bench_partial.py [--quick] [--seeds N] [--peers-dir DIR] [--markdown FILE]

Delays differ by bucket and by class; the delay law is learned from the reference's own rows. *Strict*: of every chunk only
what was in at its own look is ever seen. *Late labels too*: at each look the chunk before is seen once more, with the labels
that have come since, and carried on from there. CBPE is isotonic calibration of the scores, as in nannyml, and sees no
label. The mix is the count-weighted one of Shankar & Parameswaran (2021), section 3.2.3: share labelled x mean of the labels
+ share pending x CBPE. Then: how often nominal 95 % intervals hold the accuracy of chunks drawn from the reference.
Goal: at most half of CBPE's error, and 93 to 97 % of chunks where the assumption holds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from accuracy_sets import DataSet, Rows, data_sets, wheel_data
from partial_coverage import SETTINGS, Coverage, cover_split, right
from partial_late import WEEK_H, Law, ages
from peers.environments import interpreter
from report import Report
from upkeep.core.feedback.delay.model import DelayModel
from upkeep.core.feedback.estimate.curve import Curve
from upkeep.core.feedback.estimate.reference import EstimateReference
from upkeep.core.feedback.partial.beginning import begin
from upkeep.core.feedback.partial.performance import estimate_performance
from upkeep.core.feedback.partial.shift import Carried

SHARE = 0.05
SHIFTING, STEADY = ("cards", "Elec2"), ("car loan", "US census", "cards")
COLUMNS = ("ours", "ours, late labels too", "ours, window alone", "CBPE", "labelled only", "count-weighted mix")


def cbpe(data: DataSet) -> list[float]:
    """Expected accuracy of every chunk from isotonic calibration."""
    before = data.reference
    if before.scores.ndim == 1:
        curve = Curve.isotonic(before.scores, before.labels)
        return [
            float(np.where(c.scores >= data.threshold, curve(c.scores), 1 - curve(c.scores)).mean())
            for c in data.chunks
        ]
    curves = [Curve.isotonic(before.scores[:, k], (before.labels == k) * 1.0) for k in range(before.scores.shape[1])]
    found = []
    for chunk in data.chunks:
        raw = np.column_stack([curve(chunk.scores[:, k]) for k, curve in enumerate(curves)])
        chances = raw / raw.sum(axis=1, keepdims=True)
        found.append(float(chances[np.arange(len(chunk)), chunk.scores.argmax(axis=1)].mean()))
    return found


def follow(
    rng: np.random.Generator, data: DataSet, reference: EstimateReference, start: Carried
) -> NDArray[np.float64]:
    """One life: errors of every estimator per chunk, the share of labels, and whether our interval held, (chunks, 8)."""
    law = Law.drawn(rng, data, SHARE)
    delays, blind = law.learned(rng, data.reference), cbpe(data)
    strict = patient = start
    before: tuple[Rows, NDArray[np.float64]] | None = None
    lines = []
    for chunk, unlabelled in zip(data.chunks, blind, strict=True):
        hours = law.hours(rng, chunk)
        labels = np.where(hours <= ages(len(chunk)), chunk.labels, np.nan)
        if before is not None:
            patient = _again(reference, law, delays, *before, patient)
        estimates = [
            estimate_performance(
                reference, chunk.table, chunk.scores, labels,
                age_h=ages(len(chunk)), delays=delays, buckets=law.bucket(chunk), carried=carried,
            )
            for carried in (strict, patient, start)
        ]  # fmt: skip
        strict, before = estimates[0].carried, (chunk, hours)
        truth, known = right(chunk, data.threshold), ~np.isnan(labels)
        labelled = right(chunk[known], data.threshold)
        share = float(known.mean())
        accuracies = [estimate.metrics["accuracy"] for estimate in estimates]
        values = [*(a.value for a in accuracies), unlabelled, labelled, share * labelled + (1 - share) * unlabelled]
        held = accuracies[0].low <= truth <= accuracies[0].high
        lines.append([*(value - truth for value in values), share, float(held)])
    return np.array(lines)


def _again(
    reference: EstimateReference,
    law: Law,
    delays: DelayModel,
    chunk: Rows,
    hours: NDArray[np.float64],
    carried: Carried,
) -> Carried:
    """The chunk before, a week later."""
    age = ages(len(chunk)) + WEEK_H
    labels = np.where(hours <= age, chunk.labels, np.nan)
    return estimate_performance(
        reference,
        chunk.table,
        chunk.scores,
        labels,
        age_h=age,
        delays=delays,
        buckets=law.bucket(chunk),
        carried=carried,
    ).carried


def shifting(wheel: Path, seeds: int, report: Report) -> dict[str, float]:
    rows, figures = [], {}
    for data in data_sets(wheel, SHIFTING):
        reference = EstimateReference.fit(
            data.reference.table, data.reference.scores, data.reference.labels, kind=data.kind, threshold=data.threshold
        )
        start = begin(reference, data.reference.table, data.reference.scores)
        lives = [follow(np.random.default_rng(seed), data, reference, start) for seed in tqdm(range(seeds), data.name)]
        found = np.concatenate(lives)
        mae = np.abs(found[:, : len(COLUMNS)]).mean(axis=0)
        each = np.array([np.abs(life[:, 0]).mean() / np.abs(life[:, 3]).mean() for life in lives])
        truth = np.array([right(chunk, data.threshold) for chunk in data.chunks])
        floor = np.mean(np.sqrt(2 / np.pi * truth * (1 - truth) / (SHARE * len(data.chunks[0]))))
        rows.append(
            [data.name, f"{len(data.chunks)} x {len(data.chunks[0]):,}", f"{found[:, -2].mean():.1%}"]
            + [f"{value:.4f}" for value in mae]
            + [f"{mae[0] / mae[3]:.2f}", f"{each.max():.2f}", f"{floor:.4f}", f"{found[:, -1].mean():.1%}"]
        )
        key = data.name.replace(" ", "_").lower()
        figures |= {f"{key}_ratio_to_cbpe": round(mae[0] / mae[3], 3), f"{key}_worst_ratio": round(each.max(), 3)}
    report.table(
        f"Mean absolute error of accuracy per chunk, {seeds} delay laws",
        [
            "data",
            "chunks",
            "labels in",
            *COLUMNS,
            "ours / CBPE",
            "worst law",
            "mean of as many labels, if fair",
            "held",
        ],
        rows,
    )
    return figures


def steady(wheel: Path, splits: int, report: Report) -> dict[str, float]:
    rows, figures = [], {}
    total = dict.fromkeys(SETTINGS, Coverage())
    for data in data_sets(wheel, STEADY):
        found = dict.fromkeys(SETTINGS, Coverage())
        rng = np.random.default_rng(20)
        for _ in tqdm(range(splits), data.name):
            for name, more in cover_split(rng, data).items():
                found[name] += more
                total[name] += more
        rows += [
            [data.name, name, c.chunks, f"{c.held / c.chunks:.1%}", f"{c.width / c.chunks:.4f}"]
            for name, c in found.items()
        ]
    rows += [
        ["all", name, c.chunks, f"{c.held / c.chunks:.1%}", f"{c.width / c.chunks:.4f}"] for name, c in total.items()
    ]
    figures = {
        f"held_{name.replace(' %', '').replace(',', '').replace(' ', '_')}": round(c.held / c.chunks, 4)
        for name, c in total.items()
    }
    report.table(
        "Chunks of 1,000 whose accuracy the nominal 95 % interval holds",
        ["data", "labels", "chunks", "held", "width"],
        rows,
    )
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two delay laws, two splits")
    parser.add_argument("--seeds", type=int, help="delay laws drawn per data set")
    parser.add_argument("--peers-dir", type=Path, default=Path(__file__).parent / ".peers")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    given = parser.parse_args()
    wheel = wheel_data(interpreter("nannyml", given.peers_dir.resolve()))
    report = Report("Accuracy from few, late and uneven labels")
    figures = shifting(wheel, given.seeds or (2 if given.quick else 10), report)
    figures |= steady(wheel, 2 if given.quick else 8, report)
    report.finish(figures, given.markdown)


if __name__ == "__main__":
    main()
