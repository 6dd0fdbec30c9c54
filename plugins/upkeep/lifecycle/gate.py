"""The stages of a life's gate: the verdict, the labels that it lacks, and what its test sets may still judge."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from upkeep.lifecycle.data import DataStages
from upkeep.lifecycle.records import json_record, policy
from upkeep.ports import Json

if TYPE_CHECKING:
    from upkeep.stages.gate_policy import GatePolicy
    from upkeep.stages.gate_prepare import Evaluation


class GateStages(DataStages):
    """A life's gate."""

    @property
    def threshold(self) -> float:
        """Scores from here on are predicted 1, in training, gate and prediction log alike."""
        return float(self.life.training.get("threshold", 0.5))

    @property
    def gate_policy(self) -> GatePolicy:
        """The life's gate; `easeml` in it names an ``.easeml.yml``, whose promise the life's own keys go before."""
        from upkeep.adapters.easeml_file import read_easeml
        from upkeep.stages.gate_policy import GatePolicy

        settings = dict(self.life.gate)
        if "easeml" in settings:
            settings = read_easeml(Path(settings.pop("easeml"))).settings | settings
        return policy(GatePolicy, settings | {"threshold": self.threshold}, "gate")

    def gate(self, *, challenger: str, evaluation_id: str, as_of: str) -> Json:
        """Hold the challenger against the champion; the verdict is stored, and the same id is measured once."""
        from upkeep.stages.gate import gate

        about = self._evaluation(challenger, evaluation_id)
        verdict = json_record(gate(about, as_of=self.known_until(as_of)))
        return verdict | self._published("gates", f"{self.life.model}/v{challenger}", verdict)

    def decide_gate(self, *, evaluation_id: str, answer: str, by: str, why: str) -> Json:
        """A person's answer where the gate left the truth open."""
        from upkeep.stages.gate_decide import decide

        known = self.backends
        about = {"model": self.life.model, "evaluation_id": evaluation_id, "answer": answer, "by": by, "why": why}
        verdict = json_record(decide(known.tracker, known.documents, **about))
        return verdict | self._published("gates", f"{self.life.model}/v{verdict['version']}", verdict)

    def gate_labels(self, *, challenger: str, evaluation_id: str, as_of: str) -> Json:
        """Which labels the gate still needs. Labels that have arrived meanwhile are taken in."""
        from upkeep.stages.gate_labels import missing_labels

        self.labels()
        about = self._evaluation(challenger, evaluation_id)
        return asdict(missing_labels(about, as_of=self.known_until(as_of)))

    def requested_labels(self, *, evaluation_id: str) -> Json:
        """How many of the rows that a gate asked for are labelled. Labels that have arrived meanwhile are taken in."""
        from upkeep.stages.gate_labels import requested_labels

        self.labels()
        known, model = self.backends, self.life.model
        about = {"model": model, "evaluation_id": evaluation_id, "as_of": self.known_until("0001-01-01")}
        return requested_labels(known.datasets, known.documents, **about)

    def gate_status(self) -> Json:
        """What each test set of the model may still judge."""
        from upkeep.stages.gate_status import gate_status

        life = self.life
        contract = self.gate_policy.contract
        return gate_status(self.backends.documents, model=life.model, dataset=life.dataset, contract=contract)

    def _evaluation(self, challenger: str, evaluation_id: str) -> Evaluation:
        from upkeep.stages.gate_prepare import Evaluation

        known = self.backends
        return Evaluation(
            datasets=known.datasets,
            tracker=known.tracker,
            documents=known.documents,
            policy=self.gate_policy,
            model=self.life.model,
            challenger=challenger,
            evaluation_id=evaluation_id,
        )
