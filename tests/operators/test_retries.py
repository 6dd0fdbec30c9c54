"""The retry policy: answers are final, failures of the machinery are tried again."""

from datetime import timedelta

import pytest
from airflow.sdk.definitions.retry_policy import RetryAction, RetryPolicy

from upkeep.errors import BackendError, GateClosed, InputError
from upkeep.operators.retries import DEFAULT_ARGS, RETRY_FAILURES_ONLY


def _decision(error, policy=RETRY_FAILURES_ONLY):
    return policy.evaluate(error, try_number=1, max_tries=3)


@pytest.mark.parametrize("answer", [InputError("no such column"), GateClosed("not better")])
def test_an_answer_is_never_tried_again(answer):
    assert _decision(answer).action is RetryAction.FAIL


def test_a_failed_backend_is_tried_again_soon():
    decision = _decision(BackendError("MLflow did not answer"))
    assert decision.action is RetryAction.RETRY
    assert timedelta(0) < decision.retry_delay <= timedelta(minutes=1)


def test_an_error_of_another_kind_is_left_to_the_tasks_own_retries():
    assert _decision(ValueError("not ours")).action is RetryAction.DEFAULT
    assert DEFAULT_ARGS["retries"] == 2


def test_the_policy_survives_the_serialization_of_a_dag():
    again = type(RETRY_FAILURES_ONLY).deserialize(RETRY_FAILURES_ONLY.serialize())
    assert isinstance(again, RetryPolicy)
    assert _decision(GateClosed("no"), again).action is RetryAction.FAIL
    assert _decision(BackendError("no"), again).action is RetryAction.RETRY
