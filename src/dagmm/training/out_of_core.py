"""One pass over a table of any length: exact moments for the mixtures of all members at once."""

from collections.abc import Sequence

import numpy as np

from dagmm._core.digests import digest_of
from dagmm._core.memory import trim_heap
from dagmm._core.parallel import parallel_map
from dagmm._core.progress import Progress
from dagmm.data.base import CHUNK_ROWS, Chunk, Rows
from dagmm.inference.forward import latent_rows
from dagmm.mixture.gaussian import GaussianMixture, Moments
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.table_encoder import TableEncoder
from dagmm.training.diagnostics import check_untrained
from dagmm.training.fit_mixture import Finished, MixtureFit, sketch
from dagmm.training.presets import DetectorConfig
from dagmm.training.trainer import TrainedMember


def finish_exactly(
    rows: Rows,
    encoder: TableEncoder | ImageEncoder,
    left_out: np.ndarray,
    trained: Sequence[TrainedMember],
    features: np.ndarray,
    recipe: DetectorConfig,
    seeds: Sequence[np.random.SeedSequence],
    progress: Progress,
) -> tuple[list[Finished], str]:
    """Choose mixtures on the rows that are held, and fix them from all rows.

    Parameters
    ----------
    rows : Rows
    encoder : TableEncoder or ImageEncoder
    left_out : ndarray of shape (n_left_out,)
        Numbers of the rows that no mixture sees, in ascending order.
    trained : sequence of TrainedMember
    features : ndarray of shape (n_held, n_features), float32
        Encoded rows that are held, without those left out.
    recipe : DetectorConfig
    seeds : sequence of SeedSequence
        One for each member.
    progress : Progress

    Returns
    -------
    members : list of Finished
    fingerprint : str

    Raises
    ------
    ArgumentError
        If a network overflows even before training.
    """

    def look(i: int, result: TrainedMember) -> MixtureFit:
        rng, floor = np.random.default_rng(seeds[i]), recipe.relative_floors[i]
        return sketch(recipe.architectures[i], result, features, recipe, floor, rng)[0]

    def again(i: int) -> MixtureFit:
        # Some row that is not held overflows the network: the one before training takes over.
        return look(i, trained[i]._replace(parameters=trained[i].initial))

    trim_heap()
    n_members = len(trained)
    sketches = dict(enumerate(parallel_map(lambda i: look(i, trained[i]), range(n_members))))
    finished: dict[int, Finished] = {}
    while left := [i for i in range(n_members) if i not in finished]:
        parts = [sketches[i] for i in left]
        totals, fingerprint = exact_moments(rows, encoder, left_out, parts, progress)
        sound = []
        for i, moments in zip(left, totals, strict=True):
            if all(np.isfinite(part).all() for part in moments):
                sound.append((i, moments))
            elif sketches[i].parameters is trained[i].initial:
                check_untrained(*moments)
            else:
                sketches[i] = again(i)

        def finish(one: tuple[int, Moments]) -> Finished:
            i, moments = one
            mixture = sketches[i].mixture_from(moments, recipe, recipe.relative_floors[i])
            return sketches[i].member(mixture, _energies(sketches[i], mixture, features))

        numbers = [i for i, _ in sound]
        finished |= dict(zip(numbers, parallel_map(finish, sound), strict=True))
    return [finished[i] for i in range(n_members)], fingerprint


def exact_moments(
    rows: Rows,
    encoder: TableEncoder | ImageEncoder,
    left_out: np.ndarray,
    sketches: Sequence[MixtureFit],
    progress: Progress,
) -> tuple[list[Moments], str]:
    """Read and encode all rows once, and add up what each member's mixture is fixed from.

    Chunks are worked on side by side and added in their order, so that the result is the same
    to the bit however many cores there are.

    Parameters
    ----------
    rows : Rows
    encoder : TableEncoder or ImageEncoder
    left_out : ndarray of shape (n_left_out,)
        Numbers of the rows that no mixture sees, in ascending order.
    sketches : sequence of MixtureFit
    progress : Progress
        Is told a phase of its own.

    Returns
    -------
    moments : list of Moments
        One for each member.
    fingerprint : str
        See :func:`dagmm._core.digests.fingerprint_of`.
    """

    def of_chunk(chunk: Chunk) -> tuple[np.ndarray, list[Moments]]:
        features = encoder.encode(chunk)
        first, last = np.searchsorted(left_out, (chunk.start, chunk.start + chunk.n_rows))
        seen = np.delete(features, left_out[first:last] - chunk.start, axis=0)
        return features, [one.moments_of(seen) for one in sketches] if len(seen) else []

    progress.phase("mixture", rows.n_rows)
    digest, done = digest_of(rows.names), 0
    total: list[Moments] = []
    for features, parts in parallel_map(of_chunk, rows.only(encoder.columns).chunks()):
        digest.update(features.data)
        if parts and total:
            total = [before.merge(part) for before, part in zip(total, parts, strict=True)]
        elif parts:
            total = parts
        done += len(features)
        progress.advance(done, f"{done} rows")
    return total, digest.hexdigest()


def _energies(one: MixtureFit, mixture: GaussianMixture, features: np.ndarray) -> np.ndarray:
    """Energies under each mixture of rows whose z is not kept: that of all members is a lot."""
    energies = np.empty((1 + len(one.drawn), len(features)))
    for start in range(0, len(features), CHUNK_ROWS):
        part = slice(start, start + CHUNK_ROWS)
        z = latent_rows(one.architecture, one.parameters, features[part])
        energies[:, part] = one.energies(mixture, z)
    return energies
