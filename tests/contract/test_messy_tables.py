"""Generated tables as plants have them: no failure without a reason, chunks equal the whole."""

import json
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagmm import InputError, TableWarning
from dagmm._core.json_fields import JsonField
from dagmm.data.convert import as_rows
from dagmm.inference.persistence.encoders import read_table_encoder, state_of_table_encoder
from dagmm.preprocessing.columns.numeric import SCALINGS
from dagmm.preprocessing.table_fit import fit_table_encoder
from small_fits import energy_of, tiny_dagmm

FEW = settings(max_examples=60, derandomize=True, deadline=None)
ROWS = 24
WORDS = np.array(["u", "v", "", "\u00fc", "1", "NA", "2024-01-01", "a,b", "\n"])
DAYS = pd.date_range("1971-01-01", periods=20_000, freq="57h")

#: One column of each kind that plants have, from a generator of random numbers.
COLUMNS = {
    "float": lambda rng: pd.Series(rng.normal(size=ROWS)),
    "any float": lambda rng: pd.Series(rng.normal(size=ROWS) * 10.0 ** rng.integers(-300, 300)),
    "float32": lambda rng: pd.Series(rng.normal(size=ROWS), dtype="float32"),
    "any int": lambda rng: pd.Series(rng.integers(-(2**62), 2**62, ROWS), dtype="Int64"),
    "int": lambda rng: pd.Series(rng.integers(0, 4, ROWS), dtype="Int8"),
    "counter": lambda rng: pd.Series(rng.permutation(ROWS)).cumsum(),
    "bool": lambda rng: pd.Series(rng.random(ROWS) < 0.5, dtype="boolean"),
    "constant": lambda rng: pd.Series(np.full(ROWS, rng.normal())),
    "word": lambda rng: pd.Series(rng.choice(WORDS, ROWS), dtype="str"),
    "serial": lambda rng: pd.Series([f"p{i}" for i in rng.permutation(ROWS)], dtype="str"),
    "category": lambda rng: pd.Series(rng.choice(WORDS, ROWS), dtype="category"),
    "date": lambda rng: pd.Series(rng.choice(DAYS, ROWS)),
    "written date": lambda rng: pd.Series(rng.choice(DAYS, ROWS)).dt.strftime("%Y/%m/%d %H:%M"),
    "duration": lambda rng: pd.Series(pd.to_timedelta(rng.integers(0, 99, ROWS), "s")),
    "mixed": lambda rng: pd.Series(rng.choice(np.array([1, 2.5, "u"], object), ROWS)),
    "numbers": lambda rng: pd.Series(rng.choice(np.array([1, 2.5, 7], object), ROWS)),
    "nothing": lambda rng: pd.Series([None] * ROWS),
}


def column(kind, holes, rng):
    made = COLUMNS[kind](rng)
    return made.mask(rng.random(ROWS) < holes) if holes else made


@st.composite
def frames(draw):
    """Tables of some columns with any names, some with holes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kinds = st.tuples(st.sampled_from(sorted(COLUMNS)), st.sampled_from([0.0, 0.1, 0.9]))
    chosen = draw(st.dictionaries(st.text(max_size=3), kinds, min_size=1, max_size=8))
    return pd.DataFrame({name: column(*kind, rng) for name, kind in chosen.items()})


def learned(frame, scaling="standard"):
    """Return the encoder of a table; None where the error says what is wrong with it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TableWarning)
            return fit_table_encoder(as_rows(frame), scaling)
    except InputError as error:
        said = str(error)
    assert said.startswith(("no column is left to fit (", "column "))
    return None


def encode(encoder, frame, size=ROWS):
    return np.concatenate([encoder.encode(chunk) for chunk in as_rows(frame).chunks(size)])


@FEW
@given(frames(), st.integers(1, ROWS), st.sampled_from(SCALINGS))
def test_encoding_in_chunks_equals_encoding_whole(frame, size, scaling):
    encoder = learned(frame, scaling)
    if encoder is not None:
        whole = encode(encoder, frame)
        assert whole.shape == (ROWS, encoder.n_features)
        assert np.isfinite(whole).all()
        np.testing.assert_array_equal(encode(encoder, frame, size), whole)
        assert set(encoder.feature_columns) == set(encoder.columns)


@FEW
@given(frames(), st.randoms())
def test_columns_are_found_by_name_in_any_order(frame, random):
    encoder = learned(frame)
    if encoder is not None:
        names = list(encoder.columns)
        random.shuffle(names)
        np.testing.assert_array_equal(encode(encoder, frame[names]), encode(encoder, frame))


@FEW
@given(frames())
def test_a_saved_encoder_is_the_same(frame):
    encoder = learned(frame)
    if encoder is not None:
        state = state_of_table_encoder(encoder)
        plain = json.loads(json.dumps(state.plain))
        _, promise = read_table_encoder(JsonField(plain, "encoder"))
        again = promise.build(state.under("encoder"))
        np.testing.assert_array_equal(encode(again, frame), encode(encoder, frame))
        assert again.unused_columns == encoder.unused_columns


MESSY = pd.DataFrame(
    {
        "temp": np.where(np.arange(60) % 9 == 0, np.nan, np.sin(np.arange(60))),
        "count": pd.array([None if i % 7 == 0 else i % 5 for i in range(60)], "Int64"),
        "on": pd.array([None if i % 11 == 0 else i % 2 == 0 for i in range(60)], "boolean"),
        "tool": ["drill", None, "mill"] * 20,
        "when": pd.date_range("2024-01-01", periods=60, freq="15h"),
        "serial": [f"p{i:02d}" for i in range(60)],
    }
)


@pytest.fixture(scope="module")
def model():
    with pytest.warns(TableWarning, match="^column 'serial' is not used: "):
        return tiny_dagmm().fit(MESSY)


def test_a_messy_table_can_be_fitted_saved_and_scored(model, tmp_path):
    energy = energy_of(model, MESSY)
    assert np.isfinite(energy).all()
    model.save(tmp_path / "m")
    again = tiny_dagmm().restore(tmp_path / "m")
    np.testing.assert_array_equal(energy_of(again, MESSY), energy)
    assert again.n_features_in_ == 6
    assert again.feature_names_in_.tolist() == list(MESSY)


@pytest.mark.parametrize("make", [pl.from_pandas, pa.Table.from_pandas])
def test_a_messy_table_has_the_same_energies_in_any_library(model, make):
    np.testing.assert_array_equal(energy_of(model, make(MESSY)), energy_of(model, MESSY))
    made = make(MESSY.drop(columns="serial"))
    np.testing.assert_array_equal(energy_of(model, made), energy_of(model, MESSY))


def test_holes_in_an_array_are_holes_in_a_frame():
    x = MESSY[["temp"]].to_numpy()
    table = np.column_stack([x, x**2, np.arange(60) % 4])
    frame = pd.DataFrame(table, columns=["x0", "x1", "x2"])
    np.testing.assert_array_equal(
        energy_of(tiny_dagmm().fit(table), table), energy_of(tiny_dagmm().fit(frame), frame)
    )
    assert np.isfinite(energy_of(tiny_dagmm().fit(table), table)).all()
