"""triggering_facts: what several events say together, and what a person's run says instead."""

from types import SimpleNamespace

from upkeep.assets import triggering_facts


def _event(at, **extra):
    return SimpleNamespace(timestamp=at, extra=extra)


def test_batches_of_several_events_are_joined_and_the_newest_tag_wins():
    events = {
        "dataset": [
            _event(2, batches=["b"], validations=["vb"], tag="t2", since="2026-01-12", until="2026-01-19"),
            _event(1, batches=["a"], validations=["va"], tag="t1", since="2026-01-05", until="2026-01-12"),
        ]
    }
    facts = triggering_facts({"triggering_asset_events": events, "dag_run": SimpleNamespace(conf={})})
    joined = {"batches": ["a", "b"], "validations": ["va", "vb"], "since": "2026-01-05", "until": "2026-01-19"}
    assert facts == joined | {"tag": "t2"}


def test_a_run_by_hand_takes_its_facts_from_its_conf():
    conf = {"batches": ["a"], "validations": [], "tag": "t", "since": "2026-01-05", "until": "2026-01-12"}
    assert triggering_facts({"triggering_asset_events": {}, "dag_run": SimpleNamespace(conf=conf)}) == conf
