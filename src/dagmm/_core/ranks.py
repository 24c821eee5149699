"""Values by their ranks."""

import numpy as np
from scipy.stats import rankdata


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's, with ties at their mean rank; 0 where either side has one value only."""
    if np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
        return 0.0
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])
