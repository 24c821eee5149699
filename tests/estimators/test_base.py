"""What both estimators must withstand: strange tables, strange types, wrong tables."""

import copy
import pickle
import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dagmm import ArgumentError, DAGMMDetector, InputError
from dagmm.data.convert import as_rows
from dagmm.networks.residual import ERROR_FLOOR
from images import blobs
from small_fits import (
    energy_of,
    in_float64,
    normal,
    tiny_config,
    tiny_dagmm,
    tiny_detector,
)

MAKERS = [tiny_dagmm, tiny_detector]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("dagmm.estimators.detector.table_config", tiny_config)


@pytest.fixture(params=MAKERS, ids=["DAGMM", "DAGMMDetector"])
def make(request):
    return request.param


@pytest.fixture(params=MAKERS, ids=["DAGMM", "DAGMMDetector"], scope="module")
def fitted(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dagmm.estimators.detector.table_config", tiny_config)
        yield request.param().fit(normal())


def exactly(message):
    return f"^{re.escape(message)}$"


def check_finite(make, table, scored=None):
    scored = table if scored is None else scored
    estimator = make().fit(table)
    energy = energy_of(estimator, scored)
    assert energy.dtype == np.float64
    assert energy.shape == (len(scored),)
    assert np.isfinite(energy).all()
    return estimator, energy


def with_value(value, row, column, n_rows=40):
    x = normal(n_rows)
    x[row, column] = value
    return x


# Values that cannot be used ----------------------------------------------------------------


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values_are_named_by_column_and_first_row(make, value):
    message = exactly(
        "column 'x1' holds 1 infinite value, first at row 7; replace them by numbers, or by NaN "
        "where there is no value."
    )
    with pytest.raises(InputError, match=message):
        make().fit(with_value(value, 7, 1))


def test_infinite_values_are_named_when_scoring(fitted):
    message = exactly(
        "column 'x2' holds 2 infinite values, first at row 9000; replace them by numbers, or by "
        "NaN where there is no value."
    )
    x = with_value(np.inf, [9000, 9001], 2, n_rows=10_000)
    with pytest.raises(InputError, match=message):
        energy_of(fitted, x)


def test_infinite_values_are_named_in_later_chunks(make):
    message = exactly(
        "column 'x0' holds 1 infinite value, first at row 8200; replace them by numbers, or by "
        "NaN where there is no value."
    )
    with pytest.raises(InputError, match=message):
        make().fit(with_value(np.inf, 8200, 0, n_rows=9000))


def test_text_in_an_array_is_named(make):
    x = normal().astype(object)
    x[3, 1] = "tcp"
    message = exactly(
        "X holds 'tcp' in column 'x1', row 3; an array must hold numbers. "
        "Pass a DataFrame to have text encoded."
    )
    with pytest.raises(InputError, match=message):
        make().fit(x)


def test_something_else_in_an_array_is_a_type_error(make):
    x = normal().astype(object)
    x[3, 1] = {"a": 1}
    message = exactly(
        "X holds {'a': 1} in column 'x1', row 3; each cell of this argument must be a string "
        "of digits or a number."
    )
    with pytest.raises(TypeError, match=message):
        make().fit(x)


def test_dates_in_an_array_are_refused(make):
    message = exactly("X must hold real numbers, got an array of dtype datetime64[D].")
    with pytest.raises(InputError, match=message):
        make().fit(np.zeros((40, 3), "datetime64[D]"))


def test_rows_of_different_length_are_refused(make):
    message = exactly("X must be a table whose rows all have one length.")
    with pytest.raises(InputError, match=message):
        make().fit([[1.0, 2.0], [3.0]])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.empty((0, 3)), "Found array with 0 sample(s)"),
        (np.empty((40, 0)), "Found array with 0 feature(s)"),
        (np.empty((0, 0)), "Found array with 0 sample(s)"),
        (np.ones((1, 3)), "Found array with 1 sample(s) (shape=(1, 3)) while a minimum of 2"),
        (np.ones(5), "Expected 2D array, got 1D array instead"),
        (
            np.ones((5, 2, 2)),
            "X has images of 2 x 2 pixels; expected at least 8 x 8. A table has 2 axes, X has 3.",
        ),
        ([], "Expected 2D array, got 1D array instead"),
        (np.float64(1.0), "Expected 2D array, got scalar array instead"),
        (None, "Expected 2D array, got scalar array instead"),
    ],
)
def test_what_is_no_table_is_refused(make, table, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make().fit(table)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            pd.DataFrame({"a": [1.0]}),
            "expected at least 2 rows and 1 column, got a table of shape (1, 1).",
        ),
        (
            pl.DataFrame({"a": []}),
            "expected at least 2 rows and 1 column, got a table of shape (0, 1).",
        ),
        (
            pd.DataFrame(index=range(5)),
            "expected at least 2 rows and 1 column, got a table of shape (5, 0).",
        ),
        (
            pd.DataFrame(np.ones((4, 2)), columns=["a", "a"]),
            "column 'a' appears 2 times; each column needs a name of its own.",
        ),
        (
            pa.table([[1.0, 2.0], [1.0, 2.0]], ["b", "b"]),
            "column 'b' appears 2 times; each column needs a name of its own.",
        ),
        (
            pl.DataFrame({"t": [[1], [2]]}),
            "column 't' has type List(Int64); expected numbers, booleans, text or dates. "
            "Convert it, or leave it out.",
        ),
        (
            pd.DataFrame({"id": [f"row {i}" for i in range(30)]}),
            "no column is left to fit ('id': it holds 30 different texts in 30 rows, which "
            "identifies rows rather than describing them). Add a column that describes the rows.",
        ),
        (
            pd.DataFrame({"a": [np.nan, np.nan]}),
            "no column is left to fit ('a': it has no value in any row). Add a column that "
            "describes the rows.",
        ),
        (
            pd.DataFrame({"id": pd.Categorical([f"row {i}" for i in range(30)]), "a": 1.0}),
            "column 'id' is said to hold categories, but it holds 30 different texts in 30 rows, "
            "which identifies rows rather than describing them; leave it out of the fit.",
        ),
    ],
)
def test_frame_that_cannot_be_used_is_refused(make, frame, message):
    with pytest.raises(InputError, match=exactly(message)):
        make().fit(frame)


