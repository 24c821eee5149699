"""A density that the library has never heard of: one class and one line of a preset.

It is fitted, scored with, saved, loaded, explained by, streamed and exported, and nothing else is
touched.
"""

import re
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest

from dagmm import DAGMMDetector, load_model
from dagmm._core.errors import ExportError
from dagmm._core.progress import Progress
from dagmm._core.states import Promise, State, check_array
from dagmm.data.arrays import MatrixRows
from dagmm.inference.ensemble import energies_of
from dagmm.inference.explain.attribution import explain
from dagmm.inference.export.export import export_onnx
from dagmm.inference.persistence.directory import save_model
from dagmm.inference.streaming import Stream
from dagmm.mixture.density import Density, DensityConfig
from dagmm.training.fit import fit_model
from dagmm.training.prepare import DataConfig
from onnx_models import run_graph
from small_fits import normal, tiny_config


@dataclass(frozen=True)
class Laplace(Density):
    """Coordinates that are independent of each other, each from a Laplace distribution."""

    kind = "laplace"

    median: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, sample, rng, *, floor=1e-3):
        z = sample.z.astype(np.float64)
        median = np.median(z, axis=1)
        return cls(median, np.abs(z - median[:, None]).mean(axis=1) + floor)

    def energy(self, z):
        away = np.abs(z.astype(np.float64) - self.median[:, None]) / self.scale[:, None]
        return (away + np.log(2.0 * self.scale)[:, None]).sum(axis=0)

    @property
    def n_components(self):
        return 1

    def state(self):
        return State({}, {"median": self.median, "scale": self.scale})

    @classmethod
    def from_state(cls, plain, n_latent):
        plain.fields()
        median, scale = f"{plain.path}.median", f"{plain.path}.scale"

        def build(arrays):
            check_array(arrays[scale] > 0.0, scale, "> 0")
            return cls(arrays[median], arrays[scale])

        return Promise(dict.fromkeys((median, scale), ("F64", (n_latent,))), build)


def preset(n_rows, shape, n_members=2):
    """The tiny preset with the new density beside the others: of z, and of the encoded rows."""
    config = tiny_config(n_rows, shape, n_members)
    laplace = DensityConfig(Laplace, {"floor": 1e-2}, 0.25)
    latent = tuple((*densities, laplace) for densities in config.latent_densities)
    return replace(
        config, latent_densities=latent, input_densities=(*config.input_densities, laplace)
    )


@pytest.fixture(scope="module")
def model():
    data = DataConfig("standard", holds_out=True)
    return fit_model(MatrixRows(normal(200)), data, preset, 2, 0, Progress())[0]


def test_it_is_one_of_the_components(model):
    kinds = [one.density.kind for one in model.components]
    assert kinds.count("laplace") == 3
    assert sum(one.weight for one in model.components) == pytest.approx(1.0)
    x = normal(5, seed=1)
    features = model.encoder.encode(MatrixRows(x).chunk(0, 5))
    (of_rows,) = (one for one in model.components[-1:] if one.density.kind == "laplace")
    median = np.median(model.encoder.encode(MatrixRows(normal(200)).chunk(0, 200)), axis=0)
    np.testing.assert_allclose(of_rows.density.median, median, rtol=1e-6)
    np.testing.assert_array_equal(
        energies_of([of_rows], features)[0], of_rows.density.energy(features.T)
    )


def test_it_is_saved_and_loaded(model, tmp_path):
    save_model(tmp_path / "m", model, "DAGMM", {})
    again = load_model(tmp_path / "m").model
    x = normal(50, seed=1)
    np.testing.assert_array_equal(again.energy(x), model.energy(x))


def test_it_counts_in_explanations_and_streams(model):
    x = normal(20, seed=1)
    x[3, 1] = 30.0
    energy = model.energy(x)
    assert energy.argmax() == 3
    explanation = explain(model, x)
    np.testing.assert_allclose(explanation.energy, energy, rtol=1e-9)
    assert explanation.top_features(1)[3, 0] == "x1"
    stream = Stream(model)
    rows = np.concatenate([stream.update(x[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(rows, energy, rtol=1e-9)
    without = tuple(one for one in model.components if one.density.kind != "laplace")
    assert (replace(model, components=without).energy(x) != energy).all()


def test_a_user_may_name_it_too(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", partial(preset))
    detector = DAGMMDetector(n_members=1, config={"densities": ["laplace"]}).fit(normal(60))
    assert {one.density.kind for one in detector.model_.components} == {"laplace"}


def test_slopes_are_found_for_a_density_that_has_no_formula_for_them():
    z = np.array([[1.0, -2.0], [3.0, 0.5]])
    density = Laplace(np.zeros(2), np.array([0.5, 2.0]))
    np.testing.assert_allclose(density.slope(z), [[2.0, -2.0], [0.5, 0.5]], rtol=1e-8)


def test_it_is_exported(model, tmp_path):
    exported = export_onnx(model, tmp_path / "m.onnx")
    assert exported.check.difference < 1e-5
    x = normal(50, seed=1) * 3.0
    found = run_graph(tmp_path / "m.onnx", {f"x{i}": x[:, [i]] for i in range(3)})
    np.testing.assert_allclose(found["energy"], model.energy(x), rtol=1e-5, atol=1e-5)


NEEDS_VALUES = "it needs the values of an array, which a graph does not have yet"


@pytest.mark.parametrize(
    ("energy", "why"),
    [
        (lambda self, z: np.asarray(z), NEEDS_VALUES),
        (lambda self, z: z.std(axis=0), "'Recorded' object has no attribute 'std'"),
    ],
)
def test_an_energy_that_cannot_be_recorded_is_named(model, tmp_path, monkeypatch, energy, why):
    monkeypatch.setattr(Laplace, "energy", energy)
    message = (
        f"the density 'laplace' cannot be exported: in its energy, {why}. Fit a model without "
        "it, or write its energy with functions of NumPy that can."
    )
    with pytest.raises(ExportError, match=f"^{re.escape(message)}$"):
        export_onnx(model, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []
