"""The third stage of a fit: densities of each network's z, and of the encoded rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from dagmm._core.parallel import parallel_map, single_threaded_blas
from dagmm._core.progress import Progress
from dagmm.inference.ensemble import Component, EncodedRows, Identity, TrainedNetwork
from dagmm.mixture.density import DensityFit, Sample
from dagmm.mixture.moments import Moments
from dagmm.preprocessing.row_views import FeatureMatrix, RowSubset, RowView, View
from dagmm.training.config import DetectorConfig
from dagmm.training.diagnostics import check_untrained
from dagmm.training.network_moments import NetworkMoments, sample_of
from dagmm.training.prepare import Prepared
from dagmm.training.training_run import TrainedMember

#: Densities of whole rows are fitted to so many, at most, drawn at random: what they see of a row
#: is wider than the row.
MAX_WHOLE_ROWS = 2**17


class LatentFit(NamedTuple):
    """A network, and densities of its z that are not fixed yet."""

    network: TrainedNetwork
    fits: tuple[DensityFit, ...]
    weights: tuple[float, ...]

    @property
    def moments(self) -> NetworkMoments:
        """What takes from any rows what the densities are fixed from."""
        return NetworkMoments.needed(self.network, tuple(fit.moments for fit in self.fits))

    def components(self, moments: Sequence[Moments | None]) -> tuple[Component, ...]:
        """Fix the densities from moments of all rows."""
        return tuple(
            Component(self.network, fit.fix(total), weight=weight)
            for fit, total, weight in zip(self.fits, moments, self.weights, strict=True)
        )


def fit_latent_densities(
    prepared: Prepared,
    is_usual: Bool[np.ndarray, " n_rows"],
    trained: Sequence[TrainedMember],
    views: Sequence[RowView | None],
    config: DetectorConfig,
    seed: np.random.SeedSequence,
    progress: Progress,
) -> list[tuple[Component, ...]]:
    """Fit the densities of what each network sees to the rows that it was trained on.

    Parameters
    ----------
    prepared : Prepared
    is_usual : ndarray of bool of shape (n_rows,)
        Rows that densities are fitted to; networks were trained on the others as well.
    trained : sequence of TrainedMember
    views : sequence of (NormalScores, InputPart or None)
        By network.
    config : DetectorConfig
    seed : SeedSequence
    progress : Progress

    Returns
    -------
    list of tuple of Component
        Of each network, without surprisals yet.

    Raises
    ------
    ArgumentError
        If a network overflows even before training.
    """
    seeds = seed.spawn(len(trained))

    def fit(i: int) -> tuple[Component, ...]:
        places = prepared.split.of_network(i)
        rows = RowSubset(prepared.inputs, places[is_usual[places]])
        started, sample = begin_latent(i, trained[i], views[i], rows, config, seeds[i])
        return started.components(started.moments.of(sample))

    progress.phase("mixture", len(trained))
    found = []
    for one in parallel_map(fit, range(len(trained))):
        found.append(one)
        progress.advance(len(found))
    return found


def begin_latent(
    i: int,
    result: TrainedMember,
    view: RowView | None,
    rows: FeatureMatrix,
    config: DetectorConfig,
    seed: np.random.SeedSequence,
) -> tuple[LatentFit, Sample]:
    """Look at the rows of one network, dropout off, and choose what its densities need.

    A network that training drove so far that it overflows is of no use: the one before training
    takes its place, and the verdict says so.

    Returns
    -------
    started : LatentFit
    sample : Sample
        What the densities see of these rows.

    Raises
    ------
    ArgumentError
        If the network overflows even before training.
    """
    architecture, rng = config.architectures[i], np.random.default_rng(seed)
    if architecture.whole_row and len(rows) > MAX_WHOLE_ROWS:
        rows = RowSubset(rows, np.sort(rng.choice(len(rows), MAX_WHOLE_ROWS, replace=False)))
    network = TrainedNetwork(architecture, result.parameters, view)
    sample = sample_of(network, rows)
    if not _is_finite(sample):
        network = TrainedNetwork(architecture, result.initial, view)
        sample = sample_of(network, rows)
        check_untrained(*_outputs(sample))
    densities = config.latent_densities[i]
    fits = tuple(density.begin(sample, rng) for density in densities)
    return LatentFit(network, fits, tuple(density.weight for density in densities)), sample


def fit_input_densities(
    rows: FeatureMatrix,
    is_usual: Bool[np.ndarray, " n_rows"],
    config: DetectorConfig,
    seeds: Sequence[np.random.SeedSequence],
    learn: Callable[[View, FeatureMatrix], RowView | None],
    views: Mapping[View, RowView | None] | None = None,
    fitted: Sequence[Component] = (),
) -> list[Component]:
    """Fit the densities of encoded rows.

    Parameters
    ----------
    rows : FeatureMatrix of shape (n_rows, n_features)
    is_usual : ndarray of bool of shape (n_rows,)
        Rows that joint densities are fitted to; marginal ones, which anomalies mislead less, are
        to all.
    config : DetectorConfig
    seeds : sequence of SeedSequence
        One for each density.
    learn : callable
        Learns a view from rows.
    views : mapping of str to (NormalScores, InputPart or None), optional
        Known ones; others are learnt from the rows.
    fitted : sequence of Component, optional
        The same densities of more rows, which keep what was found from those.

    Returns
    -------
    list of Component
        Without surprisals yet.
    """
    if not config.input_densities:
        return []
    encoded, found, shown = EncodedRows(rows[:]), [], dict(views or {})
    with single_threaded_blas():
        for i, (density, seed) in enumerate(zip(config.input_densities, seeds, strict=True)):
            rng = np.random.default_rng(seed)
            if density.view not in shown:
                shown[density.view] = learn(density.view, rows)
            view = shown[density.view]
            seen = encoded.seen_as(view)
            if not density.density.is_marginal and not is_usual.all():
                seen = seen[is_usual]
            sample = Sample(seen.T, seen.shape[1])
            if fitted:
                made = fitted[i].density.refit(sample, rng, **density.options)
            else:
                made = density.fit(sample, rng)
            found.append(Component(Identity(view), made, weight=density.weight))
    return found


def _is_finite(sample: Sample) -> bool:
    return all(np.isfinite(part).all() for part in _outputs(sample))


def _outputs(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    assert sample.gamma is not None, "z is of a network"
    return sample.z, sample.gamma
