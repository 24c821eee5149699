import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn import mixture as sklearn_mixture

import oracle
from dagmm.mixture.em import (
    MAX_ROWS,
    _bic,
    expectation_maximisation,
    fit_by_bic,
    moments_under,
)
from dagmm.mixture.gaussian import GaussianMixture

FLOOR = 1e-6
CENTRES = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0], [8.0, 8.0]])


def clusters(n_clusters=4, n_rows=150, seed=0):
    """Planted clusters, one after another, as z of shape (2, n_rows)."""
    rng = np.random.default_rng(seed)
    parts = [centre + rng.normal(size=(n_rows, 2)) for centre in CENTRES[:n_clusters]]
    return np.ascontiguousarray(np.concatenate(parts).T)


def rng():
    return np.random.default_rng(0)


def random_start(z, n_components, seed=0):
    """A mixture with its centres at rows drawn at random."""
    rows = np.random.default_rng(seed).choice(z.shape[1], n_components, replace=False)
    chol = np.repeat(3.0 * np.eye(len(z))[None], n_components, axis=0)
    return GaussianMixture(np.full(n_components, 1.0 / n_components), z[:, rows].T, chol)


def refine(z, candidates, relative_floor, rng, least_phi=0.0):
    """Fix the mixture that BIC chooses from all rows, as a fit does."""
    moments = moments_under(fit_by_bic(z, candidates, relative_floor, rng), z)[0]
    return GaussianMixture.from_moments(moments, relative_floor).without(least_phi)


def test_em_finds_what_scikit_learn_finds():
    z = clusters(3, 200)
    z = (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True)
    ours, log_likelihood = expectation_maximisation(z, 3, 1e-9, rng(), max_iter=1000, tol=1e-12)
    theirs = sklearn_mixture.GaussianMixture(3, reg_covar=1e-9, tol=1e-12, max_iter=1000).fit(z.T)
    assert log_likelihood == pytest.approx(theirs.score(z.T), abs=1e-6)
    np.testing.assert_allclose(ours.energy(z), -theirs.score_samples(z.T), atol=1e-3)


def test_bic_is_that_of_scikit_learn():
    z = clusters(3, 50)
    theirs = sklearn_mixture.GaussianMixture(3, random_state=0).fit(z.T)
    chol = np.linalg.cholesky(theirs.covariances_)
    ours = GaussianMixture(theirs.weights_, theirs.means_, chol)
    assert _bic(theirs.score(z.T), ours, 150) == pytest.approx(theirs.bic(z.T))


def test_em_follows_the_scales_of_the_axes():
    z = clusters(3, 200)
    stretched = z * np.array([[1.0], [1000.0]])
    one, two = (refine(rows, (3,), 1e-9, rng()) for rows in (z, stretched))
    np.testing.assert_allclose(
        one.energy(z) + np.log(1000.0), two.energy(stretched), rtol=1e-6, atol=1e-6
    )


def test_rows_of_one_value_are_no_hazard():
    mixture = refine(np.ones((3, 40)), (1, 2), 1e-3, rng())
    assert np.isfinite(mixture.energy(np.ones((3, 2)))).all()


