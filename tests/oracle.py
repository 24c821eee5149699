"""DAGMM once more, from the equations of the paper, in float64 and plain loops.

Rows come first here, as in the paper; the library keeps them last. Nothing is shared with the
library but the names of the parameters, so that an error there cannot hide here.
"""

import math

import numpy as np

#: What the library documents as its departures from the paper.
NORM_FLOOR = 1e-3
RELATIVE_FLOOR = 1e-5
ABSOLUTE_FLOOR = 1e-12


def layers_of(parameters, prefix):
    """Weights and biases of one stack of layers, in order."""
    layers = []
    while f"{prefix}.{len(layers)}.weight" in parameters:
        name = f"{prefix}.{len(layers)}"
        weight, bias = parameters[f"{name}.weight"], parameters[f"{name}.bias"]
        layers.append((np.asarray(weight, np.float64), np.asarray(bias, np.float64)))
    return layers


def feed(layers, row, activation=np.tanh):
    """One row through a stack of layers, the last of which is linear."""
    for position, (weight, bias) in enumerate(layers):
        row = np.array([sum(w * v for w, v in zip(line, row, strict=True)) for line in weight])
        row = row + bias
        if position < len(layers) - 1:
            row = activation(row)
    return row


def length(row):
    """Euclidean norm."""
    return math.sqrt(sum(float(value) ** 2 for value in row))


def relative_distance(x, x_hat):
    """``|x - x_hat| / |x|``, where a row is at least ``NORM_FLOOR`` long."""
    return length(x - x_hat) / max(length(x), NORM_FLOOR)


def cosine_similarity(x, x_hat):
    """``x . x_hat / (|x| |x_hat|)``, where a row is at least ``NORM_FLOOR`` long."""
    inner = sum(float(a) * float(b) for a, b in zip(x, x_hat, strict=True))
    return inner / (max(length(x), NORM_FLOOR) * max(length(x_hat), NORM_FLOOR))


def latent(parameters, x):
    """Z = [z_c, z_r] and x_hat of each row (equations 1 to 3)."""
    z, x_hat = [], []
    for row in x:
        code = feed(layers_of(parameters, "compression.encoder"), row)
        rebuilt = feed(layers_of(parameters, "compression.decoder"), code)
        residual = [relative_distance(row, rebuilt), cosine_similarity(row, rebuilt)]
        z.append([*code, *residual])
        x_hat.append(rebuilt)
    return np.array(z), np.array(x_hat)


def softmax(row):
    """``exp(v_k) / sum_j exp(v_j)``."""
    raised = [math.exp(value - max(row)) for value in row]
    return np.array(raised) / sum(raised)


def memberships(parameters, z):
    """Gamma of each row (equation 4), without dropout."""
    layers = layers_of(parameters, "estimation.layers")
    return np.array([softmax(feed(layers, row)) for row in z])


def moments(z, gamma):
    """Phi, mu and cov of each component (equation 5)."""
    n_rows, n_latent = z.shape
    phi, mu, cov = [], [], []
    for k in range(gamma.shape[1]):
        weight = sum(gamma[i, k] for i in range(n_rows))
        centre = sum(gamma[i, k] * z[i] for i in range(n_rows)) / weight
        spread = np.zeros((n_latent, n_latent))
        for i in range(n_rows):
            spread += gamma[i, k] * np.outer(z[i] - centre, z[i] - centre)
        phi.append(weight / n_rows)
        mu.append(centre)
        cov.append(spread / weight)
    return np.array(phi), np.array(mu), np.array(cov)


def floor_of(z):
    """What the library adds to the diagonal of each covariance."""
    return RELATIVE_FLOOR * z.var(axis=0) + ABSOLUTE_FLOOR


def energies(z, phi, mu, cov):
    """``-log sum_k phi_k exp(-(z - mu)' inv(cov) (z - mu) / 2) / sqrt(|2 pi cov|)`` (eq. 6)."""
    result = []
    for row in z:
        density = 0.0
        for weight, centre, spread in zip(phi, mu, cov, strict=True):
            gap = row - centre
            exponent = -0.5 * gap @ np.linalg.inv(spread) @ gap
            density += weight * math.exp(exponent) / math.sqrt(np.linalg.det(2 * np.pi * spread))
        result.append(-math.log(density))
    return np.array(result)


def objective(parameters, x, lambda1, lambda2, floor=None):
    """Loss and its three terms (equation 7); the floor is the rows' own if none is given."""
    z, x_hat = latent(parameters, x)
    phi, mu, cov = moments(z, memberships(parameters, z))
    cov = cov + np.diag(floor_of(z) if floor is None else floor)
    n_rows = len(x)
    reconstruction = sum(length(a - b) ** 2 for a, b in zip(x, x_hat, strict=True)) / n_rows
    energy = sum(energies(z, phi, mu, cov)) / n_rows
    penalty = sum(1.0 / spread[j, j] for spread in cov for j in range(len(spread)))
    loss = reconstruction + lambda1 * energy + lambda2 * penalty
    return loss, (reconstruction, energy, penalty)
