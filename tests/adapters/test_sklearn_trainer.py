import sys
import types

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from upkeep.adapters.sklearn_trainer import SklearnTrainer
from upkeep.errors import InputError


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return {"a": rng.normal(size=80), "b": rng.normal(size=80)}


@pytest.fixture
def label(table):
    return (table["a"] > 0).astype(np.int64)


@pytest.fixture
def factories(monkeypatch):
    module = types.ModuleType("factories")
    monkeypatch.setitem(sys.modules, "factories", module)
    return module


def test_the_score_is_the_probability_of_label_1(factories, table, label):
    factories.make = lambda: make_pipeline(LogisticRegression())
    trainer = SklearnTrainer()
    score = trainer.score(trainer.fit("factories:make", table, label, {}), table)
    assert score.shape == (80,)
    assert score[label == 1].mean() > 0.8 > 0.2 > score[label == 0].mean()


def test_every_open_random_state_gets_the_seed(factories, table, label):
    factories.make = lambda: make_pipeline(RandomForestClassifier(n_estimators=5, max_features=1))
    trainer = SklearnTrainer()
    scores = [trainer.score(trainer.fit("factories:make", table, label, {"seed": s}), table) for s in (1, 1, 2)]
    assert (scores[0] == scores[1]).all()
    assert (scores[0] != scores[2]).any()


def test_a_factory_that_names_a_seed_gets_it_and_keeps_its_choice(factories, table, label):
    factories.make = lambda seed, trees: RandomForestClassifier(n_estimators=trees, random_state=seed + 100)
    model = SklearnTrainer().fit("factories:make", table, label, {"seed": 1, "trees": 3})
    assert (model.random_state, model.n_estimators) == (101, 3)


def test_no_rows_have_no_scores(factories, table, label):
    factories.make = LogisticRegression
    trainer = SklearnTrainer()
    model = trainer.fit("factories:make", table, label, {})
    assert trainer.score(model, {"a": np.empty(0), "b": np.empty(0)}).shape == (0,)


@pytest.mark.parametrize(
    ("factory", "params", "words"),
    [
        ("no.such.module:make", {}, "importable"),
        ("factories:absent", {}, "has none"),
        ("factories", {}, "named like"),
        ("factories:make", {"depth": 3}, "must take the parameters"),
        ("factories:regression", {}, "predict_proba"),
    ],
)
def test_an_unusable_factory_is_named(factories, table, label, factory, params, words):
    factories.make, factories.regression = LogisticRegression, LinearRegression
    with pytest.raises(InputError, match=words):
        SklearnTrainer().fit(factory, table, label, params)


def test_columns_the_estimator_cannot_use_are_an_input_error(factories, table, label):
    factories.make = LogisticRegression
    text = {"a": np.full(80, "x", dtype=object)}
    with pytest.raises(InputError, match=r"columns \['a'\]"):
        SklearnTrainer().fit("factories:make", text, label, {})


@pytest.mark.parametrize(
    "make",
    [
        LogisticRegression,
        lambda: make_pipeline(StandardScaler(), LogisticRegression()),
        lambda: make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), LogisticRegression())),
    ],
)
def test_a_row_that_counts_twice_is_a_row_that_is_there_twice(factories, table, label, make):
    factories.make = make
    trainer = SklearnTrainer()
    weights = np.repeat([1.0, 3.0], 40)
    again = np.r_[np.arange(80), np.tile(np.arange(40, 80), 2)]
    weighted = trainer.fit("factories:make", table, label, {}, weights)
    repeated = trainer.fit("factories:make", {n: v[again] for n, v in table.items()}, label[again], {})
    plain = trainer.fit("factories:make", table, label, {})
    scores = [trainer.score(model, table) for model in (weighted, repeated, plain)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-4 if make is LogisticRegression else 0.05)
    assert np.abs(scores[0] - scores[2]).max() > 0.001


def test_weights_of_one_change_nothing(factories, table, label):
    factories.make = lambda: make_pipeline(StandardScaler(), LogisticRegression())
    trainer = SklearnTrainer()
    models = [trainer.fit("factories:make", table, label, {}, weights) for weights in (None, np.ones(80))]
    assert trainer.score(models[0], table) == pytest.approx(trainer.score(models[1], table), abs=1e-9)


def test_an_estimator_that_takes_no_weights_is_named(factories, table, label):
    factories.make = lambda: make_pipeline(StandardScaler(), KNeighborsClassifier())
    with pytest.raises(InputError, match="fit of KNeighborsClassifier has no sample_weight"):
        SklearnTrainer().fit("factories:make", table, label, {}, np.ones(80))
