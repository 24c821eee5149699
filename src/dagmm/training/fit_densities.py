"""The third stage of a fit: densities of each network's z, and of the encoded rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from dagmm._core.parallel import parallel_map, single_threaded_blas
from dagmm._core.progress import Progress
from dagmm.inference.ensemble import Component, Identity, TrainedNetwork
from dagmm.inference.forward import chunks_of, outputs_of
from dagmm.mixture.combination import scale_of
from dagmm.mixture.density import DensityFit, Sample
from dagmm.mixture.moments import Moments
from dagmm.preprocessing.row_views import FeatureMatrix, RowSubset
from dagmm.training.config import DetectorConfig
from dagmm.training.diagnostics import check_untrained
from dagmm.training.prepare import Prepared
from dagmm.training.trainer import TrainedMember


class LatentFit(NamedTuple):
    """A network, and densities of its z that are not fixed yet."""

    network: TrainedNetwork
    fits: tuple[DensityFit, ...]
    weights: tuple[float, ...]

    def moments_of(self, sample: Sample) -> tuple[Moments | None, ...]:
        """Moments of any rows for each density; None for one that needs none."""
        return tuple(None if fit.moments is None else fit.moments(sample) for fit in self.fits)

    def components(self, moments: Sequence[Moments | None]) -> tuple[Component, ...]:
        """Fix the densities from moments of all rows."""
        return tuple(
            Component(self.network, fit.fix(total), weight=weight)
            for fit, total, weight in zip(self.fits, moments, self.weights, strict=True)
        )


def fit_latent_densities(
    prepared: Prepared,
    trained: Sequence[TrainedMember],
    config: DetectorConfig,
    seed: np.random.SeedSequence,
    progress: Progress,
) -> list[tuple[Component, ...]]:
    """Fit the densities of each network's z to the rows that it was trained on.

    Parameters
    ----------
    prepared : Prepared
    trained : sequence of TrainedMember
    config : DetectorConfig
    seed : SeedSequence
    progress : Progress

    Returns
    -------
    list of tuple of Component
        Of each network, not on a common scale yet.

    Raises
    ------
    ArgumentError
        If a network overflows even before training.
    """
    seeds = seed.spawn(len(trained))

    def fit(i: int) -> tuple[Component, ...]:
        rows = RowSubset(prepared.inputs, prepared.split.of_network(i))
        started, sample = begin_latent(i, trained[i], rows, config, seeds[i])
        return started.components(started.moments_of(sample))

    progress.phase("mixture", len(trained))
    found = []
    for one in parallel_map(fit, range(len(trained))):
        found.append(one)
        progress.advance(len(found))
    return found


def begin_latent(
    i: int,
    result: TrainedMember,
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
        Z of these rows.

    Raises
    ------
    ArgumentError
        If the network overflows even before training.
    """
    network = TrainedNetwork(config.architectures[i], result.parameters)
    sample = sample_of(network, rows)
    if not _is_finite(sample):
        network = TrainedNetwork(config.architectures[i], result.initial)
        sample = sample_of(network, rows)
        check_untrained(*_outputs(sample))
    rng, densities = np.random.default_rng(seed), config.latent_densities[i]
    fits = tuple(density.begin(sample, rng) for density in densities)
    return LatentFit(network, fits, tuple(density.weight for density in densities)), sample


def sample_of(network: TrainedNetwork, rows: FeatureMatrix) -> Sample:
    """Make of rows what a network's densities are fitted to, dropout off."""
    architecture = network.architecture
    z = np.empty((architecture.n_latent, len(rows)), np.float32)
    gamma = np.empty((architecture.n_components, len(rows)), np.float32)
    for part in chunks_of(rows):
        z[:, part], gamma[:, part], _ = outputs_of(architecture, network.parameters, rows[part])
    return Sample(z, architecture.n_code, gamma)


def fit_input_densities(
    rows: FeatureMatrix,
    config: DetectorConfig,
    seeds: Sequence[np.random.SeedSequence],
    fitted: Sequence[Component] = (),
) -> tuple[Component, ...]:
    """Fit the densities of encoded rows.

    Parameters
    ----------
    rows : FeatureMatrix of shape (n_rows, n_features)
    config : DetectorConfig
    seeds : sequence of SeedSequence
        One for each density.
    fitted : sequence of Component, optional
        The same densities of more rows, which keep what was found from those.

    Returns
    -------
    tuple of Component
        Not on a common scale yet.
    """
    densities = config.input_densities
    if not densities:
        return ()
    sample = Sample(rows[:].T, rows.shape[1])
    found = []
    with single_threaded_blas():
        for i, (density, seed) in enumerate(zip(densities, seeds, strict=True)):
            rng = np.random.default_rng(seed)
            if fitted:
                made = fitted[i].density.refit(sample, rng, **density.options)
            else:
                made = density.fit(sample, rng)
            found.append(Component(Identity(), made, weight=density.weight))
    return tuple(found)


def on_scale(
    components: Sequence[Component], energies: Float[np.ndarray, "n_components n_rows"]
) -> tuple[Component, ...]:
    """Learn location and spread of each component from the energies of its own training rows."""
    return tuple(
        replace(one, location=location, spread=spread)
        for one, (location, spread) in zip(components, map(scale_of, energies), strict=True)
    )


def _is_finite(sample: Sample) -> bool:
    return all(np.isfinite(part).all() for part in _outputs(sample))


def _outputs(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    assert sample.gamma is not None, "z is of a network"
    return sample.z, sample.gamma
