"""Ways to go on from what the score alone says, each learned once and kept as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from upkeep.core.feedback.estimate.base import Base, Kind
from upkeep.core.feedback.estimate.boosting import Trees, boost, log_odds
from upkeep.core.feedback.estimate.bucketing import Buckets
from upkeep.core.feedback.estimate.forest import Forest
from upkeep.core.feedback.estimate.outcomes import expected_outcomes, outcomes
from upkeep.core.feedback.estimate.regrouping import RegroupWay
from upkeep.core.feedback.estimate.weighting import density_ratio
from upkeep.core.packing import pack, unpack
from upkeep.core.profile.stored import damaged, fields

Method = Literal["calibrated", "regrouped", "score buckets", "bucketing tree", "boosted", "weighted"]
METHODS: tuple[Method, ...] = ("calibrated", "regrouped", "score buckets", "bucketing tree", "boosted", "weighted")
SCORE_BUCKETS, LEAVES = 10, 64
#: Bytes of the sample that a weighted estimate keeps; its JSON takes a third more.
_SAMPLE_BYTES = 1_200_000
_SAMPLE_ROWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """Reference rows: codes, shape (n, d), scores, labels, and what the score alone says and what was, shape (n, t)."""

    kind: Kind
    threshold: float
    codes: NDArray[np.uint8]
    scores: NDArray[np.float64]
    labels: NDArray[np.float64]
    start: NDArray[np.float64]
    outcome: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        base: Base,
        threshold: float,
        codes: NDArray[np.uint8],
        scores: NDArray[np.float64],
        labels: NDArray[np.float64],
    ) -> Learned:
        return cls(
            kind=base.kind,
            threshold=threshold,
            codes=codes,
            scores=scores,
            labels=labels,
            start=expected_outcomes(base.kind, base.expected(scores), scores, threshold),
            outcome=outcomes(base.kind, scores, labels, threshold),
        )


class Way(Protocol):
    """Expected outcomes, shape (m, t), of live rows: their start, shape (m, t), codes and scores."""

    def expected(
        self, start: NDArray[np.float64], codes: NDArray[np.uint8], scores: NDArray[np.float64], /
    ) -> NDArray[np.float64]: ...

    def to_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BucketWay:
    """Means of the reference by bucket; one tree per outcome. `last` buckets use the last column alone."""

    buckets: tuple[Buckets, ...]
    least: int
    last: bool

    @classmethod
    def by_score(cls, rows: Learned, count: int = SCORE_BUCKETS) -> BucketWay:
        each = rows.outcome.T
        return cls(buckets=tuple(Buckets.of_scores(rows.codes[:, -1], o, count) for o in each), least=1, last=True)

    @classmethod
    def by_loss(cls, rows: Learned, alpha: float, leaves: int = LEAVES) -> BucketWay:
        least = max(30, len(rows.codes) // 500)
        trees = (Buckets.of_loss(rows.codes, o, leaves=leaves, least=least, alpha=alpha) for o in rows.outcome.T)
        return cls(buckets=tuple(trees), least=least, last=False)

    def expected(
        self, _start: NDArray[np.float64], codes: NDArray[np.uint8], _scores: NDArray[np.float64], /
    ) -> NDArray[np.float64]:
        seen = codes[:, -1:] if self.last else codes
        return np.stack([buckets.expected(seen, least=self.least) for buckets in self.buckets], axis=1)

    def to_json(self) -> dict[str, Any]:
        return {"buckets": [b.to_json() for b in self.buckets], "least": self.least, "last": self.last}

    @classmethod
    def from_json(cls, record: object, columns: int) -> BucketWay:
        held: Mapping[str, Any] = fields("stored buckets", record, ["buckets", "least", "last"])
        if type(held["least"]) is not int or type(held["last"]) is not bool or not isinstance(held["buckets"], list):
            raise damaged("stored buckets must have a list `buckets`, a whole number `least` and `last`", held)
        of = 1 if held["last"] else columns
        buckets = tuple(Buckets.from_json(b, of) for b in held["buckets"])
        return cls(buckets=buckets, least=held["least"], last=held["last"])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoostWay:
    """Of a classifier: boosted trees from the start on."""

    trees: Trees

    @classmethod
    def learn(cls, rows: Learned, rounds: int) -> BoostWay:
        return cls(trees=boost(rows.codes, rows.outcome[:, 0], rows.start[:, 0], rounds=rounds))

    def expected(
        self, start: NDArray[np.float64], codes: NDArray[np.uint8], _scores: NDArray[np.float64], /
    ) -> NDArray[np.float64]:
        return np.asarray(expit(log_odds(start[:, 0]) + self.trees.added(codes)))[:, None]

    def to_json(self) -> dict[str, Any]:
        return {"trees": self.trees.to_json()}

    @classmethod
    def from_json(cls, record: object, columns: int) -> BoostWay:
        return cls(trees=Trees.from_json(fields("stored trees", record, ["trees"])["trees"], columns))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ForestWay:
    """Of a regressor: boosted trees of every outcome, from its mean on; the prediction is one of their columns."""

    forests: tuple[Forest, ...]

    @classmethod
    def learn(cls, rows: Learned, rounds: int) -> ForestWay:
        return cls(forests=tuple(Forest.fit(rows.codes, o, trees=rounds) for o in rows.outcome.T))

    def expected(
        self, _start: NDArray[np.float64], codes: NDArray[np.uint8], _scores: NDArray[np.float64], /
    ) -> NDArray[np.float64]:
        return np.stack([forest.expected(codes) for forest in self.forests], axis=1)

    def to_json(self) -> dict[str, Any]:
        return {"forests": [forest.to_json() for forest in self.forests]}

    @classmethod
    def from_json(cls, record: object, columns: int) -> ForestWay:
        held: Mapping[str, Any] = fields("stored forests", record, ["forests"])
        if not isinstance(held["forests"], list) or len(held["forests"]) != 3:
            raise damaged("stored forests must be three: of residuals, absolute ones and squares", list(held))
        return cls(forests=tuple(Forest.from_json(forest, columns) for forest in held["forests"]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightWay:
    """A sample of the reference; for each window the score alone is asked again, with rows that are live weighing more."""

    kind: Kind
    threshold: float
    codes: NDArray[np.uint8]
    scores: NDArray[np.float64]
    labels: NDArray[np.float64]

    @classmethod
    def sample(cls, rows: Learned, rng: np.random.Generator, most: int = _SAMPLE_ROWS) -> WeightWay:
        size = rows.codes.shape[1] + 8 * (rows.scores[0].size + 1)
        kept = min(len(rows.codes), most, max(1, _SAMPLE_BYTES // size))
        drawn = np.sort(rng.choice(len(rows.codes), kept, replace=False))
        return cls(
            kind=rows.kind,
            threshold=rows.threshold,
            codes=rows.codes[drawn],
            scores=rows.scores[drawn],
            labels=rows.labels[drawn],
        )

    def expected(
        self, start: NDArray[np.float64], codes: NDArray[np.uint8], scores: NDArray[np.float64], /
    ) -> NDArray[np.float64]:
        if not len(codes):
            return start
        base = Base.fit(self.kind, self.scores, self.labels, density_ratio(self.codes, codes))
        return expected_outcomes(self.kind, base.expected(scores), scores, self.threshold)

    def to_json(self) -> dict[str, Any]:
        arrays: dict[str, NDArray[Any]] = {"codes": self.codes, "scores": self.scores, "labels": self.labels}
        return {"kind": self.kind, "threshold": self.threshold} | {name: pack(a) for name, a in arrays.items()}

    @classmethod
    def from_json(cls, record: object, columns: int) -> WeightWay:
        held = fields("a stored sample", record, ["kind", "threshold", "codes", "scores", "labels"])
        codes, scores, labels = (unpack(held[name]) for name in ("codes", "scores", "labels"))
        if codes.ndim != 2 or codes.shape[1] != columns or not len(codes) == len(scores) == len(labels):
            raise damaged(f"a stored sample must have rows of {columns} codes, scores and labels", held)
        return cls(kind=held["kind"], threshold=held["threshold"], codes=codes, scores=scores, labels=labels)


def learn(method: Method, rows: Learned, rng: np.random.Generator, *, rounds: int, alpha: float) -> Way | None:
    """The way of this method, from so many boosted trees or a bucketing tree pruned so much; none for the calibrated one."""
    if method == "regrouped":
        return RegroupWay.learn(rows.codes, rows.start[:, 0], rows.outcome[:, 0], rng)
    if method == "score buckets":
        return BucketWay.by_score(rows)
    if method == "bucketing tree":
        return BucketWay.by_loss(rows, alpha)
    if method == "boosted":
        return ForestWay.learn(rows, rounds) if rows.kind == "regression" else BoostWay.learn(rows, rounds)
    return WeightWay.sample(rows, rng) if method == "weighted" else None


def way_from_json(method: Method, kind: Kind, record: object, columns: int) -> Way | None:
    """The way of a stored method; none for the calibrated one."""
    if method == "calibrated":
        return None
    if method == "regrouped":
        return RegroupWay.from_json(record, columns)
    if method == "boosted":
        several = kind == "regression"
        return ForestWay.from_json(record, columns) if several else BoostWay.from_json(record, columns)
    if method == "weighted":
        return WeightWay.from_json(record, columns)
    return BucketWay.from_json(record, columns)
