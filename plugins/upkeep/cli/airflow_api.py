"""The few calls of Airflow's REST API that the demo and the end-to-end tests need."""

from __future__ import annotations

from typing import Any

import httpx

from upkeep.errors import BackendError

Json = dict[str, Any]
FINISHED = ("success", "failed")


class AirflowApi:
    """A user's session with an Airflow server."""

    def __init__(self, url: str, user: str, password: str) -> None:
        answer = httpx.post(f"{url}/auth/token", json={"username": user, "password": password}, timeout=60)
        answer.raise_for_status()
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        self._http = httpx.Client(base_url=f"{url}/api/v2", headers=headers, timeout=60)

    def get(self, path: str, **query: Any) -> Json:
        """GET below /api/v2."""
        return self._checked(self._http.get(path, params=query))

    def trigger(self, dag: str, conf: Json) -> str:
        """Start a run by hand; returns its id."""
        body = {"logical_date": None, "conf": conf}
        return str(self._checked(self._http.post(f"/dags/{dag}/dagRuns", json=body))["dag_run_id"])

    def runs(self, dag: str) -> list[Json]:
        """Runs of a DAG, oldest first."""
        found: list[Json] = self.get(f"/dags/{dag}/dagRuns", order_by="id", limit=100)["dag_runs"]
        return found

    def task_state(self, dag: str, run: str, task: str) -> str | None:
        """State of a task instance, None before it is scheduled."""
        state: str | None = self.get(f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}")["state"]
        return state

    def failed_tasks(self, dag: str, run: str) -> list[Json]:
        """Task instances of a run that failed."""
        found: list[Json] = self.get(f"/dags/{dag}/dagRuns/{run}/taskInstances")["task_instances"]
        return [task for task in found if task["state"] == "failed"]

    def log(self, dag: str, run: str, task: str, attempt: int, *, map_index: int = -1) -> str:
        """A task's log, as text; `map_index` says which of mapped ones."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/{attempt}"
        lines = self.get(path, map_index=map_index)["content"]
        return "\n".join(str(line.get("event", line)) if isinstance(line, dict) else str(line) for line in lines)

    def waiting_approvals(self) -> list[Json]:
        """Tasks that wait for a person."""
        found: list[Json] = self.get("/dags/~/dagRuns/~/hitlDetails", state="awaiting_input")["hitl_details"]
        return [detail for detail in found if not detail["response_received"]]

    def answer(self, detail: Json, option: str) -> None:
        """Choose an option of a waiting approval."""
        task = detail["task_instance"]
        path = f"/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}/-1/hitlDetails"
        self._checked(self._http.patch(path, json={"chosen_options": [option], "params_input": {}}))

    @staticmethod
    def _checked(answer: httpx.Response) -> Json:
        if answer.status_code >= 400:
            raise BackendError(
                f"Airflow must accept {answer.request.url}, but said {answer.status_code}: {answer.text[:300]}"
            )
        record: Json = answer.json()
        return record
