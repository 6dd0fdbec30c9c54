"""Challengers that a person starts: one that is better by some three points, and one that only noise tells apart."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG, Asset, TriggerRule, chain

from upkeep.adapters.life_file import read_life
from upkeep.operators.gate import ModelGateOperator
from upkeep.operators.promote import PromoteModelOperator
from upkeep.operators.retries import DEFAULT_ARGS
from upkeep.operators.train import TrainModelOperator
from upkeep.sensors.gate import GateLabelsSensor

LIFE = read_life(Path(os.environ["UPKEEP_LIVES"]) / "gated.yaml")
CHALLENGERS = {
    "better": {"factory": "upkeep.taxi:tip_model"},
    "noise": {"params": {"strength": 0.95}},
}

for name, changes in CHALLENGERS.items():
    life = replace(LIFE, training=LIFE.training | changes)
    with DAG(f"gated_{name}", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), default_args=DEFAULT_ARGS):
        train = TrainModelOperator(task_id="train", life=life)
        labels = GateLabelsSensor(task_id="labels", life=life, trained=train.output)
        some = TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS
        gate = ModelGateOperator(task_id="gate", life=life, trained=train.output, trigger_rule=some)
        promote = PromoteModelOperator(
            task_id="promote", life=life, verdict=gate.output, model=Asset(f"gated_{name}_model")
        )
        chain(train, labels, gate, promote)
