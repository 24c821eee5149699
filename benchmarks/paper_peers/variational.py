"""DAGMM-NVI, the variational variant (Zong et al., ICLR 2018; Mnih and Gregor, ICML 2014).

The estimation network's memberships are an inference network Q(k | z). In the objective the
sample energy E(z) = -log p(z) gives way to its variational upper bound, minus the evidence lower
bound,

    E(z) <= -sum_k Q(k | z) log( p(z, k) / Q(k | z) ) = E(z) + KL( Q(. | z) || p(. | z) )

with p(z, k) = phi_k N(z; mu_k, cov_k). Over so few components the expectation is summed, not
sampled. All else is DAGMM's: network, dropout, phi, mu and cov from the memberships (equation 5),
the penalty, and the sample energy (equation 6) as what calls a row strange.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from dagmm._core import traced
from dagmm._core.numerics import TINY, sum_of_features
from dagmm.evaluation.baselines.paper_variants import Setting, energy_of, with_mixture
from dagmm.inference.ensemble import TrainedNetwork
from dagmm.mixture.gaussian import log_joint
from dagmm.mixture.moments import Moments
from dagmm.networks.network import Network, flatten
from dagmm.training.minibatch import NO_PADDING
from paper_peers.descent import Plan, minimise


def upper_bound(
    z: jax.Array, gamma: jax.Array, phi: jax.Array, mu: jax.Array, chol: jax.Array
) -> jax.Array:
    """Variational upper bound of each row's energy, in nats; rows lie along the last axis."""
    log_gamma = jnp.log(jnp.maximum(gamma, TINY))
    return (gamma * (log_gamma - log_joint(z, phi, mu, chol))).sum(axis=0)


def objective(
    network: Network, x: jax.Array, lambda1: float, lambda2: float, seed: jax.Array | None
) -> jax.Array:
    """DAGMM's objective (equation 7) with the bound in place of the energy."""
    z, x_hat = network.latent(x)
    gamma = network.gamma(z, seed=seed)
    moments = Moments.of(z, gamma)
    cov = NO_PADDING.covariances(moments)
    bound = upper_bound(z, gamma, moments.phi, moments.mu, traced.cholesky(cov)).mean()
    error = sum_of_features((x - x_hat) ** 2).mean()
    return error + lambda1 * bound + lambda2 * NO_PADDING.penalty(cov)


def dagmm_nvi(x: np.ndarray, seed: int, setting: Setting) -> Callable[[np.ndarray], np.ndarray]:
    """Energy, both networks trained for the variational bound."""
    training, architecture = setting.training, setting.architecture
    network = architecture.build(np.random.default_rng(seed))

    def loss(
        network: Network, state: None, rows: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, None]:
        dropped = jax.random.bits(key, (2,), jnp.uint32)
        return objective(network, rows, training.lambda1, training.lambda2, dropped), state

    plan = Plan(training.batch_size, training.n_steps, training.learning_rate)
    trained, _ = minimise(loss, network, None, x.astype(np.float32), plan, seed)
    parameters = np.asarray(flatten(trained))
    component = with_mixture(TrainedNetwork(architecture, parameters), x, seed, setting)
    return energy_of(component)
