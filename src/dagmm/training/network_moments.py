"""What each network's densities are fixed from, of any rows, wherever these lie."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dagmm._core.digests import check_of, digest_of_part
from dagmm.data.base import Chunk, TablePass
from dagmm.inference.chunks import chunks_of
from dagmm.inference.ensemble import TrainedNetwork
from dagmm.mixture.density import Sample
from dagmm.mixture.moments import Moments
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.row_views import FeatureMatrix
from dagmm.preprocessing.table_encoder import TableEncoder


@dataclass(frozen=True)
class NetworkMoments:
    """Takes from rows the sufficient statistics of a network's densities.

    Parameters
    ----------
    network : TrainedNetwork or None
        None where no density needs moments, so that it need not travel.
    of_densities : tuple of (callable or None)
        None for a density that needs none.
    """

    network: TrainedNetwork | None
    of_densities: tuple[Callable[[Sample], Moments] | None, ...]

    @classmethod
    def needed(
        cls,
        network: TrainedNetwork,
        of_densities: tuple[Callable[[Sample], Moments] | None, ...],
    ) -> "NetworkMoments":
        """Return what is needed for these densities."""
        needs_none = all(moments is None for moments in of_densities)
        return cls(None if needs_none else network, of_densities)

    def of(self, sample: Sample) -> tuple[Moments | None, ...]:
        """Moments of what the network makes of rows."""
        return tuple(None if moments is None else moments(sample) for moments in self.of_densities)

    def of_rows(self, rows: FeatureMatrix) -> tuple[Moments | None, ...]:
        """Moments of encoded rows; where no density needs any the network is not asked."""
        if self.network is None:
            return (None,) * len(self.of_densities)
        return self.of(sample_of(self.network, rows))


def sample_of(network: TrainedNetwork, rows: FeatureMatrix) -> Sample:
    """Make of rows what a network's densities are fitted to, dropout off."""
    architecture = network.architecture
    z = np.empty((architecture.n_seen, len(rows)), np.float32)
    gamma = np.empty((architecture.n_components, len(rows)), np.float32)
    for part in chunks_of(rows):
        z[:, part], gamma[:, part], _ = network.outputs(rows[part])
    return Sample(z, architecture.n_code, gamma)


@dataclass
class SeenRows:
    """What a pass over encoded rows adds up.

    Parameters
    ----------
    n_rows : int
    moments : list of tuple of (Moments or None)
        Of each density of each network; empty where all rows are left out.
    features : ndarray of shape (n_rows, n_features) or None
        Of local rows.
    digest : bytes
        Of remote rows: of the encoded rows of this part of the table.
    check : int
        Of remote rows: what tells the drawn ones from others.
    """

    n_rows: int
    moments: list[tuple[Moments | None, ...]]
    features: np.ndarray | None = None
    digest: bytes = b""
    check: int = 0


@dataclass(frozen=True)
class MomentsPass(TablePass[SeenRows]):
    """Encodes rows, and adds up what densities are fixed from.

    Parameters
    ----------
    encoder : TableEncoder or ImageEncoder
    left_out : ndarray of shape (n_left_out,)
        Numbers of the rows that no density sees, in ascending order.
    networks : sequence of NetworkMoments
    drawn : ndarray of shape (n_drawn,) or None
        Of remote rows: the numbers of those that were drawn, in ascending order.
    """

    encoder: TableEncoder | ImageEncoder
    left_out: np.ndarray
    networks: Sequence[NetworkMoments] = field(repr=False)
    drawn: np.ndarray | None = None

    def look(self, chunk: Chunk) -> SeenRows:
        """Encode a chunk, and add up its rows."""
        features = self.encoder.encode(chunk)
        stop = chunk.start + chunk.n_rows
        gone = _between(self.left_out, chunk.start, stop) - chunk.start
        kept = np.delete(features, gone, axis=0)
        moments = [one.of_rows(kept) for one in self.networks] if len(kept) else []
        if self.drawn is None:
            return SeenRows(chunk.n_rows, moments, features)
        numbers = _between(self.drawn, chunk.start, stop)
        check = check_of(features[numbers - chunk.start], numbers)
        return SeenRows(chunk.n_rows, moments, None, digest_of_part(features), check)

    def merge(self, found: SeenRows, later: SeenRows) -> SeenRows:
        """Add up remote rows."""
        return SeenRows(
            found.n_rows + later.n_rows,
            merged(found.moments, later.moments),
            None,
            digest_of_part(found.digest + later.digest),
            (found.check + later.check) % 2**64,
        )

    def within(self, start: int, stop: int) -> "MomentsPass":
        """Return the pass with the numbers of these rows alone."""
        drawn = None if self.drawn is None else _between(self.drawn, start, stop)
        return replace(self, left_out=_between(self.left_out, start, stop), drawn=drawn)


def merged(
    found: list[tuple[Moments | None, ...]], later: list[tuple[Moments | None, ...]]
) -> list[tuple[Moments | None, ...]]:
    """Moments of the rows of both; none where all rows were left out."""
    if not (found and later):
        return found or later
    return [
        tuple(None if a is None or b is None else a.merge(b) for a, b in zip(*pair, strict=True))
        for pair in zip(found, later, strict=True)
    ]


def _between(numbers: np.ndarray, start: int, stop: int) -> np.ndarray:
    first, last = np.searchsorted(numbers, (start, stop))
    return numbers[first:last]
