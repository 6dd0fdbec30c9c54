import os
import sys

import numpy as np
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from upkeep.adapters import skops_trust
from upkeep.errors import BackendError, InputError


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(3),
        GradientBoostingClassifier(n_estimators=3),
        HistGradientBoostingClassifier(max_iter=3),
        KNeighborsClassifier(),
        MLPClassifier(max_iter=20, tol=1.0, n_iter_no_change=1),
        CalibratedClassifierCV(LogisticRegression()),
        GridSearchCV(LogisticRegression(), {"C": [1, 2]}, scoring="roc_auc", cv=2),
        make_pipeline(SelectKBest(f_classif, k=2), FunctionTransformer(np.tanh), LogisticRegression()),
    ],
    ids=lambda model: type(model).__name__,
)
def test_the_estimators_people_use_come_back_as_they_were(tmp_path, model):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3))
    model.fit(x, x[:, 0] > 0)
    skops_trust.save(model, tmp_path / "model.skops")
    assert (skops_trust.load(tmp_path / "model.skops").predict_proba(x) == model.predict_proba(x)).all()


@pytest.mark.parametrize(
    "name",
    [
        "builtins.eval",
        "os.system",
        "posix.system",
        "subprocess.Popen",
        "numpy.load",
        "numpy.memmap",
        "numpy.testing._private.utils.runstring",
        "numpy.lib._datasource.DataSource",
        "scipy.io.loadmat",
        "sklearn.datasets.load_files",
        "sklearn.utils._testing.check_output",  # subprocess's, imported there
        "sklearn.base.inspect",
        "upkeep.core.functions.importlib",
        "sklearnx.Model",
    ],
)
def test_nothing_that_runs_code_or_reads_files_is_allowed(name):
    assert not skops_trust.is_allowed(name)


def test_a_function_of_another_package_is_refused_when_read(tmp_path):
    path = tmp_path / "model.skops"
    skops.io.dump(FunctionTransformer(func=os.system), path)
    with pytest.raises(InputError, match=r"posix\.system"):
        skops_trust.load(path)


def test_the_operator_of_an_installation_can_vouch_for_a_package(tmp_path, monkeypatch):
    (tmp_path / "house_parts.py").write_text("def double(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    import house_parts

    model = FunctionTransformer(house_parts.double)
    with pytest.raises(InputError, match=r"house_parts\.double"):
        skops_trust.save(model, tmp_path / "model.skops")
    monkeypatch.setenv(skops_trust.PACKAGES_VARIABLE, "house_parts, os")
    skops_trust.save(model, tmp_path / "model.skops")
    assert skops_trust.load(tmp_path / "model.skops").transform(np.ones((1, 1))) == 2
    assert not skops_trust.is_allowed("os.system")  # the standard library cannot be vouched for
    del sys.modules["house_parts"]


def test_a_lambda_cannot_be_stored(tmp_path):
    with pytest.raises(InputError):
        skops_trust.save(FunctionTransformer(lambda x: x), tmp_path / "model.skops")


def test_a_file_of_another_kind_is_a_backend_error(tmp_path):
    path = tmp_path / "model.skops"
    path.write_bytes(b"not a zip")
    with pytest.raises(BackendError, match="skops format"):
        skops_trust.load(path)
