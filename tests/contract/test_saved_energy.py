"""A default detector's energies, recomputed in float64 NumPy from what it saved, and nothing else.

The manifest and the arrays are read as any other program would read them; none of the library's
formulas is used, so that an error there cannot hide here.
"""

import json
import math

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
from scipy.linalg import solve_triangular
from scipy.special import logsumexp
from scipy.stats import norm

from dagmm import DAGMMDetector

#: What is documented of the encoder.
TRUSTED = 6.0


def table(n_rows, seed):
    """Numbers that hang together, one of them with holes, and a text."""
    rng = np.random.default_rng(seed)
    load = rng.normal(size=n_rows)
    frame = pd.DataFrame(
        {
            "flow": 40.0 + 6.0 * load + rng.normal(size=n_rows),
            "power": 1e4 * np.exp(0.3 * load),
            "wear": rng.gamma(2.0, size=n_rows),
            "tool": rng.choice(["drill", "mill", "saw"], n_rows, p=[0.6, 0.3, 0.1]),
        }
    )
    frame.loc[rng.random(n_rows) < 0.1, "wear"] = np.nan
    return frame


class Oracle:
    """Energies from a directory with a manifest and arrays."""

    def __init__(self, directory):
        self.manifest = json.loads((directory / "manifest.json").read_text("utf-8"))
        arrays = safetensors.numpy.load_file(directory / self.manifest["arrays"])
        self.arrays = {name: array.astype(np.float64) for name, array in arrays.items()}

    def encode(self, frame):
        plain, arrays = self.manifest["encoder"], self.arrays
        values = frame[plain["numbers"]].to_numpy(np.float64)
        numbers = values * 2.0 ** -arrays["encoder.exponent"] - arrays["encoder.centre"]
        numbers = numbers / arrays["encoder.scale"]
        holes = np.isnan(values)
        mean, spread = arrays["encoder.mean"], arrays["encoder.spread"]
        correlation = arrays["encoder.correlation"]
        for row, hole in zip(numbers, holes, strict=True):
            if hole.any():
                known = np.clip((row[~hole] - mean[~hole]) / spread[~hole], -TRUSTED, TRUSTED)
                weights = np.linalg.solve(
                    correlation[np.ix_(~hole, ~hole)], correlation[np.ix_(~hole, hole)]
                )
                row[hole] = mean[hole] + spread[hole] * (known @ weights)
        never = np.array([name not in plain["masks"] for name in plain["numbers"]])
        numbers += holes * never * plain["lost"] * spread
        parts = [numbers]
        for i, text in enumerate(plain["texts"]):
            codes = [
                text["categories"].index(value)
                if value in text["categories"]
                else len(text["categories"])
                for value in frame[text["name"]]
            ]
            one_hot = np.eye(len(text["categories"]) + 1)[codes]
            parts.append(one_hot - arrays[f"encoder.texts.{i}.centre"])
        masked = holes[:, [plain["numbers"].index(name) for name in plain["masks"]]]
        parts.append((masked - arrays["encoder.masks.centre"]) / arrays["encoder.masks.scale"])
        return np.concatenate(parts, axis=1)

    def seen_as(self, view, x):
        """Rows as they are, or the normal scores of each feature by the line through its knots."""
        if view is None:
            return x
        value, score = (self.arrays[f"views.{view}.view.{part}"] for part in ("value", "score"))
        scores = np.empty_like(x)
        for j, column in enumerate(x.T):
            at, to = value[:, j], score[:, j]
            slope = (to[-1] - to[0]) / (at[-1] - at[0]) if at[-1] > at[0] else 1.0
            inside = np.clip(column, at[0], at[-1])
            scores[:, j] = np.interp(inside, at, to) + slope * (column - inside)
        return scores

    def whole_row(self, network, x):
        """Code and residual of each feature."""
        x = self.seen_as(self.manifest["networks"][network]["view"], x)
        code = self._feed(f"networks.{network}.compression.encoder", x)
        x_hat = self._feed(f"networks.{network}.compression.decoder", code)
        return np.concatenate([code, x - x_hat], axis=1)

    def _feed(self, prefix, x):
        n_layers = sum(name.startswith(f"{prefix}.") for name in self.arrays) // 2
        for i in range(n_layers):
            x = x @ self.arrays[f"{prefix}.{i}.weight"].T + self.arrays[f"{prefix}.{i}.bias"]
            if i < n_layers - 1:
                x = gelu(x)
        return x

    def energy(self, x, whole_rows):
        """Mean surprisal of the energies of all components, given what each network sees."""
        energy = 0.0
        for i, one in enumerate(self.manifest["components"]):
            network = one["network"]
            seen = self.seen_as(one["view"], x) if network is None else whole_rows[network]
            own = {
                name: self.arrays[f"components.{i}.density.{name}"]
                for name in ("phi", "mu", "chol", "deviation")
                if f"components.{i}.density.{name}" in self.arrays
            }
            found = DENSITIES[one["kind"]](seen, **own)
            known = self.arrays[f"components.{i}.surprisal.energy"]
            surprisal = self.arrays[f"components.{i}.surprisal.surprisal"]
            beyond = np.maximum(found - known[-1], 0.0) / one["surprisal"]["excess"]
            energy += one["weight"] * (np.interp(found, known, surprisal) + beyond)
        return energy


