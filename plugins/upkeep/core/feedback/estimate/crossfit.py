"""What each way says of reference rows that it was not learned from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit

from upkeep.core.feedback.estimate.base import Base, Kind
from upkeep.core.feedback.estimate.boosting import log_odds
from upkeep.core.feedback.estimate.choosing import Choice, choose
from upkeep.core.feedback.estimate.outcomes import expected_outcomes, judged, seen_scores
from upkeep.core.feedback.estimate.shifts import pseudo_windows
from upkeep.core.feedback.estimate.ways import BoostWay, BucketWay, ForestWay, Learned, Method
from upkeep.core.feedback.estimate.weighting import density_ratio

#: Trees that are tried, of those that go on from a chance. Forests of residuals are not cut short: windows of a reference do not
#: tell sizes apart, and what too many trees add is noise, most of which a window's mean takes out; what too few leave is a bias.
ROUNDS, FOREST_ROUNDS = (5, 10, 20, 40), (100,)
ALPHAS = (0.0, 5e-4)
_FOLDS = 4
#: Single rows are surely predicted better if their loss falls by so many standard errors; windows then need fewer. A regressor's
#: default is given up for one of four other ways, on windows that are drawn, if they gain as many.
_CLOSER, _IF_CLOSER, _FOR_ANOTHER = 3.0, 1.0, 3.0
#: Rows that are cross-fitted at most; rows and windows that a density ratio is tried on, as each takes a classifier.
_ROWS, _TAUGHT_ROWS, _TRIED_ROWS, _TRIED_WINDOWS = 20_000, 8_000, 2_000, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The way that was chosen, with the trees and the pruning that did best."""

    choice: Choice
    rounds: int
    alpha: float


def crossfit(rows: Learned, rng: np.random.Generator) -> Settings:
    """Choose on blocks of time: each is estimated by what the other three say.

    Parameters
    ----------
    rows : Learned
        In the order of time.
    rng : numpy.random.Generator

    Notes
    -----
    Regressors are judged by the mean absolute residual, classifiers by accuracy.

    The score of a classifier claims how likely it is to be right. So what the calibrated score says is kept, unless a way is
    surely better and by more than the variance of the mean of one block's labels: a reference cannot show less, and a concept
    that changes with the features would be paid for in full. It is kept "regrouped" if there are features. The prediction of a
    regressor claims nothing of its error. So there "boosted" is kept, unless another way is surely better: windows of one
    reference do not tell ways apart that are nearly as good, and which came out best would hang on their seed.
    """
    kept = rows if len(rows.codes) <= _ROWS else _some(rows, np.sort(rng.choice(len(rows.codes), _ROWS, replace=False)))
    column = judged(rows.kind)
    fold = np.arange(len(kept.codes)) * _FOLDS // len(kept.codes)
    start = np.empty(len(fold))
    tries = _tries(rows.kind)
    names = ["score buckets", *(f"tree {a}" for a in ALPHAS), *(f"boosted {r}" for r in tries)]
    said = {name: np.empty(len(fold)) for name in names}
    for number in range(_FOLDS):
        others, here = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        taught, asked = _halves(kept, others, here)
        start[here] = asked.start[:, column]
        for name, values in _said(_only(taught, column), _only(asked, column)).items():
            said[name][here] = values
    outcome = kept.outcome[:, column]
    losses = {name: _losses(kept, values, outcome) for name, values in (said | {"start": start}).items()}
    rounds = min(tries, key=lambda r: float(losses[f"boosted {r}"].mean()))
    variance = _variance(kept, said[f"boosted {rounds}"], outcome)
    whole = pseudo_windows(kept.codes, outcome, rng)
    tried = _tried(whole, fold, rng)
    windows = np.concatenate([whole, tried[1]])
    means = {name: windows @ values for name, values in said.items()}
    alpha = min(ALPHAS, key=lambda a: float(((means[f"tree {a}"] - windows @ outcome) ** 2).mean()))
    ways: dict[Method, NDArray[np.float64]] = {
        "score buckets": means["score buckets"],
        "bucketing tree": means[f"tree {alpha}"],
        "boosted": means[f"boosted {rounds}"],
        "weighted": np.concatenate([np.full(len(whole), np.nan), _weighted(kept, fold, tried, rng)]),
    }
    if rows.kind == "regression":
        del ways["boosted"]
        ways["calibrated"] = windows @ start
        doubt = dict.fromkeys(ways, _FOR_ANOTHER)
        choice = choose(said[f"boosted {rounds}"], ways, outcome, variance, windows, needed=doubt, default="boosted")
        return Settings(choice=replace(choice, share=1.0), rounds=rounds, alpha=alpha)
    named: dict[Method, str] = {"bucketing tree": f"tree {alpha}", "boosted": f"boosted {rounds}"}
    changes: dict[Method, NDArray[np.float64]] = {m: losses[name] - losses["start"] for m, name in named.items()}
    least = float(variance.mean()) * _FOLDS / len(fold)
    choice = choose(start, ways, outcome, variance, windows, least=least, needed=_needed(changes))
    if choice.method == "calibrated" and rows.codes.shape[1] > seen_scores(rows.kind, rows.scores[:1])[0].size:
        choice = replace(choice, method="regrouped", share=1.0)  # there are features
    return Settings(choice=choice, rounds=rounds, alpha=alpha)


