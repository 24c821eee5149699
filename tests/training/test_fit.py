import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm._core.progress import Progress
from dagmm.data.arrays import MatrixRows
from dagmm.data.base import CHUNK_ROWS
from dagmm.inference.forward import outputs_of
from dagmm.mixture.gaussian import GaussianMixture
from dagmm.networks.network import Architecture, flatten
from dagmm.preprocessing.sampling import encode_rows, padded_rows
from dagmm.preprocessing.table_fit import fit_table_encoder
from dagmm.training.fit import fit_model
from dagmm.training.fit_mixture import latent_moments
from dagmm.training.presets import DetectorConfig
from dagmm.training.trainer import TrainingConfig
from small_tables import ARCHITECTURE, correlated_rows


def small_config(n_rows, n_features, components=(), n_members=2, learning_rate=1e-3):
    architecture = Architecture(n_features, (4, 2), "tanh", (4, 2), "tanh", 0.25)
    plan = TrainingConfig(min(8, n_rows), 2, 2, learning_rate, 0.1, 0.005)
    return DetectorConfig((architecture,) * n_members, plan, components, (1e-6,) * n_members)


def fit(values, seed=0, **options):
    rows = MatrixRows(np.asarray(values, np.float64))
    return fit_model(
        rows, "standard", lambda n, f: small_config(n, f, **options), seed, Progress()
    )


# Padding


def test_few_sizes_are_ever_compiled():
    sizes = sorted({padded_rows(n) for n in range(1, 321)})
    assert sizes == [64, 80, 96, 112, 128, 160, 192, 224, 256, 320]


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.integers(1, 10**7))
def test_padding_holds_all_rows_and_at_most_a_quarter_more(n_rows):
    padded = padded_rows(n_rows)
    assert n_rows <= padded <= max(64, 1.25 * n_rows)
    assert padded_rows(padded) == padded


@pytest.mark.parametrize("n_rows", [1, 2, 64, 65, CHUNK_ROWS + 1])
def test_rows_are_encoded_in_order_and_padded_with_zeros(n_rows):
    values = np.random.default_rng(0).normal(size=(n_rows, 3))
    rows = MatrixRows(values)
    features = encode_rows(rows, fit_table_encoder(rows, "none"))
    assert features.shape == (padded_rows(n_rows), 3)
    np.testing.assert_array_equal(features[:n_rows], values.astype(np.float32))
    np.testing.assert_array_equal(features[n_rows:], 0.0)


# The exact pass over all rows


