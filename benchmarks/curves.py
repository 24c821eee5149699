"""Sensors that bend, whose relations no covariance and no distance sees.

Sensors are functions of a few hidden causes, drawn uniformly from [-1, 1], and noise of deviation
0.05; in an anomaly one sensor shows its value of another time. Five worlds: ``sines`` (of mixed
causes), ``products`` (of two causes each), ``saturations`` (steep tanh), ``hysteresis`` (two
branches, between which a hidden switch chooses) and ``regimes`` (of three, each with relations of
its own). AUROC of ``DAGMMDetector`` as it is, of its networks alone and of its densities of
encoded rows alone, of the other methods, and of a plain autoencoder (two layers of 128, Adam from
2e-3 with cosine decay, so many steps) whose residual is whitened with a floor of 1e-4 of its
variance.

    python benchmarks/curves.py --rows 5000 --seeds 2 --out curves.json
"""

import argparse
import time
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from common import ProgressLine, read_json, run_jobs, write_json
from dagmm import DAGMMDetector
from dagmm.data.convert import as_rows
from dagmm.inference.ensemble import Identity, combine, energies_of_all, with_shares
from peers import CLASSICAL, Score, fit_peer

WORLDS = ("sines", "products", "saturations", "hysteresis", "regimes")
N_SENSORS, N_CAUSES, NOISE = 30, 4, 0.05
N_TEST = 4000
DETECTOR, NETWORKS, INPUTS = "DAGMMDetector", "its networks", "its input densities"
AUTOENCODER = "autoencoder"

#: Weight and bias of each layer.
Layers: TypeAlias = list[tuple[jax.Array, jax.Array]]


def clean(world: str, n_rows: int, rng: np.random.Generator, seed: int) -> np.ndarray:
    """Return readings without noise, of one plant for each seed."""
    plant = np.random.default_rng([seed, WORLDS.index(world)])
    causes = rng.uniform(-1.0, 1.0, (n_rows, N_CAUSES))
    mix = plant.normal(size=(N_CAUSES, N_SENSORS))
    phase = plant.uniform(0.0, 2.0 * np.pi, N_SENSORS)
    if world == "sines":
        return np.sin(1.5 * causes @ mix + phase)
    if world == "products":
        one, other = plant.integers(0, N_CAUSES, (2, N_SENSORS))
        return causes[:, one] * causes[:, other] + 0.3 * causes @ mix
    if world == "saturations":
        return np.tanh(3.0 * (causes @ mix) + np.cos(phase))
    if world == "hysteresis":
        branch = rng.choice([-1.0, 1.0], (n_rows, 1))
        return np.tanh(2.0 * causes @ mix + branch * plant.uniform(0.2, 1.0, N_SENSORS))
    regime = rng.integers(0, 3, n_rows)
    mixes = plant.normal(size=(3, N_CAUSES, N_SENSORS))
    shift = plant.normal(size=(3, N_SENSORS))
    return np.einsum("nc,ncs->ns", causes, mixes[regime]) ** 2 * 0.5 + shift[regime]


