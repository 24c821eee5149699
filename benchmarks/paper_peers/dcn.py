"""Deep clustering network (Yang, Fu, Sidiropoulos and Hong, ICML 2017), for strange rows.

An autoencoder whose codes are made easy for k-means: with M the centres and s_i the cluster of
row i,

    min  sum_i |x_i - g(f(x_i))|^2 + lambda / 2 |f(x_i) - M s_i|^2

It begins with an autoencoder that was pre-trained layer by layer, and k-means on its codes. Then,
for each minibatch, the network takes a gradient step with centres and clusters fixed; rows get the
cluster of the nearest centre; and centres move to the codes of their rows, one row at a time,
with a step of 1 over the rows that a centre has had so far:

    m_k <- m_k - (m_k - f(x_i)) / c_k

which, over the rows of a minibatch, is a running mean.

The paper of DAGMM calls rows strange by the distance of their code to its cluster's centre.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.cluster import KMeans

from dagmm.evaluation.baselines.paper_variants import Autoencoder, Setting
from dagmm.networks.network import Network, flatten
from paper_peers.descent import Plan, minimise

#: Weight of the clusters, the lambda of the objective.
WEIGHT = 0.5
#: Rows that a centre is taken to have had before the joint training, as in the authors' programs.
FIRST_COUNT = 100.0


class Centres(NamedTuple):
    """Centres of the clusters and how many rows each has had."""

    at: jax.Array
    """Shape (n_clusters, n_code)."""
    count: jax.Array
    """Shape (n_clusters,)."""


class ClusteredCode(NamedTuple):
    """A trained network and its centres."""

    model: Autoencoder
    centres: np.ndarray

    def distance(self, x: np.ndarray) -> np.ndarray:
        """Distance of each row's code to the nearest centre."""
        code = self.model.z(x)[:, : self.centres.shape[1]].astype(np.float64)
        gaps = ((code[:, None, :] - self.centres[None]) ** 2).sum(axis=2)
        return np.sqrt(gaps.min(axis=1))


def nearest(centres: jax.Array, code: jax.Array) -> jax.Array:
    """Cluster of each code; codes lie along the last axis."""
    return ((centres[:, :, None] - code[None]) ** 2).sum(axis=1).argmin(axis=0)


def moved(centres: Centres, code: jax.Array) -> Centres:
    """Move centres to the codes nearest to them, each by the running mean of all it has had."""
    cluster = jax.nn.one_hot(nearest(centres.at, code), len(centres.at), axis=0)
    count = centres.count + cluster.sum(axis=1)
    total = centres.at * centres.count[:, None] + cluster @ code.T
    return Centres(total / count[:, None], count)


def joint_loss(
    network: Network, centres: jax.Array, x: jax.Array, weight: float
) -> tuple[jax.Array, jax.Array]:
    """Objective of a minibatch with its clusters fixed, and the codes of its rows."""
    code, x_hat = network.rebuilt(x)
    pull = ((code - centres[nearest(centres, code)].T) ** 2).sum(axis=0)
    loss = ((x - x_hat) ** 2).sum(axis=0) + 0.5 * weight * pull
    return loss.mean(), code


def fit(
    x: np.ndarray,
    seed: int,
    setting: Setting,
    n_clusters: int,
    model: Autoencoder,
    weight: float = WEIGHT,
) -> ClusteredCode:
    """Find clusters of an autoencoder's codes, and train both together.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_features)
    seed : int
    setting : Setting
        Its network, of which the compression part is used, and how it is trained.
    n_clusters : int
    model : Autoencoder
        Where it begins: one that was pre-trained layer by layer, with the same setting.
    weight : float
    """
    n_code = setting.architecture.n_code
    found = KMeans(n_clusters, n_init=10, random_state=seed).fit(model.z(x)[:, :n_code])
    at = jnp.asarray(found.cluster_centers_, jnp.float32)
    start = Centres(at, jnp.full(n_clusters, FIRST_COUNT, jnp.float32))

    def loss(
        network: Network, centres: Centres, rows: jax.Array, key: Any
    ) -> tuple[jax.Array, Centres]:
        value, code = joint_loss(network, centres.at, rows, weight)
        return value, moved(centres, jax.lax.stop_gradient(code))

    training = setting.training
    plan = Plan(training.batch_size, training.n_steps, training.learning_rate)
    network = setting.architecture.unflatten(model.parameters)
    trained, centres = minimise(loss, network, start, x.astype(np.float32), plan, seed)
    return ClusteredCode(
        model._replace(parameters=np.asarray(flatten(trained))), np.asarray(centres.at, np.float64)
    )
