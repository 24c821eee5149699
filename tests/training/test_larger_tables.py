"""Fits of tables that are too large to be held: from files, Arrow datasets and memory."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.dataset as arrow_dataset
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from dagmm import DAGMMDetector
from dagmm._core.digests import fingerprint_of
from dagmm._core.errors import InputError
from dagmm.data.base import CHUNK_ROWS
from dagmm.data.convert import as_rows
from dagmm.data.files import csv, csv_spool
from dagmm.data.paths import stored_rows
from dagmm.inference.persistence.components import state_of_ensemble
from dagmm.mixture.density import DensityConfig
from dagmm.mixture.latent import LatentMixture
from dagmm.preprocessing import sampling
from dagmm.preprocessing.sampling import encode_rows
from dagmm.training import out_of_core
from dagmm.training.config import DetectorConfig
from dagmm.training.network_moments import sample_of
from dagmm.training.trainer import TrainingConfig
from small_fits import tiny_config, tiny_dagmm, tiny_detector
from small_tables import broken_rows, correlated_rows

N_ROWS = CHUNK_ROWS + 1500
#: Of so few rows drawn none can be held out.
pytestmark = pytest.mark.filterwarnings("ignore::dagmm._core.errors.FewRowsWarning")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)


@pytest.fixture
def bounded(monkeypatch):
    """Hold no more than 600 rows of seven numbers."""
    monkeypatch.setattr(sampling, "MOST_NUMBERS", 600 * 8)


def table(n_rows=N_ROWS, seed=0):
    rng = np.random.default_rng(seed)
    load = rng.normal(size=n_rows)
    holes = rng.random(n_rows) < 0.01
    return pa.table(
        {
            "temp": pa.array(load + 0.1 * rng.normal(size=n_rows), mask=holes),
            "torque": -load + 0.1 * rng.normal(size=n_rows),
            "count": rng.integers(0, 50, n_rows),
            "on": rng.random(n_rows) < 0.5,
            "tool": np.where(load > 0, "drill", "mill"),
        }
    )


def all_forms(tmp_path):
    """Return the same table in all the forms that it can come in."""
    whole = table()
    folder = tmp_path / "folder"
    folder.mkdir()
    pq.write_table(whole, tmp_path / "t.parquet", row_group_size=3000)
    pq.write_table(whole.slice(0, 1234), folder / "part-0.parquet")
    pq.write_table(whole.slice(1234), folder / "part-1.parquet", row_group_size=777)
    arrow_csv.write_csv(whole, tmp_path / "t.csv")
    return {
        "Arrow": whole,
        "pandas": whole.to_pandas(),
        "path": tmp_path / "t.parquet",
        "text": str(tmp_path / "t.parquet"),
        "folder": folder,
        "dataset": arrow_dataset.dataset(folder),
        "CSV": str(tmp_path / "t.csv"),
    }


def same(one, two):
    assert one.record == two.record
    assert one.decision == two.decision
    assert [a.weight for a in one.components] == [b.weight for b in two.components]
    ours, theirs = (state_of_ensemble(model.components).arrays for model in (one, two))
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)


# One table, one model


@pytest.mark.parametrize("make", [tiny_dagmm, tiny_detector], ids=["DAGMM", "DAGMMDetector"])
@pytest.mark.parametrize("is_large", [False, True], ids=["held", "drawn"])
def test_all_forms_of_a_table_give_one_model_and_one_energy(monkeypatch, tmp_path, make, is_large):
    if is_large:
        monkeypatch.setattr(sampling, "MOST_NUMBERS", 600 * 8)
    monkeypatch.setattr(csv_spool, "HELD_BYTES", 10_000)
    monkeypatch.setattr(csv, "BLOCK_BYTES", 50_000)
    forms = all_forms(tmp_path)
    first = make().fit(forms["Arrow"])
    assert first.model_.record.n_rows == N_ROWS
    assert (first.model_.record.drawn_rows is not None) == is_large
    energy = first.model_.energy(forms["Arrow"])
    assert energy.shape == (N_ROWS,)
    for form in list(forms.values())[1:]:
        other = make().fit(form)
        same(other.model_, first.model_)
        assert other.n_features_in_ == 5
        assert other.feature_names_in_.tolist() == forms["Arrow"].column_names
        np.testing.assert_array_equal(first.model_.energy(form), energy)


def test_every_method_takes_a_path(tmp_path):
    forms = all_forms(tmp_path)
    detector = tiny_detector().fit(forms["path"])
    for name in (
        *("energy", "energy_deviation", "score_samples", "decision_function"),
        *("predict", "p_value"),
    ):
        method = getattr(detector, name)
        np.testing.assert_array_equal(method(forms["path"]), method(forms["Arrow"]))
    scores = detector.score_table(forms["folder"])
    np.testing.assert_array_equal(scores["energy"], detector.energy(forms["Arrow"]))
    pq.write_table(table(20, seed=1), tmp_path / "few.parquet")
    reasons = [detector.explain(x) for x in (table(20, seed=1), tmp_path / "few.parquet")]
    np.testing.assert_array_equal(*(one.contribution for one in reasons))
    one, two = (tiny_detector().fit(forms["path"]).calibrate(forms[x]) for x in ("path", "Arrow"))
    assert one.p_value(table(5)).tolist() == two.p_value(table(5)).tolist()
    np.testing.assert_array_equal(
        tiny_detector().fit_predict(forms["text"]), detector.predict(forms["Arrow"])
    )


def test_windows_are_read_whole_from_a_path(monkeypatch, tmp_path, bounded):
    from small_fits import tiny_window_config

    monkeypatch.setattr("dagmm.estimators.detector.window_config", tiny_window_config)
    timed = table(500).append_column("time", pa.array(np.arange(500)))
    pq.write_table(timed, tmp_path / "t.parquet")
    one, two = (
        tiny_detector(time="time", window=4).fit(x) for x in (timed, tmp_path / "t.parquet")
    )
    np.testing.assert_array_equal(one.energy(timed), two.energy(tmp_path / "t.parquet"))


# What is drawn


@pytest.mark.usefixtures("bounded")
def test_the_mixture_is_that_of_all_rows_and_the_sample_that_of_the_energies():
    whole = table()
    model = tiny_dagmm().fit(whole).model_
    assert model.record.drawn_rows == sampling.most_rows(model.encoder.n_features)
    features = encode_rows(as_rows(whole), model.encoder)[:N_ROWS]
    (network,) = model.networks
    mixture = model.mixture_of(network)
    # In float32: whether its rounding shows is measured by the mixture that is fitted before.
    network = replace(network, parameters=network.parameters.astype(np.float32))
    expected = LatentMixture.fit(sample_of(network, features), np.random.default_rng(0)).mixture
    for part in ("phi", "mu", "chol"):
        np.testing.assert_allclose(
            getattr(mixture, part), getattr(expected, part), rtol=1e-9, atol=1e-12
        )
    kept = model.calibration.training
    assert kept.n_rows == model.record.drawn_rows
    # Energies of rows drawn at random are like those of all.
    energy = model.energy(whole)
    assert np.isin(kept.energy.round(6), energy.round(6)).all()
    share = (energy[:, None] < np.median(kept.energy)).mean()
    assert share == pytest.approx(0.5, abs=0.08)


def test_a_large_table_has_the_fingerprint_of_all_its_rows(bounded):
    whole = table()
    model = tiny_dagmm().fit(whole).model_
    features = encode_rows(as_rows(whole), model.encoder)[:N_ROWS]
    assert model.record.fingerprint == fingerprint_of(tuple(whole.column_names), features)


def test_rows_held_out_are_seen_by_no_mixture(monkeypatch):
    # Each row that is held out lies far away: a mixture that saw one would reach there.
    monkeypatch.setattr(sampling, "MOST_NUMBERS", 6000 * 8)
    exact, real = [], out_of_core.exact_moments

    def listen(rows, encoder, left_out, *rest):
        exact.append(left_out)
        return real(rows, encoder, left_out, *rest)

    monkeypatch.setattr(out_of_core, "exact_moments", listen)
    model = tiny_detector().fit(table()).model_
    n_drawn, n_held_out = model.record.drawn_rows, model.record.held_out_rows
    assert n_held_out == len(exact[0]) == n_drawn // 10
    assert model.calibration.held_out.n_rows == n_held_out
    expected = np.sort(model.energy(table())[exact[0]])
    np.testing.assert_allclose(model.calibration.held_out.energy, expected, rtol=1e-9, atol=1e-9)


def test_the_threshold_is_exceeded_by_the_share_that_was_asked_for(bounded):
    detector = tiny_detector(contamination=0.1).fit(table())
    assert (detector.predict(table()) == -1).mean() == pytest.approx(0.1, abs=0.04)


def test_a_network_that_overflows_gives_way_to_the_one_before_training(bounded):
    model = tiny_dagmm(learning_rate=1e38).fit(table()).model_
    assert np.isfinite(model.energy(table())).all()
    assert model.record.diagnostics[0].undone


def test_a_row_that_overflows_undoes_the_training_though_it_was_not_drawn(monkeypatch, bounded):
    real, calls = out_of_core.exact_moments, []

    def overflowing(*arguments):
        moments, fingerprint = real(*arguments)
        calls.append(len(moments))
        if len(calls) == 1:
            first, *others = moments[0]
            moments[0] = (first._replace(scatter=first.scatter * np.nan), *others)
        return moments, fingerprint

    monkeypatch.setattr(out_of_core, "exact_moments", overflowing)
    # Mixtures of whole rows are fitted to those that are held: of z there are moments of all.
    monkeypatch.setattr("dagmm.estimators.detector.table_config", longer_config)
    model = tiny_detector().fit(table()).model_
    assert calls == [2, 1]
    assert [one.undone for one in model.record.diagnostics] == [True, False]


# Order does not matter


def longer_config(n_rows, shape, n_members):
    config = tiny_config(n_rows, shape, n_members)
    training = TrainingConfig(128, 10, 50, 3e-3, 0.1, 0.005, cosine_decay=True, warm_up=0.2)
    mixture = DensityConfig(LatentMixture, {"candidates": (1, 2, 4), "relative_floor": 1e-3})
    return DetectorConfig(config.architectures, training, ((mixture,),) * n_members)


def test_a_sorted_table_is_learnt_as_well_as_a_shuffled_one(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", longer_config)
    rows = correlated_rows(n_rows=4 * CHUNK_ROWS)
    test = np.concatenate([correlated_rows(5), broken_rows(6)])
    strange = np.arange(len(test)) >= len(test) / 2

    def quality(values):
        return roc_auc_score(strange, tiny_detector().fit(values).energy(test))

    held = quality(rows)
    monkeypatch.setattr(sampling, "MOST_NUMBERS", 6 * 3000)
    drawn, in_order = quality(rows), quality(rows[np.argsort(rows[:, 0])])
    assert min(held, drawn, in_order) > 0.8
    assert drawn == pytest.approx(held, abs=0.03)
    assert in_order == pytest.approx(held, abs=0.03)


# What is refused


def refused(path):
    with pytest.raises(InputError) as caught:
        DAGMMDetector().fit(path)
    return str(caught.value)


def test_paths_that_are_no_table_are_refused_in_words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.parquet").write_bytes(b"")
    pq.write_table(table(1), "one.parquet")
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), "none.parquet")
    assert refused("no.parquet") == (
        "'no.parquet' does not exist; expected a file that holds a table."
    )
    assert refused(tmp_path / "empty") == (
        f"{str(tmp_path / 'empty')!r} is a folder without tables, such as *.parquet and "
        "*.csv; expected those, or the path of a file. A folder of images is read with "
        "dagmm.datasets.image_folder(path)."
    )
    assert refused("empty.parquet") == ("'empty.parquet' is empty; expected a table.")
    assert refused("one.parquet") == (
        "expected at least 2 rows and 1 column, got a table of shape (1, 5)."
    )
    assert refused("none.parquet") == "'none.parquet' has no rows; expected at least 1 row."
    assert refused("-") == "X is '-'; standard input is read by the command alone, pass a path."

    class InBytes:
        def __fspath__(self):
            return b"t.parquet"

    assert refused(InBytes()) == (
        "X must be a table or the path of one as a text, got b't.parquet'."
    )


def test_a_table_that_does_not_fit_the_model_is_refused_by_its_columns(tmp_path):
    detector = tiny_detector().fit(table(50))
    pq.write_table(table(50).drop_columns(["tool"]), tmp_path / "t.parquet")
    with pytest.raises(InputError) as caught:
        detector.energy(tmp_path / "t.parquet")
    assert str(caught.value) == ("X has 4 columns, this model was fitted with 5; missing: 'tool'.")


def test_a_wrong_value_is_named_by_its_row_in_the_whole_folder(tmp_path):
    values = np.zeros(CHUNK_ROWS)
    pq.write_table(pa.table({"a": values}), tmp_path / "1.parquet")
    values[7] = np.inf
    pq.write_table(pa.table({"a": values}), tmp_path / "2.parquet")
    assert refused(tmp_path) == (
        f"column 'a' holds 1 infinite value, first at row {CHUNK_ROWS + 7}; replace them by "
        "numbers, or by NaN where there is no value."
    )


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path):
    pq.write_table(table(50), tmp_path / "1.parquet")
    rows = stored_rows(tmp_path)
    pq.write_table(table(40), tmp_path / "1.parquet")
    with pytest.raises(InputError) as caught:
        list(rows.chunks())
    assert str(caught.value) == (
        f"{str(tmp_path)!r} had 50 rows when it was opened and has 40 now; leave it as it is "
        "while it is read."
    )