# One step


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_memberships_and_their_moments_are_those_of_bayes(offset):
    z = clusters(3, 40) + offset
    mixture = random_start(z, 3)
    moments, log_likelihood = moments_under(mixture, z)
    energies = oracle.energies(z.T, mixture.phi, mixture.mu, mixture.cov)
    assert log_likelihood == pytest.approx(-energies.mean(), rel=1e-6)
    gamma = np.stack(
        [
            np.exp(energies - oracle.energies(z.T, [phi], [mu], [cov]))
            for phi, mu, cov in zip(mixture.phi, mixture.mu, mixture.cov, strict=True)
        ],
        axis=1,
    )
    phi, mu, cov = oracle.moments(z.T, gamma)
    np.testing.assert_allclose(moments.phi, phi, rtol=1e-6)
    np.testing.assert_allclose(moments.mu, mu, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(moments.cov, cov, rtol=1e-5, atol=1e-5)


def test_rows_of_several_chunks_are_weighed_together():
    z = clusters(4, 5000)
    assert z.shape[1] > 16384
    mixture = random_start(z, 3)
    whole, log_likelihood = moments_under(mixture, z)
    halves = [moments_under(mixture, part) for part in np.split(z, 2, axis=1)]
    merged = halves[0][0].merge(halves[1][0])
    for one, two in zip(whole, merged, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-8, atol=1e-8)
    assert log_likelihood == pytest.approx(np.mean([half[1] for half in halves]), rel=1e-10)
    assert log_likelihood == pytest.approx(-mixture.energy(z).mean(), rel=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_the_log_likelihood_never_falls(seed):
    z = clusters(seed=seed)
    mixture = random_start(z, 4, seed)
    values = []
    for _ in range(60):
        moments, log_likelihood = moments_under(mixture, z)
        values.append(log_likelihood)
        mixture = GaussianMixture.from_moments(moments, 1e-12)
    assert np.diff(values).min() > -1e-9
    assert values[-1] > values[0] + 0.1


def test_it_agrees_with_scikit_learn_from_the_same_start():
    z = clusters(3)
    start = random_start(z, 3)
    peer = sklearn_mixture.GaussianMixture(
        3,
        weights_init=start.phi,
        means_init=start.mu,
        precisions_init=np.linalg.inv(start.cov),
        reg_covar=1e-12,
        tol=1e-10,
        max_iter=500,
    ).fit(z.T)
    mixture = start
    for _ in range(peer.n_iter_):
        mixture = GaussianMixture.from_moments(moments_under(mixture, z)[0], 1e-12)
    np.testing.assert_allclose(mixture.mu, peer.means_, rtol=1e-3, atol=1e-3)
    assert -mixture.energy(z).mean() == pytest.approx(peer.score(z.T), abs=1e-5)


# To the end


def test_the_likelihood_it_returns_is_that_of_the_mixture_it_returns():
    z = clusters(3)
    mixture, log_likelihood = expectation_maximisation(z, 3, FLOOR, rng())
    assert log_likelihood == pytest.approx(-mixture.energy(z).mean(), rel=1e-9)


def test_more_steps_are_never_worse():
    z = clusters(4)
    values = [
        expectation_maximisation(z, 3, 1e-12, rng(), max_iter=steps, tol=0.0)[1]
        for steps in (1, 2, 5, 20)
    ]
    assert np.diff(values).min() > -1e-9


def assert_planted(mixture, n_clusters=4):
    distance = cdist(CENTRES[:n_clusters], mixture.mu)
    planted, found = linear_sum_assignment(distance)
    assert distance[planted, found].max() < 0.4
    np.testing.assert_allclose(mixture.phi, 1.0 / n_clusters, atol=0.03)
    for cov in mixture.cov:
        np.testing.assert_allclose(cov, np.eye(2), atol=0.4)


def test_planted_clusters_are_found_again():
    mixture, _ = expectation_maximisation(clusters(), 4, FLOOR, rng())
    assert_planted(mixture)


@pytest.mark.parametrize("n_clusters", [1, 2, 4])
def test_the_information_criterion_picks_the_right_number(n_clusters):
    mixture = refine(clusters(n_clusters), (1, 2, 4, 8), FLOOR, rng())
    assert len(mixture.phi) == n_clusters
    assert_planted(mixture, n_clusters)


def test_its_choice_is_that_of_scikit_learns_criterion():
    z = clusters(3, 100, seed=3)
    candidates = (1, 2, 3, 4, 6)
    peers = [
        sklearn_mixture.GaussianMixture(k, n_init=2, random_state=0).fit(z.T).bic(z.T)
        for k in candidates
    ]
    mixture = refine(z, candidates, FLOOR, rng())
    assert len(mixture.phi) == candidates[int(np.argmin(peers))] == 3


def test_the_same_generator_gives_the_same_mixture():
    one, two = (refine(clusters(), (1, 2, 4), FLOOR, rng()) for _ in range(2))
    for name in ("phi", "mu", "chol"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_more_rows_than_it_looks_at_all_count_in_the_end():
    # Both columns tell the clusters apart, so that no start by chance splits them otherwise.
    z = clusters(2, MAX_ROWS)
    z[1] += z[0]
    mixture = refine(z.astype(np.float32), (2,), FLOOR, rng())
    np.testing.assert_allclose(mixture.phi, 0.5, atol=1e-3)
    # A mean of 20,000 rows is known to 1 / sqrt(20,000); one of a sample would not be as close.
    order = np.argsort(mixture.mu[:, 0])
    np.testing.assert_allclose(
        mixture.mu[order], [z[:, :MAX_ROWS].mean(axis=1), z[:, MAX_ROWS:].mean(axis=1)], atol=2e-3
    )


@pytest.mark.parametrize(
    "z",
    [
        np.zeros((2, 50)),
        np.full((3, 50), 1e6),
        np.repeat([[0.0, 1.0], [0.0, 1.0]], 25, axis=1),
        np.random.default_rng(0).integers(0, 3, (2, 500)).astype(float),
        np.linspace(-1.0, 1.0, 50) * np.ones((3, 1)),
        np.random.default_rng(0).normal(size=(5, 3)),
        np.array([[0.5], [2.0]]),
        np.concatenate([np.random.default_rng(0).normal(size=(2, 99)), [[1e6], [1e6]]], axis=1),
        1e-15 * np.random.default_rng(0).normal(size=(2, 50)),
    ],
    ids=[
        "zeros",
        "constant",
        "two points",
        "few distinct rows",
        "correlated",
        "fewer rows than components",
        "one row",
        "one far out",
        "hardly any spread",
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("relative_floor", [1e-6, 1e-3])
def test_degenerate_codes_get_a_mixture_with_finite_energies(z, dtype, relative_floor):
    mixture = refine(z.astype(dtype), (1, 2, 4, 8, 16), relative_floor, rng())
    assert mixture.phi.sum() == pytest.approx(1.0)
    assert np.isfinite(mixture.chol).all()
    assert np.isfinite(mixture.energy(z.astype(dtype))).all()


def test_a_component_of_few_rows_dies_and_its_rows_become_strange():
    rng_ = np.random.default_rng(0)
    usual = rng_.normal(size=(2, 990))
    repeated = 6.0 + 0.01 * rng_.normal(size=(2, 10))
    z = np.concatenate([usual, repeated], axis=1)
    kept = refine(z, (2,), FLOOR, rng())
    assert kept.energy(repeated).max() < np.median(kept.energy(usual))
    alive = refine(z, (2,), FLOOR, rng(), least_phi=0.02)
    assert len(alive.phi) == 1
    assert alive.energy(repeated).min() > alive.energy(usual).max()
