import pickle

import numpy as np
import pytest

from dagmm._core.digests import check_of
from dagmm.data.arrays import MatrixRows
from dagmm.inference.ensemble import TrainedNetwork
from dagmm.mixture.latent import estimated_moments
from dagmm.networks.network import flatten
from dagmm.preprocessing.sampling import encode_rows
from dagmm.preprocessing.table_fit import fit_table_encoder
from dagmm.training import network_moments
from dagmm.training.network_moments import MomentsPass, NetworkMoments, sample_of
from small_tables import ARCHITECTURE, correlated_rows

ROWS = MatrixRows(correlated_rows(n_rows=300).astype(np.float64))
ENCODER = fit_table_encoder(ROWS)
NETWORK = TrainedNetwork(ARCHITECTURE, flatten(ARCHITECTURE.build(np.random.default_rng(0))))
LEFT_OUT, DRAWN = np.array([0, 5, 6, 150, 299]), np.array([0, 3, 149, 150, 280])
JOB = MomentsPass(ENCODER, LEFT_OUT, (NetworkMoments(NETWORK, (estimated_moments, None)),), DRAWN)


@pytest.mark.parametrize("cuts", [[], [100], [5, 6, 150, 151]])
def test_parts_that_travelled_add_up_to_the_whole(cuts):
    features = encode_rows(ROWS, ENCODER)[:300]
    expected = estimated_moments(sample_of(NETWORK, np.delete(features, LEFT_OUT, axis=0)))
    found = None
    for start, stop in zip([0, *cuts], [*cuts, 300], strict=True):
        job = pickle.loads(pickle.dumps(JOB.within(start, stop)))
        assert len(job.left_out) == ((start <= LEFT_OUT) & (stop > LEFT_OUT)).sum()
        part = job.look(ROWS.chunk(start, stop))
        found = part if found is None else JOB.merge(found, part)
    assert found.n_rows == 300
    ((ours, nothing),) = found.moments
    assert nothing is None
    for one, two in zip(ours, expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)
    assert found.check == check_of(features[DRAWN], DRAWN)
    assert found.features is None


def test_a_network_whose_densities_need_no_moments_is_not_asked(monkeypatch):
    monkeypatch.setattr(network_moments, "sample_of", None)
    features = encode_rows(ROWS, ENCODER)[:300]
    found = NetworkMoments.needed(NETWORK, (None, None))
    assert found.of_rows(features) == (None, None)
    assert found.network is None


def test_where_all_rows_are_left_out_there_are_no_moments():
    job = MomentsPass(ENCODER, np.arange(20), JOB.networks)
    assert job.look(ROWS.chunk(0, 20)).moments == []
