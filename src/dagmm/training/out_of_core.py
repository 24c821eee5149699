"""Densities of a table larger than memory: one pass over all rows gives exact moments."""

from collections.abc import Sequence

import numpy as np

from dagmm._core.digests import check_of, digest_of
from dagmm._core.errors import InputError
from dagmm._core.memory import trim_heap
from dagmm._core.parallel import parallel_map
from dagmm._core.progress import Progress
from dagmm.data.base import Rows
from dagmm.inference.ensemble import Component
from dagmm.mixture.moments import Moments
from dagmm.preprocessing.image_encoder import ImageEncoder
from dagmm.preprocessing.row_views import RowSubset, RowView
from dagmm.preprocessing.table_encoder import TableEncoder
from dagmm.training.config import DetectorConfig
from dagmm.training.diagnostics import check_untrained
from dagmm.training.fit_densities import LatentFit, begin_latent
from dagmm.training.network_moments import MomentsPass, merged
from dagmm.training.prepare import Prepared
from dagmm.training.training_run import TrainedMember


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
    drawn = (prepared.numbers, prepared.inputs[:]) if rows.is_remote else None

    def look(i: int, result: TrainedMember) -> LatentFit:
        return begin_latent(i, result, views[i], held, config, seeds[i])[0]

    trim_heap()
    started = list(parallel_map(lambda i: look(i, trained[i]), range(len(trained))))
    found: dict[int, tuple[Component, ...]] = {}
    while left := [i for i in range(len(trained)) if i not in found]:
        totals, fingerprint = exact_moments(
            rows, prepared.encoder, left_out, [started[i] for i in left], progress, drawn
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
    drawn: tuple[np.ndarray, np.ndarray] | None = None,
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
    drawn : tuple of ndarray, optional
        Of remote rows, which may change between two passes: numbers and features of those that
        were drawn in another.

    Returns
    -------
    moments : list of tuple of (Moments or None)
        Of each density of each network.
    fingerprint : str
        See :func:`dagmm._core.digests.fingerprint_of`; of remote rows that of the parts that they
        lie in.

    Raises
    ------
    InputError
        If remote rows are others than those that were drawn.
    """
    numbers = None if drawn is None else drawn[0]
    job = MomentsPass(encoder, left_out, tuple(one.moments for one in started), numbers)
    progress.phase("mixture", rows.n_rows)
    digest, done, check = digest_of(rows.names), 0, 0
    total: list[tuple[Moments | None, ...]] = []
    for seen in rows.only(encoder.columns).map_chunks(job):
        digest.update(seen.digest if seen.features is None else seen.features.data)
        total, check = merged(total, seen.moments), (check + seen.check) % 2**64
        done += seen.n_rows
        progress.advance(done, f"{done} rows")
    if drawn is not None and check != check_of(drawn[1], drawn[0]):
        raise InputError(
            "rows of the table changed, or changed places, between two passes of the fit; "
            "expected the same rows in the same order each time the engine reads it. Write the "
            "table to Parquet, or have the engine keep it (persist), and fit to that."
        )
    return total, digest.hexdigest()
