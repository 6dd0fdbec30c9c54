"""Why the model is as it is: broken data first, then late labels, then what kind of shift cost accuracy."""

from __future__ import annotations

from collections.abc import Sequence

from upkeep.core.feedback.intervals import clopper_pearson
from upkeep.core.retrain.decision import DecisionPolicy, HealthFacts
from upkeep.core.retrain.diagnosed import Diagnosis, PartOfLoss
from upkeep.core.retrain.hint import label_free_hint
from upkeep.core.retrain.kitagawa import BucketPart, PartName

#: A share of labels that lies no further below the least of the windows before is nobody's concern.
TOLERATED = 0.05
#: Windows before this one, of the same model version, whose share of labels is compared.
LOOKED_BACK = 8
#: Buckets that are named carry this share of a part's loss, and are so many at most.
MOST_OF_IT, NAMED = 0.6, 3


def diagnose(reports: Sequence[HealthFacts], policy: DecisionPolicy) -> Diagnosis:
    """Diagnose the last of the reports, oldest first.

    Notes
    -----
    In this order, as each rests on the ones before: broken data; where accuracy certainly fell, on labels enough, the parts
    of the change: "mixed" if each certainly is more than `minor_share` of the loss, else the larger loss, which is certain if
    its interval lies below zero; where it did not, but a newer model certainly would be better, just that; too few labels;
    labels that come late. The intervals hold with 1 - `cause_alpha` each, for this window.
    """
    now = reports[-1]
    covariate, concept = _part(now, "covariate", policy), _part(now, "concept", policy)
    late = (*_newly_slow(reports), *((now.slower,) if now.slower else ()), *_fewer_labels(reports))
    cause, certain, sentence = _cause(now, covariate, concept, late, policy)
    return Diagnosis(
        cause=cause,
        certain=certain,
        sentence=sentence,
        covariate=covariate,
        concept=concept,
        late=late,
        hint=label_free_hint([report for report in reports if report.version == now.version and not report.damage]),
    )


def _cause(
    now: HealthFacts, covariate: PartOfLoss, concept: PartOfLoss, late: tuple[str, ...], policy: DecisionPolicy
) -> tuple[str, bool, str]:
    damage = now.broken(policy)
    if damage:
        return "data_integrity", True, f"The data look broken: {'; '.join(damage)}."
    if now.harmed(policy):
        return _shift(covariate, concept, policy)
    if now.wins():
        return "recoverable_loss", True, "This model did not certainly get worse than it was."
    if now.judged < policy.min_labels:
        few = f"{now.judged} labels are in, {policy.min_labels} are needed to judge the model"
        return (
            ("late_labels", True, f"Labels are late: {few}. {' '.join(late)}")
            if late
            else ("too_few_labels", True, f"Too few labels: {few}.")
        )
    if late:
        return "late_labels", True, f"Labels are late, and those that are in show no certain harm. {' '.join(late)}"
    if now.drifted:
        return "drift", True, f"{', '.join(now.drifted)} drifted, but accuracy shows no harm."
    return "none", True, "Nothing is known to be wrong."


def _shift(covariate: PartOfLoss, concept: PartOfLoss, policy: DecisionPolicy) -> tuple[str, bool, str]:
    parts = (covariate, concept)
    minor = policy.minor_share * sum(max(0.0, -part.value) for part in parts)
    both = all(part.high < -minor for part in parts)
    larger = min((concept, covariate), key=lambda part: part.value)
    cause = "mixed" if both else "concept_shift" if larger is concept else "covariate_shift"
    told = f"Other rows: {_told(covariate)}. Other answers to the same rows: {_told(concept)}."
    return cause, larger.high < 0, told


def _told(part: PartOfLoss) -> str:
    where = f", most of it where {', or '.join(part.buckets)}" if part.buckets else ""
    return f"{part.value:+.1%} ({part.low:+.1%} to {part.high:+.1%}){where}"


def _part(now: HealthFacts, name: PartName, policy: DecisionPolicy) -> PartOfLoss:
    low, high = now.parts.interval(name, policy.cause_alpha)
    outside = now.parts.outside if name == "covariate" else 0.0  # rows of a kind that was not there are other rows
    value = getattr(now.parts, name) + outside
    carriers = _carriers(now.parts.buckets, name) if high + outside < 0 else ()
    return PartOfLoss(value=value, low=low + outside, high=high + outside, buckets=carriers)


def _carriers(buckets: Sequence[BucketPart], name: PartName) -> tuple[str, ...]:
    """The buckets that lose most, until they carry most of what all losing buckets lose."""
    losing = sorted((b for b in buckets if getattr(b, name) < 0), key=lambda b: float(getattr(b, name)))
    loss = sum(getattr(b, name) for b in losing)
    found: list[str] = []
    carried = 0.0
    for bucket in losing[:NAMED]:
        if carried <= MOST_OF_IT * loss:
            break
        found.append(bucket.name)
        carried += getattr(bucket, name)
    return tuple(found)


def _newly_slow(reports: Sequence[HealthFacts]) -> tuple[str, ...]:
    """Groups that are slow now, and were not in each window before: one that always is tells of no incident."""
    now = reports[-1]
    before = [report for report in reports[:-1] if report.version == now.version][-LOOKED_BACK:]
    return tuple(
        said for group, said in now.slow.items() if not before or any(group not in report.slow for report in before)
    )


def _fewer_labels(reports: Sequence[HealthFacts]) -> tuple[str, ...]:
    """Whether certainly fewer labels are in than in any window before that had no more time for them."""
    now = reports[-1]
    alike = [r for r in reports[:-1] if r.version == now.version and r.rows and (r.lag_h or 0) <= (now.lag_h or 0)]
    if not now.rows or not alike:
        return ()
    least = min(report.labelled / report.rows for report in alike[-LOOKED_BACK:])
    _, high = clopper_pearson(now.labelled, now.rows, 0.05)
    if high >= least - TOLERATED:
        return ()
    share = now.labelled / now.rows
    return (
        f"{share:.0%} of the labels are in, against {least:.0%} or more in the windows before, which had no more time.",
    )
