import numpy as np
import pytest

from upkeep.core.feedback.partial.cells import Cells
from upkeep.core.feedback.partial.contrasts import log_chances
from upkeep.core.feedback.partial.evidence import Evidence, moved, still_pending
from upkeep.core.feedback.partial.laplace import Prior, fit


def one_cell(chance, labels, silence):
    logs = log_chances(np.tile([1 - chance, chance], (len(labels), 1)))
    cells = Cells.of(np.zeros(len(labels)), np.zeros(len(labels), dtype=int))
    return Evidence.of(logs, np.asarray(labels), np.tile(silence, (len(labels), 1)), cells, 1)


def weak(size, variance=(1e6, 1e-9, 1e-9, 1e-9, 1e-9)):
    precision = np.diag(1 / np.array(variance[:size]))
    return Prior(mean=np.zeros(size), precision=precision, log_determinant=float(np.linalg.slogdet(precision)[1]))


def live_chance(mode, chance):
    logs = log_chances(np.array([[1 - chance, chance]]))
    return moved(logs, mode.mean[:1][None], np.array([[-0.5], [0.5]]))[0, 1]


def test_the_fixed_point_of_em_for_one_cell_is_the_one_worked_out_by_hand():
    # 40 of 50 positive labels are in by now (G1 = .8), 10 of 50 negative ones (G0 = .2), and 50 rows wait. With pi = 1/2 a
    # waiting row is positive with chance .5 x .2 / (.5 x .2 + .5 x .8) = .2, so 40 + 50 x .2 = 50 of 100 rows are: pi again.
    labels = np.repeat([1.0, 0.0, np.nan], [40, 10, 50])
    mode = fit(one_cell(0.3, labels, [0.8, 0.2]), weak(5))
    assert live_chance(mode, 0.3) == pytest.approx(0.5, abs=1e-5)
    assert still_pending(np.array([[0.5, 0.5]]), np.array([[0.8, 0.2]]))[0, 1] == pytest.approx(0.2)


def test_with_one_delay_for_all_classes_the_chance_is_the_mean_of_the_labels():
    mode = fit(one_cell(0.3, np.repeat([1.0, 0.0, np.nan], [12, 4, 30]), [0.5, 0.5]), weak(5))
    assert live_chance(mode, 0.3) == pytest.approx(12 / 16, abs=1e-5)


def test_information_from_labels_alone_is_that_of_a_logistic_regression():
    mode = fit(one_cell(0.5, np.repeat([1.0, 0.0], [20, 20]), [1.0, 1.0]), weak(5))
    assert mode.covariance[0, 0] == pytest.approx(1 / (40 * 0.25), rel=1e-4)


def test_a_prior_at_the_reference_is_worth_its_variance():
    # one effect with prior N(0, v): the mode solves n (mean - pi) = x / v
    mode = fit(one_cell(0.5, np.repeat([1.0, 0.0], [30, 10]), [1.0, 1.0]), weak(5, (0.2, 1e-12, 1e-12, 1e-12, 1e-12)))
    x = mode.mean[0]
    assert 40 * (0.75 - 1 / (1 + np.exp(-x))) == pytest.approx(x / 0.2, abs=1e-6)


def test_the_slope_of_the_surface_vanishes_where_pending_rows_bend_it_upwards():
    labels = np.repeat([1.0, np.nan], [2, 60])
    mode = fit(one_cell(0.5, labels, [0.95, 0.02]), weak(5, (4.0, 1e-9, 1e-9, 1e-9, 1e-9)))
    pi = live_chance(mode, 0.5)
    waiting = pi * 0.02 / (pi * 0.02 + (1 - pi) * 0.95)
    assert 2 * (1 - pi) + 60 * (waiting - pi) == pytest.approx(mode.mean[0] / 4.0, abs=1e-4)
    assert mode.covariance[0, 0] > 0
