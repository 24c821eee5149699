"""Scoring rows as they come."""

import numpy as np
from jaxtyping import Float

from dagmm.data.convert import as_rows
from dagmm.inference.drift.monitor import DriftMonitor, check_watchable, is_watchable
from dagmm.inference.fitted_model import FittedModel


class Stream:
    """Scores rows as they come, a few or one at a time, with the energies of the whole table.

    Keeps the last rows of each asset, at most a window less one. It is never wound back: start
    another for other rows.

    Parameters
    ----------
    model : FittedModel

    Examples
    --------
    >>> import numpy as np
    >>> from dagmm import DAGMMDetector
    >>> rng = np.random.default_rng(0)
    >>> clock = np.arange(300.0)[:, None]
    >>> x = np.hstack([clock, rng.normal(size=(300, 2))])
    >>> detector = DAGMMDetector(n_members=1, time="x0", window=5).fit(x)
    >>> stream = detector.stream()
    >>> energy = np.concatenate([stream.update(x[i : i + 1]) for i in range(20)])
    >>> bool((energy == detector.energy(x[:20])).all())
    True
    """

    def __init__(self, model: FittedModel) -> None:
        self._model = model
        self._reader = model.reader()
        self._drift = DriftMonitor(model.calibration) if is_watchable(model) else None

    def update(self, X: object) -> Float[np.ndarray, " n_rows"]:
        """Energies of the next rows, in nats.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)

        Returns
        -------
        energy : ndarray of shape (n_rows,)

        Raises
        ------
        InputError
            If the table does not fit the model, a row has no time or no asset, or the clock of an
            asset runs backwards; column and row are named. A table of no more rows than are
            scored at a time, 512 or more, is then not taken at all.
        """
        rows = as_rows(X, columns=self._model.columns)
        self._model.check(rows)
        energy = self._model.next_energies(self._reader, rows)
        if self._drift is not None:
            self._drift.update(energy)
        return energy

    @property
    def drift(self) -> DriftMonitor:
        """What watches all rows of the stream for drift, in the order in which they came.

        Raises
        ------
        ArgumentError
            If the model scores windows, or keeps no energies of rows that it was not fitted to.
        """
        check_watchable(self._model)
        assert self._drift is not None, "checked"
        return self._drift
