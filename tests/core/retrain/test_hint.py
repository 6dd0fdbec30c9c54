import math
from dataclasses import replace

import pytest
from tests.core.retrain.test_decide import facts

from upkeep.core.retrain.hint import label_free_hint


def windows(ks, loss):
    """Windows with these distances, and log-losses in shares of a guess."""
    return [
        replace(facts(day), ks=k, adversary_loss=None if part is None else part * math.log(2))
        for day, (k, part) in enumerate(zip(ks, loss, strict=True), 1)
    ]


@pytest.mark.parametrize(
    ("ks", "loss", "suggests"),
    [
        ((0.02, 0.04, 0.06), (1.0, 0.9, 0.8), "concept_shift"),
        ((0.02, 0.22, 0.42), (1.0, 0.9, 0.8), "covariate_shift"),
        ((0.02, 0.021, 0.02), (1.0, 1.001, 0.999), "none"),
    ],
)
def test_the_faster_figure_decides(ks, loss, suggests):
    hint = label_free_hint(windows(ks, loss))
    assert (hint.suggests, hint.windows) == (suggests, 3)


def test_slopes_by_hand():
    hint = label_free_hint(windows((0.0, 0.1, 0.5), (1.0, 0.8, 0.9)))
    assert hint.ks_slope == pytest.approx(0.25)  # the median of .1, .25, .4
    assert hint.loss_slope == pytest.approx(0.05)  # the median of .2, .05, -.1


def test_only_windows_with_both_figures_count_and_two_are_needed():
    assert label_free_hint(windows((0.1,), (1.0,))) is None
    assert label_free_hint(windows((0.1, None, 0.2), (1.0, 0.9, None))) is None
    assert label_free_hint(windows((0.1, None, 0.2), (1.0, 0.9, 0.9))).windows == 2
