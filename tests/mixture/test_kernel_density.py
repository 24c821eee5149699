import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from dagmm.mixture.density import Sample
from dagmm.mixture.em import expectation_maximisation
from dagmm.mixture.kernel_density import KernelDensity

quick = settings(deadline=None, derandomize=True, max_examples=50)
N_CODE = 3


def codes(n_rows=400, seed=0):
    """Three coordinates of a code on different scales, and a residual feature on another."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n_rows, 4)) * [4.0, 1.0, 0.1, 30.0] + [1.0, 0.0, 2.0, -9.0]).T


def drawn(z, n_components=5, seed=0):
    rng = np.random.default_rng(seed)
    return KernelDensity.fit(Sample(z, N_CODE), rng, n_components=n_components)


def test_the_energy_is_that_of_scipys_normal_densities():
    z = codes(60)
    mu, deviation = codes(7, seed=1).T, np.array([0.5, 2.0, 0.3, 11.0])
    density = np.mean(
        [scipy.stats.multivariate_normal(one, np.diag(deviation**2)).pdf(z.T) for one in mu],
        axis=0,
    )
    energy = KernelDensity(mu, deviation).energy(z)
    np.testing.assert_allclose(energy, -np.log(density), rtol=1e-9)


@quick
@given(st.integers(0, 2**32 - 1), st.floats(-1e4, 1e4))
def test_where_the_origin_is_does_not_matter(seed, offset):
    z, mixture = codes(9, seed + 1), drawn(codes(seed=seed))
    moved = KernelDensity(mixture.mu + offset, mixture.deviation).energy(z + offset)
    np.testing.assert_allclose(moved, mixture.energy(z), rtol=1e-9, atol=1e-9)


def test_components_lie_about_rows_that_are_all_different():
    z = codes()
    mixture = drawn(z, 20)
    places = [np.flatnonzero((np.abs(z.T - mu) < 1e-9).all(axis=1)) for mu in mixture.mu]
    assert all(len(place) == 1 for place in places)
    assert len(set(np.concatenate(places))) == 20


def energy_by_scipy(z, mu, deviation):
    density = [scipy.stats.multivariate_normal(one, np.diag(deviation**2)).logpdf(z) for one in mu]
    return np.log(len(mu)) - scipy.special.logsumexp(density)


def test_a_row_that_a_component_lies_about_is_judged_by_the_others():
    z = codes()
    mixture = drawn(z, 20)
    itself = [(np.abs(z.T - mu) < 1e-9).all(axis=1).argmax() for mu in mixture.mu]
    energy = mixture.energy(z)
    for k, i in enumerate(itself):
        others = np.delete(mixture.mu, k, axis=0)
        expected = energy_by_scipy(z[:, i], others, mixture.deviation)
        assert energy[i] == pytest.approx(expected, rel=1e-9)
    new = np.setdiff1d(np.arange(z.shape[1]), itself)[:5]
    for i in new:
        expected = energy_by_scipy(z[:, i], mixture.mu, mixture.deviation)
        assert energy[i] == pytest.approx(expected, rel=1e-9)


def test_a_row_close_to_a_component_is_judged_by_it_too():
    mixture = drawn(codes(), 20)
    close = mixture.mu[3] + 0.01 * mixture.deviation
    expected = energy_by_scipy(close, mixture.mu, mixture.deviation)
    assert mixture.energy(close[:, None])[0] == pytest.approx(expected, rel=1e-9)


def test_a_single_component_judges_all_rows():
    mixture = drawn(codes(3), 20)
    assert len(mixture.mu) == 1
    expected = energy_by_scipy(mixture.mu[0], mixture.mu, mixture.deviation)
    assert mixture.energy(mixture.mu.T)[0] == pytest.approx(expected, rel=1e-9)


def test_of_equal_rows_one_is_drawn():
    z = np.repeat(codes(30), 10, axis=1)
    mixture = drawn(z, 24)
    assert mixture.mu.shape == (15, 4)
    assert len(np.unique(mixture.mu.round(9), axis=0)) == 15


def test_a_strange_row_is_found_even_where_it_was_drawn():
    z = codes(200)
    z[:, 7] = [60.0, 0.0, 2.0, -9.0]
    for seed in range(5):
        assert drawn(z, 100, seed).energy(z).argmax() == 7
    about = np.concatenate([drawn(z, 100, seed).mu[:, 0] for seed in range(5)])
    assert about.max() == pytest.approx(60.0)


def test_axes_of_the_code_keep_their_proportions_and_the_residual_has_its_own():
    z = codes(4000)
    deviation = drawn(z).deviation
    assert deviation[0] == deviation[1] == deviation[2]
    assert deviation[3] / deviation[0] == pytest.approx(z[3].std() / z[0].std())


def test_the_variance_is_a_fixed_point_of_em():
    z = codes(300)
    mixture = drawn(z, 10)
    others = np.array([row for row in z.T if not (abs(row - mixture.mu) < 1e-9).all(1).any()])
    squared = (((others[None] - mixture.mu[:, None]) / mixture.deviation) ** 2).sum(axis=2)
    gamma = np.exp(-0.5 * squared)
    gamma /= gamma.sum(axis=0)
    assert (gamma * squared).sum() / others.size == pytest.approx(1.0, abs=2e-3)


def test_the_same_generator_draws_the_same_and_another_does_not():
    z = codes()
    np.testing.assert_array_equal(drawn(z, seed=3).mu, drawn(z, seed=3).mu)
    assert (drawn(z, seed=3).mu != drawn(z, seed=4).mu).any()


@pytest.mark.parametrize("n_rows", [1, 2, 3, 9])
def test_a_table_of_a_few_rows_has_as_many_components_as_it_can(n_rows):
    mixture = drawn(codes(n_rows), 24)
    assert len(mixture.mu) == max(1, n_rows // 2)
    assert np.isfinite(mixture.energy(codes(50))).all()


@pytest.mark.parametrize("row", [[0.0, 0.0, 0.0, 0.0], [5.0, -1e6, 1e-9, 3.0]])
def test_rows_that_are_all_the_same_are_no_hazard(row):
    z = np.tile(np.array(row)[:, None], 100)
    mixture = drawn(z, 24)
    assert (mixture.deviation > 0.0).all()
    far = z[:, :1] + 1.0
    assert np.isfinite(mixture.energy(far)).all()
    assert mixture.energy(far) > mixture.energy(z[:, :1])


def test_a_row_that_overflowed_has_the_highest_energy():
    mixture = drawn(codes())
    energy = mixture.energy(np.concatenate([codes(), np.full((4, 1), 1e38)], axis=1))
    assert np.isfinite(energy).all()
    assert energy.argmax() == len(energy) - 1


def test_the_rows_beside_a_row_change_nothing():
    z, mixture = codes(2500), drawn(codes())
    alone = np.concatenate([mixture.energy(z[:, i : i + 1]) for i in range(0, 2500, 100)])
    np.testing.assert_allclose(mixture.energy(z)[::100], alone, rtol=1e-10, atol=1e-10)


def test_a_cluster_of_strange_training_rows_is_given_away():
    # One row in twenty is strange, and all of them lie together: EM gives them a component.
    rng = np.random.default_rng(0)
    strange = np.arange(600) < 30
    z = rng.normal(size=(4, 600))
    z[:, strange] = 0.05 * z[:, strange] + 3.0
    refined, _ = expectation_maximisation(z, 4, 1e-3, rng)
    assert roc_auc_score(strange, refined.energy(z)) < 0.1
    # Where none of them is drawn, which is so with more than half of the seeds.
    each = [roc_auc_score(strange, drawn(z, 12, seed).energy(z)) for seed in range(20)]
    assert np.mean(np.array(each) > 0.99) > 0.5
