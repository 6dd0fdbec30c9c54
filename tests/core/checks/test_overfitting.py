import math
import re

import pytest

from upkeep.core.checks.overfitting import find_overfitting
from upkeep.errors import InputError


def test_the_objection_starts_beyond_tolerance_and_chance():
    radius = math.sqrt(math.log(20) / 2000)  # 0.0387
    for extra, objects in ((-0.001, False), (0.001, True)):
        holdout = 0.9 - 0.1 - radius - extra
        found = find_overfitting(train_accuracy=0.9, holdout_accuracy=holdout, holdout_rows=1000, tolerance=0.1)
        assert bool(found) == objects


def test_a_small_holdout_proves_nothing():
    assert not find_overfitting(train_accuracy=1.0, holdout_accuracy=0.6, holdout_rows=10, tolerance=0.1)


def test_a_model_that_is_better_on_new_rows_is_fine():
    assert not find_overfitting(train_accuracy=0.7, holdout_accuracy=0.9, holdout_rows=10_000, tolerance=0.0)


def test_the_message_has_the_numbers():
    (finding,) = find_overfitting(train_accuracy=1.0, holdout_accuracy=0.7, holdout_rows=1000, tolerance=0.1)
    assert finding.severity == "error"
    assert "0.700 against 1.000" in finding.message


def test_of_a_sealed_holdout_the_message_has_no_number():
    (finding,) = find_overfitting(
        train_accuracy=1.0, holdout_accuracy=0.7, holdout_rows=1000, tolerance=0.1, sealed=True
    )
    assert re.findall(r"\d[\d.]*", finding.message) == ["0.100"]  # the tolerance, which the builder has given
    assert finding.message.endswith("Use a simpler model, stronger regularisation or more rows.")


def test_no_rows_are_refused():
    with pytest.raises(InputError, match="holdout_rows"):
        find_overfitting(train_accuracy=1.0, holdout_accuracy=0.7, holdout_rows=0, tolerance=0.1)
