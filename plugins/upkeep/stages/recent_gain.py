"""What a model fitted anew on recent labels would win over the version in use, window by window."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from upkeep.core.columns import Columns, concatenate, row_count, select
from upkeep.core.feedback.join import join_labels
from upkeep.core.feedback.reference import ModelReference
from upkeep.core.retrain.correction import ROWS, FoundGain, GainLook, found_gain, judged, teachable
from upkeep.core.retrain.decision import DecisionPolicy
from upkeep.errors import InputError
from upkeep.ports import Datasets, Documents, Json, Trainer

KIND = "gains"
#: Newest predictions that are searched for rows whose labels came in; of those at most `JUDGED` judge a correction.
SEARCHED, JUDGED = 200_000, 20_000
#: How long before its prediction a label may have been known: some are, where rows are scored after the fact.
EARLIEST = np.timedelta64(31, "D")
_IDS = ("prediction_id", "predicted_at", "prediction", "score", "model_version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrector:
    """How corrections are fitted: as models of this life are, on the same features and the score.

    `params` are those of the factory, with the `seed`. The policy says how many labels are enough, and what gain matters.
    """

    trainer: Trainer
    factory: str
    features: tuple[str, ...]
    params: Json
    policy: DecisionPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class GainWindow:
    """The window under look: its version's reference, its name and begin, and the moment of the newest label known."""

    model: str
    version: str
    window: str
    since: str
    until: str
    known_until: np.datetime64


def look_for_gain(
    datasets: Datasets, documents: Documents, corrector: Corrector, reference: ModelReference, seen: GainWindow
) -> Json | None:
    """Judge a correction on labels that came in since the look at the window before; None before the first was judged.

    A correction is fitted on the newest 1,000 labelled rows of the version, as far as they were known then, so that no
    label judges what it has taught. What came of it is stored as gains ``<model>/v<version>/<window>`` with the
    moments between which it judges. It follows from the logs and from the records of earlier windows alone: killed
    anywhere and run again, it is the same, and a second look at a window takes the place of the first. If a later window has been
    looked at, labels that came since belong to that one, and the window keeps what it has.

    Rows are looked for among the newest 200,000 predictions. No correction is fitted where a feature is not logged; where the
    estimator refuses the score beside the features, the sentence says so.
    """
    prefix = f"{seen.model}/v{seen.version}/"
    names = documents.names(KIND, prefix)
    earlier = [name for name in names if name < f"{prefix}{seen.window}"]
    records = [record for name in earlier if (record := documents.get(KIND, name))]
    stored = documents.get(KIND, f"{prefix}{seen.window}")
    if len(earlier) + (stored is not None) < len(names):
        records += [stored] if stored else []
    else:
        records.append(_judged(datasets, corrector, reference, seen, records[-1] if records else None))
        documents.put(KIND, f"{prefix}{seen.window}", records[-1])
    looks = tuple(GainLook(**record["look"]) for record in records)
    return _told(looks, corrector.policy, refused=records[-1]["refused"] if records else "")


def gain_of(report: Json, policy: DecisionPolicy) -> FoundGain | None:
    """What the looks that a health report holds show by this policy; None for a report from before there were any."""
    looks = [GainLook(**look) for look in (report.get("recoverable") or {}).get("looks", ())]
    return _found(looks, policy)


def _found(looks: list[GainLook], policy: DecisionPolicy) -> FoundGain | None:
    return found_gain(looks, tolerated=policy.max_loss, alpha=policy.gain_alpha, least=policy.min_labels)


def _told(looks: tuple[GainLook, ...], policy: DecisionPolicy, *, refused: str) -> Json | None:
    found = _found(list(looks), policy)
    if found is None:
        why = f"What a model fitted anew would win is not known: {refused}"
        return {"looks": [], "sentence": why} if refused else None
    result = found.result
    return {
        "looks": [asdict(look) for look in looks if look.rows],
        "first": found.first.window,
        "rows": result.rows,
        "gain": result.gain,
        "low": found.low,
        "high": result.high,
        "certain": result.certain,
        "tolerated": policy.max_loss,
        "alpha": policy.gain_alpha,
        "sentence": _sentence(found, policy),
    }


