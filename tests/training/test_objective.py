from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import oracle
from dagmm.networks.dropout import seed_of
from dagmm.networks.network import Architecture, flatten
from dagmm.training.objective import objective

ARCHITECTURE = Architecture(4, (5, 2), "tanh", (6, 3), "tanh", 0.5)
LAMBDA1, LAMBDA2 = 0.1, 0.005


def drawn(seed=0, architecture=ARCHITECTURE):
    parameters = flatten(architecture.build(np.random.default_rng(seed)))
    # Biases begin at zero; here they count.
    noise = np.random.default_rng(seed + 1).normal(0.0, 0.1, parameters.shape)
    return parameters + noise.astype(np.float32)


def rows(n_rows=16, seed=2):
    return np.random.default_rng(seed).normal(size=(n_rows, 4)).astype(np.float32)


def a_seed(number):
    return seed_of(np.random.SeedSequence(number))


def loss_of(vector, x, seed, architecture):
    return objective(architecture.unflatten(vector), x, LAMBDA1, LAMBDA2, seed)


compiled = jax.jit(jax.value_and_grad(loss_of, has_aux=True), static_argnames="architecture")


def value_and_gradient(parameters, x, architecture=ARCHITECTURE, seed=None):
    return compiled(jnp.asarray(parameters), jnp.asarray(x.T), seed, architecture=architecture)


def test_the_loss_and_its_terms_are_equation_7():
    parameters, x = drawn(), rows()
    (loss, terms), _ = value_and_gradient(parameters, x)
    expected, parts = oracle.objective(ARCHITECTURE.named(parameters), x, LAMBDA1, LAMBDA2)
    assert float(loss) == pytest.approx(expected, rel=1e-4)
    for name, part in zip(("reconstruction", "energy", "penalty"), parts, strict=True):
        assert float(getattr(terms, name)) == pytest.approx(part, rel=1e-4), name


def test_the_mixture_it_reports_is_equation_5_with_the_floor():
    parameters, x = drawn(), rows()
    (_, terms), _ = value_and_gradient(parameters, x)
    named = ARCHITECTURE.named(parameters)
    z, _ = oracle.latent(named, x)
    phi, _, cov = oracle.moments(z, oracle.memberships(named, z))
    np.testing.assert_allclose(terms.phi, phi, rtol=1e-4)
    cov = cov + np.diag(oracle.floor_of(z))
    np.testing.assert_allclose(terms.cov, cov, rtol=1e-3, atol=1e-5)


def test_in_double_precision_it_agrees_to_ten_digits():
    parameters, x = drawn().astype(np.float64), rows().astype(np.float64)
    with jax.enable_x64(True):
        (loss, _), _ = value_and_gradient(parameters, x)
    expected, _ = oracle.objective(ARCHITECTURE.named(parameters), x, LAMBDA1, LAMBDA2)
    assert float(loss) == pytest.approx(expected, rel=1e-10)


def test_its_gradient_is_that_of_finite_differences():
    parameters, x = drawn().astype(np.float64), rows().astype(np.float64)
    with jax.enable_x64(True):
        gradient = np.asarray(value_and_gradient(parameters, x)[1])
    # The floor does not take part in the gradient.
    floor = oracle.floor_of(oracle.latent(ARCHITECTURE.named(parameters), x)[0])
    step = 1e-6

    def loss(vector):
        return oracle.objective(ARCHITECTURE.named(vector), x, LAMBDA1, LAMBDA2, floor)[0]

    # Rounding costs about 1e-15 / 1e-6 of the loss, truncation 1e-12: eight digits remain.
    scale = np.abs(gradient).max()
    chosen = np.random.default_rng(3).choice(gradient.size, 25, replace=False)
    for i in chosen:
        move = step * np.eye(gradient.size)[i]
        difference = (loss(parameters + move) - loss(parameters - move)) / (2.0 * step)
        assert gradient[i] == pytest.approx(difference, rel=1e-6, abs=1e-7 * scale)


def test_every_array_has_a_gradient():
    _, gradient = value_and_gradient(drawn(), rows())
    for name, part in ARCHITECTURE.named(gradient).items():
        assert (np.asarray(part) != 0.0).any(), name


def test_every_array_has_a_gradient_at_a_fresh_network_under_dropout():
    fresh = flatten(ARCHITECTURE.build(np.random.default_rng(4)))
    _, gradient = value_and_gradient(fresh, rows(), seed=a_seed(0))
    for name, part in ARCHITECTURE.named(gradient).items():
        assert (np.asarray(part) != 0.0).any(), name


