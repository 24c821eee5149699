import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle
from dagmm import ArgumentError, DAGMMDetector
from dagmm._core.json_fields import JsonField
from dagmm._core.progress import Progress
from dagmm.data.arrays import MatrixRows
from dagmm.data.base import CHUNK_ROWS
from dagmm.inference.ensemble import TrainedNetwork, energies_of
from dagmm.inference.forward import outputs_of
from dagmm.inference.persistence.components import state_of_ensemble
from dagmm.inference.record import TrainingRecord
from dagmm.mixture.density import DensityConfig
from dagmm.mixture.latent import LatentMixture, estimated_moments
from dagmm.networks.network import Architecture, flatten
from dagmm.preprocessing.sampling import encode_rows, padded_rows
from dagmm.preprocessing.table_fit import fit_table_encoder
from dagmm.training.config import DetectorConfig
from dagmm.training.fit import fit_model
from dagmm.training.network_moments import sample_of
from dagmm.training.prepare import DataConfig
from dagmm.training.trainer import TrainingConfig
from small_fits import normal, tiny_config
from small_tables import ARCHITECTURE, correlated_rows


def small_config(n_rows, shape, candidates=(), n_networks=2, learning_rate=1e-3):
    architecture = Architecture(*shape, (4, 2), "tanh", (4, 2), "tanh", 0.25)
    training = TrainingConfig(min(8, n_rows), 2, 2, learning_rate, 0.1, 0.005)
    mixture = DensityConfig(LatentMixture, {"candidates": candidates, "relative_floor": 1e-6})
    return DetectorConfig((architecture,) * n_networks, training, ((mixture,),) * n_networks)


def fit(values, seed=0, preset=None, **options):
    rows = MatrixRows(np.asarray(values, np.float64))
    preset = preset or partial(small_config, **options)
    return fit_model(rows, DataConfig("standard"), preset, 2, seed, Progress())


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
    sample = sample_of(TrainedNetwork(ARCHITECTURE, parameters), rows)
    z, moments = sample.z, estimated_moments(sample)
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


def test_each_component_has_the_surprisal_of_its_training_energies(fitted):
    model, _ = fitted
    rows = MatrixRows(correlated_rows().astype(np.float64))
    features = model.encoder.encode(rows.chunk(0, rows.n_rows))
    energies = energies_of(model.components, features)
    for component, energy in zip(model.components, energies, strict=True):
        for share in (0.5, 0.2):
            surprisal = component.surprisal(np.quantile(energy, [1.0 - share]))
            assert surprisal[0] == pytest.approx(-np.log(share), rel=0.02)


def test_without_candidates_the_mixture_is_that_of_the_estimation_network(fitted):
    model, _ = fitted
    rows = MatrixRows(correlated_rows().astype(np.float64))
    features = model.encoder.encode(rows.chunk(0, rows.n_rows))
    network = model.networks[0]
    # In float32: whether its rounding shows is measured by the mixture that is fitted before.
    parameters = network.parameters.astype(np.float32)
    z, gamma, _ = outputs_of(network.architecture, parameters, features)
    phi, mu, cov = oracle.moments(z.T.astype(np.float64), gamma.T.astype(np.float64))
    mixture = model.mixture_of(network)
    np.testing.assert_allclose(mixture.phi, phi, rtol=1e-7)  # memberships are float32
    np.testing.assert_allclose(mixture.mu, mu, rtol=1e-7)
    np.testing.assert_allclose(mixture.cov, cov, rtol=1e-3, atol=1e-5)


def test_the_record_is_plain_data_and_tells_the_training(fitted):
    record = fitted[0].record
    plain = json.loads(json.dumps(record.plain(), allow_nan=False))
    assert TrainingRecord.read(JsonField(plain, "record"), 2) == record
    assert record.n_rows == 400
    assert len(record.fingerprint) == 64
    assert [len(history["loss"]) for history in record.histories] == [2, 2]
    assert len(record.diagnostics) == 2
    assert fitted[0].threshold is None


def test_the_same_seed_gives_the_same_model_to_the_bit(fitted):
    model, energy = fit(correlated_rows())
    np.testing.assert_array_equal(energy, fitted[1])
    ours, theirs = (state_of_ensemble(one.components) for one in (model, fitted[0]))
    assert ours.plain == theirs.plain
    for name, array in ours.arrays.items():
        np.testing.assert_array_equal(array, theirs.arrays[name], err_msg=name)
    assert model.record == fitted[0].record


def test_another_seed_gives_another_model_of_the_same_data(fitted):
    model, energy = fit(correlated_rows(), seed=1)
    assert (energy != fitted[1]).any()
    assert model.record.fingerprint == fitted[0].record.fingerprint


def test_other_rows_have_another_fingerprint(fitted):
    model, _ = fit(correlated_rows(seed=1))
    assert model.record.fingerprint != fitted[0].record.fingerprint


def test_a_refined_mixture_is_the_same_for_the_same_seed():
    (one, _), (two, _) = (fit(correlated_rows(), candidates=(1, 2, 4)) for _ in range(2))
    np.testing.assert_array_equal(
        *(model.mixture_of(model.networks[1]).mu for model in (one, two))
    )