# Tables that just work ---------------------------------------------------------------------

TABLES = {
    "all zero": np.zeros((40, 3)),
    "every row the same": np.tile([1.5, -2.0, 1e9], (40, 1)),
    "constant column": np.column_stack([normal()[:, :2], np.full(40, 7.0)]),
    "zero row": with_value(0.0, 5, [0, 1, 2]),
    "few integer rows": np.random.default_rng(0).integers(0, 2, (5000, 3)),
    "scales": normal() * [1e-30, 1.0, 1e30],
    "wild scales": normal() * [1e-300, 1.0, 1e300],
    "subnormal": normal() * [5e-324, 1e-310, 1.0],
    "largest": np.where(normal() > 0, np.finfo(float).max, np.finfo(float).min),
    "perfectly correlated": normal(40, 1) * [1.0, -2.0, 3.0],
    "one outlier": with_value(1e12, 0, 0),
    "offset": normal() + 1e12,
    "two rows": normal(2),
    "one column": normal(40, 1),
}


@pytest.mark.filterwarnings("ignore::dagmm._core.errors.FewRowsWarning")
@pytest.mark.filterwarnings("ignore:.*these look the same to the model:dagmm.TableWarning")
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_energies_are_finite(make, table):
    check_finite(make, table)


def arrays():
    x = normal() * 10
    fortran = np.asfortranarray(x)
    strided = np.repeat(x, 2, axis=0)[::2, ::-1]
    read_only = x.copy()
    read_only.flags.writeable = False
    return {
        "float16": x.astype(np.float16),
        "float32": x.astype(np.float32),
        "longdouble": x.astype(np.longdouble),
        "int8": x.astype(np.int8),
        "uint64": np.abs(x).astype(np.uint64) + np.uint64(2**63),
        "bool": x > 0,
        "object": x.astype(object),
        "text of digits": x.astype(str),
        "big endian": x.astype(">f8"),
        "fortran": fortran,
        "strided": strided,
        "read only": read_only,
        "list": x.tolist(),
        "tuples": tuple(map(tuple, x.tolist())),
        "list of bools": (x > 0).tolist(),
    }