def test_the_seed_is_that_of_the_dropout():
    parameters, x = drawn(), rows()
    losses = [
        float(value_and_gradient(parameters, x, seed=seed)[0][0])
        for seed in (None, a_seed(0), a_seed(0), a_seed(1))
    ]
    assert losses[1] == losses[2]
    assert len(set(losses)) == 3


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((16, 4), np.float32),
        np.ones((16, 4), np.float32),
        np.repeat(np.eye(4, dtype=np.float32)[:2], 8, axis=0),
        np.linspace(-3, 3, 16, dtype=np.float32)[:, None] * np.ones((1, 4), np.float32),
        1e6 * rows(),
        np.concatenate([rows(15), np.full((1, 4), 1e6, np.float32)]),
        rows(1),
    ],
    ids=["zeros", "constant", "two points", "correlated", "large", "one far out", "one row"],
)
def test_value_and_gradient_are_finite_on_degenerate_rows(x):
    fresh = flatten(ARCHITECTURE.build(np.random.default_rng(5)))
    (loss, terms), gradient = value_and_gradient(fresh, x)
    assert np.isfinite(loss)
    assert all(np.isfinite(term).all() for term in terms)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("bias", [-25.0, -33.0, -42.0, -50.0, -95.0, -200.0])
def test_value_and_gradient_are_finite_where_a_component_is_empty(bias):
    network = ARCHITECTURE.build(np.random.default_rng(6))
    last = network.estimation.layers[-1]
    object.__setattr__(last, "bias", np.array([bias, 0.0, 0.0], np.float32))
    (loss, terms), gradient = value_and_gradient(flatten(network), rows())
    assert float(terms.phi[0]) < 1e-8
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()


def test_value_and_gradient_are_finite_at_a_perfect_reconstruction():
    # A linear network whose decoder undoes its encoder exactly.
    architecture = Architecture(2, (2,), "linear", (3, 2), "tanh", 0.0)
    network = architecture.build(np.random.default_rng(7))
    for layer in (network.compression.encoder[0], network.compression.decoder[0]):
        object.__setattr__(layer, "weight", np.eye(2, dtype=np.float32))
    (loss, terms), gradient = value_and_gradient(flatten(network), rows()[:, :2], architecture)
    assert float(terms.reconstruction) == 0.0
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()


def test_the_weights_weigh_the_terms():
    network = ARCHITECTURE.unflatten(jnp.asarray(drawn()))
    loss = partial(objective, network, jnp.asarray(rows().T))
    plain, terms = loss(0.0, 0.0)
    assert float(plain) == pytest.approx(float(terms.reconstruction), rel=1e-6)
    with_energy = float(loss(2.0, 0.0)[0] - plain)
    assert with_energy == pytest.approx(2.0 * float(terms.energy), rel=1e-4)
    with_penalty = float(loss(0.0, 0.5)[0] - plain)
    assert with_penalty == pytest.approx(0.5 * float(terms.penalty), rel=1e-4)


def test_without_the_reconstruction_error_the_loss_is_what_else_is_in_equation_7():
    parameters, x = drawn(), rows()
    _, (_, energy, penalty) = oracle.objective(ARCHITECTURE.named(parameters), x, 0.0, 0.0)
    network = ARCHITECTURE.unflatten(jnp.asarray(parameters))
    loss, _ = objective(network, jnp.asarray(x.T), LAMBDA1, LAMBDA2, reconstruction_weight=0.0)
    assert float(loss) == pytest.approx(LAMBDA1 * energy + LAMBDA2 * penalty, rel=1e-4)


def masked_loss(parameters, x, mask_ratio, seed):
    network = ARCHITECTURE.unflatten(jnp.asarray(parameters))
    return objective(
        network, jnp.asarray(x.T), LAMBDA1, LAMBDA2, a_seed(seed), mask_ratio=mask_ratio
    )[1]


def test_hidden_features_make_the_reconstruction_harder_and_leave_the_codes_alone():
    parameters, x = drawn(), 3.0 * rows(64)
    whole = [masked_loss(parameters, x, 0.0, seed) for seed in range(3)]
    hidden = [masked_loss(parameters, x, 0.6, seed) for seed in range(3)]
    named = ARCHITECTURE.named(parameters)
    z, x_hat = oracle.latent(named, x)
    error = ((x - x_hat) ** 2).sum(axis=1).mean()
    for terms in whole:
        assert float(terms.reconstruction) == pytest.approx(error, rel=1e-4)
    assert len({float(terms.reconstruction) for terms in hidden}) == 3
    # The energy's mixture is that of whole rows: its overall variance does not depend on the mask.
    variance = np.diag(np.cov(z.T, bias=True))
    for terms in (*whole, *hidden):
        within = np.einsum("k,kjj->j", np.asarray(terms.phi), np.asarray(terms.cov))
        assert (within <= 1.01 * variance + 1e-4).all()


def test_where_all_but_the_bias_is_hidden_a_row_is_rebuilt_from_nothing():
    parameters, x = drawn(), rows(64)
    terms = masked_loss(parameters, x, 1.0 - 1e-7, 0)
    _, of_zeros = oracle.latent(ARCHITECTURE.named(parameters), np.zeros_like(x))
    expected = ((x - of_zeros) ** 2).sum(axis=1).mean()
    assert float(terms.reconstruction) == pytest.approx(expected, rel=1e-4)