def test_the_preset_is_asked_once_for_the_shape():
    asked = []

    def preset(n_rows, shape):
        asked.append((n_rows, shape))
        return small_config(n_rows, shape)

    fit(correlated_rows(), preset=preset)
    assert asked == [(400, (6,))]


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
@pytest.mark.filterwarnings("ignore:.*these look the same to the model:dagmm.TableWarning")
def test_a_fit_survives_degenerate_tables(values, components):
    model, energy = fit(values, candidates=components)
    assert np.isfinite(energy).all()
    values = np.asarray(values, np.float64)
    assert np.isfinite(model.energy(MatrixRows(values))).all()
    strange = MatrixRows(np.full((1, values.shape[1]), -1e9))
    assert np.isfinite(model.energy(strange)).all()
    json.dumps(model.record.plain(), allow_nan=False)


@pytest.mark.parametrize("learning_rate", [1.0, 1e10, 1e20, 1e38])
def test_a_fit_survives_a_learning_rate_far_too_high(learning_rate):
    model, energy = fit(correlated_rows(), learning_rate=learning_rate)
    assert np.isfinite(energy).all()
    assert np.isfinite(model.energy(MatrixRows(np.full((1, 6), 1e9)))).all()
    json.dumps(model.record.plain(), allow_nan=False)


def test_a_network_that_overflows_gives_way_to_the_one_before_training():
    model, _ = fit(correlated_rows(), learning_rate=1e38)
    for one in model.record.diagnostics:
        assert one.reconstruction_after == one.reconstruction_before
        assert set(one.unmoved_arrays) == set(model.networks[0].architecture.shapes())
        assert one.dropped_steps > 0


def test_rows_that_are_all_alike_have_no_surprisal_and_others_have():
    model, energy = fit(np.zeros((20, 3)))
    assert (energy >= 0.0).all()
    assert np.ptp(energy) < 1e-6
    assert model.energy(np.full((1, 3), 9.0))[0] > energy[0] + 1.0


def test_networks_are_those_of_the_config():
    config = small_config(400, (6,))
    one = config.architectures[0]
    two = replace(one, comp_hiddens=(4, 1))
    config = replace(config, architectures=(one, two))
    model, _ = fit(correlated_rows(), preset=lambda *_: config)
    assert [network.architecture for network in model.networks] == [one, two]


# Trimmed rows


def fit_with_anomalies(trim):
    """Fit to 380 usual rows and 20 that lie together; and rank 20 like these among the usual."""
    together = 6.0 + 0.1 * normal(40, 3)
    values = np.concatenate([normal(380, 3, seed=1), together[:20]])
    data = DataConfig("standard", holds_out=True)

    def preset(n_rows, shape):
        return replace(tiny_config(n_rows, shape, 4), trim=trim)

    model, energy = fit_model(MatrixRows(values), data, preset, 4, 0, Progress())
    rank = np.searchsorted(np.sort(energy[:380]), model.energy(together[20:])) / 380
    return model, values, rank.mean()


def farthest_means(model, kind):
    """Of each density of a kind the farthest mean of a component, in deviations of a column."""
    own = [one.density for one in model.components if one.density.kind == kind]
    return [float(np.abs(getattr(one, "mixture", one).mu).max()) for one in own]


def surprisals(model, values):
    """Return each component's kind and its surprisals of rows."""
    features = model.encoder.encode(MatrixRows(values).chunk(0, len(values)))
    energies = energies_of(model.components, features)
    pairs = zip(model.components, energies, strict=True)
    return [(one.density.kind, one.surprisal(energy)) for one, energy in pairs]


@pytest.fixture(scope="module")
def fits():
    """With and without trimming."""
    return fit_with_anomalies(0.2), fit_with_anomalies(0.0)


def test_anomalies_that_lie_together_pass_less_for_usual_where_rows_are_trimmed(fits):
    (trimmed, values, rank), (whole, _, rank_of_whole) = fits
    # They lie at three and a half deviations of a column.
    assert max(farthest_means(trimmed, "input_mixture")) < 1.0
    assert max(farthest_means(whole, "input_mixture")) > 3.0
    for model in (trimmed, whole):
        assert farthest_means(model, "marginal_mixtures") == pytest.approx([3.55], abs=0.01)
    assert rank > rank_of_whole + 0.1
    parts = zip(surprisals(trimmed, values), surprisals(whole, values), strict=True)
    for (kind, of_trimmed), (_, of_whole) in parts:
        if kind == "row_mixture":
            assert of_trimmed[380:].mean() > of_whole[380:].mean()
        elif kind == "input_mixture":
            # What was left out is scored all the same: a fifth has the surprisal of a fifth.
            for found in (of_trimmed, of_whole):
                assert np.mean(found > -np.log(0.2)) == pytest.approx(0.2, abs=0.03)


def test_networks_are_trained_on_what_is_trimmed(fits):
    """So that a training depends on nothing that is only said of densities."""
    (trimmed, _, _), (whole, _, _) = fits
    for one, other in zip(trimmed.networks, whole.networks, strict=True):
        np.testing.assert_array_equal(one.parameters, other.parameters)


def test_images_are_not_trimmed():
    images = np.random.default_rng(0).random((40, 8, 8)).astype(np.float32)
    with pytest.raises(ArgumentError) as error:
        DAGMMDetector(config={"trim": 0.2}).fit(images)
    assert str(error.value) == "config['trim'] is for tables, and these are images."


def test_a_table_that_is_too_large_to_be_held_is_not_trimmed(monkeypatch):
    monkeypatch.setattr("dagmm.preprocessing.sampling.MOST_NUMBERS", 600 * 8)
    with pytest.raises(ArgumentError) as error:
        DAGMMDetector(config={"trim": 0.2}).fit(normal(3000, 3))
    assert str(error.value) == (
        "config['trim'] is for tables that are held in memory, and this one is larger: its "
        "mixtures are of all rows. Fit to a part of the rows, or take out those that are known "
        "to be strange."
    )
