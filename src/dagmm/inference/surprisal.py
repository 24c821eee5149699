"""How unusual an energy is among those of normal rows, in nats: what energies share.

Energies of different densities are not comparable: one is a log-density of 8 numbers, another of
40. What all of them mean alike is how few of the normal rows have as high an energy. The
surprisal of an energy e is ``-log P(E >= e)``: 0 for the most normal rows, 4.6 for what one row in
a hundred exceeds. Of independent p-values the sum of surprisals is Fisher's (1932).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dagmm._core.json_fields import JsonField
from dagmm._core.numerics import AnyArray
from dagmm._core.states import Promise, State, check_array

#: Share of the rows that make the tail, and how many of few do, if they are at most half.
TAIL, FEWEST_OF_TAIL = 0.1, 5
#: Energies that are kept of the other rows; those between them lie on a line.
_N_KNOTS = 64
#: Largest energies and surprisals that are kept, and smallest mean excess.
_LARGEST, _LEAST = 1e100, 1e-100


@dataclass(frozen=True)
class Surprisal:
    """Surprisal of energies among those of some rows.

    The highest tenth of them, of few rows the highest five, is taken to fall off exponentially,
    as the tail of a log-density does: beyond what was seen the surprisal goes on in proportion to
    the energy.

    Parameters
    ----------
    energy : ndarray of shape (n_knots,)
        Energies in ascending order, in nats; the last is where the tail begins.
    surprisal : ndarray of shape (n_knots,)
        That of each.
    excess : float
        Mean of what energies of the tail exceed its beginning by, in nats.
    """

    energy: np.ndarray
    surprisal: np.ndarray
    excess: float

    @classmethod
    def of(cls, energy: Float[np.ndarray, " n_rows"]) -> "Surprisal":
        """Learn it from the energies of some rows, one or more."""
        ordered = np.sort(energy.astype(np.float64))
        n = len(ordered)
        first = n - 1 - max(int(TAIL * n), min(FEWEST_OF_TAIL, (n - 1) // 2))
        rank = np.unique(np.linspace(0, first, _N_KNOTS).round().astype(np.int64))
        level, highest = ordered[first], ordered[first:]
        knots, places = np.unique(ordered[rank], return_inverse=True)
        # Of energies that are alike the last one counts: as many rows have no higher one.
        below = np.zeros(len(knots))
        np.maximum.at(below, places, rank)
        excess = float(np.mean(highest - level)) * len(highest) / max(1, len(highest) - 1)
        return cls(knots, -np.log1p(-below / n), excess if excess > _LEAST else 1.0)

    def __call__(self, energy: Float[AnyArray, " n"]) -> Float[AnyArray, " n"]:
        """Return the surprisal of each energy, in nats."""
        beyond = np.maximum(energy - self.energy[-1], 0.0) / self.excess
        return np.interp(energy, self.energy, self.surprisal) + np.minimum(beyond, _LARGEST)

    def slope(self, energy: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Return what the surprisal rises by with each energy."""
        if len(self.energy) > 1:
            slopes = np.diff(self.surprisal) / np.diff(self.energy)
            place = np.searchsorted(self.energy, energy, side="right")
            inside = np.concatenate([[0.0], slopes, [0.0]])[place]
        else:
            inside = np.zeros(energy.shape)
        return np.where(energy >= self.energy[-1], 1.0 / self.excess, inside)

    def state(self) -> State:
        """Return it as plain data and arrays."""
        plain = {"n_knots": len(self.energy), "excess": self.excess}
        return State(plain, {"energy": self.energy, "surprisal": self.surprisal})

    @classmethod
    def from_state(cls, plain: JsonField) -> Promise["Surprisal"]:
        """Check the plain data of :meth:`state`, and promise the surprisal.

        Raises
        ------
        ValueError
        """
        n_knots, excess = plain.fields("n_knots", "excess")
        if not 1 <= n_knots.size() <= _N_KNOTS:
            n_knots.fail(f"from 1 to {_N_KNOTS}")
        if not _LEAST < excess.number() <= _LARGEST:
            excess.fail(f"above {_LEAST:g}, at most {_LARGEST:g}")
        names = [f"{plain.path}.{name}" for name in ("energy", "surprisal")]

        def build(arrays: Mapping[str, np.ndarray]) -> Surprisal:
            energy, surprisal = (arrays[name] for name in names)
            check_array(np.abs(energy) <= _LARGEST, names[0], f"within +-{_LARGEST:g}")
            check_array(np.diff(energy) > 0.0, names[0], "ascending")
            good = (surprisal >= 0.0) & (surprisal <= _LARGEST)
            check_array(good, names[1], f"from 0 to {_LARGEST:g}")
            check_array(np.diff(surprisal) >= 0.0, names[1], "ascending")
            return cls(energy, surprisal, excess.number())

        return Promise({name: ("F64", (n_knots.size(),)) for name in names}, build)
