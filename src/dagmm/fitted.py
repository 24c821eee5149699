"""The fitted model: what a fit makes, what is saved, and what everything that scores takes."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from dagmm.encoder import Encoder
from dagmm.mixture import Mixture
from dagmm.networks import Architecture
from dagmm.parallel import side_by_side
from dagmm.rows import Chunk, Rows, rows_of
from dagmm.scoring import latent_rows

#: Stands for a coordinate of z that is not finite.
FARTHEST = 1e38


@dataclass(frozen=True)
class Member:
    """One trained network with its mixture, and the scale of its training energies.

    Parameters
    ----------
    architecture : Architecture
    parameters : ndarray of shape (n_parameters,), float32
    mixture : Mixture
    location, spread : float
        Median and interquartile range of the training energies, in nats.
    """

    architecture: Architecture
    parameters: np.ndarray
    mixture: Mixture
    location: float
    spread: float

    def energy(
        self, features: Float32[np.ndarray, "n_rows n_features"]
    ) -> Float[np.ndarray, " n_rows"]:
        """Energy of encoded rows under this member alone, in nats."""
        z, _, _ = latent_rows(self.architecture, self.parameters, features)
        # A row far beyond the training rows may overflow the network: it is as far as can be.
        z = np.nan_to_num(z, nan=FARTHEST, posinf=FARTHEST, neginf=-FARTHEST)
        return self.mixture.energy(z)


@dataclass(frozen=True)
class FittedModel:
    """A frozen model: encoder, members, threshold and the record of its training.

    Parameters
    ----------
    encoder : Encoder
    members : tuple of Member
    threshold : float or None
        Energy above which a row is an anomaly, in nats.
    record : dict
        What training recorded, as plain data: histories, verdict, fingerprint.
    """

    encoder: Encoder
    members: tuple[Member, ...]
    threshold: float | None
    record: dict[str, Any]

    def with_threshold(self, threshold: float) -> "FittedModel":
        """Return the same model with another threshold."""
        return replace(self, threshold=threshold)

    def energy(self, table: object) -> Float[np.ndarray, " n_rows"]:
        """Energy of each row in nats; higher is stranger.

        A row's energy depends on the row alone, not on the rows it comes with.

        Parameters
        ----------
        table : DataFrame, array-like of shape (n_rows, n_columns) or Rows
            A DataFrame's columns are found by name and may stand in any order, among others.

        Returns
        -------
        ndarray of shape (n_rows,), float64

        Raises
        ------
        InputError
            If columns are missing, or values cannot be encoded.
        """
        rows = rows_of(table)
        self.check(rows)
        energy = np.empty(rows.n_rows)
        start = 0
        for part in side_by_side(self._energy_of_chunk, rows.chunks()):
            energy[start : start + len(part)] = part
            start += len(part)
        return energy

    def check(self, rows: Rows) -> None:
        """Check that a table has the columns the model was fitted on."""
        self.encoder.check(rows.names)

    def _energy_of_chunk(self, chunk: Chunk) -> np.ndarray:
        features = self.encoder.encode(chunk)
        return combine(self.members, np.stack([m.energy(features) for m in self.members]))


def combine(
    members: tuple[Member, ...], energies: Float[np.ndarray, "n_members n_rows"]
) -> Float[np.ndarray, " n_rows"]:
    """One energy for each row from those of all members, in nats.

    Members are put on a common scale by location and spread of their training energies, and
    averaged there after a symmetric logarithm: a mean that one member's extreme energies do not
    rule. The result is put back on the members' mean scale; one member alone keeps its energies.

    Parameters
    ----------
    members : tuple of Member
    energies : ndarray of shape (n_members, n_rows)

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    if len(members) == 1:
        return energies[0]
    location = np.array([member.location for member in members])[:, None]
    spread = np.array([member.spread for member in members])[:, None]
    relative = (energies - location) / spread
    mean = (np.sign(relative) * np.log1p(np.abs(relative))).mean(axis=0)
    return location.mean() + spread.mean() * np.sign(mean) * np.expm1(np.abs(mean))
