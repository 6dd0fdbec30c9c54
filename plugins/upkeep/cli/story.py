"""One model's life on a local Airflow: weeks arrive, and we wait until the DAGs have dealt with each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from upkeep.adapters.backends import Backends
from upkeep.cli.airflow_api import FINISHED, AirflowApi, Json
from upkeep.core.life import Life
from upkeep.errors import BackendError
from upkeep.stages.first_estimate import first_estimate

#: Time a step may take, on a machine that is busy with other things as well.
STEP_WITHIN_S = 420.0
#: An asking task's process ends within this time after it has asked.
SETTLED_AFTER_S = 8.0
#: DAGs whose failure ends a story; a gate that stays shut ends the retrain DAG's run, which is an answer.
MUST_SUCCEED = ("ingest", "train", "score", "monitor")


@dataclass(slots=True, kw_only=True)
class Story:
    """What has happened so far in a life, seen from outside: records in the workspace, runs over REST."""

    life: Life
    api: AirflowApi
    backends: Backends
    tell: Callable[[str], None]

    def wait(self, what: str, done: Callable[[], bool]) -> None:
        """Return when `done`; a failed run or a long wait ends the story with what to look at."""
        until = time.monotonic() + STEP_WITHIN_S
        while not done():
            self.raise_for_failures()
            if time.monotonic() > until:
                raise BackendError(f"{what} must come within {STEP_WITHIN_S:.0f} s, but did not. {self.states()}")
            time.sleep(1)

    def raise_for_failures(self) -> None:
        """Say which task failed, with the end of its log."""
        for stage in MUST_SUCCEED:
            dag = f"{self.life.name}_{stage}"
            for run in self.api.runs(dag):
                if run["state"] == "failed":
                    raise BackendError(self.failure(dag, run["dag_run_id"]))

    def failure(self, dag: str, run: str) -> str:
        """The failed tasks of a run, with the end of their logs."""
        tasks = self.api.failed_tasks(dag, run)
        logs = [
            self.api.log(dag, run, task["task_id"], task["try_number"], map_index=task["map_index"])[-1500:]
            for task in tasks
        ]
        return f"{dag} {run} failed in {[task['task_id'] for task in tasks]}:\n" + "\n".join(logs)

    def states(self) -> str:
        """Runs by DAG and state, in a line."""
        stages = (*MUST_SUCCEED, "retrain")
        found = {stage: [run["state"] for run in self.api.runs(f"{self.life.name}_{stage}")] for stage in stages}
        return "; ".join(f"{stage}: {', '.join(states) or 'none'}" for stage, states in found.items())

    def until_dags_are_there(self) -> None:
        """Wait for the DAG files to be parsed."""

        def parsed() -> bool:
            errors = self.api.get("/importErrors")["import_errors"]
            if errors:
                raise BackendError(f"DAG files must import, but: {errors[0]['stack_trace'][-800:]}")
            found = {dag["dag_id"] for dag in self.api.get("/dags", limit=100)["dags"]}
            return {f"{self.life.name}_{stage}" for stage in (*MUST_SUCCEED, "retrain")} <= found

        self.wait("the DAGs", parsed)

    def until_first_model(self) -> str:
        """Wait for the first champion; its version."""
        self.wait("the first model", lambda: bool(self.champion()))
        champion = str(self.champion())
        self.tell(f"first model promoted: {self.life.model} v{champion}")
        return champion

    def champion(self) -> str | None:
        """Version of the champion."""
        return self.backends.tracker.version(self.life.model, "champion")

    def decisions(self) -> list[Json]:
        """Decisions so far, oldest first."""
        return self.records("decisions")

    def records(self, kind: str) -> list[Json]:
        """Records of the model's windows, oldest first."""
        names = self.backends.documents.names(kind, f"{self.life.model}/")
        return [record for name in names if (record := self.backends.documents.get(kind, name))]

    def until_estimated(self, count: int) -> Json:
        """Wait for the first look at the n-th window, before its labels come, and tell what it says."""
        self.wait(f"the first look at window {count}", lambda: len(self.records("health")) >= count)
        report = self.records("health")[count - 1]
        said = first_estimate([report], report) or {}
        told = f"{said['value']:.1%} ({said['low']:.1%} to {said['high']:.1%})"
        self.tell(f"{report['window']}  estimated  {told} with {said['labelled']} of {said['rows']} labels in")
        return said

    def until_decision(self, count: int) -> Json:
        """Wait for the n-th decision, and tell it."""
        self.wait(f"decision {count}", lambda: len(self.decisions()) >= count)
        self.wait("the monitor's run", lambda: self._idle("monitor"))
        decision = self.decisions()[count - 1]
        realized = {record["window"]: record for record in self.records("realized")}
        if decision["window"] in realized:
            self.tell(f"{decision['window']}  realized   {realized[decision['window']]['sentence']}")
        self.tell(f"{decision['window']}  {decision['action']:<10} {decision['sentence']}")
        return decision

    def _idle(self, stage: str) -> bool:
        return all(run["state"] in FINISHED for run in self.api.runs(f"{self.life.name}_{stage}"))

    def approve(self) -> None:
        """Say yes to the retrain, as a person would on Airflow's page."""
        dag = f"{self.life.name}_retrain"
        self.wait("the request for approval", lambda: bool(self._waiting()))

        def approved() -> bool:
            run = self.api.runs(dag)[-1]["dag_run_id"]
            if self._waiting():
                # Airflow takes an answer that comes before the asking process has ended for a crash, and asks again.
                time.sleep(SETTLED_AFTER_S)
                for detail in self._waiting():
                    self.api.answer(detail, "Approve")
            return self.api.task_state(dag, run, "approve") == "success"

        self.wait("the approval", approved)
        self.tell("retrain approved")

    def _waiting(self) -> list[Json]:
        mine = f"{self.life.name}_retrain"
        return [detail for detail in self.api.waiting_approvals() if detail["task_instance"]["dag_id"] == mine]

    def until_retrained(self) -> str:
        """Wait for the end of the newest retrain run; its state."""
        self.wait("the retrain", lambda: self.api.runs(f"{self.life.name}_retrain")[-1]["state"] in FINISHED)
        run = self.api.runs(f"{self.life.name}_retrain")[-1]
        if run["state"] == "failed":
            self.tell(self.failure(run["dag_id"], run["dag_run_id"]))
        return str(run["state"])
