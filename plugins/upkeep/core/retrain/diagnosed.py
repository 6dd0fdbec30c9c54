"""Why a model is as it is: what a diagnosis says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What can be said without labels, from how fast two figures move from window to window; never the verdict.

    `ks_slope` is the rise of the largest distance of a column per window, `loss_slope` the fall of the adversary's log-loss
    per window as a share of log 2, which is what guessing gives.
    """

    suggests: str  # concept_shift | covariate_shift | none
    ks_slope: float
    loss_slope: float
    windows: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartOfLoss:
    """A part of the change with its interval for this window, and the buckets that carry most of a certain loss."""

    value: float
    low: float
    high: float
    buckets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Why the model is as it is.

    Attributes
    ----------
    cause : str
        "data_integrity", "late_labels", "too_few_labels", "covariate_shift", "concept_shift", "mixed"; "recoverable_loss" where
        a newer model would be better though this one did not certainly get worse; "drift" where
        columns drifted without harm, "none" where nothing is known to be wrong.
    certain : bool
        For a shift: whether the parts that it rests on certainly lose accuracy. Otherwise True.
    sentence : str
    covariate, concept : PartOfLoss
    late : tuple of str
        What is known of late labels, sentences; also where something else is the cause.
    hint : Hint or None
    """

    cause: str
    certain: bool
    sentence: str
    covariate: PartOfLoss
    concept: PartOfLoss
    late: tuple[str, ...]
    hint: Hint | None
