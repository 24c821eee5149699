import jax.numpy as jnp
import numpy as np
import pytest

import oracle
from dagmm.evaluation.baselines.paper_variants import Setting, pretrained_autoencoder
from dagmm.networks.network import flatten
from paper_peers import dcn
from paper_peers.dcn import Centres, joint_loss, moved, nearest
from small_tables import ARCHITECTURE, PLAN, correlated_rows

CENTRES = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]], np.float32)


def blobs(seed=0, n_rows=300):
    """Three blobs in six columns, deviation 0.2 around corners that are 3 apart or more."""
    rng = np.random.default_rng(seed)
    corners = 3.0 * np.eye(6)[:3]
    cluster = rng.integers(3, size=n_rows)
    return corners[cluster] + rng.normal(0.0, 0.2, (n_rows, 6)), cluster


def test_a_minibatch_moves_centres_as_its_rows_one_by_one():
    code = np.random.default_rng(0).normal(size=(2, 40)).astype(np.float32) * 3.0
    cluster = np.array([((CENTRES - one) ** 2).sum(axis=1).argmin() for one in code.T])
    np.testing.assert_array_equal(nearest(jnp.asarray(CENTRES), jnp.asarray(code)), cluster)
    at, count = CENTRES.astype(np.float64), np.full(3, 100.0)
    for k, one in zip(cluster, code.T, strict=True):
        count[k] += 1.0
        at[k] -= (at[k] - one) / count[k]
    found = moved(Centres(jnp.asarray(CENTRES), jnp.full(3, 100.0)), jnp.asarray(code))
    np.testing.assert_allclose(found.at, at, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found.count, count)


def test_the_objective_is_the_papers():
    network = ARCHITECTURE.build(np.random.default_rng(0))
    x = correlated_rows(n_rows=5).astype(np.float64)
    z, x_hat = oracle.latent(ARCHITECTURE.named(np.asarray(flatten(network))), x)
    code = z[:, :2]
    pull = ((code[:, None] - CENTRES[None]) ** 2).sum(axis=2).min(axis=1)
    expected = (((x - x_hat) ** 2).sum(axis=1) + 0.25 * pull).mean()
    loss, found = joint_loss(network, jnp.asarray(CENTRES), jnp.asarray(x.T, jnp.float32), 0.5)
    assert float(loss) == pytest.approx(expected, rel=1e-4)
    np.testing.assert_allclose(found.T, code, rtol=1e-4, atol=1e-5)


def test_it_finds_blobs_and_what_lies_between_them():
    x, cluster = blobs()
    setting = Setting(ARCHITECTURE, PLAN)
    model = dcn.fit(x, 0, setting, 3, pretrained_autoencoder(x, 0, setting))
    code = model.model.z(x)[:, :2]
    of_rows = nearest(jnp.asarray(model.centres), jnp.asarray(code.T))
    pairs = {(int(a), int(b)) for a, b in zip(cluster, of_rows, strict=True)}
    assert len(pairs) == 3, "each blob has a centre of its own"
    middles = np.array([code[cluster == k].mean(axis=0) for k, _ in sorted(pairs)])
    places = model.centres[[c for _, c in sorted(pairs)]]
    apart = np.linalg.norm(middles[0] - middles[1])
    np.testing.assert_allclose(places, middles, atol=0.2 * apart)
    between = np.full((1, 6), 1.0) * (np.arange(6) < 3)
    assert model.distance(between)[0] > np.quantile(model.distance(x), 0.95)
