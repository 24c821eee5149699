"""Tables as their owners pass them: an index of times, lazy frames, arrays after a DataFrame."""

import warnings

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from dagmm import DAGMMDetector, InputError
from dagmm.data import frames
from dagmm.data.frames import frame_of, with_index
from dagmm.estimators import detector as detector_module
from small_fits import normal, tiny_config, tiny_window_config

NAMES = ["a", "b", "c"]
HOURLY = pd.date_range("2024-01-01", periods=60, freq="h")


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(detector_module, "table_config", tiny_config)
    monkeypatch.setattr(detector_module, "window_config", tiny_window_config)


def frame():
    return pd.DataFrame(normal(60), columns=NAMES)


def fitted(table, **arguments):
    return DAGMMDetector(n_members=1, **arguments).fit(table)


@pytest.mark.parametrize(("name", "time"), [(None, "index"), ("when", "when")])
def test_an_index_of_times_is_a_time_axis(name, time):
    plain = frame().assign(**{time: HOURLY})
    indexed = frame().set_index(HOURLY.rename(name))
    expected = fitted(plain, time=time, window=4)
    detector = fitted(indexed, time=time, window=4)
    energy = expected.energy(plain)
    np.testing.assert_array_equal(detector.energy(indexed), energy)
    np.testing.assert_array_equal(detector.energy(plain), energy)
    np.testing.assert_array_equal(detector.model_.energy(indexed), energy)
    stream = detector.stream()
    parts = [stream.update(indexed.iloc[i : i + 7]) for i in range(0, 60, 7)]
    np.testing.assert_array_equal(np.concatenate(parts), energy)
    table = detector.score_table(indexed)
    assert table.index.equals(indexed.index)


def test_an_index_of_times_orders_the_rows_without_windows_too():
    expected = fitted(frame().assign(when=HOURLY), time="when")
    detector = fitted(frame().set_index(HOURLY.rename("when")), time="when")
    assert detector.threshold_ == expected.threshold_
    np.testing.assert_array_equal(detector.energy(frame()), expected.energy(frame()))


def test_levels_of_an_index_may_be_clock_and_asset():
    plain = frame().assign(when=HOURLY, asset=["p", "q"] * 30)
    indexed = plain.set_index(["asset", "when"])
    expected = fitted(plain, time="when", group="asset", window=4)
    detector = fitted(indexed, time="when", group="asset", window=4)
    np.testing.assert_array_equal(detector.energy(indexed), expected.energy(plain))


def test_a_column_goes_before_an_index_and_other_tables_have_none():
    table = frame().assign(when=HOURLY).set_index((HOURLY + pd.Timedelta("1D")).rename("when"))
    assert with_index(table, ["when"]) is table
    assert with_index(frame(), ["when"]).columns.tolist() == NAMES
    arrays = pl.from_pandas(frame())
    assert with_index(arrays, ["index"]) is arrays
    values = normal()
    assert with_index(values, ["index"]) is values


def test_a_lazy_frame_of_polars_is_collected():
    whole = pl.from_pandas(frame())
    detector = fitted(whole.lazy())
    expected = fitted(whole)
    np.testing.assert_array_equal(detector.energy(whole.lazy()), expected.energy(whole))
    table = detector.score_table(whole.lazy())
    assert isinstance(table, pl.DataFrame)
    np.testing.assert_array_equal(table["energy"].to_numpy(), expected.energy(whole))
    assert detector.feature_names_in_.tolist() == NAMES


@pytest.mark.parametrize(
    ("library", "message"),
    [
        (
            nw.Implementation.DASK,
            "X is a Dask DataFrame, which may be larger than memory. Pass X.compute(); or score "
            "it part by part, with X.map_partitions(detector.energy, meta=(None, float)); or "
            "write it as Parquet and pass the path, which is never held whole.",
        ),
        (
            nw.Implementation.DUCKDB,
            "X is a lazy table of duckdb; collect it first, or write it as Parquet and pass the "
            "path, which is never held whole.",
        ),
    ],
)
def test_lazy_tables_that_may_be_larger_than_memory_say_what_to_do(monkeypatch, library, message):
    class Lazy(nw.LazyFrame):
        """What narwhals makes of a table of a library that is not installed here."""

        implementation = library

        def __init__(self):
            pass

    monkeypatch.setattr(frames.nw, "from_native", lambda *_, **__: Lazy())
    with pytest.raises(InputError) as caught:
        frame_of(object())
    assert str(caught.value) == message


@pytest.mark.parametrize("make", [pd.DataFrame, pl.from_pandas, pa.Table.from_pandas])
def test_an_array_after_a_data_frame_is_taken_with_a_warning_of_scikit_learn(make):
    table = make(frame())
    detector = fitted(table)
    values = frame().to_numpy()
    words = "X does not have valid feature names, but DAGMMDetector was fitted with feature names"
    for method in ("energy", "score_samples", "predict", "transform", "reconstruct"):
        with pytest.warns(UserWarning, match=words):
            found = getattr(detector, method)(values)
        expected = getattr(detector, method)(frame())
        np.testing.assert_array_equal(found, np.asarray(expected))
    with (
        pytest.warns(UserWarning, match=words),
        pytest.raises(ValueError, match="X has 2 features, but DAGMMDetector is expecting 3"),
    ):
        detector.energy(values[:, :2])


def test_columns_of_an_array_are_those_of_the_fit_unused_ones_among_them():
    table = frame().assign(d=frame()["a"] ** 2)
    detector = fitted(table, drop=["b"])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        energy = detector.energy(table.to_numpy())
    np.testing.assert_array_equal(energy, detector.energy(table))


def test_shapley_values_by_kernel_add_up_to_the_score():
    """Calls ``score_samples`` as SHAP's KernelExplainer does: with arrays of mixed rows."""
    table = frame()
    detector = fitted(table)
    background, row = table.to_numpy()[:5], table.to_numpy()[7]
    masks = np.array(np.meshgrid(*[[0, 1]] * 3)).reshape(3, -1).T.astype(bool)
    mixed = np.concatenate([np.where(mask, row, background) for mask in masks])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        value = detector.score_samples(mixed).reshape(len(masks), 5).mean(axis=1)
    by_mask = dict(zip(map(tuple, masks), value, strict=True))
    assert by_mask[True, True, True] == pytest.approx(detector.score_samples(table)[7])
    expected = detector.score_samples(table)[:5].mean()
    assert by_mask[False, False, False] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("column", "arguments", "name"),
    [
        (["drill", "mill"] * 30, {}, "d"),
        (pd.date_range("2024-01-01", periods=60, freq="11h"), {}, "d"),
        (HOURLY, {"time": "d", "window": 4}, "d"),
    ],
)
def test_an_array_is_refused_where_the_fit_saw_more_than_numbers(column, arguments, name):
    detector = fitted(frame().assign(d=column), **arguments)
    with (
        pytest.warns(UserWarning, match="does not have valid feature names"),
        pytest.raises(InputError) as caught,
    ):
        detector.energy(normal(5, 4))
    assert str(caught.value) == (
        "X is an array, whose columns have no names and hold numbers; this model needs column "
        f"{name!r}, which the fit found by its name. Pass a DataFrame."
    )