def gelu(x):
    """Hendrycks and Gimpel (2016), by their formula with tanh."""
    return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))


def gaussian_mixture(z, phi, mu, chol):
    joint = []
    for weight, centre, root in zip(phi, mu, chol, strict=True):
        whitened = solve_triangular(root, (z - centre).T, lower=True)
        log_det = np.log(np.diag(root)).sum()
        constant = math.log(weight) - log_det - 0.5 * len(root) * math.log(2.0 * math.pi)
        joint.append(constant - 0.5 * (whitened**2).sum(axis=0))
    return -logsumexp(joint, axis=0)


def marginal_mixtures(z, phi, mu, deviation):
    log_phi = np.log(np.maximum(phi, 1e-300))[:, None]
    joint = log_phi + norm.logpdf(z[None], mu[:, None], deviation[:, None])
    return -logsumexp(joint, axis=0).sum(axis=1)


DENSITIES = {
    "row_mixture": gaussian_mixture,
    "input_mixture": gaussian_mixture,
    "marginal_mixtures": marginal_mixtures,
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    directory = tmp_path_factory.mktemp("saved") / "model"
    detector = DAGMMDetector().fit(table(900, seed=0))
    detector.save(directory)
    return detector, Oracle(directory)


@pytest.fixture(scope="module")
def rows():
    frame = table(200, seed=1)
    frame.loc[::9, "flow"] += 30.0
    frame.loc[5, "power"] = np.nan  # of a column that never failed in training
    frame.loc[7, "tool"] = "lathe"
    return frame


def test_the_energy_is_that_of_the_saved_arrays(saved, rows):
    detector, oracle = saved
    x = oracle.encode(rows)
    # Networks run in float32: what they see, from the library's, is compared apart below.
    seen = x.astype(np.float32)
    whole_rows = [network.seen(seen).T.astype(np.float64) for network in detector.model_.networks]
    expected = oracle.energy(seen.astype(np.float64), whole_rows)
    np.testing.assert_allclose(detector.energy(rows), expected, rtol=1e-6, atol=1e-6)


def test_what_is_seen_is_that_of_the_saved_networks(saved, rows):
    detector, oracle = saved
    x = oracle.encode(rows)
    for i, network in enumerate(detector.model_.networks):
        seen = network.seen(x.astype(np.float32)).T
        np.testing.assert_allclose(seen, oracle.whole_row(i, x), rtol=5e-5, atol=5e-5)


def test_in_float64_throughout_the_energy_is_the_same_but_for_rounding(saved, rows):
    detector, oracle = saved
    x = oracle.encode(rows)
    expected = oracle.energy(x, [oracle.whole_row(i, x) for i in range(4)])
    np.testing.assert_allclose(detector.energy(rows), expected, rtol=1e-3, atol=1e-3)
