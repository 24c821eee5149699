"""The practical detector: several networks, a refined mixture, a threshold."""

from functools import partial
from typing import Any, Self

import numpy as np
from jaxtyping import Float
from sklearn.base import OutlierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from dagmm.arguments import check_int
from dagmm.estimator import FittedModelEstimator
from dagmm.fitted import FittedModel
from dagmm.fitting import fit_model
from dagmm.health import verdict_of
from dagmm.progress import progress_for
from dagmm.recipe import SCALING, detector_recipe
from dagmm.threshold import check_contamination, label_of, score_of, threshold_of


class DAGMMDetector(OutlierMixin, FittedModelEstimator):
    """Anomaly detector with the contract of scikit-learn's outlier detectors.

    Several DAGMM networks are trained side by side, each one's mixture is refined by EM on its
    trained codes, and their energies are combined on a common scale.

    Parameters
    ----------
    contamination : "auto" or float, default="auto"
        Share of the training rows to be called anomalies, in (0, 0.5]; it sets the threshold
        and nothing else. ``"auto"`` is 0.01.
    n_members : int, default=4
        Number of networks.
    random_state : int, RandomState instance or None, default=0
        The one source of initialisation, shuffling and dropout. With an int, fits on the same
        machine are identical to the bit.
    verbose : int, default=0
        Whether to show progress on standard error, where it is a terminal.

    Attributes
    ----------
    model_ : FittedModel
    offset_ : float
        ``decision_function = score_samples - offset_``; minus the threshold of the energy.
    history_ : list of dict
        One for each member; see :class:`dagmm.history.History`.
    verdict_ : list of str
        Whether the training can be trusted, in words.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Where the training table had column names.

    Examples
    --------
    >>> import numpy as np
    >>> from dagmm import DAGMMDetector
    >>> x = np.random.default_rng(0).normal(size=(300, 2))
    >>> detector = DAGMMDetector(random_state=0).fit(x)
    >>> detector.predict(np.array([[0.0, 0.0], [9.0, -9.0]])).tolist()
    [1, -1]
    """

    _has_threshold = True

    def __init__(
        self,
        contamination: Any = "auto",
        n_members: int = 4,
        random_state: Any = 0,
        verbose: int = 0,
    ) -> None:
        self.contamination = contamination
        self.n_members = n_members
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: object = None) -> Self:
        """Train the networks, fix their mixtures and the threshold.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Training rows, mostly normal: numbers, and in a DataFrame also booleans and text.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ArgumentError
            If a constructor argument cannot be used.
        InputError
            If the table cannot be used; column and row are named.
        """
        contamination = check_contamination(self.contamination)
        n_members = check_int("n_members", self.n_members, 1)
        seed = int(check_random_state(self.random_state).randint(2**31))
        rows = self._rows(X, fitting=True)
        recipe_of = partial(detector_recipe, n_members=n_members)
        with progress_for(self.verbose) as progress:
            model, energy = fit_model(rows, SCALING, recipe_of, seed, progress)
        self._take(model.with_threshold(threshold_of(energy, contamination)))
        return self

    def energy(self, X: Any) -> Float[np.ndarray, " n_rows"]:
        """Energy of each row, in nats.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        energy : ndarray of shape (n_rows,)
            Higher is stranger; may be negative.

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        InputError
            If the table does not fit the model; column and row are named.
        """
        check_is_fitted(self)
        return self.model_.energy(self._rows(X, fitting=False))

    def score_samples(self, X: Any) -> Float[np.ndarray, " n_rows"]:
        """Minus the energy of each row: higher is more normal."""
        return score_of(self.energy(X))

    def decision_function(self, X: Any) -> Float[np.ndarray, " n_rows"]:
        """``score_samples(X) - offset_``: negative for anomalies."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """+1 for normal rows, -1 for anomalies; shape (n_rows,), int."""
        return label_of(self.decision_function(X))

    def _take(self, model: FittedModel) -> None:
        super()._take(model)
        assert model.threshold is not None, "a detector's model has a threshold"
        self.offset_ = -model.threshold
        self.history_ = model.record["histories"]
        self.verdict_ = verdict_of(model.record["health"])
