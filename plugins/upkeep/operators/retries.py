"""When a task is worth another try: never after an answer, always after a failure of the machinery."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk.definitions.retry_policy import ExceptionRetryPolicy, RetryAction, RetryRule

RETRY_FAILURES_ONLY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception=["upkeep.errors.GateClosed", "upkeep.errors.InputError"],
            action=RetryAction.FAIL,
            reason="the same data give the same answer",
        ),
        RetryRule(
            exception="upkeep.errors.BackendError",
            action=RetryAction.RETRY,
            retry_delay=timedelta(seconds=30),
            reason="a backend failed; stages are idempotent",
        ),
    ]
)

#: For a DAG's `default_args`.
DEFAULT_ARGS = {"retries": 2, "retry_delay": timedelta(seconds=30), "retry_policy": RETRY_FAILURES_ONLY}