@pytest.mark.parametrize("table", arrays().values(), ids=arrays())
def test_types_of_arrays_just_work(make, table):
    check_finite(make, table)


def test_array_in_another_order_or_type_has_the_same_energies(fitted):
    x = normal(seed=1)
    energy = energy_of(fitted, x)
    for same in (np.asfortranarray(x), x.tolist(), x.astype(object), x[::-1][::-1]):
        np.testing.assert_array_equal(energy_of(fitted, same), energy)


def test_read_only_memory_map_just_works(make, tmp_path):
    np.save(tmp_path / "x.npy", normal())
    check_finite(make, np.load(tmp_path / "x.npy", mmap_mode="r"))


def test_more_components_than_rows_and_a_code_wider_than_the_table():
    check_finite(lambda: tiny_dagmm(comp_hiddens=[4, 6], est_hiddens=[4, 9]), normal(5))


def test_minibatch_of_one():
    check_finite(lambda: tiny_dagmm(minibatch_size=1), normal(10))


def test_table_without_scaling():
    check_finite(lambda: tiny_dagmm(normalize=False), normal())
    message = (
        "column 'x1' reaches 1e+07; without scaling, values must lie within +-1e+06. "
        "Turn scaling on (normalize=True) or scale the column."
    )
    with pytest.raises(InputError, match=exactly(message)):
        tiny_dagmm(normalize=False).fit(with_value(1e7, 0, 1))


@pytest.mark.parametrize("value", [1e30, -1e30, 1e300, np.finfo(float).max])
def test_extreme_rows_have_finite_energies(fitted, value):
    assert np.isfinite(
        energy_of(fitted, np.array([[value, 0.0, 0.0], [value, value, -value]]))
    ).all()


# DataFrames --------------------------------------------------------------------------------

COLUMNS = {
    "a": np.arange(40.0),
    "is_open": np.arange(40) % 3 == 0,
    "kind": ["tcp", "udp", None, "icmp"] * 10,
    "n": np.arange(40) % 7,
}


def frames():
    typed = pd.DataFrame(COLUMNS).astype(
        {"kind": "category", "n": "Int64", "is_open": "boolean", "a": "Float32"}
    )
    return {
        "pandas": pd.DataFrame(COLUMNS),
        "pandas object": pd.DataFrame(COLUMNS).astype({"kind": object}),
        "pandas typed": typed,
        "polars": pl.DataFrame(COLUMNS),
        "polars categorical": pl.DataFrame(COLUMNS).with_columns(
            pl.col("kind").cast(pl.Categorical)
        ),
        "arrow": pa.table(COLUMNS),
        "arrow dictionary": pa.table(
            COLUMNS | {"kind": pa.array(COLUMNS["kind"]).dictionary_encode()}
        ),
    }


@pytest.mark.parametrize("frame", frames().values(), ids=frames())
def test_frame_of_any_library_has_the_same_energies(make, frame):
    estimator, energy = check_finite(make, frame)
    assert estimator.feature_names_in_.tolist() == list(COLUMNS)
    assert estimator.n_features_in_ == 4
    np.testing.assert_array_equal(energy, energy_of(make().fit(frames()["pandas"]), frame))


