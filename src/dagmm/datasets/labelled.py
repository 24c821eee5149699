"""A table with labels."""

from typing import Any, NamedTuple

import numpy as np


class Labelled(NamedTuple):
    """A table, and which of its rows are anomalies.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_columns) or pyarrow.Table
    is_anomaly : ndarray of shape (n_rows,), bool

    Examples
    --------
    >>> import numpy as np
    >>> from dagmm.datasets import Labelled
    >>> table, is_anomaly = Labelled(np.zeros((3, 2)), np.array([False, False, True]))
    >>> table[~is_anomaly].shape
    (2, 2)
    """

    table: Any
    is_anomaly: np.ndarray
