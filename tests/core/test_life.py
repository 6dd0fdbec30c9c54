"""A life's keys: all that are needed, none that are unknown, a name that can stand in DAG ids."""

from dataclasses import fields

import pytest

from upkeep.core.life import Life
from upkeep.errors import InputError

OPTIONAL = {"max_quarantine_share", "feedback_precision", "feedback_wait_h", "approval_timeout_h", "poll_s"}


@pytest.fixture
def record():
    mappings = {"schema", "suites", "training", "gate", "monitor", "decision"}
    wanted = [field.name for field in fields(Life) if field.name not in OPTIONAL]
    return {name: {"time": "at"} if name in mappings else name for name in wanted}


def test_optional_keys_have_their_defaults_and_time_is_the_schemas(record):
    life = Life.from_json(record, "a.yaml")
    assert (life.approval_timeout_h, life.poll_s, life.time) == (48.0, 15.0, "at")
    assert Life.from_json(record | {"poll_s": 1.0}, "a.yaml").poll_s == 1.0


def test_every_other_key_is_needed(record):
    for name in record:
        rest = {key: value for key, value in record.items() if key != name}
        with pytest.raises(InputError, match=f"a.yaml must have .* missing: {name}; unknown: none"):
            Life.from_json(rest, "a.yaml")


def test_all_missing_and_unknown_keys_are_named_at_once(record):
    del record["gate"], record["model"]
    with pytest.raises(InputError, match="missing: gate, model; unknown: colour, size"):
        Life.from_json(record | {"size": 1, "colour": 2}, "a.yaml")


@pytest.mark.parametrize("name", ["", "Taxi", "1taxi", "taxi-nyc", "taxi nyc", "taxi\n", None, 7])
def test_a_name_that_cannot_stand_in_a_dag_id_is_refused(record, name):
    with pytest.raises(InputError, match="name becomes part of DAG ids"):
        Life.from_json(record | {"name": name}, "a.yaml")
