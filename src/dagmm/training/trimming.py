"""Which training rows joint densities are fitted to where a user says that some are anomalies.

A joint density that is fitted to many anomalies which lie together takes them for usual. A trimmed
likelihood (Neykov, Filzmoser, Dimova and Neytchev, 2007) leaves the least likely rows out of the
fit. By which density rows are least likely must not follow such anomalies itself: an Isolation
Forest (Liu, Ting and Zhou, 2008), whose trees see few rows each.

Rows that are left out are scored as all others are, and a density's surprisals are those among all
rows. Of clean rows the strangest are as good as the others, and are missed; so nothing is trimmed
unless it is said.
"""

import numpy as np
from jaxtyping import Bool

from dagmm.preprocessing.row_views import FeatureMatrix


def usual_rows(
    features: FeatureMatrix, trim: float, rng: np.random.Generator
) -> Bool[np.ndarray, " n_rows"]:
    """Say which rows are not among the strangest.

    Parameters
    ----------
    features : FeatureMatrix of shape (n_rows, n_features)
        Encoded rows.
    trim : float
        Share of the strangest, in [0, 1); rounded down to whole rows.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of bool of shape (n_rows,)
    """
    is_usual, n_trimmed = np.ones(len(features), bool), int(trim * len(features))
    if n_trimmed:
        from sklearn.ensemble import IsolationForest  # slow to import, and few fits trim

        rows = features[:]
        forest = IsolationForest(random_state=int(rng.integers(2**31))).fit(rows)
        strangest = np.argsort(forest.score_samples(rows), kind="stable")
        is_usual[strangest[:n_trimmed]] = False
    return is_usual
