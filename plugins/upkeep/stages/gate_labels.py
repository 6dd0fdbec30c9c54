"""Rows that a gate wants labelled, and how many of them are by now."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict, dataclass

import numpy as np

from upkeep.core.columns import Columns
from upkeep.core.feedback.join import join_labels
from upkeep.core.gate.entry import Entry
from upkeep.errors import InputError
from upkeep.ports import Datasets, Documents, Json
from upkeep.stages.gate_look import Look
from upkeep.stages.gate_policy import ANYTIME
from upkeep.stages.gate_prepare import Evaluation, Prepared, ask_of, open_entry, prepare
from upkeep.stages.gate_sample import DISAGREEMENTS, KIND, remember
from upkeep.stages.gate_stream import asking, looked
from upkeep.stages.record_names import record_name

_LOOKS = 20  # of a stream at the rows of one list, each a task of its own where a sensor waits for them
_KNOWN = ("row_id", "label", "observed_at")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for one


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRequest:
    """What a gate still needs before it can answer.

    Attributes
    ----------
    model, version, evaluation_id : str
    enough : bool
        Whether the gate can answer now, be it that nothing can help it.
    needed, labels : int
        Labels needed for the clause that lacks most, and those that are there.
    requested : int
        Rows to be labelled; more than `needed - labels` where only some of them turn out to count.
    record : str
        Where they are listed, a CSV file among the reports: `prediction_id`, features. Empty for none.
    sentence : str
    """

    model: str
    version: str
    evaluation_id: str
    enough: bool
    needed: int
    labels: int
    requested: int
    record: str
    sentence: str


def missing_labels(about: Evaluation, *, as_of: str) -> LabelRequest:
    """What the gate would need to answer now; the rows are listed and remembered, and no step is used.

    A stream of labels is read on; its first look uses the evaluation's step, which the gate would use for the same labels.
    """
    found = prepare(about, as_of=as_of)
    if found.look and found.look.method == ANYTIME and not found.refusal:
        return _read_on(about, found, found.look)
    if found.look and len(found.look.missing):
        return request_labels(about, found)
    why = found.refusal if found.done is None else ""
    return _request(about, found, record="", sentence=why or "the labels suffice")


def _read_on(about: Evaluation, found: Prepared, seen: Look) -> LabelRequest:
    entry = found.entry or open_entry(about, found, seen)
    if isinstance(entry, Entry):
        stream = looked(about, found, entry)
        if not stream.final:
            return request_labels(about, asking(found, stream))
    return _request(about, found, record="", sentence="the gate can answer")


def request_labels(about: Evaluation, found: Prepared) -> LabelRequest:
    """List the rows that are missing, for people and for `requested_labels`; the same question replaces its list."""
    if found.look is None or found.judged is None:
        raise InputError("labels can be asked for only where rows may judge. Hold out newer rows.")
    missing, name = found.look.missing, record_name(about.model, about.evaluation_id)
    listed = found.judged.only(np.isin(found.judged.ids, missing))
    rows = {"prediction_id": listed.ids} | {k: v for k, v in listed.table.items() if k not in _KNOWN}
    record = about.documents.put_text(KIND, f"{name}.csv", _csv(rows))
    said = f"version {about.challenger} {found.look.shortage}: {len(missing)} rows are listed in {record}"
    asked = _request(about, found, record=record, sentence=said)
    enough = math.ceil(len(missing) / _LOOKS) if found.look.method == ANYTIME else len(missing)
    remember(about.documents, name, ask_of(about, found.look, found.judged))
    before = about.documents.get(KIND, name) or {}
    listed_now: Json = {"rows": missing.tolist(), "enough_rows": enough, "active": found.look.scope == DISAGREEMENTS}
    listed_now["feedback"] = _observed(about.datasets, about.model, found.as_of)
    about.documents.put(KIND, name, before | asdict(asked) | listed_now)
    return asked


def _observed(datasets: Datasets, model: str, as_of: str) -> int:
    """How many predictions have a label by then."""
    feedback = datasets.read(f"{model}/feedback", columns=["prediction_id", "observed_at"])
    if not feedback:
        return 0
    return len(np.unique(feedback["prediction_id"][feedback["observed_at"] <= np.datetime64(as_of)]))


def requested_labels(datasets: Datasets, documents: Documents, *, model: str, evaluation_id: str, as_of: str) -> Json:
    """How many of the rows that a gate asked for are labelled by `as_of`: `requested`, `labelled`, `new`.

    Of a stream, as many as are worth the next look are `requested`, and no more are counted. `new` are labels of any rows that
    have come since it asked: as many of them as were requested may do as well. They are 0 where none but the listed rows will
    do, which are those on which two models disagree.

    Raises
    ------
    InputError
        If it never asked.
    """
    asked = documents.get(KIND, record_name(model, evaluation_id))
    if asked is None:
        raise InputError(
            f"evaluation {evaluation_id!r} of {model} must have asked for labels, but has not. Run its gate."
        )
    feedback = datasets.read(f"{model}/feedback", columns=["prediction_id", "observed_at", "label"])
    joined = join_labels({"prediction_id": np.array(asked["rows"], dtype=np.int64)}, feedback, np.datetime64(as_of))
    enough = int(asked.get("enough_rows", len(asked["rows"])))
    labelled = min(enough, int((~np.isnan(joined["label"])).sum()))
    others_may_do = (
        not asked.get("active", False) and "feedback" in asked
    )  # older requests do not say how many there were
    new = _observed(datasets, model, as_of) - int(asked["feedback"]) if others_may_do else 0
    return {"requested": enough, "labelled": labelled, "new": new}


def _request(about: Evaluation, found: Prepared, *, record: str, sentence: str) -> LabelRequest:
    seen = found.look
    return LabelRequest(
        model=about.model,
        version=about.challenger,
        evaluation_id=about.evaluation_id,
        enough=not record,
        needed=seen.needed if seen else 0,
        labels=seen.labels if seen else 0,
        requested=len(seen.missing) if seen else 0,
        record=record,
        sentence=f"Gate of {about.model}: {sentence}.",
    )


def _csv(rows: Columns) -> str:
    """A table as text; a cell that a spreadsheet would take for a formula is quoted as text."""
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(rows)
    columns = [values.astype(str) if values.dtype.kind in "OUM" else values for values in rows.values()]
    for row in zip(*columns, strict=True):
        out.writerow([f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in row])
    return text.getvalue()
