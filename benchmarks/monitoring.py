"""What chemical engineers watch a process with, written from the papers.

Each takes the rows of one run in the order of time, scaled to mean 0 and deviation 1, and a seed,
as those of ``dagmm.evaluation.baselines.classical`` do, and scores the rows of other runs. A row
that has too few rows before it is as strange as the first that has enough.
"""

from collections.abc import Callable

import numpy as np
from sklearn.mixture import GaussianMixture

from dagmm.evaluation.baselines.method import Fit, Strangeness

#: Statistics are divided by what this share of the training rows does not exceed.
USUAL = 0.99
#: Directions with less than this share of the largest variance are not whitened.
LEAST_VARIANCE = 1e-8
#: Tables of noise that parallel analysis compares the rows with.
NOISE_TABLES = 20
#: Most components of the Gaussian mixture, and what is added to its variances.
MOST_COMPONENTS, VARIANCE_FLOOR = 4, 1e-3

Statistics = Callable[[np.ndarray], list[np.ndarray]]


def lagged(x: np.ndarray, lags: int) -> np.ndarray:
    """Each row beside so many rows before it; the first rows, which lack them, are left out."""
    return np.concatenate([x[lags - i : len(x) - i] for i in range(lags + 1)], axis=1)


def _since_first(score: np.ndarray, lags: int) -> np.ndarray:
    return np.concatenate([np.full(lags, score[0]), score])


def with_lags(fit: Fit, lags: int) -> Fit:
    """Return a method that sees each row beside the rows before it."""

    def fit_lagged(x: np.ndarray, seed: int) -> Strangeness:
        strangeness = fit(lagged(x, lags), seed)
        return lambda rows: _since_first(strangeness(lagged(rows, lags)), lags)

    return fit_lagged


def worst_of(statistics: Statistics, x: np.ndarray) -> Strangeness:
    """Return the largest of several statistics, each relative to what is usual in ``x``."""
    usual = [np.quantile(values, USUAL) for values in statistics(x)]

    def score(rows: np.ndarray) -> np.ndarray:
        return np.max([a / b for a, b in zip(statistics(rows), usual, strict=True)], axis=0)

    return score


def pca(x: np.ndarray, seed: int) -> Strangeness:
    """Hotelling's T2 within the principal components and Q beyond them, the worse of the two.

    With lags it is dynamic PCA (Ku, Storer and Georgakis, 1995).
    """
    mean = x.mean(axis=0)
    variance, axes = np.linalg.eigh(np.cov(x.T))
    variance, axes = variance[::-1], axes[:, ::-1]
    n = n_beyond_noise(variance, len(x), seed)
    kept = axes[:, :n]

    def statistics(rows: np.ndarray) -> list[np.ndarray]:
        code = (rows - mean) @ kept
        residual = rows - mean - code @ kept.T
        return [(code**2 / variance[:n]).sum(axis=1), (residual**2).sum(axis=1)]

    return worst_of(statistics, x)


def n_beyond_noise(variance: np.ndarray, n_rows: int, seed: int) -> int:
    """Parallel analysis (Horn, 1965): components of more variance than noise of that shape has.

    ``variance`` is that of all components, the largest first, of columns of variance 1.
    """
    rng = np.random.default_rng(seed)
    noise = [
        np.linalg.eigvalsh(np.corrcoef(rng.normal(size=(len(variance), n_rows))))[::-1]
        for _ in range(NOISE_TABLES)
    ]
    below = np.flatnonzero(variance <= np.mean(noise, axis=0))
    return max(1, int(below[0]) if len(below) else len(variance) - 1)


def cva(lags: int) -> Fit:
    """Canonical variate analysis (Larimore, 1990; Russell, Chiang and Braatz, 2000).

    The past of a row is it and the rows before it, ``lags`` in all, its future as many rows
    after it. The states are the pairs of combinations of past and future that correlate most, so
    many as Akaike's criterion says. Watched are T2 of the states, T2 of what is left of the past
    beside them, and Q, the square of what the states do not rebuild of the past; the worst of the
    three says how strange a row is.
    """

    def fit(x: np.ndarray, seed: int) -> Strangeness:
        past, future = lagged(x, lags - 1)[:-lags], lagged(x, lags - 1)[lags:]
        mean = past.mean(axis=0)
        past, future = past - mean, future - future.mean(axis=0)
        w_past, w_future = whitening(past), whitening(future)
        relation = w_future.T @ (future.T @ past / (len(past) - 1)) @ w_past
        axes = w_past @ np.linalg.svd(relation, full_matrices=True)[2].T
        # The newest row of a future is the first of its columns; the next row is the last.
        following = future[:, -x.shape[1] :]
        n = order_by_aic(past @ axes, following @ whitening(following))

        def statistics(rows: np.ndarray) -> list[np.ndarray]:
            centred = rows - mean
            code = centred @ axes
            residual = centred - code[:, :n] @ axes[:, :n].T
            t2 = code**2
            return [t2[:, :n].sum(axis=1), t2[:, n:].sum(axis=1), (residual**2).sum(axis=1)]

        score = worst_of(statistics, lagged(x, lags - 1))
        return lambda rows: _since_first(score(lagged(rows, lags - 1)), lags - 1)

    return fit


def whitening(x: np.ndarray) -> np.ndarray:
    """Return what rows are multiplied with to have covariance 1."""
    variance, axes = np.linalg.eigh(np.cov(x.T))
    kept = variance > LEAST_VARIANCE * variance[-1]
    return axes[:, kept] / np.sqrt(variance[kept])


def order_by_aic(states: np.ndarray, following: np.ndarray) -> int:
    """Return how many states predict the next row best, by Akaike's criterion for few rows.

    Parameters
    ----------
    states : ndarray of shape (n_rows, n_states)
        Of variance 1 and without correlations, the most telling first.
    following : ndarray of shape (n_rows, n_columns)
        The row after each, whitened, so that no direction is without variance.
    """
    n_rows, n_columns = following.shape
    slope = states.T @ following / (states**2).sum(axis=0)[:, None]
    error, found = following.copy(), []
    for n in range(1, states.shape[1] + 1):
        error -= np.outer(states[:, n - 1], slope[n - 1])
        n_parameters = 2 * n * n_columns + n_columns * (n_columns + 1) / 2
        left = n_rows - n_parameters / n_columns - (n_columns + 1) / 2
        if left <= 0:
            break
        log_error = np.linalg.slogdet(error.T @ error / n_rows)[1]
        found.append(n_rows * log_error + 2 * n_rows / left * n_parameters)
    return 1 + int(np.argmin(found))


def gaussian_mixture(x: np.ndarray, seed: int) -> Strangeness:
    """Gaussian mixture of full covariances, so many as the Bayesian criterion (BIC) says."""
    models = [
        GaussianMixture(n, reg_covar=VARIANCE_FLOOR, random_state=seed).fit(x)
        for n in range(1, MOST_COMPONENTS + 1)
    ]
    model = min(models, key=lambda model: model.bic(x))
    return lambda rows: -model.score_samples(rows)