def test_unseen_category_and_hole_are_not_the_same(make):
    estimator = make().fit(pd.DataFrame(COLUMNS))
    row = {"a": [3.0], "is_open": [True], "n": [1]}
    first, second, hole = (
        energy_of(estimator, pd.DataFrame(row | {"kind": pd.Series([kind], dtype="str")}))
        for kind in ("gre", "esp", None)
    )
    np.testing.assert_array_equal(first, second)
    assert first != hole


def test_columns_without_text_names(make):
    x = normal()
    for frame in (
        pd.DataFrame(x),
        pd.DataFrame(x, columns=pd.MultiIndex.from_product([["s"], ["a", "b", "c"]])),
    ):
        estimator, energy = check_finite(make, frame)
        assert not hasattr(estimator, "feature_names_in_")
        np.testing.assert_array_equal(energy, energy_of(make().fit(x), x))


@pytest.mark.filterwarnings("ignore::dagmm._core.errors.FewRowsWarning")
def test_text_where_the_model_has_numbers_is_refused(make):
    estimator = make().fit(pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["u", "v", "u"]}))
    message = "column 'a' holds text, such as 'u'; this model was fitted on numbers there."
    with pytest.raises(InputError, match=exactly(message)):
        energy_of(estimator, pd.DataFrame({"a": ["u"], "b": ["u"]}))


# Wrong tables at scoring time --------------------------------------------------------------


def test_wrong_width_is_refused(fitted):
    name = type(fitted).__name__
    message = f"X has 2 features, but {name} is expecting 3 features as input."
    with pytest.raises(ValueError, match=exactly(message)):
        energy_of(fitted, normal(5, 2))


def test_wrong_column_names_are_refused(make):
    estimator = make().fit(pd.DataFrame(normal(), columns=["a", "b", "c"]))
    message = "X has 3 columns, this model was fitted with 3; missing: 'c'."
    wrong = pd.DataFrame(normal(), columns=["a", "b", "d"])
    for score in (estimator.model_.energy, estimator.score_table):
        with pytest.raises(InputError, match=exactly(message)):
            score(wrong)


def test_columns_are_found_by_name(make):
    frame = pd.DataFrame(normal(), columns=["a", "b", "c"])
    estimator = make().fit(frame)
    np.testing.assert_array_equal(
        energy_of(estimator, frame[["c", "a", "b"]].assign(more="x")), energy_of(estimator, frame)
    )


@pytest.mark.parametrize("name", ["pandas", "polars", "arrow"])
def test_scores_come_back_as_what_came(make, name):
    frame = frames()[name]
    estimator = make().fit(frames()["pandas"])
    if name == "pandas":
        frame = frame.set_axis([f"row {i}" for i in range(40)])
    scores = estimator.score_table(frame)
    assert type(scores) is type(frame)
    if name == "pandas":
        assert scores.index.equals(frame.index)
    names = scores.column_names if name == "arrow" else list(scores.columns)
    decides = isinstance(estimator, DAGMMDetector)
    assert names == (["energy", "is_anomaly"] if decides else ["energy"])
    np.testing.assert_array_equal(np.asarray(scores["energy"]), energy_of(estimator, frame))
    if decides:
        np.testing.assert_array_equal(
            np.asarray(scores["is_anomaly"]), estimator.predict(frame) == -1
        )


def test_scores_of_an_array_are_an_array(fitted):
    scores = fitted.score_table(normal().tolist())
    np.testing.assert_array_equal(scores["energy"], energy_of(fitted, normal()))
    assert scores.shape == (40,)


def test_one_row_and_no_row_can_be_scored(fitted):
    assert energy_of(fitted, normal(1)).shape == (1,)
    assert fitted.model_.energy(np.empty((0, 3))).shape == (0,)


