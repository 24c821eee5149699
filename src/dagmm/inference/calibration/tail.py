"""The tail of the energies beyond what the data show: peaks over threshold.

What exceeds a high level follows, for nearly any distribution, a generalised Pareto distribution
(Pickands, 1975); see Coles, *An Introduction to Statistical Modeling of Extreme Values* (2001),
chapter 4.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy  # whose parts are imported when they are used: some take most of a second
from jaxtyping import Float

from dagmm._core.numerics import AnyArray
from dagmm.inference.calibration.energies import EmpiricalDistribution

#: Fewer rows say nothing about a tail.
LEAST_ROWS = 500
#: Share of the rows that make the tail, and the least and most of them.
_SHARE, _FEWEST, _MOST = 0.05, 50, 1000
#: Shapes that are searched: at -1 the density is unbounded, beyond 1 the mean is infinite.
_SHAPES = (-0.99, 2.0)
_IMPOSSIBLE = 1e12
#: Resamples of the test of fit.
_RESAMPLES = 99


@dataclass(frozen=True)
class Tail:
    """A generalised Pareto distribution of what energies exceed a level by.

    Parameters
    ----------
    level : float
        In nats.
    share : float
        Of the rows that exceed it.
    excess : ndarray of shape (n_excesses,)
        What they exceed it by, in nats, ascending.
    shape, scale : float
        Of maximum likelihood; a shape below 0 means that there is a highest energy.
    n_each, event_rows : float, default=1
        Rows that say as much as one independent row, and excesses of one run.
    """

    level: float
    share: float
    excess: np.ndarray
    shape: float
    scale: float
    n_each: float = 1.0
    event_rows: float = 1.0

    def energy_at(self, share: float) -> float:
        """Energy that a share of all rows exceeds, in nats; at most the share of the tail."""
        return self.level + float(
            scipy.stats.genpareto.isf(share / self.share, self.shape, scale=self.scale)
        )

    def share_above(self, energy: Float[AnyArray, " n"]) -> Float[AnyArray, " n"]:
        """Share of all rows that exceeds each energy; that of the tail below its level.

        Never zero: where the fitted tail has an end, an exponential one of the same mean takes
        its place, because a row beyond all that was seen is rare, not impossible.
        """
        shape, scale = self.shape, self.scale
        if shape < 0.0:
            shape, scale = 0.0, float(self.excess.mean())
        excess = np.maximum(energy - self.level, 0.0) / scale
        # Of scipy.stats.genpareto.sf, which takes its own arrays alone.
        return self.share * np.exp(-np.log1p(shape * excess) / shape if shape else -excess)

    def interval(self, share: float, confidence: float = 0.95) -> tuple[float, float]:
        """Confidence interval of :meth:`energy_at` by profile likelihood (Coles, 4.3.3).

        The share of the tail itself is taken as known.
        """
        best = self.energy_at(share) - self.level
        # The likelihood of dependent rows, to the power of what each of them says.
        drop = 0.5 * float(scipy.stats.chi2.ppf(confidence, 1)) * self.n_each
        highest = _profile(self.excess, best, share / self.share)

        def above_drop(log_excess: float) -> float:
            profile = _profile(self.excess, float(np.exp(log_excess)), share / self.share)
            return profile - highest + drop

        return (
            self.level + _crossing(above_drop, np.log(best), -0.1),
            self.level + _crossing(above_drop, np.log(best), 0.1),
        )

    @cached_property
    def p_fit(self) -> float:
        """P-value of the hypothesis that the tail is generalised Pareto.

        By the statistic of Cramér and von Mises, against samples drawn from the fitted
        distribution and fitted anew; the same for the same energies. Excesses that come in runs
        count as one each, as the statistic grows with their number.
        """
        rng = np.random.default_rng(0)
        observed = _distance(self.excess, self.shape, self.scale) / self.event_rows
        distances = []
        for _ in range(_RESAMPLES):
            sample = np.sort(
                scipy.stats.genpareto.rvs(
                    self.shape, scale=self.scale, size=len(self.excess), random_state=rng
                )
            )
            distances.append(_distance(sample, *_fitted(sample)))
        return (1 + sum(distance >= observed for distance in distances)) / (1 + _RESAMPLES)


def fit_tail(sample: EmpiricalDistribution) -> Tail | None:
    """Fit the tail of some rows' energies.

    Returns
    -------
    Tail or None
        None where there are fewer than 500 rows, or fewer than 50 of them, or fewer than 25
        different energies, above the level.
    """
    if sample.n_rows < LEAST_ROWS:
        return None
    wanted = max(_FEWEST, min(_MOST, int(_SHARE * sample.n_rows)))
    highest = sample.highest(wanted + 1)
    level = float(highest[0])
    excess = highest[highest > level] - level
    if len(excess) < _FEWEST or len(np.unique(excess)) < _FEWEST // 2:
        return None
    n_each = sample.n_rows / sample.n_effective
    return tail_of(excess, level, sample.n_rows, n_each, sample.dependence.event_rows)


def tail_of(
    excess: Float[np.ndarray, " n_excesses"],
    level: float,
    n_rows: int,
    n_each: float = 1.0,
    event_rows: float = 1.0,
) -> Tail:
    """Fit the tail of what exceeds a level.

    Parameters
    ----------
    excess : ndarray of shape (n_excesses,)
        In nats, ascending.
    level : float
        In nats.
    n_rows : int
        Of which these are some, or of which each stands for a run.
    n_each, event_rows : float, default=1
        See :class:`Tail`.
    """
    shape, scale = _fitted(excess)
    return Tail(level, len(excess) / n_rows, excess, shape, scale, n_each, event_rows)


def _fitted(excess: np.ndarray) -> tuple[float, float]:
    """Shape and scale of maximum likelihood."""
    shape, _, scale = scipy.stats.genpareto.fit(excess, floc=0.0)
    return float(shape), float(scale)


def _log_likelihood(excess: np.ndarray, shape: float, scale: float) -> float:
    return float(scipy.stats.genpareto.logpdf(excess, shape, scale=scale).sum())


def _profile(excess: np.ndarray, at: float, share: float) -> float:
    """Highest log-likelihood of all tails of which the stated share lies above ``at``."""

    def loss(shape: float) -> float:
        scale = at / float(scipy.stats.genpareto.isf(share, shape))
        # Impossible is as bad as can be, but the search needs to compute with it.
        return min(_IMPOSSIBLE, -_log_likelihood(excess, shape, scale))

    grid = np.linspace(*_SHAPES, 61)
    start = int(np.argmin([loss(shape) for shape in grid]))
    bounds = (grid[max(0, start - 1)], grid[min(len(grid) - 1, start + 1)])
    found = scipy.optimize.minimize_scalar(loss, bounds=bounds, method="bounded")
    return -min(float(found.fun), loss(float(grid[start])))


def _crossing(above_drop: Callable[[float], float], start: float, step: float) -> float:
    """Where the profile has fallen far enough, on one side of its peak; infinite if nowhere."""
    near, far = start, start + step
    for _ in range(60):
        if above_drop(far) < 0.0:
            return float(np.exp(scipy.optimize.brentq(above_drop, near, far, xtol=1e-4)))
        near, far, step = far, far + step, 1.3 * step
    return 0.0 if step < 0 else np.inf


def _distance(excess: np.ndarray, shape: float, scale: float) -> float:
    """Statistic of Cramér and von Mises of ascending values."""
    n = len(excess)
    expected = (2.0 * np.arange(1, n + 1) - 1.0) / (2.0 * n)
    return float(((scipy.stats.genpareto.cdf(excess, shape, scale=scale) - expected) ** 2).sum())
