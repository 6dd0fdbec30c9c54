import numpy as np
import pytest

from upkeep.core.retrain.backtest.comparison import error_difference
from upkeep.core.retrain.backtest.replay import Replay
from upkeep.errors import InputError


def fared(wrong):
    names = tuple(map(str, range(len(wrong))))
    return Replay(windows=names, rows=np.full(len(wrong), 100), wrong=np.asarray(wrong), retrains=())


def test_what_varies_with_the_windows_alone_is_no_difference():
    rng = np.random.default_rng(1)
    found = error_difference(fared(rng.binomial(100, 0.2, 64)), fared(rng.binomial(100, 0.2, 64)))

    assert found.no_worse
    assert found.blocks == 8


def test_a_steady_difference_is_worse_however_small():
    base = np.random.default_rng(1).binomial(100, 0.2, 64)
    found = error_difference(fared(base + 1), fared(base))

    assert found.value == pytest.approx(0.01)
    assert not found.no_worse


def test_replays_of_other_windows_are_not_compared():
    with pytest.raises(InputError, match="same live windows"):
        error_difference(fared([1, 2]), fared([1, 2, 3]))


def test_under_eight_windows_nothing_is_told():
    short, long = (error_difference(fared([50] * count), fared([10] * count)) for count in (7, 8))

    assert (short.told, short.worse, short.no_worse) == (False, False, False)
    assert (long.told, long.worse, long.no_worse) == (True, True, False)