def test_moments_of_many_chunks_are_those_of_one_pass():
    parameters = flatten(ARCHITECTURE.build(np.random.default_rng(0)))
    rows = correlated_rows(n_rows=2 * CHUNK_ROWS + 100)
    z, moments = latent_moments(ARCHITECTURE, parameters, rows)
    whole_z, gamma, _ = outputs_of(ARCHITECTURE, parameters, rows)
    np.testing.assert_array_equal(z, whole_z)
    gamma, whole_z = gamma.astype(np.float64), whole_z.astype(np.float64)
    for k in range(2):
        expected = np.cov(whole_z, aweights=gamma[k], ddof=0)
        np.testing.assert_allclose(moments.cov[k], expected, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(moments.phi, gamma.sum(axis=1) / gamma.sum(), rtol=1e-10)


# A whole fit


@pytest.fixture(scope="module")
def fitted():
    return fit(correlated_rows())


def test_energies_of_the_training_rows_are_those_of_the_model(fitted):
    model, energy = fitted
    values = correlated_rows().astype(np.float64)
    np.testing.assert_allclose(model.energy(MatrixRows(values)), energy, rtol=1e-9, atol=1e-9)


def test_each_member_has_the_scale_of_its_training_energies(fitted):
    model, _ = fitted
    rows = MatrixRows(correlated_rows().astype(np.float64))
    features = model.encoder.encode(rows.chunk(0, rows.n_rows))
    for member in model.members:
        low, middle, high = np.percentile(member.energy(features), (25, 50, 75))
        assert member.location == pytest.approx(middle, rel=1e-6)
        assert member.spread == pytest.approx(high - low, rel=1e-6)


def test_without_candidates_the_mixture_is_that_of_the_estimation_network(fitted):
    model, _ = fitted
    rows = MatrixRows(correlated_rows().astype(np.float64))
    features = model.encoder.encode(rows.chunk(0, rows.n_rows))
    member = model.members[0]
    _, moments = latent_moments(member.architecture, member.parameters, features)
    expected = GaussianMixture.from_moments(moments, 1e-6)
    np.testing.assert_allclose(member.mixture.phi, expected.phi, rtol=1e-9)
    np.testing.assert_allclose(member.mixture.chol, expected.chol, rtol=1e-7, atol=1e-10)


def test_the_record_is_plain_data_and_tells_the_training(fitted):
    record = fitted[0].record
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["n_rows"] == 400
    assert len(record["fingerprint"]) == 64
    assert [len(history["loss"]) for history in record["histories"]] == [2, 2]
    assert len(record["health"]) == 2
    assert fitted[0].threshold is None


def test_the_same_seed_gives_the_same_model_to_the_bit(fitted):
    model, energy = fit(correlated_rows())
    np.testing.assert_array_equal(energy, fitted[1])
    for one, two in zip(model.members, fitted[0].members, strict=True):
        np.testing.assert_array_equal(one.parameters, two.parameters)
        np.testing.assert_array_equal(one.mixture.chol, two.mixture.chol)
    assert model.record == fitted[0].record


def test_another_seed_gives_another_model_of_the_same_data(fitted):
    model, energy = fit(correlated_rows(), seed=1)
    assert (energy != fitted[1]).any()
    assert model.record["fingerprint"] == fitted[0].record["fingerprint"]


def test_other_rows_have_another_fingerprint(fitted):
    model, _ = fit(correlated_rows(seed=1))
    assert model.record["fingerprint"] != fitted[0].record["fingerprint"]


def test_a_refined_mixture_is_the_same_for_the_same_seed():
    (one, _), (two, _) = (fit(correlated_rows(), components=(1, 2, 4)) for _ in range(2))
    np.testing.assert_array_equal(one.members[1].mixture.mu, two.members[1].mixture.mu)


def test_the_recipe_is_told_rows_and_features():
    asked = []

    def config_of(n_rows, n_features):
        asked.append((n_rows, n_features))
        return small_config(n_rows, n_features)

    rows = MatrixRows(correlated_rows().astype(np.float64))
    fit_model(rows, "standard", config_of, 0, Progress())
    assert asked == [(400, 6)]


TABLES = {
    "two rows": [[0.0, 1.0], [1.0, 0.0]],
    "one row": [[1.0, 2.0]],
    "one column": np.arange(10.0)[:, None],
    "one cell": [[5.0]],
    "zeros": np.zeros((20, 3)),
    "constant": np.full((20, 3), 7.0),
    "duplicates": np.repeat(np.eye(3), 30, axis=0),
    "integers": np.random.default_rng(0).integers(0, 3, (200, 4)),
    "tiny scale": 1e-300 * np.random.default_rng(1).normal(size=(30, 3)),
    "huge scale": 1e300 * np.random.default_rng(1).normal(size=(30, 3)),
    "correlated": np.linspace(-1, 1, 30)[:, None] * [[1.0, 2.0, -3.0]],
    "one far out": np.concatenate([np.random.default_rng(2).normal(size=(50, 3)), [[1e12] * 3]]),
}


@pytest.mark.parametrize("components", [(), (1, 2, 4)], ids=["plain", "refined"])
@pytest.mark.parametrize("values", TABLES.values(), ids=TABLES)
def test_a_fit_survives_degenerate_tables(values, components):
    model, energy = fit(values, components=components)
    assert np.isfinite(energy).all()
    values = np.asarray(values, np.float64)
    assert np.isfinite(model.energy(MatrixRows(values))).all()
    strange = MatrixRows(np.full((1, values.shape[1]), -1e9))
    assert np.isfinite(model.energy(strange)).all()
    json.dumps(model.record, allow_nan=False)


@pytest.mark.parametrize("learning_rate", [1.0, 1e10, 1e20, 1e38])
def test_a_fit_survives_a_learning_rate_far_too_high(learning_rate):
    model, energy = fit(correlated_rows(), learning_rate=learning_rate)
    assert np.isfinite(energy).all()
    assert np.isfinite(model.energy(MatrixRows(np.full((1, 6), 1e9)))).all()
    json.dumps(model.record, allow_nan=False)


def test_a_network_that_overflows_gives_way_to_the_one_before_training():
    model, _ = fit(correlated_rows(), learning_rate=1e38)
    for health in model.record["health"]:
        assert health["reconstruction_after"] == health["reconstruction_before"]
        assert set(health["unmoved_arrays"]) == set(model.members[0].architecture.shapes())
        assert health["dropped_steps"] > 0


def test_the_scale_of_equal_energies_is_one():
    model, _ = fit(np.zeros((20, 3)))
    assert {member.spread for member in model.members} == {1.0}


def test_members_are_those_of_the_recipe():
    rows = MatrixRows(correlated_rows().astype(np.float64))
    recipe = small_config(400, 6)
    one = recipe.architectures[0]
    two = replace(one, comp_hiddens=(4, 1))
    recipe = replace(recipe, architectures=(one, two))
    model, _ = fit_model(rows, "standard", lambda *_: recipe, 0, Progress())
    assert [member.architecture for member in model.members] == [one, two]
