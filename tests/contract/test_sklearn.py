"""scikit-learn's own checks, whole, with no expected failure."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from dagmm import DAGMMDetector

#: Some of its tables have so few rows that none can be left out of the fit.
pytestmark = pytest.mark.filterwarnings("ignore::dagmm._core.errors.FewRowsWarning")


@parametrize_with_checks([DAGMMDetector(), DAGMMDetector(n_members=1)])
def test_scikit_learn_check(estimator, check):
    check(estimator)