def rows_of(world: str, n_rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return training rows, test rows and which of these are anomalies."""
    rng = np.random.default_rng(seed)
    x = clean(world, n_rows + N_TEST, rng, seed)
    x += NOISE * rng.normal(size=x.shape)
    train, test = x[:n_rows], x[n_rows:].copy()
    anomaly = np.arange(N_TEST) % 2 == 1
    rows = np.flatnonzero(anomaly)
    sensor = rng.integers(0, N_SENSORS, len(rows))
    test[rows, sensor] = train[rng.integers(0, n_rows, len(rows)), sensor]
    return train, test, anomaly


def autoencoder(x: np.ndarray, seed: int, n_steps: int) -> Score:
    """Train a plain autoencoder; a row's score is the squared length of its whitened residual."""
    scaler = StandardScaler().fit(x)
    rows = jnp.asarray(scaler.transform(x), jnp.float32)
    rng = np.random.default_rng(seed)
    sizes = (rows.shape[1], 128, 128, 8, 128, 128, rows.shape[1])
    start = [
        (rng.uniform(-1.0, 1.0, (i, o)).astype(np.float32) / np.sqrt(np.float32(i)), np.zeros(o))
        for i, o in pairwise(sizes)
    ]
    optimizer = optax.adam(optax.cosine_decay_schedule(2e-3, n_steps))

    def rebuilt(layers: Layers, batch: jax.Array) -> jax.Array:
        for i, (weight, bias) in enumerate(layers):
            batch = batch @ weight + bias
            if i not in (2, 5):  # code and output are linear
                batch = jax.nn.gelu(batch)
        return batch

    @jax.jit
    def trained(layers: Layers) -> Layers:
        def loss(layers: Layers, batch: jax.Array) -> jax.Array:
            return ((rebuilt(layers, batch) - batch) ** 2).mean()

        def step(carry: tuple, key: jax.Array) -> tuple[tuple, None]:
            layers, state = carry
            batch = rows[jax.random.randint(key, (256,), 0, len(rows))]
            updates, state = optimizer.update(jax.grad(loss)(layers, batch), state)
            return (optax.apply_updates(layers, updates), state), None

        keys = jax.random.split(jax.random.key(seed), n_steps)
        (layers, _), _ = jax.lax.scan(step, (layers, optimizer.init(layers)), keys)
        return layers

    layers = trained([tuple(jnp.asarray(part, jnp.float32) for part in one) for one in start])
    residual = jax.jit(lambda some: some - rebuilt(layers, some))
    known = np.asarray(residual(rows), np.float64)
    covariance = np.cov(known.T) + 1e-4 * np.diag(known.var(axis=0))
    whitening = np.linalg.cholesky(np.linalg.inv(covariance))

    def score(some: np.ndarray) -> np.ndarray:
        scaled = jnp.asarray(scaler.transform(some), jnp.float32)
        return ((np.asarray(residual(scaled), np.float64) @ whitening) ** 2).sum(axis=1)

    return score


def one_fit(method: str, world: str, n_rows: int, seed: int, n_steps: int) -> dict[str, float]:
    """Fit one method to one world."""
    x, test, anomaly = rows_of(world, n_rows, seed)
    began = time.perf_counter()
    if method == DETECTOR:
        model = DAGMMDetector(random_state=seed).fit(x).model_
        seconds = time.perf_counter() - began
        features = model.encoder.encode(as_rows(test).chunk(0, len(test)))
        energies = energies_of_all(model.components, features)
        is_input = np.array([isinstance(one.transform, Identity) for one in model.components])
        found = {method: combine(model.components, energies)}
        for name, chosen in ((NETWORKS, ~is_input), (INPUTS, is_input)):
            some = [one for one, wanted in zip(model.components, chosen, strict=True) if wanted]
            if some:
                found[name] = combine(with_shares(some), energies[chosen])
    else:
        fit = autoencoder(x, seed, n_steps) if method == AUTOENCODER else fit_peer(method, x, seed)
        seconds = time.perf_counter() - began
        found = {method: fit(test)}
    auroc = {name: float(roc_auc_score(anomaly, score)) for name, score in found.items()}
    return auroc | {"seconds": seconds}


def main() -> None:
    """Run what is not in the results yet and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=5000, help="training rows")
    parser.add_argument("--steps", type=int, default=5000, help="steps of the autoencoder")
    parser.add_argument("--seeds", type=int, default=2, help="seeds 0, 1, ...: plants")
    parser.add_argument("--out", type=Path, help="JSON file, kept up to date; fits resume")
    parser.add_argument("--processes", type=int, default=1, help="fits at once")
    arguments = parser.parse_args()
    results = read_json(arguments.out, {})
    jobs = [
        (method, world, arguments.rows, seed, arguments.steps)
        for world in WORLDS
        for seed in range(arguments.seeds)
        for method in (DETECTOR, AUTOENCODER, *CLASSICAL)
    ]
    left = [job for job in jobs if " ".join(map(str, job)) not in results]
    progress = ProgressLine(len(left))
    for job, fit in run_jobs(one_fit, left, arguments.processes):
        results[" ".join(map(str, job))] = fit
        write_json(arguments.out, results)
        progress.step(" ".join(map(str, job[:4])))
    names = (DETECTOR, NETWORKS, INPUTS, AUTOENCODER, *CLASSICAL)
    print(f"AUROC, {arguments.rows} training rows, means of {arguments.seeds} plants")
    print(f"{'':<22}" + "".join(f"{world:>13}" for world in WORLDS) + f"{'s a fit':>9}")
    for name in names:
        method = DETECTOR if name in (NETWORKS, INPUTS) else name
        cells, seconds = [], []
        for world in WORLDS:
            fits = [results[" ".join(map(str, job))] for job in jobs if job[:2] == (method, world)]
            cells.append(f"{100 * np.mean([fit[name] for fit in fits]):>13.1f}")
            seconds += [fit["seconds"] for fit in fits]
        print(f"{name:<22}" + "".join(cells) + f"{np.mean(seconds):>9.1f}")


if __name__ == "__main__":
    main()
