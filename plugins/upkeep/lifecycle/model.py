"""The stages that work on a model: train, promote, score, monitor, suggest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from upkeep.errors import InputError
from upkeep.lifecycle.gate import GateStages
from upkeep.lifecycle.records import json_record, policy
from upkeep.ports import Json

if TYPE_CHECKING:
    from upkeep.stages.recent_gain import Corrector


class Lifecycle(GateStages):
    """All stages of one life."""

    def champion(self) -> str | None:
        """Version of the model in use, None before the first promotion."""
        return self.backends.tracker.version(self.life.model, "champion")

    def challenger(self) -> str:
        """Version of the model that wants to be used."""
        found = self.backends.tracker.version(self.life.model, "challenger")
        if found is None:
            raise InputError(f"{self.life.model} must have a challenger, but has none. Train a model first.")
        return found

    def plan(self, *, tag: str, recipes: Sequence[Json], decision: str, training_id: str, as_of: str) -> list[Json]:
        """The challengers that a decision asks for, one per recipe, with the rows that all of them hold out."""
        from upkeep.stages.train_plan import plan_challengers

        known, life = self.backends, self.life
        return plan_challengers(
            known.datasets,
            known.versions,
            known.documents,
            model=life.model,
            dataset=life.dataset,
            time=life.time,
            tag=tag,
            as_of=as_of,
            recipes=recipes,
            decision=decision,
            training_id=training_id,
            holdout_share=float(life.training.get("holdout_share", 0.3)),
            steps=self.gate_policy.steps,
        )

    def train(
        self,
        *,
        tag: str,
        as_of: str,
        training_id: str,
        tags: Mapping[str, str],
        recipe: Json,
        holdout_since: str = "",
        params: Json | None = None,
    ) -> Json:
        """Fit, check, log and register a challenger from a dataset version."""
        from upkeep.stages.recipe import checked_recipe
        from upkeep.stages.train import TrainSpec, train
        from upkeep.stages.train_weights import weighing

        life, known, recipe = self.life, self.backends, checked_recipe(recipe)
        settings = {key: value for key, value in life.training.items() if key != "first_batches"}
        if recipe.get("since"):
            settings["since"] = recipe["since"]
        settings |= {
            "model": life.model,
            "dataset": life.dataset,
            "time": life.time,
            "features": tuple(settings["features"]),
            "params": settings.get("params", {}) | (params or {}),
            "recipe": recipe.get("name", "planned"),
            "holdout_since": holdout_since,
            "seal_holdout": self.gate_policy.contract.told != "nothing",
        }
        result = train(
            known.datasets,
            known.versions,
            known.trainer,
            known.tracker,
            spec=policy(TrainSpec, settings, "training"),
            tag=tag,
            training_id=training_id,
            as_of=as_of,
            tags=dict(tags),
            weigh=weighing(known.documents, known.tracker, recipe, model=life.model, time=life.time),
        )
        return json_record(result)

    def promote(self, *, version: str, evaluation_id: str) -> Json:
        """Move `champion` to a version whose gate is open."""
        from upkeep.stages.promote import promote

        known = self.backends
        result = promote(
            known.tracker, known.documents, model=self.life.model, version=version, evaluation_id=evaluation_id
        )
        return json_record(result)

    def rollback(self) -> Json:
        """Move `champion` back to the version before."""
        from upkeep.stages.promote import rollback

        return json_record(rollback(self.backends.tracker, self.backends.documents, model=self.life.model))

    def score(self, batches: Sequence[str]) -> Json:
        """Score batches with the champion into the prediction log."""
        from upkeep.stages.score import score

        life, known = self.life, self.backends
        names = {"model": life.model, "dataset": life.dataset, "time": life.time}
        made = [
            score(known.datasets, known.tracker, **names, batch=batch, threshold=self.threshold) for batch in batches
        ]
        since, until = self.span(batches)
        rows = sum(batch.rows for batch in made)
        about = {"model": life.model, "batches": list(batches), "rows": rows, "since": since, "until": until}
        return about | self._published("scores", f"{life.model}/{batches[-1]}", about)

    def monitor(self, *, since: str, until: str, early: bool = False) -> Json:
        """Look at one window: drift, labels, accuracy; the health report is stored with its picture.

        First the windows before get what they have turned out to be, since the picture shows it. An early look is one before
        the window's labels were taken in: what is known of labels ends with the newest that was, and none is late yet.
        """
        from upkeep.stages.monitor import MonitorPolicy, monitor
        from upkeep.stages.realize import RealizedPainter

        self.realize()
        known, settings = self.backends, self.life.monitor | {"dataset": self.life.dataset}
        report: Json = monitor(
            known.datasets,
            known.tracker,
            known.documents,
            RealizedPainter(known.painter, known.documents),
            model=self.life.model,
            since=since,
            until=until,
            as_of=self.known_until(since if early else until),
            policy=policy(MonitorPolicy, settings, "monitor"),
            corrector=self._corrector,
        )
        return report

    @property
    def _corrector(self) -> Corrector:
        """Fits corrections as this life's models are fitted."""
        from upkeep.stages.recent_gain import Corrector
        from upkeep.stages.suggest import DecisionPolicy

        settings = self.life.training
        return Corrector(
            trainer=self.backends.trainer,
            factory=settings["factory"],
            features=tuple(settings["features"]),
            params=settings.get("params", {}) | {"seed": int(settings.get("seed", 0))},
            policy=policy(DecisionPolicy, self.life.decision, "decision"),
        )

    def realize(self) -> Json:
        """What accuracy in the last windows has turned out to be by now, beside what was first estimated."""
        from upkeep.stages.realize import realize

        known, log = self.backends, f"{self.life.model}/predictions"
        newest = max((batch.until for batch in known.datasets.batches(log)), default="")
        made = realize(known.datasets, known.documents, model=self.life.model, as_of=self.known_until(newest))
        sentence = f"{made[-1]['window']}: {made[-1]['sentence']}" if made else "No window has a health report yet."
        return {"windows": list(made), "held": sum(bool(one["held"]) for one in made), "sentence": sentence}

    def suggest(self, *, window: str, state: Json) -> tuple[Json, Json]:
        """Decide about a window; returns the stored decision and the new decision state."""
        from upkeep.stages.outcome import with_outcome
        from upkeep.stages.suggest import DecisionPolicy, suggest

        rules = policy(DecisionPolicy, self.life.decision, "decision")
        decision, new_state = suggest(
            self.backends.documents, model=self.life.model, window=window, policy=rules, state=state
        )
        name = f"{self.life.model}/{window}"
        became = with_outcome(self.backends.documents, name)
        about = json_record(decision) | {"id": f"decisions/{name}"} | ({"outcome": became} if became else {})
        return about | self._published("decisions", name, about), new_state

    def outcome(self, *, decision: str, planned: Sequence[Json]) -> Json:
        """Write what became of a suggested retrain to its decision."""
        from upkeep.stages.outcome import record_outcome

        known = self.backends
        found = record_outcome(
            known.documents, known.tracker, model=self.life.model, decision=decision, planned=planned
        )
        if not decision:
            return found
        name = decision.removeprefix("decisions/")
        return found | self._published("decisions", name, known.documents.get("decisions", name) or found)
