import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from dagmm.data.arrays import MatrixRows
from dagmm.inference.ensemble import Component, TrainedNetwork
from dagmm.inference.fitted_model import FittedModel
from dagmm.inference.forward import outputs_of
from dagmm.mixture.gaussian import GaussianMixture
from dagmm.mixture.latent import LatentMixture
from dagmm.preprocessing.table_fit import fit_table_encoder
from dagmm.report.plots.latent import DEVIATIONS, draw_latent, ellipse_of, latent_view, plane_of
from small_tables import ARCHITECTURE, CALIBRATION, RECORD, correlated_rows


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(0)
    parameters = rng.normal(size=sum(np.prod(s) for s in ARCHITECTURE.shapes().values()))
    n = ARCHITECTURE.n_latent
    chol = np.tril(rng.normal(size=(3, n, n))) + 2.0 * np.eye(n)
    mixture = GaussianMixture(np.array([0.5, 0.3, 0.2]), rng.normal(size=(3, n)), chol)
    network = TrainedNetwork(ARCHITECTURE, (0.3 * parameters).astype(np.float32))
    encoder = fit_table_encoder(MatrixRows(correlated_rows().astype(np.float64)))
    component = Component(network, LatentMixture(mixture))
    return FittedModel(encoder, (component,), CALIBRATION, RECORD)


def mixture_of(model):
    return model.mixture_of(model.networks[0])


def test_rows_and_ellipses_are_seen_from_the_same_side(model):
    rows = correlated_rows(n_rows=50)
    z, _, _ = outputs_of(ARCHITECTURE, model.networks[0].parameters, rows)
    view = latent_view(model, 0, rows, np.zeros(50, bool))
    mixture, n_code = mixture_of(model), ARCHITECTURE.n_code
    plane = plane_of(mixture, n_code)
    np.testing.assert_allclose(view.at[:, 1], z[n_code], rtol=1e-6)
    np.testing.assert_allclose(view.at[:, 0], plane[0] @ z, rtol=1e-5)
    for k in range(3):
        np.testing.assert_allclose(view.mu[k], plane @ mixture.mu[k])
        np.testing.assert_allclose(view.cov[k], plane @ mixture.cov[k] @ plane.T)


def test_the_axis_of_the_code_is_the_one_of_most_variance(model):
    mixture, n_code = mixture_of(model), ARCHITECTURE.n_code
    rng = np.random.default_rng(1)
    component = rng.choice(3, 200_000, p=mixture.phi)
    z = mixture.mu[component] + np.einsum(
        "nij,nj->ni", mixture.chol[component], rng.normal(size=(200_000, ARCHITECTURE.n_latent))
    )
    values, vectors = np.linalg.eigh(np.cov(z[:, :n_code].T))
    assert values[-1] > 1.1 * values[-2]
    axis = plane_of(mixture, n_code)[0, :n_code]
    assert abs(axis @ vectors[:, -1]) == pytest.approx(1.0, abs=1e-3)
    assert axis[np.argmax(np.abs(axis))] > 0.0
    assert np.linalg.norm(axis) == pytest.approx(1.0)


def test_an_ellipse_holds_its_share_of_the_rows():
    cov = np.array([[3.0, 1.2], [1.2, 0.8]])
    width, height, angle = ellipse_of(cov)
    rows = np.random.default_rng(0).multivariate_normal([0.0, 0.0], cov, 100_000)
    inside = Ellipse((0.0, 0.0), width, height, angle=angle).contains_points
    assert inside(rows).mean() == pytest.approx(0.99, abs=0.002)
    assert ellipse_of(np.diag([1.0, 4.0]), 1.0) == pytest.approx((4.0, 2.0, 90.0), abs=1e-9) or (
        ellipse_of(np.diag([1.0, 4.0]), 1.0) == pytest.approx((4.0, 2.0, -90.0), abs=1e-9)
    )
    assert pytest.approx(3.035, abs=1e-3) == DEVIATIONS


def test_rows_far_away_are_counted_and_do_not_rule_the_axes(model):
    rows = correlated_rows(n_rows=20)
    view = latent_view(model, 0, rows, np.arange(20) == 3)
    far = view.__class__(
        np.vstack([view.at, [[1e9, 1e9]]]),
        np.append(view.strange, True),
        view.phi,
        view.mu,
        view.cov,
    )
    assert (view.n_beyond, far.n_beyond) == (0, 1)
    assert max(map(abs, (*far.limits()[0], *far.limits()[1]))) < 1e3
    ax = Figure().subplots()
    draw_latent(ax, far)
    assert len(ax.patches) == 6
    assert (ax.get_xlim(), ax.get_ylim()) == far.limits()
    assert latent_view(model, 0, rows[:0], np.zeros(0, bool)).n_beyond == 0
