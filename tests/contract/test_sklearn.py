"""scikit-learn's own checks, whole, with no expected failure."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from dagmm import DAGMMDetector


@parametrize_with_checks([DAGMMDetector(), DAGMMDetector(n_members=1)])
def test_scikit_learn_check(estimator, check):
    check(estimator)
