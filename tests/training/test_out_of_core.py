import numpy as np
import pytest

import oracle
from dagmm._core.digests import fingerprint_of
from dagmm._core.progress import Progress
from dagmm.data.arrays import MatrixRows
from dagmm.data.base import CHUNK_ROWS
from dagmm.inference.forward import outputs_of
from dagmm.mixture.density import DensityConfig
from dagmm.mixture.em import fit_by_bic
from dagmm.mixture.latent import LatentMixture
from dagmm.networks.network import flatten
from dagmm.preprocessing.sampling import encode_rows, padded_rows
from dagmm.preprocessing.table_fit import fit_table_encoder
from dagmm.training.config import DetectorConfig
from dagmm.training.fit_densities import begin_latent
from dagmm.training.history import History
from dagmm.training.network_moments import sample_of
from dagmm.training.out_of_core import exact_moments
from dagmm.training.training_run import TrainedMember
from small_tables import ARCHITECTURE, PLAN, correlated_rows

N_ROWS = 2 * CHUNK_ROWS + 5


@pytest.fixture(scope="module")
def table():
    rows = MatrixRows(correlated_rows(n_rows=N_ROWS).astype(np.float64))
    encoder = fit_table_encoder(rows)
    return rows, encoder, encode_rows(rows, encoder)[:N_ROWS]


def started(features, candidates, seed=0):
    parameters = flatten(ARCHITECTURE.build(np.random.default_rng(seed)))
    mixture = DensityConfig(LatentMixture, {"candidates": candidates, "relative_floor": 1e-3})
    config = DetectorConfig((ARCHITECTURE,), PLAN, ((mixture,),))
    result = TrainedMember(parameters, parameters, History())
    return begin_latent(0, result, None, features, config, np.random.SeedSequence(0))[0]


def moments_of(table, components, left_out, seeds=(0,)):
    rows, encoder, features = table
    ones = [started(features[:500], components, seed) for seed in seeds]
    return ones, exact_moments(rows, encoder, np.array(left_out, np.int64), ones, Progress())


LEFT_OUT = {
    "none": [],
    "some": [0, 5, CHUNK_ROWS - 1, CHUNK_ROWS, N_ROWS - 1],
    "a whole chunk": list(range(2 * CHUNK_ROWS, N_ROWS)),
}


@pytest.mark.parametrize("components", [(), (3,)], ids=["estimated", "refined"])
@pytest.mark.parametrize("left_out", LEFT_OUT.values(), ids=LEFT_OUT)
def test_moments_are_those_of_all_rows_that_are_not_left_out(table, components, left_out):
    (one,), (((moments,),), _) = moments_of(table, components, left_out)
    seen = np.delete(table[2], left_out, axis=0)
    z, gamma, _ = outputs_of(ARCHITECTURE, one.network.parameters, seen)
    z, gamma = z.T.astype(np.float64), gamma.T.astype(np.float64)
    if components:
        held = sample_of(one.network, table[2][:500])
        mixture = fit_by_bic(
            held.z, components, 1e-3, np.random.default_rng(np.random.SeedSequence(0))
        )
        whole = oracle.energies(z, mixture.phi, mixture.mu, mixture.cov)
        each = [
            oracle.energies(z, [phi], [mu], [cov])
            for phi, mu, cov in zip(mixture.phi, mixture.mu, mixture.cov, strict=True)
        ]
        gamma = np.exp(whole[:, None] - np.stack(each, axis=1))
    phi, mu, cov = oracle.moments(z, gamma)
    assert moments.weight.sum() == pytest.approx(N_ROWS - len(left_out), rel=1e-6)
    np.testing.assert_allclose(moments.phi, phi, rtol=1e-5)
    np.testing.assert_allclose(moments.mu, mu, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(moments.cov, cov, rtol=1e-4, atol=1e-8)


def test_members_do_not_change_each_other(table):
    _, (both, _) = moments_of(table, (3,), [], seeds=(0, 1))
    for seed in (0, 1):
        _, ((alone,), _) = moments_of(table, (3,), [], seeds=(seed,))
        for one, two in zip(both[seed][0], alone[0], strict=True):
            np.testing.assert_array_equal(one, two)


def test_the_fingerprint_is_that_of_all_rows_in_memory(table):
    rows, _, features = table
    _, (_, fingerprint) = moments_of(table, (), [1, 2, 3])
    assert fingerprint == fingerprint_of(rows.names, features)
    assert padded_rows(N_ROWS) > N_ROWS