@pytest.mark.parametrize("method", ["predict", "energy", "score_samples", "save"])
def test_scoring_before_fitting(make, method, tmp_path):
    estimator = make()
    if not hasattr(estimator, method):
        pytest.skip("a method of the other class")
    with pytest.raises(NotFittedError, match=r"instance is not fitted yet"):
        getattr(estimator, method)(tmp_path / "m" if method == "save" else normal())


# The protocol ------------------------------------------------------------------------------


def test_energy_does_not_depend_on_the_other_rows(fitted):
    x = normal(9000, seed=3)
    energy = energy_of(fitted, x)
    for i in (0, 511, 512, 8191, 8192, 8999):
        np.testing.assert_allclose(energy_of(fitted, x[i : i + 1]), energy[i : i + 1], rtol=1e-5)


def test_copies_have_the_same_energies(fitted):
    x = normal(seed=2)
    for other in (copy.copy(fitted), copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(energy_of(other, x), energy_of(fitted, x))


def test_clone_is_not_fitted_and_has_the_arguments(fitted):
    other = clone(fitted)
    assert not hasattr(other, "model_")
    assert other.get_params() == fitted.get_params()


def test_set_params(make):
    estimator = make().set_params(verbose=1)
    assert estimator.get_params()["verbose"] == 1
    with pytest.raises(ValueError, match="Invalid parameter 'n_membres'"):
        estimator.set_params(n_membres=3)


def test_constructor_stores_arguments_as_they_are(make):
    wrong = object()
    for name in make().get_params():
        assert getattr(make(**{name: wrong}), name) is wrong


def test_pipeline(make):
    pipeline = make_pipeline(StandardScaler(), make()).fit(normal())
    assert pipeline.predict(normal()).shape == (40,)


def test_fit_again_forgets_the_table_before(make):
    estimator = make().fit(pd.DataFrame(normal(40, 2), columns=["a", "b"]))
    estimator.fit(normal())
    assert estimator.n_features_in_ == 3
    assert not hasattr(estimator, "feature_names_in_")
    np.testing.assert_array_equal(
        energy_of(estimator, normal()), energy_of(make().fit(normal()), normal())
    )


def test_training_does_not_change_the_table(make):
    x = normal()
    before = x.copy()
    make().fit(x)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("verbose", object, "<class 'object'>"),
        ("verbose", float("inf"), "inf"),
        ("verbose", {}, "{}"),
    ],
)
def test_argument_that_cannot_be_saved_is_refused(fitted, tmp_path, name, value, shown):
    estimator = copy.copy(fitted).set_params(**{name: value})
    with pytest.raises(ArgumentError, match=re.escape(shown)):
        estimator.save(tmp_path / "m")
    assert not (tmp_path / "m").exists()


