"""From simulated incidents to the cause that a decision names, and to the recipe that it suggests."""

from collections import Counter
from functools import cache

import numpy as np
import pytest
from benchmarks.cause_life import POLICY, Life
from benchmarks.cause_worlds import DUE_H, FEATURES, Incident, delivered, linear, quiet, rows

from upkeep.core.retrain.diagnosis import diagnose
from upkeep.core.retrain.recipe_weights import recipe_weights

pytestmark = pytest.mark.slow

RUNS = 4
COVARIATE, CONCEPT, MIXED = Incident(covariate=1.3), Incident(concept=2.0), Incident(covariate=0.8, concept=1.0)


@cache
def lived(seed, incidents):
    """A life with two quiet windows before the incidents, and what was decided about the last of them."""
    rng = np.random.default_rng(seed)
    train, held_out = quiet(rng, 0, 4, 3_000), quiet(rng, 4, 2, 3_000)
    scorer = linear({name: train[name] for name in FEATURES}, train["label"])
    life = Life(train, held_out, scorer, learner=linear, features=FEATURES, group="place", due_h=DUE_H, seed=seed)
    for incident in (Incident(), Incident(), *incidents):
        week = 6 + len(life.facts)
        decision = life.window(*delivered(rng, rows(rng, week, 4_000, incident), week, incident))
    return life, decision


@pytest.mark.parametrize(
    ("incidents", "cause", "action"),
    [
        ((COVARIATE, COVARIATE), "covariate_shift", "retrain"),
        ((CONCEPT, CONCEPT), "concept_shift", "retrain"),
        ((MIXED, MIXED), "mixed", "retrain"),
        ((Incident(fault="lost"),), "data_integrity", "fix_data"),
        ((Incident(fault="times_100"),), "data_integrity", "fix_data"),
        ((Incident(fault="not_logged"),), "data_integrity", "fix_data"),
        ((Incident(late="all"),), "late_labels", "get_labels"),
        ((Incident(late="airport"),), "late_labels", "get_labels"),
        ((), "none", "wait"),
    ],
)
def test_the_cause_of_an_incident_is_named(incidents, cause, action):
    found = Counter((d.cause, d.action) for _, d in (lived(seed, incidents) for seed in range(RUNS)))
    assert found[cause, action] >= RUNS - 1, found


def test_score_buckets_alone_take_a_shift_of_the_rows_for_one_of_the_concept():
    """The control: a model that is wrong where the new rows are looks as if rows were answered otherwise."""
    lives = [lived(seed, (COVARIATE, COVARIATE))[0] for seed in range(RUNS)]
    assert sum(diagnose(life.score_bucket_facts, POLICY).cause == "covariate_shift" for life in lives) <= 1


@pytest.mark.parametrize(("incident", "recipe"), [(COVARIATE, "upsample"), (CONCEPT, "recent_window")])
def test_the_challenger_of_the_suggested_recipe_beats_the_plain_full_retrain(incident, recipe):
    gains = []
    for seed in range(RUNS):
        life, decision = lived(seed, (incident, incident))
        assert decision.recipe["name"] == recipe
        fresh, table = rows(np.random.default_rng([seed, 300]), 300, 5_000, incident), life.labelled_rows()
        features = {name: table[name] for name in FEATURES}
        right = {}
        for chosen in (decision.recipe, {"name": "full"}):
            weights = recipe_weights(chosen, features, when=table["when"], live=life.live_scores(table))
            scores = linear(features, table["label"], weights)(fresh)
            right[chosen["name"]] = ((scores >= 0.5) == (fresh["label"] == 1)).mean()
        gains.append(right[recipe] - right["full"])
    assert np.mean(gains) > 4 * np.std(gains, ddof=1) / np.sqrt(RUNS)
    assert np.mean(gains) > 0.03
