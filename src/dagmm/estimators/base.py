"""What both estimators share: what a fitted model says of rows."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from jaxtyping import Float
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from dagmm._core.arguments import check_choice, check_int
from dagmm._core.errors import ArgumentError
from dagmm.data.arrays import MatrixRows
from dagmm.data.convert import table_like
from dagmm.data.images import ImageRows
from dagmm.estimators.saving import SavesModel
from dagmm.inference.calibration.threshold import is_anomaly, p_value_of
from dagmm.inference.explain.attribution import Explanation, explain
from dagmm.inference.explain.images import ImageExplanation, explain_images

if TYPE_CHECKING:
    from dagmm.training.checkpoint.directory import Checkpoint
    from dagmm.training.start import WarmStart


class FittedModelEstimator(TransformerMixin, SavesModel):
    """Base of the estimators: each holds one fitted model, ``model_``, and speaks for it."""

    warm_start: bool

    def explain(self, X: Any) -> Explanation | ImageExplanation:
        """Say for each row which columns make it strange, and what was expected there.

        Each row is compared with the nearest normal row: the same row with the few values
        replaced that make it strange. Contributions add up to the energy between the two. With
        windows, a column is replaced in the whole window that ends at the row. An image is
        compared with what the model makes of it, and has a heat map.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_rows, n_features), path, Dataset or images

        Returns
        -------
        Explanation or ImageExplanation
            With ``contribution``, ``expected``, ``top_features()`` and more; see
            :class:`dagmm.inference.explain.attribution.Explanation` and, for images,
            :class:`dagmm.inference.explain.images.ImageExplanation`.

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        InputError
            If the table does not fit the model; column and row are named.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> model.explain(rows).top_features(1)[1].tolist()
        ['x1']
        """
        check_is_fitted(self)
        rows = self._rows(X, fitting=False)
        if isinstance(rows, ImageRows):
            return explain_images(self.model_, rows)
        return explain(self.model_, rows)

    def transform(self, X: Any) -> Float[np.ndarray, "n_rows n_latent"]:
        """Z of each row: the code and the residual features, of all networks side by side.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_rows, n_features), path, Dataset or images

        Returns
        -------
        z : ndarray of shape (n_rows, n_latent)
            Named by :meth:`get_feature_names_out`.

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        InputError
            If the table does not fit the model; column and row are named.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> model.transform(rows).shape == (2, len(model.get_feature_names_out()))
        True
        """
        check_is_fitted(self)
        return self.model_.latent(self._rows(X, fitting=False))

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Names of what :meth:`transform` returns, such as ``network0_code3``.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of shape (n_latent,), object

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> model.get_feature_names_out()[:2].tolist()
        ['network0_code0', 'network0_code1']
        """
        check_is_fitted(self)
        names = [
            f"network{i}_{name}"
            for i, network in enumerate(self.model_.networks)
            for name in (
                *(f"code{j}" for j in range(network.architecture.n_code)),
                *network.architecture.residuals,
            )
        ]
        return np.array(names, dtype=object)

    def membership(self, X: Any, *, network: int = 0) -> Float[np.ndarray, "n_rows n_components"]:
        """Gamma of each row: its soft membership of the components (paper, equation 4).

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_rows, n_features), path, Dataset or images
        network : int, default=0
            Whose estimation network is asked.

        Returns
        -------
        gamma : ndarray of shape (n_rows, n_components)
            Each row's sum is 1.

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        ArgumentError
            If there is no such network.
        InputError
            If the table does not fit the model; column and row are named.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> model.membership(rows).sum(axis=1).round(6).tolist()
        [1.0, 1.0]
        """
        check_is_fitted(self)
        n_networks = len(self.model_.networks)
        if check_int("network", network, 0) >= n_networks:
            raise ArgumentError(
                f"network must be below {n_networks}, the number of networks, got {network}."
            )
        return self.model_.membership(self._rows(X, fitting=False), network)

    def reconstruct(self, X: Any) -> Any:
        """Return what the networks rebuild each row as, in the user's units; their mean.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_rows, n_features), path, Dataset or images

        Returns
        -------
        table
            A table of the library that X comes from, pandas' with the index of X: numbers, the
            nearest category of a text, None for dates. For an array or nested lists an array of
            their shape, NaN where a column is not used. With windows, the mean over the window.
            Of images, an array of images, smoothed as the networks see them.

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        InputError
            If the table does not fit the model; column and row are named.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> model.reconstruct(rows).shape
        (2, 3)
        """
        check_is_fitted(self)
        rows = self._rows(X, fitting=False)
        rebuilt = self.model_.reconstruct(rows)
        if isinstance(rebuilt, np.ndarray):
            return rebuilt
        if not isinstance(rows, MatrixRows):
            return table_like(X, rebuilt)
        unused = np.full(rows.n_rows, np.nan)
        return np.stack([rebuilt.get(name, unused) for name in rows.names], axis=1)

    def calibrate(self, X: Any) -> Self:
        """Learn the energies of other normal rows, for thresholds and p-values.

        Nothing is trained and the threshold stays; set it anew with these rows where wanted.
        Rows that the model was fitted to have lower energies than others: where none could be
        left out, of a few rows or images, this is what makes an alarm budget hold; elsewhere it
        is more rows to find rare alarms from.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_rows, n_features), path or Dataset
            Normal rows that the model was not fitted to.

        Returns
        -------
        self

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        InputError
            If the table does not fit the model; column and row are named.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> load = rng.uniform(size=(200, 1))
        >>> other = np.hstack([load, load**2, 1 - load]) + 0.02 * rng.normal(size=(200, 3))
        >>> model.calibrate(other).set_threshold(contamination="auto").threshold_["rows_are"]
        'rows of a calibration table'
        """
        check_is_fitted(self)
        self.model_ = self.model_.calibrated(self._rows(X, fitting=False))
        return self

    def p_value(self, X: Any) -> Float[np.ndarray, " n_rows"]:
        """Share of normal rows that are expected to be at least as strange as each row.

        Counted among the rows held out of the fit, training rows as networks score them that were
        not fitted to them, or the rows of ``calibrate``; of a few rows or images among the
        training rows, which make it too low for rows that are not among them. Far out in the
        tail, from a generalised Pareto distribution fitted to it.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_rows, n_features), path or Dataset

        Returns
        -------
        p_value : ndarray of shape (n_rows,)
            In [0, 1]; lower is stranger.

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        InputError
            If the table does not fit the model; column and row are named.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> model.p_value(rows) < 0.01
        array([False,  True])
        """
        check_is_fitted(self)
        energy = self.model_.energy(self._rows(X, fitting=False))
        return p_value_of(self.model_.calibration, energy)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def score_table(self, X: Any) -> Any:
        """Energies, and decisions where the model makes them, as a table.

        The other methods return arrays, as scikit-learn's contract asks; this one returns what
        came.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_rows, n_features), path or Dataset

        Returns
        -------
        table
            Columns ``energy`` (nats, higher is stranger) and, for a model with a threshold,
            ``is_anomaly``: a table of the library that X comes from, pandas' with the index of
            X; for an array or nested lists a structured array of shape (n_rows,).

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        InputError
            If the table does not fit the model; column and row are named.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> import pandas as pd
        >>> table = pd.DataFrame(rows, index=["Mon", "Tue"], columns=["x0", "x1", "x2"])
        >>> model.score_table(table)["is_anomaly"].to_dict()
        {'Mon': False, 'Tue': True}
        """
        check_is_fitted(self)
        energy = self.model_.energy(self._rows(X, fitting=False))
        columns = {"energy": energy}
        if self.model_.threshold is not None:
            columns["is_anomaly"] = is_anomaly(energy, self.model_.threshold)
        return table_like(X, columns)

    def _checkpoint(self, path: object, seed: str) -> "Checkpoint | None":
        """Check where a training is to be kept, before the table is read."""
        if path is not None and getattr(self, seed) is None:
            raise ArgumentError(
                f"checkpoint needs {seed} to be a number: with None every fit draws another seed, "
                "and none can go on with the training of the one before."
            )
        if path is None:
            return None
        from dagmm.training.checkpoint.directory import Checkpoint

        return Checkpoint(path)

    def _start(self) -> "WarmStart | None":
        """Return where a fit starts that goes on with the networks of the one before."""
        wanted = check_choice("warm_start", self.warm_start, (True, False))
        before = getattr(self, "model_", None) if wanted else None
        if before is None:
            return None
        from dagmm.training.start import WarmStart

        return WarmStart(before)
