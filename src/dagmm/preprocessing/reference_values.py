"""Usual values of each column, as the encoded rows hold them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from dagmm.preprocessing.row_views import FeatureMatrix

#: How many values are kept for each column.
N_LEVELS = 8
#: Rows that are looked at, evenly over the table, or twice as many; fewer where they are wide.
_SAMPLE_ROWS, _SAMPLE_INPUTS = 20_000, 2**26
#: A column of several features with more different values than this is not one of categories.
_MOST_CATEGORIES = 512


def reference_values_of(
    features: FeatureMatrix,
    feature_columns: Sequence[str],
    *,
    n_numbers: int = 0,
    of_windows: bool = False,
) -> Float[np.ndarray, "n_levels n_columned"]:
    """Return some usual values for each column, each of them taken from a row.

    Parameters
    ----------
    features : FeatureMatrix of shape (n_rows, n_features)
        Encoded rows, or windows.
    feature_columns : sequence of str
        The column that each feature comes from; those of one column are taken together. None
        for images, whose pixels have no usual values of their own.
    n_numbers : int, default=0
        How many features, the first ones, are numbers; each may have a mask among the last.
    of_windows : bool, default=False
        Whether features are those of windows, of which no two are alike.

    Returns
    -------
    ndarray of shape (n_levels, len(feature_columns)), float32
        For a column of numbers, values from its 1st to its 99th percentile in ascending order;
        for a column of categories the most frequent ones, repeated where there are fewer.
    """
    sample = features[:: every_sampled(*features.shape)]
    reference_values = np.empty((N_LEVELS, len(feature_columns)), np.float32)
    for group in features_of_columns(feature_columns).values():
        values = sample[:, group]
        if of_windows:
            reference_values[:, group] = _at_steps(values, _varying(values))
        elif group[0] < n_numbers:
            reference_values[:, group] = _at_steps(values, 0)
        else:
            reference_values[:, group] = _levels(values)
    return reference_values


def sampled_rows(n_rows: int, n_features: int) -> int:
    """Count the rows that :func:`reference_values_of` looks at."""
    return -(-n_rows // every_sampled(n_rows, n_features))


def every_sampled(n_rows: int, n_features: int) -> int:
    """Return how many rows lie from one of them to the next."""
    return max(1, n_rows // max(1, min(_SAMPLE_ROWS, _SAMPLE_INPUTS // n_features)))


def features_of_columns(feature_columns: Sequence[str]) -> dict[str, np.ndarray]:
    """Positions of the features of each column."""
    groups: dict[str, list[int]] = {}
    for i, name in enumerate(feature_columns):
        groups.setdefault(name, []).append(i)
    return {name: np.array(group) for name, group in groups.items()}


def _levels(values: np.ndarray) -> np.ndarray:
    if values.shape[1] > 1:
        different, counts = np.unique(values, axis=0, return_counts=True)
        if len(different) <= _MOST_CATEGORIES:
            ranked = np.argsort(-counts, kind="stable")[:N_LEVELS]
            return different[np.resize(ranked, N_LEVELS)]
    return _at_steps(values, 0)


def _varying(values: np.ndarray) -> int:
    """Return the first feature that varies."""
    return int(np.argmax(np.ptp(values, axis=0) > 0.0))


def _at_steps(values: np.ndarray, feature: int) -> np.ndarray:
    """Take rows at even steps of one feature."""
    ordered = values[np.argsort(values[:, feature], kind="stable")]
    place = np.linspace(0.01, 0.99, N_LEVELS) * (len(ordered) - 1)
    return np.asarray(ordered[place.round().astype(int)])
