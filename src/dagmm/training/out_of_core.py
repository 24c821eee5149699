"""Densities of a table larger than memory: one pass over all rows gives exact moments."""

from collections.abc import Sequence

import numpy as np

from dagmm._core.digests import digest_of
from dagmm._core.memory import trim_heap
from dagmm._core.parallel import parallel_map
from dagmm._core.progress import Progress
from dagmm.data.base import Chunk, Rows
from dagmm.inference.ensemble import Component
from dagmm.mixture.moments import Moments
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.row_views import RowSubset, RowView
from dagmm.preprocessing.table_encoder import TableEncoder
from dagmm.training.config import DetectorConfig
from dagmm.training.diagnostics import check_untrained
from dagmm.training.fit_densities import LatentFit, begin_latent, sample_of
from dagmm.training.prepare import Prepared
from dagmm.training.trainer import TrainedMember


def fit_latent_densities_of_all(
    rows: Rows,
    prepared: Prepared,
    trained: Sequence[TrainedMember],
    views: Sequence[RowView | None],
    config: DetectorConfig,
    seed: np.random.SeedSequence,
    progress: Progress,
) -> tuple[list[tuple[Component, ...]], str]:
    """Choose densities on the rows that are held, and fix them from all rows.

    Parameters
    ----------
    rows : Rows
        All of them.
    prepared : Prepared
    trained : sequence of TrainedMember
    views : sequence of (NormalScores, InputPart or None)
        By network.
    config : DetectorConfig
    seed : SeedSequence
    progress : Progress

    Returns
    -------
    components : list of tuple of Component
        Of each network, without surprisals yet.
    fingerprint : str

    Raises
    ------
    ArgumentError
        If a network overflows even before training.
    """
    assert prepared.numbers is not None, "asked only of rows that were drawn"
    seeds = seed.spawn(len(trained))
    held = RowSubset(prepared.inputs, prepared.split.fitted)
    left_out = prepared.numbers[prepared.split.held_out]

    def look(i: int, result: TrainedMember) -> LatentFit:
        return begin_latent(i, result, views[i], held, config, seeds[i])[0]

    trim_heap()
    started = list(parallel_map(lambda i: look(i, trained[i]), range(len(trained))))
    found: dict[int, tuple[Component, ...]] = {}
    while left := [i for i in range(len(trained)) if i not in found]:
        totals, fingerprint = exact_moments(
            rows, prepared.encoder, left_out, [started[i] for i in left], progress
        )
        for i, moments in zip(left, totals, strict=True):
            if all(np.isfinite(part).all() for one in moments if one is not None for part in one):
                found[i] = started[i].components(moments)
            elif started[i].network.parameters is trained[i].initial:
                check_untrained(*(part for one in moments if one is not None for part in one))
            else:
                # Some row that is not held overflows the network: the untrained one takes over.
                started[i] = look(i, trained[i]._replace(parameters=trained[i].initial))
    return [found[i] for i in range(len(trained))], fingerprint


def exact_moments(
    rows: Rows,
    encoder: TableEncoder | ImageEncoder,
    left_out: np.ndarray,
    started: Sequence[LatentFit],
    progress: Progress,
) -> tuple[list[tuple[Moments | None, ...]], str]:
    """Read and encode all rows once, and add up what each network's densities are fixed from.

    Chunks are worked on side by side and added in their order, so that the result is the same
    to the bit however many cores there are.

    Parameters
    ----------
    rows : Rows
    encoder : TableEncoder or ImageEncoder
    left_out : ndarray of shape (n_left_out,)
        Numbers of the rows that no density sees, in ascending order.
    started : sequence of LatentFit
    progress : Progress
        Is told a phase of its own.

    Returns
    -------
    moments : list of tuple of (Moments or None)
        Of each density of each network.
    fingerprint : str
        See :func:`dagmm._core.digests.fingerprint_of`.
    """

    def of_chunk(chunk: Chunk) -> tuple[np.ndarray, list[tuple[Moments | None, ...]]]:
        features = encoder.encode(chunk)
        first, last = np.searchsorted(left_out, (chunk.start, chunk.start + chunk.n_rows))
        seen = np.delete(features, left_out[first:last] - chunk.start, axis=0)
        if not len(seen):
            return features, []
        return features, [one.moments_of(sample_of(one.network, seen)) for one in started]

    progress.phase("mixture", rows.n_rows)
    digest, done = digest_of(rows.names), 0
    total: list[tuple[Moments | None, ...]] = []
    for features, parts in parallel_map(of_chunk, rows.only(encoder.columns).chunks()):
        digest.update(features.data)
        if parts and total:
            total = [_merged(*pair) for pair in zip(total, parts, strict=True)]
        elif parts:
            total = parts
        done += len(features)
        progress.advance(done, f"{done} rows")
    return total, digest.hexdigest()


def _merged(
    before: Sequence[Moments | None], new: Sequence[Moments | None]
) -> tuple[Moments | None, ...]:
    return tuple(
        None if a is None or b is None else a.merge(b) for a, b in zip(before, new, strict=True)
    )
