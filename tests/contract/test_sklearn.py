"""scikit-learn's own checks, whole, with no expected failure."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from dagmm import DAGMMDetector

#: Some of its tables have so few rows that none can be left out of the fit.
pytestmark = pytest.mark.filterwarnings("ignore::dagmm._core.errors.FewRowsWarning")

#: They ask for an anomaly among 300 training rows. The default threshold lets one new row in a
#: hundred through; training rows lie lower than new ones, and perhaps all of them below it.
OF_TRAINING_ROWS = {"check_outliers_train", "check_outliers_fit_predict"}


@parametrize_with_checks([DAGMMDetector(), DAGMMDetector(n_members=1)])
def test_scikit_learn_check(estimator, check):
    if check.func.__name__ in OF_TRAINING_ROWS:
        estimator.set_params(contamination=0.1)
    check(estimator)
