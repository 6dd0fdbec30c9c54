"""The health of a model version, over one window of its predictions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from upkeep.core.columns import Columns
from upkeep.core.feedback.join import join_labels
from upkeep.core.feedback.reference import ModelReference
from upkeep.core.plain import plain
from upkeep.core.profile.profile import Profile
from upkeep.core.retrain.loss_buckets import LossBuckets
from upkeep.core.utc_time import utc_time
from upkeep.errors import InputError
from upkeep.ports import Datasets, Documents, Json, Painter, Tracker
from upkeep.stages.first_estimate import first_estimate
from upkeep.stages.health import Known, examine
from upkeep.stages.health_adversary import keep, resume
from upkeep.stages.health_labels import carried_into, expected_labels, keep_carried
from upkeep.stages.health_report import health_report
from upkeep.stages.health_window import read_window, versions_seen
from upkeep.stages.monitor_policy import MonitorPolicy
from upkeep.stages.quarantine import quarantine_share
from upkeep.stages.recent_gain import Corrector, GainWindow, look_for_gain
from upkeep.stages.running import running_metrics, update_join

__all__ = ["MonitorPolicy", "monitor"]

#: How long before a window begins its labels may have been known: some are, where rows are scored after the fact.
EARLIEST = np.timedelta64(31, "D")


def monitor(
    datasets: Datasets,
    tracker: Tracker,
    documents: Documents,
    painter: Painter,
    *,
    model: str,
    since: str,
    until: str,
    as_of: str,
    policy: MonitorPolicy,
    corrector: Corrector | None = None,
) -> Json:
    """Hold a version's predictions in [since, until) against what it was accepted on, with the labels known at `as_of`.

    The version is the one that made most of the window's predictions, whichever is champion by now; its rows alone
    count. The report is stored as health ``<model>/<day of until>``, with the time of day unless that is midnight, its
    picture beside it, and returned; the window's profile and a sample of its rows are stored under the same name. Rows are
    read part by part: of the features, numbers are counted and let go, and texts are held as codes of four bytes.

    Every look at new facts takes the next number in the version's error budget, as each may be wrong: a window
    whose later labels came in is a new look. Only if nothing that goes into the report has changed since the stored one
    (times, rows, labels that are in, refused rows, policy), is that one returned as it is.

    With a `corrector`, the report also says what a model fitted anew on recent labels would win (`look_for_gain`).

    Raises
    ------
    InputError
        If the window holds no predictions, or a time cannot be read.
    """
    times = (utc_time("since", since), utc_time("until", until), utc_time("as_of", as_of))
    window = _name(times[1])
    version = _version(datasets, tracker, model, since, until)
    accepted = tracker.record(model, version, "reference")
    reference = ModelReference.from_json(accepted)
    begin = _name(times[0])
    opponent = resume(documents, accepted, model=model, version=version, begin=begin)
    seen = read_window(datasets, reference, opponent, policy, model=model, version=version, since=since, until=until)
    known = Known(
        reference=reference,
        labels=expected_labels(accepted),
        carried=carried_into(documents, model=model, version=version, begin=begin),
        buckets=LossBuckets.from_json(accepted["loss_buckets"]) if accepted.get("loss_buckets") else None,
    )
    feedback = datasets.read(f"{model}/feedback", since=str(times[0] - EARLIEST))
    joined = join_labels(seen.rows, feedback, times[2])
    facts: Json = {"model": model, "version": version, "window": window, "since": since, "until": until, "as_of": as_of}
    facts |= {
        "rows": seen.profile.rows,
        "labelled": int((~np.isnat(joined["observed_at"])).sum()),
        "content": _content(joined, seen.profile),
        "quarantine_share": quarantine_share(datasets, policy.dataset, since, until),
        "policy": plain(asdict(policy)),
    }
    earlier = [record for name in documents.names("health", f"{model}/") if (record := documents.get("health", name))]
    stored = next((r for r in earlier if all(r.get(key) == fact for key, fact in facts.items())), None)
    if stored is not None:
        return stored
    times = (*times[:2], _known_until(feedback, times[2]))
    health = examine(known, seen, joined, times, _look(documents, earlier, facts), policy)
    told = {"first": first_estimate(earlier, facts), "running": _running(datasets, documents, facts)}
    if corrector:
        about = GainWindow(model=model, version=version, window=window, since=since, until=until, known_until=times[2])
        told["recoverable"] = look_for_gain(datasets, documents, corrector, reference, about)
    report = health_report(health, facts | told)
    history = sorted((r for r in earlier if r["window"] < window), key=lambda r: str(r["window"]))
    documents.put("profiles", f"{model}/{window}", seen.profile.to_json() | {"version": version})
    documents.put("samples", f"{model}/{window}", seen.sample.to_json() | {"version": version})
    if seen.opponent:
        keep(documents, seen.opponent, model=model, version=version, window=window)
    if health.performance:
        keep_carried(documents, health.performance, model=model, version=version, window=window)
    report["picture"] = documents.put_text("health", f"{model}/{window}.svg", painter.draw(report, history))
    documents.put("health", f"{model}/{window}", report)
    return report


def _known_until(feedback: Columns, as_of: np.datetime64) -> np.datetime64:
    """The moment of the newest label by `as_of`: a feed that is a day behind is no day in which no label came."""
    if not feedback:
        return as_of
    known = feedback["observed_at"][feedback["observed_at"] <= as_of]
    return known.max() if len(known) else as_of


def _running(datasets: Datasets, documents: Documents, facts: Json) -> Json | None:
    """What labels so far say of the version, in all and lately; None until one of its batches lies before `as_of`."""
    running = update_join(datasets, documents, model=facts["model"], as_of=facts["as_of"])
    return running_metrics(running, version=facts["version"]) if facts["version"] in running.versions else None


def _content(joined: Columns, profile: Profile) -> str:
    """SHA-256 over what is looked at: a label that was corrected is a new fact, though there are as many as before."""
    names = ("prediction_id", "label", "observed_at", "score", "prediction")
    order = np.argsort(joined["prediction_id"], kind="stable")
    digest = hashlib.sha256(json.dumps(profile.to_json(), sort_keys=True).encode())
    for name in names:
        digest.update(np.ascontiguousarray(joined[name][order]).tobytes())
    return digest.hexdigest()


def _name(until: np.datetime64) -> str:
    """The day a window ends on, and the time of day unless that is midnight; names sort as the times do."""
    day = until.astype("datetime64[D]")
    clock = str(until.astype("datetime64[s]")).partition("T")[2].replace(":", "")
    return str(day) if until == day else f"{day}T{clock}"


def _version(datasets: Datasets, tracker: Tracker, model: str, since: str, until: str) -> str:
    """The version that made most of the predictions, the newer of two that made as many."""
    seen = versions_seen(datasets, model, since, until)
    if seen:
        return max(seen, key=lambda version: (seen[version], _number(version), version))
    champion = tracker.version(model, "champion")
    if champion is None:
        raise InputError(
            f"model {model} must have a champion to be monitored, but none is in use and nothing was predicted from {since} "
            f"to {until}. Train and promote one first."
        )
    raise InputError(
        f"the window must hold predictions of {model}, but there is none from {since} to {until}; "
        f"version {champion} is in use. Score a batch of that time first."
    )


def _number(version: str) -> int:
    """Registries count their versions; one that does not comes first."""
    return int(version) if version.isdigit() else -1


def _look(documents: Documents, earlier: Sequence[Json], facts: Json) -> int:
    """Number of this look in the version's error budget; the same facts have the same number.

    It is written down before anything else: a look is spent once it can be seen, even if its report is replaced by that
    of another version later. Each number is a record of its own that only one process can make.
    """
    name = f"{facts['model']}/v{facts['version']}"
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    spent: dict[str, int] = (documents.get("looks", name) or {}).get("looks", {})  # as they were kept before
    for kept in documents.names("looks", f"{name}/"):
        spent[(documents.get("looks", kept) or {})["facts"]] = int(kept.rpartition("/")[2])
    reported = [int(record["look"]) for record in earlier if record["version"] == facts["version"]]
    look = spent.get(digest, 1 + max([*spent.values(), *reported], default=0))
    while digest not in spent and not documents.create("looks", f"{name}/{look:06}", {"facts": digest}):
        if (documents.get("looks", f"{name}/{look:06}") or {})["facts"] == digest:
            break  # the same look in another process
        look += 1
    return look
