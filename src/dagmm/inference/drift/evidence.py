"""Evidence that rows have changed: a test martingale that bets on strange rows.

A bet on places in [0, 1] is a density ``f`` there; it multiplies what was put on it by ``f`` of
each row's place. While places are uniform nobody gains by betting, and the chance that a capital
of 1 ever reaches ``1 / alpha`` is ``alpha`` at most, at whatever time one looks (Ville, 1939).
Such capital is a conformal test martingale: Vovk, Nouretdinov and Gammerman, *Testing
exchangeability on-line*, ICML 2003; for changes of distribution Vovk, Petej, Nouretdinov, Ahlberg,
Carlsson and Gammerman, *Retrain or not retrain: conformal test martingales for change-point
detection*, COPA 2021.

Nobody knows when rows change, nor how. So the capital is put on all times and several bets
beforehand: ``w_s / n_bets`` of it on each bet from row ``s`` on, and what is not yet due is kept::

    capital_t = kept_t + sum_{s <= t} w_s mean_k prod_{u = s..t} f_k(place_u)
    kept_t = 1 / (1 + log(1 + t)),    w_s = kept_{s-1} - kept_s

As little of it goes to each row, a change after a million quiet rows costs about 19 nats that one
at the start does not; capital that is bet all the time would be gone by then. All bets are on low
places, those of strange rows, and fall with the place: rows that are more normal than those a
model knows bring no evidence.
"""

import numpy as np
from jaxtyping import Float

#: Bets ``k p^(k - 1)``, on rows that are far out, and ``k (1 - p)^(k - 1)``, on rows that are a
#: little strange but many.
_POWERS = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
_COUNTER_POWERS = np.array([2.0, 4.0])
N_BETS = len(_POWERS) + len(_COUNTER_POWERS)
#: Rows whose evidence is found at a time.
_AT_ONCE = 4096


class Evidence:
    """Capital that bets on rows having become strange.

    Attributes
    ----------
    n_rows : int
    log_bets, log_best : ndarray of shape (n_bets,)
        Logarithm of what each bet has become, put on all rows so far and on the best of them, in
        nats.
    begins : ndarray of shape (n_bets,), int
        Number of that row.
    """

    def __init__(self) -> None:
        self.n_rows = 0
        self.log_bets = np.full(N_BETS, -np.inf)
        self.log_best = np.full(N_BETS, -np.inf)
        self.begins = np.zeros(N_BETS, np.int64)

    def add(
        self, low: Float[np.ndarray, " n_rows"], high: Float[np.ndarray, " n_rows"]
    ) -> tuple[Float[np.ndarray, " n_rows"], np.ndarray]:
        """Bet on the rows that follow.

        Parameters
        ----------
        low, high : ndarray of shape (n_rows,)
            Ends of each row's place; see :class:`~dagmm.inference.drift.ranks.ConformalRanks`.

        Returns
        -------
        log_capital : ndarray of shape (n_rows,)
            After each row, in nats.
        since : ndarray of shape (n_rows,), int
            From which row on the best of all bets so far began.
        """
        parts = [
            self._add(log_gains(low[first : first + _AT_ONCE], high[first : first + _AT_ONCE]))
            for first in range(0, len(low), _AT_ONCE)
        ]
        return (
            np.concatenate([np.empty(0), *(capital for capital, _ in parts)]),
            np.concatenate([np.empty(0, np.int64), *(since for _, since in parts)]),
        )

    def _add(self, gains: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n = len(gains)
        time = self.n_rows + np.arange(n + 1)
        kept = 1.0 / (1.0 + np.log1p(time))
        total = np.cumsum(gains, axis=0)
        before = np.concatenate([np.zeros((1, N_BETS)), total[:-1]])
        # Logarithm of what is put on each bet at each row, in units of what it has become by then.
        stakes = np.log((kept[:-1] - kept[1:]) / N_BETS)[:, None] - before
        all_stakes = np.concatenate([self.log_bets[None], stakes])
        log_bets = total + np.logaddexp.accumulate(all_stakes)[1:]
        # The best single bet and start.
        rivals = np.concatenate([self.log_best[None], stakes])
        best = np.maximum.accumulate(rivals)
        begins = np.where(rivals[1:] >= best[1:], time[:-1, None], -1)
        since = np.maximum.accumulate(np.concatenate([self.begins[None], begins]))[1:]
        log_best = total + best[1:]
        log_capital = np.logaddexp(np.log(kept[1:]), np.logaddexp.reduce(log_bets, axis=1))
        of_best = since[np.arange(n), np.argmax(log_best, axis=1)]
        self.log_bets, self.log_best, self.begins = log_bets[-1], log_best[-1], since[-1]
        self.n_rows += n
        return log_capital, of_best


def log_gains(
    low: Float[np.ndarray, " n_rows"], high: Float[np.ndarray, " n_rows"]
) -> Float[np.ndarray, "n_rows n_bets"]:
    """Logarithm of what each bet gains by each row: its mean between both ends of the place.

    The mean of a density that is uniform there by chance: nothing needs to be drawn, and what
    holds of places drawn between the ends holds of it.
    """
    low, high = low[:, None], high[:, None]
    far = high**_POWERS - low**_POWERS
    many = (1.0 - low) ** _COUNTER_POWERS - (1.0 - high) ** _COUNTER_POWERS
    return np.log(np.concatenate([far, many], axis=1) / (high - low))