def asked_for(method: Method, kind: Kind) -> Settings:
    """The settings of a method that is not chosen but asked for: all of it, as large as it may get."""
    choice = Choice(method=method, share=1.0, error=0.0, gains={})
    return Settings(choice=choice, rounds=_tries(kind)[-1], alpha=ALPHAS[-1])


def _tries(kind: Kind) -> tuple[int, ...]:
    return FOREST_ROUNDS if kind == "regression" else ROUNDS


def _some(rows: Learned, at: NDArray[np.intp]) -> Learned:
    return Learned(
        kind=rows.kind,
        threshold=rows.threshold,
        codes=rows.codes[at],
        scores=rows.scores[at],
        labels=rows.labels[at],
        start=rows.start[at],
        outcome=rows.outcome[at],
    )


def _only(rows: Learned, column: int) -> Learned:
    return Learned(
        kind=rows.kind,
        threshold=rows.threshold,
        codes=rows.codes,
        scores=rows.scores,
        labels=rows.labels,
        start=rows.start[:, column : column + 1],
        outcome=rows.outcome[:, column : column + 1],
    )


def _halves(rows: Learned, others: NDArray[np.intp], here: NDArray[np.intp]) -> tuple[Learned, Learned]:
    """Rows to learn from and rows to ask about, with a start that has seen the first alone."""
    base = Base.fit(rows.kind, rows.scores[others], rows.labels[others])
    taught, asked = (
        Learned.of(base, rows.threshold, rows.codes[at], rows.scores[at], rows.labels[at]) for at in (others, here)
    )
    return taught, asked


def _said(taught: Learned, asked: Learned) -> dict[str, NDArray[np.float64]]:
    found = {"score buckets": _one(BucketWay.by_score(taught), asked)}
    for alpha in ALPHAS:
        found[f"tree {alpha}"] = _one(BucketWay.by_loss(taught, alpha), asked)
    if taught.kind == "regression":
        return found | {f"boosted {r}": _one(ForestWay.learn(taught, r), asked) for r in FOREST_ROUNDS}
    trees = BoostWay.learn(taught, ROUNDS[-1]).trees
    return found | {f"boosted {r}": _one(BoostWay(trees=trees.first(r)), asked) for r in ROUNDS}


def _one(way: BucketWay | BoostWay | ForestWay, asked: Learned) -> NDArray[np.float64]:
    return way.expected(asked.start, asked.codes, asked.scores)[:, 0]


def _losses(rows: Learned, said: NDArray[np.float64], outcome: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared error or log-loss of every row."""
    if rows.kind == "regression":
        return np.asarray((outcome - said) ** 2)
    odds = log_odds(said)
    return np.asarray(-outcome * log_expit(odds) - (1 - outcome) * log_expit(-odds))


def _needed(changes: dict[Method, NDArray[np.float64]]) -> dict[Method, float]:
    """Standard errors that a gain on windows must exceed, for ways by which the losses of single rows have changed like this."""
    surely = {m: float(c.mean()) < -_CLOSER * float(c.std()) / len(c) ** 0.5 for m, c in changes.items()}
    return {method: _IF_CLOSER for method, sure in surely.items() if sure}


def _variance(rows: Learned, said: NDArray[np.float64], outcome: NDArray[np.float64]) -> NDArray[np.float64]:
    if rows.kind == "regression":
        return np.asarray((outcome - said) ** 2)
    return np.asarray(said * (1 - said))


def _tried(
    windows: NDArray[np.float64], fold: NDArray[np.intp], rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Some of the windows, each cut down to one fold: the folds, shape (k,), and the weights, shape (k, n)."""
    drawn = rng.choice(len(windows), min(len(windows), _TRIED_WINDOWS), replace=False)
    folds = np.arange(len(drawn)) % _FOLDS
    cut = windows[drawn] * (fold == folds[:, None])
    left = cut.sum(axis=1)
    some = left > 0
    return folds[some], cut[some] / left[some, None]


def _weighted(
    rows: Learned,
    fold: NDArray[np.intp],
    tried: tuple[NDArray[np.intp], NDArray[np.float64]],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """What rows of the other folds, weighted by how much they look like rows of the window, say of it."""
    said = np.empty(len(tried[0]))
    for number, (held, weights) in enumerate(zip(*tried, strict=True)):
        others = np.flatnonzero(fold != held)
        sample = rng.choice(others, min(len(others), _TAUGHT_ROWS), replace=False)
        live = rng.choice(len(fold), min(_TRIED_ROWS, int((fold == held).sum())), p=weights)
        ratio = density_ratio(rows.codes[sample], rows.codes[live])
        base = Base.fit(rows.kind, rows.scores[sample], rows.labels[sample], ratio)
        here = np.flatnonzero(weights)
        score = rows.scores[here]
        expected = expected_outcomes(rows.kind, base.expected(score), score, rows.threshold)
        said[number] = weights[here] @ expected[:, judged(rows.kind)]
    return said
