"""What a fitted detector can do as new rows come: tell drift, select, be brought up to date."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
from jaxtyping import Bool
from sklearn.utils.validation import check_is_fitted

from dagmm._core.errors import TableWarning
from dagmm.estimators.decisions import DecidingEstimator
from dagmm.inference.calibration.selection import check_rate, select
from dagmm.inference.drift.drift import Drift, drift_of
from dagmm.inference.refresh.update import Update, updated


class DetectorInUse(DecidingEstimator):
    """A detector and the rows that come after its fit."""

    def drift(self, X: Any, *, alpha: float = 0.01) -> Drift:
        """Say whether new rows have left what the model knows.

        By the energies of the rows, in their order: a conformal test martingale, which holds for
        a finite number of held-out rows; and by columns. Rows that are exchangeable with those
        held out, which rows that follow each other closely are not, are called drift with a
        chance of at most ``alpha``, however many they are.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_rows, n_features), path, Dataset or images
            In the order in which the rows came.
        alpha : float, default=0.01
            Chance of a false alarm, in (0, 1).

        Returns
        -------
        Drift
            ``has_drifted``, ``p_value``, ``row`` at which it was called, ``since`` which row,
            ``moved`` columns and more; see :class:`dagmm.inference.drift.drift.Drift`.

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        ArgumentError
            If the model scores windows, or keeps no energies of rows that it was not fitted to.
        InputError
            If the table does not fit the model; column and row are named.

        Warns
        -----
        TableWarning
            If the rows that the model keeps depend on each other, so that the bound on false
            alarms does not hold.

        Examples
        --------
        >>> import numpy as np
        >>> from dagmm import DAGMMDetector
        >>> rng = np.random.default_rng(0)
        >>> detector = DAGMMDetector(n_members=1).fit(rng.normal(size=(1000, 2)))
        >>> rows = rng.normal(size=(400, 2))
        >>> detector.drift(rows).has_drifted
        False
        >>> rows[200:] += 2.0
        >>> detector.drift(rows).has_drifted
        True
        """
        check_is_fitted(self)
        found = drift_of(self.model_, self._rows(X, fitting=False), alpha)
        for warning in found.warnings:
            warnings.warn(f"drift: {warning}.", TableWarning, stacklevel=2)
        return found

    def select(self, X: Any, *, fdr: float = 0.1) -> Bool[np.ndarray, " n_rows"]:
        """Select rows of which at most a share of ``fdr`` is expected to be normal.

        By the procedure of Benjamini and Hochberg on conformal p-values (Bates et al., 2023),
        counted among the energies of rows that were not fitted to. It holds on the mean over all
        tables, if the normal rows of X are exchangeable with these; it depends on all rows of X,
        which the threshold does not.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_rows, n_features), path, Dataset or images
            All rows among which is selected.
        fdr : float, default=0.1
            False discovery rate, in (0, 1).

        Returns
        -------
        is_selected : ndarray of shape (n_rows,), bool

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        ArgumentError
            If the model keeps no energies of rows that it was not fitted to, or so few that
            nothing could ever be selected at this rate.
        InputError
            If the table does not fit the model; column and row are named.

        Warns
        -----
        TableWarning
            If nothing is selected and the rows kept may be too few for it, or rows depend on
            each other, so that the rate is not promised.

        Examples
        --------
        >>> import numpy as np
        >>> from dagmm import DAGMMDetector
        >>> rng = np.random.default_rng(0)
        >>> detector = DAGMMDetector(n_members=1).fit(rng.normal(size=(1000, 2)))
        >>> detector.select(np.array([[0.0, 0.0], [0.5, -0.5], [9.0, -9.0]])).tolist()
        [False, False, True]
        """
        check_is_fitted(self)
        check_rate(self.model_.calibration, fdr)
        energy = self.model_.energy(self._rows(X, fitting=False))
        found = select(self.model_.calibration, energy, fdr, self.model_.n_steps)
        for warning in found.warnings:
            warnings.warn(f"select: {warning}.", TableWarning, stacklevel=2)
        return found.is_selected

    def update(self, X: Any, *, keep: float = 1.0) -> Update:
        """Bring mixtures, scale of energies and threshold up to date with new normal rows.

        Networks, encoding and the share of each component stay as they are. Mixtures get the
        moments of the new rows beside those of the old ones, so that they know both. What
        energies are measured by, p-values and the threshold are counted in the new rows alone,
        each scored by mixtures that it is no part of: the old rows are not there to be scored
        again. So the new rows have to show all ways to be normal.

        Parameters
        ----------
        X : DataFrame, array-like of shape (n_rows, n_features), path, Dataset or images
            New normal rows, 100 or more, or as many whole windows.
        keep : float, default=1
            What an old row counts beside a new one in the mixtures, in (0, 1].

        Returns
        -------
        Update
            Threshold and share of rows above it, before and after, and the columns that moved;
            see :class:`dagmm.inference.refresh.update.Update`.

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        ArgumentError
            If ``keep`` cannot be used, the model was saved by a dagmm that kept no moments, or its
            threshold cannot be found in so few rows.
        InputError
            If the table does not fit the model or has fewer than 100 rows, or whole windows;
            column and row are named. The model stays as it was.

        Warns
        -----
        TableWarning
            If the new rows are too strange for the networks, or too few for the threshold.

        Examples
        --------
        >>> import numpy as np
        >>> from dagmm import DAGMMDetector
        >>> rng = np.random.default_rng(0)
        >>> detector = DAGMMDetector(n_members=1).fit(rng.normal(size=(1000, 2)))
        >>> update = detector.update(rng.normal(0.5, size=(500, 2)))
        >>> update.share_above_before > update.share_above_after
        True
        """
        check_is_fitted(self)
        model, update = updated(self.model_, self._rows(X, fitting=False), keep)
        for warning in update.warnings:
            warnings.warn(f"update: {warning}.", TableWarning, stacklevel=2)
        self._take(model)
        return update

    def tag(self, *, name: str | None = None, tags: Mapping[str, str] | None = None) -> Self:
        """Name the model, and hang tags on it, which are saved with it.

        Parameters
        ----------
        name : str, optional
            Takes the place of the name it had.
        tags : mapping of str to str, optional
            Beside those it has.

        Returns
        -------
        self

        Raises
        ------
        NotFittedError
            Before ``fit`` or ``restore``.
        ArgumentError
            If they are no texts, or too long or too many.

        Examples
        --------
        With ``model`` and ``rows`` of the example of :class:`dagmm.DAGMMDetector`:

        >>> model.tag(name="press", tags={"line": "3"}).model_.revision.name
        'press'
        """
        check_is_fitted(self)
        revision = self.model_.revision.called(name, tags)
        self._take(replace(self.model_, revision=revision))
        return self