# What a scientist asks ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def scientists():
    """A table with numbers and a text, and a detector of two networks of it."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(50.0, 5.0, size=(300, 2)), columns=["a", "b"])
    frame["c"] = rng.choice(["x", "y"], 300)
    frame.index = frame.index + 7
    config = {
        "comp_hiddens": [16, 4],
        "residuals": ["log_error"],
        "epochs": 10,
        "steps_per_epoch": 50,
        "learning_rate": 5e-3,
        "batch_size": 64,
        "mask_ratio": 0.0,
        "cycles": 1,
        "densities": ["row_mixture"],
    }
    return DAGMMDetector(n_members=2, config=config).fit(frame), frame


def test_z_is_code_and_residual_of_all_networks(scientists):
    detector, frame = scientists
    z = detector.transform(frame)
    names = detector.get_feature_names_out()
    assert z.shape == (300, 10) == (300, len(names))
    assert (names[4], names[5]) == ("network0_log_error", "network1_code0")
    features = detector.model_.encoder.encode(next(iter(as_rows(frame).chunks())))
    outputs = [network.outputs(features) for network in detector.model_.networks]
    for i, (network, one) in enumerate(zip(detector.model_.networks, outputs, strict=True)):
        # Code and residuals of all features are what densities see; z has the paper's number.
        code, residual = one.seen[:4], one.seen[4:]
        np.testing.assert_array_equal(z[:, 5 * i : 5 * i + 4], code.T)
        error = np.log((residual.astype(np.float64) ** 2).sum(axis=0) + ERROR_FLOOR)
        np.testing.assert_allclose(z[:, 5 * i + 4], error, rtol=1e-4, atol=1e-5)
        assert network.architecture.whole_row
    gamma = detector.membership(frame, network=1)
    np.testing.assert_array_equal(gamma, outputs[1].gamma.T)
    np.testing.assert_allclose(gamma.sum(axis=1), 1.0, rtol=1e-5)
    assert detector.transform(frame.head(1)).shape == (1, 10)
    with pytest.raises(ArgumentError) as caught:
        detector.membership(frame, network=2)
    assert str(caught.value) == "network must be below 2, the number of networks, got 2."


def test_z_comes_as_a_frame_where_that_is_asked_for(scientists):
    detector, frame = scientists
    again = clone(detector).set_output(transform="pandas").fit(frame)
    made = again.transform(frame)
    assert made.columns.tolist() == again.get_feature_names_out().tolist()
    assert made.index.equals(frame.index)


def test_rows_are_rebuilt_in_the_users_units(scientists):
    detector, frame = scientists
    rebuilt = detector.reconstruct(frame)
    assert isinstance(rebuilt, pd.DataFrame)
    assert rebuilt.index.equals(frame.index)
    assert (rebuilt["c"] == frame["c"]).mean() > 0.9
    for name in ("a", "b"):
        assert np.corrcoef(rebuilt[name], frame[name])[0, 1] > 0.8
        assert rebuilt[name].mean() == pytest.approx(50.0, abs=2.0)


def test_an_array_is_rebuilt_as_an_array():
    x = np.column_stack([normal(60, 2), np.full(60, np.nan)])
    rebuilt = tiny_dagmm(drop="x2").fit(x).reconstruct(x)
    assert rebuilt.shape == x.shape
    assert np.isfinite(rebuilt[:, :2]).all()
    assert np.isnan(rebuilt[:, 2]).all()


def test_images_are_rebuilt_as_images():
    images = blobs(n=20)
    rebuilt = tiny_dagmm().fit(images).reconstruct(images)
    assert rebuilt.shape == (20, 9, 8, 1)
    assert rebuilt.mean() == pytest.approx(images.mean(), abs=0.2)


@pytest.mark.parametrize("make", [tiny_dagmm, tiny_detector], ids=["DAGMM", "DAGMMDetector"])
def test_a_warm_start_goes_on_with_the_networks(make):
    x = normal(60)
    model = make(warm_start=True).fit(x)
    first = [network.parameters for network in model.model_.networks]
    model._take(in_float64(model.model_))  # which training does not take
    again = model.fit(x)
    assert again is model
    moved = [network.parameters for network in model.model_.networks]
    cold = [network.parameters for network in make().fit(x).model_.networks]
    for before, after, drawn in zip(first, moved, cold, strict=True):
        # Training on moves parameters by far less than drawing others does.
        assert 0.0 < np.abs(after - before).max() < 0.1
        np.testing.assert_array_equal(drawn, before)


def test_a_warm_start_needs_networks_of_the_same_shape():
    model = tiny_dagmm(warm_start=True).fit(normal(60, 3))
    with pytest.raises(ArgumentError) as caught:
        model.fit(normal(60, 5))
    assert str(caught.value) == (
        "warm_start goes on with the networks of the fit before, and this one has others: 1 of "
        "5-4-2 instead of 1 of 3-4-2. Fit a table with the same columns and categories, or "
        "without warm_start."
    )
    with pytest.raises(ArgumentError, match=r"^warm_start must be one of True, False, got 'yes'"):
        tiny_dagmm(warm_start="yes").fit(normal())
