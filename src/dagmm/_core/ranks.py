"""Values by their ranks."""

import numpy as np
import scipy


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's, with ties at their mean rank; 0 where either side has one value only."""
    if np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
        return 0.0
    return float(np.corrcoef(scipy.stats.rankdata(a), scipy.stats.rankdata(b))[0, 1])