def _sentence(found: FoundGain, policy: DecisionPolicy) -> str:
    gain, low = found.result.gain, found.low
    if not low:
        return "That a model fitted anew on recent labels would be right more often is not certain."
    matters = (
        ""
        if found.result.certain
        else f", which is not certainly more than the {policy.max_loss:.1%} that do not matter"
    )
    return (
        f"A model fitted anew on recent labels would be right more often by {gain:.1%} (at least {low:.1%}){matters}, as "
        f"{found.result.rows:,} labels since window {found.first.window} say."
    )


def _judged(
    datasets: Datasets, corrector: Corrector, reference: ModelReference, seen: GainWindow, last: Json | None
) -> Json:
    """The record of a look: moments of the newest labels at the last look and at this one, and what came of it."""
    before = np.datetime64(last["until"], "us") if last else None
    look, refused = GainLook(window=seen.window, since=seen.since, better=0, worse=0, rows=0), ""
    try:
        look = (_look(datasets, corrector, reference, seen, before) if before is not None else None) or look
    except InputError as err:  # an estimator that takes no further column; the window is to be looked at all the same
        refused = str(err)
    moments = {"after": last["until"] if last else None, "until": str(seen.known_until)}
    return moments | {"look": asdict(look), "refused": refused}


def _look(
    datasets: Datasets, corrector: Corrector, reference: ModelReference, seen: GainWindow, before: np.datetime64
) -> GainLook | None:
    log = f"{seen.model}/predictions"
    since = _searched_from(datasets, log, seen.until)
    feedback = datasets.read(
        f"{seen.model}/feedback",
        since=str(np.datetime64(since, "us") - EARLIEST),
        columns=["prediction_id", "observed_at", "label"],
    )
    parts = datasets.scan(log, since=since, until=seen.until, columns=_IDS)
    rows = concatenate(select(part, part["model_version"] == seen.version) for part in parts if row_count(part))
    if not feedback or not rows:
        return None
    now = join_labels(rows, feedback, seen.known_until)
    came = np.flatnonzero(now["first_observed_at"] > before)
    known = np.flatnonzero(now["first_observed_at"] <= before)
    taught = known[np.argsort(rows["predicted_at"][known], kind="stable")][-ROWS:]
    told = select(feedback, np.isin(feedback["prediction_id"], rows["prediction_id"][taught]))
    then = join_labels(select(rows, taught), told, before)["label"] == 1  # not as corrected since
    came = came[:: -(-len(came) // JUDGED) or 1]
    if not len(came) or not teachable(then, corrector.policy.min_labels):
        return None
    wanted = rows["prediction_id"][np.concatenate([taught, came])]
    features = _features(datasets, log, corrector, seen, rows, wanted)
    if features is None:
        return None
    first, rest = np.arange(len(taught)), np.arange(len(taught), len(wanted))
    model = corrector.trainer.fit(corrector.factory, select(features, first), then.astype(np.int64), corrector.params)
    corrected = corrector.trainer.score(model, select(features, rest))
    return judged(
        window=seen.window,
        since=seen.since,
        label=now["label"][came] == 1,
        predicted=now["prediction"][came] == 1,
        corrected=corrected >= reference.threshold,
    )


def _searched_from(datasets: Datasets, log: str, until: str) -> str:
    """Begin of the newest batches that hold the rows to search, or of all there are."""
    total, since = 0, until
    for batch in reversed([one for one in datasets.batches(log) if one.rows and one.since < until]):
        since, total = min(since, batch.since), total + batch.rows
        if total >= SEARCHED:
            break
    return since


def _features(
    datasets: Datasets, log: str, corrector: Corrector, seen: GainWindow, rows: Columns, wanted: NDArray[np.int64]
) -> Columns | None:
    """Features and score of the wanted predictions, in their order; None where a feature is not logged."""
    order = np.argsort(wanted, kind="stable")
    times = rows["predicted_at"][np.isin(rows["prediction_id"], wanted)]
    names = ["prediction_id", "model_version", "score", *corrector.features]
    found: list[Columns] = []
    for part in datasets.scan(log, since=str(times.min()), until=seen.until):
        if set(names) - set(part):
            return None
        own = (part["model_version"] == seen.version) & np.isin(part["prediction_id"], wanted)
        found.append({name: part[name][own] for name in names if name != "model_version"})
    table = concatenate(found)
    at = np.argsort(table["prediction_id"], kind="stable")
    place = np.empty(len(wanted), dtype=np.int64)
    place[order] = at[np.searchsorted(table["prediction_id"][at], wanted[order])]
    return {name: values for name, values in select(table, place).items() if name != "prediction_id"}
